//! Documents of every kind, one that passes and one that fails, for the renderers' tests. Hostile texts stand
//! wherever a plan or a server can put them.

mod explored;

pub use explored::{explored, repair, signed};
use std::collections::BTreeMap;
use tsink_migrate_engine::capture::RefusalKind;
use tsink_migrate_engine::compare::{
    Hints, ParityHints, RawComparison, compare_exemplars, compare_metadata, compare_query,
};
use tsink_migrate_engine::model::{
    Exemplar, Labels, Metadata, MetricType, STALE_NAN_BITS, Sample, Series, Window,
};
use tsink_migrate_engine::plan::{Compare, SourceKind};
use tsink_migrate_engine::report::*;
use tsink_migrate_engine::wire::prom_json::{QueryResult, QuerySeries};
use tsink_migrate_engine::{Error, ErrorKind, Side};

pub const START: i64 = 1_763_510_400_000;
pub const END: i64 = 1_763_596_800_000;
const WINDOW: Window = Window { start_ms: START, end_ms: END };
pub const HOSTILE: &str =
    "a|b `c` <img src=x> ![x](https://evil.example) @team\nnext \u{202e}line \u{1b}[31m";

fn run() -> RunInfo {
    RunInfo {
        tool: "tsink-migrate (wasm)".to_owned(),
        version: "0.1.0".to_owned(),
        started_ms: END + 60_000,
        finished_ms: END + 78_742,
        duration_ms: 18_742,
        source: "http://prometheus:9090/".to_owned(),
        target: "http://tsink:9201/".to_owned(),
        tenant: "default".to_owned(),
        ..RunInfo::default()
    }
}

fn endpoint(side: Side, name: &str, purpose: &str, path: &str) -> EndpointCheck {
    EndpointCheck {
        side,
        name: name.to_owned(),
        purpose: purpose.to_owned(),
        url: format!("http://{side}.example{path}"),
        level: Level::Ok,
        status: Some(200),
        latency_ms: Some(12),
        message: "answers".to_owned(),
        error: None,
    }
}

fn capabilities(histograms_enabled: bool) -> Capabilities {
    Capabilities {
        metadata_enabled: true,
        exemplars_enabled: true,
        histograms_enabled,
        otlp_enabled: true,
        otlp_supported_shapes: vec!["gauge".to_owned(), "sum:cumulative".to_owned()],
        influx_line_protocol_enabled: true,
        statsd_enabled: false,
        graphite_enabled: false,
    }
}

fn continued() -> Continued {
    Continued { since_ms: START - 90_000, runs: 2, slabs: 7, rows: 3_360_000, elapsed_ms: 61_500 }
}

fn slowest() -> Vec<SlabTiming> {
    let slab = |start_ms, took_ms| SlabTiming {
        selector: "up{job=\"node\"}".to_owned(),
        window: Window { start_ms, end_ms: start_ms + 7_199_999 },
        rows: 480_000,
        took_ms,
    };
    vec![slab(START + 7_200_000, 4_210), slab(START, 905)]
}

