//! The slabs of a verification: read from both sides, compared, and read again where they are young.

use crate::compare::{Hints, RawComparison, SlabOutcome};
use crate::error::{Error, Result};
use crate::model::{Millis, Series, Window};
use crate::report::RawCheckReport;
use crate::report::words::{count_of, show_duration};
use crate::run::context::Run;
use crate::run::event::{Event, NoticeLevel, SlabState, Stage};
use crate::run::http::cancelled;
use crate::run::reading::Piece;
use crate::run::recheck::{Recheck, Verdict};
use crate::run::recording::slabs::SlabReader;
use crate::run::repair::Parts;
use futures_util::future::{Either, select};
use futures_util::join;
use futures_util::stream::{self, StreamExt};
use std::cell::RefCell;
use std::pin::pin;

/// Slabs read and compared at once, each from both sides.
pub(super) const SLABS_AT_ONCE: usize = 2;

/// The comparisons of all selectors, under way.
pub(super) struct Checks<'a> {
    run: &'a Run,
    stage: Stage,
    /// The only parts that are compared, when a repair asks.
    parts: Option<&'a Parts>,
    comparisons: Vec<RefCell<RawComparison>>,
    /// The failure that makes going on pointless.
    fatal: RefCell<Option<Error>>,
    recheck: &'a RefCell<Recheck>,
    /// Parts that differ and are young. What was read of them does not count until they are settled.
    young: RefCell<Vec<Young>>,
}

