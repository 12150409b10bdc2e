//! Exemplar, metadata and parity checks.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use tsink_migrate_engine::compare::{Hints, ParityHints, compare_exemplars, compare_metadata, compare_query};
use tsink_migrate_engine::model::{Exemplar, Labels, Metadata, MetricType, Sample, Series, Window};
use tsink_migrate_engine::plan::Compare;
use tsink_migrate_engine::report::{ExemplarCheckReport, FindingKind, PromqlCheckReport};
use tsink_migrate_engine::wire::prom_json::{QueryResult, QuerySeries};

mod exemplars {
    use super::*;

    fn series(id: &str, exemplars: &[(i64, f64, &str)]) -> Series {
        let exemplars = exemplars.iter().map(|(timestamp, value, trace)| Exemplar {
            labels: Labels::from_pairs([("trace_id", *trace)]),
            value: *value,
            timestamp: *timestamp,
        });
        Series {
            labels: Labels::from_pairs([("__name__", "x_bucket"), ("id", id)]),
            exemplars: exemplars.collect(),
            ..Series::default()
        }
    }

    fn check(source: Vec<Series>, target: Vec<Series>) -> ExemplarCheckReport {
        let window = Window { start_ms: 0, end_ms: 1000 };
        compare_exemplars("x_bucket", source, target, window, &Compare::default(), 100, &Hints::default())
    }

    fn kinds(report: &ExemplarCheckReport) -> Vec<(FindingKind, u64)> {
        report.findings.iter().map(|finding| (finding.kind, finding.count)).collect()
    }

    #[test]
    fn the_same_exemplars_agree_in_any_order_repeated_or_outside_the_window() {
        let report = check(
            vec![series("a", &[(5, 1.0, "t1"), (5, 2.0, "t2"), (9, 3.0, "t3")]), series("empty", &[])],
            vec![series(
                "a",
                &[(9, 3.0, "t3"), (2000, 9.0, "later"), (5, 2.0, "t2"), (5, 1.0, "t1"), (5, 1.0, "t1")],
            )],
        );
        assert!(report.issues.is_empty(), "{:?}", report.issues);
        assert_eq!((report.source_series, report.target_series), (1, 1));
        assert_eq!((report.source_exemplars, report.target_exemplars), (3, 3));
    }

