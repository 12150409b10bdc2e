use super::{
    build_info, exemplars, floats, metadata, query_range, read, read_by_query, read_streamed, selector_text,
};
use crate::answer::Asked;
use crate::error::{ErrorKind, Side};
use crate::model::Window;
use crate::plan::{ExemplarCheck, Plan};
use crate::port::{Answer, Method, Request, StreamCall};
use crate::prom_api::RangeQuery;
use crate::prom_api::tests::{answer, plan, shown};
use crate::selector::Selector;
use crate::wire::prom_json;
use crate::wire::room::Room;
use crate::wire::types::{LabelMatcher, MatcherType};
use bytes::Bytes;

const WINDOW: Window = Window { start_ms: 1_795_255_985_000, end_ms: 1_795_255_987_000 };

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

fn query_of(plan: &Plan, selector: &Selector, window: Window) -> (String, String, String) {
    let request = read_by_query(plan, selector, window).unwrap().request;
    let url = url::Url::parse(&request.url).unwrap();
    let value =
        |name: &str| url.query_pairs().find(|(own, _)| own == name).map(|(_, value)| value.into_owned());
    let base = request.url.split('?').next().unwrap().to_owned();
    (base, value("query").unwrap(), value("time").unwrap())
}

#[test]
fn remote_read_sends_the_encoding_and_no_version() {
    let call = read(&plan(), &up(), WINDOW);
    assert_eq!(
        shown(&call.request),
        "POST http://prom:9090/api/v1/read\nAuthorization: Bearer source-token\n\
         Content-Type: application/x-protobuf\nContent-Encoding: snappy\n"
    );
    assert!(!call.request.body.is_empty());
    assert_eq!(call.request.side, Side::Source);
    let partial = answer(200, &[("x-tsink-read-partial-response", "true")], b"");
    assert_eq!((call.parse)(&partial).err().unwrap().kind, ErrorKind::Partial);
    let streamed = answer(200, &[("content-type", "application/x-streamed-protobuf; proto=x")], b"");
    let error = (call.parse)(&streamed).err().unwrap();
    assert_eq!(error.kind, ErrorKind::Protocol);
    assert!(error.message.contains("streamed"));
    let error = (call.parse)(&answer(200, &[], b"\xff\xff\xff")).err().unwrap();
    assert_eq!((error.kind, error.side), (ErrorKind::Protocol, Some(Side::Source)));
    // A snappy block that says it holds 1 GiB.
    let bomb = (call.parse)(&answer(200, &[], b"\x80\x80\x80\x80\x04")).err().unwrap();
    assert_eq!(bomb.kind, ErrorKind::TooLarge);
    // What Prometheus 2.42 answers when nothing matches.
    assert_eq!((call.parse)(&answer(200, &[], b"\x02\x04\n\x00")).unwrap().series_count(), 0);
}

/// Reads an answer that comes in pieces of 1,000 bytes.
fn taken<T>(call: &StreamCall<T>, whole: &Answer) -> crate::Result<T> {
    let mut pieces = whole.body.chunks(1_000).map(bytes::Bytes::copy_from_slice);
    let first = Answer { body: pieces.next().unwrap_or_default(), ..whole.clone() };
    let mut intake = (call.open)(&first)?;
    intake.feed(&first.body)?;
    pieces.try_for_each(|piece| intake.feed(&piece))?;
    intake.finish()
}

#[test]
fn streamed_read_takes_what_the_server_chooses() {
    let window = Window { start_ms: 1_763_511_000_000, end_ms: 1_763_517_300_000 };
    let call = read_streamed(&plan(), &up(), window, None, Room::default());
    assert_eq!(shown(&call.request), shown(&read(&plan(), &up(), window).request));
    let asked = crate::wire::snappy::decompress(&call.request.body, 1 << 10).unwrap();
    assert!(asked.ends_with(&[0x12, 1, 1]), "STREAMED_XOR_CHUNKS and nothing else: {asked:?}");
    let streamed =
        [("content-type", "application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse")];
    let body = include_bytes!("../../../tests/fixtures/chunks/prometheus-2.42-histograms.bin");
    let data = taken(&call, &answer(200, &streamed, body)).unwrap();
    assert_eq!((data.series_count(), data.sample_count(), data.histogram_count()), (3, 0, 66));
    let nothing = taken(&call, &answer(200, &streamed, b"")).unwrap();
    assert_eq!(nothing.series_count(), 0);
    let samples = answer(200, &[("content-type", "application/x-protobuf")], b"\x02\x04\n\x00");
    assert_eq!(taken(&call, &samples).unwrap().series_count(), 0);
    let broken = [&body[..], b"the block is gone: source-token\n"].concat();
    let error = taken(&call, &answer(200, &streamed, &broken)).err().unwrap();
    assert_eq!((error.kind, error.side), (ErrorKind::Protocol, Some(Side::Source)));
    assert!(error.message.contains("the block is gone"), "{error:?}");
    assert!(!error.message.contains("source-token"), "{error:?}");
}

