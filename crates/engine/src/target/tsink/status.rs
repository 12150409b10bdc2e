//! `/api/v1/status/tsdb` of tsink-server 0.10.2 (`handle_tsdb_status` in its `handlers.rs`).

use crate::report::Capabilities;
use serde_json::Value;

/// Parts of the answer that a report quotes: the feature's name there, and where it stands.
const QUOTED: [(&str, &str); 7] = [
    ("metadata", "/prometheusPayloads/metadata"),
    ("exemplars", "/prometheusPayloads/exemplars"),
    ("histograms", "/prometheusPayloads/histograms"),
    ("otlp", "/otlpMetrics"),
    ("influx_line_protocol", "/legacyIngest/influxLineProtocol"),
    ("statsd", "/legacyIngest/statsd"),
    ("graphite", "/legacyIngest/graphite"),
];
/// Characters of a quoted part at most.
const QUOTED_CHARS: usize = 1200;

/// What the target tells about itself. It is a large answer; this is what a migration needs.
#[derive(Clone, Debug, PartialEq)]
pub struct TargetStatus {
    /// Which payloads it takes; `false` for what the answer does not mention.
    pub capabilities: Capabilities,
    /// Limits of a write request; `None` for what the answer does not mention.
    pub limits: Limits,
    /// The server's version, where it tells: 0.10.2 does not.
    pub version: Option<String>,
    /// Whether it takes writes: a node in `compute-only` storage mode does not.
    pub takes_writes: bool,
    /// The node's role in a cluster (`hybrid`, `query`, …); `None` for a server by itself.
    pub cluster_role: Option<String>,
    /// Series of the tenant asked for.
    pub series: Option<u64>,
    /// The very parts of the answer that tell of each feature, as compact JSON, by the feature's name.
    pub words: Vec<(&'static str, String)>,
    /// Memory used, in bytes.
    pub memory_used_bytes: Option<u64>,
    /// Memory budget in bytes; `None` without a limit.
    pub memory_budget_bytes: Option<u64>,
}

/// How much a write may hold, and how many there may be at once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Rows (samples and histograms) of all requests under way; a single request above it is refused (413).
    pub rows_in_flight: Option<u64>,
    /// Requests under way; beyond it 429.
    pub writes_in_flight: Option<u64>,
    /// Rows a request of this tenant, by policy.
    pub rows_per_write: Option<u64>,
    /// Metadata entries a request.
    pub metadata_per_write: Option<u64>,
    /// Exemplars a request.
    pub exemplars_per_write: Option<u64>,
    /// Native histogram buckets a request, all samples together.
    pub histogram_buckets_per_write: Option<u64>,
}

/// Reads the answer.
///
/// # Errors
/// When it is no status of tsink's; Prometheus has an endpoint of the same name with other contents.
pub(super) fn parse(body: &[u8]) -> Result<TargetStatus, String> {
    let root: Value = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    let Some(data) = root.get("data") else { return Err("there is no `data`".to_owned()) };
    if data.get("prometheusPayloads").is_none() {
        return Err(if data.get("headStats").is_some() {
            "this is the status of a Prometheus, not of tsink".to_owned()
        } else {
            "there is no `prometheusPayloads`".to_owned()
        });
    }
    let number = |path: &str| data.pointer(path).and_then(Value::as_u64);
    let flag = |path: &str| data.pointer(path).and_then(Value::as_bool).unwrap_or(false);
    let text = |path: &str| data.pointer(path).and_then(Value::as_str).map(short);
    let shapes = data.pointer("/otlpMetrics/supportedShapes").and_then(Value::as_array);
    Ok(TargetStatus {
        capabilities: Capabilities {
            metadata_enabled: flag("/prometheusPayloads/metadata/enabled"),
            exemplars_enabled: flag("/prometheusPayloads/exemplars/enabled"),
            histograms_enabled: flag("/prometheusPayloads/histograms/enabled"),
            otlp_enabled: flag("/otlpMetrics/enabled"),
            otlp_supported_shapes: shapes
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .map(short)
                .collect(),
            influx_line_protocol_enabled: flag("/legacyIngest/influxLineProtocol/enabled"),
            statsd_enabled: flag("/legacyIngest/statsd/enabled"),
            graphite_enabled: flag("/legacyIngest/graphite/enabled"),
        },
        limits: Limits {
            rows_in_flight: number("/admission/publicWrite/globalMaxInflightRows"),
            writes_in_flight: number("/admission/publicWrite/globalMaxInflightRequests"),
            rows_per_write: number("/admission/tenant/currentTenant/policy/quotas/maxWriteRowsPerRequest"),
            metadata_per_write: number("/prometheusPayloads/metadata/maxPerRequest"),
            exemplars_per_write: number("/prometheusPayloads/exemplars/maxPerRequest"),
            histogram_buckets_per_write: number("/prometheusPayloads/histograms/maxBucketEntriesPerRequest"),
        },
        // The name that its support bundle has for it.
        version: text("/serverVersion"),
        takes_writes: text("/remoteStorage/runtimeMode").is_none_or(|mode| mode == "read_write"),
        cluster_role: text("/cluster/localNodeRole"),
        series: number("/seriesCount"),
        words: QUOTED.iter().filter_map(|(name, path)| Some((*name, quoted(data.pointer(path)?)))).collect(),
        memory_used_bytes: number("/memoryUsedBytes"),
        memory_budget_bytes: number("/memoryBudgetBytes").filter(|bytes| *bytes < i64::MAX.unsigned_abs()),
    })
}

