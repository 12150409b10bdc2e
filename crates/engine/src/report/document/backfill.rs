//! What the backfill did.

use super::{Continued, PreflightReport, RunInfo, SlabTiming, Status, VerifyReport};
use crate::model::{Millis, Window};
use crate::plan::SourceKind;
use crate::report::{Balance, Rejection};
use serde::{Deserialize, Serialize};

/// Backfill.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BackfillReport {
    /// `pass` when everything was written and the balance closes.
    pub status: Status,
    /// Source kind.
    pub source_kind: SourceKind,
    /// Window start.
    pub start_ms: Millis,
    /// Window end, included.
    pub end_ms: Millis,
    /// Selectors in the plan.
    pub selector_count: u64,
    /// Different series written.
    pub series_written: u64,
    /// Samples acknowledged.
    pub samples_written: u64,
    /// Native histograms acknowledged.
    pub histograms_written: u64,
    /// Exemplars acknowledged.
    pub exemplars_written: u64,
    /// Metadata entries acknowledged.
    pub metadata_written: u64,
    /// Write requests acknowledged.
    pub write_batches: u64,
    /// Remarks.
    pub notes: Vec<String>,
    /// Whether the operator cancelled.
    pub cancelled: bool,
    /// The balance.
    pub balance: Balance,
    /// What was refused or failed, capped; the balance has the full counts.
    pub rejections: Vec<Rejection>,
    /// How many more rejections there were than are listed.
    pub rejections_omitted: u64,
    /// Requests that were repeated.
    pub retries: u64,
    /// Effective write consistency, if the target is a cluster (`quorum`, 2 of 2 replicas acknowledged, …).
    pub write_consistency: Option<String>,
    /// Issues in one sentence each; empty on pass.
    pub issues: Vec<String>,
    /// Preflight of the same run.
    pub preflight: PreflightReport,
    /// What a ledger says was done before, if one was continued. The counts of the report include it.
    #[serde(default)]
    pub continued: Option<Continued>,
    /// The slowest slabs, slowest first; a few.
    #[serde(default)]
    pub slowest: Vec<SlabTiming>,
    /// Tool and times.
    pub run: RunInfo,
}

/// Repair: the differing parts of a verification, copied and compared once more.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RepairReport {
    /// `pass` when the repaired parts agree now.
    pub status: Status,
    /// Start of the window that was verified.
    pub start_ms: Millis,
    /// Its end, included.
    pub end_ms: Millis,
    /// The parts, one entry a selector that had any.
    pub repaired: Vec<RepairedSelector>,
    /// Samples acknowledged.
    pub samples_written: u64,
    /// Native histograms acknowledged.
    pub histograms_written: u64,
    /// Exemplars acknowledged.
    pub exemplars_written: u64,
    /// Metadata entries acknowledged.
    pub metadata_written: u64,
    /// Write requests acknowledged.
    pub write_batches: u64,
    /// Requests that were repeated.
    pub retries: u64,
    /// The balance of what was written.
    pub balance: Balance,
    /// What was refused or failed, capped; the balance has the full counts.
    pub rejections: Vec<Rejection>,
    /// How many more rejections there were than are listed.
    pub rejections_omitted: u64,
    /// What writing cannot mend (values that differ, rows too many), and what to do; one sentence each.
    pub unrepairable: Vec<String>,
    /// The repaired parts, verified again.
    pub verify: VerifyReport,
    /// Issues in one sentence each; empty on pass.
    pub issues: Vec<String>,
    /// Remarks.
    pub notes: Vec<String>,
    /// Tool and times.
    pub run: RunInfo,
}

/// What was repaired of a selector.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RepairedSelector {
    /// Selector text.
    pub selector: String,
    /// Parts of the window, both ends included.
    pub windows: Vec<Window>,
}
