//! The built command killed in mid-work, with servers that go away and come back: run again, it goes on where it was,
//! reads nothing twice that is done, and ends with every sample in place once.

use conformance::captures::Protocol;
use conformance::command::{Run, Window, ours, ours_kept, ours_raw, theirs};
use conformance::plans::{PlanFile, plan, redirect};
use conformance::recordings::{EVERYTHING, files, on_tsink, plan as recorded_plan};
use conformance::world::{assert_holds, held, samples};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::process::Child;
use std::thread::sleep;
use std::time::{Duration, Instant};
use tsink_migrate_testkit::faults::{Fault, FaultProxy, Faults};
use tsink_migrate_testkit::history::{Bulk, load_slabs};
use tsink_migrate_testkit::process::free_port;
use tsink_migrate_testkit::servers::{Prometheus, PrometheusOptions, Tsink, TsinkOptions};
use tsink_migrate_testkit::wire::{Sample, TimeSeries};

const READ: &str = "/api/v1/read";
const BULK: Bulk = Bulk { series: 100, start_ms: 1_763_510_400_000, hours: 24, step_ms: 15_000 };

/// Both servers, in folders and on ports that they keep when they come back.
struct World {
    folder: tempfile::TempDir,
    ports: (u16, u16),
    prometheus: Prometheus,
    tsink: Tsink,
}

impl World {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let ports = (free_port().unwrap(), free_port().unwrap());
        let (prometheus, tsink) = (source(folder.path(), ports.0), target(folder.path(), ports.1));
        load_slabs(&prometheus.endpoint(), BULK.slabs()).unwrap();
        Self { folder, ports, prometheus, tsink }
    }

    /// Two selectors in some fifty slabs, and little patience with servers that are not there.
    fn plan(&self) -> Value {
        let mut plan = plan(&self.prometheus.url(), &self.tsink.url(), &Bulk::SELECTORS);
        plan["options"] = json!({ "slab_samples": 12_000, "max_attempts": 2 });
        plan["batch"] = json!({ "max_points_per_write": 3_000 });
        plan
    }
}

/// Runs a test with servers of its own; again with others when tsink closed its storage by itself.
fn on_servers(test: impl Fn(&mut World)) {
    for attempt in 1.. {
        let mut world = World::start();
        match catch_unwind(AssertUnwindSafe(|| test(&mut world))) {
            Err(_) if attempt < 4 && !world.tsink.is_open() => {
                println!("tsink-server closed its storage by itself; once more with another");
            }
            Err(panic) => resume_unwind(panic),
            Ok(()) => return,
        }
    }
}

fn source(folder: &Path, port: u16) -> Prometheus {
    let options = PrometheusOptions {
        port: Some(port),
        folder: Some(folder.join("source")),
        ..PrometheusOptions::default()
    };
    Prometheus::start(options).unwrap()
}

fn target(folder: &Path, port: u16) -> Tsink {
    let options =
        TsinkOptions { port: Some(port), folder: Some(folder.join("target")), ..TsinkOptions::default() };
    Tsink::start(options).unwrap()
}

fn window() -> Window {
    (BULK.start_ms, BULK.end_ms())
}

fn ledger(plan: &PlanFile) -> PathBuf {
    plan.artifacts("ours-backfill").join("ledger.jsonl")
}

/// Slabs that the ledger says are done.
fn done(plan: &PlanFile) -> usize {
    let text = fs::read_to_string(ledger(plan)).unwrap_or_default();
    text.lines().filter(|line| line.starts_with("{\"copied\"") && line.ends_with("\"}")).count()
}

/// Starts a backfill, and gives it when so many slabs are done.
fn started(plan: &PlanFile, until: usize) -> Child {
    started_in(plan, window(), until)
}

fn started_in(plan: &PlanFile, window: Window, until: usize) -> Child {
    let mut child = ours_kept("backfill", plan, window);
    let began = Instant::now();
    while done(plan) < until {
        assert!(child.try_wait().unwrap().is_none(), "it ended with {} of {until} slabs done", done(plan));
        assert!(began.elapsed() < Duration::from_secs(120), "{} of {until} slabs are done", done(plan));
        sleep(Duration::from_millis(2));
    }
    child
}

