//! Native histograms, compared by what they mean.
//!
//! The same buckets can be written in many ways: spans may be cut, empty or of length zero, and buckets that
//! hold nothing may be there or not. So both sides are read as populations by absolute bucket index before
//! they are compared.

use super::values::{Relation, relate, show};
use crate::model::{BucketSpan, Histogram, is_stale_nan};
use crate::plan::Compare;
use crate::wire::types::histogram::{Count, ZeroCount};

/// Fields of a histogram that can differ, in the order in which they are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub(super) enum Field {
    Staleness,
    Kind,
    Schema,
    ZeroThreshold,
    ZeroCount,
    Count,
    Sum,
    ResetHint,
    CustomValues,
    PositiveBuckets,
    NegativeBuckets,
}

impl Field {
    const ALL: [(Self, &'static str); 11] = [
        (Self::Staleness, "staleness"),
        (Self::Kind, "kind"),
        (Self::Schema, "schema"),
        (Self::ZeroThreshold, "zero threshold"),
        (Self::ZeroCount, "zero count"),
        (Self::Count, "count"),
        (Self::Sum, "sum"),
        (Self::ResetHint, "reset hint"),
        (Self::CustomValues, "custom bounds"),
        (Self::PositiveBuckets, "positive buckets"),
        (Self::NegativeBuckets, "negative buckets"),
    ];

    pub fn bit(self) -> u16 {
        1 << self as u16
    }

    /// Names of the fields in a set of bits: `sum, positive buckets`.
    pub fn names(bits: u16) -> String {
        let named = Self::ALL.iter().filter(|(field, _)| bits & field.bit() != 0);
        named.map(|(_, name)| *name).collect::<Vec<_>>().join(", ")
    }

    /// The same for programs: `sum, positive_buckets`; `custom_values` are the custom bounds.
    pub fn codes(bits: u16) -> String {
        Self::names(bits).replace("custom bounds", "custom values").replace(' ', "_").replace(",_", ", ")
    }
}

/// The first field in which two histograms differ.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Difference {
    /// Which field.
    pub field: Field,
    /// The field in words, with the bucket's index where there is one: `positive bucket 3`.
    pub place: String,
    /// The source's value of it.
    pub source: String,
    /// The target's value of it.
    pub target: String,
}

impl Difference {
    fn new(field: Field, place: &str, source: impl ToString, target: impl ToString) -> Self {
        Self { field, place: place.to_owned(), source: source.to_string(), target: target.to_string() }
    }
}

/// A histogram in one line, for a side that has it alone: `count 5, sum 12.5`.
pub(super) fn summary(histogram: &Histogram) -> String {
    if is_stale_nan(histogram.sum) {
        return "StaleNaN".to_owned();
    }
    format!("count {}, sum {}", count(histogram).show(), show(histogram.sum))
}

/// Whether two reset hints may stand for the same data.
///
/// `YES` (1) and `NO` (2) are advice that Prometheus works out per chunk while it reads, and that it
/// withdraws to `UNKNOWN` (0) where a read starts inside a chunk or chunks overlap (`tsdb/chunkenc` and
/// `storage/merge.go`): the same histogram has another hint in another read. So `UNKNOWN` agrees with both.
/// `GAUGE` (3) is a property of the data, and agrees only with itself; so does a hint from the future.
pub fn reset_hints_compatible(source: i32, target: i32) -> bool {
    const UNKNOWN: i32 = 0;
    const COUNTER: std::ops::RangeInclusive<i32> = 0..=2;
    source == target
        || ((source == UNKNOWN || target == UNKNOWN)
            && COUNTER.contains(&source)
            && COUNTER.contains(&target))
}

