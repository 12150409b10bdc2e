//! Decoded series as `prompb.TimeSeries`, for sources that do not speak protobuf, and for exemplars.

use super::super::proto::{put_bytes, put_varint};
use super::labels::put_label;
use crate::model::{Exemplar, Histogram, Millis, Series};
use prost::Message;
use std::ops::Range;

/// Encodes a series: labels, samples, exemplars, histograms, as Prometheus orders them.
pub(in super::super) fn encode(series: &Series) -> Vec<u8> {
    let mut out = Vec::with_capacity(64 * series.labels.len() + SAMPLE_BYTES * series.samples.len());
    series.labels.iter().for_each(|(name, value)| put_label(&mut out, name, value));
    series.samples.iter().for_each(|sample| put_sample(&mut out, sample.timestamp, sample.value.to_bits()));
    for exemplar in &series.exemplars {
        put_bytes(&mut out, 0x1a, &exemplar_message(exemplar));
    }
    for histogram in &series.histograms {
        put_histogram(&mut out, histogram);
    }
    out
}

/// Times that take six bytes: from 1971 to 2109.
pub(in super::super) const PLAIN_TIMES: Range<Millis> = 1 << 35..1 << 42;

/// Bytes of a sample's field, tag included, when its time is one of [`PLAIN_TIMES`].
pub(in super::super) const SAMPLE_BYTES: usize = 18;

/// Appends a sample's field. Both parts are written even when they are zero: leaving a zero out, as proto3
/// writers do, would lose the sign of -0.0.
#[inline]
pub(in super::super) fn put_sample(out: &mut Vec<u8>, at: Millis, bits: u64) {
    let [a, b, c, d, e, f, g, h] = bits.to_le_bytes();
    if PLAIN_TIMES.contains(&at) {
        // Six bytes of time: one array, one look at the room for it, and no loop over a varint.
        let byte = |shift: u32| (at >> shift) as u8 & 0x7f | 0x80;
        let time = [byte(0), byte(7), byte(14), byte(21), byte(28), (at >> 35) as u8];
        let [i, j, k, l, m, n] = time;
        out.extend_from_slice(&[0x12, 16, 0x09, a, b, c, d, e, f, g, h, 0x10, i, j, k, l, m, n]);
        return;
    }
    let start = out.len();
    out.extend_from_slice(&[0x12, 0, 0x09, a, b, c, d, e, f, g, h, 0x10]);
    put_varint(out, at as u64);
    // At most 20 bytes: the length fits into its one byte.
    let length = (out.len() - start - 2) as u8;
    if let Some(place) = out.get_mut(start + 1) {
        *place = length;
    }
}

/// Appends a histogram's field.
pub(in super::super) fn put_histogram(out: &mut Vec<u8>, histogram: &Histogram) {
    put_bytes(out, 0x22, &histogram_message(histogram));
}

fn exemplar_message(exemplar: &Exemplar) -> Vec<u8> {
    let mut out = Vec::new();
    exemplar.labels.iter().for_each(|(name, value)| put_label(&mut out, name, value));
    out.push(0x11);
    out.extend_from_slice(&exemplar.value.to_bits().to_le_bytes());
    out.push(0x18);
    put_varint(&mut out, exemplar.timestamp as u64);
    out
}

fn histogram_message(histogram: &Histogram) -> Vec<u8> {
    let mut out = histogram.encode_to_vec();
    // prost leaves out a sum that equals zero, and -0.0 does.
    if histogram.sum == 0.0 && histogram.sum.is_sign_negative() {
        out.push(0x19);
        out.extend_from_slice(&histogram.sum.to_bits().to_le_bytes());
    }
    out
}
