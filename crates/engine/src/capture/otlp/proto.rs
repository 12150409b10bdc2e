//! `ExportMetricsServiceRequest` over borrowed bytes, by the standard's field numbers (opentelemetry-proto 1.x,
//! `metrics/v1/metrics.proto`, `common/v1/common.proto`, `resource/v1/resource.proto`).
//!
//! A payload is checked as a whole first, then walked without copies: two bytes can stand for a whole data point,
//! and structures for them would take a hundred times the payload. What the check accepts is what prost accepts,
//! less groups, which proto3 does not have.

use crate::wire::WireError;
use crate::wire::proto::{FIXED64, Field, LEN, Reader, VARINT};
use std::borrow::Cow;

/// How deep messages may lie in each other; prost's own limit, so deeper attributes are refused live too.
const MAX_DEPTH: u32 = 100;

/// How many data points, exemplars and quantiles a payload may have. One that says anything takes 16 bytes, so
/// that a payload at tsink's body limit of 64 MiB has no more; an empty one takes 2.
pub(super) const MAX_ITEMS: u64 = 1 << 22;

/// Why a payload is not taken at all.
pub(super) enum Unfit {
    /// It is not an `ExportMetricsServiceRequest`.
    Malformed(WireError),
    /// It has more than [`MAX_ITEMS`].
    TooMany,
}

impl From<WireError> for Unfit {
    fn from(error: WireError) -> Self {
        Self::Malformed(error)
    }
}

enum Kind {
    Varint,
    Fixed64,
    /// Repeated 64-bit values, packed or not.
    Words,
    Text,
    Bytes,
    Message(&'static Schema),
}

/// The fields of a message that tsink reads.
struct Schema {
    name: &'static str,
    /// Whether it counts as an item.
    item: bool,
    fields: &'static [(u32, Kind)],
}

impl Schema {
    const fn new(name: &'static str, fields: &'static [(u32, Kind)]) -> Self {
        Self { name, item: false, fields }
    }

