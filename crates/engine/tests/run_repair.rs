//! Repairs on a virtual clock: only what differs is copied, nothing twice, and what writing cannot mend is said.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use serde_json::json;
use std::cell::Cell;
use std::rc::Rc;
use support::{
    Fault, Outcome, START, World, plan, plan_text, recording_text, run, run_given, run_with, steady,
};
use tsink_migrate_engine::model::Window;
use tsink_migrate_engine::report::{RepairReport, Report, Status, VerifyReport};
use tsink_migrate_engine::run::{Control, Event, Given, SlabState, Stage};
use tsink_migrate_engine::{ErrorKind, Side};

const DAY: Window = Window { start_ms: START, end_ms: START + 86_399_999 };
const NOW: i64 = START + 2 * 86_400_000;
const STEP: i64 = 15_000;

/// Two equal sides of 20 series.
fn world() -> World {
    let world = World::new(NOW, steady("m", 20, DAY, STEP));
    let held = world.expected();
    world.damage(|target| *target = held);
    world
}

fn verified(outcome: &Outcome) -> VerifyReport {
    match outcome.report() {
        Report::Verify(report) => report.clone(),
        other => panic!("{other:?}"),
    }
}

fn repaired(outcome: &Outcome) -> &RepairReport {
    match outcome.report() {
        Report::Repair(report) => report,
        other => panic!("{other:?}"),
    }
}

fn given(report: VerifyReport) -> Given {
    Given { verify: Some(Box::new(report)), ..Given::default() }
}

fn repair(world: &World, text: &str, watch: impl Fn(&Event, &Control) + 'static) -> Outcome {
    let report = verified(&run(world, plan(text), DAY, &[Stage::Verify]));
    assert_eq!(report.status, Status::Fail);
    run_given(world, plan(text), DAY, &[Stage::Repair], given(report), watch)
}

/// A sample, an hour of all series, and a whole series are lost.
fn lose(world: &World) -> u64 {
    let before: usize = world.target().values().map(|rows| rows.len()).sum();
    world.damage(|target| {
        let hour = START + 36_000_000..START + 39_600_000;
        target.values_mut().for_each(|rows| rows.retain(|at, _| !hour.contains(at)));
        let first = target.keys().next().unwrap().clone();
        target.remove(&first);
        target.values_mut().next().unwrap().remove(&(START + 70_000 * 1000 / STEP * STEP));
    });
    let after: usize = world.target().values().map(|rows| rows.len()).sum();
    (before - after) as u64
}

/// Nobody has another token.
fn decline(event: &Event, control: &Control) {
    if matches!(event, Event::Ask { .. }) {
        control.decline();
    }
}

#[test]
fn what_is_missing_is_copied_and_nothing_else() {
    let world = world();
    let lost = lose(&world);
    let text = plan_text(&["m"], "");
    let outcome = repair(&world, &text, |_, _| {});
    let report = repaired(&outcome);
    assert_eq!(report.status, Status::Pass, "{:?}", report.issues);
    assert_eq!(report.samples_written, lost);
    assert_eq!((world.target(), world.doubled()), (world.expected(), 0));
    assert!(report.balance.closes && report.unrepairable.is_empty());
    assert_eq!(report.balance.samples.already_there, report.balance.samples.read - lost);
    assert_eq!(report.verify.status, Status::Pass);
    assert_eq!((report.start_ms, report.end_ms), (DAY.start_ms, DAY.end_ms));
    let done: Vec<SlabState> = outcome
        .events
        .iter()
        .filter_map(|event| match event {
            Event::Slab { stage: Stage::Repair, state, .. } => Some(*state),
            Event::Slab { stage, .. } => panic!("a slab of {stage:?}"),
            _ => None,
        })
        .collect();
    assert_eq!(done.last(), Some(&SlabState::Done));
    let last = outcome.events.iter().rev().find_map(|event| match event {
        Event::Progress { progress } => Some(progress.clone()),
        _ => None,
    });
    let last = last.unwrap();
    assert_eq!((last.stage, last.fraction, last.done), (Stage::Repair, 1.0, last.total));
    assert!(!report.run.progress.is_empty());
}

