//! Numbers of the text protocols. Short decimal ones, which nearly all are, are read without the general parser;
//! what comes out is bit for bit what `str::parse` gives.

use super::{Refusal, RefusalKind};
use std::fmt::Display;

/// A decimal number as `str::parse` reads it.
pub fn parse(raw: &str) -> Option<f64> {
    match decimal(raw.as_bytes()) {
        Some((value, [])) => Some(value),
        _ => raw.parse().ok(),
    }
}

/// A finite decimal number, `context` first in what is said of one that is none.
///
/// # Errors
/// No number, or one that is not finite.
pub fn finite(raw: &str, context: impl Display) -> Result<f64, Refusal> {
    let value = parse(raw).ok_or_else(|| {
        Refusal::new(RefusalKind::Number, format!("{context} has invalid numeric value '{raw}'"))
    })?;
    if !value.is_finite() {
        return Err(Refusal::new(RefusalKind::Number, format!("{context} must be finite")));
    }
    Ok(value)
}

/// The value of an `InfluxDB` field at the start of `bytes`, up to a comma, a blank or the end, and what is behind
/// it. `None` is no verdict: the exact way has to decide.
pub fn field(bytes: &[u8]) -> Option<(f64, &[u8])> {
    match decimal(bytes) {
        Some((value, rest @ ([] | [b',' | b' ', ..]))) => return Some((value, rest)),
        Some((_, [b'i' | b'u', ..])) => {
            let (value, rest) = integer(bytes)?;
            return match rest {
                [b'i', rest @ ..] if ends(rest) => Some((value as f64, rest)),
                // An unsigned number has no sign, not even before a zero.
                [b'u', rest @ ..] if ends(rest) && bytes.first() != Some(&b'-') => Some((value as f64, rest)),
                _ => None,
            };
        }
        _ => {}
    }
    // Exponents and more digits than fit: these bytes alone make a number, or nothing at all.
    let end = bytes.iter().position(|byte| matches!(byte, b',' | b' ')).unwrap_or(bytes.len());
    let (raw, rest) = bytes.split_at_checked(end)?;
    let plain = raw.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E'));
    let value: f64 = std::str::from_utf8(raw).ok().filter(|_| plain)?.parse().ok()?;
    value.is_finite().then_some((value, rest))
}

fn ends(rest: &[u8]) -> bool {
    matches!(rest, [] | [b',' | b' ', ..])
}

/// An integer of up to 19 digits, as timestamps in nanoseconds have, at the start of `bytes`, and what is behind it.
pub fn integer(bytes: &[u8]) -> Option<(i64, &[u8])> {
    let (negative, digits) = sign(bytes);
    let (value, count, rest) = accumulate(0, digits);
    if !(1..=19).contains(&count) {
        return None;
    }
    let value = i64::try_from(value).ok()?;
    Some((if negative { -value } else { value }, rest))
}

/// A number of digits and at most one point at the start of `bytes`, and what is behind it; `None` when there is
/// none, or when it has more digits than are exact here.
fn decimal(bytes: &[u8]) -> Option<(f64, &[u8])> {
    /// The powers of ten that an `f64` holds exactly.
    const POWERS: [f64; 20] = [
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17,
        1e18, 1e19,
    ];
    let (negative, digits) = sign(bytes);
    let (mut mantissa, mut count, mut rest) = accumulate(0, digits);
    let mut fraction = 0;
    if let [b'.', behind @ ..] = rest {
        (mantissa, fraction, rest) = accumulate(mantissa, behind);
        count += fraction;
    }
    // Nineteen digits fit into 64 bits. A mantissa of 53 bits and such a power are both exact, and one division
    // rounds once, as the standard asks for.
    if !(1..=19).contains(&count) || mantissa > 1 << 53 {
        return None;
    }
    let value = mantissa as f64 / POWERS.get(fraction)?;
    Some((if negative { -value } else { value }, rest))
}

fn sign(bytes: &[u8]) -> (bool, &[u8]) {
    match bytes {
        [b'-', rest @ ..] => (true, rest),
        _ => (false, bytes),
    }
}

