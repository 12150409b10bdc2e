//! Much of the ordinary: counters and gauges for the size and speed of real windows.

use crate::wire::{Sample, TimeSeries};

/// `series` × `hours` at one sample every `step_ms`, of which four fifths are counters
/// (`http_requests_total`) and one fifth gauges (`node_load1`): 1,000 × 24 h × 15 s are 5.76 M samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bulk {
    /// How many series.
    pub series: usize,
    /// First sample, in Unix ms.
    pub start_ms: i64,
    /// Length in hours; the last sample lies one step before its end.
    pub hours: i64,
    /// Step in ms.
    pub step_ms: i64,
}

impl Bulk {
    /// Selectors that find everything, one per metric.
    pub const SELECTORS: [&str; 2] = ["http_requests_total", "node_load1"];

    /// Samples in all.
    pub fn samples(&self) -> u64 {
        self.series as u64 * self.steps().unsigned_abs()
    }

    /// Time of the last sample, in ms.
    pub fn end_ms(&self) -> i64 {
        self.start_ms + (self.steps() - 1) * self.step_ms
    }

    /// The data in time order, half an hour at a time, for [`super::load_slabs`].
    pub fn slabs(self) -> impl Iterator<Item = Vec<TimeSeries>> {
        let per_slab = (super::SLAB_MS / self.step_ms).max(1);
        (0..self.steps()).step_by(usize::try_from(per_slab).unwrap_or(1)).map(move |first| {
            let last = (first + per_slab).min(self.steps());
            (0..self.series).map(|at| self.part(at, first, last)).collect()
        })
    }

    /// One series whole, from 0 to [`Self::series`] − 1.
    pub fn whole(&self, at: usize) -> TimeSeries {
        self.part(at, 0, self.steps())
    }

    fn steps(&self) -> i64 {
        self.hours * 3_600_000 / self.step_ms
    }

    fn part(&self, at: usize, first: i64, last: i64) -> TimeSeries {
        let instance = format!("node-{:03}.example:9100", at / 5);
        let is_gauge = at % 5 == 4;
        let mut series = if is_gauge {
            TimeSeries::new("node_load1", &[("job", "node"), ("instance", &instance)])
        } else {
            let code = ["200", "204", "404", "500"][at % 5];
            TimeSeries::new("http_requests_total", &[("job", "api"), ("instance", &instance), ("code", code)])
        };
        series.samples = (first..last)
            .map(|step| {
                // Any sample can be computed by itself, so slabs need no state.
                let noise = mix(at as u64, step.unsigned_abs());
                let value = if is_gauge {
                    1.0 + 3.0 * noise + (step as f64 / 960.0).sin().abs()
                } else {
                    (step * (3 + at as i64 % 17)) as f64 + (noise * 3.0).floor()
                };
                Sample { value, timestamp: self.start_ms + step * self.step_ms }
            })
            .collect();
        series
    }
}

/// A number in `[0, 1)` for a pair (the finalizer of SplitMix64).
fn mix(a: u64, b: u64) -> f64 {
    let mut x = a.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ b.wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((x ^ (x >> 31)) >> 11) as f64 / 9_007_199_254_740_992.0
}
