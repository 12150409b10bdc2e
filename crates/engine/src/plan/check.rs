//! Checking a plan, and the result of it.

use super::address::host;
use super::fields::Fields;
use super::walk::Walk;
use super::{
    Batch, Compare, ExemplarCheck, Options, Plan, PromqlCheck, ReadVia, SourceKind, json, lists, options,
    servers, window,
};
use crate::error::redact_url;
use crate::model::Window;
use jsonc_parser::ast::Value;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a plan is checked against. It holds secrets, so it has no `Debug`.
pub struct Context<'a> {
    /// URL of the page, which relative URLs resolve against; `None` in the command, where a relative URL is an
    /// error.
    pub base: Option<&'a str>,
    /// Values for `${NAME}` in header values. An empty value counts as missing.
    pub secrets: &'a BTreeMap<String, String>,
    /// Unix time in ms, for relative times.
    pub now_ms: i64,
    /// Start of the window as typed; see [`parse_time`](super::parse_time).
    pub start: &'a str,
    /// End of the window as typed. Both empty: there is no window yet, and nothing is said about it.
    pub end: &'a str,
}

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
    /// The plan's word, e.g. `prometheus`.
    pub source_kind: String,
    /// Host (and port) of the source; of a recording, its manifest.
    pub source_host: String,
    /// Where samples are read from, without user name, password and query; of a recording, its manifest.
    pub source: String,
    /// Where they are written to, the same way.
    pub target: String,
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

/// Fields of a plan. Names that start with `_` or `//`, and `$schema`, are comments.
const FIELDS: &[&str] = &[
    "source",
    "target",
    "selectors",
    "metadata_metrics",
    "exemplar_checks",
    "promql_checks",
    "batch",
    "compare",
    "options",
];

/// Names of the fields that a section of a plan may have: of `source`, of `target`, or of the plan itself by an empty
/// name. Empty for any other section.
///
/// ```
/// use tsink_migrate_engine::plan::field_names;
/// assert!(field_names("").contains(&"selectors") && field_names("target").contains(&"tenant"));
/// ```
pub fn field_names(section: &str) -> &'static [&'static str] {
    match section {
        "" => FIELDS,
        "source" => servers::SOURCE,
        "target" => servers::TARGET,
        _ => &[],
    }
}

/// Checks a plan's text and the window typed beside it. Everything that is wrong is reported at once; the plan
/// and its summary are there when there is no error. Secrets show in nothing that comes back.
///
/// ```
/// use std::collections::BTreeMap;
/// use tsink_migrate_engine::plan::{Context, check};
/// let context = Context { base: None, secrets: &BTreeMap::new(), now_ms: 0, start: "", end: "" };
/// let checked = check("{\n  \"selectors\": []\n}", &context);
/// let found: Vec<(&str, u32)> = checked.diagnostics.iter().map(|d| (d.path.as_str(), d.line)).collect();
/// assert_eq!(found, [("source", 1), ("target", 1), ("selectors", 2)]);
/// ```
pub fn check(text: &str, context: &Context<'_>) -> PlanCheck {
    // A byte order mark is no part of the text (RFC 8259 §8.1 lets parsers ignore it).
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
    let mut walk = Walk::new(text, context);
    let plan = json::read(text, &mut walk.found).and_then(|value| read_plan(&value, &mut walk));
    let plan = plan.filter(|_| !walk.found.failed());
    let (secret_names, missing_secrets) = walk.secret_names();
    let Walk { found, defaults, .. } = walk;
    let mut diagnostics = found.finish();
    let window = window::read(context, &mut diagnostics);
    let summary = plan.as_ref().map(|plan| summarize(plan, defaults));
    PlanCheck { diagnostics, secret_names, missing_secrets, window, summary, plan }
}

