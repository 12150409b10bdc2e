//! Prometheus remote write 1.0 (`prompb/remote.proto`, Prometheus 2.42): batches of what was read.
//!
//! What made this fast: a series that is in order, inside the window and not too long for its batch is
//! copied as the bytes that the source sent. Otherwise its rows are copied one by one, still undecoded.

use super::proto::{LEN, Reader, put_bytes, put_varint};
use super::series::{RawSeries, Row, RowKind, encode};
use super::snappy;
use super::types::MetricMetadata;
use crate::model::{Metadata, Millis, Series, Window};
use bytes::Bytes;
use prost::Message;
use std::collections::VecDeque;

/// tsink 0.10.2 takes so many metadata updates in a request (`TSINK_REMOTE_WRITE_MAX_*`).
const MAX_METADATA: usize = 512;
/// And so many exemplars.
const MAX_EXEMPLARS: usize = 512;
/// And so many entries of histogram buckets, spans, deltas and counts together.
const MAX_BUCKET_ENTRIES: usize = 16_384;
/// A batch this long, in bytes, is full whatever it holds: half of tsink's 64 MiB body limit.
const MAX_RAW_BYTES: usize = 32 << 20;
/// Decompressed batches are read back to be split; ours are never longer than this.
const READ_BACK_LIMIT: usize = 1 << 30;
const ALL_TIME: Window = Window { start_ms: i64::MIN, end_ms: i64::MAX };

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

/// What became of a series' rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pushed {
    /// Samples put into batches.
    pub samples: u64,
    /// Histograms put into batches.
    pub histograms: u64,
    /// Exemplars put into batches.
    pub exemplars: u64,
    /// Samples left out because the same sample is there already.
    pub deduplicated_samples: u64,
    /// Histograms left out because the same histogram is there already.
    pub deduplicated_histograms: u64,
    /// Samples left out because they lie outside the window.
    pub outside_samples: u64,
    /// Histograms left out because they lie outside the window.
    pub outside_histograms: u64,
    /// Of `samples`: those that have another value than the one before at the same time. They are written
    /// as they came; which one stays is the target's decision.
    pub conflicting_samples: u64,
}

/// Packs series into write requests that keep the limits.
#[derive(Debug)]
pub struct BatchBuilder {
    max_series: usize,
    max_points: usize,
    open: Open,
    open_metadata: Open,
    ready: VecDeque<WriteBatch>,
    rows: Vec<Row>,
    label_bytes: Vec<u8>,
}

#[derive(Debug, Default)]
struct Open {
    raw: Vec<u8>,
    series: usize,
    points: usize,
    samples: u64,
    histograms: u64,
    exemplars: u64,
    bucket_entries: usize,
    metadata: u64,
    span: Option<(Millis, Millis)>,
}

impl Open {
    fn count(&mut self, row: &Row) {
        self.points += 1;
        self.bucket_entries += row.bucket_entries;
        match row.kind {
            RowKind::Sample => self.samples += 1,
            RowKind::Histogram => self.histograms += 1,
            RowKind::Exemplar => self.exemplars += 1,
        }
        self.span = Some(match self.span {
            Some((first, last)) => (first.min(row.at), last.max(row.at)),
            None => (row.at, row.at),
        });
    }

    fn seal(&mut self) -> Option<WriteBatch> {
        if self.raw.is_empty() {
            return None;
        }
        let open = std::mem::take(self);
        Some(WriteBatch {
            body: snappy::compress(&open.raw),
            raw_len: open.raw.len(),
            series: open.series as u64,
            samples: open.samples,
            histograms: open.histograms,
            exemplars: open.exemplars,
            metadata: open.metadata,
            first_ms: open.span.map(|(first, _)| first),
            last_ms: open.span.map(|(_, last)| last),
        })
    }
}

impl BatchBuilder {
    /// Batches of at most `max_series` series and `max_points` samples, histograms and exemplars together;
    /// a limit of 0 counts as 1.
    pub fn new(max_series: usize, max_points: usize) -> Self {
        Self {
            max_series: max_series.max(1),
            max_points: max_points.max(1),
            open: Open::default(),
            open_metadata: Open::default(),
            ready: VecDeque::new(),
            rows: Vec::new(),
            label_bytes: Vec::new(),
        }
    }

