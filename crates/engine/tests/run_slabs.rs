//! Slabs: how long they are, and how a selector with many series is cut by labels, on a virtual clock.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use std::collections::BTreeMap;
use support::{START, World, plan, plan_text, run};
use tsink_migrate_engine::ErrorKind;
use tsink_migrate_engine::model::{Labels, Sample, Series, Window};
use tsink_migrate_engine::port::Request;
use tsink_migrate_engine::report::{BackfillReport, Report, Status, VerifyReport};
use tsink_migrate_engine::run::{Event, Stage};
use tsink_migrate_engine::selector::Selector;

const NOW: i64 = START + 2 * 86_400_000;
const HOUR: Window = Window { start_ms: START, end_ms: START + 3_599_999 };
/// The smallest memory: an answer may take 2 MiB, and a part has about 2,000 series.
const LITTLE: &str = r#","options":{"memory_mib":16}"#;

/// `count` series of which each has `rows` samples, one of three zones and a pod of its own.
fn wide(count: usize, rows: i64, window: Window) -> Vec<Series> {
    (0..count)
        .map(|at| Series {
            labels: Labels::from_pairs([
                ("__name__", "m".to_owned()),
                ("pod", format!("web-{at:05}.x|y")),
                ("zone", ["a", "b", "c"][at % 3].to_owned()),
            ]),
            samples: (0..rows)
                .map(|n| Sample {
                    timestamp: window.start_ms + (at as i64 % 1_000) + n * (window.len_ms() - 1_000) / rows,
                    value: at as f64 + n as f64 / 16.0,
                })
                .collect(),
            ..Series::default()
        })
        .collect()
}

