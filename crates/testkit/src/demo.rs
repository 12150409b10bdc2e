//! The demo: a day of sample history in real servers, and a plan that migrates it.

mod data;
mod stand;

pub use data::history;
pub use stand::{Demo, DemoOptions};

use serde_json::{Value, json};

/// Length of the demo's window, in ms.
pub const DAY_MS: i64 = 24 * 3_600_000;
/// One sample every so many ms.
pub const STEP_MS: i64 = 15_000;
/// Path of the plan on the demo's origin.
pub const PLAN_PATH: &str = "/plan.json";
/// Tenant that the demo migrates into.
pub const TENANT: &str = "default";
/// Tenant that stands in for Prometheus where there is none.
pub const SOURCE_TENANT: &str = "history";

/// What the demo's plan migrates; together all of [`history`].
pub const SELECTORS: [&str; 7] = [
    r#"http_requests_total{job="shop"}"#,
    r#"{__name__=~"http_request_duration_seconds_(bucket|sum|count)"}"#,
    "rpc_duration_seconds",
    r#"{__name__=~"node_.+",job="node"}"#,
    "queue_depth",
    "process_start_time_seconds",
    "batch_last_success_seconds",
];

/// The demo's plan. URLs are relative to the page, which stands at the origin's root; with `stand_in`, the
/// source is tsink under [`SOURCE_TENANT`].
pub fn plan(stand_in: bool) -> Value {
    let source = if stand_in { "tsink" } else { "prometheus" };
    let mut plan = json!({
        "source": {
            "kind": "prometheus",
            "remote_read_url": format!("{source}/api/v1/read"),
            "query_range_url": format!("{source}/api/v1/query_range"),
            "metadata_url": format!("{source}/api/v1/metadata"),
            "exemplar_url": format!("{source}/api/v1/query_exemplars"),
        },
        "target": {
            "write_url": "tsink/api/v1/write",
            "read_url": "tsink/api/v1/read",
            "query_range_url": "tsink/api/v1/query_range",
            "metadata_url": "tsink/api/v1/metadata",
            "exemplar_url": "tsink/api/v1/query_exemplars",
            "status_url": "tsink/api/v1/status/tsdb",
            "tenant": TENANT,
        },
        "selectors": SELECTORS,
        "metadata_metrics": [
            "http_requests_total", "http_request_duration_seconds", "rpc_duration_seconds", "node_load1",
            "node_memory_MemAvailable_bytes", "node_cpu_seconds_total", "queue_depth",
            "process_start_time_seconds", "batch_last_success_seconds",
        ],
        "exemplar_checks": [
            { "query": "http_request_duration_seconds_bucket", "limit": 200 },
            { "query": "http_requests_total", "limit": 200 },
        ],
        // No range selector among them: Prometheus 2 counts a sample at the left end of a range and tsink
        // does not, so rate() over samples that sit on the steps differs though every sample agrees.
        "promql_checks": [
            { "query": "sum by (code) (http_requests_total)", "step": "60s" },
            { "query": "max by (job) (node_load1)", "step": "60s" },
        ],
    });
    if stand_in {
        plan["source"]["headers"] = json!({ "X-Tsink-Tenant": SOURCE_TENANT });
    }
    plan
}
