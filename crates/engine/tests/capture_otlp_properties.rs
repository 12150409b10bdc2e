//! What holds for every OTLP payload.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

#[allow(dead_code)]
#[path = "../../testkit/src/otlp.rs"]
mod otlp;

use otlp::*;
use proptest::prelude::*;
use proptest::sample::Index;
use prost::Message;
use std::time::Instant;
use tsink_migrate_engine::capture::otlp::{MAX_LABEL_BYTES, Otlp, OtlpOut};
use tsink_migrate_engine::capture::{RefusalKind, SeriesTable};
use tsink_migrate_engine::fuzzing;

const AT: u64 = 1_763_510_400_000;

type Rows = Vec<(String, i64, u64)>;

/// Samples and exemplars by the labels of their series.
fn read(payload: &[u8]) -> (Rows, Rows, OtlpOut) {
    let (mut table, mut out) = (SeriesTable::default(), OtlpOut::default());
    Otlp::new("t").payload(payload, &mut table, &mut out).unwrap();
    let name = |series: u32| table.labels(series).unwrap().to_string();
    let rows = out.rows.iter().map(|row| (name(row.series), row.at, row.value.to_bits())).collect();
    let exemplars = out.exemplars.iter().map(|(series, found)| {
        (format!("{} {}", name(*series), found.labels), found.timestamp, found.value.to_bits())
    });
    let exemplars = exemplars.collect();
    (rows, exemplars, out)
}

/// What is wrong with a point.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    None,
    Flags,
    Time,
    Label,
    /// Value, buckets or quantiles.
    Value,
}

fn fault() -> impl Strategy<Value = Fault> {
    prop_oneof![
        4 => Just(Fault::None),
        1 => Just(Fault::Flags),
        1 => Just(Fault::Time),
        1 => Just(Fault::Label),
        1 => Just(Fault::Value),
    ]
}

#[derive(Clone, Debug)]
struct Spec {
    shape: u8,
    points: Vec<(Fault, u64, f64, u8)>,
}

fn spec() -> impl Strategy<Value = Spec> {
    let point = (fault(), 0..1000u64, any::<f64>(), 0..4u8);
    (0..5u8, prop::collection::vec(point, 0..6)).prop_map(|(shape, points)| Spec { shape, points })
}

/// A metric of a spec, with all points or the good ones alone.
fn metric_of(spec: &Spec, all: bool) -> Metric {
    let points = spec.points.iter().filter(|(fault, ..)| all || *fault == Fault::None);
    let labels = |fault: Fault, host: u8| {
        let mut labels = attributes(&[("host", &host.to_string())]);
        labels.extend((fault == Fault::Label).then(|| attribute("host", "again")));
        labels
    };
    let time = |fault, at: u64| if fault == Fault::Time { 0 } else { (AT + at) * 1_000_000 };
    let flags = |fault| u32::from(fault == Fault::Flags);
    let exemplars = |host: u8| vec![exemplar(AT, f64::from(host), &[]); usize::from(host % 2)];
    let number = |&(fault, at, value, host): &(Fault, u64, f64, u8)| NumberPoint {
        attributes: labels(fault, host),
        time_unix_nano: time(fault, at),
        value: (fault != Fault::Value).then_some(Number::Double(value)),
        flags: flags(fault),
        exemplars: exemplars(host),
        ..NumberPoint::default()
    };
    let name = format!("m{}", spec.shape);
    match spec.shape {
        0 => gauge(&name, points.map(number).collect()),
        1 | 2 => sum(&name, spec.shape == 1, points.map(number).collect()),
        3 => {
            let point = |&(fault, at, value, host): &(Fault, u64, f64, u8)| HistogramPoint {
                attributes: labels(fault, host),
                time_unix_nano: time(fault, at),
                flags: flags(fault),
                sum: (host > 1).then_some(value),
                exemplars: exemplars(host),
                ..buckets(
                    0,
                    &[at, 1, 2],
                    if fault == Fault::Value { &[1.0, f64::NAN] } else { &[1.0, 2.0] },
                    &[],
                )
            };
            histogram(&name, points.map(point).collect())
        }
        _ => {
            let point = |&(fault, at, value, host): &(Fault, u64, f64, u8)| SummaryPoint {
                attributes: labels(fault, host),
                time_unix_nano: time(fault, at),
                flags: flags(fault),
                ..quantiles(
                    0,
                    at,
                    value,
                    &[(0.5, value), (if fault == Fault::Value { 2.0 } else { 0.9 }, 1.0)],
                    &[],
                )
            };
            summary(&name, points.map(point).collect())
        }
    }
}

fn whole(specs: &[Spec], all: bool) -> Vec<u8> {
    payload(&[("service.name", "a")], "s", specs.iter().map(|spec| metric_of(spec, all)).collect())
}

