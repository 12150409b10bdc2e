//! What a write request holds, and how much it may hold.

use crate::model::Millis;
use crate::series::{Row, RowKind, Summary};

/// tsink 0.10.2 takes so many exemplars in a request (`TSINK_REMOTE_WRITE_MAX_*`, defaults).
const MAX_EXEMPLARS: usize = 512;
/// And so many entries of histogram buckets: spans, deltas, counts and custom values together.
const MAX_BUCKET_ENTRIES: usize = 16_384;
/// A batch this long, in bytes, is full whatever it holds: half of tsink's 64 MiB body limit.
const MAX_RAW_BYTES: usize = 32 << 20;

/// Rows of a batch, of a series, or of a part of one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Load {
    pub samples: usize,
    pub histograms: usize,
    pub exemplars: usize,
    pub bucket_entries: usize,
    /// Earliest and latest row; [`Millis::MAX`] and [`Millis::MIN`] when there is none.
    pub first_ms: Millis,
    pub last_ms: Millis,
}

impl Load {
    pub const NONE: Self = Self {
        samples: 0,
        histograms: 0,
        exemplars: 0,
        bucket_entries: 0,
        first_ms: Millis::MAX,
        last_ms: Millis::MIN,
    };

    /// Samples, histograms and exemplars: what `max_points_per_write` counts.
    pub fn rows(&self) -> usize {
        self.samples + self.histograms + self.exemplars
    }

    #[inline]
    pub fn add_row(&mut self, row: &Row) {
        match row.kind {
            RowKind::Sample => self.samples += 1,
            RowKind::Histogram => self.histograms += 1,
            RowKind::Exemplar => self.exemplars += 1,
        }
        self.bucket_entries += row.bucket_entries;
        self.first_ms = self.first_ms.min(row.at);
        self.last_ms = self.last_ms.max(row.at);
    }

    pub fn plus(&self, other: &Self) -> Self {
        Self {
            samples: self.samples + other.samples,
            histograms: self.histograms + other.histograms,
            exemplars: self.exemplars + other.exemplars,
            bucket_entries: self.bucket_entries + other.bucket_entries,
            first_ms: self.first_ms.min(other.first_ms),
            last_ms: self.last_ms.max(other.last_ms),
        }
    }
}

impl From<&Summary> for Load {
    fn from(summary: &Summary) -> Self {
        Self {
            samples: summary.samples,
            histograms: summary.histograms,
            exemplars: summary.exemplars,
            bucket_entries: summary.bucket_entries,
            first_ms: summary.first_ms,
            last_ms: summary.last_ms,
        }
    }
}

/// What a batch may hold.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub series: usize,
    pub points: usize,
}

impl Limits {
    /// Whether a batch may hold these rows, in this many bytes.
    #[inline]
    pub fn allow(&self, load: &Load, bytes: usize) -> bool {
        load.rows() <= self.points
            && load.exemplars <= MAX_EXEMPLARS
            && load.bucket_entries <= MAX_BUCKET_ENTRIES
            && bytes <= MAX_RAW_BYTES
    }

    /// Whether a batch with these rows is three quarters full by any measure.
    pub fn nearly_reached(&self, load: &Load, bytes: usize) -> bool {
        let nearly = |amount: usize, limit: usize| amount >= limit - limit / 4;
        nearly(load.rows(), self.points)
            || nearly(load.exemplars, MAX_EXEMPLARS)
            || nearly(load.bucket_entries, MAX_BUCKET_ENTRIES)
            || nearly(bytes, MAX_RAW_BYTES)
    }
}
