//! PromQL parity of one query: two range query results, compared series by series and time by time.

mod cause;
mod excerpt;
mod explain;

pub use explain::{Asked, explain, unexplained};

use super::rows::{Row, join};
use super::values::{Relation, relate, relative_delta, show};
use crate::model::{Labels, Millis, Sample};
use crate::plan::Compare;
use crate::report::{ParityDifference, PromqlCheckReport};
use crate::wire::prom_json::{QueryResult, QuerySeries};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Differences of a check that come with an excerpt; the rest have their numbers only.
const EXCERPTS: usize = 20;

/// What is known about the servers that answered.
#[derive(Clone, Debug, Default)]
pub struct ParityHints {
    /// The source's name and version, `Prometheus 2.42.0`, if known.
    pub source_version: Option<String>,
}

/// Compares the results of one query. At most `max` differing series are listed; counts are complete.
///
/// A probable cause never makes a difference match: it only says where to look.
pub fn compare_query(
    query: &str,
    step: &str,
    source: &QueryResult,
    target: &QueryResult,
    tolerance: &Compare,
    max: usize,
    hints: &ParityHints,
) -> PromqlCheckReport {
    let (one, other) = (by_labels(&source.series), by_labels(&target.series));
    let mut report = PromqlCheckReport {
        query: query.to_owned(),
        step: step.to_owned(),
        source_warnings: source.warnings.clone(),
        target_warnings: target.warnings.clone(),
        target_partial_response: target.partial,
        source_series: one.len() as u64,
        target_series: other.len() as u64,
        ..PromqlCheckReport::default()
    };
    let mut all = Points::default();
    let mut differing_series = 0u64;
    let nothing = Rows::default();
    let labels = crate::order::set(one.keys().chain(other.keys()).copied());
    for labels in labels {
        let source = one.get(labels).unwrap_or(&nothing);
        let target = other.get(labels).unwrap_or(&nothing);
        let points = compare_rows(source, target, tolerance);
        if let Some(first) = &points.first {
            differing_series += 1;
            if report.differences.len() < max {
                let excerpt = (report.differences.len() < EXCERPTS)
                    .then(|| excerpt::around(source, target, first.at, &points.times));
                report.differences.push(ParityDifference {
                    series: labels.to_string(),
                    points: points.differing,
                    first_ms: first.at,
                    source_value: first.source.clone(),
                    target_value: first.target.clone(),
                    max_relative_delta: points.largest_relative,
                    max_absolute_delta: points.largest_absolute,
                    explained: false,
                    excerpt,
                });
            }
        }
        all.merge(points);
    }
    report.points = all.compared;
    report.differing_points = all.differing;
    report.differences_omitted = differing_series - report.differences.len() as u64;
    if all.differing > 0 {
        report.issues.push(format!(
            "PromQL result mismatch for query {query}: {} of {} points differ, in {differing_series} series",
            all.differing, all.compared
        ));
        report.cause = cause::probable(query, &report, &all, hints);
    }
    if source.partial {
        report.issues.push(format!("source answered only in part for query {query}"));
    }
    if target.partial {
        report.issues.push(format!("target returned partialResponse for query {query}"));
    }
    if !target.warnings.is_empty() {
        let warnings = target.warnings.join("; ");
        report.issues.push(format!("target returned warnings for query {query}: {warnings}"));
    }
    report.matched = report.issues.is_empty();
    report
}

type HistogramPoint = (Millis, String);

impl Row for HistogramPoint {
    fn at(&self) -> Millis {
        self.0
    }
}

#[derive(Clone, Default)]
struct Rows<'a> {
    samples: Cow<'a, [Sample]>,
    histograms: Cow<'a, [HistogramPoint]>,
}

/// Result series by labels, rows in time order. Two that are the same but for empty labels become one.
fn by_labels(series: &[QuerySeries]) -> BTreeMap<&Labels, Rows<'_>> {
    let mut all: BTreeMap<&Labels, Rows<'_>> = BTreeMap::new();
    for series in series {
        if series.samples.is_empty() && series.histograms.is_empty() {
            continue;
        }
        let rows = all.entry(&series.labels).or_default();
        append(&mut rows.samples, &series.samples);
        append(&mut rows.histograms, &series.histograms);
    }
    all
}

fn append<'a, R: Row + Clone>(rows: &mut Cow<'a, [R]>, more: &'a [R]) {
    if rows.is_empty() {
        *rows = Cow::Borrowed(more);
    } else {
        rows.to_mut().extend_from_slice(more);
    }
    if !rows.is_sorted_by_key(Row::at) {
        crate::order::sort_by_key(rows.to_mut(), Row::at);
    }
}

