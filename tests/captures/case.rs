//! The form of a case of captured payloads, and its reader. See `README.md` in this folder.
//!
//! A plain file, taken in with `#[path]` by the conformance tests, which hold the cases against the real server,
//! and by the engine's tests, which hold our parsers against the cases. Needs serde, `serde_json` and base64.
#![allow(dead_code)]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Bits of a Prometheus stale marker, a NaN with a meaning of its own.
pub const STALE: u64 = 0x7ff0_0000_0000_0002;

/// One case.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// What it shows.
    pub about: String,
    /// Where the payloads come from, with the version.
    pub source: String,
    /// Query parameters of the request; InfluxDB only.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub query_params: BTreeMap<String, String>,
    /// Arrival of the first payload, Unix ms; see [`Case::received_at`].
    pub received_at_ms: i64,
    /// In the order of their arrival: a request, a UDP packet, or a TCP connection each.
    pub payloads: Vec<Payload>,
    /// What the server does with them.
    pub live: Live,
    /// What is refused of them, line by line, event by event, data point by data point.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refused: Vec<Refused>,
    /// What all the rest becomes, sorted by labels.
    #[serde(default)]
    pub series: Vec<Series>,
    /// Sorted by metric.
    #[serde(default)]
    pub metadata: Vec<Metadata>,
    /// Sorted by labels.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exemplars: Vec<SeriesExemplars>,
    /// `payload_lines`, `payload_bytes`, `standard_histogram`.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub flags: BTreeSet<String>,
}

/// A payload.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Payload {
    /// As it is.
    Text(String),
    /// Pieces, each so many times.
    Repeated {
        /// Text and count.
        parts: Vec<(String, usize)>,
    },
    /// Bytes, and for OTLP what they say.
    Bytes {
        /// OTLP's JSON form; `base64` is made from it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        otlp: Option<serde_json::Value>,
        /// The bytes.
        #[serde(default)]
        base64: String,
    },
}

impl Payload {
    /// Its bytes.
    pub fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Text(text) => text.clone().into_bytes(),
            Self::Repeated { parts } => {
                parts.iter().flat_map(|(text, n)| text.repeat(*n).into_bytes()).collect()
            }
            Self::Bytes { base64, .. } => STANDARD.decode(base64).expect("base64 of a payload"),
        }
    }
}

/// What the server does with the payloads.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Live {
    /// It takes what is not in `refused`.
    Accepted,
    /// It refuses each of them whole, and nothing of it stays.
    Refused(#[serde(default)] Words),
    /// It makes something else of them: it drops a part of what is good, or makes series that cannot be.
    Otherwise,
}

/// How it says so; empty for UDP and TCP.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Words {
    /// HTTP status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Part of what the answer to the first payload says.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
}

/// Something refused.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refused {
    /// Number of the payload, from 0.
    pub payload: usize,
    /// Line, from 1; absent when the payload is refused whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// Place in an OTLP payload; absent when the payload is refused whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
    /// `RefusalKind` in snake case.
    pub kind: String,
    /// The server's words after its `… line index N`.
    pub message: String,
    /// The server takes it, and makes of it what nobody could write into it: a series with two names.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub only_here: bool,
}

/// Numbers from 0. What is absent is refused whole: without `point`, each data point of the metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// Of `resource_metrics`.
    pub resource: usize,
    /// Of `scope_metrics`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<usize>,
    /// Of `metrics`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metric: Option<usize>,
    /// Of `data_points`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub point: Option<usize>,
    /// Of the data point's `exemplars`; the data point itself is taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exemplar: Option<usize>,
}

/// Labels without empty values.
pub type Labels = BTreeMap<String, String>;

/// A series.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Series {
    /// `__name__` is one of them.
    pub labels: Labels,
    /// Unix ms and value, sorted; the same twice is there once.
    pub samples: Vec<(i64, Value)>,
}

/// A float64: a JSON number, or a string when it is not finite or has more than 15 digits, because `serde_json`
/// may be off by a bit there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    /// Exact in JSON.
    Number(f64),
    /// `NaN`, `stale`, `+Inf`, `-Inf`, or digits.
    Text(String),
}

impl Value {
    /// The value.
    pub fn number(&self) -> f64 {
        match self {
            Self::Number(number) => *number,
            Self::Text(text) if text == "stale" => f64::from_bits(STALE),
            Self::Text(text) => text.parse().expect("a number"),
        }
    }

    /// How a number is written.
    pub fn of(number: f64) -> Self {
        if number.to_bits() == STALE {
            return Self::Text("stale".to_owned());
        }
        if number.is_nan() {
            return Self::Text("NaN".to_owned());
        }
        if number.is_infinite() {
            return Self::Text(if number > 0.0 { "+Inf" } else { "-Inf" }.to_owned());
        }
        let digits = format!("{number:e}");
        let mantissa = digits.split('e').next().unwrap_or_default();
        let small = number == 0.0 || (1e-6..1e15).contains(&number.abs());
        if small && mantissa.bytes().filter(u8::is_ascii_digit).count() <= 15 {
            Self::Number(number)
        } else {
            Self::Text(digits)
        }
    }

    /// Bits by which values are compared: zero has no sign, because protobuf leaves it out, and all NaNs but the
    /// stale marker are one.
    pub fn bits(number: f64) -> u64 {
        if number == 0.0 {
            0
        } else if number.is_nan() && number.to_bits() != STALE {
            f64::NAN.to_bits()
        } else {
            number.to_bits()
        }
    }
}

/// Metadata as the server's API shows it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metadata {
    /// Metric family name.
    pub metric: String,
    /// Type.
    #[serde(rename = "type")]
    pub kind: String,
    /// Help.
    pub help: String,
    /// Unit.
    pub unit: String,
}

/// Exemplars of a series.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeriesExemplars {
    /// Labels of the series.
    pub labels: Labels,
    /// Sorted by time.
    pub exemplars: Vec<Exemplar>,
}

/// An exemplar.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exemplar {
    /// Labels of its own.
    pub labels: Labels,
    /// Value.
    pub value: Value,
    /// Unix ms.
    pub timestamp_ms: i64,
}

impl Case {
    /// Arrival of a payload, Unix ms: each a second after the one before.
    pub fn received_at(&self, payload: usize) -> i64 {
        self.received_at_ms + 1000 * payload as i64
    }
}

/// All cases of a protocol with their paths, by name.
///
/// # Panics
/// When a case cannot be read, or there is none.
pub fn cases(folder: &Path, protocol: &str) -> Vec<(PathBuf, Case)> {
    let folder = folder.join(protocol);
    let mut paths: Vec<PathBuf> = std::fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "json"))
        .collect();
    paths.sort();
    assert!(!paths.is_empty(), "no case in {}", folder.display());
    paths
        .into_iter()
        .map(|path| {
            let text = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            let case =
                serde_json::from_slice(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            (path, case)
        })
        .collect()
}
