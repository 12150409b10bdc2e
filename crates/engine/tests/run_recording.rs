//! Whole runs from a recording, on a virtual clock.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use serde_json::json;
use std::collections::BTreeMap;
use support::{Fault, Outcome, START, World, plan, recording_text, run, run_with};
use tsink_migrate_engine::ErrorKind;
use tsink_migrate_engine::model::{Labels, Window};
use tsink_migrate_engine::report::{BackfillReport, Report, Status, VerifyReport};
use tsink_migrate_engine::run::{Event, SlabState, Stage};

const DAY: Window = Window { start_ms: START, end_ms: START + 86_399_999 };
const NOW: i64 = START + 2 * 86_400_000;
const ALL: [Stage; 2] = [Stage::Backfill, Stage::Verify];

fn backfill(outcome: &Outcome) -> &BackfillReport {
    let reports = outcome.result.as_ref().unwrap_or_else(|error| panic!("{error}"));
    reports
        .iter()
        .find_map(|report| match report {
            Report::Backfill(report) => Some(report),
            _ => None,
        })
        .expect("a backfill")
}

fn verify(outcome: &Outcome) -> &VerifyReport {
    match outcome.report() {
        Report::Verify(report) => report,
        other => panic!("{other:?}"),
    }
}

/// `hosts` × `minutes` of two fields, one entry an hour; in order of time, or host by host.
fn influx(hosts: usize, minutes: i64, by_host: bool) -> Vec<u8> {
    let line = |host: usize, minute: i64| {
        format!("cpu,host=h{host} value={},idle={host}.5 {}", minute % 97, START + minute * 60_000)
    };
    let entry = |lines: Vec<String>| json!({ "body": lines.join("\n"), "received_at_ms": START, "query_params": { "precision": "ms", "db": "d" } });
    let entries: Vec<_> = if by_host {
        (0..hosts).map(|host| entry((0..minutes).map(|minute| line(host, minute)).collect())).collect()
    } else {
        (0..minutes)
            .step_by(60)
            .map(|hour| {
                entry(
                    (hour..(hour + 60).min(minutes))
                        .flat_map(|minute| (0..hosts).map(move |host| line(host, minute)))
                        .collect(),
                )
            })
            .collect()
    };
    serde_json::to_vec(&entries).unwrap()
}

fn expected(hosts: usize, minutes: i64) -> BTreeMap<Labels, BTreeMap<i64, u64>> {
    (0..hosts)
        .flat_map(|host| [(host, "cpu"), (host, "cpu_idle")])
        .map(|(host, name)| {
            let labels =
                [("__name__", name.to_owned()), ("host", format!("h{host}")), ("influx_db", "d".into())];
            let value = |minute: i64| if name == "cpu" { (minute % 97) as f64 } else { host as f64 + 0.5 };
            let rows =
                (0..minutes).map(|minute| (START + minute * 60_000, value(minute).to_bits())).collect();
            (Labels::from_pairs(labels), rows)
        })
        .collect()
}

#[test]
fn a_recording_arrives_whole_in_any_order_and_only_once() {
    for by_host in [false, true] {
        let world = World::new(NOW, Vec::new());
        world.file("c.json", influx(20, 1440, by_host));
        let text = recording_text(
            "influx_line_protocol",
            "c.json",
            &["cpu", "cpu_idle{influx_db=\"d\"}"],
            r#","options":{"slab_samples":5000}"#,
        );
        let outcome = run(&world, plan(&text), DAY, &ALL);
        assert_eq!(verify(&outcome).status, Status::Pass, "{:?}", verify(&outcome).issues);
        assert_eq!(world.target(), expected(20, 1440));
        let report = backfill(&outcome);
        assert_eq!(report.status, Status::Pass, "{:?}", report.issues);
        assert!(report.balance.closes);
        assert_eq!((report.samples_written, report.series_written), (57_600, 40));
        let recording = report.preflight.recording.as_ref().unwrap();
        assert_eq!(
            (recording.units, recording.samples, recording.series, recording.refused),
            (28_800, 57_600, 40, 0)
        );
        assert_eq!(recording.metrics.len(), 2);
        assert!(recording.metrics.iter().any(|metric| metric.becomes.starts_with("cpu_idle{host=\"h0\"")));
        let slabs = outcome.events.iter().find_map(|event| match event {
            Event::Slabs { slabs, .. } => Some(slabs.clone()),
            _ => None,
        });
        assert!(slabs.unwrap()[0].len() >= 11, "a slab holds 5,000 samples at most");

        let again = run(&world, plan(&text), DAY, &ALL);
        let balance = &backfill(&again).balance.samples;
        assert_eq!((balance.written, balance.already_there, world.doubled()), (0, 57_600, 0));
    }
}

