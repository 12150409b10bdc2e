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
    if PLAIN_TIMES.contains(&at) {
        out.extend_from_slice(&plain_sample(at, bits));
        return;
    }
    let [a, b, c, d, e, f, g, h] = bits.to_le_bytes();
    let start = out.len();
    out.extend_from_slice(&[0x12, 0, 0x09, a, b, c, d, e, f, g, h, 0x10]);
    put_varint(out, at as u64);
    // At most 20 bytes: the length fits into its one byte.
    let length = (out.len() - start - 2) as u8;
    if let Some(place) = out.get_mut(start + 1) {
        *place = length;
    }
}

/// Appends the fields of samples in order of time, and says how many of them have the usual length.
pub(in super::super) fn put_samples(out: &mut Vec<u8>, samples: &[(Millis, u64)]) -> usize {
    let is_plain = |(at, _): &(Millis, u64)| PLAIN_TIMES.contains(at);
    if ![samples.first(), samples.last()].into_iter().flatten().all(is_plain) {
        samples.iter().for_each(|(at, bits)| put_sample(out, *at, *bits));
        return samples.iter().filter(|sample| is_plain(sample)).count();
    }
    // Their place is made for all of them at once: then each is three stores, and no look at the room that is left.
    let start = out.len();
    out.resize(start + samples.len() * SAMPLE_BYTES, 0);
    let (frames, _) = out.get_mut(start..).unwrap_or_default().as_chunks_mut();
    for (frame, (at, bits)) in frames.iter_mut().zip(samples) {
        *frame = plain_sample(*at, *bits);
    }
    samples.len()
}

/// The field of a sample whose time is one of [`PLAIN_TIMES`], as [`Reader::plain_sample`] reads it: made of words, not
/// of bytes.
///
/// [`Reader::plain_sample`]: crate::proto::Reader::plain_sample
#[inline(always)]
fn plain_sample(at: Millis, bits: u64) -> [u8; SAMPLE_BYTES] {
    // Seven bits of the time for each byte: first fourteen for each two.
    let time = at as u64;
    let pairs = (time & 0x3fff) | (time & 0x0fff_c000) << 2 | (time & 0x03ff_f000_0000) << 4;
    let time = (pairs & 0x007f_007f_007f) | (pairs & 0x3f80_3f80_3f80) << 1 | 0x0080_8080_8080;
    let head = 0x0009_1012 | bits << 24;
    let middle = bits >> 40 | 0x1000_0000 | time << 32;
    let mut field = [0; SAMPLE_BYTES];
    let (front, end) = field.split_at_mut(16);
    let (front, behind) = front.split_at_mut(8);
    front.copy_from_slice(&head.to_le_bytes());
    behind.copy_from_slice(&middle.to_le_bytes());
    end.copy_from_slice(&((time >> 32) as u16).to_le_bytes());
    field
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
