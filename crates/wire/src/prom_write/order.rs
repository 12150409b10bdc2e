//! Rows of one series that did not come in order, or not once each.

use super::Pushed;
use crate::model::{Millis, Window};
use crate::series::{RawSeries, Row, RowKind};

/// Puts into `places` time and place of the rows of a kind that lie inside `clip`: by time, at one time as
/// they came, each once. A row is a repetition when it has the same time as another and the same content: for
/// a sample the bits of its value, for the others all of their bytes.
///
/// Only 16 bytes a row are kept, because a series may be as long as the whole answer.
pub(super) fn in_order(
    series: &RawSeries<'_>,
    kind: RowKind,
    clip: Window,
    places: &mut Vec<(Millis, usize)>,
    pushed: &mut Pushed,
) {
    places.clear();
    let mut previous: Option<Row> = None;
    for row in series.rows_of(kind) {
        let same = |before: Row| before.at == row.at && content(series, &before) == content(series, &row);
        if !clip.contains(row.at) {
            *pushed.outside(kind) += 1;
        } else if previous.is_some_and(same) {
            // It would be found below, too; dropped here, a flood of one sample takes no space.
            *pushed.deduplicated(kind) += 1;
        } else {
            places.push((row.at, row.start));
            previous = Some(row);
        }
    }
    // By time, then as they came. No two places are equal, so a stable sort would do nothing better.
    crate::order::sort(places);
    for group in places.chunk_by_mut(|one, other| one.0 == other.0) {
        if group.len() > 1 {
            let repeated = mark_repeated(series, group);
            *pushed.deduplicated(kind) += repeated as u64;
            pushed.conflicting(kind, (group.len() - repeated - 1) as u64);
        }
    }
    places.retain(|(_, start)| *start != REPEATED);
}

/// The place of a row that is not to be written.
const REPEATED: usize = usize::MAX;

/// Marks all but the first of equal rows in a group of one time, and tells how many.
fn mark_repeated(series: &RawSeries<'_>, group: &mut [(Millis, usize)]) -> usize {
    let mut by_content: Vec<_> = group
        .iter_mut()
        .filter_map(|(_, start)| series.row_at(*start).map(|row| (content(series, &row), start)))
        .collect();
    // Equal rows stay as they came: the sort is stable.
    crate::order::sort_by_key(&mut by_content, |(content, _)| *content);
    let mut count = 0;
    let mut before = None;
    for (content, start) in by_content {
        if before == Some(content) {
            *start = REPEATED;
            count += 1;
        }
        before = Some(content);
    }
    count
}

/// What tells rows of one time apart.
fn content<'a>(series: &RawSeries<'a>, row: &Row) -> (u64, &'a [u8]) {
    match row.kind {
        RowKind::Sample => (row.bits, &[]),
        _ => (0, series.bytes().get(row.start..row.end).unwrap_or_default()),
    }
}
