//! PromQL parity: the same range query on both sides, in parts that run side by side.
//!
//! Every step of a range query is evaluated by itself, so parts that start on step boundaries give the same
//! points as the whole. Prometheus refuses more than 11,000 points a series, and tsink 0.10.2 answers long ranges
//! disproportionately slowly: 24 h of `sum(rate())` take it 28.5 s whole and 2.5 s as 14 parts, three at once.

use super::context::Run;
use super::event::{Event, Stage};
use super::flow::Climb;
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
use futures_util::future::{LocalBoxFuture, Shared};
use futures_util::join;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use std::collections::BTreeMap;

/// Steps of a part at most: below Prometheus' 11,000 points a series.
const MAX_PART_STEPS: i64 = 10_000;
/// Steps that make a part worth a request of its own.
const MIN_PART_STEPS: i64 = 10;
/// Steps × length in ms of the target's parts. A request costs tsink 0.10.2 75 to 90 ms of CPU, and each step about
/// 1.5 ms and 0.7 ms more for every hour that the request spans (500 series; both go with their number). By these
/// figures 80 steps of a minute would be best; up to twice as many cost the same, and less when it has much else to do.
const TARGET_PART: f64 = 200.0 * 3_600_000.0;
/// Parts of a query on the source: Prometheus evaluates one query on one core.
const SOURCE_PARTS: i64 = 2;
/// Parts of a query at once on the target, at most.
const TARGET_AT_ONCE: usize = 8;

/// Product and version of the source, if it tells them.
pub(super) type Version<'a> = Shared<LocalBoxFuture<'a, Option<String>>>;

/// Parts of a query on the target.
fn target_parts(window: Window, step_ms: i64) -> i64 {
    let steps = (TARGET_PART / step_ms.max(1) as f64).sqrt().max(1.0);
    (window.len_ms() as f64 / step_ms.max(1) as f64 / steps).ceil() as i64
}

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
    /// Runs every parity check of the plan. `version` is the source's, asked for beside the first queries.
    pub(super) async fn parity(&self, version: Version<'_>) -> Result<Vec<PromqlCheckReport>> {
        let checks = &self.plan.promql_checks;
        self.start_meter(Meter::new(Stage::Cutover, "queries", checks.len() as u64, self.now()));
        let climb = Climb::new(TARGET_AT_ONCE);
        let mut reports = Vec::with_capacity(checks.len());
        for check in checks {
            climb.others_follow();
            let report = self.parity_of(check, version.clone(), &climb).await?;
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
    async fn parity_of(
        &self,
        check: &PromqlCheck,
        version: Version<'_>,
        climb: &Climb,
    ) -> Result<PromqlCheckReport> {
        // Until the source is done nothing waits for the target alone, so nothing is lost by not climbing before.
        let source = async {
            let answer = self.query_source(&check.query, check.step_ms).await;
            climb.undisturbed(self.now());
            answer
        };
        let (source, target, source_version) = join!(source, self.query_target(check, climb), version);
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
            &ParityHints { source_version },
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
        let answers = stream::iter(parts).map(|(first, last)| async move {
            let asked = RangeQuery { query, start_ms: first, end_ms: last, step_ms };
            self.query_part(source::query_range(&self.plan, &asked)).await
        });
        Ok(merge(answers.buffered(SOURCE_PARTS as usize).try_collect().await?))
    }

    async fn query_target(&self, check: &PromqlCheck, climb: &Climb) -> Result<QueryResult> {
        let (query, step_ms) = (check.query.as_str(), check.step_ms);
        let parts = cut(self.window, step_ms, target_parts(self.window, step_ms));
        let answers = stream::iter(parts).map(|(first, last)| async move {
            let asked = RangeQuery { query, start_ms: first, end_ms: last, step_ms };
            let answer = self.query_part(tsink::query_range(&self.plan, &asked));
            climb.ask(&*self.ports.clock, answer).await
        });
        Ok(merge(answers.buffered(TARGET_AT_ONCE).try_collect().await?))
    }

    /// The plan's check asks for `query_range_url` on both sides; without one nothing is asked.
    async fn query_part(&self, call: Option<Call<QueryResult>>) -> Result<QueryResult> {
        match call {
            Some(call) => self.call(&call).await,
            None => Ok(QueryResult::default()),
        }
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
    use super::{cut, target_parts};
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
    fn the_target_gets_parts_that_take_about_as_long_as_a_request_costs() {
        let day = Window { start_ms: 0, end_ms: 86_399_999 };
        let parts = [15_000, 60_000, 300_000, 3_600_000].map(|step_ms| target_parts(day, step_ms));
        assert_eq!(parts, [27, 14, 6, 2]);
        let year = Window { start_ms: 0, end_ms: 365 * 86_400_000 };
        assert!(target_parts(year, 1) > 0 && target_parts(year, i64::MAX) == 1);
    }

    #[test]
    fn no_part_has_more_points_than_prometheus_gives() {
        let month = Window { start_ms: 0, end_ms: 30 * 86_400_000 };
        for (first, last) in cut(month, 15_000, 1) {
            assert!((last - first) / 15_000 < 11_000);
        }
    }
}
