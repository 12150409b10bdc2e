//! What a ledger's lines say together.

use super::header::Header;
use super::line::{self, Copied, Equal, Extra, Line, Part, Span};
use crate::error::Result;
use crate::model::{Millis, Window};
use crate::run::event::Stage;
use std::collections::BTreeMap;
use std::rc::Rc;

/// Rows of a stage at most; a plan cut into more is nobody's.
const MAX_ROWS: usize = 1 << 20;

/// A slab that is done, as its line has it.
#[derive(Clone, Debug)]
pub(super) enum Body {
    Copied(Rc<Copied>),
    Equal(Rc<Equal>),
}

/// A slab that is done.
#[derive(Clone, Debug)]
pub(in crate::run) struct Done {
    pub window: Window,
    /// Samples and histograms.
    pub rows: u64,
    pub(super) body: Body,
}

impl Done {
    pub(super) fn span(&self) -> &Span {
        match &self.body {
            Body::Copied(one) => &one.slab,
            Body::Equal(one) => &one.slab,
        }
    }
}

/// A row of a stage: the plan's selector by index, and what is asked for.
pub(super) type RowKey = (usize, String);

/// What is known of a stage.
#[derive(Clone, Debug, Default)]
pub(super) struct StageState {
    /// When the first run of those that count began, Unix ms.
    pub since_ms: Millis,
    /// Runs that count.
    pub runs: u64,
    pub basis: String,
    /// Rows that were expected in all.
    pub expected: u64,
    /// The newest list of rows.
    pub rows: Vec<RowKey>,
    /// Slabs by row, in the order of their lines. Their windows do not overlap.
    done: BTreeMap<RowKey, Vec<Done>>,
    /// In the order of their lines, which the hashes of series rest on.
    pub lines: Vec<(RowKey, Done)>,
    pub parts: BTreeMap<Extra, Rc<Part>>,
    /// Time that the runs took, the newest not included, in ms.
    before_ms: u64,
    /// Time that the newest run took so far, in ms.
    after_ms: u64,
    pub finished: bool,
}

impl StageState {
    /// Time that all runs together took, in ms.
    pub fn elapsed_ms(&self) -> u64 {
        self.before_ms.saturating_add(self.after_ms)
    }

    /// Slabs and rows that are done.
    pub fn totals(&self) -> (u64, u64) {
        self.lines.iter().fold((0, 0), |(slabs, rows), (_, done)| (slabs + 1, rows + done.rows))
    }

    /// Whether there is anything to go on from.
    pub fn is_begun(&self) -> bool {
        !self.lines.is_empty() || !self.parts.is_empty()
    }

    fn add(&mut self, span: Span, body: Body) -> bool {
        let Some(key) = self.rows.get(span.row).cloned() else { return false };
        let done = self.done.entry(key.clone()).or_default();
        let at = done.partition_point(|one| one.window.end_ms < span.window.start_ms);
        if done.get(at).is_some_and(|next| next.window.start_ms <= span.window.end_ms) {
            return false;
        }
        let one = Done { window: span.window, rows: span.rows, body };
        done.insert(at, one.clone());
        self.lines.push((key, one));
        self.after_ms = self.after_ms.max(span.after_ms);
        true
    }

    /// Lets go of the slabs: those who needed them have them.
    pub fn forget_slabs(&mut self) {
        self.done = BTreeMap::new();
        self.lines = Vec::new();
    }

    /// Slabs of a row in order of time.
    pub fn slabs(&self, key: &RowKey) -> &[Done] {
        self.done.get(key).map(Vec::as_slice).unwrap_or_default()
    }
}

/// A ledger as far as it can be relied on.
#[derive(Clone, Debug)]
pub(super) struct Replay {
    pub header: Header,
    pub backfill: StageState,
    pub verify: StageState,
    /// The stage that was begun last.
    pub last: Option<Stage>,
    /// When the newest run began, Unix ms.
    began_ms: Millis,
    /// When it was written to last, Unix ms.
    pub updated_ms: Millis,
    /// Bytes that can be relied on; a whole number of lines.
    pub sound_bytes: usize,
    /// Lines behind them, a torn one included, that cannot be relied on.
    pub lost_lines: usize,
    /// Checksum of the last sound line.
    pub sum: u32,
}

impl Replay {
    /// A ledger of one line.
    pub fn empty(header: Header) -> Self {
        Self {
            began_ms: header.begun_ms,
            updated_ms: header.begun_ms,
            header,
            backfill: StageState::default(),
            verify: StageState::default(),
            last: None,
            sound_bytes: 0,
            lost_lines: 0,
            sum: line::FIRST_SUM,
        }
    }

