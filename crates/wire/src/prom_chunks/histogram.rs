//! Chunks of native histograms (`tsdb/chunkenc/{histogram,float_histogram,histogram_meta}.go`, Prometheus
//! 2.42; custom buckets as of 3.0):
//! ```text
//! u16 big-endian count | u8 flags (top two bits: how the chunk began, 11 = gauge histograms)
//! layout  zero threshold | varbit schema | positive spans | negative spans | custom bounds if schema = -53
//! first   varbit t  | count, zero count | 64 bits sum | buckets
//! later   varbit ΔΔt | count, zero count | xor sum     | buckets
//! ```
//! Integer histograms: counts and bucket deltas raw in the first, as ΔΔ in later ones (varbits). Float
//! histograms: 64 bits each, XOR in later ones, and the buckets are absolute counts. A histogram whose sum is
//! StaleNaN is a staleness marker: it has no buckets, and in the middle of a chunk none are stored for it.

use super::bits::{Bits, XorFloat};
use super::rows::Rows;
use crate::model::{Histogram, STALE_NAN_BITS};
use crate::types::BucketSpan;
use crate::types::histogram::{Count, ZeroCount};

/// `Histogram.ResetHint`.
const UNKNOWN: i32 = 0;
pub(super) const NO_RESET: i32 = 2;
const GAUGE: i32 = 3;

const CUSTOM_BUCKETS: i32 = -53;
/// Schemas as Prometheus knows them. It folds 9 to 52, which nothing writes yet, into 8; that is not done
/// here.
const SCHEMAS: std::ops::RangeInclusive<i32> = -9..=8;

/// What all histograms of a chunk have in common.
struct Layout {
    /// Schema, zero threshold, spans and custom bounds.
    form: Histogram,
    /// Buckets of the positive and the negative side.
    buckets: [usize; 2],
    gauge: bool,
}

