//! The header: what goes where, and what can be done now.

use super::open;
use super::theme::ThemeToggle;
use crate::browser;
use crate::state::run::{MIGRATION, Part};
use crate::state::view::View;
use crate::state::{Phase, format, store};
use leptos::prelude::*;
use tsink_migrate_engine::run::Stage;

/// The header.
#[component]
pub fn Header() -> impl IntoView {
    let store = store();
    let actions = move || {
        match (store.phase.get(), store.has_plan.get()) {
        (Phase::Idle, false) => view! {
            <button class="button" data-testid="open-plan" on:click=move |_| open::choose(open::INPUT)>"Open plan…"</button>
        }
        .into_any(),
        (Phase::Idle, true) => view! { <Start /> }.into_any(),
        _ => view! { <Steer /> }.into_any(),
    }
    };
    view! {
        <header class="header">
            <a class="brand" href="#plan">"tsink Migrate"</a>
            <Route />
            <div class="actions">{actions}<ThemeToggle /></div>
        </header>
    }
}

/// Source, target, tenant, window.
#[component]
fn Route() -> impl IntoView {
    let store = store();
    let route = move || {
        store.check.with(|check| {
            let summary = check.summary.as_ref()?;
            let window = check.window.map(|window| format!(" · {}", format::route_window(window)));
            Some(view! {
                <p class="route" data-testid="route">
                    <b>{summary.source_kind.clone()}</b>
                    " "
                    {summary.source_host.clone()}
                    " → "
                    <b>"tsink"</b>
                    " "
                    {summary.target_host.clone()}
                    " · tenant "
                    {summary.tenant.clone()}
                    {window}
                </p>
            })
        })
    };
    view! { <div class="route-place">{route}</div> }
}

/// Before a job.
#[component]
fn Start() -> impl IntoView {
    let store = store();
    let blocked = Memo::new(move |_| store.blocked());
    let is_blocked = move || blocked.with(Option::is_some);
    let continues =
        Memo::new(move |_| store.offer().is_some_and(|offer| offer.is_same() && !offer.elsewhere));
    let show = move |_| {
        store.go(View::Plan);
        // The page has to be there before something on it can have the focus.
        request_animation_frame(|| browser::focus("plan-problems"));
    };
    view! {
        {move || {
            blocked.get().map(|why| view! {
                <button class="link warn" data-testid="blocked" on:click=show>{why}</button>
            })
        }}
        <button
            class="button"
            data-testid="preflight-only"
            disabled=is_blocked
            on:click=move |_| store.run(&[Stage::Preflight])
        >
            "Preflight only"
        </button>
        <button
            class="button primary"
            data-testid="migrate"
            disabled=is_blocked
            title=move || if continues.get() {
                "Takes up the rest of what was interrupted"
            } else {
                "Preflight, backfill, verify and cutover check, one after the other"
            }
            on:click=move |_| if continues.get_untracked() { store.go_on() } else { store.run(&MIGRATION) }
        >
            {move || if continues.get() { "Continue" } else { "Migrate" }}
        </button>
    }
}

/// During a job.
#[component]
fn Steer() -> impl IntoView {
    let store = store();
    let hold = move || {
        match store.phase.get() {
        Phase::Paused => view! {
            <button class="button primary" data-testid="resume" on:click=move |_| store.resume()>"Resume"</button>
        }
        .into_any(),
        Phase::Cancelling => view! { <span class="dim">"Cancelling…"</span> }.into_any(),
        _ => view! {
            <button class="button" data-testid="pause" on:click=move |_| store.pause()>"Pause"</button>
        }
        .into_any(),
    }
    };
    let is_cancelling = move || store.phase.get() == Phase::Cancelling;
    let is_asked = move || store.read(&[Part::Steering], |run| run.asked.is_some());
    view! {
        <Show when=move || is_asked() && !store.renewal.is_tried.get()>
            <button class="link warn" data-testid="waits-for-token" on:click=move |_| store.renewal.is_open.set(true)>
                "waits for a token"
            </button>
        </Show>
        {hold}
        <button
            class="button"
            data-testid="cancel"
            disabled=is_cancelling
            title="What was written stays; running it again writes the rest"
            on:click=move |_| store.cancel()
        >
            "Cancel"
        </button>
    }
}
