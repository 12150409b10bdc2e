//! The slabs of a verification: read from both sides, compared, and read again where they are young.

use super::pieces::{Group, all, each_group};
use crate::compare::{Agreed, Hints, RawComparison, SlabOutcome};
use crate::error::{Error, Result, Side};
use crate::model::{Millis, Series, Window};
use crate::report::RawCheckReport;
use crate::report::words::{count_of, show_duration};
use crate::run::after::After;
use crate::run::apart::apart;
use crate::run::changes::Latch;
use crate::run::context::Run;
use crate::run::event::{Event, NoticeLevel, SlabState, Stage};
use crate::run::flow::Rank;
use crate::run::http::cancelled;
use crate::run::permits::Permits;
use crate::run::reading::Piece;
use crate::run::recheck::{Recheck, Verdict};
use crate::run::recording::slabs::SlabReader;
use crate::run::repair::Parts;
use crate::run::schedule::{Portion, Portions, Schedule, Seen, Slab};
use crate::selector::Selector;
use futures_util::future::{Either, select};
use futures_util::stream::{self, StreamExt};
use futures_util::{FutureExt, join};
use std::cell::{Cell, RefCell};
use std::pin::pin;
use std::rc::Rc;

/// Slabs read and compared at once, each from both sides.
const SLABS_AT_ONCE: usize = 3;

/// The comparisons of all selectors, under way.
pub(super) struct Checks<'a> {
    run: &'a Run,
    stage: Stage,
    /// The only parts that are compared, when a repair asks.
    parts: Option<&'a Parts>,
    comparisons: Vec<RefCell<RawComparison>>,
    /// The target's answers, which are taken one after the other.
    answers: Permits,
    /// The failure that makes going on pointless.
    fatal: RefCell<Option<Error>>,
    recheck: &'a RefCell<Recheck>,
    /// Parts that differ and are young. What was read of them does not count until they are settled.
    young: RefCell<Vec<Young>>,
}

/// The young end of a slab.
#[derive(Clone)]
struct Young {
    slab: Slab,
    window: Window,
    /// Whether the older rest of the slab differs, and its rows.
    rest: SlabOutcome,
}

impl<'a> Checks<'a> {
    pub fn new(run: &'a Run, stage: Stage, parts: Option<&'a Parts>, recheck: &'a RefCell<Recheck>) -> Self {
        let comparisons = run.plan.selectors.iter().map(|selector| {
            let most = run.plan.options.max_findings;
            RefCell::new(RawComparison::new(&selector.text, &run.plan.compare, most).over(run.window))
        });
        Self {
            run,
            stage,
            parts,
            comparisons: comparisons.collect(),
            answers: Permits::new(1),
            fatal: RefCell::default(),
            recheck,
            young: RefCell::default(),
        }
    }

    /// Takes what a run before has compared, and found alike.
    pub fn restore(&self) {
        self.run.restore_comparisons(&self.comparisons);
    }

    fn ended(&self) -> bool {
        self.fatal.borrow().is_some() || self.run.control.is_cancelled()
    }

    fn state(&self, slab: &Slab, state: SlabState, rows: u64) {
        self.run.slab_state(self.stage, slab, state, rows);
    }

    /// Compares a recording with the target.
    pub async fn recorded(&self, reader: SlabReader, schedule: &Schedule) {
        stream::unfold(reader, |mut reader| async {
            if self.ended() {
                return None;
            }
            match reader.next().await {
                Ok(slab) => slab.map(|slab| (slab, reader)),
                Err(error) => {
                    self.fatal.borrow_mut().get_or_insert(self.run.file_error(&error));
                    None
                }
            }
        })
        .for_each_concurrent(SLABS_AT_ONCE, |read| async move {
            for (row, data) in read.selected.into_iter().enumerate() {
                let Some(slab) = schedule.slab(row, read.at) else { return };
                let untouched = self.parts.is_some_and(|parts| !parts.touch(slab.selector_at, slab.window));
                if untouched || schedule.is_done(slab.row, slab.at) {
                    continue;
                }
                let slab = Slab { expected: data.sample_count(), ..slab };
                let window = slab.window;
                self.run.control.ready().await;
                self.recorded_slab(slab, (window, data)).await;
            }
        })
        .await;
    }

