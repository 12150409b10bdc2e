//! Streamed remote read against a real Prometheus: what is decoded is what was written.

use prost::Message as _;
use serde_json::{Value, json};
use std::path::Path;
use tsink_migrate_engine::model::{Histogram, Labels, Sample, Series, Window, is_stale_nan};
use tsink_migrate_engine::wire::prom_chunks;
use tsink_migrate_engine::wire::types::histogram::{Count, ZeroCount};
use tsink_migrate_engine::wire::types::{BucketSpan, LabelMatcher, MatcherType};
use tsink_migrate_testkit::client::Endpoint;
use tsink_migrate_testkit::history::{Bulk, History, STALE_NAN, load, load_slabs, varied};
use tsink_migrate_testkit::servers::{Prometheus, PrometheusOptions};
use tsink_migrate_testkit::wire;

const START: i64 = 1_763_510_400_000;

/// `Histogram.ResetHint`.
const GAUGE: i32 = 3;

/// The history that every kind of sample is in, and kinds of native histograms that it lacks.
fn history(step_ms: i64, minutes: i64) -> History {
    let mut history = varied(5, START, START + minutes * 60_000, step_ms);
    let model = |name: &str| history.series.iter().find(|series| series.name() == name).unwrap().clone();
    let (integer, float) = (model("rpc_duration_seconds"), model("queue_wait_seconds"));
    let variant = |kind: &str, base: &wire::TimeSeries, change: &dyn Fn(usize, &mut wire::Histogram)| {
        let mut series = wire::TimeSeries::new("odd_histogram", &[("kind", kind)]);
        series.histograms = base.histograms.clone();
        series.histograms.iter_mut().enumerate().for_each(|(at, histogram)| change(at, histogram));
        series
    };
    let gauge = |_: usize, histogram: &mut wire::Histogram| histogram.reset_hint = 3;
    // With counts: Prometheus 2.42 takes a float histogram without any for an integer one, and of a request
    // that holds both for one series it drops what is out of order then.
    let stale = |at: usize, histogram: &mut wire::Histogram| {
        if at % 7 == 3 {
            histogram.sum = f64::from_bits(STALE_NAN);
        }
    };
    let threshold = |at: usize, histogram: &mut wire::Histogram| {
        histogram.zero_threshold = [0.0, 0.25, 1e-3, 1024.0, 2048.0][at / 4 % 5];
    };
    let sum = |at: usize, histogram: &mut wire::Histogram| {
        histogram.sum = [f64::NAN, f64::INFINITY, -1.5, f64::NEG_INFINITY][at % 4];
    };
    let shifted = |at: usize, histogram: &mut wire::Histogram| {
        histogram.schema = -4 + 3 * (at as i32 / 5 % 5);
    };
    let more = [
        variant("gauge", &integer, &gauge),
        variant("float gauge", &float, &gauge),
        variant("stale", &integer, &stale),
        variant("float stale", &float, &stale),
        variant("threshold", &integer, &threshold),
        variant("sum", &float, &sum),
        variant("schema", &integer, &shifted),
    ];
    history.series.extend(more);
    history
}

fn read(server: &Endpoint, names: &str, window: Window) -> Vec<u8> {
    read_kinds(server, names, (MatcherType::Re, ".*"), window)
}

fn read_kinds(server: &Endpoint, names: &str, kinds: (MatcherType, &str), window: Window) -> Vec<u8> {
    let matcher = |kind: MatcherType, name: &str, value: &str| LabelMatcher {
        r#type: kind as i32,
        name: name.into(),
        value: value.into(),
    };
    let matchers = [matcher(MatcherType::Re, "__name__", names), matcher(kinds.0, "kind", kinds.1)];
    let answer = server
        .post(
            "/api/v1/read",
            &[("Content-Type", "application/x-protobuf"), ("Content-Encoding", "snappy")],
            &prom_chunks::encode_request(&matchers, window),
        )
        .unwrap()
        .ok()
        .unwrap();
    assert_eq!(
        answer.header("content-type"),
        Some("application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse")
    );
    answer.body
}

