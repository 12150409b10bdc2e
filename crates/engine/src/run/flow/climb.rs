//! How many questions at once a server answers fastest: found out with the first answers.
//!
//! Questions are few and long, so there is no time for one more at a time as with writes ([`super::pace`]): a fourth is
//! tried beside the first three, and if that pays, the number is doubled as long as that does. What did not pay is
//! taken back at once. A server whose processors are all at work takes twice as long for twice as many, and more: on
//! two cores tsink 0.10.2 answered a query in 14 parts in 5.1 s one at a time, 3.0 s two, 2.5 s three, 2.7 s four and
//! 3.3 s eight at a time. Three keep two cores busy: a small answer on a used connection comes 40 ms after it is ready.

use crate::port::Clock;
use crate::run::permits::Permits;
use std::cell::RefCell;

/// Questions at once to begin with.
const FIRST: usize = 3;
/// More at once pay when so many times as much is answered.
const PAYS: f64 = 1.2;
/// Sets of questions for which a number is kept before more are tried again.
const KEEP: u32 = 8;

/// The number of questions at once to one server. Times are monotonic ms.
pub(in super::super) struct Climb {
    permits: Permits,
    state: RefCell<State>,
}

#[derive(Clone, Debug)]
struct State {
    limit: usize,
    ceiling: usize,
    /// When the limit became what it is: what was asked before says nothing of it.
    since: f64,
    answers: usize,
    latency: f64,
    /// The limit before this one, and answers a ms with it.
    before: Option<(usize, f64)>,
    /// Sets of questions until more are tried; none while that is being found out.
    keep: Option<u32>,
}

impl Climb {
    /// At most `ceiling` at once.
    pub fn new(ceiling: usize) -> Self {
        let state = State::new(ceiling);
        Self { permits: Permits::new(state.limit), state: RefCell::new(state) }
    }

    /// Another set of questions follows, which may be harder or easier: its answers are not compared with those
    /// before, and count for nothing until [`Self::undisturbed`].
    pub fn others_follow(&self) {
        self.state.borrow_mut().others_follow();
    }

    /// From now on nothing else is asked beside these questions. What else was asked, of a server that may share its
    /// machine with this one, made the answers late until here, and any number of them at once would have seemed to pay.
    pub fn undisturbed(&self, now: f64) {
        self.state.borrow_mut().undisturbed(now);
    }

    /// Asks when there is room. What fails says nothing of the server's speed.
    pub async fn ask<T, E>(
        &self,
        clock: &dyn Clock,
        question: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let permit = self.permits.acquire().await;
        let sent = clock.monotonic_ms();
        let answer = question.await;
        drop(permit);
        if answer.is_ok() {
            let mut state = self.state.borrow_mut();
            state.answered(sent, clock.monotonic_ms());
            self.permits.set_limit(state.limit);
        }
        answer
    }
}

impl State {
    fn new(ceiling: usize) -> Self {
        let ceiling = ceiling.max(1);
        Self {
            limit: FIRST.min(ceiling),
            ceiling,
            since: f64::MIN,
            answers: 0,
            latency: 0.0,
            before: None,
            keep: None,
        }
    }

    fn others_follow(&mut self) {
        self.before = None;
        self.keep = self.keep.map(|left| left.saturating_sub(1)).filter(|left| *left > 0);
        self.go_to(self.limit, f64::INFINITY);
    }

    fn undisturbed(&mut self, now: f64) {
        self.go_to(self.limit, now);
    }

    fn answered(&mut self, sent: f64, now: f64) {
        if self.keep.is_some() || sent < self.since {
            return;
        }
        self.answers += 1;
        self.latency += now - sent;
        // So many are under way all the time, each for as long as one took on average.
        let rate = (self.limit * self.answers) as f64 / self.latency.max(f64::MIN_POSITIVE);
        match self.before {
            // Known from the first answer on: those that were asked together with it took at least as long.
            Some((limit, before)) if rate < before * PAYS => {
                self.keep = Some(KEEP);
                self.go_to(limit, now);
            }
            _ if self.answers < self.limit => {}
            _ if self.limit < self.ceiling => {
                self.before = Some((self.limit, rate));
                let more = if self.limit == FIRST { FIRST + 1 } else { self.limit * 2 };
                self.go_to(more.min(self.ceiling), now);
            }
            _ => self.keep = Some(KEEP),
        }
    }

