//! How long the slabs of a row should be, from what the ones before held.
//!
//! A slab should hold as many rows as are wished for, and no more bytes than its share of the memory. Where it held
//! more, the next ones are shorter at once; where it held less, they grow, at most to twice the length at a time. Small
//! differences change nothing, and neither does growth that would leave less than a few slabs: reading and writing
//! should go on beside each other.

use crate::model::Window;

/// Slabs that are left of a row at least when they grow.
const KEPT_SLABS: usize = 16;
/// Slabs of a row at most.
const MAX_SLABS: u64 = 20_000;

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
    pub fn cut(self, window: Window, seen: Seen, left: &[Window]) -> Option<Vec<Window>> {
        let (first, last) = (left.first()?, left.last()?);
        let all = Window::new(first.start_ms, last.end_ms)?;
        let length = self.length(window.len_ms(), seen);
        let mut count = all.len_ms().unsigned_abs().div_ceil(length.unsigned_abs()).min(MAX_SLABS);
        let now = left.len() as u64;
        // The present length counts, not the one of the slab that was seen: others may have changed it meanwhile.
        if count < now {
            count = count.max(now.min(KEPT_SLABS as u64)).max(now.div_ceil(2));
        }
        let differs = count * 5 > now * 6 || count * 3 < now * 2;
        differs.then(|| all.split(usize::try_from(count).unwrap_or(1)))
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
    use proptest::prelude::*;

    fn hours(count: i64) -> Vec<Window> {
        (0..count).map(|at| Window { start_ms: at * 3_600_000, end_ms: (at + 1) * 3_600_000 - 1 }).collect()
    }

    const SIZER: Sizer = Sizer { rows: 1_000, bytes: 100_000 };

    fn cut(seen: Seen, left: i64) -> Option<usize> {
        let all = hours(left + 1);
        SIZER.cut(all[0], seen, &all[1..]).map(|cut| cut.len())
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

    proptest! {
        #[test]
        fn what_is_cut_anew_is_the_same_time(rows in 0u64..100_000, bytes in 0u64..10_000_000, left in 1i64..300) {
            let all = hours(left + 1);
            if let Some(cut) = SIZER.cut(all[0], Seen { rows, bytes }, &all[1..]) {
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