    /// Adds the rows of a series that lie inside `clip`, in time order, each once. A series longer than a
    /// batch goes on in the next one.
    pub fn push_raw(&mut self, series: &RawSeries<'_>, clip: Window) -> Pushed {
        let mut rows = std::mem::take(&mut self.rows);
        rows.clear();
        series.rows(&mut rows);
        let found = rows.len();
        let mut pushed = Pushed::default();
        let in_order = rows
            .windows(2)
            .all(|pair| matches!(pair, [a, b] if a.kind < b.kind || (a.kind == b.kind && a.at < b.at)));
        let inside = rows.iter().all(|row| clip.contains(row.at));
        if !(in_order && inside) {
            tidy(series.bytes(), &mut rows, clip, &mut pushed);
        }
        for row in &rows {
            match row.kind {
                RowKind::Sample => pushed.samples += 1,
                RowKind::Histogram => pushed.histograms += 1,
                RowKind::Exemplar => pushed.exemplars += 1,
            }
        }
        let as_is = rows.len() == found && in_order && series.has_canonical_labels();
        if !rows.is_empty() {
            self.place(series, &rows, as_is);
        }
        self.rows = rows;
        pushed
    }

    /// Adds a decoded series with its exemplars; one that holds nothing but exemplars is fine.
    pub fn push_series(&mut self, series: &Series) -> Pushed {
        let mut bytes = Vec::new();
        encode(series, &mut bytes);
        let raw = RawSeries::trusted(&bytes, series.samples.len() as u64, series.histograms.len() as u64);
        self.push_raw(&raw, ALL_TIME)
    }

    /// Adds a metadata entry. Metadata travels in requests of its own.
    pub fn push_metadata(&mut self, metadata: &Metadata) {
        let message = MetricMetadata {
            r#type: metadata.metric_type as i32,
            metric_family_name: metadata.metric.clone(),
            help: metadata.help.clone(),
            unit: metadata.unit.clone(),
        };
        self.put_metadata(&message.encode_to_vec());
    }

    fn put_metadata(&mut self, message: &[u8]) {
        put_bytes(&mut self.open_metadata.raw, 0x1a, message);
        self.open_metadata.metadata += 1;
        if self.open_metadata.metadata as usize >= self.max_series.min(MAX_METADATA) {
            self.ready.extend(self.open_metadata.seal());
        }
    }

    /// The next full batch.
    pub fn take_ready(&mut self) -> Option<WriteBatch> {
        self.ready.pop_front()
    }

    /// The next batch, full or not; `None` when nothing is left.
    pub fn finish(&mut self) -> Option<WriteBatch> {
        self.ready.pop_front().or_else(|| self.open.seal()).or_else(|| self.open_metadata.seal())
    }

    /// How many of `rows`, from the first one on, the open batch has room for.
    fn room_for(&self, rows: &[Row]) -> usize {
        if self.open.series >= self.max_series || self.open.raw.len() >= MAX_RAW_BYTES {
            return 0;
        }
        let (mut exemplars, mut entries) = (self.open.exemplars as usize, self.open.bucket_entries);
        let within = rows.iter().take(self.max_points.saturating_sub(self.open.points)).take_while(|row| {
            exemplars += usize::from(row.kind == RowKind::Exemplar);
            entries += row.bucket_entries;
            exemplars <= MAX_EXEMPLARS && entries <= MAX_BUCKET_ENTRIES
        });
        within.count()
    }

    /// Puts rows into the open batch and the ones after it.
    fn place(&mut self, series: &RawSeries<'_>, rows: &[Row], as_is: bool) {
        // A series that fits a batch is not cut only because the open one is nearly full.
        if self.room_for(rows) < rows.len() {
            self.ready.extend(self.open.seal());
        }
        if as_is && self.room_for(rows) == rows.len() {
            put_bytes(&mut self.open.raw, 0x0a, series.bytes());
            self.open.series += 1;
            rows.iter().for_each(|row| self.open.count(row));
        } else {
            self.label_bytes.clear();
            series.label_bytes(&mut self.label_bytes);
            let mut rest = rows;
            while !rest.is_empty() {
                if self.room_for(rest) == 0 {
                    self.ready.extend(self.open.seal());
                }
                // One row goes in whatever its size: whether it is too large is the server's decision.
                let (chunk, after) = rest.split_at(self.room_for(rest).clamp(1, rest.len()));
                rest = after;
                let length: usize = chunk.iter().map(|row| row.end - row.start).sum();
                let raw = &mut self.open.raw;
                raw.push(0x0a);
                put_varint(raw, (self.label_bytes.len() + length) as u64);
                raw.extend_from_slice(&self.label_bytes);
                for row in chunk {
                    raw.extend_from_slice(series.bytes().get(row.start..row.end).unwrap_or_default());
                }
                self.open.series += 1;
                chunk.iter().for_each(|row| self.open.count(row));
            }
        }
        if self.open.series >= self.max_series || self.open.points >= self.max_points {
            self.ready.extend(self.open.seal());
        }
    }
}