/// A history's series as the engine's type, in the window; exemplars do not come by remote read.
fn written(history: &History, wanted: impl Fn(&str) -> bool, window: Window) -> Vec<Series> {
    let mut all: Vec<Series> = history
        .series
        .iter()
        .filter(|series| wanted(series.name()))
        .map(|series| series.clip(window.start_ms, window.end_ms))
        .filter(|series| series.samples.len() + series.histograms.len() > 0)
        .map(|series| Series {
            labels: Labels::from_pairs(series.labels.iter().map(|l| (l.name.clone(), l.value.clone()))),
            samples: series
                .samples
                .iter()
                .map(|s| Sample { timestamp: s.timestamp, value: if s.value == 0.0 { 0.0 } else { s.value } })
                .collect(),
            histograms: series
                .histograms
                .iter()
                .map(|histogram| Histogram::decode(histogram.encode_to_vec().as_slice()).unwrap())
                .map(|histogram| if is_stale_nan(histogram.sum) { marker(&histogram) } else { histogram })
                .collect(),
            exemplars: Vec::new(),
        })
        .collect();
    all.sort_by(|a, b| a.labels.cmp(&b.labels));
    all
}

/// What Prometheus stores of a histogram that is a staleness marker.
fn marker(histogram: &Histogram) -> Histogram {
    let integer = matches!(histogram.count, Some(Count::CountInt(_)));
    Histogram {
        count: Some(if integer { Count::CountInt(0) } else { Count::CountFloat(0.0) }),
        zero_count: Some(if integer { ZeroCount::ZeroCountInt(0) } else { ZeroCount::ZeroCountFloat(0.0) }),
        sum: histogram.sum,
        timestamp: histogram.timestamp,
        ..Histogram::default()
    }
}

/// Series as JSON. Prometheus gives all histograms of a chunk the same buckets, filled up with empty ones, so
/// buckets are shown by index, and empty ones not at all.
fn shown(series: &[Series]) -> Value {
    series
        .iter()
        .map(|one| {
            json!({
                "labels": one.labels.iter().map(|(name, value)| json!([name, value])).collect::<Vec<_>>(),
                "samples": one.samples.iter()
                    .map(|s| json!([s.timestamp, format!("{:016x}", s.value.to_bits())]))
                    .collect::<Vec<_>>(),
                "histograms": one.histograms.iter().map(histogram).collect::<Vec<_>>(),
            })
        })
        .collect()
}

fn histogram(of: &Histogram) -> Value {
    let (kind, count) = match of.count {
        Some(Count::CountInt(count)) => ("integer", json!(count)),
        Some(Count::CountFloat(count)) => ("float", json!(count)),
        None => ("none", Value::Null),
    };
    let zero = match of.zero_count {
        Some(ZeroCount::ZeroCountInt(0)) | None => json!(0.0),
        Some(ZeroCount::ZeroCountInt(count)) => json!(count as f64),
        Some(ZeroCount::ZeroCountFloat(count)) => json!(count),
    };
    json!({
        "at": of.timestamp,
        "kind": kind,
        "count": count,
        "zero": zero,
        "sum": format!("{:016x}", of.sum.to_bits()),
        "schema": of.schema,
        "threshold": of.zero_threshold,
        "gauge": of.reset_hint == GAUGE,
        "positive": buckets(&of.positive_spans, &of.positive_deltas, &of.positive_counts),
        "negative": buckets(&of.negative_spans, &of.negative_deltas, &of.negative_counts),
        "bounds": of.custom_values,
    })
}

fn buckets(spans: &[BucketSpan], deltas: &[i64], counts: &[f64]) -> Vec<(i32, f64)> {
    let mut index = 0;
    let indexes = spans.iter().flat_map(|span| {
        let from = index + span.offset;
        index = from + span.length as i32;
        from..index
    });
    let mut total = 0;
    let absolute: Vec<f64> = deltas
        .iter()
        .map(|delta| {
            total += delta;
            total as f64
        })
        .chain(counts.iter().copied())
        .collect();
    let indexes: Vec<i32> = indexes.collect();
    assert_eq!(indexes.len(), absolute.len(), "spans and buckets disagree");
    indexes.into_iter().zip(absolute).filter(|(_, count)| *count != 0.0).collect()
}

fn assert_same(found: &[Series], wanted: &[Series]) {
    let mut found = found.to_vec();
    found.sort_by(|a, b| a.labels.cmp(&b.labels));
    assert_eq!(found.len(), wanted.len());
    for (found, wanted) in found.iter().zip(wanted) {
        let (found, wanted) = (std::slice::from_ref(found), std::slice::from_ref(wanted));
        assert_eq!(shown(found), shown(wanted), "{}", wanted[0].labels);
    }
}

