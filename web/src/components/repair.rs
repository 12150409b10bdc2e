//! Repair: what it would do, offered where a verification fails, and what it did.

use super::balance::FinalBalance;
use super::coverage::CoverageMap;
use super::downloads::Downloads;
use super::error_banner::ErrorCard;
use super::notes::Remarks;
use super::progress::ProgressHead;
use super::prose::Prose;
use super::rejections::Rejections;
use super::verdict::VerdictPanel;
use crate::app::is_stale;
use crate::browser;
use crate::state::repair::Outlook;
use crate::state::run::{Part, StageState};
use crate::state::verified::Verified;
use crate::state::{Store, format, store, words};
use leptos::prelude::*;
use std::sync::Arc;
use tsink_migrate_engine::ErrorKind;
use tsink_migrate_engine::report::{RepairReport, Report, Status};
use tsink_migrate_engine::run::Stage;

/// Parts listed at most.
const MOST: usize = 50;

/// The offer; nothing where the verification passed.
#[component]
pub fn RepairOffer(
    /// The verification that failed.
    report: Verified,
) -> impl IntoView {
    let store = store();
    let outlook = Outlook::of(&report);
    (report.status == Status::Fail).then(|| {
        let is_off =
            move || store.phase.get().is_busy() || store.blocked().is_some() || is_stale(Stage::Verify);
        let why = move || {
            (!store.phase.get().is_busy() && is_stale(Stage::Verify))
                .then_some("The plan or the window has changed since: verify again first.")
        };
        let button = outlook.is_worth_it().then(|| {
            view! {
                <div class="row">
                    <button
                        class="button primary"
                        data-testid="repair"
                        disabled=is_off
                        on:click=move |_| begin(store, Stage::Repair)
                    >
                        "Copy what is missing, then compare that again"
                    </button>
                    <span class="dim">{why}</span>
                </div>
            }
        });
        view! {
            <section class="panel repair" data-testid="repair-offer" aria-label="Repair">
                <div class="panel-head"><h2>"Repair"</h2></div>
                <p>{will_do(&outlook)}</p>
                {stays(&outlook)}
                {button}
            </section>
        }
    })
}

/// Runs a stage whose progress stands at the top, far from the button that is gone then.
fn begin(store: Store, stage: Stage) {
    store.run(&[stage]);
    browser::to_content();
}

fn will_do(outlook: &Outlook) -> String {
    if !outlook.is_worth_it() {
        return "Nothing of this is mended by copying: nothing is missing in the target.".to_owned();
    }
    let parts = if outlook.parts > 0 {
        format!(
            "{} of the window, of {}",
            format::counted(outlook.parts, "part", "parts"),
            format::counted(outlook.selectors, "selector", "selectors")
        )
    } else {
        "What differs".to_owned()
    };
    let mut sentences = vec![format!(
        "{parts}: read at the source once more, what is missing is written, and both sides are compared again. The rest of the window is left alone."
    )];
    if outlook.copies > 0 {
        sentences
            .push(format!("{} can be mended so.", format::counted(outlook.copies, "finding", "findings")));
    }
    if outlook.compares > 0 {
        let them = format::counted(outlook.compares, "finding is", "findings are");
        sentences.push(format!("{them} about what could not be compared; that is tried again."));
    }
    sentences.join(" ")
}

fn stays(outlook: &Outlook) -> Option<impl IntoView + use<>> {
    (!outlook.stays.is_empty()).then(|| {
        let kinds: Vec<String> = outlook
            .stays
            .iter()
            .map(|(kind, count)| format!("{} ({})", kind.title(), format::count(*count)))
            .collect();
        let words = format!(
            "It cannot mend {}: copying takes nothing away from the target and does not tell which value is right.",
            words::join(&kinds)
        );
        view! { <p class="dim" data-testid="repair-cannot">{words}</p> }
    })
}

