//! Memory does not follow the length of the window: what a run holds when it has come far is what it held near its
//! beginning, but for a few bytes a slab. Both servers make up their answers while they are read, and keep nothing.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};
use std::alloc::System;
use std::cell::RefCell;
use std::rc::Rc;
use support::endless::{Endless, Servers};
use support::{START, World, block_on, plan, plan_text, ports};
use tsink_migrate_engine::model::Window;
use tsink_migrate_engine::port::Ports;
use tsink_migrate_engine::report::{Report, Status};
use tsink_migrate_engine::run::{Control, Event, Given, Job, SlabState, Stage, execute};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const SERIES: usize = 40;
const HOURS: i64 = 72;
const SLABS: usize = HOURS as usize * 60 / 5;
/// What the run may keep of a slab in the end: when it was done and how long it took.
const KEPT_BYTES: f64 = 200.0;

/// Bytes that are allocated and not given back.
fn held() -> f64 {
    let stats = ALLOCATOR.stats();
    stats.bytes_allocated as f64 - stats.bytes_deallocated as f64
}

/// Least of what was held, over some slabs: what is under way comes and goes.
fn least(held: &[f64]) -> f64 {
    held.iter().copied().fold(f64::MAX, f64::min)
}

#[test]
fn a_long_run_holds_what_a_short_one_does() {
    let window = Window { start_ms: START, end_ms: START + HOURS * 3_600_000 - 1 };
    let world = World::new(START + 7 * 86_400_000, Vec::new());
    let endless = Rc::new(Endless::new(SERIES, 15_000, window));
    // Slabs of five minutes, each of several small requests.
    let text = plan_text(
        &["m"],
        r#","options":{"slab_samples":800},"batch":{"max_series_per_write":10,"max_points_per_write":100}"#,
    );
    for stage in [Stage::Backfill, Stage::Verify] {
        let ports = Ports { transport: Rc::new(Servers(endless.clone(), world.clone())), ..ports(&world) };
        let job =
            Job { plan: plan(&text), window, stages: vec![stage], given: Given::default(), fresh: false };
        let seen = Rc::new(RefCell::new(Vec::with_capacity(4 * SLABS)));
        let on_event = {
            let seen = seen.clone();
            Rc::new(move |event: Event| {
                if matches!(&event, Event::Slab { state: SlabState::Done, .. }) {
                    seen.borrow_mut().push(held());
                }
            })
        };
        let reports = block_on(&world.clock, execute(ports, job, Control::new(), on_event)).unwrap();
        let status = match reports.last().unwrap() {
            Report::Backfill(report) => report.status,
            Report::Verify(report) => report.status,
            other => panic!("{other:?}"),
        };
        assert_eq!(status, Status::Pass);
        endless.copied();

        let seen = seen.take();
        assert!(seen.len() >= SLABS / 2, "{} slabs", seen.len());
        let tenth = seen.len() / 10;
        let (early, late) = (least(&seen[tenth..2 * tenth]), least(&seen[9 * tenth..]));
        let a_slab = (late - early) / (8 * tenth) as f64;
        assert!(a_slab < KEPT_BYTES, "{stage:?}: {a_slab:.0} bytes a slab, {early:.0} to {late:.0}");
    }
}
