//! One `prompb.TimeSeries`, borrowed from the wire. Remote read's answers and remote write's requests have
//! the same form (`prompb/types.proto`), so a series can go from one to the other without being decoded.
//!
//! A series is walked once, by [`RawSeries::survey`], which checks all of its structure and notes in a
//! [`Summary`] what decides how it may be sent on: how many rows of which kind, from when to when, whether
//! they are in order, whether the labels are canonical. A series that is fine is not looked at again.

mod encode;
mod labels;
mod message;
mod plain;

use super::WireError;
use super::proto::{LEN, Reader};
use super::types;
use crate::model::{Exemplar, Histogram, Labels, Millis, Sample, Series};
use prost::Message;

pub(super) use encode::{SAMPLE_BYTES, encode, put_histogram, put_sample, put_samples};
pub use labels::labels_identity;
use labels::{canonical, hash};
pub(super) use labels::{label, put_label};
pub use plain::PlainSamples;

const LABELS: u32 = 1;
const SAMPLES: u32 = 2;
const EXEMPLARS: u32 = 3;
const HISTOGRAMS: u32 = 4;

/// The wire bytes of a validated series.
#[derive(Clone, Copy, Debug)]
pub struct RawSeries<'a> {
    bytes: &'a [u8],
    summary: Summary,
}

/// What a series holds, found out in one walk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Summary {
    pub samples: usize,
    pub histograms: usize,
    pub exemplars: usize,
    /// What tsink counts as bucket entries, of all histograms together.
    pub bucket_entries: usize,
    /// Earliest and latest row; [`i64::MAX`] and [`i64::MIN`] when there is none.
    pub first_ms: Millis,
    pub last_ms: Millis,
    /// Where the last label ends: looking for labels ends there.
    pub labels_end: usize,
    /// Each kind's rows are in time order, no time twice.
    pub ascending: bool,
    /// The labels are sorted, unique, none empty.
    pub canonical: bool,
    /// There are fields that this program does not know.
    pub unknown: bool,
    /// Samples in the eighteen bytes of [`Reader::plain_sample`].
    pub plain_samples: usize,
}

impl Summary {
    pub fn rows(&self) -> usize {
        self.samples + self.histograms + self.exemplars
    }

    pub fn rows_of(&self, kind: RowKind) -> usize {
        match kind {
            RowKind::Sample => self.samples,
            RowKind::Histogram => self.histograms,
            RowKind::Exemplar => self.exemplars,
        }
    }
}

/// What a row is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum RowKind {
    Sample,
    Histogram,
    Exemplar,
}

impl RowKind {
    /// In the order in which rows are written.
    pub const ALL: [Self; 3] = [Self::Sample, Self::Histogram, Self::Exemplar];

    fn of(field: u32) -> Option<Self> {
        match field {
            SAMPLES => Some(Self::Sample),
            HISTOGRAMS => Some(Self::Histogram),
            EXEMPLARS => Some(Self::Exemplar),
            _ => None,
        }
    }
}

/// A row of a series and where it lies in the series' bytes, its field's tag and length included.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    pub kind: RowKind,
    pub at: Millis,
    /// Bits of a sample's value; 0 for the other kinds.
    pub bits: u64,
    /// Of a histogram; 0 for the other kinds.
    pub bucket_entries: usize,
    pub start: usize,
    pub end: usize,
}

/// Follows the rows of one kind through a survey.
struct Track {
    count: usize,
    first: Millis,
    last: Millis,
    previous: Millis,
    ascending: bool,
}

impl Track {
    const NEW: Self = Self { count: 0, first: Millis::MAX, last: Millis::MIN, previous: 0, ascending: true };

    #[inline]
    fn row(&mut self, at: Millis) {
        self.ascending &= self.count == 0 || self.previous < at;
        self.count += 1;
        self.previous = at;
        self.first = self.first.min(at);
        self.last = self.last.max(at);
    }
}

