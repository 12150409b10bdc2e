//! Backfill: slabs are read, put into write requests and written, several at once.
//!
//! At most [`SLABS_AT_ONCE`] slabs are in memory: while one is written, the next is read. Batches are built as writes
//! find room: one more than there are writes at once, so that the next is ready, and one of each slab at least. A slab
//! that is larger than its share of the memory is worked off in portions.

mod copied;
mod extras;
mod recorded;
mod writing;

use super::apart::apart;
use super::context::Run;
use super::event::{Event, NoticeLevel, SlabState, Stage};
use super::http::cancelled;
use super::ledger::Noted;
use super::meter::Meter;
use super::reading::Piece;
use super::repair::Parts;
use super::schedule::{Portion, Portions, Schedule, Seen, Slab};
use super::tally::Tally;
use crate::compare::values_agree;
use crate::error::{Error, ErrorKind, Result, Side};
use crate::model::Window;
use crate::report::{BackfillReport, Estimate, Level, PreflightReport, Status};
use crate::selector::Selector;
use crate::wire::prom_write::{BatchBuilder, Present, WriteBatch};
use copied::Copied;
use futures_util::FutureExt;
use futures_util::join;
use futures_util::stream::{self, FuturesUnordered, StreamExt};
use std::cell::{Cell, RefCell};
use writing::Place;

/// Slabs held in memory at once.
const SLABS_AT_ONCE: usize = 2;

pub(super) struct Backfill<'a> {
    run: &'a Run,
    stage: Stage,
    /// The only parts that are copied, when a repair asks.
    parts: Option<&'a Parts>,
    tally: RefCell<Tally>,
    /// The failure that makes going on pointless.
    fatal: RefCell<Option<Error>>,
    /// Writes so far of which nobody knows whether they have arrived.
    failures: Cell<u64>,
    /// Batches of slabs that were built and are not written yet.
    built: Cell<usize>,
    /// Builders with room that earlier slabs needed: made anew for each slab, that room left gaps in the memory.
    builders: RefCell<Vec<BatchBuilder>>,
}

impl Run {
    /// Copies the window.
    ///
    /// # Errors
    /// What makes the whole run pointless: a server that cannot be reached, a refused token.
    pub async fn backfill(&self, preflight: PreflightReport) -> Result<BackfillReport> {
        let since = self.stamp();
        let blocked: Vec<String> = preflight
            .notes
            .iter()
            .filter(|note| note.level == Level::Fail)
            .map(|note| format!("{} {}", note.message, note.remedy).trim().to_owned())
            .collect();
        let job = Backfill::new(self, Stage::Backfill, None);
        let mut notes = Vec::new();
        if blocked.is_empty() {
            let work = job.copy_all(preflight.estimate.as_ref(), &mut notes);
            let ticker = self.tick();
            futures_util::pin_mut!(work, ticker);
            // The ticker never ends, so whatever ends first is the work.
            let _ = futures_util::future::select(work, ticker).await;
            self.progress(true);
        } else {
            notes.push("Nothing was written: the preflight found what would be refused.".to_owned());
        }
        let cancelled = self.control.is_cancelled();
        let tally = job.finish()?;
        Ok(self.backfill_report(tally, notes, blocked, cancelled, preflight, since))
    }

    fn backfill_report(
        &self,
        tally: Tally,
        mut notes: Vec<String>,
        blocked: Vec<String>,
        cancelled: bool,
        preflight: PreflightReport,
        since: (i64, f64),
    ) -> BackfillReport {
        let balance = tally.balance();
        let mut issues = blocked;
        issues.extend(tally.issues(cancelled, &mut notes));
        self.refused.borrow_mut().clone_from(&tally.rejections);
        BackfillReport {
            status: if issues.is_empty() { Status::Pass } else { Status::Fail },
            source_kind: self.plan.source.kind,
            start_ms: self.window.start_ms,
            end_ms: self.window.end_ms,
            selector_count: self.plan.selectors.len() as u64,
            series_written: tally.series_written(),
            samples_written: balance.samples.written,
            histograms_written: balance.histograms.written,
            exemplars_written: balance.exemplars.written,
            metadata_written: balance.metadata.written,
            write_batches: tally.write_batches,
            notes,
            cancelled,
            balance,
            rejections: tally.rejections,
            rejections_omitted: tally.rejections_omitted,
            retries: self.retries.get(),
            write_consistency: tally.write_consistency,
            issues,
            preflight,
            run: self.info_since(since),
            continued: self.ledger.continued(),
            slowest: self.timings.borrow().slowest(),
        }
    }
}

