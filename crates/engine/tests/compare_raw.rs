//! The raw check: each kind of difference is found as what it is, and explained.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use tsink_migrate_engine::compare::{Hints, RawComparison, SlabOutcome};
use tsink_migrate_engine::model::{Histogram, Labels, STALE_NAN_BITS, Sample, Series, Window};
use tsink_migrate_engine::plan::{Compare, ReadVia};
use tsink_migrate_engine::report::{Finding, FindingKind, RawCheckReport};
use tsink_migrate_engine::{Error, ErrorKind, Side};

const STALE: f64 = f64::from_bits(STALE_NAN_BITS);
const WINDOW: Window = Window { start_ms: 0, end_ms: 1_000_000 };

fn labels(job: &str) -> Labels {
    Labels::from_pairs([("__name__", "up"), ("job", job)])
}

fn series(job: &str, samples: &[(i64, f64)]) -> Series {
    let samples = samples.iter().map(|(timestamp, value)| Sample { timestamp: *timestamp, value: *value });
    Series { labels: labels(job), samples: samples.collect(), ..Series::default() }
}

fn histogram(timestamp: i64, sum: f64) -> Histogram {
    Histogram { timestamp, sum, ..Histogram::default() }
}

fn compare_slabs(slabs: Vec<(Window, Vec<Series>, Vec<Series>)>, hints: &Hints) -> RawCheckReport {
    let mut check = RawComparison::new("up", &Compare::default(), 100);
    for (window, source, target) in slabs {
        check.slab(window, source, target);
    }
    check.finish(hints)
}

fn compare(source: Vec<Series>, target: Vec<Series>) -> RawCheckReport {
    compare_slabs(vec![(WINDOW, source, target)], &Hints::default())
}

fn only(report: &RawCheckReport) -> &Finding {
    assert_eq!(report.findings.len(), 1, "{:#?}", report.findings);
    assert_eq!(report.issues.len(), 1);
    &report.findings[0]
}

#[test]
fn equal_series_agree_whatever_their_order() {
    let source =
        vec![series("a", &[(1, 1.0), (2, f64::NAN), (3, STALE)]), series("b", &[(1, f64::INFINITY)])];
    let target =
        vec![series("b", &[(1, f64::INFINITY)]), series("a", &[(3, STALE), (1, 1.0), (2, -f64::NAN)])];
    let report = compare(source, target);
    assert!(report.matched());
    assert_eq!((report.source_series, report.target_series), (2, 2));
    assert_eq!((report.source_rows, report.target_rows), (4, 4));
}

#[test]
fn a_missing_sample_is_one_mismatch_and_not_all_that_follow() {
    let source: Vec<(i64, f64)> = (1..=100).map(|at| (at * 1000, at as f64)).collect();
    let mut target = source.clone();
    target.remove(10);
    target.remove(49);
    let report = compare(vec![series("a", &source)], vec![series("a", &target)]);
    let finding = only(&report);
    assert_eq!(finding.kind, FindingKind::MissingSamples);
    assert_eq!((finding.count, finding.first_ms, finding.last_ms), (2, Some(11_000), Some(51_000)));
    assert_eq!((finding.source_value.as_deref(), finding.target_value.as_deref()), (Some("11"), None));
    assert_eq!((report.missing_samples, report.sample_mismatches), (2, 2));
    assert_eq!((report.missing_series, report.extra_samples), (0, 0));
    assert_eq!(
        report.issues[0],
        r#"missing samples in up{job="a"}: 2 samples from 1970-01-01T00:00:11Z to 1970-01-01T00:00:51Z only at the source"#
    );
}

#[test]
fn extra_and_differing_samples_are_told_apart() {
    let report = compare(
        vec![series("a", &[(1, 1.0), (2, 2.0), (4, 4.0)])],
        vec![series("a", &[(1, 1.5), (2, 2.0), (3, 3.0), (4, 5.0)])],
    );
    let kinds: Vec<_> = report.findings.iter().map(|finding| (finding.kind, finding.count)).collect();
    assert_eq!(kinds, [(FindingKind::ExtraSamples, 1), (FindingKind::ValueDiffers, 2)]);
    assert_eq!((report.extra_samples, report.differing_samples, report.sample_mismatches), (1, 2, 3));
    let value = &report.findings[1];
    assert_eq!((value.source_value.as_deref(), value.target_value.as_deref()), (Some("1"), Some("1.5")));
    assert!(value.detail.ends_with("largest relative difference 0.500"), "{}", value.detail);
}

