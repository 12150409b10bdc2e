//! Where in the window something is: columns of the coverage map, and finer cells for the parts that differ.
//!
//! Both divide the whole window, so they do not depend on how it was cut to be read, and what is noted of them
//! has a fixed size.

use super::rows::Row;
use crate::model::{Millis, Window};

/// Columns of the coverage map at most; their bits fit into 64.
const COLUMNS: usize = 60;
/// Cells in a column.
const CELLS_A_COLUMN: usize = 16;
const CELLS: usize = COLUMNS * CELLS_A_COLUMN;
const WORDS: usize = CELLS / 64;

/// The division of a window. Without a window there are no columns and no cells.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Grid {
    window: Option<Window>,
    /// Width of a cell in ms.
    cell_ms: i64,
}

/// A set of cells.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Cells([u64; WORDS]);

impl Cells {
    fn insert(&mut self, cell: usize) {
        if let Some(word) = self.0.get_mut(cell / 64) {
            *word |= 1 << (cell % 64);
        }
    }

    fn contains(&self, cell: usize) -> bool {
        self.0.get(cell / 64).is_some_and(|word| word & (1 << (cell % 64)) != 0)
    }

    /// Adds all cells of another set.
    pub fn merge(&mut self, other: &Self) {
        for (word, more) in self.0.iter_mut().zip(&other.0) {
            *word |= more;
        }
    }
}

/// Columns as bits: the first is bit 0.
pub(super) type Columns = u64;

impl Grid {
    pub fn over(window: Window) -> Self {
        let cells = CELLS as i64;
        let len = window.len_ms();
        Self { window: Some(window), cell_ms: len / cells + i64::from(len % cells > 0) }
    }

    /// Start of the first column and width of a column in ms; none without a window.
    pub fn columns(&self) -> Option<(Millis, i64)> {
        self.window.map(|window| (window.start_ms, self.column_ms()))
    }

    fn column_ms(&self) -> i64 {
        self.cell_ms.saturating_mul(CELLS_A_COLUMN as i64).max(1)
    }

    /// How many columns the window takes.
    pub fn width(&self) -> usize {
        let len = self.window.map_or(0, |window| window.len_ms());
        let column = self.column_ms();
        usize::try_from(len / column + i64::from(len % column > 0)).unwrap_or(0).min(COLUMNS)
    }

    /// The column of a time, as a bit; no bit without a window.
    pub fn column(&self, at: Millis) -> Columns {
        self.window.map_or(0, |window| 1 << self.place(window, at, self.column_ms(), COLUMNS))
    }

    fn place(&self, window: Window, at: Millis, width: i64, places: usize) -> usize {
        let offset = at.saturating_sub(window.start_ms).max(0) / width.max(1);
        usize::try_from(offset).unwrap_or(usize::MAX).min(places - 1)
    }

    /// The columns that a stretch of time touches.
    pub fn columns_of(&self, part: Window) -> Columns {
        let Some(window) = self.window else { return 0 };
        let place = |at| self.place(window, at, self.column_ms(), COLUMNS);
        (place(part.start_ms)..=place(part.end_ms)).fold(0, |columns, at| columns | 1 << at)
    }

    /// The columns in which rows lie, which are in time order.
    pub fn columns_with<R: Row>(&self, rows: &[R]) -> Columns {
        self.columns_of_times(rows.len(), |row| rows.get(row).map(Row::at))
    }

    /// The columns in which so many times lie, of which `at` tells each by its place in order of time. A search for each
    /// column, not a look at each time.
    pub fn columns_of_times(&self, count: usize, at: impl Fn(usize) -> Option<Millis>) -> Columns {
        let Some(window) = self.window else { return 0 };
        let width = self.column_ms();
        let (mut columns, mut done) = (0, 0);
        while let Some(first) = at(done).filter(|_| done < count) {
            let place = self.place(window, first, width, COLUMNS);
            columns |= 1 << place;
            if place + 1 >= COLUMNS {
                break;
            }
            let next = window.start_ms.saturating_add(width.saturating_mul(place as i64 + 1));
            let (mut here, mut beyond) = (done + 1, count);
            while here < beyond {
                let middle = here.midpoint(beyond);
                if at(middle).is_some_and(|at| at < next) {
                    here = middle + 1;
                } else {
                    beyond = middle;
                }
            }
            done = here;
        }
        columns
    }

    /// Notes the cell of a time.
    pub fn mark(&self, cells: &mut Cells, at: Millis) {
        if let Some(window) = self.window {
            cells.insert(self.place(window, at, self.cell_ms, CELLS));
        }
    }

