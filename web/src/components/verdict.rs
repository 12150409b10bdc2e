//! The verdict: the largest thing on a page whose stage has ended.

use super::downloads::Downloads;
use crate::app::is_stale;
use crate::state::run::title;
use crate::state::store;
use crate::state::undo::Undoing;
use crate::state::words::Verdict;
use leptos::prelude::*;
use tsink_migrate_engine::run::Stage;

/// A verdict with its downloads.
#[component]
pub fn VerdictPanel(
    /// What was found.
    verdict: Verdict,
    /// Stage whose report it sums up.
    stage: Stage,
    /// What can be done about it, in the place of running the stage again.
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView {
    let tone = if verdict.ok { "good" } else { "bad" };
    view! {
        <section
            class=format!("verdict {tone}")
            data-testid="verdict"
            data-verdict=if verdict.ok { "pass" } else { "fail" }
        >
            <h1>{verdict.word}</h1>
            <div class="verdict-words">
                <p class="headline">{verdict.headline}</p>
                {(!verdict.detail.is_empty()).then(|| view! { <p class="dim">{verdict.detail}</p> })}
                <Stale stage />
            </div>
            <Downloads stage />
            {match children {
                Some(children) => children(),
                None => view! { <RunAgain stage /> }.into_any(),
            }}
        </section>
    }
}

/// Says so when plan or window are no longer those of the verdict.
#[component]
fn Stale(stage: Stage) -> impl IntoView {
    let store = store();
    let stale = Memo::new(move |_| is_stale(stage));
    view! {
        <p class="stale" role="status" data-testid="stale">
            {move || match store.undoing.get() {
                Undoing::Done(_) => Some("The target has deleted this window since."),
                _ => stale.get().then_some("The plan or the window has changed since."),
            }}
        </p>
    }
}

/// Runs one stage by itself, once more.
#[component]
pub fn RunAgain(
    /// Stage.
    stage: Stage,
) -> impl IntoView {
    let store = store();
    let name = title(stage).to_lowercase();
    let is_off = move || store.phase.get().is_busy() || store.blocked().is_some();
    view! {
        <button
            class="button"
            data-testid=format!("run-{name}")
            aria-label=format!("Run {name} again")
            disabled=is_off
            on:click=move |_| store.run(&[stage])
        >
            "Run again"
        </button>
    }
}
