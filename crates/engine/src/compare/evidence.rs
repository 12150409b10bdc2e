//! What the differing rows of a series have in common: a shift in time, a shorter number format, another name.
//!
//! A slab shows a part of a series only, and slabs come in any order, so nothing is looked up. Of the rows that
//! have no equal at their time each side keeps sums that do not depend on the order: how many, and their times
//! and values' hashes, mixed. Two sets of rows are the same but for a shift by `d` when the sums of one are those
//! that a shift by `d` makes of the other's; what is not shifted alike does not fit.

use crate::model::{Histogram, Millis};
use prost::Message;
use std::hash::{DefaultHasher, Hash, Hasher};

/// Rows that all hold one value are taken for shifted only when they moved by less than this, in ms. Of a gauge
/// that stands still, any lost sample looks like any other one too many; what moved so little is closer to where
/// it was than scrapes are to each other.
const SAME_VALUE_SHIFT_MS: u64 = 1_000;

/// Fewest significant digits that count as a shorter format; with fewer, a changed value may look rounded by
/// chance.
const FEWEST_DIGITS: usize = 4;
/// Most significant digits of a format that loses something: with 17 every value reads back.
const MOST_DIGITS: usize = 15;
/// Relative difference that rounding to [`FEWEST_DIGITS`] makes at most, and a little.
const MOST_ROUNDED: f64 = 5.1e-4;

/// Sums over the rows of one side that the other side does not have at their time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Rows {
    /// How many.
    pub count: u64,
    times: u64,
    hashes: u64,
    weighted: u64,
    squared: u64,
}

impl Rows {
    fn add(&mut self, at: Millis, hash: u64) {
        let at = at as u64;
        self.count += 1;
        self.times = self.times.wrapping_add(at);
        self.hashes = self.hashes.wrapping_add(hash);
        self.weighted = self.weighted.wrapping_add(hash.wrapping_mul(at));
        self.squared = self.squared.wrapping_add(hash.wrapping_mul(at).wrapping_mul(at));
    }

    fn merge(&mut self, other: &Self) {
        self.count += other.count;
        self.times = self.times.wrapping_add(other.times);
        self.hashes = self.hashes.wrapping_add(other.hashes);
        self.weighted = self.weighted.wrapping_add(other.weighted);
        self.squared = self.squared.wrapping_add(other.squared);
    }

    /// The sums of the same rows `ms` later.
    fn shifted(&self, ms: i64) -> Self {
        let ms = ms as u64;
        let twice = ms.wrapping_mul(2).wrapping_mul(self.weighted);
        Self {
            times: self.times.wrapping_add(self.count.wrapping_mul(ms)),
            weighted: self.weighted.wrapping_add(ms.wrapping_mul(self.hashes)),
            squared: self
                .squared
                .wrapping_add(twice)
                .wrapping_add(ms.wrapping_mul(ms).wrapping_mul(self.hashes)),
            ..*self
        }
    }
}

/// What is known of the rows in which a series differs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Evidence {
    /// The source's rows that the target does not have so.
    pub source: Rows,
    /// The target's rows that the source does not have so.
    pub target: Rows,
    /// Rows by class; see [`super::findings::Class`].
    pub missing_samples: u64,
    pub extra_samples: u64,
    pub differing_samples: u64,
    pub missing_histograms: u64,
    pub extra_histograms: u64,
    pub differing_histograms: u64,
    /// The hash of one of the source's rows, the smallest; and whether there are others.
    smallest: u64,
    varied: bool,
    /// A time has several values on one side: nothing is said about this series.
    repeated: bool,
    /// Formats that all different values fit: bit 0 a 32-bit float, bit `n` a decimal of `n` significant digits.
    formats: u16,
    values: bool,
}

impl Default for Evidence {
    fn default() -> Self {
        Self {
            source: Rows::default(),
            target: Rows::default(),
            missing_samples: 0,
            extra_samples: 0,
            differing_samples: 0,
            missing_histograms: 0,
            extra_histograms: 0,
            differing_histograms: 0,
            smallest: u64::MAX,
            varied: false,
            repeated: false,
            formats: u16::MAX,
            values: false,
        }
    }
}

/// A number format with fewer digits than a 64-bit float.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// IEEE 754 binary32.
    Float32,
    /// A decimal text of so many significant digits.
    Digits(usize),
}

impl Evidence {
    fn of_source(&mut self, at: Millis, hash: u64) {
        self.source.add(at, hash);
        self.varied |= self.source.count > 1 && hash != self.smallest;
        self.smallest = self.smallest.min(hash);
    }

