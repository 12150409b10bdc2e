//! OTLP metrics requests for tests, by the standard's field numbers (opentelemetry-proto 1.x, `metrics/v1`), and the
//! same requests as tsink-server 0.10.2 numbers them. As prost sees them; the engine's own reader is judged by these.

// The engine's tests include this file; the path says where the messages are then, too.
#[path = "otlp/messages.rs"]
mod messages;

pub use messages::*;
use prost::encoding::{self, DecodeContext, WireType};
use prost::{DecodeError, Message};

/// An attribute.
pub fn attribute(key: &str, value: impl Into<Any>) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(AnyValue { value: Some(value.into()) }) }
}

/// Attributes with text values.
pub fn attributes(pairs: &[(&str, &str)]) -> Vec<KeyValue> {
    pairs.iter().map(|(key, value)| attribute(key, *value)).collect()
}

/// A request of one resource with one scope, encoded.
pub fn payload(resource: &[(&str, &str)], scope: &str, metrics: Vec<Metric>) -> Vec<u8> {
    request(resource, scope, metrics).encode_to_vec()
}

/// A request of one resource with one scope; a scope without name is left out.
pub fn request(resource: &[(&str, &str)], scope: &str, metrics: Vec<Metric>) -> Request {
    let resource = Resource { attributes: attributes(resource), dropped_attributes_count: 0 };
    let scope = (!scope.is_empty()).then(|| Scope {
        name: scope.to_owned(),
        version: "1.0".to_owned(),
        ..Scope::default()
    });
    let scope_metrics = vec![ScopeMetrics { scope, metrics, schema_url: String::new() }];
    let resource_metrics =
        vec![ResourceMetrics { resource: Some(resource), scope_metrics, schema_url: String::new() }];
    Request { resource_metrics }
}

/// A metric, with help `HELP of NAME` and unit `s`.
pub fn metric(name: &str, data: Data) -> Metric {
    Metric {
        name: name.to_owned(),
        description: format!("help of {name}"),
        unit: "s".to_owned(),
        data: Some(data),
        metadata: Vec::new(),
    }
}

/// A gauge.
pub fn gauge(name: &str, data_points: Vec<NumberPoint>) -> Metric {
    metric(name, Data::Gauge(Gauge { data_points }))
}

/// A cumulative sum.
pub fn sum(name: &str, is_monotonic: bool, data_points: Vec<NumberPoint>) -> Metric {
    let aggregation_temporality = Temporality::Cumulative.into();
    metric(name, Data::Sum(Sum { data_points, aggregation_temporality, is_monotonic }))
}

/// A cumulative histogram.
pub fn histogram(name: &str, data_points: Vec<HistogramPoint>) -> Metric {
    let aggregation_temporality = Temporality::Cumulative.into();
    metric(name, Data::Histogram(Histogram { data_points, aggregation_temporality }))
}

/// A summary.
pub fn summary(name: &str, data_points: Vec<SummaryPoint>) -> Metric {
    metric(name, Data::Summary(Summary { data_points }))
}

/// A point of a gauge or sum. `at`: Unix time in ms.
pub fn number(at: u64, value: f64, labels: &[(&str, &str)]) -> NumberPoint {
    NumberPoint {
        attributes: attributes(labels),
        time_unix_nano: at * 1_000_000,
        value: Some(Number::Double(value)),
        ..NumberPoint::default()
    }
}

/// A point of a histogram: counts of the buckets and the bounds between them. `at`: Unix time in ms.
pub fn buckets(at: u64, counts: &[u64], bounds: &[f64], labels: &[(&str, &str)]) -> HistogramPoint {
    HistogramPoint {
        attributes: attributes(labels),
        time_unix_nano: at * 1_000_000,
        count: counts.iter().fold(0, |sum, count| sum.wrapping_add(*count)),
        bucket_counts: counts.to_vec(),
        explicit_bounds: bounds.to_vec(),
        ..HistogramPoint::default()
    }
}

