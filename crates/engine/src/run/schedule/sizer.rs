//! How long the slabs of a row should be, from what the ones before held.
//!
//! A slab should hold as many rows as are wished for, and no more bytes than its share of the memory. Where it held
//! more, the next ones are shorter at once; where it held less, they grow, at most to twice the length at a time. Small
//! differences change nothing, and neither does growth that would leave less than a few slabs: reading and writing
//! should go on beside each other.

use crate::model::Window;
use crate::run::event::Stage;
use crate::run::slabs::split;

/// Slabs that are left of a row at least when they grow.
const KEPT_SLABS: usize = 16;

/// What a slab held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in super::super) struct Seen {
    /// Rows, of the side that had more.
    pub rows: u64,
    /// Bytes that the answers took, of the side that had more.
    pub bytes: u64,
}

impl Seen {
    /// Adds what another part of the slab held.
    pub fn add(&mut self, other: Seen) {
        self.rows += other.rows;
        self.bytes += other.bytes;
    }
}

/// What slabs should hold.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sizer {
    rows: u64,
    bytes: u64,
}

impl Sizer {
    /// Slabs of so many rows, and of so many bytes at most.
    pub fn new(rows: u64, bytes: u64) -> Self {
        Self { rows: rows.max(1), bytes: bytes.max(1) }
    }

    /// How the slabs that are left, one after the other, should be cut after one with `window` has been seen; `None`
    /// when they are fine.
    pub fn cut(self, stage: Stage, window: Window, seen: Seen, left: &[Window]) -> Option<Vec<Window>> {
        let (first, last) = (left.first()?, left.last()?);
        let all = Window::new(first.start_ms, last.end_ms)?;
        let now = left.len() as u64;
        // The first slab of a window that begins within an hour says little of whole ones: each slab has its series' labels,
        // whatever its length.
        let is_short = window.len_ms().saturating_mul(2) < all.len_ms() / left.len() as i64;
        if is_short && seen.rows <= self.rows && seen.bytes <= self.bytes {
            return None;
        }
        let length = self.length(window.len_ms(), seen).unsigned_abs();
        let mut count = all.len_ms().unsigned_abs().div_ceil(length);
        // The present length counts, not the one of the slab that was seen: others may have changed it meanwhile.
        if count < now {
            count = count.max(now.min(KEPT_SLABS as u64)).max(now.div_ceil(2));
        }
        if count * 5 <= now * 6 && count * 3 >= now * 2 {
            return None;
        }
        let rows = seen.rows as f64 * all.len_ms() as f64 / window.len_ms() as f64;
        let length_ms = all.len_ms().unsigned_abs().div_ceil(count);
        let cut = split(all, i64::try_from(length_ms).unwrap_or(i64::MAX), rows as u64, stage);
        // Cut where hours begin, they may be as long as before, or shorter where longer ones were wanted.
        let fits = if count < now { (cut.len() as u64) < now } else { cut.len() as u64 > now };
        fits.then_some(cut)
    }

    /// The length that a slab with these contents should have had, in ms; at most twice its own.
    fn length(self, own: i64, seen: Seen) -> i64 {
        let share = |most: u64, held: u64| if held == 0 { 2.0 } else { most as f64 / held as f64 };
        let factor = share(self.rows, seen.rows).min(share(self.bytes, seen.bytes)).min(2.0);
        ((own as f64 * factor) as i64).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::{KEPT_SLABS, Seen, Sizer};
    use crate::model::Window;
    use crate::run::event::Stage;
    use proptest::prelude::*;

    fn hours(count: i64) -> Vec<Window> {
        (0..count).map(|at| Window { start_ms: at * 3_600_000, end_ms: (at + 1) * 3_600_000 - 1 }).collect()
    }

    const SIZER: Sizer = Sizer { rows: 1_000, bytes: 100_000 };

    fn cut(seen: Seen, left: i64) -> Option<usize> {
        let all = hours(left + 1);
        SIZER.cut(Stage::Verify, all[0], seen, &all[1..]).map(|cut| cut.len())
    }

    #[test]
    fn slabs_shrink_at_once_and_grow_to_twice_their_length() {
        assert_eq!(cut(Seen { rows: 1_000, bytes: 50_000 }, 100), None);
        assert_eq!(cut(Seen { rows: 900, bytes: 50_000 }, 100), None, "not for a little");
        assert_eq!(cut(Seen { rows: 10_000, bytes: 50_000 }, 100), Some(1_000));
        assert_eq!(cut(Seen { rows: 10, bytes: 400_000 }, 100), Some(400), "bytes count, too");
        assert_eq!(cut(Seen { rows: 1, bytes: 10 }, 100), Some(50));
        assert_eq!(cut(Seen::default(), 100), Some(50));
        assert_eq!(cut(Seen::default(), 20), None, "a few slabs stay");
        assert_eq!(cut(Seen::default(), 0), None);
    }

    #[test]
    fn a_short_slab_speaks_for_others_only_when_it_is_too_much_itself() {
        let short = Window { start_ms: -60_000, end_ms: -1 };
        let left = hours(40);
        let cut =
            |rows| SIZER.cut(Stage::Verify, short, Seen { rows, bytes: 10 }, &left).map(|cut| cut.len());
        assert_eq!(cut(1_000), None);
        assert_eq!(cut(1_001), Some(2_400), "a minute each");
    }

    proptest! {
        #[test]
        fn what_is_cut_anew_is_the_same_time(rows in 0u64..100_000, bytes in 0u64..10_000_000, left in 1i64..300) {
            let all = hours(left + 1);
            if let Some(cut) = SIZER.cut(Stage::Verify, all[0], Seen { rows, bytes }, &all[1..]) {
                prop_assert_eq!(cut[0].start_ms, all[1].start_ms);
                prop_assert_eq!(cut.last().unwrap().end_ms, all.last().unwrap().end_ms);
                prop_assert!(cut.windows(2).all(|pair| pair[0].end_ms + 1 == pair[1].start_ms));
                prop_assert!(cut.len() >= (left as usize).min(KEPT_SLABS) && cut.len() * 2 >= left as usize);
                // What is dense is never held in longer slabs than before.
                prop_assert!(rows <= 1_000 && bytes <= 100_000 || cut.len() > left as usize);
            }
        }
    }
}
