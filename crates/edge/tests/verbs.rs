//! `repair`, `report`, `import` and `undo` against a machine made of maps.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // Helpers outside #[test] functions are tests, too.

#[path = "support/machine.rs"]
mod machine;

use machine::{Machine, PLAN, run, run_words};
use std::rc::Rc;
use tsink_migrate_engine::plan::Redaction;
use tsink_migrate_engine::report::{self, Report, console};

/// A machine whose plan needs no variable.
fn with_plan(plan: &str) -> Machine {
    Machine::with_plan(plan.replace("Bearer ${SOURCE_TOKEN}", "Bearer x"))
}

fn plan_with(options: &str) -> String {
    PLAN.replace("\"selectors\"", &format!("\"options\": {options}, \"selectors\""))
}

const DRY: &str = "verify --config plan.json --start 1000 --end 2000 --dry-run --artifact-dir out";

/// Artifacts of a preflight that found nobody: json, md, html; and stdout.
fn preflight(plan: &str) -> ([String; 3], String) {
    let machine = Rc::new(with_plan(plan));
    let (code, out, err) = run(&machine, DRY);
    assert_eq!((code, err.as_str()), (1, ""), "nobody listens");
    assert_eq!(machine.written.take(), ["out/report.json", "out/report.md", "out/report.html"]);
    let texts = machine.texts.take();
    (["out/report.json", "out/report.md", "out/report.html"].map(|name| texts[name].clone()), out)
}

fn read(text: &str) -> Report {
    report::read(text).unwrap()
}

/// Hosts are hidden.
fn hosts() -> Redaction {
    Redaction { hosts: true, labels: Vec::new() }
}

#[test]
fn artifacts_come_in_three_formats() {
    let ([json, markdown, html], out) = preflight(PLAN);
    let report = read(&json);
    assert_eq!(report.command(), "preflight");
    assert_eq!(markdown, report::markdown(&report));
    assert_eq!(html, report::html(&report));
    assert!(out.starts_with("tsink-migrate preflight: fail\n"), "{out}");
}

