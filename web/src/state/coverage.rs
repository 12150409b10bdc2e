//! The coverage map: selector × time. A row has as many cells as fit the eye; a cell stands for one slab or,
//! in long windows, for several.

use tsink_migrate_engine::model::Window;
use tsink_migrate_engine::run::SlabState;

/// Cells a row at most.
pub const MOST_CELLS: usize = 120;

#[derive(Clone, Debug)]
struct Slab {
    window: Window,
    state: SlabState,
    rows: u64,
}

#[derive(Clone, Debug, Default)]
struct Row {
    name: String,
    slabs: Vec<Slab>,
    /// Counts the changes of the row, so that only rows that changed are drawn anew.
    version: u32,
}

/// State of all slabs of a stage. What is asked for with every message is kept up to date, never counted anew: there
/// may be a hundred thousand slabs.
#[derive(Clone, Debug, Default)]
pub struct Coverage {
    rows: Vec<Row>,
    totals: Totals,
    window: Option<Window>,
    longest_name: usize,
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

impl Totals {
    fn count(&mut self, slab: &Slab, add: bool) {
        let step = |count: &mut usize| *count = if add { *count + 1 } else { count.saturating_sub(1) };
        step(&mut self.slabs);
        match slab.state {
            SlabState::Todo => step(&mut self.todo),
            SlabState::InFlight => step(&mut self.in_flight),
            SlabState::Done => step(&mut self.done),
            SlabState::Empty => step(&mut self.empty),
            SlabState::Failed => {
                step(&mut self.failed);
                self.failed_rows = if add {
                    self.failed_rows.saturating_add(slab.rows)
                } else {
                    self.failed_rows.saturating_sub(slab.rows)
                };
            }
        }
    }
}

fn todo(window: Window) -> Slab {
    Slab { window, state: SlabState::Todo, rows: 0 }
}

impl Coverage {
    /// A map with everything to do.
    pub fn new(selectors: Vec<String>, slabs: Vec<Vec<Window>>) -> Self {
        let mut map = Self::default();
        map.longest_name = selectors.iter().map(|name| name.chars().count()).max().unwrap_or(0);
        for (name, windows) in selectors.into_iter().zip(slabs) {
            let row = Row { name, slabs: windows.into_iter().map(todo).collect(), version: 0 };
            row.slabs.iter().for_each(|slab| map.totals.count(slab, true));
            map.widen(&row);
            map.rows.push(row);
        }
        map
    }

    fn widen(&mut self, row: &Row) {
        for Slab { window, .. } in &row.slabs {
            let whole = self.window.get_or_insert(*window);
            whole.start_ms = whole.start_ms.min(window.start_ms);
            whole.end_ms = whole.end_ms.max(window.end_ms);
        }
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
        let row = self.rows.get_mut(selector)?;
        let slab = row.slabs.get_mut(slab)?;
        self.totals.count(slab, false);
        (slab.state, slab.rows) = (state, rows);
        self.totals.count(slab, true);
        row.version = row.version.wrapping_add(1);
        Some((&row.name, slab.window))
    }

    /// Takes a row's new slabs. Those that were begun keep their index, and with it what is known of them.
    pub fn recut(&mut self, selector: usize, windows: Vec<Window>) {
        let Some(row) = self.rows.get_mut(selector) else { return };
        let old = std::mem::take(&mut row.slabs);
        old.iter().for_each(|slab| self.totals.count(slab, false));
        let mut old = old.into_iter();
        row.slabs.extend(windows.into_iter().map(|window| match old.next() {
            Some(slab) if slab.state != SlabState::Todo => Slab { window, ..slab },
            _ => todo(window),
        }));
        row.slabs.iter().for_each(|slab| self.totals.count(slab, true));
        row.version = row.version.wrapping_add(1);
        let row = std::mem::take(row);
        self.widen(&row);
        if let Some(place) = self.rows.get_mut(selector) {
            *place = row;
        }
    }

    /// How many rows there are: selectors, or parts of them.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Name of a row: a selector's text.
    pub fn name(&self, row: usize) -> &str {
        self.rows.get(row).map_or("", |row| &row.name)
    }

    /// Characters of the longest name.
    pub fn longest_name(&self) -> usize {
        self.longest_name
    }

    /// Changes whenever a row does.
    pub fn version(&self, row: usize) -> u32 {
        self.rows.get(row).map_or(0, |row| row.version)
    }

    /// From the first slab's start to the last slab's end.
    pub fn window(&self) -> Option<Window> {
        self.window
    }

    /// Counts over all rows.
    pub fn totals(&self) -> Totals {
        self.totals
    }

