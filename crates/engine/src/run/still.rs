//! A clock for tests of what waits.

use crate::port::Clock;
use futures_util::future::LocalBoxFuture;
use std::cell::Cell;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::Poll;

/// Stands still, at so many ms, until it is moved; sleepers look again when they are polled.
#[derive(Clone, Default)]
pub(super) struct Still(pub Rc<Cell<f64>>);

impl Clock for Still {
    fn now_ms(&self) -> i64 {
        self.0.get() as i64
    }

    fn monotonic_ms(&self) -> f64 {
        self.0.get()
    }

    fn sleep(&self, ms: u64) -> LocalBoxFuture<'static, ()> {
        let (clock, until) = (self.0.clone(), self.0.get() + ms as f64);
        Box::pin(poll_fn(move |_| match clock.get() >= until {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }))
    }
}
