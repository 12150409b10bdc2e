//! A row of the coverage map as a drawing: one path for each state, however many cells there are.

use crate::state::coverage::{Cell, CellState};
use leptos::prelude::*;
use std::fmt::Write;
use tsink_migrate_engine::model::Window;

/// Height of a strip in px.
pub const HEIGHT: f64 = 16.0;
/// Room between two cells, where there is room, in px.
const GAP: i64 = 2;
/// Width from which a cell has round corners, in px.
const ROUND_FROM: i64 = 8;

/// The path of each state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Paths([String; 5]);

fn index(state: CellState) -> usize {
    match state {
        CellState::Todo => 0,
        CellState::Done => 1,
        CellState::InFlight => 2,
        CellState::Failed => 3,
        CellState::Empty => 4,
    }
}

impl Paths {
    /// The path of a state.
    pub fn of(&self, state: CellState) -> &str {
        self.0.get(index(state)).map_or("", String::as_str)
    }
}

/// Where a time is in a window, from 0 to 1.
fn share(at: i64, whole: Window) -> f64 {
    let length = whole.end_ms.saturating_sub(whole.start_ms).max(1) as f64;
    (at.saturating_sub(whole.start_ms) as f64 / length).clamp(0.0, 1.0)
}

/// The paths of cells, on a strip as wide as `width` px that stands for the window `whole`.
pub fn paths(cells: &[Cell], whole: Window, width: f64) -> Paths {
    let mut paths = Paths::default();
    let gap = if width / cells.len().max(1) as f64 >= 4.0 { GAP } else { 1 };
    for (at, cell) in cells.iter().enumerate() {
        let from = (share(cell.window.start_ms, whole) * width).round() as i64;
        let end = (share(cell.window.end_ms, whole) * width).round() as i64;
        let is_last = at + 1 == cells.len();
        let wide = (end - from - if is_last { 0 } else { gap }).max(1);
        if let Some(path) = paths.0.get_mut(index(cell.state)) {
            draw(path, from.min(width as i64 - 1), wide);
        }
    }
    paths
}

fn draw(path: &mut String, x: i64, wide: i64) {
    // Writing to a string does not fail.
    let _ = if wide >= ROUND_FROM {
        let inner = wide - 4;
        write!(path, "M{} 0h{inner}q2 0 2 2v12q0 2-2 2h-{inner}q-2 0-2-2v-12q0-2 2-2z", x + 2)
    } else {
        write!(path, "M{x} 0h{wide}v16h-{wide}z")
    };
}

/// The cell at a place from 0 to 1.
pub fn at(cells: &[Cell], whole: Window, place: f64) -> Option<&Cell> {
    let next = cells.partition_point(|cell| share(cell.window.start_ms, whole) <= place);
    cells.get(next.saturating_sub(1))
}

/// The patterns that the style sheet fills cells with.
#[component]
pub fn Patterns() -> impl IntoView {
    view! {
        <svg class="patterns" width="0" height="0" aria-hidden="true">
            <defs>
                <pattern id="hatch" width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
                    <rect class="hatch-gap" width="5" height="5" />
                    <rect class="hatch-line" width="3" height="5" />
                </pattern>
                <pattern id="flight" width="16" height="16" patternUnits="userSpaceOnUse">
                    <rect class="flight-body" width="16" height="12" />
                    <rect class="flight-foot" y="12" width="16" height="4" />
                </pattern>
            </defs>
        </svg>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells() -> Vec<Cell> {
        let states = [CellState::Done, CellState::Done, CellState::Failed, CellState::Todo];
        let windows = Window { start_ms: 0, end_ms: 399 }.split(4);
        let cell = |(window, state)| Cell { window, state, rows: 1, slabs: 1 };
        windows.into_iter().zip(states).map(cell).collect()
    }

    const WHOLE: Window = Window { start_ms: 0, end_ms: 399 };

    #[test]
    fn a_path_a_state() {
        let paths = paths(&cells(), WHOLE, 20.0);
        assert_eq!(paths.of(CellState::Done), "M0 0h3v16h-3zM5 0h3v16h-3z");
        assert_eq!(paths.of(CellState::Failed), "M10 0h3v16h-3z");
        assert_eq!(paths.of(CellState::Todo), "M15 0h5v16h-5z");
        assert_eq!(paths.of(CellState::Empty), "");
    }

    #[test]
    fn the_cell_under_the_pointer() {
        let cells = cells();
        for (place, start_ms) in [(0.0, 0), (0.3, 100), (0.74, 200), (0.99, 300), (7.0, 300)] {
            assert_eq!(at(&cells, WHOLE, place).map(|cell| cell.window.start_ms), Some(start_ms), "{place}");
        }
        assert!(at(&[], WHOLE, 0.5).is_none());
    }

    #[test]
    fn a_single_instant_is_a_cell() {
        let now = Window { start_ms: 5, end_ms: 5 };
        let cells = [Cell { window: now, state: CellState::Done, rows: 1, slabs: 1 }];
        assert!(!paths(&cells, now, 0.0).of(CellState::Done).is_empty());
    }
}
