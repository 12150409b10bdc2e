//! Runs: preflight, backfill, verify, cutover check, over the ports.
//!
//! One [`Job`] is one plan, one window and the stages to run. Orchestration is plain async over the ports;
//! each decision in it (slab size, retry delay, writes at once, progress) is a pure function or a small
//! state machine in a file of its own, tested on a virtual clock.

mod after;
mod apart;
mod backfill;
mod changes;
mod context;
mod control;
mod cut;
mod cutover;
mod estimate;
mod event;
mod flow;
mod history;
mod http;
mod ledger;
mod limits;
mod meter;
mod parity;
mod permits;
mod preflight;
mod probe;
mod reading;
mod recheck;
mod recorded;
mod recording;
mod repair;
mod retention;
mod retry;
mod schedule;
mod slabs;
#[cfg(test)]
mod still;
mod tally;
mod tokens;
mod undo;
mod verify;

pub use control::{Control, Renewed};
pub use ledger::{
    LedgerSummary, export_ledger, forget_ledger, import_ledger, ledger_key, ledger_key_of, ledgers,
};
pub use limits::Limits;
pub use recorded::preview;
pub use repair::repair_parts;
pub use undo::{Undone, undo, undo_plan};

pub use event::{Event, NoticeLevel, Progress, SlabState, Stage};

use crate::error::{Error, Result};
use crate::model::Window;
use crate::plan::Plan;
use crate::port::Ports;
use crate::report::{BackfillReport, Level, PreflightReport, Report, Status, VerifyReport};
pub use apart::apart;
use context::Run;
use std::rc::Rc;

/// What to do: one plan, one window, and the stages to run one after the other.
#[derive(Clone, Debug)]
pub struct Job {
    /// A valid plan.
    pub plan: Plan,
    /// The window, both ends included.
    pub window: Window,
    /// Stages in order. [`Stage::Backfill`] begins with a preflight of its own unless one ran before it.
    /// [`Stage::Cutover`] contains a verification of its own unless [`Stage::Verify`] ran before it in the
    /// same job; then that one counts.
    pub stages: Vec<Stage>,
    /// What earlier jobs found out.
    pub given: Given,
    /// Whether to begin anew although a ledger could be continued.
    pub fresh: bool,
}

/// Reports of earlier jobs that a job goes on from. Those of the job itself come before them.
#[derive(Clone, Debug, Default)]
pub struct Given {
    /// For [`Stage::Repair`]: what differs.
    pub verify: Option<Box<VerifyReport>>,
    /// For [`Stage::Cutover`]: evidence that the balance closed.
    pub backfill: Option<Box<BackfillReport>>,
}

impl Given {
    /// Takes the report, if it is one that a job can go on from.
    pub fn take(&mut self, report: Report) {
        match report {
            Report::Verify(report) => self.verify = Some(Box::new(report)),
            Report::Repair(report) => self.verify = Some(Box::new(report.verify)),
            Report::Backfill(report) => self.backfill = Some(Box::new(report)),
            Report::Cutover(report) => self.verify = Some(Box::new(report.raw_verify)),
            Report::Preflight(_) => {}
        }
    }
}

/// Runs a job. Events, reports among them, go to `sink` as they happen. The reports come back in the order
/// of the stages; the job ends after the first stage whose report fails.
///
/// # Errors
/// When a stage breaks down as a whole (a server that cannot be reached, a token that is refused); what
/// fails in part is in the report.
pub async fn execute(
    ports: Ports,
    job: Job,
    control: Control,
    sink: Rc<dyn Fn(Event)>,
) -> Result<Vec<Report>> {
    let run = Run::new(ports, job.plan, job.window, control, sink);
    run.ledger.fresh.set(job.fresh);
    if let Some(backfill) = &job.given.backfill {
        run.refused.borrow_mut().clone_from(&backfill.rejections);
    }
    let mut reports = Vec::new();
    let mut preflight: Option<PreflightReport> = None;
    let mut verified: Option<VerifyReport> = None;
    let mut backfilled = job.given.backfill;
    for stage in job.stages {
        if run.plan.options.dry_run && stage != Stage::Preflight {
            if preflight.is_some() {
                break;
            }
            // A dry run is a preflight, whatever was asked for.
            let report = checked(&run, &mut preflight).await?;
            finish(&run, Stage::Preflight, Report::Preflight(report), &mut reports);
            break;
        }
        run.emit(Event::StageStarted { stage });
        let report = match stage {
            Stage::Preflight => {
                let report = apart(run.preflight()).await?;
                run.emit(Event::Preflight { report: Box::new(report.clone()) });
                preflight = Some(report.clone());
                Report::Preflight(report)
            }
            Stage::Backfill => {
                let report = checked(&run, &mut preflight).await?;
                if let Some(error) = unreachable(&report) {
                    return Err(error);
                }
                let report = apart(run.backfill(report)).await?;
                backfilled = Some(Box::new(report.clone()));
                Report::Backfill(report)
            }
            Stage::Verify => {
                let report = apart(run.verify(preflight.as_ref())).await?;
                verified = Some(report.clone());
                Report::Verify(report)
            }
            Stage::Repair => {
                let given = verified.take().or_else(|| job.given.verify.as_deref().cloned());
                Report::Repair(apart(run.repair(given, preflight.as_ref())).await?)
            }
            Stage::Cutover => {
                let report = match verified.take() {
                    Some(report) => report,
                    None => apart(run.verify(preflight.as_ref())).await?,
                };
                let work = run.cutover(report, preflight.as_ref(), backfilled.as_deref());
                Report::Cutover(apart(work).await?)
            }
        };
        let passed = finish(&run, stage, report, &mut reports);
        if let Some(Report::Cutover(report)) = reports.last()
            && report.raw_verify.status == Status::Pass
        {
            // Its verification is part of what was delivered, whatever else was found.
            run.finish_ledger(Stage::Verify).await;
        }
        if !passed {
            break;
        }
        run.finish_ledger(stage).await;
    }
    Ok(reports)
}

/// The job's preflight; runs it where none was asked for.
async fn checked(run: &Run, preflight: &mut Option<PreflightReport>) -> Result<PreflightReport> {
    if let Some(report) = preflight {
        return Ok(report.clone());
    }
    let report = apart(run.preflight()).await?;
    run.emit(Event::Preflight { report: Box::new(report.clone()) });
    *preflight = Some(report.clone());
    Ok(report)
}

/// The first endpoint that failed: without it the backfill cannot work.
fn unreachable(report: &PreflightReport) -> Option<Error> {
    report.endpoints.iter().find(|check| check.level == Level::Fail).and_then(|check| check.error.clone())
}

/// Delivers a report; tells whether it passed.
fn finish(run: &Run, stage: Stage, report: Report, reports: &mut Vec<Report>) -> bool {
    let ok = report.status() == Status::Pass;
    run.emit(Event::Report { report: Box::new(report.clone()) });
    run.emit(Event::StageFinished { stage, ok });
    reports.push(report);
    ok
}