#[test]
fn what_was_written_is_what_is_read() {
    let history = history(15_000, 240);
    let prometheus = Prometheus::start(PrometheusOptions::default()).unwrap();
    load(&prometheus.endpoint(), &history).unwrap();
    let (first, last) = history.span().unwrap();
    let whole = Window { start_ms: first, end_ms: last };
    for window in [
        whole,
        Window { start_ms: first + 3_600_001, end_ms: last - 3_599_999 },
        Window { start_ms: first + 15_000, end_ms: first + 15_000 },
    ] {
        // See below.
        let kinds = if window == whole { (MatcherType::Re, ".*") } else { (MatcherType::Nre, ".*gauge") };
        let body = read_kinds(&prometheus.endpoint(), ".+", kinds, window);
        let data = prom_chunks::decode(&body, window).unwrap();
        let mut wanted = written(&history, |_| true, window);
        wanted.retain(|series| {
            window == whole || !series.labels.get("kind").is_some_and(|kind| kind.ends_with("gauge"))
        });
        let mut found = data.decode();
        // Prometheus 2.42 copies the chunk of its head that is still open, and forgets its flags: gauge
        // histograms of it do not say that they are gauges.
        for histogram in wanted.iter_mut().chain(&mut found).flat_map(|series| &mut series.histograms) {
            if histogram.timestamp == last || histogram.reset_hint != GAUGE {
                histogram.reset_hint = 0;
            }
        }
        assert_same(&found, &wanted);
        assert_eq!(data.sample_count(), wanted.iter().map(|s| s.samples.len() as u64).sum::<u64>());
        assert_eq!(data.histogram_count(), wanted.iter().map(|s| s.histograms.len() as u64).sum::<u64>());
    }
}

/// Prometheus 2.42 copies a chunk of its head that is not wholly inside the window, too, and takes gauge
/// histograms for counters as it does so: when one falls, it breaks off, status 200 long sent.
#[test]
fn a_server_that_breaks_off_is_quoted() {
    let history = history(15_000, 240);
    let prometheus = Prometheus::start(PrometheusOptions::default()).unwrap();
    load(&prometheus.endpoint(), &history).unwrap();
    let window = Window { start_ms: START + 3_600_001, end_ms: START + 10_800_000 };
    let body =
        read_kinds(&prometheus.endpoint(), "odd_histogram|special_values", (MatcherType::Re, ".*"), window);
    let error = prom_chunks::decode(&body, window).unwrap_err();
    assert!(error.what.contains("the server broke off with the words \"iterate chunk while"), "{error}");
}

#[test]
fn a_day_of_a_thousand_series() {
    let bulk = Bulk { series: 1000, start_ms: START, hours: 24, step_ms: 15_000 };
    let prometheus = Prometheus::start(PrometheusOptions::default()).unwrap();
    load_slabs(&prometheus.endpoint(), bulk.slabs()).unwrap();
    let window = Window { start_ms: START, end_ms: bulk.end_ms() };
    let began = std::time::Instant::now();
    let body = read(&prometheus.endpoint(), ".+", window);
    println!("read {} bytes in {:?}", body.len(), began.elapsed());
    for _ in 0..3 {
        let began = std::time::Instant::now();
        let data = prom_chunks::decode(&body, window).unwrap();
        println!("decoded {} samples in {:?}", data.sample_count(), began.elapsed());
        assert_eq!(data.sample_count(), bulk.samples());
    }
}

/// Writes the fixtures that the engine's own tests read. Run it by hand when they should change:
/// `cargo test -p conformance --test streamed_read -- --ignored`.
#[test]
#[ignore = "writes fixtures"]
fn capture_fixtures() {
    // Longer than two hours, so that there is a closed chunk, which has its flags; see above.
    let history = history(300_000, 130);
    let prometheus = Prometheus::start(PrometheusOptions::default()).unwrap();
    load(&prometheus.endpoint(), &history).unwrap();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../crates/engine/tests/fixtures/chunks");
    std::fs::create_dir_all(&folder).unwrap();
    let whole = Window { start_ms: START, end_ms: START + 7_800_000 };
    // What the engine's tests clip to.
    let window = Window { start_ms: START + 600_000, end_ms: START + 6_900_000 };
    let sets: [(&str, &[&str]); 3] = [
        ("floats", &["special_values", "late_and_short", "jittered_value", "one_sample"]),
        ("histograms", &["rpc_duration_seconds", "queue_wait_seconds"]),
        ("odd-histograms", &["odd_histogram"]),
    ];
    for (file, names) in sets {
        let body = read(&prometheus.endpoint(), &names.join("|"), whole);
        let wanted = written(&history, |name| names.contains(&name), window);
        std::fs::write(folder.join(format!("prometheus-2.42-{file}.bin")), body).unwrap();
        let text = serde_json::to_string(&shown(&wanted)).unwrap();
        std::fs::write(folder.join(format!("prometheus-2.42-{file}.json")), text + "\n").unwrap();
    }
}
