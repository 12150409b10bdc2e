//! What both sides hold before anything is damaged.

use tsink_migrate_engine::model::{
    Exemplar, Histogram, Labels, Metadata, MetricType, STALE_NAN_BITS, Sample, Series, Window,
};
use tsink_migrate_engine::wire::types::BucketSpan;
use tsink_migrate_engine::wire::types::histogram::{Count, ZeroCount};

pub const START: i64 = 1_763_510_400_000;
pub const STEP: i64 = 15_000;
/// Two hours, with a row on its first and last ms.
pub const WINDOW: Window = Window { start_ms: START, end_ms: START + 480 * STEP };
/// Finds every series of the copy and of every case.
pub const SELECTOR: &str = r#"{__name__=~"mt_.+"}"#;
/// What has exemplars.
pub const EXEMPLARS: &str = "mt_requests_bucket";
/// What has metadata.
pub const METRICS: [&str; 1] = ["mt_temperature"];

pub const STALE: f64 = f64::from_bits(STALE_NAN_BITS);

/// What a side holds.
#[derive(Clone, Debug)]
pub struct Data {
    pub series: Vec<Series>,
    pub metadata: Vec<Metadata>,
}

pub const TEMPERATURE: usize = 0;
pub const COUNTER: usize = 1;
pub const STILL: usize = 2;
pub const SPECIAL: usize = 3;
pub const LATE: usize = 4;
pub const RPC: usize = 5;
pub const WAIT: usize = 6;
pub const REQUESTS: usize = 7;
pub const BOUNDS: usize = 8;

pub fn labels(name: &str, more: &[(&str, &str)]) -> Labels {
    Labels::from_pairs(more.iter().copied().chain([("__name__", name)]))
}

pub fn samples(steps: std::ops::RangeInclusive<i64>, value: impl Fn(i64) -> f64) -> Vec<Sample> {
    steps.map(|n| Sample { timestamp: START + n * STEP, value: value(n) }).collect()
}

pub fn integer(at: i64, n: i64) -> Histogram {
    Histogram {
        count: Some(Count::CountInt((12 + 3 * n) as u64)),
        sum: 12.5 + n as f64,
        schema: 3,
        zero_threshold: 1e-128,
        zero_count: Some(ZeroCount::ZeroCountInt(1)),
        positive_spans: vec![BucketSpan { offset: 0, length: 2 }, BucketSpan { offset: 2, length: 1 }],
        positive_deltas: vec![2 + n, 2, -1],
        negative_spans: vec![BucketSpan { offset: -2, length: 1 }],
        negative_deltas: vec![2],
        timestamp: at,
        ..Histogram::default()
    }
}

fn float(at: i64, n: i64) -> Histogram {
    Histogram {
        count: Some(Count::CountFloat(6.5 + n as f64)),
        sum: 3.25,
        schema: 0,
        zero_threshold: 0.001,
        zero_count: Some(ZeroCount::ZeroCountFloat(0.5)),
        positive_spans: vec![BucketSpan { offset: 1, length: 2 }],
        positive_counts: vec![1.5, 4.5 + n as f64],
        timestamp: at,
        ..Histogram::default()
    }
}

/// A histogram with bounds of its own (schema -53).
fn bounds(at: i64, n: i64) -> Histogram {
    Histogram {
        count: Some(Count::CountInt((3 + n) as u64)),
        sum: 1.5,
        schema: -53,
        zero_count: Some(ZeroCount::ZeroCountInt(0)),
        positive_spans: vec![BucketSpan { offset: 0, length: 2 }],
        positive_deltas: vec![1 + n, 1],
        custom_values: vec![0.1, 2.5],
        timestamp: at,
        ..Histogram::default()
    }
}

/// The correct copy.
pub fn copy() -> Data {
    let odd = |n: i64| 20.0 + ((n * 7919) % 1000) as f64 / 7.0;
    let exemplar = |n: i64, trace: &str| Exemplar {
        labels: Labels::from_pairs([("trace_id", trace)]),
        value: 0.25 + n as f64 / 8.0,
        timestamp: START + n * 60_000 + 7,
    };
    let series = |labels, samples| Series { labels, samples, ..Series::default() };
    let native = |labels, make: fn(i64, i64) -> Histogram| Series {
        labels,
        histograms: (0..40).map(|n| make(START + 4 * n * STEP, n)).collect(),
        ..Series::default()
    };
    let requests = labels("mt_requests_bucket", &[("job", "api"), ("le", "1")]);
    let series = vec![
        series(labels("mt_temperature", &[("job", "room"), ("sensor", "a")]), samples(0..=480, odd)),
        series(
            labels("mt_jobs_total", &[("job", "batch")]),
            samples(0..=470, |n| if n % 100 == 99 || n == 470 { STALE } else { (n * 3) as f64 }),
        ),
        series(labels("mt_up", &[("job", "api")]), samples(0..=480, |_| 1.0)),
        series(
            labels("mt_special", &[("job", "odd")]),
            samples(0..=60, |n| match n {
                10 => f64::NAN,
                20 => f64::INFINITY,
                30 => 1e300,
                40 => 0.0,
                50 => f64::NEG_INFINITY,
                n => n as f64 / 8.0,
            }),
        ),
        series(
            labels("mt_late", &[("job", "late"), ("pod", "db-0")]),
            samples(100..=200, |n| (n % 7) as f64),
        ),
        native(labels("mt_rpc_seconds", &[("job", "api")]), integer),
        native(labels("mt_wait_seconds", &[("job", "api")]), float),
        Series {
            exemplars: vec![exemplar(5, "t1"), exemplar(10, "t2"), exemplar(15, "t3")],
            ..series(requests, samples(0..=480, |n| n as f64))
        },
        native(labels("mt_bounds_seconds", &[("job", "api")]), bounds),
    ];
    let metadata = vec![Metadata {
        metric: "mt_temperature".to_owned(),
        metric_type: MetricType::Gauge,
        help: "How warm it is.".to_owned(),
        unit: "celsius".to_owned(),
    }];
    Data { series, metadata }
}
