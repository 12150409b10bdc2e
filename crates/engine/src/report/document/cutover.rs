//! What the cutover check found.

use super::{Capabilities, Excerpt, Level, RunInfo, Status, VerifyReport};
use crate::model::Millis;
use crate::report::Balance;
use serde::{Deserialize, Serialize};

/// Where two query results part.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ParityDifference {
    /// Result series as a label set.
    pub series: String,
    /// Points that differ, or that only one side has.
    pub points: u64,
    /// First time.
    pub first_ms: Millis,
    /// Source's value there; none when absent.
    pub source_value: Option<String>,
    /// Target's value there; none when absent.
    pub target_value: Option<String>,
    /// Largest relative difference.
    pub max_relative_delta: Option<f64>,
    /// Largest absolute difference.
    #[serde(default)]
    pub max_absolute_delta: Option<f64>,
    /// Whether the known cause accounts for all of it.
    #[serde(default)]
    pub explained: bool,
    /// Both results around the first difference.
    #[serde(default)]
    pub excerpt: Option<Excerpt>,
}

/// A known cause of a difference, and how it was established.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Explanation {
    /// `closed_range_windows`, …
    pub code: String,
    /// What it is, in one or two sentences.
    pub text: String,
    /// How this run established it.
    pub established: String,
    /// Points that it accounts for.
    pub points: u64,
    /// Whether it accounts for every differing point.
    pub whole: bool,
}

/// What the target says about a feature that the plan uses.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FeatureProbe {
    /// `metadata`, `exemplars`, `histograms`, `otlp`, `otlp:gauge`, `influx_line_protocol`, `statsd`, `graphite`.
    pub feature: String,
    /// Why the plan needs it; empty where it does not.
    pub needed_for: String,
    /// `fail` when it is needed and off.
    pub level: Level,
    /// The server's own words: the part of its status that says so, as JSON, or its refusal.
    pub server_words: String,
    /// What to do; may be empty.
    pub remedy: String,
}

/// How far the newest data of both sides are apart.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Freshness {
    /// Selector text.
    pub selector: String,
    /// Newest row of the source, Unix ms; none when it has none.
    pub source_newest_ms: Option<Millis>,
    /// Newest row of the target.
    pub target_newest_ms: Option<Millis>,
    /// How far the target is behind, in ms; negative when it is ahead.
    pub lag_ms: Option<i64>,
}

/// Open differences of one age.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AgeGroup {
    /// Younger than this in ms, and as old as the group before; none for the rest.
    pub younger_than_ms: Option<i64>,
    /// Findings whose newest row is of this age.
    pub findings: u64,
    /// Rows that they concern.
    pub rows: u64,
}

/// One line of the checklist that somebody signs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CheckItem {
    /// `data_verified`, `capabilities`, `parity`, `freshness`, `balance`, `open_differences`, `way_back`.
    pub code: String,
    /// What is checked.
    pub title: String,
    /// `ok`, `info` (not shown, and why), `warn`, `fail`.
    pub level: Level,
    /// What was seen.
    pub evidence: String,
    /// What to do; may be empty.
    pub remedy: String,
}

/// How to take back what the migration wrote: a tombstone delete at the target.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Undo {
    /// Redacted URL of the request; none when the plan's URLs do not tell it.
    pub url: Option<String>,
    /// Tenant that it concerns.
    pub tenant: String,
    /// Selectors that it covers.
    pub selectors: Vec<String>,
    /// Start of the window.
    pub start_ms: Millis,
    /// End of the window, included.
    pub end_ms: Millis,
    /// Series at the target that it would cover, if known.
    pub series: Option<u64>,
    /// What it would not take back, and what else to know; one sentence each.
    pub warnings: Vec<String>,
    /// What the operator types to confirm it.
    pub confirmation: String,
}

/// PromQL parity of one query.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PromqlCheckReport {
    /// Query.
    pub query: String,
    /// Step as written.
    pub step: String,
    /// Whether both results agree, whole and without warnings from the target.
    pub matched: bool,
    /// The source's warnings.
    pub source_warnings: Vec<String>,
    /// The target's warnings.
    pub target_warnings: Vec<String>,
    /// Whether the target answered in part only.
    pub target_partial_response: bool,
    /// One sentence each.
    pub issues: Vec<String>,
    /// Series in the source's result.
    pub source_series: u64,
    /// Series in the target's result.
    pub target_series: u64,
    /// Points compared (times that either side has).
    pub points: u64,
    /// Points that differ.
    pub differing_points: u64,
    /// Where, capped.
    pub differences: Vec<ParityDifference>,
    /// Series with differences beyond the cap.
    pub differences_omitted: u64,
    /// Probable cause, if one is known.
    pub cause: String,
    /// The known cause that was established, if one was. Explained differences stay differences.
    #[serde(default)]
    pub explanation: Option<Explanation>,
    /// Whether it passes because all differences are explained and the plan accepts that
    /// (`options.accept_explained`); `matched` stays false.
    #[serde(default)]
    pub accepted: bool,
}

/// Cutover check.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CutoverReport {
    /// `pass` when there is no issue.
    pub status: Status,
    /// Window start.
    pub start_ms: Millis,
    /// Window end, included.
    pub end_ms: Millis,
    /// What the target takes, if `status_url` is configured.
    pub target_payloads: Option<Capabilities>,
    /// The whole verification.
    pub raw_verify: VerifyReport,
    /// Parity, one per query.
    pub promql_checks: Vec<PromqlCheckReport>,
    /// The verdict as a checklist.
    #[serde(default)]
    pub checklist: Vec<CheckItem>,
    /// What the target says of each feature.
    #[serde(default)]
    pub probes: Vec<FeatureProbe>,
    /// Newest data of both sides, per selector.
    #[serde(default)]
    pub freshness: Vec<Freshness>,
    /// Open differences by age, youngest first.
    #[serde(default)]
    pub open_differences: Vec<AgeGroup>,
    /// Balance of the backfill, if its report was given.
    #[serde(default)]
    pub balance: Option<Balance>,
    /// The way back.
    #[serde(default)]
    pub undo: Option<Undo>,
    /// Everything found, one sentence each.
    pub issues: Vec<String>,
    /// Remarks.
    #[serde(default)]
    pub notes: Vec<String>,
    /// Tool and times.
    #[serde(default)]
    pub run: RunInfo,
}
