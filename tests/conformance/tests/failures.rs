//! The failing ways of the built command: what it says, how it ends, what it leaves.

use conformance::command::{Run, ours, ours_raw, ours_with, theirs};
use conformance::plans::{PlanFile, redirect};
use conformance::world::{ALL, END, METRICS, SOURCE_SECRET, START, TOKEN, World, held};
use serde_json::{Value, json};
use std::sync::LazyLock;
use tsink_migrate_testkit::process::free_port;
use tsink_migrate_testkit::servers::{BASIC_AUTH_PASSWORD, BASIC_AUTHORIZATION};
use tsink_migrate_testkit::servers::{Prometheus, PrometheusOptions, Tsink, TsinkOptions};

static WORLD: LazyLock<World> = LazyLock::new(World::start);

/// A small plan that gives up soon.
fn plan(tenant: &str) -> Value {
    let mut plan = WORLD.plan(tenant, &["room_temperature_celsius"]);
    plan["options"] = json!({ "max_attempts": 2 });
    plan
}

/// It failed, said so on standard error or in its report, and told nobody a secret.
#[track_caller]
fn assert_failed(run: &Run, words: &[&str]) {
    let everything = run.everything();
    assert_eq!(run.outcome.code, 1, "{everything}");
    for word in words {
        assert!(everything.to_lowercase().contains(&word.to_lowercase()), "no {word:?} in:\n{everything}");
    }
    for secret in [TOKEN, SOURCE_SECRET, "wrong-token-123"] {
        assert!(!everything.contains(secret), "{everything}");
    }
    assert!(
        !everything.contains("panicked") && !everything.contains("    at "),
        "a stack trace:\n{everything}"
    );
}

#[test]
fn the_target_is_down() {
    let mut plan = plan("down");
    let nobody = format!("http://127.0.0.1:{}", free_port().unwrap());
    redirect(&mut plan, "target", &WORLD.tsink.url(), &nobody);
    for command in ["backfill", "verify", "cutover-check"] {
        let file = PlanFile::new(&plan);
        let run = ours(command, &file, ALL, &[]);
        assert_failed(&run, &["target", &nobody]);
        assert!(!run.has_report(), "{command} breaks down, so it writes no artifacts: {}", run.everything());
        assert!(run.outcome.stdout.is_empty(), "{}", run.outcome.stdout);
    }
}

#[test]
fn the_source_is_down() {
    let mut plan = plan("down");
    let nobody = format!("http://127.0.0.1:{}", free_port().unwrap());
    redirect(&mut plan, "source", &WORLD.prometheus.url(), &nobody);
    let run = ours("backfill", &PlanFile::new(&plan), ALL, &[]);
    assert_failed(&run, &["source", &nobody]);
    assert!(!run.has_report());
}

#[test]
fn a_token_is_wrong_or_missing() {
    let mut plan = plan("auth");
    plan["target"]["headers"] = json!({ "Authorization": "Bearer wrong-token-123" });
    let run = ours("backfill", &PlanFile::new(&plan), ALL, &[]);
    assert_failed(&run, &["target", "401", "token"]);
    plan["target"]["headers"] = json!({});
    let run = ours("verify", &PlanFile::new(&plan), ALL, &[]);
    assert_failed(&run, &["target", "401", "token"]);
    assert!(held(&WORLD.target("auth"), &METRICS, ALL).is_empty());
}

#[test]
fn a_token_may_come_from_the_environment() {
    let mut plan = plan("environment");
    plan["target"]["headers"] = json!({ "Authorization": "Bearer ${TSINK_TEST_TOKEN}" });
    let file = PlanFile::new(&plan);
    let run = ours("backfill", &file, ALL, &[]);
    assert_failed(&run, &["TSINK_TEST_TOKEN"]);
    let run = ours_with("backfill", &file, ALL, &[], &[("TSINK_TEST_TOKEN", TOKEN)]).expect_code(0);
    assert!(!run.everything().contains(TOKEN));
    assert!(!held(&WORLD.target("environment"), &METRICS, ALL).is_empty());
}