fn backfill(outcome: &support::Outcome) -> &BackfillReport {
    match &outcome.result.as_ref().unwrap()[0] {
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

/// The rows that a stage worked on.
fn rows(outcome: &support::Outcome, wanted: Stage) -> Vec<String> {
    let found = outcome.events.iter().find_map(|event| match event {
        Event::Slabs { stage, selectors, .. } if *stage == wanted => Some(selectors.clone()),
        _ => None,
    });
    found.unwrap()
}

/// Answers questions for counts and labels, as Prometheus does.
fn counts(world: &World, request: &Request) -> Option<(u16, Vec<u8>)> {
    let url = url::Url::parse(&request.url).unwrap();
    let form = url::form_urlencoded::parse(&request.body).into_owned();
    let params: BTreeMap<String, String> = url.query_pairs().into_owned().chain(form).collect();
    let success = |data: String| (200, format!(r#"{{"status":"success","data":{data}}}"#).into_bytes());
    let selected = |text: &str| {
        let asked = Selector::parse(text).unwrap().predicate();
        world.source().into_iter().filter(|one| asked.matches(&one.labels)).collect::<Vec<_>>()
    };
    match (url.host_str()?, url.path()) {
        ("source", "/api/v1/labels") => Some(success(r#"["__name__","pod","zone"]"#.to_owned())),
        ("source", "/api/v1/query") => {
            let query = &params["query"];
            let by = query.strip_prefix("count by (").and_then(|rest| rest.split_once(") ("));
            let groups: BTreeMap<String, u64> = match by {
                None => {
                    let text = query.strip_prefix("count(").unwrap().strip_suffix(')').unwrap();
                    BTreeMap::from([(String::new(), selected(text).len() as u64)])
                }
                Some((label, rest)) => {
                    let (text, label, chars) = match rest.strip_prefix("label_replace(") {
                        None => (rest.strip_suffix(')').unwrap(), label, usize::MAX),
                        Some(call) => {
                            let mut parts = call.rsplitn(5, ", ");
                            let chars =
                                parts.next().unwrap().split([',', '}']).nth(1).unwrap().parse().unwrap();
                            let label = parts.next().unwrap().trim_matches('"');
                            (parts.last().unwrap(), label, chars)
                        }
                    };
                    let mut groups = BTreeMap::new();
                    for one in selected(text) {
                        let value = one.labels.get(label).unwrap_or_default();
                        *groups.entry(value.chars().take(chars).collect()).or_default() += 1;
                    }
                    groups
                }
            };
            let label = by.map_or("", |(label, _)| label);
            let series: Vec<serde_json::Value> = groups
                .iter()
                .map(|(value, count)| {
                    let metric = if label.is_empty() {
                        serde_json::json!({})
                    } else {
                        serde_json::json!({ label: value })
                    };
                    serde_json::json!({ "metric": metric, "value": [1_763_424_000, count.to_string()] })
                })
                .collect();
            Some(success(serde_json::json!({ "resultType": "vector", "result": series }).to_string()))
        }
        _ => None,
    }
}

#[test]
fn a_wide_selector_is_cut_by_labels_and_every_sample_arrives_once() {
    let world = World::new(NOW, wide(5_000, 2, HOUR));
    world.answers(counts);
    let outcome = run(&world, plan(&plan_text(&["m"], LITTLE)), HOUR, &[Stage::Backfill, Stage::Verify]);
    assert_eq!(verify(&outcome).status, Status::Pass, "{:?}", verify(&outcome).issues);
    let report = backfill(&outcome);
    assert_eq!((report.series_written, report.samples_written), (5_000, 10_000));
    assert_eq!(report.balance.samples.deduplicated, 0, "the parts are disjoint");
    assert!(report.notes.iter().all(|note| !note.contains("time only")), "{:?}", report.notes);
    assert_eq!((world.target(), world.doubled()), (world.expected(), 0));
    let parts = rows(&outcome, Stage::Backfill);
    assert!((3..=12).contains(&parts.len()), "{parts:?}");
    assert!(parts.last().unwrap().contains("!~"), "{parts:?}");
    assert_eq!(parts, rows(&outcome, Stage::Verify), "both stages have the same parts");
    for text in &parts {
        assert_eq!(&Selector::parse(text).unwrap().text, text, "a part is made again from its text");
    }
    assert_eq!(verify(&outcome).raw_checks.len(), 1, "one check for a selector of the plan");
    assert_eq!(verify(&outcome).raw_checks[0].source_series, 5_000);
}

#[test]
fn without_a_query_endpoint_the_source_is_looked_at() {
    let world = World::new(NOW, wide(2_500, 20, HOUR));
    let outcome = run(&world, plan(&plan_text(&["m"], LITTLE)), HOUR, &[Stage::Backfill, Stage::Verify]);
    assert_eq!(verify(&outcome).status, Status::Pass, "{:?}", verify(&outcome).issues);
    assert_eq!((world.target(), world.doubled()), (world.expected(), 0));
    assert!(rows(&outcome, Stage::Backfill).len() > 2, "{:?}", rows(&outcome, Stage::Backfill));
}

#[test]
fn where_nothing_can_be_counted_time_alone_is_cut_and_that_is_said() {
    // Neither endpoint: queries are refused, and so is whatever asks for the last minute of an instant.
    let world = World::new(NOW, wide(2_500, 20, HOUR));
    world.answers(|_, request| {
        let path = request.url.split('?').next().unwrap().to_owned();
        (path.ends_with("/query"))
            .then(|| (422, br#"{"status":"error","errorType":"execution","error":"no"}"#.to_vec()))
    });
    let text = plan_text(&["m"], r#","options":{"memory_mib":16,"read_via":"remote_read"}"#);
    let outcome = run(&world, plan(&text), HOUR, &[Stage::Backfill]);
    assert_eq!(backfill(&outcome).status, Status::Pass, "{:?}", backfill(&outcome).issues);
    assert_eq!((world.target(), world.doubled()), (world.expected(), 0));
}

#[test]
fn a_slab_that_is_too_large_is_worked_off_in_portions_and_the_next_ones_are_shorter() {
    // Empty where the estimate looks, dense elsewhere: what was cut by it is far too long.
    let day = Window { start_ms: START, end_ms: START + 86_399_999 };
    let dense = Window { start_ms: START + 3_600_000, end_ms: START + 5 * 3_600_000 };
    let source = wide(25, 32_000, dense);
    let world = World::new(NOW, source);
    let outcome = run(&world, plan(&plan_text(&["m"], LITTLE)), day, &[Stage::Backfill, Stage::Verify]);
    assert_eq!(verify(&outcome).status, Status::Pass, "{:?}", verify(&outcome).issues);
    assert_eq!((world.target(), world.doubled()), (world.expected(), 0));
    let recut: Vec<&Vec<Window>> = outcome
        .events
        .iter()
        .filter_map(|event| match event {
            Event::Recut { stage: Stage::Backfill, selector: 0, slabs } => Some(slabs),
            _ => None,
        })
        .collect();
    assert!(!recut.is_empty(), "the slabs were cut anew");
    for slabs in &recut {
        assert_eq!((slabs[0].start_ms, slabs.last().unwrap().end_ms), (day.start_ms, day.end_ms));
        assert!(slabs.windows(2).all(|pair| pair[0].end_ms + 1 == pair[1].start_ms));
    }
    let shortest = recut.iter().flat_map(|slabs| slabs.iter()).map(|slab| slab.len_ms()).min().unwrap();
    assert!(shortest < 3_600_000 * 2 / 3, "{shortest}");
    // States of slabs name places that exist.
    let mut places: BTreeMap<usize, usize> = BTreeMap::new();
    for event in &outcome.events {
        match event {
            Event::Slabs { stage: Stage::Backfill, slabs, .. } => {
                places.extend(slabs.iter().enumerate().map(|(at, slabs)| (at, slabs.len())));
            }
            Event::Recut { stage: Stage::Backfill, selector, slabs } => {
                places.insert(*selector, slabs.len());
            }
            Event::Slab { stage: Stage::Backfill, selector, slab, .. } => assert!(*slab < places[selector]),
            _ => {}
        }
    }
    let last = outcome.events.iter().rev().find_map(|event| match event {
        Event::Progress { progress } if progress.stage == Stage::Backfill => Some(progress.clone()),
        _ => None,
    });
    let last = last.unwrap();
    assert_eq!((last.done, last.total), (800_000, 800_000));
}

#[test]
fn one_instant_of_more_series_than_fit_is_cut_by_labels() {
    // All rows lie in one ms, and the estimate does not see them: only labels can cut it.
    let at = START + 1_500_000;
    let mut source = wide(5_000, 1, HOUR);
    for one in &mut source {
        one.samples = vec![Sample { timestamp: at, value: 1.0 }];
    }
    let world = World::new(NOW, source);
    world.answers(counts);
    let outcome = run(&world, plan(&plan_text(&["m"], LITTLE)), HOUR, &[Stage::Backfill, Stage::Verify]);
    assert_eq!(verify(&outcome).status, Status::Pass, "{:?}", verify(&outcome).issues);
    assert_eq!((world.target(), world.doubled()), (world.expected(), 0));
}

#[test]
fn what_cannot_be_cut_at_all_is_an_error_that_says_what_to_do() {
    // One series whose one ms is more than fits: by its labels alone.
    let at = START + 1_500_000;
    let mut pairs = vec![("__name__".to_owned(), "m".to_owned())];
    pairs.extend((0..40).map(|n| (format!("l{n}"), "x".repeat(60_000))));
    let large = Series {
        labels: Labels::from_pairs(pairs),
        samples: vec![Sample { timestamp: at, value: 1.0 }],
        ..Series::default()
    };
    let mut source = support::steady("other", 3, HOUR, 15_000);
    source.push(large);
    let world = World::new(NOW, source);
    let outcome = run(&world, plan(&plan_text(&["m", "other"], LITTLE)), HOUR, &[Stage::Backfill]);
    let report = backfill(&outcome);
    assert_eq!(report.status, Status::Fail);
    assert_eq!(report.samples_written, 3 * 240, "the other selector is not held up");
    let issue = report.issues.iter().find(|issue| issue.starts_with("not read: m")).expect("an issue");
    assert!(issue.contains("16 MiB") && issue.contains(&at.to_string()), "{issue}");
    let rejection = report.rejections.iter().find(|one| one.reason == "not_read").expect("a rejection");
    assert!(rejection.error.remedy.contains("memory_mib"), "{rejection:?}");
    assert_eq!(rejection.error.kind, ErrorKind::TooLarge);
}
