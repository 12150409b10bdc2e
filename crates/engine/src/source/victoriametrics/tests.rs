use super::{about, export, metrics_url, query_range, read_about, selector_text, time};
use crate::error::ErrorKind;
use crate::model::Window;
use crate::plan::{Plan, SourceKind};
use crate::port::Method;
use crate::prom_api::RangeQuery;
use crate::prom_api::tests::{answer, plan as prometheus_plan, shown};
use crate::selector::Selector;
use crate::wire::prom_read::SlabData;
use crate::wire::types::{LabelMatcher, MatcherType};

const WINDOW: Window = Window { start_ms: 1_795_255_985_000, end_ms: 1_795_255_987_001 };

fn plan() -> Plan {
    let mut plan = prometheus_plan();
    plan.source.kind = SourceKind::VictoriaMetrics;
    plan.source.remote_read_url = String::new();
    plan.source.export_url = Some("http://victoria:8428/prometheus/api/v1/export".to_owned());
    plan.source.query_range_url = Some("http://victoria:8428/prometheus/api/v1/query_range".to_owned());
    plan
}

fn selector(matchers: &[(MatcherType, &str, &str)]) -> Selector {
    let matchers = matchers
        .iter()
        .map(|(kind, name, value)| LabelMatcher {
            r#type: *kind as i32,
            name: (*name).to_owned(),
            value: (*value).to_owned(),
        })
        .collect();
    Selector { text: "unused".to_owned(), matchers }
}

fn up() -> Selector {
    selector(&[(MatcherType::Eq, "__name__", "up")])
}

