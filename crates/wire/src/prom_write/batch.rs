//! A finished write request: what is in it, and its halves.

use super::load::Load;
use super::{put_metadata, put_series};
use crate::model::Millis;
use crate::proto::{LEN, Reader};
use crate::series::{RawSeries, Row};
use crate::snappy;
use crate::types::MetricMetadata;
use bytes::Bytes;
use prost::Message;

/// A write request, ready to send.
#[derive(Clone, Debug)]
pub struct WriteBatch {
    /// Compressed `WriteRequest`.
    pub body: Bytes,
    /// Its length before compression, in bytes.
    pub raw_len: usize,
    /// Series in it.
    pub series: u64,
    /// Float samples in it.
    pub samples: u64,
    /// Native histograms in it.
    pub histograms: u64,
    /// Exemplars in it.
    pub exemplars: u64,
    /// Metadata entries in it.
    pub metadata: u64,
    /// Earliest row, Unix ms.
    pub first_ms: Option<Millis>,
    /// Latest row, Unix ms.
    pub last_ms: Option<Millis>,
}

impl WriteBatch {
    /// Compresses a request that holds `series` series with `load` in them, or `metadata` entries.
    pub(super) fn seal(raw: &[u8], series: usize, load: &Load, metadata: usize) -> Self {
        let body = snappy::compress(raw);
        Self { metadata: metadata as u64, ..Self::new(body, raw.len(), series, load) }
    }

    /// A compressed request, `raw_len` bytes before, that holds `series` series with `load` in them.
    pub(super) fn new(body: Bytes, raw_len: usize, series: usize, load: &Load) -> Self {
        let has_rows = load.rows() > 0;
        Self {
            body,
            raw_len,
            series: series as u64,
            samples: load.samples as u64,
            histograms: load.histograms as u64,
            exemplars: load.exemplars as u64,
            metadata: 0,
            first_ms: has_rows.then_some(load.first_ms),
            last_ms: has_rows.then_some(load.last_ms),
        }
    }

    /// Samples, histograms and exemplars in it.
    pub fn rows(&self) -> u64 {
        self.samples + self.histograms + self.exemplars
    }

    /// The first `count` series in it, as selectors; of a metadata batch, the first metric families.
    pub fn example_series(&self, count: usize) -> Vec<String> {
        let Some(raw) = self.raw() else { return Vec::new() };
        if self.metadata > 0 {
            let families = fields(&raw, 3).filter_map(|entry| MetricMetadata::decode(entry.whole()).ok());
            return families.take(count).map(|entry| entry.metric_family_name).collect();
        }
        let series = fields(&raw, 1).take(count).filter_map(|entry| RawSeries::survey(entry).ok());
        series.map(|one| one.labels().to_string()).collect()
    }

    /// The batch in two, to find out what a server refuses in it: by series, as evenly in rows as their
    /// borders allow; a single series by time. `None` when it holds one row or one metadata entry.
    pub fn split(&self) -> Option<(WriteBatch, WriteBatch)> {
        let raw = self.raw()?;
        if self.metadata > 0 {
            let entries: Vec<Reader<'_>> = fields(&raw, 3).collect();
            let (left, right) = entries.split_at(entries.len() / 2);
            return halves(left, right, |entries| {
                let mut out = Vec::new();
                entries.iter().for_each(|entry| put_metadata(&mut out, entry.whole()));
                Self::seal(&out, 0, &Load::NONE, entries.len())
            });
        }
        let series: Vec<RawSeries<'_>> =
            fields(&raw, 1).map(RawSeries::survey).collect::<Result<_, _>>().ok()?;
        if let [one] = series.as_slice() {
            return Self::split_series(one);
        }
        let mut before = 0;
        let middle = series.iter().position(|one| {
            before += one.summary().rows() as u64;
            before >= self.rows().div_ceil(2)
        });
        // Behind the series that crosses the middle, but never behind the last one.
        let (left, right) = series.split_at((middle? + 1).min(series.len() - 1));
        halves(left, right, |series| {
            let mut out = Vec::new();
            series.iter().for_each(|one| put_series(&mut out, one.bytes()));
            let load = series.iter().fold(Load::NONE, |load, one| load.plus(&one.summary().into()));
            Self::seal(&out, series.len(), &load, 0)
        })
    }

    fn split_series(series: &RawSeries<'_>) -> Option<(WriteBatch, WriteBatch)> {
        let mut rows: Vec<Row> = series.rows().collect();
        crate::order::sort_by_key(&mut rows, |row| row.at);
        let (left, right) = rows.split_at(rows.len() / 2);
        let mut first = true;
        halves(left, right, |rows| {
            let mut rows = rows.to_vec();
            // Back to their order in the batch, which keeps the kinds together.
            crate::order::sort_by_key(&mut rows, |row| row.start);
            let mut message = Vec::new();
            series.put_labels(&mut message);
            if std::mem::take(&mut first) {
                series.put_unknown(&mut message);
            }
            let mut load = Load::NONE;
            for row in &rows {
                message.extend_from_slice(series.bytes().get(row.start..row.end).unwrap_or_default());
                load.add_row(row);
            }
            let mut out = Vec::new();
            put_series(&mut out, &message);
            Self::seal(&out, 1, &load, 0)
        })
    }

    /// Calls `each` with every series in it.
    pub(super) fn each_series(&self, each: impl FnMut(RawSeries<'_>)) {
        let raw = self.raw().unwrap_or_default();
        fields(&raw, 1).filter_map(|one| RawSeries::survey(one).ok()).for_each(each);
    }

    /// The request before compression.
    fn raw(&self) -> Option<Vec<u8>> {
        snappy::decompress(&self.body, self.raw_len).ok()
    }
}

/// The messages of a field of a request that we wrote ourselves.
fn fields(raw: &[u8], number: u32) -> impl Iterator<Item = Reader<'_>> {
    let mut request = Reader::new(raw, 0);
    std::iter::from_fn(move || {
        loop {
            let field = request.field().ok()??;
            if (field.number, field.wire) == (number, LEN) {
                return request.message().ok();
            }
            request.skip(field.wire).ok()?;
        }
    })
}

/// Two batches, unless a half is empty.
fn halves<T>(
    left: &[T],
    right: &[T],
    mut seal: impl FnMut(&[T]) -> WriteBatch,
) -> Option<(WriteBatch, WriteBatch)> {
    (!left.is_empty() && !right.is_empty()).then(|| (seal(left), seal(right)))
}
