//! Progress: what is done, how fast, and how long it still takes. Time is an argument.

use super::event::{Progress, Stage};
use std::collections::VecDeque;

/// The rate is taken over this many ms: long enough to be calm, short enough to follow a change.
const RATE_WINDOW_MS: f64 = 5_000.0;

/// Counts work against an expected total.
#[derive(Clone, Debug)]
pub struct Meter {
    stage: Stage,
    unit: &'static str,
    started_ms: f64,
    done: u64,
    total: u64,
    best_fraction: f64,
    history: VecDeque<(f64, u64)>,
}

impl Meter {
    /// A meter that starts at `now_ms` (monotonic).
    pub fn new(stage: Stage, unit: &'static str, total: u64, now_ms: f64) -> Self {
        Self {
            stage,
            unit,
            started_ms: now_ms,
            done: 0,
            total,
            best_fraction: 0.0,
            history: VecDeque::from([(now_ms, 0)]),
        }
    }

    /// Goes on from what runs before did, in so many ms of work: until there is a rate of its own, theirs counts.
    #[must_use]
    pub fn resume(mut self, done: u64, elapsed_ms: u64) -> Self {
        if done > 0 && elapsed_ms > 0 {
            let recent = (elapsed_ms as f64).min(RATE_WINDOW_MS);
            let in_that_time = (done as f64 * recent / elapsed_ms as f64) as u64;
            self.history = VecDeque::from([(self.started_ms - recent, done.saturating_sub(in_that_time))]);
        } else {
            self.history = VecDeque::from([(self.started_ms, done)]);
        }
        self.done = done;
        self
    }

    /// Adds finished work.
    pub fn add(&mut self, units: u64) {
        self.done = self.done.saturating_add(units);
    }

    /// Replaces an expectation by what was really found.
    pub fn correct(&mut self, expected: u64, found: u64) {
        self.total = self.total.saturating_sub(expected).saturating_add(found);
    }

    /// Where the work stands at `now_ms` (monotonic).
    pub fn progress(&mut self, now_ms: f64) -> Progress {
        self.history.push_back((now_ms, self.done));
        while self.history.len() > 2
            && self.history.get(1).is_some_and(|(at, _)| now_ms - at > RATE_WINDOW_MS)
        {
            self.history.pop_front();
        }
        let rate = match self.history.front() {
            Some((at, done)) if now_ms > *at => (self.done - done) as f64 * 1000.0 / (now_ms - at),
            _ => 0.0,
        };
        let total = self.total.max(self.done);
        let fraction = if total == 0 { 0.0 } else { self.done as f64 / total as f64 };
        self.best_fraction = self.best_fraction.max(fraction).min(1.0);
        let left = total - self.done;
        let eta_ms = (rate > 0.0).then(|| (left as f64 / rate * 1000.0).min(1e15) as u64);
        Progress {
            stage: self.stage,
            done: self.done,
            total,
            unit: self.unit.to_owned(),
            fraction: self.best_fraction,
            rate,
            eta_ms,
            elapsed_ms: (now_ms - self.started_ms).max(0.0) as u64,
            read: 0,
            written: 0,
            in_flight: 0,
            waiting: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Meter;
    use crate::run::Stage;

    #[test]
    fn rate_and_eta_follow_the_last_seconds() {
        let mut meter = Meter::new(Stage::Backfill, "samples", 10_000, 0.0);
        meter.add(1_000);
        let progress = meter.progress(1_000.0);
        assert_eq!((progress.rate, progress.eta_ms), (1_000.0, Some(9_000)));
        for second in 2..20 {
            meter.add(500);
            meter.progress(f64::from(second) * 1000.0);
        }
        let late = meter.progress(20_000.0);
        assert!((late.rate - 500.0).abs() < 120.0, "{}", late.rate);
    }

    #[test]
    fn what_was_done_before_gives_a_rate_at_once() {
        let mut meter = Meter::new(Stage::Backfill, "samples", 10_000, 50.0).resume(6_000, 60_000);
        let first = meter.progress(50.0);
        assert_eq!((first.done, first.elapsed_ms, first.eta_ms), (6_000, 0, Some(40_000)));
        meter.add(1_000);
        let later = meter.progress(10_050.0);
        assert_eq!((later.done, later.rate), (7_000, 100.0));
        let mut empty = Meter::new(Stage::Backfill, "samples", 10, 0.0).resume(0, 0);
        assert_eq!(empty.progress(0.0).eta_ms, None);
    }

    #[test]
    fn the_fraction_never_falls_when_there_is_more_than_expected() {
        let mut meter = Meter::new(Stage::Backfill, "samples", 100, 0.0);
        meter.add(50);
        let before = meter.progress(10.0).fraction;
        meter.correct(50, 5_000);
        assert!(meter.progress(20.0).fraction >= before);
        assert_eq!(meter.progress(20.0).total, 5_050);
    }
}
