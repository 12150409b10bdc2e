//! What a dropped, chosen or pasted file is. Judged by size first: a large file is never read.

use super::reports::shape::{self, Shape};
use serde_json::Value;

/// A plan is text that people write; beyond this size, in bytes, it is something else.
pub const LARGEST_PLAN: f64 = 1_048_576.0;

/// What a file turned out to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recognised {
    /// A plan, perhaps with mistakes.
    Plan {
        /// What it holds, in a few words.
        words: String,
    },
    /// A report of a migration.
    Report,
    /// A history of reports that a page exported.
    History,
    /// A dashboard or a rules file, whose queries can be compared.
    Queries,
    /// Something else that the page knows by sight, or does not; why it is left alone.
    Other {
        /// A word or three: `report`, `not a plan`, `too large`.
        kind: &'static str,
        /// Why, and what to do.
        words: String,
    },
}

impl Recognised {
    /// Whether it is a plan.
    pub fn is_plan(&self) -> bool {
        matches!(self, Self::Plan { .. })
    }
}

/// Says that a file is too large to be a plan, without having read it. `None` when it may be read.
pub fn too_large(size: f64) -> Option<Recognised> {
    (size > LARGEST_PLAN).then(|| Recognised::Other {
        kind: "too large",
        words: format!(
            "{} is more than a plan ever has (1 MiB); it was not read",
            super::format::bytes(size)
        ),
    })
}

/// Says what a text is.
pub fn recognise(text: &str) -> Recognised {
    match shape::of(text) {
        Some(Shape::Report) => return Recognised::Report,
        Some(Shape::History) => return Recognised::History,
        None => {}
    }
    if text.len() as f64 > LARGEST_PLAN {
        return too_large(text.len() as f64)
            .unwrap_or(Recognised::Other { kind: "too large", words: String::new() });
    }
    let text = text.trim_start_matches('\u{FEFF}').trim();
    if text.is_empty() {
        return Recognised::Other { kind: "empty", words: "there is nothing in it".to_owned() };
    }
    if text.contains('\0') || text.contains('\u{FFFD}') {
        return not_a_plan("it is not text");
    }
    match serde_json::from_str::<Value>(text) {
        Ok(Value::Object(fields)) => {
            let has = |name: &str| fields.contains_key(name);
            if is_dashboard(&fields) || fields.get("groups").is_some_and(Value::is_array) {
                return Recognised::Queries;
            }
            if !has("source") && !has("target") && !has("selectors") {
                return not_a_plan("it is JSON, but without source, target and selectors");
            }
            let selectors = fields.get("selectors").and_then(Value::as_array).map_or(0, Vec::len) as u64;
            let kind = fields
                .get("source")
                .and_then(|source| source.get("kind"))
                .and_then(Value::as_str)
                .unwrap_or("unnamed source");
            let kind: String = kind.chars().take(40).collect();
            let selectors = super::format::counted(selectors, "selector", "selectors");
            Recognised::Plan { words: format!("{kind}, {selectors}") }
        }
        Ok(Value::Array(_)) => not_a_plan("it is a JSON list, perhaps a capture manifest"),
        Ok(_) => not_a_plan("it is JSON, but not an object"),
        // A report that is broken, or deeper than any: the engine says in what way.
        Err(_) if text.starts_with('{') && names_a_result(text) => Recognised::Report,
        // A plan with a slip of the pen is still a plan: the editor shows where.
        Err(_) if text.starts_with('{') && names_a_section(text) => {
            Recognised::Plan { words: "not valid JSON yet".to_owned() }
        }
        Err(_) if is_rules(text) => Recognised::Queries,
        Err(_) => not_a_plan("it is not JSON"),
    }
}

fn names_a_result(text: &str) -> bool {
    ["\"raw_checks\"", "\"raw_verify\"", "\"samples_written\""].iter().any(|name| text.contains(name))
}

/// Whether fields are those of a Grafana dashboard, exported or as its API gives it.
fn is_dashboard(fields: &serde_json::Map<String, Value>) -> bool {
    let own = |fields: &serde_json::Map<String, Value>| {
        ["panels", "rows", "elements"].iter().any(|name| fields.contains_key(*name))
            && (fields.contains_key("title")
                || fields.contains_key("schemaVersion")
                || fields.contains_key("uid"))
    };
    let within = |name: &str| fields.get(name).and_then(Value::as_object).is_some_and(own);
    own(fields) || within("dashboard") || within("spec")
}

