//! Prometheus remote write 1.0 (`prompb/remote.proto`, Prometheus 2.42): batches of what was read.
//!
//! What made this fast: a series that is in order, inside the window and fits a batch is copied as the bytes
//! that the source sent, and that it is so was noted when its answer was checked; no sample is looked at
//! here. Otherwise its rows are copied, still undecoded, in runs as long as they lie side by side.

mod batch;
mod load;
mod order;
mod present;

use super::proto::{Reader, put_bytes};
use super::series::{RawSeries, Row, RowKind, encode};
use super::snappy::Compressor;
use super::types::MetricMetadata;
use crate::model::{Metadata, Millis, Series, Window};
use load::{Limits, Load};
use prost::Message;
use std::collections::VecDeque;
use std::ops::Range;

pub use batch::WriteBatch;
pub use present::{Present, There};

/// tsink 0.10.2 takes so many metadata updates in a request (`TSINK_REMOTE_WRITE_MAX_METADATA_UPDATES`).
const MAX_METADATA: usize = 512;
/// Tag and length around a series, at most.
const FRAME_BYTES: usize = 11;
const ALL_TIME: Window = Window { start_ms: i64::MIN, end_ms: i64::MAX };

/// What became of a series' rows. Of each kind, what was read is the sum of what was put into batches, what
/// was left out as a repetition, and what lies outside the window.
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
    /// Exemplars left out because the same exemplar is there already.
    pub deduplicated_exemplars: u64,
    /// Samples left out because they lie outside the window.
    pub outside_samples: u64,
    /// Histograms left out because they lie outside the window.
    pub outside_histograms: u64,
    /// Exemplars left out because they lie outside the window.
    pub outside_exemplars: u64,
    /// Of `samples`: those that have another value than one before at the same time. They are written as
    /// they came; which one stays is the target's decision.
    pub conflicting_samples: u64,
    /// The same of `histograms`.
    pub conflicting_histograms: u64,
}

impl Pushed {
    fn written(&mut self, kind: RowKind) -> &mut u64 {
        match kind {
            RowKind::Sample => &mut self.samples,
            RowKind::Histogram => &mut self.histograms,
            RowKind::Exemplar => &mut self.exemplars,
        }
    }

    fn outside(&mut self, kind: RowKind) -> &mut u64 {
        match kind {
            RowKind::Sample => &mut self.outside_samples,
            RowKind::Histogram => &mut self.outside_histograms,
            RowKind::Exemplar => &mut self.outside_exemplars,
        }
    }

    fn deduplicated(&mut self, kind: RowKind) -> &mut u64 {
        match kind {
            RowKind::Sample => &mut self.deduplicated_samples,
            RowKind::Histogram => &mut self.deduplicated_histograms,
            RowKind::Exemplar => &mut self.deduplicated_exemplars,
        }
    }

    /// Several exemplars at one time are usual and no conflict.
    fn conflicting(&mut self, kind: RowKind, count: u64) {
        match kind {
            RowKind::Sample => self.conflicting_samples += count,
            RowKind::Histogram => self.conflicting_histograms += count,
            RowKind::Exemplar => {}
        }
    }
}

/// Packs series into write requests that keep the plan's limits, and tsink's own on exemplars, histogram
/// buckets, metadata entries and bytes. A single row that is beyond a limit by itself is sent by itself:
/// whether it is too large is the server's decision.
#[derive(Debug)]
pub struct BatchBuilder {
    limits: Limits,
    open: Open,
    part: Part,
    metadata: Vec<u8>,
    metadata_entries: usize,
    ready: VecDeque<WriteBatch>,
    places: Vec<(Millis, usize)>,
    compressor: Compressor,
}

/// The batch that is being filled.
#[derive(Debug)]
struct Open {
    raw: Vec<u8>,
    series: usize,
    load: Load,
}

/// The part of a series that is being copied row by row. Of the rows, the last ones are only marked, in
/// `run`, to be copied at once with those that lie behind them.
#[derive(Debug)]
struct Part {
    labels: Vec<u8>,
    message: Vec<u8>,
    run: Range<usize>,
    load: Load,
}

