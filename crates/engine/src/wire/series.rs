//! One `prompb.TimeSeries`, borrowed from the wire. Remote read's answers and remote write's requests have
//! the same form (`prompb/types.proto`), so a series can go from one to the other without being decoded.

use super::WireError;
use super::proto::{FIXED64, LEN, Reader, VARINT, put_bytes, put_varint};
use super::types;
use crate::model::{Exemplar, Histogram, Labels, Millis, Sample, Series};
use prost::Message;
use std::hash::{DefaultHasher, Hasher};

const LABELS: u32 = 1;
const SAMPLES: u32 = 2;
const EXEMPLARS: u32 = 3;
const HISTOGRAMS: u32 = 4;

/// The wire bytes of a validated series.
#[derive(Clone, Copy, Debug)]
pub struct RawSeries<'a> {
    bytes: &'a [u8],
    samples: u64,
    histograms: u64,
}

/// A row of a series: what it is, when, and where its field (tag included) lies in the series' bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    pub kind: RowKind,
    pub at: Millis,
    /// Bits of a sample's value; 0 for the other kinds.
    pub bits: u64,
    /// Spans, deltas, counts and custom values of a histogram: what tsink counts against its limit.
    pub bucket_entries: usize,
    pub start: usize,
    pub end: usize,
}

/// In the order in which a series is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum RowKind {
    Sample,
    Histogram,
    Exemplar,
}

impl<'a> RawSeries<'a> {
    /// Checks the bytes of a series once, so that everything else here can be infallible.
    pub(super) fn validate(mut reader: Reader<'a>) -> Result<Self, WireError> {
        let bytes = reader.whole();
        let (mut samples, mut histograms) = (0, 0);
        while let Some(field) = reader.field()? {
            match field.number {
                LABELS => {
                    reader.expect(field, LEN, "a label")?;
                    let message = reader.message()?;
                    let at = message.offset();
                    label(message)?.ok_or_else(|| WireError::new(at, "a label that is not UTF-8"))?;
                }
                SAMPLES => {
                    reader.expect(field, LEN, "a sample")?;
                    sample(reader.message()?)?;
                    samples += 1;
                }
                EXEMPLARS => {
                    reader.expect(field, LEN, "an exemplar")?;
                    let at = reader.offset();
                    types::Exemplar::decode(reader.bytes()?)
                        .map_err(|error| WireError::new(at, format!("not an exemplar: {error}")))?;
                }
                HISTOGRAMS => {
                    reader.expect(field, LEN, "a histogram")?;
                    let at = reader.offset();
                    Histogram::decode(reader.bytes()?)
                        .map_err(|error| WireError::new(at, format!("not a histogram: {error}")))?;
                    histograms += 1;
                }
                _ => reader.skip(field.wire)?,
            }
        }
        Ok(Self { bytes, samples, histograms })
    }

    /// The bytes of a series that [`Self::validate`] has seen, and its counts.
    pub(super) fn trusted(bytes: &'a [u8], samples: u64, histograms: u64) -> Self {
        Self { bytes, samples, histograms }
    }

    /// The message's bytes.
    pub(super) fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Float samples in it.
    pub fn sample_count(&self) -> u64 {
        self.samples
    }

    /// Native histograms in it.
    pub fn histogram_count(&self) -> u64 {
        self.histograms
    }

    /// Calls `visit` for every label as it stands on the wire.
    fn each_label(&self, mut visit: impl FnMut(&'a str, &'a str)) {
        let mut reader = Reader::new(self.bytes, 0);
        while let Ok(Some(field)) = reader.field() {
            if field.number == LABELS {
                if let Ok(Some((name, value))) = reader.message().and_then(label) {
                    visit(name, value);
                }
            } else if field.number < HISTOGRAMS && field.number != LABELS && field.wire == LEN {
                // Labels come first in every writer we know; one that mixes them is still read whole.
                if reader.bytes().is_err() {
                    return;
                }
            } else if reader.skip(field.wire).is_err() {
                return;
            }
        }
    }

    /// Canonical labels.
    pub fn labels(&self) -> Labels {
        let mut pairs = Vec::with_capacity(16);
        self.each_label(|name, value| pairs.push((name, value)));
        Labels::from_pairs(pairs)
    }

    /// A hash of the canonical labels: equal for equal label sets, whatever their order on the wire.
    pub fn identity(&self) -> u128 {
        let mut pairs = Vec::with_capacity(16);
        self.each_label(|name, value| pairs.push((name, value)));
        if is_canonical(&pairs) {
            hash(pairs.into_iter())
        } else {
            labels_identity(&Labels::from_pairs(pairs))
        }
    }

