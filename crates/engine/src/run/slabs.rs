//! Cutting a window into slabs.
//!
//! A slab is what is read with one request and held in memory at once. Time is cut, series are not: every
//! slab of a selector holds all its series for a part of the window. It is cut where hours (UTC) begin, or even parts of
//! an hour, because that is where both servers cut their own data: tsink its partitions, Prometheus its blocks.

use super::event::Stage;
use crate::model::Window;

/// Fewest slabs worth cutting when there is work enough, so that reading, writing and showing overlap. Not more: every
/// request costs tsink 0.10.2 some 30 ms of CPU beside its rows (5.76 M samples of 1,000 series read back: 1.4 s in 8
/// requests, 1.6 s in 16, 2.2 s in 32), and slabs as long as those of a long window take as much memory as those.
const FEWEST_SLABS: u64 = 4;
/// Below this many rows a slab is not cut further: requests would cost more than they carry.
const SMALL_SLAB_ROWS: u64 = 20_000;
/// Most slabs of a selector; the coverage map and the request count follow it.
const MAX_SLABS: i64 = 20_000;
/// Length of a slab when nothing is known about the density, in ms.
const UNKNOWN_SLAB_MS: i64 = HOUR_MS;

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
/// What an hour can be cut into so that no part goes on in the next one, in minutes.
const PARTS_OF_AN_HOUR: [i64; 11] = [30, 20, 15, 12, 10, 6, 5, 4, 3, 2, 1];
/// Slabs that are written hold no more hours than it takes for about so many rows: a few requests for each writer. tsink
/// 0.10.2 keeps a partition for each hour, and takes requests that stay in one with a tenth less CPU than those that go on
/// in the next (5.76 M samples of 1,000 series, 25,000 a request: 24 s, not 27 s).
const WRITTEN_ROWS: f64 = 150_000.0;

/// Cuts `window` so that a slab holds about `slab_rows` rows, rather less than more, when the window is expected to hold
/// `expected_rows`; by length when that is unknown.
pub fn cut(window: Window, expected_rows: Option<u64>, slab_rows: u64, stage: Stage) -> Vec<Window> {
    let length_ms = match expected_rows {
        None => UNKNOWN_SLAB_MS,
        Some(rows) => {
            let needed = rows.div_ceil(slab_rows.max(1)).max(1);
            let parts = needed.max((rows / SMALL_SLAB_ROWS).clamp(1, FEWEST_SLABS));
            window.len_ms() / i64::try_from(parts).unwrap_or(i64::MAX)
        }
    };
    split(window, length_ms, expected_rows.unwrap_or(0), stage)
}

/// Cuts `window`, which is expected to hold `rows` rows, for a stage into slabs of about `length_ms`, rather shorter ones than
/// longer ones; no more than twice [`MAX_SLABS`].
pub fn split(window: Window, length_ms: i64, rows: u64, stage: Stage) -> Vec<Window> {
    let whole_ms = window.len_ms();
    let length_ms = length_ms.max(whole_ms / MAX_SLABS).max(1);
    if length_ms >= whole_ms {
        return vec![window];
    }
    // A little more is no matter, and the last step of a day is missing from its window.
    let most_ms = length_ms.saturating_add(length_ms / 50);
    let step_ms = match most_ms / HOUR_MS {
        0 => PARTS_OF_AN_HOUR.map(|minutes| minutes * MINUTE_MS).into_iter().find(|step| *step <= most_ms),
        hours => {
            let hour_rows = rows as f64 / whole_ms as f64 * HOUR_MS as f64;
            let enough = match stage {
                Stage::Verify => hours,
                _ => ((WRITTEN_ROWS / hour_rows) as i64).max(whole_ms / HOUR_MS / MAX_SLABS),
            };
            Some(hours.min(enough.max(1)) * HOUR_MS)
        }
    };
    match step_ms {
        Some(step) => whole_steps(window, step),
        None => {
            let parts = whole_ms.unsigned_abs().div_ceil(length_ms.unsigned_abs());
            window.split(usize::try_from(parts).unwrap_or(1))
        }
    }
}

/// Cuts `window` every `step_ms` from its first hour on: at multiples of many hours, the first slab might be short. What
/// is left over at either end and is hardly anything, as midnight itself is of a window that ends there, goes with its
/// neighbour.
fn whole_steps(window: Window, step_ms: i64) -> Vec<Window> {
    let origin = window.start_ms.div_euclid(HOUR_MS).saturating_mul(HOUR_MS);
    let mut cut = window.split_every(step_ms, origin);
    let is_scrap = |slab: Option<&Window>| slab.is_some_and(|slab| slab.len_ms() < step_ms / 20);
    if cut.len() > 1 && is_scrap(cut.last()) {
        cut.pop();
        if let Some(last) = cut.last_mut() {
            last.end_ms = window.end_ms;
        }
    }
    if cut.len() > 1 && is_scrap(cut.first()) {
        cut.remove(0);
        if let Some(first) = cut.first_mut() {
            first.start_ms = window.start_ms;
        }
    }
    cut
}

