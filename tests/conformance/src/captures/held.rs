//! What a tenant holds, and what a case says that it holds.

use super::case::{Case, Exemplar, Labels, Metadata, Series, SeriesExemplars, Value};
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use tsink_migrate_testkit::client::Endpoint;
use tsink_migrate_testkit::wire::MatcherType;

/// From 1843 to 2128.
pub const ALWAYS: (i64, i64) = (-4_000_000_000_000, 5_000_000_000_000);

/// Everything, comparable: times with bits of values. The same sample twice is one.
#[derive(Debug, Default)]
pub struct Held {
    series: BTreeMap<Labels, BTreeSet<(i64, u64)>>,
    metadata: BTreeSet<Metadata>,
    exemplars: BTreeMap<Labels, BTreeSet<(i64, u64, Labels)>>,
}

impl Held {
    /// What a case says.
    pub fn of(case: &Case) -> Self {
        let mut held = Self { metadata: case.metadata.iter().cloned().collect(), ..Self::default() };
        for series in &case.series {
            let samples = held.series.entry(series.labels.clone()).or_default();
            samples.extend(series.samples.iter().map(|(at, value)| (*at, Value::bits(value.number()))));
        }
        for series in &case.exemplars {
            let all = held.exemplars.entry(series.labels.clone()).or_default();
            all.extend(series.exemplars.iter().map(|exemplar| {
                (exemplar.timestamp_ms, Value::bits(exemplar.value.number()), exemplar.labels.clone())
            }));
        }
        held
    }

    /// What a tenant holds. Times within a window become the arrival that stands beside it.
    ///
    /// tsink 0.10.2 keeps exemplars that came by OTLP, and shows them to nobody: they have no tenant. They are
    /// read from its `store`.
    ///
    /// # Panics
    /// When the server does not answer.
    pub fn read(server: &Endpoint, windows: &[(i64, i64, i64)], store: Option<&Path>) -> Self {
        let arrival = |at: i64| {
            windows
                .iter()
                .find(|(from, to, _)| (*from..=*to).contains(&at))
                .map_or(at, |(.., arrival)| *arrival)
        };
        let mut held = Self::default();
        let every = [("__name__", MatcherType::Re, ".+")];
        for series in server.remote_read(&every, ALWAYS.0, ALWAYS.1).expect("a remote read") {
            let mut labels = Labels::new();
            for label in series.labels.iter().filter(|label| !label.value.is_empty()) {
                // A label twice is possible in tsink, and in no case.
                let value = labels.entry(label.name.clone()).or_default();
                *value = if value.is_empty() {
                    label.value.clone()
                } else {
                    format!("{value} and {}", label.value)
                };
            }
            let samples = held.series.entry(labels).or_default();
            samples.extend(series.samples.iter().map(|one| (arrival(one.timestamp), Value::bits(one.value))));
        }
        let all = server.get_json("/api/v1/metadata").expect("metadata")["data"].take();
        for (metric, list) in all.as_object().expect("an object") {
            for one in list.as_array().expect("a list") {
                held.metadata.insert(Metadata {
                    metric: metric.clone(),
                    kind: text(&one["type"]),
                    help: text(&one["help"]),
                    unit: text(&one["unit"]),
                });
            }
        }
        let shown = server.exemplars(r#"{__name__=~".+"}"#, ALWAYS.0, ALWAYS.1).expect("exemplars");
        for series in shown.as_array().expect("a list") {
            let all = held.exemplars.entry(labels(&series["seriesLabels"])).or_default();
            for one in series["exemplars"].as_array().expect("a list") {
                let at = (one["timestamp"].as_f64().expect("a number") * 1000.0).round() as i64;
                let value: f64 = text(&one["value"]).parse().expect("a number");
                all.insert((arrival(at), Value::bits(value), labels(&one["labels"])));
            }
        }
        if let Some(file) = store.and_then(|store| std::fs::read(store.join("exemplar-store.json")).ok()) {
            let stored: Json = serde_json::from_slice(&file).expect("JSON");
            for one in stored["entries"].as_array().expect("a list") {
                let mut series = pairs(&one["series_labels"]);
                series.insert("__name__".to_owned(), text(&one["metric"]));
                let at = one["timestamp"].as_i64().expect("ms");
                let value = Value::bits(one["value"].as_f64().expect("a number"));
                held.exemplars.entry(series).or_default().insert((
                    arrival(at),
                    value,
                    pairs(&one["exemplar_labels"]),
                ));
            }
        }
        held
    }

    /// Whether there is nothing at all.
    pub fn is_empty(&self) -> bool {
        self.series.is_empty() && self.metadata.is_empty() && self.exemplars.is_empty()
    }

    /// What differs, each with the series or metric that it is about.
    pub fn differences(&self, expected: &Self) -> Vec<String> {
        let mut out = Vec::new();
        maps(&mut out, "series", &self.series, &expected.series);
        maps(&mut out, "exemplars", &self.exemplars, &expected.exemplars);
        out.extend(
            self.metadata.difference(&expected.metadata).map(|one| format!("not in the case: {one:?}")),
        );
        out.extend(
            expected.metadata.difference(&self.metadata).map(|one| format!("not on the server: {one:?}")),
        );
        out
    }

    /// Makes it what the case says.
    pub fn write_into(&self, case: &mut Case) {
        let value = |bits: u64| Value::of(f64::from_bits(bits));
        case.series = self
            .series
            .iter()
            .map(|(labels, samples)| Series {
                labels: labels.clone(),
                samples: samples.iter().map(|(at, bits)| (*at, value(*bits))).collect(),
            })
            .collect();
        case.metadata = self.metadata.iter().cloned().collect();
        case.exemplars = self
            .exemplars
            .iter()
            .map(|(labels, all)| SeriesExemplars {
                labels: labels.clone(),
                exemplars: all
                    .iter()
                    .map(|(at, bits, own)| Exemplar {
                        labels: own.clone(),
                        value: value(*bits),
                        timestamp_ms: *at,
                    })
                    .collect(),
            })
            .collect();
    }
}

fn maps<T: PartialEq + std::fmt::Debug>(
    out: &mut Vec<String>,
    what: &str,
    ours: &BTreeMap<Labels, T>,
    expected: &BTreeMap<Labels, T>,
) {
    for (labels, there) in ours {
        match expected.get(labels) {
            None => out.push(format!("{what} not in the case: {labels:?} {there:?}")),
            Some(case) if case != there => {
                out.push(format!("{what} {labels:?}: the server has {there:?}, the case {case:?}"));
            }
            Some(_) => {}
        }
    }
    for (labels, case) in expected {
        if !ours.contains_key(labels) {
            out.push(format!("{what} not on the server: {labels:?} {case:?}"));
        }
    }
}

fn text(value: &Json) -> String {
    value.as_str().expect("a string").to_owned()
}

fn labels(value: &Json) -> Labels {
    let object = value.as_object().expect("an object");
    object
        .iter()
        .map(|(name, value)| (name.clone(), text(value)))
        .filter(|(_, value)| !value.is_empty())
        .collect()
}

/// Labels as a list of names with values.
fn pairs(value: &Json) -> Labels {
    let list = value.as_array().expect("a list");
    list.iter()
        .map(|one| (text(&one["name"]), text(&one["value"])))
        .filter(|(_, value)| !value.is_empty())
        .collect()
}
