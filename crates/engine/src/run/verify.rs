//! Verify: both sides are read slab by slab and compared by timestamp.

mod checks;
mod pieces;

use super::apart::apart;
use super::context::Run;
use super::event::{Event, Stage};
use super::http::cancelled;
use super::meter::Meter;
use super::recheck::{Recheck, Verdict};
use super::repair::Parts;
use super::schedule::Schedule;
use crate::compare::{Hints, compare_exemplars, compare_metadata};
use crate::error::Result;
use crate::plan::{ExemplarCheck, SourceKind};
use crate::report::{
    Estimate, ExemplarCheckReport, MetadataCheckReport, PreflightReport, RawCheckReport, Status, VerifyReport,
};
use crate::target::tsink;
use checks::Checks;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use futures_util::{FutureExt, join, pin_mut, try_join};
use std::cell::RefCell;

/// Metadata requests and exemplar checks at once, of each kind, each to both sides.
const CHECKS_AT_ONCE: usize = 4;

impl Run {
    /// Compares source and target.
    ///
    /// # Errors
    /// What makes the comparison as a whole impossible: a server that cannot be reached, a refused token,
    /// the operator's cancel.
    pub async fn verify(&self, preflight: Option<&PreflightReport>) -> Result<VerifyReport> {
        let since = self.stamp();
        let work = self.verify_all(preflight, since, None);
        let ticker = self.tick();
        pin_mut!(work, ticker);
        match futures_util::future::select(work, ticker).await {
            futures_util::future::Either::Left((report, _)) => {
                self.progress(true);
                report
            }
            // The ticker never ends; this arm cannot be reached, and says so if it ever is.
            futures_util::future::Either::Right(_) => Err(cancelled()),
        }
    }

    /// Compares the whole window, or `parts` of it only.
    pub(super) async fn verify_all(
        &self,
        preflight: Option<&PreflightReport>,
        since: (i64, f64),
        parts: Option<&Parts>,
    ) -> Result<VerifyReport> {
        let recorded = match self.plan.source.kind.is_recording() {
            true => Some(self.recording().await?),
            false => None,
        };
        let hints = Hints {
            target_oldest_ms: preflight.and_then(|report| report.target_oldest_ms),
            now_ms: self.ports.clock.now_ms(),
            tenant: self.plan.target.tenant.clone(),
            source_read_via: self.plan.options.read_via,
            refused: self.refused.borrow().clone(),
        };
        let recheck = RefCell::new(Recheck::new(&self.plan.options));
        let (mut of_metadata, mut of_exemplars) = (Vec::new(), Vec::new());
        // Samples take long: what cannot be asked for at all is told before they are read, not after.
        let (raw_checks, metadata_checks, compared) = try_join!(
            apart(self.verify_samples(preflight, &hints, parts, &recheck)),
            apart(self.verify_metadata(&mut of_metadata, parts)),
            apart(self.compare_all_exemplars(&mut of_exemplars, &hints, parts)),
        )?;
        // Shown now: when the stage begins, a page has enough to draw.
        for check in &metadata_checks {
            self.emit(Event::MetadataCheck { check: check.clone() });
        }
        let exemplar_checks = self.settle_all_exemplars(compared, &hints, &recheck).await?;
        let left_out = recorded.map(|found| self.left_out(&found.recording)).unwrap_or_default();
        let mut notes = left_out.notes;
        notes.append(&mut self.cut_notes.borrow_mut());
        notes.extend(of_metadata.into_iter().chain(of_exemplars));
        let mut issues: Vec<String> = left_out.issues;
        issues.extend(raw_checks.iter().flat_map(|check| check.issues.iter().cloned()));
        issues.extend(metadata_checks.iter().filter_map(MetadataCheckReport::issue));
        issues.extend(exemplar_checks.iter().flat_map(|check| check.issues.iter().cloned()));
        Ok(VerifyReport {
            status: if issues.is_empty() { Status::Pass } else { Status::Fail },
            start_ms: self.window.start_ms,
            end_ms: self.window.end_ms,
            raw_checks,
            metadata_checks,
            exemplar_checks,
            recheck: recheck.into_inner().report(),
            issues,
            notes,
            run: self.info_since(since),
            continued: self.ledger.continued(),
            slowest: self.timings.borrow().slowest(),
        })
    }

