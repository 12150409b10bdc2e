//! Queries that people really run, from a Grafana dashboard (JSON) or a Prometheus rules file (YAML), as
//! `promql_checks`.

mod collect;
mod dashboard;
mod interval;
mod json;
mod resolve;
mod rules;
mod sources;
mod tree;
mod variables;
mod yaml;

use crate::error::{Error, ErrorKind, Result};
use collect::Collector;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ImportKind {
    /// A Grafana dashboard, exported or as the API gives it.
    GrafanaDashboard,
    /// A Prometheus rules file.
    PrometheusRules,
}

/// What to put in the place of variables.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ImportOptions {
    /// Length of the window in ms, for `$__range` and for intervals; none when there is no window yet.
    pub window_ms: Option<i64>,
    /// Time between two scrapes in ms, for `$__rate_interval`; 15,000 when none.
    pub scrape_interval_ms: Option<i64>,
    /// Values of variables that the operator chose, by name without `$`.
    pub variables: BTreeMap<String, String>,
}

/// What was read of a file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Import {
    /// What it is.
    pub kind: ImportKind,
    /// Title of the dashboard, or name of the file.
    pub title: String,
    /// Queries that can be checked, each once.
    pub queries: Vec<ImportedQuery>,
    /// Variables that the queries use, with what was put in their place.
    pub variables: Vec<Variable>,
    /// Queries that cannot be checked, and why.
    pub skipped: Vec<SkippedQuery>,
}

/// A query for `promql_checks`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ImportedQuery {
    /// PromQL with every variable resolved.
    pub query: String,
    /// Step, as a plan writes it: `30s`.
    pub step: String,
    /// As it stands in the file.
    pub written: String,
    /// Where it stands: panel and target, or group and rule; more than one when the same query stands in several.
    pub origins: Vec<String>,
    /// What was decided on the way, one sentence each.
    pub notes: Vec<String>,
}

/// A variable of a dashboard.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Variable {
    /// Name without `$`.
    pub name: String,
    /// What stands in its place.
    pub value: String,
    /// Values that the file offers; may be empty.
    pub options: Vec<String>,
    /// Why this value.
    pub reason: String,
    /// Whether the operator can choose: not for built-in ones that follow from window and step.
    pub can_choose: bool,
}

/// A query that cannot be checked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SkippedQuery {
    /// As it stands in the file.
    pub written: String,
    /// Where it stands.
    pub origin: String,
    /// Why.
    pub why: String,
}

/// Bytes of a file at most. The largest dashboards have some MB.
pub const MAX_BYTES: usize = 16 * 1024 * 1024;

/// Reads a dashboard or a rules file; `name` is the file's name. The same text and options give the same result.
///
/// # Errors
/// When the text is neither, is no JSON or YAML, has more than [`MAX_BYTES`], 400,000 values or 128 levels.
pub fn read(name: &str, text: &str, options: &ImportOptions) -> Result<Import> {
    let name: String = collect::shortened(name);
    if text.len() > MAX_BYTES {
        return Err(Error::new(ErrorKind::Input, format!("{name} has more than 16 MiB"))
            .remedy("Import the dashboard or the rules file alone."));
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    // JSON is YAML, too, but its own reader is faster and names mistakes better.
    let is_json = text.trim_start().starts_with(['{', '[']);
    let read = if is_json { json::read(text).map(|root| vec![root]) } else { yaml::read(text) };
    let documents = read.map_err(|why| {
        let form = if is_json { "JSON" } else { "YAML" };
        Error::new(ErrorKind::Input, format!("{name} cannot be read as {form}: {why}"))
            .remedy("Export the dashboard as JSON, or give the rules file as Prometheus loads it.")
    })?;
    let groups = rules::groups(&documents);
    if !groups.is_empty() {
        let mut into = Collector::default();
        rules::read(&groups, &mut into);
        let (queries, skipped) = into.finish();
        let (kind, variables) = (ImportKind::PrometheusRules, Vec::new());
        return Ok(Import { kind, title: name, queries, variables, skipped });
    }
    match documents.iter().find_map(|document| dashboard::find(document)) {
        Some(dashboard) => Ok(dashboard::read(&name, dashboard, options)),
        None => Err(Error::new(
            ErrorKind::Input,
            format!("{name} is neither a Grafana dashboard nor a Prometheus rules file: it has neither panels nor groups"),
        )
        .remedy("Export the dashboard as JSON, or give the rules file as Prometheus loads it.")),
    }
}
