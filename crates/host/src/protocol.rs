//! Messages between the page and its engine worker. They cross as bytes in postcard's format, which are handed over
//! uncopied: [`to_js`] and [`from_js`] on both sides.
//!
//! There is no schema: readers without field names are half the size of others. So page and engine must be of one
//! build, and the engine's first message says which one it is of. Enums are externally tagged: with a tag inside, serde buffers each message and builds every reader a
//! second time for the buffer.

use js_sys::Uint8Array;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use tsink_migrate_engine::gateway::Recipe;
use tsink_migrate_engine::import::{Import, ImportOptions};
use tsink_migrate_engine::plan::{PlanCheck, Redaction, SourceKind};
use tsink_migrate_engine::report::{Recording, Report};
use tsink_migrate_engine::run::{Event, Stage, Undone};
use wasm_bindgen::{JsCast, JsValue};

/// A message as the bytes to post.
///
/// # Errors
/// None for the messages of this module.
pub fn to_js<T: Serialize>(message: &T) -> Result<Uint8Array, postcard::Error> {
    postcard::to_allocvec(message).map(|bytes| Uint8Array::from(bytes.as_slice()))
}

/// The message in what was posted.
///
/// # Errors
/// When it is none.
pub fn from_js<T: DeserializeOwned>(value: &JsValue) -> Result<T, postcard::Error> {
    let bytes = value.dyn_ref::<Uint8Array>().ok_or(postcard::Error::DeserializeBadEncoding)?;
    postcard::from_bytes(&bytes.to_vec())
}

/// Page → worker. Holds secrets: its `Debug` form shows no field.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
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
    /// The files that plans and manifests may name, in the place of those before. Posted as an array: this message,
    /// then one `File` for each path.
    Files {
        /// Relative paths, as they were dropped.
        paths: Vec<String>,
        /// Folders that names in a plan or manifest count from, the most likely first.
        folders: Vec<String>,
    },
    /// Read a recording and say what becomes of it; answered by [`FromEngine::Previewed`] with the same id. A
    /// preview that is still under way ends without an answer.
    Preview {
        /// Chosen by the page; the newest id counts.
        id: u32,
        /// Kind of the payloads.
        kind: SourceKind,
        /// The manifest, one of the files.
        manifest: String,
        /// Target tenant, which OTLP makes a label of.
        tenant: String,
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
        /// `report.json` of earlier jobs that this one goes on from, before what the worker itself remembers of jobs on
        /// the same data.
        given: Vec<String>,
    },
    /// Read a report and write it in every format; answered by [`FromEngine::Rendered`] with the same id.
    Render {
        /// Chosen by the page.
        id: u32,
        /// `report.json`, which may come from a stranger.
        json: String,
        /// What to hide.
        redaction: Redaction,
    },
    /// Read a dashboard or a rules file; answered by [`FromEngine::Imported`] with the same id.
    Import {
        /// Chosen by the page.
        id: u32,
        /// Name of the file.
        name: String,
        /// Its text.
        text: String,
        /// What to put in the place of variables.
        options: ImportOptions,
    },
    /// Take back what was written: a tombstone delete at the target. Answered by [`FromEngine::Undone`]. Refused
    /// while a job runs.
    Undo {
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
        /// What the operator typed.
        confirmation: String,
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
            Self::Files { .. } => "Files { .. }",
            Self::Preview { .. } => "Preview { .. }",
            Self::Start { .. } => "Start { .. }",
            Self::Render { .. } => "Render { .. }",
            Self::Import { .. } => "Import { .. }",
            Self::Undo { .. } => "Undo { .. }",
            Self::Pause => "Pause",
            Self::Resume => "Resume",
            Self::Cancel => "Cancel",
        })
    }
}

/// Worker → page.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FromEngine {
    /// The worker is up. The first variant, with one text, in every build: so that any page can read any engine's.
    Ready {
        /// Build of the engine. A page of another one must not speak to it.
        build: String,
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
    /// How far a preview has come; at most ten a second.
    Scanned {
        /// Id of the question.
        id: u32,
        /// Bytes of the manifest read.
        read_bytes: u64,
        /// Bytes of the manifest.
        bytes: u64,
    },
    /// Answer to [`ToEngine::Preview`].
    Previewed {
        /// Id of the question.
        id: u32,
        /// What the recording holds; none when it cannot be read.
        recording: Option<Box<Recording>>,
        /// Why it cannot be read.
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
        /// `report.html`.
        html: String,
    },
    /// Answer to [`ToEngine::Render`].
    Rendered {
        /// Id of the question.
        id: u32,
        /// The report in every format, or why it is none.
        rendered: Result<Rendered, tsink_migrate_engine::Error>,
    },
    /// Answer to [`ToEngine::Import`].
    Imported {
        /// Id of the question.
        id: u32,
        /// What the file holds, or why nothing.
        import: Result<Import, tsink_migrate_engine::Error>,
    },
    /// Answer to [`ToEngine::Undo`].
    Undone {
        /// What the target did, or why nothing.
        undone: Result<Undone, tsink_migrate_engine::Error>,
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

/// A report in every format.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Rendered {
    /// The report itself, what was to be hidden hidden.
    #[serde(with = "tsink_migrate_engine::report::crossing")]
    pub report: Box<Report>,
    /// `report.json`.
    pub json: String,
    /// `report.md`.
    pub markdown: String,
    /// `report.html`.
    pub html: String,
}
