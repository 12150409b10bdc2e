//! How the work went on: a point every so often, and never more than a report shows.

use crate::report::{PROGRESS_POINTS, ProgressPoint};

/// Distance of points at first, in ms.
const FIRST_STEP_MS: u64 = 250;

/// Points of a stage. When there are too many, neighbours become one and the distance doubles, so a stage of any
/// length has between half of them and all.
#[derive(Clone, Debug)]
pub(super) struct History {
    step_ms: u64,
    points: Vec<ProgressPoint>,
}

impl Default for History {
    fn default() -> Self {
        Self { step_ms: FIRST_STEP_MS, points: Vec::new() }
    }
}

impl History {
    /// Takes where the stage stands. A point too close to the one before takes its place, so that the last one is
    /// always there; rates are worked out here.
    pub fn push(&mut self, point: ProgressPoint) {
        let step = |point: &ProgressPoint| point.elapsed_ms / self.step_ms;
        match self.points.last_mut() {
            // Requests come and go between two points; the most is what tells.
            Some(last) if step(last) == step(&point) => {
                *last = ProgressPoint { in_flight: last.in_flight.max(point.in_flight), ..point };
            }
            _ => self.points.push(point),
        }
        while self.points.len() > PROGRESS_POINTS {
            self.step_ms *= 2;
            let points = std::mem::take(&mut self.points);
            points.into_iter().for_each(|point| self.push(point));
        }
    }

    /// The points in order of time.
    pub fn points(&self) -> Vec<ProgressPoint> {
        let mut before = ProgressPoint::default();
        let rated = self.points.iter().map(|point| {
            let elapsed = point.elapsed_ms.saturating_sub(before.elapsed_ms);
            let done = point.done.saturating_sub(before.done);
            before = *point;
            let rate = if elapsed == 0 { 0.0 } else { done as f64 * 1000.0 / elapsed as f64 };
            // A number of few digits comes back from JSON as it went: a report that is read again is the same one.
            let rate = (rate * 10.0).round() / 10.0;
            ProgressPoint { rate, ..*point }
        });
        rated.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::History;
    use crate::report::{PROGRESS_POINTS, ProgressPoint};
    use proptest::prelude::*;

    fn at(elapsed_ms: u64) -> ProgressPoint {
        ProgressPoint { elapsed_ms, done: elapsed_ms * 7, read: elapsed_ms * 8, ..ProgressPoint::default() }
    }

    #[test]
    fn a_steady_run_has_a_steady_rate() {
        let mut history = History::default();
        (1..=100_000).for_each(|n| history.push(at(n * 100)));
        let points = history.points();
        assert!(points.len() > PROGRESS_POINTS / 2 && points.len() <= PROGRESS_POINTS, "{}", points.len());
        assert!(points.iter().all(|point| (point.rate - 7_000.0).abs() < 1e-6), "{points:?}");
        assert_eq!(points.last().map(|point| point.elapsed_ms), Some(10_000_000));
    }

    #[test]
    fn the_most_requests_of_a_stretch_show() {
        let mut history = History::default();
        for in_flight in [1, 4, 2] {
            history.push(ProgressPoint { in_flight, ..at(10) });
        }
        assert_eq!(history.points()[0].in_flight, 4);
    }

    proptest! {
        #[test]
        fn it_is_bounded_in_order_and_ends_with_the_last(
            steps in prop::collection::vec(0u64..5_000_000, 1..500),
        ) {
            let mut history = History::default();
            let mut elapsed = 0;
            for step in steps {
                elapsed += step;
                history.push(at(elapsed));
            }
            let points = history.points();
            prop_assert!(points.len() <= PROGRESS_POINTS);
            prop_assert!(points.windows(2).all(|pair| pair[0].elapsed_ms < pair[1].elapsed_ms));
            prop_assert_eq!(points.last().map(|point| point.done), Some(elapsed * 7));
        }
    }
}
