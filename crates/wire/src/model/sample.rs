//! Samples, exemplars, metadata and the series that hold them.

use super::{Histogram, Labels, Millis};
use serde::{Deserialize, Serialize};

/// The bit pattern of Prometheus' staleness marker (`model/value/value.go`, Prometheus 2.42). It ends a
/// series; an ordinary NaN is a value. The two must never be confused.
pub const STALE_NAN_BITS: u64 = 0x7ff0_0000_0000_0002;

/// Whether a value is the staleness marker.
pub fn is_stale_nan(value: f64) -> bool {
    value.to_bits() == STALE_NAN_BITS
}

/// One float sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// Unix time in ms.
    pub timestamp: Millis,
    /// The value, bit for bit: StaleNaN is told from NaN by its bits.
    pub value: f64,
}

/// One exemplar of a series.
#[derive(Clone, Debug, PartialEq)]
pub struct Exemplar {
    /// Usually `trace_id`, `span_id`.
    pub labels: Labels,
    /// The observed value.
    pub value: f64,
    /// Unix time in ms.
    pub timestamp: Millis,
}

/// A decoded series with what one window holds of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Series {
    /// Canonical labels.
    pub labels: Labels,
    /// Float samples as they came, in the server's order.
    pub samples: Vec<Sample>,
    /// Native histograms as they came, in the server's order.
    pub histograms: Vec<Histogram>,
    /// Exemplars; remote read carries none, the exemplar API does.
    pub exemplars: Vec<Exemplar>,
}

/// Type of a metric, numbered as in `MetricMetadata.MetricType` of Prometheus' `types.proto`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
#[repr(i32)]
pub enum MetricType {
    /// No type known.
    #[default]
    Unknown = 0,
    /// Counter.
    Counter = 1,
    /// Gauge.
    Gauge = 2,
    /// Histogram, classic or native.
    Histogram = 3,
    /// Gauge histogram.
    GaugeHistogram = 4,
    /// Summary.
    Summary = 5,
    /// Info.
    Info = 6,
    /// State set.
    StateSet = 7,
}

impl MetricType {
    /// The word that the metadata API uses (`gaugehistogram`, `stateset`, …).
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
            Self::GaugeHistogram => "gaugehistogram",
            Self::Summary => "summary",
            Self::Info => "info",
            Self::StateSet => "stateset",
        }
    }

    /// Reads the metadata API's word; Prometheus writes `unknown` or `""` for no type. `None` for a word
    /// that neither Prometheus nor tsink has.
    pub fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "" | "unknown" | "untyped" => Self::Unknown,
            "counter" => Self::Counter,
            "gauge" => Self::Gauge,
            "histogram" => Self::Histogram,
            "gaugehistogram" => Self::GaugeHistogram,
            "summary" => Self::Summary,
            "info" => Self::Info,
            "stateset" => Self::StateSet,
            _ => return None,
        })
    }
}

/// Metadata of one metric family.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Metadata {
    /// Metric family name.
    pub metric: String,
    /// Type.
    pub metric_type: MetricType,
    /// Help text.
    pub help: String,
    /// Unit.
    pub unit: String,
}