    /// Slabs of a row: done or empty, failed, and all.
    pub fn counts(&self, row: usize) -> (usize, usize, usize) {
        let Some(row) = self.rows.get(row) else { return (0, 0, 0) };
        let count =
            |wanted: fn(SlabState) -> bool| row.slabs.iter().filter(|slab| wanted(slab.state)).count();
        let done = count(|state| matches!(state, SlabState::Done | SlabState::Empty));
        (done, count(|state| state == SlabState::Failed), row.slabs.len())
    }

    /// The cells of a row in order of time, `most` of them at most.
    pub fn row(&self, row: usize, most: usize) -> Vec<Cell> {
        let Some(Row { slabs, .. }) = self.rows.get(row) else { return Vec::new() };
        let size = slabs.len().div_ceil(most.clamp(1, MOST_CELLS)).max(1);
        if slabs.is_sorted_by_key(|slab| slab.window.start_ms) {
            return slabs.chunks(size).filter_map(cell).collect();
        }
        // What is cut anew while slabs behind it are under way stands behind them.
        let mut slabs = slabs.clone();
        slabs.sort_by_key(|slab| slab.window.start_ms);
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
    let rows = slabs.iter().fold(0u64, |sum, slab| sum.saturating_add(slab.rows));
    Some(Cell { window, state, rows, slabs: slabs.len() })
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
        let states: Vec<_> = map.row(0, MOST_CELLS).iter().map(|cell| cell.state).collect();
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
        let row = map.row(0, MOST_CELLS);
        assert!(row.len() <= MOST_CELLS);
        assert_eq!(row.iter().map(|cell| cell.slabs).sum::<usize>(), 1_000);
        assert_eq!(row.iter().map(|cell| cell.rows).sum::<u64>(), 5_000);
        assert_eq!(row.iter().filter(|cell| cell.state == CellState::Failed).count(), 1);
        map.set(0, 0, SlabState::Todo, 0);
        assert_eq!(map.row(0, MOST_CELLS)[0].state, CellState::InFlight);
    }

    #[test]
    fn what_was_begun_outlives_a_new_cut() {
        let mut map = map(4);
        map.set(0, 0, SlabState::Done, 10);
        map.set(0, 2, SlabState::InFlight, 0);
        let before = map.version(0);
        let cut = |start_ms, end_ms| Window { start_ms, end_ms };
        // The second slab and the last one become two each; the third was begun, and keeps its place.
        let windows = vec![
            cut(0, 249_999),
            cut(250_000, 374_999),
            cut(500_000, 749_999),
            cut(375_000, 499_999),
            cut(750_000, 874_999),
            cut(875_000, 999_999),
        ];
        map.recut(0, windows);
        map.recut(9, vec![cut(0, 1)]);
        assert_ne!(map.version(0), before);
        let totals = map.totals();
        assert_eq!((totals.slabs, totals.done, totals.in_flight, totals.todo), (6, 1, 1, 4));
        let row = map.row(0, MOST_CELLS);
        assert!(row.is_sorted_by_key(|cell| cell.window.start_ms), "{row:?}");
        let states: Vec<_> = row.iter().map(|cell| cell.state).collect();
        use CellState::{Done, InFlight, Todo};
        assert_eq!(states, [Done, Todo, Todo, InFlight, Todo, Todo]);
        assert_eq!(map.window(), Some(cut(0, 999_999)));
        assert_eq!(map.counts(0), (1, 0, 6));
    }

    #[test]
    fn counts_follow_every_change() {
        let mut map = Coverage::new(
            vec!["a".to_owned(), "bcd".to_owned()],
            vec![
                Window { start_ms: 5, end_ms: 9_999 }.split(50),
                Window { start_ms: 0, end_ms: 99 }.split(3),
            ],
        );
        let states =
            [SlabState::Done, SlabState::Failed, SlabState::InFlight, SlabState::Empty, SlabState::Todo];
        for step in 0..500usize {
            map.set(step % 2, step * 7 % 50, states[step * 3 % 5], step as u64);
        }
        let mut counted = Totals::default();
        map.rows.iter().flat_map(|row| &row.slabs).for_each(|slab| counted.count(slab, true));
        assert_eq!(map.totals(), counted);
        assert_eq!(counted.slabs, 53);
        assert_eq!((map.longest_name(), map.name(1), map.len()), (3, "bcd", 2));
        assert_eq!(map.window(), Some(Window { start_ms: 0, end_ms: 9_999 }));
    }

    #[test]
    fn nothing_to_draw() {
        assert_eq!(Coverage::default().totals(), Totals::default());
        assert_eq!(Coverage::default().window(), None);
        assert!(Coverage::default().row(0, MOST_CELLS).is_empty());
    }
}
