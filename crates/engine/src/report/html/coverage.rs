//! The coverage map, series × time. Each state has its own shape, so that it can be read without colours.

use super::writer::Html;
use crate::report::words::count_of;
use crate::report::{Coverage, CoverageRow};

/// Columns at most, rows at most.
const COLUMNS: usize = 480;
const ROWS: usize = 200;
/// Rows that are shown at first.
const OPEN: usize = 24;

/// States: character, shape in a cell of height 10 (class, top, height), words.
const STATES: [(char, &str, f64, f64, &str); 6] = [
    ('=', "<rect class=eq", 0.0, 10.0, "equal"),
    ('-', "<rect class=mi", 7.0, 3.0, "missing at the target"),
    ('+', "<rect class=ex", 0.0, 3.0, "in the target only"),
    ('x', "<rect class=df", 0.0, 10.0, "differs"),
    ('?', "<rect class=nc", 3.5, 3.0, "not compared"),
    ('.', "<rect class=no", 4.6, 0.8, "nothing on either side"),
];

fn state(cell: char) -> usize {
    // What is not known was not compared, as far as this page can tell.
    STATES.iter().position(|state| state.0 == cell).unwrap_or(4)
}

/// The map of a selector; nothing, if it has no cell.
pub(super) fn write(page: &mut Html, selector: &str, coverage: &Coverage) {
    let columns =
        coverage.rows.iter().map(|row| row.cells.chars().take(COLUMNS + 1).count()).max().unwrap_or(0);
    if columns == 0 {
        return;
    }
    let shown = columns.min(COLUMNS);
    page.raw("<div class=map><p class=axis><span class=dim>series × time, ");
    page.text(&count_of(shown as u64, "column", "columns")).raw("</span></p>");
    let mut used = [false; STATES.len()];
    let rows = |page: &mut Html, rows: &[CoverageRow], used: &mut [bool; STATES.len()]| {
        for row in rows {
            page.raw("<div class=line><div class=who>");
            if row.series.is_empty() {
                page.raw("<b>all of </b>").code(selector);
            } else {
                page.code(&row.series);
            }
            page.raw("</div>");
            cells(page, row, shown, used);
            page.raw("</div>");
        }
    };
    let all = coverage.rows.get(..ROWS).unwrap_or(&coverage.rows);
    let (open, closed) = all.split_at(all.len().min(OPEN));
    rows(page, open, &mut used);
    if !closed.is_empty() {
        page.more(closed.len());
        rows(page, closed, &mut used);
        page.raw("</details>");
    }
    let end = i128::from(coverage.start_ms) + i128::from(coverage.column_ms) * shown as i128 - 1;
    page.raw("<div class='ends under'>").time(coverage.start_ms);
    page.time(i64::try_from(end).unwrap_or(i64::MAX)).raw("</div>");
    page.raw("<ul class=legend>");
    for ((_, shape, top, height, words), used) in STATES.iter().zip(used) {
        if used {
            page.raw("<li><svg class=key viewBox='0 0 10 10' preserveAspectRatio=none>");
            rect(page, shape, 0.0, 10.0, *top, *height);
            page.raw("</svg>").raw(words).raw("</li>");
        }
    }
    page.raw("</ul>");
    page.left_out(coverage.series_omitted.saturating_add(coverage.rows.len().saturating_sub(ROWS) as u64));
    if columns > COLUMNS {
        page.raw("<p class=dim>Later columns are not shown here.</p>");
    }
    page.raw("</div>");
}

fn cells(page: &mut Html, row: &CoverageRow, columns: usize, used: &mut [bool; STATES.len()]) {
    // Neighbours of one state are one shape.
    let mut runs: Vec<(usize, usize, usize)> = Vec::new();
    let mut counts = [0u64; STATES.len()];
    for (at, cell) in row.cells.chars().take(columns).enumerate() {
        let state = state(cell);
        if let (Some(used), Some(count)) = (used.get_mut(state), counts.get_mut(state)) {
            *used = true;
            *count += 1;
        }
        match runs.last_mut() {
            Some((_, end, last)) if *last == state => *end = at + 1,
            _ => runs.push((at, at + 1, state)),
        }
    }
    let said: Vec<String> = STATES
        .iter()
        .zip(counts)
        .filter(|(_, count)| *count > 0)
        .map(|(state, count)| format!("{count} {}", state.4))
        .collect();
    page.raw("<svg class=cells preserveAspectRatio=none");
    page.spoken(&format!("Of {columns} columns: {}.", said.join(", ")));
    page.raw(" viewBox='0 0 ").coordinate(columns as f64).raw(" 10'>");
    for (start, end, state) in runs {
        if let Some((_, shape, top, height, _)) = STATES.get(state) {
            rect(page, shape, start as f64, (end - start) as f64, *top, *height);
        }
    }
    // Where there is room, gaps between columns.
    if columns <= 64 && columns > 1 {
        page.raw("<path d='");
        for at in 1..columns {
            page.raw("M").coordinate(at as f64).raw(" 0v10");
        }
        page.raw("'/>");
    }
    page.raw("</svg>");
}

fn rect(page: &mut Html, shape: &'static str, x: f64, width: f64, y: f64, height: f64) {
    page.raw(shape).place("x", x, "").place("width", width, "").place("y", y, "").place("height", height, "");
    page.raw("/>");
    if shape.ends_with("df") {
        // A bar with a slit is not a bar, for whoever does not see that it is red.
        page.raw("<rect class=slit").place("x", x, "").place("width", width, "").raw(" y=3.5 height=3 />");
    }
}
