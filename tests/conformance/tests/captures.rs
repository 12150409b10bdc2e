//! Captured payloads, sent to tsink's live endpoints: what reads back is what `tests/captures` says.
//!
//! `TSINK_RECORD_CAPTURES=1` writes what reads back into the cases; `TSINK_CAPTURE=name` takes only cases whose
//! name contains it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use conformance::captures::{Protocol, hold};
use serde_json::json;
use std::collections::BTreeMap;
use tsink_migrate_testkit::live::Live;
use tsink_migrate_testkit::otlp_json::{Numbering, request};
use tsink_migrate_testkit::servers::TsinkOptions;

/// `cpu value=1 1700000000000000000`, gzip.
const GZIP: &str = "H4sIAAAAAAACA0suKFUoS8wpTbU1VDA0N0AHXAC8ng7MIAAAAA==";

#[test]
fn influx_cases_are_what_the_server_makes_of_them() {
    hold(Protocol::Influx);
}

#[test]
fn statsd_cases_are_what_the_server_makes_of_them() {
    hold(Protocol::Statsd);
}

#[test]
fn graphite_cases_are_what_the_server_makes_of_them() {
    hold(Protocol::Graphite);
}

#[test]
fn otlp_cases_are_what_the_server_makes_of_them() {
    hold(Protocol::Otlp);
}

#[test]
fn the_last_line_of_a_graphite_connection_needs_an_end() {
    let live = Live::start(TsinkOptions::default(), "graphite").unwrap();
    let counts = live.graphite(b"a 1 1700000000\nb 1 1700000000").unwrap();
    assert_eq!((counts.accepted, counts.rejected, counts.throttled), (1, 0, 0));
    let endpoint = live.tsink().endpoint("graphite");
    assert_eq!(endpoint.read_metric("a", 0, 2_000_000_000_000).unwrap().len(), 1);
    assert_eq!(endpoint.read_metric("b", 0, 2_000_000_000_000).unwrap(), []);
}

#[test]
fn what_came_by_otlp_is_in_the_default_tenant_and_its_metadata_where_the_header_says() {
    let live = Live::start(TsinkOptions::default(), "default").unwrap();
    let json = json!({ "resourceMetrics": [{ "scopeMetrics": [{ "metrics": [{
        "name": "g", "gauge": { "dataPoints": [{ "timeUnixNano": "1700000000000000000", "asInt": "1",
            "exemplars": [{ "timeUnixNano": "1700000000000000000", "asInt": "1" }] }] }
    }] }] }] });
    let body = request(&json, Numbering::Standard).unwrap();
    let (team, default) = (live.tsink().endpoint("team"), live.tsink().endpoint("default"));
    team.post("/v1/metrics", &[("Content-Type", "application/x-protobuf")], &body).unwrap().ok().unwrap();
    let range = (0, 2_000_000_000_000);
    assert_eq!(team.read_metric("g", range.0, range.1).unwrap(), []);
    assert_eq!(default.read_metric("g", range.0, range.1).unwrap()[0].label("__tenant_id"), "team");
    assert_eq!(team.metadata("g").unwrap()["g"][0]["type"], "gauge");
    assert_eq!(default.metadata("g").unwrap(), json!({}));
    for endpoint in [&team, &default] {
        assert_eq!(endpoint.exemplars("g", range.0, range.1).unwrap(), json!([]));
    }
}

#[test]
fn live_endpoints_take_no_gzip_and_no_json() {
    let live = Live::start(TsinkOptions::default(), "default").unwrap();
    let endpoint = live.tsink().endpoint("default");
    let gzip = STANDARD.decode(GZIP).unwrap();
    let answer = live.influx("default", &BTreeMap::new(), &gzip).unwrap();
    assert_eq!(
        (answer.status, answer.text().as_str()),
        (400, "influx line protocol body must be valid UTF-8")
    );
    let answer = endpoint.post("/write", &[("Content-Encoding", "gzip")], &gzip).unwrap();
    assert_eq!(
        (answer.status, answer.text().as_str()),
        (400, "influx line protocol body must be valid UTF-8")
    );
    let protobuf = ("Content-Type", "application/x-protobuf");
    let answer = endpoint.post("/v1/metrics", &[protobuf, ("Content-Encoding", "gzip")], &gzip).unwrap();
    assert_eq!((answer.status, answer.text().as_str()), (400, "unsupported content-encoding: gzip"));
    let answer = endpoint.post("/v1/metrics", &[("Content-Type", "application/json")], b"{}").unwrap();
    assert_eq!(answer.status, 415);
}
