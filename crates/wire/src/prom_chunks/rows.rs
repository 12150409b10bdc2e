//! The rows of one series, from chunks that may overlap and reach beyond the window.

use super::histogram::NO_RESET;
use crate::model::{Histogram, Millis, Window};
use crate::series::{SAMPLE_BYTES, put_histogram, put_sample};
use prost::Message;

/// Bytes that a histogram's field adds to its message: tag and length.
const FIELD_BYTES: usize = 6;

/// What is known of a series so far. Its memory is used again for the next one.
#[derive(Debug)]
pub(super) struct Rows {
    window: Window,
    /// Time and bits.
    floats: Vec<(Millis, u64)>,
    /// With the number of the chunk.
    histograms: Vec<(u32, Histogram)>,
    /// Bytes that the histograms will have.
    histogram_bytes: usize,
    chunk: u32,
    /// Bytes that the series may have.
    room: usize,
}

impl Rows {
    pub fn new(window: Window) -> Self {
        Self {
            window,
            floats: Vec::new(),
            histograms: Vec::new(),
            histogram_bytes: 0,
            chunk: 0,
            room: usize::MAX,
        }
    }

    pub fn begin_chunk(&mut self, room: usize) {
        self.chunk = self.chunk.wrapping_add(1);
        self.room = room;
    }

    /// Whether a row of this time belongs to the window.
    #[inline]
    pub fn wants(&self, at: Millis) -> bool {
        self.window.contains(at)
    }

    /// Makes room for so many floats.
    pub fn reserve(&mut self, floats: u16) {
        self.floats.reserve(usize::from(floats));
    }

    #[inline]
    pub fn float(&mut self, at: Millis, bits: u64) {
        // No check of the room here: a chunk has 65,535 samples at most.
        if self.wants(at) {
            self.floats.push((at, bits));
        }
    }

    /// Takes a histogram; `None` when there is no room for more.
    pub fn histogram(&mut self, histogram: Histogram) -> Option<()> {
        self.histogram_bytes += histogram.encoded_len() + FIELD_BYTES;
        self.histograms.push((self.chunk, histogram));
        (!self.is_over_limit()).then_some(())
    }

    pub fn is_over_limit(&self) -> bool {
        self.floats.len().saturating_mul(SAMPLE_BYTES).saturating_add(self.histogram_bytes) > self.room
    }

    pub fn check(&self) -> Result<(), String> {
        if self.is_over_limit() {
            return Err("the answer holds more samples than are accepted at once".to_owned());
        }
        Ok(())
    }

    pub fn is_empty(&self) -> bool {
        self.floats.is_empty() && self.histograms.is_empty()
    }

    /// The floats, time and bits, where there is nothing else.
    pub fn only_floats(&self) -> Option<&[(Millis, u64)]> {
        self.histograms.is_empty().then_some(&self.floats)
    }

    /// Bytes that [`Self::write`] adds, or a few less.
    pub fn bytes(&self) -> usize {
        self.floats.len() * SAMPLE_BYTES + self.histogram_bytes
    }

    pub fn clear(&mut self) {
        self.floats.clear();
        self.histograms.clear();
        self.histogram_bytes = 0;
    }

    /// Puts the rows in order and drops what is there twice. Says whether the floats then have no time twice.
    pub fn settle(&mut self) -> bool {
        let mut ascending = self.floats.is_sorted_by(|a, b| a.0 < b.0);
        if !ascending {
            crate::order::sort(&mut self.floats);
            self.floats.dedup();
            ascending = self.floats.is_sorted_by(|a, b| a.0 < b.0);
        }
        if !self.histograms.is_sorted_by(|a, b| a.1.timestamp < b.1.timestamp) {
            self.settle_histograms();
        }
        ascending
    }

    fn settle_histograms(&mut self) {
        // By their bytes, since NaN is not equal to itself. The hint says where in its chunk a histogram
        // lies, not what it is.
        let bytes = |histogram: &Histogram| Histogram { reset_hint: 0, ..histogram.clone() }.encode_to_vec();
        self.histograms.sort_by_cached_key(|(_, histogram)| (histogram.timestamp, bytes(histogram)));
        self.histograms.dedup_by(|(_, a), (_, b)| a.timestamp == b.timestamp && bytes(a) == bytes(b));
        // "No reset since the one before" holds only where the one before is from the same chunk.
        let mut before = None;
        for (chunk, histogram) in &mut self.histograms {
            if histogram.reset_hint == NO_RESET && before.is_some_and(|before| before != *chunk) {
                histogram.reset_hint = 0;
            }
            before = Some(*chunk);
        }
    }

    /// Appends the rows as fields of a `prompb.TimeSeries`.
    pub fn write(&self, out: &mut Vec<u8>) {
        for (at, bits) in &self.floats {
            put_sample(out, *at, *bits);
        }
        for (_, histogram) in &self.histograms {
            put_histogram(out, histogram);
        }
    }
}
