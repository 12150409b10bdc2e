//! Tokens that a server takes for a while and then refuses: the run waits for a new one and goes on.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use support::{Fault, Outcome, START, World, plan, plan_text, run, run_with, steady};
use tsink_migrate_engine::model::Window;
use tsink_migrate_engine::plan::Plan;
use tsink_migrate_engine::port::{Request, Secret};
use tsink_migrate_engine::report::{Report, Status};
use tsink_migrate_engine::run::{Control, Event, Stage};
use tsink_migrate_engine::{ErrorKind, Side};

const DAY: Window = Window { start_ms: START, end_ms: START + 86_399_999 };
const NOW: i64 = START + 2 * 86_400_000;
const ROWS: u64 = 20 * 5760;

/// A day of 20 series, and the last token that each server takes; requests from `after` on are refused unless they
/// carry it. Before, every token is taken.
struct Guarded {
    world: World,
    /// Requests that a server refused for their token.
    refused: Rc<Cell<u64>>,
}

fn guarded(side: Side, after: u64, takes: &'static str, says: &'static str) -> Guarded {
    let world = World::new(NOW, steady("m", 20, DAY, 15_000));
    let refused = Rc::new(Cell::new(0));
    let count = refused.clone();
    world.faults(move |request, number| {
        let refuses = number > after && request.side == side && token(request) != format!("Bearer {takes}");
        refuses.then(|| {
            count.set(count.get() + 1);
            Fault::Status(401, says)
        })
    });
    Guarded { world, refused }
}

fn token(request: &Request) -> String {
    let found = request.headers.iter().find(|(name, _)| name == "Authorization");
    found.map(|(_, value)| value.reveal().to_owned()).unwrap_or_default()
}

fn with_tokens(extra: &str) -> Plan {
    let mut plan = plan(&plan_text(&["m"], extra));
    plan.source.headers = headers("first-value");
    plan.target.headers = headers("first-value");
    plan
}

fn headers(token: &str) -> Vec<(String, Secret)> {
    vec![("Authorization".to_owned(), Secret::new(format!("Bearer {token}")))]
}

fn renew(control: &Control, token: &str) {
    control.renew(headers(token), headers(token));
}

const SMALL: &str = r#","batch":{"max_points_per_write":1000}"#;

fn asks(outcome: &Outcome) -> Vec<Side> {
    let side = |event: &Event| match event {
        Event::Ask { side, .. } => Some(*side),
        _ => None,
    };
    outcome.events.iter().filter_map(side).collect()
}

fn renewals(outcome: &Outcome) -> usize {
    outcome.events.iter().filter(|event| matches!(event, Event::Renewed)).count()
}

#[test]
fn a_token_that_expires_in_mid_run_is_asked_for_and_nothing_is_lost_or_doubled() {
    for side in [Side::Source, Side::Target] {
        let Guarded { world, refused } = guarded(side, 45, "second-value", "unauthorized");
        let (told, sent) = (Rc::new(RefCell::new(Vec::new())), Rc::new(Cell::new(0)));
        let (waits, log) = (told.clone(), world.clone());
        let outcome = run_with(
            &world,
            with_tokens(SMALL),
            DAY,
            &[Stage::Preflight, Stage::Backfill, Stage::Verify],
            move |event, control| {
                if let Event::Progress { progress } = event
                    && let Some(waiting) = progress.waiting.as_ref().filter(|text| text.contains("token"))
                {
                    let to_side = log.log().iter().filter(|line| line.contains(&format!("{side:?}"))).count();
                    // What was under way when the first refusal came may still arrive.
                    match waits.borrow().len() {
                        10 => sent.set(to_side),
                        40 => {
                            assert_eq!(sent.get(), to_side, "something was sent to the held side");
                            renew(control, "second-value");
                        }
                        _ => {}
                    }
                    waits.borrow_mut().push(waiting.clone());
                }
            },
        );
        let Report::Verify(report) = outcome.report() else { panic!("{:?}", outcome.result) };
        assert_eq!(report.status, Status::Pass, "{:?}", report.issues);
        assert_eq!((world.target(), world.doubled()), (world.expected(), 0));
        assert_eq!((asks(&outcome), renewals(&outcome)), (vec![side], 1));
        assert!(refused.get() >= 1 && refused.get() <= 8, "{} requests with a refused token", refused.get());
        let told = told.borrow();
        assert!(told[0].contains(&side.to_string()) && told[0].contains("401"), "{}", told[0]);
    }
}

