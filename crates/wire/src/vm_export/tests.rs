use super::number::STALE_NAN_BITS;
use super::{Decoder, ExportError, Fault, decode};
use crate::model::{Labels, Sample, Series, Window};
use proptest::prelude::*;

const EVER: Window = Window { start_ms: i64::MIN, end_ms: i64::MAX };

fn read(body: &str) -> Vec<Series> {
    decode(body.as_bytes(), EVER).unwrap().decode()
}

fn refused(body: &str) -> ExportError {
    decode(body.as_bytes(), EVER).unwrap_err()
}

fn bits(series: &Series) -> Vec<(i64, u64)> {
    series.samples.iter().map(|sample| (sample.timestamp, sample.value.to_bits())).collect()
}

#[test]
fn special_values_of_all_versions() {
    // As 1.79.5 wrote them: a NaN is bare where it comes first, and null elsewhere.
    let old =
        "{\"metric\":{\"__name__\":\"a\"},\"values\":[NaN,null,+Inf,-Inf,-0.5],\"timestamps\":[1,2,3,4,5]}\n";
    let new = "{\"metric\":{\"__name__\":\"a\"},\"values\":[null,\"NaN\",\"Infinity\",\"-Infinity\",-5e-1],\"timestamps\":[1,2,3,4,5]}\n";
    let expected = vec![
        (1, STALE_NAN_BITS),
        (2, STALE_NAN_BITS),
        (3, f64::INFINITY.to_bits()),
        (4, f64::NEG_INFINITY.to_bits()),
        (5, (-0.5f64).to_bits()),
    ];
    for body in [old, new] {
        assert_eq!(bits(&read(body)[0]), expected, "{body}");
    }
}

#[test]
fn lines_of_a_series_are_one_series() {
    let body = concat!(
        r#"{"metric":{"__name__":"b","x":"1"},"values":[3],"timestamps":[3000]}"#,
        "\r\n\n",
        r#"{"timestamps":[1],"values":[9],"metric":{"__name__":"a"}}"#,
        "\n",
        r#" { "metric" : {"x":"1","__name__":"b","empty":""} , "values" : [ 1 , 2 ] , "timestamps" : [ 1000, 2000 ] } "#,
        "\n",
        r#"{"metric":{"__name__":"c"},"values":[],"timestamps":[]}"#,
        "\n",
    );
    let series = read(body);
    assert_eq!(series.len(), 2);
    assert_eq!(series[0].labels.name(), Some("a"));
    assert_eq!(series[1].labels.to_string(), Labels::from_pairs([("__name__", "b"), ("x", "1")]).to_string());
    assert_eq!(bits(&series[1]).iter().map(|row| row.0).collect::<Vec<_>>(), [1000, 2000, 3000]);
    assert!(read("").is_empty() && read(" \n\n").is_empty());
}

#[test]
fn rows_of_one_time_stay_as_they_came() {
    let body = "{\"metric\":{\"a\":\"b\"},\"values\":[2,1,2],\"timestamps\":[7,7,7]}\n";
    assert_eq!(read(body)[0].samples.iter().map(|sample| sample.value).collect::<Vec<_>>(), [2.0, 1.0, 2.0]);
}

#[test]
fn rows_outside_of_the_window_are_left_out() {
    let body = "{\"metric\":{\"a\":\"b\"},\"values\":[1,2,3],\"timestamps\":[1,2,3]}\n{\"metric\":{\"a\":\"c\"},\"values\":[1],\"timestamps\":[3]}\n";
    let found = decode(body.as_bytes(), Window { start_ms: 2, end_ms: 2 }).unwrap();
    assert_eq!((found.series_count(), found.sample_count()), (1, 1));
}

#[test]
fn labels_are_read_as_the_server_writes_them() {
    let body = concat!(
        r#"{"metric":{"__name__":"weird","a":"é\"\\\n"#,
        "\u{2028}",
        r#"\u003c>&\u0001\ud83d\ude00]}"},"values":[0],"timestamps":[1]}"#,
        "\n"
    );
    assert_eq!(read(body)[0].labels.get("a"), Some("é\"\\\n\u{2028}<>&\u{1}😀]}"));
}

