//! What the preflight found.

use super::{Level, Note, RunInfo, Status};
use crate::error::{Error, Side};
use crate::model::Millis;
use crate::report::Recording;
use serde::{Deserialize, Serialize};

/// One endpoint in the preflight table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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
