//! Real answers of both servers, odd ones, and random ones.

use super::super::{JsonError, build_info, error_text, exemplars, metadata};
use super::query;
use proptest::prelude::*;

macro_rules! answer {
    ($name:literal) => {
        include_bytes!(concat!("../../../../tests/fixtures/answers/", $name))
    };
}

fn shown(body: &[u8]) -> Vec<String> {
    let result = query(body).unwrap();
    assert!(!result.partial && result.warnings.is_empty() && result.infos.is_empty());
    let mut lines = Vec::new();
    for series in result.series {
        let points: Vec<_> =
            series.samples.iter().map(|one| format!("{}={:?}", one.timestamp, one.value)).collect();
        lines.push(format!("{} {}", series.labels, points.join(" ")).trim_end().to_owned());
        lines.extend(series.histograms.iter().map(|(at, text)| format!("  {at} {text}")));
    }
    lines
}

#[test]
fn floats_of_both_servers() {
    let points = "1795255984000=997.0 1795255985000=998.0 1795255986000=999.0 1795255987000=NaN";
    let prometheus = shown(answer!("prometheus-2.42-range-floats.json"));
    assert_eq!(prometheus, [format!(r#"http_requests_total{{job="api"}} {points}"#)]);
    // An aggregate of tsink: `"__name__": ""` is no label.
    assert_eq!(shown(answer!("tsink-0.10.2-range-floats.json")), [format!("{{}} {points}")]);
}

#[test]
fn infinities_and_the_ends_of_the_range_are_the_same_from_both() {
    let prometheus = shown(answer!("prometheus-2.42-range-extremes.json"));
    let expected = [
        "inf 1795255986000=inf 1795255987000=-inf",
        "tiny 1795255986000=1e-310 1795255987000=1.7976931348623157e308",
    ];
    assert_eq!(prometheus, expected);
    assert_eq!(shown(answer!("tsink-0.10.2-range-extremes.json")), expected);
}

#[test]
fn histograms() {
    let prometheus = shown(answer!("prometheus-2.42-range-histograms.json"));
    assert_eq!(prometheus.len(), 4);
    assert_eq!(prometheus[0], r#"h{job="api"}"#);
    assert_eq!(
        prometheus[3],
        r#"  1795255987000 {"count":"9","sum":"13.5","buckets":[[3,"-0.001","0.001","7"],[0,"0.5","1","1"],[0,"1","2","1"]]}"#
    );
    // The same histogram of tsink: its JSON shifts the bounds by one bucket (see the module's documents).
    assert_eq!(
        shown(answer!("tsink-0.10.2-range-histograms.json"))[3],
        r#"  1795255987000 {"count":"9","sum":"13.5","buckets":[[1,"-0.001","0.001","7"],[1,"1","2","1"],[1,"2","4","1"]]}"#
    );
}

#[test]
fn an_instant_query_over_a_range_holds_floats_and_histograms() {
    let result = query(answer!("prometheus-2.42-instant-range.json")).unwrap();
    let seen: Vec<_> = result.series.iter().map(|one| (one.samples.len(), one.histograms.len())).collect();
    assert_eq!(seen, [(0, 2), (11, 0)]);
}

#[test]
fn vector_scalar_string_and_nothing() {
    let vector = br#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{"a":"b"},"value":[1.5,"2"]},
        {"metric":{"a":"a"},"histogram":[1,{"count":"1","sum":"2"}]}]}}"#;
    let expected = [r#"{a="a"}"#, r#"  1000 {"count":"1","sum":"2","buckets":[]}"#, r#"{a="b"} 1500=2.0"#];
    assert_eq!(shown(vector), expected);
    let scalar = br#"{"status":"success","data":{"result":[1700000000.5,"NaN"],"resultType":"scalar"}}"#;
    assert_eq!(shown(scalar), ["{} 1700000000500=NaN"]);
    for text in ["x", "12"] {
        let body =
            format!(r#"{{"status":"success","data":{{"result":[1,"{text}"],"resultType":"string"}}}}"#);
        assert_eq!(query(body.as_bytes()), Err(JsonError::NoPoints("string")));
    }
    for nothing in ["[]", "null"] {
        let body = format!(r#"{{"status":"success","data":{{"resultType":"matrix","result":{nothing}}}}}"#);
        assert_eq!(shown(body.as_bytes()), [""; 0]);
    }
}

#[test]
fn warnings_infos_and_partial_answers() {
    let body =
        br#"{"status":"success","warnings":["shard 3: node node-2 unreachable"],"infos":["PromQL info: x"],
        "data":{"resultType":"matrix","result":[]},
        "partialResponse":{"enabled":true,"policy":"allow","consistency":"quorum","warningCount":1}}"#;
    let result = query(body).unwrap();
    assert_eq!(result.warnings, ["shard 3: node node-2 unreachable"]);
    assert_eq!(result.infos, ["PromQL info: x"]);
    assert!(result.partial);
    let whole =
        br#"{"status":"success","warnings":null,"data":{"result":[]},"partialResponse":{"enabled":false}}"#;
    assert!(!query(whole).unwrap().partial);
}

#[test]
fn points_out_of_order_are_put_in_order_and_unknown_fields_ignored() {
    let body = br#"{"status":"success","data":{"resultType":"matrix","stats":{"x":[1]},"result":[
        {"values":[[2,"2"],[1,"1"]],"metric":{"b":"1"},"new":{"deep":[[]]}},{"metric":{"a":"1"},"values":null}]},"isPartial":false}"#;
    assert_eq!(shown(body), [r#"{a="1"}"#, r#"{b="1"} 1000=1.0 2000=2.0"#]);
}

#[test]
fn what_is_not_a_query_result_is_an_error() {
    for body in [
        "",
        "null",
        "[]",
        "<html>",
        r#"{"status":"success"}"#,
        r#"{"status":"success","data":{"result":{}}}"#,
        r#"{"status":"success","data":{"result":[1]}}"#,
        r#"{"status":"success","data":{"result":[1,"2",3]}}"#,
        r#"{"status":"success","data":{"result":["x"]}}"#,
        r#"{"status":"success","data":{"result":[{"metric":{"a":1}}]}}"#,
        r#"{"status":"success","data":{"result":[{"metric":{},"values":[[1,"x"]]}]}}"#,
        r#"{"status":"success","data":{"result":[{"metric":{},"values":[[1e40,"1"]]}]}}"#,
        r#"{"status":"success","data":{"result":[{"metric":{}},[1,"2"]]}}"#,
    ] {
        assert!(matches!(query(body.as_bytes()), Err(JsonError::Malformed(_))), "{body}");
    }
    let bomb = format!(r#"{{"status":"success","data":{}"#, "[".repeat(100_000));
    assert!(matches!(query(bomb.as_bytes()), Err(JsonError::Malformed(_))));
    let ignored = format!(r#"{{"status":"success","data":{{"x":{}"#, "[".repeat(100_000));
    assert!(matches!(query(ignored.as_bytes()), Err(JsonError::Malformed(_))));
}

/// Text that looks like an answer, often enough to reach every branch.
fn almost_json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("1795255987.001".to_owned()),
        Just("-1e308".to_owned()),
        Just("18446744073709551615".to_owned()),
        "\"(NaN|\\+Inf|-Inf|1e-310|success|error|matrix|string|\\\\u0000|x)\"",
    ];
    leaf.prop_recursive(6, 64, 5, |inner| {
        let key = "(status|data|result|resultType|metric|value|values|histogram|histograms|count|sum|buckets|exemplars|seriesLabels|labels|timestamp|warnings|partialResponse|enabled|version|m)";
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(|all| format!("[{}]", all.join(","))),
            prop::collection::vec((key, inner), 0..6).prop_map(|all| {
                let fields: Vec<_> = all.into_iter().map(|(key, value)| format!("\"{key}\":{value}")).collect();
                format!("{{{}}}", fields.join(","))
            }),
        ]
    })
}

fn read_all(body: &[u8]) {
    let _ = query(body);
    let _ = metadata(body, "m");
    let _ = exemplars(body);
    let _ = build_info(body);
    let _ = error_text(body);
}

proptest! {
    #[test]
    fn no_bytes_panic(body: Vec<u8>) {
        read_all(&body);
    }

    #[test]
    fn no_json_panics(data in almost_json(), whole in almost_json()) {
        read_all(whole.as_bytes());
        read_all(format!(r#"{{"status":"success","data":{data}}}"#).as_bytes());
        read_all(format!(r#"{{"status":"success","data":{{"resultType":"matrix","result":[{data}]}}}}"#).as_bytes());
        read_all(format!(r#"{{"status":"success","data":{{"result":[{{"values":[{data}],"histograms":{data}}}]}}}}"#).as_bytes());
    }

    #[test]
    fn cut_answers_are_errors(cut in 0usize..207) {
        let body = answer!("prometheus-2.42-range-floats.json");
        prop_assert!(query(&body[..cut.min(body.len() - 1)]).is_err());
    }

    #[test]
    fn points_survive(points in prop::collection::vec((0i64..4_000_000_000_000, any::<f64>()), 0..50)) {
        let mut points = points;
        points.sort_by_key(|(at, _)| *at);
        let values: Vec<_> = points.iter()
            .map(|(at, value)| format!("[{},\"{}\"]", *at as f64 / 1000.0, super::super::number::value_text(*value)))
            .collect();
        let body = format!(r#"{{"status":"success","data":{{"resultType":"matrix","result":[{{"metric":{{}},"values":[{}]}}]}}}}"#, values.join(","));
        let found = query(body.as_bytes()).unwrap();
        let back: Vec<_> = found.series[0].samples.iter().map(|one| (one.timestamp, one.value)).collect();
        prop_assert_eq!(back.len(), points.len());
        for (one, other) in back.iter().zip(&points) {
            prop_assert_eq!(one.0, other.0);
            prop_assert!(one.1.to_bits() == other.1.to_bits() || one.1.is_nan() && other.1.is_nan());
        }
    }
}