#[test]
fn what_is_wrong_names_line_and_series() {
    let good = "{\"metric\":{\"__name__\":\"up\"},\"values\":[1],\"timestamps\":[1]}\n";
    for (line, says) in [
        (r#"{"metric":{"__name__":"up"},"values":[1,2],"timestamps":[1]}"#, "not as many timestamps"),
        (r#"{"metric":{"__name__":"up"},"values":[],"timestamps":[1]}"#, "not as many timestamps"),
        (r#"{"metric":{"__name__":"up"},"values":[1x],"timestamps":[1]}"#, "expected , or ]"),
        (r#"{"metric":{"__name__":"up"},"values":[1e999],"timestamps":[1]}"#, "beyond the range"),
        (r#"{"metric":{"__name__":"up"},"values":["-"],"timestamps":[1]}"#, "expected a number"),
        (r#"{"metric":{"__name__":"up"},"values":["Inf],"timestamps":[1]}"#, "expected a number"),
        (r#"{"metric":{"__name__":"up"},"values":[1.],"timestamps":[1]}"#, "after the point"),
        (r#"{"metric":{"__name__":"up"},"values":[1e],"timestamps":[1]}"#, "in the exponent"),
        (r#"{"metric":{"__name__":"up"},"values":[1],"timestamps":[1.5]}"#, "expected , or ]"),
        (r#"{"metric":{"__name__":"up"},"values":[1],"timestamps":[9223372036854775808]}"#, "out of range"),
        (r#"{"metric":{"__name__":"up"},"values":[1],"timestamps":["1"]}"#, "whole ms"),
    ] {
        let error = refused(&format!("{good}{line}\n{good}"));
        assert_eq!((error.line, error.series.as_deref()), (2, Some("up")), "{line}");
        assert!(error.to_string().contains(says), "{error}");
    }
    for (line, says) in [
        (r#"{"metric":{"__name__":5},"values":[1],"timestamps":[1]}"#, "labels cannot be read"),
        (r#"{"metric":{"a":{}},"values":[1],"timestamps":[1]}"#, "a name and a text"),
        (r#"{"metric":{"a":"\ud800"},"values":[1],"timestamps":[1]}"#, "labels cannot be read"),
        (r#"{"metric":{"a":"b"},"values":[1]}"#, "no timestamps"),
        (r#"{"metric":{"a":"b"},"timestamps":[1]}"#, "no values"),
        (r#"{"values":[1],"timestamps":[1]}"#, "no metric"),
        (r#"{"metric":{"a":"b"},"values":[1],"values":[1],"timestamps":[1]}"#, "been there before"),
        (r#"{"metric":{"a":"b"},"values":[1],"timestamps":[1],"exemplars":[]}"#, "other than"),
        (r#"{"metric":{"a":"b"},"values":[1],"timestamps":[1]}{}"#, "behind the line"),
        (r#"{"metric":{"a":"b"},"values":[1],"timestamps":[1"#, "without an end"),
        (r#"{"metric":{"a":"b"#, "without an end"),
        (r#"{"metric":{"a":"b"},"values":["]"],"timestamps":[1]}"#, "expected , or }"),
        ("{", "expected a name"),
    ] {
        let error = refused(&format!("{good}{line}\n"));
        assert_eq!((error.line, error.series), (2, None), "{line}");
        assert!(error.fault.to_string().contains(says), "{line}: {}", error.fault);
    }
    assert!(decode(b"{\"metric\":{\"a\":\"\xff\"},\"values\":[1],\"timestamps\":[1]}\n", EVER).is_err());
}

#[test]
fn a_body_that_ends_too_early_is_an_error() {
    let line = "{\"metric\":{\"__name__\":\"up\"},\"values\":[1,2],\"timestamps\":[1,2]}\n";
    let body = line.repeat(3);
    for end in 0..body.len() {
        let found = decode(&body.as_bytes()[..end], EVER);
        if end % line.len() == 0 {
            assert!(found.is_ok(), "{end}");
        } else {
            let error = found.unwrap_err();
            assert_eq!(error.fault, Fault::CutOff { bytes: end % line.len() });
            assert_eq!(error.line, (end / line.len()) as u64 + 1);
        }
    }
}

#[test]
fn the_servers_words_in_the_stream_are_shown() {
    let line = "{\"metric\":{\"__name__\":\"up\"},\"values\":[1],\"timestamps\":[1]}\n";
    for end in ["", "\n"] {
        let error = refused(&format!("{line}remoteAddr: \"a\"; timeout exceeded{end}"));
        assert_eq!(error.line, 2);
        assert_eq!(error.fault, Fault::Words("remoteAddr: \"a\"; timeout exceeded".to_owned()));
    }
}

#[test]
fn memory_is_bounded() {
    let long = format!("{{\"metric\":{{\"a\":\"{}", "x".repeat(1000));
    let mut decoder = Decoder::with_limits(EVER, 100, 1 << 20);
    let error = long.as_bytes().chunks(7).try_for_each(|piece| decoder.feed(piece)).unwrap_err();
    assert_eq!(error.fault, Fault::TooLong { limit: 100 });
    assert!(decoder.pending.len() <= 100);
    let rows = "1,".repeat(999) + "1";
    let body =
        format!("{{\"metric\":{{\"__name__\":\"up\"}},\"values\":[{rows}],\"timestamps\":[{rows}]}}\n");
    let mut decoder = Decoder::with_limits(EVER, 1 << 20, 10_000);
    let error = decoder.feed(body.as_bytes()).unwrap_err();
    assert_eq!((error.fault, error.series.as_deref()), (Fault::TooMuch, Some("up")));
    let many: String = (0..100)
        .map(|at| format!("{{\"metric\":{{\"a\":\"{at}\"}},\"values\":[],\"timestamps\":[]}}\n"))
        .collect();
    let error = Decoder::with_limits(EVER, 1 << 20, 10_000).feed(many.as_bytes()).unwrap_err();
    assert_eq!(error.fault, Fault::TooMuch);
}

/// A value as 1.79.5 writes it (`strconv.AppendFloat(v, 'f', -1, 64)`), which Rust's `Display` does, too.
fn written(value: f64, is_first: bool) -> String {
    if value.is_nan() {
        if is_first { "NaN".to_owned() } else { "null".to_owned() }
    } else if value.is_infinite() {
        if value > 0.0 { "+Inf".to_owned() } else { "-Inf".to_owned() }
    } else {
        value.to_string()
    }
}

fn line(series: &Series, samples: &[Sample]) -> String {
    let labels: serde_json::Map<String, serde_json::Value> =
        series.labels.iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
    let values: Vec<String> =
        samples.iter().enumerate().map(|(at, sample)| written(sample.value, at == 0)).collect();
    let times: Vec<String> = samples.iter().map(|sample| sample.timestamp.to_string()).collect();
    format!(
        "{{\"metric\":{},\"values\":[{}],\"timestamps\":[{}]}}\n",
        serde_json::to_string(&labels).unwrap(),
        values.join(","),
        times.join(",")
    )
}

fn value() -> impl Strategy<Value = f64> {
    prop_oneof![
        any::<u64>().prop_map(f64::from_bits),
        (-1_000_000_000i64..1_000_000_000, 0i32..12)
            .prop_map(|(number, scale)| number as f64 / 10f64.powi(scale)),
        Just(f64::from_bits(STALE_NAN_BITS)),
        Just(f64::INFINITY),
        Just(-0.0),
    ]
}

fn all_series() -> impl Strategy<Value = Vec<Series>> {
    let one = (
        prop::collection::btree_map("[a-zé\"\\\\\n]{1,4}", "[^\u{0}]{1,6}", 1..4),
        prop::collection::btree_map(
            any::<i64>().prop_filter("has a counterpart", |at| *at != i64::MIN),
            value(),
            1..30,
        ),
    );
    prop::collection::vec(one, 0..6).prop_map(|all| {
        let mut series: Vec<Series> = all
            .into_iter()
            .map(|(labels, samples)| Series {
                labels: Labels::from_pairs(labels),
                samples: samples.into_iter().map(|(timestamp, value)| Sample { timestamp, value }).collect(),
                ..Series::default()
            })
            .collect();
        series.sort_by(|a, b| a.labels.cmp(&b.labels));
        series.dedup_by(|a, b| a.labels == b.labels);
        series
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read(series in all_series(), per_line in 1usize..12, piece in 1usize..50) {
        // One line of each series, then the next of each: lines of a series are apart.
        let most = series.iter().map(|one| one.samples.len().div_ceil(per_line)).max().unwrap_or(0);
        let body: String = (0..most)
            .flat_map(|at| series.iter().filter_map(move |one| Some(line(one, one.samples.chunks(per_line).nth(at)?))))
            .collect();
        let mut decoder = Decoder::new(EVER);
        for bytes in body.as_bytes().chunks(piece) {
            decoder.feed(bytes).unwrap();
        }
        let found = decoder.finish().unwrap().decode();
        prop_assert_eq!(found.len(), series.len());
        for (found, made) in found.iter().zip(&series) {
            prop_assert_eq!(&found.labels, &made.labels);
            let expected: Vec<(i64, u64)> = made
                .samples
                .iter()
                .map(|one| (one.timestamp, if one.value.is_nan() { STALE_NAN_BITS } else { one.value.to_bits() }))
                .collect();
            prop_assert_eq!(bits(found), expected);
        }
    }

    #[test]
    fn numbers_are_read_as_the_library_reads_them(
        text in prop_oneof![
            "-?[0-9]{1,25}(\\.[0-9]{1,25})?([eE][+-]?[0-9]{1,3})?",
            "-?0{0,30}[0-9]{1,20}\\.0{0,30}[0-9]{1,3}",
            any::<f64>().prop_filter("finite", |value| value.is_finite()).prop_map(|value| value.to_string()),
            any::<f64>().prop_filter("finite", |value| value.is_finite()).prop_map(|value| format!("{value:e}")),
        ],
    ) {
        let body = format!("{{\"metric\":{{\"a\":\"b\"}},\"values\":[{text}],\"timestamps\":[1]}}\n");
        let library: f64 = text.parse().unwrap();
        match decode(body.as_bytes(), EVER) {
            Ok(found) => prop_assert_eq!(bits(&found.decode()[0]), vec![(1, library.to_bits())]),
            Err(_) => prop_assert!(library.is_infinite()),
        }
    }

    #[test]
    fn no_bytes_make_it_panic(body: Vec<u8>, insert in "[\\[\\]{}\",:0-9a-zNI.+-]{0,40}", at in 0usize..60) {
        let _ = decode(&body, EVER);
        let mut damaged = b"{\"metric\":{\"a\":\"b\"},\"values\":[1,2],\"timestamps\":[1,2]}\n".to_vec();
        damaged.splice(at.min(damaged.len())..at.min(damaged.len()), insert.into_bytes());
        let _ = decode(&damaged, EVER);
    }
}
