//! Counting a backfill: the balance, what was refused, which series were written.

use crate::error::{Error, ErrorKind};
use crate::model::Window;
use crate::report::{Balance, BalanceLine, Rejection};
use crate::wire::prom_read::SlabData;
use crate::wire::prom_write::{Pushed, There, WriteBatch};
use rustc_hash::{FxHashMap, FxHashSet};

/// Rejections listed in a report at most; the balance has the full counts.
const MAX_REJECTIONS: usize = 100;

/// What a backfill has done so far.
#[derive(Default)]
pub(super) struct Tally {
    pub balance: Balance,
    /// Series identity → the selector (by index) that migrates it. The first one to meet a series takes it
    /// for the whole window; what other selectors read of it counts as deduplicated.
    claims: FxHashMap<u128, usize>,
    written: FxHashSet<u128>,
    pub write_batches: u64,
    pub rejections: Vec<Rejection>,
    pub rejections_omitted: u64,
    pub write_consistency: Option<String>,
    /// Failed reads, in one sentence each: their rows are unknown, so the balance cannot show them.
    pub unread: Vec<String>,
}

impl Tally {
    /// Counts what a read brought.
    pub fn read(&mut self, data: &SlabData) {
        self.balance.samples.read += data.sample_count();
        self.balance.histograms.read += data.histogram_count();
    }

    /// Whether `selector` migrates this series.
    pub fn claim(&mut self, identity: u128, selector: usize) -> bool {
        *self.claims.entry(identity).or_insert(selector) == selector
    }

    /// Counts a series that another selector migrates.
    pub fn duplicate_series(&mut self, samples: u64, histograms: u64) {
        self.balance.samples.deduplicated += samples;
        self.balance.histograms.deduplicated += histograms;
    }

    /// Counts what was left out when a series was put into batches.
    pub fn pushed(&mut self, pushed: &Pushed) {
        self.balance.samples.deduplicated += pushed.deduplicated_samples;
        self.balance.samples.outside_window += pushed.outside_samples;
        self.balance.histograms.deduplicated += pushed.deduplicated_histograms;
        self.balance.histograms.outside_window += pushed.outside_histograms;
    }

    /// Counts rows that the target held before.
    pub fn already_there(&mut self, there: There) {
        self.balance.samples.already_there += there.samples;
        self.balance.histograms.already_there += there.histograms;
    }

    /// Counts rows that were not written because the target has another one at their time.
    pub fn held_back(&mut self, samples: u64, histograms: u64) {
        let balance = &mut self.balance;
        for (line, rows) in [(&mut balance.samples, samples), (&mut balance.histograms, histograms)] {
            if rows > 0 {
                *line.rejected.entry("other_value_at_target".to_owned()).or_default() += rows;
            }
        }
    }

    /// What speaks against the copy, one sentence each. What is no issue goes to `notes`.
    pub fn issues(&self, cancelled: bool, notes: &mut Vec<String>) -> Vec<String> {
        let balance = &self.balance;
        let mut issues = self.unread.clone();
        for (what, line) in [
            ("samples", &balance.samples),
            ("histograms", &balance.histograms),
            ("exemplars", &balance.exemplars),
            ("metadata entries", &balance.metadata),
        ] {
            for (reason, count) in &line.rejected {
                let text = format!("{count} {what} were not written: {}", reason.replace('_', " "));
                if reason == "dropped_by_target" {
                    // The target keeps a bounded number of exemplars a series by design.
                    notes.push(format!("{text} (it keeps a bounded number per series)"));
                } else {
                    issues.push(text);
                }
            }
            if line.unaccounted() != 0 {
                issues.push(format!(
                    "the balance of {what} does not close: {} unaccounted for",
                    line.unaccounted()
                ));
            }
        }
        if cancelled {
            issues.push("cancelled before the end; run the same plan again to complete it".to_owned());
        }
        issues
    }