/// The young end of a slab.
#[derive(Clone, Copy)]
struct Young {
    selector: usize,
    slab: usize,
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
            fatal: RefCell::default(),
            recheck,
            young: RefCell::default(),
        }
    }

    fn ended(&self) -> bool {
        self.fatal.borrow().is_some() || self.run.control.is_cancelled()
    }

    fn state(&self, selector: usize, slab: usize, state: SlabState, rows: u64) {
        self.run.emit(Event::Slab { stage: self.stage, selector, slab, state, rows });
    }

    /// Compares a recording with the target.
    pub async fn recorded(&self, reader: SlabReader, slabs: &[(Window, u64)]) {
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
        .for_each_concurrent(SLABS_AT_ONCE, |slab| async move {
            let Some((window, _)) = slabs.get(slab.at) else { return };
            for (at, data) in slab.selected.into_iter().enumerate() {
                if self.parts.is_some_and(|parts| !parts.touch(at, *window)) {
                    continue;
                }
                let rows = data.sample_count();
                self.slab(at, slab.at, *window, Some(vec![(*window, data)]), rows).await;
            }
        })
        .await;
    }

    /// Compares a slab of a selector; reads the source unless `source` is what it holds.
    pub async fn slab(
        &self,
        at: usize,
        slab_at: usize,
        slab: Window,
        source: Option<Vec<Piece>>,
        expected: u64,
    ) {
        let run = self.run;
        let Some(comparison) = self.comparisons.get(at) else { return };
        run.control.ready().await;
        if self.ended() {
            return;
        }
        self.state(at, slab_at, SlabState::InFlight, 0);
        // Nobody writes to a recording any more.
        let recorded = source.is_some();
        let (mut source, mut target) = match self.read(at, slab, source).await {
            Ok(both) => both,
            Err(error) => {
                self.state(at, slab_at, SlabState::Failed, 0);
                return self.not_read(at, slab, error);
            }
        };
        let edge = match recorded {
            true => None,
            false => self.recheck.borrow().young_from(run.ports.clock.now_ms()),
        };
        let rest;
        let outcome = match edge.filter(|edge| *edge <= slab.end_ms) {
            None => {
                rest = comparison.borrow_mut().slab(slab, source, target);
                rest
            }
            Some(edge) => {
                let window = Window { start_ms: edge.max(slab.start_ms), ..slab };
                let young =
                    (split_off(&mut source, window.start_ms), split_off(&mut target, window.start_ms));
                rest = match Window::new(slab.start_ms, window.start_ms.saturating_sub(1)) {
                    Some(old) => comparison.borrow_mut().slab(old, source, target),
                    None => SlabOutcome::default(),
                };
                let tried = self.attempt(window, young.0.clone(), young.1.clone());
                if self.judge(&tried) == Verdict::Later {
                    self.recheck.borrow_mut().waits();
                    self.young.borrow_mut().push(Young { selector: at, slab: slab_at, window, rest });
                } else {
                    comparison.borrow_mut().slab(window, young.0, young.1);
                }
                sum(rest, tried)
            }
        };
        run.rows_read.set(run.rows_read.get() + outcome.source_rows + outcome.target_rows);
        run.advance(|meter| {
            meter.correct(expected, outcome.source_rows);
            meter.add(outcome.source_rows);
        });
        let waits = self.young.borrow().iter().any(|young| (young.selector, young.slab) == (at, slab_at));
        if !waits {
            self.done(at, slab_at, outcome);
        }
    }

    fn done(&self, at: usize, slab_at: usize, outcome: SlabOutcome) {
        let rows = outcome.source_rows.max(outcome.target_rows);
        let state = match (outcome.differs, rows) {
            (true, _) => SlabState::Failed,
            (false, 0) => SlabState::Empty,
            (false, _) => SlabState::Done,
        };
        self.state(at, slab_at, state, rows);
    }

    async fn read(
        &self,
        at: usize,
        window: Window,
        source: Option<Vec<Piece>>,
    ) -> Result<(Vec<Series>, Vec<Series>)> {
        let run = self.run;
        let Some(selector) = run.plan.selectors.get(at) else { return Ok((Vec::new(), Vec::new())) };
        let read_source = async {
            match source {
                Some(pieces) => Ok(pieces),
                None => run.read_source(selector, window).await,
            }
        };
        let (source, target) = join!(read_source, run.read_target(selector, window));
        Ok((merge(source?, window), merge(target?, window)))
    }

    fn not_read(&self, at: usize, window: Window, error: Error) {
        if error.kind.is_fatal() {
            self.fatal.borrow_mut().get_or_insert(error);
            return;
        }
        self.run.notice_error(NoticeLevel::Error, &error);
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
        let Young { selector, slab, window, rest } = young;
        let comparison = self.comparisons.get(selector)?;
        let (source, target) = match self.read(selector, window, None).await {
            Ok(both) => both,
            Err(error) => {
                self.recheck.borrow_mut().read(false);
                self.state(selector, slab, SlabState::Failed, 0);
                self.not_read(selector, window, error);
                return None;
            }
        };
        let tried = self.attempt(window, source.clone(), target.clone());
        let verdict = self.judge(&tried);
        self.recheck.borrow_mut().read(verdict == Verdict::Agrees);
        if verdict == Verdict::Later {
            return Some(young);
        }
        comparison.borrow_mut().slab(window, source, target);
        self.done(selector, slab, sum(rest, tried));
        None
    }

    /// Whether all of a selector is settled.
    pub fn is_settled(&self, at: usize) -> bool {
        self.young.borrow().iter().all(|young| young.selector != at)
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
            *self.waiting.borrow_mut() = Some(format!(
                "Both sides differ in {what} of the last {settle}, and may still be written to: they are compared again in {}.",
                show_duration(pause)
            ));
            self.progress(true);
            let sleep = self.ports.clock.sleep(pause);
            let cancelled = matches!(select(sleep, pin!(self.control.cancelled())).await, Either::Right(_));
            *self.waiting.borrow_mut() = None;
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

/// One list of series from the pieces of a slab; rows that a server sent although they lie outside of what
/// was asked for are left out.
fn merge(pieces: Vec<Piece>, slab: Window) -> Vec<Series> {
    let mut all = Vec::new();
    for (window, data) in pieces {
        let mut series = data.decode();
        for one in &mut series {
            let keep = Window {
                start_ms: window.start_ms.max(slab.start_ms),
                end_ms: window.end_ms.min(slab.end_ms),
            };
            let inside = |first: Option<i64>, last: Option<i64>| {
                first.is_none_or(|at| keep.contains(at)) && last.is_none_or(|at| keep.contains(at))
            };
            // Servers sort by time; the ends tell whether there is anything to cut off.
            let sorted_ends =
                inside(one.samples.first().map(|s| s.timestamp), one.samples.last().map(|s| s.timestamp));
            if !sorted_ends || !one.samples.is_sorted_by_key(|sample| sample.timestamp) {
                one.samples.retain(|sample| keep.contains(sample.timestamp));
            }
            one.histograms.retain(|histogram| keep.contains(histogram.timestamp));
        }
        all.append(&mut series);
    }
    all
}
