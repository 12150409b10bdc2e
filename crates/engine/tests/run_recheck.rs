//! Differences of rows that are still being written settle before they count.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use support::{Fault, Outcome, START, World, plan, plan_text, run, run_with, steady};
use tsink_migrate_engine::model::Window;
use tsink_migrate_engine::report::{FindingKind, RecheckReport, Report, Status, VerifyReport};
use tsink_migrate_engine::run::{Event, SlabState, Stage};
use tsink_migrate_engine::{ErrorKind, Side};

const HOUR: Window = Window { start_ms: START, end_ms: START + 3_600_000 };
/// Rows in an hour of three series.
const ROWS: u64 = 3 * 241;
/// The newest rows are a second old.
const NOW: i64 = START + 3_601_000;

/// Two equal sides; then the target loses the rows from `from` on.
fn world(from: i64) -> World {
    let world = World::new(NOW, steady("m", 3, HOUR, 15_000));
    let held = world.expected();
    world.damage(|target| *target = held);
    world.damage(|target| target.values_mut().for_each(|rows| drop(rows.split_off(&from))));
    world
}

/// The target has everything again `after` ms.
fn catches_up(world: &World, after: i64) {
    let other = world.clone();
    world.faults(move |_, _| {
        use tsink_migrate_engine::port::Clock;
        if other.clock.now_ms() >= NOW + after {
            let held = other.expected();
            other.damage(|target| *target = held);
        }
        None
    });
}

fn verify(outcome: &Outcome) -> &VerifyReport {
    match outcome.report() {
        Report::Verify(report) => report,
        other => panic!("{other:?}"),
    }
}

