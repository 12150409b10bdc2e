//! A verification inside a report that is shared: what the page draws is looked at where it lies, never copied. Ten
//! thousand findings and their excerpts are half a million texts.

use std::ops::Deref;
use std::sync::{Arc, LazyLock};
use tsink_migrate_engine::report::{Report, RunInfo, Status, VerifyReport};

/// The verification of a report.
#[derive(Clone, Debug)]
pub struct Verified(Arc<Report>);

/// What stands in the place of a verification where there is none.
static NONE: LazyLock<VerifyReport> = LazyLock::new(|| VerifyReport {
    status: Status::Pass,
    start_ms: 0,
    end_ms: 0,
    raw_checks: Vec::new(),
    metadata_checks: Vec::new(),
    exemplar_checks: Vec::new(),
    recheck: None,
    issues: Vec::new(),
    notes: Vec::new(),
    continued: None,
    slowest: Vec::new(),
    run: RunInfo::default(),
});

impl Verified {
    /// Of a report that has one: a verification's, a repair's or a cutover check's. Of others, an empty one.
    pub fn of(report: &Arc<Report>) -> Self {
        Self(report.clone())
    }
}

impl Deref for Verified {
    type Target = VerifyReport;

    fn deref(&self) -> &VerifyReport {
        match &*self.0 {
            Report::Verify(report) => report,
            Report::Repair(report) => &report.verify,
            Report::Cutover(report) => &report.raw_verify,
            Report::Preflight(_) | Report::Backfill(_) => &NONE,
        }
    }
}

impl Default for Verified {
    fn default() -> Self {
        Self(Arc::new(Report::Verify(NONE.clone())))
    }
}
