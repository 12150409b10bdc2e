//! Memory is bounded by `options.memory_mib`, not by the window nor by the number of series (invariant 4): a source
//! with more than fits many times over is copied and compared, and the process must not grow beyond the bound. Both
//! servers make up their answers while they are read, and keep nothing.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use std::rc::Rc;
use support::endless::{Endless, Servers};
use support::{START, World, block_on, plan, plan_text, ports};
use tsink_migrate_engine::model::Window;
use tsink_migrate_engine::port::Ports;
use tsink_migrate_engine::report::{Report, Status};
use tsink_migrate_engine::run::{Control, Given, Job, Stage, execute};

const SERIES: usize = 12_000;
const STEP_MS: i64 = 20_000;
const MEMORY_MIB: u64 = 16;

/// A figure of this process in KiB.
fn process(name: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with(name)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

fn migrate(hours: i64) -> (u64, u64) {
    let window = Window { start_ms: START, end_ms: START + hours * 3_600_000 - 1 };
    let world = World::new(START + 86_400_000, Vec::new());
    let endless = Rc::new(Endless::new(SERIES, STEP_MS, window));
    let servers = Servers(endless.clone(), world.clone());
    let text = plan_text(&["m"], &format!(r#","options":{{"memory_mib":{MEMORY_MIB}}}"#));
    let mut written = 0;
    for stage in [Stage::Backfill, Stage::Verify] {
        let ports = Ports { transport: Rc::new(servers.clone()), ..ports(&world) };
        let job =
            Job { plan: plan(&text), window, stages: vec![stage], given: Given::default(), fresh: false };
        let reports = block_on(&world.clock, execute(ports, job, Control::new(), Rc::new(|_| {}))).unwrap();
        match reports.last().unwrap() {
            Report::Backfill(report) => {
                assert_eq!(report.status, Status::Pass, "{:?}", report.issues);
                assert_eq!(report.series_written, SERIES as u64);
                written = report.samples_written;
            }
            Report::Verify(report) => {
                assert_eq!(report.status, Status::Pass, "{:?}", report.issues);
                assert_eq!(report.raw_checks[0].target_samples, written);
            }
            other => panic!("{other:?}"),
        }
        endless.copied();
    }
    (written, process("VmHWM"))
}

#[test]
fn a_source_many_times_the_memory_is_copied_and_compared_within_it() {
    let before = process("VmRSS");
    let (rows, after) = migrate(2);
    // The rows alone, once, in the form in which they travel.
    assert!(rows * 18 > 4 * (MEMORY_MIB << 20), "{rows} rows");
    // What a process needs beside slabs: each series is remembered, answers are made up here, and an allocator rounds.
    let most = (MEMORY_MIB + 8) << 10;
    assert!(after - before < most, "{} KiB, {most} at most", after - before);
}
