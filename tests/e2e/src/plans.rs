//! Plans for the tests, as the JSON that an operator drops onto the page.

use anyhow::{Context, Result};
use serde_json::Value;
use std::collections::BTreeMap;
use tsink_migrate_engine::plan::{self, Plan};

pub use tsink_migrate_testkit::plans::plan;

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
