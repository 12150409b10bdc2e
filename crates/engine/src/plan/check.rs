//! The result of checking a plan.

use super::{Batch, Compare, ExemplarCheck, Options, Plan, PromqlCheck};
use crate::model::Window;
use serde::{Deserialize, Serialize};

/// How bad a finding in a plan is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The plan cannot run.
    Error,
    /// The plan can run; the author should look.
    Warning,
}

/// One finding in a plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Diagnostic {
    /// How bad.
    pub severity: Severity,
    /// Field path such as `target.status_url` or `promql_checks[1].step`; empty for the whole text.
    pub path: String,
    /// 1-based line; 0 when the finding is not in the text (the window).
    pub line: u32,
    /// 1-based column in characters.
    pub column: u32,
    /// What is wrong.
    pub message: String,
    /// What to do, e.g. `did you mean status_url?`; may be empty.
    pub remedy: String,
}

/// What the page shows of a plan, without secrets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlanSummary {
    /// `prometheus`.
    pub source_kind: String,
    /// Host (and port) of the source.
    pub source_host: String,
    /// Host (and port) of the target.
    pub target_host: String,
    /// Target tenant.
    pub tenant: String,
    /// Selector texts.
    pub selectors: Vec<String>,
    /// Metrics whose metadata moves.
    pub metadata_metrics: Vec<String>,
    /// Exemplar checks, defaults filled in.
    pub exemplar_checks: Vec<ExemplarCheck>,
    /// Parity checks.
    pub promql_checks: Vec<PromqlCheck>,
    /// Batch limits, defaults filled in.
    pub batch: Batch,
    /// Tolerances, defaults filled in.
    pub compare: Compare,
    /// Options, defaults filled in.
    pub options: Options,
    /// Fields that took their default, as `path value`, e.g. `batch.max_points_per_write 25000`.
    pub defaults: Vec<String>,
}

/// Everything a surface needs to know about a plan text.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct PlanCheck {
    /// Findings in text order; window findings last.
    pub diagnostics: Vec<Diagnostic>,
    /// Names in `${NAME}` header values, in order of appearance, each once.
    pub secret_names: Vec<String>,
    /// Those of `secret_names` that have no value yet.
    pub missing_secrets: Vec<String>,
    /// The window, if both ends could be read.
    pub window: Option<Window>,
    /// There when the plan has no error.
    pub summary: Option<PlanSummary>,
    /// The plan itself; never leaves the engine's side.
    #[serde(skip)]
    pub plan: Option<Plan>,
}

impl PlanCheck {
    /// Whether a run can start: no error, no missing secret, a window.
    pub fn is_ready(&self) -> bool {
        self.missing_secrets.is_empty()
            && self.window.is_some()
            && self.diagnostics.iter().all(|found| found.severity != Severity::Error)
    }
}
