//! What took long, and what was done before: the slowest slabs of a stage, and the ledger that it goes on from.

use super::middle::Middle;
use crate::state::run::{Part, StageModel, StageState};
use crate::state::{format, store, words};
use leptos::prelude::*;
use std::sync::Arc;
use tsink_migrate_engine::report::{Continued, Report, SlabTiming};
use tsink_migrate_engine::run::Stage;

/// Slabs listed at most.
const MOST: usize = 8;

/// The slowest slabs of a stage: of its report, or so far.
#[component]
pub fn Slowest(
    /// Stage.
    stage: Stage,
) -> impl IntoView {
    let store = store();
    let list = Memo::new(move |_| {
        store.read(&[Part::Timing, Part::Stages], |run| {
            let model = run.stage(stage);
            let reported = match model.report.as_deref() {
                Some(Report::Backfill(report)) => &report.slowest,
                Some(Report::Verify(report)) => &report.slowest,
                _ => &model.slowest,
            };
            reported.iter().take(MOST).cloned().collect::<Vec<_>>()
        })
    });
    move || view! { <SlowestList list=list.get() /> }
}

/// Slabs, slowest first; nothing where there are none.
#[component]
pub fn SlowestList(
    /// The slabs.
    list: Vec<SlabTiming>,
) -> impl IntoView {
    let longest = list.iter().map(|slab| slab.took_ms).max().unwrap_or(0).max(1);
    (!list.is_empty()).then(|| {
        let rows = list.into_iter().take(MOST).map(|slab| {
            let share = format!("{:.0}%", slab.took_ms as f64 * 100.0 / longest as f64);
            view! {
                <tr>
                    <td data-label="selector" class="mono of-selector"><Middle text=slab.selector /></td>
                    <td data-label="time" class="mono">{format::route_window(slab.window)}</td>
                    <td data-label="rows" class="num" title=format::count(slab.rows)>{format::short(slab.rows as f64)}</td>
                    <td data-label="took" class="num took" style=("--share", share)>{format::duration(slab.took_ms)}</td>
                </tr>
            }
        });
        view! {
            <section class="panel" data-testid="slowest" aria-label="Slowest slabs">
                <div class="panel-head"><h2>"Slowest slabs"</h2><span class="dim">"from the first request to the last answer"</span></div>
                <table class="table stacked slowest">
                    <thead>
                        <tr>
                            <th scope="col">"selector"</th>
                            <th scope="col">"time"</th>
                            <th scope="col" class="num">"rows"</th>
                            <th scope="col" class="num">"took"</th>
                        </tr>
                    </thead>
                    <tbody>{rows.collect_view()}</tbody>
                </table>
            </section>
        }
    })
}

/// What a stage goes on from, or why it does not go on from a ledger that is there.
#[component]
pub fn ContinuedFrom(
    /// Stage.
    stage: Stage,
) -> impl IntoView {
    let store = store();
    let parts = [Part::Timing, Part::Stages];
    let words = Memo::new(move |_| store.read(&parts, |run| in_words(run.stage(stage))));
    // Of no interest once the stage is done.
    let unkept = Memo::new(move |_| {
        store.read(&parts, |run| {
            run.unkept
                .clone()
                .filter(|_| !matches!(run.stage(stage).state, StageState::Todo | StageState::Pass))
        })
    });
    let unkept = move || {
        unkept.get().map(|reason| {
            view! { <p class="continued warn-text" role="status" data-testid="unkept">{reason}</p> }
        })
    };
    let continued = move || {
        words.get().map(|(is_continued, words)| {
            let class = if is_continued { "continued" } else { "continued warn-text" };
            view! { <p class=class data-testid="continued">{words}</p> }
        })
    };
    view! { {unkept}{continued} }
}

fn in_words(model: &StageModel) -> Option<(bool, String)> {
    let of_report = |report: &Arc<Report>| match &**report {
        Report::Backfill(report) => report.continued.clone(),
        Report::Verify(report) => report.continued.clone(),
        _ => None,
    };
    let continued = model.report.as_ref().and_then(of_report).or_else(|| model.continued.clone());
    let refused = || model.not_continued.clone().map(|reason| (false, reason));
    continued.as_ref().map(|before| (true, words::continued(before))).or_else(refused)
}

/// What a report goes on from.
pub fn continued_words(before: Option<&Continued>) -> impl IntoView + use<> {
    before.map(|before| view! { <p class="continued" data-testid="continued">{words::continued(before)}</p> })
}
