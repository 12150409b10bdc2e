//! Why requests wait at present.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

/// What weighs more is told first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in super::super) enum Rank {
    /// The run keeps to a limit, or to its own work.
    Own,
    /// A server is busy, or failed: one request waits for its next attempt.
    Retry,
    /// A server is gone: everything waits for it.
    Held,
}

#[derive(Debug, Default)]
struct State {
    next: Cell<u64>,
    reasons: RefCell<Vec<(Rank, u64, String)>>,
}

/// All reasons that there are now.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct Waiting(Rc<State>);

impl Waiting {
    /// Gives a reason, which holds until what it gives is dropped.
    pub fn begin(&self, rank: Rank, text: String) -> Wait {
        let number = self.0.next.get();
        self.0.next.set(number + 1);
        self.0.reasons.borrow_mut().push((rank, number, text));
        Wait { all: Rc::clone(&self.0), number }
    }

    /// The reason to tell: the newest of those that weigh most.
    pub fn told(&self) -> Option<String> {
        let reasons = self.0.reasons.borrow();
        reasons.iter().max_by_key(|(rank, number, _)| (*rank, *number)).map(|(_, _, text)| text.clone())
    }
}

/// A reason that holds.
#[derive(Debug)]
pub(in super::super) struct Wait {
    all: Rc<State>,
    number: u64,
}

impl Wait {
    /// Says it in other words.
    pub fn say(&self, text: String) {
        let mut reasons = self.all.reasons.borrow_mut();
        if let Some(own) = reasons.iter_mut().find(|(_, number, _)| *number == self.number) {
            own.2 = text;
        }
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        self.all.reasons.borrow_mut().retain(|(_, number, _)| *number != self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::{Rank, Waiting};

    #[test]
    fn the_weightiest_reason_is_told_and_goes_with_its_guard() {
        let waiting = Waiting::default();
        assert_eq!(waiting.told(), None);
        let held = waiting.begin(Rank::Held, "gone".to_owned());
        let own = waiting.begin(Rank::Own, "rate".to_owned());
        assert_eq!(waiting.told().as_deref(), Some("gone"));
        held.say("still gone".to_owned());
        assert_eq!(waiting.told().as_deref(), Some("still gone"));
        drop(held);
        assert_eq!(waiting.told().as_deref(), Some("rate"));
        drop(own);
        assert_eq!(waiting.told(), None);
    }
}
