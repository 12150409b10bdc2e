//! The specification's examples of recordings, §8.3 to 8.6, by the built command and by the native tool.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use conformance::agree::{Exception, assert_agree};
use conformance::captures::Protocol;
use conformance::captures::held::Held;
use conformance::command::{Window, ours, theirs};
use conformance::plans::PlanFile;
use conformance::recordings::on_tsink;
use serde_json::{Value, json};
use tsink_migrate_testkit::otlp_json::{Numbering, request};
use tsink_migrate_testkit::servers::Tsink;

const WINDOW: Window = (1_700_000_000_000, 1_700_086_400_000);

/// An example: manifest, selectors, metrics with metadata.
fn example(protocol: Protocol) -> (Value, Value, Value) {
    match protocol {
        Protocol::Otlp => {
            let point = |cpu: &str, seconds: i64, value: f64| {
                json!({ "timeUnixNano": (1_700_000_000_000_000_000 + seconds * 1_000_000_000).to_string(),
                    "asDouble": value, "attributes": [{ "key": "cpu", "value": { "stringValue": cpu } }] })
            };
            let json = json!({ "resourceMetrics": [{
                "resource": { "attributes": [{ "key": "service.name", "value": { "stringValue": "api" } }] },
                "scopeMetrics": [{ "scope": { "name": "hostmetrics", "version": "1.0" }, "metrics": [{
                    "name": "system.cpu.time", "unit": "s", "description": "Seconds each CPU spent on each mode.",
                    "sum": { "aggregationTemporality": 2, "isMonotonic": true, "dataPoints": [
                        point("cpu0", 0, 17.25), point("cpu1", 0, 18.5), point("cpu0", 60, 20.125)] } }] }] }] });
            let body = request(&json, Numbering::Standard).unwrap();
            (
                json!([{ "body_base64": STANDARD.encode(body) }]),
                json!(["system_x2e_cpu_x2e_time"]),
                json!(["system_x2e_cpu_x2e_time"]),
            )
        }
        Protocol::Influx => (
            json!([{
                "received_at_ms": 1_700_000_000_000_i64,
                "query_params": { "db": "telegraf", "precision": "ms" },
                "body": "cpu,host=node-a value=1.5,temp=3.0 1700000000000\nmem,host=node-a used=42 1700000005000",
            }]),
            json!([
                "cpu{host=\"node-a\",influx_db=\"telegraf\"}",
                "cpu_temp{host=\"node-a\",influx_db=\"telegraf\"}",
            ]),
            json!(["cpu", "cpu_temp"]),
        ),
        Protocol::Statsd => (
            json!([{
                "received_at_ms": 1_700_000_000_000_i64,
                "body": "jobs.completed:4|c|#env:prod\nworkers.active:2|g|#env:prod",
            }]),
            json!(["jobs_completed{env=\"prod\"}", "workers_active{env=\"prod\"}"]),
            json!(["jobs_completed", "workers_active"]),
        ),
        Protocol::Graphite => (
            json!([{
                "received_at_ms": 1_700_000_000_999_i64,
                "body": "servers.api.latency;env=prod;region=us-west 42.5 1700000000\nservers.api.errors 1 1700000001",
            }]),
            json!(["servers_api_latency{env=\"prod\",region=\"us-west\"}", "servers_api_errors"]),
            json!(["servers_api_latency", "servers_api_errors"]),
        ),
    }
}

/// The example's files, as the specification writes them but for the addresses and the tenant; with what the
/// native tool asks for besides.
fn files(tsink: &Tsink, protocol: Protocol, tenant: &str, for_native: bool) -> PlanFile {
    let (manifest, selectors, metrics) = example(protocol);
    let at = |path: &str| format!("{}/api/v1/{path}", tsink.url());
    let name = format!("{}-capture.json", protocol.folder());
    let mut plan = json!({
        "source": { "kind": protocol.source_kind(), "capture_manifest_path": name },
        "target": {
            "write_url": at("write"), "read_url": at("read"), "metadata_url": at("metadata"),
            "status_url": at("status/tsdb"), "tenant": tenant,
        },
        "selectors": selectors,
        "metadata_metrics": metrics,
    });
    if for_native {
        plan["target"]["exemplar_url"] = at("query_exemplars").into();
    }
    let file = PlanFile::new(&plan);
    std::fs::write(file.folder().join(name), manifest.to_string()).unwrap();
    file
}