/// Packed 64-bit values of histogram points as single ones, which the wire format allows.
fn unpacked(point: &HistogramPoint) -> Vec<u8> {
    let rest = HistogramPoint { bucket_counts: Vec::new(), explicit_bounds: Vec::new(), ..point.clone() };
    let mut out = rest.encode_to_vec();
    for (tag, words) in [
        (6 << 3 | 1, point.bucket_counts.clone()),
        (7 << 3 | 1, point.explicit_bounds.iter().map(|bound| bound.to_bits()).collect()),
    ] {
        for word in words {
            out.push(tag);
            out.extend(word.to_le_bytes());
        }
    }
    out
}

fn field(number: u8, message: &[u8]) -> Vec<u8> {
    let mut out = vec![number << 3 | 2];
    prost::encoding::encode_varint(message.len() as u64, &mut out);
    out.extend(message);
    out
}

proptest! {
    #[test]
    fn refused_points_change_nothing_of_good_ones(specs in prop::collection::vec(spec(), 0..6)) {
        let (rows, exemplars, out) = read(&whole(&specs, true));
        let (good_rows, good_exemplars, good_out) = read(&whole(&specs, false));
        prop_assert_eq!(rows, good_rows);
        prop_assert_eq!(exemplars, good_exemplars);
        prop_assert_eq!(good_out.refused, []);
        let points: usize = specs.iter().map(|spec| spec.points.len()).sum();
        let bad = specs.iter().flat_map(|spec| &spec.points).filter(|(fault, ..)| *fault != Fault::None);
        prop_assert_eq!(out.refused.len(), bad.count());
        prop_assert_eq!(out.points, points as u64);
    }

    #[test]
    fn what_prost_refuses_is_refused_and_the_rest_is_not(
        specs in prop::collection::vec(spec(), 0..4),
        changes in prop::collection::vec((any::<Index>(), any::<u8>()), 0..3),
        end in any::<Index>(),
        cut in any::<bool>(),
    ) {
        let mut bytes = whole(&specs, true);
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if cut {
            bytes.truncate(end.index(bytes.len()));
        }
        let ours = Otlp::new("t").payload(&bytes, &mut SeriesTable::default(), &mut OtlpOut::default());
        match (ours, Request::decode(bytes.as_slice())) {
            // Groups are not part of proto3.
            (Err(refusal), Ok(_)) => prop_assert!(refusal.message.contains("wire type"), "{refusal:?}"),
            // tsink does not look into these, and neither do we.
            (Ok(()), Err(error)) => {
                let error = error.to_string();
                prop_assert!(error.contains("metadata") || error.contains("ExponentialPoint"), "{error}");
            }
            _ => {}
        }
        fuzzing::capture_otlp(&bytes);
    }
}

#[test]
fn single_values_are_as_good_as_packed_ones() {
    let point = buckets(AT, &[1, 0, 7], &[0.5, 2.0], &[("k", "v")]);
    let packed = payload(&[], "", vec![histogram("h", vec![point.clone()])]);
    let mut data = field(1, &unpacked(&point));
    data.extend([2 << 3, 2]);
    let metric = [histogram("h", Vec::new()).encode_to_vec(), field(9, &data)].concat();
    let single = field(1, &field(2, &field(2, &metric)));
    assert_ne!(packed, single);
    assert_eq!(read(&packed).0, read(&single).0);
    assert_eq!(read(&single).0.len(), 4);
}

