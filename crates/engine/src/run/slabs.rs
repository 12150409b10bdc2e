//! Cutting a window into slabs.
//!
//! A slab is what is read with one request and held in memory at once. Time is cut, series are not: every
//! slab of a selector holds all its series for a part of the window.

use crate::model::Window;

/// Fewest slabs worth cutting when there is work enough, so that reading, writing and showing overlap. Not more: every
/// request costs tsink 0.10.2 some 30 ms of CPU beside its rows (5.76 M samples of 1,000 series read back: 1.4 s in 8
/// requests, 1.6 s in 16, 2.2 s in 32), and slabs as long as those of a long window take as much memory as those.
const FEWEST_SLABS: u64 = 4;
/// Below this many rows a slab is not cut further: requests would cost more than they carry.
const SMALL_SLAB_ROWS: u64 = 20_000;
/// Most slabs of a selector; the coverage map and the request count follow it.
const MAX_SLABS: u64 = 20_000;
/// Length of a slab when nothing is known about the density, in ms: 2 h, Prometheus' own block length.
const UNKNOWN_SLAB_MS: i64 = 2 * 3_600_000;

/// Cuts `window` so that a slab holds about `slab_rows` rows, when the window is expected to hold
/// `expected_rows`; by length when that is unknown.
pub fn cut(window: Window, expected_rows: Option<u64>, slab_rows: u64) -> Vec<Window> {
    let parts = match expected_rows {
        None => u64::try_from(window.len_ms() / UNKNOWN_SLAB_MS + 1).unwrap_or(1),
        Some(rows) => {
            let needed = rows.div_ceil(slab_rows.max(1)).max(1);
            needed.max((rows / SMALL_SLAB_ROWS).clamp(1, FEWEST_SLABS))
        }
    };
    window.split(usize::try_from(parts.min(MAX_SLABS)).unwrap_or(1))
}

#[cfg(test)]
mod tests {
    use super::cut;
    use crate::model::Window;

    const DAY: Window = Window { start_ms: 0, end_ms: 86_399_999 };

    #[test]
    fn slabs_hold_about_what_they_should() {
        assert_eq!(cut(DAY, Some(5_760_000), 100_000).len(), 58);
        assert_eq!(cut(DAY, Some(5_760_000), 500_000).len(), 12);
        assert_eq!(cut(DAY, Some(57_600_000), 500_000).len(), 116);
        assert_eq!(cut(DAY, Some(288_000), 500_000).len(), 4);
    }

    #[test]
    fn little_data_is_not_cut_to_pieces() {
        assert_eq!(cut(DAY, Some(0), 500_000).len(), 1);
        assert_eq!(cut(DAY, Some(50_000), 500_000).len(), 2);
    }

    #[test]
    fn unknown_density_is_cut_by_time() {
        assert_eq!(cut(DAY, None, 500_000).len(), 13);
        let instant = Window { start_ms: 5, end_ms: 5 };
        assert_eq!(cut(instant, None, 500_000), vec![instant]);
    }
}
