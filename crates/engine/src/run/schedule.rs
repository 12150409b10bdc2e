//! What a stage works on: rows, each cut into slabs by time.
//!
//! A row is a selector of the plan, or a part of a wide one (see [`cut`](super::cut)). It is shown as one line of the
//! coverage map, and is what a ledger counts slabs of. How long slabs are is learnt while they are worked on: see
//! [`sizer`].

mod cells;
mod portions;
mod sizer;

pub(super) use portions::{Portion, Portions};
pub(super) use sizer::Seen;

use super::context::Run;
use super::event::{Event, SlabState, Stage};
use super::repair::Parts;
use crate::model::Window;
use crate::report::Estimate;
use crate::selector::Selector;
use cells::Cut;
use sizer::Sizer;
use std::cell::{Cell, RefCell};
use std::rc::Rc;

/// Rows of a write's wire form that fit into so many bytes: what the first cut of a wide selector counts with.
const BYTES_A_ROW: u64 = 18;

/// A row to be cut: a selector of the plan, or a part of one.
#[derive(Clone, Debug)]
pub(super) struct RowPlan {
    /// The plan's selector, by index.
    pub selector_at: usize,
    /// What is asked for: the plan's selector, or a narrower one.
    pub selector: Rc<Selector>,
    /// Rows that it is expected to hold; none where nothing is known.
    pub rows: Option<u64>,
}

/// A row with its slabs.
#[derive(Debug)]
struct Row {
    selector_at: usize,
    selector: Rc<Selector>,
    /// In order of time.
    slabs: RefCell<Vec<Cut>>,
    /// Slabs that were begun, or that were done before.
    begun: Cell<usize>,
    /// None where the slabs stay as they are.
    sizer: Option<Sizer>,
}

/// A part of a row's window: what is read, written or compared at once.
#[derive(Clone, Debug)]
pub(super) struct Slab {
    /// The row, by index.
    pub row: usize,
    /// The slab in its row, by index.
    pub at: usize,
    /// The plan's selector, by index.
    pub selector_at: usize,
    /// What is asked for.
    pub selector: Rc<Selector>,
    /// Both ends included.
    pub window: Window,
    /// Rows that it is expected to hold.
    pub expected: u64,
}

/// The rows of a stage.
#[derive(Debug, Default)]
pub(super) struct Schedule {
    rows: Vec<Row>,
}

impl Run {
    /// The rows of a stage: the plan's selectors, wide ones in parts by label values; `parts` of the window only,
    /// when a repair asks. What a ledger continues has the rows that it had.
    pub(super) async fn rows(&self, estimate: Option<&Estimate>, parts: Option<&Parts>) -> Vec<RowPlan> {
        let mut rows = Vec::new();
        for (at, selector) in self.plan.selectors.iter().enumerate() {
            let known = estimate.and_then(|all| all.selectors.get(at));
            let expected = known.map(|one| one.rows).filter(|rows| *rows > 0);
            let row = RowPlan { selector_at: at, selector: Rc::new(selector.clone()), rows: expected };
            // A repair shows the parts it was asked for; what is too wide there is cut when it is met.
            if parts.is_some() {
                rows.push(row);
                continue;
            }
            let before = self.ledger.parts_of(at);
            let before: Result<Vec<Selector>, _> = before.iter().map(|text| Selector::parse(text)).collect();
            match before {
                Ok(before) if !before.is_empty() => {
                    let each = expected.map(|rows| rows / before.len() as u64);
                    rows.extend(before.into_iter().map(|selector| RowPlan {
                        selector: Rc::new(selector),
                        rows: each.filter(|rows| *rows > 0),
                        ..row.clone()
                    }));
                }
                _ => rows.extend(self.cut_row(row, known.map(|one| one.series)).await),
            }
        }
        rows
    }
}

impl Schedule {
    /// The run's window, cut by what is expected of each row; `parts` of it only, when a repair asks. What a ledger
    /// says is done stays as it is.
    pub fn new(run: &Run, rows: Vec<RowPlan>, stage: Stage, parts: Option<&Parts>) -> Self {
        let options = &run.plan.options;
        let budget = options.answer_bytes() as u64 / 4 * 3;
        let wanted = options.slab_samples.min(budget / BYTES_A_ROW);
        let rows = rows.into_iter().map(|row| {
            let cut = match parts {
                Some(parts) => {
                    let each = parts.expected(row.selector_at);
                    let cut = |window: &Window| Cut { window: *window, expected: each, done: None };
                    parts.cut(row.selector_at).iter().map(cut).collect()
                }
                None => cells::cut(
                    run.window,
                    row.rows,
                    wanted,
                    stage,
                    &run.ledger.done(row.selector_at, &row.selector.text),
                ),
            };
            Row {
                selector_at: row.selector_at,
                selector: row.selector,
                slabs: RefCell::new(cut),
                begun: Cell::new(0),
                sizer: parts.is_none().then(|| Sizer::new(options.slab_samples, budget)),
            }
        });
        Self { rows: rows.collect() }
    }