#[test]
fn what_lies_outside_or_is_not_selected_is_counted() {
    let world = World::new(NOW, Vec::new());
    world.file("c.json", influx(4, 100, false));
    let text = recording_text(
        "influx_line_protocol",
        "c.json",
        &["cpu{host=~\"h[01]\"}", "cpu{host=\"h1\"}", "gone"],
        "",
    );
    let window = Window { start_ms: START + 60_000, end_ms: START + 49 * 60_000 };
    let outcome = run(&world, plan(&text), window, &[Stage::Backfill]);
    let report = backfill(&outcome);
    assert_eq!(report.status, Status::Pass, "{:?}", report.issues);
    let samples = &report.balance.samples;
    assert_eq!(
        (samples.written, samples.deduplicated, samples.outside_window, samples.read),
        (98, 49, 153, 300)
    );
    let recording = report.preflight.recording.as_ref().unwrap();
    assert_eq!((recording.samples, recording.not_selected, recording.outside_window), (800, 600, 102));
    let codes: Vec<&str> = report.preflight.notes.iter().map(|note| note.code.as_str()).collect();
    for code in ["outside_window", "not_selected", "nothing_found"] {
        assert!(codes.contains(&code), "{codes:?}");
    }
}

#[test]
fn refused_lines_are_told_and_take_no_other_with_them() {
    let world = World::new(NOW, Vec::new());
    let body = format!(
        "cpu value=1 {START}\ncpu state=\"on\" {START}\n\ncpu value=nan {START}\r\ncpu on=true {START}\ncpu value=2 {}",
        START + 1
    );
    world.file(
        "c.json",
        json!([{ "body": body, "received_at_ms": 0, "query_params": { "precision": "ms" } }]).to_string(),
    );
    let text = recording_text("influx_line_protocol", "c.json", &["cpu"], "");
    let outcome = run(&world, plan(&text), DAY, &ALL);
    assert_eq!(verify(&outcome).status, Status::Pass);
    let recording = backfill(&outcome).preflight.recording.clone().unwrap();
    assert_eq!((recording.units, recording.refused, recording.samples), (5, 3, 2));
    let examples: Vec<(&str, &str)> = recording
        .refusals
        .iter()
        .flat_map(|group| &group.examples)
        .map(|example| (example.place.as_str(), example.text.as_str()))
        .collect();
    assert!(examples.contains(&("line 2", &format!("cpu state=\"on\" {START}"))), "{examples:?}");
    assert!(
        examples.iter().any(|(place, _)| *place == "line 4")
            && examples.iter().any(|(place, _)| *place == "line 5")
    );
    assert!(backfill(&outcome).preflight.notes.iter().any(|note| note.code == "refused"));
    assert_eq!(verify(&outcome).notes[0], "3 of 5 lines would be refused by tsink and were not compared");
}