/// The first difference of two histograms, and the [`Field::bit`]s of all that differ; none when they are the same.
/// Float fields go by the tolerance, integer ones are exact.
pub(super) fn differences(
    source: &Histogram,
    target: &Histogram,
    tolerance: &Compare,
) -> Option<(Difference, u16)> {
    let only = |difference: Difference| {
        let bit = difference.field.bit();
        Some((difference, bit))
    };
    // A stale histogram marks the end of its series; nothing else in it has a meaning.
    match (is_stale_nan(source.sum), is_stale_nan(target.sum)) {
        (true, true) => return None,
        (false, false) => {}
        _ => return only(Difference::new(Field::Staleness, "staleness", summary(source), summary(target))),
    }
    let (kind, other_kind) = (is_float(source), is_float(target));
    if kind != other_kind {
        let word = |float| if float { "float" } else { "integer" };
        return only(Difference::new(Field::Kind, "kind", word(kind), word(other_kind)));
    }
    let (a, b) = (source, target);
    if a.schema != b.schema {
        // The same index is another bucket then.
        return only(Difference::new(Field::Schema, "schema", a.schema, b.schema));
    }
    let exact = Compare { max_absolute_value_delta: 0.0, max_relative_value_delta: 0.0 };
    let floats = |field, place, one, other, tolerance| {
        (relate(one, other, tolerance) != Relation::Equal)
            .then(|| Difference::new(field, place, show(one), show(other)))
    };
    let populations = |field, place, one: Population, other: Population| {
        (!one.equals(other, tolerance)).then(|| Difference::new(field, place, one.show(), other.show()))
    };
    let hints = || {
        (!reset_hints_compatible(a.reset_hint, b.reset_hint)).then(|| {
            Difference::new(Field::ResetHint, "reset hint", hint_name(a.reset_hint), hint_name(b.reset_hint))
        })
    };
    let positive = || {
        let (one, other) = (Buckets::positive(a, kind), Buckets::positive(b, kind));
        one.difference(&other, Field::PositiveBuckets, "positive", tolerance)
    };
    let negative = || {
        let (one, other) = (Buckets::negative(a, kind), Buckets::negative(b, kind));
        one.difference(&other, Field::NegativeBuckets, "negative", tolerance)
    };
    let found = [
        floats(Field::ZeroThreshold, "zero threshold", a.zero_threshold, b.zero_threshold, &exact),
        populations(Field::ZeroCount, "zero count", zero_count(a), zero_count(b)),
        populations(Field::Count, "count", count(a), count(b)),
        floats(Field::Sum, "sum", a.sum, b.sum, tolerance),
        hints(),
        custom_values(&a.custom_values, &b.custom_values),
        positive(),
        negative(),
    ];
    let bits = found.iter().flatten().fold(0, |bits, difference| bits | difference.field.bit());
    found.into_iter().flatten().next().map(|first| (first, bits))
}

fn hint_name(hint: i32) -> String {
    match hint {
        0 => "UNKNOWN".to_owned(),
        1 => "YES".to_owned(),
        2 => "NO".to_owned(),
        3 => "GAUGE".to_owned(),
        other => other.to_string(),
    }
}

fn custom_values(source: &[f64], target: &[f64]) -> Option<Difference> {
    if source.len() != target.len() {
        let (one, other) = (source.len(), target.len());
        return Some(Difference::new(Field::CustomValues, "number of custom bounds", one, other));
    }
    let at = source.iter().zip(target).enumerate().find(|(_, (a, b))| a != b && !(a.is_nan() && b.is_nan()));
    at.map(|(at, (a, b))| {
        Difference::new(Field::CustomValues, &format!("custom bound {at}"), show(*a), show(*b))
    })
}

/// A number of observations.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Population {
    /// Exact. Wider than the wire's numbers, so that no sum of hostile deltas overflows.
    Integer(i128),
    Float(f64),
}

impl Population {
    fn equals(self, other: Self, tolerance: &Compare) -> bool {
        match (self, other) {
            (Self::Integer(a), Self::Integer(b)) => a == b,
            (Self::Float(a), Self::Float(b)) => relate(a, b, tolerance) == Relation::Equal,
            _ => false,
        }
    }

