//! Limits of a run that can be changed while it works.

use serde::{Deserialize, Serialize};

/// Limits that an operator sets in mid-run; they take effect before the next request. None leaves the plan's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Write requests at once at most; at least 1.
    pub max_concurrent_writes: Option<usize>,
    /// Rows a second at most that are sent to the target; 0 for as many as it takes.
    pub max_rows_per_second: Option<u64>,
    /// Rows at most in write requests under way, all together; 0 for no limit of its own.
    pub max_in_flight_rows: Option<u64>,
}