#[test]
fn staleness_is_not_nan() {
    let report = compare(vec![series("a", &[(1, STALE)])], vec![series("a", &[(1, f64::NAN)])]);
    let finding = only(&report);
    assert_eq!(finding.kind, FindingKind::StaleNan);
    assert_eq!(
        (finding.source_value.as_deref(), finding.target_value.as_deref()),
        (Some("StaleNaN"), Some("NaN"))
    );
    assert_eq!((report.differing_samples, report.sample_mismatches), (1, 1));
}

#[test]
fn a_series_without_its_other_side_counts_as_a_series_only() {
    let report = compare(
        vec![series("a", &[(1, 1.0), (2, 1.0)]), series("b", &[(1, 1.0)])],
        vec![series("b", &[(1, 1.0)]), series("c", &[(5, 1.0)])],
    );
    let kinds: Vec<_> = report.findings.iter().map(|finding| (finding.kind, finding.count)).collect();
    assert_eq!(kinds, [(FindingKind::MissingSeries, 2), (FindingKind::ExtraSeries, 1)]);
    assert_eq!((report.missing_series, report.extra_series, report.sample_mismatches), (1, 1, 0));
    assert_eq!((report.missing_samples, report.extra_samples), (0, 0));
    assert_eq!(report.findings[0].series, r#"up{job="a"}"#);
}

#[test]
fn a_series_that_lacks_one_slab_has_missing_samples_whichever_slab_comes_first() {
    let early = (Window { start_ms: 0, end_ms: 99 }, vec![series("a", &[(10, 1.0), (20, 2.0)])], vec![]);
    let late = (
        Window { start_ms: 100, end_ms: 199 },
        vec![series("a", &[(110, 1.0)])],
        vec![series("a", &[(110, 1.0)])],
    );
    for slabs in [vec![early.clone(), late.clone()], vec![late, early]] {
        let report = compare_slabs(slabs, &Hints::default());
        let finding = only(&report);
        assert_eq!((finding.kind, finding.count), (FindingKind::MissingSamples, 2));
        assert_eq!((finding.first_ms, finding.last_ms), (Some(10), Some(20)));
        assert_eq!((report.missing_series, report.missing_samples, report.sample_mismatches), (0, 2, 2));
        assert_eq!((report.source_series, report.target_series), (1, 1));
    }
}

#[test]
fn one_side_in_each_slab_is_missing_and_extra() {
    let early = (Window { start_ms: 0, end_ms: 99 }, vec![series("a", &[(10, 1.0)])], vec![]);
    let late = (Window { start_ms: 100, end_ms: 199 }, vec![], vec![series("a", &[(110, 2.0)])]);
    let report = compare_slabs(vec![late, early], &Hints::default());
    let kinds: Vec<_> = report.findings.iter().map(|finding| finding.kind).collect();
    assert_eq!(kinds, [FindingKind::MissingSamples, FindingKind::ExtraSamples]);
    assert_eq!((report.missing_series, report.extra_series, report.sample_mismatches), (0, 0, 2));
}

#[test]
fn samples_that_the_source_repeats_count_once_and_those_that_the_target_repeats_are_found() {
    let repeated =
        compare(vec![series("a", &[(1, 1.0), (1, 1.0), (2, 2.0)])], vec![series("a", &[(1, 1.0), (2, 2.0)])]);
    assert!(repeated.matched());
    assert_eq!((repeated.source_samples, repeated.target_samples), (2, 2));

    let once = || vec![series("a", &[(1, 1.0), (2, 2.0)])];
    let copied = compare(once(), vec![series("a", &[(1, 1.0), (2, 2.0), (2, 2.0), (2, 2.0)])]);
    let finding = only(&copied);
    assert_eq!((finding.kind, finding.count), (FindingKind::DuplicateTimestamp, 1));
    assert_eq!(
        (finding.source_value.as_deref(), finding.target_value.as_deref()),
        (Some("2"), Some("2, 2, 2"))
    );
    assert_eq!((copied.source_samples, copied.target_samples, copied.sample_mismatches), (2, 4, 1));
    assert!(finding.detail.contains("several values at 1 time"), "{}", finding.detail);
    let as_often = || vec![series("a", &[(1, 1.0), (2, 2.0), (2, 2.0)])];
    assert!(compare(as_often(), as_often()).matched());

    let conflict =
        compare(vec![series("a", &[(1, 1.0), (2, 2.0)])], vec![series("a", &[(1, 7.0), (1, 1.0), (2, 2.0)])]);
    let finding = only(&conflict);
    assert_eq!((finding.kind, finding.count), (FindingKind::DuplicateTimestamp, 1));
    assert_eq!((finding.source_value.as_deref(), finding.target_value.as_deref()), (Some("1"), Some("1, 7")));
    assert_eq!((conflict.sample_mismatches, conflict.differing_samples), (1, 0));

    let both = compare(vec![series("a", &[(1, 1.0), (1, 7.0)])], vec![series("a", &[(1, 7.0), (1, 1.0)])]);
    assert!(both.matched());
}

#[test]
fn pieces_of_a_series_are_one_series_and_rows_outside_the_window_are_left_out() {
    let window = Window { start_ms: 10, end_ms: 20 };
    let mut check = RawComparison::new("up", &Compare::default(), 100);
    let outcome = check.slab(
        window,
        vec![series("a", &[(15, 2.0), (16, 3.0)]), series("a", &[(9, 9.0), (10, 1.0), (15, 2.0)])],
        vec![series("a", &[(10, 1.0), (15, 2.0), (16, 3.0), (21, 9.0)])],
    );
    assert_eq!(outcome, SlabOutcome { source_rows: 3, target_rows: 3, ..SlabOutcome::default() });
    let report = check.finish(&Hints::default());
    assert!(report.matched());
    assert_eq!((report.source_series, report.source_samples), (1, 3));
}

#[test]
fn a_series_without_rows_is_no_series() {
    let report = compare(vec![series("a", &[]), series("b", &[(1, 1.0)])], vec![series("b", &[(1, 1.0)])]);
    assert!(report.matched());
    assert_eq!((report.source_series, report.target_series), (1, 1));
}

#[test]
fn histograms_are_counted_by_themselves() {
    let with = |histograms: Vec<Histogram>| vec![Series { histograms, ..series("a", &[(1, 1.0)]) }];
    let report = compare(
        with(vec![histogram(1, 1.0), histogram(2, 2.0), histogram(4, 4.0), histogram(4, 4.0)]),
        with(vec![histogram(2, 2.5), histogram(3, 3.0), histogram(4, 4.0)]),
    );
    let kinds: Vec<_> = report.findings.iter().map(|finding| finding.kind).collect();
    use FindingKind::{ExtraHistograms, HistogramDiffers, MissingHistograms};
    assert_eq!(kinds, [MissingHistograms, ExtraHistograms, HistogramDiffers]);
    assert_eq!((report.source_histograms, report.target_histograms), (3, 3));
    assert_eq!((report.histogram_mismatches, report.sample_mismatches), (3, 0));
    assert_eq!((report.source_rows, report.source_samples), (4, 1));
    assert!(
        report.findings[2].detail.contains("in sum: sum is 2 at the source, 2.5 at the target"),
        "{}",
        report.findings[2].detail
    );

    let copied = compare(with(vec![histogram(1, 1.0)]), with(vec![histogram(1, 1.0), histogram(1, 1.0)]));
    assert_eq!(only(&copied).kind, FindingKind::DuplicateTimestamp);
    assert_eq!((copied.target_histograms, copied.histogram_mismatches), (2, 1));

    let conflict = compare(with(vec![histogram(1, 1.0)]), with(vec![histogram(1, 1.0), histogram(1, 2.0)]));
    assert_eq!(only(&conflict).kind, FindingKind::DuplicateTimestamp);
    assert_eq!((conflict.histogram_mismatches, conflict.sample_mismatches), (1, 0));

    let two = || vec![histogram(1, 1.0), histogram(1, 2.0)];
    assert!(compare(with(two()), with(two())).findings.is_empty(), "both sides have the same two");
    let copied = compare(with(two()), with([two(), vec![histogram(1, 2.0)]].concat()));
    assert_eq!(only(&copied).kind, FindingKind::DuplicateTimestamp);
    assert_eq!((copied.target_histograms, copied.histogram_mismatches), (3, 1));
}

#[test]
fn a_series_missing_with_samples_and_histograms_says_both() {
    let source = Series { histograms: vec![histogram(5, 1.0)], ..series("a", &[(1, 1.0), (2, 2.0)]) };
    let report = compare(vec![source], vec![series("z", &[(1, 1.0)])]);
    let finding = &report.findings[0];
    assert_eq!((finding.kind, finding.count, finding.last_ms), (FindingKind::MissingSeries, 3, Some(5)));
    assert!(finding.detail.starts_with("2 samples and 1 native histogram from "), "{}", finding.detail);
    assert_eq!((report.missing_series, report.histogram_mismatches), (1, 0));
}

#[test]
fn the_list_is_capped_and_the_counts_are_not() {
    let source: Vec<Series> =
        (0..50).map(|job| series(&format!("{job:02}"), &[(1, 1.0), (2, 2.0)])).collect();
    let target: Vec<Series> = (0..25).map(|job| series(&format!("{job:02}"), &[(1, 9.0)])).collect();
    let run = |backwards: bool, max: usize| {
        let (mut source, mut target) = (source.clone(), target.clone());
        if backwards {
            source.reverse();
            target.reverse();
        }
        let mut check = RawComparison::new("up", &Compare::default(), max);
        check.slab(WINDOW, source, target);
        check.finish(&Hints::default())
    };
    let report = run(false, 5);
    assert_eq!((report.missing_series, report.missing_samples, report.differing_samples), (25, 25, 25));
    assert_eq!((report.findings.len(), report.findings_omitted), (5, 70));
    assert_eq!(report.issues.len(), 6);
    assert_eq!(
        report.issues[5],
        "70 more not listed (missing series: 25, missing samples: 22, different values: 23)"
    );
    assert_eq!(run(true, 5).findings, report.findings);

    let none = run(false, 0);
    assert_eq!((none.findings.len(), none.findings_omitted, none.issues.len()), (0, 75, 1));
    assert!(!none.matched());
}

#[test]
fn what_could_not_be_read_is_an_issue_and_neighbours_are_one() {
    let mut error = Error::new(ErrorKind::Unavailable, "the server is not available")
        .side(Side::Target)
        .remedy("Wait until it has started.");
    error.status = Some(503);
    let mut check = RawComparison::new("up", &Compare::default(), 100);
    for (start, end) in [(200, 299), (0, 99), (100, 199), (500, 599)] {
        check.not_compared(Window { start_ms: start, end_ms: end }, &error);
    }
    let report = check.finish(&Hints::default());
    assert!(!report.matched());
    let windows: Vec<_> = report.findings.iter().map(|finding| (finding.first_ms, finding.last_ms)).collect();
    assert_eq!(windows, [(Some(0), Some(299)), (Some(500), Some(599))]);
    assert!(report.findings.iter().all(|finding| finding.kind == FindingKind::NotCompared));
    assert_eq!(report.findings[0].remedy, "Wait until it has started.");
    assert_eq!(
        report.issues[0],
        "not compared: up from 1970-01-01T00:00:00Z to 1970-01-01T00:00:00.299Z: target answered 503: the \
         server is not available"
    );
}

/// What a finding's cause begins with, under the given circumstances.
fn cause(source: Vec<Series>, target: Vec<Series>, hints: &Hints) -> String {
    let report = compare_slabs(vec![(WINDOW, source, target)], hints);
    only(&report).cause.clone()
}

#[test]
fn probable_causes_are_told() {
    let none = Hints::default;
    let other = || series("z", &[(500, 1.0)]);
    let lost = |at: i64, value: f64| {
        (vec![series("a", &[(100, 1.0), (at, value)])], vec![series("a", &[(100, 1.0)])])
    };

    let (source, target) = lost(200, 1.0);
    assert_eq!(cause(source, target, &none()), "");

    let (source, target) = lost(200, 1.0);
    let retention = Hints { target_oldest_ms: Some(300), ..none() };
    assert!(cause(source, target, &retention).starts_with("They are older than what the target keeps"));

    let tenant = Hints { tenant: "blue".to_owned(), ..none() };
    let nothing = cause(vec![other()], vec![], &tenant);
    assert!(nothing.contains(r#"tenant "blue": the backfill has not run"#), "{nothing}");

    let (source, target) = lost(200, STALE);
    assert!(cause(source, target, &none()).starts_with("Only staleness markers are missing"));

    let (target, source) = lost(200, STALE);
    let instant = Hints { source_read_via: ReadVia::InstantQuery, ..none() };
    assert!(cause(source, target, &instant).starts_with("Staleness markers cannot be read through instant"));

    let (source, target) = lost(900_000, 1.0);
    let fresh = Hints { now_ms: 1_000_000, ..none() };
    assert!(cause(source, target, &fresh).starts_with("This is recent"));
    let (source, target) = lost(900_000, 1.0);
    let later = Hints { now_ms: 10_000_000, ..none() };
    assert_eq!(cause(source, target, &later), "");

    let (source, target) = lost(WINDOW.end_ms, 1.0);
    assert!(cause(source, target, &none()).starts_with("It lies exactly on the edge"));

    let close = cause(vec![series("a", &[(1, 1.0)])], vec![series("a", &[(1, 1.0 + 1e-8)])], &none());
    assert!(close.starts_with("The values differ by as little as rounding"), "{close}");
}
