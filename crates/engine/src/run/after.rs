//! When an answer is taken that is not wanted at once.

use super::changes::Latch;
use super::permits::{Permit, Permits};
use crate::port::Clock;
use futures_util::future::{Either, select};
use std::pin::pin;

/// How long an answer waits for its turn at most, in ms: a few times as long as a large one from nearby takes.
/// Where they come a long way, several arrive side by side.
const PATIENCE_MS: u64 = 250;

/// What an answer waits for: before that it is not held at all, or as it came, which takes less memory than unpacked.
#[derive(Clone, Copy)]
pub(super) struct After<'a> {
    /// Answers are taken one after the other, as long as that is quick.
    pub turns: &'a Permits,
    /// An answer that was taken is unpacked once this is open.
    pub wanted: &'a Latch,
    /// Bytes that an answer has room for, as it comes: as many as it is unpacked to. Where both are as long as the answers
    /// of the other side, each fits into the gap that any of them left; a shorter one would take the gap of a longer one,
    /// for which the memory would then grow.
    pub room: usize,
}

impl After<'_> {
    /// Waits until an answer should be taken. What this gives is kept until the answer was read.
    pub async fn turn(&self, clock: &dyn Clock) -> Option<Permit> {
        match select(pin!(self.turns.acquire()), clock.sleep(PATIENCE_MS)).await {
            Either::Left((turn, _)) => Some(turn),
            Either::Right(_) => None,
        }
    }

    /// Waits until the answer should be unpacked; others are taken meanwhile.
    pub async fn wanted(&self, turn: Option<Permit>) -> Option<Permit> {
        if self.wanted.is_open() {
            return turn;
        }
        drop(turn);
        self.wanted.opened().await;
        None
    }
}

#[cfg(test)]
mod tests {
    use super::{After, PATIENCE_MS};
    use crate::run::changes::Latch;
    use crate::run::permits::Permits;
    use crate::run::still::Still;
    use futures_util::FutureExt;
    use std::pin::pin;

    #[test]
    fn one_answer_at_a_time_as_long_as_that_is_quick() {
        let (turns, wanted) = (Permits::new(1), Latch::default());
        let after = After { turns: &turns, wanted: &wanted, room: 0 };
        let still = Still::default();
        let first = after.turn(&still).now_or_never().unwrap();
        assert!(first.is_some());
        let mut second = pin!(after.turn(&still));
        assert!(second.as_mut().now_or_never().is_none(), "it waits for the first one");
        still.0.set(PATIENCE_MS as f64);
        assert!(second.now_or_never().unwrap().is_none(), "and goes on without its turn at last");
        drop(first);
        assert!(after.turn(&still).now_or_never().unwrap().is_some());
    }

    #[test]
    fn an_answer_that_is_not_wanted_yet_lets_others_pass() {
        let (turns, wanted) = (Permits::new(1), Latch::default());
        let after = After { turns: &turns, wanted: &wanted, room: 0 };
        let still = Still::default();
        let first = after.turn(&still).now_or_never().unwrap();
        let mut held = pin!(after.wanted(first));
        assert!(held.as_mut().now_or_never().is_none());
        let second = after.turn(&still).now_or_never().unwrap();
        assert!(second.is_some());
        wanted.open();
        assert!(held.now_or_never().unwrap().is_none());
        let second = after.wanted(second).now_or_never().unwrap();
        assert!(second.is_some() && after.turn(&still).now_or_never().is_none(), "kept until it was read");
    }
}
