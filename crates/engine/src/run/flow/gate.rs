//! Where writes wait: for one of the writes at once, for rows under way to arrive, and for the rate.

use super::bucket::Bucket;
use super::pace::Pace;
use super::waiting::{Rank, Wait, Waiting};
use crate::port::Clock;
use crate::report::words::{grouped, show_duration};
use crate::run::changes::Changes;
use crate::run::limits::Limits;
use futures_util::future::select;
use std::cell::{Cell, RefCell};
use std::pin::pin;
use std::rc::Rc;

struct State {
    limits: Cell<Option<Limits>>,
    pace: RefCell<Pace>,
    bucket: RefCell<Bucket>,
    used: Cell<usize>,
    rows: Cell<u64>,
    changes: Changes,
}

/// The gate that every write goes through.
#[derive(Clone)]
pub(in super::super) struct Gate(Rc<State>);

/// Why a write cannot go.
enum Closed {
    /// Enough are under way: the usual thing, and not worth a word.
    Writes,
    /// With it, more rows would be under way than the limit.
    Rows(u64),
    /// The rate asks for a pause of so many ms.
    Rate(u64, u64),
}

impl Gate {
    /// A gate for at most `ceiling` writes at once.
    pub fn new(ceiling: usize) -> Self {
        Self(Rc::new(State {
            limits: Cell::new(None),
            pace: RefCell::new(Pace::new(ceiling)),
            bucket: RefCell::default(),
            used: Cell::new(0),
            rows: Cell::new(0),
            changes: Changes::default(),
        }))
    }

    /// Puts limits into force; tells whether they are others than before.
    pub fn set(&self, limits: Limits) -> bool {
        if self.0.limits.get() == Some(limits) {
            return false;
        }
        self.0.limits.set(Some(limits));
        if let Some(writes) = limits.max_concurrent_writes {
            self.0.pace.borrow_mut().set_ceiling(writes);
        }
        self.0.changes.tell();
        true
    }

    /// Writes at once at present.
    pub fn limit(&self) -> usize {
        self.0.pace.borrow().limit()
    }

    /// A write of so many rows, sent at `sent`, was acknowledged.
    pub fn acknowledged(&self, rows: u64, sent: f64, now: f64) {
        let before = self.limit();
        self.0.pace.borrow_mut().acknowledged(rows, now - sent, now);
        if self.limit() != before {
            self.0.changes.tell();
        }
    }

    /// A request that was sent at `sent` was refused because there is too much to do.
    pub fn refused(&self, sent: f64, now: f64) {
        self.0.pace.borrow_mut().refused(sent, now);
    }

    /// Waits until a write of so many rows may go.
    pub async fn enter(&self, rows: u64, clock: &dyn Clock, waiting: &Waiting) -> Pass {
        let mut told: Option<Wait> = None;
        loop {
            match self.try_enter(rows, clock.monotonic_ms()) {
                Ok(()) => return Pass { state: Rc::clone(&self.0), rows },
                Err(Closed::Writes) => {
                    told = None;
                    self.0.changes.next().await;
                }
                Err(Closed::Rows(most)) => {
                    say(&mut told, waiting, || {
                        format!(
                            "{} rows of at most {}, as you set it, are on their way to the target: the next write waits for answers.",
                            grouped(self.0.rows.get()),
                            grouped(most)
                        )
                    });
                    self.0.changes.next().await;
                }
                Err(Closed::Rate(ms, rate)) => {
                    say(&mut told, waiting, || {
                        format!(
                            "Held to {} rows a second, as you set it: the next write goes in {}.",
                            grouped(rate),
                            show_duration(ms)
                        )
                    });
                    select(clock.sleep(ms), pin!(self.0.changes.next())).await;
                }
            }
        }
    }

    fn try_enter(&self, rows: u64, now: f64) -> Result<(), Closed> {
        let state = &self.0;
        let limits = state.limits.get().unwrap_or_default();
        if state.used.get() >= self.limit() {
            return Err(Closed::Writes);
        }
        // What is more than the limit by itself goes by itself.
        let most = limits.max_in_flight_rows.unwrap_or(0);
        if most > 0 && state.used.get() > 0 && state.rows.get().saturating_add(rows) > most {
            return Err(Closed::Rows(most));
        }
        let mut bucket = state.bucket.borrow_mut();
        let rate = limits.max_rows_per_second.unwrap_or(0);
        if bucket.rate() != rate {
            bucket.set_rate(rate, now);
        }
        let wait = bucket.wait_ms(now);
        if wait > 0 {
            return Err(Closed::Rate(wait, rate));
        }
        bucket.take(rows, now);
        state.used.set(state.used.get() + 1);
        state.rows.set(state.rows.get() + rows);
        Ok(())
    }
}