    fn is_zero(self) -> bool {
        match self {
            Self::Integer(n) => n == 0,
            Self::Float(n) => n == 0.0,
        }
    }

    fn show(self) -> String {
        match self {
            Self::Integer(n) => n.to_string(),
            Self::Float(n) => show(n),
        }
    }
}

/// Whether it is a float histogram. The count says so; where it is absent, what else is there does.
fn is_float(histogram: &Histogram) -> bool {
    match histogram.count {
        Some(Count::CountFloat(_)) => true,
        Some(Count::CountInt(_)) => false,
        None => {
            matches!(histogram.zero_count, Some(ZeroCount::ZeroCountFloat(_)))
                || !histogram.positive_counts.is_empty()
                || !histogram.negative_counts.is_empty()
        }
    }
}

fn count(histogram: &Histogram) -> Population {
    match histogram.count {
        Some(Count::CountFloat(n)) => Population::Float(n),
        Some(Count::CountInt(n)) => Population::Integer(n.into()),
        None if is_float(histogram) => Population::Float(0.0),
        None => Population::Integer(0),
    }
}

fn zero_count(histogram: &Histogram) -> Population {
    match histogram.zero_count {
        Some(ZeroCount::ZeroCountFloat(n)) => Population::Float(n),
        Some(ZeroCount::ZeroCountInt(n)) => Population::Integer(n.into()),
        None if is_float(histogram) => Population::Float(0.0),
        None => Population::Integer(0),
    }
}

/// One half of a histogram's buckets, as written.
struct Buckets<'a> {
    spans: &'a [BucketSpan],
    deltas: &'a [i64],
    counts: &'a [f64],
    float: bool,
}

impl<'a> Buckets<'a> {
    fn positive(histogram: &'a Histogram, float: bool) -> Self {
        let (deltas, counts) = (&histogram.positive_deltas, &histogram.positive_counts);
        Self { spans: &histogram.positive_spans, deltas, counts, float }
    }

    fn negative(histogram: &'a Histogram, float: bool) -> Self {
        let (deltas, counts) = (&histogram.negative_deltas, &histogram.negative_counts);
        Self { spans: &histogram.negative_spans, deltas, counts, float }
    }

    /// Number of buckets that the spans announce, and number of buckets that have a value.
    fn sizes(&self) -> (u64, u64) {
        let announced = self.spans.iter().map(|span| u64::from(span.length)).sum();
        (announced, if self.float { self.counts.len() } else { self.deltas.len() } as u64)
    }

    /// Buckets that hold something, by index. Ends with the values, whatever the spans announce.
    fn populated(&self) -> impl Iterator<Item = (i64, Population)> {
        let mut next = 0i64;
        let indexes = self.spans.iter().flat_map(move |span| {
            // Up to 2^32 spans of 2^32 buckets each would leave the range of i64; no server can send them.
            let start = next.saturating_add(span.offset.into());
            next = start.saturating_add(span.length.into());
            start..next
        });
        let floats = self.counts.iter().map(|n| Population::Float(*n));
        let integers = self.deltas.iter().scan(0i128, |sum, delta| {
            *sum += i128::from(*delta);
            Some(Population::Integer(*sum))
        });
        // One of the two is empty.
        let values = floats
            .take(if self.float { usize::MAX } else { 0 })
            .chain(integers.take(if self.float { 0 } else { usize::MAX }));
        values.zip(indexes).map(|(value, index)| (index, value)).filter(|(_, value)| !value.is_zero())
    }

