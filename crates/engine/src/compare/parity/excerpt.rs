//! The points around a difference, for a picture.

use super::Rows;
use crate::compare::rows::Row;
use crate::compare::values::show;
use crate::model::Millis;
use crate::report::{Excerpt, ExcerptPoint};

/// Times shown before the first difference.
const BEFORE: usize = 8;
/// Times shown from the first difference on.
const AFTER: usize = 24;

/// Both sides around `first`, the first of the times that differ (`differing`, in order).
pub(super) fn around(source: &Rows<'_>, target: &Rows<'_>, first: Millis, differing: &[Millis]) -> Excerpt {
    let mut all: Vec<Millis> = Vec::new();
    for rows in [source, target] {
        all.extend(near(&rows.samples, first).map(Row::at));
        all.extend(near(&rows.histograms, first).map(Row::at));
    }
    crate::order::sort_by_key(&mut all, |at| *at);
    all.dedup();
    let here = all.partition_point(|at| *at < first);
    let shown = all
        .get(here.saturating_sub(BEFORE)..all.len().min(here + AFTER))
        .and_then(|shown| Some((*shown.first()?, *shown.last()?)));
    let Some((from, to)) = shown else { return Excerpt::default() };
    Excerpt {
        source: points(source, from, to),
        target: points(target, from, to),
        differing_ms: differing.iter().copied().filter(|at| (from..=to).contains(at)).collect(),
    }
}

/// Rows that may be among those shown.
fn near<R: Row>(rows: &[R], first: Millis) -> impl Iterator<Item = &R> {
    let here = rows.partition_point(|row| row.at() < first);
    rows.iter().skip(here.saturating_sub(BEFORE)).take(BEFORE + AFTER)
}

fn points(rows: &Rows<'_>, from: Millis, to: Millis) -> Vec<ExcerptPoint> {
    let inside = |at: Millis| (from..=to).contains(&at);
    let samples = rows.samples.iter().filter(|sample| inside(sample.timestamp));
    let mut points: Vec<ExcerptPoint> = samples
        .map(|sample| ExcerptPoint { at_ms: sample.timestamp, value: show(sample.value) })
        .chain(
            rows.histograms
                .iter()
                .filter(|(at, _)| inside(*at))
                .map(|(at, text)| ExcerptPoint { at_ms: *at, value: sum_of(text) }),
        )
        .collect();
    crate::order::sort_by_key(&mut points, |point| point.at_ms);
    points
}

/// `sum` of a histogram as the query API writes it.
fn sum_of(text: &str) -> String {
    let histogram: Option<serde_json::Value> = serde_json::from_str(text).ok();
    let sum = histogram.as_ref().and_then(|all| all.get("sum")?.as_str()?.parse::<f64>().ok());
    sum.map(show).unwrap_or_default()
}
