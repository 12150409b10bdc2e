//! Faults between the built command and real servers. Each ends in the right data, which the native tool judges, or
//! in an exact account of what is missing; then the same plan, run again without the fault, completes it.

#[path = "faults/scripted.rs"]
mod scripted;
#[path = "faults/tables.rs"]
mod tables;

use conformance::command::{Run, ours_small, theirs};
use conformance::plans::{PlanFile, redirect};
use conformance::world::{ALL, SELECTORS, World, on_sound_each};
use serde_json::{Value, json};
use std::cell::Cell;
use std::io::Write;
use std::sync::Mutex;
use tables::{SCRIPTED, TABLES, Then, WRITE, Way};
use tsink_migrate_testkit::faults::FaultProxy;

/// The plan of every test: many small reads and writes, and little patience.
fn impatient(mut plan: Value) -> Value {
    plan["batch"] = json!({ "max_points_per_write": 200, "http_timeout_secs": 2 });
    plan["options"] = json!({ "slab_samples": 300 });
    plan
}

fn plan(world: &World, tenant: &str) -> Value {
    impatient(world.plan(tenant, &SELECTORS))
}

/// Runs a command through a proxy; tells how many exchanges went wrong.
fn through(world: &World, way: &Way, mut plan: Value) -> (Run, usize) {
    let (side, port, url) = way.server(world);
    let proxy = FaultProxy::start(port, way.faults()).unwrap();
    redirect(&mut plan, side, &url, &proxy.url());
    (ours_small(way.command, &PlanFile::new(&plan), ALL, &[]), proxy.injected())
}

/// The native tool finds source and target the same.
#[track_caller]
fn assert_complete(plan: &Value, what: &str) {
    let native = theirs("verify", &PlanFile::new(plan), ALL);
    assert_eq!(native.outcome.code, 0, "{what}: {}", native.everything());
}

/// The run survives: it passes, its balance closes, and the data are right.
fn passes(world: &World, way: &Way) {
    let what = format!("{}: {:?} on {}", way.name, way.fault, way.path);
    let (copies, plan) = match way.command {
        "backfill" => (true, plan(world, &way.name)),
        _ => (false, impatient(world.main_plan("copied"))),
    };
    let (run, injected) = through(world, way, plan.clone());
    assert_eq!(injected, way.times, "{what}: the fault did not happen as planned\n{}", run.everything());
    assert_eq!(run.outcome.code, 0, "{what}\n{}", run.everything());
    let report = run.report();
    assert_eq!(report["status"], "pass", "{what}: {report:#}");
    if copies {
        assert_eq!(report["balance"]["closes"], true, "{what}: {report:#}");
        assert_complete(&plan, &what);
    }
}

/// The run does not survive; it says exactly what is missing, and running the plan again completes it.
fn accounts(world: &World, way: &Way) {
    let what = format!("{}: {:?} on {}", way.name, way.fault, way.path);
    let plan = plan(world, &way.name);
    let mut hasty = plan.clone();
    hasty["options"]["max_attempts"] = 2.into();
    let (run, injected) = through(world, way, hasty);
    assert_eq!(injected, way.times, "{what}\n{}", run.everything());
    assert_eq!(run.outcome.code, 1, "{what}\n{}", run.everything());
    let report = run.report();
    assert_eq!((&report["status"], &report["balance"]["closes"]), (&"fail".into(), &true.into()), "{what}");
    let listed = report["rejections"].as_array().unwrap();
    if way.path == WRITE {
        let refused = report["balance"]["samples"]["rejected"]["server_error"].as_u64().unwrap();
        let rows: u64 = listed.iter().map(|one| one["rows"].as_u64().unwrap()).sum();
        assert!(
            refused > 0 && rows == refused,
            "{what}: {refused} samples were refused and {rows} are listed"
        );
    } else {
        let unread: Vec<&Value> = listed.iter().filter(|one| one["reason"] == "not_read").collect();
        assert!(!unread.is_empty(), "{what}: {} answers are several slabs of two attempts each", way.times);
        let placed = |one: &&Value| one["selector"].is_string() && one["first_ms"].is_i64();
        assert!(unread.iter().all(placed), "{what}: {unread:#?}");
    }
    let native = theirs("verify", &PlanFile::new(&plan), ALL);
    assert_eq!(native.outcome.code, 1, "{what}: nothing is missing");
    ours_small("backfill", &PlanFile::new(&plan), ALL, &[]).expect_code(0);
    assert_complete(&plan, &what);
}