    /// How much there is: as the preflight found it, or found out now. None for a repair, which knows what it looks for.
    async fn expected(
        &self,
        preflight: Option<&PreflightReport>,
        parts: Option<&Parts>,
    ) -> Result<Option<Estimate>> {
        if let Some(estimate) = preflight.and_then(|report| report.estimate.clone()) {
            return Ok(Some(estimate));
        }
        if self.plan.source.kind.is_recording() {
            let found = self.recording().await?;
            return Ok(Some(self.recorded_estimate(&found, &mut Vec::new())));
        }
        match parts {
            Some(_) => Ok(None),
            None => Ok(apart(self.estimate(&mut Vec::new())).await),
        }
    }

    async fn verify_samples(
        &self,
        preflight: Option<&PreflightReport>,
        hints: &Hints,
        parts: Option<&Parts>,
        recheck: &RefCell<Recheck>,
    ) -> Result<Vec<RawCheckReport>> {
        let selectors = &self.plan.selectors;
        let ledger = async {
            match parts {
                None => self.open_ledger(Stage::Verify).await,
                Some(_) => {
                    self.close_ledger();
                    Ok(())
                }
            }
        };
        let (estimate, ()) = try_join!(apart(self.expected(preflight, parts)), ledger)?;
        if self.control.is_cancelled() {
            return Err(cancelled());
        }
        let rows_of = |at: usize| Some(estimate.as_ref()?.selectors.get(at)?.rows);
        let recorded = match self.plan.source.kind.is_recording() {
            true => Some(self.recorded_slabs().await?),
            false => None,
        };
        let stage = if parts.is_some() { Stage::Repair } else { Stage::Verify };
        let schedule = match &recorded {
            Some((found, _)) => Schedule::recorded(self, &Self::windows(found)),
            None => Schedule::new(self, self.rows(estimate.as_ref(), parts).await, stage, parts),
        };
        // A repair has shown its slabs and counts its work already.
        if parts.is_none() {
            schedule.announce(self, stage);
            let total = (0..selectors.len()).filter_map(rows_of).sum();
            let elapsed_ms = self.ledger.continued().map_or(0, |before| before.elapsed_ms);
            let meter = Meter::new(stage, "samples", total, self.now());
            self.start_meter(meter.resume(schedule.done(), elapsed_ms));
        }
        let checks = Checks::new(self, stage, parts, recheck);
        checks.restore();
        let mut reports: Vec<Option<RawCheckReport>> = vec![None; selectors.len()];
        match recorded {
            Some((_, reader)) => checks.recorded(reader, &schedule).await,
            None => checks.slabs(&schedule, hints, &mut reports).await?,
        }
        checks.settle().await;
        let reports = (0..selectors.len()).map(|at| match reports.get_mut(at).and_then(Option::take) {
            Some(report) => Ok(report),
            None => checks.finish(at, hints),
        });
        let reports = reports.collect::<Result<Vec<_>>>()?;
        // Of a selector without a part in it, a repair says nothing.
        let asked = |at: usize| parts.is_none_or(|parts| !parts.windows(at).is_empty());
        Ok(reports.into_iter().enumerate().filter(|(at, _)| asked(*at)).map(|(_, report)| report).collect())
    }

