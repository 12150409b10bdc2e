//! What the plan leaves to its defaults.

use crate::state::store;
use leptos::prelude::*;

/// Defaults that count, folded away.
#[component]
pub fn Defaults() -> impl IntoView {
    let store = store();
    let defaults = Memo::new(move |_| {
        store
            .check
            .with(|check| check.summary.as_ref().map(|summary| summary.defaults.clone()))
            .unwrap_or_default()
    });
    let items = move || {
        defaults
            .get()
            .into_iter()
            .map(|text| {
                let (path, value) = text.split_once(' ').unwrap_or((text.as_str(), ""));
                view! { <div><dt class="mono">{path.to_owned()}</dt><dd class="mono">{value.to_owned()}</dd></div> }
            })
            .collect_view()
    };
    view! {
        <Show when=move || !defaults.with(Vec::is_empty)>
            <details class="panel fold" data-testid="defaults">
                <summary>
                    <h2>"Defaults"</h2>
                    <span class="dim">{move || format!("{} fields are not in the plan", defaults.with(Vec::len))}</span>
                </summary>
                <dl class="facts wide">{items}</dl>
            </details>
        </Show>
    }
}
