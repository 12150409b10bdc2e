//! Faults that take a hand: servers that restart, tokens that expire, clocks that jump, a disk that is full.

use super::tables::SCRIPTED;
use super::{assert_complete, impatient, plan, survived};
use conformance::command::{Run, UnderWay, ours, ours_at_a_terminal, ours_small, ours_with, theirs};
use conformance::plans::{PlanFile, redirect};
use conformance::world::{ALL, METRICS, SELECTORS, TOKEN, World, held, on_sound_servers, samples};
use serde_json::Value;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};
use tsink_migrate_testkit::client::Endpoint;
use tsink_migrate_testkit::faults::{Fault, FaultProxy, Faults};
use tsink_migrate_testkit::process::{End, Process, free_port};
use tsink_migrate_testkit::tools::Tool;

/// V8 compiles once only; see `ours_small`.
const QUICK: &[&str] = &["--liftoff-only"];

fn done(name: &str) {
    assert!(SCRIPTED.contains(&name), "{name} is not in the list that is counted");
    survived(name, 1, 1);
}

#[track_caller]
fn until(what: &str, mut reached: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !reached() {
        assert!(begun.elapsed() < Duration::from_secs(60), "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A run of many small writes, and the patience to sit out a restart.
fn long(world: &World, tenant: &str) -> Value {
    let mut plan = plan(world, tenant);
    plan["batch"]["max_points_per_write"] = 40.into();
    plan["options"]["max_concurrent_writes"] = 1.into();
    plan["options"]["max_attempts"] = 12.into();
    plan
}

/// Starts a backfill and waits until some of it is in the target.
fn in_the_middle(plan: &Value, target: &Endpoint) -> UnderWay {
    let run = UnderWay::start(QUICK, "backfill", &PlanFile::new(plan), ALL, &[]);
    until("something is written", || run.has_ended() || !held(target, &METRICS, ALL).is_empty());
    assert!(!run.has_ended(), "the run is over before the fault: {}", run.finish().everything());
    run
}

#[track_caller]
fn assert_whole(run: Run, plan: &Value, what: &str) {
    let report = run.expect_code(0).report();
    assert_eq!(report["balance"]["closes"], true, "{what}: {report:#}");
    assert_complete(plan, what);
}

#[test]
fn a_target_that_is_killed_and_started_again() {
    let mut world = World::on_disk();
    let plan = long(&world, "killed");
    let run = in_the_middle(&plan, &world.target("killed"));
    world.tsink.restart(Duration::from_millis(300)).unwrap();
    assert_whole(run.finish(), &plan, "the target was killed");
    done("target-killed");
}

#[test]
fn a_source_that_restarts() {
    let mut world = World::start();
    let plan = long(&world, "source-restarts");
    let run = in_the_middle(&plan, &world.target("source-restarts"));
    world.prometheus.restart(Duration::from_millis(300)).unwrap();
    assert_whole(run.finish(), &plan, "the source restarted");
    done("source-restarts");
}

const FIRST: &str = "first-session-secret";
const SECOND: &str = "second-session-secret";
const WRONG: &str = "wrong-session-secret";

/// A plan whose header for `side` names a secret, and a proxy before that side that takes any value of it for some
/// requests, and then the second one only.
fn expiring(world: &World, tenant: &str, side: &str) -> (PlanFile, Value, FaultProxy) {
    let mut plan = plan(world, tenant);
    plan[side]["headers"]["X-Session"] = "${SESSION}".into();
    let whole = plan.clone();
    let (port, url, first) = match side {
        "target" => (world.tsink.port(), world.tsink.url(), 30),
        _ => (world.prometheus.port(), world.prometheus.url(), 50),
    };
    let fault = Fault::Unless("x-session: second-session-secret");
    let faults = Faults { path: "", first, every: 1, times: usize::MAX, fault };
    let proxy = FaultProxy::start(port, faults).unwrap();
    redirect(&mut plan, side, &url, &proxy.url());
    (PlanFile::new(&plan), whole, proxy)
}

/// The native tool reads no variables.
#[track_caller]
fn assert_copied(mut plan: Value, side: &str, what: &str) {
    plan[side]["headers"]["X-Session"] = "any".into();
    assert_complete(&plan, what);
}

#[track_caller]
fn assert_secret(run: &Run) {
    let said = run.everything();
    for secret in [FIRST, SECOND, WRONG, TOKEN] {
        assert!(!said.contains(secret), "{secret} is shown:\n{said}");
    }
}

fn renewed_in_a_file(world: &World, side: &str, name: &str) {
    let (plan, whole, proxy) = expiring(world, name, side);
    let file = plan.folder().join("session");
    std::fs::write(&file, format!("{FIRST}\n")).unwrap();
    let env = file.display().to_string();
    let run = UnderWay::start(QUICK, "backfill", &plan, ALL, &[("SESSION_FILE", &env)]);
    until("the token is refused", || run.has_ended() || proxy.injected() > 0);
    std::fs::write(&file, format!("{SECOND}\n")).unwrap();
    let run = run.finish().expect_code(0);
    assert_secret(&run);
    let said = &run.outcome.stderr;
    assert!(said.contains(&format!("there is a new value for the {side}")), "{said}");
    assert_eq!(run.report()["balance"]["closes"], true);
    assert_copied(whole, side, name);
}

#[test]
fn a_token_that_expires_is_read_from_its_file_again() {
    on_sound_servers(|world| renewed_in_a_file(world, "target", "token-in-a-file"));
    done("token-in-a-file");
}

#[test]
fn a_token_of_the_source_is_renewed_too() {
    on_sound_servers(|world| renewed_in_a_file(world, "source", "token-of-the-source"));
    done("token-of-the-source");
}

#[test]
fn a_token_that_expires_is_asked_for_at_the_terminal() {
    on_sound_servers(|world| {
        let (plan, whole, proxy) = expiring(world, "token-at-the-terminal", "target");
        let prompt = "new SESSION for the target";
        let run = ours_at_a_terminal("backfill", &plan, ALL, &[("SESSION", FIRST)], prompt, &[WRONG, SECOND])
            .expect_code(0);
        assert_eq!(run.outcome.stdout.matches(prompt).count(), 2, "{}", run.outcome.stdout);
        assert!(proxy.injected() >= 2);
        assert_secret(&run);
        assert_copied(whole, "target", "token-at-the-terminal");
    });
    done("token-at-the-terminal");
}

#[test]
fn where_nobody_can_give_a_token_the_same_command_goes_on_later() {
    on_sound_servers(|world| {
        let (plan, whole, _proxy) = expiring(world, "token-for-nobody", "target");
        let run = ours_with("backfill", &plan, ALL, &[], &[("SESSION", FIRST)]).expect_code(1);
        let report = run.report();
        assert_eq!((&report["status"], &report["balance"]["closes"]), (&"fail".into(), &true.into()));
        let there = samples(&held(&world.target("token-for-nobody"), &METRICS, ALL)) as u64;
        assert!(there > 0, "something was written before");
        assert_eq!(report["balance"]["samples"]["written"], there);
        let said = run.everything();
        for words in ["401", "same command again", "same plan again", "not read: "] {
            assert!(said.contains(words), "no {words:?} in:\n{said}");
        }
        assert_secret(&run);
        ours_with("backfill", &plan, ALL, &[], &[("SESSION", SECOND)]).expect_code(0);
        assert_copied(whole, "target", "token-for-nobody");
    });
    done("token-for-nobody");
}

#[test]
fn a_clock_that_jumps_to_and_fro() {
    const JUMPS: &str = "const real = Date.now; const by = [0, 36e5, -36e5, 864e5, -864e5]; let n = 0;\n\
                         Date.now = () => real() + by[n++ % by.length];\n";
    on_sound_servers(|world| {
        let plan = impatient(world.main_plan("clock-jumps"));
        let file = PlanFile::new(&plan);
        let preload = file.folder().join("jumps.cjs");
        std::fs::write(&preload, JUMPS).unwrap();
        let preload = preload.display().to_string();
        for command in ["backfill", "verify", "cutover-check"] {
            let flags = ["--liftoff-only", "--require", &preload];
            UnderWay::start(&flags, command, &file, ALL, &[]).finish().expect_code(0);
        }
        assert_complete(&plan, "the clock jumped");
    });
    done("clock-jumps");
}

/// A proxy that sends requests twice by itself doubles samples, and a run cannot know; verify says so afterwards, of
/// every copy that tsink shows.
#[test]
fn writes_that_something_repeats_are_judged_as_the_native_tool_does() {
    let world = World::start();
    let mut through = plan(&world, "write-asked-twice");
    let plan = PlanFile::new(&through);
    let faults = Faults { path: super::WRITE, first: 16, every: 2, times: 4, fault: Fault::AskTwice };
    let proxy = FaultProxy::start(world.tsink.port(), faults).unwrap();
    redirect(&mut through, "target", &world.tsink.url(), &proxy.url());
    ours("backfill", &PlanFile::new(&through), ALL, &[]).expect_code(0);
    assert_eq!(proxy.injected(), 4);

    let [native, run] = [theirs("verify", &plan, ALL), ours_small("verify", &plan, ALL, &[])]
        .map(|run| run.expect_code(1).report());
    let rows = |report: &Value| -> Vec<(String, u64, u64)> {
        let checks = report["raw_checks"].as_array().unwrap().iter();
        let number = |check: &Value, name| check[name].as_u64().unwrap();
        checks
            .map(|check| {
                let selector = check["selector"].as_str().unwrap().to_owned();
                (selector, number(check, "source_rows"), number(check, "target_rows"))
            })
            .collect()
    };
    assert_eq!(rows(&run), rows(&native), "selector, rows of the source, rows of the target");
    let copies: u64 = rows(&run).iter().map(|(_, source, target)| target - source).sum();
    assert!(copies > 0, "nothing is doubled: {:?}", rows(&run));
    done("write-asked-twice");
}

/// tsink on a file system of 6 MiB that something else fills. It is given room and started again later.
#[test]
fn a_disk_that_is_full() {
    let world = World::start();
    let folder = tempfile::tempdir().unwrap();
    let port = free_port().unwrap();
    let disk = folder.path().join("disk");
    std::fs::create_dir(&disk).unwrap();
    // A namespace of its own: whoever may not mount elsewhere may there.
    let script = "mount -t tmpfs -o size=6m tmpfs \"$1\" && dd if=/dev/zero of=\"$1/other\" bs=1024 count=5800 \
                  2>/dev/null && echo mounted && exec sleep 3600";
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--mount", "sh", "-c", script, "sh"]).arg(&disk);
    let log = folder.path().join("holder.log");
    let mut holder = Process::start("the disk", &mut command, &log, End::AtOnce, None).unwrap();
    let mounted = || std::fs::read_to_string(&log).is_ok_and(|text| text.contains("mounted"));
    holder.wait_until(Duration::from_secs(20), mounted).unwrap();
    let inside = PathBuf::from(format!("/proc/{}/root{}", holder.id(), disk.display()));

    let start = || {
        let mut command = Command::new("nsenter");
        command
            .args(["--preserve-credentials", "--user", "--mount", "--target"])
            .arg(holder.id().to_string());
        command.arg(Tool::TsinkServer.find().unwrap()).args(["--retention", "5000d", "--data-path"]);
        command.arg(disk.join("tsink")).args(["--listen", &format!("127.0.0.1:{port}")]);
        let log = folder.path().join("tsink.log");
        let mut tsink = Process::start("tsink-server", &mut command, &log, End::AtOnce, None).unwrap();
        let server = Endpoint::new(&format!("http://127.0.0.1:{port}"));
        let ready = || server.get("/ready").is_ok_and(|answer| answer.ok().is_ok());
        tsink.wait_until(Duration::from_secs(60), ready).unwrap();
        tsink
    };
    let mut tsink = start();
    let mut plan = impatient(world.plan("full", &SELECTORS));
    redirect(&mut plan, "target", &world.tsink.url(), &format!("http://127.0.0.1:{port}"));
    let mut hasty = plan.clone();
    hasty["options"]["max_attempts"] = 2.into();
    let run = ours("backfill", &PlanFile::new(&hasty), ALL, &[]).expect_code(1);
    let full = std::fs::write(inside.join("probe"), vec![0; 1 << 20]).unwrap_err();
    assert_eq!(full.kind(), std::io::ErrorKind::StorageFull, "the disk has room: {full}");
    let report = run.report();
    assert_eq!((&report["status"], &report["balance"]["closes"]), (&"fail".into(), &true.into()));
    assert!(!report["rejections"].as_array().unwrap().is_empty(), "{report:#}");

    tsink.stop();
    for file in ["probe", "other"] {
        std::fs::remove_file(inside.join(file)).unwrap();
    }
    // A line of tsink's accounting that the full disk has cut off keeps tsink 0.10.2 from starting.
    let accounting = inside.join("tsink/usage-accounting/ledger.ndjson");
    if let Ok(text) = std::fs::read_to_string(&accounting) {
        let is_whole = |line: &&str| serde_json::from_str::<Value>(line).is_ok();
        let whole: String = text.lines().filter(is_whole).flat_map(|line| [line, "\n"]).collect();
        std::fs::write(&accounting, whole).unwrap();
    }
    let _tsink = start();
    ours("backfill", &PlanFile::new(&plan), ALL, &[]).expect_code(0);
    assert_complete(&plan, "the disk was full");
    done("disk-full");
}
