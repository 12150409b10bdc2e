//! Plans for real servers.

use serde_json::{Value, json};

/// A plan's JSON with every endpoint of two servers, given by their base URLs; no headers, and no checks beyond the
/// default ones.
pub fn plan(source: &str, target: &str, tenant: &str, selectors: &[&str]) -> Value {
    let at = |base: &str, path: &str| format!("{base}/api/v1/{path}");
    json!({
        "source": {
            "kind": "prometheus",
            "remote_read_url": at(source, "read"),
            "query_range_url": at(source, "query_range"),
            "metadata_url": at(source, "metadata"),
            "exemplar_url": at(source, "query_exemplars"),
        },
        "target": {
            "write_url": at(target, "write"),
            "read_url": at(target, "read"),
            "query_range_url": at(target, "query_range"),
            "metadata_url": at(target, "metadata"),
            "exemplar_url": at(target, "query_exemplars"),
            "status_url": at(target, "status/tsdb"),
            "tenant": tenant,
        },
        "selectors": selectors,
    })
}

/// The same for VictoriaMetrics as the source. `source` may end with `/prometheus`.
pub fn victoria_plan(source: &str, target: &str, tenant: &str, selectors: &[&str]) -> Value {
    let at = |path: &str| format!("{source}/api/v1/{path}");
    let mut plan = plan(source, target, tenant, selectors);
    plan["source"] = json!({
        "kind": "victoriametrics",
        "export_url": at("export"),
        "query_range_url": at("query_range"),
        "metadata_url": at("metadata"),
    });
    plan
}
