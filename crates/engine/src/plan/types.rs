//! What a valid plan holds. Defaults are the specification's.

use crate::port::Secret;
use crate::selector::Selector;
use serde::{Deserialize, Serialize};

/// A valid plan: URLs are absolute, selectors parsed, defaults filled in.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Where the data comes from (§4.1).
    pub source: Source,
    /// The tsink server (§4.2).
    pub target: Target,
    /// At least one (§4.3).
    pub selectors: Vec<Selector>,
    /// Metrics whose metadata moves: those named in the plan and those that the selectors name by equality,
    /// sorted, each once (§4.4; the union is what the native tool does).
    pub metadata_metrics: Vec<String>,
    /// Those of the plan, or one per selector when it has none (§4.4).
    pub exemplar_checks: Vec<ExemplarCheck>,
    /// Queries compared by the cutover check (§4.4).
    pub promql_checks: Vec<PromqlCheck>,
    /// §4.5.
    pub batch: Batch,
    /// §4.6.
    pub compare: Compare,
    /// Our own section.
    pub options: Options,
}

/// Kinds of source that this version can migrate from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum SourceKind {
    /// Prometheus remote read.
    Prometheus,
    /// VictoriaMetrics' `/api/v1/export`.
    #[serde(rename = "victoriametrics")]
    VictoriaMetrics,
    /// Recorded OTLP requests (`ExportMetricsServiceRequest`).
    Otlp,
    /// Recorded InfluxDB line protocol.
    InfluxLineProtocol,
    /// Recorded `StatsD` packets.
    Statsd,
    /// Recorded Graphite plaintext.
    GraphitePlaintext,
}

impl SourceKind {
    /// The plan's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Prometheus => "prometheus",
            Self::VictoriaMetrics => "victoriametrics",
            Self::Otlp => "otlp",
            Self::InfluxLineProtocol => "influx_line_protocol",
            Self::Statsd => "statsd",
            Self::GraphitePlaintext => "graphite_plaintext",
        }
    }

    /// All kinds.
    pub const ALL: [Self; 6] = [
        Self::Prometheus,
        Self::VictoriaMetrics,
        Self::Otlp,
        Self::InfluxLineProtocol,
        Self::Statsd,
        Self::GraphitePlaintext,
    ];

    /// Whether it is read from a recording instead of a server.
    pub fn is_recording(self) -> bool {
        !matches!(self, Self::Prometheus | Self::VictoriaMetrics)
    }

    /// The console's word (specification §5.1 prints `Prometheus`).
    pub fn title(self) -> &'static str {
        match self {
            Self::Prometheus => "Prometheus",
            // The native tool's word, as it prints its own kinds.
            Self::VictoriaMetrics => "Victoriametrics",
            Self::Otlp => "Otlp",
            Self::InfluxLineProtocol => "InfluxLineProtocol",
            Self::Statsd => "Statsd",
            Self::GraphitePlaintext => "GraphitePlaintext",
        }
    }
}

/// Source configuration, URLs absolute.
#[derive(Clone, Debug)]
pub struct Source {
    /// Kind.
    pub kind: SourceKind,
    /// Sent with every request to the source.
    pub headers: Vec<(String, Secret)>,
    /// Remote read endpoint. Always there for `prometheus`, else empty.
    pub remote_read_url: String,
    /// Export endpoint. Always there for `victoriametrics`, else none.
    pub export_url: Option<String>,
    /// The capture manifest, relative to the plan or absolute. Always there for recordings.
    pub capture_manifest_path: Option<String>,
    /// Range query endpoint for parity checks.
    pub query_range_url: Option<String>,
    /// Metadata endpoint; without it metadata is skipped.
    pub metadata_url: Option<String>,
    /// Exemplar endpoint; without it exemplars are skipped.
    pub exemplar_url: Option<String>,
}

impl Source {
    /// The URL that samples are read from; empty for recordings.
    pub fn samples_url(&self) -> &str {
        self.export_url.as_deref().unwrap_or(&self.remote_read_url)
    }
}

/// Target configuration, URLs absolute.
#[derive(Clone, Debug)]
pub struct Target {
    /// Remote write endpoint.
    pub write_url: String,
    /// Remote read endpoint.
    pub read_url: String,
    /// Range query endpoint for parity checks.
    pub query_range_url: Option<String>,
    /// Metadata endpoint.
    pub metadata_url: Option<String>,
    /// Exemplar endpoint.
    pub exemplar_url: Option<String>,
    /// `/api/v1/status/tsdb`.
    pub status_url: Option<String>,
    /// Sent as `X-Tsink-Tenant` with every request; `default` when the plan names none.
    pub tenant: String,
    /// Sent with every request to the target.
    pub headers: Vec<(String, Secret)>,
}

/// An exemplar query.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExemplarCheck {
    /// PromQL selector.
    pub query: String,
    /// Exemplars per series at most; 200.
    pub limit: u64,
}

/// A PromQL parity check.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PromqlCheck {
    /// PromQL expression.
    pub query: String,
    /// Step as written: seconds or a duration such as `30s` (the default).
    pub step: String,
    /// The same step in ms, greater than zero.
    pub step_ms: i64,
}

