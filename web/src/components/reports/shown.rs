//! Everything a report holds, drawn as its stage draws it. Whatever stands in it is only ever text.

use crate::components::balance::FinalBalance;
use crate::components::endpoint_table::Endpoints;
use crate::components::notes::Remarks;
use crate::components::rejections::Rejections;
use crate::components::slowest::{SlowestList, continued_words};
use crate::components::throughput::RateChart;
use crate::pages::verify::VerifyResults;
use crate::pages::{backfill, cutover, preflight};
use crate::state::format;
use crate::state::throughput::of_progress;
use crate::state::verified::Verified;
use leptos::prelude::*;
use std::sync::Arc;
use tsink_migrate_engine::report::{
    BackfillReport, PreflightReport, RepairReport, RepairedSelector, Report, RunInfo,
};
use tsink_migrate_engine::run::Stage;

/// Parts of a selector named at most.
const MOST_WINDOWS: usize = 5;

/// A report's content.
#[component]
pub fn Shown(
    /// The report.
    report: Arc<Report>,
) -> impl IntoView {
    let rates = rates(report.stage(), report.run());
    match &*report {
        Report::Preflight(own) => view! { <OfPreflight report=own.clone() /> }.into_any(),
        Report::Backfill(own) => view! { <OfBackfill report=own.clone() rates /> }.into_any(),
        Report::Verify(own) => {
            let (continued, slowest) = (continued_words(own.continued.as_ref()), own.slowest.clone());
            let verified = Verified::of(&report);
            view! { {continued} <VerifyResults report=verified /> {rates} <SlowestList list=slowest /> }
                .into_any()
        }
        Report::Repair(own) => {
            let verified = Verified::of(&report);
            view! { {of_repair(own)} <VerifyResults report=verified /> {rates} }.into_any()
        }
        Report::Cutover(_) => view! { <cutover::Results report=report.clone() /> }.into_any(),
    }
}

fn rates(stage: Stage, run: &RunInfo) -> AnyView {
    let rates = of_progress(&run.progress);
    view! { <RateChart stage rates /> }.into_any()
}

#[component]
fn OfPreflight(report: PreflightReport) -> impl IntoView {
    let versions = (report.source_version.clone(), report.target_version.clone());
    view! {
        <Endpoints rows=report.endpoints.clone() versions=Signal::stored(versions) />
        {preflight::details(&report)}
    }
}

#[component]
fn OfBackfill(report: BackfillReport, rates: AnyView) -> impl IntoView {
    view! {
        {continued_words(report.continued.as_ref())}
        {backfill::figures(&report)}
        <div class="columns balanced">
            <div class="stack"><FinalBalance balance=report.balance.clone() /></div>
            <div class="stack">{rates}</div>
        </div>
        <SlowestList list=report.slowest.clone() />
        {backfill::outcome(&report)}
        <details class="panel fold">
            <summary><h2>"The preflight before it"</h2></summary>
            <OfPreflight report=report.preflight />
        </details>
    }
}

fn of_repair(report: &RepairReport) -> impl IntoView + use<> {
    view! {
        <Repaired list=report.repaired.clone() />
        <FinalBalance balance=report.balance.clone() />
        <Rejections list=report.rejections.clone() omitted=report.rejections_omitted />
        <Remarks title="What writing cannot mend" lines=report.unrepairable.clone() />
        <Remarks title="Issues" lines=report.issues.clone() />
        <Remarks title="Notes" lines=report.notes.clone() />
    }
}

#[component]
fn Repaired(list: Vec<RepairedSelector>) -> impl IntoView {
    (!list.is_empty()).then(|| {
        let rows = list.into_iter().map(|one| {
            let more = one.windows.len().saturating_sub(MOST_WINDOWS);
            let mut windows: Vec<String> =
                one.windows.into_iter().take(MOST_WINDOWS).map(format::window).collect();
            if more > 0 {
                windows.push(format!("and {} more", format::count(more as u64)));
            }
            view! {
                <tr>
                    <td data-label="selector" class="mono break">{one.selector}</td>
                    <td data-label="parts" class="mono">{windows.join(", ")}</td>
                </tr>
            }
        });
        view! {
            <section class="panel" data-testid="repaired" aria-label="Copied again">
                <div class="panel-head"><h2>"Copied again"</h2></div>
                <table class="table stacked">
                    <thead><tr><th scope="col">"selector"</th><th scope="col">"parts of the window"</th></tr></thead>
                    <tbody>{rows.collect_view()}</tbody>
                </table>
            </section>
        }
    })
}