/// Reads the histograms behind the layout; `None` when the bits do not suffice.
type Samples = fn(&mut Bits<'_>, u16, &Layout, &mut Rows) -> Option<()>;

/// Reads a chunk of integer histograms.
pub(super) fn decode_integer(data: &[u8], rows: &mut Rows) -> Result<(), String> {
    decode(data, integer, rows)
}

/// Reads a chunk of float histograms.
pub(super) fn decode_float(data: &[u8], rows: &mut Rows) -> Result<(), String> {
    decode(data, float, rows)
}

fn decode(data: &[u8], samples: Samples, rows: &mut Rows) -> Result<(), String> {
    let Some((&[high, low, flags], rest)) = data.split_first_chunk::<3>() else {
        return Err(format!("a histogram chunk of {} bytes", data.len()));
    };
    let count = u16::from_be_bytes([high, low]);
    if count == 0 {
        return Ok(());
    }
    let mut bits = Bits::new(rest);
    let layout = layout(&mut bits, flags)
        .ok_or_else(|| format!("a histogram chunk of {} bytes with a layout that is cut off", data.len()))?;
    let schema = layout.form.schema;
    if schema != CUSTOM_BUCKETS && !SCHEMAS.contains(&schema) {
        return Err(format!("native histograms of schema {schema}, which cannot be read"));
    }
    let read = samples(&mut bits, count, &layout, rows);
    // Stopping early at the limit is not the chunk's fault.
    rows.check()?;
    read.ok_or_else(|| {
        format!(
            "a histogram chunk of {} bytes that says it holds {count} histograms of {} buckets, and does not",
            data.len(),
            layout.buckets.iter().sum::<usize>()
        )
    })
}

fn layout(bits: &mut Bits<'_>, flags: u8) -> Option<Layout> {
    let zero_threshold = match bits.take(8)? {
        0 => 0.0,
        255 => f64::from_bits(bits.take_64()?),
        // 2^(n-244): always a normal number, so its exponent can be written down.
        power => f64::from_bits((power + 1023 - 244) << 52),
    };
    let schema = i32::try_from(bits.varbit()?).ok()?;
    let (positive_spans, positive) = spans(bits)?;
    let (negative_spans, negative) = spans(bits)?;
    let mut custom_values = Vec::new();
    if schema == CUSTOM_BUCKETS {
        let count = bits.uvarbit()?;
        // Each has a bit at least: a damaged count must not become an allocation.
        if count > bits.left() {
            return None;
        }
        for _ in 0..count {
            custom_values.push(match bits.uvarbit()? {
                0 => f64::from_bits(bits.take_64()?),
                thousandths => (thousandths - 1) as f64 / 1000.0,
            });
        }
    }
    // Each bucket has a bit at least in the first histogram.
    if positive.checked_add(negative)? > bits.left() {
        return None;
    }
    let buckets = [usize::try_from(positive).ok()?, usize::try_from(negative).ok()?];
    let form = Histogram {
        schema,
        zero_threshold,
        positive_spans,
        negative_spans,
        custom_values,
        ..Histogram::default()
    };
    Some(Layout { form, buckets, gauge: flags & 0xc0 == 0xc0 })
}

/// Spans and how many buckets they have.
fn spans(bits: &mut Bits<'_>) -> Option<(Vec<BucketSpan>, u64)> {
    let count = bits.uvarbit()?;
    // Each has two bits at least.
    if count > bits.left() / 2 {
        return None;
    }
    let mut spans = Vec::new();
    let mut buckets = 0u64;
    for _ in 0..count {
        let length = u32::try_from(bits.uvarbit()?).ok()?;
        let offset = i32::try_from(bits.varbit()?).ok()?;
        buckets += u64::from(length);
        spans.push(BucketSpan { offset, length });
    }
    Some((spans, buckets))
}

impl Layout {
    /// The hint that Prometheus gives: how a chunk began is not told, since nobody knows whether the chunk
    /// before it is still there.
    fn hint(&self, index: u16) -> i32 {
        match (self.gauge, index) {
            (true, _) => GAUGE,
            (false, 0) => UNKNOWN,
            (false, _) => NO_RESET,
        }
    }

    fn histogram(&self, index: u16, at: i64, sum: u64, count: Count, zero_count: ZeroCount) -> Histogram {
        Histogram {
            count: Some(count),
            sum: f64::from_bits(sum),
            zero_count: Some(zero_count),
            reset_hint: self.hint(index),
            timestamp: at,
            ..self.form.clone()
        }
    }
}

/// A staleness marker: nothing but its time and its sum.
fn stale(at: i64, count: Count, zero_count: ZeroCount) -> Histogram {
    Histogram {
        count: Some(count),
        sum: f64::from_bits(STALE_NAN_BITS),
        zero_count: Some(zero_count),
        timestamp: at,
        ..Histogram::default()
    }
}

/// A number stored as the difference of differences.
#[derive(Clone, Copy, Default)]
struct Delta {
    value: i64,
    step: i64,
}

impl Delta {
    fn next(&mut self, bits: &mut Bits<'_>) -> Option<()> {
        self.step = self.step.wrapping_add(bits.varbit()?);
        self.value = self.value.wrapping_add(self.step);
        Some(())
    }
}

/// Histograms with integer counts.
fn integer(bits: &mut Bits<'_>, total: u16, layout: &Layout, rows: &mut Rows) -> Option<()> {
    let first = |value| Delta { value, step: 0 };
    let mut at = first(bits.varbit()?);
    let mut count = first(bits.uvarbit()? as i64);
    let mut zero = first(bits.uvarbit()? as i64);
    let mut sum = XorFloat::first(bits.take_64()?);
    let mut buckets = layout.buckets.map(|buckets| vec![Delta::default(); buckets]);
    for bucket in buckets.iter_mut().flatten() {
        bucket.value = bits.varbit()?;
    }
    for index in 0..total {
        if index > 0 {
            at.next(bits)?;
            count.next(bits)?;
            zero.next(bits)?;
            sum.next(bits)?;
            if sum.bits != STALE_NAN_BITS {
                for bucket in buckets.iter_mut().flatten() {
                    bucket.next(bits)?;
                }
            }
        }
        if !rows.wants(at.value) {
            continue;
        }
        rows.histogram(if sum.bits == STALE_NAN_BITS {
            stale(at.value, Count::CountInt(0), ZeroCount::ZeroCountInt(0))
        } else {
            let [positive, negative] = &buckets;
            let deltas = |side: &[Delta]| side.iter().map(|bucket| bucket.value).collect();
            let (count, zero) =
                (Count::CountInt(count.value as u64), ZeroCount::ZeroCountInt(zero.value as u64));
            Histogram {
                positive_deltas: deltas(positive),
                negative_deltas: deltas(negative),
                ..layout.histogram(index, at.value, sum.bits, count, zero)
            }
        })?;
    }
    Some(())
}

/// Histograms with float counts.
fn float(bits: &mut Bits<'_>, total: u16, layout: &Layout, rows: &mut Rows) -> Option<()> {
    let mut at = Delta { value: bits.varbit()?, step: 0 };
    let mut count = XorFloat::first(bits.take_64()?);
    let mut zero = XorFloat::first(bits.take_64()?);
    let mut sum = XorFloat::first(bits.take_64()?);
    if layout.buckets.iter().sum::<usize>() as u64 > bits.left() / 64 {
        return None;
    }
    let mut buckets = layout.buckets.map(|buckets| vec![XorFloat::default(); buckets]);
    for bucket in buckets.iter_mut().flatten() {
        bucket.bits = bits.take_64()?;
    }
    for index in 0..total {
        if index > 0 {
            at.next(bits)?;
            count.next(bits)?;
            zero.next(bits)?;
            sum.next(bits)?;
            if sum.bits != STALE_NAN_BITS {
                for bucket in buckets.iter_mut().flatten() {
                    bucket.next(bits)?;
                }
            }
        }
        if !rows.wants(at.value) {
            continue;
        }
        rows.histogram(if sum.bits == STALE_NAN_BITS {
            stale(at.value, Count::CountFloat(0.0), ZeroCount::ZeroCountFloat(0.0))
        } else {
            let [positive, negative] = &buckets;
            let counts = |side: &[XorFloat]| side.iter().map(XorFloat::value).collect();
            let (count, zero) = (Count::CountFloat(count.value()), ZeroCount::ZeroCountFloat(zero.value()));
            Histogram {
                positive_counts: counts(positive),
                negative_counts: counts(negative),
                ..layout.histogram(index, at.value, sum.bits, count, zero)
            }
        })?;
    }
    Some(())
}
