//! Native histograms that grow as real ones do.

use super::Lcg;
use crate::wire::{BucketSpan, Histogram, histogram};
use std::collections::BTreeMap;

/// A native histogram under observation. Counts only grow, until [`Observed::reset`].
#[derive(Clone, Debug)]
pub struct Observed {
    schema: i32,
    positive: BTreeMap<i32, u64>,
    negative: BTreeMap<i32, u64>,
    zero: u64,
    sum: f64,
}

impl Observed {
    /// Nothing observed yet. `schema` is -4 to 8: bucket bounds are powers of `2^(2^-schema)`.
    pub fn new(schema: i32) -> Self {
        Self { schema, positive: BTreeMap::new(), negative: BTreeMap::new(), zero: 0, sum: 0.0 }
    }

    /// Observes a value.
    pub fn observe(&mut self, value: f64) {
        self.sum += value;
        if value == 0.0 {
            self.zero += 1;
            return;
        }
        let bucket = (value.abs().log2() * f64::from(self.schema).exp2()).ceil() as i32;
        let side = if value > 0.0 { &mut self.positive } else { &mut self.negative };
        *side.entry(bucket).or_default() += 1;
    }

    /// Observes `count` latencies of about `typical` (same unit), long tail upwards.
    pub fn observe_some(&mut self, random: &mut Lcg, count: u32, typical: f64) {
        for _ in 0..count {
            let unit = random.unit().max(1e-9);
            self.observe(typical * (-unit.ln()).powf(1.5).max(1e-6));
        }
    }

    /// Forgets everything, as a restart does.
    pub fn reset(&mut self) {
        *self = Self::new(self.schema);
    }

    /// Count of observations.
    pub fn count(&self) -> u64 {
        self.zero + self.positive.values().sum::<u64>() + self.negative.values().sum::<u64>()
    }

    /// Integer form: counts as deltas.
    pub fn integer(&self, timestamp: i64) -> Histogram {
        let (positive_spans, positive) = spans(&self.positive);
        let (negative_spans, negative) = spans(&self.negative);
        Histogram {
            count: Some(histogram::Count::CountInt(self.count())),
            sum: self.sum,
            schema: self.schema,
            zero_threshold: ZERO_THRESHOLD,
            zero_count: Some(histogram::ZeroCount::ZeroCountInt(self.zero)),
            positive_spans,
            positive_deltas: deltas(&positive),
            negative_spans,
            negative_deltas: deltas(&negative),
            timestamp,
            ..Histogram::default()
        }
    }

    /// Float form: absolute counts, scaled by `scale` so that they are no whole numbers.
    pub fn float(&self, timestamp: i64, scale: f64) -> Histogram {
        let (positive_spans, positive) = spans(&self.positive);
        let (negative_spans, negative) = spans(&self.negative);
        let scaled =
            |counts: &[u64]| -> Vec<f64> { counts.iter().map(|count| *count as f64 * scale).collect() };
        let (positive_counts, negative_counts) = (scaled(&positive), scaled(&negative));
        let zero = self.zero as f64 * scale;
        Histogram {
            count: Some(histogram::Count::CountFloat(self.count() as f64 * scale)),
            sum: self.sum * scale,
            schema: self.schema,
            zero_threshold: ZERO_THRESHOLD,
            zero_count: Some(histogram::ZeroCount::ZeroCountFloat(zero)),
            positive_spans,
            positive_counts,
            negative_spans,
            negative_counts,
            timestamp,
            ..Histogram::default()
        }
    }
}

/// The default of Prometheus' client libraries: 2^-128.
const ZERO_THRESHOLD: f64 = 2.938735877055719e-39;

/// Buckets as spans of consecutive ones, and their counts in order.
fn spans(buckets: &BTreeMap<i32, u64>) -> (Vec<BucketSpan>, Vec<u64>) {
    let mut spans: Vec<BucketSpan> = Vec::new();
    let mut next = 0;
    for bucket in buckets.keys() {
        match spans.last_mut() {
            Some(last) if *bucket == next => last.length += 1,
            _ => spans.push(BucketSpan { offset: bucket - next, length: 1 }),
        }
        next = bucket + 1;
    }
    (spans, buckets.values().copied().collect())
}

fn deltas(counts: &[u64]) -> Vec<i64> {
    let mut before = 0;
    counts
        .iter()
        .map(|count| {
            let now = i64::try_from(*count).unwrap_or(i64::MAX);
            let delta = now - before;
            before = now;
            delta
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::Observed;

    #[test]
    fn spans_and_deltas_follow_the_specification() {
        let mut observed = Observed::new(0);
        // Schema 0: bucket n is (2^(n-1), 2^n].
        for value in [1.0, 2.0, 1.5, 100.0, -3.0, 0.0] {
            observed.observe(value);
        }
        let histogram = observed.integer(5);
        let spans: Vec<(i32, u32)> = histogram.positive_spans.iter().map(|s| (s.offset, s.length)).collect();
        assert_eq!(spans, [(0, 2), (5, 1)]);
        assert_eq!(histogram.positive_deltas, [1, 1, -1]);
        assert_eq!(histogram.negative_spans[0].offset, 2);
        assert_eq!(observed.count(), 6);
    }
}