/// Whether a text is a Prometheus rules file: YAML with groups at its top.
pub fn is_rules(text: &str) -> bool {
    let lines = || text.lines().map(str::trim_end);
    let is_groups = |line: &str| {
        let key = line.split(':').next().unwrap_or(line).trim_matches(['"', '\'']);
        key == "groups" && line.contains(':')
    };
    lines().any(is_groups) && (text.contains("rules") || text.contains("expr"))
}

fn names_a_section(text: &str) -> bool {
    ["\"source\"", "\"target\"", "\"selectors\""].iter().any(|name| text.contains(name))
}

fn not_a_plan(words: &str) -> Recognised {
    Recognised::Other { kind: "not a plan", words: words.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(text: &str) -> &'static str {
        match recognise(text) {
            Recognised::Plan { .. } => "plan",
            Recognised::Report => "report",
            Recognised::History => "history",
            Recognised::Queries => "queries",
            Recognised::Other { kind, .. } => kind,
        }
    }

    #[test]
    fn plans_are_told_from_everything_else() {
        let plan = r#"{"source": {"kind": "prometheus"}, "target": {}, "selectors": ["up", "node_load1"]}"#;
        assert_eq!(recognise(plan), Recognised::Plan { words: "prometheus, 2 selectors".to_owned() });
        assert_eq!(kind(&format!("\u{FEFF}\n{plan}")), "plan");
        assert_eq!(kind(r#"{"source": {"kind": "prometheus",}, "target": {}}"#), "plan");
        assert_eq!(kind(r#"{"status": "pass", "raw_checks": []}"#), "report");
        assert_eq!(
            kind(&format!("{{\"command\": 1, \"status\": 2, \"a\": \"{}\"}}", "a".repeat(2_000_000))),
            "report"
        );
        assert_eq!(kind(r#"{"tsink_migrate_history": 1, "reports": []}"#), "history");
        assert_eq!(kind(r#"[{"body": "a 1", "received_at_ms": 1}]"#), "not a plan");
        assert_eq!(kind(r#"{"name": "x"}"#), "not a plan");
        assert_eq!(kind("{"), "not a plan");
        assert_eq!(kind("cpu,host=a value=1"), "not a plan");
        assert_eq!(kind("5"), "not a plan");
        assert_eq!(kind("  \n"), "empty");
        assert_eq!(kind("{\"source\": \u{FFFD}"), "not a plan");
    }

    #[test]
    fn dashboards_and_rules_are_told_by_what_is_in_them() {
        assert_eq!(kind(r#"{"title": "t", "panels": [], "schemaVersion": 39}"#), "queries");
        assert_eq!(kind(r#"{"meta": {}, "dashboard": {"uid": "u", "rows": []}}"#), "queries");
        assert_eq!(kind("# rules\ngroups:\n- name: a\n  rules:\n  - expr: up\n"), "queries");
        assert_eq!(kind("\"groups\": []\nrules: 1"), "queries");
        assert_eq!(kind(r#"{"groups": [{"rules": []}]}"#), "queries");
        assert_eq!(kind(r#"{"panels": []}"#), "not a plan");
        assert_eq!(kind("cpu,groups=1 rules=1"), "not a plan");
        assert_eq!(kind("a:\n  groups:\n  rules"), "not a plan");
    }

    #[test]
    fn size_decides_before_content() {
        assert_eq!(too_large(LARGEST_PLAN), None);
        assert!(matches!(too_large(2e9), Some(Recognised::Other { kind: "too large", .. })));
        assert_eq!(kind(&" ".repeat(1_048_577)), "too large");
    }

    #[test]
    fn depth_does_not_overflow_the_stack() {
        assert_eq!(kind(&"[".repeat(500_000)), "not a plan");
        let deep = format!("{{\"a\": {}, \"status\": 1, \"raw_checks\": []}}", "[".repeat(100_000));
        assert_eq!(kind(&deep), "report");
        assert_eq!(kind(&format!("{{\"source\": {}", "{\"a\":".repeat(100_000))), "plan");
    }
}
