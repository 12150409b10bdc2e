//! Exemplars and metadata: copied whole, and noted in the ledger as such, or copied once more.

use super::Backfill;
use crate::model::{Labels, Series};
use crate::report::BalanceLine;
use crate::run::event::{Event, NoticeLevel};
use crate::run::ledger::Extra;
use crate::wire::prom_read::labels_identity;
use futures_util::stream::{self, StreamExt};
use rustc_hash::FxHashMap;

/// Metadata requests at once.
const METADATA_AT_ONCE: usize = 4;

/// Where the books stood before exemplars or metadata.
pub(super) struct Before {
    line: BalanceLine,
    write_batches: u64,
    unread: usize,
}

impl Backfill<'_> {
    /// Whether a run before has copied them; then they are in the books now.
    pub(super) fn is_restored(&self, what: Extra) -> bool {
        let Some(part) = self.run.ledger.part(what) else { return false };
        self.tally.borrow_mut().restore_part(&part);
        self.run.emit(Event::Balance { balance: self.tally.borrow().balance() });
        true
    }

    pub(super) fn before(&self, what: Extra) -> Before {
        let tally = self.tally.borrow();
        let line = match what {
            Extra::Exemplars => &tally.balance.exemplars,
            Extra::Metadata => &tally.balance.metadata,
        };
        Before { line: line.clone(), write_batches: tally.write_batches, unread: tally.unread.len() }
    }

    /// They are copied; whether whole, the books tell.
    pub(super) async fn part_done(&self, what: Extra, before: Before, series: &[u128]) {
        let unread = self.tally.borrow().unread.len() > before.unread;
        if !unread && !self.ended() && self.parts.is_none() {
            let books = (&before.line, before.write_batches);
            self.run.part_copied(self.stage, what, books, series, &self.tally).await;
        }
    }

    /// Copies exemplars, each once although several checks may find it.
    pub(super) async fn exemplars(&self, notes: &mut Vec<String>) {
        let run = self.run;
        if !run.source_has_exemplars() {
            if !run.plan.source.kind.is_recording() && self.parts.is_none() {
                notes.push("source.exemplar_url is not configured; exemplars were not copied".to_owned());
            }
            return;
        }
        if self.is_restored(Extra::Exemplars) {
            return;
        }
        let before = self.before(Extra::Exemplars);
        let mut found: FxHashMap<Labels, Series> = FxHashMap::default();
        for check in &run.plan.exemplar_checks {
            if self.ended() {
                return;
            }
            if self.parts.is_some_and(|parts| !parts.has_check(&check.query)) {
                continue;
            }
            match run.source_exemplars(check).await {
                Ok(answer) => {
                    let mut tally = self.tally.borrow_mut();
                    for series in answer.unwrap_or_default() {
                        let known = found
                            .entry(series.labels.clone())
                            .or_insert_with(|| Series { labels: series.labels.clone(), ..Series::default() });
                        for exemplar in series.exemplars {
                            tally.balance.exemplars.read += 1;
                            if !run.window.contains(exemplar.timestamp) {
                                tally.balance.exemplars.outside_window += 1;
                            } else if known.exemplars.contains(&exemplar) {
                                tally.balance.exemplars.deduplicated += 1;
                            } else {
                                known.exemplars.push(exemplar);
                            }
                        }
                    }
                }
                Err(error) => {
                    if error.kind.is_fatal() {
                        self.fail(error);
                        return;
                    }
                    run.notice_error(NoticeLevel::Error, &error);
                    self.tally.borrow_mut().unread(
                        &format!("exemplars of {}", check.query),
                        run.window,
                        error,
                    );
                }
            }
        }
        let mut series: Vec<Series> = found.into_values().filter(|one| !one.exemplars.is_empty()).collect();
        crate::order::sort_by(&mut series, |a, b| a.labels.cmp(&b.labels));
        let mut builder = self.builder();
        let mut identities = Vec::new();
        for mut one in series {
            crate::order::sort_by(&mut one.exemplars, |a, b| {
                a.timestamp.cmp(&b.timestamp).then_with(|| a.labels.cmp(&b.labels))
            });
            identities.push(labels_identity(&one.labels));
            builder.push_series(&one);
        }
        self.write_all(builder, identities.clone()).await;
        self.part_done(Extra::Exemplars, before, &identities).await;
    }

    /// Copies metadata of the plan's metrics.
    pub(super) async fn metadata(&self, notes: &mut Vec<String>) {
        let run = self.run;
        if !run.source_has_metadata() {
            if !run.plan.metadata_metrics.is_empty() && self.parts.is_none() {
                notes.push("source.metadata_url is not configured; metadata was not copied".to_owned());
            }
            return;
        }
        if self.ended() || self.is_restored(Extra::Metadata) {
            return;
        }
        let before = self.before(Extra::Metadata);
        let metrics: Vec<String> = match run.metrics_with_metadata().await {
            Ok(mut metrics) => {
                metrics.retain(|metric| self.parts.is_none_or(|parts| parts.has_metric(metric)));
                metrics
            }
            Err(error) => return self.fail(error),
        };
        let answers: Vec<_> = stream::iter(&metrics)
            .map(|metric| async move { (metric, run.source_metadata(metric).await) })
            .buffered(METADATA_AT_ONCE)
            .collect()
            .await;
        let mut builder = self.builder();
        for (metric, answer) in answers {
            match answer {
                Ok(mut entries) => {
                    let mut tally = self.tally.borrow_mut();
                    tally.balance.metadata.read += entries.len() as u64;
                    crate::order::sort(&mut entries);
                    let before = entries.len();
                    entries.dedup();
                    tally.balance.metadata.deduplicated += (before - entries.len()) as u64;
                    for entry in &entries {
                        builder.push_metadata(entry);
                    }
                }
                Err(error) if error.kind.is_fatal() => {
                    self.fail(error);
                    return;
                }
                Err(error) => {
                    run.notice_error(NoticeLevel::Error, &error);
                    self.tally.borrow_mut().unread(&format!("metadata of {metric}"), run.window, error);
                }
            }
        }
        self.write_all(builder, Vec::new()).await;
        self.part_done(Extra::Metadata, before, &[]).await;
    }
}
