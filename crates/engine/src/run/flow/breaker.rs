//! Holding a run whose server is gone: after so many failures in a row, one request after the other goes to see
//! whether it is back, and all others wait without using up their attempts. When it does not come back, every request
//! fails at once, and the run ends with an account instead of a storm of failures.

use crate::error::{Error, ErrorKind, Side};
use crate::port::NetworkCause;
use crate::report::words::show_duration;

/// Failures in a row, of all requests to a side together, before the run is held: less than the attempts of one
/// request, so that none is given up before.
const HOLD_AFTER: u32 = 5;

/// Whether a request may go. Times are monotonic ms.
#[derive(Clone, Debug, PartialEq)]
pub(in super::super) enum Turn {
    /// It may.
    Go,
    /// It may, and what becomes of it decides for all; this is attempt so and so.
    Probe(u32),
    /// It may ask again after so many ms.
    Wait(u64),
    /// The server has not come back.
    Gone(Box<Error>),
}

/// What is known of one side.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct Breaker {
    /// Whether the side has ever answered: one that has not is rather a mistake in the plan, and nothing to wait for.
    was_there: bool,
    failures: u32,
    open: Option<Open>,
    gone: Option<Box<Error>>,
}

#[derive(Clone, Debug)]
struct Open {
    since: f64,
    tries: u32,
    next_at: f64,
    probing: bool,
}

/// Whether a failure says that the server as a whole is not there.
pub(in super::super) fn is_unavailable(error: &Error) -> bool {
    match error.kind {
        ErrorKind::Unavailable => true,
        ErrorKind::Network(cause) => {
            matches!(cause, NetworkCause::Refused | NetworkCause::Reset | NetworkCause::Unreachable)
        }
        ErrorKind::Server => matches!(error.status, Some(502 | 504)),
        _ => false,
    }
}

impl Breaker {
    /// Whether a request may go now.
    pub fn turn(&mut self, now: f64) -> Turn {
        if let Some(error) = &self.gone {
            return Turn::Gone(error.clone());
        }
        match &mut self.open {
            None => Turn::Go,
            Some(open) if open.probing => Turn::Wait(100),
            Some(open) if now < open.next_at => {
                Turn::Wait((open.next_at - now).ceil().clamp(1.0, 500.0) as u64)
            }
            Some(open) => {
                open.probing = true;
                open.tries += 1;
                Turn::Probe(open.tries)
            }
        }
    }

    /// Whether requests are held.
    pub fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// Why every request fails, once the server has not come back.
    pub fn gone(&self) -> Option<&Error> {
        self.gone.as_deref()
    }

    /// The server has answered. Tells whether the run was held.
    pub fn answered(&mut self) -> bool {
        self.was_there = true;
        self.failures = 0;
        self.open.take().is_some()
    }

    /// A probe ended without saying anything about the server: the next request is one.
    pub fn undecided(&mut self) {
        if let Some(open) = &mut self.open {
            open.probing = false;
        }
    }

    /// A request failed for want of a server; `probe` if it was one. The next probe goes after `delay_ms`; after `most`
    /// of them the server counts as gone. Tells whether the run is held from now on.
    pub fn failed(&mut self, probe: bool, error: &Error, delay_ms: u64, most: u32, now: f64) -> bool {
        self.failures = self.failures.saturating_add(1);
        match &mut self.open {
            None if self.was_there && self.failures >= HOLD_AFTER.min(most.max(2)) => {
                self.open =
                    Some(Open { since: now, tries: 0, next_at: now + delay_ms as f64, probing: false });
                return true;
            }
            Some(open) if probe => {
                open.probing = false;
                open.next_at = now + delay_ms as f64;
                if open.tries >= most {
                    self.gone = Some(Box::new(given_up(error, open.tries, now - open.since)));
                    self.open = None;
                }
            }
            _ => {}
        }
        false
    }

    /// Probes so far.
    pub fn tries(&self) -> u32 {
        self.open.as_ref().map_or(0, |open| open.tries)
    }
}

/// Not a network error any more, which would end the run without an account.
fn given_up(error: &Error, tries: u32, held_ms: f64) -> Error {
    let side = error.side.unwrap_or(Side::Target);
    let message = format!(
        "the {side} was not available several times in a row, and not within {} and {tries} more attempts after that: {}",
        show_duration(held_ms.max(0.0) as u64),
        error.message
    );
    Error { kind: ErrorKind::Unavailable, message, ..error.clone() }
}

#[cfg(test)]
mod tests {
    use super::{Breaker, HOLD_AFTER, Turn};
    use crate::error::{Error, ErrorKind, Side};

    fn gone() -> Error {
        Error::new(ErrorKind::Unavailable, "no").side(Side::Target)
    }

    fn held() -> Breaker {
        let mut breaker = Breaker::default();
        assert!(!breaker.answered());
        for at in 1..=3 {
            assert_eq!(breaker.turn(0.0), Turn::Go);
            assert_eq!(breaker.failed(false, &gone(), 1_000, 3, 0.0), at == 3);
        }
        breaker
    }

    #[test]
    fn one_probe_at_a_time_and_success_frees_all() {
        let mut breaker = held();
        assert_eq!(breaker.turn(0.0), Turn::Wait(500));
        assert_eq!(breaker.turn(1_000.0), Turn::Probe(1));
        assert_eq!(breaker.turn(1_000.0), Turn::Wait(100));
        // One that was under way before the hold says nothing new.
        breaker.failed(false, &gone(), 1_000, 3, 1_100.0);
        assert_eq!(breaker.turn(1_100.0), Turn::Wait(100));
        breaker.failed(true, &gone(), 2_000, 3, 1_200.0);
        assert_eq!(breaker.turn(3_100.0), Turn::Wait(100));
        assert_eq!(breaker.turn(3_200.0), Turn::Probe(2));
        assert!(breaker.answered());
        assert_eq!(breaker.turn(3_200.0), Turn::Go);
        assert!(!breaker.is_open());
    }

    #[test]
    fn it_ends_with_every_request_failing_at_once() {
        let mut breaker = held();
        for now in [1_000.0, 2_000.0, 3_000.0] {
            assert!(matches!(breaker.turn(now), Turn::Probe(_)));
            breaker.failed(true, &gone(), 1_000, 3, now);
        }
        let Turn::Gone(error) = breaker.turn(3_000.0) else { panic!("{breaker:?}") };
        assert_eq!(error.kind, ErrorKind::Unavailable);
        assert!(error.message.contains("target") && error.message.contains("3 more attempts"), "{error}");
    }

    #[test]
    fn a_server_that_never_answered_is_not_waited_for() {
        let mut breaker = Breaker::default();
        for _ in 0..100 {
            assert!(!breaker.failed(false, &gone(), 1, 6, 0.0));
            assert_eq!(breaker.turn(0.0), Turn::Go);
        }
    }

    #[test]
    fn an_answer_in_between_begins_the_count_anew() {
        let mut breaker = Breaker::default();
        for _ in 0..5 {
            for _ in 1..HOLD_AFTER {
                assert!(!breaker.failed(false, &gone(), 1, 6, 0.0));
            }
            assert!(!breaker.answered());
        }
    }
}
