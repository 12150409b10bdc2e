//! Cutover check: may queries move to tsink? And the way back.

use super::verify::VerifyResults;
use crate::components::capabilities::CapabilitiesPanel;
use crate::components::checklist::Checklist;
use crate::components::coverage::CoverageMap;
use crate::components::event_log::EventLog;
use crate::components::feature_probes::FeatureProbes;
use crate::components::freshness::{FreshnessTable, OpenDifferences};
use crate::components::notes::Remarks;
use crate::components::parity::Parity;
use crate::components::stage_frame::StageFrame;
use crate::components::way_back::WayBack;
use crate::state::run::{Inputs, Part, Run};
use crate::state::store;
use crate::state::verified::Verified;
use crate::state::words::{self, Verdict};
use leptos::prelude::*;
use std::collections::HashSet;
use std::sync::Arc;
use tsink_migrate_engine::report::{CutoverReport, Report, Status};
use tsink_migrate_engine::run::Stage;

fn verdict(run: &Run) -> Option<Verdict> {
    match run.stage(Stage::Cutover).report.as_deref() {
        Some(Report::Cutover(report)) => Some(words::cutover(report)),
        _ => None,
    }
}

/// The page.
#[component]
pub fn Cutover() -> impl IntoView {
    let store = store();
    let edition = Memo::new(move |_| store.read(&[Part::Stages], |run| run.stage(Stage::Cutover).edition));
    let results = move || {
        if edition.get() == 0 {
            return view! { <Partial /> }.into_any();
        }
        store.read(&[], |run| {
            let model = run.stage(Stage::Cutover);
            match &model.report {
                Some(report) => {
                    let (report, inputs) = (report.clone(), model.inputs.clone());
                    view! { <Results report inputs /> }.into_any()
                }
                None => ().into_any(),
            }
        })
    };
    view! {
        <StageFrame
            stage=Stage::Cutover
            about="Verifies the data, checks what the target takes, and compares the plan's queries on both sides. Says PASS or FAIL."
            verdict
        >
            {results}
            <Show when=move || edition.get() == 0><CoverageMap stage=Stage::Cutover /></Show>
            <EventLog />
        </StageFrame>
    }
}

/// What is known before the report is there.
#[component]
fn Partial() -> impl IntoView {
    let store = store();
    move || {
        store.read(&[Part::Checks], |run| {
            view! { <Parity checks=run.stage(Stage::Cutover).checks.promql.clone() /> }
        })
    }
}

/// Everything a cutover check found.
#[component]
pub fn Results(
    /// The report.
    report: Arc<Report>,
    /// Plan and window of the run, where this is its page: from there, what was written can be taken back.
    #[prop(optional)]
    inputs: Option<Inputs>,
) -> impl IntoView {
    let verified = Verified::of(&report);
    let Report::Cutover(report) = &*report else { return ().into_any() };
    let recorded = store().read(&[], |run| {
        run.preflight.as_ref().and_then(|report| report.recording.as_ref().map(|recording| recording.kind))
    });
    let is_verified = report.raw_verify.status == Status::Pass;
    // A report with probes says the same there, in the server's words.
    let capabilities =
        report.target_payloads.clone().filter(|_| report.probes.is_empty()).map(|capabilities| {
            view! { <CapabilitiesPanel capabilities version=None keeps=None recorded /> }
        });
    view! {
        <Checklist items=report.checklist.clone() />
        <div class="columns even">
            {capabilities}
            <FeatureProbes probes=report.probes.clone() />
            <OpenDifferences groups=report.open_differences.clone() />
        </div>
        <Parity checks=report.promql_checks.clone() />
        <Remarks title="Issues" lines=own_issues(report) />
        <Remarks title="Notes" lines=report.notes.clone() />
        <FreshnessTable freshness=report.freshness.clone() />
        {report.undo.clone().map(|undo| view! { <WayBack undo inputs /> })}
        <details class="panel fold" open=!is_verified>
            <summary><h2>"The verification in detail"</h2></summary>
            <VerifyResults report=verified />
        </details>
    }
    .into_any()
}

/// Issues that neither the verification nor a query's own block tells.
fn own_issues(report: &CutoverReport) -> Vec<String> {
    let told: HashSet<&String> = report
        .raw_verify
        .issues
        .iter()
        .chain(report.promql_checks.iter().flat_map(|check| check.issues.iter()))
        .collect();
    report.issues.iter().filter(|issue| !told.contains(issue)).cloned().collect()
}
