//! Messages between the page and its engine worker. They cross as bytes in postcard's format, which are handed over
//! uncopied: [`to_js`] and [`from_js`] on both sides.
//!
//! There is no schema: readers without field names are half the size of others. So page and engine must be of one
//! build, and the engine's first message says which one it is of. Enums are externally tagged: with a tag inside, serde buffers each message and builds every reader a
//! second time for the buffer.

use crate::parcels::Parcel;
use js_sys::Uint8Array;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use tsink_migrate_engine::gateway::Recipe;
use tsink_migrate_engine::import::{Import, ImportOptions};
use tsink_migrate_engine::plan::{PlanCheck, Redaction, SourceKind};
use tsink_migrate_engine::report::{Recording, Report};
use tsink_migrate_engine::run::{Event, LedgerSummary, Limits, Stage, Undone};
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
        /// Whether to begin anew although a ledger could be continued.
        fresh: bool,
    },
    /// Read a report and write it in every format; answered by [`FromEngine::Rendered`] with the same id. Posted as an
    /// array: this message, then a `Blob` with `report.json`, which may be large and come from a stranger.
    Render {
        /// Chosen by the page.
        id: u32,
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
    /// Change the limits of the run.
    Limits {
        /// New ones, in the place of those set before.
        limits: Limits,
    },
    /// Give new header values to the run, after [`Event::Ask`]; of the plan only its headers count.
    Renew {
        /// Plan text.
        text: String,
        /// URL of the page.
        base: String,
        /// Values for `${NAME}` in header values.
        secrets: BTreeMap<String, String>,
    },
    /// What ledgers there are; answered by [`FromEngine::Ledgers`].
    Ledgers,
    /// A ledger as a file; answered by [`FromEngine::Ledger`].
    ExportLedger {
        /// As in [`LedgerSummary`].
        key: String,
    },
    /// Take a ledger from a file; answered by [`FromEngine::Ledgers`].
    ImportLedger {
        /// Text of the file, which may come from a stranger.
        text: String,
    },
    /// Forget a ledger; answered by [`FromEngine::Ledgers`].
    ForgetLedger {
        /// As in [`LedgerSummary`].
        key: String,
    },
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
            Self::Limits { .. } => "Limits { .. }",
            Self::Renew { .. } => "Renew { .. }",
            Self::Ledgers => "Ledgers",
            Self::ExportLedger { .. } => "ExportLedger { .. }",
            Self::ImportLedger { .. } => "ImportLedger { .. }",
            Self::ForgetLedger { .. } => "ForgetLedger { .. }",
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
    /// Findings of the report that comes next, in an `Event::Report` or [`FromEngine::Rendered`] without them.
    Findings {
        /// Some of them; see [`parcels`](crate::parcels).
        parcel: Parcel,
    },
    /// A stage's report, rendered for download. Comes after its `Event::Report`. Posted as an array: this message,
    /// then `report.json`, `report.md` and `report.html`, a `Blob` each: they may be large, and the page hands them on.
    Artifacts {
        /// Stage whose report it is.
        stage: Stage,
        /// What the text of `report.json` is like.
        print: Print,
    },
    /// Answer to [`ToEngine::Render`]. Posted as [`FromEngine::Artifacts`] is, where there is a report; its findings
    /// go ahead.
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
    /// Ledgers that are kept, the newest first. Comes unasked as well, when another tab has let one go.
    Ledgers {
        /// Whether it is an answer.
        asked: bool,
        /// What they hold.
        ledgers: Vec<LedgerSummary>,
        /// Keys of those that another tab works on now.
        elsewhere: Vec<String>,
        /// Why the last of [`ToEngine::Ledgers`], [`ToEngine::ImportLedger`] or [`ToEngine::ForgetLedger`] did not work.
        error: Option<tsink_migrate_engine::Error>,
    },
    /// Answer to [`ToEngine::ExportLedger`].
    Ledger {
        /// As asked for.
        key: String,
        /// Text of the file, or why there is none.
        text: Result<String, tsink_migrate_engine::Error>,
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

/// A report that was rendered.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Rendered {
    /// The report itself, what was to be hidden hidden.
    #[serde(with = "tsink_migrate_engine::report::crossing")]
    pub report: Box<Report>,
    /// What the text of its `report.json` is like.
    pub print: Print,
}

/// A text in short: its size, and a number that tells it from others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Print {
    /// Size in bytes.
    pub bytes: u64,
    /// 64 bits of FNV-1a (Fowler, Noll, Vo): the same in every build, as what is kept under it outlives them.
    pub hash: u64,
}

impl Print {
    /// Of a text.
    pub fn of(text: &str) -> Self {
        let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        Self { bytes: text.len() as u64, hash }
    }
}