impl BatchBuilder {
    /// Batches of at most `max_series` series and `max_points` samples, histograms and exemplars together;
    /// a limit of 0 counts as 1.
    pub fn new(max_series: usize, max_points: usize) -> Self {
        Self {
            limits: Limits { series: max_series.max(1), points: max_points.max(1) },
            open: Open { raw: Vec::new(), series: 0, load: Load::NONE },
            part: Part { labels: Vec::new(), message: Vec::new(), run: 0..0, load: Load::NONE },
            metadata: Vec::new(),
            metadata_entries: 0,
            ready: VecDeque::new(),
            places: Vec::new(),
            compressor: Compressor::default(),
        }
    }

    /// Adds the rows of a series that lie inside `clip`, in time order, each once. A series longer than a
    /// batch goes on in the next one.
    pub fn push_raw(&mut self, series: &RawSeries<'_>, clip: Window) -> Pushed {
        let summary = series.summary();
        if summary.rows() == 0 {
            return Pushed::default();
        }
        let inside = clip.contains(summary.first_ms) && clip.contains(summary.last_ms);
        if summary.ascending && summary.canonical && inside && self.put_whole(series) {
            return Pushed {
                samples: summary.samples as u64,
                histograms: summary.histograms as u64,
                exemplars: summary.exemplars as u64,
                ..Pushed::default()
            };
        }
        self.put_rows(series, clip)
    }

    /// Adds a decoded series with its exemplars; one that holds nothing but exemplars is fine.
    pub fn push_series(&mut self, series: &Series) -> Pushed {
        self.push_decoded(series, ALL_TIME)
    }

    /// As [`Self::push_raw`], for a decoded series.
    pub fn push_decoded(&mut self, series: &Series, clip: Window) -> Pushed {
        let bytes = encode(series);
        // Our own encoding; that it passes for every series is what the property tests show.
        RawSeries::survey(Reader::new(&bytes, 0)).map(|raw| self.push_raw(&raw, clip)).unwrap_or_default()
    }

    /// Adds a metadata entry. Metadata travels in requests of its own.
    pub fn push_metadata(&mut self, metadata: &Metadata) {
        let message = MetricMetadata {
            r#type: metadata.metric_type as i32,
            metric_family_name: metadata.metric.clone(),
            help: metadata.help.clone(),
            unit: metadata.unit.clone(),
        };
        put_metadata(&mut self.metadata, &message.encode_to_vec());
        self.metadata_entries += 1;
        if self.metadata_entries >= self.limits.series.min(MAX_METADATA) {
            let batch = self.seal_metadata();
            self.ready.extend(batch);
        }
    }

    /// The next full batch.
    pub fn take_ready(&mut self) -> Option<WriteBatch> {
        self.ready.pop_front()
    }

    /// The next batch, full or not; `None` when nothing is left.
    pub fn finish(&mut self) -> Option<WriteBatch> {
        if self.ready.is_empty() {
            self.seal();
        }
        self.ready.pop_front().or_else(|| self.seal_metadata())
    }

    /// Copies a series as it is, into the open batch or the next; `false` when the open batch should be
    /// filled up with a part of it, or when no batch holds it.
    fn put_whole(&mut self, series: &RawSeries<'_>) -> bool {
        let load = Load::from(series.summary());
        let bytes = series.bytes().len() + FRAME_BYTES;
        if !self.limits.allow(&load, bytes) {
            return false;
        }
        if !self.limits.allow(&self.open.load.plus(&load), self.open.raw.len() + bytes) {
            // A batch three quarters full is full enough to save a series from being cut.
            if !self.limits.nearly_reached(&self.open.load, self.open.raw.len()) {
                return false;
            }
            self.seal();
        }
        put_series(&mut self.open.raw, series.bytes());
        self.added(&load);
        true
    }