#[test]
fn what_is_said_twice_is_merged_as_protobuf_does() {
    let metric = gauge("g", vec![number(AT, 1.0, &[])]).encode_to_vec();
    let resource = |key: &str| Resource { attributes: attributes(&[(key, "v")]), ..Resource::default() };
    let parts = [
        field(1, &resource("a").encode_to_vec()),
        field(2, &field(2, &metric)),
        field(1, &resource("b").encode_to_vec()),
    ];
    let (rows, ..) = read(&field(1, &parts.concat()));
    assert_eq!(rows[0].0, r#"g{__tenant_id="t",resource_a="v",resource_b="v"}"#);
    // Of two shapes the last one counts; the same shape again adds points.
    let summary = summary("g", vec![quantiles(AT, 1, 1.0, &[], &[])]).encode_to_vec();
    let (rows, _, out) = read(&field(1, &field(2, &field(2, &[summary, metric.clone(), metric].concat()))));
    assert_eq!((rows.len(), out.shapes.gauge, out.points), (2, 2, 2));
}

#[test]
fn malformed_payloads_say_where() {
    let good = payload(&[], "", vec![gauge("g", vec![number(AT, 1.0, &[])])]);
    let refusal = |bytes: &[u8]| {
        Otlp::new("t").payload(bytes, &mut SeriesTable::default(), &mut OtlpOut::default()).unwrap_err()
    };
    let cut = refusal(&good[..good.len() - 1]);
    assert_eq!(cut.kind, RefusalKind::Syntax);
    assert!(cut.message.starts_with("invalid OTLP protobuf body: at byte 2: "), "{}", cut.message);
    assert!(refusal(b"cpu value=1 1763510400\n").message.contains("at byte "));
    assert!(refusal(&field(1, &field(2, &field(2, &field(1, &[0xff]))))).message.contains("not UTF-8"));
    assert_eq!(read(&[]).2, OtlpOut::default());
}

#[test]
fn attributes_nest_as_deep_as_prost_reads_them() {
    let nested = |levels: usize| {
        let value = (0..levels).fold(Any::from("x"), |inner, _| Any::from(vec![inner]));
        let point = NumberPoint { attributes: vec![attribute("k", value)], ..number(AT, 1.0, &[]) };
        payload(&[], "", vec![gauge("g", vec![point])])
    };
    for levels in [45, 46, 47, 48, 2000] {
        let bytes = nested(levels);
        let ours = Otlp::new("t").payload(&bytes, &mut SeriesTable::default(), &mut OtlpOut::default());
        assert_eq!(ours.is_ok(), Request::decode(bytes.as_slice()).is_ok(), "{levels}");
        assert_eq!(ours.is_ok(), levels <= 46);
    }
}

#[test]
fn a_payload_of_empty_points_is_refused_before_they_are_listed() {
    let points = [0x0a, 0x00].repeat((1 << 22) + 1);
    let bytes = field(1, &field(2, &field(2, &field(5, &points))));
    let (mut table, mut out) = (SeriesTable::default(), OtlpOut::default());
    let refusal = Otlp::new("t").payload(&bytes, &mut table, &mut out).unwrap_err();
    assert_eq!(refusal.kind, RefusalKind::TooLong);
    assert_eq!(out, OtlpOut::default());
}

#[test]
fn large_resources_are_not_repeated_without_end() {
    // 1 MB of resource attributes in a megabyte of payload; a point costs 30 bytes.
    let value = "v".repeat(16_000);
    let pairs: Vec<(String, &str)> = (0..64).map(|at| (format!("k{at}"), value.as_str())).collect();
    let pairs: Vec<(&str, &str)> = pairs.iter().map(|(key, value)| (key.as_str(), *value)).collect();
    // Each is refused for its own labels, which are looked at together with the resource's.
    let twice = [("host", "a"), ("host", "b")];
    let points = (0..5_000).map(|at| number(AT, f64::from(at), &twice)).collect();
    let bytes = payload(&pairs, "", vec![gauge("g", points)]);
    let (_, _, out) = read(&bytes);
    let too_much = out.refused.iter().filter(|(_, refusal)| refusal.kind == RefusalKind::TooLong).count();
    assert_eq!(out.refused.len(), 5_000);
    assert!(5_000 - too_much <= MAX_LABEL_BYTES / 1_000_000, "{too_much}");
    assert!(too_much > 3_000, "{too_much}");
}

/// `cargo test --release -p tsink-migrate-engine --test capture_otlp_properties -- --ignored --nocapture`.
#[test]
#[ignore = "a measurement"]
fn speed() {
    let hosts: Vec<String> = (0..1000).map(|host| format!("host-{host}.example.com")).collect();
    let labels = |host: usize| {
        [("host.name", hosts[host].as_str()), ("http.method", "GET"), ("http.route", "/api/v1/items/{id}")]
    };
    let batch = |at: u64| {
        let numbers = |name| {
            sum(name, true, (0..1000).map(|host| number(AT + at, host as f64, &labels(host))).collect())
        };
        let histograms = (0..1000).map(|host| {
            buckets(
                AT + at,
                &[at; 12],
                &[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0],
                &labels(host),
            )
        });
        payload(
            &[("service.name", "checkout"), ("service.instance.id", "627cc493-f310-47de-96bd-71410b7dec09")],
            "otel",
            vec![
                numbers("http.server.requests"),
                numbers("http.server.bytes"),
                histogram("http.server.duration", histograms.collect()),
            ],
        )
    };
    let payloads: Vec<Vec<u8>> = (0..50).map(batch).collect();
    let bytes: usize = payloads.iter().map(Vec::len).sum();
    let (mut reader, mut table, mut out) = (Otlp::new("t"), SeriesTable::default(), OtlpOut::default());
    let (mut rows, mut points) = (0, 0);
    let start = Instant::now();
    let mut first = None;
    for payload in &payloads {
        out.clear();
        reader.payload(payload, &mut table, &mut out).unwrap();
        rows += out.rows.len();
        points += out.points;
        first.get_or_insert_with(|| start.elapsed());
    }
    println!(
        "{points} points, {rows} rows, {} series, {bytes} bytes: {:?}, first payload {first:?}",
        table.len(),
        start.elapsed()
    );
}
