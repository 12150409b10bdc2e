//! What the target refused, or what could not be read or written.

use super::error_banner::ErrorCard;
use super::pill::{Pill, Tone};
use crate::state::format;
use leptos::prelude::*;
use tsink_migrate_engine::report::Rejection;

/// The list; nothing when there is nothing.
#[component]
pub fn Rejections(
    /// Rejections, capped by the engine.
    list: Vec<Rejection>,
    /// How many more there were.
    omitted: u64,
) -> impl IntoView {
    (!list.is_empty()).then(|| {
        let total = (list.len() as u64).saturating_add(omitted);
        let rows = list.into_iter().map(row).collect_view();
        view! {
            <section class="panel" data-testid="rejections" aria-label="Not copied">
                <div class="panel-head"><h2>"Not copied"</h2><span class="dim">{format::counted(total, "part", "parts")}</span></div>
                <table class="table stacked">
                    <thead>
                        <tr>
                            <th scope="col">"why"</th>
                            <th scope="col">"where"</th>
                            <th scope="col" class="num">"rows"</th>
                            <th scope="col">"what happened, what to do"</th>
                        </tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </table>
                {(omitted > 0).then(|| view! {
                    <p class="dim">{format!("and {} more; the balance counts all of them", format::count(omitted))}</p>
                })}
            </section>
        }
    })
}

fn row(rejection: Rejection) -> impl IntoView {
    let place = rejection.series.first().cloned().or(rejection.selector).unwrap_or_default();
    let others = rejection.series.len().saturating_sub(1);
    let when = match (rejection.first_ms, rejection.last_ms) {
        (Some(first), Some(last)) => Some(format::span(first, last)),
        (Some(only), None) | (None, Some(only)) => Some(format::instant(only)),
        (None, None) => None,
    };
    let rows = if rejection.rows > 0 { format::count(rejection.rows) } else { "–".to_owned() };
    view! {
        <tr>
            <td data-label="why"><Pill tone=Tone::Bad word=rejection.reason.replace('_', " ") /></td>
            <td data-label="where">
                <p class="mono break">{place}</p>
                {(others > 0).then(|| view! { <p class="dim small">{format!("and {others} more series")}</p> })}
                {when.map(|when| view! { <p class="mono dim small">{when}</p> })}
            </td>
            <td data-label="rows" class="num">{rows}</td>
            <td data-label="what happened"><ErrorCard error=rejection.error /></td>
        </tr>
    }
}
