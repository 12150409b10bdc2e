//! When two float values are the same, and how they are written.

use crate::model::is_stale_nan;
use crate::plan::Compare;

/// How two values of one timestamp relate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Relation {
    /// The same, or within tolerance.
    Equal,
    /// Different values.
    Differs,
    /// A staleness marker on one side and an ordinary NaN on the other.
    StaleNan,
}

/// Relates a source value to a target value; see [`Compare`] for the tolerances.
pub(super) fn relate(source: f64, target: f64, tolerance: &Compare) -> Relation {
    if source.to_bits() == target.to_bits() || source == target {
        return Relation::Equal;
    }
    if source.is_nan() || target.is_nan() {
        return match (source.is_nan() && target.is_nan(), is_stale_nan(source) || is_stale_nan(target)) {
            (true, false) => Relation::Equal,
            (true, true) => Relation::StaleNan,
            (false, _) => Relation::Differs,
        };
    }
    if source.is_infinite() || target.is_infinite() {
        return Relation::Differs;
    }
    let delta = (source - target).abs();
    let close = delta <= tolerance.max_absolute_value_delta
        || delta <= tolerance.max_relative_value_delta * source.abs();
    if close { Relation::Equal } else { Relation::Differs }
}

/// Whether two values of one time are the same or within tolerance.
pub(crate) fn agree(source: f64, target: f64, tolerance: &Compare) -> bool {
    relate(source, target, tolerance) == Relation::Equal
}

/// Difference of two values; none where that has no meaning (NaN, infinities).
pub(super) fn absolute_delta(source: f64, target: f64) -> Option<f64> {
    let delta = (source - target).abs();
    delta.is_finite().then_some(delta)
}

/// Difference as a fraction of the source's value; none where that has no meaning (NaN, infinities, a source
/// of 0).
pub(super) fn relative_delta(source: f64, target: f64) -> Option<f64> {
    let fraction = (source - target).abs() / source.abs();
    fraction.is_finite().then_some(fraction)
}

/// A number that is the same for values that count as one when a side repeats a timestamp: no sign of zero,
/// one ordinary NaN.
pub(super) fn identity(value: f64) -> u64 {
    if value == 0.0 {
        0
    } else if value.is_nan() && !is_stale_nan(value) {
        f64::NAN.to_bits()
    } else {
        value.to_bits()
    }
}

/// A value as a report shows it: shortest form that reads back as the same value, `StaleNaN` told from `NaN`.
pub(super) fn show(value: f64) -> String {
    if is_stale_nan(value) {
        "StaleNaN".to_owned()
    } else if value.is_nan() {
        "NaN".to_owned()
    } else if value.is_infinite() {
        if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned()
    } else if value == 0.0 || (1e-5..1e16).contains(&value.abs()) {
        value.to_string()
    } else {
        format!("{value:e}")
    }
}

/// A fraction with two significant digits, for sentences.
pub(super) fn show_fraction(fraction: f64) -> String {
    if (0.001..1000.0).contains(&fraction) { format!("{fraction:.3}") } else { format!("{fraction:.1e}") }
}

#[cfg(test)]
mod tests {
    use super::{Relation, identity, relate, show};
    use crate::model::STALE_NAN_BITS;
    use crate::plan::Compare;

    const STALE: f64 = f64::from_bits(STALE_NAN_BITS);
    const ODD_NAN: f64 = f64::from_bits(0x7ff8_0000_dead_beef);

    fn tolerance(absolute: f64, relative: f64) -> Compare {
        Compare { max_absolute_value_delta: absolute, max_relative_value_delta: relative }
    }

    #[test]
    fn nan_staleness_and_infinities() {
        let default = Compare::default();
        for (source, target, expected) in [
            (f64::NAN, ODD_NAN, Relation::Equal),
            (STALE, STALE, Relation::Equal),
            (STALE, f64::NAN, Relation::StaleNan),
            (f64::NAN, STALE, Relation::StaleNan),
            (STALE, 1.0, Relation::Differs),
            (f64::NAN, 0.0, Relation::Differs),
            (f64::INFINITY, f64::INFINITY, Relation::Equal),
            (f64::INFINITY, f64::NEG_INFINITY, Relation::Differs),
            (f64::INFINITY, f64::MAX, Relation::Differs),
            (0.0, -0.0, Relation::Equal),
        ] {
            assert_eq!(relate(source, target, &default), expected, "{source} {target}");
        }
        // Not even the widest tolerance makes an infinity or a NaN a number.
        let wide = tolerance(f64::INFINITY, f64::INFINITY);
        assert_eq!(relate(f64::INFINITY, 1.0, &wide), Relation::Differs);
        assert_eq!(relate(f64::NAN, 1.0, &wide), Relation::Differs);
    }

    #[test]
    fn tolerances_are_inclusive_and_the_relative_one_is_a_fraction_of_the_source() {
        assert_eq!(relate(1.0, 1.5, &tolerance(0.5, 0.0)), Relation::Equal);
        assert_eq!(relate(1.0, 1.6, &tolerance(0.5, 0.0)), Relation::Differs);
        assert_eq!(relate(100.0, 110.0, &tolerance(0.0, 0.1)), Relation::Equal);
        // 10 is a tenth of 100, but not a tenth of 90.
        assert_eq!(relate(90.0, 100.0, &tolerance(0.0, 0.1)), Relation::Differs);
        assert_eq!(relate(0.0, 1e-300, &tolerance(0.0, 1.0)), Relation::Differs);
    }

    #[test]
    fn without_tolerance_only_the_same_value_is_equal() {
        let exact = tolerance(0.0, 0.0);
        let next = f64::from_bits(1.0f64.to_bits() + 1);
        assert_eq!(relate(1.0, next, &exact), Relation::Differs);
        assert_eq!(relate(1.0, 1.0, &exact), Relation::Equal);
        assert_eq!(relate(-0.0, 0.0, &exact), Relation::Equal);
    }

    #[test]
    fn identity_forgives_payloads_but_not_staleness() {
        assert_eq!(identity(f64::NAN), identity(ODD_NAN));
        assert_ne!(identity(f64::NAN), identity(STALE));
        assert_eq!(identity(0.0), identity(-0.0));
        assert_ne!(identity(1.0), identity(2.0));
    }

    #[test]
    fn values_are_readable() {
        assert_eq!(show(STALE), "StaleNaN");
        assert_eq!(show(f64::NAN), "NaN");
        assert_eq!(show(f64::NEG_INFINITY), "-Inf");
        assert_eq!(show(43200.0), "43200");
        assert_eq!(show(0.1), "0.1");
        assert_eq!(show(1e-12), "1e-12");
        assert_eq!(show(1.5e300), "1.5e300");
    }
}