pub fn preflight(pass: bool) -> PreflightReport {
    let mut endpoints = vec![
        endpoint(Side::Source, "remote_read_url", "read samples", "/api/v1/read"),
        endpoint(Side::Target, "write_url", "write samples", "/api/v1/write"),
    ];
    let mut notes = vec![Note {
        level: Level::Info,
        code: "staleness".to_owned(),
        message: "Staleness markers are migrated as they are.".to_owned(),
        remedy: String::new(),
    }];
    if !pass {
        let mut error = Error::new(ErrorKind::AuthInvalid, "the token was not accepted")
            .side(Side::Target)
            .url("http://target.example/api/v1/write")
            .remedy("Check target.headers.Authorization.");
        error.status = Some(401);
        error.server_message = Some(HOSTILE.to_owned());
        endpoints[1] = EndpointCheck {
            level: Level::Fail,
            status: Some(401),
            message: error.message.clone(),
            error: Some(error),
            ..endpoints[1].clone()
        };
        notes.push(Note {
            level: Level::Fail,
            code: "retention".to_owned(),
            message: "The window begins before what the target keeps.".to_owned(),
            remedy: "Start tsink with --retention 400d.".to_owned(),
        });
        notes.push(Note {
            level: Level::Warn,
            code: "metadata_skipped".to_owned(),
            message: "Metadata is skipped: source.metadata_url is not set.".to_owned(),
            remedy: String::new(),
        });
    }
    PreflightReport {
        status: if pass { Status::Pass } else { Status::Fail },
        start_ms: START,
        end_ms: END,
        endpoints,
        source_version: Some("Prometheus 2.42.0".to_owned()),
        target_version: Some("tsink 0.10.2".to_owned()),
        target_payloads: Some(capabilities(pass)),
        target_retention_ms: Some(14 * 86_400_000),
        recording: None,
        target_oldest_ms: Some(END - 14 * 86_400_000),
        estimate: Some(Estimate {
            selectors: vec![SelectorEstimate {
                selector: r#"http_requests_total{code=~"4..|5.."}"#.to_owned(),
                series: 800,
                rows: 4_608_000,
                has_histograms: false,
            }],
            series: 800,
            rows: 4_608_000,
            duration_ms: 8_600,
        }),
        notes,
        run: run(),
    }
}

pub fn backfill(pass: bool) -> BackfillReport {
    let line = |read: u64, rejected: u64| BalanceLine {
        read,
        written: read - rejected,
        rejected: if rejected > 0 {
            BTreeMap::from([("retention".to_owned(), rejected)])
        } else {
            BTreeMap::new()
        },
        ..BalanceLine::default()
    };
    let lost = if pass { 0 } else { 25_000 };
    let mut error = Error::new(ErrorKind::Retention, "samples are older than the target keeps")
        .side(Side::Target)
        .url("http://target.example/api/v1/write?token=secret")
        .remedy("Start tsink with a longer --retention.");
    error.status = Some(422);
    error.server_message = Some(HOSTILE.to_owned());
    let rejection = Rejection {
        reason: "retention".to_owned(),
        selector: Some("http_requests_total".to_owned()),
        series: vec![format!("http_requests_total{{path={HOSTILE:?}}}")],
        rows: lost,
        first_ms: Some(START),
        last_ms: Some(START + 3_600_000),
        error,
    };
    BackfillReport {
        status: if pass { Status::Pass } else { Status::Fail },
        source_kind: SourceKind::Prometheus,
        start_ms: START,
        end_ms: END,
        selector_count: 2,
        series_written: 1000,
        samples_written: 5_760_000 - lost,
        histograms_written: 1440,
        exemplars_written: 37,
        metadata_written: 2,
        write_batches: 231,
        notes: vec!["Metadata of 2 metrics was written.".to_owned()],
        cancelled: false,
        balance: Balance {
            samples: line(5_760_000, lost),
            histograms: line(1440, 0),
            exemplars: line(37, 0),
            metadata: line(2, 0),
            closes: true,
        },
        rejections: if pass { vec![] } else { vec![rejection] },
        rejections_omitted: if pass { 0 } else { 3 },
        retries: 4,
        write_consistency: None,
        issues: if pass { vec![] } else { vec!["25,000 samples were refused: retention".to_owned()] },
        preflight: preflight(true),
        run: run(),
        continued: pass.then(continued),
        slowest: slowest(),
    }
}

fn series(id: &str, values: &[f64]) -> Series {
    let samples = values
        .iter()
        .enumerate()
        .map(|(at, value)| Sample { timestamp: START + at as i64 * 15_000, value: *value });
    Series {
        labels: Labels::from_pairs([("__name__", "http_requests_total"), ("path", id)]),
        samples: samples.collect(),
        ..Series::default()
    }
}

