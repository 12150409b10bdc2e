//! Prometheus rules files, and the `PrometheusRule` resources of its Kubernetes operator.

use super::collect::{Candidate, Collector, shortened};
use super::interval::{self, MIN_STEP_MS};
use super::tree::Node;
use std::rc::Rc;

/// Prometheus' own default of `global.evaluation_interval`, which a group without `interval` follows.
const EVALUATION_MS: i64 = 60_000;

/// Lists of groups in the documents; empty when these are no rules.
pub(super) fn groups(documents: &[Rc<Node>]) -> Vec<&[Rc<Node>]> {
    let mut found = Vec::new();
    for document in documents {
        let items = document.list("items").iter().map(|item| &**item);
        for node in std::iter::once(&**document).chain(items) {
            let holder = if node.has_list("groups") { Some(node) } else { node.get("spec") };
            if let Some(holder) = holder.filter(|holder| holder.has_list("groups")) {
                found.push(holder.list("groups"));
            }
        }
    }
    found
}

/// Gathers the expressions of all rules.
pub(super) fn read(groups: &[&[Rc<Node>]], into: &mut Collector) {
    for (at, group) in groups.iter().flat_map(|groups| groups.iter()).enumerate() {
        read_group(group, at, into);
    }
}

fn read_group(group: &Node, at: usize, into: &mut Collector) {
    let name = group.word("name").map_or_else(|| format!("group {}", at + 1), shortened);
    let (step_ms, mut about) = match group.word("interval").map(|text| (text, interval::parse(text))) {
        Some((_, Ok(ms))) => (ms.max(MIN_STEP_MS), "The step is the group's interval.".to_owned()),
        Some((text, Err(_))) => (
            EVALUATION_MS,
            format!(
                "The group's interval {:?} is no length; the step is Prometheus' default, 1m.",
                shortened(text)
            ),
        ),
        None => (EVALUATION_MS, "The group has no interval; the step is Prometheus' default, 1m.".to_owned()),
    };
    if let Some(offset) = group.word("query_offset").or_else(|| group.word("evaluation_delay")) {
        about.push_str(&format!(" It is checked without the group's offset of {}.", shortened(offset)));
    }
    for (at, rule) in group.list("rules").iter().enumerate() {
        if !into.admit() {
            continue;
        }
        let (what, alert) = match (rule.word("record"), rule.word("alert")) {
            (Some(record), _) => (format!("record {}", shortened(record)), false),
            (None, Some(alert)) => (format!("alert {}", shortened(alert)), true),
            (None, None) => (format!("rule {}", at + 1), false),
        };
        let origin = format!("{name} / {what}");
        let Some(written) = rule.word("expr") else {
            let why = if rule.has_list("data") {
                "it is an alert of Grafana's own, not of Prometheus"
            } else {
                "it has no expr"
            };
            into.skip("", origin, why);
            continue;
        };
        let mut notes = vec![about.clone()];
        if alert {
            notes.push(
                "An alert's condition: where nothing fires, both results are empty, and that agrees."
                    .to_owned(),
            );
        }
        let (query, written) = (written.to_owned(), written.to_owned());
        into.take(Candidate { query, step_ms, written, origin, notes });
    }
}
