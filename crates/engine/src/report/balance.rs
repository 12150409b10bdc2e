//! What became of every row.

use crate::error::Error;
use crate::model::Millis;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One line of the balance (invariant 6): `read = written + already_there + rejected + deduplicated + outside_window`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct BalanceLine {
    /// Read from the source.
    pub read: u64,
    /// Acknowledged by the target.
    pub written: u64,
    /// In the target before, from an earlier run or otherwise; not written again.
    #[serde(default)]
    pub already_there: u64,
    /// Refused by the target, or never acknowledged, by reason.
    pub rejected: BTreeMap<String, u64>,
    /// Read twice (overlapping selectors, repeated samples), written once.
    pub deduplicated: u64,
    /// Sent by the source although outside the window; not written.
    pub outside_window: u64,
}

impl BalanceLine {
    /// Sum of all rejections.
    pub fn rejected_total(&self) -> u64 {
        self.rejected.values().sum()
    }

    /// What nobody can account for; 0 when the balance closes.
    pub fn unaccounted(&self) -> i128 {
        i128::from(self.read)
            - i128::from(self.written)
            - i128::from(self.already_there)
            - i128::from(self.rejected_total())
            - i128::from(self.deduplicated)
            - i128::from(self.outside_window)
    }
}

/// The balance of a backfill.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Balance {
    /// Float samples.
    pub samples: BalanceLine,
    /// Native histograms.
    pub histograms: BalanceLine,
    /// Exemplars.
    pub exemplars: BalanceLine,
    /// Metadata entries.
    pub metadata: BalanceLine,
    /// Whether every line closes.
    pub closes: bool,
}

/// Something the target refused, or a slab that could not be read or written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rejection {
    /// A short reason, the key in the balance (`retention`, `bad_request`, `read_failed`, …).
    pub reason: String,
    /// Selector, if one is concerned.
    pub selector: Option<String>,
    /// Series of a refused batch, at most a few.
    pub series: Vec<String>,
    /// Samples, histograms, exemplars or metadata entries concerned; 0 when unknown (a failed read).
    pub rows: u64,
    /// First ms concerned.
    pub first_ms: Option<Millis>,
    /// Last ms concerned.
    pub last_ms: Option<Millis>,
    /// The failure with its remedy.
    pub error: Error,
}
