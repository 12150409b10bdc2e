//! Cutover check: verification, what the target takes, and PromQL parity.

mod ages;
mod checklist;
mod freshness;
mod probes;

use super::apart::apart;
use super::context::Run;
use crate::error::{ErrorKind, Result};
use crate::plan::SourceKind;
use crate::report::Level;
use crate::report::{
    BackfillReport, Capabilities, CutoverReport, PreflightReport, PromqlCheckReport, Status, VerifyReport,
};
use crate::source::{prometheus, victoriametrics};
use crate::target::tsink;
use futures_util::{FutureExt, future, join, pin_mut, try_join};

impl Run {
    /// Checks whether the source can be switched off, given a verification of the same window.
    ///
    /// # Errors
    /// What makes the check as a whole impossible.
    pub async fn cutover(
        &self,
        verified: VerifyReport,
        preflight: Option<&PreflightReport>,
        backfill: Option<&BackfillReport>,
    ) -> Result<CutoverReport> {
        let since = self.stamp();
        let mut notes = Vec::new();
        let probe =
            match preflight.and_then(|report| report.endpoints.iter().find(|row| row.name == "live_probe")) {
                Some(row) => Some(row.clone()),
                None => self.live_probe().await?,
            };
        if let Some(row) = &probe {
            notes.push(format!("live probe: {}", row.message));
        }
        if self.plan.promql_checks.is_empty() && !self.plan.source.kind.is_recording() {
            notes.push("PromQL parity was not checked: the plan has no promql_checks".to_owned());
        }
        let status = async {
            match tsink::status(&self.plan) {
                Some(call) => Some(self.call(&call).await),
                None => None,
            }
        };
        let newest = async {
            match self.plan.source.kind.is_recording() {
                true => Ok(Vec::new()),
                false => self.newest().await,
            }
        };
        let version = apart(self.source_version(preflight)).shared();
        let (status, promql_checks, newest) = {
            let work = async {
                let (status, asked) = join!(status, async { try_join!(self.parity(version), newest) });
                asked.map(|(checks, newest)| (status, checks, newest))
            };
            let ticker = self.tick();
            pin_mut!(work, ticker);
            match future::select(work, ticker).await {
                future::Either::Left((done, _)) => done?,
                future::Either::Right(_) => Default::default(),
            }
        };
        match &status {
            Some(Err(error)) if error.kind == ErrorKind::Cancelled => return Err(error.clone()),
            Some(_) => {}
            None => notes.push(
                "what the target takes was not checked: target.status_url is not configured".to_owned(),
            ),
        }
        let capabilities =
            status.as_ref().and_then(|answer| answer.as_ref().ok()).map(|status| status.capabilities.clone());
        let mut issues = self.cutover_issues(&verified, capabilities.as_ref(), &promql_checks);
        if let Some(Err(error)) = &status {
            issues.push(format!("what the target takes could not be found out: {error}"));
        }
        if backfill.is_some_and(|report| !report.balance.closes) {
            issues.push("the balance of the backfill does not close: rows are unaccounted for".to_owned());
        }
        issues.extend(
            probe.filter(|row| row.level >= Level::Warn).map(|row| format!("live probe: {}", row.message)),
        );
        for check in promql_checks.iter().filter(|check| check.accepted) {
            notes.extend(check.issues.iter().map(|issue| format!("accepted: {issue}")));
        }
        let probes = self.probes(status.as_ref(), &verified);
        let open_differences = ages::groups(&verified, self.ports.clock.now_ms());
        let undo = self.way_back(&verified, status.as_ref().and_then(|answer| answer.as_ref().ok()));
        let checklist = self.checklist(&checklist::Evidence {
            verified: &verified,
            probes: &probes,
            promql_checks: &promql_checks,
            newest: &newest,
            backfill,
            ages: &open_differences,
            undo: &undo,
        });
        Ok(CutoverReport {
            status: if issues.is_empty() { Status::Pass } else { Status::Fail },
            start_ms: self.window.start_ms,
            end_ms: self.window.end_ms,
            target_payloads: capabilities,
            raw_verify: verified,
            promql_checks,
            checklist,
            probes,
            freshness: newest.into_iter().map(|one| one.row).collect(),
            open_differences,
            balance: backfill.map(|report| report.balance.clone()),
            undo: Some(undo),
            issues,
            notes,
            run: self.info_since(since),
        })
    }

    /// Product and version of the source, as it tells them itself. Only a hint for the cause of a difference: a source
    /// that does not tell is no failure.
    async fn source_version(&self, preflight: Option<&PreflightReport>) -> Option<String> {
        if let Some(version) = preflight.and_then(|report| report.source_version.clone()) {
            return Some(version);
        }
        match self.plan.source.kind {
            kind if kind.is_recording() => None,
            SourceKind::VictoriaMetrics => {
                let about = self.once(&victoriametrics::about(&self.plan)?).await.ok()?;
                Some(about.title())
            }
            _ => {
                let info = self.once(&prometheus::build_info(&self.plan)?).await.ok()?;
                Some(info.title())
            }
        }
    }

    /// Everything that speaks against the cutover, one sentence each.
    fn cutover_issues(
        &self,
        verified: &VerifyReport,
        capabilities: Option<&Capabilities>,
        promql_checks: &[PromqlCheckReport],
    ) -> Vec<String> {
        let mut issues = verified.issues.clone();
        if let Some(takes) = capabilities {
            let has_histograms = verified.raw_checks.iter().any(|check| check.source_histograms > 0);
            let needs = [
                (!self.plan.metadata_metrics.is_empty(), takes.metadata_enabled, "metadata"),
                (
                    self.source_has_exemplars() && !self.plan.exemplar_checks.is_empty(),
                    takes.exemplars_enabled,
                    "exemplar",
                ),
                (has_histograms, takes.histograms_enabled, "histogram"),
            ];
            let kind = self.plan.source.kind;
            for (own, enabled, what) in [
                (SourceKind::Otlp, takes.otlp_enabled, "OTLP"),
                (SourceKind::InfluxLineProtocol, takes.influx_line_protocol_enabled, "Influx line protocol"),
                (SourceKind::Statsd, takes.statsd_enabled, "StatsD"),
                (SourceKind::GraphitePlaintext, takes.graphite_enabled, "Graphite"),
            ] {
                if kind == own && !enabled {
                    issues.push(format!("target {what} ingest is disabled"));
                }
            }
            if let Some(found) = self.found.borrow().as_ref().filter(|_| kind == SourceKind::Otlp) {
                for shape in found.recording.shapes.keys() {
                    if !takes.otlp_supported_shapes.contains(shape) {
                        issues.push(format!("target OTLP ingest does not support the shape {shape}"));
                    }
                }
            }
            for (needed, enabled, what) in needs {
                if needed && !enabled {
                    issues.push(format!("target {what} payload support is disabled"));
                }
            }
        }
        let open = promql_checks.iter().filter(|check| !check.accepted);
        issues.extend(open.flat_map(|check| check.issues.iter().cloned()));
        issues
    }
}
