//! OTLP metrics from their JSON form to protobuf, driven by a table of fields.
//!
//! Field numbers: opentelemetry-proto 1.9.0, `metrics.proto`, `common.proto`, `resource.proto`. tsink-server
//! 0.10.2 reads histogram data points by numbers of its own ([`Numbering::Tsink`]).

use anyhow::{Context, Result, anyhow, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

/// By whose field numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Numbering {
    /// The standard's.
    Standard,
    /// tsink's own, which differ in histogram data points.
    Tsink,
}

#[derive(Clone, Copy)]
enum Kind {
    Text,
    /// Hexadecimal in JSON.
    Hex,
    /// Base64 in JSON.
    Base64,
    Bool,
    Varint,
    ZigZag,
    Fixed,
    Double,
    PackedFixed,
    PackedVarint,
    PackedDouble,
    Message(&'static str),
}

type Field = (&'static str, u32, Kind);

/// Fields of a message by their names in JSON.
fn fields(message: &str, numbering: Numbering) -> &'static [Field] {
    use Kind::{
        Base64, Bool, Double, Fixed, Hex, Message, PackedDouble, PackedFixed, PackedVarint, Text, Varint,
        ZigZag,
    };
    match message {
        "Request" => &[("resourceMetrics", 1, Message("ResourceMetrics"))],
        "ResourceMetrics" => &[
            ("resource", 1, Message("Resource")),
            ("scopeMetrics", 2, Message("ScopeMetrics")),
            ("schemaUrl", 3, Text),
        ],
        "Resource" => &[("attributes", 1, Message("KeyValue")), ("droppedAttributesCount", 2, Varint)],
        "ScopeMetrics" => {
            &[("scope", 1, Message("Scope")), ("metrics", 2, Message("Metric")), ("schemaUrl", 3, Text)]
        }
        "Scope" => &[
            ("name", 1, Text),
            ("version", 2, Text),
            ("attributes", 3, Message("KeyValue")),
            ("droppedAttributesCount", 4, Varint),
        ],
        "Metric" => &[
            ("name", 1, Text),
            ("description", 2, Text),
            ("unit", 3, Text),
            ("gauge", 5, Message("Numbers")),
            ("sum", 7, Message("Numbers")),
            ("histogram", 9, Message("Histogram")),
            ("exponentialHistogram", 10, Message("Exponential")),
            ("summary", 11, Message("Summary")),
            ("metadata", 12, Message("KeyValue")),
        ],
        "Numbers" => &[
            ("dataPoints", 1, Message("Number")),
            ("aggregationTemporality", 2, Varint),
            ("isMonotonic", 3, Bool),
        ],
        "Number" => &[
            ("startTimeUnixNano", 2, Fixed),
            ("timeUnixNano", 3, Fixed),
            ("asDouble", 4, Double),
            ("exemplars", 5, Message("Exemplar")),
            ("asInt", 6, Fixed),
            ("attributes", 7, Message("KeyValue")),
            ("flags", 8, Varint),
        ],
        "Histogram" => &[("dataPoints", 1, Message("HistogramPoint")), ("aggregationTemporality", 2, Varint)],
        "HistogramPoint" if numbering == Numbering::Standard => &[
            ("startTimeUnixNano", 2, Fixed),
            ("timeUnixNano", 3, Fixed),
            ("count", 4, Fixed),
            ("sum", 5, Double),
            ("bucketCounts", 6, PackedFixed),
            ("explicitBounds", 7, PackedDouble),
            ("exemplars", 8, Message("Exemplar")),
            ("attributes", 9, Message("KeyValue")),
            ("flags", 10, Varint),
            ("min", 11, Double),
            ("max", 12, Double),
        ],
        "HistogramPoint" => &[
            ("startTimeUnixNano", 3, Fixed),
            ("timeUnixNano", 4, Fixed),
            ("count", 5, Fixed),
            ("sum", 6, Double),
            ("bucketCounts", 7, PackedFixed),
            ("explicitBounds", 8, PackedDouble),
            ("attributes", 9, Message("KeyValue")),
            ("exemplars", 10, Message("Exemplar")),
            ("flags", 11, Varint),
            ("min", 12, Double),
            ("max", 13, Double),
        ],
        "Exponential" => {
            &[("dataPoints", 1, Message("ExponentialPoint")), ("aggregationTemporality", 2, Varint)]
        }
        "ExponentialPoint" => &[
            ("attributes", 1, Message("KeyValue")),
            ("startTimeUnixNano", 2, Fixed),
            ("timeUnixNano", 3, Fixed),
            ("count", 4, Fixed),
            ("sum", 5, Double),
            ("scale", 6, ZigZag),
            ("zeroCount", 7, Fixed),
            ("positive", 8, Message("Buckets")),
            ("negative", 9, Message("Buckets")),
            ("flags", 10, Varint),
            ("exemplars", 11, Message("Exemplar")),
            ("min", 12, Double),
            ("max", 13, Double),
            ("zeroThreshold", 14, Double),
        ],
        "Buckets" => &[("offset", 1, ZigZag), ("bucketCounts", 2, PackedVarint)],
        "Summary" => &[("dataPoints", 1, Message("SummaryPoint"))],
        "SummaryPoint" => &[
            ("startTimeUnixNano", 2, Fixed),
            ("timeUnixNano", 3, Fixed),
            ("count", 4, Fixed),
            ("sum", 5, Double),
            ("quantileValues", 6, Message("Quantile")),
            ("attributes", 7, Message("KeyValue")),
            ("flags", 8, Varint),
        ],
        "Quantile" => &[("quantile", 1, Double), ("value", 2, Double)],
        "Exemplar" => &[
            ("timeUnixNano", 2, Fixed),
            ("asDouble", 3, Double),
            ("spanId", 4, Hex),
            ("traceId", 5, Hex),
            ("asInt", 6, Fixed),
            ("filteredAttributes", 7, Message("KeyValue")),
        ],
        "KeyValue" => &[("key", 1, Text), ("value", 2, Message("AnyValue"))],
        "AnyValue" => &[
            ("stringValue", 1, Text),
            ("boolValue", 2, Bool),
            ("intValue", 3, Varint),
            ("doubleValue", 4, Double),
            ("arrayValue", 5, Message("List")),
            ("kvlistValue", 6, Message("Map")),
            ("bytesValue", 7, Base64),
        ],
        "List" => &[("values", 1, Message("AnyValue"))],
        "Map" => &[("values", 1, Message("KeyValue"))],
        _ => &[],
    }
}

/// An `ExportMetricsServiceRequest` in protobuf. What is given is written, even where protobuf would leave a
/// default value out.
///
/// # Errors
/// When a field is unknown or has a value of another type.
pub fn request(json: &Value, numbering: Numbering) -> Result<Vec<u8>> {
    message("Request", json, numbering)
}

/// Whether there is a histogram with data points.
pub fn has_histogram(json: &Value) -> bool {
    match json {
        Value::Object(object) => object.iter().any(|(name, value)| match value["dataPoints"].as_array() {
            Some(points) if name == "histogram" => !points.is_empty(),
            _ => has_histogram(value),
        }),
        Value::Array(list) => list.iter().any(has_histogram),
        _ => false,
    }
}

fn message(name: &str, json: &Value, numbering: Numbering) -> Result<Vec<u8>> {
    let object = json.as_object().with_context(|| format!("{name} is no object: {json}"))?;
    let known = fields(name, numbering);
    let mut found = Vec::new();
    for (key, value) in object {
        let field =
            known.iter().find(|(own, ..)| own == key).with_context(|| format!("{name} has no {key}"))?;
        found.push((field, value));
    }
    found.sort_by_key(|((_, number, _), _)| *number);
    let mut out = Vec::new();
    for ((key, number, kind), value) in found {
        let context = || format!("{name} {key}: {value}");
        match (kind, value) {
            (Kind::Message(inner), Value::Array(list)) => {
                for one in list {
                    bytes(&mut out, *number, &message(inner, one, numbering).with_context(context)?);
                }
            }
            (Kind::Message(inner), one) => {
                bytes(&mut out, *number, &message(inner, one, numbering).with_context(context)?);
            }
            (Kind::PackedFixed | Kind::PackedDouble | Kind::PackedVarint, Value::Array(list)) => {
                let mut packed = Vec::new();
                for one in list {
                    match kind {
                        Kind::PackedVarint => varint(&mut packed, integer(one).with_context(context)?),
                        Kind::PackedFixed => packed.extend(integer(one).with_context(context)?.to_le_bytes()),
                        _ => packed.extend(double(one).with_context(context)?.to_le_bytes()),
                    }
                }
                bytes(&mut out, *number, &packed);
            }
            (kind, value) => scalar(&mut out, *number, *kind, value).with_context(context)?,
        }
    }
    Ok(out)
}

fn scalar(out: &mut Vec<u8>, number: u32, kind: Kind, value: &Value) -> Result<()> {
    let text = || value.as_str().context("no text");
    match kind {
        Kind::Text => bytes(out, number, text()?.as_bytes()),
        Kind::Hex => bytes(out, number, &unhex(text()?)?),
        Kind::Base64 => bytes(out, number, &STANDARD.decode(text()?).map_err(|error| anyhow!("{error}"))?),
        Kind::Bool => {
            varint(out, u64::from(number) << 3);
            varint(out, u64::from(value.as_bool().context("no boolean")?));
        }
        Kind::Varint => {
            varint(out, u64::from(number) << 3);
            varint(out, integer(value)?);
        }
        Kind::ZigZag => {
            let signed = integer(value)? as i64;
            varint(out, u64::from(number) << 3);
            varint(out, (signed << 1 ^ signed >> 63) as u64);
        }
        Kind::Fixed => {
            varint(out, u64::from(number) << 3 | 1);
            out.extend(integer(value)?.to_le_bytes());
        }
        Kind::Double => {
            varint(out, u64::from(number) << 3 | 1);
            out.extend(double(value)?.to_bits().to_le_bytes());
        }
        Kind::PackedFixed | Kind::PackedVarint | Kind::PackedDouble | Kind::Message(_) => bail!("no list"),
    }
    Ok(())
}

fn bytes(out: &mut Vec<u8>, number: u32, content: &[u8]) {
    varint(out, u64::from(number) << 3 | 2);
    varint(out, content.len() as u64);
    out.extend(content);
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// 64 bits of a number or of the text of one, signed or not.
fn integer(value: &Value) -> Result<u64> {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    text.parse::<u64>()
        .or_else(|_| text.parse::<i64>().map(|signed| signed as u64))
        .with_context(|| format!("no integer: {text}"))
}

fn double(value: &Value) -> Result<f64> {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    match text.as_str() {
        "stale" => Ok(f64::from_bits(0x7ff0_0000_0000_0002)),
        other => other.parse().with_context(|| format!("no number: {other}")),
    }
}

fn unhex(text: &str) -> Result<Vec<u8>> {
    let digits: Vec<u32> =
        text.chars().map(|digit| digit.to_digit(16).context("no hexadecimal")).collect::<Result<_>>()?;
    Ok(digits.chunks(2).map(|pair| pair.iter().fold(0, |byte, digit| byte * 16 + *digit as u8)).collect())
}

#[cfg(test)]
mod tests {
    use super::{Numbering, request};
    use serde_json::json;

    #[test]
    fn encodes_a_gauge_as_protobuf_does() {
        let json = json!({ "resourceMetrics": [{ "scopeMetrics": [{ "metrics": [{
            "name": "g", "gauge": { "dataPoints": [{ "timeUnixNano": "256", "asInt": "-1" }] }
        }] }] }] });
        let point = [0x19, 0, 1, 0, 0, 0, 0, 0, 0, 0x31, 255, 255, 255, 255, 255, 255, 255, 255];
        let mut expected = vec![0x0a, 29, 0x12, 27, 0x12, 25, 0x0a, 1, b'g', 0x2a, 20, 0x0a, 18];
        expected.extend(point);
        assert_eq!(request(&json, Numbering::Standard).unwrap(), expected);
        assert_eq!(request(&json, Numbering::Tsink).unwrap(), expected);
    }

    #[test]
    fn numbers_of_histogram_points_differ() {
        let json = json!({ "resourceMetrics": [{ "scopeMetrics": [{ "metrics": [{
            "histogram": { "dataPoints": [{ "count": 1, "min": 0 }] }
        }] }] }] });
        let (standard, own) =
            (request(&json, Numbering::Standard).unwrap(), request(&json, Numbering::Tsink).unwrap());
        assert_eq!((standard[10], own[10]), (4 << 3 | 1, 5 << 3 | 1));
        assert_eq!((standard[19], own[19]), (11 << 3 | 1, 12 << 3 | 1));
    }
}