#[test]
fn artifacts_and_console_hide_what_the_plan_hides() {
    let ([plain, ..], _) = preflight(PLAN);
    let ([json, markdown, html], out) = preflight(&plan_with(r#"{ "redact": { "hosts": true } }"#));
    let hidden = read(&plain).redacted(&hosts());
    assert_eq!(json, report::json(&hidden));
    assert_eq!(markdown, report::markdown(&hidden));
    assert_eq!(html, report::html(&hidden));
    assert_eq!(out, format!("{}\n", console(&hidden)));
}

#[test]
fn a_report_is_written_in_other_formats() {
    let ([json, ..], _) = preflight(PLAN);
    let report = read(&json);
    let mut machine = Machine::default();
    machine.files.insert("r.json".to_owned(), json.clone().into_bytes());
    machine.files.insert("same/report.json".to_owned(), json.clone().into_bytes());
    let machine = Rc::new(machine);
    for (options, wanted) in [
        ("", report::markdown(&report)),
        ("--format md", report::markdown(&report)),
        ("--format html", report::html(&report)),
        ("--format json", format!("{json}\n")),
        ("--redact-hosts", report::markdown(&report.redacted(&hosts()))),
        (
            "--format json --redact-label job --redact-hosts",
            format!(
                "{}\n",
                report::json(&report.redacted(&Redaction { hosts: true, labels: vec!["job".to_owned()] }))
            ),
        ),
    ] {
        let (code, out, err) = run(&machine, &format!("report r.json {options}"));
        assert_eq!((code, err.as_str()), (0, ""), "{options}");
        assert_eq!(out, wanted, "{options}");
    }
    let (code, out, err) = run(&machine, "report r.json --artifact-dir d");
    assert_eq!((code, out.as_str()), (0, ""));
    assert_eq!(err, "report.json, report.md, report.html written to d\n");
    assert_eq!(machine.texts.borrow()["d/report.json"], json);
    assert_eq!(machine.texts.borrow()["d/report.html"], report::html(&report));
    machine.written.take();
    let (code, ..) = run(&machine, "report r.json --artifact-dir d --format html");
    assert_eq!((code, machine.written.take()), (0, vec!["d/report.html".to_owned()]));
}

#[test]
fn the_report_that_is_read_is_not_lost() {
    let ([json, ..], _) = preflight(PLAN);
    // Written by a tool with another layout: what would be written differs from what is there.
    let compact = serde_json::from_str::<serde_json::Value>(&json).unwrap().to_string();
    let mut machine = Machine::default();
    machine.files.insert("same/report.json".to_owned(), compact.into_bytes());
    let machine = Rc::new(machine);
    let (code, _, err) = run(&machine, "report same/report.json --artifact-dir same/");
    assert_eq!(code, 1);
    assert!(err.contains("would be lost") && err.contains("another directory"), "{err}");
    assert!(machine.written.take().is_empty());
    let (code, ..) = run(&machine, "report same/report.json --artifact-dir same --format md");
    assert_eq!((code, machine.written.take()), (0, vec!["same/report.md".to_owned()]));
}

#[test]
fn what_is_no_report_is_refused() {
    let mut machine = Machine::default();
    machine.files.insert("no.json".to_owned(), b"{\"command\": \"\x1b[2J\"}".to_vec());
    let machine = Rc::new(machine);
    let (code, out, err) = run(&machine, "report no.json");
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(err.starts_with("error: no.json: ") && !err.contains('\u{1b}'), "{err}");
    let (code, _, err) = run(&machine, "report gone.json");
    assert_eq!(code, 1);
    assert_eq!(err, "error: the report gone.json cannot be read: there is no such file or directory\n");
}

const VERIFY: &str = r#"{ "command": "verify", "status": "fail", "start_ms": 1000, "end_ms": 2000, "raw_checks": [],
  "metadata_checks": [], "exemplar_checks": [], "issues": ["x"] }"#;

#[test]
fn a_job_goes_on_from_reports_of_the_right_kind_only() {
    let ([preflight, ..], _) = preflight(PLAN);
    let mut machine = with_plan(PLAN);
    let mut verify: serde_json::Value = serde_json::from_str(VERIFY).unwrap();
    verify["run"] = serde_json::from_str::<serde_json::Value>(&preflight).unwrap()["run"].take();
    machine.files.insert("preflight.json".to_owned(), preflight.into_bytes());
    machine.files.insert("verify.json".to_owned(), verify.to_string().into_bytes());
    machine.files.insert("broken.json".to_owned(), b"{".to_vec());
    let machine = Rc::new(machine);
    let window = "--config plan.json --start 1000 --end 2000";
    for (line, words) in [
        (
            format!("repair {window} --report preflight.json"),
            "error: preflight.json reports preflight; a verification is needed; nothing was sent\n",
        ),
        (
            format!("cutover-check {window} --backfill-report verify.json"),
            "error: verify.json reports verify; a backfill is needed; nothing was sent\n",
        ),
        (
            format!("repair {window} --report gone.json"),
            "error: the report gone.json cannot be read: there is no such file or directory\n",
        ),
        (format!("repair {window} --report broken.json"), "error: broken.json: "),
    ] {
        let words_of: Vec<&str> = line.split_whitespace().collect();
        let (code, out, err, asked) = run_words(&machine, &words_of);
        assert_eq!((code, out.as_str()), (1, ""), "{line}");
        assert!(err.starts_with(words), "{line}: {err}");
        assert!(asked.is_empty(), "{asked:?}");
    }
}

#[test]
fn a_repair_without_a_verification_verifies_first() {
    let machine = Rc::new(with_plan(PLAN));
    let words = "repair --config plan.json --start 1000 --end 2000";
    let (code, _, err, asked) = run_words(&machine, &words.split_whitespace().collect::<Vec<_>>());
    // The verification reads both sides; a repair alone would only say that there is nothing to go on from.
    assert_eq!(code, 1);
    assert!(!asked.is_empty(), "{err}");
    // How wide a selector is, is asked for where no estimate tells.
    let known = ["/read", "/status", "/query?query=count"];
    assert!(asked.iter().all(|url| known.iter().any(|part| url.contains(part))), "{asked:?}");
    assert!(!err.contains("Verify first"), "{err}");
}

const DASHBOARD: &str = r#"{ "title": "Shop\u001b[2J", "panels": [ { "title": "Rate", "targets": [
    { "refId": "A", "expr": "sum(rate(http_requests_total{job=~\"$job\"}[$__rate_interval]))" },
    { "refId": "B", "expr": "up" },
    { "refId": "C", "expr": "oops(", "datasource": { "type": "prometheus" } }
  ] } ],
  "templating": { "list": [ { "name": "job", "type": "custom", "query": "api,web", "multi": true, "current": { "value": "api" } } ] } }"#;
const RULES: &str = "groups:\n- name: g\n  interval: 10s\n  rules:\n  - {record: a, expr: up}\n  - {record: b, expr: \"x{a=\\\"\\u202e\\\"}\"}\n";