#[cfg(test)]
mod tests {
    use super::{HOUR_MS, MINUTE_MS, cut};
    use crate::model::Window;
    use crate::run::event::Stage;
    use proptest::prelude::*;

    const DAY: Window = Window { start_ms: 0, end_ms: 24 * HOUR_MS - 1 };

    fn read(rows: u64, slab_rows: u64) -> usize {
        cut(DAY, Some(rows), slab_rows, Stage::Verify).len()
    }

    #[test]
    fn slabs_hold_about_what_they_should() {
        assert_eq!(read(5_760_000, 100_000), 72, "20 minutes each, not 24.8");
        assert_eq!(read(5_760_000, 500_000), 12);
        assert_eq!(read(57_600_000, 500_000), 120, "12 minutes each");
        assert_eq!(read(288_000, 500_000), 4);
        let without_last_step = Window { end_ms: DAY.end_ms - 15_000, ..DAY };
        assert_eq!(cut(without_last_step, Some(5_760_000), 500_000, Stage::Verify).len(), 12);
        assert_eq!(read(4_000_000_000, 1_000_000), 4_000, "below a minute as it comes");
        assert_eq!(read(4_000_000_000, 1_000), 20_000);
    }

    #[test]
    fn little_data_is_not_cut_to_pieces() {
        assert_eq!(read(0, 500_000), 1);
        assert_eq!(read(50_000, 500_000), 2);
    }

    #[test]
    fn dense_hours_are_written_each_by_itself() {
        let write = |rows| cut(DAY, Some(rows), 500_000, Stage::Backfill);
        assert_eq!(write(5_760_000).len(), 24);
        assert_eq!(write(1_152_000).len(), 8, "48,000 an hour");
        assert_eq!(write(2_400).len(), 1);
        assert_eq!(write(0).len(), 1);
        assert_eq!(write(57_600_000).len(), 120, "an hour is too much for one");
        let with_midnight = Window { start_ms: -1, end_ms: 24 * HOUR_MS };
        let slabs = cut(with_midnight, Some(5_760_000), 500_000, Stage::Backfill);
        assert_eq!((slabs[0], slabs.len()), (Window { start_ms: -1, end_ms: HOUR_MS - 1 }, 24));
        assert_eq!(slabs[23], Window { start_ms: 23 * HOUR_MS, ..with_midnight });
        let late = Window { start_ms: 40 * MINUTE_MS, ..DAY };
        let slabs = cut(late, Some(5_600_000), 500_000, Stage::Backfill);
        assert_eq!(slabs[0], Window { start_ms: 40 * MINUTE_MS, end_ms: HOUR_MS - 1 });
        assert_eq!(slabs[1], Window { start_ms: HOUR_MS, end_ms: 2 * HOUR_MS - 1 });
    }

    #[test]
    fn unknown_density_is_cut_by_time() {
        assert_eq!(cut(DAY, None, 500_000, Stage::Backfill).len(), 24);
        let instant = Window { start_ms: 5, end_ms: 5 };
        assert_eq!(cut(instant, None, 500_000, Stage::Backfill), vec![instant]);
    }

    proptest! {
        #[test]
        fn no_slab_is_longer_than_wanted_and_none_goes_over_an_hour_in_part(
            start_ms in 0i64..1_000 * HOUR_MS,
            len in 1i64..1_000 * HOUR_MS,
            rows in 0u64..50_000_000,
            slab_rows in 10_000u64..1_000_000,
            write: bool,
        ) {
            let window = Window { start_ms, end_ms: start_ms + len - 1 };
            let stage = if write { Stage::Backfill } else { Stage::Verify };
            let slabs = cut(window, Some(rows), slab_rows, stage);
            prop_assert_eq!(slabs.first().map(|slab| slab.start_ms), Some(window.start_ms));
            prop_assert_eq!(slabs.last().map(|slab| slab.end_ms), Some(window.end_ms));
            let wanted = (len as f64 * slab_rows as f64 / rows.max(1) as f64).min(len as f64) * 1.12 + 1.0;
            for pair in slabs.windows(2) {
                prop_assert_eq!(pair[0].end_ms + 1, pair[1].start_ms);
            }
            // Cut below a minute, slabs lie as they come; few rows are cut into some slabs all the same.
            let short = slabs.iter().skip(1).rev().skip(1).any(|slab| slab.len_ms() < MINUTE_MS);
            prop_assert!(!short || wanted < 5.0 * MINUTE_MS as f64);
            for slab in &slabs {
                prop_assert!(slab.len_ms() as f64 <= wanted);
                let is_at_an_end = slab.start_ms == window.start_ms || slab.end_ms == window.end_ms;
                let goes_on = slab.end_ms / HOUR_MS > slab.start_ms / HOUR_MS;
                let ends_an_hour = (slab.end_ms + 1) % HOUR_MS == 0;
                prop_assert!(short || is_at_an_end || !goes_on || ends_an_hour);
            }
        }
    }
}
