//! A run as the page sees it: events in, a model out. Plain data; the store tells the page what changed.

mod parts;

use super::coverage::Coverage;
use super::format;
use super::log::Log;
use super::throughput::Throughput;
use super::words;
use crate::browser::document::Document;
pub use parts::{Changes, Part};
use std::sync::Arc;
use tsink_migrate_engine::model::Millis;
use tsink_migrate_engine::report::{
    Balance, Continued, EndpointCheck, ExemplarCheckReport, MetadataCheckReport, PreflightReport,
    PromqlCheckReport, RawCheckReport, Report, SlabTiming,
};
use tsink_migrate_engine::run::{Event, Limits, NoticeLevel, Progress, SlabState, Stage};
use tsink_migrate_engine::{Error, ErrorKind, Side};

/// All stages, in the order of the work.
pub const STAGES: [Stage; 5] =
    [Stage::Preflight, Stage::Backfill, Stage::Verify, Stage::Repair, Stage::Cutover];

/// What a migration runs. A repair is asked for by hand.
pub const MIGRATION: [Stage; 4] = [Stage::Preflight, Stage::Backfill, Stage::Verify, Stage::Cutover];

/// A stage's name.
pub fn title(stage: Stage) -> &'static str {
    match stage {
        Stage::Preflight => "Preflight",
        Stage::Backfill => "Backfill",
        Stage::Verify => "Verify",
        Stage::Repair => "Repair",
        Stage::Cutover => "Cutover",
    }
}

/// Where a stage stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StageState {
    /// Has not run.
    #[default]
    Todo,
    /// Runs.
    Running,
    /// Ended well.
    Pass,
    /// Ended with issues.
    Fail,
    /// Broke down or was cancelled.
    Stopped,
}

impl StageState {
    /// Name in `data-state`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Todo => "todo",
            Self::Running => "running",
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Stopped => "stopped",
        }
    }

    /// Whether the stage has come to an end.
    pub fn is_over(self) -> bool {
        matches!(self, Self::Pass | Self::Fail | Self::Stopped)
    }
}

/// What the results of a stage belong to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inputs {
    /// Plan text.
    pub text: String,
    /// Start of the window.
    pub start: String,
    /// End of the window.
    pub end: String,
}

/// A rendered report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Artifacts {
    /// `report.json`.
    pub json: Arc<Document>,
    /// `report.md`.
    pub markdown: Arc<Document>,
    /// `report.html`.
    pub html: Arc<Document>,
}

/// Checks as they complete, before the report is there.
#[derive(Clone, Debug, Default)]
pub struct Checks {
    /// Per selector.
    pub raw: Vec<RawCheckReport>,
    /// Per metric.
    pub metadata: Vec<MetadataCheckReport>,
    /// Per exemplar query.
    pub exemplars: Vec<ExemplarCheckReport>,
    /// Per parity query.
    pub promql: Vec<PromqlCheckReport>,
}

/// A stage.
#[derive(Clone, Debug, Default)]
pub struct StageModel {
    /// Where it stands.
    pub state: StageState,
    /// Plan and window it ran with.
    pub inputs: Inputs,
    /// Newest progress.
    pub progress: Option<Progress>,
    /// When that came, Unix ms.
    pub progress_at_ms: Millis,
    /// Slabs.
    pub coverage: Coverage,
    /// Rates.
    pub throughput: Throughput,
    /// Checks so far.
    pub checks: Checks,
    /// What was done before, if a ledger is continued.
    pub continued: Option<Continued>,
    /// Why a ledger that is there is not continued.
    pub not_continued: Option<String>,
    /// The slowest slabs so far, slowest first.
    pub slowest: Vec<SlabTiming>,
    /// The report. Shared: it may be large.
    pub report: Option<Arc<Report>>,
    /// Number of the report in this session; 0 for none. Tells one from the next without comparing them.
    pub edition: u32,
    /// The report, rendered.
    pub artifacts: Option<Artifacts>,
    /// Why it broke down.
    pub error: Option<Error>,
}

/// A token that a server refuses by now, while the run waits for another.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    /// Which server.
    pub side: Side,
    /// What it said.
    pub error: Error,
}

/// The model.
#[derive(Clone, Debug, Default)]
pub struct Run {
    stages: [StageModel; 5],
    /// Stage that runs now.
    pub current: Option<Stage>,
    /// Preflight table as it fills.
    pub endpoints: Vec<EndpointCheck>,
    /// The newest preflight.
    pub preflight: Option<PreflightReport>,
    /// The newest balance.
    pub balance: Option<Balance>,
    /// Event log.
    pub log: Log,
    /// The token that the run waits for, if it does.
    pub asked: Option<Asked>,
    /// Why the run cannot be continued once it is broken off, if that is so.
    pub unkept: Option<String>,
    /// The limits in force, once the engine has said so.
    pub limits: Option<Limits>,
    editions: u32,
}

