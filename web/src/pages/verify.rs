//! Verify: both sides are compared, sample by sample.

use crate::components::checks::{ExemplarChecks, MetadataChecks};
use crate::components::compared::{BySelector, Compared};
use crate::components::coverage::CoverageMap;
use crate::components::event_log::EventLog;
use crate::components::finding_table::FindingTable;
use crate::components::notes::Remarks;
use crate::components::stage_frame::StageFrame;
use crate::components::throughput::ThroughputChart;
use crate::state::run::{Checks, Part, Run, StageState};
use crate::state::store;
use crate::state::words::{self, Verdict};
use leptos::prelude::*;
use tsink_migrate_engine::model::Window;
use tsink_migrate_engine::report::{Finding, Report, VerifyReport};
use tsink_migrate_engine::run::Stage;

fn verdict(run: &Run) -> Option<Verdict> {
    match &run.stage(Stage::Verify).report {
        Some(Report::Verify(report)) => Some(words::verify(report)),
        _ => None,
    }
}

/// The page.
#[component]
pub fn Verify() -> impl IntoView {
    let store = store();
    let results = move || {
        store.read(&[Part::Stages, Part::Checks], |run| {
            let model = run.stage(Stage::Verify);
            match &model.report {
                Some(Report::Verify(report)) => view! { <VerifyResults report=report.clone() /> }.into_any(),
                _ => partial(&model.checks).into_any(),
            }
        })
    };
    let is_running = Memo::new(move |_| {
        store.read(&[Part::Stages], |run| run.stage(Stage::Verify).state == StageState::Running)
    });
    view! {
        <StageFrame
            stage=Stage::Verify
            about="Reads both sides and compares every sample by its timestamp, within the plan's tolerances. Nothing is written."
            verdict
        >
            {results}
            <CoverageMap stage=Stage::Verify />
            <Show when=move || is_running.get()><ThroughputChart stage=Stage::Verify /></Show>
            <EventLog />
        </StageFrame>
    }
}

/// What is known before the report is there.
fn partial(checks: &Checks) -> impl IntoView + use<> {
    let is_any = !checks.raw.is_empty();
    is_any.then(|| view! { <BySelector checks=checks.raw.clone() /> })
}

/// Everything a verification found. The cutover check shows the same.
#[component]
pub fn VerifyResults(
    /// The report.
    report: VerifyReport,
) -> impl IntoView {
    let window = Window::new(report.start_ms, report.end_ms);
    let findings: Vec<Finding> = report
        .raw_checks
        .iter()
        .flat_map(|check| check.findings.iter())
        .chain(report.exemplar_checks.iter().flat_map(|check| check.findings.iter()))
        .cloned()
        .collect();
    let omitted = report.raw_checks.iter().map(|check| check.findings_omitted).sum::<u64>()
        + report.exemplar_checks.iter().map(|check| check.findings_omitted).sum::<u64>();
    let has_findings = !findings.is_empty();
    // Sentences that no row of the table stands for.
    let issues = if has_findings { Vec::new() } else { report.issues.clone() };
    let totals = words::totals(&report.raw_checks);
    let (metadata, exemplars) = (report.metadata_checks.clone(), report.exemplar_checks.clone());
    view! {
        {has_findings.then(|| view! { <FindingTable findings omitted window /> })}
        <Remarks title="Issues" lines=issues />
        <div class="columns">
            <div class="stack"><BySelector checks=report.raw_checks.clone() /></div>
            <div class="stack"><Compared totals metadata exemplars /></div>
        </div>
        <div class="columns even">
            <MetadataChecks checks=report.metadata_checks.clone() />
            <ExemplarChecks checks=report.exemplar_checks.clone() />
        </div>
        <Remarks title="Notes" lines=report.notes.clone() />
    }
}