    /// The parts of the window that `cells` and `more` are, neighbours joined, in time order.
    pub fn parts(&self, cells: &Cells, more: impl IntoIterator<Item = Window>) -> Vec<Window> {
        let mut parts: Vec<Window> = more.into_iter().collect();
        if let Some(window) = self.window {
            parts.extend((0..CELLS).filter(|cell| cells.contains(*cell)).filter_map(|cell| {
                let at =
                    |cell: usize| window.start_ms.saturating_add(self.cell_ms.saturating_mul(cell as i64));
                let last = cell + 1 == CELLS;
                let end_ms = if last { window.end_ms } else { (at(cell + 1) - 1).min(window.end_ms) };
                Window::new(at(cell), end_ms)
            }));
        }
        join(parts)
    }
}

/// Windows in time order; those that overlap or follow each other without a gap are one.
fn join(parts: Vec<Window>) -> Vec<Window> {
    join_within(parts, 0)
}

/// Windows in time order; those that overlap, or have a gap of at most so many ms between them, are one.
pub(crate) fn join_within(mut parts: Vec<Window>, gap_ms: i64) -> Vec<Window> {
    crate::order::sort(&mut parts);
    let mut joined: Vec<Window> = Vec::new();
    for part in parts {
        match joined.last_mut() {
            Some(last) if part.start_ms <= last.end_ms.saturating_add(1).saturating_add(gap_ms) => {
                last.end_ms = last.end_ms.max(part.end_ms);
            }
            _ => joined.push(part),
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::{Cells, Grid, join};
    use crate::model::{Sample, Window};
    use proptest::prelude::*;

    const DAY: Window = Window { start_ms: 1_000, end_ms: 86_400_999 };

    #[test]
    fn a_day_has_sixty_columns_and_an_instant_one() {
        assert_eq!(Grid::over(DAY).width(), 60);
        assert_eq!(Grid::over(DAY).columns(), Some((1_000, 1_440_000)));
        assert_eq!(Grid::over(Window { start_ms: 5, end_ms: 5 }).width(), 1);
        assert_eq!(Grid::default().column(7), 0);
    }

    #[test]
    fn extreme_windows_do_no_harm() {
        let all = Window { start_ms: i64::MIN, end_ms: i64::MAX };
        let grid = Grid::over(all);
        let mut cells = Cells::default();
        for at in [i64::MIN, -1, 0, i64::MAX] {
            grid.mark(&mut cells, at);
            assert_ne!(grid.column(at), 0);
        }
        let rows = [i64::MIN, 0, i64::MAX].map(|timestamp| Sample { timestamp, value: 0.0 });
        assert_ne!(grid.columns_with(&rows), 0);
        assert!(!grid.parts(&cells, []).is_empty());
    }

    #[test]
    fn neighbours_are_joined() {
        let window = |start_ms, end_ms| Window { start_ms, end_ms };
        assert_eq!(
            join(vec![window(20, 29), window(0, 9), window(10, 19), window(31, 40)]),
            [window(0, 29), window(31, 40)]
        );
    }

    proptest! {
        #[test]
        fn every_time_lies_in_its_column_and_part(
            start in -1_000_000i64..1_000_000, len in 0i64..10_000_000,
            times in proptest::collection::vec(0.0..1.0f64, 1..30),
        ) {
            let window = Window { start_ms: start, end_ms: start + len };
            let grid = Grid::over(window);
            let mut times: Vec<i64> = times.iter().map(|share| start + (share * len as f64) as i64).collect();
            times.sort_unstable();
            let mut cells = Cells::default();
            let mut columns = 0;
            for at in &times {
                grid.mark(&mut cells, *at);
                columns |= grid.column(*at);
            }
            let rows: Vec<Sample> = times.iter().map(|at| Sample { timestamp: *at, value: 1.0 }).collect();
            prop_assert_eq!(grid.columns_with(&rows), columns);
            prop_assert!(columns.checked_shr(grid.width() as u32).unwrap_or(0) == 0);
            let parts = grid.parts(&cells, []);
            prop_assert!(times.iter().all(|at| parts.iter().any(|part| part.contains(*at))));
            prop_assert!(parts.iter().all(|part| window.contains(part.start_ms) && window.contains(part.end_ms)));
            prop_assert!(parts.windows(2).all(|pair| pair[0].end_ms + 1 < pair[1].start_ms));
        }
    }
}