#[test]
fn only_the_parts_that_differ_are_read() {
    let world = world();
    world.damage(|target| {
        target.values_mut().next().unwrap().remove(&(START + 400 * STEP));
        target.values_mut().nth(3).unwrap().remove(&(START + 5000 * STEP));
    });
    let text = plan_text(&["m"], "");
    let outcome = repair(&world, &text, |_, _| {});
    let report = repaired(&outcome);
    assert_eq!((report.status, report.samples_written), (Status::Pass, 2));
    let windows = &report.repaired[0].windows;
    assert_eq!(windows.len(), 2);
    assert!(windows.iter().all(|part| part.len_ms() <= 90_000), "{windows:?}");
    // Six rows of each of 20 series a part, of 5,760.
    assert_eq!(report.balance.samples.read, 2 * 6 * 20);
    assert_eq!(report.verify.raw_checks[0].source_rows, 2 * 6 * 20);
}

#[test]
fn another_value_is_not_written_beside_the_one_that_is_there() {
    let world = world();
    let at = START + 400 * STEP;
    world.damage(|target| {
        *target.values_mut().next().unwrap().get_mut(&at).unwrap() = 0.5f64.to_bits();
        target.values_mut().nth(1).unwrap().insert(at + 7, 1.0f64.to_bits());
        target.values_mut().nth(2).unwrap().remove(&at);
    });
    let before = world.target();
    let outcome = repair(&world, &plan_text(&["m"], ""), |_, _| {});
    let report = repaired(&outcome);
    assert_eq!(report.status, Status::Fail);
    assert_eq!(report.samples_written, 1, "the one that was lost");
    assert_eq!(report.balance.samples.rejected.get("other_value_at_target"), Some(&1));
    assert!(report.balance.closes);
    let mut expected = before;
    let value = world.expected().values().nth(2).unwrap()[&at];
    expected.values_mut().nth(2).unwrap().insert(at, value);
    assert_eq!(world.target(), expected);
    assert_eq!(report.unrepairable.len(), 2, "{:?}", report.unrepairable);
    assert!(report.unrepairable[0].contains("1 series has extra samples: writing takes nothing away"));
    assert!(report.unrepairable[1].contains("1 series has different values: tsink keeps both"));
    assert!(report.unrepairable.iter().all(|text| text.contains("fresh tenant")));
}

#[test]
fn values_within_tolerance_are_left_alone() {
    let world = world();
    let at = START + 400 * STEP;
    world.damage(|target| {
        let value = target.values_mut().next().unwrap().get_mut(&at).unwrap();
        *value = (f64::from_bits(*value) * (1.0 + 1e-12)).to_bits();
        target.values_mut().nth(2).unwrap().remove(&at);
    });
    let outcome = repair(&world, &plan_text(&["m"], ""), |_, _| {});
    let report = repaired(&outcome);
    assert_eq!((report.status, report.samples_written), (Status::Pass, 1), "{:?}", report.issues);
    assert!(report.balance.samples.rejected.is_empty());
}

