//! Preflight: what both servers are and allow, and what the run will be, before the first write.

mod recorded;
mod victoria;

use super::apart::apart;
use super::context::Run;
use super::estimate::has_histograms;
use super::event::{Event, Stage};
use super::http::Timed;
use super::meter::Meter;
use crate::error::{ErrorKind, Result, Side};
use crate::plan::SourceKind;
use crate::port::{Call, Request};
use crate::report::{Capabilities, EndpointCheck, Estimate, Level, Note, PreflightReport, Status};
use crate::source::{self, RangeQuery, prometheus};
use crate::target::tsink;
use futures_util::join;

/// Samples younger than this may still change at the source, in ms.
const FRESH_MS: i64 = 5 * 60_000;

impl Run {
    /// Checks every endpoint, estimates the work and says what would be refused. Writes nothing.
    ///
    /// # Errors
    /// Only when the operator cancels; whatever else fails is in the report.
    pub async fn preflight(&self) -> Result<PreflightReport> {
        let since = self.stamp();
        self.start_meter(Meter::new(Stage::Preflight, "checks", self.endpoint_count(), self.now()));
        let (mut source, mut target) = join!(apart(self.check_source()), apart(self.check_target()));
        if self.found.borrow().is_some()
            && let Some(row) = apart(self.live_probe()).await?
        {
            self.emit(Event::Endpoint { check: row.clone() });
            target.endpoints.push(row);
        }
        if self.control.is_cancelled() {
            return Err(super::http::cancelled());
        }
        self.progress(true);
        let reachable = |rows: &[EndpointCheck], name: &str| {
            rows.iter().any(|row| row.name == name && row.level != Level::Fail)
        };
        let mut notes = std::mem::take(&mut source.notes);
        let recording = self.found.borrow().clone();
        let estimate = if let Some(found) = &recording {
            self.judge_recording(found, &mut notes);
            Some(self.recorded_estimate(found, &mut notes))
        } else if reachable(&source.endpoints, source.read_name) {
            apart(self.estimate(&mut notes)).await
        } else {
            None
        };
        let mut oldest = None;
        if reachable(&target.endpoints, "write_url") {
            match self.oldest_writable(self.window).await {
                Ok(found) => oldest = found,
                Err(error) if error.kind == ErrorKind::Cancelled => return Err(error),
                Err(error) => notes.push(note(
                    Level::Info,
                    "retention_unknown",
                    format!("How far back the target keeps samples could not be found out: {}.", error.message),
                    "If it keeps less than the window, it will refuse the older samples; the report lists them.",
                )),
            }
        }
        self.judge(&mut notes, estimate.as_ref(), target.capabilities.as_ref(), oldest);
        crate::order::sort_by_key(&mut notes, |note| std::cmp::Reverse(note.level));
        let endpoints: Vec<EndpointCheck> = source.endpoints.into_iter().chain(target.endpoints).collect();
        let failed = endpoints.iter().any(|row| row.level == Level::Fail)
            || notes.iter().any(|one| one.level == Level::Fail);
        let now = self.ports.clock.now_ms();
        Ok(PreflightReport {
            status: if failed { Status::Fail } else { Status::Pass },
            start_ms: self.window.start_ms,
            end_ms: self.window.end_ms,
            endpoints,
            source_version: source.version,
            target_version: target.version,
            target_payloads: target.capabilities,
            target_retention_ms: oldest.map(|oldest| now.saturating_sub(oldest)),
            target_oldest_ms: oldest,
            estimate,
            recording: recording.map(|found| Box::new(found.recording.clone())),
            notes,
            run: self.info_since(since),
        })
    }

    fn endpoint_count(&self) -> u64 {
        let plan = &self.plan;
        let optional = [
            &plan.source.metadata_url,
            &plan.source.exemplar_url,
            &plan.source.query_range_url,
            &plan.target.metadata_url,
            if plan.source.kind == SourceKind::VictoriaMetrics { &None } else { &plan.target.exemplar_url },
            &plan.target.query_range_url,
            &plan.target.status_url,
        ];
        let source = if plan.source.kind.is_recording() { 1 } else { 2 };
        2 + source + optional.iter().filter(|url| url.is_some()).count() as u64
    }

