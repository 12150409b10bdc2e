//! How long slabs take, and which take longest.

use crate::report::SlabTiming;
use rustc_hash::FxHashMap;

/// Slabs that are listed.
const LISTED: usize = 5;

/// Times of slabs.
#[derive(Debug, Default)]
pub(in crate::run) struct Timings {
    /// When the slabs under way were begun (monotonic ms), by row and place.
    begun: FxHashMap<(usize, usize), f64>,
    slowest: Vec<SlabTiming>,
}

impl Timings {
    /// A slab is begun.
    pub fn begin(&mut self, slab: (usize, usize), now: f64) {
        self.begun.insert(slab, now);
    }

    /// Time since a slab was begun, in ms.
    pub fn took_ms(&self, slab: (usize, usize), now: f64) -> u64 {
        self.begun.get(&slab).map_or(0, |begun| (now - begun).max(0.0) as u64)
    }

    /// A slab is at its end; gives its time.
    pub fn end(&mut self, slab: (usize, usize), now: f64) -> Option<u64> {
        let took = self.took_ms(slab, now);
        self.begun.remove(&slab).map(|_| took)
    }

    /// Takes a slab's time; tells whether it is among the slowest.
    pub fn add(&mut self, timing: SlabTiming) -> bool {
        // The first of equals stays: the list is the same, whatever comes later.
        let at = self.slowest.partition_point(|one| one.took_ms >= timing.took_ms);
        if at >= LISTED {
            return false;
        }
        self.slowest.insert(at, timing);
        self.slowest.truncate(LISTED);
        true
    }

    /// The slowest slabs, slowest first.
    pub fn slowest(&self) -> Vec<SlabTiming> {
        self.slowest.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::{LISTED, Timings};
    use crate::model::Window;
    use crate::report::SlabTiming;

    #[test]
    fn a_few_are_listed_slowest_first() {
        let mut timings = Timings::default();
        let of = |took_ms: u64| SlabTiming {
            selector: "m".to_owned(),
            window: Window { start_ms: 0, end_ms: 1 },
            rows: took_ms,
            took_ms,
        };
        let entered: Vec<bool> = [5, 1, 9, 9, 3, 2, 1, 7].map(|took| timings.add(of(took))).to_vec();
        assert_eq!(entered, [true, true, true, true, true, true, false, true]);
        let listed: Vec<u64> = timings.slowest().iter().map(|one| one.took_ms).collect();
        assert_eq!((listed, LISTED), (vec![9, 9, 7, 5, 3], 5));
        timings.begin((1, 2), 10.0);
        assert_eq!((timings.took_ms((1, 2), 35.0), timings.end((1, 2), 40.0)), (25, Some(30)));
        assert_eq!(timings.end((1, 2), 50.0), None);
    }
}
