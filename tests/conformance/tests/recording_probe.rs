//! The live probe and the cutover check of recordings, against real servers.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use conformance::captures::Protocol;
use conformance::command::{Run, ours_small};
use conformance::recordings::{EVER, EVERYTHING, files, keeps_everything, plan};
use serde_json::{Value, json};
use tsink_migrate_testkit::live::Live;
use tsink_migrate_testkit::otlp_json::{Numbering, request};
use tsink_migrate_testkit::servers::{Tsink, TsinkOptions};
use tsink_migrate_testkit::wire::MatcherType;

/// Arrival of every payload, Unix ms.
const AT: i64 = 1_700_000_000_000;

/// A recording of a protocol that needs nothing but to be taken.
fn recording(protocol: Protocol) -> Vec<Value> {
    let body =
        |text: &str| vec![json!({ "body": text, "received_at_ms": AT, "query_params": { "db": "d" } })];
    match protocol {
        // Every form of a field and of a time that tsink takes; one line has no time of its own, one is refused.
        Protocol::Influx => body(
            "cpu,host=a value=1.5,temp=3i,load=7u 1700000000000000000\ncpu,host=b value=-2\n\n# none\n\
             cpu state=\"on\" 1700000000000000000\nw\\,ind,at=n\\ orth v=1e-3,w=0,z=-0 -1000000\n",
        ),
        Protocol::Statsd => body("jobs:4|c|#env:prod\nworkers:2|g"),
        Protocol::Graphite => body("servers.latency;env=prod 42.5 1700000000\n"),
        Protocol::Otlp => {
            let json = json!({ "resourceMetrics": [{ "scopeMetrics": [{ "metrics": [{ "name": "g", "gauge": {
                "dataPoints": [{ "timeUnixNano": "1700000000000000000", "asDouble": 1.5 }] } }] }] }] });
            let body = request(&json, Numbering::Standard).unwrap();
            vec![json!({ "body_base64": STANDARD.encode(body) })]
        }
    }
}

fn probed(protocol: Protocol, tsink: &Tsink, tenant: &str) -> Value {
    let mut plan = plan(protocol, &tsink.url(), tenant, &[EVERYTHING]);
    plan["options"] = json!({ "live_probe": "scratch" });
    plan
}

/// The probe's row in a report.
fn row(report: &Value) -> Value {
    let endpoints =
        report["endpoints"].as_array().or_else(|| report["preflight"]["endpoints"].as_array()).unwrap();
    endpoints
        .iter()
        .find(|row| row["name"] == "live_probe")
        .cloned()
        .unwrap_or_else(|| panic!("{endpoints:#?}"))
}

fn says(row: &Value, level: &str, words: &[&str]) {
    assert_eq!(row["level"], level, "{row}");
    for word in words {
        assert!(row["message"].as_str().unwrap().contains(word), "no {word:?} in {row}");
    }
}

fn series(tsink: &Tsink, tenant: &str) -> usize {
    let every = [("__name__", MatcherType::Re, ".+")];
    tsink.endpoint(tenant).remote_read(&every, EVER.0, EVER.1 + 1_000_000_000_000).unwrap().len()
}

#[track_caller]
fn issues(run: &Run) -> Vec<String> {
    let report = run.report();
    report["issues"].as_array().unwrap().iter().map(|one| one.as_str().unwrap().to_owned()).collect()
}

#[test]
fn influx_lines_are_taken_as_they_are_migrated() {
    let tsink = keeps_everything();
    let file = files(&probed(Protocol::Influx, &tsink, "own"), &recording(Protocol::Influx));
    let run = ours_small("backfill", &file, EVER, &["--dry-run"]).expect_code(0);
    says(
        &row(&run.report()),
        "ok",
        &["3 recorded lines of entry 0", "7 samples read back as they are migrated"],
    );
    assert_eq!((series(&tsink, "scratch"), series(&tsink, "own")), (7, 0));
    let live = tsink.endpoint("scratch").metadata("cpu").unwrap();
    assert_eq!(live["cpu"][0]["type"], "gauge", "it went through the live endpoint: {live}");

    ours_small("backfill", &file, EVER, &[]).expect_code(0);
    assert_eq!(series(&tsink, "own"), 7);
    let run = ours_small("cutover-check", &file, EVER, &[]).expect_code(0);
    assert!(issues(&run).is_empty());
    let notes = run.report()["notes"].to_string();
    assert!(notes.contains("live probe: 3 recorded lines of entry 0 were sent"), "{notes}");
    assert!(run.outcome.stdout.starts_with("tsink-migrate cutover-check: pass\n"), "{}", run.outcome.stdout);
}

#[test]
fn a_target_that_makes_something_else_of_the_lines_is_found_out() {
    // The scratch tenant is read from another server than the one that took the lines.
    let (taker, other) = (keeps_everything(), keeps_everything());
    let mut plan = probed(Protocol::Influx, &taker, "own");
    plan["target"]["read_url"] = format!("{}/api/v1/read", other.url()).into();
    let file = files(&plan, &recording(Protocol::Influx));
    let run = ours_small("backfill", &file, EVER, &["--dry-run"]);
    says(&row(&run.report()), "warn", &["7 of their 7 samples do not read back as they are migrated"]);
}

