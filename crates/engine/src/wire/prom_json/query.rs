//! Query results: `{"resultType": "matrix" | "vector" | "scalar" | "string", "result": …}`.

use super::envelope::{JsonError, open};
use super::histogram::Histogram;
use super::number::{Point, Time, pair};
use super::{QueryResult, QuerySeries};
use crate::model::{Labels, Millis, Sample};
use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::fmt;

/// Reads the answer of `query_range` or `query`. A vector gives series of one point each, a scalar one
/// series without labels.
///
/// # Errors
/// [`JsonError::Refused`] when the answer is an error, [`JsonError::NoPoints`] for a string,
/// [`JsonError::Malformed`] for anything that is not a query result.
pub fn query(body: &[u8]) -> Result<QueryResult, JsonError> {
    let opened = open::<Data>(body)?;
    let Some(data) = opened.data else {
        return Err(JsonError::Malformed("there is no `data`".to_owned()));
    };
    let mut series = match (data.kind.as_deref(), data.result) {
        (Some("string"), _) => return Err(JsonError::NoPoints("string")),
        (_, None) => Vec::new(),
        (_, Some(Outcome::Series(series))) => series,
        (_, Some(Outcome::Lone(sample))) => {
            vec![QuerySeries { samples: vec![sample], ..QuerySeries::default() }]
        }
        (_, Some(Outcome::Text)) => return Err(JsonError::NoPoints("string")),
    };
    for one in &mut series {
        // Servers send points in order; should one not, the comparison by time still must work.
        if !one.samples.is_sorted_by_key(|sample| sample.timestamp) {
            crate::order::sort_by_key(&mut one.samples, |sample| sample.timestamp);
        }
        if !one.histograms.is_sorted_by_key(|(at, _)| *at) {
            crate::order::sort_by_key(&mut one.histograms, |(at, _)| *at);
        }
    }
    crate::order::sort_by(&mut series, |a, b| a.labels.cmp(&b.labels));
    Ok(QueryResult { series, warnings: opened.warnings, infos: opened.infos, partial: opened.partial })
}

#[derive(Deserialize)]
struct Data {
    #[serde(rename = "resultType")]
    kind: Option<String>,
    result: Option<Outcome>,
}

/// What `result` holds, told by its first element, since `resultType` may come after it.
enum Outcome {
    Series(Vec<QuerySeries>),
    Lone(Sample),
    Text,
}

impl<'de> Deserialize<'de> for Outcome {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(OutcomeVisitor)
    }
}

struct OutcomeVisitor;

impl<'de> Visitor<'de> for OutcomeVisitor {
    type Value = Outcome;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the result of a query")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Outcome, A::Error> {
        let timestamp = match seq.next_element::<Element>()? {
            None => return Ok(Outcome::Series(Vec::new())),
            Some(Element::Series(first)) => {
                let mut all = vec![*first];
                while let Some(OneSeries(next)) = seq.next_element()? {
                    all.push(next);
                }
                return Ok(Outcome::Series(all));
            }
            Some(Element::Time(Time(at))) => at,
        };
        let lone = match seq.next_element::<Lone>()? {
            Some(Lone(Some(value))) => Outcome::Lone(Sample { timestamp, value }),
            Some(Lone(None)) => Outcome::Text,
            None => return Err(A::Error::custom("a scalar without a value")),
        };
        if seq.next_element::<IgnoredAny>()?.is_some() {
            return Err(A::Error::custom("a scalar with more than a time and a value"));
        }
        Ok(lone)
    }
}

/// First element of `result`.
enum Element {
    Series(Box<QuerySeries>),
    Time(Time),
}

impl<'de> Deserialize<'de> for Element {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ElementVisitor;
        impl<'de> Visitor<'de> for ElementVisitor {
            type Value = Element;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a result series or a time")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Element, A::Error> {
                SeriesVisitor.visit_map(map).map(|series| Element::Series(Box::new(series)))
            }

            fn visit_f64<E: Error>(self, seconds: f64) -> Result<Element, E> {
                let at = super::number::to_millis(seconds).ok_or_else(|| E::custom("time out of range"))?;
                Ok(Element::Time(Time(at)))
            }

            #[allow(clippy::cast_precision_loss)]
            fn visit_i64<E: Error>(self, seconds: i64) -> Result<Element, E> {
                self.visit_f64(seconds as f64)
            }

            #[allow(clippy::cast_precision_loss)]
            fn visit_u64<E: Error>(self, seconds: u64) -> Result<Element, E> {
                self.visit_f64(seconds as f64)
            }
        }
        deserializer.deserialize_any(ElementVisitor)
    }
}

/// Second element of a scalar (a value) or of a string (any text, `None`).
struct Lone(Option<f64>);

impl<'de> Deserialize<'de> for Lone {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Ok(Self(super::number::parse_value(&text)))
    }
}

struct OneSeries(QuerySeries);

impl<'de> Deserialize<'de> for OneSeries {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(SeriesVisitor).map(Self)
    }
}

/// `{"metric": {…}, "values": [[t, v], …]}`, or `value`, `histograms`, `histogram`.
struct SeriesVisitor;

impl<'de> Visitor<'de> for SeriesVisitor {
    type Value = QuerySeries;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a result series")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<QuerySeries, A::Error> {
        let mut series = QuerySeries::default();
        while let Some(key) = map.next_key::<Key>()? {
            match key {
                Key::Metric => series.labels = map.next_value::<LabelMap>()?.0,
                Key::Values => {
                    let points = map.next_value::<Option<Vec<Point>>>()?.unwrap_or_default();
                    series.samples.extend(points.into_iter().map(|Point(sample)| sample));
                }
                Key::Value => series.samples.push(map.next_value::<Point>()?.0),
                Key::Histograms => {
                    let points = map.next_value::<Option<Vec<HistogramPoint>>>()?.unwrap_or_default();
                    series.histograms.extend(points.into_iter().map(|HistogramPoint(at, text)| (at, text)));
                }
                Key::Histogram => {
                    let HistogramPoint(at, text) = map.next_value()?;
                    series.histograms.push((at, text));
                }
                Key::Other => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(series)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Key {
    Metric,
    Value,
    Values,
    Histogram,
    Histograms,
    #[serde(other)]
    Other,
}

struct HistogramPoint(Millis, String);

impl<'de> Deserialize<'de> for HistogramPoint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (at, histogram) = pair::<D, Histogram>(deserializer)?;
        Ok(Self(at, histogram.canonical()))
    }
}

/// A label set as a JSON object.
pub(super) struct LabelMap(pub Labels);

impl<'de> Deserialize<'de> for LabelMap {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct LabelVisitor;
        impl<'de> Visitor<'de> for LabelVisitor {
            type Value = Labels;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a label set")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Labels, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry::<String, String>()? {
                    pairs.push(pair);
                }
                Ok(Labels::from_pairs(pairs))
            }
        }
        deserializer.deserialize_map(LabelVisitor).map(Self)
    }
}

#[cfg(test)]
mod tests;