fn rows_of((_, data): &Piece) -> u64 {
    data.sample_count() + data.histogram_count()
}

impl<'a> Backfill<'a> {
    /// A copy of the whole window, or of `parts` of it.
    pub fn new(run: &'a Run, stage: Stage, parts: Option<&'a Parts>) -> Self {
        Self {
            run,
            stage,
            parts,
            tally: RefCell::default(),
            fatal: RefCell::default(),
            failures: Cell::new(0),
            built: Cell::new(0),
            builders: RefCell::default(),
        }
    }

    /// Copies samples, exemplars and metadata.
    pub async fn copy_all(&self, estimate: Option<&Estimate>, notes: &mut Vec<String>) {
        apart(self.samples(estimate)).await;
        notes.append(&mut self.run.cut_notes.borrow_mut());
        if self.ended() && (self.run.source_has_exemplars() || self.run.source_has_metadata()) {
            notes.push("Exemplars and metadata were not copied: the run ended before.".to_owned());
        }
        apart(self.exemplars(notes)).await;
        apart(self.metadata(notes)).await;
    }

    /// What was done.
    ///
    /// # Errors
    /// What made the whole copy pointless.
    pub fn finish(self) -> Result<Tally> {
        let mut tally = self.tally.into_inner();
        let fatal = self.fatal.into_inner();
        let cancel = self.run.control.is_cancelled().then(cancelled);
        if let Some(error) = cancel.as_ref().or(fatal.as_ref()) {
            tally.account_for_missed(error);
        }
        match fatal.filter(|error| error.kind != ErrorKind::Cancelled) {
            None => Ok(tally),
            // The server took it for a while: what is there and what is not is worth a report.
            Some(error) if error.kind.is_auth() && self.run.control.is_declined() => {
                tally.ended = Some(error);
                Ok(tally)
            }
            Some(error) => {
                let written = tally.rows_written();
                let message = format!(
                    "{}; {written} samples and histograms had been written before, and stay",
                    error.message
                );
                Err(Error { message, ..error })
            }
        }
    }

    async fn samples(&self, estimates: Option<&Estimate>) {
        let run = self.run;
        let opened = match self.parts {
            None => run.open_ledger(self.stage).await,
            Some(_) => {
                run.close_ledger();
                Ok(())
            }
        };
        if let Err(error) = opened {
            return self.fail(error);
        }
        if run.plan.source.kind.is_recording() {
            return apart(self.recorded()).await;
        }
        let rows = run.rows(estimates, self.parts).await;
        let schedule = Schedule::new(run, rows, self.stage, self.parts);
        self.announce(&schedule, self.passes() * (schedule.expected() + schedule.done()));
        stream::iter(schedule.slabs(|| !self.ended()))
            .for_each_concurrent(SLABS_AT_ONCE, |slab| self.slab(slab, &schedule))
            .await;
        for slab in schedule.left() {
            match self.gone() {
                Some(error) => self.tally.borrow_mut().unread(&slab.selector.text, slab.window, error),
                None => self.missed(&slab),
            }
        }
    }

    /// Shows the slabs, and begins to count: from what is done.
    fn announce(&self, schedule: &Schedule, total: u64) {
        let run = self.run;
        schedule.announce(run, self.stage);
        run.restore_tally(&mut self.tally.borrow_mut());
        run.emit(Event::Balance { balance: self.tally.borrow().balance() });
        let elapsed_ms = run.ledger.continued().map_or(0, |before| before.elapsed_ms);
        let meter = Meter::new(self.stage, "samples", total, run.now());
        run.start_meter(meter.resume(schedule.done(), elapsed_ms));
    }

    /// How often the progress counts a row: a repair compares what it has copied.
    fn passes(&self) -> u64 {
        if self.parts.is_some() { 2 } else { 1 }
    }

