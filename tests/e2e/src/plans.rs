//! Plans for the tests, as the JSON that an operator drops onto the page.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use tsink_migrate_engine::plan::{self, Plan};

/// A plan with every endpoint of two servers, given by their base URLs, and no checks of its own.
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

/// The text of a plan file.
pub fn text(plan: &Value) -> String {
    format!("{plan:#}\n")
}

/// The plan as the engine reads it.
///
/// # Errors
/// When it has a mistake.
pub fn parsed(plan: &Value) -> Result<Plan> {
    let secrets = BTreeMap::from([("TSINK_TOKEN".to_owned(), "any".to_owned())]);
    let context = plan::Context { base: None, secrets: &secrets, now_ms: 0, start: "", end: "" };
    let checked = plan::check(&text(plan), &context);
    checked.plan.with_context(|| format!("a plan without mistakes, not {:?}", checked.diagnostics))
}

/// Unix ms as RFC 3339.
pub fn time(ms: i64) -> String {
    plan::format_time(ms)
}