#[test]
fn an_answer_that_is_more_than_may_be_held_is_broken_off() {
    let window = Window { start_ms: 1_763_511_000_000, end_ms: 1_763_517_300_000 };
    let streamed =
        [("content-type", "application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse")];
    let body = include_bytes!("../../../tests/fixtures/chunks/prometheus-2.42-histograms.bin");
    let mut small = plan();
    small.options.memory_mib = 0;
    let call = read_streamed(&small, &up(), window, None, Room::default());
    let error = taken(&call, &answer(200, &streamed, body)).err().unwrap();
    assert_eq!(error.kind, ErrorKind::TooLarge);
    assert!(error.remedy.contains("memory_mib"), "{error:?}");
    let samples = answer(200, &[("content-type", "application/x-protobuf")], b"\x02\x04\n\x00");
    assert_eq!(taken(&call, &samples).err().unwrap().kind, ErrorKind::TooLarge);
    // A frame that promises 40 MB, and the beginning of it.
    small.options.memory_mib = 16;
    let call = read_streamed(&small, &up(), window, None, Room::default());
    let mut huge = vec![0x80, 0xa8, 0x89, 0x13, 0, 0, 0, 0];
    huge.resize(5 << 20, 7);
    assert_eq!(taken(&call, &answer(200, &streamed, &huge)).err().unwrap().kind, ErrorKind::TooLarge);
    // Counted, nothing is held, and the same is found.
    let call = super::count_streamed(&plan(), &up(), window, true);
    let census = taken(&call, &answer(200, &streamed, body)).unwrap();
    assert_eq!((census.series(), census.rows, census.histograms), (3, 66, 66));
}

#[test]
fn floats_of_a_query_become_series_to_write() {
    let call = read_by_query(&plan(), &up(), WINDOW).unwrap();
    let body = include_bytes!("../../../tests/fixtures/answers/prometheus-2.42-range-floats.json");
    let data = (call.parse)(&answer(200, &[], body)).unwrap();
    assert_eq!((data.series_count(), data.sample_count(), data.histogram_count()), (1, 3, 0));
    let samples = &data.decode()[0].samples;
    assert_eq!((samples[0].timestamp, samples[0].value), (1_795_255_985_000, 998.0));
    assert_eq!(samples[2].value.to_bits(), 0x7ff8_0000_0000_0001);
}

#[test]
fn the_range_reaches_1_ms_before_the_window() {
    let (url, query, time) = query_of(&plan(), &up(), WINDOW);
    assert_eq!(url, "http://prom:9090/api/v1/query");
    // (end - 2001, end] is [start, end] where ranges are left-open.
    assert_eq!((query.as_str(), time.as_str()), ("{__name__=\"up\"}[2001ms]", "1795255987"));
    let instant = Window { start_ms: 1, end_ms: 1 };
    let (_, query, time) = query_of(&plan(), &up(), instant);
    assert_eq!((query.as_str(), time.as_str()), ("{__name__=\"up\"}[1ms]", "1970-01-01T00:00:00.001Z"));
}

#[test]
fn the_query_endpoint_follows_from_either_url() {
    let mut plan = plan();
    plan.source.query_range_url = None;
    plan.source.remote_read_url = "http://gate/p/api/v1/read?k=v".to_owned();
    let call = read_by_query(&plan, &up(), WINDOW).unwrap();
    assert!(call.request.url.starts_with("http://gate/p/api/v1/query?k=v&query="), "{}", call.request.url);
    plan.source.remote_read_url = "http://gate/elsewhere".to_owned();
    let error = read_by_query(&plan, &up(), WINDOW).err().unwrap();
    assert_eq!(error.kind, ErrorKind::Input);
    assert!(error.remedy.contains("query_range_url"));
}

#[test]
fn selectors_are_written_for_every_version_of_promql() {
    let all = selector(&[
        (MatcherType::Eq, "__name__", "my metric 🦀"),
        (MatcherType::Neq, "a", "say \"hi\"\\\n"),
        (MatcherType::Re, "b", "x.*"),
        (MatcherType::Nre, "label.with.dots", "1|2"),
    ]);
    let expected = r#"{__name__="my metric 🦀",a!="say \"hi\"\\\n",b=~"x.*","label.with.dots"!~"1|2"}"#;
    assert_eq!(selector_text(&all), expected);
}