fn say(told: &mut Option<Wait>, waiting: &Waiting, text: impl FnOnce() -> String) {
    match told {
        Some(told) => told.say(text()),
        None => *told = Some(waiting.begin(Rank::Own, text())),
    }
}

/// A write that is under way.
pub(in super::super) struct Pass {
    state: Rc<State>,
    rows: u64,
}

impl Drop for Pass {
    fn drop(&mut self) {
        self.state.used.set(self.state.used.get().saturating_sub(1));
        self.state.rows.set(self.state.rows.get().saturating_sub(self.rows));
        self.state.changes.tell();
    }
}

#[cfg(test)]
mod tests {
    use super::{Gate, Waiting};
    use crate::run::limits::Limits;
    use crate::run::still::Still;
    use futures_util::FutureExt;
    use std::pin::pin;

    fn limits(writes: usize, rate: u64, rows: u64) -> Limits {
        Limits {
            max_concurrent_writes: Some(writes),
            max_rows_per_second: Some(rate),
            max_in_flight_rows: Some(rows),
        }
    }

    #[test]
    fn all_three_limits_hold_and_follow_changes_at_once() {
        let (gate, clock, waiting) = (Gate::new(4), Still::default(), Waiting::default());
        assert!(gate.set(limits(4, 0, 0)) && !gate.set(limits(4, 0, 0)));
        let first = gate.enter(100, &clock, &waiting).now_or_never().unwrap();
        let second = gate.enter(100, &clock, &waiting).now_or_never().unwrap();
        let mut third = pin!(gate.enter(100, &clock, &waiting));
        assert!(third.as_mut().now_or_never().is_none(), "two at once to begin with");
        assert_eq!(waiting.told(), None, "a full house is nothing to speak of");
        gate.set(limits(1, 0, 0));
        drop(first);
        assert!(third.as_mut().now_or_never().is_none(), "one is under way still");
        drop(second);
        let third = third.now_or_never().expect("room");
        gate.set(limits(4, 0, 150));
        let mut fourth = pin!(gate.enter(100, &clock, &waiting));
        // One write at once; then the rows count.
        assert!(fourth.as_mut().now_or_never().is_none());
        gate.0.pace.borrow_mut().set_ceiling(4);
        *gate.0.pace.borrow_mut() = super::Pace::new(4);
        gate.0.changes.tell();
        assert!(fourth.as_mut().now_or_never().is_none());
        assert!(waiting.told().unwrap().contains("100 rows of at most 150"), "{:?}", waiting.told());
        gate.set(limits(4, 0, 200));
        let fourth = fourth.now_or_never().expect("the limit was raised");
        assert_eq!(waiting.told(), None);
        drop((third, fourth));

        gate.set(limits(4, 100, 0));
        drop(gate.enter(1_000, &clock, &waiting).now_or_never().unwrap());
        let mut fifth = pin!(gate.enter(100, &clock, &waiting));
        assert!(fifth.as_mut().now_or_never().is_none());
        assert!(waiting.told().unwrap().contains("100 rows a second"), "{:?}", waiting.told());
        gate.set(limits(4, 1_000, 0));
        assert!(fifth.as_mut().now_or_never().is_none());
        clock.0.set(1_000.0);
        assert!(fifth.now_or_never().is_some());
    }

    #[test]
    fn what_is_larger_than_the_limit_goes_alone() {
        let (gate, clock, waiting) = (Gate::new(4), Still::default(), Waiting::default());
        gate.set(limits(4, 0, 10));
        let large = gate.enter(1_000, &clock, &waiting).now_or_never().expect("alone");
        let mut next = pin!(gate.enter(1, &clock, &waiting));
        assert!(next.as_mut().now_or_never().is_none());
        drop(large);
        assert!(next.now_or_never().is_some());
    }
}
