//! Selectors (§4.3) and the lists of checks (§4.4).

use super::fields::{Fields, join, string};
use super::time::parse_step_ms;
use super::walk::Walk;
use super::{ExemplarCheck, PromqlCheck};
use crate::selector::{Selector, promql};
use jsonc_parser::ast::Value;
use std::collections::BTreeSet;

const DEFAULT_STEP: &str = "30s";
const DEFAULT_LIMIT: u64 = 200;
/// Exemplars a series at most; far above what any server keeps.
const MAX_LIMIT: u64 = 100_000;

/// A list as far as it could be read: `None` items were wrong.
fn each<'n, 't, T>(
    items: &'n [Value<'t>],
    path: &str,
    mut read: impl FnMut(&'n Value<'t>, &str) -> Option<T>,
) -> Option<Vec<T>> {
    let read: Vec<Option<T>> =
        items.iter().enumerate().map(|(at, item)| read(item, &format!("{path}[{at}]"))).collect();
    read.into_iter().collect()
}

/// Reads `selectors`.
pub(super) fn selectors(plan: &Fields<'_, '_>, walk: &mut Walk<'_, '_>) -> Option<Vec<Selector>> {
    const REMEDY: &str = "Add one, as in \"selectors\": [\"up{job=\\\"node\\\"}\"].";
    if plan.get("selectors").is_none() {
        plan.missing("selectors", REMEDY, &mut walk.found);
        return None;
    }
    let (items, at) = plan.list("selectors", &mut walk.found)?;
    if items.is_empty() {
        walk.found.error(at, "selectors", "there is no selector, so nothing would move", REMEDY);
        return None;
    }
    let mut earlier: Vec<(String, Selector)> = Vec::new();
    each(items, "selectors", |item, path| {
        let (text, at) = string(item, path, &mut walk.found)?;
        match Selector::parse(text) {
            Ok(selector) => {
                if let Some((first, _)) =
                    earlier.iter().find(|(_, other)| other.matchers == selector.matchers)
                {
                    walk.found.warning(
                        at,
                        path,
                        format!("this asks for the same series as {first}"),
                        "Remove one of the two.",
                    );
                }
                earlier.push((path.to_owned(), selector.clone()));
                Some(selector)
            }
            Err(error) => {
                walk.found.error(at, path, error.message, error.remedy);
                None
            }
        }
    })
}

/// Reads `metadata_metrics` and adds the metrics that the selectors name: sorted, each once, as the native tool
/// does it.
pub(super) fn metadata_metrics(
    plan: &Fields<'_, '_>,
    selectors: &[Selector],
    walk: &mut Walk<'_, '_>,
) -> Option<Vec<String>> {
    let mut metrics: BTreeSet<String> =
        selectors.iter().filter_map(Selector::metric_name).map(str::to_owned).collect();
    if plan.get("metadata_metrics").is_none() {
        walk.default("metadata_metrics", "those that the selectors name");
        return Some(metrics.into_iter().collect());
    }
    let (items, _) = plan.list("metadata_metrics", &mut walk.found)?;
    metrics.extend(each(items, "metadata_metrics", |item, path| {
        let (text, at) = string(item, path, &mut walk.found)?;
        let name = text.trim();
        if name.is_empty() || name.chars().any(char::is_control) {
            walk.found.error(
                at,
                path,
                "this is not the name of a metric",
                "Write the name alone, or remove it.",
            );
            return None;
        }
        if name.contains('{') {
            walk.found.error(
                at,
                path,
                "this is a selector; metadata goes by the metric's name",
                "Write the name alone.",
            );
            return None;
        }
        Some(name.to_owned())
    })?);
    Some(metrics.into_iter().collect())
}

/// Reads `exemplar_checks`; one per selector when there are none (§4.4).
pub(super) fn exemplar_checks(
    plan: &Fields<'_, '_>,
    selectors: &[Selector],
    walk: &mut Walk<'_, '_>,
) -> Option<Vec<ExemplarCheck>> {
    let items = match plan.get("exemplar_checks") {
        Some(_) => plan.list("exemplar_checks", &mut walk.found)?.0,
        None => &[],
    };
    if items.is_empty() {
        walk.default("exemplar_checks", format!("one per selector, limit {DEFAULT_LIMIT}"));
        let one = |selector: &Selector| ExemplarCheck { query: selector.text.clone(), limit: DEFAULT_LIMIT };
        return Some(selectors.iter().map(one).collect());
    }
    each(items, "exemplar_checks", |item, path| {
        let fields = Fields::read(item, path, &["query", "limit"], &mut walk.found)?;
        let limit = match fields.get("limit") {
            Some(_) => fields.whole("limit", 1..=MAX_LIMIT, &mut walk.found),
            None => Some(walk.default(&join(path, "limit"), DEFAULT_LIMIT)),
        };
        let query = query(&fields, walk);
        Some(ExemplarCheck { query: query?, limit: limit? })
    })
}

/// Reads `promql_checks`.
pub(super) fn promql_checks(plan: &Fields<'_, '_>, walk: &mut Walk<'_, '_>) -> Option<Vec<PromqlCheck>> {
    if plan.get("promql_checks").is_none() {
        walk.default("promql_checks", "none");
        return Some(Vec::new());
    }
    let (items, _) = plan.list("promql_checks", &mut walk.found)?;
    each(items, "promql_checks", |item, path| {
        let fields = Fields::read(item, path, &["query", "step"], &mut walk.found)?;
        let step = match fields.get("step") {
            Some(_) => fields.string("step", &mut walk.found),
            None => Some((walk.default(&join(path, "step"), DEFAULT_STEP), fields.brace)),
        };
        let step = step.and_then(|(step, at)| match parse_step_ms(step) {
            Ok(step_ms) => Some((step.trim().to_owned(), step_ms)),
            Err(error) => {
                walk.found.error(at, &fields.path("step"), error.message, error.remedy);
                None
            }
        });
        let query = query(&fields, walk)?;
        let (step, step_ms) = step?;
        Some(PromqlCheck { query, step, step_ms })
    })
}

/// A check's `query`: any PromQL expression.
fn query(fields: &Fields<'_, '_>, walk: &mut Walk<'_, '_>) -> Option<String> {
    if fields.get("query").is_none() {
        fields.missing("query", "Add the PromQL expression.", &mut walk.found);
        return None;
    }
    let (text, at) = fields.string("query", &mut walk.found)?;
    match promql::parse(text) {
        Ok(_) => {}
        Err(fault) if fault.kind == promql::FaultKind::UnknownFunction => walk.found.warning(
            at,
            &fields.path("query"),
            format!("{}; both servers must know it", fault.message),
            "Look at its spelling.",
        ),
        Err(fault) => {
            walk.found.error(
                at,
                &fields.path("query"),
                fault.message,
                "Write a PromQL expression that both servers know.",
            );
            return None;
        }
    }
    Some(text.to_owned())
}