/// Batch tuning (§4.5).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Batch {
    /// Series a write request at most; 250.
    pub max_series_per_write: usize,
    /// Samples, histograms and exemplars a write request at most, all series together; 25,000.
    pub max_points_per_write: usize,
    /// Time for one HTTP request, in seconds; 30.
    pub http_timeout_secs: u64,
}

impl Default for Batch {
    fn default() -> Self {
        Self { max_series_per_write: 250, max_points_per_write: 25_000, http_timeout_secs: 30 }
    }
}

impl Batch {
    /// The HTTP timeout in ms.
    pub fn timeout_ms(&self) -> u64 {
        self.http_timeout_secs.max(1).saturating_mul(1000)
    }
}

/// Tolerances (§4.6). Equal means `|a-b| <= absolute` or `|a-b| <= relative * |a|`, where `a` is the source's
/// value: the specification takes the relative difference as a fraction of it. (The native tool takes it of
/// `max(|a|, |b|, 1)`, which forgives values below 1 more.) Both 0 asks for the same value, save the sign of
/// zero. NaN equals NaN, StaleNaN only StaleNaN, an infinity only itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Compare {
    /// 1e-12.
    pub max_absolute_value_delta: f64,
    /// 1e-9.
    pub max_relative_value_delta: f64,
}

impl Default for Compare {
    fn default() -> Self {
        Self { max_absolute_value_delta: 1e-12, max_relative_value_delta: 1e-9 }
    }
}

/// How samples are read from a Prometheus source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReadVia {
    /// `POST /api/v1/read`: everything, native histograms and staleness markers included.
    #[default]
    RemoteRead,
    /// `GET /api/v1/query` with a range selector: what a page on another origin can read from Prometheus
    /// without a gateway. Floats only; staleness markers are not shown, so they are not migrated.
    InstantQuery,
}

/// Our own section of the plan, `options`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Options {
    /// Stop after the preflight; false.
    pub dry_run: bool,
    /// How to read; `remote_read`.
    pub read_via: ReadVia,
    /// Write requests at once at most; 4. How many there are is found out while it works; above 4, tsink 0.10.2
    /// gets no faster.
    pub max_concurrent_writes: usize,
    /// Rows a second at most that are sent to the target; 0, as many as it takes.
    pub max_rows_per_second: u64,
    /// Rows at most in write requests under way, all together; 0, no limit but that of the writes at once.
    pub max_in_flight_rows: u64,
    /// Samples that one slab should hold; 600,000. Slabs are cut smaller where `memory_mib` asks for it, and where fewer
    /// hours are enough.
    pub slab_samples: u64,
    /// MiB that slabs may take in memory, all together; 112.
    pub memory_mib: u64,
    /// Attempts for a request that may be retried, the first included; 6.
    pub max_attempts: u32,
    /// Upper bound of the first delay before an attempt, in ms; 200. It doubles with every attempt.
    pub backoff_base_ms: u64,
    /// Upper bound of every delay, in ms; 10,000.
    pub backoff_cap_ms: u64,
    /// Findings listed per check at most; 100. Counts are always complete.
    pub max_findings: usize,
    /// Whether a recording with entries that cannot be read is not migrated; true. Otherwise they are counted,
    /// listed and left out.
    pub strict: bool,
    /// Scratch tenant into which one recorded payload is sent through tsink's own live endpoint, to see that it
    /// takes what the source sends; none.
    pub live_probe: Option<String>,
    /// Differences of rows younger than this are read again before they count, in ms; 300,000. 0 turns it off.
    pub settle_ms: i64,
    /// How long a verification waits in all for young differences to settle, in ms; 20,000.
    pub recheck_ms: u64,
    /// Whether PromQL differences that a known cause explains wholly pass; false.
    pub accept_explained: bool,
    /// What reports hide; nothing.
    pub redact: Redaction,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            dry_run: false,
            read_via: ReadVia::RemoteRead,
            max_concurrent_writes: 4,
            max_rows_per_second: 0,
            max_in_flight_rows: 0,
            slab_samples: 600_000,
            memory_mib: 112,
            max_attempts: 6,
            backoff_base_ms: 200,
            backoff_cap_ms: 10_000,
            max_findings: 100,
            strict: true,
            live_probe: None,
            settle_ms: 300_000,
            recheck_ms: 20_000,
            accept_explained: false,
            redact: Redaction::default(),
        }
    }
}

impl Options {
    /// Bytes that one answer may take, decompressed: `memory_mib` is shared by three slabs and two sides, and by
    /// what there is beside them: answers as they come, compressed, and the few series that are decoded at a time.
    pub fn answer_bytes(&self) -> usize {
        usize::try_from(self.memory_mib.saturating_mul(1 << 20) / 8).unwrap_or(usize::MAX)
    }
}

/// What a report hides, the same name for the same thing throughout.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Redaction {
    /// Whether host names and addresses are hidden.
    pub hosts: bool,
    /// Labels whose values are hidden.
    pub labels: Vec<String>,
}

impl Redaction {
    /// Whether nothing is hidden.
    pub fn is_empty(&self) -> bool {
        !self.hosts && self.labels.is_empty()
    }
}
