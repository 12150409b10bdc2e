use super::{Errand, Exemplars, RangeQuery, Server};
use crate::answer::Purpose;
use crate::error::{ErrorKind, Side};
use crate::model::{Exemplar, Labels, Series, Window};
use crate::plan::{Batch, Compare, ExemplarCheck, Options, Plan, Source, SourceKind, Target};
use crate::port::{Answer, Call, Method, Request, Secret};
use bytes::Bytes;
use std::fmt::Write as _;

const URL: &str = "http://h:9201/api/v1/query_range";

fn server<'a>(side: Side, headers: &'a [(String, Secret)]) -> Server<'a> {
    Server { side, headers, tenant: (side == Side::Target).then_some("shop"), timeout_ms: 30_000 }
}

fn errand(purpose: Purpose) -> Errand<'static> {
    Errand { purpose, field: "target.query_range_url", url: URL }
}

/// A request as text, header values included.
pub(crate) fn shown(request: &Request) -> String {
    let mut out = format!("{} {}\n", request.method.as_str(), request.url);
    for (name, value) in &request.headers {
        let _ = writeln!(out, "{name}: {}", value.reveal());
    }
    out
}

pub(crate) fn answer(status: u16, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Answer { status, headers, body: Bytes::copy_from_slice(body) }
}

#[test]
fn plan_headers_are_sent_and_ours_are_sent_once() {
    let headers = [
        ("Authorization".to_owned(), Secret::new("Bearer t")),
        ("x-tsink-tenant".to_owned(), Secret::new("other")),
        ("CONTENT-TYPE".to_owned(), Secret::new("text/plain")),
    ];
    let call = server(Side::Target, &headers).post(
        &errand(Purpose::Write),
        &[("X-V", "1")],
        Bytes::new(),
        9,
        |_, _| Ok(()),
    );
    assert_eq!(
        shown(&call.request),
        "POST http://h:9201/api/v1/query_range\nAuthorization: Bearer t\nContent-Type: application/x-protobuf\n\
         Content-Encoding: snappy\nX-V: 1\nX-Tsink-Tenant: shop\n"
    );
    assert_eq!((call.request.side, call.request.timeout_ms, call.limit), (Side::Target, 30_000, 9));
}

#[test]
fn a_long_query_goes_as_a_form_of_the_same_parameters() {
    let (start_ms, end_ms) = (1_700_000_000_000, 1_700_000_060_500);
    let asked = |query| RangeQuery { query, start_ms, end_ms, step_ms: 30_000 };
    let source = server(Side::Source, &[]);
    let short = source.query_range(&errand(Purpose::Query), &asked("up{a=\"b c\"}"));
    let params = "start=1700000000&end=2023-11-14T22%3A14%3A20.500Z&step=30";
    assert_eq!(shown(&short.request), format!("GET {URL}?query=up%7Ba%3D%22b+c%22%7D&{params}\n"));
    assert!(short.request.body.is_empty());
    let query = "x".repeat(5000);
    let long = source.query_range(&errand(Purpose::Query), &asked(&query));
    assert_eq!(long.request.method, Method::Post);
    let expected = format!("POST {URL}\nContent-Type: application/x-www-form-urlencoded\n");
    assert_eq!(shown(&long.request), expected);
    assert_eq!(long.request.body, format!("query={query}&{params}"));
}

fn ask_query(headers: &[(&str, &str)], body: &str) -> crate::Result<crate::wire::prom_json::QueryResult> {
    let asked = RangeQuery { query: "up", start_ms: 0, end_ms: 1000, step_ms: 1000 };
    let call = server(Side::Target, &[]).query_range(&errand(Purpose::Query), &asked);
    (call.parse)(&answer(200, headers, body.as_bytes()))
}

#[test]
fn partial_results_are_told_by_header_or_body() {
    let whole = r#"{"status":"success","data":{"resultType":"matrix","result":[]}}"#;
    assert!(!ask_query(&[], whole).unwrap().partial);
    let headers = [("x-tsink-read-partial-response", "true"), ("x-tsink-read-partial-warnings", "2")];
    let partial = ask_query(&headers, whole).unwrap();
    assert!(partial.partial);
    assert_eq!(partial.warnings, ["partial answer with 2 warnings, which tsink does not show"]);
    let none = ask_query(
        &[("x-tsink-read-partial-response", "false"), ("x-tsink-read-partial-warnings", "0")],
        whole,
    );
    assert_eq!(none.unwrap(), ask_query(&[], whole).unwrap());
}

#[test]
fn bad_query_answers_are_typed() {
    let string = r#"{"status":"success","data":{"result":[1,"x"],"resultType":"string"}}"#;
    let error = ask_query(&[], string).unwrap_err();
    assert_eq!(error.kind, ErrorKind::BadRequest);
    assert!(error.message.contains("string") && error.remedy.contains("numbers"), "{error:?}");
    let refused = r#"{"status":"error","errorType":"execution","error":"Storage is shutting down"}"#;
    let error = ask_query(&[], refused).unwrap_err();
    assert_eq!((error.kind, error.status), (ErrorKind::Unavailable, Some(200)));
    let error = ask_query(&[("content-type", "text/plain")], "ok").unwrap_err();
    assert_eq!((error.kind, error.server_message.as_deref()), (ErrorKind::Protocol, Some("ok")));
}

