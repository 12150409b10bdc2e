//! Cutting the window of a recording into slabs, when it is known how many samples lie where.

use crate::model::{Millis, Window};
use rustc_hash::FxHashMap;

/// Buckets at most; beyond it they become twice as wide.
const MAX_BUCKETS: usize = 1 << 16;
/// Width of a bucket at first, in ms.
const FIRST_WIDTH: i64 = 1_000;

/// How many samples lie in which stretch of time. Empty stretches take no room, so a stray timestamp of 1970 does
/// not make the others coarse.
#[derive(Debug)]
pub(in super::super) struct Density {
    width: i64,
    counts: FxHashMap<i64, u64>,
    last: (i64, u64),
}

impl Default for Density {
    fn default() -> Self {
        Self { width: FIRST_WIDTH, counts: FxHashMap::default(), last: (0, 0) }
    }
}

impl Density {
    /// Counts a sample.
    pub fn add(&mut self, at: Millis) {
        let bucket = at.div_euclid(self.width);
        // Samples of a time come together.
        if self.last.0 == bucket {
            self.last.1 += 1;
            return;
        }
        self.flush();
        self.last = (at.div_euclid(self.width), 1);
    }

    fn flush(&mut self) {
        let (bucket, count) = std::mem::take(&mut self.last);
        if count > 0 {
            *self.counts.entry(bucket).or_default() += count;
        }
        while self.counts.len() > MAX_BUCKETS {
            self.width = self.width.saturating_mul(2);
            for (bucket, count) in std::mem::take(&mut self.counts) {
                *self.counts.entry(bucket.div_euclid(2)).or_default() += count;
            }
        }
    }

    /// Cuts `window` into parts of at most `rows` samples, as far as the buckets allow it. Together they are the
    /// window; each comes with its samples.
    pub fn cut(mut self, window: Window, rows: u64) -> Vec<(Window, u64)> {
        self.flush();
        let mut buckets: Vec<(i64, u64)> = self.counts.into_iter().collect();
        crate::order::sort(&mut buckets);
        let mut parts = Vec::new();
        let (mut start_ms, mut held) = (window.start_ms, 0);
        for (bucket, count) in buckets {
            let begin = bucket.saturating_mul(self.width).max(window.start_ms);
            if held > 0 && held + count > rows.max(1) && begin > start_ms {
                parts.push((Window { start_ms, end_ms: begin - 1 }, held));
                (start_ms, held) = (begin, 0);
            }
            held += count;
        }
        parts.push((Window { start_ms, end_ms: window.end_ms }, held));
        parts
    }
}

#[cfg(test)]
mod tests {
    use super::{Density, MAX_BUCKETS};
    use crate::model::{Millis, Window};
    use proptest::prelude::*;

    fn cut(times: &[Millis], window: Window, rows: u64) -> Vec<(Window, u64)> {
        let mut density = Density::default();
        times.iter().for_each(|at| density.add(*at));
        density.cut(window, rows)
    }

    #[test]
    fn a_stray_time_does_not_make_the_rest_coarse() {
        let window = Window { start_ms: 0, end_ms: 1_700_000_000_000 };
        let mut times: Vec<Millis> = (0..100_000).map(|at| 1_600_000_000_000 + at * 100).collect();
        times.push(0);
        let parts = cut(&times, window, 10_000);
        assert!(parts.len() >= 10 && parts.iter().all(|(_, rows)| *rows <= 10_000), "{parts:?}");
    }

    #[test]
    fn a_long_time_has_wider_buckets_and_not_more() {
        let window = Window { start_ms: 0, end_ms: i64::MAX };
        let times: Vec<Millis> = (0..4 * MAX_BUCKETS as i64).map(|at| at * 60_000).collect();
        let parts = cut(&times, window, 1_000);
        assert_eq!(parts.iter().map(|(_, rows)| rows).sum::<u64>(), times.len() as u64);
        assert!(parts.iter().all(|(_, rows)| *rows <= 1_000));
    }

    proptest! {
        #[test]
        fn parts_are_the_window_and_know_their_samples(
            times in proptest::collection::vec(-50_000i64..200_000, 0..200), rows in 1u64..50,
            width in 1i64..100_000,
        ) {
            let window = Window { start_ms: 0, end_ms: width };
            let inside: Vec<Millis> = times.into_iter().filter(|at| window.contains(*at)).collect();
            let parts = cut(&inside, window, rows);
            prop_assert_eq!(parts[0].0.start_ms, window.start_ms);
            prop_assert_eq!(parts[parts.len() - 1].0.end_ms, window.end_ms);
            prop_assert!(parts.windows(2).all(|pair| pair[0].0.end_ms + 1 == pair[1].0.start_ms));
            for (part, count) in parts {
                prop_assert_eq!(inside.iter().filter(|at| part.contains(**at)).count() as u64, count);
            }
        }
    }
}
