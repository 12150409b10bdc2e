//! Queries that people really run, from a Grafana dashboard (JSON) or a Prometheus rules file (YAML), as
//! `promql_checks`.

use crate::error::{Error, ErrorKind, Result};
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

/// Reads a dashboard or a rules file; `name` is the file's name.
///
/// # Errors
/// When the text is neither.
pub fn read(name: &str, _text: &str, _options: &ImportOptions) -> Result<Import> {
    Err(Error::new(ErrorKind::Input, format!("{name} is neither a dashboard nor a rules file")))
}