#[test]
fn nothing_is_sent_where_the_server_ignores_the_tenant() {
    let options = TsinkOptions { retention: Some("100000d".to_owned()), ..TsinkOptions::default() };
    let live = Live::start(options, "listened").unwrap();
    for (protocol, why) in [
        (Protocol::Otlp, "tsink 0.10.2 ignores the tenant at /v1/metrics"),
        (Protocol::Statsd, "--statsd-tenant"),
        (Protocol::Graphite, "--graphite-tenant"),
    ] {
        let own = protocol.folder();
        let file = files(&probed(protocol, live.tsink(), own), &recording(protocol));
        let run = ours_small("backfill", &file, EVER, &["--dry-run"]).expect_code(0);
        says(&row(&run.report()), "info", &["nothing was sent", why]);
        for tenant in ["scratch", "default", "listened", own] {
            assert_eq!(series(live.tsink(), tenant), 0, "{protocol:?} in {tenant}");
        }
        ours_small("backfill", &file, EVER, &[]).expect_code(0);
        // Both listeners are on, and a probe that is not made is no issue.
        let run = ours_small("cutover-check", &file, EVER, &[]).expect_code(0);
        assert!(
            run.report()["notes"].to_string().contains("live probe: nothing was sent"),
            "{}",
            run.everything()
        );
        for tenant in ["scratch", "default", "listened"] {
            assert_eq!(series(live.tsink(), tenant), 0, "{protocol:?} in {tenant}");
        }
    }
    assert_eq!(live.counts("statsd").unwrap(), live.counts("graphite").unwrap(), "both are at zero");
}

#[test]
fn lines_beyond_the_retention_show_nothing() {
    let options = TsinkOptions { retention: Some("14d".to_owned()), ..TsinkOptions::default() };
    let tsink = Tsink::start(options).unwrap();
    let file = files(&probed(Protocol::Influx, &tsink, "own"), &recording(Protocol::Influx));
    // The lines are old, the window is not: the target could be written to.
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis() as i64;
    let run = ours_small("backfill", &file, (now - 86_400_000, now), &["--dry-run"]).expect_code(0);
    says(&row(&run.report()), "warn", &["older than the target keeps", "was not shown"]);
    assert_eq!(series(&tsink, "scratch"), 0);
    let run = ours_small("backfill", &file, EVER, &["--dry-run"]).expect_code(1);
    says(&row(&run.report()), "warn", &["older than the target keeps"]);
}

#[test]
fn a_target_without_line_protocol_is_no_place_to_cut_over_to() {
    let env = vec![("TSINK_INFLUX_LINE_PROTOCOL_ENABLED".to_owned(), "false".to_owned())];
    let options = TsinkOptions { retention: Some("100000d".to_owned()), env, ..TsinkOptions::default() };
    let tsink = Tsink::start(options).unwrap();
    for probe in [false, true] {
        let tenant = format!("own-{probe}");
        let mut plan = probed(Protocol::Influx, &tsink, &tenant);
        if !probe {
            plan["options"] = json!({});
        }
        let file = files(&plan, &recording(Protocol::Influx));
        // The past can be migrated all the same: it comes by remote write.
        let run = ours_small("backfill", &file, EVER, &[]).expect_code(0);
        if probe {
            says(&row(&run.report()), "warn", &["does not take live what was recorded"]);
        }
        assert_eq!(series(&tsink, &tenant), 7);
        ours_small("verify", &file, EVER, &[]).expect_code(0);
        let run = ours_small("cutover-check", &file, EVER, &[]).expect_code(1);
        let issues = issues(&run);
        assert!(issues.contains(&"target Influx line protocol ingest is disabled".to_owned()), "{issues:?}");
        let probed =
            issues.iter().any(|issue| issue.starts_with("live probe: the target does not take live"));
        assert_eq!((probed, issues.len()), (probe, 1 + usize::from(probe)), "{issues:?}");
        assert!(run.everything().contains("target Influx line protocol ingest is disabled"));
    }
    assert_eq!(series(&tsink, "scratch"), 0);
}

#[test]
fn a_listener_that_is_off_is_named() {
    let tsink = keeps_everything();
    for (protocol, issue) in [
        (Protocol::Statsd, "target StatsD ingest is disabled"),
        (Protocol::Graphite, "target Graphite ingest is disabled"),
    ] {
        let plan = plan(protocol, &tsink.url(), protocol.folder(), &[EVERYTHING]);
        let file = files(&plan, &recording(protocol));
        ours_small("backfill", &file, EVER, &[]).expect_code(0);
        ours_small("verify", &file, EVER, &[]).expect_code(0);
        let run = ours_small("cutover-check", &file, EVER, &[]).expect_code(1);
        assert_eq!(issues(&run), [issue]);
        assert!(run.everything().contains(issue), "{}", run.everything());
    }
}

#[test]
fn otlp_that_is_off_is_named() {
    let env = vec![("TSINK_OTLP_METRICS_ENABLED".to_owned(), "false".to_owned())];
    let options = TsinkOptions { retention: Some("100000d".to_owned()), env, ..TsinkOptions::default() };
    let tsink = Tsink::start(options).unwrap();
    let plan = plan(Protocol::Otlp, &tsink.url(), "own", &[EVERYTHING]);
    let file = files(&plan, &recording(Protocol::Otlp));
    ours_small("backfill", &file, EVER, &[]).expect_code(0);
    let run = ours_small("cutover-check", &file, EVER, &[]).expect_code(1);
    assert!(issues(&run).contains(&"target OTLP ingest is disabled".to_owned()), "{:?}", issues(&run));
}