fn importer() -> Rc<Machine> {
    let mut machine = Machine::default();
    machine.files.insert("dash.json".to_owned(), DASHBOARD.into());
    machine.files.insert("rules.yml".to_owned(), RULES.into());
    machine.files.insert("no.yml".to_owned(), b"scrape_configs: []".to_vec());
    machine.files.insert("none.yml".to_owned(), b"groups: []".to_vec());
    Rc::new(machine)
}

#[test]
fn imports_become_checks() {
    let (code, out, err) = run(&importer(), "import dash.json rules.yml");
    assert_eq!(
        out,
        "{\n  \"promql_checks\": [\n    \
         { \"query\": \"sum(rate(http_requests_total{job=~\\\"api\\\"}[1m]))\", \"step\": \"20s\" },\n    \
         { \"query\": \"up\", \"step\": \"10s\" },\n    \
         { \"query\": \"x{a=\\\"\\u202e\\\"}\", \"step\": \"10s\" }\n  ]\n}\n"
    );
    assert_eq!(code, 0, "what is left out is no failure");
    assert!(
        err.starts_with(
            "dash.json: Grafana dashboard \"Shop\\u{1b}[2J\": 2 queries to check, 1 query left out\n"
        ),
        "{err}"
    );
    assert!(err.contains("  $job = api  It is the selection that is saved in the dashboard.\n"), "{err}");
    assert!(err.contains("  left out: Rate / C: this is not PromQL"), "{err}");
    assert!(err.contains("rules.yml: Prometheus rules: 2 queries to check, 0 queries left out\n"), "{err}");
    assert!(!err.contains(['\u{1b}', '\u{202e}']), "{err}");
    let json: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(json["promql_checks"][2]["query"], "x{a=\"\u{202e}\"}");
}

#[test]
fn the_operator_has_a_say_in_imports() {
    let line = "import dash.json --var job=web --scrape-interval 1m --start now-1d --end now";
    let (code, out, _) = run(&importer(), line);
    assert_eq!(code, 0);
    assert!(out.contains("{job=~\\\"web\\\"}[4m]"), "{out}");
    let (code, out, err) = run(&importer(), "import dash.json --start now --end now-1d");
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(err.starts_with("error: --end-ms: the window ends before it begins"), "{err}");
    let (_, _, err) = run(&importer(), "import dash.json --start soon --end now");
    assert!(err.starts_with("error: --start-ms: "), "{err}");
}

#[test]
fn files_without_queries_fail() {
    let (code, out, err) = run(&importer(), "import none.yml");
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(err.ends_with("error: there is no query to check\n"), "{err}");
    let (code, out, err) = run(&importer(), "import no.yml gone.json rules.yml");
    assert_eq!(code, 1, "not every file could be read");
    assert!(out.contains("\"up\""), "what was found is printed all the same: {out}");
    assert!(
        err.contains("error: no.yml is neither a Grafana dashboard nor a Prometheus rules file"),
        "{err}"
    );
    assert!(err.contains("error: the file gone.json cannot be read: there is no such file"), "{err}");
}

#[test]
fn an_undo_needs_its_phrase() {
    let machine = Rc::new(with_plan(PLAN));
    let line = ["undo", "--config", "plan.json", "--start", "1000", "--end", "2000"];
    let (code, out, err, asked) = run_words(&machine, &line);
    assert_eq!(code, 1);
    for words in [
        "would delete:\n",
        "  tenant: default\n",
        "  selector: up\n",
        "  window: 1970-01-01T00:00:01Z to 1970-01-01T00:00:02Z\n",
    ] {
        assert!(out.contains(words), "{out}");
    }
    let phrase = out.lines().find_map(|line| line.strip_prefix("  confirm with: ")).unwrap();
    assert!(!phrase.is_empty());
    assert_eq!(err, "nothing was deleted; to delete, add --confirm with the phrase above\n");
    assert!(asked.is_empty(), "{asked:?}");

    let (code, out, err, asked) = run_words(&machine, &[&line[..], &["--confirm", "yes"]].concat());
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(err.contains("the confirmation does not fit"), "{err}");
    assert!(asked.is_empty(), "{asked:?}");

    // Nobody listens, so that even the right phrase deletes nothing.
    let (code, out, err, _) = run_words(&machine, &[&line[..], &["--confirm", phrase]].concat());
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(err.starts_with("error: "), "{err}");

    let dry = Rc::new(with_plan(&plan_with(r#"{ "dry_run": true }"#)));
    let (code, _, err, asked) = run_words(&dry, &[&line[..], &["--confirm", phrase]].concat());
    assert_eq!((code, err.as_str()), (1, "error: nothing was deleted: the plan says options.dry_run\n"));
    assert!(asked.is_empty(), "{asked:?}");
}