    /// Says what became of a slab. What a repair has copied is not done before it was compared.
    fn state(&self, slab: &Slab, state: SlabState, rows: u64) {
        let copied = matches!(state, SlabState::Done | SlabState::Empty);
        let state = if self.parts.is_some() && copied { SlabState::InFlight } else { state };
        self.run.slab_state(self.stage, slab, state, rows);
    }

    /// Notes a slab that nobody comes to any more.
    fn missed(&self, slab: &Slab) {
        self.missed_part(slab, &slab.selector, slab.window);
    }

    fn missed_part(&self, slab: &Slab, selector: &Selector, window: Window) {
        self.tally.borrow_mut().missed(slab.selector_at, &selector.text, window);
    }

    /// Notes a slab that is not begun, because the run ends or a server is gone.
    fn missed_or_gone(&self, slab: &Slab) {
        match self.gone() {
            Some(error) => {
                self.state(slab, SlabState::Failed, 0);
                self.not_read(slab, &slab.selector, slab.window, error);
            }
            None => self.missed(slab),
        }
    }

    /// Notes a part of a slab of which one side could not be read.
    fn not_read(&self, slab: &Slab, selector: &Selector, window: Window, error: Error) {
        if error.kind.is_fatal() {
            self.missed_part(slab, selector, window);
            self.fail(error);
        } else {
            if self.gone().is_none() {
                self.run.notice_error(NoticeLevel::Error, &error);
            }
            self.tally.borrow_mut().unread(&selector.text, window, error);
        }
    }

    async fn slab(&self, slab: Slab, schedule: &Schedule) {
        let run = self.run;
        run.control.ready().await;
        if self.ended() {
            return self.missed_or_gone(&slab);
        }
        self.state(&slab, SlabState::InFlight, 0);
        let mut portions = Portions::new(&slab);
        let (mut seen, mut copied, mut noted) = (Seen::default(), Copied::default(), Noted::default());
        while let Some(portion) = portions.next() {
            let Portion { selector, window, expected } = &portion;
            run.expect_rows(*expected);
            if let Some(error) = self.stopped() {
                copied.whole = false;
                match self.gone() {
                    Some(_) => self.not_read(&slab, selector, *window, error),
                    None => self.missed_part(&slab, selector, *window),
                }
                continue;
            }
            // What the target holds already must not be written again; of an empty one, this is a short answer.
            let read = join!(run.read_source_part(selector, *window), self.present(selector, *window));
            let (piece, present) = match (read.0).and_then(|piece| Ok((piece, read.1?))) {
                Ok(read) => read,
                Err(error) => {
                    if let Err(error) = portions.smaller(run, &portion, error).await {
                        copied.whole = false;
                        self.not_read(&slab, selector, *window, error);
                    }
                    continue;
                }
            };
            seen.add(Seen {
                rows: rows_of(&piece),
                bytes: (piece.1.cost() as u64).max(present.cost() as u64),
            });
            let place = Place::new(selector, *window);
            let pieces = [piece];
            let copy = self.copy(&slab, &pieces, &present, *expected, &place, &mut noted);
            copied.add(apart(copy).await);
        }
        schedule.learn(run, self.stage, &slab, seen);
        self.done(&slab, copied, noted).await;
    }