    /// A sample that only the source has.
    pub fn missing(&mut self, at: Millis, value: f64) {
        self.missing_samples += 1;
        self.of_source(at, sample_hash(value));
    }

    /// A sample that only the target has.
    pub fn extra(&mut self, at: Millis, value: f64) {
        self.extra_samples += 1;
        self.target.add(at, sample_hash(value));
    }

    /// A sample that has another value at the target; `stale` when it is one kind of NaN for the other.
    pub fn differs(&mut self, at: Millis, source: f64, target: f64, stale: bool) {
        self.differing_samples += 1;
        self.of_source(at, sample_hash(source));
        self.target.add(at, sample_hash(target));
        if !stale {
            self.values = true;
            self.formats = fitting(self.formats, source, target);
        }
    }

    /// A native histogram that only the source has.
    pub fn missing_histogram(&mut self, histogram: &Histogram) {
        self.missing_histograms += 1;
        self.of_source(histogram.timestamp, histogram_hash(histogram));
    }

    /// A native histogram that only the target has.
    pub fn extra_histogram(&mut self, histogram: &Histogram) {
        self.extra_histograms += 1;
        self.target.add(histogram.timestamp, histogram_hash(histogram));
    }

    /// A native histogram that differs at the target.
    pub fn histogram_differs(&mut self, source: &Histogram, target: &Histogram) {
        self.differing_histograms += 1;
        self.of_source(source.timestamp, histogram_hash(source));
        self.target.add(target.timestamp, histogram_hash(target));
    }

    /// A time with several rows on a side.
    pub fn repeated(&mut self) {
        self.repeated = true;
    }

    /// Adds what another slab showed of the series.
    pub fn merge(&mut self, other: &Self) {
        let both = self.source.count > 0 && other.source.count > 0;
        self.varied |= other.varied || (both && self.smallest != other.smallest);
        self.smallest = self.smallest.min(other.smallest);
        self.source.merge(&other.source);
        self.target.merge(&other.target);
        self.missing_samples += other.missing_samples;
        self.extra_samples += other.extra_samples;
        self.differing_samples += other.differing_samples;
        self.missing_histograms += other.missing_histograms;
        self.extra_histograms += other.extra_histograms;
        self.differing_histograms += other.differing_histograms;
        self.repeated |= other.repeated;
        self.formats &= other.formats;
        self.values |= other.values;
    }

    /// By how many ms all differing rows of the source are shifted at the target, if that is all that is wrong
    /// with them.
    pub fn shift_ms(&self) -> Option<i64> {
        let (source, target) = (&self.source, &self.target);
        if self.repeated
            || source.count == 0
            || source.count != target.count
            || source.hashes != target.hashes
        {
            return None;
        }
        let apart = target.times.wrapping_sub(source.times) as i64;
        let count = i64::try_from(source.count).ok()?;
        let shift = apart.checked_div(count)?;
        let far = shift.unsigned_abs() >= SAME_VALUE_SHIFT_MS;
        if shift == 0 || (far && !self.varied) || source.shifted(shift) != *target {
            return None;
        }
        Some(shift)
    }

    /// The format that made all values that differ what they are at the target, if there is one.
    pub fn format(&self) -> Option<Format> {
        if !self.values {
            return None;
        }
        if self.formats & 1 != 0 {
            return Some(Format::Float32);
        }
        (FEWEST_DIGITS..=MOST_DIGITS).find(|digits| self.formats & (1 << digits) != 0).map(Format::Digits)
    }

    /// Samples of the source that have no equal at their time.
    pub fn source_samples(&self) -> u64 {
        self.missing_samples + self.differing_samples
    }

    /// Native histograms of the source that have no equal at their time.
    pub fn source_histograms(&self) -> u64 {
        self.missing_histograms + self.differing_histograms
    }
}

/// Those of `formats` in which `source` is written as `target`; see [`Evidence::formats`]. Few are left after a row or
/// two, and only those are tried.
fn fitting(formats: u16, source: f64, target: f64) -> u16 {
    let near = (source - target).abs() <= MOST_ROUNDED * source.abs();
    if formats == 0 || !near {
        return 0;
    }
    let mut left = formats & u16::from(f64::from(source as f32).to_bits() == target.to_bits());
    for digits in (FEWEST_DIGITS..=MOST_DIGITS).filter(|digits| formats & (1 << digits) != 0) {
        let text = format!("{source:.*e}", digits - 1);
        let same = text.parse::<f64>().is_ok_and(|rounded| rounded.to_bits() == target.to_bits());
        left |= u16::from(same) << digits;
    }
    left
}

