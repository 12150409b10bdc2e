//! The document model. Times are Unix ms, durations ms, counts samples unless a field says otherwise.

use super::{Balance, Recording, Rejection};
use crate::error::{Error, Side};
use crate::model::Millis;
use crate::plan::SourceKind;
use serde::{Deserialize, Serialize};

/// A report of one command.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
#[expect(
    clippy::large_enum_variant,
    reason = "a run has a handful of reports, and whoever reads one wants it whole"
)]
pub enum Report {
    /// Preflight only (`dry_run`).
    Preflight(PreflightReport),
    /// Backfill.
    Backfill(BackfillReport),
    /// Verify.
    Verify(VerifyReport),
    /// Cutover check; the native reports call it `cutover`.
    Cutover(CutoverReport),
}

/// Verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Everything holds.
    Pass,
    /// At least one issue.
    Fail,
}

/// Which tool ran, and when.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RunInfo {
    /// `tsink-migrate (wasm)` and version.
    pub tool: String,
    /// Version of this tool.
    pub version: String,
    /// Start of the run.
    pub started_ms: Millis,
    /// End of the run.
    pub finished_ms: Millis,
    /// Active duration in ms by the monotonic clock, pauses included.
    pub duration_ms: u64,
    /// Redacted URL of the source.
    pub source: String,
    /// Redacted URL of the target.
    pub target: String,
    /// Target tenant.
    pub tenant: String,
}

/// How bad a preflight row or note is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Fine.
    Ok,
    /// For information.
    Info,
    /// The run can go on; read it.
    Warn,
    /// The run must not start.
    Fail,
}

/// A remark with a level and what to do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Note {
    /// How bad.
    pub level: Level,
    /// A short code for programs, e.g. `retention`, `metadata_skipped`.
    pub code: String,
    /// What.
    pub message: String,
    /// What to do; may be empty.
    pub remedy: String,
}

/// One endpoint in the preflight table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EndpointCheck {
    /// Which server.
    pub side: Side,
    /// Plan field, e.g. `remote_read_url`, or `build_info` for derived ones.
    pub name: String,
    /// What it is for, e.g. `read samples`.
    pub purpose: String,
    /// Redacted URL.
    pub url: String,
    /// Verdict.
    pub level: Level,
    /// HTTP status, if there was an answer.
    pub status: Option<u16>,
    /// Time to the whole answer in ms.
    pub latency_ms: Option<u64>,
    /// What was found, in one sentence.
    pub message: String,
    /// The failure with its remedy, if any.
    pub error: Option<Error>,
}

/// What a selector is expected to hold, from small reads at the window's start, middle and end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SelectorEstimate {
    /// Selector text.
    pub selector: String,
    /// Series seen in the probes.
    pub series: u64,
    /// Samples and histograms expected in the window.
    pub rows: u64,
    /// Whether native histograms were seen.
    pub has_histograms: bool,
}

/// The whole window's estimate.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// Per selector.
    pub selectors: Vec<SelectorEstimate>,
    /// Sum of series.
    pub series: u64,
    /// Sum of rows (samples and histograms).
    pub rows: u64,
    /// Expected duration of the backfill in ms.
    pub duration_ms: u64,
}

/// What the target's status endpoint says it takes; field names are the native report's `target_payloads`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Capabilities {
    /// Metric metadata in remote write.
    pub metadata_enabled: bool,
    /// Exemplars in remote write.
    pub exemplars_enabled: bool,
    /// Native histograms in remote write.
    pub histograms_enabled: bool,
    /// OTLP metrics.
    pub otlp_enabled: bool,
    /// OTLP shapes.
    pub otlp_supported_shapes: Vec<String>,
    /// InfluxDB line protocol.
    pub influx_line_protocol_enabled: bool,
    /// StatsD listener.
    pub statsd_enabled: bool,
    /// Graphite listener.
    pub graphite_enabled: bool,
}

