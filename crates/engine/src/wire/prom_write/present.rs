//! What a target holds already, so that it is not written twice.
//!
//! tsink 0.10.2 keeps a sample that it gets twice twice, unless the two lie in overlapping chunks on disk (its
//! `query_read/analysis.rs`). So rows that are there are left out: when a plan runs again, and when nobody knows
//! whether a write whose answer was lost has arrived.

use super::{BatchBuilder, WriteBatch};
use crate::model::{Histogram, Millis, Series};
use crate::wire::prom_read::SlabData;
use crate::wire::series::RawSeries;
use prost::Message;
use rustc_hash::{FxHashMap, FxHashSet};

/// Rows of a slab that the target holds. Nothing is kept of a target that holds nothing.
#[derive(Debug, Default)]
pub struct Present(FxHashMap<u128, Rows>);

#[derive(Debug, Default)]
struct Rows {
    samples: FxHashSet<(Millis, u64)>,
    histograms: FxHashSet<Vec<u8>>,
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
            let rows = self.0.entry(raw.identity()).or_default();
            rows.samples.extend(raw.samples().map(|sample| (sample.timestamp, sample.value.to_bits())));
            if raw.histogram_count() > 0 {
                rows.histograms.extend(raw.decode().histograms.iter().map(content));
            }
        }
    }

    /// Whether the target holds rows of this series at all.
    pub fn knows(&self, identity: u128) -> bool {
        self.0.contains_key(&identity)
    }

    /// Takes the rows that are there out of a series.
    pub fn take_out(&self, identity: u128, series: &mut Series) -> There {
        let Some(rows) = self.0.get(&identity) else { return There::default() };
        let before = (series.samples.len(), series.histograms.len());
        series.samples.retain(|sample| !rows.samples.contains(&(sample.timestamp, sample.value.to_bits())));
        series.histograms.retain(|histogram| !rows.histograms.contains(&content(histogram)));
        There {
            samples: (before.0 - series.samples.len()) as u64,
            histograms: (before.1 - series.histograms.len()) as u64,
        }
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
