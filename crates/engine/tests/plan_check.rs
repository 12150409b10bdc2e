//! Plans of the specification and plans with mistakes, checked as a whole.
#![allow(clippy::unwrap_used)] // Helpers outside #[test] functions are tests, too.

use proptest::prelude::*;
use std::collections::BTreeMap;
use tsink_migrate_engine::plan::{Context, Draft, PlanCheck, ReadVia, Severity, SourceKind, check};

const NOW: i64 = 1_763_467_200_000; // 2025-11-18T12:00:00Z

fn plan(name: &str) -> String {
    std::fs::read_to_string(format!("{}/tests/plans/{name}.json", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

fn in_command(text: &str) -> PlanCheck {
    let context = Context { base: None, secrets: &BTreeMap::new(), now_ms: NOW, start: "", end: "" };
    check(text, &context)
}

fn with_window(start: &str, end: &str) -> PlanCheck {
    let context = Context { base: None, secrets: &BTreeMap::new(), now_ms: NOW, start, end };
    check(&plan("minimal"), &context)
}

fn lines(checked: &PlanCheck) -> String {
    let line = |found: &tsink_migrate_engine::plan::Diagnostic| {
        let severity = if found.severity == Severity::Error { "error" } else { "warning" };
        format!(
            "{}:{} {severity} [{}] {} | {}\n",
            found.line, found.column, found.path, found.message, found.remedy
        )
    };
    checked.diagnostics.iter().map(line).collect()
}

#[test]
fn the_specifications_prometheus_plan_is_ready() {
    let checked = in_command(&plan("prometheus"));
    assert_eq!(lines(&checked), "");
    assert!(!checked.is_ready(), "there is no window yet");
    let found = checked.plan.unwrap();
    assert_eq!(found.metadata_metrics, ["http_requests_total", "up"]);
    assert_eq!(found.promql_checks[1].step_ms, 30_000);
    assert_eq!(found.source.headers[0].1.reveal(), "Bearer <source-token>");
    let summary = checked.summary.unwrap();
    assert_eq!(summary.source_host, "prometheus:9090");
    insta::assert_snapshot!(summary.defaults.join("\n"), @r"
    batch.max_series_per_write 250
    batch.max_points_per_write 25000
    batch.http_timeout_secs 30
    compare.max_absolute_value_delta 1e-12
    compare.max_relative_value_delta 1e-9
    options.dry_run false
    options.read_via remote_read
    options.max_concurrent_writes 4
    options.max_rows_per_second 0
    options.max_in_flight_rows 0
    options.slab_samples 600000
    options.memory_mib 112
    options.max_attempts 6
    options.backoff_base_ms 200
    options.backoff_cap_ms 10000
    options.max_findings 100
    options.strict true
    options.settle_secs 300
    options.recheck_secs 20
    options.accept_explained false
    ");
}

#[test]
fn the_smallest_plan_takes_every_default() {
    let checked = with_window("2025-11-17", "now");
    assert_eq!(lines(&checked), "");
    assert!(checked.is_ready());
    let found = checked.plan.unwrap();
    assert_eq!(found.target.tenant, "default");
    assert_eq!(found.exemplar_checks[0].query, "{__name__!=\"\"}");
    assert_eq!(found.exemplar_checks[0].limit, 200);
    assert_eq!(found.metadata_metrics, Vec::<String>::new());
    assert_eq!(found.batch, Default::default());
    assert_eq!(found.compare, Default::default());
    assert_eq!(found.options, Default::default());
}

#[test]
fn every_field_is_read() {
    let mut secrets = BTreeMap::from([("SOURCE_TOKEN".to_owned(), "s3cret".to_owned())]);
    let text = plan("everything");
    let page = Some("https://ops.example/migrate/");
    let checked =
        check(&text, &Context { base: page, secrets: &secrets, now_ms: NOW, start: "30d", end: "now" });
    assert_eq!(lines(&checked), "");
    assert_eq!(checked.secret_names, ["SOURCE_TOKEN", "TARGET_BASIC"]);
    assert_eq!(checked.missing_secrets, ["TARGET_BASIC"]);
    assert!(!checked.is_ready());
    assert!(checked.plan.unwrap().target.headers.is_empty(), "half a header is never sent");

    secrets.insert("TARGET_BASIC".to_owned(), "dXNlcjpwdw==".to_owned());
    let checked =
        check(&text, &Context { base: page, secrets: &secrets, now_ms: NOW, start: "30d", end: "now" });
    assert!(checked.is_ready());
    assert_eq!(checked.window.unwrap().start_ms, NOW - 30 * 86_400_000);
    assert!(!format!("{checked:?}").contains("s3cret"));
    assert!(!serde_json::to_string(&checked).unwrap().contains("s3cret"));

    let found = checked.plan.unwrap();
    let header = |at: usize| (found.source.headers[at].0.as_str(), found.source.headers[at].1.reveal());
    assert_eq!(header(0), ("Authorization", "Bearer s3cret"));
    assert_eq!(header(1), ("X-Price", "${x} and s3cret"));
    assert_eq!(found.source.remote_read_url, "https://ops.example/prometheus/api/v1/read");
    assert_eq!(
        found.source.query_range_url.as_deref(),
        Some("https://ops.example/prometheus/api/v1/query_range")
    );
    assert_eq!(found.target.status_url.as_deref(), Some("https://tsink.example:9201/api/v1/status/tsdb"));
    assert_eq!(found.target.tenant, "team-a");
    let names: Vec<&str> = found.target.headers.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["Authorization"], "the tenant's header is the run's to send");
    assert_eq!(found.metadata_metrics, ["alpha", "my.metric", "up", "zeta"]);
    assert_eq!(found.selectors[0].matchers[1].value, r"node.\d+");
    assert_eq!(found.exemplar_checks[0].limit, 7);
    assert_eq!(found.promql_checks[0].step_ms, 5_400_000);
    assert_eq!(found.promql_checks[1].step_ms, 500);
    assert_eq!(found.batch.max_points_per_write, 200_000);
    assert_eq!(found.compare.max_absolute_value_delta, 0.0);
    assert_eq!(found.compare.max_relative_value_delta, 1e-6);
    assert!(found.options.dry_run);
    assert_eq!(found.options.read_via, ReadVia::InstantQuery);
    assert_eq!(found.options.max_attempts, 1);
    assert_eq!((found.options.max_rows_per_second, found.options.max_in_flight_rows), (50_000, 0));
    assert_eq!((found.options.backoff_base_ms, found.options.backoff_cap_ms), (50, 1_000));
    assert_eq!(found.options.memory_mib, 16);
    assert_eq!((found.options.settle_ms, found.options.recheck_ms), (0, 60_000));
    assert!(found.options.accept_explained);
    assert!(found.options.redact.hosts);
    assert_eq!(found.options.redact.labels, ["instance", "pod"]);
    assert_eq!(checked.summary.unwrap().defaults, Vec::<String>::new());
}

#[test]
fn a_command_has_no_page_to_resolve_against() {
    let checked = in_command(&plan("everything"));
    let paths: Vec<&str> = checked.diagnostics.iter().map(|found| found.path.as_str()).collect();
    assert_eq!(paths, ["source.remote_read_url", "source.query_range_url"]);
    assert!(checked.plan.is_none() && checked.summary.is_none());
}

#[test]
fn five_mistakes_at_once() {
    insta::assert_snapshot!(lines(&in_command(&plan("five-mistakes"))));
}

#[test]
fn many_mistakes_at_once() {
    let checked = in_command(&plan("many-mistakes"));
    let lines = lines(&checked);
    assert!(!lines.contains("sentinel"), "a header's value or a URL's password shows");
    insta::assert_snapshot!(lines);
}

#[test]
fn the_specifications_victoriametrics_plan_is_ready() {
    let checked = in_command(&plan("victoriametrics"));
    assert_eq!(lines(&checked), "");
    let found = checked.plan.unwrap();
    let source = found.source;
    assert_eq!(source.kind, SourceKind::VictoriaMetrics);
    assert_eq!(source.samples_url(), "http://victoria:8428/api/v1/export");
    assert_eq!((source.remote_read_url.as_str(), source.exemplar_url), ("", None));
    assert_eq!(found.exemplar_checks, [], "nobody is asked for exemplars that there are not");
    let summary = checked.summary.unwrap();
    assert_eq!(
        (summary.source_kind.as_str(), summary.source_host.as_str()),
        ("victoriametrics", "victoria:8428")
    );
}

#[test]
fn what_a_victoriametrics_plan_gets_wrong() {
    let with = |from: &str, to: &str| {
        let text = plan("victoriametrics");
        assert!(text.contains(from));
        lines(&in_command(&text.replace(from, to)))
    };
    let export = "\"export_url\":      \"http://victoria:8428/api/v1/export\",";
    insta::assert_snapshot!(with(export, ""), @r"
    2:13 error [source.export_url] export_url is missing | Add VictoriaMetrics' export endpoint, as in http://victoria:8428/api/v1/export.
    ");
    insta::assert_snapshot!(with("8428/api/v1/export", "8428/sentinel-secret/api/v1/export/native"), @r"
    4:24 error [source.export_url] this endpoint exports another format than JSON lines | End the path with /api/v1/export.
    ");
    insta::assert_snapshot!(with("8428/api/v1/export", "8428/"), @r"
    4:24 error [source.export_url] the path does not end with /api/v1/export | Write VictoriaMetrics' export endpoint, as in http://victoria:8428/api/v1/export; in a cluster, that of vmselect: http://vmselect:8481/select/0/prometheus/api/v1/export.
    ");
    insta::assert_snapshot!(
        with(export, &format!("{export} \"remote_read_url\": \"http://a/read\", \"exemplar_url\": \"http://a/b\", \"capture_manifest_path\": \"c\",")),
        @r"
    4:81 warning [source.remote_read_url] remote_read_url is not used for a victoriametrics source | Remove it.
    4:114 warning [source.exemplar_url] VictoriaMetrics keeps no exemplars, so this endpoint has none to offer | Remove it.
    4:153 warning [source.capture_manifest_path] capture_manifest_path is not used for a victoriametrics source | Remove it.
    "
    );
    insta::assert_snapshot!(
        with("\"promql_checks\"", "\"options\": {\"read_via\": \"instant_query\"}, \"exemplar_checks\": [{\"query\": \"up\"}], \"promql_checks\""),
        @r"
    21:14 warning [options.read_via] read_via has no effect: a victoriametrics source is always read through export_url | Remove it.
    21:64 warning [exemplar_checks] exemplars are not compared: VictoriaMetrics keeps none | Remove exemplar_checks.
    "
    );
}

#[test]
fn on_a_page_the_export_may_be_relative() {
    let text =
        plan("victoriametrics").replace("http://victoria:8428/api/v1/export", "victoria/api/v1/export");
    assert!(lines(&in_command(&text)).contains("[source.export_url]"));
    let context = Context {
        base: Some("https://page.example/migrate/"),
        secrets: &BTreeMap::new(),
        now_ms: NOW,
        start: "",
        end: "",
    };
    let source = check(&text, &context).plan.unwrap().source;
    assert_eq!(source.samples_url(), "https://page.example/migrate/victoria/api/v1/export");
}

#[test]
fn the_specifications_recording_plans_are_ready() {
    for (name, kind) in [
        ("otlp", SourceKind::Otlp),
        ("influx", SourceKind::InfluxLineProtocol),
        ("statsd", SourceKind::Statsd),
        ("graphite", SourceKind::GraphitePlaintext),
    ] {
        let checked = in_command(&plan(name));
        assert_eq!(lines(&checked), "", "{name}");
        let source = checked.plan.unwrap().source;
        assert_eq!(source.kind, kind);
        assert!(source.capture_manifest_path.is_some_and(|path| path.ends_with("-capture.json")));
        assert_eq!(source.remote_read_url, "");
    }
}

#[test]
fn what_a_recording_has_no_use_for_is_said() {
    let text = plan("influx")
        .replace(
            "\"source\": {",
            "\"promql_checks\": [{\"query\": \"up\"}], \"source\": { \"metadata_url\": \"http://a/b\",",
        )
        .replace("\"tenant\": \"default\"", "\"tenant\": \"a\"")
        .replacen('{', "{ \"options\": { \"live_probe\": \"a\" },", 1);
    insta::assert_snapshot!(lines(&in_command(&text)));
    let missing = in_command(&plan("influx").replace("capture_manifest_path", "capture_manifest"));
    assert!(lines(&missing).contains("Did you mean capture_manifest_path?"));
}

#[test]
fn syntax_errors_have_places() {
    let deep = format!("{}{}", "[".repeat(65), "]".repeat(65));
    let texts = [
        "",
        "  \n",
        "null",
        "[]",
        "{\"source\": {\n",
        "{\"selectors\": [\"up\" \"down\"]}",
        "{\"selectors\": [\"up\",],}",
        "{\"selectors\": \"up\n\"}",
        "{\"selectors\": \"up\u{1}\"}",
        "{\u{A0}\"selectors\": []}",
        "{“selectors”: []}",
        "{'selectors': []}",
        "{selectors: []}",
        "{\"selectors\" []}",
        "{\"selectors\": }",
        "{\"batch\": +1, \"compare\": NaN}",
        "{\"batch\": 012}",
        "{\"batch\": True}",
        "{\"batch\": \"\\x41\"}",
        "{\"batch\": \"\\ud800\"}",
        "{} // end",
        "{} {}",
        deep.as_str(),
    ];
    let first = |text: &&str| {
        let checked = in_command(text);
        let found = lines(&checked);
        format!("{text:.40?}\n    {}\n", found.lines().next().unwrap_or_default())
    };
    insta::assert_snapshot!(texts.iter().map(first).collect::<String>());
}

#[test]
fn a_slip_of_syntax_does_not_hide_other_mistakes() {
    let text = plan("five-mistakes")
        .replace("\"__internal\"", "\"__internal\",")
        .replace("  \"selectors", "  // here\n  \"selectors");
    let checked = in_command(&text);
    let errors = checked.diagnostics.len();
    assert_eq!(errors, 6, "{}", lines(&checked));
    assert!(checked.plan.is_none());
}

#[test]
fn sizes_are_bounded() {
    let long = format!("{{\"_x\": \"{}\"}}", "x".repeat(1024 * 1024));
    assert!(lines(&in_command(&long)).contains("1048576 at most"));
    let crowd: String = (0..20_000).map(|at| format!("\"field{at}\": 0,")).collect();
    let checked = in_command(&format!("{{{crowd}\"x\": 0}}"));
    assert_eq!(checked.diagnostics.len(), 201);
    assert!(lines(&checked).contains("more findings"));
}

#[test]
fn a_byte_order_mark_is_tolerated() {
    assert_eq!(lines(&in_command(&format!("\u{FEFF}{}", plan("minimal")))), "");
    let checked = in_command("\u{FEFF}{\"x\": 1}");
    assert_eq!(
        checked.diagnostics.iter().filter(|found| found.path == "x").map(|found| found.column).max(),
        Some(2)
    );
}

#[test]
fn windows() {
    let words = |start: &str, end: &str| lines(&with_window(start, end));
    assert_eq!(with_window("", "").window, None);
    assert_eq!(words("", ""), "");
    assert_eq!(words("1763424000000", "1763424000000"), "");
    assert!(words("1d", "").starts_with("0:0 error [window.end] the time is missing"));
    assert!(
        words("1763424000", "now")
            .starts_with("0:0 error [window.start] this number looks like Unix seconds")
    );
    assert!(
        words("now", "1d")
            .starts_with("0:0 error [window.end] the window ends (2025-11-17T12:00:00Z) before")
    );
    assert!(words("1d", "now+1h").starts_with("0:0 warning [window.end] the window ends in the future"));
    assert_eq!(words("never", "ever").lines().count(), 2);
    assert_eq!(with_window("never", "ever").window, None);
}

#[test]
fn secrets_that_cannot_be_sent_are_named_only() {
    let text = plan("minimal").replace("\"kind\"", "\"headers\": {\"A\": \"${TOKEN}\"}, \"kind\"");
    let secrets = BTreeMap::from([("TOKEN".to_owned(), "s3cret\n".to_owned())]);
    let checked = check(&text, &Context { base: None, secrets: &secrets, now_ms: NOW, start: "", end: "" });
    insta::assert_snapshot!(lines(&checked), @"2:32 error [source.headers.A] the value of TOKEN holds a line break, or what is not ASCII | Set it without the line break at its end.");
}

#[test]
fn more_rows_at_once_than_tsink_takes_are_a_warning() {
    let text = plan("minimal")
        .replace("\"selectors\"", "\"batch\": {\"max_points_per_write\": 60000}, \"selectors\"");
    let checked = in_command(&text);
    assert!(lines(&checked).contains("240000 rows at once"), "{}", lines(&checked));
    assert!(checked.plan.is_some(), "a warning stops nothing");
}

#[test]
fn checks_without_their_urls() {
    let text = plan("minimal").replace(
        "\"selectors\"",
        "\"promql_checks\": [{\"query\": \"up\"}], \"metadata_metrics\": [\"up\"], \"exemplar_checks\": [{\"query\": \"up\"}], \"selectors\"",
    );
    insta::assert_snapshot!(lines(&in_command(&text)), @r"
    2:13 error [source.query_range_url] query_range_url is missing, and promql_checks needs it on both sides | Add source.query_range_url, or remove promql_checks.
    3:13 error [target.query_range_url] query_range_url is missing, and promql_checks needs it on both sides | Add target.query_range_url, or remove promql_checks.
    7:59 warning [metadata_metrics] metadata is not compared without source.metadata_url | Add source.metadata_url, or remove metadata_metrics.
    7:59 warning [metadata_metrics] metadata is not compared without target.metadata_url | Add target.metadata_url, or remove metadata_metrics.
    7:86 warning [exemplar_checks] exemplars are not compared without source.exemplar_url | Add source.exemplar_url, or remove exemplar_checks.
    7:86 warning [exemplar_checks] exemplars are not compared without target.exemplar_url | Add target.exemplar_url, or remove exemplar_checks.
    ");
}

/// Texts near to plans: real ones with a few bytes changed, cut or doubled.
fn near_plan() -> impl Strategy<Value = String> {
    let names = ["prometheus", "everything", "many-mistakes", "five-mistakes", "minimal"];
    let edits = prop::collection::vec(
        (any::<prop::sample::Index>(), 0usize..30, "[\\[\\]{}\",:0-9a-z\\\\$/ \n\u{e9}-]{0,4}"),
        0..6,
    );
    (prop::sample::select(names.to_vec()), edits).prop_map(|(name, edits)| {
        let mut chars: Vec<char> = plan(name).chars().collect();
        for (place, cut, insert) in edits {
            let at = place.index(chars.len() + 1);
            let end = (at + cut).min(chars.len());
            chars.splice(at..end, insert.chars());
        }
        chars.into_iter().collect()
    })
}

fn holds(text: &str) -> Result<(), TestCaseError> {
    for base in [None, Some("https://ops.example/migrate/")] {
        let secrets = BTreeMap::from([("SOURCE_TOKEN".to_owned(), "s3cret".to_owned())]);
        let checked = check(text, &Context { base, secrets: &secrets, now_ms: NOW, start: "1d", end: "now" });
        let rows: Vec<&str> = text.split('\n').collect();
        for found in &checked.diagnostics {
            let row = rows.get(found.line as usize - 1);
            prop_assert!(
                row.is_some_and(|row| (found.column as usize) <= row.chars().count() + 1),
                "{:?}",
                found
            );
        }
        let failed = checked.diagnostics.iter().any(|found| found.severity == Severity::Error);
        prop_assert_eq!(checked.plan.is_some(), !failed);
        prop_assert_eq!(checked.summary.is_some(), !failed);
        let shown = format!("{checked:?}");
        prop_assert!(!shown.contains("s3cret"), "{}", shown);
    }
    if let Some(draft) = Draft::from_text(text) {
        prop_assert_eq!(Draft::from_text(&draft.to_text()), Some(draft));
    }
    Ok(())
}

proptest! {
    #[test]
    fn any_text_is_answered(text in "\\PC{0,200}") {
        holds(&text)?;
    }

    #[test]
    fn any_near_plan_is_answered(text in near_plan()) {
        holds(&text)?;
    }
}
