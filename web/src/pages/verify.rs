//! Verify: both sides are compared, sample by sample; what differs is explored, repaired, and compared again.

use crate::components::checks::{exemplar_checks, metadata_checks};
use crate::components::compared::{by_selector, compared};
use crate::components::coverage::CoverageMap;
use crate::components::event_log::EventLog;
use crate::components::explorer::Explorer;
use crate::components::notes::Remarks;
use crate::components::repair::{RepairOffer, RepairStage};
use crate::components::slowest::{ContinuedFrom, Slowest};
use crate::components::stage_frame::StageFrame;
use crate::components::throughput::ThroughputChart;
use crate::state::run::{Checks, Part, Run, StageState};
use crate::state::verified::Verified;
use crate::state::words::{self, Verdict};
use crate::state::{format, store};
use leptos::prelude::*;
use std::time::Duration;
use tsink_migrate_engine::report::{RecheckReport, Report};
use tsink_migrate_engine::run::Stage;

fn verdict(run: &Run) -> Option<Verdict> {
    match run.stage(Stage::Verify).report.as_deref() {
        Some(Report::Verify(report)) => Some(words::verify(report)),
        _ => None,
    }
}

/// The page.
#[component]
pub fn Verify() -> impl IntoView {
    let store = store();
    // By number: what was explored stays as it is while other stages report.
    let edition = Memo::new(move |_| {
        store
            .read(&[Part::Stages], |run| (run.stage(Stage::Verify).edition, run.stage(Stage::Repair).edition))
    });
    let results = move || {
        let (verify, repair) = edition.get();
        if verify == 0 {
            return view! { <Partial /> }.into_any();
        }
        store.read(&[], |run| {
            let original = match &run.stage(Stage::Verify).report {
                Some(report) => Verified::of(report),
                None => return ().into_any(),
            };
            match &run.stage(Stage::Repair).report {
                Some(repaired) if repair > 0 => {
                    let left = Verified::of(repaired);
                    view! {
                        <RepairOffer report=left.clone() />
                        <section class="group" aria-label="The repaired parts, compared again">
                            <h2>"The repaired parts, compared again"</h2>
                            <VerifyResults report=left />
                        </section>
                        <details class="panel fold" data-testid="before-repair">
                            <summary><h2>"What the whole verification had found before"</h2></summary>
                            <VerifyResults report=original />
                        </details>
                    }
                    .into_any()
                }
                _ => view! {
                    <RepairOffer report=original.clone() />
                    <VerifyResults report=original />
                }
                .into_any(),
            }
        })
    };
    let is_running = Memo::new(move |_| {
        store.read(&[Part::Stages], |run| run.stage(Stage::Verify).state == StageState::Running)
    });
    let has_report = move || edition.get().0 > 0;
    let is_repaired = Signal::derive(move || edition.get().1 > 0);
    view! {
        <RepairStage />
        <StageFrame
            stage=Stage::Verify
            about="Reads both sides and compares every sample by its timestamp, within the plan's tolerances. Nothing is written."
            verdict
            headless=is_repaired
        >
            <ContinuedFrom stage=Stage::Verify />
            {results}
            // The report's own map is finer.
            <Show when=move || !has_report()><CoverageMap stage=Stage::Verify /></Show>
            <Show when=move || is_running.get()><ThroughputChart stage=Stage::Verify /></Show>
            <Slowest stage=Stage::Verify />
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
            let Checks { raw, .. } = &run.stage(Stage::Verify).checks;
            (!raw.is_empty()).then(|| view! { {by_selector(raw)} })
        })
    }
}

/// Everything a verification found. The cutover check shows the same.
#[component]
pub fn VerifyResults(
    /// The verification.
    report: Verified,
) -> impl IntoView {
    let is_listed = report.raw_checks.iter().any(|check| !check.findings.is_empty())
        || report.exemplar_checks.iter().any(|check| !check.findings.is_empty())
        || report.metadata_checks.iter().any(|check| !check.findings.is_empty());
    // Sentences that no row of the table stands for.
    let issues = if is_listed { Vec::new() } else { report.issues.clone() };
    // In a task of its own: the findings of a large report take a while to sort.
    let is_due = RwSignal::new(false);
    // It may be another page's turn by then.
    let due = move || {
        let _ = is_due.try_set(true);
    };
    set_timeout(due, Duration::ZERO);
    let explorer = {
        let report = report.clone();
        move || is_due.get().then(|| view! { <Explorer report=report.clone() /> })
    };
    let totals = words::totals(&report.raw_checks);
    view! {
        {report.recheck.clone().map(|recheck| view! { <Recheck recheck /> })}
        {explorer}
        <Remarks title="Issues" lines=issues />
        <div class="columns">
            <div class="stack">{by_selector(&report.raw_checks)}</div>
            <div class="stack">{compared(totals, &report.metadata_checks, &report.exemplar_checks)}</div>
        </div>
        <div class="columns even">
            {metadata_checks(&report.metadata_checks)}
            {exemplar_checks(&report.exemplar_checks)}
        </div>
        <Remarks title="Notes" lines=report.notes.clone() />
    }
}

/// What reading young differences again has shown.
#[component]
fn Recheck(recheck: RecheckReport) -> impl IntoView {
    view! { <p class="dim" data-testid="recheck">{recheck_words(&recheck)}</p> }
}

fn recheck_words(recheck: &RecheckReport) -> String {
    format!(
        "Differences younger than {} were read again {}, waited {} in all: {} of {} settled.",
        format::duration(recheck.settle_ms.unsigned_abs()),
        format::counted(recheck.reads, "time", "times"),
        format::duration(recheck.waited_ms),
        format::count(recheck.settled),
        format::counted(recheck.slabs, "part", "parts"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reading_again_is_told() {
        let recheck = RecheckReport { settle_ms: 300_000, waited_ms: 9_100, slabs: 2, reads: 1, settled: 1 };
        assert_eq!(
            recheck_words(&recheck),
            "Differences younger than 5 min 00 s were read again 1 time, waited 9.1 s in all: 1 of 2 parts settled."
        );
    }
}
