//! The offer to go on with what was interrupted: on the plan's page once the plan is checked, and on the start page
//! after a reload.

use super::middle::Middle;
use crate::browser;
use crate::state::ledgers::{self, Offer};
use crate::state::{format, store};
use leptos::prelude::*;
use tsink_migrate_engine::run::LedgerSummary;

/// The offer for the plan at hand; nothing where there is none.
#[component]
pub fn ContinueOffer() -> impl IntoView {
    let store = store();
    let offer = Memo::new(move |_| store.offer());
    move || {
        offer.get().map(|offer| match offer.is_same() {
            true if offer.elsewhere => elsewhere(offer).into_any(),
            true => same(offer).into_any(),
            false => near(offer).into_any(),
        })
    }
}

/// What another tab is about is left to it.
fn elsewhere(offer: Offer) -> impl IntoView {
    view! {
        <section class="panel offer" data-testid="offer" data-kind="elsewhere" aria-labelledby="offer-title">
            <div class="offer-words">
                <h2 id="offer-title">{format!("{} runs in another tab", ledgers::stage(&offer.ledger))}</h2>
                {figures(&offer.ledger)}
                <p class="dim">{ELSEWHERE}</p>
            </div>
        </section>
    }
}

const ELSEWHERE: &str = "It goes on there. When that tab is done, or closed, it can continue here.";

fn same(offer: Offer) -> impl IntoView {
    let store = store();
    let blocked = Memo::new(move |_| store.blocked());
    let is_blocked = move || blocked.with(Option::is_some);
    view! {
        <section class="panel offer" data-testid="offer" data-kind="same" aria-labelledby="offer-title">
            <div class="offer-words">
                <h2 id="offer-title">{format!("{} was interrupted", ledgers::stage(&offer.ledger))}</h2>
                {figures(&offer.ledger)}
                <p class="dim">
                    "What is done is not read again. Continue takes up the rest, with what the plan says today."
                </p>
                {move || blocked.get().map(|why| view! { <p class="warn-text small">{format!("It can continue after this: {why}.")}</p> })}
            </div>
            <div class="offer-actions">
                <button class="button primary" data-testid="continue-run" disabled=is_blocked on:click=move |_| store.go_on()>
                    "Continue"
                </button>
                <button
                    class="button quiet"
                    data-testid="start-over"
                    disabled=is_blocked
                    title="Reads everything again; what is at the target already stays as it is"
                    on:click=move |_| store.start_over()
                >
                    "Start over"
                </button>
            </div>
        </section>
    }
}

fn near(offer: Offer) -> impl IntoView {
    let store = store();
    let Offer { ledger, differs, moved, elsewhere } = offer;
    let state = if elsewhere { "runs in another tab" } else { "was interrupted" };
    let window = ledger.window;
    let differs = differs.into_iter().map(|words| view! { <li class="break">{words}</li> }).collect_view();
    let (what, action) = if moved {
        let take = view! {
            <button class="button" data-testid="take-window" on:click=move |_| store.take_window(window)>"Take its window"</button>
        };
        ("With its window it can continue; with the one above everything begins anew.", Some(take))
    } else {
        ("With this plan everything begins anew. Take the changes back to continue.", None)
    };
    view! {
        <section class="panel offer near" data-testid="offer" data-kind="near" aria-labelledby="offer-title">
            <div class="offer-words">
                <h2 id="offer-title">
                    {format!("{} between these servers {state}, of another {}", ledgers::stage(&ledger), if moved { "window" } else { "plan" })}
                </h2>
                {figures(&ledger)}
                <ul class="differs">{differs}</ul>
                <p class="dim">{what}</p>
            </div>
            <div class="offer-actions">{action}</div>
        </section>
    }
}

/// What was done, and when.
fn figures(ledger: &LedgerSummary) -> impl IntoView + use<> {
    let share = ledgers::share(ledger);
    let width = format!("{:.1}%", share * 100.0);
    let when = format!("{} UTC", format::instant(ledger.updated_ms.div_euclid(1000) * 1000));
    view! {
        <p data-testid="offer-done">
            <b>{ledgers::done(ledger)}</b>
            " were done, "
            <span title=when>{ledgers::age(browser::now_ms(), ledger.updated_ms)}</span>
            "."
        </p>
        <div class="bar thin" aria-hidden="true"><div class="bar-done" style:width=width></div></div>
    }
}

/// On the start page: what was begun here and not ended, before any plan is open.
#[component]
pub fn Interrupted() -> impl IntoView {
    let store = store();
    let found = Memo::new(move |_| store.interrupted());
    move || {
        found.get().map(|(kept, ledger)| {
            let is_kept = kept.text.is_some();
            let elsewhere = store.ledgers.is_elsewhere(&ledger);
            let state = if elsewhere { "runs in another tab" } else { "was interrupted" };
            let words = if elsewhere {
                ELSEWHERE
            } else if is_kept {
                "The plan is still here, without the header values that stood in it."
            } else {
                "Its plan may hold secrets, so it was not kept: drop the plan again to continue."
            };
            let actions = is_kept.then(|| {
                let go_on = (!elsewhere).then(|| {
                    view! { <button class="button primary" data-testid="continue-run" on:click=move |_| store.reopen(true)>"Continue"</button> }
                });
                view! {
                    {go_on}
                    <button class="button" data-testid="reopen-plan" on:click=move |_| store.reopen(false)>"Open the plan"</button>
                }
            });
            let from = ledger.source.clone();
            let to = ledger.target.clone();
            view! {
                <section class="panel offer" data-testid="interrupted" aria-labelledby="offer-title">
                    <div class="offer-words">
                        <h2 id="offer-title">{format!("{} of {} {state}", ledgers::stage(&ledger), kept.name)}</h2>
                        <p class="mono dim"><Middle text=from /></p>
                        <p class="mono dim"><Middle text=format!("→ {to}") /></p>
                        <p class="mono dim">{format::route_window(ledger.window)}</p>
                        {figures(&ledger)}
                        <p class="dim">{words}</p>
                    </div>
                    <div class="offer-actions">
                        {actions}
                        {(!elsewhere).then(|| view! {
                            <button class="button quiet" data-testid="leave-interrupted" on:click=move |_| store.leave_interrupted()>"Not now"</button>
                        })}
                    </div>
                </section>
            }
        })
    }
}
