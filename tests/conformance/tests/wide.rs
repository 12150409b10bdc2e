//! A selector with 60,000 series, in real servers: it is cut into parts by label values, and everything arrives once.

use conformance::native_ports::{block_on, ports};
use conformance::plan_for;
use conformance::world::on_sound;
use std::cell::RefCell;
use std::rc::Rc;
use tsink_migrate_engine::model::Window;
use tsink_migrate_engine::plan::{Plan, SourceKind};
use tsink_migrate_engine::report::{Report, Status};
use tsink_migrate_engine::run::{Control, Event, Given, Job, Stage, execute};
use tsink_migrate_engine::selector::Selector;
use tsink_migrate_testkit::history::load_slabs;
use tsink_migrate_testkit::servers::{
    Prometheus, PrometheusOptions, Tsink, TsinkOptions, VictoriaMetrics, VictoriaMetricsOptions,
};
use tsink_migrate_testkit::wire::{Sample, TimeSeries};

const START: i64 = 1_763_510_400_000;
const SERIES: usize = 60_000;
const ROWS: i64 = 3;

/// Pods with names that a regular expression has words for, in three zones; some have no zone.
fn history() -> Vec<TimeSeries> {
    (0..SERIES)
        .map(|at| {
            let pod = format!("web-{:03}.{at:05}|(x)", at / 100);
            let mut labels = vec![("pod", pod.as_str())];
            if at % 4 > 0 {
                labels.push(("zone", ["a", "b.c", "ü+"][at % 4 - 1]));
            }
            let mut series = TimeSeries::new("wide_metric", &labels);
            series.samples = (0..ROWS)
                .map(|n| Sample { timestamp: START + n * 60_000 + at as i64 % 1_000, value: at as f64 })
                .collect();
            series
        })
        .collect()
}

/// In memory: on disk it closes its storage by itself now and then.
fn target() -> Tsink {
    Tsink::start(TsinkOptions { in_memory: true, ..TsinkOptions::default() }).expect("tsink")
}

fn migrate(mut plan: Plan) -> (Vec<Report>, Vec<String>) {
    plan.selectors = vec![Selector::parse("wide_metric").expect("a selector")];
    plan.source.headers.clear();
    let window = Window { start_ms: START - 60_000, end_ms: START + 10 * 60_000 };
    let parts = Rc::new(RefCell::new(Vec::new()));
    let seen = parts.clone();
    let sink = Rc::new(move |event: Event| {
        if let Event::Slabs { stage: Stage::Backfill, selectors, .. } = event {
            *seen.borrow_mut() = selectors;
        }
    });
    let stages = vec![Stage::Backfill, Stage::Verify];
    let job = Job { plan, window, stages, given: Given::default(), fresh: false };
    let reports = block_on(execute(ports(), job, Control::new(), sink)).expect("reports");
    (reports, parts.take())
}

fn assert_whole((reports, parts): (Vec<Report>, Vec<String>)) {
    let [Report::Backfill(backfill), Report::Verify(verify)] = reports.as_slice() else {
        panic!("{reports:?}")
    };
    assert_eq!(backfill.status, Status::Pass, "{:?}", backfill.issues);
    let rows = SERIES as u64 * ROWS as u64;
    assert_eq!((backfill.series_written, backfill.samples_written), (SERIES as u64, rows));
    assert_eq!(backfill.balance.samples.deduplicated, 0, "the parts are disjoint");
    assert!(backfill.notes.iter().all(|note| !note.contains("by time only")), "{:?}", backfill.notes);
    assert!((4..=40).contains(&parts.len()), "{} parts", parts.len());
    assert!(parts.iter().any(|part| part.contains("!~")), "{parts:?}");
    assert_eq!(verify.status, Status::Pass, "{:?}", verify.issues);
    assert_eq!(verify.raw_checks[0].source_samples, rows);
    assert_eq!(verify.raw_checks[0].target_samples, rows);
}

#[test]
fn from_prometheus() {
    let start = || {
        let prometheus = Prometheus::start(PrometheusOptions::default()).expect("Prometheus");
        load_slabs(&prometheus.endpoint(), std::iter::once(history())).expect("history");
        (prometheus, target())
    };
    on_sound(
        start,
        |(_, tsink)| tsink,
        |(prometheus, tsink)| {
            assert_whole(migrate(plan_for(&prometheus.url(), &tsink.url())));
        },
    );
}

#[test]
fn from_victoriametrics() {
    let start = || {
        let source = VictoriaMetrics::start(VictoriaMetricsOptions::default()).expect("VictoriaMetrics");
        source.write(history()).expect("history");
        (source, target())
    };
    on_sound(
        start,
        |(_, tsink)| tsink,
        |(source, tsink)| {
            let mut plan = plan_for(&source.url(), &tsink.url());
            plan.source.kind = SourceKind::VictoriaMetrics;
            plan.source.remote_read_url = String::new();
            plan.source.exemplar_url = None;
            plan.source.export_url = Some(format!("{}/api/v1/export", source.url()));
            assert_whole(migrate(plan));
        },
    );
}