/// What an export makes of pieces of a body.
fn read(status: u16, content_type: &str, pieces: &[&'static [u8]]) -> crate::Result<SlabData> {
    let call = export(&plan(), &up(), WINDOW);
    let first = pieces.first().copied().unwrap_or_default();
    let mut intake = (call.open)(&answer(status, &[("content-type", content_type)], first))?;
    for piece in pieces {
        intake.feed(piece)?;
    }
    intake.finish()
}

#[test]
fn the_export_is_asked_for_a_ms_more_than_the_window() {
    let request = export(&plan(), &up(), WINDOW).request;
    assert_eq!(
        shown(&request),
        "GET http://victoria:8428/prometheus/api/v1/export?match%5B%5D=%7B__name__%3D%22up%22%7D\
         &start=2026-11-21T10%3A13%3A05Z&end=2026-11-21T10%3A13%3A07.002Z&max_rows_per_line=10000\n\
         Authorization: Bearer source-token\n"
    );
    let long = selector(&[(MatcherType::Re, "pod", &"a|".repeat(4000))]);
    let request = export(&plan(), &long, WINDOW).request;
    assert_eq!((request.method, request.url.as_str()), (Method::Post, plan().source.samples_url()));
    assert!(request.body.starts_with(b"match%5B%5D="));
}

#[test]
fn times_that_the_server_cannot_hold() {
    assert_eq!(time(-5), "1970-01-01T00:00:00Z");
    assert_eq!(time(i64::MAX), "9999-12-31T23:59:59.999Z");
    assert_eq!(time(i64::MIN), "1970-01-01T00:00:00Z");
}

#[test]
fn selectors_as_metricsql_reads_them() {
    let odd = selector(&[
        (MatcherType::Neq, "a.b-c", "x\"\\\n"),
        (MatcherType::Nre, "9é", "y|z"),
        (MatcherType::Re, "job:x9", "w.+"),
    ]);
    assert_eq!(selector_text(&odd), r#"{a\.b\-c!="x\"\\\n",\9\é!~"y|z",job:x9=~"w.+"}"#);
}

#[test]
fn an_export_is_read_piece_by_piece() {
    let pieces: [&[u8]; 3] = [
        b"{\"metric\":{\"__name__\":\"up\"},\"val",
        b"ues\":[1,2],\"timestamps\":[1795255985000,179525",
        b"5987002]}\n",
    ];
    let found = read(200, "application/stream+json", &pieces).unwrap();
    assert_eq!(
        (found.series_count(), found.sample_count()),
        (1, 1),
        "the later one lies outside of the window"
    );
    assert_eq!(read(200, "application/stream+json", &[]).unwrap().series_count(), 0);
}

#[test]
fn what_ends_an_export() {
    let cut = read(200, "", &[b"{\"metric\":{"]).err().unwrap();
    assert_eq!(cut.kind, ErrorKind::Server);
    assert!(cut.message.contains("line 1") && cut.kind.is_retryable());
    let bad =
        read(200, "", &[b"{\"metric\":{\"a\":\"b\"},\"values\":[x],\"timestamps\":[1]}\n"]).err().unwrap();
    assert_eq!(bad.kind, ErrorKind::Protocol);
    assert!(bad.message.contains("line 1 ({a=\"b\"})"), "{}", bad.message);
    let page = read(200, "text/html", &[b"<html><title>Sign in</title>"]).err().unwrap();
    assert!(page.message.contains("web page"));
    let words =
        read(200, "", &[b"remoteAddr: \"a\"; requestURI: /x; timeout exceeded: Bearer source-token\n"])
            .err()
            .unwrap();
    assert_eq!(words.server_message.as_deref(), Some("timeout exceeded: [redacted]"));
    assert_eq!((words.kind, words.status), (ErrorKind::Server, Some(200)));
}

#[test]
fn refusals_in_the_servers_words() {
    let kind = |status, words: &str| {
        let text = format!(
            "remoteAddr: \"127.0.0.1:1\"; requestURI: /api/v1/export?match[]=up; error when exporting data: {words}"
        );
        let leaked: &'static [u8] = Box::leak(text.into_bytes().into_boxed_slice());
        read(status, "text/plain; charset=utf-8", &[leaked]).err().unwrap()
    };
    let series = kind(
        400,
        "the number of matching timeseries exceeds 2; either narrow down the search or increase -search.max* command-line flag values at vmselect",
    );
    assert_eq!(series.kind, ErrorKind::BadRequest);
    assert!(series.remedy.contains("-search.maxExportSeries"));
    let samples = kind(400, "cannot select more than -search.maxSamplesPerQuery=100 samples");
    assert_eq!(samples.kind, ErrorKind::TooLarge);
    let slow = kind(
        400,
        "timeout exceeded; the timeout can be adjusted with `-search.maxExportDuration` command-line flag",
    );
    assert_eq!(slow.kind, ErrorKind::Timeout);
    let nothing = kind(400, "unsupported path requested: \"/api/v1/exportx\"");
    assert_eq!(nothing.kind, ErrorKind::NotFound);
    assert!(nothing.remedy.contains("/api/v1/export"));
}

#[test]
fn queries_are_evaluated_at_the_times_asked_for() {
    let call =
        query_range(&plan(), &RangeQuery { query: "up", start_ms: 1_000, end_ms: 61_000, step_ms: 60_000 })
            .unwrap();
    assert!(
        call.request
            .url
            .starts_with("http://victoria:8428/prometheus/api/v1/query_range?nocache=1&query=up&")
    );
}

#[test]
fn where_metrics_are() {
    for (export, metrics) in [
        ("http://v:8428/api/v1/export", Some("http://v:8428/metrics")),
        ("http://v:8428/prometheus/api/v1/export/?a=b", Some("http://v:8428/metrics")),
        ("http://v:8481/select/0/prometheus/api/v1/export", Some("http://v:8481/metrics")),
        ("http://v:8481/vm/select/1:2/prometheus/api/v1/export", Some("http://v:8481/vm/metrics")),
        ("http://page/victoria/api/v1/export", Some("http://page/victoria/metrics")),
        ("http://v:8428/export", None),
    ] {
        assert_eq!(metrics_url(export).as_deref(), metrics, "{export}");
    }
    assert_eq!(about(&plan()).unwrap().request.url, "http://victoria:8428/metrics");
}

#[test]
fn version_and_flags() {
    let text = "vm_rows 5\nvm_app_version{version=\"victoria-metrics-20220621-071016-tags-v1.78.0-0-g091408be6\", short_version=\"v1.78.0\"} 1\n\
                flag{name=\"search.maxExportSeries\", value=\"10000000\", is_set=\"false\"} 1\nflag{name=\"tlsKeyFile\", value=\"secret\", is_set=\"true\"} 1\n";
    let found = read_about(text).unwrap();
    assert_eq!(found.title(), "VictoriaMetrics 1.78.0");
    assert_eq!(found.flag("search.maxExportSeries"), Some("10000000"));
    assert_eq!(found.flags.len(), 1);
    assert_eq!(
        read_about(&text.replace("short_version=\"v1.78.0\"", "short_version=\"\"")).unwrap().title(),
        "VictoriaMetrics 1.78.0"
    );
    // As Debian builds it.
    assert_eq!(
        read_about("vm_app_version{version=\"\", short_version=\"\"} 1\n").unwrap().title(),
        "VictoriaMetrics"
    );
    assert_eq!(read_about("prometheus_build_info 1\n"), None);
}