    const fn item(name: &'static str, fields: &'static [(u32, Kind)]) -> Self {
        Self { name, item: true, fields }
    }
}

static REQUEST: Schema = Schema::new("ExportMetricsServiceRequest", &[(1, Kind::Message(&RESOURCE_METRICS))]);
static RESOURCE_METRICS: Schema = Schema::new(
    "ResourceMetrics",
    &[(1, Kind::Message(&RESOURCE)), (2, Kind::Message(&SCOPE_METRICS)), (3, Kind::Text)],
);
static RESOURCE: Schema = Schema::new("Resource", &[(1, Kind::Message(&KEY_VALUE)), (2, Kind::Varint)]);
static SCOPE_METRICS: Schema =
    Schema::new("ScopeMetrics", &[(1, Kind::Message(&SCOPE)), (2, Kind::Message(&METRIC)), (3, Kind::Text)]);
static SCOPE: Schema = Schema::new(
    "InstrumentationScope",
    &[(1, Kind::Text), (2, Kind::Text), (3, Kind::Message(&KEY_VALUE)), (4, Kind::Varint)],
);
static METRIC: Schema = Schema::new(
    "Metric",
    &[
        (1, Kind::Text),
        (2, Kind::Text),
        (3, Kind::Text),
        (5, Kind::Message(&GAUGE)),
        (7, Kind::Message(&SUM)),
        (9, Kind::Message(&HISTOGRAM)),
        (10, Kind::Message(&EXPONENTIAL_HISTOGRAM)),
        (11, Kind::Message(&SUMMARY)),
    ],
);
static GAUGE: Schema = Schema::new("Gauge", &[(1, Kind::Message(&NUMBER_POINT))]);
static SUM: Schema =
    Schema::new("Sum", &[(1, Kind::Message(&NUMBER_POINT)), (2, Kind::Varint), (3, Kind::Varint)]);
static HISTOGRAM: Schema =
    Schema::new("Histogram", &[(1, Kind::Message(&HISTOGRAM_POINT)), (2, Kind::Varint)]);
static EXPONENTIAL_HISTOGRAM: Schema =
    Schema::new("ExponentialHistogram", &[(1, Kind::Message(&EXPONENTIAL_POINT)), (2, Kind::Varint)]);
static SUMMARY: Schema = Schema::new("Summary", &[(1, Kind::Message(&SUMMARY_POINT))]);
static NUMBER_POINT: Schema = Schema::item(
    "NumberDataPoint",
    &[
        (2, Kind::Fixed64),
        (3, Kind::Fixed64),
        (4, Kind::Fixed64),
        (5, Kind::Message(&EXEMPLAR)),
        (6, Kind::Fixed64),
        (7, Kind::Message(&KEY_VALUE)),
        (8, Kind::Varint),
    ],
);
static HISTOGRAM_POINT: Schema = Schema::item(
    "HistogramDataPoint",
    &[
        (2, Kind::Fixed64),
        (3, Kind::Fixed64),
        (4, Kind::Fixed64),
        (5, Kind::Fixed64),
        (6, Kind::Words),
        (7, Kind::Words),
        (8, Kind::Message(&EXEMPLAR)),
        (9, Kind::Message(&KEY_VALUE)),
        (10, Kind::Varint),
        (11, Kind::Fixed64),
        (12, Kind::Fixed64),
    ],
);
// tsink refuses these whatever they hold, and does not look into them.
static EXPONENTIAL_POINT: Schema = Schema::item("ExponentialHistogramDataPoint", &[]);
static SUMMARY_POINT: Schema = Schema::item(
    "SummaryDataPoint",
    &[
        (2, Kind::Fixed64),
        (3, Kind::Fixed64),
        (4, Kind::Fixed64),
        (5, Kind::Fixed64),
        (6, Kind::Message(&VALUE_AT_QUANTILE)),
        (7, Kind::Message(&KEY_VALUE)),
        (8, Kind::Varint),
    ],
);
static VALUE_AT_QUANTILE: Schema = Schema::item("ValueAtQuantile", &[(1, Kind::Fixed64), (2, Kind::Fixed64)]);
static EXEMPLAR: Schema = Schema::item(
    "Exemplar",
    &[
        (2, Kind::Fixed64),
        (3, Kind::Fixed64),
        (4, Kind::Bytes),
        (5, Kind::Bytes),
        (6, Kind::Fixed64),
        (7, Kind::Message(&KEY_VALUE)),
    ],
);
static KEY_VALUE: Schema = Schema::new("KeyValue", &[(1, Kind::Text), (2, Kind::Message(&ANY_VALUE))]);
static ANY_VALUE: Schema = Schema::new(
    "AnyValue",
    &[
        (1, Kind::Text),
        (2, Kind::Varint),
        (3, Kind::Varint),
        (4, Kind::Fixed64),
        (5, Kind::Message(&ARRAY_VALUE)),
        (6, Kind::Message(&KEY_VALUE_LIST)),
        (7, Kind::Bytes),
    ],
);
static ARRAY_VALUE: Schema = Schema::new("ArrayValue", &[(1, Kind::Message(&ANY_VALUE))]);
static KEY_VALUE_LIST: Schema = Schema::new("KeyValueList", &[(1, Kind::Message(&KEY_VALUE))]);

/// Checks a whole payload.
///
/// # Errors
/// When it is not an `ExportMetricsServiceRequest`, or has too much in it.
pub(super) fn check(payload: &[u8]) -> Result<(), Unfit> {
    message(Reader::new(payload, 0), &REQUEST, 0, &mut 0)
}

fn message(mut reader: Reader<'_>, schema: &Schema, depth: u32, items: &mut u64) -> Result<(), Unfit> {
    *items += u64::from(schema.item);
    if *items > MAX_ITEMS {
        return Err(Unfit::TooMany);
    }
    while let Some(field) = reader.field()? {
        let kind = schema.fields.iter().find(|(number, _)| *number == field.number).map(|(_, kind)| kind);
        match kind {
            Some(Kind::Varint) => {
                expect(&reader, field, VARINT, schema)?;
                reader.varint()?;
            }
            Some(Kind::Words) if field.wire == LEN => {
                if reader.bytes()?.len() % 8 != 0 {
                    return Err(reader.error("packed 64-bit values that end inside one").into());
                }
            }
            Some(Kind::Fixed64 | Kind::Words) => {
                expect(&reader, field, FIXED64, schema)?;
                reader.fixed64()?;
            }
            Some(Kind::Text) => {
                expect(&reader, field, LEN, schema)?;
                if std::str::from_utf8(reader.bytes()?).is_err() {
                    return Err(reader
                        .error(format!("a string of {} that is not UTF-8", schema.name))
                        .into());
                }
            }
            Some(Kind::Bytes) => {
                expect(&reader, field, LEN, schema)?;
                reader.bytes()?;
            }
            // prost counts what it skips as one level more.
            Some(Kind::Message(_)) | None if depth >= MAX_DEPTH => {
                return Err(reader.error(format!("messages nested more than {MAX_DEPTH} deep")).into());
            }
            Some(Kind::Message(inner)) => {
                expect(&reader, field, LEN, schema)?;
                message(reader.message()?, inner, depth + 1, items)?;
            }
            None => reader.skip(field.wire)?,
        }
    }
    Ok(())
}

fn expect(reader: &Reader<'_>, field: Field, wire: u8, schema: &Schema) -> Result<(), Unfit> {
    if field.wire == wire {
        return Ok(());
    }
    Ok(reader.expect(field, wire, &format!("field {} of {}", field.number, schema.name))?)
}

/// A field's value.
#[derive(Clone, Copy)]
pub(super) enum Value<'a> {
    /// A varint, or the bits of a 64-bit value.
    Number(u64),
    /// Bytes, a string, a message, or packed values.
    Bytes(&'a [u8]),
}

impl<'a> Value<'a> {
    /// The number; 0 for bytes, which a checked payload does not have where a number belongs.
    pub fn number(self) -> u64 {
        match self {
            Self::Number(bits) => bits,
            Self::Bytes(_) => 0,
        }
    }