/// Preflight.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PreflightReport {
    /// `fail` when any endpoint or note fails.
    pub status: Status,
    /// Window start.
    pub start_ms: Millis,
    /// Window end, included.
    pub end_ms: Millis,
    /// Every endpoint.
    pub endpoints: Vec<EndpointCheck>,
    /// `Prometheus 2.42.0`, from its build information.
    pub source_version: Option<String>,
    /// `tsink 0.10.2`, where the target tells.
    pub target_version: Option<String>,
    /// What the target takes, if `status_url` is configured and answers.
    pub target_payloads: Option<Capabilities>,
    /// How far back the target keeps samples, in ms, if it can be found out.
    pub target_retention_ms: Option<i64>,
    /// Oldest time that the target will take, if known.
    pub target_oldest_ms: Option<Millis>,
    /// Expected work, if the source could be read.
    pub estimate: Option<Estimate>,
    /// What the recording holds, when the source is one.
    #[serde(default)]
    pub recording: Option<Box<Recording>>,
    /// What to know before starting.
    pub notes: Vec<Note>,
    /// Tool and times.
    pub run: RunInfo,
}

/// Backfill.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct BackfillReport {
    /// `pass` when everything was written and the balance closes.
    pub status: Status,
    /// Source kind.
    pub source_kind: SourceKind,
    /// Window start.
    pub start_ms: Millis,
    /// Window end, included.
    pub end_ms: Millis,
    /// Selectors in the plan.
    pub selector_count: u64,
    /// Different series written.
    pub series_written: u64,
    /// Samples acknowledged.
    pub samples_written: u64,
    /// Native histograms acknowledged.
    pub histograms_written: u64,
    /// Exemplars acknowledged.
    pub exemplars_written: u64,
    /// Metadata entries acknowledged.
    pub metadata_written: u64,
    /// Write requests acknowledged.
    pub write_batches: u64,
    /// Remarks.
    pub notes: Vec<String>,
    /// Whether the operator cancelled.
    pub cancelled: bool,
    /// The balance.
    pub balance: Balance,
    /// What was refused or failed, capped; the balance has the full counts.
    pub rejections: Vec<Rejection>,
    /// How many more rejections there were than are listed.
    pub rejections_omitted: u64,
    /// Requests that were repeated.
    pub retries: u64,
    /// Effective write consistency, if the target is a cluster (`quorum`, 2 of 2 replicas acknowledged, …).
    pub write_consistency: Option<String>,
    /// Issues in one sentence each; empty on pass.
    pub issues: Vec<String>,
    /// Preflight of the same run.
    pub preflight: PreflightReport,
    /// Tool and times.
    pub run: RunInfo,
}

/// What kind of difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingKind {
    /// Series in the source only.
    MissingSeries,
    /// Series in the target only.
    ExtraSeries,
    /// Samples in the source only.
    MissingSamples,
    /// Samples in the target only.
    ExtraSamples,
    /// Values beyond tolerance.
    ValueDiffers,
    /// StaleNaN on one side, an ordinary NaN on the other.
    StaleNan,
    /// Several different values at one timestamp of one side.
    DuplicateTimestamp,
    /// Histograms in the source only.
    MissingHistograms,
    /// Histograms in the target only.
    ExtraHistograms,
    /// A histogram's field differs; the detail names it.
    HistogramDiffers,
    /// Exemplars in the source only.
    MissingExemplars,
    /// Exemplars in the target only.
    ExtraExemplars,
    /// An exemplar differs.
    ExemplarDiffers,
    /// Metadata differs.
    MetadataDiffers,
    /// A part of the window could not be read, so it was not compared.
    NotCompared,
}

/// One difference, or a run of differences of one kind in one series.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// Kind.
    pub kind: FindingKind,
    /// Selector or query.
    pub selector: String,
    /// Series as a selector, or metric name for metadata.
    pub series: String,
    /// How many samples (histograms, exemplars, …) are concerned.
    pub count: u64,
    /// First ms concerned.
    pub first_ms: Option<Millis>,
    /// Last ms concerned.
    pub last_ms: Option<Millis>,
    /// Value on the source at `first_ms`.
    pub source_value: Option<String>,
    /// Value on the target at `first_ms`.
    pub target_value: Option<String>,
    /// What differs, in one sentence.
    pub detail: String,
    /// Probable cause, if one is known; else empty.
    pub cause: String,
    /// What to do; may be empty.
    pub remedy: String,
}

