//! Messages between the page and its engine worker. They cross as structured clones of plain objects, whose
//! numbers are JavaScript numbers: [`to_js`] and [`from_js`] on both sides.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_wasm_bindgen::{Error, Serializer};
use std::collections::BTreeMap;
use std::fmt;
use tsink_migrate_engine::gateway::Recipe;
use tsink_migrate_engine::plan::PlanCheck;
use tsink_migrate_engine::run::{Event, Stage};
use wasm_bindgen::JsValue;

/// A message as the value to post.
///
/// # Errors
/// None for the messages of this module.
pub fn to_js<T: Serialize>(message: &T) -> Result<JsValue, Error> {
    const PLAIN: Serializer = Serializer::json_compatible();
    message.serialize(&PLAIN).or_else(|_| {
        // A 64-bit number that a JavaScript number cannot hold; BigInts can, and are read back as well.
        message.serialize(&PLAIN.serialize_large_number_types_as_bigints(true))
    })
}

/// The message in a posted value.
///
/// # Errors
/// When it is not a message of this version, e.g. when page and worker are of different builds.
pub fn from_js<T: DeserializeOwned>(value: JsValue) -> Result<T, Error> {
    serde_wasm_bindgen::from_value(value)
}

/// Page → worker. Holds secrets: its `Debug` form shows no field.
#[derive(Clone, Serialize, Deserialize)]
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
    /// Write gateway recipes for a plan; answered by [`FromEngine::Recipes`].
    Recipes {
        /// Plan text.
        text: String,
        /// URL of the page.
        base: String,
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

impl fmt::Debug for ToEngine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Check { .. } => "Check { .. }",
            Self::Recipes { .. } => "Recipes { .. }",
            Self::Start { .. } => "Start { .. }",
            Self::Pause => "Pause",
            Self::Resume => "Resume",
            Self::Cancel => "Cancel",
        })
    }
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
    /// Answer to [`ToEngine::Recipes`].
    Recipes {
        /// Recipes; none when the plan has an error.
        recipes: Vec<Recipe>,
        /// Why there can be none for a valid plan.
        error: Option<tsink_migrate_engine::Error>,
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
