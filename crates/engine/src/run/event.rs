//! What a run says while it works.

use super::limits::Limits;
use crate::error::{Error, Side};
use crate::model::{Millis, Window};
use crate::report::{
    Balance, Continued, EndpointCheck, ExemplarCheckReport, MetadataCheckReport, PreflightReport,
    PromqlCheckReport, RawCheckReport, Report, SlabTiming,
};
use serde::{Deserialize, Serialize};

/// Stages in the order of the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Ask both servers.
    Preflight,
    /// Copy.
    Backfill,
    /// Compare.
    Verify,
    /// Copy what a comparison found missing, and compare that again.
    Repair,
    /// Capabilities and PromQL parity.
    Cutover,
}

/// State of a selector × time cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SlabState {
    /// To do.
    Todo,
    /// Being read, written or compared.
    InFlight,
    /// Done: written and acknowledged, or there already, or compared and equal.
    Done,
    /// Nothing at the source (nor, in verify, at the target).
    Empty,
    /// Something was refused, failed or differs.
    Failed,
}

/// How loud a notice is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoticeLevel {
    /// Information.
    Info,
    /// Slowed down, retried.
    Warn,
    /// Something is lost or failed.
    Error,
}

/// Where a stage stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// Stage.
    pub stage: Stage,
    /// Rows (or steps, see `unit`) done.
    pub done: u64,
    /// Expected total; corrected as slabs complete.
    pub total: u64,
    /// `samples`, `checks` or `queries`.
    pub unit: String,
    /// 0 to 1; never falls within a stage.
    pub fraction: f64,
    /// Units per second over the last few seconds.
    pub rate: f64,
    /// Expected time left in ms; none until there is a rate.
    pub eta_ms: Option<u64>,
    /// Time since the stage began, in ms.
    pub elapsed_ms: u64,
    /// Rows read so far.
    pub read: u64,
    /// Rows written so far.
    pub written: u64,
    /// Write requests under way.
    pub in_flight: u64,
    /// Why it waits, when it waits: paused, the target is busy, a retry in so many ms.
    pub waiting: Option<String>,
}

/// An event. Events are for the surface; the report does not depend on them.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// A stage begins.
    StageStarted {
        /// Stage.
        stage: Stage,
    },
    /// A stage ended; `ok` is its verdict.
    StageFinished {
        /// Stage.
        stage: Stage,
        /// Whether it passed.
        ok: bool,
    },
    /// An endpoint was checked.
    Endpoint {
        /// Row of the preflight table.
        check: EndpointCheck,
    },
    /// The preflight is complete.
    Preflight {
        /// Its report.
        report: Box<PreflightReport>,
    },
    /// Progress; at most about ten a second.
    Progress {
        /// Where the stage stands.
        progress: Progress,
    },
    /// The slabs of a stage: one row a selector.
    Slabs {
        /// Stage.
        stage: Stage,
        /// Selector texts, in plan order.
        selectors: Vec<String>,
        /// Slab windows of each selector.
        slabs: Vec<Vec<Window>>,
    },
    /// A slab changed its state.
    Slab {
        /// Stage.
        stage: Stage,
        /// Selector, by index.
        selector: usize,
        /// Slab, by index in the selector's row.
        slab: usize,
        /// New state.
        state: SlabState,
        /// Rows in it, once known.
        rows: u64,
    },
    /// The slabs of a row were cut anew; those that were begun keep their index, the ones behind them are new.
    Recut {
        /// Stage.
        stage: Stage,
        /// Row, by index.
        selector: usize,
        /// All slab windows of the row.
        slabs: Vec<Window>,
    },
    /// A ledger is continued: what it holds is done.
    Continued {
        /// Stage.
        stage: Stage,
        /// What was done before.
        continued: Continued,
    },
    /// A ledger is there, or was to be, and is not continued; why, in one sentence.
    NotContinued {
        /// Stage.
        stage: Stage,
        /// Why, and what that means.
        reason: String,
    },
    /// No ledger can be kept any more: once broken off, the run cannot be continued. A notice says the same.
    Unkept {
        /// Why, and what that means.
        reason: String,
    },
    /// The slowest slabs of a stage so far, slowest first; a few.
    Slowest {
        /// Stage.
        stage: Stage,
        /// The slabs.
        slabs: Vec<SlabTiming>,
    },
    /// A server refuses the token it took before: the run is held until [`Control::renew`](super::Control::renew)
    /// or a cancel.
    Ask {
        /// Which server.
        side: Side,
        /// What it said.
        error: Error,
    },
    /// New header values have come, and the run goes on.
    Renewed,
    /// The limits in force: the plan's, or what the operator set.
    Limits {
        /// All of them are there.
        limits: Limits,
    },
    /// The balance so far.
    Balance {
        /// Balance.
        balance: Balance,
    },
    /// A raw check is complete.
    RawCheck {
        /// Its result.
        check: RawCheckReport,
    },
    /// A metadata check is complete.
    MetadataCheck {
        /// Its result.
        check: MetadataCheckReport,
    },
    /// An exemplar check is complete.
    ExemplarCheck {
        /// Its result.
        check: ExemplarCheckReport,
    },
    /// A parity check is complete.
    PromqlCheck {
        /// Its result.
        check: PromqlCheckReport,
    },
    /// A stage's report is complete.
    Report {
        /// The report.
        #[serde(with = "crate::report::crossing")]
        report: Box<Report>,
    },
    /// Something worth a line in the log.
    Notice {
        /// Unix ms.
        at_ms: Millis,
        /// How loud.
        level: NoticeLevel,
        /// HTTP status or another short tag; may be empty.
        tag: String,
        /// The line.
        message: String,
    },
}
