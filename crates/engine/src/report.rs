//! What a run found out: one document model, rendered as JSON, Markdown and console lines.
//!
//! The JSON has every field of the native `tsink-migrate` 0.10.2 reports under the same name, and more. The
//! other two are for people, and treat every name, value and server message as hostile text.

mod balance;
mod console;
pub mod crossing;
mod document;
mod html;
mod json;
mod markdown;
mod recording;
mod redact;
pub(crate) mod words;

pub use balance::{Balance, BalanceLine, Rejection};
pub use console::console;
pub use document::{
    AgeGroup, BackfillReport, Capabilities, CheckItem, Continued, Coverage, CoverageRow, CutoverReport,
    EndpointCheck, Estimate, Excerpt, ExcerptPoint, ExemplarCheckReport, Explanation, FeatureProbe, Finding,
    FindingKind, Freshness, Level, MetadataCheckReport, MetadataEntry, Note, PROGRESS_POINTS,
    ParityDifference, PreflightReport, ProgressPoint, PromqlCheckReport, RawCheckReport, RecheckReport,
    RepairReport, RepairedSelector, Report, RunInfo, SelectorEstimate, SlabTiming, Status, Undo,
    VerifyReport,
};
pub use html::html;
pub use json::{SCHEMA_VERSION, json, read};
pub use markdown::markdown;
pub use recording::{BadEntry, Flag, FlagGroup, MetricPreview, Recording, RefusalExample, RefusalGroup};
pub use words::{count_of, grouped};

use crate::model::Window;
use crate::run::Stage;

impl Report {
    /// The verdict.
    pub fn status(&self) -> Status {
        match self {
            Self::Preflight(report) => report.status,
            Self::Backfill(report) => report.status,
            Self::Verify(report) => report.status,
            Self::Repair(report) => report.status,
            Self::Cutover(report) => report.status,
        }
    }

    /// The stage that it reports.
    pub fn stage(&self) -> Stage {
        match self {
            Self::Preflight(_) => Stage::Preflight,
            Self::Backfill(_) => Stage::Backfill,
            Self::Verify(_) => Stage::Verify,
            Self::Repair(_) => Stage::Repair,
            Self::Cutover(_) => Stage::Cutover,
        }
    }

    /// The command's name on the command line: `backfill`, `verify`, `repair`, `cutover-check`, or `preflight`.
    pub fn command(&self) -> &'static str {
        match self {
            Self::Preflight(_) => "preflight",
            Self::Backfill(_) => "backfill",
            Self::Verify(_) => "verify",
            Self::Repair(_) => "repair",
            Self::Cutover(_) => "cutover-check",
        }
    }

    /// The window, both ends included.
    pub fn window(&self) -> Window {
        let (start_ms, end_ms) = match self {
            Self::Preflight(report) => (report.start_ms, report.end_ms),
            Self::Backfill(report) => (report.start_ms, report.end_ms),
            Self::Verify(report) => (report.start_ms, report.end_ms),
            Self::Repair(report) => (report.start_ms, report.end_ms),
            Self::Cutover(report) => (report.start_ms, report.end_ms),
        };
        Window { start_ms, end_ms }
    }

    /// Tool, servers and times.
    pub fn run(&self) -> &RunInfo {
        match self {
            Self::Preflight(report) => &report.run,
            Self::Backfill(report) => &report.run,
            Self::Verify(report) => &report.run,
            Self::Repair(report) => &report.run,
            Self::Cutover(report) => &report.run,
        }
    }

    /// Every issue in one sentence. A preflight has no list of its own: its failed endpoints and notes are.
    pub fn issues(&self) -> Vec<String> {
        match self {
            Self::Preflight(report) => report.issues(),
            Self::Backfill(report) => report.issues.clone(),
            Self::Verify(report) => report.issues.clone(),
            Self::Repair(report) => report.issues.clone(),
            Self::Cutover(report) => report.issues.clone(),
        }
    }
}