    /// The labels' fields as they should be written: as they are when they are canonical.
    pub(super) fn label_bytes(&self, out: &mut Vec<u8>) {
        let mut pairs = Vec::with_capacity(16);
        self.each_label(|name, value| pairs.push((name, value)));
        if is_canonical(&pairs) {
            pairs.into_iter().for_each(|(name, value)| put_label(out, name, value));
        } else {
            let labels = Labels::from_pairs(pairs);
            labels.iter().for_each(|(name, value)| put_label(out, name, value));
        }
    }

    /// Whether the series could be written byte for byte as far as its labels are concerned.
    pub(super) fn has_canonical_labels(&self) -> bool {
        let mut pairs = Vec::with_capacity(16);
        self.each_label(|name, value| pairs.push((name, value)));
        is_canonical(&pairs)
    }

    /// Finds every row.
    pub(super) fn rows(&self, rows: &mut Vec<Row>) {
        let mut reader = Reader::new(self.bytes, 0);
        while let Ok(Some(field)) = reader.field() {
            let kind = match field.number {
                SAMPLES => RowKind::Sample,
                HISTOGRAMS => RowKind::Histogram,
                EXEMPLARS => RowKind::Exemplar,
                _ => {
                    if reader.skip(field.wire).is_err() {
                        return;
                    }
                    continue;
                }
            };
            let Ok(message) = reader.message() else { return };
            let at;
            let (mut bits, mut bucket_entries) = (0, 0);
            match kind {
                RowKind::Sample => (at, bits) = sample(message).unwrap_or_default(),
                RowKind::Histogram => {
                    let histogram = Histogram::decode(message.whole()).unwrap_or_default();
                    (at, bucket_entries) = (histogram.timestamp, entries(&histogram));
                }
                RowKind::Exemplar => at = varint_field(message, 3),
            }
            rows.push(Row { kind, at, bits, bucket_entries, start: field.start, end: reader.position() });
        }
    }

    /// Decodes everything.
    pub fn decode(&self) -> Series {
        let mut series = Series {
            labels: self.labels(),
            samples: Vec::with_capacity(usize::try_from(self.samples).unwrap_or(0)),
            ..Series::default()
        };
        let mut reader = Reader::new(self.bytes, 0);
        while let Ok(Some(field)) = reader.field() {
            match field.number {
                SAMPLES => {
                    if let Ok((timestamp, bits)) = reader.message().and_then(sample) {
                        series.samples.push(Sample { timestamp, value: f64::from_bits(bits) });
                    }
                }
                HISTOGRAMS => {
                    if let Ok(Ok(histogram)) = reader.bytes().map(Histogram::decode) {
                        series.histograms.push(histogram);
                    }
                }
                EXEMPLARS => {
                    if let Ok(Ok(exemplar)) = reader.bytes().map(types::Exemplar::decode) {
                        series.exemplars.push(Exemplar {
                            labels: Labels::from_pairs(
                                exemplar.labels.into_iter().map(|label| (label.name, label.value)),
                            ),
                            value: exemplar.value,
                            timestamp: exemplar.timestamp,
                        });
                    }
                }
                _ => {
                    if reader.skip(field.wire).is_err() {
                        break;
                    }
                }
            }
        }
        series
    }
}

/// What tsink 0.10.2 counts as a histogram's bucket entries (`histogram_bucket_entries_total`).
fn entries(histogram: &Histogram) -> usize {
    histogram.negative_spans.len()
        + histogram.negative_deltas.len()
        + histogram.negative_counts.len()
        + histogram.positive_spans.len()
        + histogram.positive_deltas.len()
        + histogram.positive_counts.len()
        + histogram.custom_values.len()
}

/// Name and value of a label; `None` when one is not UTF-8.
pub(super) fn label(mut reader: Reader<'_>) -> Result<Option<(&str, &str)>, WireError> {
    let (mut name, mut value) = (&b""[..], &b""[..]);
    while let Some(field) = reader.field()? {
        match field.number {
            1 => {
                reader.expect(field, LEN, "a label name")?;
                name = reader.bytes()?;
            }
            2 => {
                reader.expect(field, LEN, "a label value")?;
                value = reader.bytes()?;
            }
            _ => reader.skip(field.wire)?,
        }
    }
    Ok(std::str::from_utf8(name).ok().zip(std::str::from_utf8(value).ok()))
}

