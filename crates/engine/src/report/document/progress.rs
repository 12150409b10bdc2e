//! How a run came along: what was done before it, and what took long.

use crate::model::{Millis, Window};
use serde::{Deserialize, Serialize};

/// What was done before a run by those whose ledger it continues.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Continued {
    /// When the first of them began, Unix ms.
    pub since_ms: Millis,
    /// How many there were.
    pub runs: u64,
    /// Slabs that were done, and are not read again.
    pub slabs: u64,
    /// Samples and histograms in them.
    pub rows: u64,
    /// Time that the runs before took in this stage, in ms.
    pub elapsed_ms: u64,
}

/// How long a slab took.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SlabTiming {
    /// Selector text, of the part of it where it was cut by labels.
    pub selector: String,
    /// The slab, both ends included.
    pub window: Window,
    /// Samples and histograms in it.
    pub rows: u64,
    /// From its first request to its last answer, in ms.
    pub took_ms: u64,
}
