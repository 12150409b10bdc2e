//! What every stage's page has in common: what it is for before it ran, how far it is while it runs, and
//! its verdict afterwards.

use super::error_banner::ErrorCard;
use super::progress::ProgressHead;
use super::verdict::{RunAgain, VerdictPanel};
use crate::state::run::{Part, Run, StageState, title};
use crate::state::store;
use crate::state::words::Verdict;
use leptos::prelude::*;
use tsink_migrate_engine::ErrorKind;
use tsink_migrate_engine::run::Stage;

/// The frame. `children` are drawn once the stage has begun.
#[component]
pub fn StageFrame(
    /// Stage.
    stage: Stage,
    /// What it does, in a sentence or two.
    about: &'static str,
    /// Its verdict, once there is a report.
    verdict: fn(&Run) -> Option<Verdict>,
    /// Whether something else stands in the place of its head.
    #[prop(optional, into)]
    headless: Signal<bool>,
    /// Details.
    children: ChildrenFn,
) -> impl IntoView {
    let store = store();
    let state = Memo::new(move |_| store.read(&[Part::Stages], |run| run.stage(stage).state));
    let head = move || match state.get() {
        StageState::Todo => view! { <Before stage about /> }.into_any(),
        StageState::Running => view! { <ProgressHead stage /> }.into_any(),
        StageState::Pass | StageState::Fail | StageState::Stopped => {
            view! { <After stage verdict /> }.into_any()
        }
    };
    view! {
        <Show when=move || !headless.get()>{head}</Show>
        <Show when=move || state.get() != StageState::Todo>{children()}</Show>
    }
}

#[component]
fn Before(stage: Stage, about: &'static str) -> impl IntoView {
    let store = store();
    let is_waiting = move || store.phase.get().is_busy();
    let blocked = Memo::new(move |_| store.blocked());
    let hint = move || match (is_waiting(), blocked.get()) {
        (true, _) => "It has not begun yet.".to_owned(),
        (false, Some(why)) => format!("It cannot run yet: {why}."),
        (false, None) => String::new(),
    };
    view! {
        <section class="panel before">
            <h1>{title(stage)}</h1>
            <p class="dim">{about}</p>
            <div class="row">
                <button
                    class="button"
                    data-testid=format!("run-{}", title(stage).to_lowercase())
                    disabled=move || is_waiting() || blocked.with(Option::is_some)
                    on:click=move |_| store.run(&[stage])
                >
                    {format!("Run {}", spoken(stage))}
                </button>
                <span class="dim">{hint}</span>
            </div>
        </section>
    }
}

#[component]
fn After(stage: Stage, verdict: fn(&Run) -> Option<Verdict>) -> impl IntoView {
    let store = store();
    move || {
        let (verdict, error) =
            store.read(&[Part::Stages], |run| (verdict(run), run.stage(stage).error.clone()));
        match (verdict, error) {
            (Some(verdict), None) => view! { <VerdictPanel verdict stage /> }.into_any(),
            (_, error) => {
                let is_cancelled = error.as_ref().is_none_or(|error| error.kind == ErrorKind::Cancelled);
                let word = if is_cancelled { "Cancelled" } else { "Broke off" };
                view! {
                    <section class="verdict warn" data-testid="verdict" data-verdict="stopped">
                        <h1>{word}</h1>
                        <div class="verdict-words">
                            {match error {
                                Some(error) if !is_cancelled => view! { <ErrorCard error /> }.into_any(),
                                _ => view! {
                                    <p class="headline">{format!("{} was ended before it was done.", title(stage))}</p>
                                }.into_any(),
                            }}
                        </div>
                        <RunAgain stage />
                    </section>
                }
                .into_any()
            }
        }
    }
}

/// A stage as a thing to run.
fn spoken(stage: Stage) -> &'static str {
    match stage {
        Stage::Preflight => "preflight",
        Stage::Backfill => "backfill",
        Stage::Verify => "verify",
        Stage::Repair => "repair",
        Stage::Cutover => "cutover check",
    }
}
