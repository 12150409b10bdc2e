//! Faults between the built command and real servers. Each ends in the right data, which the native tool judges, or
//! in an exact account of what is missing; then the same plan, run again without the fault, completes it.

use conformance::command::{Run, ours, theirs};
use conformance::plans::{PlanFile, redirect};
use conformance::world::{ALL, METRICS, SELECTORS, World, held, on_sound_servers};
use serde_json::{Value, json};
use std::time::Duration;
use tsink_migrate_testkit::faults::{Fault, FaultProxy, Faults};

const WRITE: &str = "/api/v1/write";
const READ: &str = "/api/v1/read";
/// The first exchange on a path that goes wrong: the preflight has asked by then (it reads three times for each
/// selector), and the first slabs have gone through.
fn first(path: &str) -> usize {
    if path == WRITE { 16 } else { 40 }
}

/// A login page, as a gateway gives it to whoever is not logged in.
const PAGE: &str = "<!doctype html><html><body>Please log in</body></html>";
const HTML: &str = "Content-Type: text/html\r\n";

/// The plan of every test: many small reads and writes, and little patience.
fn plan(world: &World, tenant: &str) -> Value {
    let mut plan = world.plan(tenant, &SELECTORS);
    plan["batch"] = json!({ "max_points_per_write": 200, "http_timeout_secs": 2 });
    plan["options"] = json!({ "slab_samples": 300 });
    plan
}

/// Backfills through a proxy in front of the side that the path belongs to.
fn backfill(world: &World, mut plan: Value, faults: Faults) -> (Run, usize) {
    let (side, port, url) = if faults.path == WRITE {
        ("target", world.tsink.port(), world.tsink.url())
    } else {
        ("source", world.prometheus.port(), world.prometheus.url())
    };
    let proxy = FaultProxy::start(port, faults).unwrap();
    redirect(&mut plan, side, &url, &proxy.url());
    (ours("backfill", &PlanFile::new(&plan), ALL, &[]), proxy.injected())
}

/// The native tool finds source and target the same.
#[track_caller]
fn assert_complete(plan: &Value, what: &str) {
    let native = theirs("verify", &PlanFile::new(plan), ALL);
    assert_eq!(native.outcome.code, 0, "{what}: {}", native.everything());
}

/// The run survives: it passes, its balance closes, and the data are right.
#[track_caller]
fn survives(world: &World, tenant: &str, path: &'static str, times: usize, fault: Fault) {
    let what = format!("{tenant}: {fault:?} on {path}");
    let plan = plan(world, tenant);
    let (run, injected) =
        backfill(world, plan.clone(), Faults { path, first: first(path), every: 2, times, fault });
    assert_eq!(injected, times, "{what}: the fault did not happen as planned\n{}", run.everything());
    assert_eq!(run.outcome.code, 0, "{what}\n{}", run.everything());
    let report = run.report();
    assert_eq!(report["balance"]["closes"], true, "{what}: {report:#}");
    assert_eq!(report["status"], "pass", "{what}: {report:#}");
    assert_complete(&plan, &what);
}

#[test]
fn connections_that_break_while_writing() {
    on_sound_servers(|world| {
        survives(world, "write-close", WRITE, 4, Fault::Close);
        survives(world, "write-lost-answer", WRITE, 4, Fault::LoseAnswer);
        survives(world, "write-late", WRITE, 1, Fault::Late(Duration::from_millis(2_600)));
        survives(world, "write-drip", WRITE, 4, Fault::Drip(7, Duration::from_millis(3)));
    });
}

#[test]
fn connections_that_break_while_reading() {
    on_sound_servers(|world| {
        survives(world, "read-close", READ, 4, Fault::Close);
        survives(world, "read-lost-answer", READ, 4, Fault::LoseAnswer);
        survives(world, "read-head-only", READ, 2, Fault::Cut(0));
        survives(world, "read-cut-soon", READ, 3, Fault::Cut(40));
        survives(world, "read-cut-later", READ, 3, Fault::Cut(900));
        survives(world, "read-late", READ, 1, Fault::Late(Duration::from_millis(2_600)));
        survives(world, "read-drip", READ, 3, Fault::Drip(200, Duration::from_millis(2)));
    });
}