/// The example as both tools see it.
fn holds(tsink: &Tsink, protocol: Protocol, series: usize, samples: usize) {
    let own = format!("{}-ours", protocol.folder());
    let theirs_tenant = format!("{}-theirs", protocol.folder());
    let backfill = ours("backfill", &files(tsink, protocol, &own, false), WINDOW, &[]).expect_code(0);
    let verify = ours("verify", &files(tsink, protocol, &own, false), WINDOW, &[]).expect_code(0);
    let report = backfill.report();
    assert_eq!((&report["series_written"], &report["samples_written"]), (&json!(series), &json!(samples)));
    assert_eq!(
        report["metadata_written"],
        report["preflight"]["recording"]["metrics"].as_array().unwrap().len()
            - usize::from(protocol == Protocol::Influx)
    );
    assert_eq!(verify.report()["raw_checks"][0]["sample_mismatches"], 0);

    // As it is, the native tool refuses its own example.
    let refused = theirs("verify", &files(tsink, protocol, &own, false), WINDOW);
    assert!(refused.outcome.code == 1 && refused.everything().contains("target.exemplar_url is required"));

    let file = files(tsink, protocol, &own, true);
    let native = theirs("verify", &file, WINDOW);
    assert_eq!(native.outcome.code, 0, "{}", native.everything());
    let verify = ours("verify", &file, WINDOW, &[]).expect_code(0);
    let mut exceptions = Vec::new();
    if protocol != Protocol::Otlp {
        exceptions.push(Exception {
            path: "exemplar_checks",
            reason: "only OTLP has exemplars: we do not ask for what cannot be there",
        });
    }
    assert_agree(&native.report(), &verify.report(), &exceptions);

    let file = files(tsink, protocol, &theirs_tenant, true);
    let native = theirs("backfill", &file, WINDOW);
    assert_eq!(native.outcome.code, 0, "{}", native.everything());
    // How series are put together into requests is each tool's own business.
    let counts = |stdout: &str| stdout.split_once("  write_batches: ").unwrap().0.to_owned();
    assert_eq!(counts(&native.outcome.stdout), counts(&backfill.outcome.stdout));
    assert!(
        backfill.outcome.stdout.ends_with("\n  refused: 0\n  bad_entries: 0\n"),
        "{}",
        backfill.outcome.stdout
    );
    ours("verify", &file, WINDOW, &[]).expect_code(0);
    // Bit for bit, but for the tenant that OTLP series are labelled with.
    let held =
        |tenant: &str| format!("{:?}", Held::read(&tsink.endpoint(tenant), &[], None)).replace(tenant, "");
    assert_eq!(held(&own), held(&theirs_tenant));
    let mut expected = native.report();
    assert!(expected.as_object_mut().unwrap().remove("write_batches").is_some());
    let sentences = [Exception { path: "notes", reason: "notes are sentences, each tool's own" }];
    assert_agree(&expected, &report, &sentences);
}

#[test]
fn otlp() {
    on_tsink(|tsink| holds(tsink, Protocol::Otlp, 2, 3));
}

#[test]
fn influx_line_protocol() {
    on_tsink(|tsink| holds(tsink, Protocol::Influx, 2, 2));
}

#[test]
fn statsd() {
    on_tsink(|tsink| holds(tsink, Protocol::Statsd, 2, 2));
}

#[test]
fn graphite_plaintext() {
    on_tsink(|tsink| holds(tsink, Protocol::Graphite, 2, 2));
}