fn raw_check(pass: bool) -> RawCheckReport {
    let stale = f64::from_bits(STALE_NAN_BITS);
    let source =
        vec![series("/a", &[1.0, 2.0, 3.0, stale]), series(HOSTILE, &[1.0, 2.0]), series("/z", &[0.5])];
    let mut target = source.clone();
    if !pass {
        target.remove(1);
        target[0].samples.remove(1);
        target[0].samples[2].value = f64::NAN;
        target[1].samples[0].value = 0.75;
    }
    let mut check = RawComparison::new(r#"http_requests_total{path!~"x|y"}"#, &Compare::default(), 3);
    check.slab(Window { start_ms: START, end_ms: END - 1 }, source, target);
    if !pass {
        let mut error = Error::new(ErrorKind::Unavailable, "the server is not available")
            .side(Side::Source)
            .url("http://source.example/api/v1/read")
            .remedy("Wait until it has started, then verify again.");
        error.status = Some(503);
        error.server_message = Some(HOSTILE.to_owned());
        check.not_compared(Window { start_ms: END, end_ms: END }, &error);
    }
    check.finish(&Hints { now_ms: END + 60_000, tenant: "default".to_owned(), ..Hints::default() })
}

fn exemplar_check(pass: bool) -> ExemplarCheckReport {
    let exemplar = |value: f64| Exemplar {
        labels: Labels::from_pairs([("trace_id", "abc")]),
        value,
        timestamp: START + 1000,
    };
    let with = |exemplars| vec![Series { exemplars, ..series("/a", &[]) }];
    let target = if pass { vec![exemplar(0.5)] } else { vec![exemplar(0.75)] };
    let (source, hints) = (with(vec![exemplar(0.5)]), Hints::default());
    compare_exemplars("http_requests_total", source, with(target), WINDOW, &Compare::default(), 10, &hints)
}

fn metadata_check(pass: bool) -> MetadataCheckReport {
    let entry = |help: &str| Metadata {
        metric: "http_requests_total".to_owned(),
        metric_type: MetricType::Counter,
        help: help.to_owned(),
        unit: String::new(),
    };
    let target = if pass { "Requests." } else { HOSTILE };
    compare_metadata("http_requests_total", vec![entry("Requests.")], vec![entry(target)])
}

pub fn verify(pass: bool) -> VerifyReport {
    let raw_checks = vec![raw_check(pass)];
    let metadata_checks = vec![metadata_check(pass)];
    let exemplar_checks = vec![exemplar_check(pass)];
    let mut issues: Vec<String> = raw_checks.iter().flat_map(|check| check.issues.clone()).collect();
    issues.extend(metadata_checks.iter().filter_map(MetadataCheckReport::issue));
    issues.extend(exemplar_checks.iter().flat_map(|check| check.issues.clone()));
    VerifyReport {
        status: if pass { Status::Pass } else { Status::Fail },
        start_ms: START,
        end_ms: END,
        raw_checks,
        metadata_checks,
        exemplar_checks,
        issues,
        notes: vec![],
        run: run(),
        recheck: None,
        continued: pass.then(continued),
        slowest: slowest(),
    }
}

fn promql_check(pass: bool) -> PromqlCheckReport {
    let result = |value: f64| QueryResult {
        series: vec![QuerySeries {
            labels: Labels::from_pairs([("job", "api|web")]),
            samples: (0..60).map(|at| Sample { timestamp: START + at * 60_000, value }).collect(),
            histograms: Vec::new(),
        }],
        ..QueryResult::default()
    };
    let mut target = result(if pass { 1341.62 } else { 1337.93 });
    if !pass {
        target.warnings.push(HOSTILE.to_owned());
    }
    let query = "sum(rate(http_requests_total[5m])) by (job)";
    let hints = ParityHints { source_version: Some("Prometheus 2.42.0".to_owned()) };
    compare_query(query, "60s", &result(1341.62), &target, &Compare::default(), 10, &hints)
}

pub fn cutover(pass: bool) -> CutoverReport {
    let raw_verify = verify(pass);
    let promql_checks = vec![promql_check(pass)];
    let mut issues = raw_verify.issues.clone();
    if !pass {
        issues.push("target histogram payload support is disabled".to_owned());
    }
    issues.extend(promql_checks.iter().flat_map(|check| check.issues.clone()));
    CutoverReport {
        status: if pass { Status::Pass } else { Status::Fail },
        start_ms: START,
        end_ms: END,
        target_payloads: Some(capabilities(pass)),
        raw_verify,
        promql_checks,
        issues,
        notes: vec![],
        run: run(),
        checklist: Vec::new(),
        probes: Vec::new(),
        freshness: Vec::new(),
        open_differences: Vec::new(),
        balance: None,
        undo: None,
    }
}

/// Every kind of report, passing and failing, with a name for its snapshots.
pub fn all() -> Vec<(String, Report)> {
    let kinds = |pass: bool| {
        [
            ("preflight", Report::Preflight(preflight(pass))),
            ("backfill", Report::Backfill(backfill(pass))),
            ("verify", Report::Verify(verify(pass))),
            ("cutover", Report::Cutover(cutover(pass))),
        ]
        .map(|(kind, report)| (format!("{kind}-{}", if pass { "pass" } else { "fail" }), report))
    };
    let recorded = ("backfill-recorded".to_owned(), Report::Backfill(recorded()));
    let rest = [
        recorded,
        ("verify-explored".to_owned(), Report::Verify(explored())),
        ("cutover-signed".to_owned(), Report::Cutover(signed())),
        ("repair-pass".to_owned(), Report::Repair(repair(true))),
        ("repair-fail".to_owned(), Report::Repair(repair(false))),
    ];
    kinds(true).into_iter().chain(kinds(false)).chain(rest).collect()
}

/// A recording with everything that can be said about one, all of it hostile.
pub fn recording() -> Recording {
    Recording {
        kind: SourceKind::InfluxLineProtocol,
        manifest: format!("captures/{HOSTILE}.json"),
        manifest_bytes: 90_000_000,
        entries: 247,
        payload_bytes: 88_123_456,
        bad_entries: 102,
        bad: vec![
            BadEntry {
                entry: Some(3),
                line: 17,
                problem: format!("{HOSTILE} is not there"),
                remedy: "On the page, drop the file or its folder too.".to_owned(),
            },
            BadEntry {
                entry: None,
                line: 900,
                problem: "byte 81234: the manifest breaks off here; nothing behind it can be read".to_owned(),
                remedy: "It was not copied whole: fetch it again, or record again.".to_owned(),
            },
        ],
        units: 1_000_000,
        refused: 12,
        refusals: vec![RefusalGroup {
            kind: RefusalKind::StringField,
            count: 12,
            examples: vec![RefusalExample {
                entry: 4,
                place: "line 3".to_owned(),
                text: format!("cpu state={HOSTILE:?} 1763424000000"),
                message: "field 'state' string fields are not supported".to_owned(),
            }],
        }],
        flags: vec![FlagGroup { flag: Flag::PayloadLines, count: 2, first_entry: 9 }],
        hints: vec!["entry 5: unknown field \"note\"".to_owned()],
        series: 1_000,
        samples: 2_999_964,
        exemplars: 0,
        not_selected: 999_988,
        outside_window: 7,
        first_ms: Some(START),
        last_ms: Some(END),
        metrics: vec![MetricPreview {
            name: HOSTILE.to_owned(),
            kind: MetricType::Gauge,
            series: 1_000,
            samples: 2_999_964,
            first_ms: START,
            last_ms: END,
            line: "cpu,host=a value=1".to_owned(),
            becomes: "cpu{host=\"a\"} = 1".to_owned(),
        }],
        metrics_omitted: 3,
        shapes: BTreeMap::new(),
    }
}

/// The backfill of a recording.
pub fn recorded() -> BackfillReport {
    let mut report = backfill(true);
    report.source_kind = SourceKind::InfluxLineProtocol;
    report.preflight.recording = Some(Box::new(recording()));
    report
}