/// Ways and exchanges of what has survived so far in this process.
static SURVIVED: Mutex<(usize, usize, usize)> = Mutex::new((0, 0, 0));

/// Counts what survived and says so; past the capture, since nobody reads the output of a test that passes.
fn survived(what: &str, ways: usize, exchanges: usize) {
    let mut all = SURVIVED.lock().unwrap();
    *all = (all.0 + 1, all.1 + ways, all.2 + exchanges);
    let mut text = format!("faults: {what}: {ways} ways, {exchanges} exchanges, all survived\n");
    if all.0 == TABLES.len() + SCRIPTED.len() {
        text.push_str(&format!("faults: {} ways, {} exchanges in all, all survived\n", all.1, all.2));
    }
    let _ = std::io::stderr().write_all(text.as_bytes());
}

/// Runs a table, way by way. tsink closes its storage by itself now and then, and more often the more tenants it has:
/// then that way alone begins anew, with other servers.
fn table(name: &str) {
    let (_, rows) = TABLES.iter().find(|(own, _)| *own == name).expect("a table");
    let ways = rows();
    let compares = ways.iter().any(|way| way.command != "backfill");
    let copied = |world: &World| impatient(world.main_plan("copied"));
    // After all ways, what was compared is looked at once more.
    let steps: Vec<Option<&Way>> = ways.iter().map(Some).chain(std::iter::once(None)).collect();
    on_sound_each(
        &steps,
        || (World::start(), Cell::new(false)),
        |(world, _)| &world.tsink,
        |(world, is_copied), way| {
            if compares && !is_copied.get() {
                ours_small("backfill", &PlanFile::new(&copied(world)), ALL, &[]).expect_code(0);
                is_copied.set(true);
            }
            match way {
                Some(way) if way.then == Then::Passes => passes(world, way),
                Some(way) => accounts(world, way),
                None if compares => assert_complete(&copied(world), name),
                None => {}
            }
        },
    );
    survived(name, ways.len(), ways.iter().map(|way| way.times).sum());
}

#[test]
fn connections_that_break_while_writing() {
    table("writing");
}

#[test]
fn connections_and_answers_that_break_while_reading() {
    table("reading");
}

#[test]
fn connections_and_answers_that_break_while_reading_back() {
    table("reading back");
}

#[test]
fn servers_that_are_busy_or_broken() {
    table("statuses");
}

#[test]
fn endpoints_that_answer_something_else() {
    table("endpoints");
}

#[test]
fn what_is_given_up_is_accounted_for() {
    table("given up");
}

/// The README says how many faults are injected.
#[test]
fn the_readme_counts_as_the_suite_does() {
    let rows: Vec<Way> = TABLES.iter().flat_map(|(_, rows)| rows()).collect();
    let ways = rows.len() + SCRIPTED.len();
    let exchanges = rows.iter().map(|way| way.times).sum::<usize>() + SCRIPTED.len();
    let readme = concat!(env!("CARGO_MANIFEST_DIR"), "/../../README.md");
    let text = std::fs::read_to_string(readme).unwrap().split_whitespace().collect::<Vec<_>>().join(" ");
    let sentence = format!("{exchanges} faults in {ways} ways are injected, and all are survived");
    assert!(text.contains(&sentence), "the README does not say: {sentence}");
}
