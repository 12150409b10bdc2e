//! Cutover check: may queries move to tsink?

use super::verify::VerifyResults;
use crate::components::capabilities::CapabilitiesPanel;
use crate::components::coverage::CoverageMap;
use crate::components::event_log::EventLog;
use crate::components::notes::Remarks;
use crate::components::parity::Parity;
use crate::components::pill::{Mark, Tone};
use crate::components::stage_frame::StageFrame;
use crate::state::run::{Part, Run};
use crate::state::store;
use crate::state::words::{self, Verdict};
use leptos::prelude::*;
use std::collections::HashSet;
use tsink_migrate_engine::report::{CutoverReport, Report, Status};
use tsink_migrate_engine::run::Stage;

fn verdict(run: &Run) -> Option<Verdict> {
    match &run.stage(Stage::Cutover).report {
        Some(Report::Cutover(report)) => Some(words::cutover(report)),
        _ => None,
    }
}

/// The page.
#[component]
pub fn Cutover() -> impl IntoView {
    let store = store();
    let results = move || {
        store.read(&[Part::Stages, Part::Checks], |run| {
            let model = run.stage(Stage::Cutover);
            match &model.report {
                Some(Report::Cutover(report)) => view! { <Results report=report.clone() /> }.into_any(),
                _ => view! { <Parity checks=model.checks.promql.clone() /> }.into_any(),
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
            <CoverageMap stage=Stage::Cutover />
            <EventLog />
        </StageFrame>
    }
}

/// Everything a cutover check found.
#[component]
pub fn Results(
    /// The report.
    report: CutoverReport,
) -> impl IntoView {
    let verified = words::verify(&report.raw_verify);
    let is_verified = report.raw_verify.status == Status::Pass;
    let recorded = store().read(&[Part::Preflight], |run| {
        run.preflight.as_ref().and_then(|report| report.recording.as_ref().map(|recording| recording.kind))
    });
    let capabilities = report.target_payloads.clone().map(|capabilities| {
        view! { <CapabilitiesPanel capabilities version=None keeps=None recorded /> }
    });
    view! {
        <div class="columns">
            <div class="stack"><Checklist report=report.clone() data=verified.headline /></div>
            <div class="stack">{capabilities}</div>
        </div>
        <Parity checks=report.promql_checks.clone() />
        <Remarks title="Issues" lines=own_issues(&report) />
        <Remarks title="Notes" lines=report.notes.clone() />
        <details class="panel fold" open=!is_verified>
            <summary><h2>"The verification in detail"</h2></summary>
            <VerifyResults report=report.raw_verify.clone() />
        </details>
    }
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

/// The points that the verdict rests on.
#[component]
fn Checklist(report: CutoverReport, data: String) -> impl IntoView {
    let failed = report.promql_checks.iter().filter(|check| !check.matched).count();
    let about_target: Vec<&String> =
        report.issues.iter().filter(|issue| issue.contains("target") && issue.contains("disabled")).collect();
    let target = match (&report.target_payloads, about_target.first()) {
        (_, Some(issue)) => (Tone::Bad, (*issue).clone()),
        (Some(_), None) => (Tone::Good, "The target takes everything that the source has.".to_owned()),
        (None, None) => (Tone::Warn, "Not checked: the plan names no status_url.".to_owned()),
    };
    let queries = match (report.promql_checks.len(), failed) {
        (0, _) => (Tone::Warn, "No query was compared: the plan has no promql_checks.".to_owned()),
        (1, 0) => (Tone::Good, "The query answers the same on both sides.".to_owned()),
        (2, 0) => (Tone::Good, "Both queries answer the same on both sides.".to_owned()),
        (all, 0) => (Tone::Good, format!("All {all} queries answer the same on both sides.")),
        (all, failed) => (Tone::Bad, format!("{failed} of {all} queries answer differently.")),
    };
    let data = (if report.raw_verify.status == Status::Pass { Tone::Good } else { Tone::Bad }, data);
    let items = [("Data", data), ("Target", target), ("Queries", queries)].map(|(name, (tone, words))| {
        let word = match tone {
            Tone::Good => "pass",
            Tone::Bad => "fail",
            _ => "not checked",
        };
        view! {
            <li>
                <Mark tone word />
                <b>{name}</b>
                <span>{words}</span>
            </li>
        }
    });
    view! {
        <section class="panel" data-testid="checklist" aria-label="Checklist">
            <div class="panel-head"><h2>"Checklist"</h2></div>
            <ul class="checklist">{items}</ul>
        </section>
    }
}