fn read_plan(value: &Value<'_>, walk: &mut Walk<'_, '_>) -> Option<Plan> {
    let plan = Fields::read(value, "", FIELDS, &mut walk.found)?;
    let source = match plan.get("source") {
        Some(value) => servers::source(value, walk),
        None => {
            plan.missing("source", "Add the section that names the Prometheus server.", &mut walk.found);
            None
        }
    };
    let target = match plan.get("target") {
        Some(value) => servers::target(value, walk),
        None => {
            plan.missing("target", "Add the section that names the tsink server.", &mut walk.found);
            None
        }
    };
    let selectors = lists::selectors(&plan, walk);
    let known = selectors.as_deref().unwrap_or_default();
    let metadata_metrics = lists::metadata_metrics(&plan, known, walk);
    let exemplar_checks = lists::exemplar_checks(&plan, known, walk);
    let promql_checks = lists::promql_checks(&plan, walk);
    let batch = options::batch(plan.get("batch"), walk);
    let compare = options::compare(plan.get("compare"), walk);
    let options = options::options(plan.get("options"), walk);
    let written = plan.get("batch").or_else(|| plan.get("options")).map(json::start);
    if let (Some(batch), Some(options), Some(at)) = (&batch, &options, written) {
        options::in_flight(batch, options, at, walk);
    }
    if let (Some(source), Some(target)) = (&source, &target) {
        fit_together(&plan, source, target, walk);
    }
    if let (Some(read), Some(options)) = (source.as_ref().and_then(|read| read.section.as_ref()), &options)
        && read.kind == SourceKind::VictoriaMetrics
        && options.read_via != ReadVia::RemoteRead
    {
        walk.found.warning(
            plan.get("options").map(json::start).unwrap_or_default(),
            "options.read_via",
            "read_via has no effect: a victoriametrics source is always read through export_url",
            "Remove it.",
        );
    }
    if let (Some(probe), Some(target)) = (
        options.as_ref().and_then(|options| options.live_probe.as_ref()),
        target.as_ref().and_then(|read| read.section.as_ref()),
    ) && *probe == target.tenant
    {
        walk.found.error(
            plan.get("options").map(json::start).unwrap_or_default(),
            "options.live_probe",
            "the scratch tenant of the live probe is the tenant that is migrated to",
            "Name a tenant that holds nothing: the probe's samples stay there.",
        );
    }
    let source = source?.section?;
    Some(Plan {
        target: target?.section?,
        selectors: selectors?,
        metadata_metrics: metadata_metrics?,
        // The target need not be asked either, which may refuse a selector as a query.
        exemplar_checks: exemplar_checks?
            .into_iter()
            .filter(|_| source.kind != SourceKind::VictoriaMetrics)
            .collect(),
        source,
        promql_checks: promql_checks?,
        batch: batch?,
        compare: compare?,
        options: options?,
    })
}

/// Checks that need a URL on both sides. Without one, parity cannot be told, which is an error as in the native
/// tool; metadata and exemplars are skipped, which is a warning when the plan asks for them.
fn fit_together(
    plan: &Fields<'_, '_>,
    source: &servers::Read<super::Source>,
    target: &servers::Read<super::Target>,
    walk: &mut Walk<'_, '_>,
) {
    for (list, url, what) in [
        ("promql_checks", "query_range_url", None),
        ("metadata_metrics", "metadata_url", Some("metadata is not compared")),
        ("exemplar_checks", "exemplar_url", Some("exemplars are not compared")),
    ] {
        let Some(Value::Array(items)) = plan.get(list) else { continue };
        if items.elements.is_empty() {
            continue;
        }
        let kind = source.section.as_ref().map(|source| source.kind).filter(|kind| kind.is_recording());
        if kind.is_some() && what.is_none() {
            walk.found.error(
                items.range.start,
                list,
                "a recording answers no queries, so there is nothing to compare with",
                format!("Remove {list}."),
            );
            continue;
        }
        let is_victoria = source.section.as_ref().is_some_and(|one| one.kind == SourceKind::VictoriaMetrics);
        if is_victoria && url == "exemplar_url" {
            walk.found.warning(
                items.range.start,
                list,
                "exemplars are not compared: VictoriaMetrics keeps none",
                format!("Remove {list}."),
            );
            continue;
        }
        for (section, brace, has) in [
            ("source", source.brace, source.has(url) || kind.is_some()),
            ("target", target.brace, target.has(url)),
        ] {
            let path = format!("{section}.{url}");
            match what {
                _ if has => {}
                None => {
                    let message = format!("{url} is missing, and {list} needs it on both sides");
                    walk.found.error(brace, &path, message, format!("Add {path}, or remove {list}."));
                }
                Some(what) => {
                    let message = format!("{what} without {path}");
                    walk.found.warning(
                        items.range.start,
                        list,
                        message,
                        format!("Add {path}, or remove {list}."),
                    );
                }
            }
        }
    }
}

fn summarize(plan: &Plan, defaults: Vec<String>) -> PlanSummary {
    PlanSummary {
        source_kind: plan.source.kind.as_str().to_owned(),
        source_host: match &plan.source.capture_manifest_path {
            Some(path) => path.clone(),
            None => host(plan.source.samples_url()),
        },
        source: match &plan.source.capture_manifest_path {
            Some(path) => path.clone(),
            None => redact_url(plan.source.samples_url()),
        },
        target_host: host(&plan.target.write_url),
        target: redact_url(&plan.target.write_url),
        tenant: plan.target.tenant.clone(),
        selectors: plan.selectors.iter().map(|selector| selector.text.clone()).collect(),
        metadata_metrics: plan.metadata_metrics.clone(),
        exemplar_checks: plan.exemplar_checks.clone(),
        promql_checks: plan.promql_checks.clone(),
        batch: plan.batch.clone(),
        compare: plan.compare.clone(),
        options: plan.options.clone(),
        defaults,
    }
}
