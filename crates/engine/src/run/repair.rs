//! Repair: what a verification found missing is copied, and compared once more.
//!
//! Only the parts that differ are read. What the target has already is not written again, as in a backfill; and
//! where it has *another* row of the same time, nothing is written either: tsink keeps both rows of one time, so
//! that would make a difference worse. What writing cannot mend is said, with what can.

mod parts;
mod refusal;

pub(super) use parts::Parts;
pub use parts::repair_parts;

use super::backfill::Backfill;
use super::context::Run;
use super::event::Stage;
use super::tally::Tally;
use crate::error::{Error, ErrorKind, Result};
use crate::report::words::count_of;
use crate::report::{
    FindingKind, PreflightReport, RawCheckReport, RepairReport, RepairedSelector, Status, VerifyReport,
};
use futures_util::future::{Either, select};
use std::pin::pin;

/// How to be rid of rows that the target should not have.
const DELETE: &str = "Delete the series at the target, or use a fresh tenant, and backfill them again.";

impl Run {
    /// Copies and compares the parts of the window that `verified` says differ.
    ///
    /// # Errors
    /// When no verification was given, or one of another job, and what makes the repair as a whole impossible.
    pub async fn repair(
        &self,
        verified: Option<VerifyReport>,
        preflight: Option<&PreflightReport>,
    ) -> Result<RepairReport> {
        let since = self.stamp();
        let verified = verified.ok_or_else(|| {
            Error::new(ErrorKind::Input, "there is no verification to repair from").remedy("Verify first.")
        })?;
        refusal::check(&self.plan, self.window, &verified)?;
        let parts = Parts::new(&self.plan, self.window, &verified);
        if parts.is_empty() {
            let notes = vec!["The verification found nothing that could be copied.".to_owned()];
            return Ok(self.repair_report(&parts, Tally::default(), verified, Vec::new(), notes, since));
        }
        let work = pin!(self.repair_parts(&parts, verified, preflight, since));
        let ticker = pin!(self.tick());
        match select(work, ticker).await {
            Either::Left((report, _)) => {
                self.progress(true);
                report
            }
            // The ticker never ends.
            Either::Right(_) => Err(super::http::cancelled()),
        }
    }

    async fn repair_parts(
        &self,
        parts: &Parts,
        verified: VerifyReport,
        preflight: Option<&PreflightReport>,
        since: (i64, f64),
    ) -> Result<RepairReport> {
        let mut notes = Vec::new();
        let copy = Backfill::new(self, Stage::Repair, Some(parts));
        copy.copy_all(None, &mut notes).await;
        let tally = copy.finish()?;
        self.refused.borrow_mut().clone_from(&tally.rejections);
        let cancelled = self.control.is_cancelled();
        let mut issues = tally.issues(cancelled, &mut notes);
        if cancelled {
            notes.push(
                "What was copied has not been compared; the verification shown is the one before.".to_owned(),
            );
            return Ok(self.repair_report(parts, tally, verified, issues, notes, since));
        }
        match self.verify_all(preflight, since, Some(parts)).await {
            Ok(again) => {
                notes.push(
                    "Only the repaired parts were compared; verify again for all of the window.".to_owned(),
                );
                issues.extend(again.issues.iter().cloned());
                Ok(self.repair_report(parts, tally, again, issues, notes, since))
            }
            // The writes are done, whatever becomes of the comparison: their balance must not be lost.
            Err(error) => {
                issues.push(format!("what was copied has not been compared: {error}"));
                notes.push("The verification shown is the one before.".to_owned());
                Ok(self.repair_report(parts, tally, verified, issues, notes, since))
            }
        }
    }

    fn repair_report(
        &self,
        parts: &Parts,
        tally: Tally,
        verify: VerifyReport,
        issues: Vec<String>,
        notes: Vec<String>,
        since: (i64, f64),
    ) -> RepairReport {
        let selectors = self.plan.selectors.iter().enumerate().map(|(at, selector)| RepairedSelector {
            selector: selector.text.clone(),
            windows: parts.windows(at).to_vec(),
        });
        let balance = tally.balance();
        let passed = issues.is_empty() && verify.status == Status::Pass;
        RepairReport {
            status: Status::of(passed),
            start_ms: self.window.start_ms,
            end_ms: self.window.end_ms,
            repaired: selectors.filter(|one| !one.windows.is_empty()).collect(),
            samples_written: balance.samples.written,
            histograms_written: balance.histograms.written,
            exemplars_written: balance.exemplars.written,
            metadata_written: balance.metadata.written,
            write_batches: tally.write_batches,
            retries: self.retries.get(),
            balance,
            rejections: tally.rejections,
            rejections_omitted: tally.rejections_omitted,
            unrepairable: unrepairable(&verify),
            verify,
            issues,
            notes,
            run: self.info_since(since),
        }
    }
}

/// What writing cannot mend of what still differs.
fn unrepairable(verify: &VerifyReport) -> Vec<String> {
    let mut told: Vec<String> = verify.raw_checks.iter().flat_map(of_selector).collect();
    for check in &verify.exemplar_checks {
        for (kind, why) in [
            (FindingKind::ExtraExemplars, "writing takes nothing away; nothing is lost at the target"),
            (FindingKind::ExemplarDiffers, "the target keeps the other one beside it"),
        ] {
            let count = check.findings.iter().filter(|finding| finding.kind == kind).count() as u64;
            if count > 0 {
                let series = count_of(count, "series has", "series have");
                told.push(format!("{}: {series} {}: {why}.", check.query, kind.title()));
            }
        }
    }
    for check in verify.metadata_checks.iter().filter(|check| !check.matched) {
        let (cause, remedy) = check.explanation();
        told.push(format!("metadata of {} still differs. {cause} {remedy}", check.metric));
    }
    told
}

fn of_selector(check: &RawCheckReport) -> Vec<String> {
    use FindingKind::*;
    let why = |kind| match kind {
        ValueDiffers | PrecisionLost | StaleNan | HistogramDiffers => {
            Some("tsink keeps both values of one time, so nothing was written there")
        }
        DuplicateTimestamp => Some("one of the values would have to go, and writing takes nothing away"),
        ExtraSeries | ExtraSamples | ExtraHistograms => Some("writing takes nothing away"),
        TimestampShifted => Some("the rows at the wrong times stay"),
        _ => None,
    };
    let told = check.by_kind.iter().filter_map(|(kind, count)| Some((kind, count, why(*kind)?)));
    told.map(|(kind, count, why)| {
        let series = count_of(*count, "series has", "series have");
        match kind {
            ExtraSeries => {
                let extra = count_of(*count, "extra series", "extra series");
                format!("{}: {extra}: {why}. {DELETE}", check.selector)
            }
            kind => format!("{}: {series} {}: {why}. {DELETE}", check.selector, kind.title()),
        }
    })
    .collect()
}
