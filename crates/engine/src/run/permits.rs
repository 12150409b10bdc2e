//! A counting semaphore for one thread.

use super::changes::Changes;
use std::cell::Cell;
use std::rc::Rc;

struct State {
    limit: Cell<usize>,
    used: Cell<usize>,
    changes: Changes,
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
            changes: Changes::default(),
        }))
    }

    /// Waits for a permit; dropping it gives it back.
    pub async fn acquire(&self) -> Permit {
        let state = Rc::clone(&self.0);
        state.changes.until(|| state.used.get() < state.limit.get()).await;
        state.used.set(state.used.get() + 1);
        Permit(state)
    }

    /// From now on at most `limit` (at least 1). Permits that are held are kept.
    pub fn set_limit(&self, limit: usize) {
        self.0.limit.set(limit.max(1));
        self.0.changes.tell();
    }
}

/// One permit.
pub struct Permit(Rc<State>);

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.used.set(self.0.used.get().saturating_sub(1));
        self.0.changes.tell();
    }
}

#[cfg(test)]
mod tests {
    use super::Permits;
    use futures_util::FutureExt;

    #[test]
    fn no_more_than_the_limit_at_once_and_dropping_gives_back() {
        let permits = Permits::new(2);
        let first = permits.acquire().now_or_never();
        let second = permits.acquire().now_or_never();
        assert!(first.is_some() && second.is_some());
        assert!(permits.acquire().now_or_never().is_none());
        drop(first);
        assert!(permits.acquire().now_or_never().is_some());
        permits.set_limit(1);
        assert!(permits.acquire().now_or_never().is_none(), "one is held still");
        permits.set_limit(2);
        assert!(permits.acquire().now_or_never().is_some());
        drop(second);
        assert_eq!(permits.0.used.get(), 0);
    }
}
