//! Decoded series as `prompb.TimeSeries`, for sources that do not speak protobuf, and for exemplars.

use super::super::proto::{put_bytes, put_varint};
use super::labels::put_label;
use crate::model::{Exemplar, Histogram, Sample, Series};
use prost::Message;

/// Encodes a series: labels, samples, exemplars, histograms, as Prometheus orders them.
pub(in super::super) fn encode(series: &Series) -> Vec<u8> {
    let mut out = Vec::with_capacity(64 * series.labels.len() + 18 * series.samples.len());
    series.labels.iter().for_each(|(name, value)| put_label(&mut out, name, value));
    series.samples.iter().for_each(|sample| put_sample(&mut out, sample));
    for exemplar in &series.exemplars {
        put_bytes(&mut out, 0x1a, &exemplar_message(exemplar));
    }
    for histogram in &series.histograms {
        put_bytes(&mut out, 0x22, &histogram_message(histogram));
    }
    out
}

/// Both fields are written even when they are zero: leaving a zero out, as proto3 writers do, would lose the
/// sign of -0.0.
fn put_sample(out: &mut Vec<u8>, sample: &Sample) {
    let mut message = [0; 20];
    let mut length = 0;
    let mut put = |byte: u8| {
        if let Some(place) = message.get_mut(length) {
            *place = byte;
            length += 1;
        }
    };
    put(0x09);
    sample.value.to_bits().to_le_bytes().into_iter().for_each(&mut put);
    put(0x10);
    let mut rest = sample.timestamp as u64;
    while rest >= 0x80 {
        put((rest as u8) | 0x80);
        rest >>= 7;
    }
    put(rest as u8);
    put_bytes(out, 0x12, message.get(..length).unwrap_or_default());
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