    /// Writes what a part of a slab holds of a selector and the target does not.
    async fn copy(
        &self,
        slab: &Slab,
        pieces: &[Piece],
        present: &Present,
        expected: u64,
        place: &Place<'_>,
        noted: &mut Noted,
    ) -> Copied {
        let run = self.run;
        let rows: u64 = pieces.iter().map(rows_of).sum();
        run.rows_read.set(run.rows_read.get() + rows);
        run.advance(|meter| meter.correct(expected, rows));

        let mut builder = self.builder();
        let mut writes = FuturesUnordered::new();
        let mut identities = Vec::new();
        let mut whole = true;
        for (window, data) in pieces {
            self.tally.borrow_mut().read(data);
            noted.read(data);
            for series in data.raw_series() {
                let identity = series.identity();
                {
                    let mut tally = self.tally.borrow_mut();
                    let claimed = tally.claim(identity, slab.selector_at);
                    noted.series(identity, tally.is_kept(identity));
                    if !claimed {
                        tally.duplicate_series(series.sample_count(), series.histogram_count());
                        noted.duplicate_series(series.sample_count(), series.histogram_count());
                        run.advance(|meter| meter.add(series.sample_count() + series.histogram_count()));
                        continue;
                    }
                    noted.witness(&series, *window);
                    let pushed = if present.knows(identity) {
                        let mut decoded = series.decode();
                        let mut there = present.take_out(identity, &mut decoded);
                        if self.parts.is_some() {
                            let held = present.hold_back(identity, &mut decoded, &|one, other| {
                                values_agree(one, other, &run.plan.compare)
                            });
                            there.samples += held.agreeing;
                            tally.held_back(held.samples, held.histograms);
                            run.advance(|meter| meter.add(held.samples + held.histograms));
                        }
                        tally.already_there(there);
                        noted.already_there(there);
                        run.advance(|meter| meter.add(there.samples + there.histograms));
                        builder.push_decoded(&decoded, *window)
                    } else {
                        builder.push_raw(&series, *window)
                    };
                    tally.pushed(&pushed);
                    noted.pushed(&pushed);
                    let left_out = pushed.deduplicated_samples
                        + pushed.deduplicated_histograms
                        + pushed.outside_samples
                        + pushed.outside_histograms;
                    if left_out > 0 {
                        run.advance(|meter| meter.add(left_out));
                    }
                }
                identities.push(identity);
                while let Some(batch) = builder.take_ready() {
                    noted.batches += 1;
                    writes.push(self.built(batch, std::mem::take(&mut identities), place));
                    // The series at the boundary may go on in the next batch.
                    identities.push(identity);
                    // Sent at once, and not when the next ones are built.
                    whole &= writes.next().now_or_never().flatten().unwrap_or(true);
                    while self.built.get() > run.gate.limit()
                        && let Some(ok) = writes.next().await
                    {
                        whole &= ok;
                    }
                }
            }
        }
        while let Some(batch) = builder.finish() {
            noted.batches += 1;
            writes.push(self.built(batch, std::mem::take(&mut identities), place));
        }
        self.builders.borrow_mut().push(builder);
        while let Some(ok) = writes.next().await {
            whole &= ok;
        }
        Copied { whole, rows }
    }

    /// A builder of batches as large as the plan allows.
    fn builder(&self) -> BatchBuilder {
        let batch = &self.run.plan.batch;
        let spare = self.builders.borrow_mut().pop();
        spare.unwrap_or_else(|| BatchBuilder::new(batch.max_series_per_write, batch.max_points_per_write))
    }

    /// Writes a batch of a slab. It counts as built from now on until then.
    fn built(
        &self,
        batch: WriteBatch,
        identities: Vec<u128>,
        place: &Place<'_>,
    ) -> impl Future<Output = bool> {
        self.built.set(self.built.get() + 1);
        async move {
            let whole = self.write(batch, identities, Some(place)).await;
            self.built.set(self.built.get().saturating_sub(1));
            whole
        }
    }

    /// Says what became of a slab, in the ledger first.
    async fn done(&self, slab: &Slab, copied: Copied, noted: Noted) {
        if copied.whole && self.parts.is_none() {
            self.run.slab_copied(self.stage, slab, noted, &self.tally).await;
        }
        let state = match (copied.whole, copied.rows) {
            (false, _) => SlabState::Failed,
            (true, 0) => SlabState::Empty,
            (true, _) => SlabState::Done,
        };
        self.state(slab, state, copied.rows);
        self.run.emit(Event::Balance { balance: self.tally.borrow().balance() });
    }

    /// Whether nothing new may be started.
    fn ended(&self) -> bool {
        self.run.control.is_cancelled() || self.fatal.borrow().is_some() || self.gone().is_some()
    }

    /// Why nothing more can be read or written, when a server has not come back.
    fn gone(&self) -> Option<Error> {
        self.run.gone(Side::Target).or_else(|| self.run.gone(Side::Source))
    }

    /// Why a batch is not sent any more.
    fn stopped(&self) -> Option<Error> {
        match self.ended() {
            true => Some(self.gone().unwrap_or_else(cancelled)),
            false => None,
        }
    }

    /// Keeps the first failure that makes going on pointless; the ones after it follow from it.
    fn fail(&self, error: Error) {
        if error.kind != ErrorKind::Cancelled {
            self.run.notice_error(NoticeLevel::Error, &error);
        }
        self.fatal.borrow_mut().get_or_insert(error);
    }
}