impl<'a> RawSeries<'a> {
    /// Walks the bytes of a series once and checks them, so that everything else here can be infallible.
    pub(super) fn survey(mut reader: Reader<'a>) -> Result<Self, WireError> {
        let bytes = reader.whole();
        let [mut samples, mut histograms, mut exemplars] = [Track::NEW; 3];
        let (mut bucket_entries, mut labels_end) = (0, 0);
        let (mut is_canonical, mut unknown, mut plain_samples) = (true, false, 0);
        let mut previous_name = None;
        loop {
            while let Some((at, _)) = reader.plain_sample() {
                samples.row(at);
                plain_samples += 1;
            }
            let Some(field) = reader.field()? else { break };
            match field.number {
                LABELS => {
                    reader.expect(field, LEN, "a label")?;
                    let (name, value) = label(reader.message()?)?;
                    is_canonical &= !value.is_empty() && previous_name.is_none_or(|before| before < name);
                    previous_name = Some(name);
                    labels_end = reader.position();
                }
                SAMPLES => {
                    reader.expect(field, LEN, "a sample")?;
                    samples.row(message::sample(reader.message()?)?.0);
                }
                EXEMPLARS => {
                    reader.expect(field, LEN, "an exemplar")?;
                    exemplars.row(message::exemplar(reader.message()?)?);
                }
                HISTOGRAMS => {
                    reader.expect(field, LEN, "a histogram")?;
                    let (at, entries) = message::histogram(reader.message()?)?;
                    histograms.row(at);
                    bucket_entries += entries;
                }
                _ => {
                    unknown = true;
                    reader.skip(field.wire)?;
                }
            }
        }
        let tracks = [&samples, &histograms, &exemplars];
        let summary = Summary {
            samples: samples.count,
            histograms: histograms.count,
            exemplars: exemplars.count,
            bucket_entries,
            first_ms: tracks.iter().map(|track| track.first).min().unwrap_or(Millis::MAX),
            last_ms: tracks.iter().map(|track| track.last).max().unwrap_or(Millis::MIN),
            labels_end,
            ascending: tracks.iter().all(|track| track.ascending),
            canonical: is_canonical,
            unknown,
            plain_samples,
        };
        Ok(Self { bytes, summary })
    }

    /// The bytes of a series that [`Self::survey`] has seen, and what it found.
    pub(super) fn trusted(bytes: &'a [u8], summary: Summary) -> Self {
        Self { bytes, summary }
    }

    /// The message's bytes.
    pub(super) fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    pub(super) fn summary(&self) -> &Summary {
        &self.summary
    }

    /// Float samples in it.
    pub fn sample_count(&self) -> u64 {
        self.summary.samples as u64
    }

    /// Native histograms in it.
    pub fn histogram_count(&self) -> u64 {
        self.summary.histograms as u64
    }

    /// Exemplars in it; no server sends any in a remote read today.
    pub fn exemplar_count(&self) -> u64 {
        self.summary.exemplars as u64
    }

    /// Earliest sample, histogram or exemplar, Unix ms, whatever their order.
    pub fn first_ms(&self) -> Option<Millis> {
        (self.summary.rows() > 0).then_some(self.summary.first_ms)
    }

    /// Latest sample, histogram or exemplar, Unix ms.
    pub fn last_ms(&self) -> Option<Millis> {
        (self.summary.rows() > 0).then_some(self.summary.last_ms)
    }

    /// Whether the series has fields that this program does not know. They are sent on as they came: with
    /// the series when it is copied whole, with its first part when it has to be taken apart. (Unknown
    /// fields inside a label are lost when labels have to be put in order.)
    pub fn has_unknown_fields(&self) -> bool {
        self.summary.unknown
    }

    /// Name and value of every label, canonical.
    fn pairs(&self) -> Vec<(&'a str, &'a str)> {
        let mut pairs = Vec::with_capacity(16);
        let mut reader = Reader::new(self.bytes.get(..self.summary.labels_end).unwrap_or_default(), 0);
        while let Ok(Some(field)) = reader.field() {
            if field.number == LABELS {
                let Ok(pair) = reader.message().and_then(label) else { break };
                pairs.push(pair);
            } else if reader.skip(field.wire).is_err() {
                break;
            }
        }
        canonical(pairs)
    }

    /// Canonical labels.
    pub fn labels(&self) -> Labels {
        Labels::from_pairs(self.pairs())
    }

    /// A hash of the canonical labels: equal for equal label sets, whatever their order on the wire.
    pub fn identity(&self) -> u128 {
        hash(self.pairs().into_iter())
    }