    /// The slabs of a recording, the same ones for every selector.
    pub fn recorded(run: &Run, slabs: &[Window]) -> Self {
        let rows = run.plan.selectors.iter().enumerate().map(|(at, selector)| {
            let known = run.ledger.done(at, &selector.text);
            let done = |slab: &Window| {
                let place = known.partition_point(|one| one.window.start_ms < slab.start_ms);
                known.get(place).filter(|one| one.window == *slab).map(|one| one.rows)
            };
            let cut = slabs.iter().map(|window| Cut { window: *window, expected: 0, done: done(window) });
            Row {
                selector_at: at,
                selector: Rc::new(selector.clone()),
                slabs: RefCell::new(cut.collect()),
                begun: Cell::new(0),
                sizer: None,
            }
        });
        Self { rows: rows.collect() }
    }

    /// Shows the rows and their slabs. Those that are done are shown so.
    pub fn announce(&self, run: &Run, stage: Stage) {
        let rows = self.rows.iter().map(|row| (row.selector_at, row.selector.text.clone())).collect();
        run.ledger_rows(stage, rows, self.expected() + self.done());
        run.emit(Event::Slabs {
            stage,
            selectors: self.rows.iter().map(|row| row.selector.text.clone()).collect(),
            slabs: self.rows.iter().map(Row::windows).collect(),
        });
        for row in 0..self.rows.len() {
            self.show_done(run, stage, row, 0);
        }
    }

    /// Shows the slabs of a row that are done, from one on.
    fn show_done(&self, run: &Run, stage: Stage, row: usize, from: usize) {
        let Some(own) = self.rows.get(row) else { return };
        let done: Vec<(usize, u64)> = own
            .slabs
            .borrow()
            .iter()
            .enumerate()
            .skip(from)
            .filter_map(|(at, slab)| Some((at, slab.done?)))
            .collect();
        for (slab, rows) in done {
            let state = if rows == 0 { SlabState::Empty } else { SlabState::Done };
            run.emit(Event::Slab { stage, selector: row, slab, state, rows });
        }
    }

    /// Whether a ledger says that a slab is done.
    pub fn is_done(&self, row: usize, at: usize) -> bool {
        self.rows
            .get(row)
            .is_some_and(|own| own.slabs.borrow().get(at).is_some_and(|slab| slab.done.is_some()))
    }

    /// Rows of the slabs that are done.
    pub fn done(&self) -> u64 {
        self.rows.iter().map(|row| row.slabs.borrow().iter().filter_map(|slab| slab.done).sum::<u64>()).sum()
    }

    /// Rows that all slabs that are to do are expected to hold.
    pub fn expected(&self) -> u64 {
        self.rows.iter().map(|row| row.slabs.borrow().iter().map(|slab| slab.expected).sum::<u64>()).sum()
    }

    /// A slab by its row and its place there.
    pub fn slab(&self, row: usize, at: usize) -> Option<Slab> {
        let own = self.rows.get(row)?;
        let Cut { window, expected, .. } = *own.slabs.borrow().get(at)?;
        Some(Slab {
            row,
            at,
            selector_at: own.selector_at,
            selector: Rc::clone(&own.selector),
            window,
            expected,
        })
    }

    /// The next slab of a row that is to do; it counts as begun.
    fn begin(&self, row: usize) -> Option<Slab> {
        let own = self.rows.get(row)?;
        while self.is_done(row, own.begun.get()) {
            own.begun.set(own.begun.get() + 1);
        }
        let slab = self.slab(row, own.begun.get())?;
        own.begun.set(slab.at + 1);
        Some(slab)
    }

    /// All slabs that are to do, row by row, while `goes_on`. One that is given counts as begun; those behind it may
    /// still be cut anew.
    pub fn slabs(&self, goes_on: impl Fn() -> bool) -> impl Iterator<Item = Slab> {
        let mut rows = 0..self.rows.len();
        let mut row = rows.next();
        std::iter::from_fn(move || {
            loop {
                let own = row.filter(|_| goes_on())?;
                match self.begin(own) {
                    Some(slab) => return Some(slab),
                    None => row = rows.next(),
                }
            }
        })
    }

    /// What was not begun: the slabs that are to do.
    pub fn left(&self) -> Vec<Slab> {
        let places = self.rows.iter().enumerate().flat_map(|(row, own)| {
            (own.begun.get()..own.slabs.borrow().len()).map(move |at| (row, at)).collect::<Vec<_>>()
        });
        places
            .filter(|(row, at)| !self.is_done(*row, *at))
            .filter_map(|(row, at)| self.slab(row, at))
            .collect()
    }

    /// Learns from what a slab held: the slabs of its row that were not begun are cut anew where others fit better.
    pub fn learn(&self, run: &Run, stage: Stage, slab: &Slab, seen: Seen) {
        let Some(row) = self.rows.get(slab.row) else { return };
        let Some(sizer) = row.sizer else { return };
        let begun = row.begun.get();
        let cut = row
            .slabs
            .borrow()
            .get(begun..)
            .and_then(|left| cells::cut_anew(left, |run| sizer.cut(stage, slab.window, seen, run)));
        let Some(cut) = cut else { return };
        {
            let mut slabs = row.slabs.borrow_mut();
            slabs.truncate(begun);
            slabs.extend(cut);
        }
        run.emit(Event::Recut { stage, selector: slab.row, slabs: row.windows() });
        self.show_done(run, stage, slab.row, begun);
    }
}

impl Row {
    fn windows(&self) -> Vec<Window> {
        self.slabs.borrow().iter().map(|slab| slab.window).collect()
    }
}