    fn difference(&self, other: &Self, field: Field, half: &str, tolerance: &Compare) -> Option<Difference> {
        let ((announced, valued), (other_announced, other_valued)) = (self.sizes(), other.sizes());
        let malformed = announced != valued || other_announced != other_valued;
        if malformed && (self.spans != other.spans || announced != other_announced || valued != other_valued)
        {
            let show = |announced, valued| format!("{announced} in spans, {valued} with a value");
            let place = format!("number of {half} buckets");
            return Some(Difference::new(
                field,
                &place,
                show(announced, valued),
                show(other_announced, other_valued),
            ));
        }
        let (mut one, mut two) = (self.populated().peekable(), other.populated().peekable());
        loop {
            let at = match (one.peek(), two.peek()) {
                (None, None) => return None,
                (Some((a, _)), Some((b, _))) => *a.min(b),
                (Some((at, _)), None) | (None, Some((at, _))) => *at,
            };
            let empty = if self.float { Population::Float(0.0) } else { Population::Integer(0) };
            let a = one.next_if(|(index, _)| *index == at).map_or(empty, |(_, value)| value);
            let b = two.next_if(|(index, _)| *index == at).map_or(empty, |(_, value)| value);
            if !a.equals(b, tolerance) {
                return Some(Difference::new(field, &format!("{half} bucket {at}"), a.show(), b.show()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Field, differences, reset_hints_compatible};
    use crate::model::{BucketSpan, Histogram, STALE_NAN_BITS};
    use crate::plan::Compare;
    use crate::wire::types::histogram::{Count, ZeroCount};

    /// Integer histogram with 2, 4, 3 in the positive buckets 0, 1, 4 and 1 in the negative bucket -2.
    fn integer() -> Histogram {
        Histogram {
            count: Some(Count::CountInt(11)),
            sum: 12.5,
            schema: 3,
            zero_threshold: 1e-128,
            zero_count: Some(ZeroCount::ZeroCountInt(1)),
            positive_spans: vec![BucketSpan { offset: 0, length: 2 }, BucketSpan { offset: 2, length: 1 }],
            positive_deltas: vec![2, 2, -1],
            negative_spans: vec![BucketSpan { offset: -2, length: 1 }],
            negative_deltas: vec![1],
            timestamp: 1000,
            ..Histogram::default()
        }
    }

    fn float() -> Histogram {
        Histogram {
            count: Some(Count::CountFloat(11.0)),
            zero_count: Some(ZeroCount::ZeroCountFloat(1.0)),
            positive_deltas: vec![],
            positive_counts: vec![2.0, 4.0, 3.0],
            negative_deltas: vec![],
            negative_counts: vec![1.0],
            ..integer()
        }
    }

    fn field(a: &Histogram, b: &Histogram) -> Option<Field> {
        let found = differences(a, b, &Compare::default()).map(|(difference, _)| difference.field);
        let back = differences(b, a, &Compare::default()).map(|(difference, _)| difference.field);
        assert_eq!(found, back, "the comparison has no favourite side");
        found
    }

    #[test]
    fn other_layouts_of_the_same_buckets_are_equal() {
        let same = [
            // A span cut in two, an empty one, one of length zero at the end.
            (vec![(0, 1), (0, 1), (2, 1)], vec![2, 2, -1]),
            (vec![(0, 2), (1, 0), (1, 1), (5, 0)], vec![2, 2, -1]),
            // The buckets between are there and hold nothing.
            (vec![(0, 5)], vec![2, 2, -4, 0, 3]),
            (vec![(-3, 8)], vec![0, 0, 0, 2, 2, -4, 0, 3]),
        ];
        for (spans, deltas) in same {
            let other = Histogram {
                positive_spans: spans
                    .iter()
                    .map(|(offset, length)| BucketSpan { offset: *offset, length: *length })
                    .collect(),
                positive_deltas: deltas,
                ..integer()
            };
            assert_eq!(field(&integer(), &other), None, "{spans:?}");
        }
    }

    #[test]
    fn every_field_is_compared_and_named() {
        use Field::*;
        let stale = Histogram { sum: f64::from_bits(STALE_NAN_BITS), ..integer() };
        let cases: Vec<(Field, Histogram)> = vec![
            (Staleness, stale.clone()),
            (Kind, float()),
            (Schema, Histogram { schema: 4, ..integer() }),
            (ZeroThreshold, Histogram { zero_threshold: 2e-128, ..integer() }),
            (ZeroCount, Histogram { zero_count: Some(super::ZeroCount::ZeroCountInt(2)), ..integer() }),
            (Count, Histogram { count: Some(super::Count::CountInt(12)), ..integer() }),
            (Sum, Histogram { sum: 12.6, ..integer() }),
            (ResetHint, Histogram { reset_hint: 3, ..integer() }),
            (CustomValues, Histogram { custom_values: vec![1.0], ..integer() }),
            (PositiveBuckets, Histogram { positive_deltas: vec![2, 2, 0], ..integer() }),
            (
                PositiveBuckets,
                Histogram { positive_spans: vec![BucketSpan { offset: 0, length: 3 }], ..integer() },
            ),
            (NegativeBuckets, Histogram { negative_deltas: vec![2], ..integer() }),
            (NegativeBuckets, Histogram { negative_spans: vec![], negative_deltas: vec![], ..integer() }),
        ];
        for (expected, other) in cases {
            assert_eq!(field(&integer(), &other), Some(expected));
            assert_eq!(field(&other, &other), None);
        }
        let (found, _) = differences(
            &integer(),
            &Histogram { positive_deltas: vec![2, 2, 1], ..integer() },
            &Compare::default(),
        )
        .unwrap();
        assert_eq!(
            (found.place.as_str(), found.source.as_str(), found.target.as_str()),
            ("positive bucket 4", "3", "5")
        );
    }

    #[test]
    fn a_stale_histogram_is_nothing_but_stale() {
        let stale = |base: Histogram| Histogram { sum: f64::from_bits(STALE_NAN_BITS), ..base };
        assert_eq!(field(&stale(integer()), &stale(Histogram::default())), None);
        assert_eq!(
            field(&stale(integer()), &Histogram { sum: f64::NAN, ..integer() }),
            Some(Field::Staleness)
        );
    }

    #[test]
    fn floats_go_by_the_tolerance_and_integers_do_not() {
        let mut near = float();
        near.positive_counts = vec![2.0, 4.0 + 1e-10, 3.0];
        near.sum = 12.5 + 1e-12;
        assert_eq!(field(&float(), &near), None);
        near.positive_counts = vec![2.0, 4.1, 3.0];
        assert_eq!(field(&float(), &near), Some(Field::PositiveBuckets));

        let wide = Compare { max_absolute_value_delta: 100.0, max_relative_value_delta: 1.0 };
        let other = Histogram { positive_deltas: vec![2, 2, 0], ..integer() };
        assert!(differences(&integer(), &other, &wide).is_some());
    }

    #[test]
    fn hints_that_a_read_works_out_do_not_count() {
        const UNKNOWN: i32 = 0;
        const YES: i32 = 1;
        const NO: i32 = 2;
        const GAUGE: i32 = 3;
        for (a, b, compatible) in [
            (UNKNOWN, YES, true),
            (UNKNOWN, NO, true),
            (YES, YES, true),
            (YES, NO, false),
            (UNKNOWN, GAUGE, false),
            (NO, GAUGE, false),
            (GAUGE, GAUGE, true),
            (UNKNOWN, 17, false),
        ] {
            assert_eq!(reset_hints_compatible(a, b), compatible, "{a} {b}");
            assert_eq!(reset_hints_compatible(b, a), compatible, "{b} {a}");
        }
    }

    #[test]
    fn hostile_spans_end_with_the_values() {
        let hostile = Histogram {
            positive_spans: vec![BucketSpan { offset: i32::MIN, length: u32::MAX }; 1000],
            positive_deltas: vec![i64::MAX, i64::MAX, i64::MAX, i64::MIN],
            ..integer()
        };
        assert_eq!(field(&integer(), &hostile), Some(Field::PositiveBuckets));
        assert_eq!(field(&hostile, &hostile), None);
        let fewer = Histogram { positive_deltas: vec![i64::MAX], ..hostile.clone() };
        assert_eq!(field(&hostile, &fewer), Some(Field::PositiveBuckets));
    }
}
