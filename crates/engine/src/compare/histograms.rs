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

/// The first difference of two histograms, or none. Float fields go by the tolerance, integer ones are exact.
pub(super) fn difference(source: &Histogram, target: &Histogram, tolerance: &Compare) -> Option<Difference> {
    // A stale histogram marks the end of its series; nothing else in it has a meaning.
    match (is_stale_nan(source.sum), is_stale_nan(target.sum)) {
        (true, true) => return None,
        (false, false) => {}
        _ => {
            return Some(Difference::new(Field::Staleness, "staleness", summary(source), summary(target)));
        }
    }
    let (kind, other_kind) = (is_float(source), is_float(target));
    if kind != other_kind {
        let word = |float| if float { "float" } else { "integer" };
        return Some(Difference::new(Field::Kind, "kind", word(kind), word(other_kind)));
    }
    if source.schema != target.schema {
        return Some(Difference::new(Field::Schema, "schema", source.schema, target.schema));
    }
    let exact = Compare { max_absolute_value_delta: 0.0, max_relative_value_delta: 0.0 };
    let floats = |field, place, one, other, tolerance| {
        (relate(one, other, tolerance) != Relation::Equal)
            .then(|| Difference::new(field, place, show(one), show(other)))
    };
    let populations = |field, place, one: Population, other: Population| {
        (!one.equals(other, tolerance)).then(|| Difference::new(field, place, one.show(), other.show()))
    };
    let (a, b) = (source, target);
    floats(Field::ZeroThreshold, "zero threshold", a.zero_threshold, b.zero_threshold, &exact)
        .or_else(|| populations(Field::ZeroCount, "zero count", zero_count(a), zero_count(b)))
        .or_else(|| populations(Field::Count, "count", count(a), count(b)))
        .or_else(|| floats(Field::Sum, "sum", a.sum, b.sum, tolerance))
        .or_else(|| {
            (!reset_hints_compatible(a.reset_hint, b.reset_hint)).then(|| {
                Difference::new(
                    Field::ResetHint,
                    "reset hint",
                    hint_name(a.reset_hint),
                    hint_name(b.reset_hint),
                )
            })
        })
        .or_else(|| custom_values(&a.custom_values, &b.custom_values))
        .or_else(|| {
            let (one, other) = (Buckets::positive(a, kind), Buckets::positive(b, kind));
            one.difference(&other, Field::PositiveBuckets, "positive", tolerance)
        })
        .or_else(|| {
            let (one, other) = (Buckets::negative(a, kind), Buckets::negative(b, kind));
            one.difference(&other, Field::NegativeBuckets, "negative", tolerance)
        })
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