#[test]
fn a_new_token_that_is_refused_too_is_asked_for_again_and_shown_nowhere() {
    // The server repeats what it was sent, as careless gateways do.
    let world = World::new(NOW, steady("m", 20, DAY, 15_000));
    world.faults(|request, number| {
        let says = match token(request).as_str() {
            "Bearer first-value" => "no access for first-value",
            "Bearer wrong-value" => "no access for Bearer wrong-value, and none for first-value",
            _ => return None,
        };
        (number > 45 && request.side == Side::Target).then_some(Fault::Status(401, says))
    });
    let given = Cell::new(0);
    let outcome = run_with(&world, with_tokens(SMALL), DAY, &[Stage::Backfill], move |event, control| {
        if matches!(event, Event::Ask { .. }) {
            given.set(given.get() + 1);
            renew(control, if given.get() < 3 { "wrong-value" } else { "second-value" });
        }
    });
    assert_eq!(outcome.report().status(), Status::Pass);
    assert_eq!(asks(&outcome), [Side::Target; 3]);
    assert_eq!((world.target(), world.doubled()), (world.expected(), 0));
    let said = format!("{:?}{:?}", outcome.events, outcome.result);
    assert!(said.contains("no access for"), "the server's words are shown");
    for value in ["first-value", "wrong-value", "second-value"] {
        assert!(!said.contains(value), "{value} is shown");
    }
}