fn sample_hash(value: f64) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.to_bits().hash(&mut hasher);
    hasher.finish()
}

/// The hint says where in a chunk a histogram lies; it is not what makes it.
fn histogram_hash(histogram: &Histogram) -> u64 {
    let mut hasher = DefaultHasher::new();
    let content = Histogram { reset_hint: 0, timestamp: 0, ..histogram.clone() };
    content.encode_to_vec().hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::{Evidence, Format};
    use proptest::prelude::*;

    fn moved(rows: &[(i64, f64)], shift: i64) -> Evidence {
        let mut evidence = Evidence::default();
        for (at, value) in rows {
            evidence.missing(*at, *value);
            evidence.extra(at + shift, *value);
        }
        evidence
    }

    #[test]
    fn one_value_moves_a_little_and_several_move_far() {
        assert_eq!(moved(&[(1000, 7.0)], 1).shift_ms(), Some(1));
        assert_eq!(moved(&[(1000, 7.0)], -999).shift_ms(), Some(-999));
        assert_eq!(moved(&[(1000, 7.0)], 15_000).shift_ms(), None, "a lost one, and another one too many");
        assert_eq!(moved(&[(1000, 7.0), (2000, 8.0)], 3_600_000).shift_ms(), Some(3_600_000));
        assert_eq!(
            moved(&[(1000, 7.0), (2000, 7.0)], 3_600_000).shift_ms(),
            None,
            "a gauge that stands still"
        );
    }

    #[test]
    fn what_is_not_shifted_alike_is_not_shifted() {
        let mut evidence = moved(&[(1000, 7.0), (2000, 8.0)], 5);
        evidence.missing(3000, 1.0);
        evidence.extra(3006, 1.0);
        assert_eq!(evidence.shift_ms(), None);
        let mut swapped = Evidence::default();
        swapped.differs(1000, 1.0, 2.0, false);
        swapped.differs(2000, 2.0, 1.0, false);
        assert_eq!(swapped.shift_ms(), None);
        let mut lost = moved(&[(1000, 7.0), (2000, 8.0)], 5);
        lost.missing(3000, 1.0);
        assert_eq!(lost.shift_ms(), None);
    }

    fn format(pairs: &[(f64, f64)]) -> Option<Format> {
        let mut evidence = Evidence::default();
        pairs.iter().for_each(|(source, target)| evidence.differs(1, *source, *target, false));
        evidence.format()
    }

    #[test]
    fn shorter_formats_are_recognised() {
        let third = 1.0 / 3.0;
        assert_eq!(
            format(&[(third, f64::from(third as f32)), (0.1, f64::from(0.1f32))]),
            Some(Format::Float32)
        );
        assert_eq!(format(&[(third, 0.333333), (2.0 / 3.0, 0.666667)]), Some(Format::Digits(6)));
        assert_eq!(format(&[(123_456.789, 123_457.0)]), Some(Format::Digits(6)));
        assert_eq!(format(&[(third, 0.333333), (0.5, 0.6)]), None);
        assert_eq!(format(&[(7.3, 7.0)]), None, "too few digits to tell rounding from a change");
        assert_eq!(format(&[(1e300, f64::INFINITY), (1e-50, 0.0), (f64::NAN, 1.0)]), None);
        let up = f64::from_bits(1.5f64.to_bits() + 1);
        assert_eq!(format(&[(1.5, up)]), None, "a bit of the mantissa");
        assert_eq!(format(&[]), None);
    }

    proptest! {
        #[test]
        fn any_shift_is_found_in_any_order_and_parts(
            rows in prop::collection::vec((any::<i32>(), 0u8..5), 2..20), shift in -1_000_000i64..1_000_000,
            cut in 0usize..20,
        ) {
            let rows: Vec<(i64, f64)> = rows.iter().map(|(at, value)| (i64::from(*at), f64::from(*value))).collect();
            let varied = rows.iter().any(|(_, value)| *value != rows[0].1);
            let whole = moved(&rows, shift);
            let (one, two) = rows.split_at(cut.min(rows.len()));
            let mut parts = moved(two, shift);
            parts.merge(&moved(one, shift));
            prop_assert_eq!(parts, whole);
            let found = shift != 0 && (varied || shift.abs() < 1_000);
            prop_assert_eq!(whole.shift_ms(), found.then_some(shift));
        }
    }
}