    /// Compares all slabs of a schedule. A selector's report is made once its last slab is compared, unless a part of it
    /// waits to be read again; the next selector's first slabs are read meanwhile.
    pub async fn slabs(
        &self,
        schedule: &Schedule,
        hints: &Hints,
        reports: &mut [Option<RawCheckReport>],
    ) -> Result<()> {
        let (latest, under_way) = (Cell::new(0), RefCell::new(Vec::new()));
        let work = stream::iter(schedule.slabs(|| true)).map(|slab| {
            let at = slab.selector_at;
            latest.set(at);
            under_way.borrow_mut().push(at);
            apart(self.slab(slab, schedule)).map(move |()| at)
        });
        let mut work = work.buffer_unordered(SLABS_AT_ONCE);
        while let Some(compared) = work.next().await {
            let mut under_way = under_way.borrow_mut();
            if let Some(place) = under_way.iter().position(|at| *at == compared) {
                under_way.swap_remove(place);
            }
            // The latest may have more slabs.
            self.finish_settled(hints, reports, |at| at < latest.get() && !under_way.contains(&at))?;
        }
        self.finish_settled(hints, reports, |_| true)
    }

    fn finish_settled(
        &self,
        hints: &Hints,
        reports: &mut [Option<RawCheckReport>],
        is_compared: impl Fn(usize) -> bool,
    ) -> Result<()> {
        for (at, report) in reports.iter_mut().enumerate() {
            if report.is_none() && is_compared(at) && self.is_settled(at) {
                *report = Some(self.finish(at, hints)?);
            }
        }
        Ok(())
    }

    /// Reads a slab from both sides and compares it, in portions where it is larger than its share of the memory.
    pub async fn slab(&self, slab: Slab, schedule: &Schedule) {
        let run = self.run;
        run.control.ready().await;
        if self.ended() {
            return;
        }
        self.state(&slab, SlabState::InFlight, 0);
        let mut portions = Portions::new(&slab);
        let (mut sum_of, mut seen, mut failed) = (SlabOutcome::default(), Seen::default(), false);
        while let Some(portion) = portions.next() {
            if self.ended() {
                return;
            }
            let Portion { selector, window, expected } = &portion;
            run.expect_rows(*expected);
            // Unpacked when it can be compared at once: so one answer of the target at a time is, and not one of each
            // slab whose source is slow.
            let source_is_there = Latch::default();
            let room = run.room.borrow().bytes;
            let after = After { turns: &self.answers, wanted: &source_is_there, room };
            let both = join!(
                run.read_source_part(selector, *window).inspect(|_| source_is_there.open()),
                run.read_target_part_after(after, selector, *window)
            );
            match (both.0).and_then(|source| Ok((source, (*window, both.1?)))) {
                Ok((source, target)) => {
                    let cost = source.1.cost().max(target.1.cost()) as u64;
                    let part =
                        Slab { selector: Rc::clone(selector), window: *window, expected: *expected, ..slab };
                    let (outcome, agreed) = self.compare(&part, &[source], &[target], false);
                    // A ledger knows rows by their selectors: of a part by labels, it could not tell the rest.
                    self.keep(&part, agreed.filter(|_| Rc::ptr_eq(selector, &slab.selector))).await;
                    seen.add(Seen { rows: outcome.source_rows.max(outcome.target_rows), bytes: cost });
                    sum_of = sum(sum_of, outcome);
                }
                Err(error) => {
                    if let Err(error) = portions.smaller(run, &portion, error).await {
                        failed = true;
                        self.not_read(slab.selector_at, *window, error);
                    }
                }
            }
        }
        schedule.learn(run, self.stage, &slab, seen);
        if failed {
            return self.state(&slab, SlabState::Failed, 0);
        }
        self.done_unless_young(&slab, sum_of);
    }

    /// Compares a slab of a recording with what the target has of it. Nobody writes to a recording any more.
    async fn recorded_slab(&self, slab: Slab, source: Piece) {
        if self.ended() {
            return;
        }
        self.state(&slab, SlabState::InFlight, 0);
        match self.run.read_target(&slab.selector, slab.window).await {
            Ok(target) => {
                let (outcome, agreed) = self.compare(&slab, &[source], &target, true);
                self.keep(&slab, agreed).await;
                self.done(&slab, outcome);
            }
            Err(error) => {
                self.state(&slab, SlabState::Failed, 0);
                self.not_read(slab.selector_at, slab.window, error);
            }
        }
    }

