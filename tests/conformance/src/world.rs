//! The servers and the history that a test file shares.

use crate::command::Window;
use crate::plans::plan;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use tsink_migrate_testkit::client::Endpoint;
use tsink_migrate_testkit::exposition::Exposition;
use tsink_migrate_testkit::history::{History, load, varied};
use tsink_migrate_testkit::servers::{Prometheus, PrometheusOptions, Tsink, TsinkOptions};
use tsink_migrate_testkit::wire::{Histogram, MatcherType, TimeSeries};

/// First sample of the history.
pub const START: i64 = 1_763_510_400_000;
/// Last sample of the history.
pub const END: i64 = START + 2 * 3_600_000;
/// One sample every so many ms.
pub const STEP: i64 = 15_000;
/// The window with everything in it.
pub const ALL: Window = (START, END);
/// Token that tsink asks for.
pub const TOKEN: &str = "tgt-7f3a9c-secret-token";
/// Password in a header that goes to the source.
pub const SOURCE_SECRET: &str = "src-51d2e8-secret-value";

/// What the main plan selects: everything but native histograms, each series once.
pub const SELECTORS: [&str; 7] = [
    r#"{__name__=~"room_temperature_celsius|jittered_value"}"#,
    r#"jobs_processed_total{job="batch"}"#,
    r#"{__name__=~"request_duration_seconds_(bucket|sum|count)"}"#,
    r#"special_values{kind!="none"}"#,
    "odd_labels",
    r#"late_and_short{pod!~"db-.*"}"#,
    "one_sample",
];

/// Metrics of [`SELECTORS`].
pub const METRICS: [&str; 10] = [
    "room_temperature_celsius",
    "jittered_value",
    "jobs_processed_total",
    "request_duration_seconds_bucket",
    "request_duration_seconds_sum",
    "request_duration_seconds_count",
    "special_values",
    "odd_labels",
    "late_and_short",
    "one_sample",
];

/// Metrics of native histograms.
pub const NATIVE_METRICS: [&str; 2] = ["rpc_duration_seconds", "queue_wait_seconds"];

/// A Prometheus with two hours of [`varied`] history, and an empty tsink that asks for a token.
#[derive(Debug)]
pub struct World {
    /// What the source holds.
    pub history: History,
    /// The source.
    pub prometheus: Prometheus,
    /// The target.
    pub tsink: Tsink,
    _exposition: Exposition,
}

/// Runs a test with servers of its own; once more, and a third time, when tsink closed its storage by itself
/// (see [`Tsink::is_open`]).
///
/// # Panics
/// As the test does, with a server that is sound.
pub fn on_sound_servers(test: impl Fn(&World)) {
    on_sound(World::start, |world| &world.tsink, test);
}

/// As [`on_sound_servers`], with whatever servers a test needs, and the one that has to be sound.
///
/// # Panics
/// As the test does, with a server that is sound.
pub fn on_sound<S, R>(start: impl Fn() -> S, tsink: impl Fn(&S) -> &Tsink, test: impl Fn(&S) -> R) -> R {
    once_sound(&mut None, start, tsink, test)
}

/// As [`on_sound`] for one step after the other, all on the same servers for as long as they are sound.
///
/// # Panics
/// As a step does, with a server that is sound.
pub fn on_sound_each<S, T>(
    steps: &[T],
    start: impl Fn() -> S,
    tsink: impl Fn(&S) -> &Tsink,
    test: impl Fn(&S, &T),
) {
    let mut servers = None;
    for step in steps {
        once_sound(&mut servers, &start, &tsink, |servers| test(servers, step));
    }
}

fn once_sound<S, R>(
    servers: &mut Option<S>,
    start: impl Fn() -> S,
    tsink: impl Fn(&S) -> &Tsink,
    test: impl Fn(&S) -> R,
) -> R {
    for attempt in 1.. {
        let own = servers.get_or_insert_with(&start);
        match catch_unwind(AssertUnwindSafe(|| test(own))) {
            Err(_) if attempt < 3 && !tsink(own).is_open() => {
                println!("tsink-server closed its storage by itself; once more with another");
                println!("{}", tsink(own).log());
                *servers = None;
            }
            Err(panic) => resume_unwind(panic),
            Ok(result) => return result,
        }
    }
    unreachable!("attempts do not end")
}

impl World {
    /// Starts and loads. The tsink keeps everything in memory: on disk it closes its storage by itself now and then (see
    /// [`Tsink::is_open`]), and drops copies at a time of its own.
    ///
    /// # Panics
    /// When a server is missing or refuses.
    pub fn start() -> Self {
        Self::with(TsinkOptions { in_memory: true, ..TsinkOptions::default() })
    }

    /// The same with a tsink that can be started again.
    ///
    /// # Panics
    /// When a server is missing or refuses.
    pub fn on_disk() -> Self {
        Self::with(TsinkOptions::default())
    }

    fn with(options: TsinkOptions) -> Self {
        let history = varied(11, START, END, STEP);
        let mut prometheus = Prometheus::start(PrometheusOptions::default()).expect("Prometheus");
        load(&prometheus.endpoint(), &history).expect("history in Prometheus");
        let exposition = Exposition::start(&history.metadata).expect("a scrape target");
        prometheus.scrape(&[exposition.target()]).expect("metadata in Prometheus");
        let options = TsinkOptions { auth_token: Some(TOKEN.to_owned()), ..options };
        let tsink = Tsink::start(options).expect("tsink");
        Self { history, prometheus, tsink, _exposition: exposition }
    }

