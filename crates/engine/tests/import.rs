//! Dashboards and rules files as they are in the field, and as an enemy would write them.
#![allow(clippy::unwrap_used)] // Helpers outside #[test] functions are tests, too.

use proptest::prelude::*;
use std::collections::BTreeMap;
use tsink_migrate_engine::import::{Import, ImportKind, ImportOptions, MAX_BYTES, read};
use tsink_migrate_engine::plan::{Context, check, parse_step_ms};

fn file(name: &str) -> String {
    std::fs::read_to_string(format!("{}/tests/imports/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

fn of(name: &str, options: &ImportOptions) -> Import {
    read(name, &file(name), options).unwrap()
}

/// A dashboard of one panel with these targets' expressions and these variables.
fn dashboard(expressions: &[&str], variables: serde_json::Value) -> String {
    let targets: Vec<_> =
        expressions.iter().map(|expr| serde_json::json!({ "refId": "A", "expr": expr })).collect();
    let panel =
        serde_json::json!({ "title": "p", "targets": targets, "datasource": { "type": "prometheus" } });
    serde_json::json!({ "title": "d", "panels": [panel], "templating": { "list": variables } }).to_string()
}

fn chosen(name: &str, value: &str) -> ImportOptions {
    let variables = BTreeMap::from([(name.to_owned(), value.to_owned())]);
    ImportOptions { variables, ..ImportOptions::default() }
}

fn queries(text: &str, options: &ImportOptions) -> Vec<String> {
    read("d.json", text, options).unwrap().queries.into_iter().map(|query| query.query).collect()
}

/// Every query is one that a plan accepts as it is.
fn holds(import: &Import) {
    let checks: Vec<_> = import
        .queries
        .iter()
        .map(|query| serde_json::json!({ "query": query.query, "step": query.step }))
        .collect();
    let plan = serde_json::json!({
        "source": { "kind": "prometheus", "remote_read_url": "http://a/r", "query_range_url": "http://a/q" },
        "target": { "write_url": "http://b/w", "read_url": "http://b/r", "query_range_url": "http://b/q" },
        "selectors": ["up"],
        "promql_checks": checks,
    });
    let secrets = BTreeMap::new();
    let context = Context { base: None, secrets: &secrets, now_ms: 0, start: "0", end: "1000" };
    let found = check(&plan.to_string(), &context);
    assert!(found.diagnostics.is_empty(), "{:?}", found.diagnostics);
    for query in &import.queries {
        assert!(parse_step_ms(&query.step).unwrap() >= 1_000, "{query:?}");
        assert!(!query.origins.is_empty());
    }
}

#[test]
fn files_become_what_is_expected_of_them() {
    insta::with_settings!({ snapshot_path => "imports/snapshots", prepend_module_to_snapshot => false, omit_expression => true }, {
        for name in ["exported.json", "wrapped.json", "schema2.json", "panel.json", "rules.yml", "operator.yaml"] {
            let import = of(name, &ImportOptions::default());
            holds(&import);
            insta::assert_json_snapshot!(name, import);
        }
    });
}

#[test]
fn the_window_and_the_scrape_interval_set_the_intervals() {
    let text = dashboard(
        &["rate(x[$__rate_interval]) + rate(x[$__interval])", "x[$__range_s:]"],
        serde_json::json!([]),
    );
    let with = |days: i64, scrape_ms| {
        let options = ImportOptions {
            window_ms: Some(days * 86_400_000),
            scrape_interval_ms: Some(scrape_ms),
            ..ImportOptions::default()
        };
        let import = read("d.json", &text, &options).unwrap();
        (import.queries[0].query.clone(), import.queries[0].step.clone())
    };
    assert_eq!(with(1, 15_000), ("rate(x[1m15s]) + rate(x[1m])".to_owned(), "1m".to_owned()));
    assert_eq!(with(30, 60_000), ("rate(x[31m]) + rate(x[30m])".to_owned(), "30m".to_owned()));
    assert_eq!(with(1, 120_000), ("rate(x[8m]) + rate(x[2m])".to_owned(), "2m".to_owned()));
}

#[test]
fn what_the_operator_chooses_counts() {
    let variable = serde_json::json!([{
        "name": "host", "type": "query", "multi": true, "includeAll": true, "current": { "value": "a.b" },
        "options": [{ "value": "$__all" }, { "value": "a.b" }, { "value": "c" }],
    }]);
    let text = dashboard(&["up{host=~\"$host\"}"], variable);
    for (value, wanted) in [
        ("c", "up{host=~\"c\"}"),
        ("a.b", "up{host=~\"a\\\\.b\"}"),
        ("x|y", "up{host=~\"x|y\"}"),
        ("$__all", "up{host=~\"(a\\\\.b|c)\"}"),
        ("All", "up{host=~\"(a\\\\.b|c)\"}"),
    ] {
        assert_eq!(queries(&text, &chosen("host", value)), [wanted], "{value}");
    }
    let import = read("d.json", &text, &chosen("host", "x|y")).unwrap();
    assert_eq!(import.variables[0].value, "x|y");
    assert!(import.variables[0].can_choose && import.variables[0].reason.contains("You chose"));

    let unknown = dashboard(
        &["up{host=\"$host\"}", "up + $more", "rate(up[$__rate_interval])"],
        serde_json::json!([{ "name": "host" }]),
    );
    let import = read("d.json", &unknown, &ImportOptions::default()).unwrap();
    assert_eq!(import.skipped.len(), 2, "{import:?}");
    assert!(import.skipped[0].why.contains("no value for $host"));
    assert!(import.skipped[1].why.contains("$more"));
    assert_eq!(queries(&unknown, &chosen("host", "h"))[0], "up{host=\"h\"}");
    assert_eq!(queries(&unknown, &chosen("more", "1"))[0], "up + 1");
    assert_eq!(queries(&unknown, &chosen("__rate_interval", "7m"))[0], "rate(up[7m])");
}

#[test]
fn what_was_told_of_a_variable_gives_the_same_again() {
    let first = of("exported.json", &ImportOptions::default());
    let variables = first
        .variables
        .iter()
        .filter(|variable| variable.can_choose)
        .map(|variable| (variable.name.clone(), variable.value.clone()))
        .collect();
    let again = of("exported.json", &ImportOptions { variables, ..ImportOptions::default() });
    let texts = |import: &Import| -> Vec<String> {
        // A repeated panel shows one value; a choice of several stays what was chosen.
        import
            .queries
            .iter()
            .map(|query| query.query.clone())
            .filter(|query| !query.contains("node_load1"))
            .collect()
    };
    assert_eq!(texts(&first).len() + 1, first.queries.len());
    for query in texts(&first) {
        assert!(texts(&again).contains(&query), "{query}: {:?}", texts(&again));
    }
}

#[test]
fn one_query_of_many_places_comes_once() {
    let many = vec!["up"; 200];
    let import = read("d.json", &dashboard(&many, serde_json::json!([])), &ImportOptions::default()).unwrap();
    assert_eq!(import.queries.len(), 1);
    assert_eq!(import.queries[0].origins, ["p / A"], "the same place is told once");

    let rules: String = (0..80).map(|at| format!("  - {{record: r{at}, expr: up}}\n")).collect();
    let import =
        read("r.yml", &format!("groups:\n- name: g\n  rules:\n{rules}"), &ImportOptions::default()).unwrap();
    assert_eq!(import.queries.len(), 1);
    assert_eq!(import.queries[0].origins.len(), 51);
    assert_eq!(import.queries[0].origins[50], "30 more places");
}

#[test]
fn what_is_neither_says_so() {
    for (name, text, words) in [
        ("a.json", "{}", "neither panels nor groups"),
        ("a.yml", "", "neither"),
        ("a.yml", "scrape_configs: []", "neither"),
        ("a.txt", "hello", "neither"),
        ("a.json", "{\"panels\": [}", "line 1 column 13"),
        ("a.yml", "groups:\n\t- a", "line 2"),
        ("a.yml", "{{ if .Values.x }}\ngroups: []\n", "JSON"),
        ("a.json", "[1, 2", "JSON"),
    ] {
        let error = read(name, text, &ImportOptions::default()).unwrap_err();
        assert!(error.message.contains(words) && error.message.contains(name), "{text}: {}", error.message);
        assert!(!error.remedy.is_empty());
    }
    let none = read("a.yml", "groups: []", &ImportOptions::default()).unwrap();
    assert!(none.kind == ImportKind::PrometheusRules && none.queries.is_empty());
}

#[test]
fn size_depth_and_number_are_bounded() {
    let error = |text: &str| read("x", text, &ImportOptions::default()).unwrap_err().message;
    assert!(error(&" ".repeat(MAX_BYTES + 1)).contains("16 MiB"));
    assert!(error(&"[".repeat(200)).contains("recursion limit"));
    let deep = format!("{}{}", "{\"panels\":[".repeat(60), "]}".repeat(60));
    let import = read("x", &deep, &ImportOptions::default()).unwrap();
    assert!(import.skipped.iter().any(|one| one.why.contains("nested too deep")), "{import:?}");
    assert!(error(&format!("[{}0]", "0,".repeat(500_000))).contains("400000 values"));
    assert!(error(&format!("[{}0]", "0,".repeat(500_000)).replace('[', "- [")).contains("400000 values"));

    let panels: Vec<String> =
        (0..20_000).map(|at| format!("{{\"targets\":[{{\"expr\":\"up + {at}\"}}]}}")).collect();
    let import =
        read("x", &format!("{{\"panels\":[{}]}}", panels.join(",")), &ImportOptions::default()).unwrap();
    assert_eq!(import.queries.len(), 5_000);
    assert!(import.skipped[0].why.starts_with("15000 more queries were not read"), "{:?}", import.skipped);
}

#[test]
fn variables_cannot_grow_or_turn_in_circles() {
    let level = |at: usize| {
        serde_json::json!({
            "name": format!("v{at}"), "includeAll": true, "current": { "value": "$__all" },
            "allValue": format!("$v{0}$v{0}$v{0}$v{0}$v{0}$v{0}$v{0}$v{0}$v{0}$v{0}", at + 1),
        })
    };
    let bomb: Vec<_> = (0..8)
        .map(level)
        .chain([serde_json::json!({ "name": "v8", "type": "textbox", "query": "xxxxxxxxxxxxxxxx" })])
        .collect();
    let import = read("d", &dashboard(&["up{a=\"$v0\"}"], bomb.into()), &ImportOptions::default()).unwrap();
    assert!(import.skipped[0].why.contains("bytes"), "{import:?}");
    let circle = serde_json::json!([{ "name": "a", "includeAll": true, "current": { "value": "$__all" }, "allValue": "$a" }]);
    let import = read("d", &dashboard(&["up{a=\"$a\"}"], circle), &ImportOptions::default()).unwrap();
    assert!(import.skipped[0].why.contains("leads to itself"), "{import:?}");
    let nothing = serde_json::json!({ "name": "v7", "type": "textbox", "query": "" });
    let empty: Vec<_> = (0..7)
        .map(|at| {
            serde_json::json!({
                "name": format!("v{at}"), "includeAll": true, "current": { "value": "$__all" },
                "allValue": format!("$v{}", at + 1).repeat(30),
            })
        })
        .chain([nothing])
        .collect();
    let import = read("d", &dashboard(&["up{a=\"$v0\"}"], empty.into()), &ImportOptions::default()).unwrap();
    assert!(import.skipped[0].why.contains("names more than"), "{import:?}");
}

/// A value of a file, of any shape, with the names that mean something.
fn any_json() -> impl Strategy<Value = serde_json::Value> {
    let text = prop_oneof![
        "[a-z\"$\\{\\}\\[\\]=~:,. \\\\]{0,30}".prop_map(serde_json::Value::from),
        prop::sample::select(vec![
            "up{a=~\"$v\"}",
            "$__all",
            "rate(x[$__rate_interval])",
            "${v:regex}",
            "[[v]]",
            "-- Mixed --",
            "prometheus",
            "v",
            "row",
            "interval",
            "custom",
            "adhoc",
            "datasource",
            "$v",
            "5m",
            "now-1h",
            "auto",
        ])
        .prop_map(serde_json::Value::from),
        any::<i64>().prop_map(serde_json::Value::from),
        any::<bool>().prop_map(serde_json::Value::from),
        Just(serde_json::Value::Null),
    ];
    let names = prop::sample::select(vec![
        "panels",
        "rows",
        "targets",
        "expr",
        "templating",
        "list",
        "name",
        "type",
        "current",
        "value",
        "options",
        "multi",
        "includeAll",
        "allValue",
        "query",
        "datasource",
        "uid",
        "interval",
        "intervalFactor",
        "maxDataPoints",
        "hide",
        "instant",
        "repeat",
        "elements",
        "spec",
        "data",
        "queries",
        "variables",
        "kind",
        "dashboard",
        "time",
        "from",
        "to",
        "groups",
        "rules",
        "record",
        "alert",
        "annotations",
        "enable",
        "filters",
        "key",
        "operator",
        "libraryPanel",
        "__inputs",
        "__elements",
        "model",
        "title",
        "id",
        "refId",
        "auto",
        "auto_count",
        "auto_min",
    ]);
    text.prop_recursive(6, 60, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(serde_json::Value::from),
            prop::collection::btree_map(names.clone().prop_map(str::to_owned), inner, 0..8)
                .prop_map(serde_json::Value::from_iter),
        ]
    })
}

proptest! {
    #[test]
    fn any_shape_of_dashboard(panels in any_json(), list in any_json(), window in any::<i64>(), scrape in any::<i64>()) {
        let text = serde_json::json!({ "panels": [panels.clone(), { "targets": [panels] }], "templating": { "list": [list] } });
        let options = ImportOptions { window_ms: Some(window), scrape_interval_ms: Some(scrape), ..ImportOptions::default() };
        let import = read("x.json", &text.to_string(), &options).unwrap();
        holds(&import);
        prop_assert_eq!(import, read("x.json", &text.to_string(), &options).unwrap());
    }

    #[test]
    fn any_query_with_any_value(
        query in "(up|rate|sum|[a-z$\\{\\}\\[\\]=~\"'`#:,.()0-9 \\\\]){0,12}",
        value in "\\PC{0,12}",
        multi in any::<bool>(),
    ) {
        let list = serde_json::json!([
            { "name": "a", "multi": multi, "current": { "value": value.clone() } },
            { "name": "b", "multi": true, "current": { "value": [value.clone(), "x"] } },
        ]);
        let text = dashboard(&[&query, "up{a=~\"$a\",b=~\"$b\",c='$a',d=~\"${b:regex}\"}"], list);
        let import = read("x.json", &text, &chosen("c", &value)).unwrap();
        holds(&import);
        let written = query.trim();
        prop_assert!(
            import.queries.iter().any(|found| found.written.trim() == written)
                || import.skipped.iter().any(|found| found.written == written),
            "{:?}", import
        );
    }

    #[test]
    fn any_value_keeps_its_string_whole(value in "[a-z\"'\\\\.|()+*$ ]{1,12}", multi in any::<bool>()) {
        let list = serde_json::json!([{ "name": "a", "multi": multi, "current": { "value": value.clone() } }]);
        let text = dashboard(&["up{a=~\"$a\"}", "up{a='$a'}"], list);
        let import = read("x.json", &text, &ImportOptions::default()).unwrap();
        // As text it is always a query; as a regular expression only where it is escaped for one.
        prop_assert!(import.skipped.len() <= usize::from(!multi), "{:?}", import);
    }

    #[test]
    fn any_text_never_panics(text in "\\PC{0,200}|(groups:|- |  |name: a|rules:|expr: up|record: b|[&*]a |<<: |\\n|\\{|\\}|\\[|\\]|\\||>-|#|\"|'|---|!!str ){0,40}") {
        if let Ok(import) = read("x.yml", &text, &ImportOptions::default()) {
            holds(&import);
        }
    }
}