    /// The number as a double.
    pub fn double(self) -> f64 {
        f64::from_bits(self.number())
    }

    /// The bytes; none for a number.
    pub fn bytes(self) -> &'a [u8] {
        match self {
            Self::Number(_) => &[],
            Self::Bytes(bytes) => bytes,
        }
    }

    /// The bytes as text; a checked payload's strings are UTF-8.
    pub fn text(self) -> &'a str {
        std::str::from_utf8(self.bytes()).unwrap_or_default()
    }

    /// Appends repeated 64-bit values, packed or not.
    pub fn words(self, out: &mut Vec<u64>) {
        match self {
            Self::Number(bits) => out.push(bits),
            Self::Bytes(bytes) => out.extend(
                bytes.chunks_exact(8).filter_map(|word| word.try_into().ok()).map(u64::from_le_bytes),
            ),
        }
    }
}

/// The fields of a message that [`check`] has passed; ends early in one that it has not.
pub(super) struct Fields<'a>(Reader<'a>);

/// Number and value of each field.
pub(super) fn fields(message: &[u8]) -> Fields<'_> {
    Fields(Reader::new(message, 0))
}

/// The values of a repeated message, string or bytes field.
pub(super) fn repeated(message: &[u8], number: u32) -> impl Iterator<Item = &[u8]> {
    fields(message).filter(move |field| field.0 == number).map(|(_, value)| value.bytes())
}

impl<'a> Iterator for Fields<'a> {
    type Item = (u32, Value<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let field = self.0.field().ok()??;
        let value = match field.wire {
            VARINT => Value::Number(self.0.varint().ok()?),
            FIXED64 => Value::Number(self.0.fixed64().ok()?),
            LEN => Value::Bytes(self.0.bytes().ok()?),
            other => {
                self.0.skip(other).ok()?;
                Value::Number(0)
            }
        };
        Some((field.number, value))
    }
}

/// Takes one more occurrence of a message that may be there once: protobuf merges them, and the merge of two
/// messages is what their bytes say one after the other.
pub(super) fn merge<'a>(whole: &mut Option<Cow<'a, [u8]>>, part: &'a [u8]) {
    match whole {
        None => *whole = Some(Cow::Borrowed(part)),
        Some(whole) => whole.to_mut().extend_from_slice(part),
    }
}
