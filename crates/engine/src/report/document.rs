//! The document model. Times are Unix ms, durations ms, counts samples unless a field says otherwise.
//!
//! It crosses to the page in postcard's format, which has no field names: no field may be left out or flattened
//! (`skip_serializing_if`, `flatten`). What came later has `default`, so that older files can be read.

mod backfill;
mod cutover;
mod preflight;
mod progress;
mod verify;

pub use backfill::{BackfillReport, RepairReport, RepairedSelector};
pub use cutover::{
    AgeGroup, CheckItem, CutoverReport, Explanation, FeatureProbe, Freshness, ParityDifference,
    PromqlCheckReport, Undo,
};
pub use preflight::{Capabilities, EndpointCheck, Estimate, PreflightReport, SelectorEstimate};
pub use progress::{Continued, SlabTiming};
pub use verify::{
    Coverage, CoverageRow, Excerpt, ExcerptPoint, ExemplarCheckReport, Finding, FindingKind,
    MetadataCheckReport, MetadataEntry, RawCheckReport, RecheckReport, VerifyReport,
};

use crate::model::Millis;
use serde::{Deserialize, Serialize};

/// A report of one command.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum Report {
    /// Preflight only (`dry_run`).
    Preflight(PreflightReport),
    /// Backfill.
    Backfill(BackfillReport),
    /// Verify.
    Verify(VerifyReport),
    /// Repair of what a verification found.
    Repair(RepairReport),
    /// Cutover check; the native reports call it `cutover`.
    Cutover(CutoverReport),
}

/// Verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Everything holds.
    Pass,
    /// At least one issue.
    Fail,
}

/// Which tool ran, and when.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RunInfo {
    /// `tsink-migrate (wasm)` and version.
    pub tool: String,
    /// Version of this tool.
    pub version: String,
    /// Start of the run.
    pub started_ms: Millis,
    /// End of the run.
    pub finished_ms: Millis,
    /// Active duration in ms by the monotonic clock, pauses included.
    pub duration_ms: u64,
    /// Redacted URL of the source.
    pub source: String,
    /// Redacted URL of the target.
    pub target: String,
    /// Target tenant.
    pub tenant: String,
    /// Selectors of the plan.
    #[serde(default)]
    pub selectors: Vec<String>,
    /// How the work went on over time; at most [`PROGRESS_POINTS`] points.
    #[serde(default)]
    pub progress: Vec<ProgressPoint>,
}

/// Points of [`RunInfo::progress`] at most: neighbours are put together beyond.
pub const PROGRESS_POINTS: usize = 120;

/// Where a stage stood at a time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ProgressPoint {
    /// Since the stage began, in ms.
    pub elapsed_ms: u64,
    /// Rows done (written, compared) by then.
    pub done: u64,
    /// Rows read by then, of both sides where both are read.
    pub read: u64,
    /// Rows a second since the point before.
    pub rate: f64,
    /// Write requests under way.
    pub in_flight: u64,
}

/// How bad a preflight row or note is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Fine.
    Ok,
    /// For information.
    Info,
    /// The run can go on; read it.
    Warn,
    /// The run must not start.
    Fail,
}

/// A remark with a level and what to do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Note {
    /// How bad.
    pub level: Level,
    /// A short code for programs, e.g. `retention`, `metadata_skipped`.
    pub code: String,
    /// What.
    pub message: String,
    /// What to do; may be empty.
    pub remedy: String,
}