/// A repair under way or done; nothing before.
#[component]
pub fn RepairStage() -> impl IntoView {
    let store = store();
    let state = Memo::new(move |_| {
        store.read(&[Part::Stages], |run| {
            let model = run.stage(Stage::Repair);
            (model.state, model.edition)
        })
    });
    move || match state.get() {
        (StageState::Todo, _) => ().into_any(),
        (StageState::Running, _) => view! {
            <ProgressHead stage=Stage::Repair />
            <CoverageMap stage=Stage::Repair />
        }
        .into_any(),
        _ => {
            let (report, error) = store.read(&[], |run| {
                let model = run.stage(Stage::Repair);
                let is_one = |report: &&Arc<Report>| matches!(***report, Report::Repair(_));
                let report = model.report.as_ref().filter(is_one).cloned();
                (report, model.error.clone())
            });
            match report {
                Some(report) => view! { <Done report /> }.into_any(),
                None => {
                    let is_cancelled = error.as_ref().is_none_or(|error| error.kind == ErrorKind::Cancelled);
                    let word = if is_cancelled { "Repair cancelled" } else { "Repair broke off" };
                    view! {
                        <section class="verdict warn" data-testid="repair-verdict" data-verdict="stopped">
                            <h1>{word}</h1>
                            <div class="verdict-words">
                                <p class="headline">"What was acknowledged is in the target. Repairing again does the rest."</p>
                                {error.filter(|_| !is_cancelled).map(|error| view! { <ErrorCard error /> })}
                            </div>
                            <Downloads stage=Stage::Repair />
                        </section>
                    }
                    .into_any()
                }
            }
        }
    }
}

/// What a repair did.
#[component]
fn Done(report: Arc<Report>) -> impl IntoView {
    let store = store();
    let Report::Repair(own) = &*report else { return ().into_any() };
    let verdict = words::repair(own);
    let word = if verdict.ok { "pass" } else { "fail" };
    let again = move |_| begin(store, Stage::Verify);
    let is_off = move || store.phase.get().is_busy() || store.blocked().is_some();
    view! {
        <div data-testid="repair-verdict" data-verdict=word>
            <VerdictPanel verdict stage=Stage::Repair>
                <button class="button primary" data-testid="verify-whole" disabled=is_off on:click=again>
                    "Run the whole verification again"
                </button>
            </VerdictPanel>
        </div>
        {results(own)}
    }
    .into_any()
}

/// A repair's results: what was copied, and what it could not mend. What was compared again is the verification's
/// matter.
fn results(report: &RepairReport) -> impl IntoView + use<> {
    let figures = [
        ("samples", report.samples_written),
        ("histograms", report.histograms_written),
        ("exemplars", report.exemplars_written),
        ("metadata", report.metadata_written),
        ("write requests", report.write_batches),
        ("repeated", report.retries),
    ];
    let figures =
        figures.map(|(name, count)| view! { <div><dt>{name}</dt><dd>{format::count(count)}</dd></div> });
    let all: usize = report.repaired.iter().map(|one| one.windows.len()).sum();
    let parts = report.repaired.iter().flat_map(|one| one.windows.iter().map(move |window| (one, window)));
    let parts = parts.take(MOST).map(|(one, window)| {
        view! {
            <li class="row">
                <span class="mono break">{one.selector.clone()}</span>
                <span class="mono dim">{format::window(*window)}</span>
            </li>
        }
    });
    let more = all.saturating_sub(MOST) as u64;
    view! {
        <dl class="figures after" data-testid="repair-figures">{figures}</dl>
        <Unrepairable lines=report.unrepairable.clone() />
        <Rejections list=report.rejections.clone() omitted=report.rejections_omitted />
        <Remarks title="Issues of the repair" lines=report.issues.clone() />
        <Remarks title="Notes of the repair" lines=report.notes.clone() />
        <FinalBalance balance=report.balance.clone() />
        <details class="panel fold" data-testid="repaired-parts">
            <summary>
                <h2>"Parts that were repaired"</h2>
                <span class="dim">{format::count(all as u64)}</span>
            </summary>
            <ul class="offered">{parts.collect_view()}</ul>
            {(more > 0).then(|| view! { <p class="dim">{format!("and {} more; the report has all", format::count(more))}</p> })}
        </details>
    }
}

/// Why a repair is not enough.
#[component]
fn Unrepairable(lines: Vec<String>) -> impl IntoView {
    (!lines.is_empty()).then(|| {
        let more = lines.len().saturating_sub(MOST) as u64;
        let items = lines.into_iter().take(MOST).map(|line| view! { <li><Prose text=line /></li> }).collect_view();
        view! {
            <section class="panel" data-testid="unrepairable" aria-label="What copying cannot mend">
                <div class="panel-head"><h2>"What copying cannot mend"</h2></div>
                <ul class="remarks">{items}</ul>
                {(more > 0).then(|| view! { <p class="dim">{format!("and {} more", format::count(more))}</p> })}
            </section>
        }
    })
}
