//! Read and written rates over the time of a stage, in bounded memory: when the history is full, every other
//! point goes and points come half as often from then on.

use tsink_migrate_engine::report::ProgressPoint;

const MOST_POINTS: usize = 240;
const FIRST_INTERVAL_MS: u64 = 250;

#[derive(Clone, Copy, Debug)]
struct Point {
    elapsed_ms: u64,
    read: u64,
    written: u64,
}

/// History of a stage's progress.
#[derive(Clone, Debug)]
pub struct Throughput {
    points: Vec<Point>,
    interval_ms: u64,
}

impl Default for Throughput {
    fn default() -> Self {
        Self { points: Vec::new(), interval_ms: FIRST_INTERVAL_MS }
    }
}

/// Rates in rows a second, in the middle of an interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate {
    /// Time since the stage began, in ms.
    pub elapsed_ms: f64,
    /// Read.
    pub read: f64,
    /// Written.
    pub written: f64,
}

impl Throughput {
    /// Adds where the stage stands, unless the last point is too young.
    pub fn push(&mut self, elapsed_ms: u64, read: u64, written: u64) {
        let point = Point { elapsed_ms, read, written };
        match self.points.last() {
            Some(last) if elapsed_ms < last.elapsed_ms.saturating_add(self.interval_ms) => return,
            _ => self.points.push(point),
        }
        if self.points.len() > MOST_POINTS {
            let mut at = 0;
            self.points.retain(|_| {
                at += 1;
                at % 2 == 1
            });
            self.interval_ms = self.interval_ms.saturating_mul(2);
        }
    }

    /// Rates between neighbouring points.
    pub fn rates(&self) -> Vec<Rate> {
        self.points
            .windows(2)
            .filter_map(|pair| {
                let [from, to] = pair else { return None };
                let seconds =
                    to.elapsed_ms.checked_sub(from.elapsed_ms).filter(|ms| *ms > 0)? as f64 / 1000.0;
                Some(Rate {
                    elapsed_ms: (from.elapsed_ms + to.elapsed_ms) as f64 / 2.0,
                    read: to.read.saturating_sub(from.read) as f64 / seconds,
                    written: to.written.saturating_sub(from.written) as f64 / seconds,
                })
            })
            .collect()
    }
}

/// Rates of a report's progress.
pub fn of_progress(points: &[ProgressPoint]) -> Vec<Rate> {
    let mut history = Throughput { points: Vec::new(), interval_ms: 1 };
    points.iter().for_each(|point| history.push(point.elapsed_ms, point.read, point.done));
    history.rates()
}

/// The next number above `value` that reads well on an axis: 1, 2, 2.5 or 5 times a power of ten.
pub fn ceiling(value: f64) -> f64 {
    if !value.is_finite() || value <= 0.0 {
        return 1.0;
    }
    let power = 10f64.powf(value.log10().floor());
    [1.0, 2.0, 2.5, 5.0, 10.0].iter().map(|step| step * power).find(|step| *step >= value).unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_differences() {
        let mut history = Throughput::default();
        history.push(0, 0, 0);
        history.push(100, 5, 5);
        history.push(500, 1_000, 500);
        history.push(1_500, 1_000, 1_500);
        assert_eq!(
            history.rates(),
            [
                Rate { elapsed_ms: 250.0, read: 2_000.0, written: 1_000.0 },
                Rate { elapsed_ms: 1_000.0, read: 0.0, written: 1_000.0 },
            ]
        );
    }

    #[test]
    fn a_day_fits() {
        let mut history = Throughput::default();
        for at in 0..864_000u64 {
            history.push(at * 100, at * 10, at * 10);
        }
        let rates = history.rates();
        assert!(rates.len() <= MOST_POINTS && rates.len() > 100);
        assert!(rates.iter().all(|rate| (rate.written - 100.0).abs() < 1e-9));
    }

    #[test]
    fn axes_end_on_round_numbers() {
        assert_eq!(ceiling(0.0), 1.0);
        assert_eq!(ceiling(612_000.0), 1_000_000.0);
        assert_eq!(ceiling(210_000.0), 250_000.0);
        assert_eq!(ceiling(1_000.0), 1_000.0);
    }
}
