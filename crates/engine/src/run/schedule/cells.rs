//! The slabs of a row: what is done of it lies fixed in time, what lies between is cut.

use crate::model::Window;
use crate::run::event::Stage;
use crate::run::ledger::{Done, lay};
use crate::run::slabs;

/// A slab of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cut {
    /// Both ends included.
    pub window: Window,
    /// Rows that it is expected to hold; 0 when it is done.
    pub expected: u64,
    /// Its rows, if a ledger says that it is done.
    pub done: Option<u64>,
}

/// Cuts a window that is expected to hold `rows` into slabs of `wanted` rows or fewer around what is done.
pub(super) fn cut(window: Window, rows: Option<u64>, wanted: u64, stage: Stage, done: &[Done]) -> Vec<Cut> {
    let share = |gap: Window| {
        let rows = rows? as f64 * gap.len_ms() as f64 / window.len_ms() as f64;
        Some(rows.ceil() as u64)
    };
    let laid = lay(window, done, |gap| slabs::cut(gap, share(gap), wanted, stage));
    let found: u64 = laid.iter().filter_map(|(_, done)| *done).sum();
    let open = laid.iter().filter(|(_, done)| done.is_none()).count() as u64;
    let left = rows.unwrap_or(0).saturating_sub(found);
    let each = left / open.max(1);
    let cut = |(window, done): (Window, Option<u64>)| Cut {
        window,
        expected: if done.is_some() { 0 } else { each },
        done,
    };
    laid.into_iter().map(cut).collect()
}

/// Cuts what is to do of `left` anew by `cut`, each stretch between what is done by itself; none when all is fine.
pub(super) fn cut_anew(left: &[Cut], cut: impl Fn(&[Window]) -> Option<Vec<Window>>) -> Option<Vec<Cut>> {
    let mut changed = false;
    let mut all = Vec::with_capacity(left.len());
    for stretch in left.chunk_by(|one, next| one.done.is_none() && next.done.is_none()) {
        let windows: Vec<Window> = stretch.iter().map(|slab| slab.window).collect();
        let is_open = stretch.iter().all(|slab| slab.done.is_none());
        match cut(&windows).filter(|_| is_open) {
            None => all.extend_from_slice(stretch),
            Some(anew) => {
                changed = true;
                let expected: u64 = stretch.iter().map(|slab| slab.expected).sum();
                let count = (anew.len() as u64).max(1);
                let rest = expected % count;
                all.extend(anew.into_iter().enumerate().map(|(at, window)| Cut {
                    window,
                    expected: expected / count + u64::from((at as u64) < rest),
                    done: None,
                }));
            }
        }
    }
    changed.then_some(all)
}

#[cfg(test)]
mod tests {
    use super::{Cut, cut_anew};
    use crate::model::Window;

    #[test]
    fn what_is_done_stays_where_it_is() {
        let slab = |at: i64, done| Cut {
            window: Window { start_ms: at * 10, end_ms: at * 10 + 9 },
            expected: if done { 0 } else { 5 },
            done: done.then_some(7),
        };
        let left = [slab(0, false), slab(1, false), slab(2, true), slab(3, false), slab(4, true)];
        // Each stretch of two slabs and more becomes one.
        let joined = cut_anew(&left, |windows| {
            let (first, last) = (windows.first()?, windows.last()?);
            (windows.len() > 1).then(|| vec![Window { start_ms: first.start_ms, end_ms: last.end_ms }])
        });
        let both = Cut { window: Window { start_ms: 0, end_ms: 19 }, expected: 10, done: None };
        assert_eq!(joined, Some(vec![both, left[2], left[3], left[4]]));
        assert_eq!(cut_anew(&left, |_| None), None);
    }
}
