//! Preflight: both servers are asked, nothing is written.

use crate::components::capabilities::CapabilitiesPanel;
use crate::components::endpoint_table::EndpointTable;
use crate::components::estimate::EstimatePanel;
use crate::components::event_log::EventLog;
use crate::components::notes::Notes;
use crate::components::stage_frame::StageFrame;
use crate::components::way_out::WaysOut;
use crate::state::run::{Part, Run};
use crate::state::words::{self, Verdict};
use crate::state::{format, store};
use leptos::prelude::*;
use tsink_migrate_engine::report::PreflightReport;
use tsink_migrate_engine::run::Stage;

fn verdict(run: &Run) -> Option<Verdict> {
    run.preflight.as_ref().map(words::preflight)
}

/// The page.
#[component]
pub fn Preflight() -> impl IntoView {
    view! {
        <StageFrame
            stage=Stage::Preflight
            about="Asks both servers whether they are ready, what they are, and how much there is to copy. Nothing is written."
            verdict
        >
            <WaysOut />
            <EndpointTable />
            <Details />
            <EventLog />
        </StageFrame>
    }
}

#[component]
fn Details() -> impl IntoView {
    let store = store();
    move || store.read(&[Part::Preflight], |run| run.preflight.as_ref().map(details))
}

/// What a report holds beside its endpoints.
pub fn details(report: &PreflightReport) -> impl IntoView + use<> {
    let keeps = report.target_retention_ms.and_then(|ms| u64::try_from(ms).ok()).map(format::duration);
    let notes = (!report.notes.is_empty()).then(|| view! { <Notes notes=report.notes.clone() /> });
    let version = report.target_version.clone();
    let recorded = report.recording.as_ref().map(|recording| recording.kind);
    let capabilities = report
        .target_payloads
        .clone()
        .map(|capabilities| view! { <CapabilitiesPanel capabilities version keeps recorded /> });
    let estimate = report
        .estimate
        .clone()
        .map(|estimate| view! { <EstimatePanel estimate is_exact=recorded.is_some() /> });
    view! {
        {notes}
        <div class="columns">
            <div class="stack">{estimate}</div>
            <div class="stack">{capabilities}</div>
        </div>
    }
}
