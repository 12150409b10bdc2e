//! A counting semaphore for one thread whose limit can change while it is in use.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};

struct State {
    limit: Cell<usize>,
    used: Cell<usize>,
    waiting: RefCell<VecDeque<Waker>>,
}

/// So many may hold a [`Permit`] at once.
#[derive(Clone)]
pub struct Permits(Rc<State>);

impl Permits {
    /// At most `limit` (at least 1) permits.
    pub fn new(limit: usize) -> Self {
        Self(Rc::new(State {
            limit: Cell::new(limit.max(1)),
            used: Cell::new(0),
            waiting: RefCell::new(VecDeque::new()),
        }))
    }

    /// Waits for a permit; dropping it gives it back.
    pub async fn acquire(&self) -> Permit {
        let state = Rc::clone(&self.0);
        poll_fn(|context| {
            if state.used.get() < state.limit.get() {
                state.used.set(state.used.get() + 1);
                return Poll::Ready(());
            }
            state.waiting.borrow_mut().push_back(context.waker().clone());
            Poll::Pending
        })
        .await;
        Permit(state)
    }

    /// Permits in use.
    #[cfg(test)]
    pub fn used(&self) -> usize {
        self.0.used.get()
    }

    /// The limit.
    pub fn limit(&self) -> usize {
        self.0.limit.get()
    }

    /// Changes the limit (at least 1); permits that are out stay out.
    pub fn set_limit(&self, limit: usize) {
        self.0.limit.set(limit.max(1));
        // Whoever cannot go on queues again.
        for waker in self.0.waiting.take() {
            waker.wake();
        }
    }
}

/// One permit.
pub struct Permit(Rc<State>);

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.used.set(self.0.used.get().saturating_sub(1));
        // All are woken, not one: a waiter may have been dropped, and its wake-up would be lost with it.
        for waker in self.0.waiting.take() {
            waker.wake();
        }
    }
}

/// Adapts a limit to what the target bears: halves on refusal, rises by one after a run of successes.
#[derive(Clone, Debug)]
pub struct Aimd {
    ceiling: usize,
    successes: usize,
}

impl Aimd {
    /// Successes in a row before the limit rises by one.
    const RISE_AFTER: usize = 16;

    /// An adaptation below `ceiling`.
    pub fn new(ceiling: usize) -> Self {
        Self { ceiling: ceiling.max(1), successes: 0 }
    }

    /// The limit after a refusal (429, 503).
    pub fn refused(&mut self, limit: usize) -> usize {
        self.successes = 0;
        (limit / 2).max(1)
    }

    /// The limit after a success.
    pub fn succeeded(&mut self, limit: usize) -> usize {
        self.successes += 1;
        if self.successes >= Self::RISE_AFTER && limit < self.ceiling {
            self.successes = 0;
            limit + 1
        } else {
            limit
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Aimd, Permits};
    use futures_util::FutureExt;

    #[test]
    fn no_more_than_the_limit_at_once_and_dropping_gives_back() {
        let permits = Permits::new(1);
        let first = permits.acquire().now_or_never();
        assert!(first.is_some());
        assert!(permits.acquire().now_or_never().is_none());
        permits.set_limit(2);
        let second = permits.acquire().now_or_never();
        assert!(second.is_some());
        drop(first);
        drop(second);
        assert_eq!(permits.used(), 0);
    }

    #[test]
    fn halves_on_refusal_and_rises_slowly() {
        let mut aimd = Aimd::new(4);
        assert_eq!(aimd.refused(4), 2);
        assert_eq!(aimd.refused(1), 1);
        let mut limit = 1;
        for _ in 0..16 * 5 {
            limit = aimd.succeeded(limit);
        }
        assert_eq!(limit, 4);
    }
}
