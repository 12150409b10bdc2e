//! Pause, resume, cancel: shared between a run and whoever started it.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};

#[derive(Default)]
struct State {
    paused: Cell<bool>,
    cancelled: Cell<bool>,
    wakers: RefCell<Vec<Waker>>,
}

/// A handle on a run; clones share one state. Takes effect before the next request; what is on its way
/// completes (pause) or is aborted (cancel).
#[derive(Clone, Default)]
pub struct Control(Rc<State>);

impl Control {
    /// A run that may go on.
    pub fn new() -> Self {
        Self::default()
    }

    /// Holds the run before its next request.
    pub fn pause(&self) {
        self.0.paused.set(true);
        self.wake();
    }

    /// Lets a held run go on.
    pub fn resume(&self) {
        self.0.paused.set(false);
        self.wake();
    }

    /// Ends the run; what was written stays, and the report says what is missing.
    pub fn cancel(&self) {
        self.0.cancelled.set(true);
        self.wake();
    }

    /// Whether the run is held.
    pub fn is_paused(&self) -> bool {
        self.0.paused.get()
    }

    /// Whether the run is to end.
    pub fn is_cancelled(&self) -> bool {
        self.0.cancelled.get()
    }

    /// Resolves at once unless the run is held; then when it is resumed or cancelled.
    pub async fn ready(&self) {
        self.wait_until(|state| !state.paused.get() || state.cancelled.get()).await;
    }

    /// Resolves when the run is cancelled.
    pub async fn cancelled(&self) {
        self.wait_until(|state| state.cancelled.get()).await;
    }

    async fn wait_until(&self, reached: impl Fn(&State) -> bool) {
        poll_fn(|context| {
            if reached(&self.0) {
                return Poll::Ready(());
            }
            self.0.wakers.borrow_mut().push(context.waker().clone());
            Poll::Pending
        })
        .await;
    }

    fn wake(&self) {
        for waker in self.0.wakers.take() {
            waker.wake();
        }
    }
}
