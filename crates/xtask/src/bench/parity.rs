//! Whether a cutover check's results are those of the whole query, asked and compared here.
//!
//! The native tool's report tells of a query only that it does not agree, for every aggregate: tsink gives them
//! `"__name__": ""`, which it takes for a label. So the numbers are made from what it asks: one request to either side.

use anyhow::{Context, Result};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use tsink_migrate_testkit::client::{Endpoint, percent, seconds};

/// The query of the cutover check.
pub const QUERY: &str = "sum(rate(http_requests_total[5m])) by (job)";
/// Its step as a plan writes it.
pub const STEP: &str = "60s";
/// Its step in ms.
pub const STEP_MS: i64 = 60_000;
/// Tolerances of a plan that names none.
const ABSOLUTE: f64 = 1e-12;
const RELATIVE: f64 = 1e-9;

/// Series by their labels; each has values by time as the server writes it.
type Matrix = BTreeMap<Vec<(String, String)>, BTreeMap<String, f64>>;

/// What a comparison of two results comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Numbers {
    /// Series in the source's result.
    pub source_series: u64,
    /// Series in the target's.
    pub target_series: u64,
    /// Times that either side has, over all series.
    pub points: u64,
    /// Those that differ.
    pub differing: u64,
}

impl Numbers {
    /// What a report says of its first query.
    ///
    /// # Errors
    /// When it says nothing.
    pub fn of_report(report: &Value) -> Result<Self> {
        let field = |name: &str| {
            report["promql_checks"][0][name].as_u64().with_context(|| format!("a report without {name}"))
        };
        Ok(Self {
            source_series: field("source_series")?,
            target_series: field("target_series")?,
            points: field("points")?,
            differing: field("differing_points")?,
        })
    }
}

/// Asks both sides for the whole window at once, and compares point by point.
///
/// # Errors
/// When a side does not answer with a matrix.
pub fn whole(source: &Endpoint, target: &Endpoint, window: (i64, i64)) -> Result<Numbers> {
    Ok(compare(&ask(source, window)?, &ask(target, window)?))
}

fn ask(server: &Endpoint, (start_ms, end_ms): (i64, i64)) -> Result<Matrix> {
    let (query, start, end) = (percent(QUERY), seconds(start_ms), seconds(end_ms));
    let path = format!("/api/v1/query_range?query={query}&start={start}&end={end}&step={STEP}");
    matrix(&server.get_json(&path)?)
}

fn matrix(answer: &Value) -> Result<Matrix> {
    let mut matrix = Matrix::new();
    for series in answer["data"]["result"].as_array().context("no result")? {
        let labels = series["metric"].as_object().context("no labels")?.iter();
        let labels: Vec<(String, String)> = labels
            .map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().to_owned()))
            // An empty label is an absent label.
            .filter(|(_, value)| !value.is_empty())
            .collect();
        let values = matrix.entry(labels).or_default();
        for point in series["values"].as_array().context("no values")? {
            // Whole seconds are written as 1, 1.0 or 1.000.
            let at_s = point[0].as_f64().context("a point without a time")?;
            let value =
                point[1].as_str().and_then(|text| text.parse().ok()).context("a point without a value")?;
            values.insert(format!("{at_s:.3}"), value);
        }
    }
    Ok(matrix)
}

fn compare(source: &Matrix, target: &Matrix) -> Numbers {
    let empty = BTreeMap::new();
    let (mut points, mut differing) = (0, 0);
    for labels in source.keys().chain(target.keys()).collect::<BTreeSet<_>>() {
        let (source, target) = (source.get(labels).unwrap_or(&empty), target.get(labels).unwrap_or(&empty));
        for time in source.keys().chain(target.keys()).collect::<BTreeSet<_>>() {
            points += 1;
            differing += u64::from(!agree(source.get(time), target.get(time)));
        }
    }
    let count = |matrix: &Matrix| matrix.len() as u64;
    Numbers { source_series: count(source), target_series: count(target), points, differing }
}

fn agree(source: Option<&f64>, target: Option<&f64>) -> bool {
    let (Some(a), Some(b)) = (source, target) else { return false };
    let delta = (a - b).abs();
    a == b || (a.is_nan() && b.is_nan()) || delta <= ABSOLUTE || delta <= RELATIVE * a.abs()
}

/// What both tools' reports say of the raw data, selector by selector: whether it is the same.
pub fn same_raw_checks(one: &Value, other: &Value) -> bool {
    const FIELDS: [&str; 10] = [
        "selector",
        "source_series",
        "target_series",
        "source_rows",
        "target_rows",
        "source_samples",
        "target_samples",
        "missing_series",
        "extra_series",
        "sample_mismatches",
    ];
    let of = |report: &Value| -> Option<Vec<Vec<Value>>> {
        let checks = report["raw_verify"]["raw_checks"].as_array()?;
        let all: Option<Vec<Vec<Value>>> = checks
            .iter()
            .map(|check| FIELDS.iter().map(|field| check.get(*field).cloned()).collect())
            .collect();
        all.filter(|checks| !checks.is_empty())
    };
    matches!((of(one), of(other)), (Some(one), Some(other)) if one == other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn answer(metric: Value, values: Value) -> Matrix {
        matrix(&json!({ "data": { "result": [{ "metric": metric, "values": values }] } })).unwrap()
    }

    #[test]
    fn differs_in_values_and_in_missing_points_but_not_in_empty_labels() {
        let source =
            answer(json!({ "job": "api" }), json!([[60, "1"], [120, "2"], [180, "NaN"], [240, "4"]]));
        let target = answer(
            json!({ "__name__": "", "job": "api" }),
            json!([[60.0, "1.0000000000001"], [120.000, "2.1"], [180, "NaN"], [300, "5"]]),
        );
        assert_eq!(
            compare(&source, &target),
            Numbers { source_series: 1, target_series: 1, points: 5, differing: 3 }
        );
        let other = answer(json!({ "job": "web" }), json!([[60, "1"]]));
        assert_eq!(
            compare(&source, &other),
            Numbers { source_series: 1, target_series: 1, points: 5, differing: 5 }
        );
    }

    #[test]
    fn an_answer_without_a_matrix_is_an_error() {
        assert!(matrix(&json!({ "status": "error" })).is_err());
        assert!(matrix(&json!({ "data": { "result": [{ "metric": {}, "values": [[1, "x"]] }] } })).is_err());
    }

    #[test]
    fn raw_checks_are_the_same_only_when_both_are_there_and_agree() {
        let report = |samples: u64| {
            json!({ "raw_verify": { "raw_checks": [{
                "selector": "a", "source_series": 1, "target_series": 1, "source_rows": 2, "target_rows": 2,
                "source_samples": 2, "target_samples": samples, "missing_series": 0, "extra_series": 0,
                "sample_mismatches": 0, "issues": [],
            }] } })
        };
        assert!(same_raw_checks(&report(2), &report(2)));
        assert!(!same_raw_checks(&report(2), &report(1)));
        let nothing = json!({ "raw_verify": { "raw_checks": [] } });
        assert!(!same_raw_checks(&nothing, &nothing) && !same_raw_checks(&json!({}), &json!({})));
    }
}
