//! Every way to damage a copy is found as exactly what it is, however the window is cut; and a copy that is whole
//! never differs.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::unreachable)]

#[path = "../../../tests/mutations/cases.rs"]
mod cases;

use cases::{Case, Data, EXEMPLARS, Expected, METRICS, SELECTOR, START, STEP, WINDOW, cases, copy};
use proptest::prelude::*;
use proptest::sample::Index;
use tsink_migrate_engine::compare::{Hints, RawComparison, compare_exemplars, compare_metadata};
use tsink_migrate_engine::model::{Sample, Series, Window};
use tsink_migrate_engine::plan::Compare;
use tsink_migrate_engine::report::{Finding, FindingKind, RawCheckReport};

const EXACT: Compare = Compare { max_absolute_value_delta: 0.0, max_relative_value_delta: 0.0 };

fn within(data: &Data, window: Window) -> Vec<Series> {
    let mut series = data.series.clone();
    for one in &mut series {
        one.samples.retain(|sample| window.contains(sample.timestamp));
        one.histograms.retain(|histogram| window.contains(histogram.timestamp));
    }
    series
}

fn raw(source: &Data, target: &Data, slabs: usize) -> RawCheckReport {
    let mut check = RawComparison::new(SELECTOR, &EXACT, 100).over(WINDOW);
    for window in WINDOW.split(slabs) {
        check.slab(window, within(source, window), within(target, window));
    }
    check.finish(&Hints::default())
}

/// Everything that a verification finds.
fn findings(source: &Data, target: &Data, slabs: usize) -> Vec<Finding> {
    let mut found = raw(source, target, slabs).findings;
    let exemplars = |data: &Data| data.series.clone();
    let (one, other) = (exemplars(source), exemplars(target));
    found.extend(compare_exemplars(EXEMPLARS, one, other, WINDOW, &EXACT, 100, &Hints::default()).findings);
    for metric in METRICS {
        found.extend(compare_metadata(metric, source.metadata.clone(), target.metadata.clone()).findings);
    }
    found
}

fn told(finding: &Finding) -> (FindingKind, String, u64, Option<i64>, String, Option<i64>) {
    let Finding { kind, series, count, first_ms, field, shift_ms, .. } = finding.clone();
    (kind, series, count, first_ms, field, shift_ms)
}

fn check(case: &Case, found: &[Finding]) {
    let expected: Vec<_> = case
        .expected
        .iter()
        .map(|one| {
            let Expected { kind, series, count, first_ms, field, shift_ms, .. } = one.clone();
            (kind, series, count, first_ms, field.to_owned(), shift_ms)
        })
        .collect();
    let mut list: Vec<_> = found.iter().map(told).collect();
    list.sort_by_key(|one| one.0);
    assert_eq!(list, expected, "{}: {found:#?}", case.name);
    for (finding, expected) in found.iter().zip(&case.expected) {
        let expected = case.expected.iter().find(|one| one.kind == finding.kind).unwrap_or(expected);
        // What is said of edges depends on the cut.
        if expected.cause != "edge" {
            assert!(finding.cause.contains(expected.cause), "{}: {}", case.name, finding.cause);
        }
        assert!(!finding.remedy.is_empty(), "{}: what to do?", case.name);
        assert!(!finding.detail.is_empty() && !finding.sentence().is_empty());
    }
}

#[test]
fn every_damage_is_found_as_what_it_is_and_nothing_else() {
    let (whole, cases) = (copy(), cases());
    assert!(cases.iter().filter(|case| case.live).count() >= 50, "{}", cases.len());
    for case in &cases {
        let mut target = whole.clone();
        (case.damage)(&mut target);
        for slabs in [1, 2, 7, 40] {
            check(case, &findings(&whole, &target, slabs));
        }
    }
}

#[test]
fn edges_are_told() {
    for case in cases().iter().filter(|case| case.expected.iter().any(|one| one.cause == "edge")) {
        let mut target = copy();
        (case.damage)(&mut target);
        let found = findings(&copy(), &target, 1);
        assert!(found[0].cause.contains("edge"), "{}: {}", case.name, found[0].cause);
    }
}

