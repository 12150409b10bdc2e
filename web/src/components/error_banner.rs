//! Failures: of the job as a whole on top of the page, and the card that every failure is shown with.

use super::glyph::{Glyph, Sign};
use super::prose::Prose;
use crate::state::{format, store};
use leptos::prelude::*;
use tsink_migrate_engine::Error;

/// What went wrong as a whole; closes by hand.
#[component]
pub fn ErrorBanner() -> impl IntoView {
    let store = store();
    let body = move || {
        store.banner.get().map(|banner| {
            let again = banner.again.then(|| {
                view! {
                    <button class="button" data-testid="try-again" on:click=move |_| store.try_again()>
                        "Try again"
                    </button>
                }
            });
            view! {
                <section class="banner" role="alert" data-testid="error-banner">
                    <Glyph sign=Sign::Cross />
                    <div>
                        <h2>{banner.title}</h2>
                        <ErrorCard error=banner.error />
                        {again}
                    </div>
                    <button class="button quiet" on:click=move |_| store.banner.set(None)>"Close"</button>
                </section>
            }
        })
    };
    view! { <div class="banner-place">{body}</div> }
}

/// A failure with everything that is known about it.
#[component]
pub fn ErrorCard(
    /// The failure.
    error: Error,
    /// Leaves out address and status, where they stand beside it already.
    #[prop(optional)]
    brief: bool,
) -> impl IntoView {
    let from = match (error.side, &error.url) {
        (Some(side), Some(url)) => Some(format!("{side} {url}")),
        (Some(side), None) => Some(side.to_string()),
        (None, url) => url.clone(),
    };
    let status = error.status.map(|status| format!("status {status}"));
    let place = error.selector.clone().map(|selector| match error.slab {
        Some(slab) => format!("{selector}, {}", format::window(slab)),
        None => selector,
    });
    let facts = if brief { [None, None, place] } else { [from, status, place] };
    let facts: Vec<String> = facts.into_iter().flatten().collect();
    let said = error.server_message.clone().filter(|words| !words.is_empty());
    view! {
        <div class="error-card">
            <p class="message"><Prose text=error.message.clone() /></p>
            {(!facts.is_empty()).then(|| view! { <p class="mono dim small">{facts.join(" · ")}</p> })}
            {said.map(|words| view! { <p class="small">"It said: " <q class="mono">{words}</q></p> })}
            {(!error.remedy.is_empty()).then(|| view! { <p class="remedy"><Prose text=error.remedy.clone() /></p> })}
        </div>
    }
}
