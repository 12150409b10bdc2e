//! Closed time windows.

use super::Millis;
use serde::{Deserialize, Serialize};

/// A window of time, both ends included, in Unix ms: `[start_ms, end_ms]`, as the specification's §5 has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Window {
    /// First ms of the window.
    pub start_ms: Millis,
    /// Last ms of the window, included.
    pub end_ms: Millis,
}

impl Window {
    /// A window, or `None` when the end lies before the start.
    pub fn new(start_ms: Millis, end_ms: Millis) -> Option<Self> {
        (start_ms <= end_ms).then_some(Self { start_ms, end_ms })
    }

    /// Length in ms, both ends included: 1 for a window of a single instant. Saturates.
    pub fn len_ms(&self) -> i64 {
        self.end_ms.saturating_sub(self.start_ms).saturating_add(1)
    }

    /// Whether an instant lies inside.
    pub fn contains(&self, at: Millis) -> bool {
        self.start_ms <= at && at <= self.end_ms
    }

    /// Cuts the window into at most `parts` windows that follow each other without gap or overlap; their
    /// lengths differ by at most 1 ms. Fewer when the window has fewer ms than that.
    pub fn split(&self, parts: usize) -> Vec<Window> {
        let len = i128::from(self.len_ms());
        let parts = (parts.max(1) as i128).min(len);
        (0..parts)
            .filter_map(|at| {
                let start = i128::from(self.start_ms) + len * at / parts;
                let end = i128::from(self.start_ms) + len * (at + 1) / parts - 1;
                Some(Window { start_ms: i64::try_from(start).ok()?, end_ms: i64::try_from(end).ok()? })
            })
            .collect()
    }

    /// Cuts the window at `origin_ms` and every `step_ms` (at least 1) before and after it.
    pub fn split_every(&self, step_ms: i64, origin_ms: Millis) -> Vec<Window> {
        let (step, origin) = (i128::from(step_ms.max(1)), i128::from(origin_ms));
        let mut cut = Vec::new();
        let mut rest = Some(*self);
        while let Some(window) = rest {
            let next = origin + ((i128::from(window.start_ms) - origin).div_euclid(step) + 1) * step;
            let next = i64::try_from(next).ok().filter(|next| *next <= window.end_ms);
            cut.push(Window { end_ms: next.map_or(window.end_ms, |next| next - 1), ..window });
            rest = next.map(|start_ms| Window { start_ms, ..window });
        }
        cut
    }
}

#[cfg(test)]
mod tests {
    use super::Window;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn parts_cover_the_window_without_gap_or_overlap(start in -10_000i64..10_000, len in 0i64..5_000, parts in 0usize..50) {
            let window = Window { start_ms: start, end_ms: start + len };
            let cut = window.split(parts);
            prop_assert_eq!(cut.first().map(|w| w.start_ms), Some(window.start_ms));
            prop_assert_eq!(cut.last().map(|w| w.end_ms), Some(window.end_ms));
            for pair in cut.windows(2) {
                prop_assert_eq!(pair[0].end_ms + 1, pair[1].start_ms);
            }
            prop_assert!(cut.iter().all(|w| w.start_ms <= w.end_ms));
        }

        #[test]
        fn cuts_lie_whole_steps_from_their_origin(
            start in prop_oneof![Just(i64::MIN), -10_000i64..10_000, i64::MAX - 20_000..i64::MAX - 10_000],
            len in 0i64..5_000,
            step in -1i64..2_000,
            origin in prop_oneof![Just(i64::MIN), Just(i64::MAX), -20_000i64..20_000],
        ) {
            prop_assume!(step > 10 || len < 100);
            let window = Window { start_ms: start, end_ms: start + len };
            let cut = window.split_every(step, origin);
            prop_assert_eq!(cut.first().map(|w| w.start_ms), Some(window.start_ms));
            prop_assert_eq!(cut.last().map(|w| w.end_ms), Some(window.end_ms));
            for pair in cut.windows(2) {
                prop_assert_eq!(pair[0].end_ms + 1, pair[1].start_ms);
                let apart = i128::from(pair[1].start_ms) - i128::from(origin);
                prop_assert_eq!(apart % i128::from(step.max(1)), 0);
            }
            prop_assert!(cut.iter().all(|w| w.start_ms <= w.end_ms && w.len_ms() <= step.max(1)));
        }
    }
}
