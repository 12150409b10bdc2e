//! Flow control: when a request may go, how many at once, and what is said while none goes.
//!
//! Each decision is a small machine of its own with time as an argument: [`pace`] finds out how many writes at once
//! pay, [`climb`] the same of questions, [`bucket`] keeps to a number of rows a second, [`breaker`] holds a run whose server is gone. [`gate`] is where
//! writes wait for the first two, and [`waiting`] is what the surface is told.

mod breaker;
mod bucket;
mod climb;
mod gate;
mod pace;
mod waiting;

pub(super) use breaker::{Breaker, Turn, is_unavailable};
pub(super) use climb::Climb;
pub(super) use gate::{Gate, Pass};
pub(super) use waiting::{Rank, Wait, Waiting};

use super::context::Run;
use super::event::Event;
use super::http::cancelled;
use super::limits::Limits;
use crate::error::Result;
use futures_util::future::{Either, select};
use std::pin::pin;

/// Writes at once that an operator can ask for: what tsink 0.10.2 admits.
const MAX_WRITES: usize = 64;

impl Run {
    /// Puts the limits into force that the operator set last, or the plan's, and says so when they have changed.
    pub fn follow_limits(&self) {
        let asked = self.control.limits();
        self.asked.set(asked);
        let plan = &self.plan.options;
        let limits = Limits {
            max_concurrent_writes: Some(
                asked.max_concurrent_writes.unwrap_or(plan.max_concurrent_writes).clamp(1, MAX_WRITES),
            ),
            max_rows_per_second: Some(asked.max_rows_per_second.unwrap_or(plan.max_rows_per_second)),
            max_in_flight_rows: Some(asked.max_in_flight_rows.unwrap_or(plan.max_in_flight_rows)),
        };
        if self.gate.set(limits) {
            self.emit(Event::Limits { limits });
        }
    }

    /// Waits until a write of so many rows may go. Dropping what it gives makes room for the next one.
    ///
    /// # Errors
    /// When the operator cancels.
    pub async fn enter(&self, rows: u64) -> Result<Pass> {
        let entered = pin!(self.gate.enter(rows, &*self.ports.clock, &self.waiting));
        match select(entered, pin!(self.control.cancelled())).await {
            Either::Left((pass, _)) => Ok(pass),
            Either::Right(_) => Err(cancelled()),
        }
    }
}