    /// Counts rows whose acknowledgement was lost, and that were found in the target.
    pub fn arrived(&mut self, there: There) {
        self.balance.samples.written += there.samples;
        self.balance.histograms.written += there.histograms;
    }

    /// Counts an acknowledged batch.
    pub fn written(&mut self, batch: &WriteBatch, identities: &[u128], exemplars_dropped: u64) {
        self.write_batches += 1;
        self.balance.samples.written += batch.samples;
        self.balance.histograms.written += batch.histograms;
        self.balance.metadata.written += batch.metadata;
        let dropped = exemplars_dropped.min(batch.exemplars);
        self.balance.exemplars.written += batch.exemplars - dropped;
        if dropped > 0 {
            *self.balance.exemplars.rejected.entry("dropped_by_target".to_owned()).or_default() += dropped;
        }
        self.written.extend(identities);
    }

    /// Counts a batch that the target does not have.
    pub fn rejected(&mut self, batch: &WriteBatch, selector: Option<&str>, error: Error) {
        let reason = reason(error.kind);
        let count = |line: &mut BalanceLine, rows: u64| {
            if rows > 0 {
                *line.rejected.entry(reason.to_owned()).or_default() += rows;
            }
        };
        count(&mut self.balance.samples, batch.samples);
        count(&mut self.balance.histograms, batch.histograms);
        count(&mut self.balance.exemplars, batch.exemplars);
        count(&mut self.balance.metadata, batch.metadata);
        if self.rejections.len() >= MAX_REJECTIONS {
            self.rejections_omitted += 1;
            return;
        }
        self.rejections.push(Rejection {
            reason: reason.to_owned(),
            selector: selector.map(str::to_owned),
            series: batch.example_series(3),
            rows: batch.rows() + batch.metadata,
            first_ms: batch.first_ms,
            last_ms: batch.last_ms,
            error,
        });
    }

    /// Notes a part of the window that could not be read.
    pub fn unread(&mut self, selector: &str, slab: Window, error: Error) {
        self.unread.push(format!("not read: {selector}, {} to {} ms: {error}", slab.start_ms, slab.end_ms));
        if self.rejections.len() >= MAX_REJECTIONS {
            self.rejections_omitted += 1;
            return;
        }
        self.rejections.push(Rejection {
            reason: "not_read".to_owned(),
            selector: Some(selector.to_owned()),
            series: Vec::new(),
            rows: 0,
            first_ms: Some(slab.start_ms),
            last_ms: Some(slab.end_ms),
            error,
        });
    }

    /// How many different series have a row that the target acknowledged.
    pub fn series_written(&self) -> u64 {
        self.written.len() as u64
    }

    /// Samples and histograms acknowledged.
    pub fn rows_written(&self) -> u64 {
        self.balance.samples.written + self.balance.histograms.written
    }

    /// The balance, with its own verdict on whether it closes.
    pub fn balance(&self) -> Balance {
        let mut balance = self.balance.clone();
        balance.closes = [&balance.samples, &balance.histograms, &balance.exemplars, &balance.metadata]
            .iter()
            .all(|line| line.unaccounted() == 0);
        balance
    }
}

/// The balance's key for a failure.
fn reason(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Retention => "retention",
        ErrorKind::BadRequest => "bad_request",
        ErrorKind::TooLarge => "too_large",
        ErrorKind::FeatureDisabled(_) => "feature_disabled",
        ErrorKind::Cancelled => "cancelled",
        ErrorKind::Throttled | ErrorKind::Unavailable => "target_busy",
        ErrorKind::Network(_) | ErrorKind::Timeout => "never_acknowledged",
        ErrorKind::AuthMissing | ErrorKind::AuthInvalid | ErrorKind::AuthScope => "not_authorised",
        ErrorKind::Conflict => "conflict",
        ErrorKind::Server => "server_error",
        ErrorKind::Internal => "defect",
        _ => "refused",
    }
}