#[test]
fn metadata_is_asked_for_by_name() {
    let call = server(Side::Target, &[]).metadata(&errand(Purpose::Metadata), "my metric");
    assert_eq!(call.request.url, format!("{URL}?metric=my+metric"));
    let body =
        br#"{"status":"success","data":{"my metric":[{"type":"gauge","help":"h","unit":""}],"other":[]}}"#;
    assert_eq!((call.parse)(&answer(200, &[], body)).unwrap().len(), 1);
    let partial = (call.parse)(&answer(200, &[("x-tsink-read-partial-response", "true")], body));
    assert_eq!(partial.unwrap_err().kind, ErrorKind::Partial);
}

fn exemplar_call(side: Side, limit: u64) -> Call<Exemplars> {
    let window = Window { start_ms: 1000, end_ms: 3000 };
    let check = ExemplarCheck { query: "x".into(), limit };
    server(side, &[]).exemplars(&errand(Purpose::Exemplars), &check, window)
}

fn exemplar_body(times: impl IntoIterator<Item = i64>) -> Vec<u8> {
    let all: Vec<_> =
        times.into_iter().map(|at| format!(r#"{{"labels":{{}},"value":"1","timestamp":{at}}}"#)).collect();
    let all = all.join(",");
    format!(r#"{{"status":"success","data":[{{"seriesLabels":{{"__name__":"x"}},"exemplars":[{all}]}}]}}"#)
        .into_bytes()
}

#[test]
fn exemplars_are_clipped_to_the_window_and_the_newest() {
    let call = exemplar_call(Side::Source, 2);
    assert_eq!(call.request.url, format!("{URL}?query=x&start=1&end=3"));
    let found = (call.parse)(&answer(200, &[], &exemplar_body([0, 1, 2, 3, 4]))).unwrap();
    let at = |timestamp| Exemplar { labels: Labels::default(), value: 1.0, timestamp };
    let labels = Labels::from_pairs([("__name__", "x")]);
    let series = vec![Series { labels, exemplars: vec![at(2000), at(3000)], ..Series::default() }];
    assert_eq!(found, Exemplars { series, complete: true, over_limit: 1 });
    let outside = (call.parse)(&answer(200, &[], &exemplar_body([0, 4]))).unwrap();
    assert_eq!(outside, Exemplars { complete: true, ..Exemplars::default() });
    // Prometheus 2.42 to a query without a selector.
    assert_eq!((call.parse)(&answer(204, &[], b"")).unwrap(), outside);
}

#[test]
fn a_full_answer_of_tsink_may_have_left_something_out() {
    let target = exemplar_call(Side::Target, 200);
    let complete = |call: &Call<Exemplars>, headers: &[(&str, &str)], count: i64| {
        (call.parse)(&answer(200, headers, &exemplar_body(0..count))).unwrap().complete
    };
    assert!(complete(&target, &[("x-tsink-exemplar-limit", "5")], 4));
    assert!(!complete(&target, &[("x-tsink-exemplar-limit", "5")], 5));
    // The header may be hidden from a page.
    assert!(complete(&target, &[], 999));
    assert!(!complete(&target, &[], 1000));
    // Prometheus has no such limit; tsink as a source says so.
    let source = exemplar_call(Side::Source, 200);
    assert!(complete(&source, &[], 1000));
    assert!(!complete(&source, &[("x-tsink-exemplar-limit", "1000")], 1000));
}

/// A plan with every endpoint.
pub(crate) fn plan() -> Plan {
    let api = |host: &str, path: &str| format!("http://{host}/api/v1/{path}");
    let headers = |token: &str| vec![("Authorization".to_owned(), Secret::new(format!("Bearer {token}")))];
    Plan {
        source: Source {
            kind: SourceKind::Prometheus,
            headers: headers("source-token"),
            remote_read_url: api("prom:9090", "read"),
            export_url: None,
            capture_manifest_path: None,
            query_range_url: Some(api("prom:9090", "query_range")),
            metadata_url: Some(api("prom:9090", "metadata")),
            exemplar_url: Some(api("prom:9090", "query_exemplars")),
        },
        target: Target {
            write_url: api("tsink:9201", "write"),
            read_url: api("tsink:9201", "read"),
            query_range_url: Some(api("tsink:9201", "query_range")),
            metadata_url: Some(api("tsink:9201", "metadata")),
            exemplar_url: Some(api("tsink:9201", "query_exemplars")),
            status_url: Some(api("tsink:9201", "status/tsdb")),
            tenant: "shop".to_owned(),
            headers: headers("target-token"),
        },
        selectors: Vec::new(),
        metadata_metrics: Vec::new(),
        exemplar_checks: Vec::new(),
        promql_checks: Vec::new(),
        batch: Batch::default(),
        compare: Compare::default(),
        options: Options::default(),
    }
}