impl Run {
    /// A stage.
    pub fn stage(&self, stage: Stage) -> &StageModel {
        let [preflight, backfill, verify, repair, cutover] = &self.stages;
        match stage {
            Stage::Preflight => preflight,
            Stage::Backfill => backfill,
            Stage::Verify => verify,
            Stage::Repair => repair,
            Stage::Cutover => cutover,
        }
    }

    fn stage_mut(&mut self, stage: Stage) -> &mut StageModel {
        let [preflight, backfill, verify, repair, cutover] = &mut self.stages;
        match stage {
            Stage::Preflight => preflight,
            Stage::Backfill => backfill,
            Stage::Verify => verify,
            Stage::Repair => repair,
            Stage::Cutover => cutover,
        }
    }

    /// Makes room for a job: results of its stages, and of those that follow from them, go.
    pub fn begin(&mut self, stages: &[Stage], inputs: &Inputs) {
        let Some(first) = stages.iter().min().copied() else { return };
        for stage in STAGES {
            // A new backfill makes an older verification meaningless; a new preflight changes nothing.
            let follows = stage > first && first != Stage::Preflight;
            if stages.contains(&stage) || follows {
                *self.stage_mut(stage) = StageModel { inputs: inputs.clone(), ..StageModel::default() };
            }
        }
        if stages.contains(&Stage::Backfill) {
            self.balance = None;
        }
        self.current = None;
        self.asked = None;
        self.unkept = None;
        self.limits = None;
    }

    /// Applies an event. `now_ms` stamps lines of the log that have no time of their own.
    pub fn apply(&mut self, event: Event, now_ms: Millis) -> Changes {
        let mut changes = Changes::default();
        let info = NoticeLevel::Info;
        match event {
            Event::StageStarted { stage } => {
                let inputs = std::mem::take(&mut self.stage_mut(stage).inputs);
                *self.stage_mut(stage) =
                    StageModel { state: StageState::Running, inputs, ..StageModel::default() };
                self.current = Some(stage);
                if stage == Stage::Preflight {
                    self.endpoints.clear();
                    self.preflight = None;
                }
                self.log.push(now_ms, info, "", format!("{} begins", title(stage)));
                changes = Changes::all();
            }
            Event::StageFinished { stage, ok } => {
                self.stage_mut(stage).state = if ok { StageState::Pass } else { StageState::Fail };
                self.current = self.current.filter(|current| *current != stage);
                let (level, verdict) = if ok { (info, "passed") } else { (NoticeLevel::Error, "failed") };
                self.log.push(now_ms, level, "", format!("{} {verdict}", title(stage)));
                changes.add(Part::Stages);
                changes.add(Part::Progress);
                changes.add(Part::Log);
            }
            Event::Endpoint { check } => {
                let same = |own: &EndpointCheck| own.side == check.side && own.name == check.name;
                match self.endpoints.iter().position(same).and_then(|at| self.endpoints.get_mut(at)) {
                    Some(own) => *own = check,
                    None => self.endpoints.push(check),
                }
                changes.add(Part::Preflight);
            }
            Event::Preflight { report } => {
                self.take_preflight(*report);
                changes.add(Part::Preflight);
            }
            Event::Progress { progress } => {
                let stage = self.stage_mut(progress.stage);
                stage.throughput.push(
                    progress.elapsed_ms,
                    progress.read,
                    if progress.stage == Stage::Backfill { progress.written } else { progress.done },
                );
                stage.progress = Some(progress);
                stage.progress_at_ms = now_ms;
                changes.add(Part::Progress);
            }
            Event::Slabs { stage, selectors, slabs } => {
                self.stage_mut(stage).coverage = Coverage::new(selectors, slabs);
                changes.add(Part::Coverage);
            }
            Event::Slab { stage, selector, slab, state, rows } => {
                let line = self
                    .stage_mut(stage)
                    .coverage
                    .set(selector, slab, state, rows)
                    .and_then(|(name, window)| slab_line(stage, state, name, window, rows));
                changes.add(Part::Coverage);
                if let Some((level, line)) = line {
                    self.log.push(now_ms, level, "", line);
                    changes.add(Part::Log);
                }
            }
            Event::Balance { balance } => {
                self.balance = Some(balance);
                changes.add(Part::Balance);
            }
            Event::RawCheck { check } => changes = self.check(|checks| checks.raw.push(check)),
            Event::MetadataCheck { check } => changes = self.check(|checks| checks.metadata.push(check)),
            Event::ExemplarCheck { check } => changes = self.check(|checks| checks.exemplars.push(check)),
            Event::PromqlCheck { check } => changes = self.check(|checks| checks.promql.push(check)),
            Event::Report { report } => {
                self.take_report(*report);
                changes = Changes::all();
            }
            Event::Recut { stage, selector, slabs } => {
                self.stage_mut(stage).coverage.recut(selector, slabs);
                changes.add(Part::Coverage);
            }
            Event::Continued { stage, continued } => {
                self.log.push(now_ms, info, "", words::continued(&continued));
                self.stage_mut(stage).continued = Some(continued);
                changes.add(Part::Timing);
                changes.add(Part::Log);
            }
            Event::NotContinued { stage, reason } => {
                self.log.push(now_ms, NoticeLevel::Warn, "", reason.clone());
                self.stage_mut(stage).not_continued = Some(reason);
                changes.add(Part::Timing);
                changes.add(Part::Log);
            }
            Event::Unkept { reason } => {
                self.unkept = Some(reason);
                changes.add(Part::Timing);
            }
            Event::Slowest { stage, slabs } => {
                self.stage_mut(stage).slowest = slabs;
                changes.add(Part::Timing);
            }
            Event::Ask { side, error } => {
                let tag = error.status.map(|status| status.to_string()).unwrap_or_default();
                self.log.push(
                    now_ms,
                    NoticeLevel::Warn,
                    &tag,
                    format!("the {side} refuses the token; the run waits for a new one"),
                );
                self.asked = Some(Asked { side, error });
                changes.add(Part::Steering);
                changes.add(Part::Log);
            }
            Event::Renewed => {
                self.log.push(now_ms, info, "", "a new token is there; the run goes on".to_owned());
                self.asked = None;
                changes.add(Part::Steering);
                changes.add(Part::Log);
            }
            Event::Limits { limits } => {
                self.limits = Some(limits);
                changes.add(Part::Steering);
            }
            Event::Notice { at_ms, level, tag, message } => {
                self.log.push(at_ms, level, &tag, message);
                changes.add(Part::Log);
            }
        }
        changes
    }

