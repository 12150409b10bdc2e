//! Differences that may settle by themselves: how long to wait for them, and when they count.
//!
//! A source that is still being written, and a target behind a queue, differ at the newest rows and agree a moment
//! later. So what differs and is young is read again after a pause, each pause longer than the one before, until
//! both sides agree, the rows are no longer young, or the time for it is over.

use crate::model::Millis;
use crate::plan::Options;
use crate::report::RecheckReport;

/// The first pause, in ms.
const FIRST_PAUSE_MS: u64 = 1_000;
/// The longest one, in ms.
const LONGEST_PAUSE_MS: u64 = 30_000;

/// What to do about a part that was compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Both sides agree.
    Agrees,
    /// What differs, counts.
    Counts,
    /// What differs is young: read it again later.
    Later,
}

/// Decides about young differences. Time is an argument; nothing waits here.
#[derive(Clone, Debug)]
pub(super) struct Recheck {
    settle_ms: i64,
    left_ms: u64,
    pause_ms: u64,
    report: RecheckReport,
}

impl Recheck {
    /// As the plan's options say.
    pub fn new(options: &Options) -> Self {
        Self {
            settle_ms: options.settle_ms,
            left_ms: if options.settle_ms > 0 { options.recheck_ms } else { 0 },
            pause_ms: FIRST_PAUSE_MS,
            report: RecheckReport { settle_ms: options.settle_ms, ..RecheckReport::default() },
        }
    }

    /// Rows from here on are young at `now`; none when nothing is read again.
    pub fn young_from(&self, now: Millis) -> Option<Millis> {
        (self.left_ms > 0).then(|| now.saturating_sub(self.settle_ms).saturating_add(1))
    }

    /// Judges a part by the newest time at which it differs.
    pub fn judge(&self, newest_difference: Option<Millis>, now: Millis) -> Verdict {
        match newest_difference {
            None => Verdict::Agrees,
            Some(at) if self.young_from(now).is_some_and(|edge| at >= edge) => Verdict::Later,
            Some(_) => Verdict::Counts,
        }
    }

    /// The next pause in ms; none when the time is over.
    pub fn pause(&mut self) -> Option<u64> {
        let pause = self.pause_ms.min(self.left_ms);
        if pause == 0 {
            return None;
        }
        self.left_ms -= pause;
        self.report.waited_ms += pause;
        self.pause_ms = (self.pause_ms * 2).min(LONGEST_PAUSE_MS);
        Some(pause)
    }

    /// Notes a part that waits.
    pub fn waits(&mut self) {
        self.report.slabs += 1;
    }

    /// Notes that a part was read again, and whether it agrees now.
    pub fn read(&mut self, agrees: bool) {
        self.report.reads += 1;
        self.report.settled += u64::from(agrees);
    }

    /// What came of it; none when nothing was young and different.
    pub fn report(self) -> Option<RecheckReport> {
        (self.report.slabs > 0).then_some(self.report)
    }
}

#[cfg(test)]
mod tests {
    use super::{Recheck, Verdict};
    use crate::plan::Options;

    fn options(settle_ms: i64, recheck_ms: u64) -> Options {
        Options { settle_ms, recheck_ms, ..Options::default() }
    }

    #[test]
    fn pauses_grow_and_end_with_the_time() {
        let mut recheck = Recheck::new(&options(300_000, 10_000));
        let pauses: Vec<u64> = std::iter::from_fn(|| recheck.pause()).collect();
        assert_eq!(pauses, [1_000, 2_000, 4_000, 3_000]);
        recheck.waits();
        assert_eq!(recheck.report().map(|report| report.waited_ms), Some(10_000));
        let mut long = Recheck::new(&options(300_000, 3_600_000));
        let pauses: Vec<u64> = std::iter::from_fn(|| long.pause()).collect();
        assert_eq!((pauses.iter().sum::<u64>(), pauses.iter().max()), (3_600_000, Some(&30_000)));
    }

    #[test]
    fn what_is_young_waits_until_it_is_not_or_the_time_is_over() {
        let mut recheck = Recheck::new(&options(60_000, 1_500));
        let now = 1_000_000;
        assert_eq!(recheck.judge(None, now), Verdict::Agrees);
        assert_eq!(recheck.judge(Some(now - 60_000), now), Verdict::Counts);
        assert_eq!(recheck.judge(Some(now - 59_999), now), Verdict::Later);
        assert_eq!(recheck.judge(Some(now - 59_999), now + 1), Verdict::Counts);
        assert_eq!(recheck.judge(Some(now + 5_000), now), Verdict::Later, "a clock ahead of ours");
        assert_eq!((recheck.pause(), recheck.pause(), recheck.pause()), (Some(1_000), Some(500), None));
        assert_eq!(recheck.judge(Some(now), now), Verdict::Counts);
    }

    #[test]
    fn either_time_at_nought_turns_it_off() {
        for options in [options(0, 20_000), options(300_000, 0)] {
            let mut recheck = Recheck::new(&options);
            assert_eq!(recheck.judge(Some(1_000), 1_000), Verdict::Counts);
            assert_eq!((recheck.young_from(1_000), recheck.pause()), (None, None));
            assert!(recheck.report().is_none());
        }
    }
}
