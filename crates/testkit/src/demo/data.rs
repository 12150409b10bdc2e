//! A day in the life of a small shop: what its Prometheus would have seen.

use super::{DAY_MS, STEP_MS};
use crate::history::{History, Lcg, Observed, STALE_NAN};
use crate::wire::{Exemplar, Label, MetricMetadata, Sample, TimeSeries};
use std::f64::consts::TAU;

/// About 270 series over the day that ends at `end_ms`, a sample every 15 s, times on whole steps.
pub fn history(end_ms: i64) -> History {
    let last = end_ms - end_ms.rem_euclid(STEP_MS);
    let times: Vec<i64> = (0..DAY_MS / STEP_MS).map(|at| last - DAY_MS + (at + 1) * STEP_MS).collect();
    let mut random = Lcg::new(2024);
    let mut series = Vec::new();
    requests(&mut random, &times, &mut series);
    durations(&mut random, &times, &mut series);
    calls(&mut random, &times, &mut series);
    nodes(&mut random, &times, &mut series);
    rest(&mut random, &times, &mut series);
    History { series, metadata: metadata() }
}

/// How busy the shop is, 0.1 to 1: quiet at night.
fn busy(timestamp: i64) -> f64 {
    let of_day = timestamp.rem_euclid(DAY_MS) as f64 / DAY_MS as f64;
    0.55 - 0.45 * (TAU * (of_day + 0.05)).cos()
}

fn requests(random: &mut Lcg, times: &[i64], out: &mut Vec<TimeSeries>) {
    for instance in 0..6 {
        for handler in ["/", "/search", "/cart", "/checkout"] {
            for (code, share) in [("200", 1.0), ("404", 0.04), ("500", 0.004)] {
                let at = format!("shop-{instance}:8080");
                let labels =
                    [("job", "shop"), ("instance", at.as_str()), ("handler", handler), ("code", code)];
                let mut series = TimeSeries::new("http_requests_total", &labels);
                let mut value = 0.0;
                for (step, timestamp) in times.iter().enumerate() {
                    // Instance 3 is deployed anew in the afternoon.
                    if instance == 3 && step == times.len() * 5 / 8 {
                        value = 0.0;
                    }
                    value += (busy(*timestamp) * 60.0 * share * random.unit()).round();
                    series.samples.push(Sample { value, timestamp: *timestamp });
                    if code == "500" && handler == "/checkout" && step % 480 == 77 {
                        series.exemplars.push(exemplar(random, 1.0, *timestamp));
                    }
                }
                out.push(series);
            }
        }
    }
}

fn durations(random: &mut Lcg, times: &[i64], out: &mut Vec<TimeSeries>) {
    const BOUNDS: [(&str, f64); 9] = [
        ("0.005", 0.005),
        ("0.01", 0.01),
        ("0.025", 0.025),
        ("0.1", 0.1),
        ("0.25", 0.25),
        ("0.5", 0.5),
        ("1", 1.0),
        ("5", 5.0),
        ("+Inf", f64::INFINITY),
    ];
    for handler in ["/", "/search", "/cart", "/checkout"] {
        for instance in ["shop-0:8080", "shop-1:8080"] {
            let labels = [("job", "shop"), ("instance", instance), ("handler", handler)];
            let with_le = |le| [labels.as_slice(), &[("le", le)]].concat();
            let name = "http_request_duration_seconds";
            let mut buckets: Vec<TimeSeries> = BOUNDS
                .iter()
                .map(|(le, _)| TimeSeries::new(&format!("{name}_bucket"), &with_le(*le)))
                .collect();
            let mut total = TimeSeries::new(&format!("{name}_sum"), &labels);
            let mut count = TimeSeries::new(&format!("{name}_count"), &labels);
            let mut counts = [0u64; BOUNDS.len()];
            let mut sum = 0.0;
            for (step, timestamp) in times.iter().enumerate() {
                for _ in 0..(busy(*timestamp) * 12.0) as u32 + random.below(3) {
                    let value = 0.03 * (-random.unit().max(1e-9).ln()).powf(1.8);
                    sum += value;
                    for (held, (_, bound)) in counts.iter_mut().zip(BOUNDS) {
                        *held += u64::from(value <= bound);
                    }
                    if step % 240 == 11
                        && buckets[6].exemplars.last().is_none_or(|e| e.timestamp + STEP_MS < *timestamp)
                    {
                        let slow = 0.5 + random.unit() / 2.0;
                        buckets[6].exemplars.push(exemplar(random, slow, *timestamp));
                    }
                }
                for (series, held) in buckets.iter_mut().zip(counts) {
                    series.samples.push(Sample { value: held as f64, timestamp: *timestamp });
                }
                total.samples.push(Sample { value: sum, timestamp: *timestamp });
                count.samples.push(Sample { value: counts[BOUNDS.len() - 1] as f64, timestamp: *timestamp });
            }
            out.extend(buckets);
            out.extend([total, count]);
        }
    }
}

fn calls(random: &mut Lcg, times: &[i64], out: &mut Vec<TimeSeries>) {
    for (service, typical) in [("payment", 0.12), ("stock", 0.008), ("mail", 0.5), ("reviews 🦀", 0.03)] {
        let mut series = TimeSeries::new("rpc_duration_seconds", &[("job", "shop"), ("service", service)]);
        let mut observed = Observed::new(2);
        for timestamp in times {
            let count = (busy(*timestamp) * 5.0) as u32 + random.below(2);
            observed.observe_some(random, count, typical);
            series.histograms.push(observed.integer(*timestamp));
        }
        out.push(series);
    }
}

