//! What a run notes while it works. Nothing is noted that is not true yet.

use super::super::line::{Copied, Counts, Equal, Extra, Hashes, Line, Part, Span, Witness};
use super::super::noted::Noted;
use crate::compare::{Agreed, RawComparison};
use crate::port::StoreError;
use crate::report::BalanceLine;
use crate::run::context::Run;
use crate::run::event::Stage;
use crate::run::schedule::Slab;
use crate::run::tally::Tally;
use std::cell::RefCell;

impl Run {
    fn span(&self, slab: &Slab, rows: u64, witness: Option<Witness>) -> Span {
        let now = self.now();
        Span {
            row: slab.row,
            window: slab.window,
            rows,
            took_ms: self.timings.borrow().took_ms((slab.row, slab.at), now),
            after_ms: self.ledger_age(),
            witness,
        }
    }

    fn ledger_age(&self) -> u64 {
        (self.now() - self.ledger.state.borrow().began).max(0.0) as u64
    }

    /// All writes of a slab were acknowledged.
    pub(in crate::run) async fn slab_copied(
        &self,
        stage: Stage,
        slab: &Slab,
        mut noted: Noted,
        tally: &RefCell<Tally>,
    ) {
        // Rows may still come to what is young: it is read again.
        let settled = self.ports.clock.now_ms().saturating_sub(self.plan.options.settle_ms);
        let young = slab.window.end_ms > settled && !self.plan.source.kind.is_recording();
        if young || !self.ledger.keeps(stage) {
            return;
        }
        noted.settle();
        let rows = noted.samples.read + noted.histograms.read;
        let series = tally.borrow_mut().keep(slab.selector_at, &noted.series);
        self.ledger.push(&Line::Copied(Box::new(Copied {
            slab: self.span(slab, rows, noted.witness),
            samples: noted.samples,
            histograms: noted.histograms,
            batches: noted.batches,
            series,
        })));
        self.flush_ledger().await;
    }

    /// A slab was compared, and both sides have it alike.
    pub(in crate::run) async fn slab_equal(
        &self,
        stage: Stage,
        slab: &Slab,
        agreed: Agreed,
        comparison: &RefCell<RawComparison>,
    ) {
        if !self.ledger.keeps(stage) {
            return;
        }
        let series = comparison.borrow_mut().keep(&agreed);
        let [samples, _, histograms, _] = agreed.counts;
        let witness = agreed.witness.and_then(|(labels, at)| Witness::of(&labels, at));
        self.ledger.push(&Line::Equal(Box::new(Equal {
            slab: self.span(slab, samples + histograms, witness),
            counts: agreed.counts,
            series: Hashes::of_64(&series),
            present: agreed.present,
            full: agreed.full,
            mapped: agreed.mapped,
        })));
        self.flush_ledger().await;
    }

    /// Exemplars or metadata are done, if nothing of them was refused or not read.
    pub(in crate::run) async fn part_copied(
        &self,
        stage: Stage,
        what: Extra,
        before: (&BalanceLine, u64),
        series: &[u128],
        tally: &RefCell<Tally>,
    ) {
        if !self.ledger.keeps(stage) {
            return;
        }
        let (counts, batches) = {
            let tally = tally.borrow();
            let after = match what {
                Extra::Exemplars => &tally.balance.exemplars,
                Extra::Metadata => &tally.balance.metadata,
            };
            let Some(counts) = Counts::between(before.0, after) else { return };
            (counts, tally.write_batches.saturating_sub(before.1))
        };
        let series = Hashes::of_128(&tally.borrow_mut().keep_written(series));
        let after_ms = self.ledger_age();
        self.ledger.push(&Line::Part(Box::new(Part { what, counts, batches, after_ms, series })));
        self.flush_ledger().await;
    }

    /// A stage passed, and its report is delivered: there is nothing to continue.
    pub(in crate::run) async fn finish_ledger(&self, stage: Stage) {
        if self.ledger.keeps(stage) {
            self.ledger.push(&Line::End { stage, at_ms: self.ports.clock.now_ms() });
            self.flush_ledger().await;
            self.close_ledger();
        }
    }

    /// Appends what is to be appended. Of several who want that at once, one does it for all.
    async fn flush_ledger(&self) {
        loop {
            let (key, lines) = {
                let mut state = self.ledger.state.borrow_mut();
                if state.off || state.appending || state.queue.is_empty() {
                    return;
                }
                state.appending = true;
                (state.key.clone(), std::mem::take(&mut state.queue))
            };
            let done = self.ledger.store.append(&key, lines).await;
            self.ledger.state.borrow_mut().appending = false;
            if let Err(error) = done {
                // Who else has it now has begun after this run, and sees what this one writes.
                let error = match error {
                    StoreError::Busy { message } => StoreError::Failed { message },
                    error => error,
                };
                let _ = self.without_ledger(error);
                return;
            }
        }
    }
}
