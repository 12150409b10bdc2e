//! Migration plans: JSON text in, a [`Plan`] or diagnostics out.
//!
//! The format is the specification's §4 (`migration-guide.md`, tsink 0.10.2), plus one section of our own,
//! `options`, which the native tool ignores. [`check`] reports everything it finds at once, each finding
//! with its field path, line and column.

mod address;
mod check;
mod draft;
mod fields;
mod finding;
mod headers;
mod json;
mod lists;
mod options;
mod servers;
mod time;
mod types;
mod walk;
mod window;

pub use check::{Context, Diagnostic, PlanCheck, PlanSummary, Severity, check, field_names};
pub(crate) use finding::closest;

pub use draft::{
    Draft, DraftBatch, DraftCompare, DraftExemplarCheck, DraftHeader, DraftOptions, DraftPromqlCheck,
    DraftSource, DraftTarget,
};
pub use time::{TimeError, format_time, parse_duration_ms, parse_step_ms, parse_time};
pub use types::{
    Batch, Compare, ExemplarCheck, Options, Plan, PromqlCheck, ReadVia, Redaction, Source, SourceKind, Target,
};
