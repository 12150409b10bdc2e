//! Waiting for what several share in one thread to change.

use event_listener::Event;
use std::cell::Cell;

/// Wakes whoever waits for a change. A wait that is given up leaves nothing behind: a run asks before every request and
/// every piece of an answer whether it was cancelled, mostly in vain, and there are millions of them.
#[derive(Debug, Default)]
pub(super) struct Changes(Event);

impl Changes {
    /// Something has changed: all who wait look again.
    pub fn tell(&self) {
        self.0.notify(usize::MAX);
    }

    /// Resolves after the next change. What changes before this is polled for the first time goes unnoticed.
    pub async fn next(&self) {
        self.0.listen().await;
    }

    /// Resolves when `reached` is true; it is asked at once, and after each change.
    pub async fn until(&self, reached: impl Fn() -> bool) {
        // One thread: nothing can change between the question and the wait.
        while !reached() {
            self.next().await;
        }
    }

    /// How many wait.
    #[cfg(test)]
    pub fn waiting(&self) -> usize {
        self.0.total_listeners()
    }
}

/// Closed at first, and open for good once it was opened.
#[derive(Debug, Default)]
pub(super) struct Latch {
    is_open: Cell<bool>,
    changes: Changes,
}

impl Latch {
    /// Lets all through who wait, and all who come.
    pub fn open(&self) {
        self.is_open.set(true);
        self.changes.tell();
    }

    /// Whether it is open.
    pub fn is_open(&self) -> bool {
        self.is_open.get()
    }

    /// Resolves when it is open.
    pub async fn opened(&self) {
        self.changes.until(|| self.is_open()).await;
    }
}

#[cfg(test)]
mod tests {
    use super::{Changes, Latch};
    use futures_util::FutureExt;
    use std::cell::Cell;
    use std::pin::pin;

    #[test]
    fn all_who_wait_look_again_and_who_gave_up_leaves_nothing() {
        let (changes, open) = (Changes::default(), Cell::new(0));
        let mut first = pin!(changes.until(|| open.get() > 0));
        let mut second = pin!(changes.until(|| open.get() > 1));
        assert!(first.as_mut().now_or_never().is_none() && second.as_mut().now_or_never().is_none());
        for _ in 0..1_000 {
            assert!(changes.next().now_or_never().is_none());
            assert!(first.as_mut().now_or_never().is_none());
        }
        assert_eq!(changes.waiting(), 2);
        open.set(1);
        changes.tell();
        assert!(first.now_or_never().is_some());
        assert!(second.as_mut().now_or_never().is_none());
        open.set(2);
        changes.tell();
        assert!(second.now_or_never().is_some());
        assert_eq!(changes.waiting(), 0);
        assert!(changes.until(|| true).now_or_never().is_some(), "nothing to wait for");
    }

    #[test]
    fn a_latch_stays_open() {
        let latch = Latch::default();
        let mut early = pin!(latch.opened());
        assert!(early.as_mut().now_or_never().is_none());
        latch.open();
        assert!(early.now_or_never().is_some() && latch.opened().now_or_never().is_some());
    }
}
