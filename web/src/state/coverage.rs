//! The coverage map: selector × time. A row has as many cells as fit the eye; a cell stands for one slab or,
//! in long windows, for several.

use tsink_migrate_engine::model::Window;
use tsink_migrate_engine::run::SlabState;

/// Cells a row at most.
pub const MOST_CELLS: usize = 120;
/// Rows drawn at most; the counts cover all of them.
pub const MOST_ROWS: usize = 200;

#[derive(Clone, Debug)]
struct Slab {
    window: Window,
    state: SlabState,
    rows: u64,
}

/// State of all slabs of a stage.
#[derive(Clone, Debug, Default)]
pub struct Coverage {
    selectors: Vec<String>,
    slabs: Vec<Vec<Slab>>,
}

/// What a cell shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CellState {
    /// Nothing at the source.
    Empty,
    /// To do.
    Todo,
    /// Done.
    Done,
    /// Begun, or done in part.
    InFlight,
    /// Something in it failed.
    Failed,
}

impl CellState {
    /// Name for the style sheet.
    pub fn class(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Todo => "todo",
            Self::Done => "done",
            Self::InFlight => "in-flight",
            Self::Failed => "failed",
        }
    }
}

/// A cell of the map.
#[derive(Clone, Debug, PartialEq)]
pub struct Cell {
    /// Time covered.
    pub window: Window,
    /// What it shows.
    pub state: CellState,
    /// Rows in it, as far as known.
    pub rows: u64,
    /// Slabs in it.
    pub slabs: usize,
}

/// Slabs by state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// All.
    pub slabs: usize,
    /// To do.
    pub todo: usize,
    /// Under way.
    pub in_flight: usize,
    /// Done.
    pub done: usize,
    /// Nothing at the source.
    pub empty: usize,
    /// Failed.
    pub failed: usize,
    /// Rows in those that failed.
    pub failed_rows: u64,
}

impl Coverage {
    /// A map with everything to do.
    pub fn new(selectors: Vec<String>, slabs: Vec<Vec<Window>>) -> Self {
        let todo = |window| Slab { window, state: SlabState::Todo, rows: 0 };
        Self { selectors, slabs: slabs.into_iter().map(|row| row.into_iter().map(todo).collect()).collect() }
    }

    /// Notes a slab's new state and says which selector's row changed and when the slab is. `None` when there
    /// is no such slab.
    pub fn set(
        &mut self,
        selector: usize,
        slab: usize,
        state: SlabState,
        rows: u64,
    ) -> Option<(&str, Window)> {
        let slab = self.slabs.get_mut(selector)?.get_mut(slab)?;
        slab.state = state;
        slab.rows = rows;
        Some((self.selectors.get(selector).map_or("", String::as_str), slab.window))
    }

    /// Selectors in plan order.
    pub fn selectors(&self) -> &[String] {
        &self.selectors
    }

    /// From the first slab's start to the last slab's end.
    pub fn window(&self) -> Option<Window> {
        let all = || self.slabs.iter().flatten();
        let start_ms = all().map(|slab| slab.window.start_ms).min()?;
        let end_ms = all().map(|slab| slab.window.end_ms).max()?;
        Window::new(start_ms, end_ms)
    }

    /// Counts over all selectors.
    pub fn totals(&self) -> Totals {
        let mut totals = Totals::default();
        for slab in self.slabs.iter().flatten() {
            totals.slabs += 1;
            match slab.state {
                SlabState::Todo => totals.todo += 1,
                SlabState::InFlight => totals.in_flight += 1,
                SlabState::Done => totals.done += 1,
                SlabState::Empty => totals.empty += 1,
                SlabState::Failed => {
                    totals.failed += 1;
                    totals.failed_rows = totals.failed_rows.saturating_add(slab.rows);
                }
            }
        }
        totals
    }

    /// The cells of one selector's row.
    pub fn row(&self, selector: usize) -> Vec<Cell> {
        let Some(slabs) = self.slabs.get(selector) else { return Vec::new() };
        let size = slabs.len().div_ceil(MOST_CELLS).max(1);
        slabs.chunks(size).filter_map(cell).collect()
    }
}

fn cell(slabs: &[Slab]) -> Option<Cell> {
    let window = Window::new(slabs.first()?.window.start_ms, slabs.last()?.window.end_ms)?;
    let any = |state| slabs.iter().any(|slab| slab.state == state);
    let state = if any(SlabState::Failed) {
        CellState::Failed
    } else if any(SlabState::InFlight) {
        CellState::InFlight
    } else if any(SlabState::Todo) {
        if any(SlabState::Done) { CellState::InFlight } else { CellState::Todo }
    } else if any(SlabState::Done) {
        CellState::Done
    } else {
        CellState::Empty
    };
    Some(Cell { window, state, rows: slabs.iter().map(|slab| slab.rows).sum(), slabs: slabs.len() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(slabs: usize) -> Coverage {
        let windows = Window { start_ms: 0, end_ms: 999_999 }.split(slabs);
        Coverage::new(vec!["up".to_owned()], vec![windows])
    }

    #[test]
    fn states_are_noted_and_counted() {
        let mut map = map(4);
        assert_eq!(
            map.set(0, 1, SlabState::Failed, 214).map(|(name, _)| name.to_owned()),
            Some("up".to_owned())
        );
        map.set(0, 0, SlabState::Done, 10);
        map.set(0, 3, SlabState::Empty, 0);
        assert!(map.set(0, 4, SlabState::Done, 1).is_none());
        assert!(map.set(7, 0, SlabState::Done, 1).is_none());
        let totals = map.totals();
        assert_eq!((totals.slabs, totals.todo, totals.done, totals.empty, totals.failed), (4, 1, 1, 1, 1));
        assert_eq!(totals.failed_rows, 214);
        let states: Vec<_> = map.row(0).iter().map(|cell| cell.state).collect();
        assert_eq!(states, [CellState::Done, CellState::Failed, CellState::Todo, CellState::Empty]);
        assert_eq!(map.window(), Some(Window { start_ms: 0, end_ms: 999_999 }));
    }

    #[test]
    fn long_windows_are_gathered_and_lose_no_failure() {
        let mut map = map(1_000);
        for at in 0..1_000 {
            map.set(0, at, SlabState::Done, 5);
        }
        map.set(0, 777, SlabState::Failed, 5);
        let row = map.row(0);
        assert!(row.len() <= MOST_CELLS);
        assert_eq!(row.iter().map(|cell| cell.slabs).sum::<usize>(), 1_000);
        assert_eq!(row.iter().map(|cell| cell.rows).sum::<u64>(), 5_000);
        assert_eq!(row.iter().filter(|cell| cell.state == CellState::Failed).count(), 1);
        map.set(0, 0, SlabState::Todo, 0);
        assert_eq!(map.row(0)[0].state, CellState::InFlight);
    }

    #[test]
    fn nothing_to_draw() {
        assert_eq!(Coverage::default().totals(), Totals::default());
        assert_eq!(Coverage::default().window(), None);
        assert!(Coverage::default().row(0).is_empty());
    }
}