fn kill(mut child: Child) {
    // SIGKILL.
    child.kill().unwrap();
    child.wait().unwrap();
}

/// Everything is there once, as the native tool says, too.
fn assert_complete(world: &World, plan: &PlanFile) {
    let all = held(&world.prometheus.endpoint(), &Bulk::SELECTORS, window());
    assert_eq!(samples(&all) as u64, BULK.samples());
    assert_holds(&world.tsink.endpoint("default"), &Bulk::SELECTORS, window(), &all);
    let native = theirs("verify", plan, window());
    assert_eq!(native.outcome.code, 0, "{}", native.everything());
}

#[test]
fn killed_again_and_again_it_goes_on_and_reads_nothing_twice() {
    on_servers(|world| {
        let quiet = || Faults { path: READ, first: usize::MAX, every: 1, times: 0, fault: Fault::Close };
        // How many reads the whole takes.
        let whole = {
            let proxy = FaultProxy::start(world.prometheus.port(), quiet()).unwrap();
            let mut plan = world.plan();
            redirect(&mut plan, "source", &world.prometheus.url(), &proxy.url());
            plan["target"]["tenant"] = "whole".into();
            ours("backfill", &PlanFile::new(&plan), window(), &[]).expect_code(0);
            proxy.seen()
        };
        let proxy = FaultProxy::start(world.prometheus.port(), quiet()).unwrap();
        let mut plan = world.plan();
        redirect(&mut plan, "source", &world.prometheus.url(), &proxy.url());
        let file = PlanFile::new(&plan);
        let mut before = 0;
        for until in [1, 6, 7, 19, 30] {
            let until = until.max(before + 1);
            kill(started(&file, until));
            before = done(&file);
            assert!(before >= until);
        }
        // As the end of the machine may leave it: a line without its end.
        let text = fs::read_to_string(ledger(&file)).unwrap();
        fs::write(ledger(&file), &text[..text.len() - 9]).unwrap();
        let kept = done(&file);
        let asked = proxy.seen();
        let last = ours("backfill", &file, window(), &[]).expect_code(0);
        assert!(last.outcome.stderr.contains("backfill: continuing; "), "{}", last.outcome.stderr);
        let report = last.report();
        assert_eq!(report["status"], "pass");
        assert_eq!(report["balance"]["closes"], true);
        assert_eq!(report["continued"]["slabs"], kept as u64);
        assert_eq!(report["continued"]["runs"], 5);
        assert_eq!(report["balance"]["samples"]["read"], BULK.samples());
        let asked = proxy.seen() - asked;
        assert!(
            asked + kept <= whole + 6,
            "{asked} reads, {kept} slabs were done, and the whole takes {whole}"
        );
        assert_complete(world, &file);
        // Finished: the next one begins anew, and finds everything there.
        let again = ours("backfill", &file, window(), &[]).expect_code(0).report();
        assert_eq!(again["continued"], Value::Null);
        assert_eq!(again["balance"]["samples"]["already_there"], BULK.samples());
        // The lock went with its process.
        assert!(!ledger(&file).with_extension("jsonl.lock").exists());
    });
}

#[test]
fn servers_that_are_killed_and_come_back() {
    on_servers(|world| {
        let file = PlanFile::new(&world.plan());
        let mut child = started(&file, 5);
        world.tsink.stop();
        assert_eq!(child.wait().unwrap().code(), Some(1), "the target is gone");
        let first = done(&file);
        world.tsink = target(world.folder.path(), world.ports.1);
        let mut child = started(&file, first + 5);
        world.prometheus.stop();
        assert_eq!(child.wait().unwrap().code(), Some(1), "the source is gone");
        world.prometheus = source(world.folder.path(), world.ports.0);
        let second = done(&file);
        let report = ours("backfill", &file, window(), &[]).expect_code(0).report();
        assert!(
            report["continued"]["slabs"].as_u64().unwrap() >= second as u64 - 1,
            "{}",
            report["continued"]
        );
        assert_eq!(report["balance"]["closes"], true);
        assert_complete(world, &file);
    });
}

