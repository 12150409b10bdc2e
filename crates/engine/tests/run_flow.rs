//! Flow control on a virtual clock: how many writes at once, limits that change in mid-run, and servers that go away.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use support::{Fault, START, World, plan, plan_text, run, run_with, steady};
use tsink_migrate_engine::Side;
use tsink_migrate_engine::model::Window;
use tsink_migrate_engine::report::{BackfillReport, Report, Status, VerifyReport};
use tsink_migrate_engine::run::{Event, Limits, SlabState, Stage};

const DAY: Window = Window { start_ms: START, end_ms: START + 86_399_999 };
const NOW: i64 = START + 2 * 86_400_000;
const SMALL_BATCHES: &str = r#","batch":{"max_points_per_write":1000}"#;

fn world() -> World {
    World::new(NOW, steady("m", 20, DAY, 15_000))
}

fn backfill(outcome: &support::Outcome) -> &BackfillReport {
    match outcome.report() {
        Report::Backfill(report) => report,
        other => panic!("{other:?}"),
    }
}

fn limits(events: &[Event]) -> Vec<Limits> {
    events
        .iter()
        .filter_map(|event| match event {
            Event::Limits { limits } => Some(*limits),
            _ => None,
        })
        .collect()
}

#[test]
fn the_limits_in_force_are_told_and_follow_the_operator() {
    let world = world();
    let text = plan_text(
        &["m"],
        &format!(r#"{SMALL_BATCHES},"options":{{"max_concurrent_writes":3,"slab_samples":24000}}"#),
    );
    let (slabs, before, after) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
    let seen = (slabs.clone(), before.clone(), after.clone());
    let watched = world.clone();
    let outcome = run_with(&world, plan(&text), DAY, &[Stage::Backfill], move |event, control| match event {
        Event::Slab { state: SlabState::Done, .. } => {
            slabs.set(slabs.get() + 1);
            if slabs.get() == 2 {
                before.set(watched.most_writes());
                control.set_limits(Limits { max_concurrent_writes: Some(1), ..Limits::default() });
            }
        }
        Event::Limits { limits } if limits.max_concurrent_writes == Some(1) => watched.forget_most_writes(),
        Event::Slab { state: SlabState::InFlight, slab, .. } if *slab == 4 => {
            after.set(watched.most_writes());
        }
        _ => {}
    });
    assert_eq!(backfill(&outcome).status, Status::Pass);
    assert_eq!(world.target(), world.expected());
    let all = |writes| Limits {
        max_concurrent_writes: Some(writes),
        max_rows_per_second: Some(0),
        max_in_flight_rows: Some(0),
    };
    assert_eq!(limits(&outcome.events), [all(3), all(1)]);
    let (_, before, after) = seen;
    assert!((2..=3).contains(&before.get()), "{}", before.get());
    assert_eq!(after.get(), 1, "one at a time once the limit was lowered");
}

#[test]
fn rows_a_second_are_kept_to_and_the_wait_is_told() {
    let world = world();
    let rate = 2_000;
    let text = plan_text(&["m"], &format!(r#"{SMALL_BATCHES},"options":{{"max_rows_per_second":{rate}}}"#));
    let outcome = run(&world, plan(&text), DAY, &[Stage::Backfill]);
    let report = backfill(&outcome);
    assert_eq!(report.status, Status::Pass);
    assert_eq!(world.target(), world.expected());
    let least_ms = (20 * 5760 - 4_000) * 1_000 / rate;
    assert!(report.run.duration_ms >= least_ms, "{} < {least_ms}", report.run.duration_ms);
    assert!(report.run.duration_ms < least_ms * 12 / 10, "{}", report.run.duration_ms);
    let told = outcome.events.iter().any(|event| {
        matches!(event, Event::Progress { progress }
            if progress.waiting.as_deref().is_some_and(|why| why.contains("2,000 rows a second")))
    });
    assert!(told);
    // Lifted in mid-run, it is over soon.
    let world = self::world();
    let lifted = run_with(&world, plan(&text), DAY, &[Stage::Backfill], |event, control| {
        if matches!(event, Event::Slab { state: SlabState::Done, .. }) {
            control.set_limits(Limits { max_rows_per_second: Some(0), ..Limits::default() });
        }
    });
    assert!(backfill(&lifted).run.duration_ms < report.run.duration_ms / 2);
    assert_eq!(world.target(), world.expected());
}

#[test]
fn rows_under_way_are_kept_to() {
    let world = world();
    let text = plan_text(&["m"], &format!(r#"{SMALL_BATCHES},"options":{{"max_in_flight_rows":1}}"#));
    let outcome = run(&world, plan(&text), DAY, &[Stage::Backfill]);
    assert_eq!(backfill(&outcome).status, Status::Pass);
    assert_eq!(world.most_writes(), 1, "what is more than the limit goes alone");
    assert_eq!(world.target(), world.expected());
}

#[test]
fn pause_holds_whatever_waits_for_its_turn() {
    let world = world();
    let text = plan_text(&["m"], &format!(r#"{SMALL_BATCHES},"options":{{"max_rows_per_second":20000}}"#));
    let (asked, seen) = (Rc::new(Cell::new(0)), Rc::new(RefCell::new(Vec::new())));
    let (count, writes, watched) = (asked.clone(), seen.clone(), world.clone());
    let outcome = run_with(&world, plan(&text), DAY, &[Stage::Backfill], move |event, control| match event {
        Event::Slab { state: SlabState::Done, .. } if count.get() == 0 => {
            count.set(1);
            control.pause();
        }
        Event::Progress { progress } if control.is_paused() => {
            assert!(progress.waiting.as_deref().unwrap().starts_with("Paused"));
            count.set(count.get() + 1);
            writes.borrow_mut().push(watched.log().len());
            if count.get() > 12 {
                control.resume();
            }
        }
        _ => {}
    });
    assert_eq!(backfill(&outcome).status, Status::Pass);
    let seen = seen.borrow();
    assert!(seen.len() > 8 && seen[4..].iter().all(|requests| *requests == seen[4]), "{seen:?}");
}

/// Both kinds of a server that is away: one that answers so, and one that does not.
fn away() -> [Fault; 2] {
    [Fault::Status(503, "unavailable"), Fault::Refused]
}

#[test]
fn a_target_that_is_away_for_a_while_holds_the_run_and_nothing_is_lost() {
    for fault in away() {
        let world = world();
        let (clock, begun) = (world.clock.clone(), Cell::new(None));
        world.faults(move |request, number| {
            use tsink_migrate_engine::port::Clock;
            if number < 30 || request.side != Side::Target {
                return None;
            }
            let now = clock.monotonic_ms();
            if begun.get().is_none() {
                begun.set(Some(now));
            }
            (now - begun.get().unwrap() < 25_000.0).then(|| fault.clone())
        });
        let outcome = run(&world, plan(&plan_text(&["m"], SMALL_BATCHES)), DAY, &[Stage::Backfill]);
        let report = backfill(&outcome);
        assert_eq!(report.status, Status::Pass, "{:?}", report.issues);
        assert_eq!(world.target(), world.expected());
        assert_eq!(world.doubled(), 0);
        let held = outcome.events.iter().any(|event| {
            matches!(event, Event::Progress { progress }
                if progress.waiting.as_deref().is_some_and(|why| why.contains("target is not available")))
        });
        assert!(held, "the wait says for whom");
        assert!(report.retries < 60, "no storm of attempts: {}", report.retries);
    }
}

#[test]
fn a_target_that_never_comes_back_ends_the_run_with_an_exact_account() {
    for fault in away() {
        let world = World::new(NOW, steady("m", 20, DAY, 5_000));
        world.faults(move |request, number| {
            (number > 60 && request.side == Side::Target).then(|| fault.clone())
        });
        let outcome = run(&world, plan(&plan_text(&["m"], SMALL_BATCHES)), DAY, &[Stage::Backfill]);
        let report = backfill(&outcome);
        assert_eq!(report.status, Status::Fail);
        assert!(report.balance.closes, "{:?}", report.balance);
        let there: u64 = world.target().values().map(|rows| rows.len() as u64).sum();
        assert_eq!(report.samples_written, there);
        assert!(there > 0);
        assert!(world.log().len() < 150, "no storm of requests: {}", world.log().len());
        let unread: Vec<&String> =
            report.issues.iter().filter(|issue| issue.starts_with("not read")).collect();
        assert!(!unread.is_empty() && unread.len() <= 4, "{unread:?}");
        assert!(unread.last().unwrap().contains(&format!("to {} ms", DAY.end_ms)), "{unread:?}");
        // Every row is written, refused, or in a part of the window that is listed as not read.
        let missed: u64 = unread
            .iter()
            .map(|issue| {
                let numbers: Vec<i64> =
                    issue.split([' ', ',']).filter_map(|word| word.parse().ok()).take(2).collect();
                20 * ((numbers[1] - numbers[0]) as u64 / 5_000 + 1)
            })
            .sum();
        let refused: u64 = report.balance.samples.rejected.values().sum();
        assert_eq!(there + refused + missed, 20 * 17_280);
        // The same plan completes it.
        world.faults(|_, _| None);
        let again = run(&world, plan(&plan_text(&["m"], SMALL_BATCHES)), DAY, &[Stage::Backfill]);
        assert_eq!(backfill(&again).status, Status::Pass);
        assert_eq!((world.target(), world.doubled()), (world.expected(), 0));
    }
}

#[test]
fn a_side_that_goes_away_while_it_is_verified_leaves_one_gap() {
    let world = world();
    let text = plan_text(&["m"], r#","options":{"slab_samples":1000}"#);
    run(&world, plan(&text), DAY, &[Stage::Backfill]);
    let begun = world.log().len() as u64;
    world.faults(move |request, number| {
        (number > begun + 80 && request.side == Side::Target).then_some(Fault::Status(503, "unavailable"))
    });
    let outcome = run(&world, plan(&text), DAY, &[Stage::Verify]);
    let report: &VerifyReport = match outcome.report() {
        Report::Verify(report) => report,
        other => panic!("{other:?}"),
    };
    assert_eq!(report.status, Status::Fail);
    assert!(world.log().len() < begun as usize + 150, "no storm of requests");
    assert!(report.issues.len() < 8, "{:?}", report.issues);
}

#[test]
fn a_storm_of_lost_answers_is_answered_with_few_questions() {
    let world = world();
    let lost = Cell::new(0);
    world.faults(move |request, number| {
        let write = number > 20 && request.url.ends_with("/write");
        lost.set(lost.get() + u64::from(write));
        // Four of five answers are lost; the rows have arrived.
        (write && !lost.get().is_multiple_of(5)).then_some(Fault::LostAnswer)
    });
    let text = plan_text(&["m"], r#","batch":{"max_points_per_write":500}"#);
    let outcome = run(&world, plan(&text), DAY, &[Stage::Backfill]);
    assert_eq!(backfill(&outcome).status, Status::Pass, "{:?}", backfill(&outcome).issues);
    assert_eq!((world.target(), world.doubled()), (world.expected(), 0));
    let log = world.log();
    let of = |path: &str| log.iter().filter(|line| line.starts_with(path)).count();
    let (reads, writes) = (of("POST Target /api/v1/read"), of("POST Target /api/v1/write"));
    assert!(reads <= writes, "{reads} questions for {writes} writes");
}

#[test]
fn delays_follow_the_options() {
    let world = world();
    let failed = Cell::new(0);
    world.faults(move |request, number| {
        let fails = number > 20 && request.url.ends_with("/write") && failed.get() < 3;
        failed.set(failed.get() + u32::from(fails));
        fails.then_some(Fault::Status(429, "busy"))
    });
    let text = plan_text(&["m"], r#","options":{"backoff_base_ms":1,"backoff_cap_ms":2}"#);
    let outcome = run(&world, plan(&text), DAY, &[Stage::Backfill]);
    assert_eq!(backfill(&outcome).status, Status::Pass);
    let delays: Vec<String> = outcome
        .events
        .iter()
        .filter_map(|event| match event {
            Event::Notice { message, .. } if message.contains("; retry") => Some(message.clone()),
            _ => None,
        })
        .collect();
    assert_eq!(delays.len(), 3);
    assert!(delays.iter().all(|text| text.ends_with(" in 1 ms") || text.ends_with(" in 2 ms")), "{delays:?}");
}