/// Puts rows in order and leaves out what must not be written: rows outside `clip`, and repeated ones.
fn tidy(bytes: &[u8], rows: &mut Vec<Row>, clip: Window, pushed: &mut Pushed) {
    rows.retain(|row| {
        let keep = clip.contains(row.at);
        match row.kind {
            RowKind::Sample if !keep => pushed.outside_samples += 1,
            RowKind::Histogram if !keep => pushed.outside_histograms += 1,
            _ => {}
        }
        keep
    });
    // Stable: of several values at one time the later one stays the later one.
    rows.sort_by_key(|row| (row.kind, row.at));
    rows.dedup_by(|later, earlier| {
        if later.kind != earlier.kind || later.at != earlier.at {
            return false;
        }
        let same = match later.kind {
            RowKind::Sample => later.bits == earlier.bits,
            _ => bytes.get(later.start..later.end) == bytes.get(earlier.start..earlier.end),
        };
        match (later.kind, same) {
            (RowKind::Sample, true) => pushed.deduplicated_samples += 1,
            (RowKind::Sample, false) => pushed.conflicting_samples += 1,
            (RowKind::Histogram, true) => pushed.deduplicated_histograms += 1,
            _ => {}
        }
        same
    });
}

impl WriteBatch {
    /// Samples, histograms and exemplars in it.
    pub fn rows(&self) -> u64 {
        self.samples + self.histograms + self.exemplars
    }

    /// The first `count` series in it, as selectors.
    pub fn example_series(&self, count: usize) -> Vec<String> {
        self.open(|series, _| series.iter().take(count).map(|one| one.labels().to_string()).collect())
            .unwrap_or_default()
    }

    /// The batch in two, by series, then by time, to find out what a server refuses in it. `None` when it
    /// holds nothing that could be parted: one row, rows of one instant, or one metadata entry.
    pub fn split(&self) -> Option<(WriteBatch, WriteBatch)> {
        self.open(|series, metadata| {
            let mut halves = [(); 2].map(|()| BatchBuilder::new(usize::MAX, usize::MAX));
            let [first, second] = &mut halves;
            if metadata.len() > 1 {
                let (left, right) = metadata.split_at(metadata.len() / 2);
                left.iter().for_each(|entry| first.put_metadata(entry));
                right.iter().for_each(|entry| second.put_metadata(entry));
            } else if series.len() > 1 {
                let (left, right) = series.split_at(series.len() / 2);
                for one in left {
                    first.push_raw(one, ALL_TIME);
                }
                for one in right {
                    second.push_raw(one, ALL_TIME);
                }
            } else {
                let one = series.first()?;
                let mut rows = Vec::new();
                one.rows(&mut rows);
                let mut times: Vec<Millis> = rows.iter().map(|row| row.at).collect();
                times.sort_unstable();
                times.dedup();
                let middle = *times.get(times.len() / 2).filter(|_| times.len() > 1)?;
                first.push_raw(one, Window { start_ms: i64::MIN, end_ms: middle - 1 });
                second.push_raw(one, Window { start_ms: middle, end_ms: i64::MAX });
            }
            first.finish().zip(second.finish())
        })
        .flatten()
    }

    /// Reads the batch back: its series, and its metadata entries as messages.
    fn open<T>(&self, use_it: impl FnOnce(&[RawSeries<'_>], &[&[u8]]) -> T) -> Option<T> {
        let raw = snappy::decompress(&self.body, READ_BACK_LIMIT).ok()?;
        let (mut series, mut metadata) = (Vec::new(), Vec::new());
        let mut reader = Reader::new(&raw, 0);
        while let Ok(Some(field)) = reader.field() {
            match (field.number, field.wire) {
                (1, LEN) => series.push(RawSeries::validate(reader.message().ok()?).ok()?),
                (3, LEN) => metadata.push(reader.bytes().ok()?),
                _ => reader.skip(field.wire).ok()?,
            }
        }
        Some(use_it(&series, &metadata))
    }
}
