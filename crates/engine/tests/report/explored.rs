//! Documents with everything that a report can hold: pictures, explanations, a checklist, the way back. Written by
//! hand, so that they change only with the document model.

use super::{END, HOSTILE, START, backfill, capabilities, run, verify};
use std::collections::BTreeMap;
use tsink_migrate_engine::model::Window;
use tsink_migrate_engine::report::*;

/// A run that went on for a while, with a slow part in the middle.
pub fn long_run() -> RunInfo {
    let mut progress = Vec::new();
    let mut done = 0;
    for at in 0..60_u64 {
        let rate = if (30..38).contains(&at) { 120_000.0 } else { 300_000.0 + (at % 7) as f64 * 9_000.0 };
        let point =
            ProgressPoint { elapsed_ms: at * 300, done, read: done + 25_000, rate, in_flight: at % 4 };
        progress.push(point);
        done += (rate * 0.3) as u64;
    }
    let selectors = vec!["http_requests_total".to_owned(), format!("node_load1{{job={HOSTILE:?}}}")];
    RunInfo { progress, selectors, ..run() }
}

fn points(values: impl IntoIterator<Item = (i64, &'static str)>) -> Vec<ExcerptPoint> {
    let point =
        |(at, value): (i64, &str)| ExcerptPoint { at_ms: START + at * 15_000, value: value.to_owned() };
    values.into_iter().map(point).collect()
}

fn wave(range: std::ops::Range<i64>, without: std::ops::Range<i64>) -> Vec<ExcerptPoint> {
    let point = |at: i64| ExcerptPoint {
        at_ms: START + at * 15_000,
        value: format!("{:.3}", 2.0 + (at as f64 / 5.0).sin() + (at as f64 / 3.0).cos() / 3.0),
    };
    range.filter(|at| !without.contains(at)).map(point).collect()
}

fn times(range: std::ops::Range<i64>) -> Vec<i64> {
    range.map(|at| START + at * 15_000).collect()
}

/// One finding of each interesting shape.
pub fn findings() -> Vec<Finding> {
    let finding = |kind, series: &str, detail: &str| Finding {
        series: series.to_owned(),
        selector: "node_load1".to_owned(),
        detail: detail.to_owned(),
        count: 1,
        first_ms: Some(START + 30_000),
        last_ms: Some(START + 30_000),
        ..Finding::of(kind)
    };
    vec![
        Finding {
            count: 12,
            first_ms: Some(START + 20 * 15_000),
            last_ms: Some(START + 31 * 15_000),
            source_value: Some("2.034".to_owned()),
            cause: "One write was lost: the target answered 500 and the batch was not sent again.".to_owned(),
            remedy: "Repair the part: it is read and written once more.".to_owned(),
            excerpt: Some(Excerpt {
                source: wave(0..48, 0..0),
                target: wave(0..48, 20..32),
                differing_ms: times(20..32),
            }),
            ..finding(
                FindingKind::MissingSamples,
                r#"node_load1{instance="10.1.0.9:9100"}"#,
                "12 samples from 2025-11-19T00:05:00Z are in the source only",
            )
        },
        Finding {
            source_value: Some("1000000".to_owned()),
            target_value: Some("1000001".to_owned()),
            absolute_delta: Some(1.0),
            relative_delta: Some(1e-6),
            excerpt: Some(Excerpt {
                source: points([
                    (0, "0.5"),
                    (1, "40"),
                    (2, "1000000"),
                    (3, "NaN"),
                    (4, "StaleNaN"),
                    (5, "3"),
                    (6, "+Inf"),
                    (7, "7"),
                ]),
                target: points([
                    (0, "0.5"),
                    (1, "40"),
                    (2, "1000001"),
                    (3, "NaN"),
                    (4, "NaN"),
                    (5, "3"),
                    (6, "-Inf"),
                    (7, "7"),
                ]),
                differing_ms: vec![START + 30_000, START + 60_000, START + 90_000],
            }),
            ..finding(FindingKind::ValueDiffers, &format!("node_load1{{instance={HOSTILE:?}}}"), HOSTILE)
        },
        Finding {
            field: "positive_buckets".to_owned(),
            source_value: Some("3".to_owned()),
            target_value: Some("4".to_owned()),
            ..finding(
                FindingKind::HistogramDiffers,
                "latency_seconds",
                "1 histogram in positive bucket 3: it is 3 at the source, 4 at the target",
            )
        },
        Finding {
            shift_ms: Some(-1),
            count: 5760,
            cause: "A writer on the way rounds timestamps.".to_owned(),
            ..finding(
                FindingKind::TimestampShifted,
                r#"node_load1{instance="b"}"#,
                "5,760 samples lie 1 ms earlier",
            )
        },
        Finding {
            relative_delta: Some(5.9e-8),
            absolute_delta: Some(0.000_000_1),
            source_value: Some("1.6777217".to_owned()),
            target_value: Some("1.6777216".to_owned()),
            ..finding(
                FindingKind::PrecisionLost,
                r#"node_load1{instance="c"}"#,
                "the target has 32-bit floats",
            )
        },
    ]
}

fn coverage() -> Coverage {
    let row = |series: &str, cells: String| CoverageRow { series: series.to_owned(), cells };
    Coverage {
        start_ms: START,
        column_ms: 1_800_000,
        rows: vec![
            row("", "=".repeat(20) + "x--" + &"=".repeat(20) + "+??.."),
            row(r#"node_load1{instance="10.1.0.9:9100"}"#, "=".repeat(20) + "---" + &"=".repeat(25)),
            row(
                &format!("node_load1{{instance={HOSTILE:?}}}"),
                "=".repeat(20) + "x==" + &"=".repeat(20) + "+??..",
            ),
            row(r#"node_load1{instance="c"}"#, "..".to_owned() + &"=".repeat(46)),
        ],
        series_omitted: 196,
    }
}

fn raw_check() -> RawCheckReport {
    let findings = findings();
    RawCheckReport {
        selector: "node_load1".to_owned(),
        source_series: 200,
        target_series: 199,
        source_rows: 1_152_010,
        target_rows: 1_146_239,
        source_samples: 1_152_000,
        target_samples: 1_146_229,
        source_histograms: 10,
        target_histograms: 10,
        missing_series: 1,
        sample_mismatches: 5_775,
        histogram_mismatches: 1,
        missing_samples: 12,
        differing_samples: 3,
        shifted_samples: 5_760,
        by_kind: BTreeMap::from([
            (FindingKind::MissingSeries, 1),
            (FindingKind::MissingSamples, 7),
            (FindingKind::ValueDiffers, 1),
            (FindingKind::HistogramDiffers, 1),
            (FindingKind::TimestampShifted, 1),
            (FindingKind::PrecisionLost, 1),
        ]),
        differing: vec![
            Window { start_ms: START, end_ms: START + 3_599_999 },
            Window { start_ms: START + 36_000_000, end_ms: START + 43_199_999 },
        ],
        coverage: coverage(),
        issues: findings.iter().map(Finding::sentence).collect(),
        findings,
        findings_omitted: 7,
        ..RawCheckReport::default()
    }
}

/// A verification that found something of everything.
pub fn explored() -> VerifyReport {
    let check = raw_check();
    VerifyReport {
        status: Status::Fail,
        issues: check.issues.clone(),
        raw_checks: vec![check],
        metadata_checks: Vec::new(),
        exemplar_checks: Vec::new(),
        recheck: Some(RecheckReport {
            settle_ms: 300_000,
            waited_ms: 12_000,
            slabs: 3,
            reads: 7,
            settled: 2,
        }),
        notes: vec!["node_load5 was skipped: it has no samples.".to_owned()],
        run: long_run(),
        continued: None,
        slowest: Vec::new(),
        ..verify(true)
    }
}

/// A repair; one that failed could not mend everything.
pub fn repair(pass: bool) -> RepairReport {
    let copied = backfill(pass);
    let lost = if pass {
        Vec::new()
    } else {
        vec![format!("1 value differs in {HOSTILE}; delete it at the target first")]
    };
    let verify = if pass { verify(true) } else { explored() };
    RepairReport {
        status: verify.status,
        start_ms: START,
        end_ms: END,
        repaired: vec![RepairedSelector {
            selector: if pass { "node_load1".to_owned() } else { format!("node_load1{{job!={HOSTILE:?}}}") },
            windows: raw_check().differing,
        }],
        samples_written: 118_000,
        histograms_written: 3,
        exemplars_written: 1,
        metadata_written: 0,
        write_batches: 6,
        retries: 1,
        balance: copied.balance,
        rejections: copied.rejections,
        rejections_omitted: 0,
        issues: verify.issues.iter().chain(&lost).cloned().collect(),
        unrepairable: lost,
        verify,
        notes: vec!["2 parts were read again from the source.".to_owned()],
        run: if pass { run() } else { long_run() },
    }
}

fn closed_windows() -> PromqlCheckReport {
    let query = "sum by (job) (increase(http_requests_total[5m]))".to_owned();
    PromqlCheckReport {
        issues: vec![format!("PromQL result mismatch for query {query}")],
        query,
        step: "60s".to_owned(),
        source_warnings: vec![HOSTILE.to_owned()],
        source_series: 2,
        target_series: 2,
        points: 2_882,
        differing_points: 1_441,
        differences: vec![ParityDifference {
            series: format!("{{job={HOSTILE:?}}}"),
            points: 1_441,
            first_ms: START,
            source_value: Some("21".to_owned()),
            target_value: Some("20".to_owned()),
            max_relative_delta: Some(0.0476),
            max_absolute_delta: Some(1.0),
            explained: true,
            excerpt: Some(Excerpt {
                source: points((0..20).map(|at| (at, if at % 3 == 0 { "21" } else { "20" }))),
                target: points((0..20).map(|at| (at, "20"))),
                differing_ms: (0..20).step_by(3).map(|at| START + at * 15_000).collect(),
            }),
        }],
        differences_omitted: 1,
        cause: "Range windows are closed at the source, left-open at the target.".to_owned(),
        explanation: Some(Explanation {
            code: "closed_range_windows".to_owned(),
            text: "Prometheus 2 counts a sample at the very start of a range window; tsink and Prometheus 3 do not.".to_owned(),
            established: "Asked again with ranges shorter by 1 ms, the source gives the target’s result.".to_owned(),
            points: 1_441,
            whole: true,
        }),
        accepted: true,
        ..PromqlCheckReport::default()
    }
}

/// A cutover check with a whole checklist.
pub fn signed() -> CutoverReport {
    let raw_verify = explored();
    let item = |code: &str, title: &str, level, evidence: &str, remedy: &str| CheckItem {
        code: code.to_owned(),
        title: title.to_owned(),
        level,
        evidence: evidence.to_owned(),
        remedy: remedy.to_owned(),
    };
    let probe = |feature: &str, needed_for: &str, level, server_words: &str| FeatureProbe {
        feature: feature.to_owned(),
        needed_for: needed_for.to_owned(),
        level,
        server_words: server_words.to_owned(),
        remedy: if level == Level::Fail { "Start tsink with TSINK_STATSD_BIND." } else { "" }.to_owned(),
    };
    let mut issues = raw_verify.issues.clone();
    issues.push("The target is behind the source by 4 min.".to_owned());
    CutoverReport {
        status: Status::Fail,
        start_ms: START,
        end_ms: END,
        target_payloads: Some(capabilities(true)),
        raw_verify,
        promql_checks: vec![closed_windows()],
        checklist: vec![
            item(
                "data_verified",
                "The data is verified",
                Level::Fail,
                "12 samples are missing.",
                "Repair, then check again.",
            ),
            item(
                "capabilities",
                "The target takes what is sent",
                Level::Ok,
                "Metadata, exemplars and histograms are on.",
                "",
            ),
            item(
                "parity",
                "Queries answer the same",
                Level::Warn,
                HOSTILE,
                "options.accept_explained lets explained differences pass.",
            ),
            item("balance", "The balance closes", Level::Info, "No report of a backfill was given.", ""),
            item("way_back", "There is a way back", Level::Ok, "A delete would cover 199 series.", ""),
        ],
        probes: vec![
            probe("metadata", "metadata of 2 metrics", Level::Ok, r#"{"metadata":{"enabled":true}}"#),
            probe("statsd", "the recorded packets", Level::Fail, HOSTILE),
        ],
        freshness: vec![
            Freshness {
                selector: "node_load1".to_owned(),
                source_newest_ms: Some(END),
                target_newest_ms: Some(END - 240_000),
                lag_ms: Some(240_000),
            },
            Freshness {
                selector: HOSTILE.to_owned(),
                source_newest_ms: None,
                target_newest_ms: Some(END),
                lag_ms: None,
            },
        ],
        open_differences: vec![
            AgeGroup { younger_than_ms: Some(300_000), findings: 0, rows: 0 },
            AgeGroup { younger_than_ms: Some(86_400_000), findings: 11, rows: 5_775 },
            AgeGroup { younger_than_ms: None, findings: 1, rows: 1 },
        ],
        balance: Some(backfill(true).balance),
        undo: Some(Undo {
            url: Some("http://tsink:9201/api/v1/admin/tsdb/delete_series".to_owned()),
            tenant: "default".to_owned(),
            selectors: vec!["node_load1".to_owned(), format!("up{{job={HOSTILE:?}}}")],
            start_ms: START,
            end_ms: END,
            series: Some(199),
            warnings: vec!["Samples that the target had before would go too.".to_owned()],
            confirmation: format!("delete from default {HOSTILE}"),
        }),
        issues,
        notes: vec!["The window ends before the newest sample.".to_owned()],
        run: long_run(),
    }
}
