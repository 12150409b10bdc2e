//! Reports: the one that is open, and those that this browser keeps.

use crate::components::drop_zone::OfferedFiles;
use crate::components::error_banner::ErrorCard;
use crate::components::ledgers::Ledgers;
use crate::components::open;
use crate::components::reports::history::History;
use crate::components::reports::opened::OpenedReport;
use crate::state::store;
use leptos::prelude::*;

/// The page.
#[component]
pub fn Reports() -> impl IntoView {
    let store = store();
    let reports = store.reports;
    store.look_at_history();
    store.ask_ledgers();
    let is_open = Memo::new(move |_| reports.opened.with(Option::is_some));
    let unread = move || {
        reports.unread.get().map(|unread| {
            view! {
                <section class="banner" role="alert" data-testid="unread">
                    <div>
                        <h2>{unread.title}</h2>
                        <ErrorCard error=unread.error />
                    </div>
                    <button class="button quiet" on:click=move |_| store.close_report()>"Close"</button>
                </section>
            }
        })
    };
    view! {
        {unread}
        <OfferedFiles />
        <Show when=move || reports.opening.get() && !is_open.get()>
            <p class="panel dim" role="status">"Reading the report"</p>
        </Show>
        <Show when=move || is_open.get() fallback=|| view! { <h1 class="visually-hidden">"Reports"</h1> }>
            <OpenedReport />
        </Show>
        <History />
        <Ledgers />
        <div class="drop-zone small" data-testid="drop-zone">
            <p class="dim">"Somebody sent you a report? Drop report.json anywhere on the page to read it here. It stays in this browser."</p>
            <button class="button" on:click=move |_| open::choose(open::INPUT)>"Choose a file…"</button>
        </div>
    }
}
