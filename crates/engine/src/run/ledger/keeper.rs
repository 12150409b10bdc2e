//! The ledger of a run: going on from the one that is there. What is written to it is [`noting`]'s.

mod noting;

use super::header::{About, Header};
use super::line::{self, Extra, Line, Part};
use super::replay::{Body, Done, Replay, RowKey, StageState};
use crate::compare::{Agreed, RawComparison};
use crate::error::{Error, ErrorKind, Result};
use crate::model::Window;
use crate::port::{Store, StoreError};
use crate::report::Continued;
use crate::run::context::Run;
use crate::run::event::{Event, NoticeLevel, Stage};
use crate::run::tally::Tally;
use std::cell::{Cell, RefCell};
use std::rc::Rc;

/// The ledger of a run. Before [`Run::open_ledger`], and where none can be kept, it knows and keeps nothing.
pub(in crate::run) struct Ledger {
    store: Rc<dyn Store>,
    /// Whether to begin anew although there is something to continue.
    pub fresh: Cell<bool>,
    state: RefCell<State>,
}

#[derive(Default)]
struct State {
    /// The store failed, or there is none.
    off: bool,
    key: String,
    /// What the store held when it was asked; none when there was nothing that belongs to the plan.
    replay: Option<Replay>,
    asked: bool,
    sum: u32,
    /// Lines that are to be appended.
    queue: String,
    appending: bool,
    /// The stage under way, and when it was begun (monotonic ms).
    stage: Option<Stage>,
    began: f64,
    /// What is continued.
    earlier: StageState,
    /// Rows of the schedule; slabs name them by place.
    rows: Vec<RowKey>,
    continued: Option<Continued>,
}

impl Ledger {
    pub fn new(store: Rc<dyn Store>) -> Self {
        Self { store, fresh: Cell::new(false), state: RefCell::default() }
    }

    /// Slabs of a row that are done, in order of time; they do not overlap.
    pub fn done(&self, selector_at: usize, text: &str) -> Vec<Done> {
        self.state.borrow().earlier.slabs(&(selector_at, text.to_owned())).to_vec()
    }

    /// What was asked for in the place of a wide selector, if it was cut by labels: to be asked for again, so that the
    /// slabs that are done fit. For whoever cuts selectors.
    #[allow(dead_code)]
    pub fn parts_of(&self, selector_at: usize) -> Vec<String> {
        let state = self.state.borrow();
        let rows = state.earlier.rows.iter().filter(|(at, _)| *at == selector_at);
        rows.map(|(_, text)| text.clone()).collect()
    }

    /// What was done before, of the stage under way.
    pub fn continued(&self) -> Option<Continued> {
        self.state.borrow().continued.clone()
    }

    /// Exemplars or metadata that are done.
    pub fn part(&self, what: Extra) -> Option<Rc<Part>> {
        self.state.borrow().earlier.parts.get(&what).cloned()
    }

    fn keeps(&self, stage: Stage) -> bool {
        let state = self.state.borrow();
        !state.off && state.stage == Some(stage)
    }

    fn push(&self, line: &Line) {
        let mut state = self.state.borrow_mut();
        let State { sum, queue, .. } = &mut *state;
        line::write(line, sum, queue);
    }

    fn lines_done(&self) -> Vec<(RowKey, Done)> {
        let state = self.state.borrow();
        let known = |key: &RowKey| state.rows.contains(key);
        state.earlier.lines.iter().filter(|(key, _)| known(key)).cloned().collect()
    }
}

impl Run {
    /// Begins a stage in the ledger, and finds out what can be continued.
    ///
    /// # Errors
    /// When another run works with the same ledger, or the target refuses a question in a way that ends the run. A
    /// store that fails does not end it.
    pub(in crate::run) async fn open_ledger(&self, stage: Stage) -> Result<()> {
        self.close_ledger();
        if self.ledger.state.borrow().off {
            return Ok(());
        }
        let basis = self.basis(stage).await?;
        let about = About::of(&self.plan, self.window);
        let mut reason = None;
        if !self.ledger.state.borrow().asked {
            match self.find_ledger(&about).await {
                Ok(told) => reason = told,
                Err(error) => return self.without_ledger(error),
            }
        }
        let earlier = {
            let mut state = self.ledger.state.borrow_mut();
            let stage_state = state.replay.as_mut().map(|replay| match stage {
                Stage::Backfill => std::mem::take(&mut replay.backfill),
                _ => std::mem::take(&mut replay.verify),
            });
            stage_state.filter(|earlier| earlier.is_begun() && !earlier.finished)
        };
        let mut go_on = None;
        if self.ledger.fresh.get() {
            reason = None;
        } else if let Some(earlier) = earlier {
            reason = match earlier.basis == basis {
                true => self.ask_for_witnesses(&earlier).await?,
                false => Some(format!("it was {}, and is {basis}", earlier.basis)),
            };
            if reason.is_none() {
                go_on = Some(earlier);
            }
        }
        if self.control.is_cancelled() {
            return Ok(());
        }
        if let Some(reason) = reason {
            let reason = format!(
                "What a run before has done is not continued: {reason}. Everything is read again; what the target has is not written twice."
            );
            self.emit(Event::NotContinued { stage, reason });
        }
        if let Err(error) = self.begin_stage(stage, basis, go_on.is_none(), about).await {
            // What is known already holds all the same.
            self.without_ledger(error)?;
        }
        let mut state = self.ledger.state.borrow_mut();
        state.stage = Some(stage);
        state.began = self.now();
        state.continued = go_on.as_ref().map(|earlier| Continued {
            since_ms: earlier.since_ms,
            runs: earlier.runs,
            elapsed_ms: earlier.elapsed_ms(),
            ..Continued::default()
        });
        state.earlier = go_on.unwrap_or_default();
        Ok(())
    }