struct First {
    at: Millis,
    source: Option<String>,
    target: Option<String>,
}

#[derive(Default)]
struct Points {
    compared: u64,
    differing: u64,
    /// Of `differing`: times that one side alone has.
    one_sided: u64,
    first: Option<First>,
    /// First and last time that either side has.
    span: Option<(Millis, Millis)>,
    last_differing: Option<Millis>,
    largest_relative: Option<f64>,
    largest_absolute: Option<f64>,
    /// Times that differ, in order; of one series only.
    times: Vec<Millis>,
}

impl Points {
    fn see(&mut self, at: Millis) {
        self.compared += 1;
        self.span = Some(self.span.map_or((at, at), |(first, last)| (first.min(at), last.max(at))));
    }

    fn differ(&mut self, at: Millis, source: Option<String>, target: Option<String>) {
        self.differing += 1;
        self.one_sided += u64::from(source.is_none() || target.is_none());
        self.last_differing = self.last_differing.max(Some(at));
        self.times.push(at);
        if self.first.as_ref().is_none_or(|first| at < first.at) {
            self.first = Some(First { at, source, target });
        }
    }

    fn merge(&mut self, other: Self) {
        self.compared += other.compared;
        self.differing += other.differing;
        self.one_sided += other.one_sided;
        self.last_differing = self.last_differing.max(other.last_differing);
        self.largest_relative = larger(self.largest_relative, other.largest_relative);
        self.largest_absolute = larger(self.largest_absolute, other.largest_absolute);
        self.span = match (self.span, other.span) {
            (Some((a, b)), Some((c, d))) => Some((a.min(c), b.max(d))),
            (one, none) => one.or(none),
        };
    }
}

fn larger(one: Option<f64>, other: Option<f64>) -> Option<f64> {
    match (one, other) {
        (Some(a), Some(b)) => Some(a.max(b)),
        (one, none) => one.or(none),
    }
}

fn compare_rows(source: &Rows<'_>, target: &Rows<'_>, tolerance: &Compare) -> Points {
    let mut points = Points::default();
    join(&source.samples, &target.samples, |source, target| {
        let Some(at) = source.first().or(target.first()).map(Row::at) else { return };
        points.see(at);
        match (source.first(), target.first()) {
            (Some(a), Some(b)) => {
                if relate(a.value, b.value, tolerance) != Relation::Equal {
                    let relative = relative_delta(a.value, b.value);
                    points.largest_relative = larger(points.largest_relative, relative);
                    let absolute = Some((a.value - b.value).abs()).filter(|delta| delta.is_finite());
                    points.largest_absolute = larger(points.largest_absolute, absolute);
                    points.differ(at, Some(show(a.value)), Some(show(b.value)));
                }
            }
            (a, b) => points.differ(at, a.map(|a| show(a.value)), b.map(|b| show(b.value))),
        }
    });
    join(&source.histograms, &target.histograms, |source, target| {
        let Some(at) = source.first().or(target.first()).map(Row::at) else { return };
        points.see(at);
        let text = |side: &[HistogramPoint]| side.first().map(|(_, text)| text.clone());
        match (source.first(), target.first()) {
            (Some((_, a)), Some((_, b))) if same_histogram(a, b, tolerance) => {}
            _ => points.differ(at, text(source), text(target)),
        }
    });
    if !points.times.is_sorted() {
        // Samples came before histograms.
        crate::order::sort_by_key(&mut points.times, |at| *at);
    }
    points
}

/// Compares two histograms of the query API's JSON (`count`, `sum` and `buckets` as text numbers): equal
/// text, or the same structure with numbers within tolerance.
fn same_histogram(source: &str, target: &str, tolerance: &Compare) -> bool {
    use serde_json::Value;
    fn same(source: &Value, target: &Value, tolerance: &Compare) -> bool {
        match (source, target) {
            (Value::Array(a), Value::Array(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b, tolerance))
            }
            (Value::Object(a), Value::Object(b)) => {
                a.len() == b.len()
                    && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same(a, b, tolerance)))
            }
            (a, b) => match (number(a), number(b)) {
                (Some(a), Some(b)) => relate(a, b, tolerance) == Relation::Equal,
                _ => a == b,
            },
        }
    }
    fn number(value: &Value) -> Option<f64> {
        value.as_f64().or_else(|| value.as_str()?.parse().ok())
    }
    source == target
        || match (serde_json::from_str(source), serde_json::from_str(target)) {
            (Ok(source), Ok(target)) => same(&source, &target, tolerance),
            _ => false,
        }
}
