//! What a slab of a backfill adds to the books, noted while it is copied.

use super::line::{Counts, Witness};
use crate::model::Window;
use crate::report::BalanceLine;
use crate::wire::prom_read::{RawSeries, SlabData};
use crate::wire::prom_write::{Pushed, There};

/// Labels of a witness have so many bytes at most.
const MAX_WITNESS: usize = 4_096;

/// A slab's part of the balance, and its series.
#[derive(Debug, Default)]
pub(in crate::run) struct Noted {
    pub(super) samples: Counts,
    pub(super) histograms: Counts,
    /// Write requests.
    pub batches: u64,
    /// Series of which a ledger does not know everything.
    pub(super) series: Vec<u128>,
    pub(super) witness: Option<Witness>,
}

impl Noted {
    /// Counts what a read brought.
    pub fn read(&mut self, data: &SlabData) {
        self.samples.read += data.sample_count();
        self.histograms.read += data.histogram_count();
    }

    /// Notes a series; `is_known` when a ledger has all there is to know of it.
    pub fn series(&mut self, identity: u128, is_known: bool) {
        if !is_known {
            self.series.push(identity);
        }
    }

    /// Counts a series that another selector migrates.
    pub fn duplicate_series(&mut self, samples: u64, histograms: u64) {
        self.samples.deduplicated += samples;
        self.histograms.deduplicated += histograms;
    }

    /// Counts what was left out when a series was put into batches.
    pub fn pushed(&mut self, pushed: &Pushed) {
        self.samples.deduplicated += pushed.deduplicated_samples;
        self.samples.outside_window += pushed.outside_samples;
        self.histograms.deduplicated += pushed.deduplicated_histograms;
        self.histograms.outside_window += pushed.outside_histograms;
    }

    /// Counts rows that the target held before.
    pub fn already_there(&mut self, there: There) {
        self.samples.already_there += there.samples;
        self.histograms.already_there += there.histograms;
    }

    /// Keeps a row of the first series that the slab's selector migrates.
    pub fn witness(&mut self, series: &RawSeries<'_>, window: Window) {
        if self.witness.is_none()
            && let Some(at_ms) = series.first_ms().filter(|at| window.contains(*at))
        {
            self.witness = Witness::of(&series.labels(), at_ms);
        }
    }

    /// All writes were acknowledged: what is not accounted for otherwise was written.
    pub(super) fn settle(&mut self) {
        for line in [&mut self.samples, &mut self.histograms] {
            let otherwise = line.already_there + line.deduplicated + line.outside_window;
            line.written = line.read.saturating_sub(otherwise);
        }
    }
}

impl Witness {
    /// A row of a series; none when its labels are too long to be kept for each slab.
    pub(super) fn of(labels: &crate::model::Labels, at_ms: i64) -> Option<Self> {
        let labels: Vec<(String, String)> =
            labels.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let bytes: usize = labels.iter().map(|(name, value)| name.len() + value.len()).sum();
        (bytes <= MAX_WITNESS).then_some(Self { labels, at_ms })
    }
}

impl Counts {
    /// What came to a line of the balance; none when something was refused, but for what the target leaves out by
    /// design.
    pub(super) fn between(before: &BalanceLine, after: &BalanceLine) -> Option<Self> {
        let dropped = |line: &BalanceLine| line.rejected.get(DROPPED).copied().unwrap_or_default();
        let counts = Self {
            read: after.read.checked_sub(before.read)?,
            written: after.written.checked_sub(before.written)?,
            already_there: after.already_there.checked_sub(before.already_there)?,
            deduplicated: after.deduplicated.checked_sub(before.deduplicated)?,
            outside_window: after.outside_window.checked_sub(before.outside_window)?,
            dropped: dropped(after).checked_sub(dropped(before))?,
        };
        let refused = after.rejected_total().checked_sub(before.rejected_total())?;
        (refused == counts.dropped).then_some(counts)
    }

    /// Adds to a line of the balance what an earlier run did.
    pub(in crate::run) fn add_to(&self, line: &mut BalanceLine) {
        line.read += self.read;
        line.written += self.written;
        line.already_there += self.already_there;
        line.deduplicated += self.deduplicated;
        line.outside_window += self.outside_window;
        if self.dropped > 0 {
            *line.rejected.entry(DROPPED.to_owned()).or_default() += self.dropped;
        }
    }
}

/// The balance's word for exemplars that the target leaves out.
const DROPPED: &str = "dropped_by_target";