#[test]
fn a_verification_of_another_job_is_refused_with_what_differs() {
    let world = world();
    lose(&world);
    let text = plan_text(&["m"], "");
    let report = verified(&run(&world, plan(&text), DAY, &[Stage::Verify]));
    let before = world.target();
    let other_tenant = text.replace(r#""write_url":"#, r#""tenant":"blue","write_url":"#);
    let shorter = Window { end_ms: DAY.end_ms - 1, ..DAY };
    for (text, window, words) in [
        (text.clone(), shorter, "its window is 2025-11-18T00:00:00Z to 2025-11-18T23:59:59.999Z"),
        (other_tenant, DAY, r#"its tenant is "default", this one is "blue""#),
        (plan_text(&[r#"m{i="1"}"#], ""), DAY, "it has the selector m, the plan does not"),
        (plan_text(&["m", "n"], ""), DAY, "the plan has the selector n, it does not"),
        (text.replace("http://source", "http://other"), DAY, "its source is"),
        (text.replace("http://target", "http://other"), DAY, "its target is"),
    ] {
        let outcome =
            run_given(&world, plan(&text), window, &[Stage::Repair], given(report.clone()), |_, _| {});
        let error = outcome.result.expect_err("refused");
        assert_eq!(error.kind, ErrorKind::Input);
        assert!(error.message.contains(words), "{error}");
        assert!(error.remedy.contains("Verify with this plan"));
    }
    assert_eq!(world.target(), before);
    let none = run(&world, plan(&text), DAY, &[Stage::Repair]).result.expect_err("nothing given");
    assert_eq!(none.remedy, "Verify first.");
}

#[test]
fn nothing_is_asked_where_nothing_differs() {
    let world = world();
    let text = plan_text(&["m"], "");
    let report = verified(&run(&world, plan(&text), DAY, &[Stage::Verify]));
    let requests = world.log().len();
    let outcome = run_given(&world, plan(&text), DAY, &[Stage::Repair], given(report), |_, _| {});
    let report = repaired(&outcome);
    assert_eq!((report.status, report.repaired.len(), world.log().len()), (Status::Pass, 0, requests));
}

#[test]
fn a_repair_can_be_repaired() {
    let world = world();
    let lost = lose(&world);
    let text = plan_text(&["m"], r#","batch":{"max_points_per_write":500}"#);
    let cancelled = repair(&world, &text, |event, control| {
        if matches!(event, Event::Balance { .. }) {
            control.cancel();
        }
    });
    let first = repaired(&cancelled);
    assert_eq!(first.status, Status::Fail);
    assert!(first.balance.closes && first.samples_written < lost, "{:?}", first.balance);
    assert!(first.issues.iter().any(|issue| issue.contains("cancelled")), "{:?}", first.issues);
    assert!(first.notes.iter().any(|note| note.contains("has not been compared")), "{:?}", first.notes);
    let mut given = Given::default();
    given.take(Report::Repair(first.clone()));
    let outcome = run_given(&world, plan(&text), DAY, &[Stage::Repair], given, |_, _| {});
    assert_eq!(repaired(&outcome).status, Status::Pass);
    assert_eq!((world.target(), world.doubled()), (world.expected(), 0));
}

#[test]
fn trouble_on_the_way_is_survived() {
    for fault in
        [Fault::Status(429, "busy"), Fault::LostAnswer, Fault::Truncated, Fault::Status(503, "not yet")]
    {
        let world = world();
        lose(&world);
        let text = plan_text(&["m"], r#","batch":{"max_points_per_write":1000}"#);
        let report = verified(&run(&world, plan(&text), DAY, &[Stage::Verify]));
        let turn = Cell::new(0u64);
        world.faults(move |_, _| {
            turn.set(turn.get() + 1);
            turn.get().is_multiple_of(3).then(|| fault.clone())
        });
        let outcome = run_given(&world, plan(&text), DAY, &[Stage::Repair], given(report), |_, _| {});
        let report = repaired(&outcome);
        assert_eq!(report.status, Status::Pass, "{:?}", report.issues);
        assert!(report.retries > 0);
        assert_eq!((world.target(), world.doubled()), (world.expected(), 0));
    }
}

#[test]
fn a_target_that_goes_away_in_mid_repair_ends_it_and_says_what_is_there() {
    let world = world();
    lose(&world);
    let text = plan_text(&["m"], r#","batch":{"max_points_per_write":500}"#);
    let report = verified(&run(&world, plan(&text), DAY, &[Stage::Verify]));
    let before: usize = world.target().values().map(|rows| rows.len()).sum();
    let writes = Cell::new(0);
    world.faults(move |request, _| {
        writes.set(writes.get() + u32::from(request.url.ends_with("/write")));
        (writes.get() > 4 && request.side == Side::Target).then_some(Fault::Status(401, "unauthorized"))
    });
    let outcome = run_given(&world, plan(&text), DAY, &[Stage::Repair], given(report), decline);
    let written = world.target().values().map(|rows| rows.len()).sum::<usize>() - before;
    let report = repaired(&outcome);
    assert_eq!(
        (report.status, report.samples_written),
        (Status::Fail, written as u64),
        "{:?}",
        report.issues
    );
    assert!(written > 0 && report.balance.closes);
    assert!(report.issues.iter().any(|issue| issue.contains("unauthorized")), "{:?}", report.issues);
    // The rest is repaired from the same verification.
    world.faults(|_, _| None);
    let report = verified(&run(&world, plan(&text), DAY, &[Stage::Verify]));
    let outcome = run_given(&world, plan(&text), DAY, &[Stage::Repair], given(report), |_, _| {});
    assert_eq!(repaired(&outcome).status, Status::Pass);
    assert_eq!((world.target(), world.doubled()), (world.expected(), 0));
}

#[test]
fn the_balance_stays_when_the_comparison_afterwards_breaks_down() {
    let world = world();
    let lost = lose(&world);
    let text = plan_text(&["m"], "");
    let report = verified(&run(&world, plan(&text), DAY, &[Stage::Verify]));
    let whole = world.clone();
    world.faults(move |request, _| {
        let done = whole.target() == whole.expected();
        (done && request.side == Side::Source).then_some(Fault::Status(401, "unauthorized"))
    });
    let outcome = run_given(&world, plan(&text), DAY, &[Stage::Repair], given(report), decline);
    let report = repaired(&outcome);
    assert_eq!((report.status, report.samples_written), (Status::Fail, lost));
    assert!(report.issues.iter().any(|issue| issue.contains("has not been compared")), "{:?}", report.issues);
}

#[test]
fn parts_that_were_not_compared_are_repaired_too() {
    let world = world();
    world.damage(|target| target.values_mut().for_each(|rows| drop(rows.split_off(&(START + 80_000_000)))));
    let text = plan_text(&["m"], r#","options":{"slab_samples":24000}"#);
    let broken = Rc::new(Cell::new(true));
    let on = broken.clone();
    let last = DAY.split(6)[5];
    world.faults(move |request, _| {
        let read = request.url.ends_with("/read") && support::asks_for(&request.body, last);
        (on.get() && read)
            .then_some(Fault::Status(400, r#"{"status":"error","errorType":"bad_data","error":"no"}"#))
    });
    let report = verified(&run(&world, plan(&text), DAY, &[Stage::Verify]));
    assert_eq!(report.raw_checks[0].differing, [last]);
    broken.set(false);
    let outcome = run_given(&world, plan(&text), DAY, &[Stage::Repair], given(report), |_, _| {});
    assert_eq!(repaired(&outcome).status, Status::Pass);
    assert_eq!(world.target(), world.expected());
}

#[test]
fn exemplars_and_metadata_are_copied_where_they_differ() {
    let world = world();
    let metadata = |help: &str| {
        format!(r#"{{"status":"success","data":{{"m":[{{"type":"gauge","help":"{help}","unit":""}}]}}}}"#)
    };
    let exemplars = |list: &str| {
        format!(
            r#"{{"status":"success","data":[{{"seriesLabels":{{"__name__":"m","i":"1"}},"exemplars":[{list}]}}]}}"#
        )
    };
    let one = format!(r#"{{"labels":{{"trace_id":"a"}},"value":"1","timestamp":{}}}"#, START / 1000 + 60);
    world.body("source/api/v1/metadata", &metadata("new"));
    world.body("target/api/v1/metadata", &metadata("old"));
    world.body("source/api/v1/query_exemplars", &exemplars(&one));
    world.body("target/api/v1/query_exemplars", &exemplars(""));
    let text = plan_text(&["m"], r#","metadata_metrics":["m","n"],"exemplar_checks":[{"query":"m"}]"#);
    let at = |side: &str, path: &str| {
        format!(
            r#""{path}_url":"http://{side}/api/v1/{}","#,
            if path == "exemplar" { "query_exemplars" } else { path }
        )
    };
    let text = text
        .replace(
            r#""remote_read_url""#,
            &format!("{}{}\"remote_read_url\"", at("source", "metadata"), at("source", "exemplar")),
        )
        .replace(
            r#""write_url""#,
            &format!("{}{}\"write_url\"", at("target", "metadata"), at("target", "exemplar")),
        );
    let report = verified(&run(&world, plan(&text), DAY, &[Stage::Verify]));
    assert_eq!(report.metadata_checks.iter().filter(|check| !check.matched).count(), 1);
    let writes = world.clone();
    world.faults(move |request, _| {
        // What was sent is there from then on.
        if request.url.ends_with("/write") {
            writes.body("target/api/v1/metadata", &metadata("new"));
            writes.body("target/api/v1/query_exemplars", &exemplars(&one));
        }
        None
    });
    let outcome = run_given(&world, plan(&text), DAY, &[Stage::Repair], given(report), |_, _| {});
    let report = repaired(&outcome);
    assert_eq!(report.status, Status::Pass, "{:?}", report.issues);
    assert_eq!((report.exemplars_written, report.metadata_written, report.samples_written), (1, 1, 0));
    assert_eq!(world.taken(), (1, 1), "the metadata that agrees is not sent again");
    assert_eq!((report.verify.metadata_checks.len(), report.verify.exemplar_checks.len()), (1, 1));
    assert!(report.verify.raw_checks.is_empty() && report.repaired.is_empty());
}

#[test]
fn a_recording_is_repaired_as_far_as_its_slabs_go() {
    let world = World::new(NOW, Vec::new());
    let entries: Vec<_> = (0..24)
        .map(|hour| {
            let lines = (0..60).flat_map(|minute| {
                let at = START + (hour * 60 + minute) * 60_000;
                (0..5).map(move |host| format!("cpu,host=h{host} value={} {at}", minute % 97))
            });
            json!({ "body": lines.collect::<Vec<_>>().join("\n"), "received_at_ms": START,
                    "query_params": { "precision": "ms", "db": "d" } })
        })
        .collect();
    world.file("c.json", serde_json::to_vec(&entries).unwrap());
    let text =
        recording_text("influx_line_protocol", "c.json", &["cpu"], r#","options":{"slab_samples":500}"#);
    run(&world, plan(&text), DAY, &[Stage::Backfill]).result.unwrap();
    let whole = world.target();
    world.damage(|target| {
        target.values_mut().for_each(|rows| {
            rows.remove(&(START + 600 * 60_000)).unwrap();
        })
    });
    let outcome = repair(&world, &text, |_, _| {});
    let report = repaired(&outcome);
    assert_eq!((report.status, report.samples_written), (Status::Pass, 5), "{:?}", report.issues);
    assert_eq!((world.target(), world.doubled()), (whole, 0));
    assert!(report.balance.samples.read < 1_200, "one slab of many: {:?}", report.balance.samples);
}

#[test]
fn how_the_work_went_on_is_in_every_report() {
    let world = World::new(NOW, steady("m", 20, DAY, STEP));
    world.faults(|_, _| Some(Fault::Slow(400)));
    let text = plan_text(&["m"], r#","batch":{"max_points_per_write":1000}"#);
    let outcome = run_with(&world, plan(&text), DAY, &[Stage::Backfill, Stage::Verify], |_, _| {});
    for report in outcome.result.as_ref().unwrap() {
        let points = &report.run().progress;
        assert!(points.len() > 3 && points.len() <= 120, "{}", points.len());
        assert!(
            points
                .windows(2)
                .all(|pair| pair[0].elapsed_ms < pair[1].elapsed_ms && pair[0].done <= pair[1].done)
        );
        assert_eq!(points.last().unwrap().done, 20 * 5760);
        assert!(points.iter().any(|point| point.rate > 0.0));
    }
}