    /// Reads a ledger. It counts up to the first line that is torn, damaged or makes no sense: what a process that is
    /// killed leaves behind, or somebody's hand.
    ///
    /// # Errors
    /// When its first line is no ledger's, of another version, or damaged.
    pub fn read(text: &str) -> Result<Self> {
        let (first, _) = text.split_once('\n').unwrap_or((text, ""));
        let mut sum = line::FIRST_SUM;
        let header = Header::read(first, &mut sum)?;
        let mut replay = Self { sum, ..Self::empty(header) };
        if text.len() == first.len() {
            // Torn just before its end: nothing stands behind it.
            replay.lost_lines = 1;
            return Ok(replay);
        }
        replay.sound_bytes = first.len() + 1;
        while let Some((line, _)) = text.get(replay.sound_bytes..).and_then(|rest| rest.split_once('\n')) {
            let mut sum = replay.sum;
            let taken = line::read(line, &mut sum).is_some_and(|line| replay.take(line));
            if !taken {
                break;
            }
            replay.sum = sum;
            replay.sound_bytes += line.len() + 1;
        }
        replay.lost_lines = text.get(replay.sound_bytes..).map_or(0, |rest| rest.lines().count());
        Ok(replay)
    }

    /// What is known of a stage; none for one that keeps no ledger.
    pub fn stage(&self, stage: Stage) -> Option<&StageState> {
        match stage {
            Stage::Backfill => Some(&self.backfill),
            Stage::Verify => Some(&self.verify),
            _ => None,
        }
    }

    fn stage_mut(&mut self, stage: Stage) -> Option<&mut StageState> {
        match stage {
            Stage::Backfill => Some(&mut self.backfill),
            Stage::Verify => Some(&mut self.verify),
            _ => None,
        }
    }

    /// Takes a line; false when it makes no sense here.
    fn take(&mut self, line: Line) -> bool {
        match line {
            Line::Begin { stage, at_ms, fresh, basis } => {
                if stage == Stage::Backfill {
                    // What was compared before is no proof of what is written from now on.
                    self.verify = StageState::default();
                }
                let Some(state) = self.stage_mut(stage) else { return false };
                if fresh || state.runs == 0 || state.finished {
                    *state = StageState { since_ms: at_ms, basis, ..StageState::default() };
                }
                state.runs += 1;
                state.before_ms = state.elapsed_ms();
                state.after_ms = 0;
                self.last = Some(stage);
                (self.began_ms, self.updated_ms) = (at_ms, at_ms);
                true
            }
            Line::Rows { stage, expected, rows } => {
                let selectors = self.header.about.selectors.len();
                let fits = rows.len() <= MAX_ROWS && rows.iter().all(|(at, _)| *at < selectors);
                match self.open(stage).filter(|_| fits) {
                    Some(state) => {
                        state.expected = expected;
                        state.rows = rows;
                        true
                    }
                    None => false,
                }
            }
            Line::Copied(one) => {
                let others = one.series.others.keys().all(|at| *at < self.header.about.selectors.len());
                others && self.add(Stage::Backfill, one.slab.clone(), Body::Copied(Rc::from(one)))
            }
            Line::Equal(one) => self.add(Stage::Verify, one.slab.clone(), Body::Equal(Rc::from(one))),
            Line::Part(part) => {
                let after_ms = part.after_ms;
                let Some(state) = self.open(Stage::Backfill) else { return false };
                if state.parts.contains_key(&part.what) {
                    return false;
                }
                state.parts.insert(part.what, Rc::from(part));
                state.after_ms = state.after_ms.max(after_ms);
                self.touch(after_ms);
                true
            }
            Line::End { stage, at_ms } => match self.open(stage) {
                Some(state) => {
                    state.finished = true;
                    self.updated_ms = at_ms;
                    true
                }
                None => false,
            },
        }
    }

    /// A stage that was begun and is not finished.
    fn open(&mut self, stage: Stage) -> Option<&mut StageState> {
        let is_last = self.last == Some(stage);
        self.stage_mut(stage).filter(|state| is_last && state.runs > 0 && !state.finished)
    }

    fn add(&mut self, stage: Stage, span: Span, body: Body) -> bool {
        let whole = self.header.about.window;
        let inside = whole.start_ms <= span.window.start_ms && span.window.end_ms <= whole.end_ms;
        let after_ms = span.after_ms;
        let added = inside && self.open(stage).is_some_and(|state| state.add(span, body));
        if added {
            self.touch(after_ms);
        }
        added
    }

    /// A line that came so long after the newest run began.
    fn touch(&mut self, after_ms: u64) {
        self.updated_ms = self.began_ms.saturating_add_unsigned(after_ms).max(self.updated_ms);
    }
}
