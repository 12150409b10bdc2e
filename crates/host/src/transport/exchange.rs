//! One request and its answer, from sending to the body's last byte: its timeout, and how to abort it.

use super::failure;
use gloo_timers::callback::Timeout;
use std::cell::Cell;
use std::rc::Rc;
use tsink_migrate_engine::port::TransportError;
use web_sys::{AbortController, AbortSignal};

/// Aborts its request when it is dropped before [`Exchange::complete`], or when the time is up.
pub(super) struct Exchange {
    controller: AbortController,
    timer: Option<Timeout>,
    after_ms: u64,
    timed_out: Rc<Cell<bool>>,
}

impl Exchange {
    pub(super) fn begin(timeout_ms: u64) -> Result<Self, TransportError> {
        let controller = AbortController::new().map_err(|error| failure::before_head(&error))?;
        let timed_out = Rc::new(Cell::new(false));
        // `setTimeout` takes a signed 32-bit number and fires at once above that.
        let wait = timeout_ms.min(i32::MAX as u64) as u32;
        let timer = Timeout::new(wait, {
            let (controller, timed_out) = (controller.clone(), timed_out.clone());
            move || {
                timed_out.set(true);
                controller.abort();
            }
        });
        Ok(Self { controller, timer: Some(timer), after_ms: timeout_ms, timed_out })
    }

    pub(super) fn signal(&self) -> AbortSignal {
        self.controller.signal()
    }

    /// The error to report instead of the host's, when it was our timer that aborted.
    pub(super) fn timed_out(&self) -> Option<TransportError> {
        self.timed_out.get().then_some(TransportError::Timeout { after_ms: self.after_ms })
    }

    /// The last byte is there: nothing to abort any more.
    pub(super) fn complete(&mut self) {
        self.timer = None;
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        if self.timer.take().is_some() {
            self.controller.abort();
        }
    }
}
