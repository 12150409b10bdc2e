//! What tsink's live ingest would refuse, and why.

use serde::{Deserialize, Serialize};

/// Why tsink would refuse a line, an event or a data point. Refusals are counted by this.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum RefusalKind {
    /// The line does not have the parts that the protocol asks for.
    Syntax,
    /// A number that is none, or is not finite.
    Number,
    /// A timestamp that is none, or is out of range.
    Timestamp,
    /// A string field of InfluxDB line protocol.
    StringField,
    /// A boolean field of InfluxDB line protocol.
    BooleanField,
    /// An empty name, or one that is too long.
    Name,
    /// A label that is given twice, is reserved, or is too long.
    Label,
    /// A type or feature that tsink does not take: `StatsD` types, sample rates of gauges and sets.
    UnsupportedType,
    /// The payload says two types of one metric.
    MetadataConflict,
    /// A line beyond the server's limit of bytes.
    TooLong,
    /// An OTLP exponential histogram.
    ExponentialHistogram,
    /// An OTLP sum or histogram of delta temporality, or of none.
    Temporality,
    /// An OTLP data point without a recorded value, or with flags that tsink does not know.
    Flags,
    /// An OTLP data point, exemplar or attribute without a value.
    MissingValue,
    /// OTLP buckets that do not fit their bounds, quantiles outside of 0 to 1.
    Buckets,
}

impl RefusalKind {
    /// The reason in a few words, as a heading.
    pub fn title(self) -> &'static str {
        match self {
            Self::Syntax => "not in the protocol's form",
            Self::Number => "not a finite number",
            Self::Timestamp => "not a timestamp",
            Self::StringField => "string fields are not supported",
            Self::BooleanField => "boolean fields are not supported",
            Self::Name => "name is empty or too long",
            Self::Label => "label is repeated, reserved or too long",
            Self::UnsupportedType => "type is not supported",
            Self::MetadataConflict => "two types of one metric in a payload",
            Self::TooLong => "line is too long",
            Self::ExponentialHistogram => "exponential histograms are not supported",
            Self::Temporality => "only cumulative temporality is supported",
            Self::Flags => "data point flags are not supported",
            Self::MissingValue => "value is missing",
            Self::Buckets => "buckets, bounds or quantiles do not fit",
        }
    }
}

/// One refused line, event or data point.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What it counts as.
    pub kind: RefusalKind,
    /// The server's reason, in its own words as far as they say which field or value it is.
    pub message: String,
}

impl Refusal {
    /// A refusal.
    pub fn new(kind: RefusalKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }
}