/// A part of the answer as JSON. Counters go out of it: they change with every request and say nothing of what the
/// server takes.
fn quoted(part: &Value) -> String {
    let mut part = part.clone();
    if let Value::Object(fields) = &mut part {
        fields.retain(|name, value| {
            let counts = name.ends_with("Total");
            let holds_counts = value
                .as_object()
                .is_some_and(|inner| !inner.is_empty() && inner.keys().all(|name| name.ends_with("Total")));
            !counts && !holds_counts
        });
    }
    let text = part.to_string();
    match text.char_indices().nth(QUOTED_CHARS) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
        None => text,
    }
}

/// Text from the server, cut: it is shown.
fn short(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(80).collect()
}

#[cfg(test)]
mod tests {
    use super::parse;
    use proptest::prelude::*;

    macro_rules! answer {
        ($name:literal) => {
            include_bytes!(concat!("../../../tests/fixtures/answers/", $name))
        };
    }

    #[test]
    fn a_real_status_is_read() {
        let status = parse(answer!("tsink-0.10.2-status-tsdb.json")).unwrap();
        let can = &status.capabilities;
        assert!(can.metadata_enabled && can.exemplars_enabled && can.histograms_enabled && can.otlp_enabled);
        assert!(can.influx_line_protocol_enabled && !can.statsd_enabled && !can.graphite_enabled);
        let shapes = ["gauge", "sum:cumulative", "histogram:cumulative:explicit_buckets", "summary"];
        assert_eq!(can.otlp_supported_shapes, shapes);
        let limits = &status.limits;
        assert_eq!((limits.rows_in_flight, limits.writes_in_flight), (Some(200_000), Some(64)));
        assert_eq!((limits.metadata_per_write, limits.exemplars_per_write), (Some(512), Some(512)));
        assert_eq!((limits.histogram_buckets_per_write, limits.rows_per_write), (Some(16_384), None));
        assert!(status.takes_writes);
        assert_eq!((status.cluster_role, status.version, status.memory_budget_bytes), (None, None, None));
        assert_eq!(status.series, Some(4));
    }

    #[test]
    fn features_can_be_off() {
        let can = parse(answer!("tsink-0.10.2-status-tsdb-features-off.json")).unwrap().capabilities;
        assert!(!can.metadata_enabled && !can.exemplars_enabled && !can.histograms_enabled);
        assert!(!can.otlp_enabled && can.influx_line_protocol_enabled);
    }

    #[test]
    fn modes_roles_and_quotas() {
        let body = br#"{"data":{"prometheusPayloads":{},"remoteStorage":{"runtimeMode":"compute_only"},
            "cluster":{"localNodeRole":"query"},"serverVersion":"0.11.0\u0000",
            "admission":{"tenant":{"currentTenant":{"policy":{"quotas":{"maxWriteRowsPerRequest":1000}}}}}}}"#;
        let status = parse(body).unwrap();
        assert!(!status.takes_writes && !status.capabilities.metadata_enabled);
        assert_eq!(status.cluster_role.as_deref(), Some("query"));
        assert_eq!(status.version.as_deref(), Some("0.11.0"));
        assert_eq!(status.limits.rows_per_write, Some(1000));
    }

    #[test]
    fn another_servers_status_is_an_error() {
        let prometheus = br#"{"status":"success","data":{"headStats":{"numSeries":539}}}"#;
        assert!(parse(prometheus).unwrap_err().contains("Prometheus"));
        for odd in ["", "{}", "[]", r#"{"data":null}"#, r#"{"data":{}}"#] {
            assert!(parse(odd.as_bytes()).is_err(), "{odd}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(body: Vec<u8>) {
            let _ = parse(&body);
        }
    }
}
