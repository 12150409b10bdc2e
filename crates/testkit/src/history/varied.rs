//! A little of everything that a migration can lose: every kind of sample, odd values, odd labels, odd times.

use super::histograms::Observed;
use super::{History, Lcg, STALE_NAN};
use crate::wire::{Exemplar, Label, MetricMetadata, Sample, TimeSeries};

/// Names of all metrics that [`varied`] makes, with what they are about.
pub fn varied_names() -> &'static [(&'static str, &'static str)] {
    &[
        ("room_temperature_celsius", "gauges"),
        ("jittered_value", "gauges at uneven times"),
        ("jobs_processed_total", "counters with resets and exemplars"),
        ("request_duration_seconds_bucket", "classic histogram with exemplars"),
        ("request_duration_seconds_sum", "classic histogram"),
        ("request_duration_seconds_count", "classic histogram"),
        ("rpc_duration_seconds", "native histograms, integer, with resets"),
        ("queue_wait_seconds", "native histograms, float, negative buckets"),
        ("special_values", "NaN, StaleNaN, infinities, zeros, extremes"),
        ("odd_labels", "UTF-8, quotes, newlines, markup in label values"),
        ("late_and_short", "begins late, ends early with a staleness marker"),
        ("one_sample", "a single sample"),
    ]
}

/// Everything in [`varied_names`] in `[start_ms, end_ms]`, a sample every `step_ms`, with metadata.
pub fn varied(seed: u64, start_ms: i64, end_ms: i64, step_ms: i64) -> History {
    let mut random = Lcg::new(seed);
    let times: Vec<i64> = (0..).map(|at| start_ms + at * step_ms).take_while(|at| *at <= end_ms).collect();
    let mut series = Vec::new();
    gauges(&mut random, &times, &mut series);
    counters(&mut random, &times, &mut series);
    classic(&mut random, &times, &mut series);
    native(&mut random, &times, &mut series);
    special(&times, &mut series);
    odd_labels(&mut random, &times, &mut series);
    short(&times, &mut series);
    History { series, metadata: metadata() }
}

fn gauges(random: &mut Lcg, times: &[i64], out: &mut Vec<TimeSeries>) {
    for room in ["kitchen", "attic", "server room"] {
        let mut series = TimeSeries::new("room_temperature_celsius", &[("room", room), ("job", "house")]);
        let mut value = 20.0;
        for timestamp in times {
            value += random.unit() - 0.5;
            series.samples.push(Sample { value, timestamp: *timestamp });
        }
        out.push(series);
    }
    let mut series = TimeSeries::new("jittered_value", &[("job", "house")]);
    for timestamp in times {
        let late = i64::from(random.below(900));
        series.samples.push(Sample { value: random.unit() * 1e-3, timestamp: timestamp + late });
    }
    // The jitter must not lead out of the window.
    let last = times.last().copied().unwrap_or_default();
    series.samples.retain(|sample| sample.timestamp <= last);
    out.push(series);
}

fn counters(random: &mut Lcg, times: &[i64], out: &mut Vec<TimeSeries>) {
    for worker in ["w1", "w2", "w3"] {
        let mut series = TimeSeries::new("jobs_processed_total", &[("worker", worker), ("job", "batch")]);
        let mut value = 0.0;
        for (at, timestamp) in times.iter().enumerate() {
            if at > 0 && at % 97 == 0 {
                value = 0.0;
            }
            value += f64::from(random.below(20));
            series.samples.push(Sample { value, timestamp: *timestamp });
            if at % 40 == 7 {
                series.exemplars.push(exemplar(random, value, *timestamp, true));
            }
        }
        out.push(series);
    }
}

fn classic(random: &mut Lcg, times: &[i64], out: &mut Vec<TimeSeries>) {
    const BOUNDS: [(&str, f64); 6] =
        [("0.01", 0.01), ("0.05", 0.05), ("0.25", 0.25), ("1", 1.0), ("5", 5.0), ("+Inf", f64::INFINITY)];
    let labels = [("job", "api"), ("handler", "/api/v1/items")];
    let mut buckets: Vec<TimeSeries> = BOUNDS
        .iter()
        .map(|(le, _)| {
            TimeSeries::new("request_duration_seconds_bucket", &[labels[0], labels[1], ("le", le)])
        })
        .collect();
    let mut total = TimeSeries::new("request_duration_seconds_sum", &labels);
    let mut count = TimeSeries::new("request_duration_seconds_count", &labels);
    let mut counts = [0u64; BOUNDS.len()];
    let mut sum = 0.0;
    for (at, timestamp) in times.iter().enumerate() {
        for _ in 0..random.below(8) {
            let value = 0.02 * (-random.unit().max(1e-9).ln()).powf(2.0);
            sum += value;
            for (held, (_, bound)) in counts.iter_mut().zip(BOUNDS) {
                *held += u64::from(value <= bound);
            }
        }
        for (series, held) in buckets.iter_mut().zip(counts) {
            series.samples.push(Sample { value: held as f64, timestamp: *timestamp });
        }
        if at % 25 == 3 {
            buckets[2].exemplars.push(exemplar(random, 0.17, *timestamp, false));
            buckets[4].exemplars.push(exemplar(random, 3.5, *timestamp, true));
        }
        total.samples.push(Sample { value: sum, timestamp: *timestamp });
        count.samples.push(Sample { value: counts[BOUNDS.len() - 1] as f64, timestamp: *timestamp });
    }
    out.extend(buckets);
    out.push(total);
    out.push(count);
}