/// Time and value bits of a sample. A field that is absent is zero, as proto3 has it.
#[inline]
fn sample(mut reader: Reader<'_>) -> Result<(Millis, u64), WireError> {
    // Every writer puts the value first and a time of six bytes behind it: 16 bytes in all.
    if let [0x09, a, b, c, d, e, f, g, h, 0x10, t0, t1, t2, t3, t4, t5] = *reader.whole()
        && t0 & t1 & t2 & t3 & t4 & 0x80 == 0x80
        && t5 < 0x80
    {
        let time =
            [t0, t1, t2, t3, t4, t5].iter().rev().fold(0i64, |time, byte| time << 7 | i64::from(byte & 0x7f));
        return Ok((time, u64::from_le_bytes([a, b, c, d, e, f, g, h])));
    }
    let (mut at, mut bits) = (0, 0);
    while let Some(field) = reader.field()? {
        match field.number {
            1 => {
                reader.expect(field, FIXED64, "a sample's value")?;
                bits = reader.fixed64()?;
            }
            2 => {
                reader.expect(field, VARINT, "a sample's time")?;
                at = reader.varint()? as i64;
            }
            _ => reader.skip(field.wire)?,
        }
    }
    Ok((at, bits))
}

/// The last value of a varint field in a validated message; 0 when absent.
fn varint_field(mut reader: Reader<'_>, number: u32) -> i64 {
    let mut value = 0;
    while let Ok(Some(field)) = reader.field() {
        if field.number == number && field.wire == VARINT {
            value = reader.varint().unwrap_or_default() as i64;
        } else if reader.skip(field.wire).is_err() {
            break;
        }
    }
    value
}

fn is_canonical(pairs: &[(&str, &str)]) -> bool {
    pairs.iter().all(|(_, value)| !value.is_empty())
        && pairs.windows(2).all(|pair| matches!(pair, [a, b] if a.0 < b.0))
}

/// The identity of a label set; equal to [`RawSeries::identity`] of the same set.
pub fn labels_identity(labels: &Labels) -> u128 {
    hash(labels.iter())
}

/// Two independent SipHashes with fixed keys: 128 bits, so that millions of series do not collide.
fn hash<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> u128 {
    let (mut low, mut high) = (DefaultHasher::new(), DefaultHasher::new());
    high.write_u8(0x5a);
    for (name, value) in pairs {
        for hasher in [&mut low, &mut high] {
            hasher.write_u64(name.len() as u64);
            hasher.write(name.as_bytes());
            hasher.write_u64(value.len() as u64);
            hasher.write(value.as_bytes());
        }
    }
    u128::from(low.finish()) | u128::from(high.finish()) << 64
}

fn put_label(out: &mut Vec<u8>, name: &str, value: &str) {
    let mut message = Vec::with_capacity(name.len() + value.len() + 8);
    put_bytes(&mut message, 0x0a, name.as_bytes());
    put_bytes(&mut message, 0x12, value.as_bytes());
    put_bytes(out, 0x0a, &message);
}

/// Bytes of a sample's field, tag included, when its time lies between 1971 and 2109.
pub(super) const SAMPLE_BYTES: usize = 18;

/// Appends a sample's field. A value of zero is written, too, so that its sign stays.
#[inline]
pub(super) fn put_sample(out: &mut Vec<u8>, at: Millis, bits: u64) {
    let [a, b, c, d, e, f, g, h] = bits.to_le_bytes();
    if (1 << 35..1 << 42).contains(&at) {
        let byte = |shift: u32| (at >> shift) as u8 & 0x7f | 0x80;
        let last = (at >> 35) as u8;
        out.extend_from_slice(&[
            0x12,
            16,
            0x09,
            a,
            b,
            c,
            d,
            e,
            f,
            g,
            h,
            0x10,
            byte(0),
            byte(7),
            byte(14),
            byte(21),
            byte(28),
            last,
        ]);
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
pub(super) fn put_histogram(out: &mut Vec<u8>, histogram: &Histogram) {
    put_bytes(out, 0x22, &histogram.encode_to_vec());
}

/// Appends a decoded series as `prompb.TimeSeries`.
pub(super) fn encode(series: &Series, out: &mut Vec<u8>) {
    out.reserve(64 + series.samples.len() * SAMPLE_BYTES);
    series.labels.iter().for_each(|(name, value)| put_label(out, name, value));
    for sample in &series.samples {
        put_sample(out, sample.timestamp, sample.value.to_bits());
    }
    for exemplar in &series.exemplars {
        let message = types::Exemplar {
            labels: exemplar
                .labels
                .iter()
                .map(|(name, value)| types::Label { name: name.to_owned(), value: value.to_owned() })
                .collect(),
            value: exemplar.value,
            timestamp: exemplar.timestamp,
        };
        put_bytes(out, 0x1a, &message.encode_to_vec());
    }
    for histogram in &series.histograms {
        put_histogram(out, histogram);
    }
}