/// A point of a summary: count, sum, and values by quantile. `at`: Unix time in ms.
pub fn quantiles(
    at: u64,
    count: u64,
    sum: f64,
    values: &[(f64, f64)],
    labels: &[(&str, &str)],
) -> SummaryPoint {
    SummaryPoint {
        attributes: attributes(labels),
        time_unix_nano: at * 1_000_000,
        count,
        sum,
        quantile_values: values.iter().map(|&(quantile, value)| Quantile { quantile, value }).collect(),
        ..SummaryPoint::default()
    }
}

/// An exemplar with trace and span. `at`: Unix time in ms.
pub fn exemplar(at: u64, value: f64, labels: &[(&str, &str)]) -> Exemplar {
    Exemplar {
        filtered_attributes: attributes(labels),
        time_unix_nano: at * 1_000_000,
        value: Some(ExemplarNumber::Double(value)),
        span_id: vec![0xab; 8],
        trace_id: vec![0x0c; 16],
    }
}

/// Fields of `HistogramDataPoint`: in the standard, and in tsink-server 0.10.2 (its `metrics.proto`).
const NUMBERING: [(u32, u32); 11] =
    [(2, 3), (3, 4), (4, 5), (5, 6), (6, 7), (7, 8), (8, 10), (9, 9), (10, 11), (11, 12), (12, 13)];

/// A standard request as tsink-server 0.10.2 numbers it: only histogram points change. Sent to the server, it shows
/// what tsink makes of a histogram.
///
/// # Errors
/// When it is no protobuf.
pub fn own_numbering(standard: &[u8]) -> Result<Vec<u8>, DecodeError> {
    // Request, ResourceMetrics, ScopeMetrics, Metric, Histogram: the fields that lead to a point.
    renumber(standard, &[1, 2, 2, 9, 1])
}

fn renumber(mut message: &[u8], path: &[u32]) -> Result<Vec<u8>, DecodeError> {
    let mut out = Vec::with_capacity(message.len() + 16);
    while !message.is_empty() {
        let (number, wire) = encoding::decode_key(&mut message)?;
        let start = message;
        encoding::skip_field(wire, number, &mut message, DecodeContext::default())?;
        let value = &start[..start.len() - message.len()];
        match path.split_first() {
            None => {
                if let Some((_, own)) = NUMBERING.iter().find(|(standard, _)| *standard == number) {
                    encoding::encode_key(*own, wire, &mut out);
                    out.extend_from_slice(value);
                }
            }
            Some((next, rest)) if *next == number && wire == WireType::LengthDelimited => {
                let mut inner = value;
                encoding::decode_varint(&mut inner)?;
                let inner = renumber(inner, rest)?;
                encoding::encode_key(number, wire, &mut out);
                encoding::encode_varint(inner.len() as u64, &mut out);
                out.extend_from_slice(&inner);
            }
            Some(_) => {
                encoding::encode_key(number, wire, &mut out);
                out.extend_from_slice(value);
            }
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::{
        HistogramPoint, Message, buckets, exemplar, gauge, histogram, number, own_numbering, payload,
        renumber,
    };

    #[test]
    fn own_numbering_touches_histogram_points_only() {
        let gauges = payload(&[("a", "b")], "s", vec![gauge("g", vec![number(1, 2.0, &[("k", "v")])])]);
        assert_eq!(own_numbering(&gauges), Ok(gauges));
        let point = HistogramPoint {
            sum: Some(1.5),
            min: Some(0.5),
            exemplars: vec![exemplar(7, 0.5, &[])],
            ..buckets(7, &[1, 2], &[0.25], &[("k", "v")])
        };
        // Renumbered once more, by the same rules, the point is told from the standard's by its fields alone.
        let own = renumber(&point.encode_to_vec(), &[]).unwrap();
        assert_ne!(own, point.encode_to_vec());
        assert_eq!(own.len(), point.encode_to_vec().len());
        let whole = payload(&[], "", vec![histogram("h", vec![point])]);
        let sent = own_numbering(&whole).unwrap();
        assert_eq!(sent.len(), whole.len());
        assert!(sent.windows(own.len()).any(|window| window == own));
    }

    #[test]
    fn what_is_no_protobuf_is_told() {
        assert!(own_numbering(&[0x0a, 0x05, 0x00]).is_err());
    }
}
