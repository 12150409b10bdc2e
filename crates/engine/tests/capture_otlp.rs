//! What OTLP payloads become. Expected series are what tsink-server 0.10.2 makes of the same payloads (histograms in
//! its own numbering).
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

#[allow(dead_code)]
#[path = "../../testkit/src/otlp.rs"]
mod otlp;

use otlp::*;
use prost::Message;
use tsink_migrate_engine::capture::otlp::{Otlp, OtlpOut, Shapes};
use tsink_migrate_engine::capture::{Refusal, RefusalKind, SeriesTable};
use tsink_migrate_engine::model::MetricType;

const AT: u64 = 1_763_510_400_123;

/// What a payload becomes, with series as selectors.
#[derive(Debug, Default, PartialEq)]
struct Taken {
    rows: Vec<(String, i64, u64)>,
    exemplars: Vec<(String, String, i64, u64)>,
    refused: Vec<(String, RefusalKind, String)>,
    shapes: Shapes,
    points: u64,
}

impl Taken {
    fn new(out: &OtlpOut, table: &SeriesTable) -> Self {
        let name = |series: u32| table.labels(series).unwrap().to_string();
        let rows = out.rows.iter().map(|row| (name(row.series), row.at, row.value.to_bits()));
        let exemplars = out.exemplars.iter().map(|(series, found)| {
            (name(*series), found.labels.to_string(), found.timestamp, found.value.to_bits())
        });
        let refused =
            out.refused.iter().map(|(place, found)| (place.clone(), found.kind, found.message.clone()));
        Self {
            rows: rows.collect(),
            exemplars: exemplars.collect(),
            refused: refused.collect(),
            shapes: out.shapes,
            points: out.points,
        }
    }

    /// Rows as `series value`.
    fn values(&self) -> Vec<String> {
        self.rows.iter().map(|(name, _, bits)| format!("{name} {}", f64::from_bits(*bits))).collect()
    }

    /// Refusals as `place: message`.
    fn reasons(&self) -> Vec<String> {
        self.refused.iter().map(|(place, _, message)| format!("{place}: {message}")).collect()
    }
}

fn read(payload: &[u8]) -> Result<(Taken, SeriesTable), Refusal> {
    let (mut table, mut out) = (SeriesTable::default(), OtlpOut::default());
    let result = Otlp::new("prod").payload(payload, &mut table, &mut out);
    if let Err(refusal) = result {
        assert_eq!(out, OtlpOut::default(), "something is left of a payload that is none");
        assert!(table.is_empty());
        return Err(refusal);
    }
    Ok((Taken::new(&out, &table), table))
}

fn taken(payload: &[u8]) -> Taken {
    read(payload).unwrap().0
}

fn of(metrics: Vec<Metric>) -> Taken {
    taken(&payload(&[], "", metrics))
}

