//! Pause, resume, cancel, new limits and new tokens: shared between a run and whoever started it.

use super::changes::Changes;
use super::limits::Limits;
use crate::port::Secret;
use std::cell::{Cell, RefCell};
use std::rc::Rc;

#[derive(Default)]
struct State {
    paused: Cell<bool>,
    cancelled: Cell<bool>,
    declined: Cell<bool>,
    limits: Cell<Limits>,
    renewed: RefCell<Option<Renewed>>,
    changes: Changes,
}

/// Headers that an operator gives in mid-run, in the place of those of the plan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Renewed {
    /// Sent with every request to the source.
    pub source: Vec<(String, Secret)>,
    /// Sent with every request to the target.
    pub target: Vec<(String, Secret)>,
    /// Counts the renewals of a run, from 1.
    pub edition: u32,
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
        self.0.changes.tell();
    }

    /// Lets a held run go on.
    pub fn resume(&self) {
        self.0.paused.set(false);
        self.0.changes.tell();
    }

    /// Ends the run; what was written stays, and the report says what is missing.
    pub fn cancel(&self) {
        self.0.cancelled.set(true);
        self.0.changes.tell();
    }

    /// Changes the limits; what is under way is not taken back.
    pub fn set_limits(&self, limits: Limits) {
        self.0.limits.set(limits);
        self.0.changes.tell();
    }

    /// The limits that were set last.
    pub fn limits(&self) -> Limits {
        self.0.limits.get()
    }

    /// Gives new header values for both sides, when a token has expired say.
    pub fn renew(&self, source: Vec<(String, Secret)>, target: Vec<(String, Secret)>) {
        let edition = self.0.renewed.borrow().as_ref().map_or(0, |before| before.edition) + 1;
        *self.0.renewed.borrow_mut() = Some(Renewed { source, target, edition });
        self.0.changes.tell();
    }

    /// The header values that were given last, if any were.
    pub fn renewed(&self) -> Option<Renewed> {
        self.0.renewed.borrow().clone()
    }

    /// How often header values were given; 0 while those of the plan are in force.
    pub fn edition(&self) -> u32 {
        self.0.renewed.borrow().as_ref().map_or(0, |renewed| renewed.edition)
    }

    /// Says that nobody here can give new header values: whatever asks for them, now or later, fails instead.
    pub fn decline(&self) {
        self.0.declined.set(true);
        self.0.changes.tell();
    }

    /// Whether nobody can give new header values.
    pub fn is_declined(&self) -> bool {
        self.0.declined.get()
    }

    /// Resolves when header values newer than `edition` are there, when nobody can give any, or when the run is
    /// cancelled.
    pub async fn renewed_after(&self, edition: u32) {
        self.wait_until(|state| {
            state.cancelled.get()
                || state.declined.get()
                || state.renewed.borrow().as_ref().is_some_and(|renewed| renewed.edition > edition)
        })
        .await;
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

    /// Resolves when the limits that were set last are others than these.
    pub(super) async fn limits_other_than(&self, known: Limits) {
        self.wait_until(|state| state.limits.get() != known).await;
    }

    async fn wait_until(&self, reached: impl Fn(&State) -> bool) {
        self.0.changes.until(|| reached(&self.0)).await;
    }
}
