//! Ways out of the two failures that an operator can mend from here: a source whose answers the browser
//! hides, and a window that begins before the target's retention.

use super::recipe::RecipePanel;
use crate::state::run::Part;
use crate::state::{format, store};
use leptos::prelude::*;
use tsink_migrate_engine::plan::ReadVia;
use tsink_migrate_engine::port::NetworkCause;
use tsink_migrate_engine::report::{EndpointCheck, Level};
use tsink_migrate_engine::{ErrorKind, Side};

fn hides_answers(check: &EndpointCheck) -> bool {
    check.error.as_ref().is_some_and(|error| error.kind == ErrorKind::Network(NetworkCause::NoCors))
}

/// What can be done about the preflight's failures; nothing when there is none of these.
#[component]
pub fn WaysOut() -> impl IntoView {
    let store = store();
    let no_cors = Memo::new(move |_| {
        store.read(&[Part::Preflight], |run| {
            let hidden = |side| run.endpoints.iter().any(|check| check.side == side && hides_answers(check));
            let read =
                run.endpoints.iter().any(|check| check.name == "remote_read_url" && hides_answers(check));
            (hidden(Side::Source), hidden(Side::Target), read)
        })
    });
    let oldest = Memo::new(move |_| {
        store.read(&[Part::Preflight], |run| {
            let report = run.preflight.as_ref()?;
            let refused =
                report.notes.iter().any(|note| note.code.contains("retention") && note.level == Level::Fail);
            report.target_oldest_ms.filter(|oldest| refused && *oldest > report.start_ms)
        })
    });
    view! {
        <Show when=move || { let (source, target, _) = no_cors.get(); source || target }>
            <NoCors sides=no_cors />
        </Show>
        {move || oldest.get().map(|oldest| view! { <Retention oldest /> })}
    }
}

#[component]
fn NoCors(sides: Memo<(bool, bool, bool)>) -> impl IntoView {
    let store = store();
    let who = move || match sides.get() {
        (true, true, _) => "Neither server lets this page read its answers",
        (true, false, _) => "The source does not let this page read its answers",
        _ => "The target does not let this page read its answers",
    };
    let is_by_query = Memo::new(move |_| {
        store.check.with(|check| {
            check.summary.as_ref().is_some_and(|summary| summary.options.read_via == ReadVia::InstantQuery)
        })
    });
    let can_query = move || sides.get().2 && !is_by_query.get();
    let choose = move |_| {
        if store.edit(|draft| draft.options.read_via = "instant_query".to_owned()) {
            store.said.set("The plan now reads by instant query. Run the preflight again.".to_owned());
        }
    };
    view! {
        <section class="panel way-out" data-testid="way-out-cors" aria-label="What to do about CORS">
            <div class="panel-head"><h2>{who}</h2></div>
            <p>
                "A browser shows a page the answers of another origin only if they carry "
                <code>"Access-Control-Allow-Origin"</code>
                ". The servers work; the page may not look. A gateway in front of them mends that for everything."
            </p>
            <RecipePanel open=true />
            <Show when=can_query>
                <div class="choice">
                    <div>
                        <h3>"Or read floats by instant query"</h3>
                        <p class="dim">
                            "Prometheus lets pages read queries. Float samples come exactly; native histograms "
                            "and stale markers do not come at all."
                        </p>
                    </div>
                    <button class="button" data-testid="use-instant-query" on:click=choose>"Read by instant query"</button>
                </div>
            </Show>
        </section>
    }
}

#[component]
fn Retention(oldest: i64) -> impl IntoView {
    let store = store();
    // A whole minute of room: the edge of the retention moves on while the run goes.
    let start = oldest.saturating_add(119_999).div_euclid(60_000).saturating_mul(60_000);
    let choose = move |_| {
        store.start.set(format::rfc3339(start));
        store.said.set("The window is shorter now. Run the preflight again.".to_owned());
    };
    view! {
        <section class="panel way-out" data-testid="way-out-retention" aria-label="What to do about retention">
            <div class="panel-head"><h2>"The window begins before the target's retention"</h2></div>
            <div class="choice">
                <p>
                    "Either let the target keep samples for longer ("<code>"--retention"</code>
                    "), or leave out what is older than " <span class="mono">{format!("{} UTC", format::instant(start))}</span> "."
                </p>
                <button class="button" data-testid="move-window" on:click=choose>"Begin there"</button>
            </div>
        </section>
    }
}
