//! Backfill: the window is copied.

use crate::components::balance::BalancePanel;
use crate::components::coverage::CoverageMap;
use crate::components::event_log::EventLog;
use crate::components::notes::Remarks;
use crate::components::rejections::Rejections;
use crate::components::slowest::{ContinuedFrom, Slowest};
use crate::components::stage_frame::StageFrame;
use crate::components::throughput::ThroughputChart;
use crate::state::run::{Part, Run};
use crate::state::words::{self, Verdict};
use crate::state::{format, store};
use leptos::prelude::*;
use tsink_migrate_engine::report::{BackfillReport, Report};
use tsink_migrate_engine::run::Stage;

fn report(run: &Run) -> Option<&BackfillReport> {
    match run.stage(Stage::Backfill).report.as_deref() {
        Some(Report::Backfill(report)) => Some(report),
        _ => None,
    }
}

fn verdict(run: &Run) -> Option<Verdict> {
    report(run).map(words::backfill)
}

/// The page.
#[component]
pub fn Backfill() -> impl IntoView {
    view! {
        <StageFrame
            stage=Stage::Backfill
            about="Copies every sample of the window from source to target, with histograms, exemplars and metadata. Begins with a preflight."
            verdict
        >
            <ContinuedFrom stage=Stage::Backfill />
            <Figures />
            <CoverageMap stage=Stage::Backfill />
            <div class="columns balanced">
                <div class="stack"><ThroughputChart stage=Stage::Backfill /></div>
                <div class="stack"><BalancePanel /></div>
            </div>
            <Slowest stage=Stage::Backfill />
            <Outcome />
            <EventLog />
        </StageFrame>
    }
}

/// The report's figures in a row.
#[component]
fn Figures() -> impl IntoView {
    let store = store();
    move || store.read(&[Part::Stages], |run| report(run).map(figures))
}

/// A report's figures in a row.
pub fn figures(report: &BackfillReport) -> impl IntoView + use<> {
    let rows = report.samples_written.saturating_add(report.histograms_written);
    let seconds = report.run.duration_ms as f64 / 1000.0;
    let rate = (seconds > 0.0).then(|| format!("{}/s", format::short(rows as f64 / seconds)));
    let recording = report.preflight.recording.as_deref();
    let figures = [
        ("series", Some(format::count(report.series_written))),
        ("mean rate", rate),
        ("write requests", Some(format::count(report.write_batches))),
        ("repeated", Some(format::count(report.retries))),
        ("consistency", report.write_consistency.clone()),
        ("recorded", recording.map(|one| format!("{} {}", format::count(one.units), one.unit()))),
        ("left out, as tsink would", recording.map(|one| format::count(one.refused))),
        ("not selected", recording.map(|one| format::count(one.not_selected))),
    ];
    let items = figures
        .into_iter()
        .filter_map(|(name, value)| Some(view! { <div><dt>{name}</dt><dd>{value?}</dd></div> }))
        .collect_view();
    view! { <dl class="figures after" data-testid="backfill-figures">{items}</dl> }
}

#[component]
fn Outcome() -> impl IntoView {
    let store = store();
    move || store.read(&[Part::Stages], |run| report(run).map(outcome))
}

/// What a report says of what was not copied.
pub fn outcome(report: &BackfillReport) -> impl IntoView + use<> {
    view! {
        <Rejections list=report.rejections.clone() omitted=report.rejections_omitted />
        <Remarks title="Issues" lines=report.issues.clone() />
        <Remarks title="Notes" lines=report.notes.clone() />
    }
}