    /// What follows from the answers for this plan and window.
    fn judge(
        &self,
        notes: &mut Vec<Note>,
        estimate: Option<&Estimate>,
        capabilities: Option<&Capabilities>,
        oldest: Option<i64>,
    ) {
        let plan = &self.plan;
        if let Some(oldest) = oldest {
            let lost = oldest.min(self.window.end_ms.saturating_add(1)) - self.window.start_ms;
            let share = lost as f64 / self.window.len_ms() as f64;
            let rows = estimate.map_or(0, |all| (all.rows as f64 * share) as u64);
            let days = (self.ports.clock.now_ms() - oldest) as f64 / 86_400_000.0;
            notes.push(note(
                Level::Fail,
                "retention",
                format!(
                    "The target keeps {days:.1} days and refuses what is older: {:.0} % of the window, about {rows} samples, would not be written.",
                    (share * 100.0).clamp(1.0, 100.0),
                ),
                "Start tsink with a longer --retention (its default is 14 days), or let the window start later.",
            ));
        }
        if let Some(takes) = capabilities {
            let mut needs = |off: bool, code: &str, what: &str, variable: &str, without: &str| {
                if off {
                    notes.push(note(
                        Level::Fail,
                        code,
                        format!("The target does not take {what} (the feature is off), but the plan would send them."),
                        &format!("Start tsink with {variable}=true, or {without}."),
                    ));
                }
            };
            needs(
                !takes.histograms_enabled && has_histograms(estimate),
                "histograms_disabled",
                "native histograms",
                "TSINK_REMOTE_WRITE_HISTOGRAMS_ENABLED",
                "leave these series out of the selectors",
            );
            needs(
                !takes.exemplars_enabled && plan.source.exemplar_url.is_some(),
                "exemplars_disabled",
                "exemplars",
                "TSINK_REMOTE_WRITE_EXEMPLARS_ENABLED",
                "remove source.exemplar_url from the plan",
            );
            needs(
                !takes.metadata_enabled
                    && plan.source.metadata_url.is_some()
                    && !plan.metadata_metrics.is_empty(),
                "metadata_disabled",
                "metadata",
                "TSINK_REMOTE_WRITE_METADATA_ENABLED",
                "remove source.metadata_url from the plan",
            );
        }
        if !self.source_has_metadata() {
            notes.push(note(
                Level::Info,
                "metadata_skipped",
                "Metadata is not copied or verified: source.metadata_url is not configured.",
                "",
            ));
        }
        if !plan.source.kind.is_recording() && plan.source.exemplar_url.is_none() {
            notes.push(note(
                Level::Info,
                "exemplars_skipped",
                match plan.source.kind {
                    SourceKind::VictoriaMetrics => {
                        "Exemplars are not copied or verified: VictoriaMetrics keeps none."
                    }
                    _ => "Exemplars are not copied or verified: source.exemplar_url is not configured.",
                },
                "",
            ));
        }
        if plan.source.kind == SourceKind::Prometheus
            && plan.options.read_via == crate::plan::ReadVia::InstantQuery
        {
            notes.push(note(
                Level::Warn,
                "floats_only",
                "Samples are read by instant queries: native histograms and staleness markers are not shown there, so they are not migrated.",
                "Use the gateway recipe or the command to read everything.",
            ));
        }
        if !plan.source.kind.is_recording() && self.window.end_ms > self.ports.clock.now_ms() - FRESH_MS {
            notes.push(note(
                Level::Info,
                "fresh_end",
                "The window ends in the last five minutes or later: the source may still be writing there, and verify may see samples that the backfill did not.",
                "End the window a little earlier, or run backfill again for the last minutes.",
            ));
        }
    }