#[test]
fn bad_entries_stop_a_strict_run_and_are_left_out_of_another() {
    let world = World::new(NOW, Vec::new());
    world.file("gone.json", "[]");
    world.file("some.lp", format!("cpu value=3 {}", (START + 3) * 1_000_000));
    world.file(
        "c.json",
        json!([
            { "body": format!("cpu value=1 {START}"), "received_at_ms": 0, "query_params": { "precision": "ms" } },
            { "body": "cpu value=1" },
            { "path": "not/there.lp", "received_at_ms": START },
            { "path": "some.lp", "received_at_ms": START },
            { "body_base64": "!", "received_at_ms": START },
            { "body": "cpu value=9", "received_at_ms": START, "query_params": { "precision": "days" } },
            { "body": "cpu value=2", "received_at_ms": START + 2 },
        ])
        .to_string(),
    );
    let strict = recording_text("influx_line_protocol", "c.json", &["cpu"], "");
    let outcome = run(&world, plan(&strict), DAY, &[Stage::Backfill]);
    assert_eq!(backfill(&outcome).status, Status::Fail);
    assert!(world.target().is_empty());
    let recording = backfill(&outcome).preflight.recording.clone().unwrap();
    let bad: Vec<(u64, &str)> =
        recording.bad.iter().map(|bad| (bad.entry.unwrap(), bad.problem.as_str())).collect();
    assert_eq!(bad[0], (1, "received_at_ms is missing, and influx_line_protocol needs it"));
    assert_eq!(bad[1], (2, "not/there.lp is not there"));
    assert_eq!((bad[2].0, bad[3].0, bad.len()), (4, 5, 4));

    let lenient =
        recording_text("influx_line_protocol", "c.json", &["cpu"], r#","options":{"strict":false}"#);
    let outcome = run(&world, plan(&lenient), DAY, &ALL);
    assert_eq!(backfill(&outcome).status, Status::Pass, "{:?}", backfill(&outcome).issues);
    assert_eq!(verify(&outcome).status, Status::Pass);
    assert_eq!(world.target().into_values().next().unwrap().len(), 3);
    let words = "4 of 7 entries of the manifest cannot be read and were not compared";
    assert_eq!(verify(&outcome).notes[0], words);
    // What a strict run may not leave out is no proof.
    let outcome = run(&world, plan(&strict), DAY, &[Stage::Verify]);
    assert_eq!(
        (verify(&outcome).status, verify(&outcome).issues.as_slice()),
        (Status::Fail, &[words.to_owned()][..])
    );
}

#[test]
fn a_recording_that_is_not_there_ends_the_run() {
    let world = World::new(NOW, Vec::new());
    let text = recording_text("statsd", "c.json", &["a"], "");
    let error = run(&world, plan(&text), DAY, &[Stage::Backfill]).result.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Input);
    assert!(error.message.contains("c.json") && !error.remedy.is_empty());
}

#[test]
fn a_recording_that_changes_meanwhile_is_told() {
    let world = World::new(NOW, Vec::new());
    world.file("c.json", influx(4, 200, false));
    let text = recording_text("influx_line_protocol", "c.json", &["cpu"], "");
    let other = world.clone();
    let outcome = run_with(&world, plan(&text), DAY, &[Stage::Backfill], move |event, _| {
        if let Event::Slabs { .. } = event {
            other.file("c.json", influx(3, 200, false));
        }
    });
    let error = outcome.result.unwrap_err();
    assert!(error.message.contains("has changed"), "{error}");
}