#[test]
fn a_target_that_was_emptied_another_window_and_a_second_run_at_once() {
    on_servers(|world| {
        let file = PlanFile::new(&world.plan());
        let child = started(&file, 8);
        let second = ours("backfill", &file, window(), &[]).expect_code(1);
        assert!(
            second.outcome.stderr.contains(&format!("process {}", child.id())),
            "{}",
            second.outcome.stderr
        );
        assert!(second.outcome.stderr.contains("twice"), "{}", second.outcome.stderr);
        kill(child);

        let shorter = (window().0, window().1 - 1);
        let other = ours("backfill", &file, shorter, &[]).expect_code(0);
        let wanted = format!("--start-ms {} --end-ms {}", window().0, window().1);
        assert!(other.outcome.stderr.contains(&wanted), "{}", other.outcome.stderr);
        assert!(other.report()["continued"].is_null());
        // As it says: the ledger is still there.
        let back = ours("backfill", &file, window(), &[]).expect_code(0).report();
        assert!(back["continued"]["slabs"].as_u64().unwrap() >= 8);
        assert_complete(world, &file);

        let other = PlanFile::new(&world.plan());
        world.tsink.stop();
        fs::remove_dir_all(world.folder.path().join("target")).unwrap();
        world.tsink = target(world.folder.path(), world.ports.1);
        kill(started(&other, 8));
        world.tsink.stop();
        fs::remove_dir_all(world.folder.path().join("target")).unwrap();
        world.tsink = target(world.folder.path(), world.ports.1);
        let told = ours("backfill", &other, window(), &[]).expect_code(0);
        assert!(told.outcome.stderr.contains("emptied, or is another one"), "{}", told.outcome.stderr);
        assert_eq!(told.report()["samples_written"], BULK.samples());
        assert_complete(world, &other);
    });
}

#[test]
fn a_ledger_of_ones_own_file_and_a_fresh_start() {
    on_servers(|world| {
        let file = PlanFile::new(&world.plan());
        let path = file.artifacts("elsewhere.jsonl").display().to_string();
        let (start, end) = (window().0.to_string(), window().1.to_string());
        let config = file.path().display().to_string();
        let words =
            ["backfill", "--config", &config, "--start-ms", &start, "--end-ms", &end, "--ledger", &path];
        assert_eq!(ours_raw(&words, &[]).code, 0);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.lines().last().unwrap().starts_with("{\"end\""), "{text}");
        // Without its end it is to be continued; unless somebody says otherwise.
        let open: String = text
            .lines()
            .filter(|line| !line.starts_with("{\"end\""))
            .map(|line| format!("{line}\n"))
            .collect();
        fs::write(&path, &open).unwrap();
        let fresh = ours_raw(&[&words[..], &["--fresh"]].concat(), &[]);
        assert!(fresh.code == 0 && !fresh.stderr.contains("continuing"), "{}", fresh.stderr);
        fs::write(&path, &open).unwrap();
        let continued = ours_raw(&words, &[]);
        assert!(continued.code == 0 && continued.stderr.contains("continuing"), "{}", continued.stderr);
        assert_complete(world, &file);
    });
}

/// Kills a backfill whenever so many slabs are done, and then lets it go on to its end.
fn killed_at(file: &PlanFile, window: Window, slabs: &[usize]) -> Run {
    for until in slabs {
        kill(started_in(file, window, (*until).max(done(file) + 1)));
    }
    let kept = done(file);
    let run = ours("backfill", file, window, &[]).expect_code(0);
    let report = run.report();
    assert_eq!((&report["status"], &report["balance"]["closes"]), (&"pass".into(), &true.into()));
    assert!(report["continued"]["runs"].as_u64().unwrap() >= slabs.len() as u64, "{}", report["continued"]);
    // The kill may have come between the last write's answer and its line.
    let continued = report["continued"]["slabs"].as_u64().unwrap() as usize;
    assert!(continued + 1 >= kept && continued <= kept, "{kept} slabs were done: {}", report["continued"]);
    run
}

