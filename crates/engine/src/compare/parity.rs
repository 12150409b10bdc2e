//! PromQL parity of one query: two range query results, compared series by series and time by time.

use super::causes::ROUNDING;
use super::rows::{Row, join};
use super::values::{Relation, relate, relative_delta, show};
use crate::model::{Labels, Millis, Sample};
use crate::plan::Compare;
use crate::report::{ParityDifference, PromqlCheckReport};
use crate::selector::promql;
use crate::wire::prom_json::{QueryResult, QuerySeries};
use promql_parser::parser::{Expr, Offset};
use std::borrow::Cow;
use std::collections::BTreeMap;

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
        let points = compare_rows(
            one.get(labels).unwrap_or(&nothing),
            other.get(labels).unwrap_or(&nothing),
            tolerance,
        );
        if let Some(first) = &points.first {
            differing_series += 1;
            if report.differences.len() < max {
                report.differences.push(ParityDifference {
                    series: labels.to_string(),
                    points: points.differing,
                    first_ms: first.at,
                    source_value: first.source.clone(),
                    target_value: first.target.clone(),
                    max_relative_delta: points.largest_relative,
                    max_absolute_delta: None,
                    explained: false,
                    excerpt: None,
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
        report.cause = cause(query, &report, &all, hints);
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

#[derive(Default)]
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

fn cause(query: &str, report: &PromqlCheckReport, all: &Points, hints: &ParityHints) -> String {
    if report.target_series == 0 {
        return "The target has nothing that this query reads: the plan's selectors do not cover its metrics, \
                the backfill has not run, or it wrote to another tenant."
            .to_owned();
    }
    if report.source_series == 0 {
        return "The source returned nothing: its retention may have passed, or the query URL names another \
                server."
            .to_owned();
    }
    if all.one_sided == 0 && all.largest_relative.is_some_and(|fraction| fraction < ROUNDING) {
        return "The values differ by as little as rounding does: the servers add floats in another order. If \
                that is good enough, raise compare.max_relative_value_delta."
            .to_owned();
    }
    let reach = look_back(query);
    if let (Some(reach), Some((start, end)), Some(last)) = (&reach, all.span, all.last_differing) {
        let edge = start.saturating_add(reach.ms);
        if last < edge && edge <= end {
            return "Only the first points differ, and these look back to before the window, which was not \
                    migrated. Begin the backfill earlier, or the comparison later."
                .to_owned();
        }
    }
    if !reach.is_some_and(|reach| reach.range) {
        return String::new();
    }
    const WINDOWS: &str = "a range selector covers [t-5m, t] in Prometheus 2 but (t-5m, t] in Prometheus 3 and \
                           tsink, so samples aligned with the step give other results from the same data.";
    match hints.source_version.as_deref() {
        Some(version) if is_prometheus_2(version) => {
            format!("The source is {version}: {WINDOWS} Raw verification tells whether the data agree.")
        }
        Some(_) => String::new(),
        None => format!("If the source is a Prometheus 2: {WINDOWS}"),
    }
}

/// Whether a version text names a Prometheus of major version 2.
fn is_prometheus_2(version: &str) -> bool {
    let mut words = version.split_whitespace();
    let (Some(name), number) = (words.next(), words.next()) else { return false };
    let number = number.unwrap_or(name).trim_start_matches('v');
    (name.eq_ignore_ascii_case("prometheus") || !name.starts_with(|c: char| c.is_alphabetic()))
        && number.starts_with("2.")
}

/// How a query looks back.
struct Reach {
    /// How far at most, in ms.
    ms: Millis,
    /// Whether it has a range selector or a subquery.
    range: bool,
}

/// How far a query looks back; none when it cannot be parsed.
fn look_back(query: &str) -> Option<Reach> {
    /// Prometheus' and tsink's default for instant selectors.
    const LOOK_BACK_MS: Millis = 5 * 60 * 1000;
    let millis =
        |duration: std::time::Duration| Millis::try_from(duration.as_millis()).unwrap_or(Millis::MAX);
    let offset = |offset: &Option<Offset>| match offset {
        Some(Offset::Pos(by)) => millis(*by),
        _ => 0,
    };
    let expression = promql::parse(query).ok()?;
    let mut reach = Reach { ms: 0, range: false };
    let mut rest: Vec<(&Expr, Millis)> = vec![(&expression, 0)];
    while let Some((expression, so_far)) = rest.pop() {
        match expression {
            Expr::Aggregate(inner) => {
                rest.push((&inner.expr, so_far));
                rest.extend(inner.param.as_deref().map(|param| (param, so_far)));
            }
            Expr::Unary(inner) => rest.push((&inner.expr, so_far)),
            Expr::Binary(inner) => rest.extend([(&*inner.lhs, so_far), (&*inner.rhs, so_far)]),
            Expr::Paren(inner) => rest.push((&inner.expr, so_far)),
            Expr::Subquery(inner) => {
                reach.range = true;
                let here = millis(inner.range).saturating_add(offset(&inner.offset));
                rest.push((&inner.expr, so_far.saturating_add(here)));
            }
            Expr::VectorSelector(selector) => {
                let here = LOOK_BACK_MS.saturating_add(offset(&selector.offset));
                reach.ms = reach.ms.max(so_far.saturating_add(here));
            }
            Expr::MatrixSelector(selector) => {
                reach.range = true;
                let here = millis(selector.range).saturating_add(offset(&selector.vs.offset));
                reach.ms = reach.ms.max(so_far.saturating_add(here));
            }
            Expr::Call(call) => rest.extend(call.args.args.iter().map(|argument| (&**argument, so_far))),
            Expr::NumberLiteral(_) | Expr::StringLiteral(_) | Expr::Extension(_) => {}
        }
    }
    Some(reach)
}
