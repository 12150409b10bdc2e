//! Counting a backfill: the balance, what was refused, which series were written.

use super::ledger::{Copied, Extra, NewSeries, Part};
use crate::error::{Error, ErrorKind};
use crate::model::Window;
use crate::report::{Balance, BalanceLine, Rejection};
use crate::wire::prom_read::SlabData;
use crate::wire::prom_write::{Pushed, There, WriteBatch};
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;

/// Rejections listed in a report at most; the balance has the full counts.
const MAX_REJECTIONS: usize = 100;

/// What a backfill has done so far.
#[derive(Default)]
pub(super) struct Tally {
    pub balance: Balance,
    /// By series identity.
    series: FxHashMap<u128, Known>,
    series_written: u64,
    pub write_batches: u64,
    pub rejections: Vec<Rejection>,
    pub rejections_omitted: u64,
    pub write_consistency: Option<String>,
    /// Failed reads, in one sentence each: their rows are unknown, so the balance cannot show them.
    pub unread: Vec<String>,
    /// Parts that nobody came to any more, by the selector's index.
    missed: Vec<(usize, String, Window)>,
    /// What ended the copy before its end.
    pub ended: Option<Error>,
}

/// What is known of a series.
#[derive(Clone, Copy)]
struct Known {
    /// The selector (by index) that migrates it. The first one to meet a series takes it for the whole window; what
    /// other selectors read of it counts as deduplicated.
    owner: u32,
    /// Whether the target acknowledged a row of it.
    written: bool,
    /// Whether a ledger tells who migrates it.
    owner_kept: bool,
    /// Whether a ledger tells that it was written.
    written_kept: bool,
}

/// No selector has met the series.
const NOBODY: u32 = u32::MAX;

impl Known {
    fn of(owner: u32) -> Self {
        Self { owner, written: false, owner_kept: false, written_kept: false }
    }
}

fn place(selector: usize) -> u32 {
    u32::try_from(selector).unwrap_or(NOBODY - 1)
}

impl Tally {
    /// Counts what a read brought.
    pub fn read(&mut self, data: &SlabData) {
        self.balance.samples.read += data.sample_count();
        self.balance.histograms.read += data.histogram_count();
    }

    /// Whether `selector` migrates this series.
    pub fn claim(&mut self, identity: u128, selector: usize) -> bool {
        let selector = place(selector);
        let known = self.series.entry(identity).or_insert(Known::of(selector));
        if known.owner == NOBODY {
            known.owner = selector;
        }
        known.owner == selector
    }

    /// Whether a ledger has all there is to know of a series.
    pub fn is_kept(&self, identity: u128) -> bool {
        self.series.get(&identity).is_some_and(|known| known.owner_kept && known.written_kept)
    }

    fn mark_written(&mut self, identity: u128) -> &mut Known {
        let known = self.series.entry(identity).or_insert(Known::of(NOBODY));
        if !known.written {
            known.written = true;
            self.series_written += 1;
        }
        known
    }

    /// What a ledger does not know yet of the series of a slab; from now on it does.
    pub fn keep(&mut self, selector: usize, identities: &[u128]) -> NewSeries {
        let own = place(selector);
        let (mut written, mut unwritten, mut others) = (Vec::new(), Vec::new(), BTreeMap::new());
        for identity in identities {
            let Some(known) = self.series.get_mut(identity) else { continue };
            if known.owner == own && known.written && !known.written_kept {
                (known.owner_kept, known.written_kept) = (true, true);
                written.push(*identity);
            } else if !known.owner_kept {
                known.owner_kept = true;
                match known.owner == own {
                    true => unwritten.push(*identity),
                    false => others.entry(known.owner as usize).or_insert_with(Vec::new).push(*identity),
                }
            }
        }
        NewSeries::new(&written, &unwritten, others)
    }

    /// Those of the series that a ledger does not know as written; from now on it does.
    pub fn keep_written(&mut self, identities: &[u128]) -> Vec<u128> {
        let mut new = Vec::new();
        for identity in identities {
            if let Some(known) = self.series.get_mut(identity).filter(|one| one.written && !one.written_kept)
            {
                known.written_kept = true;
                new.push(*identity);
            }
        }
        new
    }

    /// Takes what an earlier run did of a slab; of its rows only when it `counts`.
    pub fn restore(&mut self, selector: usize, copied: &Copied, counts: bool) {
        if counts {
            copied.samples.add_to(&mut self.balance.samples);
            copied.histograms.add_to(&mut self.balance.histograms);
            self.write_batches += copied.batches;
        }
        let own = place(selector);
        for (owner, written, identity) in copied.series.each(own) {
            let known = match written {
                true => self.mark_written(identity),
                false => self.series.entry(identity).or_insert(Known::of(owner)),
            };
            known.owner = owner;
            known.owner_kept = true;
            known.written_kept |= written;
        }
    }

    /// Takes what an earlier run did beside samples.
    pub fn restore_part(&mut self, part: &Part) {
        let line = match part.what {
            Extra::Exemplars => &mut self.balance.exemplars,
            Extra::Metadata => &mut self.balance.metadata,
        };
        part.counts.add_to(line);
        self.write_batches += part.batches;
        for identity in part.written() {
            self.mark_written(identity).written_kept = true;
        }
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
        let mut issues: Vec<String> = self.ended.iter().map(|error| {
            format!(
                "{error}; there was no new token, so the run ended here. {} samples and histograms that were written stay; run the same plan again with a valid token, and it goes on from there",
                self.rows_written()
            )
        }).collect();
        issues.extend_from_slice(&self.unread);
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
        for identity in identities {
            self.mark_written(*identity);
        }
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

    /// Notes a part of the window that could not be read. Parts that follow each other for one reason are one.
    pub fn unread(&mut self, selector: &str, slab: Window, error: Error) {
        let text = |window: Window| {
            format!("not read: {selector}, {} to {} ms: {error}", window.start_ms, window.end_ms)
        };
        if let (Some(told), Some(before)) = (self.unread.last_mut(), self.rejections.last_mut())
            && self.rejections_omitted == 0
            && before.reason == "not_read"
            && before.selector.as_deref() == Some(selector)
            && (before.error.kind, &before.error.message) == (error.kind, &error.message)
            && before.last_ms.is_some_and(|last| last.saturating_add(1) == slab.start_ms)
        {
            before.last_ms = Some(slab.end_ms);
            *told = text(Window { start_ms: before.first_ms.unwrap_or(slab.start_ms), ..slab });
            return;
        }
        self.unread.push(text(slab));
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

    /// Notes a part of the window that was not begun, or was given up, because the run ended.
    pub fn missed(&mut self, at: usize, selector: &str, window: Window) {
        self.missed.push((at, selector.to_owned(), window));
    }

    /// Turns what was missed into an account: one entry for parts of a selector that touch.
    pub fn account_for_missed(&mut self, error: &Error) {
        let mut missed = std::mem::take(&mut self.missed);
        crate::order::sort_by_key(&mut missed, |(at, _, window)| (*at, window.start_ms));
        let mut joined: Vec<(usize, String, Window)> = Vec::new();
        for (at, selector, window) in missed {
            match joined.last_mut() {
                Some((before, _, part))
                    if *before == at && window.start_ms <= part.end_ms.saturating_add(1) =>
                {
                    part.end_ms = part.end_ms.max(window.end_ms);
                }
                _ => joined.push((at, selector, window)),
            }
        }
        for (_, selector, window) in joined {
            self.unread(&selector, window, error.clone());
        }
    }

    /// How many different series have a row that the target acknowledged.
    pub fn series_written(&self) -> u64 {
        self.series_written
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