fn native(random: &mut Lcg, times: &[i64], out: &mut Vec<TimeSeries>) {
    for (method, schema, typical) in [("Get", 3, 0.02), ("List", 0, 0.4)] {
        let mut series = TimeSeries::new("rpc_duration_seconds", &[("method", method), ("job", "rpc")]);
        let mut observed = Observed::new(schema);
        for (at, timestamp) in times.iter().enumerate() {
            if at > 0 && at % 131 == 0 {
                observed.reset();
            }
            let count = random.below(6);
            observed.observe_some(random, count, typical);
            if at % 10 == 0 {
                observed.observe(0.0);
            }
            series.histograms.push(observed.integer(*timestamp));
        }
        out.push(series);
    }
    let mut series = TimeSeries::new("queue_wait_seconds", &[("queue", "mail"), ("job", "rpc")]);
    let mut observed = Observed::new(2);
    for timestamp in times {
        let count = random.below(5);
        observed.observe_some(random, count, 1.5);
        observed.observe(-(random.unit() + 0.01));
        series.histograms.push(observed.float(*timestamp, 0.75));
    }
    out.push(series);
}

fn special(times: &[i64], out: &mut Vec<TimeSeries>) {
    let ordinary_nan = f64::from_bits(0x7ff8_0000_0000_0001);
    let values: [(&str, f64); 10] = [
        ("nan", ordinary_nan),
        ("stale", f64::from_bits(STALE_NAN)),
        ("inf", f64::INFINITY),
        ("neg_inf", f64::NEG_INFINITY),
        ("neg_zero", -0.0),
        ("subnormal", f64::from_bits(1)),
        ("smallest", f64::MIN_POSITIVE),
        ("largest", f64::MAX),
        ("third", 1.0 / 3.0),
        ("beyond_i64", 18_446_744_073_709_552_000.0),
    ];
    for (kind, value) in values {
        let mut series = TimeSeries::new("special_values", &[("kind", kind)]);
        for (at, timestamp) in times.iter().enumerate() {
            // Every third sample: the value; around it ordinary ones, so that both transitions occur.
            let value = if at % 3 == 1 { value } else { at as f64 };
            series.samples.push(Sample { value, timestamp: *timestamp });
        }
        out.push(series);
    }
}

/// Values of the label `text` of `odd_labels`.
const TEXTS: [&str; 10] = [
    "plain",
    "crab 🦀 and 漢字 and ñ",
    "a \"quoted\" 'word'",
    "line one\nline two",
    "a|b|c and `code` and *stars*",
    "<script>alert(1)</script>&amp;",
    "back\\slash \\n",
    "{curly=\"x\"} [1m] # no comment",
    "\u{202e}right to left\u{200b}",
    "  spaces  ",
];

fn odd_labels(random: &mut Lcg, times: &[i64], out: &mut Vec<TimeSeries>) {
    let long = "x".repeat(1500);
    for text in TEXTS.into_iter().chain([long.as_str()]) {
        let mut series = TimeSeries::new("odd_labels", &[("text", text), ("job", "odd")]);
        for timestamp in times.iter().step_by(5) {
            series.samples.push(Sample { value: random.unit(), timestamp: *timestamp });
        }
        out.push(series);
    }
}

fn short(times: &[i64], out: &mut Vec<TimeSeries>) {
    let third = times.len() / 3;
    let mut series = TimeSeries::new("late_and_short", &[("pod", "web-7d9f")]);
    for timestamp in times.iter().skip(third).take(third) {
        series.samples.push(Sample { value: 1.0, timestamp: *timestamp });
    }
    if let Some(last) = series.samples.last_mut() {
        last.value = f64::from_bits(STALE_NAN);
    }
    out.push(series);
    if let Some(timestamp) = times.get(times.len() / 2) {
        let mut series = TimeSeries::new("one_sample", &[("job", "once")]);
        series.samples.push(Sample { value: 42.0, timestamp: *timestamp });
        out.push(series);
    }
}

/// An exemplar a moment after a sample, never on a whole second: Prometheus writes whole seconds as JSON
/// integers, and the native tool takes those for milliseconds.
fn exemplar(random: &mut Lcg, value: f64, timestamp: i64, with_span: bool) -> Exemplar {
    let timestamp = timestamp + 1 + i64::from(random.below(998));
    let trace = format!("{:08x}{:08x}", random.next_u32(), random.next_u32());
    let mut labels = vec![Label { name: "trace_id".into(), value: trace }];
    if with_span {
        labels.insert(0, Label { name: "span_id".into(), value: format!("{:08x}", random.next_u32()) });
    }
    Exemplar { labels, value, timestamp }
}

fn metadata() -> Vec<MetricMetadata> {
    let family = |name: &str, kind: i32, help: &str, unit: &str| MetricMetadata {
        r#type: kind,
        metric_family_name: name.into(),
        help: help.into(),
        unit: unit.into(),
    };
    vec![
        family("room_temperature_celsius", 2, "Temperature of a room, measured at the door.", "celsius"),
        family("jobs_processed_total", 1, "Jobs done since the worker's start.", ""),
        family("request_duration_seconds", 3, "Time until the last byte, \"wall clock\".", "seconds"),
        family("rpc_duration_seconds", 3, "Time of a call | both ways <b>bold</b> 🦀", "seconds"),
        family("queue_wait_seconds", 4, "A gauge histogram.", "seconds"),
        family("special_values", 0, "No type is known.", ""),
        family("odd_labels", 2, "Two\nlines and a back\\slash.", ""),
    ]
}