    /// Asks for one point of a constant, to see that queries are answered.
    fn harmless_query(&self) -> RangeQuery<'static> {
        let end_ms = self.window.end_ms;
        RangeQuery { query: "vector(1)", start_ms: end_ms, end_ms, step_ms: 60_000 }
    }

    async fn check_source(&self) -> Found {
        let plan = &self.plan;
        let mut found = Found::default();
        if plan.source.kind.is_recording() {
            found.endpoints.push(self.check_recording().await);
            return found;
        }
        let last = crate::model::Window {
            start_ms: self.window.end_ms.saturating_sub(60_000).max(self.window.start_ms),
            end_ms: self.window.end_ms,
        };
        if plan.source.kind == SourceKind::VictoriaMetrics {
            self.check_victoria(&mut found, last).await;
        } else if let Some(selector) = plan.selectors.first() {
            use crate::plan::ReadVia;
            let (name, call) = match plan.options.read_via {
                ReadVia::RemoteRead => {
                    // Which form the source speaks is found out first, so that the table shows the one used.
                    let streamed = prometheus::count_streamed(plan, selector, last, false);
                    let timed = self.timed_stream(&streamed).await;
                    let refused =
                        timed.result.as_ref().is_err_and(|error| error.kind == ErrorKind::BadRequest);
                    self.streamed.set(!refused);
                    match refused {
                        true => ("remote_read_url", Ok((prometheus::read(plan, selector, last), None))),
                        false => {
                            let call = prometheus::read(plan, selector, last);
                            ("remote_read_url", Ok((call, Some(timed))))
                        }
                    }
                }
                ReadVia::InstantQuery => (
                    "instant_query",
                    prometheus::read_by_query(plan, selector, last).map(|call| (call, None)),
                ),
            };
            found.read_name = name;
            match call {
                Ok((call, counted)) => {
                    let form = if counted.is_some() { ", in streamed chunks" } else { "" };
                    let timed = match counted {
                        Some(timed) => timed.map(|census| census.series()),
                        // More than one answer may hold is no fault: it is read in parts.
                        None => self.timed(&call).await.map(|data| data.series_count() as u64).or_too_large(),
                    };
                    let (row, _) = self.row(name, "read samples", &call.request, timed, |series| match *series {
                        u64::MAX => "more series in the last minute of the window than one answer may hold; they are read in parts".to_owned(),
                        series => format!("{series} series in the last minute of the window{form}"),
                    });
                    found.endpoints.push(row);
                }
                Err(error) => found.endpoints.push(EndpointCheck {
                    side: Side::Source,
                    name: name.to_owned(),
                    purpose: "read samples".to_owned(),
                    url: String::new(),
                    level: Level::Fail,
                    status: None,
                    latency_ms: None,
                    message: error.message.clone(),
                    error: Some(error),
                }),
            }
        }
        if let Some(call) = prometheus::build_info(plan) {
            let (mut row, info) = self
                .endpoint("build_info", "version", &call, |info| format!("{} {}", info.product, info.version))
                .await;
            if row.level == Level::Fail {
                // Nothing depends on it, and servers other than Prometheus need not have it.
                row.level = Level::Info;
                row.message = "the source does not tell its version".to_owned();
            }
            found.version = info.map(|info| format!("{} {}", info.product, info.version));
            found.endpoints.push(row);
        }
        if let Some(metric) = plan.metadata_metrics.first()
            && let Some(call) = prometheus::metadata(plan, metric)
        {
            let (row, all) =
                self.endpoint("metadata_url", "read metadata", &call, |all| entries(metric, all.len())).await;
            found.endpoints.push(row);
            if plan.source.kind == SourceKind::VictoriaMetrics && all.is_some_and(|all| all.is_empty()) {
                found.notes.push(note(
                    Level::Info,
                    "source_metadata_empty",
                    format!("The source has no metadata of {metric}. VictoriaMetrics keeps metadata only in newer versions, and there only when told to; 1.79.5 has none of any metric."),
                    "Remove source.metadata_url, or leave it: no metadata is copied then.",
                ));
            }
        }
        if let Some(check) = plan.exemplar_checks.first()
            && let Some(call) = prometheus::exemplars(plan, check, self.window)
        {
            let (row, _) = self
                .endpoint("exemplar_url", "read exemplars", &call, |all| {
                    format!("{} series with exemplars for the first check", all.series.len())
                })
                .await;
            found.endpoints.push(row);
        }
        if let Some(call) = source::query_range(plan, &self.harmless_query()) {
            let (row, _) = self
                .endpoint("query_range_url", "PromQL parity", &call, |_| "answers queries".to_owned())
                .await;
            found.endpoints.push(row);
        }
        found
    }

    async fn check_target(&self) -> Found {
        let plan = &self.plan;
        let mut found = Found::default();
        let empty = tsink::write_probe(plan);
        let (row, _) = self
            .endpoint("write_url", "write samples", &empty, |_| {
                "takes writes (an empty one was sent)".to_owned()
            })
            .await;
        found.endpoints.push(row);
        if let Some(selector) = plan.selectors.first() {
            let last = crate::model::Window { start_ms: self.window.end_ms, end_ms: self.window.end_ms };
            let call = tsink::read(plan, selector, last);
            let (row, _) =
                self.endpoint("read_url", "read back to verify", &call, |_| "answers reads".to_owned()).await;
            found.endpoints.push(row);
        }
        if let Some(call) = tsink::status(plan) {
            let (row, status) = self
                .endpoint("status_url", "capabilities", &call, |_| "tells its capabilities".to_owned())
                .await;
            found.endpoints.push(row);
            if let Some(status) = status {
                found.version = status.version;
                found.capabilities = Some(status.capabilities);
            }
        }
        if let Some(metric) = plan.metadata_metrics.first()
            && let Some(call) = tsink::metadata(plan, metric)
        {
            let (row, _) = self
                .endpoint("metadata_url", "verify metadata", &call, |all| entries(metric, all.len()))
                .await;
            found.endpoints.push(row);
        }
        if let Some(check) = plan.exemplar_checks.first()
            && let Some(call) = tsink::exemplars(plan, check, self.window)
        {
            let (row, _) = self
                .endpoint("exemplar_url", "verify exemplars", &call, |_| {
                    "answers exemplar queries".to_owned()
                })
                .await;
            found.endpoints.push(row);
        }
        if let Some(call) = tsink::query_range(plan, &self.harmless_query()) {
            let (row, _) = self
                .endpoint("query_range_url", "PromQL parity", &call, |_| "answers queries".to_owned())
                .await;
            found.endpoints.push(row);
        }
        found
    }

    /// Sends one call and makes a row of the table from what comes back.
    async fn endpoint<T>(
        &self,
        name: &str,
        purpose: &str,
        call: &Call<T>,
        describe: impl FnOnce(&T) -> String,
    ) -> (EndpointCheck, Option<T>) {
        let timed = self.timed(call).await;
        self.row(name, purpose, &call.request, timed, describe)
    }

    /// Makes a row of the table from what came back.
    fn row<T>(
        &self,
        name: &str,
        purpose: &str,
        request: &Request,
        timed: Timed<T>,
        describe: impl FnOnce(&T) -> String,
    ) -> (EndpointCheck, Option<T>) {
        let (level, message, error, value) = match timed.result {
            Ok(value) => (Level::Ok, describe(&value), None, Some(value)),
            Err(error) => (Level::Fail, error.message.clone(), Some(error), None),
        };
        let check = EndpointCheck {
            side: request.side,
            name: name.to_owned(),
            purpose: purpose.to_owned(),
            url: crate::error::redact_url(&request.url),
            level,
            status: timed.status,
            latency_ms: Some(timed.latency_ms),
            message,
            error,
        };
        if self.control.is_cancelled() {
            return (check, value);
        }
        self.emit(Event::Endpoint { check: check.clone() });
        self.advance(|meter| meter.add(1));
        (check, value)
    }
}

#[derive(Default)]
struct Found {
    endpoints: Vec<EndpointCheck>,
    read_name: &'static str,
    version: Option<String>,
    capabilities: Option<Capabilities>,
    notes: Vec<Note>,
}

fn entries(metric: &str, count: usize) -> String {
    match count {
        0 => format!("no entry for {metric}"),
        1 => format!("1 entry for {metric}"),
        count => format!("{count} entries for {metric}"),
    }
}

pub(super) fn note(level: Level, code: &str, message: impl Into<String>, remedy: &str) -> Note {
    Note { level, code: code.to_owned(), message: message.into(), remedy: remedy.to_owned() }
}