#[test]
fn both_sides_can_wait_at_once() {
    // Slabs so small that there is something left to read when the first write is refused.
    let plan = with_tokens(r#","batch":{"max_points_per_write":1000},"options":{"slab_samples":5000}"#);
    let world = World::new(NOW, steady("m", 20, DAY, 15_000));
    world.faults(|request, number| {
        let refuses = number > 45 && token(request) != "Bearer second-value";
        refuses.then_some(Fault::Status(401, "unauthorized"))
    });
    let asked = Cell::new(0);
    let outcome = run_with(&world, plan, DAY, &[Stage::Backfill], move |event, control| {
        if matches!(event, Event::Ask { .. }) {
            asked.set(asked.get() + 1);
            if asked.get() == 2 {
                renew(control, "second-value");
            }
        }
    });
    assert_eq!(outcome.report().status(), Status::Pass);
    let mut sides = asks(&outcome);
    sides.sort_by_key(|side| *side == Side::Target);
    assert_eq!(sides, [Side::Source, Side::Target]);
    assert_eq!((world.target(), world.doubled()), (world.expected(), 0));
}

#[test]
fn where_nobody_can_give_a_new_token_the_run_ends_with_an_account() {
    for side in [Side::Source, Side::Target] {
        let Guarded { world, .. } = guarded(side, 45, "second-value", "unauthorized");
        let decline = |event: &Event, control: &Control| {
            if matches!(event, Event::Ask { .. }) {
                control.decline();
            }
        };
        let outcome = run_with(&world, with_tokens(SMALL), DAY, &[Stage::Backfill], decline);
        let Report::Backfill(report) = outcome.report() else { panic!() };
        let there: u64 = world.target().values().map(|rows| rows.len() as u64).sum();
        assert_eq!((report.status, report.balance.closes), (Status::Fail, true), "{side}");
        assert_eq!(report.balance.samples.written, there, "{side}");
        assert!(there < ROWS);
        let issue = &report.issues[0];
        for word in ["401", &side.to_string(), &format!("{there} samples"), "run the same plan again"] {
            assert!(issue.contains(word), "no {word:?} in {issue}");
        }
        // Every part of the window was read, or is named as not read.
        let unread: i64 = report
            .rejections
            .iter()
            .filter(|one| one.reason == "not_read")
            .map(|one| one.last_ms.unwrap() - one.first_ms.unwrap() + 1)
            .sum();
        let rows_unread = (unread / 15_000 * 20) as u64;
        assert_eq!(report.balance.samples.read + rows_unread, ROWS, "{:?}", report.issues);
        assert_eq!(outcome.result.as_ref().unwrap().len(), 1);

        world.faults(|_, _| None);
        let again = run(&world, with_tokens(SMALL), DAY, &[Stage::Backfill]);
        assert_eq!(again.report().status(), Status::Pass);
        assert_eq!((world.target(), world.doubled()), (world.expected(), 0), "{side}");
    }
}

#[test]
fn a_verification_waits_too_and_fails_with_the_refusal_where_there_is_no_new_token() {
    for stage in [Stage::Verify, Stage::Cutover] {
        for renews in [true, false] {
            let world = World::new(NOW, steady("m", 20, DAY, 15_000));
            let slabs = r#","options":{"slab_samples":5000}"#;
            run(&world, with_tokens(""), DAY, &[Stage::Backfill]).result.unwrap();
            let begun = Cell::new(0);
            world.faults(move |request, number| {
                begun.set(if begun.get() == 0 { number } else { begun.get() });
                let late = number > begun.get() + 12 && request.side == Side::Target;
                (late && token(request) != "Bearer second-value").then_some(Fault::Status(401, "no"))
            });
            let outcome =
                run_with(&world, with_tokens(slabs), DAY, &[stage], move |event, control| match event {
                    Event::Ask { .. } if renews => renew(control, "second-value"),
                    Event::Ask { .. } => control.decline(),
                    _ => {}
                });
            assert_eq!(asks(&outcome), [Side::Target], "{stage:?}");
            if renews {
                let verified = match outcome.report() {
                    Report::Verify(report) => report.status,
                    Report::Cutover(report) => report.raw_verify.status,
                    other => panic!("{other:?}"),
                };
                assert_eq!(verified, Status::Pass, "{stage:?}");
            } else {
                assert_eq!(outcome.result.unwrap_err().status, Some(401), "{stage:?}");
            }
        }
    }
}

#[test]
fn a_cancel_ends_the_wait() {
    let Guarded { world, .. } = guarded(Side::Target, 45, "second-value", "unauthorized");
    let outcome = run_with(&world, with_tokens(SMALL), DAY, &[Stage::Backfill], |event, control| {
        if matches!(event, Event::Ask { .. }) {
            control.cancel();
        }
    });
    let Report::Backfill(report) = outcome.report() else { panic!() };
    assert!(report.cancelled && report.balance.closes && report.status == Status::Fail);
    let there: u64 = world.target().values().map(|rows| rows.len() as u64).sum();
    assert_eq!(report.balance.samples.written, there);
}

#[test]
fn what_was_never_taken_is_an_error_at_once() {
    for side in [Side::Source, Side::Target] {
        let Guarded { world, .. } = guarded(side, 0, "second-value", "unauthorized");
        let outcome = run(&world, with_tokens(""), DAY, &[Stage::Backfill]);
        assert!(asks(&outcome).is_empty(), "{side}");
        let error = outcome.result.unwrap_err();
        assert_eq!((error.side, error.status), (Some(side), Some(401)));
        assert!(world.target().is_empty());
    }
}

#[test]
fn what_credentials_never_allowed_is_an_error_and_what_they_did_allow_is_asked_for() {
    let forbid = |from: u64| {
        move |request: &Request, number: u64| {
            let write = request.url.ends_with("/write") && number > from;
            (write && token(request) != "Bearer second-value").then_some(Fault::Status(403, "forbidden"))
        }
    };
    let world = World::new(NOW, steady("m", 20, DAY, 15_000));
    world.faults(forbid(0));
    let outcome = run(&world, with_tokens(SMALL), DAY, &[Stage::Backfill]);
    assert!(asks(&outcome).is_empty());
    assert_eq!(outcome.result.unwrap_err().kind, ErrorKind::AuthScope);

    let before = world.log().len() as u64;
    world.faults(forbid(before + 45));
    let outcome = run_with(&world, with_tokens(SMALL), DAY, &[Stage::Backfill], |event, control| {
        if matches!(event, Event::Ask { .. }) {
            renew(control, "second-value");
        }
    });
    assert_eq!(asks(&outcome), [Side::Target]);
    assert_eq!((world.target(), world.doubled()), (world.expected(), 0));
}