#[test]
fn a_target_that_cannot_be_read_is_no_recording_that_changes() {
    let world = World::new(NOW, Vec::new());
    world.file("c.json", influx(4, 200, false));
    let text =
        recording_text("influx_line_protocol", "c.json", &["cpu"], r#","options":{"slab_samples":100}"#);
    // The preflight reads once.
    let mut reads = 0;
    world.faults(move |request, _| {
        reads += usize::from(request.url.ends_with("/read"));
        (request.url.ends_with("/read") && reads == 4).then_some(Fault::Status(400, "no"))
    });
    let outcome = run(&world, plan(&text), DAY, &[Stage::Backfill]);
    let report = backfill(&outcome);
    assert_eq!(report.status, Status::Fail);
    assert_eq!(report.rejections.len(), 1, "{:?}", report.rejections);
    assert!(report.issues.iter().all(|issue| !issue.contains("has changed")), "{:?}", report.issues);
    assert!(report.balance.closes);
    let left_out = 4 * 200 - report.samples_written;
    assert!((1..=200).contains(&left_out), "{left_out} samples are not there");
    world.faults(|_, _| None);
    let outcome = run(&world, plan(&text), DAY, &ALL);
    assert_eq!(verify(&outcome).status, Status::Pass);
    assert_eq!((backfill(&outcome).samples_written, world.doubled()), (left_out, 0));
}

#[test]
fn damage_in_the_target_is_found() {
    let world = World::new(NOW, Vec::new());
    world.file("c.json", influx(2, 300, true));
    let text = recording_text("influx_line_protocol", "c.json", &["cpu", "cpu_idle"], "");
    run(&world, plan(&text), DAY, &[Stage::Backfill]).result.unwrap();
    world.damage(|store| {
        let rows = store.values_mut().next().unwrap();
        rows.remove(&(START + 60_000));
        rows.insert(START + 80_000_000, 1.0f64.to_bits());
    });
    let outcome = run(&world, plan(&text), DAY, &[Stage::Verify]);
    let check = &verify(&outcome).raw_checks[0];
    assert_eq!(verify(&outcome).status, Status::Fail);
    assert_eq!(check.findings.len(), 2, "{:?}", check.findings);
}

#[test]
fn a_statsd_recording_keeps_its_gauges_over_both_readings() {
    let world = World::new(NOW, Vec::new());
    let entries: Vec<_> = (0..50)
        .map(|at| json!({ "body": "depth:+2|g\njobs:1|c|@0.5", "received_at_ms": START + at * 1000 }))
        .collect();
    world.file("c.json", serde_json::to_vec(&entries).unwrap());
    let text = recording_text("statsd", "c.json", &["depth", "jobs"], "");
    let outcome = run(&world, plan(&text), DAY, &ALL);
    assert_eq!(verify(&outcome).status, Status::Pass);
    let depth = &world.target()[&Labels::from_pairs([("__name__", "depth")])];
    assert_eq!(depth[&(START + 49_000)], 100.0f64.to_bits());
}

#[test]
fn a_payload_that_breaks_off_leaves_nothing_to_the_next() {
    let world = World::new(NOW, Vec::new());
    world.file(
        "c.json",
        json!([
            { "body_base64": "Y3B1IHZhbHVlPTEKY3B1IHZhbHVlPTIgbm9uc2Vuc2U*", "received_at_ms": START },
            { "body": format!("mem value=3 {START}"), "received_at_ms": START, "query_params": { "precision": "ms" } },
            { "body": "cpu value=4\\q".replace("\\\\", "\\"), "received_at_ms": START },
        ])
        .to_string()
        .replace("\\\\q", "\\q"),
    );
    let text =
        recording_text("influx_line_protocol", "c.json", &["cpu", "mem"], r#","options":{"strict":false}"#);
    let outcome = run(&world, plan(&text), DAY, &ALL);
    assert_eq!(verify(&outcome).status, Status::Pass, "{:?}", verify(&outcome).issues);
    let recording = backfill(&outcome).preflight.recording.clone().unwrap();
    assert_eq!(recording.bad_entries, 2, "{:?}", recording.bad);
    assert_eq!(recording.refused, 0, "{:?}", recording.refusals);
    let mem = &world.target()[&Labels::from_pairs([("__name__", "mem")])];
    assert_eq!(mem[&START], 3.0f64.to_bits());
}

#[test]
fn a_reading_can_be_cancelled() {
    let world = World::new(NOW, Vec::new());
    world.file("c.json", influx(10, 1440, true));
    let text =
        recording_text("influx_line_protocol", "c.json", &["cpu"], r#","options":{"slab_samples":1000}"#);
    let outcome = run_with(&world, plan(&text), DAY, &[Stage::Backfill], |event, control| {
        if let Event::Progress { progress } = event
            && progress.waiting.as_ref().is_some_and(|words| words.contains("Reading the recording"))
        {
            control.cancel();
        }
    });
    assert_eq!(outcome.result.unwrap_err().kind, ErrorKind::Cancelled);
    assert!(world.target().is_empty());

    let outcome = run_with(&world, plan(&text), DAY, &[Stage::Backfill], |event, control| {
        if let Event::Slab { state: SlabState::Done, .. } = event {
            control.cancel();
        }
    });
    let report = backfill(&outcome);
    assert!(report.cancelled && report.balance.closes, "{:?}", report.issues);
    run(&world, plan(&text), DAY, &[Stage::Backfill]).result.unwrap();
    assert_eq!((world.target().len(), world.doubled()), (10, 0));
}