/// Appends digits to a number: the number, how many they were, and what is behind them. Wraps past 19 digits.
fn accumulate(start: u64, bytes: &[u8]) -> (u64, usize, &[u8]) {
    let mut value = start;
    let mut rest = bytes;
    while let [digit @ b'0'..=b'9', behind @ ..] = rest {
        value = value.wrapping_mul(10).wrapping_add(u64::from(digit - b'0'));
        rest = behind;
    }
    (value, bytes.len() - rest.len(), rest)
}

#[cfg(test)]
mod tests {
    use super::{field, finite, integer};
    use proptest::prelude::*;

    fn number() -> impl Strategy<Value = String> {
        prop_oneof![
            "[-+]?[0-9]{0,22}(\\.[0-9]{0,22})?([eE][-+]?[0-9]{0,3})?[iu]?",
            any::<f64>().prop_map(|value| value.to_string()),
            any::<f64>().prop_map(|value| format!("{value:e}")),
            any::<i64>().prop_map(|value| format!("{value}i")),
            any::<i32>().prop_map(|value| format!("{value}u")),
            any::<f32>().prop_map(|value| value.to_string()),
            (-1_000_000i64..1_000_000, 0usize..8).prop_map(|(a, b)| format!("{:.b$}", a as f64 / 1000.0)),
            "inf|-inf|NaN|nan|infinity|0x10|1_0|-|\\.|-\\.|-0|-0\\.0|-0i|9007199254740993|1e400",
        ]
    }

    proptest! {
        #[test]
        fn numbers_are_bit_for_bit_those_of_the_library(raw in number()) {
            let theirs = raw.parse::<f64>().ok().filter(|value| value.is_finite());
            prop_assert_eq!(finite(&raw, "x").ok().map(f64::to_bits), theirs.map(f64::to_bits));
            // Of a field, whatever is decided has to be right, and plain numbers are decided.
            let signed = raw.strip_suffix('i').map(|raw| raw.parse::<i64>().ok().map(|value| value as f64));
            let unsigned = raw.strip_suffix('u').map(|raw| raw.parse::<u64>().ok().map(|value| value as f64));
            let theirs = signed.or(unsigned).unwrap_or(theirs);
            for rest in ["", ",b=2", " 17"] {
                if let Some((ours, left)) = field(format!("{raw}{rest}").as_bytes()) {
                    prop_assert_eq!(Some(ours.to_bits()), theirs.map(f64::to_bits));
                    prop_assert_eq!(left, rest.as_bytes());
                }
            }
        }
    }

    #[test]
    fn plain_fields_are_decided_here() {
        for (raw, value) in [
            ("1", 1.0),
            ("-0.5", -0.5),
            ("42i", 42.0),
            ("-7i", -7.0),
            ("7u", 7.0),
            ("1e3", 1000.0),
            ("12345678901234567890.5", 12_345_678_901_234_567_890.5),
            ("5.", 5.0),
            (".5", 0.5),
        ] {
            assert_eq!(field(raw.as_bytes()), Some((value, &b""[..])), "{raw}");
        }
        assert_eq!(field(b"-0i").map(|(value, _)| value.to_bits()), Some(0));
        for raw in ["", "t", "\"a\"", "1.5i", "-1u", "-0u", "i", "1\\ ", "inf", "1\t", "9223372036854775808i"]
        {
            assert_eq!(field(raw.as_bytes()), None, "{raw}");
        }
    }

    #[test]
    fn integers_are_whole_and_in_range() {
        assert_eq!(integer(b"-123 x"), Some((-123, &b" x"[..])));
        assert_eq!(integer(b"9223372036854775807i"), Some((i64::MAX, &b"i"[..])));
        assert_eq!(integer(b"-9223372036854775807"), Some((-i64::MAX, &b""[..])));
        for raw in ["", "-", "+1", "9223372036854775808", "00000000000000000001", "x"] {
            assert_eq!(integer(raw.as_bytes()), None, "{raw}");
        }
    }

    #[test]
    fn what_is_no_number_is_named() {
        assert_eq!(finite("a", "value").unwrap_err().message, "value has invalid numeric value 'a'");
        assert_eq!(finite("inf", "value").unwrap_err().message, "value must be finite");
    }
}
