//! Prometheus remote read, response type SAMPLES (`prompb/remote.proto`, Prometheus 2.42).

use super::proto::{LEN, Reader};
use super::series::{RowKind, SAMPLE_BYTES, Summary, encode, put_samples};
use super::snappy;
use super::types::{LabelMatcher, Query, ReadRequest};
use crate::model::{Millis, Series, Window};
use bytes::Bytes;
use prost::Message;
use std::mem::size_of;

pub use super::WireError;
use super::room::{Large, Room, make_room};
pub use super::series::{PlainSamples, RawSeries, labels_identity};

/// Bytes that a series takes beyond its wire form, shared by both forms in which it is held: a vector of labels with
/// two texts each, in maps and lists.
const SERIES_COST: usize = 400;

/// A compressed request for what `matchers` find in `window`. Asks for SAMPLES only: tsink 0.10.2 answers
/// 400 when anything else is listed, even beside it.
pub fn encode_request(matchers: &[LabelMatcher], window: Window) -> Bytes {
    request(vec![query(matchers, window)], 0)
}

/// What `matchers` find in `window`.
pub(super) fn query(matchers: &[LabelMatcher], window: Window) -> Query {
    Query {
        start_timestamp_ms: window.start_ms,
        end_timestamp_ms: window.end_ms,
        matchers: matchers.to_vec(),
    }
}

/// A compressed request for answers of one type, 0 for SAMPLES and 1 for STREAMED_XOR_CHUNKS.
pub(super) fn request(queries: Vec<Query>, response_type: i32) -> Bytes {
    let request = ReadRequest { queries, accepted_response_types: vec![response_type] };
    snappy::compress(&request.encode_to_vec())
}

/// The answer to one query: the response as it came, decompressed, with an index of its series.
///
/// All of it is checked once, when it is read; nothing here can fail afterwards.
#[derive(Clone, Debug, Default)]
pub struct SlabData {
    body: Large,
    /// For the body, until there is one.
    room: Option<Room>,
    series: Vec<Entry>,
    samples: u64,
    histograms: u64,
}

/// Where a series lies in the body, and what it holds.
#[derive(Clone, Debug)]
struct Entry {
    start: usize,
    end: usize,
    summary: Summary,
}

impl SlabData {
    /// Reads a compressed `ReadResponse` and checks all of its structure.
    ///
    /// # Errors
    /// For anything that is not a response with one result, of at most `limit` bytes decompressed. Places
    /// are byte offsets in the decompressed response.
    pub fn from_answer(body: &[u8], limit: usize) -> Result<Self, WireError> {
        Self::from_response(snappy::decompress(body, limit)?)
    }

    /// The same for an answer to `queries` queries, of which the first one's result is kept.
    ///
    /// # Errors
    /// As [`Self::from_answer`], for `queries` results.
    pub fn first_of(body: &[u8], limit: usize, queries: usize) -> Result<Self, WireError> {
        Self::first_of_response(snappy::decompress(body, limit)?, queries)
    }

    /// The same for a decompressed `ReadResponse`.
    ///
    /// # Errors
    /// For anything that is not a response with one result.
    pub fn from_response(body: Vec<u8>) -> Result<Self, WireError> {
        Self::first_of_response(body, 1)
    }

    fn first_of_response(body: Vec<u8>, queries: usize) -> Result<Self, WireError> {
        let mut data = Self::default();
        let mut response = Reader::new(&body, 0);
        let mut results = 0;
        // A real series takes 40 bytes and more; one of two bytes would need forty times its size here.
        let max_entries = body.len().saturating_mul(3).saturating_add(1 << 20) / size_of::<Entry>();
        while let Some(field) = response.field()? {
            if field.number != 1 {
                response.skip(field.wire)?;
                continue;
            }
            response.expect(field, LEN, "a query result")?;
            results += 1;
            let mut result = response.message()?;
            if results > 1 {
                continue;
            }
            while let Some(field) = result.field()? {
                if field.number != 1 {
                    result.skip(field.wire)?;
                    continue;
                }
                result.expect(field, LEN, "a series")?;
                let message = result.message()?;
                let start = message.offset();
                if data.series.len() >= max_entries {
                    return Err(WireError::new(
                        start,
                        format!(
                            "more than {max_entries} series in {} bytes, which no server sends",
                            body.len()
                        ),
                    ));
                }
                let series = RawSeries::survey(message)?;
                data.add(start, series.bytes().len(), *series.summary());
            }
        }
        if results != queries {
            return Err(WireError::new(
                body.len(),
                format!("the answer ends with {results} query results, expected {queries}"),
            ));
        }
        data.body = body.into();
        Ok(data)
    }

