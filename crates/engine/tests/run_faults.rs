//! Whole runs on a virtual clock, with everything that can go wrong on the wire.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use std::cell::Cell;
use std::rc::Rc;
use support::{Fault, START, World, plan, plan_text, run, run_with, steady};
use tsink_migrate_engine::model::Window;
use tsink_migrate_engine::report::{BackfillReport, FindingKind, Report, Status, VerifyReport};
use tsink_migrate_engine::run::{Event, SlabState, Stage};
use tsink_migrate_engine::{ErrorKind, Side};

const DAY: Window = Window { start_ms: START, end_ms: START + 86_399_999 };
const NOW: i64 = START + 2 * 86_400_000;

fn world() -> World {
    World::new(NOW, steady("m", 20, DAY, 15_000))
}

fn backfill(outcome: &support::Outcome) -> &BackfillReport {
    match outcome.report() {
        Report::Backfill(report) => report,
        other => panic!("{other:?}"),
    }
}

fn verify(outcome: &support::Outcome) -> &VerifyReport {
    match outcome.report() {
        Report::Verify(report) => report,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_day_arrives_whole_in_batches_of_the_configured_size() {
    let world = world();
    let plan = plan(&plan_text(&["m"], r#","batch":{"max_points_per_write":1000,"max_series_per_write":3}"#));
    let outcome = run(&world, plan, DAY, &[Stage::Preflight, Stage::Backfill, Stage::Verify]);
    assert_eq!(verify(&outcome).status, Status::Pass, "{:?}", verify(&outcome).issues);
    assert_eq!(world.target(), world.expected());
    assert!(world.largest_write() <= 1000);
    assert!(world.most_writes() > 1 && world.most_writes() <= 4, "{}", world.most_writes());
    let Report::Backfill(report) = &outcome.result.as_ref().unwrap()[1] else { panic!() };
    assert_eq!((report.series_written, report.samples_written), (20, 20 * 5760));
    assert!(report.balance.closes);
    let last = outcome.events.iter().rev().find_map(|event| match event {
        Event::Progress { progress } if progress.stage == Stage::Backfill => Some(progress.clone()),
        _ => None,
    });
    let last = last.unwrap();
    assert_eq!((last.done, last.total, last.fraction), (20 * 5760, 20 * 5760, 1.0));
}

#[test]
fn passing_trouble_is_survived() {
    // Every fault in turn on every third request, after the preflight.
    let world = world();
    let turn = Cell::new(0usize);
    world.faults(move |request, number| {
        if number < 30
            || number % 3 != 0
            || !(request.url.ends_with("/read") || request.url.ends_with("/write"))
        {
            return None;
        }
        let kinds = [
            Fault::Refused,
            Fault::Status(429, "write resource limit exceeded, retryable=true"),
            Fault::Status(503, "unavailable"),
            Fault::Status(500, "Storage is shutting down"),
            Fault::Status(502, "bad gateway"),
            Fault::LostAnswer,
            Fault::Garbage,
            Fault::Truncated,
            Fault::Slow(40_000),
        ];
        turn.set(turn.get() + 1);
        // A write has no body to read, so garbage with status 200 would be an acknowledgement.
        let fault = kinds[turn.get() % kinds.len()].clone();
        (!(matches!(fault, Fault::Garbage | Fault::Truncated) && request.url.ends_with("/write")))
            .then_some(fault)
    });
    let plan = plan(&plan_text(&["m"], r#","batch":{"max_points_per_write":1000}"#));
    let outcome = run(&world, plan, DAY, &[Stage::Backfill]);
    let report = backfill(&outcome);
    assert_eq!(report.status, Status::Pass, "{:?}", report.issues);
    assert!(report.retries > 10, "{}", report.retries);
    assert_eq!(world.target(), world.expected());
    assert_eq!(world.doubled(), 0, "what had arrived was sent again");
    assert!(report.balance.closes);
    let waits = outcome
        .events
        .iter()
        .filter(|event| matches!(event, Event::Progress { progress } if progress.waiting.is_some()));
    assert!(waits.count() > 0, "a wait is told");
}

#[test]
fn what_is_there_is_not_written_again() {
    let world = world();
    let plan = || plan(&plan_text(&["m"], ""));
    let first = backfill(&run(&world, plan(), DAY, &[Stage::Backfill])).balance.samples.clone();
    let all = world.expected();
    // One series is lost, and one sample of the next.
    world.damage(|target| {
        let mut series = target.values_mut();
        series.next().unwrap().clear();
        series.next().unwrap().pop_first();
    });
    let held: u64 = world.target().values().map(|rows| rows.len() as u64).sum();
    let second = backfill(&run(&world, plan(), DAY, &[Stage::Backfill])).balance.samples.clone();
    assert_eq!((second.already_there, second.written), (held, first.written - held));
    assert_eq!(second.unaccounted(), 0);
    assert_eq!(world.target(), all);
    assert_eq!(world.doubled(), 0);
}

#[test]
fn what_may_have_arrived_is_not_sent_again_when_the_target_cannot_be_asked() {
    for answer in [Fault::Status(400, "no"), Fault::Status(413, "too large")] {
        let world = world();
        let lost = Cell::new(false);
        world.faults(move |request, number| {
            if number > 30 && !lost.get() && request.url.ends_with("/write") {
                lost.set(true);
                return Some(Fault::LostAnswer);
            }
            let asks = lost.get() && request.side == Side::Target && request.url.ends_with("/read");
            asks.then(|| answer.clone())
        });
        let plan = || plan(&plan_text(&["m"], r#","batch":{"max_points_per_write":1000}"#));
        let first = run(&world, plan(), DAY, &[Stage::Backfill]);
        assert!(first.result.is_err() || backfill(&first).status == Status::Fail);
        assert_eq!(world.doubled(), 0, "a batch that may be there was taken apart and sent");
        world.faults(|_, _| None);
        run(&world, plan(), DAY, &[Stage::Backfill]).result.unwrap();
        assert_eq!((world.target(), world.doubled()), (world.expected(), 0));
    }
}

#[test]
fn a_busy_target_is_given_room() {
    let world = world();
    let refusals = Cell::new(0);
    world.faults(move |request, number| {
        let busy = number > 20 && request.url.ends_with("/write") && refusals.get() < 3;
        busy.then(|| {
            refusals.set(refusals.get() + 1);
            Fault::Status(429, "write resource limit exceeded")
        })
    });
    let plan = plan(&plan_text(&["m"], r#","batch":{"max_points_per_write":1000}"#));
    let outcome = run(&world, plan, DAY, &[Stage::Backfill]);
    assert_eq!(backfill(&outcome).status, Status::Pass);
    assert_eq!(world.target(), world.expected());
}

#[test]
fn a_source_that_is_gone_ends_the_run_with_what_to_do() {
    let world = world();
    world.faults(|request, _| (request.side == Side::Source).then_some(Fault::Refused));
    let outcome = run(&world, plan(&plan_text(&["m"], "")), DAY, &[Stage::Backfill]);
    let error = outcome.result.expect_err("an error");
    assert_eq!(error.side, Some(Side::Source));
    assert!(matches!(error.kind, ErrorKind::Network(_)) && !error.remedy.is_empty(), "{error:?}");
    assert!(world.target().is_empty());
}

/// 20 series of 5,760 rows.
const SIX_SLABS: &str = r#","options":{"slab_samples":24000}"#;

#[test]
fn one_slab_that_cannot_be_read_does_not_take_the_others_with_it() {
    let world = world();
    // Six slabs of four hours; whatever reads exactly the third is refused, in either form of remote read.
    let third = DAY.split(6)[2];
    world.faults(move |request, _| {
        let read = request.side == Side::Source && request.url.ends_with("/read");
        (read && support::asks_for(&request.body, third))
            .then_some(Fault::Status(400, r#"{"status":"error","errorType":"bad_data","error":"no"}"#))
    });
    let outcome = run(&world, plan(&plan_text(&["m"], SIX_SLABS)), DAY, &[Stage::Backfill]);
    let report = backfill(&outcome);
    assert_eq!(report.status, Status::Fail);
    assert_eq!(report.samples_written, 20 * 5760 / 6 * 5);
    assert!(report.issues.iter().any(|issue| issue.contains("not read")), "{:?}", report.issues);
    assert!(report.balance.closes, "what was read is accounted for");
    let failed =
        outcome.events.iter().filter(|event| matches!(event, Event::Slab { state: SlabState::Failed, .. }));
    assert_eq!(failed.count(), 1);
}

#[test]
fn retention_is_found_out_before_the_first_write() {
    let world = world();
    world.retention(36 * 3_600_000);
    let outcome = run(&world, plan(&plan_text(&["m"], "")), DAY, &[Stage::Backfill]);
    let report = backfill(&outcome);
    assert_eq!(report.status, Status::Fail);
    assert!(world.target().is_empty(), "nothing is written");
    let oldest = report.preflight.target_oldest_ms.expect("the edge is known");
    let edge = NOW - 36 * 3_600_000;
    assert!(oldest >= edge && oldest - edge < 120_000, "{}", oldest - edge);
    assert!(report.issues[0].contains("--retention"), "{:?}", report.issues);
    let later = Window { start_ms: oldest + 60_000, ..DAY };
    let outcome = run(&world, plan(&plan_text(&["m"], "")), later, &[Stage::Backfill, Stage::Verify]);
    assert_eq!(verify(&outcome).status, Status::Pass);
}

#[test]
fn a_series_that_two_selectors_match_is_written_once_and_the_balance_says_so() {
    let world = world();
    let plan = plan(&plan_text(&["m", r#"m{i="3"}"#], ""));
    let outcome = run(&world, plan, DAY, &[Stage::Backfill]);
    let report = backfill(&outcome);
    assert_eq!((report.series_written, report.samples_written), (20, 20 * 5760));
    assert_eq!(report.balance.samples.deduplicated, 5760);
    assert_eq!(report.balance.samples.read, 21 * 5760);
    assert!(report.balance.closes);
}

#[test]
fn a_dry_run_writes_nothing() {
    let world = world();
    let plan = plan(&plan_text(&["m"], r#","options":{"dry_run":true}"#));
    let outcome = run(&world, plan, DAY, &[Stage::Backfill]);
    let Report::Preflight(report) = outcome.report() else { panic!() };
    assert_eq!(report.status, Status::Pass);
    let estimate = report.estimate.as_ref().unwrap();
    assert_eq!(estimate.series, 20);
    let off = estimate.rows.abs_diff(20 * 5760);
    assert!(off < 20 * 5760 / 20, "{estimate:?}");
    assert!(world.target().is_empty());
}

#[test]
fn pause_holds_and_resume_goes_on() {
    let world = world();
    let seen = Rc::new(Cell::new(0));
    let count = seen.clone();
    let plan = plan(&plan_text(&["m"], r#","batch":{"max_points_per_write":1000}"#));
    let outcome = run_with(&world, plan, DAY, &[Stage::Backfill], move |event, control| match event {
        Event::Slab { state: SlabState::Done, .. } if count.get() == 0 => {
            count.set(1);
            control.pause();
        }
        Event::Progress { progress } if control.is_paused() && progress.waiting.is_some() => {
            count.set(count.get() + 1);
            if count.get() > 5 {
                control.resume();
            }
        }
        _ => {}
    });
    assert!(seen.get() > 5, "the wait was told while it was paused");
    assert_eq!(backfill(&outcome).status, Status::Pass);
    assert_eq!(world.target(), world.expected());
}

#[test]
fn cancel_ends_the_run_with_a_balance_that_closes() {
    let world = world();
    let plan = plan(&plan_text(&["m"], r#","batch":{"max_points_per_write":1000}"#));
    let outcome = run_with(&world, plan, DAY, &[Stage::Backfill], |event, control| {
        if matches!(event, Event::Slab { state: SlabState::Done, .. }) {
            control.cancel();
        }
    });
    let report = backfill(&outcome);
    assert!(
        report.cancelled && report.status == Status::Fail && report.balance.closes,
        "{:?}",
        report.balance
    );
    assert!(report.samples_written > 0 && report.samples_written < 20 * 5760);
    let there: u64 = world.target().values().map(|samples| samples.len() as u64).sum();
    assert!(there >= report.samples_written, "nothing is counted as written that is not there");
}

#[test]
fn verify_finds_what_was_done_to_the_target() {
    let world = world();
    let text = plan_text(&["m"], "");
    run(&world, plan(&text), DAY, &[Stage::Backfill]);
    world.damage(|target| {
        let mut series = target.values_mut();
        series.next().unwrap().remove(&(START + 15_000 * 100)).unwrap();
        *series.next().unwrap().get_mut(&(START + 15_000 * 5000)).unwrap() = 0.5f64.to_bits();
    });
    let outcome = run(&world, plan(&text), DAY, &[Stage::Verify]);
    let report = verify(&outcome);
    assert_eq!(report.status, Status::Fail);
    let check = &report.raw_checks[0];
    assert_eq!((check.missing_samples, check.differing_samples, check.sample_mismatches), (1, 1, 2));
    let kinds: Vec<FindingKind> = check.findings.iter().map(|finding| finding.kind).collect();
    assert_eq!(kinds, [FindingKind::MissingSamples, FindingKind::ValueDiffers]);
}