#[test]
fn counts_kinds_and_parts_are_complete() {
    let whole = copy();
    for case in cases() {
        let mut target = whole.clone();
        (case.damage)(&mut target);
        let report = raw(&whole, &target, 5);
        let of_rows = |one: &&Expected| one.first_ms.is_some() && !one.series.starts_with(EXEMPLARS);
        let of_rows: Vec<&Expected> = case.expected.iter().filter(of_rows).collect();
        assert_eq!(report.by_kind.values().sum::<u64>(), of_rows.len() as u64, "{}", case.name);
        assert_eq!(report.matched(), of_rows.is_empty(), "{}", case.name);
        assert_eq!(report.differing.is_empty(), of_rows.is_empty(), "{}", case.name);
        for expected in &of_rows {
            let at = expected.first_ms.unwrap();
            assert!(report.differing.iter().any(|part| part.contains(at)), "{}", case.name);
            // No more than a cell around each row: two hours have 960 of 7.5 s and a little.
            let length: i64 = report.differing.iter().map(Window::len_ms).sum();
            let rows =
                i64::try_from(expected.count).unwrap() * if expected.shift_ms.is_some() { 2 } else { 1 };
            assert!(length <= 2 * rows * 8_000, "{}: {:?}", case.name, report.differing);
        }
        let mut none = RawComparison::new(SELECTOR, &EXACT, 0).over(WINDOW);
        none.slab(WINDOW, within(&whole, WINDOW), within(&target, WINDOW));
        let none = none.finish(&Hints::default());
        assert_eq!(none.by_kind, report.by_kind, "{}", case.name);
        assert_eq!(none.findings_omitted, of_rows.len() as u64, "{}", case.name);
        assert_eq!(
            (none.sample_mismatches, none.histogram_mismatches),
            (report.sample_mismatches, report.histogram_mismatches)
        );
    }
}

#[test]
fn a_shift_is_one_mismatch_a_row() {
    let case = cases().into_iter().find(|case| case.name == "a series an hour late").unwrap();
    let mut target = copy();
    (case.damage)(&mut target);
    let report = raw(&copy(), &target, 3);
    assert_eq!((report.shifted_samples, report.sample_mismatches), (101, 101));
    assert_eq!((report.missing_samples, report.extra_samples, report.differing_samples), (0, 0, 0));
    assert!(report.findings[0].detail.contains("1 h later at the target"), "{}", report.findings[0].detail);
}

#[test]
fn a_shift_that_the_window_cuts_off_is_the_cause() {
    for shift in [3_600_000, -3_600_000] {
        let mut target = copy();
        target.series[cases::TEMPERATURE].samples.iter_mut().for_each(|sample| sample.timestamp += shift);
        for slabs in [1, 6] {
            let report = raw(&copy(), &target, slabs);
            assert_eq!((report.missing_samples, report.differing_samples), (240, 241), "row by row");
            for finding in &report.findings {
                assert_eq!(finding.shift_ms, Some(shift), "{finding:?}");
                assert!(finding.cause.contains(if shift > 0 { "1 h later" } else { "1 h earlier" }));
            }
        }
    }
}

#[test]
fn deltas_are_the_largest_ones() {
    let mut target = copy();
    target.series[cases::STILL].samples[5].value = 1.5;
    target.series[cases::STILL].samples[9].value = 0.25;
    let report = raw(&copy(), &target, 4);
    let finding = &report.findings[0];
    assert_eq!((finding.absolute_delta, finding.relative_delta), (Some(0.75), Some(0.75)));
    assert_eq!(finding.count, 2);
}

#[test]
fn both_sides_are_shown_around_the_first_difference() {
    let mut target = copy();
    target.series[cases::STILL].samples[50].value = 0.5;
    target.series[cases::STILL].samples.remove(300);
    let report = raw(&copy(), &target, 1);
    for (finding, at) in report.findings.iter().zip([300, 50]) {
        let excerpt = finding.excerpt.as_ref().unwrap();
        assert_eq!(excerpt.differing_ms, [START + at * STEP], "{:?}", finding.kind);
        assert!(excerpt.source.len() <= 24 && excerpt.target.len() <= 24);
        assert!(excerpt.source.iter().any(|point| point.at_ms == START + at * STEP && point.value == "1"));
    }
    let changed = report.findings[1].excerpt.as_ref().unwrap();
    assert!(changed.target.iter().any(|point| point.at_ms == START + 50 * STEP && point.value == "0.5"));
    // A finding that is not listed is not drawn either; one slab later, the first one is still shown.
    let cut = raw(&copy(), &target, 9);
    assert_eq!(cut.findings[0].excerpt.as_ref().unwrap().differing_ms, [START + 300 * STEP]);
}

