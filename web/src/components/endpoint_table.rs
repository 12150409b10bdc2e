//! The preflight's table: every endpoint that the plan needs, grouped by server.

use super::error_banner::ErrorCard;
use super::pill::{Mark, of_level};
use super::prose::Prose;
use crate::state::run::Part;
use crate::state::{format, store};
use leptos::prelude::*;
use tsink_migrate_engine::Side;
use tsink_migrate_engine::report::EndpointCheck;

/// The table; fills while the preflight runs.
#[component]
pub fn EndpointTable() -> impl IntoView {
    let store = store();
    let rows = Memo::new(move |_| store.read(&[Part::Preflight, Part::Stages], |run| run.endpoints.clone()));
    let versions = Memo::new(move |_| {
        store.read(&[Part::Preflight], |run| {
            let report = run.preflight.as_ref();
            report.map(|report| (report.source_version.clone(), report.target_version.clone()))
        })
    });
    view! { <Endpoints rows versions=Signal::derive(move || versions.get().unwrap_or_default()) /> }
}

/// A table of endpoints; nothing when there is none.
#[component]
pub fn Endpoints(
    /// Endpoints.
    #[prop(into)]
    rows: Signal<Vec<EndpointCheck>>,
    /// Versions of source and target, where they are known.
    #[prop(into)]
    versions: Signal<(Option<String>, Option<String>)>,
) -> impl IntoView {
    let group = move |side: Side| {
        rows.with(|rows| {
            let own: Vec<EndpointCheck> = rows.iter().filter(|row| row.side == side).cloned().collect();
            (!own.is_empty()).then(|| view! { <Group side rows=own versions /> })
        })
    };
    view! {
        <Show when=move || !rows.with(Vec::is_empty)>
            <section class="panel" aria-label="Endpoints">
                <div class="panel-head"><h2>"Endpoints"</h2></div>
                <table class="table stacked" data-testid="endpoint-table">
                    <thead>
                        <tr>
                            <th scope="col">"state"</th>
                            <th scope="col">"for"</th>
                            <th scope="col">"address"</th>
                            <th scope="col" class="num">"status"</th>
                            <th scope="col" class="num">"time"</th>
                            <th scope="col">"found"</th>
                        </tr>
                    </thead>
                    {move || group(Side::Source)}
                    {move || group(Side::Target)}
                </table>
            </section>
        </Show>
    }
}

#[component]
fn Group(
    side: Side,
    rows: Vec<EndpointCheck>,
    versions: Signal<(Option<String>, Option<String>)>,
) -> impl IntoView {
    let version = move || {
        versions.with(|(source, target)| if side == Side::Source { source.clone() } else { target.clone() })
    };
    let name = if side == Side::Source { "Source" } else { "Target" };
    view! {
        <tbody>
            <tr class="group">
                <th colspan="6" scope="rowgroup">{name}<span class="dim">{move || version().map(|words| format!("  {words}"))}</span></th>
            </tr>
            {draw_rows(rows)}
        </tbody>
    }
}

/// Rows in order. Where one fails as the one before did, it says so and does not repeat what to do.
fn draw_rows(rows: Vec<EndpointCheck>) -> impl IntoView {
    let mut before = None;
    let rows: Vec<_> = rows
        .into_iter()
        .map(|check| {
            let now = check.error.as_ref().map(|error| (error.message.clone(), error.remedy.clone()));
            let repeats = now.is_some() && now == before;
            before = now.or(before.take());
            (check, repeats)
        })
        .collect();
    rows.into_iter().map(|(check, repeats)| row(check, repeats)).collect_view()
}

fn row(check: EndpointCheck, repeats: bool) -> impl IntoView {
    let (tone, word) = of_level(check.level);
    let status = check.status.map_or_else(|| "–".to_owned(), |status| status.to_string());
    let time = check.latency_ms.map_or_else(|| "–".to_owned(), format::duration);
    let found = match check.error {
        Some(_) if repeats => view! { <span class="dim">"the same as above"</span> }.into_any(),
        Some(error) => view! { <ErrorCard error brief=true /> }.into_any(),
        None => view! { <span><Prose text=check.message /></span> }.into_any(),
    };
    view! {
        <tr data-level=word data-endpoint=format!("{}.{}", check.side, check.name)>
            <td data-label="state"><Mark tone word /></td>
            <td data-label="for">{check.purpose}</td>
            <td data-label="address" class="mono break">{check.url}</td>
            <td data-label="status" class="num">{status}</td>
            <td data-label="time" class="num">{time}</td>
            <td data-label="found">{found}</td>
        </tr>
    }
}