#[test]
fn a_source_with_basic_auth() {
    let prometheus = Prometheus::start(PrometheusOptions { basic_auth: true, ..Default::default() }).unwrap();
    tsink_migrate_testkit::history::load(&prometheus.endpoint(), &WORLD.history).unwrap();
    let mut plan = plan("basic");
    redirect(&mut plan, "source", &WORLD.prometheus.url(), &prometheus.url());
    let run = ours("backfill", &PlanFile::new(&plan), ALL, &[]);
    assert_failed(&run, &["source", "401"]);
    plan["source"]["headers"] = json!({ "Authorization": BASIC_AUTHORIZATION });
    let run = ours("backfill", &PlanFile::new(&plan), ALL, &[]).expect_code(0);
    let secret = BASIC_AUTHORIZATION.trim_start_matches("Basic ");
    assert!(!run.everything().contains(secret) && !run.everything().contains(BASIC_AUTH_PASSWORD));
}

#[test]
fn the_target_keeps_too_little() {
    // The server's own default, which the window is far beyond.
    let options =
        TsinkOptions { retention: Some("14d".into()), auth_token: Some(TOKEN.into()), ..Default::default() };
    let tsink = Tsink::start(options).unwrap();
    let mut plan = plan("default");
    redirect(&mut plan, "target", &WORLD.tsink.url(), &tsink.url());
    let run = ours("backfill", &PlanFile::new(&plan), ALL, &[]);
    assert_failed(&run, &["retention", "--retention"]);
    assert!(held(&tsink.endpoint("default"), &METRICS, ALL).is_empty());
    // The dry run tells before anything is written.
    let run = ours("backfill", &PlanFile::new(&plan), ALL, &["--dry-run"]);
    assert_failed(&run, &["retention"]);
}

#[test]
fn a_feature_is_off() {
    let env = vec![("TSINK_REMOTE_WRITE_EXEMPLARS_ENABLED".to_owned(), "false".to_owned())];
    let options = TsinkOptions { auth_token: Some(TOKEN.into()), env, ..Default::default() };
    let tsink = Tsink::start(options).unwrap();
    let mut plan = WORLD.plan("default", &["jobs_processed_total"]);
    redirect(&mut plan, "target", &WORLD.tsink.url(), &tsink.url());
    let run = ours("backfill", &PlanFile::new(&plan), ALL, &[]);
    assert_failed(&run, &["exemplar", "TSINK_REMOTE_WRITE_EXEMPLARS_ENABLED"]);
    let cutover = ours("cutover-check", &PlanFile::new(&plan), ALL, &[]);
    assert_failed(&cutover, &["exemplar"]);
}

#[test]
fn five_mistakes_are_told_at_once() {
    // Each line with a mistake, and a word of what must be said about it.
    let text = r#"{
  "source": {
    "kind": "promtheus",
    "remote_read_url": "http://127.0.0.1:1/api/v1/read"
  },
  "target": {
    "write_url": "not a url",
    "read_url": "http://127.0.0.1:1/api/v1/read",
    "statusurl": "http://127.0.0.1:1/api/v1/status/tsdb",
    "headers": { "Authorization": "Bearer tgt-7f3a9c-secret-token" }
  },
  "selectors": ["up{job=\"x}", "up"],
  "batch": { "max_points_per_write": -5 }
}
"#;
    let mistakes =
        [(3, "kind"), (7, "write_url"), (9, "status_url"), (12, "selectors"), (13, "max_points_per_write")];
    let run = ours("backfill", &PlanFile::text(text), ALL, &[]);
    let everything = run.everything();
    for (line, word) in mistakes {
        let told = everything.lines().any(|told| told.contains(&format!("{line}:")) && told.contains(word));
        // The remedy may stand on a line of its own.
        assert!(
            told || (everything.contains(&format!(":{line}:")) && everything.contains(word)),
            "{line} {word}:\n{everything}"
        );
    }
    let checked = tsink_migrate_engine::plan::check(
        text,
        &tsink_migrate_engine::plan::Context {
            base: None,
            secrets: &Default::default(),
            now_ms: END,
            start: "",
            end: "",
        },
    );
    assert!(checked.diagnostics.len() >= 5, "{:?}", checked.diagnostics);
    for found in checked.diagnostics.iter().filter(|found| found.line > 0) {
        let place = format!("{}:{}", found.line, found.column);
        assert!(everything.contains(&place), "{place} {found:?}\n{everything}");
        assert!(everything.contains(&found.message), "{found:?}\n{everything}");
    }
    assert_failed(&run, &[]);
    assert!(!run.has_report());
}

