//! What a target holds already, so that it is not written twice.
//!
//! tsink 0.10.2 keeps a sample that it gets twice twice, unless the two lie in overlapping chunks on disk (its
//! `query_read/analysis.rs`). So rows that are there are left out: when a plan runs again, and when nobody knows
//! whether a write whose answer was lost has arrived.

use super::{BatchBuilder, WriteBatch};
use crate::model::{Histogram, Millis, Series};
use crate::prom_read::SlabData;
use crate::series::RawSeries;
use prost::Message;
use rustc_hash::FxHashMap;

/// Rows of a slab that the target holds. Nothing is kept of a target that holds nothing.
#[derive(Debug, Default)]
pub struct Present {
    /// Series identity → place in `rows`.
    places: FxHashMap<u128, usize>,
    rows: Vec<Rows>,
}

/// Both in order, to be searched.
#[derive(Debug, Default)]
struct Rows {
    samples: Vec<(Millis, u64)>,
    histograms: Vec<Vec<u8>>,
    histogram_times: Vec<Millis>,
}

/// How many rows of a series are there already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct There {
    /// Samples, bit for bit.
    pub samples: u64,
    /// Native histograms.
    pub histograms: u64,
}

impl Present {
    /// Adds what a read of the target brought.
    pub fn add(&mut self, data: &SlabData) {
        for raw in data.raw_series() {
            let place = *self.places.entry(raw.identity()).or_insert(self.rows.len());
            if place == self.rows.len() {
                self.rows.push(Rows::default());
            }
            let Some(rows) = self.rows.get_mut(place) else { continue };
            rows.samples.extend(raw.samples().map(|sample| (sample.timestamp, sample.value.to_bits())));
            // Servers answer in order, so this is a look at each pair of neighbours.
            crate::order::sort(&mut rows.samples);
            if raw.histogram_count() > 0 {
                let histograms = raw.decode().histograms;
                rows.histograms.extend(histograms.iter().map(content));
                rows.histogram_times.extend(histograms.iter().map(|histogram| histogram.timestamp));
                crate::order::sort(&mut rows.histograms);
                crate::order::sort(&mut rows.histogram_times);
            }
        }
    }

    /// Bytes that count against a limit, as [`SlabData::cost`] does for what it was made of.
    pub fn cost(&self) -> usize {
        let rows = self.rows.iter().map(|rows| rows.samples.len() * 16 + rows.histograms.len() * 400 + 200);
        rows.sum()
    }

    /// Whether the target holds rows of this series at all.
    pub fn knows(&self, identity: u128) -> bool {
        self.places.contains_key(&identity)
    }

    /// Takes the rows that are there out of a series.
    pub fn take_out(&self, identity: u128, series: &mut Series) -> There {
        let place = self.places.get(&identity);
        let Some(rows) = place.and_then(|place| self.rows.get(*place)) else { return There::default() };
        let before = (series.samples.len(), series.histograms.len());
        series.samples.retain(|sample| {
            rows.samples.binary_search(&(sample.timestamp, sample.value.to_bits())).is_err()
        });
        series.histograms.retain(|histogram| rows.histograms.binary_search(&content(histogram)).is_err());
        There {
            samples: (before.0 - series.samples.len()) as u64,
            histograms: (before.1 - series.histograms.len()) as u64,
        }
    }
}

/// Rows that a target has otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// Samples with another value that counts as the same.
    pub agreeing: u64,
    /// Samples with another value.
    pub samples: u64,
    /// Native histograms with other contents.
    pub histograms: u64,
}

impl Present {
    /// Takes out of a series what the target has another row for: written, it would be a second one at the same
    /// time. `agree` tells which values count as the same.
    pub fn hold_back(&self, identity: u128, series: &mut Series, agree: &dyn Fn(f64, f64) -> bool) -> Held {
        let place = self.places.get(&identity);
        let Some(rows) = place.and_then(|place| self.rows.get(*place)) else { return Held::default() };
        let mut held = Held::default();
        series.samples.retain(|sample| {
            let from = rows.samples.partition_point(|(at, _)| *at < sample.timestamp);
            let there = rows.samples.get(from..).unwrap_or_default();
            let mut there = there.iter().take_while(|(at, _)| *at == sample.timestamp).peekable();
            if there.peek().is_none() {
                return true;
            }
            match there.any(|(_, bits)| agree(sample.value, f64::from_bits(*bits))) {
                true => held.agreeing += 1,
                false => held.samples += 1,
            }
            false
        });
        series.histograms.retain(|histogram| {
            let taken = rows.histogram_times.binary_search(&histogram.timestamp).is_ok();
            held.histograms += u64::from(taken);
            !taken
        });
        held
    }
}

/// What makes a histogram: its time and numbers. The hint says where in a chunk it lies.
fn content(histogram: &Histogram) -> Vec<u8> {
    Histogram { reset_hint: 0, ..histogram.clone() }.encode_to_vec()
}

impl WriteBatch {
    /// The batch without the rows that are there; `None` when all are. Exemplars and metadata stay as they are: a
    /// target takes them twice without harm.
    pub fn without(&self, present: &Present) -> (Option<WriteBatch>, There) {
        let mut there = There::default();
        let mut builder = BatchBuilder::new(usize::MAX, usize::MAX);
        self.each_series(|raw: RawSeries<'_>| {
            let mut series = raw.decode();
            let taken = present.take_out(raw.identity(), &mut series);
            there.samples += taken.samples;
            there.histograms += taken.histograms;
            if !series.samples.is_empty() || !series.histograms.is_empty() || !series.exemplars.is_empty() {
                builder.push_series(&series);
            }
        });
        (builder.finish(), there)
    }
}