    #[test]
    fn each_difference_is_told() {
        let report = check(
            vec![
                series("a", &[(1, 1.0, "lost"), (2, 2.0, "value"), (3, 3.0, "label")]),
                series("b", &[(1, 1.0, "t")]),
            ],
            vec![
                series("a", &[(2, 2.5, "value"), (3, 3.0, "other"), (4, 4.0, "new")]),
                series("c", &[(1, 1.0, "t")]),
            ],
        );
        use FindingKind::{ExemplarDiffers, ExtraExemplars, MissingExemplars};
        assert_eq!(
            kinds(&report),
            [
                (MissingExemplars, 1),
                (ExtraExemplars, 1),
                (ExemplarDiffers, 2),
                (MissingExemplars, 1),
                (ExtraExemplars, 1)
            ]
        );
        assert_eq!((report.missing_series, report.extra_series, report.exemplar_mismatches), (1, 1, 4));
        assert_eq!(report.issues.len(), 5);
        let differs = &report.findings[2];
        assert_eq!(differs.source_value.as_deref(), Some(r#"2 {trace_id="value"}"#));
        assert_eq!(differs.target_value.as_deref(), Some(r#"2.5 {trace_id="value"}"#));
    }

    #[test]
    fn one_lost_of_several_at_the_same_time_is_one_lost() {
        let all: Vec<(i64, f64, &str)> = vec![(5, 1.0, "t1"), (5, 2.0, "t1"), (5, 3.0, "t2")];
        for lost in 0..3 {
            let mut rest = all.clone();
            rest.remove(lost);
            assert_eq!(
                kinds(&check(vec![series("a", &all)], vec![series("a", &rest)])),
                [(FindingKind::MissingExemplars, 1)]
            );
        }
    }
}

mod metadata {
    use super::*;

    fn entry(metric: &str, metric_type: MetricType, help: &str) -> Metadata {
        Metadata { metric: metric.to_owned(), metric_type, help: help.to_owned(), unit: String::new() }
    }

    #[test]
    fn order_repetition_and_other_metrics_do_not_matter() {
        let one = entry("m", MetricType::Counter, "one");
        let two = entry("m", MetricType::Counter, "two");
        let other = entry("n", MetricType::Gauge, "x");
        let report =
            compare_metadata("m", vec![one.clone(), two.clone(), one.clone()], vec![two, other, one]);
        assert!(report.matched);
        assert_eq!((report.source_entries, report.target_entries), (2, 2));
        assert_eq!(report.issue(), None);
        assert!(report.source.is_empty() && report.target.is_empty());
    }

    #[test]
    fn a_difference_shows_both_sides_and_a_cause() {
        let report = compare_metadata(
            "m",
            vec![entry("m", MetricType::Counter, "h")],
            vec![entry("m", MetricType::Gauge, "h")],
        );
        assert!(!report.matched);
        assert_eq!(
            (report.source[0].metric_type.as_str(), report.target[0].metric_type.as_str()),
            ("counter", "gauge")
        );
        assert_eq!(report.issue().unwrap(), "metadata mismatch for m (source entries 1, target entries 1)");
        let absent = compare_metadata("m", vec![entry("m", MetricType::Counter, "h")], vec![]);
        assert!(absent.explanation().0.starts_with("The backfill has not sent it"));
        assert!(compare_metadata("m", vec![], vec![]).matched);
    }
}

mod parity {
    use super::*;

    fn result(series: &[(&str, &[(i64, f64)])]) -> QueryResult {
        let series = series.iter().map(|(job, points)| QuerySeries {
            labels: Labels::from_pairs([("job", *job)]),
            samples: points
                .iter()
                .map(|(timestamp, value)| Sample { timestamp: *timestamp, value: *value })
                .collect(),
            histograms: Vec::new(),
        });
        QueryResult { series: series.collect(), ..QueryResult::default() }
    }

    fn check(
        query: &str,
        source: &QueryResult,
        target: &QueryResult,
        version: Option<&str>,
    ) -> PromqlCheckReport {
        let hints = ParityHints { source_version: version.map(str::to_owned) };
        compare_query(query, "60s", source, target, &Compare::default(), 10, &hints)
    }

    const RATE: &str = "sum(rate(x[5m])) by (job)";

    /// Points a minute apart over an hour, value and its difference in `from..to`.
    fn hour(base: f64, delta: f64, differing: std::ops::Range<i64>) -> Vec<(i64, f64)> {
        (0..60).map(|at| (at * 60_000, if differing.contains(&at) { base + delta } else { base })).collect()
    }

    #[test]
    fn equal_results_match() {
        let source = result(&[("a", &[(0, 1.0), (60, f64::NAN)]), ("b", &[(0, 2.0)])]);
        let target = result(&[("b", &[(0, 2.0 + 1e-12)]), ("a", &[(60, f64::NAN), (0, 1.0)])]);
        let report = check(RATE, &source, &target, None);
        assert!(report.matched, "{report:?}");
        assert_eq!((report.source_series, report.target_series, report.points), (2, 2, 3));
    }

    #[test]
    fn differences_are_counted_by_time_and_listed_by_series() {
        let source = result(&[("a", &[(0, 1.0), (60, 2.0), (120, 3.0)]), ("b", &[(0, 1.0)])]);
        let target = result(&[("a", &[(60, 2.5), (120, 3.0), (180, 4.0)]), ("b", &[(0, 1.0)])]);
        let report = check("up", &source, &target, None);
        assert!(!report.matched);
        assert_eq!((report.points, report.differing_points), (5, 3));
        let difference = &report.differences[0];
        assert_eq!(
            (difference.series.as_str(), difference.points, difference.first_ms),
            (r#"{job="a"}"#, 3, 0)
        );
        assert_eq!(
            (difference.source_value.as_deref(), difference.target_value.as_deref()),
            (Some("1"), None)
        );
        assert_eq!(difference.max_relative_delta, Some(0.25));
        assert_eq!(report.issues, ["PromQL result mismatch for query up: 3 of 5 points differ, in 1 series"]);
        assert_eq!(report.differences_omitted, 0);
    }

    #[test]
    fn partial_answers_and_warnings_of_the_target_do_not_match() {
        let source = QueryResult { warnings: vec!["note".to_owned()], ..result(&[("a", &[(0, 1.0)])]) };
        let target = QueryResult {
            partial: true,
            warnings: vec!["shard 2 is down".to_owned()],
            ..result(&[("a", &[(0, 1.0)])])
        };
        let report = check("up", &source, &target, None);
        assert!(!report.matched && report.target_partial_response && report.differing_points == 0);
        assert_eq!(report.issues.len(), 2);
        assert!(
            check("up", &source, &source.clone(), None).issues.iter().all(|issue| issue.contains("warnings"))
        );
        let warned_source_only = check("up", &source, &result(&[("a", &[(0, 1.0)])]), None);
        assert!(warned_source_only.matched);
    }

    #[test]
    fn histograms_are_compared_as_structures() {
        let with = |text: &str| QueryResult {
            series: vec![QuerySeries { histograms: vec![(0, text.to_owned())], ..QuerySeries::default() }],
            ..QueryResult::default()
        };
        let one = with(r#"{"count":"3","sum":"1.5","buckets":[[0,"1","2","3"]]}"#);
        let same = with(r#"{"sum":"1.50","count":"3","buckets":[[0,"1","2","3.0"]]}"#);
        let other = with(r#"{"count":"3","sum":"1.5","buckets":[[0,"1","2","2"]]}"#);
        assert!(check("x", &one, &same, None).matched);
        assert!(!check("x", &one, &other, None).matched);
    }

    #[test]
    fn closed_and_left_open_ranges_are_recognised_as_a_cause() {
        let source = result(&[("a", &hour(100.0, 3.0, 0..60))]);
        let target = result(&[("a", &hour(100.0, 0.0, 0..0))]);
        let cause = |query: &str, version: Option<&str>| {
            let report = check(query, &source, &target, version);
            assert!(!report.matched, "a cause does not make it match");
            report.cause
        };
        for query in [RATE, "max_over_time(rate(x[1m])[10m:])", "-(1 + topk(2, delta(x[5m] offset 1m)))"] {
            assert!(
                cause(query, Some("Prometheus 2.42.0"))
                    .starts_with("The source is Prometheus 2.42.0: a range"),
                "{query}"
            );
            assert!(cause(query, None).starts_with("If the source is a Prometheus 2:"));
            assert_eq!(cause(query, Some("Prometheus 3.5.0")), "");
            assert_eq!(cause(query, Some("VictoriaMetrics 2.0.0")), "");
        }
        for query in ["sum(x)", r#"x{a="[5m]"}"#, "not a query [["] {
            assert_eq!(cause(query, Some("Prometheus 2.42.0")), "", "{query}");
        }
    }

    #[test]
    fn other_causes_are_told() {
        let source = result(&[("a", &hour(100.0, 0.0, 0..0))]);
        let cause = |query: &str, target: &QueryResult| {
            check(query, &source, target, Some("Prometheus 2.42.0")).cause
        };
        assert!(cause(RATE, &result(&[])).starts_with("The target has nothing that this query reads"));
        assert!(
            cause(RATE, &result(&[("a", &hour(100.0, 1e-6, 0..60))]))
                .starts_with("The values differ by as little")
        );
        // The first five minutes look back to before the window.
        let first = result(&[("a", &hour(100.0, 3.0, 0..5))]);
        assert!(cause(RATE, &first).starts_with("Only the first points differ"));
        assert!(cause("sum(rate(x[2m]))", &first).starts_with("The source is Prometheus 2.42.0"));
    }

    #[test]
    fn the_list_is_capped() {
        let names: Vec<String> = (0..30).map(|id| format!("{id:02}")).collect();
        let point: &[(i64, f64)] = &[(0, 1.0)];
        let series: Vec<(&str, &[(i64, f64)])> = names.iter().map(|name| (name.as_str(), point)).collect();
        let report = check("x", &result(&series), &result(&series[..5]), None);
        assert_eq!(
            (report.differences.len(), report.differences_omitted, report.differing_points),
            (10, 15, 25)
        );
    }
}