#[test]
fn a_relative_url_is_an_error_in_the_command() {
    let mut plan = plan("relative");
    plan["source"]["remote_read_url"] = "prometheus/api/v1/read".into();
    let run = ours("backfill", &PlanFile::new(&plan), ALL, &[]);
    assert_failed(&run, &["plan.json:16:24", "remote_read_url", "whole URL"]);
}

#[test]
fn a_dry_run_writes_nothing() {
    for (more, in_plan) in [(&["--dry-run"][..], false), (&[][..], true)] {
        let mut plan = WORLD.main_plan("dry");
        if in_plan {
            plan["options"] = json!({ "dry_run": true });
        }
        let run = ours("backfill", &PlanFile::new(&plan), ALL, more).expect_code(0);
        assert!(run.outcome.stdout.starts_with("tsink-migrate preflight: pass\n"), "{}", run.outcome.stdout);
        let report = run.report();
        assert_eq!(report["command"], "preflight");
        let endpoints = report["endpoints"].as_array().unwrap();
        assert!(endpoints.len() >= 9, "{endpoints:#?}");
        assert!(report["source_version"].as_str().unwrap().contains("2."), "{report}");
        let rows = report["estimate"]["rows"].as_u64().unwrap();
        // Probes at three places of two hours: the size is right, the number need not be.
        assert!((5_000..50_000).contains(&rows), "{rows}");
        assert!(!run.everything().contains(TOKEN));
        assert!(held(&WORLD.target("dry"), &METRICS, ALL).is_empty());
        assert_eq!(WORLD.target("dry").metadata("odd_labels").unwrap(), json!({}));
    }
}

#[test]
fn the_command_line_is_checked() {
    let file = PlanFile::new(&plan("arguments"));
    let config = file.path().display().to_string();
    let (start, end) = (START.to_string(), END.to_string());
    for (arguments, words) in [
        (vec!["migrate"], "migrate"),
        (vec!["backfill"], "--config"),
        (vec!["backfill", "--config", &config, "--start-ms", &start], "--end-ms"),
        (
            vec!["backfill", "--config", "/nowhere/plan.json", "--start-ms", &start, "--end-ms", &end],
            "/nowhere/plan.json",
        ),
        (vec!["verify", "--config", &config, "--start-ms", &end, "--end-ms", &start], "before"),
        (vec!["verify", "--config", &config, "--start-ms", "soon", "--end-ms", &end], "--start-ms"),
        (
            vec!["verify", "--config", &config, "--start-ms", &start, "--end-ms", &end, "--nonsense"],
            "--nonsense",
        ),
    ] {
        let outcome = ours_raw(&arguments, &[]);
        assert_ne!(outcome.code, 0, "{arguments:?}: {outcome:?}");
        assert!(outcome.stderr.contains(words), "{arguments:?}: {outcome:?}");
        assert!(outcome.stdout.is_empty(), "{arguments:?}: {outcome:?}");
    }
    let help = ours_raw(&["--help"], &[]);
    assert_eq!(help.code, 0);
    for word in ["backfill", "verify", "cutover-check"] {
        assert!(help.stdout.contains(word), "{help:?}");
    }
}

#[test]
fn times_may_be_dates() {
    let file = PlanFile::new(&plan("dates"));
    let (config, folder) = (file.path().display().to_string(), file.artifacts("dates").display().to_string());
    // 2025-11-19T00:00:00Z is START.
    let outcome = ours_raw(
        &[
            "backfill",
            "--config",
            &config,
            "--start-ms",
            "2025-11-19",
            "--end-ms",
            "2025-11-19T02:00:00Z",
            "--artifact-dir",
            &folder,
        ],
        &[],
    );
    assert_eq!(outcome.code, 0, "{outcome:?}");
    let report: Value =
        serde_json::from_str(&std::fs::read_to_string(file.artifacts("dates").join("report.json")).unwrap())
            .unwrap();
    assert_eq!((&report["start_ms"], &report["end_ms"]), (&json!(START), &json!(END)));
    assert_eq!(theirs("verify", &file, ALL).outcome.code, 0);
}