#[test]
fn a_recording_goes_on() {
    const HOSTS: usize = 50;
    const TIMES: i64 = 2_000;
    // The native tool takes 4,096 lines in one payload.
    const PAYLOADS: i64 = 40;
    let payload = |part: i64| {
        let mut lines = String::new();
        for at in part * TIMES / PAYLOADS..(part + 1) * TIMES / PAYLOADS {
            for host in 0..HOSTS {
                let ns = (BULK.start_ms + at * 15_000) * 1_000_000;
                let _ = writeln!(lines, "cpu,host=h{host} value={}.5 {ns}", at * host as i64);
            }
        }
        lines
    };
    on_tsink(|tsink| {
        let mut plan = recorded_plan(Protocol::Influx, &tsink.url(), "recorded", &[EVERYTHING]);
        plan["options"] = json!({ "slab_samples": 4_000 });
        plan["batch"] = json!({ "max_points_per_write": 1_000 });
        let manifest: Vec<Value> = (0..PAYLOADS)
            .map(|part| json!({ "body": payload(part), "received_at_ms": BULK.end_ms() }))
            .collect();
        let file = files(&plan, &manifest);
        let window = (BULK.start_ms, BULK.start_ms + TIMES * 15_000);
        let report = killed_at(&file, window, &[1, 5, 12]).report();
        let rows = HOSTS as u64 * TIMES as u64;
        assert_eq!(report["balance"]["samples"]["read"], rows);
        let there = held(&tsink.endpoint("recorded"), &["cpu"], window);
        assert_eq!((there.len(), samples(&there) as u64), (HOSTS, rows));
        let native = theirs("verify", &file, window);
        assert_eq!(native.outcome.code, 0, "{}", native.everything());
    });
}

#[test]
fn a_selector_cut_into_parts_goes_on_with_the_parts_that_it_had() {
    const SERIES: usize = 6_000;
    const ROWS: i64 = 20;
    // Prometheus takes what is no older than an hour beside what it has.
    let from_ms = BULK.end_ms() - ROWS * 60_000;
    let pods = |from: usize, to: usize| {
        (from..to).map(|at| {
            let labels = [("pod", format!("web-{:02}", at / 100)), ("n", at.to_string())];
            let labels: Vec<(&str, &str)> =
                labels.iter().map(|(name, value)| (*name, value.as_str())).collect();
            let mut series = TimeSeries::new("wide_metric", &labels);
            series.samples = (0..ROWS)
                .map(|n| Sample { timestamp: from_ms + n * 60_000, value: (at as i64 + n) as f64 })
                .collect();
            series
        })
    };
    on_servers(|world| {
        load_slabs(&world.prometheus.endpoint(), std::iter::once(pods(0, SERIES).collect())).unwrap();
        let mut plan = world.plan();
        plan["selectors"] = json!(["wide_metric"]);
        plan["options"] = json!({ "slab_samples": 6_000, "memory_mib": 16 });
        let file = PlanFile::new(&plan);
        let window = (from_ms, BULK.end_ms());
        kill(started_in(&file, window, 3));
        // A pod that nobody has counted comes up meanwhile: it is in the part of all other values.
        load_slabs(&world.prometheus.endpoint(), std::iter::once(pods(SERIES, SERIES + 7).collect()))
            .unwrap();
        let run = killed_at(&file, window, &[9]);
        assert!(run.outcome.stderr.contains("continuing"), "{}", run.outcome.stderr);
        let parts = fs::read_to_string(ledger(&file)).unwrap();
        assert!(parts.contains("wide_metric{pod=~") && parts.contains("wide_metric{pod!~"), "{parts}");
        let all = held(&world.prometheus.endpoint(), &["wide_metric"], window);
        assert_eq!((all.len(), samples(&all)), (SERIES + 7, (SERIES + 7) * ROWS as usize));
        assert_holds(&world.tsink.endpoint("default"), &["wide_metric"], window, &all);
        let native = theirs("verify", &file, window);
        assert_eq!(native.outcome.code, 0, "{}", native.everything());
    });
}