    /// Appends the labels' fields as they should be written.
    pub(super) fn put_labels(&self, out: &mut Vec<u8>) {
        self.pairs().into_iter().for_each(|(name, value)| put_label(out, name, value));
    }

    /// Appends the fields that this program does not know.
    pub(super) fn put_unknown(&self, out: &mut Vec<u8>) {
        let mut reader = Reader::new(self.bytes, 0);
        while let Ok(Some(field)) = reader.field() {
            if reader.skip(field.wire).is_err() {
                return;
            }
            if field.number > HISTOGRAMS {
                out.extend_from_slice(self.bytes.get(field.start..reader.position()).unwrap_or_default());
            }
        }
    }

    /// The rows of a kind, in the order in which they came.
    pub(super) fn rows_of(&self, kind: RowKind) -> Rows<'a> {
        Rows { reader: Reader::new(self.bytes, 0), wanted: Some(kind) }
    }

    /// All rows, in the order in which they came.
    pub(super) fn rows(&self) -> Rows<'a> {
        Rows { reader: Reader::new(self.bytes, 0), wanted: None }
    }

    /// The row whose field starts at `start`.
    pub(super) fn row_at(&self, start: usize) -> Option<Row> {
        let mut rows = self.rows();
        rows.reader.seek(start);
        rows.next()
    }

    /// Float samples, bit for bit, in the server's order.
    pub fn samples(&self) -> impl Iterator<Item = Sample> + use<'a> {
        self.rows_of(RowKind::Sample).map(|row| Sample { timestamp: row.at, value: f64::from_bits(row.bits) })
    }

    /// Decodes everything, in the server's order.
    pub fn decode(&self) -> Series {
        self.decode_as(self.labels())
    }

    /// The same, with labels that are decoded already.
    pub fn decode_as(&self, labels: Labels) -> Series {
        let mut series =
            Series { labels, samples: Vec::with_capacity(self.summary.samples), ..Series::default() };
        series.samples.extend(self.samples());
        if self.summary.histograms + self.summary.exemplars == 0 {
            return series;
        }
        let mut reader = Reader::new(self.bytes, 0);
        while let Ok(Some(field)) = reader.field() {
            // What the survey accepts, prost decodes: see the module about protobuf.
            match field.number {
                HISTOGRAMS => {
                    series
                        .histograms
                        .extend(reader.bytes().ok().and_then(|bytes| Histogram::decode(bytes).ok()));
                }
                EXEMPLARS => {
                    let message = reader.bytes().ok().and_then(|bytes| types::Exemplar::decode(bytes).ok());
                    series.exemplars.extend(message.map(|exemplar| Exemplar {
                        labels: Labels::from_pairs(
                            exemplar.labels.into_iter().map(|label| (label.name, label.value)),
                        ),
                        value: exemplar.value,
                        timestamp: exemplar.timestamp,
                    }));
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

/// Rows of a series that has been surveyed.
pub(super) struct Rows<'a> {
    reader: Reader<'a>,
    wanted: Option<RowKind>,
}

impl Rows<'_> {
    fn wants(&self, kind: RowKind) -> bool {
        self.wanted.is_none_or(|wanted| wanted == kind)
    }
}

impl Iterator for Rows<'_> {
    type Item = Row;

    #[inline]
    fn next(&mut self) -> Option<Row> {
        loop {
            let start = self.reader.position();
            if let Some((at, bits)) = self.reader.plain_sample() {
                if self.wants(RowKind::Sample) {
                    let end = self.reader.position();
                    return Some(Row { kind: RowKind::Sample, at, bits, bucket_entries: 0, start, end });
                }
                continue;
            }
            let field = self.reader.field().ok()??;
            let Some(kind) = RowKind::of(field.number).filter(|kind| self.wants(*kind)) else {
                self.reader.skip(field.wire).ok()?;
                continue;
            };
            let message = self.reader.message().ok()?;
            let (mut bits, mut bucket_entries) = (0, 0);
            let at;
            match kind {
                RowKind::Sample => (at, bits) = message::sample(message).ok()?,
                RowKind::Histogram => (at, bucket_entries) = message::histogram(message).ok()?,
                RowKind::Exemplar => at = message::exemplar(message).ok()?,
            }
            return Some(Row { kind, at, bits, bucket_entries, start, end: self.reader.position() });
        }
    }
}
