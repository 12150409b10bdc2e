//! Migration plans: JSON text in, a [`Plan`] or diagnostics out.
//!
//! The format is the specification's §4 (`migration-guide.md`, tsink 0.10.2), plus one section of our own,
//! `options`, which the native tool ignores. [`check`] reports everything it finds at once, each finding
//! with its field path, line and column.

mod check;
mod types;

pub use check::{Diagnostic, PlanCheck, PlanSummary, Severity};
pub use types::{
    Batch, Compare, ExemplarCheck, Options, Plan, PromqlCheck, ReadVia, Source, SourceKind, Target,
};