    fn go_to(&mut self, limit: usize, now: f64) {
        (self.limit, self.since) = (limit, now);
        (self.answers, self.latency) = (0, 0.0);
    }
}

#[cfg(test)]
mod tests {
    use super::State;

    /// Asks `questions` of a server that works on so many at once and takes 100 ms for each; gives the limits that
    /// were held.
    fn climb(cores: usize, ceiling: usize, questions: usize) -> Vec<usize> {
        let (mut state, mut now, mut asked) = (State::new(ceiling), 0.0, 0);
        let (mut under_way, mut limits): (Vec<(f64, f64)>, Vec<usize>) = (Vec::new(), Vec::new());
        while asked < questions || !under_way.is_empty() {
            while under_way.len() < state.limit && asked < questions {
                under_way.push((now, 100.0));
                asked += 1;
                limits.push(state.limit);
            }
            // All get the same share of the server.
            let share = (cores as f64 / under_way.len() as f64).min(1.0);
            let least = under_way.iter().map(|one| one.1).fold(f64::MAX, f64::min);
            now += least / share;
            under_way.iter_mut().for_each(|one| one.1 -= least);
            let mut done = Vec::new();
            under_way.retain(|one| {
                if one.1 > 1e-6 {
                    true
                } else {
                    done.push(one.0);
                    false
                }
            });
            done.into_iter().for_each(|sent| state.answered(sent, now));
        }
        limits
    }

    #[test]
    fn a_server_with_two_processors_is_asked_three_questions_at_once_but_for_one_try() {
        let limits = climb(2, 8, 14);
        assert_eq!(limits[..3], [3, 3, 3]);
        assert!(limits.iter().filter(|limit| **limit > 3).count() <= 4, "{limits:?}");
        assert!(limits[7..].iter().all(|limit| *limit == 3), "{limits:?}");
    }

    #[test]
    fn a_server_with_many_processors_is_asked_as_many_as_may_be() {
        assert_eq!(climb(16, 8, 20)[7..], [8; 13]);
        assert_eq!(climb(16, 6, 20)[7..], [6; 13]);
        assert_eq!(climb(16, 1, 3), [1, 1, 1]);
        assert_eq!(climb(4, 8, 30)[15..], [4; 15]);
    }

    #[test]
    fn easier_questions_or_more_room_are_not_taken_for_a_faster_server() {
        let mut state = State::new(8);
        (0..3).for_each(|_| state.answered(0.0, 1_000.0));
        assert_eq!(state.limit, 4);
        state.others_follow();
        // What is answered while something else is asked does not count, nor a late answer to what was asked before.
        (0..4).for_each(|_| state.answered(800.0, 900.0));
        state.undisturbed(1_000.0);
        state.answered(900.0, 1_100.0);
        (0..4).for_each(|_| state.answered(1_000.0, 1_010.0));
        assert_eq!((state.limit, state.before.is_some()), (8, true));
    }

    #[test]
    fn what_was_found_is_tried_again_after_a_while() {
        let mut state = State::new(8);
        (0..3).for_each(|_| state.answered(0.0, 100.0));
        state.answered(100.0, 300.0);
        assert_eq!((state.limit, state.keep), (3, Some(super::KEEP)));
        for set in 1..=super::KEEP {
            assert!(state.keep.is_some(), "{set}");
            (0..9).for_each(|_| state.answered(300.0, 310.0));
            assert_eq!(state.limit, 3);
            state.others_follow();
            state.undisturbed(300.0);
        }
        (0..3).for_each(|_| state.answered(300.0, 310.0));
        assert_eq!(state.limit, 4);
    }
}
