//! Numbers and times as the API writes them.

use crate::model::{Millis, Sample};
use serde::de::{Deserialize, Deserializer, Error, SeqAccess, Visitor};
use std::fmt;

/// Prometheus' ordinary NaN (`model/value/value.go`); JSON says only `NaN`.
const NORMAL_NAN_BITS: u64 = 0x7ff8_0000_0000_0001;

/// Times beyond this many ms on either side of 1970 are not exact as float seconds, and are nobody's data.
const MAX_MILLIS: f64 = 9_007_199_254_740_992.0;

/// Reads a sample value: a decimal number, `NaN`, `+Inf`, `-Inf` or `Inf`. `None` for anything else, a
/// number beyond the range of `f64` included.
pub(super) fn parse_value(text: &str) -> Option<f64> {
    match text {
        "NaN" => Some(f64::from_bits(NORMAL_NAN_BITS)),
        "+Inf" | "Inf" => Some(f64::INFINITY),
        "-Inf" => Some(f64::NEG_INFINITY),
        number => number.parse::<f64>().ok().filter(|value| value.is_finite()),
    }
}

/// A value in its shortest form, so that two servers' texts of one number are equal.
pub(super) fn value_text(value: f64) -> String {
    if value.is_nan() {
        "NaN".to_owned()
    } else if value == f64::INFINITY {
        "+Inf".to_owned()
    } else if value == f64::NEG_INFINITY {
        "-Inf".to_owned()
    } else {
        value.to_string()
    }
}

/// Seconds, possibly with a fraction, to ms, rounded to the nearest: the float nearest to `1.001` may lie
/// below it, and cutting its thousandfold off would give 1000. `None` when out of range.
pub(super) fn to_millis(seconds: f64) -> Option<Millis> {
    let millis = (seconds * 1000.0).round();
    // In range, so the conversion is exact.
    #[allow(clippy::cast_possible_truncation)]
    (millis.abs() <= MAX_MILLIS).then_some(millis as Millis)
}

/// A sample value: text, as documented, or a bare number.
#[derive(Clone, Copy)]
pub(super) struct Value(pub f64);

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor).map(Self)
    }
}

/// A time in seconds: a number, as documented, or its text.
#[derive(Clone, Copy)]
pub(super) struct Time(pub Millis);

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let seconds = deserializer.deserialize_any(ValueVisitor)?;
        to_millis(seconds).map(Self).ok_or_else(|| D::Error::custom("time out of range"))
    }
}

struct ValueVisitor;

impl Visitor<'_> for ValueVisitor {
    type Value = f64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number")
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<f64, E> {
        Ok(value)
    }

    #[allow(clippy::cast_precision_loss)]
    fn visit_i64<E: Error>(self, value: i64) -> Result<f64, E> {
        Ok(value as f64)
    }

    #[allow(clippy::cast_precision_loss)]
    fn visit_u64<E: Error>(self, value: u64) -> Result<f64, E> {
        Ok(value as f64)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<f64, E> {
        parse_value(text).ok_or_else(|| {
            let start: String = text.chars().take(40).collect();
            E::custom(format_args!("`{start}` is not a number"))
        })
    }
}

/// `[seconds, "value"]`.
pub(super) struct Point(pub Sample);

impl<'de> Deserialize<'de> for Point {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        pair::<D, Value>(deserializer).map(|(timestamp, Value(value))| Self(Sample { timestamp, value }))
    }
}

/// `[seconds, V]`.
pub(super) fn pair<'de, D, V>(deserializer: D) -> Result<(Millis, V), D::Error>
where
    D: Deserializer<'de>,
    V: Deserialize<'de>,
{
    struct PairVisitor<V>(std::marker::PhantomData<V>);
    impl<'de, V: Deserialize<'de>> Visitor<'de> for PairVisitor<V> {
        type Value = (Millis, V);

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a pair of time and value")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
            let short = || A::Error::custom("a pair has fewer than two elements");
            let Time(at) = seq.next_element()?.ok_or_else(short)?;
            let value = seq.next_element()?.ok_or_else(short)?;
            if seq.next_element::<serde::de::IgnoredAny>()?.is_some() {
                return Err(A::Error::custom("a pair has more than two elements"));
            }
            Ok((at, value))
        }
    }
    deserializer.deserialize_seq(PairVisitor(std::marker::PhantomData))
}

#[cfg(test)]
mod tests {
    use super::{Point, parse_value, to_millis, value_text};
    use proptest::prelude::*;

    #[test]
    fn values_of_both_servers_are_the_same_number() {
        let long = format!("{}1", "0.".to_owned() + &"0".repeat(309));
        assert_eq!(parse_value("1e-310"), parse_value(&long));
        assert_eq!(parse_value("+Inf"), Some(f64::INFINITY));
        assert_eq!(parse_value("-Inf"), Some(f64::NEG_INFINITY));
        assert_eq!(parse_value("NaN").map(f64::to_bits), Some(0x7ff8_0000_0000_0001));
        assert_eq!(parse_value("-0").map(f64::to_bits), Some((-0.0f64).to_bits()));
        for wrong in ["", " 1", "1 ", "0x10", "1e999", "infinity", "nan", "1,5"] {
            assert_eq!(parse_value(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn times_are_rounded_not_cut() {
        assert_eq!(to_millis(1_700_000_000.001), Some(1_700_000_000_001));
        // 4.35 * 1000 is 4350.000000000001 and 1.001 * 1000 is 1000.9999999999999.
        assert_eq!(to_millis(1.001), Some(1001));
        assert_eq!(to_millis(-0.0005), Some(-1));
        assert_eq!(to_millis(f64::NAN), None);
        assert_eq!(to_millis(1e300), None);
    }

    #[test]
    fn a_pair_has_two_elements() {
        let read = |text: &str| serde_json::from_str::<Point>(text).map(|point| point.0);
        assert_eq!(read(r#"[1.5,"2"]"#).map(|s| (s.timestamp, s.value)).ok(), Some((1500, 2.0)));
        assert_eq!(read(r#"["1.5",2]"#).map(|s| (s.timestamp, s.value)).ok(), Some((1500, 2.0)));
        for wrong in
            [r#"[1.5]"#, r#"[1.5,"2",3]"#, r#"[1.5,"x"]"#, r#"[1e300,"2"]"#, r#"{"a":1}"#, "[null,1]"]
        {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn every_ms_survives_float_seconds(at in -4_000_000_000_000i64..100_000_000_000_000) {
            let text = serde_json::to_string(&(at as f64 / 1000.0)).unwrap();
            let back: f64 = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(to_millis(back), Some(at));
        }

        #[test]
        fn every_value_survives_its_text(bits: u64) {
            let value = f64::from_bits(bits);
            let back = parse_value(&value_text(value)).unwrap();
            prop_assert!(back.to_bits() == bits || value.is_nan() && back.is_nan());
        }
    }
}