    /// Keeps a rendered report.
    pub fn artifacts(&mut self, stage: Stage, artifacts: Artifacts) {
        self.stage_mut(stage).artifacts = Some(artifacts);
    }

    /// The job broke down, or was cancelled: the stage that ran stops where it is.
    pub fn stop(&mut self, error: Error, now_ms: Millis) {
        let level = if error.kind == ErrorKind::Cancelled { NoticeLevel::Warn } else { NoticeLevel::Error };
        let tag = error.status.map(|status| status.to_string()).unwrap_or_default();
        self.log.push(now_ms, level, &tag, error.to_string());
        for stage in STAGES {
            let model = self.stage_mut(stage);
            if model.state == StageState::Running {
                model.state = StageState::Stopped;
                model.error = Some(error.clone());
            }
        }
        self.current = None;
        self.asked = None;
    }

    /// The job is over; nothing runs any more, whatever was or was not said before.
    pub fn finish(&mut self) {
        for stage in STAGES {
            let model = self.stage_mut(stage);
            if model.state == StageState::Running {
                model.state = StageState::Stopped;
            }
        }
        self.current = None;
        self.asked = None;
    }

    /// The plan's text has another header value now; results made with the one before are still of the same plan.
    pub fn reworded(&mut self, before: &str, after: &str) {
        for stage in STAGES {
            let inputs = &mut self.stage_mut(stage).inputs;
            if inputs.text == before {
                after.clone_into(&mut inputs.text);
            }
        }
    }

    fn check(&mut self, add: impl FnOnce(&mut Checks)) -> Changes {
        let stage = self.current.unwrap_or(Stage::Verify);
        add(&mut self.stage_mut(stage).checks);
        let mut changes = Changes::default();
        changes.add(Part::Checks);
        changes
    }

    fn take_preflight(&mut self, report: PreflightReport) {
        self.endpoints.clone_from(&report.endpoints);
        self.preflight = Some(report);
    }

    fn take_report(&mut self, report: Report) {
        let stage = match &report {
            Report::Preflight(preflight) => {
                self.take_preflight(preflight.clone());
                Stage::Preflight
            }
            Report::Backfill(backfill) => {
                self.balance = Some(backfill.balance.clone());
                Stage::Backfill
            }
            Report::Verify(_) => Stage::Verify,
            Report::Repair(_) => Stage::Repair,
            Report::Cutover(_) => Stage::Cutover,
        };
        self.editions += 1;
        let edition = self.editions;
        let model = self.stage_mut(stage);
        (model.report, model.edition) = (Some(Arc::new(report)), edition);
    }
}

fn slab_line(
    stage: Stage,
    state: SlabState,
    selector: &str,
    window: tsink_migrate_engine::model::Window,
    rows: u64,
) -> Option<(NoticeLevel, String)> {
    let (level, verb) = match (state, stage) {
        // Written by this run or there already: the balance tells which.
        (SlabState::Done, Stage::Backfill) => (NoticeLevel::Info, "at the target:"),
        (SlabState::Done, _) => (NoticeLevel::Info, "equal"),
        (SlabState::Failed, Stage::Backfill) => (NoticeLevel::Warn, "not complete"),
        (SlabState::Failed, _) => (NoticeLevel::Warn, "differs"),
        _ => return None,
    };
    let rows = format::counted(rows, "sample", "samples");
    Some((level, format!("{verb} {selector} · {} · {rows}", format::log_span(window))))
}

#[cfg(test)]
mod tests;