    /// What a stage depends on beside the plan's identity, in words to show when it changes.
    async fn basis(&self, stage: Stage) -> Result<String> {
        let mut basis = String::new();
        if self.plan.source.kind.is_recording() {
            let found = self.recording().await?;
            let rows: u64 = found.slabs.iter().map(|(_, rows)| rows).sum();
            basis = format!("a recording of {rows} samples in {} slabs", found.slabs.len());
        }
        if stage == Stage::Verify {
            let compare = &self.plan.compare;
            let and = if basis.is_empty() { "" } else { " and " };
            basis.push_str(&format!(
                "{and}a tolerance of {:e} and {:e}",
                compare.max_absolute_value_delta, compare.max_relative_value_delta
            ));
        }
        Ok(basis)
    }

    /// No stage is under way that keeps a ledger.
    pub(in crate::run) fn close_ledger(&self) {
        let mut state = self.ledger.state.borrow_mut();
        state.stage = None;
        state.continued = None;
        state.earlier = StageState::default();
        state.rows = Vec::new();
    }

    /// Reads the ledger of the plan. When there is none, but one of a plan that is nearly the same, says what differs.
    async fn find_ledger(&self, about: &About) -> std::result::Result<Option<String>, StoreError> {
        let store = Rc::clone(&self.ledger.store);
        let key = about.key();
        let text = store.read(&key).await?;
        let reason = match text {
            None => self.find_near(about, &store).await?,
            Some(text) => match Replay::read(&text) {
                Err(error) => Some(format!("{error}. {}", error.remedy).trim_end_matches('.').to_owned()),
                Ok(replay) => match about.differs_from(&replay.header.about) {
                    Some(words) => Some(words),
                    None if !replay.header.is_of_this_build() => of_another_build(&replay),
                    None => {
                        if replay.lost_lines > 0 {
                            self.notice(NoticeLevel::Info, "", lost(&replay));
                            let sound = text.get(..replay.sound_bytes).unwrap_or_default();
                            if !sound.is_empty() {
                                store.replace(&key, sound.to_owned()).await?;
                            }
                        }
                        let mut state = self.ledger.state.borrow_mut();
                        state.sum = replay.sum;
                        state.replay = Some(replay).filter(|replay| replay.sound_bytes > 0);
                        None
                    }
                },
            },
        };
        let mut state = self.ledger.state.borrow_mut();
        state.key = key;
        state.asked = true;
        Ok(reason)
    }

    async fn find_near(
        &self,
        about: &About,
        store: &Rc<dyn Store>,
    ) -> std::result::Result<Option<String>, StoreError> {
        let mut newest: Option<(i64, String)> = None;
        for key in store.keys().await? {
            let Some(text) = store.read(&key).await? else { continue };
            let Ok(replay) = Replay::read(&text) else { continue };
            let open = [&replay.backfill, &replay.verify].iter().any(|one| one.is_begun() && !one.finished);
            let near = about.is_near(&replay.header.about);
            let newer = newest.as_ref().is_none_or(|(at, _)| *at < replay.updated_ms);
            if open
                && near
                && newer
                && let Some(words) =
                    about.differs_from(&replay.header.about).or_else(|| of_another_build(&replay))
            {
                newest = Some((replay.updated_ms, words));
            }
        }
        Ok(newest.map(|(_, words)| words))
    }

    async fn begin_stage(
        &self,
        stage: Stage,
        basis: String,
        fresh: bool,
        about: About,
    ) -> std::result::Result<(), StoreError> {
        let now = self.ports.clock.now_ms();
        let begin = Line::Begin { stage, at_ms: now, fresh, basis };
        let mut text = String::new();
        let (key, anew) = {
            let mut state = self.ledger.state.borrow_mut();
            // Who writes anew has nothing that was compared before.
            let anew = state.replay.is_none() || (fresh && stage == Stage::Backfill);
            let mut sum = state.sum;
            if anew {
                sum = line::FIRST_SUM;
                let header = Header::new(about, now);
                line::write(&header, &mut sum, &mut text);
                state.replay = Some(Replay::empty(header));
            }
            if let Some(replay) = state.replay.as_mut().filter(|_| stage == Stage::Backfill) {
                replay.verify = StageState::default();
            }
            line::write(&begin, &mut sum, &mut text);
            state.sum = sum;
            state.queue.clear();
            (state.key.clone(), anew)
        };
        match anew {
            true => self.ledger.store.replace(&key, text).await,
            false => self.ledger.store.append(&key, text).await,
        }
    }