#[test]
fn answers_that_lie() {
    on_sound_servers(|world| {
        survives(world, "read-page", READ, 3, Fault::Answer(200, HTML, PAGE));
        survives(world, "read-empty", READ, 3, Fault::Answer(200, "Content-Type: text/plain\r\n", ""));
        survives(
            world,
            "read-garbage",
            READ,
            3,
            Fault::Answer(
                200,
                "Content-Type: application/x-protobuf\r\nContent-Encoding: snappy\r\n",
                "\u{7f}garbage",
            ),
        );
        for at in [60, 200, 777] {
            survives(world, &format!("read-bit-{at}"), READ, 2, Fault::FlipBit(at));
        }
        survives(world, "write-page", WRITE, 3, Fault::Answer(200, HTML, PAGE));
    });
}

#[test]
fn servers_that_are_busy_or_broken() {
    on_sound_servers(|world| {
        for (status, headers) in [
            (429, "Retry-After: 0\r\n"),
            (429, ""),
            (500, ""),
            (502, HTML),
            (503, "Retry-After: 1\r\n"),
            (504, ""),
        ] {
            for (path, side) in [(WRITE, "write"), (READ, "read")] {
                let tenant = format!("{side}-{status}-{}", headers.len());
                survives(world, &tenant, path, 4, Fault::Answer(status, headers, "go away"));
            }
        }
        // A batch that is refused for what it holds is halved; whoever refuses once only gets all of it.
        survives(world, "write-400", WRITE, 2, Fault::Answer(400, "", "bad request"));
        survives(world, "write-413", WRITE, 2, Fault::Answer(413, "", "too large"));
    });
}

/// The run does not survive; it says exactly what is missing, and running the plan again completes it.
#[track_caller]
fn accounts(world: &World, tenant: &str, path: &'static str, times: usize, fault: Fault) -> Value {
    let what = format!("{tenant}: {fault:?} on {path}");
    let mut impatient = plan(world, tenant);
    impatient["options"]["max_attempts"] = 2.into();
    let (run, injected) =
        backfill(world, impatient, Faults { path, first: first(path), every: 1, times, fault });
    assert_eq!(injected, times, "{what}\n{}", run.everything());
    assert_eq!(run.outcome.code, 1, "{what}\n{}", run.everything());
    let report = run.report();
    assert_eq!(report["status"], "fail", "{what}: {report:#}");
    assert_eq!(report["balance"]["closes"], true, "{what}: {report:#}");
    let native = theirs("verify", &PlanFile::new(&plan(world, tenant)), ALL);
    assert_eq!(native.outcome.code, 1, "{what}: nothing is missing");
    ours("backfill", &PlanFile::new(&plan(world, tenant)), ALL, &[]).expect_code(0);
    assert_complete(&plan(world, tenant), &what);
    report
}

#[test]
fn what_is_given_up_is_accounted_for() {
    on_sound_servers(|world| {
        let report = accounts(world, "write-500-for-long", WRITE, 24, Fault::Answer(500, "", "broken"));
        let refused = report["balance"]["samples"]["rejected"]["server_error"].as_u64().unwrap();
        let rows: u64 =
            report["rejections"].as_array().unwrap().iter().map(|one| one["rows"].as_u64().unwrap()).sum();
        assert!(refused > 0 && rows == refused, "{refused} samples were refused and {rows} are listed");

        let report = accounts(world, "read-500-for-long", READ, 24, Fault::Answer(500, "", "broken"));
        let unread: Vec<&Value> = report["rejections"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|one| one["reason"] == "not_read")
            .collect();
        assert!(!unread.is_empty(), "24 answers are several slabs of two attempts each");
        assert!(
            unread.iter().all(|one| one["selector"].is_string() && one["first_ms"].is_i64()),
            "{unread:#?}"
        );
    });
}

#[test]
fn a_token_that_expires_ends_the_run_with_a_word() {
    on_sound_servers(|world| {
        let fault = Fault::Answer(401, "X-Tsink-Auth-Error-Code: auth_token_invalid\r\n", "unauthorized");
        let faults = Faults { path: WRITE, first: first(WRITE), every: 1, times: 1000, fault };
        let (run, injected) = backfill(world, plan(world, "expired"), faults);
        assert!(injected > 0);
        assert_eq!(run.outcome.code, 1, "{}", run.everything());
        let said = run.everything().to_lowercase();
        for word in ["401", "token", "target", "had been written before"] {
            assert!(said.contains(word), "no {word:?} in:\n{said}");
        }
        assert!(!held(&world.target("expired"), &METRICS, ALL).is_empty(), "what was written before stays");
        ours("backfill", &PlanFile::new(&plan(world, "expired")), ALL, &[]).expect_code(0);
        assert_complete(&plan(world, "expired"), "after a new token");
    });
}