fn nodes(random: &mut Lcg, times: &[i64], out: &mut Vec<TimeSeries>) {
    for node in 0..8 {
        let instance = format!("node-{node}.example:9100");
        let base = [("job", "node"), ("instance", instance.as_str())];
        let mut load = TimeSeries::new("node_load1", &base);
        let mut memory = TimeSeries::new("node_memory_MemAvailable_bytes", &base);
        let mut up = TimeSeries::new("node_boot_time_seconds", &base);
        let mut free = 9e9 + 1e9 * random.unit();
        for (step, timestamp) in times.iter().enumerate() {
            let value = busy(*timestamp) * 2.5 + random.unit();
            load.samples.push(Sample { value, timestamp: *timestamp });
            free = (free + (random.unit() - 0.5) * 4e7).clamp(1e9, 1.4e10);
            memory.samples.push(Sample { value: free.round(), timestamp: *timestamp });
            if step % 4 == 0 {
                up.samples.push(Sample { value: 1_699_999_000.0, timestamp: *timestamp });
            }
        }
        out.extend([load, memory, up]);
        for mode in ["idle", "user", "system", "iowait"] {
            let labels = [base[0], base[1], ("mode", mode)];
            let mut series = TimeSeries::new("node_cpu_seconds_total", &labels);
            let mut value = 1000.0 * random.unit();
            for timestamp in times {
                value += match mode {
                    "idle" => 15.0 * (1.0 - 0.6 * busy(*timestamp)),
                    "user" => 7.0 * busy(*timestamp) * random.unit(),
                    _ => 0.9 * random.unit(),
                };
                series.samples.push(Sample { value, timestamp: *timestamp });
            }
            out.push(series);
        }
    }
}

fn rest(random: &mut Lcg, times: &[i64], out: &mut Vec<TimeSeries>) {
    for queue in ["mail", "invoice", "thumbnails", "\"odd\" names | <b>too</b>"] {
        let mut series = TimeSeries::new("queue_depth", &[("job", "shop"), ("queue", queue)]);
        let mut value: f64 = 0.0;
        for timestamp in times {
            value = (value + (random.unit() - 0.5) * 20.0 * busy(*timestamp)).max(0.0).floor();
            series.samples.push(Sample { value, timestamp: *timestamp });
        }
        out.push(series);
    }
    for pod in 0..40 {
        // Short-lived pods, each ended by the marker that Prometheus writes when a target goes away.
        let name = format!("worker-{:05x}", random.below(0xfffff));
        let labels = [("job", "worker"), ("pod", name.as_str())];
        let mut series = TimeSeries::new("process_start_time_seconds", &labels);
        let first = pod * (times.len() / 44);
        for timestamp in times.iter().skip(first).take(times.len() / 10) {
            let value = times[first] as f64 / 1000.0;
            series.samples.push(Sample { value, timestamp: *timestamp });
        }
        if let Some(last) = series.samples.last_mut() {
            last.value = f64::from_bits(STALE_NAN);
        }
        out.push(series);
    }
    let mut series = TimeSeries::new("batch_last_success_seconds", &[("job", "batch")]);
    for (step, timestamp) in times.iter().enumerate() {
        // No run yet before one in the morning: the exporter says NaN.
        let hours = step / 240;
        let value = if hours == 0 { f64::from_bits(0x7ff8_0000_0000_0001) } else { (hours * 3600) as f64 };
        series.samples.push(Sample { value, timestamp: *timestamp });
    }
    out.push(series);
}

/// An exemplar a moment before a sample is scraped, as it happens.
fn exemplar(random: &mut Lcg, value: f64, timestamp: i64) -> Exemplar {
    let timestamp = timestamp - 1 - i64::from(random.below(998));
    let trace = format!("{:08x}{:08x}{:08x}", random.next_u32(), random.next_u32(), random.next_u32());
    Exemplar { labels: vec![Label { name: "trace_id".into(), value: trace }], value, timestamp }
}

fn metadata() -> Vec<MetricMetadata> {
    [
        ("http_requests_total", 1, "Requests answered, by handler and status code.", ""),
        ("http_request_duration_seconds", 3, "Time from the first byte in to the last byte out.", "seconds"),
        ("rpc_duration_seconds", 3, "Time of a call to another service.", "seconds"),
        ("node_load1", 2, "1m load average.", ""),
        ("node_memory_MemAvailable_bytes", 2, "Memory that can be had without swapping.", "bytes"),
        ("node_boot_time_seconds", 2, "Unix time of the last boot.", "seconds"),
        ("node_cpu_seconds_total", 1, "Seconds the CPUs spent in each mode.", ""),
        ("queue_depth", 2, "Jobs that wait.", ""),
        ("process_start_time_seconds", 2, "Unix time of the process's start.", "seconds"),
        (
            "batch_last_success_seconds",
            2,
            "Since when the batch succeeds, NaN before the first time.",
            "seconds",
        ),
    ]
    .into_iter()
    .map(|(name, kind, help, unit)| MetricMetadata {
        r#type: kind,
        metric_family_name: name.into(),
        help: help.into(),
        unit: unit.into(),
    })
    .collect()
}