fn options(more: &str) -> String {
    plan_text(&["m"], &format!(r#","options":{{"slab_samples":200{more}}}"#))
}

#[test]
fn a_target_that_catches_up_does_not_fail() {
    let world = world(HOUR.end_ms - 20_000);
    catches_up(&world, 2_500);
    let outcome = run(&world, plan(&options("")), HOUR, &[Stage::Verify]);
    let report = verify(&outcome);
    assert_eq!(report.status, Status::Pass, "{:?}", report.issues);
    let expected = RecheckReport { settle_ms: 300_000, waited_ms: 3_000, slabs: 1, reads: 2, settled: 1 };
    assert_eq!(report.recheck, Some(expected));
    // What was read again takes the place of what was read first, and is not added to it.
    let check = &report.raw_checks[0];
    assert_eq!((check.source_rows, check.target_rows), (ROWS, ROWS));
    assert_eq!((check.missing_samples, check.differing.len(), check.by_kind.len()), (0, 0, 0));
    let states: Vec<SlabState> = outcome
        .events
        .iter()
        .filter_map(|event| match event {
            Event::Slab { state, .. } => Some(*state),
            _ => None,
        })
        .collect();
    assert!(!states.contains(&SlabState::Failed));
    assert_eq!(states.last(), Some(&SlabState::Done));
}

#[test]
fn the_wait_is_told() {
    let world = world(HOUR.end_ms - 20_000);
    catches_up(&world, 2_500);
    let outcome = run(&world, plan(&options("")), HOUR, &[Stage::Verify]);
    let waits = outcome.events.iter().filter_map(|event| match event {
        Event::Progress { progress } => progress.waiting.clone(),
        _ => None,
    });
    let waits: Vec<String> = waits.collect();
    assert!(
        waits.iter().any(|text| text.contains("1 part of the last 5 min") && text.contains("in 1 s")),
        "{waits:?}"
    );
    assert!(waits.iter().any(|text| text.contains("in 2 s")), "{waits:?}");
    let Some(Event::Progress { progress }) =
        outcome.events.iter().rev().find(|event| matches!(event, Event::Progress { .. }))
    else {
        panic!()
    };
    assert_eq!(progress.waiting, None, "it no longer waits");
}

#[test]
fn what_remains_counts_once() {
    let world = world(HOUR.end_ms - 20_000);
    let outcome = run(&world, plan(&options("")), HOUR, &[Stage::Verify]);
    let report = verify(&outcome);
    assert_eq!(report.status, Status::Fail);
    let check = &report.raw_checks[0];
    assert_eq!((check.missing_samples, check.sample_mismatches), (6, 6));
    assert_eq!((check.source_rows, check.target_rows), (ROWS, ROWS - 6));
    assert_eq!(check.by_kind.get(&FindingKind::MissingSamples), Some(&3));
    let recheck = report.recheck.clone().unwrap();
    assert_eq!((recheck.waited_ms, recheck.reads, recheck.settled), (20_000, 5, 0));
}

#[test]
fn old_differences_are_not_waited_for() {
    let world = world(HOUR.end_ms - 20_000);
    world.damage(|target| {
        target.values_mut().next().unwrap().remove(&START);
    });
    catches_up(&world, 1);
    // By then the target is whole again, but for what the comparison has seen before: nothing young differs.
    let lost = world.clone();
    world.faults(move |_, _| {
        let mut held = lost.expected();
        held.values_mut().next().unwrap().remove(&START);
        lost.damage(|target| *target = held);
        None
    });
    let outcome = run(&world, plan(&options("")), HOUR, &[Stage::Verify]);
    let report = verify(&outcome);
    assert_eq!((report.status, report.recheck.clone()), (Status::Fail, None));
    assert_eq!(report.raw_checks[0].missing_samples, 1);
    assert!(report.run.duration_ms < 1_000, "{}", report.run.duration_ms);
}

#[test]
fn old_and_young_ones_of_one_slab_are_told_apart() {
    let world = world(HOUR.end_ms - 20_000);
    let lost = START + 1_800_000;
    world.damage(|target| {
        target.values_mut().next().unwrap().remove(&lost);
    });
    let other = world.clone();
    world.faults(move |_, _| {
        use tsink_migrate_engine::port::Clock;
        if other.clock.now_ms() >= NOW + 500 {
            let mut held = other.expected();
            held.values_mut().next().unwrap().remove(&lost);
            other.damage(|target| *target = held);
        }
        None
    });
    let whole = plan_text(&["m"], "");
    let outcome = run(&world, plan(&whole), HOUR, &[Stage::Verify]);
    let report = verify(&outcome);
    assert_eq!(report.status, Status::Fail);
    let check = &report.raw_checks[0];
    assert_eq!((check.missing_samples, check.source_rows, check.target_rows), (1, ROWS, ROWS - 1));
    assert_eq!(check.findings[0].first_ms, Some(lost));
    assert_eq!(report.recheck.clone().unwrap().settled, 1);
}

#[test]
fn either_option_at_nought_turns_it_off() {
    for off in [r#","settle_secs":0"#, r#","recheck_secs":0"#] {
        let world = world(HOUR.end_ms - 20_000);
        catches_up(&world, 500);
        let outcome = run(&world, plan(&options(off)), HOUR, &[Stage::Verify]);
        let report = verify(&outcome);
        assert_eq!((report.status, report.recheck.clone()), (Status::Fail, None));
        assert_eq!(report.raw_checks[0].missing_samples, 6);
    }
}

#[test]
fn rows_that_grow_old_while_it_waits_count() {
    let world = world(HOUR.end_ms - 20_000);
    let text = options(r#","settle_secs":10,"recheck_secs":3600"#);
    let outcome = run(&world, plan(&text), HOUR, &[Stage::Verify]);
    let report = verify(&outcome);
    assert_eq!((report.status, report.raw_checks[0].missing_samples), (Status::Fail, 6));
    let recheck = report.recheck.clone().unwrap();
    assert!(recheck.waited_ms >= 9_000 && recheck.waited_ms < 20_000, "{recheck:?}");
}

#[test]
fn a_source_that_goes_on_being_written_is_compared_up_to_the_window() {
    let world = world(HOUR.end_ms - 20_000);
    // Each second brings rows beyond the window, on both sides.
    let (other, told) = (world.clone(), Cell::new(0));
    world.faults(move |_, _| {
        use tsink_migrate_engine::port::Clock;
        told.set(told.get() + 1);
        let at = other.clock.now_ms();
        other.change(|source| {
            source[0].samples.push(tsink_migrate_engine::model::Sample { timestamp: at, value: 1.0 });
        });
        if at >= NOW + 6_000 {
            let held = other.expected();
            other.damage(|target| *target = held);
        }
        None
    });
    let outcome = run(&world, plan(&options("")), HOUR, &[Stage::Verify]);
    let report = verify(&outcome);
    assert_eq!(report.status, Status::Pass, "{:?}", report.issues);
    assert_eq!(report.recheck.clone().unwrap().waited_ms, 7_000);
}

#[test]
fn a_cancel_ends_the_wait() {
    let world = world(HOUR.end_ms - 20_000);
    let outcome = run_with(&world, plan(&options("")), HOUR, &[Stage::Verify], |event, control| {
        if let Event::Progress { progress } = event
            && progress.waiting.as_ref().is_some_and(|text| text.contains("in 4 s"))
        {
            control.cancel();
        }
    });
    let error = outcome.result.expect_err("cancelled");
    assert_eq!(error.kind, ErrorKind::Cancelled);
    use tsink_migrate_engine::port::Clock;
    assert!(outcome.clock.now_ms() < NOW + 4_500, "{}", outcome.clock.now_ms() - NOW);
}

#[test]
fn what_cannot_be_read_again_was_not_compared() {
    let world = world(HOUR.end_ms - 20_000);
    let other = world.clone();
    world.faults(move |request, _| {
        use tsink_migrate_engine::port::Clock;
        let late = other.clock.now_ms() >= NOW + 900;
        (late && request.side == Side::Target && request.url.ends_with("/read"))
            .then_some(Fault::Status(400, "no"))
    });
    let outcome = run(&world, plan(&options("")), HOUR, &[Stage::Verify]);
    let report = verify(&outcome);
    assert_eq!(report.status, Status::Fail);
    let kinds: Vec<FindingKind> = report.raw_checks[0].by_kind.keys().copied().collect();
    assert_eq!(kinds, [FindingKind::NotCompared]);
    let part = report.raw_checks[0].differing.clone();
    assert_eq!(part.last().map(|part| part.end_ms), Some(HOUR.end_ms));
    assert!(part.iter().all(|part| part.start_ms >= HOUR.end_ms - 300_000), "{part:?}");
}

#[test]
fn all_selectors_wait_together() {
    let seen = Rc::new(RefCell::new(Vec::new()));
    let world = world(HOUR.end_ms - 20_000);
    catches_up(&world, 500);
    let text = plan_text(&["m", r#"m{i="1"}"#, r#"m{i="none"}"#], "");
    let list = seen.clone();
    let outcome = run_with(&world, plan(&text), HOUR, &[Stage::Verify], move |event, _| {
        if let Event::RawCheck { check } = event {
            list.borrow_mut().push(check.selector.clone());
        }
    });
    let report = verify(&outcome);
    assert_eq!(report.status, Status::Pass);
    assert_eq!(report.recheck.clone().unwrap().waited_ms, 1_000);
    let order: Vec<&str> = report.raw_checks.iter().map(|check| check.selector.as_str()).collect();
    assert_eq!(order, ["m", r#"m{i="1"}"#, r#"m{i="none"}"#], "reports keep the plan's order");
    assert_eq!(seen.borrow()[0], r#"m{i="none"}"#, "what need not wait does not");
}