fn read_floats(window: Window, body: &[u8]) -> crate::Result<Vec<String>> {
    let request = Request {
        side: Side::Source,
        method: Method::Get,
        url: "http://prom:9090/api/v1/query".to_owned(),
        headers: Vec::new(),
        body: Bytes::new(),
        timeout_ms: 1,
    };
    let asked =
        Asked::new(&request, crate::answer::Purpose::ReadSamples, "source.query_range_url", &[], None);
    let answer = answer(200, &[], body);
    let series = floats(prom_json::query(body).unwrap(), window, &answer, &asked)?;
    Ok(series
        .into_iter()
        .map(|one| {
            let at: Vec<_> = one.samples.iter().map(|sample| sample.timestamp.to_string()).collect();
            format!("{} {}", one.labels, at.join(" "))
        })
        .collect())
}

#[test]
fn points_outside_the_window_are_left_out() {
    let body = include_bytes!("../../../tests/fixtures/answers/prometheus-2.42-range-floats.json");
    let expected = [r#"http_requests_total{job="api"} 1795255985000 1795255986000 1795255987000"#];
    assert_eq!(read_floats(WINDOW, body).unwrap(), expected);
    let elsewhere = Window { start_ms: 0, end_ms: 1 };
    assert_eq!(read_floats(elsewhere, body).unwrap(), [""; 0]);
}

#[test]
fn native_histograms_are_not_lost_without_a_word() {
    let body = include_bytes!("../../../tests/fixtures/answers/prometheus-2.42-instant-range.json");
    let error = read_floats(WINDOW, body).unwrap_err();
    assert_eq!(error.kind, ErrorKind::BadRequest);
    assert!(error.message.contains(r#"h{job="api"} holds native histograms"#), "{error:?}");
    let before = Window { start_ms: 1_795_255_986_000, end_ms: 1_795_255_986_999 };
    assert_eq!(read_floats(before, body).unwrap().len(), 1);
}

#[test]
fn nan_is_prometheus_ordinary_nan() {
    let body = include_bytes!("../../../tests/fixtures/answers/prometheus-2.42-range-floats.json");
    let result = prom_json::query(body).unwrap();
    assert_eq!(result.series[0].samples[3].value.to_bits(), 0x7ff8_0000_0000_0001);
}

#[test]
fn build_information_is_next_to_remote_read() {
    let mut plan = plan();
    let call = build_info(&plan).unwrap();
    assert_eq!(
        shown(&call.request),
        "GET http://prom:9090/api/v1/status/buildinfo\nAuthorization: Bearer source-token\n"
    );
    let body = include_bytes!("../../../tests/fixtures/answers/prometheus-2.42-buildinfo.json");
    assert_eq!((call.parse)(&answer(200, &[], body)).unwrap().version, "2.42.0+ds");
    let gone = (call.parse)(&answer(404, &[], b"not found")).unwrap_err();
    assert_eq!(gone.kind, ErrorKind::NotFound);
    plan.source.remote_read_url = "http://prom/custom".to_owned();
    assert!(build_info(&plan).is_none());
}

#[test]
fn endpoints_that_the_plan_lacks_are_not_asked() {
    let mut plan = plan();
    let check = ExemplarCheck { query: "x".into(), limit: 1 };
    assert!(metadata(&plan, "up").unwrap().request.url.starts_with("http://prom:9090/api/v1/metadata?"));
    assert!(exemplars(&plan, &check, WINDOW).unwrap().request.url.contains("/query_exemplars?"));
    let call =
        query_range(&plan, &RangeQuery { query: "up", start_ms: 2000, end_ms: 1000, step_ms: 500 }).unwrap();
    assert!(
        call.request.url.ends_with("query_range?query=up&start=1&end=2&step=0.5000005"),
        "{}",
        call.request.url
    );
    assert!(!shown(&call.request).contains("Tenant"));
    plan.source.metadata_url = None;
    plan.source.exemplar_url = None;
    plan.source.query_range_url = None;
    assert!(metadata(&plan, "up").is_none());
    assert!(exemplars(&plan, &check, WINDOW).is_none());
    assert!(
        query_range(&plan, &RangeQuery { query: "up", start_ms: 0, end_ms: 1000, step_ms: 500 }).is_none()
    );
}
