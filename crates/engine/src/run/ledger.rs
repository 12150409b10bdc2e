//! The ledger: what is done of a run, for those who continue it.
//!
//! It is a log of text lines that only grows ([`line`]), the same in every store, so a copy of it is an export. A slab
//! gets a line when all its writes were acknowledged, or when both sides have it alike; whatever ends a run, the lines
//! that are there are true ([`replay`]), and what has none is done again: what the target has is not written twice.
//!
//! Of overlapping selectors, the first to meet a series migrates it. So a slab's line also tells which selector
//! migrates each series in it: a run that goes on must not have another opinion, or rows that a slab which is done left
//! to another selector would be left to nobody.

mod canary;
mod files;
mod header;
mod keeper;
mod line;
mod noted;
mod replay;
mod slowest;
#[cfg(test)]
mod tests;

pub use files::{export_ledger, forget_ledger, import_ledger, ledger_key, ledger_key_of, ledgers};
pub(super) use keeper::{Ledger, lay};
pub(super) use line::{Copied, Extra, NewSeries, Part};
pub(super) use noted::Noted;
pub(super) use replay::Done;
pub(super) use slowest::Timings;

use super::event::Stage;
use crate::model::{Millis, Window};
use serde::{Deserialize, Serialize};

/// What a ledger holds, in short.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerSummary {
    /// Its key in the store.
    pub key: String,
    /// Where samples are read from, without user name, password and query.
    pub source: String,
    /// Where they are written to, the same way.
    pub target: String,
    /// Target tenant.
    pub tenant: String,
    /// Selector texts, in plan order.
    pub selectors: Vec<String>,
    /// The window.
    pub window: Window,
    /// The stage that was begun last.
    pub stage: Option<Stage>,
    /// Slabs of that stage that are done.
    pub slabs: u64,
    /// Samples and histograms in them.
    pub rows: u64,
    /// Rows that were expected of that stage in all.
    pub expected: u64,
    /// When it was written to last, Unix ms.
    pub updated_ms: Millis,
    /// Whether that stage came to its end: then there is nothing to continue.
    pub finished: bool,
}