    /// Compares a part; what is young and differs is put off, unless nobody writes any more. Also gives what a ledger
    /// keeps of a part that agrees and is not young.
    fn compare(
        &self,
        part: &Slab,
        source: &[Piece],
        target: &[Piece],
        is_settled: bool,
    ) -> (SlabOutcome, Option<Agreed>) {
        let run = self.run;
        let Some(comparison) = self.comparisons.get(part.selector_at) else {
            return (SlabOutcome::default(), None);
        };
        let edge = match is_settled {
            true => None,
            false => self.recheck.borrow().young_from(run.ports.clock.now_ms()),
        };
        let mut kept = None;
        let outcome = match edge.filter(|edge| *edge <= part.window.end_ms) {
            None => {
                let (compared, agreed) = comparison.borrow_mut().noted(|comparison| {
                    let mut outcome = SlabOutcome::default();
                    each_group(source, target, part.window, |group| match group {
                        Group::Alike(labels, samples) => comparison.alike(&labels, &samples, &mut outcome),
                        Group::Decoded(source, target) => {
                            outcome = sum(outcome, comparison.slab(part.window, source, target));
                        }
                    });
                    outcome
                });
                // What is young may change; it is compared once more.
                kept = Some(agreed).filter(|_| !compared.differs);
                compared
            }
            Some(edge) => {
                let (mut source, mut target) = (all(source, part.window), all(target, part.window));
                let window = Window { start_ms: edge.max(part.window.start_ms), ..part.window };
                let young =
                    (split_off(&mut source, window.start_ms), split_off(&mut target, window.start_ms));
                let rest = match Window::new(part.window.start_ms, window.start_ms.saturating_sub(1)) {
                    Some(old) => comparison.borrow_mut().slab(old, source, target),
                    None => SlabOutcome::default(),
                };
                let tried = self.attempt(window, young.0.clone(), young.1.clone());
                if self.judge(&tried) == Verdict::Later {
                    self.recheck.borrow_mut().waits();
                    self.young.borrow_mut().push(Young { slab: part.clone(), window, rest });
                } else {
                    comparison.borrow_mut().slab(window, young.0, young.1);
                }
                sum(rest, tried)
            }
        };
        run.rows_read.set(run.rows_read.get() + outcome.source_rows + outcome.target_rows);
        run.advance(|meter| {
            meter.correct(part.expected, outcome.source_rows);
            meter.add(outcome.source_rows);
        });
        (outcome, kept)
    }

    /// Notes a part that agrees in the ledger.
    async fn keep(&self, part: &Slab, agreed: Option<Agreed>) {
        if let (Some(agreed), Some(comparison)) = (agreed, self.comparisons.get(part.selector_at)) {
            self.run.slab_equal(self.stage, part, agreed, comparison).await;
        }
    }

    /// Says what became of a slab, unless a part of it waits to be read again.
    fn done_unless_young(&self, slab: &Slab, outcome: SlabOutcome) {
        let waits =
            self.young.borrow().iter().any(|young| (young.slab.row, young.slab.at) == (slab.row, slab.at));
        if !waits {
            self.done(slab, outcome);
        }
    }

    fn done(&self, slab: &Slab, outcome: SlabOutcome) {
        let rows = outcome.source_rows.max(outcome.target_rows);
        let state = match (outcome.differs, rows) {
            (true, _) => SlabState::Failed,
            (false, 0) => SlabState::Empty,
            (false, _) => SlabState::Done,
        };
        self.state(slab, state, rows);
    }

    /// Reads a young part once more.
    async fn read(&self, selector: &Selector, window: Window) -> Result<(Vec<Series>, Vec<Series>)> {
        let (source, target) =
            join!(self.run.read_source(selector, window), self.run.read_target(selector, window));
        Ok((all(&source?, window), all(&target?, window)))
    }

    fn not_read(&self, at: usize, window: Window, error: Error) {
        if error.kind.is_fatal() {
            self.fatal.borrow_mut().get_or_insert(error);
            return;
        }
        if [Side::Source, Side::Target].into_iter().all(|side| self.run.gone(side).is_none()) {
            self.run.notice_error(NoticeLevel::Error, &error);
        }
        if let Some(comparison) = self.comparisons.get(at) {
            comparison.borrow_mut().not_compared(window, &error);
        }
    }

    /// Compares a part by itself, without counting it.
    fn attempt(&self, window: Window, source: Vec<Series>, target: Vec<Series>) -> SlabOutcome {
        RawComparison::new("", &self.run.plan.compare, 0).slab(window, source, target)
    }

