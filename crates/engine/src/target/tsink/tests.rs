use super::{
    WriteOutcome, exemplars, metadata, query_range, read, retention_probe, status, write, write_probe,
};
use crate::error::{ErrorKind, Feature, Side};
use crate::model::Window;
use crate::plan::ExemplarCheck;
use crate::prom_api::RangeQuery;
use crate::prom_api::tests::{answer, plan, shown};
use crate::selector::Selector;
use bytes::Bytes;

const WINDOW: Window = Window { start_ms: 1_795_255_985_000, end_ms: 1_795_255_987_000 };

#[test]
fn writes_carry_tenant_encoding_and_version() {
    let call = write(&plan(), Bytes::from_static(b"block"));
    assert_eq!(
        shown(&call.request),
        "POST http://tsink:9201/api/v1/write\nAuthorization: Bearer target-token\n\
         Content-Type: application/x-protobuf\nContent-Encoding: snappy\n\
         X-Prometheus-Remote-Write-Version: 0.1.0\nX-Tsink-Tenant: shop\n"
    );
    assert_eq!(call.request.body, "block");
    let debug = format!("{:?}", call.request);
    assert!(!debug.contains("target-token") && !debug.contains("shop"), "{debug}");
}

#[test]
fn reads_carry_tenant_encoding_and_version() {
    let call = read(&plan(), &Selector { text: "up".into(), matchers: Vec::new() }, WINDOW);
    assert_eq!(
        shown(&call.request),
        "POST http://tsink:9201/api/v1/read\nAuthorization: Bearer target-token\n\
         Content-Type: application/x-protobuf\nContent-Encoding: snappy\n\
         X-Prometheus-Remote-Read-Version: 0.1.0\nX-Tsink-Tenant: shop\n"
    );
    for name in ["x-tsink-read-partial-response", "x-tsink-read-response"] {
        let error = (call.parse)(&answer(200, &[(name, "true")], b"")).err().unwrap();
        assert_eq!((error.kind, error.side), (ErrorKind::Partial, Some(Side::Target)));
    }
    let old =
        (call.parse)(&answer(401, &[("x-tsink-auth-error-code", "auth_token_invalid")], b"unauthorized"));
    assert_eq!(old.err().unwrap().kind, ErrorKind::AuthInvalid);
}

/// Headers as tsink-server 0.10.2 sent them for a batch with 2 metadata entries, histograms and exemplars.
#[test]
fn what_a_write_did_is_in_the_headers() {
    let call = write(&plan(), Bytes::new());
    let headers = [
        ("x-tsink-metadata-applied", "2"),
        ("x-tsink-histograms-accepted", "2"),
        ("x-tsink-exemplars-accepted", "2"),
        ("x-tsink-exemplars-dropped", "0"),
    ];
    let expected = WriteOutcome {
        metadata_applied: Some(2),
        histograms_accepted: Some(2),
        exemplars_accepted: Some(2),
        exemplars_dropped: Some(0),
        consistency: None,
    };
    assert_eq!((call.parse)(&answer(200, &headers, b"")).unwrap(), expected);
    assert_eq!((call.parse)(&answer(204, &[], b"")).unwrap(), WriteOutcome::default());
    let cluster = [
        ("x-tsink-write-consistency", "quorum"),
        ("x-tsink-write-required-acks", "2"),
        ("x-tsink-write-acknowledged-replicas", "2"),
        ("x-tsink-metadata-applied", "two"),
    ];
    let outcome = (call.parse)(&answer(200, &cluster, b"")).unwrap();
    assert_eq!(outcome.consistency.as_deref(), Some("quorum, 2 of 2 replicas"));
    assert_eq!(outcome.metadata_applied, None);
    let alone = [("x-tsink-write-consistency", "one")];
    assert_eq!((call.parse)(&answer(200, &alone, b"")).unwrap().consistency.as_deref(), Some("one"));
}

#[test]
fn a_refused_write_is_typed_and_names_the_side() {
    let call = write(&plan(), Bytes::new());
    let body = b"remote write exemplar payloads are disabled on this node";
    let error = (call.parse)(&answer(422, &[], body)).unwrap_err();
    assert_eq!(error.kind, ErrorKind::FeatureDisabled(Feature::Exemplars));
    assert_eq!(error.url.as_deref(), Some("http://tsink:9201/api/v1/write"));
    let echo = (call.parse)(&answer(400, &[], b"bad header target-token")).unwrap_err();
    assert_eq!(echo.server_message.as_deref(), Some("bad header [redacted]"));
}

#[test]
fn the_probes_are_small_writes() {
    let call = write_probe(&plan());
    assert_eq!(call.request.body, Bytes::from_static(&[0]));
    assert_eq!(call.request.url, "http://tsink:9201/api/v1/write");
    let call = retention_probe(&plan(), &[7]);
    assert!(shown(&call.request).contains("X-Tsink-Tenant: shop"));
    let refused = b"insert failed: Data point with timestamp 7 is outside the retention window";
    assert_eq!((call.parse)(&answer(422, &[], refused)).unwrap(), Some(7));
    let taken =
        b"insert failed: Data point with timestamp -9223372036854775808 is outside the retention window";
    assert_eq!((call.parse)(&answer(422, &[], taken)).unwrap(), None);
}

#[test]
fn status_of_the_wrong_server_is_an_error() {
    let call = status(&plan()).unwrap();
    let body = include_bytes!("../../../tests/fixtures/answers/tsink-0.10.2-status-tsdb.json");
    assert!((call.parse)(&answer(200, &[], body)).unwrap().capabilities.metadata_enabled);
    let error =
        (call.parse)(&answer(200, &[], br#"{"status":"success","data":{"headStats":{}}}"#)).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Protocol);
    assert!(error.message.contains("Prometheus") && error.remedy.contains("target.status_url"), "{error:?}");
}

#[test]
fn endpoints_that_the_plan_lacks_are_not_asked() {
    let mut plan = plan();
    let check = ExemplarCheck { query: "x".into(), limit: 1 };
    let requests = [
        metadata(&plan, "up").unwrap().request,
        exemplars(&plan, &check, WINDOW).unwrap().request,
        query_range(&plan, &RangeQuery { query: "up", start_ms: 0, end_ms: 1000, step_ms: 1000 })
            .unwrap()
            .request,
        status(&plan).unwrap().request,
    ];
    for request in requests {
        assert!(shown(&request).contains("X-Tsink-Tenant: shop"), "{}", request.url);
        assert!(request.url.starts_with("http://tsink:9201/api/v1/"));
    }
    plan.target.metadata_url = None;
    plan.target.exemplar_url = None;
    plan.target.query_range_url = None;
    plan.target.status_url = None;
    assert!(metadata(&plan, "up").is_none() && exemplars(&plan, &check, WINDOW).is_none());
    assert!(
        query_range(&plan, &RangeQuery { query: "up", start_ms: 0, end_ms: 1, step_ms: 1 }).is_none()
            && status(&plan).is_none()
    );
}
