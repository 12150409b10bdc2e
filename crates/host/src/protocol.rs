//! Messages between the page and its engine worker. They cross as structured clones (serde-wasm-bindgen).

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use tsink_migrate_engine::plan::PlanCheck;
use tsink_migrate_engine::run::{Event, Stage};

/// Page → worker.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ToEngine {
    /// Check a plan; answered by [`FromEngine::Checked`] with the same id.
    Check {
        /// Chosen by the page; the newest id counts.
        id: u32,
        /// Plan text.
        text: String,
        /// URL of the page, which relative URLs resolve against.
        base: String,
        /// Values for `${NAME}` in header values.
        secrets: BTreeMap<String, String>,
        /// Start of the window as typed (ms, RFC 3339, date, relative).
        start: String,
        /// End of the window as typed.
        end: String,
    },
    /// Start a job. Refused with [`FromEngine::Failed`] while another runs.
    Start {
        /// Plan text.
        text: String,
        /// URL of the page.
        base: String,
        /// Values for `${NAME}` in header values.
        secrets: BTreeMap<String, String>,
        /// Start of the window as typed.
        start: String,
        /// End of the window as typed.
        end: String,
        /// Stages in order.
        stages: Vec<Stage>,
    },
    /// Hold the run.
    Pause,
    /// Go on.
    Resume,
    /// End the run.
    Cancel,
}

/// Worker → page.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum FromEngine {
    /// The worker is up.
    Ready {
        /// Version of the engine.
        version: String,
    },
    /// Answer to [`ToEngine::Check`].
    Checked {
        /// Id of the question.
        id: u32,
        /// Diagnostics and a summary of the plan.
        check: Box<PlanCheck>,
    },
    /// The run says something: what came up since the last such message, in order.
    Events {
        /// What.
        events: Vec<Event>,
    },
    /// A stage's report, rendered for download. Comes after its `Event::Report`.
    Artifacts {
        /// Stage whose report it is.
        stage: Stage,
        /// `report.json`.
        json: String,
        /// `report.md`.
        markdown: String,
    },
    /// The job ended with all its reports delivered.
    Finished {
        /// Whether every stage passed.
        ok: bool,
    },
    /// The job broke down, or was cancelled outside a backfill.
    Failed {
        /// Why, and what to do.
        error: tsink_migrate_engine::Error,
    },
}