#[test]
fn the_coverage_map_shows_what_is_where() {
    let mut target = copy();
    target.series[cases::TEMPERATURE].samples.retain(|sample| sample.timestamp < START + 240 * STEP);
    target.series[cases::STILL].samples[10].value = 9.0;
    target.series.remove(cases::LATE);
    let map = raw(&copy(), &target, 6).coverage;
    assert_eq!((map.start_ms, map.series_omitted), (START, 0));
    let wide = map.column_ms * map.rows[0].cells.len() as i64;
    assert!(wide >= WINDOW.len_ms() && wide < WINDOW.len_ms() + map.column_ms, "{wide}");
    assert!(map.rows.iter().all(|row| row.cells.len() == map.rows[0].cells.len() && row.cells.len() <= 60));
    let names: Vec<&str> = map.rows.iter().map(|row| row.series.as_str()).collect();
    assert_eq!(names[0], "");
    assert!(
        names[1].starts_with("mt_late")
            && names[2].starts_with("mt_temperature")
            && names[3].starts_with("mt_up")
    );
    assert_eq!(names.len(), 1 + copy().series.len());
    let cells = |at: usize| map.rows[at].cells.as_str();
    assert!(cells(1).contains("....----") && !cells(1).contains('='), "{}", cells(1));
    assert!(cells(2).starts_with("=====") && cells(2).ends_with("-----"), "{}", cells(2));
    assert_eq!(cells(3).matches('x').count(), 1);
    assert!(cells(4).chars().all(|cell| "=.".contains(cell)));
    assert_eq!(raw(&copy(), &target, 1).coverage, map, "whatever the cut");
}

/// Rows of one series are changed at random.
#[derive(Clone, Debug)]
enum Change {
    Lose(Index),
    Move(Index, i64),
    Value(Index, f64),
    Add(i64, f64),
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        any::<Index>().prop_map(Change::Lose),
        (any::<Index>(), -7_000i64..7_000).prop_map(|(at, by)| Change::Move(at, by)),
        (any::<Index>(), -1e9..1e9f64).prop_map(|(at, value)| Change::Value(at, value)),
        (0..480 * STEP, -1e9..1e9f64).prop_map(|(at, value)| Change::Add(START + at, value)),
    ]
}

/// Rows as they are compared: no order, no repetition.
fn rows(data: &Data) -> Vec<(usize, i64, u64)> {
    let mut rows: Vec<_> = data
        .series
        .iter()
        .enumerate()
        .flat_map(|(at, series)| series.samples.iter().map(move |sample| (at, sample)))
        .filter(|(_, sample)| WINDOW.contains(sample.timestamp))
        // Zeros are one value whatever their sign.
        .map(|(at, sample)| {
            (at, sample.timestamp, if sample.value == 0.0 { 0 } else { sample.value.to_bits() })
        })
        .collect();
    rows.sort_unstable();
    rows.dedup();
    rows
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]
    #[test]
    fn random_damage_is_always_found_and_a_copy_never_differs(
        changes in prop::collection::vec((0usize..5, change()), 0..6), slabs in 1usize..20,
    ) {
        let whole = copy();
        let mut target = whole.clone();
        for (series, change) in changes {
            let samples = &mut target.series[series].samples;
            match change {
                Change::Lose(at) => drop(samples.remove(at.index(samples.len()))),
                Change::Move(at, by) => { let at = at.index(samples.len()); samples[at].timestamp += by; }
                Change::Value(at, value) => { let at = at.index(samples.len()); samples[at].value = value; }
                Change::Add(timestamp, value) => samples.push(Sample { timestamp, value }),
            }
        }
        let (one, other) = (rows(&whole), rows(&target));
        let report = raw(&whole, &target, slabs);
        prop_assert_eq!(report.matched(), one == other);
        prop_assert_eq!(report.differing.is_empty(), one == other);
        // Every row that one side has alone lies in a part that is said to differ.
        let apart = one.iter().filter(|row| !other.contains(row)).chain(other.iter().filter(|row| !one.contains(row)));
        for (_, at, _) in apart {
            prop_assert!(report.differing.iter().any(|part| part.contains(*at)));
        }
        prop_assert_eq!(
            report.sample_mismatches,
            report.missing_samples + report.extra_samples + report.differing_samples + report.shifted_samples
                + report.by_kind.get(&FindingKind::DuplicateTimestamp).map_or(0, |_| {
                    report.findings.iter().filter(|one| one.kind == FindingKind::DuplicateTimestamp).map(|one| one.count).sum()
                })
        );
    }
}