#[test]
fn gauges_and_sums_with_resource_scope_and_exemplar() {
    let mut point = number(AT, 5.5, &[("http.method", "GET"), ("9", "x"), ("empty", "")]);
    point.exemplars = vec![exemplar(AT + 1, 0.25, &[("user.id", "7")])];
    let mut whole = request(
        &[("service.name", "checkout")],
        "otel",
        vec![
            gauge("system.cpu_time", vec![point]),
            sum("requests", true, vec![NumberPoint { value: Some(Number::Int(-7)), ..number(AT, 0.0, &[]) }]),
            sum("queue", false, vec![number(AT, f64::NEG_INFINITY, &[])]),
        ],
    );
    let resource = &mut whole.resource_metrics[0];
    resource.resource.as_mut().unwrap().dropped_attributes_count = 3;
    let scope = resource.scope_metrics[0].scope.as_mut().unwrap();
    scope.attributes = attributes(&[("a-b", "c")]);
    scope.dropped_attributes_count = 1;
    let (found, table) = read(&whole.encode_to_vec()).unwrap();
    let shared = r#"__tenant_id="prod""#;
    let scoped = concat!(
        r#"otel_resource_dropped_attributes_count="3",otel_scope_dropped_attributes_count="1","#,
        r#"otel_scope_name="otel",otel_scope_version="1.0","#
    );
    let rest = r#"resource_service_x2e_name="checkout",scope_a_x2d_b="c""#;
    let gauge = format!(r#"system_x2e_cpu__time{{{shared},_x39_="x",http_x2e_method="GET",{scoped}{rest}}}"#);
    let cumulative = r#"otel_temporality="cumulative","#;
    // Labels are sorted by name: what a sum has of its own stands among those of the scope.
    let kind = r#"otel_metric_kind="sum","#;
    let up_and_down = r#"otel_monotonic="false","#;
    assert_eq!(
        found.values(),
        [
            format!("{gauge} 5.5"),
            format!("requests{{{shared},{kind}{scoped}{cumulative}{rest}}} -7"),
            format!("queue{{{shared},{kind}{up_and_down}{scoped}{cumulative}{rest}}} -inf"),
        ]
    );
    assert!(found.rows.iter().all(|row| row.1 == AT as i64));
    let trace = "0c".repeat(16);
    let labels = format!(r#"{{span_id="abababababababab",trace_id="{trace}",user_x2e_id="7"}}"#);
    assert_eq!(found.exemplars, [(gauge, labels, AT as i64 + 1, 0.25f64.to_bits())]);
    assert_eq!(found.refused, []);
    assert_eq!(found.points, 3);
    assert_eq!(found.shapes, Shapes { gauge: 1, sum: 2, ..Shapes::default() });
    let kinds: Vec<MetricType> = (0..3).map(|at| table.family(at).unwrap().kind).collect();
    assert_eq!(kinds, [MetricType::Gauge, MetricType::Counter, MetricType::Gauge]);
    let family = table.family(0).unwrap();
    assert_eq!(
        (family.name.as_str(), family.help.as_str(), family.unit.as_str()),
        ("system_x2e_cpu__time", "help of system.cpu_time", "s")
    );
}

#[test]
fn histograms_are_read_by_the_standard() {
    let point = HistogramPoint {
        sum: Some(6.5),
        min: Some(-0.5),
        max: Some(f64::INFINITY),
        exemplars: vec![exemplar(AT, 3.0, &[])],
        ..buckets(AT, &[2, 0, 3, 1], &[-0.0, 0.1, 1e21], &[("k", "v")])
    };
    let (found, table) = read(&payload(&[], "", vec![histogram("lat", vec![point])])).unwrap();
    let rest = r#"k="v",otel_metric_kind="histogram",otel_temporality="cumulative""#;
    let bucket = |le: &str| {
        format!(
            r#"lat_bucket{{__tenant_id="prod",k="v",le="{le}",otel_metric_kind="histogram",otel_temporality="cumulative"}}"#
        )
    };
    let plain = |suffix: &str| format!(r#"lat{suffix}{{__tenant_id="prod",{rest}}}"#);
    let expected = [
        (bucket("-0"), "2"),
        (bucket("0.1"), "2"),
        (bucket("1000000000000000000000"), "5"),
        (bucket("+Inf"), "6"),
        (plain("_count"), "6"),
        (plain("_sum"), "6.5"),
        (plain("_min"), "-0.5"),
        (plain("_max"), "inf"),
    ];
    assert_eq!(found.values(), expected.map(|(series, value)| format!("{series} {value}")));
    assert_eq!(found.exemplars[0].0, plain(""));
    assert_eq!(found.shapes, Shapes { histogram: 1, standard_histograms: 1, ..Shapes::default() });
    for series in 0..table.len() as u32 {
        let family = table.family(series).unwrap();
        assert_eq!((family.name.as_str(), family.kind), ("lat", MetricType::Histogram));
    }
}

#[test]
fn summaries() {
    let found = of(vec![summary(
        "rpc",
        vec![quantiles(AT, 3, 44.0, &[(0.0, 1.0), (0.99, 20.0), (1.0, f64::NAN)], &[])],
    )]);
    let series = |name: &str, quantile: &str| {
        format!(r#"{name}{{__tenant_id="prod",otel_metric_kind="summary"{quantile}}}"#)
    };
    let expected = [
        series("rpc", r#",quantile="0""#) + " 1",
        series("rpc", r#",quantile="0.99""#) + " 20",
        series("rpc", r#",quantile="1""#) + " NaN",
        series("rpc_count", "") + " 3",
        series("rpc_sum", "") + " 44",
    ];
    assert_eq!(found.values(), expected);
    assert_eq!(found.shapes, Shapes { summary: 1, ..Shapes::default() });
}

#[test]
fn values_of_attributes() {
    let nested = vec![
        attribute("z", vec![Any::from(1.0), Any::from(f64::NAN), Any::from("\"é\n")]),
        attribute("a", Any::Bytes(vec![0, 255])),
        KeyValue { key: "n".to_owned(), value: None },
        attribute(
            "z",
            vec![Any::from(true), Any::from(1e300), Any::from(-0.0), Any::from(1e16), Any::from(0.1)],
        ),
    ];
    let attributes = vec![
        attribute("bool", true),
        attribute("bytes", Any::Bytes(vec![1, 2, 3])),
        attribute("double", 1e16),
        attribute("inf", f64::NEG_INFINITY),
        attribute("int", i64::MIN),
        attribute("map", nested),
        attribute("nan", f64::NAN),
        attribute("nothing", Vec::<KeyValue>::new()),
    ];
    let (found, table) =
        read(&payload(&[], "", vec![gauge("g", vec![NumberPoint { attributes, ..number(AT, 1.0, &[]) }])]))
            .unwrap();
    assert_eq!(found.reasons(), [""; 0]);
    let labels = table.labels(0).unwrap();
    for (name, value) in [
        ("bool", "true"),
        ("bytes", "base64:AQID"),
        ("double", "10000000000000000"),
        ("inf", "-Inf"),
        ("int", "-9223372036854775808"),
        ("map", r#"{"a":"base64:AP8=","n":null,"z":[true,1e+300,-0.0,1e+16,0.1]}"#),
        ("nan", "NaN"),
        ("nothing", "{}"),
    ] {
        assert_eq!(labels.get(name), Some(value), "{name}");
    }
}

#[test]
fn points_are_refused_one_by_one() {
    let good = |value| number(AT, value, &[]);
    let found = of(vec![gauge(
        "g.h",
        vec![
            good(1.0),
            NumberPoint { flags: 1, ..good(0.0) },
            NumberPoint { flags: 2, ..good(0.0) },
            NumberPoint { time_unix_nano: 0, ..good(0.0) },
            NumberPoint { value: None, ..good(0.0) },
            NumberPoint { attributes: vec![attribute("", "x")], ..good(0.0) },
            NumberPoint { attributes: vec![KeyValue { key: "k".into(), value: None }], ..good(0.0) },
            NumberPoint { attributes: attributes(&[("k", "x"), ("k", "x")]), ..good(0.0) },
            NumberPoint { attributes: attributes(&[(&"k".repeat(257), "x")]), ..good(0.0) },
            NumberPoint { attributes: attributes(&[("k", &"v".repeat(16_385))]), ..good(0.0) },
            good(2.0),
        ],
    )]);
    let expected = [
        (1, "uses DataPointFlags.NO_RECORDED_VALUE, which /v1/metrics does not support"),
        (2, "contains unsupported OTLP data point flags value 2"),
        (3, "timestamp must be a non-zero Unix nanosecond value"),
        (4, "is missing an integer or double value"),
        (5, "contains an attribute with an empty key"),
        (6, "contains an attribute without a value"),
        (7, "contains duplicate label 'k'"),
        (8, &format!("label '{}…' exceeds the 256-byte name limit", "k".repeat(120))),
        (9, "label 'k' exceeds the 16384-byte value limit"),
    ];
    assert_eq!(
        found.reasons(),
        expected.map(|(at, text)| format!("resource 0 scope 0 metric 0 (g.h) point {at}: {text}"))
    );
    assert_eq!(found.values(), [r#"g_x2e_h{__tenant_id="prod"} 1"#, r#"g_x2e_h{__tenant_id="prod"} 2"#]);
    assert_eq!((found.points, found.shapes.taken()), (11, 2));
}

#[test]
fn buckets_and_quantiles_that_do_not_fit() {
    let found = of(vec![
        histogram(
            "h",
            vec![
                buckets(AT, &[], &[], &[]),
                buckets(AT, &[1], &[], &[]),
                buckets(AT, &[1, 2], &[f64::NAN], &[]),
                buckets(AT, &[1, 2, 3], &[1.0, f64::INFINITY], &[]),
                buckets(AT, &[1, 2, 3], &[1.0, f64::INFINITY], &[("le", "1")]),
                buckets(AT, &[1, 2, 3], &[f64::INFINITY, 1.0], &[("le", "1")]),
            ],
        ),
        summary(
            "s",
            vec![
                quantiles(AT, 1, 1.0, &[(0.5, 1.0), (f64::NAN, 1.0)], &[]),
                quantiles(AT, 1, 1.0, &[(0.5, 1.0)], &[("quantile", "0.5")]),
                quantiles(AT, 1, 1.0, &[], &[("quantile", "0.5")]),
            ],
        ),
    ]);
    assert_eq!(
        found.reasons(),
        [
            "resource 0 scope 0 metric 0 (h) point 0: has 0 explicit bounds but 0 bucket counts; expected bucket_counts = explicit_bounds + 1",
            "resource 0 scope 0 metric 0 (h) point 2: bucket bound index 0 must be finite",
            "resource 0 scope 0 metric 0 (h) point 3: bucket bound index 1 must be finite",
            "resource 0 scope 0 metric 0 (h) point 4: contains duplicate label 'le'",
            "resource 0 scope 0 metric 0 (h) point 5: bucket bound index 0 must be finite",
            "resource 0 scope 0 metric 1 (s) point 0: quantile index 1 must be between 0 and 1 inclusive",
            "resource 0 scope 0 metric 1 (s) point 1: contains duplicate label 'quantile'",
        ]
    );
    assert_eq!(found.rows.len(), 4);
    assert_eq!(
        found.shapes,
        Shapes { histogram: 1, summary: 1, standard_histograms: 6, ..Shapes::default() }
    );
}

#[test]
fn metrics_are_refused_as_a_whole() {
    let two = || vec![number(AT, 1.0, &[]), number(AT, 2.0, &[])];
    let delta = |temporality| {
        Data::Sum(Sum { data_points: two(), aggregation_temporality: temporality, is_monotonic: true })
    };
    let exponential = |points| ExponentialHistogram { data_points: points, aggregation_temporality: 2 };
    let found = of(vec![
        gauge("", two()),
        metric("d.e", delta(1)),
        metric("d", delta(0)),
        metric("d", delta(9)),
        metric("e.f", Data::ExponentialHistogram(exponential(vec![ExponentialPoint::default(); 2]))),
        metric("e", Data::ExponentialHistogram(exponential(Vec::new()))),
        Metric { data: None, ..gauge("n", Vec::new()) },
        histogram("empty", Vec::new()),
        gauge(&"n".repeat(65_536), two()),
        gauge(&".".repeat(13_200), two()),
        histogram(&"h".repeat(65_530), vec![buckets(AT, &[1], &[], &[])]),
    ]);
    let by_metric = |metric: usize| -> Vec<(&str, &str)> {
        let prefix = format!("resource 0 scope 0 metric {metric} (");
        let refused = found.refused.iter().filter(|(place, ..)| place.starts_with(&prefix));
        refused
            .map(|(place, _, message)| {
                (place.rsplit_once(") ").map_or("", |found| found.1), message.as_str())
            })
            .collect()
    };
    fn both(text: &str) -> Vec<(&str, &str)> {
        vec![("point 0", text), ("point 1", text)]
    }
    assert_eq!(by_metric(0), both("metric name must not be empty"));
    let text = "metric 'd_x2e_e' uses Delta temporality, but /v1/metrics currently accepts OTLP sums only with cumulative temporality";
    assert_eq!(by_metric(1), both(text));
    assert_eq!(by_metric(2), both(&text.replace("_x2e_e", "").replace("Delta", "Unspecified")));
    assert_eq!(by_metric(3), both("metric 'd' has unsupported aggregation temporality 9"));
    let text = "metric 'e.f' uses exponential histograms, which are not supported by /v1/metrics yet";
    assert_eq!(by_metric(4), both(text));
    assert_eq!(by_metric(5), [("", text.replace(".f", "").as_str())]);
    assert_eq!(by_metric(6), [("", "metric 'n' is missing a supported OTLP data payload")]);
    assert_eq!(by_metric(7), []);
    assert_eq!(by_metric(8), both("metric name too long: 65536 bytes (max 65535)"));
    assert_eq!(by_metric(9), both("metric name too long: 66000 bytes (max 65535)"));
    assert_eq!(by_metric(10), [("point 0", "metric name too long: 65537 bytes (max 65535)")]);
    assert_eq!((found.rows.len(), found.points), (0, 15));
    assert_eq!(found.shapes.standard_histograms, 1);
}

#[test]
fn the_first_of_two_meanings_counts() {
    let renamed =
        |help: &str| Metric { description: help.to_owned(), ..gauge("m", vec![number(AT, 9.0, &[])]) };
    let found = of(vec![
        // Nothing of it is taken: it does not count.
        sum("m", true, vec![NumberPoint { flags: 1, ..number(AT, 0.0, &[]) }]),
        gauge("m", vec![number(AT, 1.0, &[])]),
        sum("m", true, vec![number(AT, 2.0, &[])]),
        renamed("another"),
        renamed("help of m"),
        sum("m", false, vec![number(AT, 3.0, &[])]),
    ]);
    let text = "OTLP payload defines conflicting metadata for metric family 'm'";
    assert_eq!(
        found.reasons()[1..],
        [2, 3].map(|at| format!("resource 0 scope 0 metric {at} (m) point 0: {text}"))
    );
    assert_eq!(found.refused[1].1, RefusalKind::MetadataConflict);
    assert_eq!(found.rows.len(), 3);
}

#[test]
fn exemplars_are_refused_alone() {
    let exemplars = vec![
        Exemplar { time_unix_nano: 0, ..exemplar(AT, 1.0, &[]) },
        Exemplar { value: None, ..exemplar(AT, 1.0, &[]) },
        exemplar(AT, 1.0, &[("k", "1"), ("k", "2")]),
        Exemplar { value: Some(ExemplarNumber::Int(4)), trace_id: Vec::new(), ..exemplar(AT, 0.0, &[]) },
    ];
    let point = HistogramPoint { exemplars, ..buckets(AT, &[1], &[], &[]) };
    let found = of(vec![histogram("h", vec![point])]);
    let place = "resource 0 scope 0 metric 0 (h) point 0 exemplar";
    assert_eq!(
        found.reasons(),
        [
            format!("{place} 0: timestamp must be a non-zero Unix nanosecond value"),
            format!("{place} 1: is missing an integer or double value"),
            format!("{place} 2: contains duplicate label 'k'"),
        ]
    );
    assert_eq!(found.exemplars.len(), 1);
    assert_eq!(found.exemplars[0].1, r#"{span_id="abababababababab"}"#);
    assert_eq!(found.rows.len(), 2);
}

#[test]
fn a_bad_resource_or_scope_refuses_its_own_points() {
    let metrics =
        || vec![gauge("g", vec![number(AT, 1.0, &[])]), histogram("h", vec![buckets(AT, &[1], &[], &[])])];
    let mut whole = request(&[("a", "1"), ("a", "2")], "s", metrics());
    let bad_scope = request(&[("a", "1")], "s", metrics()).resource_metrics.remove(0);
    let mut good_scope = bad_scope.scope_metrics[0].clone();
    good_scope.metrics.truncate(1);
    whole.resource_metrics.push(bad_scope);
    let second = &mut whole.resource_metrics[1].scope_metrics;
    second[0].scope.as_mut().unwrap().attributes = vec![attribute("", 1_i64)];
    second.push(good_scope);
    second.push(ScopeMetrics { metrics: Vec::new(), ..second[0].clone() });
    whole
        .resource_metrics
        .push(ResourceMetrics { scope_metrics: Vec::new(), ..whole.resource_metrics[0].clone() });
    let found = taken(&whole.encode_to_vec());
    let (resource, scope) =
        ("contains duplicate label 'resource_a'", "contains an attribute with an empty key");
    assert_eq!(
        found.reasons(),
        [
            format!("resource 0 scope 0 metric 0 (g) point 0: {resource}"),
            format!("resource 0 scope 0 metric 1 (h) point 0: {resource}"),
            format!("resource 1 scope 0 metric 0 (g) point 0: {scope}"),
            format!("resource 1 scope 0 metric 1 (h) point 0: {scope}"),
            format!("resource 1 scope 2: {scope}"),
            format!("resource 2: {resource}"),
        ]
    );
    assert_eq!((found.points, found.rows.len(), found.shapes.standard_histograms), (5, 1, 2));
}