    /// A plan from Prometheus into a tenant of tsink, with tokens and without checks beyond the default ones.
    pub fn plan(&self, tenant: &str, selectors: &[&str]) -> Value {
        let mut plan = plan(&self.prometheus.url(), &self.tsink.url(), selectors);
        plan["source"]["headers"] = json!({ "X-Source-Secret": SOURCE_SECRET });
        plan["target"]["headers"] = json!({ "Authorization": format!("Bearer {TOKEN}") });
        plan["target"]["tenant"] = tenant.into();
        plan
    }

    /// The main plan: [`SELECTORS`], metadata, exemplars, and PromQL whose result does not depend on which
    /// end of a range is open.
    pub fn main_plan(&self, tenant: &str) -> Value {
        let mut plan = self.plan(tenant, &SELECTORS);
        plan["metadata_metrics"] = json!([
            "room_temperature_celsius",
            "jobs_processed_total",
            "request_duration_seconds",
            "special_values",
            "odd_labels"
        ]);
        plan["exemplar_checks"] = json!([
            { "query": "request_duration_seconds_bucket", "limit": 200 },
            { "query": "jobs_processed_total" },
        ]);
        plan["promql_checks"] = json!([
            { "query": "room_temperature_celsius", "step": "60s" },
            { "query": "sum by (worker) (jobs_processed_total)", "step": "5m" },
        ]);
        plan
    }

    /// A client for a tenant of the target.
    pub fn target(&self, tenant: &str) -> Endpoint {
        self.tsink.endpoint(tenant)
    }
}

/// Everything that a remote read of metrics shows in a window, comparable bit for bit: float bits by time,
/// histograms by time; keyed by the labels.
pub type Held = BTreeMap<Vec<(String, String)>, (Vec<(i64, u64)>, Vec<Histogram>)>;

/// Reads metrics with the test kit's own decoder. Series without any sample are left out.
///
/// # Panics
/// When the server does not answer.
pub fn held(server: &Endpoint, metrics: &[&str], window: Window) -> Held {
    let pattern = metrics.join("|");
    let read = server
        .remote_read(&[("__name__", MatcherType::Re, &pattern)], window.0, window.1)
        .expect("a remote read");
    as_held(&read)
}

/// What a history holds of metrics in a window, in the same form.
pub fn made(history: &History, metrics: &[&str], window: Window) -> Held {
    let series: Vec<TimeSeries> = history
        .series
        .iter()
        .filter(|series| metrics.contains(&series.name()))
        .map(|series| series.clip(window.0, window.1))
        .collect();
    as_held(&series)
}

fn as_held(series: &[TimeSeries]) -> Held {
    // Protobuf encoders leave out what equals 0, so the sign of zero does not cross the wire.
    let bits = |value: f64| if value == 0.0 { 0 } else { value.to_bits() };
    series
        .iter()
        .filter(|series| !series.samples.is_empty() || !series.histograms.is_empty())
        .map(|series| {
            let labels =
                series.labels.iter().map(|label| (label.name.clone(), label.value.clone())).collect();
            let samples =
                series.samples.iter().map(|sample| (sample.timestamp, bits(sample.value))).collect();
            (labels, (samples, series.histograms.clone()))
        })
        .collect()
}

/// Float samples in all.
pub fn samples(held: &Held) -> usize {
    held.values().map(|(samples, _)| samples.len()).sum()
}

/// Holds a target against what it should have, to the bit and each sample once.
///
/// # Panics
/// When they differ: with what differs, and with what a second reading of the target shows.
pub fn assert_holds(target: &Endpoint, metrics: &[&str], window: Window, expected: &Held) {
    let there = held(target, metrics, window);
    if there == *expected {
        return;
    }
    let mut differing = Vec::new();
    for labels in expected.keys().chain(there.keys().filter(|labels| !expected.contains_key(*labels))) {
        let (wanted, has) = (expected.get(labels), there.get(labels));
        if wanted != has {
            differing.push(format!("{labels:?}\n  should have {wanted:?}\n  has {has:?}"));
        }
    }
    let again = held(target, metrics, window) == *expected;
    panic!(
        "{} of {} samples are there, in {} of {} series{}; these differ:\n{}",
        samples(&there),
        samples(expected),
        there.len(),
        expected.len(),
        if again { ", and a second reading shows all" } else { "" },
        differing.iter().take(5).map(String::as_str).collect::<Vec<_>>().join("\n")
    );
}

/// Exemplars of a query as `(series labels, exemplar labels, value, ms)`, sorted.
///
/// # Panics
/// When the server does not answer as documented.
pub fn exemplars(server: &Endpoint, query: &str, window: Window) -> Vec<(String, String, String, i64)> {
    let data = server.exemplars(query, window.0, window.1).expect("an exemplar query");
    let mut all = Vec::new();
    for series in data.as_array().expect("a list") {
        for exemplar in series["exemplars"].as_array().expect("a list") {
            let seconds = exemplar["timestamp"].as_f64().expect("a number");
            all.push((
                series["seriesLabels"].to_string(),
                exemplar["labels"].to_string(),
                exemplar["value"].as_str().expect("a string").to_owned(),
                (seconds * 1000.0).round() as i64,
            ));
        }
    }
    all.sort();
    all
}
