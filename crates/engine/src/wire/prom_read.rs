//! Prometheus remote read, response type SAMPLES (`prompb/remote.proto`, Prometheus 2.42).

use super::proto::{LEN, Reader};
use super::series::encode;
use super::types::{LabelMatcher, Query, ReadRequest};
use super::{WireError, snappy};
use crate::model::{Series, Window};
use bytes::Bytes;
use prost::Message;
use std::ops::Range;

pub use super::series::{RawSeries, labels_identity};

/// A compressed request for what `matchers` find in `window`. Asks for SAMPLES only: tsink 0.10.2 answers
/// 400 when anything else is listed, even beside it.
pub fn encode_request(matchers: &[LabelMatcher], window: Window) -> Bytes {
    let request = ReadRequest {
        queries: vec![Query {
            start_timestamp_ms: window.start_ms,
            end_timestamp_ms: window.end_ms,
            matchers: matchers.to_vec(),
        }],
        accepted_response_types: vec![0],
    };
    snappy::compress(&request.encode_to_vec())
}

/// The answer to one query: the response as it came, decompressed, with an index of its series.
#[derive(Clone, Debug, Default)]
pub struct SlabData {
    body: Vec<u8>,
    series: Vec<Entry>,
    samples: u64,
    histograms: u64,
}

#[derive(Clone, Debug)]
struct Entry {
    range: Range<usize>,
    samples: u64,
    histograms: u64,
}

impl SlabData {
    /// Reads a compressed `ReadResponse` and checks all of its structure once.
    ///
    /// # Errors
    /// For anything that is not a response with one result, of at most `limit` bytes decompressed.
    pub fn from_answer(body: &[u8], limit: usize) -> Result<Self, WireError> {
        Self::from_response(snappy::decompress(body, limit)?)
    }

    /// The same for a decompressed `ReadResponse`.
    ///
    /// # Errors
    /// For anything that is not a response with one result.
    pub fn from_response(body: Vec<u8>) -> Result<Self, WireError> {
        let mut data = Self::default();
        let mut response = Reader::new(&body, 0);
        let mut results = 0;
        while let Some(field) = response.field()? {
            if field.number != 1 {
                response.skip(field.wire)?;
                continue;
            }
            response.expect(field, LEN, "a query result")?;
            results += 1;
            let mut result = response.message()?;
            while let Some(field) = result.field()? {
                if field.number != 1 {
                    result.skip(field.wire)?;
                    continue;
                }
                result.expect(field, LEN, "a series")?;
                let message = result.message()?;
                let start = message.offset();
                let series = RawSeries::validate(message)?;
                data.add(
                    start..start + series.bytes().len(),
                    series.sample_count(),
                    series.histogram_count(),
                );
            }
        }
        if results != 1 {
            return Err(WireError::new(0, format!("{results} query results where one query was asked")));
        }
        data.body = body;
        Ok(data)
    }

    /// Encodes decoded series, for sources that answer in another format.
    pub fn from_series(series: &[Series]) -> Self {
        let mut data = Self::default();
        for one in series {
            let (samples, histograms) = (one.samples.len() as u64, one.histograms.len() as u64);
            data.append(samples, histograms, |out| encode(one, out));
        }
        data
    }

    /// Adds a series of so many rows; `write` appends its message.
    pub(super) fn append(&mut self, samples: u64, histograms: u64, write: impl FnOnce(&mut Vec<u8>)) {
        let start = self.body.len();
        write(&mut self.body);
        self.add(start..self.body.len(), samples, histograms);
    }

    fn add(&mut self, range: Range<usize>, samples: u64, histograms: u64) {
        self.samples += samples;
        self.histograms += histograms;
        self.series.push(Entry { range, samples, histograms });
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

    /// Bytes held.
    pub fn byte_len(&self) -> usize {
        self.body.len()
    }

    /// The series as they stand on the wire.
    pub fn raw_series(&self) -> impl Iterator<Item = RawSeries<'_>> {
        self.series.iter().map(|entry| {
            let bytes = self.body.get(entry.range.clone()).unwrap_or_default();
            RawSeries::trusted(bytes, entry.samples, entry.histograms)
        })
    }

    /// The series decoded.
    pub fn decode(&self) -> Vec<Series> {
        self.raw_series().map(|series| series.decode()).collect()
    }
}
