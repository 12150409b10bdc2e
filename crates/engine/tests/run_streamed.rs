//! Streamed reads end with a sample that the source is known to hold, the mark: an answer without it was cut off. A
//! source may drop that very sample while it is read; that is told apart, and nothing fails for it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use support::{Fault, Outcome, START, World, plan, plan_text, queries, run, steady};
use tsink_migrate_engine::model::{Labels, Window};
use tsink_migrate_engine::port::Request;
use tsink_migrate_engine::report::{Report, Status};
use tsink_migrate_engine::run::Stage;

const NOW: i64 = START + 2 * 86_400_000;
const HOURS: Window = Window { start_ms: START, end_ms: START + 6 * 3_600_000 - 1 };
/// So short that there is a slab for every hour.
const SHORT: &str = r#","options":{"slab_samples":1000}"#;

/// Whether the source is asked for a mark behind the rows.
fn is_marked(request: &Request) -> bool {
    request.url.starts_with("http://source/api/v1/read") && queries(&request.body) == 2
}

fn streaming() -> World {
    let world = World::new(NOW, steady("m", 10, HOURS, 60_000));
    world.streams();
    world
}

fn backfill(world: &World) -> Outcome {
    run(world, plan(&plan_text(&["m"], SHORT)), HOURS, &[Stage::Backfill])
}

fn assert_all_arrived(world: &World, outcome: &Outcome) {
    assert_eq!(outcome.report().status(), Status::Pass, "{:?}", outcome.report().issues());
    assert!(world.target() == world.expected());
}

#[test]
fn later_reads_end_with_a_mark_and_what_arrives_is_whole() {
    let world = streaming();
    let marked = Rc::new(Cell::new(0));
    let counted = marked.clone();
    world.faults(move |request, _| {
        counted.set(counted.get() + usize::from(is_marked(request)));
        None
    });
    let outcome = backfill(&world);
    assert_all_arrived(&world, &outcome);
    assert!(marked.get() >= 6, "{}", marked.get());
}

#[test]
fn an_answer_that_ends_before_its_mark_is_asked_for_again() {
    let world = streaming();
    let cut = Rc::new(Cell::new(0));
    let count = cut.clone();
    world.answers(move |_, request| {
        let early = is_marked(request) && count.get() < 2;
        count.set(count.get() + u32::from(early));
        // A clean end before the first frame.
        early.then(|| (200, Vec::new()))
    });
    let outcome = backfill(&world);
    assert_eq!(cut.get(), 2);
    assert_all_arrived(&world, &outcome);
}

#[test]
fn a_mark_that_the_source_drops_is_replaced_and_nothing_fails_for_it() {
    let world = streaming();
    // Whose mark each read asked for.
    let marks: Rc<RefCell<Vec<Labels>>> = Rc::default();
    let (servers, seen) = (world.clone(), marks.clone());
    world.faults(move |request, _| {
        if is_marked(request) {
            let mark = support::mark(&request.body);
            if seen.borrow().len() == 3 {
                servers.change(|all| all.retain(|series| series.labels != mark));
            }
            seen.borrow_mut().push(mark);
        }
        None
    });
    let outcome = backfill(&world);
    let Report::Backfill(backfill) = outcome.report() else { panic!("{:?}", outcome.report()) };
    assert_eq!(backfill.status, Status::Pass, "{:?}", backfill.issues);
    assert!(backfill.balance.closes);
    let marks = marks.borrow();
    let gone = marks[3].clone();
    assert!(marks[..4].iter().all(|mark| *mark == gone), "{marks:?}");
    assert_ne!(*marks.last().unwrap(), gone);
    // All that the source still holds is there, and of the series that is gone what was read before.
    let target = world.target();
    assert!(world.expected().iter().all(|(labels, rows)| target.get(labels) == Some(rows)));
    assert!(target[&gone].len() < 360, "{}", target[&gone].len());
}

#[test]
fn a_source_that_loses_its_end_for_good_is_told_and_not_believed() {
    let world = streaming();
    world.faults(|request, _| is_marked(request).then_some(Fault::Status(200, "")));
    let outcome = backfill(&world);
    assert_eq!(outcome.report().status(), Status::Fail);
    let issues = outcome.report().issues();
    assert!(issues.iter().any(|issue| issue.contains("not read: m")), "{issues:?}");
}
