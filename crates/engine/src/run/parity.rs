//! PromQL parity: the same range query on both sides, in parts that run side by side.
//!
//! Every step of a range query is evaluated by itself, so parts that start on step boundaries give the same
//! points as the whole. tsink 0.10.2 answers long ranges disproportionately slowly (24 h of `sum(rate())`:
//! 28.5 s whole, 3.1 s as 8 parts side by side), and Prometheus refuses more than 11,000 points a series.

use super::context::Run;
use super::event::{Event, Stage};
use super::meter::Meter;
use crate::compare::{ParityHints, compare_query};
use crate::error::Result;
use crate::model::{Labels, Millis, Window};
use crate::plan::PromqlCheck;
use crate::port::Call;
use crate::report::PromqlCheckReport;
use crate::source;
use crate::target::tsink;
use crate::wire::prom_json::{QueryResult, QuerySeries};
use futures_util::join;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use std::collections::BTreeMap;

/// Steps of a part at most: below Prometheus' 11,000 points a series.
const MAX_PART_STEPS: i64 = 10_000;
/// Steps that make a part worth a request of its own.
const MIN_PART_STEPS: i64 = 30;
/// Parts of a query on the target.
const TARGET_PARTS: i64 = 24;
/// Parts of a query at once on the target, on the source.
const AT_ONCE: (usize, usize) = (8, 2);

/// Cuts the evaluation times `start, start + step, …, ≤ end` into ranges of whole steps, `(first, last)` in ms.
fn cut(window: Window, step_ms: i64, parts: i64) -> Vec<(Millis, Millis)> {
    let step_ms = step_ms.max(1);
    let steps = (window.end_ms - window.start_ms) / step_ms + 1;
    let wanted = parts.min(steps / MIN_PART_STEPS).max((steps - 1) / MAX_PART_STEPS + 1).clamp(1, steps);
    (0..wanted)
        .map(|part| {
            let first = window.start_ms + steps * part / wanted * step_ms;
            let last = window.start_ms + (steps * (part + 1) / wanted - 1) * step_ms;
            (first, last)
        })
        .collect()
}

/// Puts the parts of a result together, in time order.
fn merge(parts: Vec<QueryResult>) -> QueryResult {
    let mut whole = QueryResult::default();
    let mut series: BTreeMap<Labels, QuerySeries> = BTreeMap::new();
    for part in parts {
        whole.partial |= part.partial;
        for warning in part.warnings {
            if !whole.warnings.contains(&warning) {
                whole.warnings.push(warning);
            }
        }
        for one in part.series {
            let known = series
                .entry(one.labels.clone())
                .or_insert_with(|| QuerySeries { labels: one.labels.clone(), ..QuerySeries::default() });
            known.samples.extend(one.samples);
            known.histograms.extend(one.histograms);
        }
    }
    whole.series = series.into_values().collect();
    whole
}

impl Run {
    /// Runs every parity check of the plan.
    pub(super) async fn parity(&self, source_version: Option<String>) -> Result<Vec<PromqlCheckReport>> {
        let checks = &self.plan.promql_checks;
        self.start_meter(Meter::new(Stage::Cutover, "queries", checks.len() as u64, self.now()));
        let hints = ParityHints { source_version };
        let mut reports = Vec::with_capacity(checks.len());
        for check in checks {
            let (source, target) = join!(self.query_source(check), self.query_target(check));
            let at = |error: crate::Error| error.at(&check.query, self.window);
            let report = compare_query(
                &check.query,
                &check.step,
                &source.map_err(at)?,
                &target.map_err(at)?,
                &self.plan.compare,
                self.plan.options.max_findings,
                &hints,
            );
            self.emit(Event::PromqlCheck { check: report.clone() });
            self.advance(|meter| meter.add(1));
            reports.push(report);
        }
        self.progress(true);
        Ok(reports)
    }

    async fn query_source(&self, check: &PromqlCheck) -> Result<QueryResult> {
        let parts = cut(self.window, check.step_ms, 1);
        self.query_parts(parts, AT_ONCE.1, |first, last| {
            source::query_range(&self.plan, &check.query, first, last, check.step_ms)
        })
        .await
    }

    async fn query_target(&self, check: &PromqlCheck) -> Result<QueryResult> {
        let parts = cut(self.window, check.step_ms, TARGET_PARTS);
        self.query_parts(parts, AT_ONCE.0, |first, last| {
            tsink::query_range(&self.plan, &check.query, first, last, check.step_ms)
        })
        .await
    }

    async fn query_parts(
        &self,
        parts: Vec<(Millis, Millis)>,
        at_once: usize,
        call: impl Fn(Millis, Millis) -> Option<Call<QueryResult>>,
    ) -> Result<QueryResult> {
        let call = &call;
        let answers: Vec<QueryResult> = stream::iter(parts)
            .map(|(first, last)| async move {
                match call(first, last) {
                    Some(call) => self.call(&call).await,
                    // The plan's check asks for query_range_url on both sides; without one nothing is asked.
                    None => Ok(QueryResult::default()),
                }
            })
            .buffered(at_once)
            .try_collect()
            .await?;
        Ok(merge(answers))
    }
}

#[cfg(test)]
mod tests {
    use super::cut;
    use crate::model::Window;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn parts_evaluate_the_same_times_as_the_whole(len in 0i64..200_000, step in 1i64..5_000, parts in 1i64..40) {
            let window = Window { start_ms: 1_000, end_ms: 1_000 + len };
            let whole: Vec<i64> = (0..=len / step).map(|at| 1_000 + at * step).collect();
            let mut cut_times = Vec::new();
            for (first, last) in cut(window, step, parts) {
                let mut at = first;
                while at <= last { cut_times.push(at); at += step; }
            }
            prop_assert_eq!(whole, cut_times);
        }
    }

    #[test]
    fn no_part_has_more_points_than_prometheus_gives() {
        let month = Window { start_ms: 0, end_ms: 30 * 86_400_000 };
        for (first, last) in cut(month, 15_000, 1) {
            assert!((last - first) / 15_000 < 11_000);
        }
    }
}
