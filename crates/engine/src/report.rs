//! What a run found out: one document model, rendered as JSON and Markdown.
//!
//! The JSON has every field of the native `tsink-migrate` 0.10.2 reports under the same name, and more.

mod document;

pub use document::{
    BackfillReport, Balance, BalanceLine, Capabilities, CutoverReport, EndpointCheck, Estimate,
    ExemplarCheckReport, Finding, FindingKind, Level, MetadataCheckReport, MetadataEntry, Note,
    ParityDifference, PreflightReport, PromqlCheckReport, RawCheckReport, Rejection, Report, RunInfo,
    SelectorEstimate, Status, VerifyReport,
};