    fn judge(&self, outcome: &SlabOutcome) -> Verdict {
        self.recheck.borrow().judge(outcome.newest_difference_ms, self.run.ports.clock.now_ms())
    }

    /// Reads young differences again until they count or are gone.
    pub async fn settle(&self) {
        let mut open = self.young.take();
        while !open.is_empty() && !self.ended() {
            let parts = count_of(open.len() as u64, "part", "parts");
            if !self.run.settling(self.recheck, &parts).await {
                return;
            }
            let mut still = Vec::new();
            for young in open {
                if self.ended() {
                    return;
                }
                if let Some(young) = self.again(young).await {
                    still.push(young);
                }
            }
            open = still;
        }
    }

    /// Reads a young part once more; gives it back when it has to wait still longer.
    async fn again(&self, young: Young) -> Option<Young> {
        let Young { slab, window, rest } = &young;
        let comparison = self.comparisons.get(slab.selector_at)?;
        let (source, target) = match self.read(&slab.selector, *window).await {
            Ok(both) => both,
            Err(error) => {
                self.recheck.borrow_mut().read(false);
                self.state(slab, SlabState::Failed, 0);
                self.not_read(slab.selector_at, *window, error);
                return None;
            }
        };
        let tried = self.attempt(*window, source.clone(), target.clone());
        let verdict = self.judge(&tried);
        self.recheck.borrow_mut().read(verdict == Verdict::Agrees);
        if verdict == Verdict::Later {
            return Some(young);
        }
        comparison.borrow_mut().slab(*window, source, target);
        self.done(slab, sum(*rest, tried));
        None
    }

    /// Whether all of a selector is settled.
    pub fn is_settled(&self, at: usize) -> bool {
        self.young.borrow().iter().all(|young| young.slab.selector_at != at)
    }

    /// The report of a selector whose slabs have all been compared.
    pub fn finish(&self, at: usize, hints: &Hints) -> Result<RawCheckReport> {
        if self.run.control.is_cancelled() {
            return Err(cancelled());
        }
        if let Some(error) = self.fatal.borrow_mut().take() {
            return Err(error);
        }
        let mut comparison = RawComparison::new("", &self.run.plan.compare, 0);
        if let Some(slot) = self.comparisons.get(at) {
            std::mem::swap(&mut comparison, &mut slot.borrow_mut());
        }
        let check = comparison.finish(hints);
        self.run.emit(Event::RawCheck { check: check.clone() });
        Ok(check)
    }
}

impl Run {
    /// Waits before `what` is read again, and says why; false when the run was cancelled. When the time for it is
    /// over, it does not wait: what is read then counts.
    pub(super) async fn settling(&self, recheck: &RefCell<Recheck>, what: &str) -> bool {
        let pause = recheck.borrow_mut().pause();
        if let Some(pause) = pause {
            let settle = show_duration(self.plan.options.settle_ms.unsigned_abs());
            let _told = self.waiting.begin(Rank::Own, format!(
                "Both sides differ in {what} of the last {settle}, and may still be written to: they are compared again in {}.",
                show_duration(pause)
            ));
            self.progress(true);
            let sleep = self.ports.clock.sleep(pause);
            let cancelled = matches!(select(sleep, pin!(self.control.cancelled())).await, Either::Right(_));
            if cancelled {
                return false;
            }
        }
        self.control.ready().await;
        !self.control.is_cancelled()
    }
}

/// Two parts of one slab.
fn sum(one: SlabOutcome, other: SlabOutcome) -> SlabOutcome {
    SlabOutcome {
        source_rows: one.source_rows + other.source_rows,
        target_rows: one.target_rows + other.target_rows,
        differs: one.differs || other.differs,
        newest_difference_ms: one.newest_difference_ms.max(other.newest_difference_ms),
    }
}

/// Takes rows from `edge` on out of series, which keep the older ones.
fn split_off(series: &mut [Series], edge: Millis) -> Vec<Series> {
    let mut young = Vec::new();
    for one in series {
        let (samples, old) = one.samples.drain(..).partition(|sample| sample.timestamp >= edge);
        one.samples = old;
        let (histograms, old) = one.histograms.drain(..).partition(|histogram| histogram.timestamp >= edge);
        one.histograms = old;
        young.push(Series { labels: one.labels.clone(), samples, histograms, ..Series::default() });
    }
    young
}
