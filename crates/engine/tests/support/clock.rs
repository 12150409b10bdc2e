//! Time that passes only when nothing else can happen.

use futures_util::future::LocalBoxFuture;
use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use tsink_migrate_engine::port::Clock;

#[derive(Default)]
struct State {
    now_ms: Cell<i64>,
    sleepers: RefCell<Vec<(i64, Waker)>>,
}

/// A clock that is moved by [`block_on`].
#[derive(Clone, Default)]
pub struct VirtualClock(Rc<State>);

impl VirtualClock {
    /// A clock that shows `now_ms`.
    pub fn at(now_ms: i64) -> Self {
        let clock = Self::default();
        clock.0.now_ms.set(now_ms);
        clock
    }

    fn advance(&self) -> bool {
        let next = self.0.sleepers.borrow().iter().map(|(at, _)| *at).min();
        let Some(next) = next else { return false };
        self.0.now_ms.set(self.0.now_ms.get().max(next));
        let mut sleepers = self.0.sleepers.borrow_mut();
        let (due, later): (Vec<_>, Vec<_>) = sleepers.drain(..).partition(|(at, _)| *at <= next);
        *sleepers = later;
        drop(sleepers);
        due.into_iter().for_each(|(_, waker)| waker.wake());
        true
    }
}

impl Clock for VirtualClock {
    fn now_ms(&self) -> i64 {
        self.0.now_ms.get()
    }

    fn monotonic_ms(&self) -> f64 {
        self.0.now_ms.get() as f64
    }

    fn sleep(&self, ms: u64) -> LocalBoxFuture<'static, ()> {
        let state = Rc::clone(&self.0);
        let until = state.now_ms.get() + i64::try_from(ms).unwrap();
        Box::pin(std::future::poll_fn(move |context| {
            if state.now_ms.get() >= until {
                return Poll::Ready(());
            }
            state.sleepers.borrow_mut().push((until, context.waker().clone()));
            Poll::Pending
        }))
    }
}

struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// Runs a future; when it waits, the clock jumps to the next sleeper.
pub fn block_on<T>(clock: &VirtualClock, future: impl Future<Output = T>) -> T {
    block_until(clock, future, || false).unwrap()
}

/// Like [`block_on`]; drops the future, as the end of a process does, as soon as `killed` says so.
pub fn block_until<T>(
    clock: &VirtualClock,
    future: impl Future<Output = T>,
    killed: impl Fn() -> bool,
) -> Option<T> {
    let flag = Arc::new(Flag(AtomicBool::new(true)));
    let waker = Waker::from(flag.clone());
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    let limit = clock.now_ms() + 86_400_000;
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return Some(value);
        }
        if killed() {
            return None;
        }
        if !flag.0.swap(false, Ordering::SeqCst) {
            assert!(clock.advance(), "the run waits for something that never happens");
            assert!(clock.now_ms() < limit, "the run waits for more than a day");
        }
    }
}