    async fn verify_metadata(
        &self,
        notes: &mut Vec<String>,
        parts: Option<&Parts>,
    ) -> Result<Vec<MetadataCheckReport>> {
        let plan = &self.plan;
        let mut metrics = self.metrics_with_metadata().await?;
        metrics.retain(|metric| parts.is_none_or(|parts| parts.has_metric(metric)));
        if metrics.is_empty() {
            return Ok(Vec::new());
        }
        if !self.source_has_metadata() || plan.target.metadata_url.is_none() {
            notes.push("metadata was not verified: metadata_url is not configured on both sides".to_owned());
            return Ok(Vec::new());
        }
        let answers: Vec<Result<MetadataCheckReport>> = stream::iter(&metrics)
            .map(|metric| async move {
                let Some(target) = tsink::metadata(plan, metric) else {
                    return Ok(MetadataCheckReport {
                        metric: metric.clone(),
                        ..MetadataCheckReport::default()
                    });
                };
                let (source, target) = join!(self.source_metadata(metric), self.call(&target));
                Ok(compare_metadata(metric, source?, target?))
            })
            .buffered(CHECKS_AT_ONCE)
            .collect()
            .await;
        answers.into_iter().collect()
    }

    /// Compares the exemplars of every check, as they are now.
    async fn compare_all_exemplars(
        &self,
        notes: &mut Vec<String>,
        hints: &Hints,
        parts: Option<&Parts>,
    ) -> Result<Vec<(&ExemplarCheck, ExemplarCheckReport)>> {
        let plan = &self.plan;
        if parts.is_some_and(|parts| !parts.has_exemplars()) {
            return Ok(Vec::new());
        }
        if plan.source.kind.is_recording() && !self.source_has_exemplars() {
            return Ok(Vec::new());
        }
        if !self.source_has_exemplars() || plan.target.exemplar_url.is_none() {
            notes.push(match plan.source.kind {
                SourceKind::VictoriaMetrics => {
                    "exemplars were not verified: VictoriaMetrics keeps none".to_owned()
                }
                _ => "exemplars were not verified: exemplar_url is not configured on both sides".to_owned(),
            });
            return Ok(Vec::new());
        }
        let asked = |check: &&ExemplarCheck| parts.is_none_or(|parts| parts.has_check(&check.query));
        stream::iter(plan.exemplar_checks.iter().filter(asked))
            .map(|check| self.compare_exemplars(check, hints).map(move |report| Ok((check, report?))))
            .buffered(CHECKS_AT_ONCE)
            .try_collect()
            .await
    }

    /// Compares again what is young and differs, until it does not or the time for it is over.
    async fn settle_all_exemplars(
        &self,
        compared: Vec<(&ExemplarCheck, ExemplarCheckReport)>,
        hints: &Hints,
        recheck: &RefCell<Recheck>,
    ) -> Result<Vec<ExemplarCheckReport>> {
        let mut checks = Vec::with_capacity(compared.len());
        for (check, report) in compared {
            let report = self.settle_exemplars(check, report, hints, recheck).await?;
            self.emit(Event::ExemplarCheck { check: report.clone() });
            checks.push(report);
        }
        Ok(checks)
    }

    async fn compare_exemplars(&self, check: &ExemplarCheck, hints: &Hints) -> Result<ExemplarCheckReport> {
        let (source, target) = join!(self.source_exemplars(check), self.target_exemplars(check));
        Ok(compare_exemplars(
            &check.query,
            source?.unwrap_or_default(),
            target?.unwrap_or_default(),
            self.window,
            &self.plan.compare,
            self.plan.options.max_findings,
            hints,
        ))
    }

    /// Compares the exemplars of a check again while young ones differ.
    async fn settle_exemplars(
        &self,
        check: &ExemplarCheck,
        mut report: ExemplarCheckReport,
        hints: &Hints,
        recheck: &RefCell<Recheck>,
    ) -> Result<ExemplarCheckReport> {
        let mut waited = false;
        loop {
            let newest = report.findings.iter().filter_map(|finding| finding.last_ms).max();
            let verdict = recheck.borrow().judge(newest, self.ports.clock.now_ms());
            if verdict != Verdict::Later || self.plan.source.kind.is_recording() {
                return Ok(report);
            }
            if !waited {
                recheck.borrow_mut().waits();
                waited = true;
            }
            if !self.settling(recheck, "exemplars").await {
                return Err(cancelled());
            }
            report = self.compare_exemplars(check, hints).await?;
            recheck.borrow_mut().read(report.issues.is_empty());
        }
    }
}
