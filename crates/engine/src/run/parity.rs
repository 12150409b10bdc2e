//! PromQL parity: the same range query on both sides, in parts that run side by side.
//!
//! Every step of a range query is evaluated by itself, so parts that start on step boundaries give the same
//! points as the whole. tsink 0.10.2 answers long ranges disproportionately slowly (24 h of `sum(rate())`:
//! 28.5 s whole, 3.1 s as 8 parts side by side), and Prometheus refuses more than 11,000 points a series.

use super::context::Run;
use super::event::{Event, Stage};
use super::meter::Meter;
use crate::compare::{Asked, ParityHints, compare_query, explain, unexplained};
use crate::error::{Error, Result, Side};
use crate::model::{Labels, Millis, Window};
use crate::plan::PromqlCheck;
use crate::port::Call;
use crate::report::PromqlCheckReport;
use crate::selector::ranges;
use crate::source::{self, RangeQuery};
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
/// Parts of a query on the source: Prometheus evaluates one query on one core.
const SOURCE_PARTS: i64 = 2;
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
            let report = self.parity_of(check, &hints).await?;
            self.emit(Event::PromqlCheck { check: report.clone() });
            self.advance(|meter| meter.add(1));
            reports.push(report);
        }
        self.progress(true);
        Ok(reports)
    }

    /// One check. A query that a side cannot answer is this check's failure and no other's.
    ///
    /// # Errors
    /// What no other query would survive either: a server that is away, a token that is refused, a cancel.
    async fn parity_of(&self, check: &PromqlCheck, hints: &ParityHints) -> Result<PromqlCheckReport> {
        let (source, target) =
            join!(self.query_source(&check.query, check.step_ms), self.query_target(check));
        let fatal = |error: &Error| error.kind.is_fatal();
        let (source, target) = match (source, target) {
            (Ok(source), Ok(target)) => (source, target),
            (Err(error), _) | (_, Err(error)) if fatal(&error) => {
                return Err(error.at(&check.query, self.window));
            }
            (source, target) => return Ok(unanswered(check, source, target)),
        };
        let mut report = compare_query(
            &check.query,
            &check.step,
            &source,
            &target,
            &self.plan.compare,
            self.plan.options.max_findings,
            hints,
        );
        if report.differing_points > 0 {
            let asked = self.ask_again(check, &source, &target).await?;
            explain(&mut report, &source, &target, asked.as_ref(), &self.plan.compare);
            report.judge(self.plan.options.accept_explained);
        }
        Ok(report)
    }

    /// Asks the source once more, with ranges that hold what the target's do, where that may account for something.
    ///
    /// # Errors
    /// When the operator cancels; a source that does not answer this question leaves the difference unexplained.
    async fn ask_again(
        &self,
        check: &PromqlCheck,
        source: &QueryResult,
        target: &QueryResult,
    ) -> Result<Option<Asked>> {
        let tolerance = &self.plan.compare;
        if unexplained(source, target, None, tolerance) == 0 {
            return Ok(None);
        }
        let Some(once) = self.shortened(check, 1).await? else { return Ok(None) };
        let mut asked = Asked { once, twice: None };
        if unexplained(source, target, Some(&asked), tolerance) > 0 {
            asked.twice = self.shortened(check, 2).await?;
        }
        Ok(Some(asked))
    }

    async fn shortened(&self, check: &PromqlCheck, by_ms: i64) -> Result<Option<(String, QueryResult)>> {
        let Some(query) = ranges::shortened(&check.query, by_ms) else { return Ok(None) };
        match self.query_source(&query, check.step_ms).await {
            Ok(result) if result.partial => Ok(None),
            Ok(result) => Ok(Some((query, result))),
            Err(error) if error.kind == crate::error::ErrorKind::Cancelled => Err(error),
            Err(error) => {
                self.notice_error(super::event::NoticeLevel::Warn, &error.at(&query, self.window));
                Ok(None)
            }
        }
    }

    async fn query_source(&self, query: &str, step_ms: i64) -> Result<QueryResult> {
        let parts = cut(self.window, step_ms, SOURCE_PARTS);
        self.query_parts(parts, AT_ONCE.1, |first, last| {
            let asked = RangeQuery { query, start_ms: first, end_ms: last, step_ms };
            source::query_range(&self.plan, &asked)
        })
        .await
    }

    async fn query_target(&self, check: &PromqlCheck) -> Result<QueryResult> {
        let parts = cut(self.window, check.step_ms, TARGET_PARTS);
        self.query_parts(parts, AT_ONCE.0, |first, last| {
            let (query, step_ms) = (check.query.as_str(), check.step_ms);
            let asked = RangeQuery { query, start_ms: first, end_ms: last, step_ms };
            tsink::query_range(&self.plan, &asked)
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

/// The report of a query that a side did not answer: its words, and what the other side has.
fn unanswered(
    check: &PromqlCheck,
    source: Result<QueryResult>,
    target: Result<QueryResult>,
) -> PromqlCheckReport {
    let mut report = PromqlCheckReport {
        query: check.query.clone(),
        step: check.step.clone(),
        ..PromqlCheckReport::default()
    };
    for (side, answer) in [(Side::Source, source), (Side::Target, target)] {
        match (side, answer) {
            (Side::Source, Ok(result)) => {
                report.source_series = result.series.len() as u64;
                report.source_warnings = result.warnings;
            }
            (Side::Target, Ok(result)) => {
                report.target_series = result.series.len() as u64;
                report.target_warnings = result.warnings;
                report.target_partial_response = result.partial;
            }
            (_, Err(error)) => {
                let said = error.server_message.as_deref().unwrap_or_default();
                let words = if said.is_empty() { String::new() } else { format!(" (it said: {said})") };
                report.issues.push(format!(
                    "the {side} does not answer query {}: {}{words}",
                    check.query, error.message
                ));
                report.cause = error.remedy;
            }
        }
    }
    report
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