/// Raw check of one selector. Counts are complete; `findings` is capped.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct RawCheckReport {
    /// Selector text.
    pub selector: String,
    /// Series with at least one row in the window.
    pub source_series: u64,
    /// The same on the target.
    pub target_series: u64,
    /// Samples plus histograms.
    pub source_rows: u64,
    /// The same on the target.
    pub target_rows: u64,
    /// Float samples.
    pub source_samples: u64,
    /// The same on the target.
    pub target_samples: u64,
    /// Native histograms.
    pub source_histograms: u64,
    /// The same on the target.
    pub target_histograms: u64,
    /// Series in the source only.
    pub missing_series: u64,
    /// Series in the target only.
    pub extra_series: u64,
    /// Samples that differ in series that both sides have: missing + extra + differing + duplicates.
    pub sample_mismatches: u64,
    /// The same for histograms.
    pub histogram_mismatches: u64,
    /// Of `sample_mismatches`: in the source only.
    pub missing_samples: u64,
    /// Of `sample_mismatches`: in the target only.
    pub extra_samples: u64,
    /// Of `sample_mismatches`: another value at the same time.
    pub differing_samples: u64,
    /// Details.
    pub findings: Vec<Finding>,
    /// Findings beyond the cap.
    pub findings_omitted: u64,
    /// One sentence each, for people and for the native report's readers.
    pub issues: Vec<String>,
}

/// One metadata entry in a report.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct MetadataEntry {
    /// Type word.
    #[serde(rename = "type")]
    pub metric_type: String,
    /// Help.
    pub help: String,
    /// Unit.
    pub unit: String,
}

/// Metadata check of one metric.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct MetadataCheckReport {
    /// Metric name.
    pub metric: String,
    /// Entries at the source.
    pub source_entries: u64,
    /// Entries at the target.
    pub target_entries: u64,
    /// Whether they are the same set.
    pub matched: bool,
    /// The source's entries, when they differ.
    #[serde(default)]
    pub source: Vec<MetadataEntry>,
    /// The target's entries, when they differ.
    #[serde(default)]
    pub target: Vec<MetadataEntry>,
}

/// Exemplar check of one query.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct ExemplarCheckReport {
    /// Query text.
    pub query: String,
    /// Series with exemplars at the source.
    pub source_series: u64,
    /// The same at the target.
    pub target_series: u64,
    /// In the source only.
    pub missing_series: u64,
    /// In the target only.
    pub extra_series: u64,
    /// Exemplars that differ in series that both have.
    pub exemplar_mismatches: u64,
    /// Exemplars at the source.
    pub source_exemplars: u64,
    /// Exemplars at the target.
    pub target_exemplars: u64,
    /// Details, capped.
    pub findings: Vec<Finding>,
    /// Findings beyond the cap.
    pub findings_omitted: u64,
    /// One sentence each.
    pub issues: Vec<String>,
}

/// Verify.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct VerifyReport {
    /// `pass` when there is no issue.
    pub status: Status,
    /// Window start.
    pub start_ms: Millis,
    /// Window end, included.
    pub end_ms: Millis,
    /// One per selector.
    pub raw_checks: Vec<RawCheckReport>,
    /// One per metric.
    pub metadata_checks: Vec<MetadataCheckReport>,
    /// One per query.
    pub exemplar_checks: Vec<ExemplarCheckReport>,
    /// Everything found, one sentence each; empty on pass.
    pub issues: Vec<String>,
    /// Remarks that are no issues (a skipped check and why).
    #[serde(default)]
    pub notes: Vec<String>,
    /// Tool and times.
    #[serde(default)]
    pub run: RunInfo,
}

/// Where two query results part.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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
}

/// PromQL parity of one query.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
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
}

/// Cutover check.
#[derive(Clone, Debug, Serialize, Deserialize)]
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
    /// Everything found, one sentence each.
    pub issues: Vec<String>,
    /// Remarks.
    #[serde(default)]
    pub notes: Vec<String>,
    /// Tool and times.
    #[serde(default)]
    pub run: RunInfo,
}
