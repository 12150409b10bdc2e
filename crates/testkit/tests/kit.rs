//! The kit itself against the real servers: what it loads is what they give back.

use std::time::{Instant, SystemTime, UNIX_EPOCH};
use tsink_migrate_testkit::client::Endpoint;
use tsink_migrate_testkit::demo::{Demo, DemoOptions};
use tsink_migrate_testkit::exposition::Exposition;
use tsink_migrate_testkit::history::{Bulk, History, load, load_slabs, varied};
use tsink_migrate_testkit::servers::{Prometheus, PrometheusOptions, Tsink, TsinkOptions};
use tsink_migrate_testkit::wire::{MatcherType, TimeSeries};

const START: i64 = 1_763_510_400_000;
const END: i64 = START + 4 * 3_600_000;

/// Every float sample, by bits, must come back, and every native histogram that remote read can show.
fn assert_holds(server: &Endpoint, history: &History, shows_histograms: bool) {
    let read = server.remote_read(&[("__name__", MatcherType::Re, ".+")], START, END).unwrap();
    let find = |wanted: &TimeSeries| {
        read.iter()
            .find(|series| series.labels == wanted.labels)
            .unwrap_or_else(|| panic!("{:?}", wanted.labels))
    };
    assert_eq!(read.len(), history.series.len());
    for wanted in &history.series {
        let found = find(wanted);
        let bits = |series: &TimeSeries| -> Vec<(i64, u64)> {
            // Protobuf encoders leave out what equals 0, so the sign of zero does not cross the wire.
            let bits = |value: f64| if value == 0.0 { 0 } else { value.to_bits() };
            series.samples.iter().map(|s| (s.timestamp, bits(s.value))).collect()
        };
        assert_eq!(bits(found), bits(wanted), "{:?}", wanted.labels);
        if !shows_histograms && !wanted.histograms.is_empty() {
            let last = wanted.histograms.last().unwrap().timestamp;
            let metric = wanted.name();
            let counted = server.query(&format!("count_over_time({metric}[5h])"), last).unwrap();
            assert_eq!(counted[0]["value"][1], wanted.histograms.len().to_string(), "{counted}");
            continue;
        }
        assert_eq!(found.histograms.len(), wanted.histograms.len(), "{:?}", wanted.labels);
        for (found, wanted) in found.histograms.iter().zip(&wanted.histograms) {
            // The hint is computed by the server.
            let mut found = found.clone();
            found.reset_hint = wanted.reset_hint;
            assert_eq!(&found, wanted);
        }
    }
}

#[test]
fn prometheus_and_tsink_hold_the_varied_history() {
    let history = varied(1, START, END, 15_000);
    let mut prometheus =
        Prometheus::start(PrometheusOptions { basic_auth: true, ..Default::default() }).unwrap();
    load(&prometheus.endpoint(), &history).unwrap();
    assert_holds(&prometheus.endpoint(), &history, false);
    let target = Exposition::start(&history.metadata).unwrap();
    prometheus.scrape(&[target.target()]).unwrap();

    let tsink =
        Tsink::start(TsinkOptions { auth_token: Some("t0ken".into()), ..Default::default() }).unwrap();
    let endpoint = tsink.endpoint("a");
    load(&endpoint, &history).unwrap();
    assert_holds(&endpoint, &history, true);
    assert!(tsink.endpoint("b").read_metric("room_temperature_celsius", START, END).unwrap().is_empty());
    assert_eq!(Endpoint::new(&tsink.url()).get("/api/v1/status/tsdb").unwrap().status, 401);

    for server in [&prometheus.endpoint(), &endpoint] {
        for family in &history.metadata {
            let found = server.metadata(&family.metric_family_name).unwrap();
            let entry = &found[&family.metric_family_name][0];
            assert_eq!(entry["help"], family.help.as_str(), "{found}");
            assert_eq!(entry["unit"], family.unit.as_str(), "{found}");
        }
        let found = server.exemplars("request_duration_seconds_bucket", START, END).unwrap();
        assert_eq!(found.as_array().unwrap().len(), 2, "{found}");
        let count: usize =
            found.as_array().unwrap().iter().map(|s| s["exemplars"].as_array().unwrap().len()).sum();
        assert_eq!(count, 2 * 39, "{found}");
    }
}

#[test]
fn the_demo_serves_its_servers_and_plan_on_one_origin() {
    for stand_in in [false, true] {
        let began = Instant::now();
        // As it runs for people: the day that ends now.
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let end_ms = i64::try_from(since_epoch.as_millis()).unwrap();
        let demo =
            Demo::start(DemoOptions { end_ms, stand_in, ..Default::default() }, |step| println!("{step}"))
                .unwrap();
        println!("{:?} {:?}", demo.loaded, began.elapsed());
        let origin = Endpoint::new(&demo.url());
        let plan = origin.get_json("/plan.json").unwrap();
        let source = if stand_in { "/tsink" } else { "/prometheus" };
        assert_eq!(plan["source"]["remote_read_url"], format!("{source}/api/v1/read")[1..]);
        let source = Endpoint::new(&format!("{}{source}", demo.url())).header("X-Tsink-Tenant", "history");
        let series =
            source.remote_read(&[("__name__", MatcherType::Re, ".+")], demo.window.0, demo.window.1).unwrap();
        let samples: usize = series.iter().map(|s| s.samples.len()).sum();
        assert_eq!(samples as u64, demo.loaded.samples);
        let exemplars =
            source.exemplars("http_request_duration_seconds_bucket", demo.window.0, demo.window.1).unwrap();
        assert!(!exemplars.as_array().unwrap().is_empty());
        let metadata = source.metadata("queue_depth").unwrap();
        assert_eq!(metadata["queue_depth"][0]["type"], "gauge");
        assert_eq!(origin.get("/nothing").unwrap().status, 404);
    }
}

#[test]
fn bulk_is_there_to_the_last_sample() {
    let bulk = Bulk { series: 100, start_ms: START, hours: 24, step_ms: 15_000 };
    let prometheus = Prometheus::start(PrometheusOptions::default()).unwrap();
    let began = Instant::now();
    let loaded = load_slabs(&prometheus.endpoint(), bulk.slabs()).unwrap();
    println!("{loaded:?} {:?}", began.elapsed());
    assert_eq!(loaded.samples, 576_000);
    let newest = prometheus.endpoint().query("count(node_load1)", bulk.end_ms()).unwrap();
    assert_eq!(newest[0]["value"][1], "20");
}
