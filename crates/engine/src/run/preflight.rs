//! Preflight: what both servers are and allow, and what the run will be, before the first write.

mod endpoints;
mod recorded;
mod victoria;

use super::apart::apart;
use super::context::Run;
use super::estimate::has_histograms;
use super::event::{Event, Stage};
use super::meter::Meter;
use crate::error::{ErrorKind, Result};
use crate::plan::SourceKind;
use crate::report::{Capabilities, EndpointCheck, Estimate, Level, Note, PreflightReport, Status};
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
        let estimate = async {
            match &recording {
                Some(found) => {
                    self.judge_recording(found, &mut notes);
                    Some(self.recorded_estimate(found, &mut notes))
                }
                None if reachable(&source.endpoints, self.read_endpoint()) => {
                    apart(self.estimate(&mut notes)).await
                }
                None => None,
            }
        };
        let oldest = async {
            match reachable(&target.endpoints, "write_url") {
                true => self.oldest_writable(self.window).await,
                false => Ok(None),
            }
        };
        let (estimate, oldest) = join!(estimate, apart(oldest));
        let oldest = match oldest {
            Ok(oldest) => oldest,
            Err(error) if error.kind == ErrorKind::Cancelled => return Err(error),
            Err(error) => {
                notes.push(note(
                    Level::Info,
                    "retention_unknown",
                    format!("How far back the target keeps samples could not be found out: {}.", error.message),
                    "If it keeps less than the window, it will refuse the older samples; the report lists them.",
                ));
                None
            }
        };
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
}

pub(super) fn note(level: Level, code: &str, message: impl Into<String>, remedy: &str) -> Note {
    Note { level, code: code.to_owned(), message: message.into(), remedy: remedy.to_owned() }
}