    /// Encodes decoded series, for sources that answer in another format.
    pub fn from_series(series: &[Series]) -> Self {
        let mut data = Self::default();
        series.iter().for_each(|one| data.push(one));
        data
    }

    /// An empty one that takes this room with the first series.
    pub(super) fn with_room(room: Room) -> Self {
        Self { room: Some(room), ..Self::default() }
    }

    /// Adds a series.
    pub fn push(&mut self, series: &Series) {
        let bytes = encode(series);
        self.append(bytes.len(), |out| out.extend_from_slice(&bytes));
    }

    /// Adds a series whose message `write` appends; it has some `bytes`.
    pub(super) fn append(&mut self, bytes: usize, write: impl FnOnce(&mut Vec<u8>)) {
        self.make_room(bytes);
        let start = self.body.len();
        write(&mut self.body);
        let bytes = self.body.get(start..).unwrap_or_default();
        // Our own encoding; that it passes for every series is what the property tests show.
        match RawSeries::survey(Reader::new(bytes, start)).map(|raw| (raw.bytes().len(), *raw.summary())) {
            Ok((length, summary)) => self.add(start, length, summary),
            Err(_) => self.body.truncate(start),
        }
    }

    /// Adds a series that has labels, whose fields are given, and samples in order of time, as time and bits; `ascending` where
    /// no time is there twice. What is known of them need not be found out by walking what was written.
    pub(super) fn append_samples(&mut self, labels: &[u8], samples: &[(Millis, u64)], ascending: bool) {
        let Ok(summary) = RawSeries::survey(Reader::new(labels, 0)).map(|raw| *raw.summary()) else { return };
        self.make_room(labels.len() + samples.len() * SAMPLE_BYTES);
        let start = self.body.len();
        self.body.extend_from_slice(labels);
        let plain_samples = put_samples(&mut self.body, samples);
        let time = |sample: Option<&(Millis, u64)>| sample.map(|(at, _)| *at);
        let summary = Summary {
            samples: samples.len(),
            plain_samples,
            first_ms: time(samples.first()).unwrap_or(summary.first_ms),
            last_ms: time(samples.last()).unwrap_or(summary.last_ms),
            ascending,
            ..summary
        };
        self.add(start, self.body.len() - start, summary);
    }

    fn make_room(&mut self, bytes: usize) {
        if let Some(room) = self.room.take() {
            self.body = room.buffer(bytes);
        }
        make_room(&mut self.body, bytes);
    }

    fn add(&mut self, start: usize, length: usize, summary: Summary) {
        self.samples += summary.rows_of(RowKind::Sample) as u64;
        self.histograms += summary.rows_of(RowKind::Histogram) as u64;
        self.series.push(Entry { start, end: start + length, summary });
    }

    /// Series in the answer.
    pub fn series_count(&self) -> usize {
        self.series.len()
    }

    /// Float samples in the answer.
    pub fn sample_count(&self) -> u64 {
        self.samples
    }

    /// Native histograms in the answer.
    pub fn histogram_count(&self) -> u64 {
        self.histograms
    }

    /// Exemplars in the answer; no server sends any in a remote read today.
    pub fn exemplar_count(&self) -> u64 {
        self.raw_series().map(|series| series.exemplar_count()).sum()
    }

    /// Bytes held, without the index.
    pub fn body_len(&self) -> usize {
        self.body.len()
    }

    /// Bytes held, the index included.
    pub fn byte_len(&self) -> usize {
        self.body.len() + self.series.len() * size_of::<Entry>()
    }

    /// Bytes that count against a limit: those held, and for each series what its labels take once they are decoded.
    pub fn cost(&self) -> usize {
        self.byte_len().saturating_add(self.series.len().saturating_mul(SERIES_COST))
    }

    /// The series as they stand on the wire, in the server's order.
    pub fn raw_series(&self) -> impl Iterator<Item = RawSeries<'_>> {
        self.series.iter().map(|entry| {
            RawSeries::trusted(self.body.get(entry.start..entry.end).unwrap_or_default(), entry.summary)
        })
    }

    /// A series by its place in the server's order.
    pub fn raw_at(&self, at: usize) -> Option<RawSeries<'_>> {
        let entry = self.series.get(at)?;
        Some(RawSeries::trusted(self.body.get(entry.start..entry.end)?, entry.summary))
    }

    /// The series decoded, in the server's order.
    pub fn decode(&self) -> Vec<Series> {
        self.raw_series().map(|series| series.decode()).collect()
    }
}
