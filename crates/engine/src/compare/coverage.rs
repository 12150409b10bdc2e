//! The coverage map: series × time.

use super::findings::Marks;
use super::grid::{Columns, Grid};
use crate::model::Labels;
use crate::report::{Coverage, CoverageRow};
use std::collections::{BTreeMap, BTreeSet};

/// Rows for series; the whole selector has one more.
const SERIES_ROWS: usize = 39;

/// What the map shows, while slabs come in. Series are kept as [`super::findings::Details`] keeps its: the first so
/// many in label order.
#[derive(Debug, Default)]
pub(super) struct Map {
    /// All series together.
    present: Columns,
    marks: Marks,
    /// Series that differ.
    differing: BTreeMap<Labels, Marks>,
    /// Series, whether they differ or not.
    seen: BTreeSet<Labels>,
}

impl Map {
    /// Takes a series that was not seen before.
    #[inline(never)]
    pub fn see(&mut self, labels: &Labels) {
        let full = self.seen.len() > SERIES_ROWS;
        if full && self.seen.last().is_none_or(|last| labels > last) {
            return;
        }
        self.seen.insert(labels.clone());
        if full {
            self.seen.pop_last();
        }
    }

    /// Whether this is one of the series that the map keeps.
    #[inline(never)]
    pub fn shows(&self, labels: &Labels) -> bool {
        self.seen.last().is_some_and(|last| labels <= last) && self.seen.contains(labels)
    }

    /// Adds the columns in which a slab has rows.
    pub fn add_present(&mut self, present: Columns) {
        self.present |= present;
    }

    /// Adds the columns in which a series differs.
    pub fn add(&mut self, labels: &Labels, marks: &Marks) {
        self.marks.merge(marks);
        if let Some(known) = self.differing.get_mut(labels) {
            known.merge(marks);
            return;
        }
        let full = self.differing.len() >= SERIES_ROWS;
        if full && self.differing.last_key_value().is_none_or(|(last, _)| labels > last) {
            return;
        }
        self.differing.insert(labels.clone(), *marks);
        if full {
            self.differing.pop_last();
        }
    }

    /// The map. `present` tells the columns in which a series has rows, `unknown` are those that were not compared;
    /// `series` is how many there are.
    pub fn finish(
        self,
        grid: Grid,
        unknown: Columns,
        series: u64,
        present: impl Fn(&Labels) -> Columns,
    ) -> Coverage {
        let Some((start_ms, column_ms)) = grid.columns() else { return Coverage::default() };
        let width = grid.width();
        let row = |series: String, present: Columns, marks: &Marks| CoverageRow {
            series,
            cells: (0..width).map(|at| cell(1 << at, present, marks, unknown)).collect(),
        };
        let mut rows = vec![row(String::new(), self.present, &self.marks)];
        let agreeing = self.seen.into_iter().filter(|labels| !self.differing.contains_key(labels));
        let agreeing = agreeing.map(|labels| (labels, Marks::default())).collect::<Vec<_>>();
        let all = self.differing.iter().chain(agreeing.iter().map(|(labels, marks)| (labels, marks)));
        rows.extend(
            all.take(SERIES_ROWS).map(|(labels, marks)| row(labels.to_string(), present(labels), marks)),
        );
        let series_omitted = series.saturating_sub(rows.len() as u64 - 1);
        Coverage { start_ms, column_ms, rows, series_omitted }
    }
}

fn cell(column: Columns, present: Columns, marks: &Marks, unknown: Columns) -> char {
    let has = |columns: Columns| columns & column != 0;
    match (has(marks.missing), has(marks.extra), has(marks.differs)) {
        (true, false, false) => '-',
        (false, true, false) => '+',
        (false, false, false) if has(unknown) => '?',
        (false, false, false) if has(present) => '=',
        (false, false, false) => '.',
        _ => 'x',
    }
}