    /// Goes on without a ledger, unless another run has it.
    fn without_ledger(&self, error: StoreError) -> Result<()> {
        self.ledger.state.borrow_mut().off = true;
        match error {
            StoreError::None => Ok(()),
            StoreError::Busy { message } => {
                Err(Error::new(ErrorKind::Input, format!("another run works on this migration: {message}"))
                    .remedy(
                        "Wait for its end, or end it. Two runs at once would write the same samples twice.",
                    ))
            }
            error => {
                let reason = format!(
                    "{error}. The run goes on without: if it is broken off, the next one reads everything again."
                );
                self.notice(NoticeLevel::Warn, "", reason.clone());
                self.emit(Event::Unkept { reason });
                Ok(())
            }
        }
    }

    /// The rows of a stage are known: notes them, and says what is done of them.
    pub(in crate::run) fn ledger_rows(&self, stage: Stage, rows: Vec<RowKey>, expected: u64) {
        let known = {
            let mut state = self.ledger.state.borrow_mut();
            if state.stage != Some(stage) {
                return;
            }
            state.rows.clone_from(&rows);
            state.off || (state.earlier.rows == rows && state.earlier.expected == expected)
        };
        if !known {
            self.ledger.push(&Line::Rows { stage, expected, rows });
        }
        let done = self.ledger.lines_done();
        let continued = {
            let mut state = self.ledger.state.borrow_mut();
            let Some(continued) = state.continued.as_mut() else { return };
            continued.slabs = done.len() as u64;
            continued.rows = done.iter().map(|(_, one)| one.rows).sum();
            continued.clone()
        };
        let mut timings = self.timings.borrow_mut();
        for ((_, text), one) in &done {
            timings.add(crate::report::SlabTiming {
                selector: text.clone(),
                window: one.window,
                rows: one.rows,
                took_ms: one.span().took_ms,
            });
        }
        drop(timings);
        self.emit(Event::Continued { stage, continued });
    }

    /// Takes what is done of a backfill into its books.
    pub(in crate::run) fn restore_tally(&self, tally: &mut Tally) {
        // Who migrates a series is settled by all lines, of whatever rows.
        let all = self.ledger.state.borrow().earlier.lines.clone();
        let counted = self.ledger.lines_done().len() == all.len();
        let rows = self.ledger.state.borrow().rows.clone();
        for ((selector_at, text), done) in all {
            if let Body::Copied(copied) = &done.body {
                let counts = counted || rows.contains(&(selector_at, text));
                tally.restore(selector_at, copied, counts);
            }
        }
        self.ledger.state.borrow_mut().earlier.forget_slabs();
    }

    /// Takes what is done of a verification into its comparisons.
    pub(in crate::run) fn restore_comparisons(&self, comparisons: &[RefCell<RawComparison>]) {
        for ((selector_at, _), done) in self.ledger.lines_done() {
            let (Body::Equal(equal), Some(comparison)) = (&done.body, comparisons.get(selector_at)) else {
                continue;
            };
            comparison.borrow_mut().restore(&Agreed {
                counts: equal.counts,
                series: equal.series.to_64().unwrap_or_default(),
                present: equal.present,
                full: equal.full,
                mapped: equal.mapped.clone(),
                witness: None,
            });
        }
        self.ledger.state.borrow_mut().earlier.forget_slabs();
    }
}

fn of_another_build(replay: &Replay) -> Option<String> {
    let other = !replay.header.is_of_this_build();
    other.then(|| "the ledger is of another build of this program".to_owned())
}

/// A word about lines that do not count.
fn lost(replay: &Replay) -> String {
    match replay.lost_lines {
        1 => "The last line of the ledger is not whole, as a process that is killed leaves it; its slab is done again.".to_owned(),
        more => format!("{more} lines of the ledger are damaged, or stand behind a damaged one; their slabs are done again."),
    }
}

/// Lays slabs that are done into a window: what lies between them is cut by `cut`. In order of time; with the rows of
/// what is done.
pub(in crate::run) fn lay(
    window: Window,
    done: &[Done],
    cut: impl Fn(Window) -> Vec<Window>,
) -> Vec<(Window, Option<u64>)> {
    let mut laid = Vec::new();
    let mut from = Some(window.start_ms);
    for one in done {
        let Some(start) = from else { break };
        if let Some(gap) = one.window.start_ms.checked_sub(1).and_then(|end| Window::new(start, end)) {
            laid.extend(cut(gap).into_iter().map(|window| (window, None)));
        }
        laid.push((one.window, Some(one.rows)));
        from = one.window.end_ms.checked_add(1);
    }
    if let Some(rest) = from.and_then(|start| Window::new(start, window.end_ms)) {
        laid.extend(cut(rest).into_iter().map(|window| (window, None)));
    }
    laid
}