    /// Copies the rows of a series one by one.
    fn put_rows(&mut self, series: &RawSeries<'_>, clip: Window) -> Pushed {
        let mut pushed = Pushed::default();
        self.part.begin(series);
        let mut places = std::mem::take(&mut self.places);
        for kind in RowKind::ALL {
            if series.summary().rows_of(kind) == 0 {
                continue;
            }
            if series.summary().ascending {
                for row in series.rows_of(kind) {
                    if clip.contains(row.at) {
                        self.put_row(series, &row);
                        *pushed.written(kind) += 1;
                    } else {
                        *pushed.outside(kind) += 1;
                    }
                }
            } else {
                order::in_order(series, kind, clip, &mut places, &mut pushed);
                for row in places.iter().filter_map(|(_, start)| series.row_at(*start)) {
                    self.put_row(series, &row);
                    *pushed.written(kind) += 1;
                }
            }
        }
        self.places = places;
        self.close_part(series);
        pushed
    }

    fn put_row(&mut self, series: &RawSeries<'_>, row: &Row) {
        let mut load = self.open.load.plus(&self.part.load);
        let is_empty = load.rows() == 0;
        load.add_row(row);
        let length = row.end - row.start;
        let bytes = self.open.raw.len() + self.part.len() + length + FRAME_BYTES;
        if !is_empty && !self.limits.allow(&load, bytes) {
            self.close_part(series);
            self.seal();
        }
        self.part.add(series, row);
    }

    /// Puts the part of a series that has been collected into the open batch.
    fn close_part(&mut self, series: &RawSeries<'_>) {
        self.part.close_run(series);
        if self.part.load.rows() > 0 {
            put_series(&mut self.open.raw, &self.part.message);
            let load = std::mem::replace(&mut self.part.load, Load::NONE);
            self.part.message.clear();
            self.part.message.extend_from_slice(&self.part.labels);
            self.added(&load);
        }
    }

    /// Counts a series that has been put into the open batch, which is sealed when it is full.
    fn added(&mut self, load: &Load) {
        self.open.series += 1;
        self.open.load = self.open.load.plus(load);
        if self.open.series >= self.limits.series || self.open.load.rows() >= self.limits.points {
            self.seal();
        }
    }

    /// Ends the open batch.
    fn seal(&mut self) {
        if self.open.series > 0 {
            let body = self.compressor.compress(&self.open.raw);
            self.ready.push_back(WriteBatch::new(
                body,
                self.open.raw.len(),
                self.open.series,
                &self.open.load,
            ));
            self.open.raw.clear();
            self.open.series = 0;
            self.open.load = Load::NONE;
        }
    }

    fn seal_metadata(&mut self) -> Option<WriteBatch> {
        let entries = std::mem::take(&mut self.metadata_entries);
        let raw = std::mem::take(&mut self.metadata);
        (entries > 0).then(|| WriteBatch::seal(&raw, 0, &Load::NONE, entries))
    }
}

impl Part {
    /// Starts with a series. Fields that this program does not know go with the first part, as if it were
    /// the whole: they are sent once.
    fn begin(&mut self, series: &RawSeries<'_>) {
        self.labels.clear();
        series.put_labels(&mut self.labels);
        self.message.clear();
        self.message.extend_from_slice(&self.labels);
        if series.has_unknown_fields() {
            series.put_unknown(&mut self.message);
        }
        self.run = 0..0;
    }

    /// Length of the message with the rows added so far, in bytes.
    fn len(&self) -> usize {
        self.message.len() + self.run.len()
    }

    #[inline]
    fn add(&mut self, series: &RawSeries<'_>, row: &Row) {
        if self.run.end == row.start {
            self.run.end = row.end;
        } else {
            self.close_run(series);
            self.run = row.start..row.end;
        }
        self.load.add_row(row);
    }

    fn close_run(&mut self, series: &RawSeries<'_>) {
        let run = std::mem::replace(&mut self.run, 0..0);
        self.message.extend_from_slice(series.bytes().get(run).unwrap_or_default());
    }
}

/// Appends a series to a `WriteRequest`.
fn put_series(request: &mut Vec<u8>, message: &[u8]) {
    put_bytes(request, 0x0a, message);
}

/// Appends a metadata entry to a `WriteRequest`.
fn put_metadata(request: &mut Vec<u8>, message: &[u8]) {
    put_bytes(request, 0x1a, message);
}
