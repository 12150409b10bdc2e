//! What was found in the plan, while it is being written.

use super::editor::put_caret;
use super::pill::{Mark, Tone};
use super::prose::Prose;
use crate::browser;
use crate::state::store;
use leptos::prelude::*;
use tsink_migrate_engine::plan::{Diagnostic, Severity};

/// Findings drawn at most.
const MOST: usize = 100;

/// Findings in text order; choosing one puts the caret there.
#[component]
pub fn Diagnostics() -> impl IntoView {
    let store = store();
    let list = move || {
        store.check.with(|check| {
            let more = check.diagnostics.len().saturating_sub(MOST);
            let items = check.diagnostics.iter().take(MOST).cloned().map(item).collect_view();
            (!check.diagnostics.is_empty()).then(|| {
                view! {
                    <ol class="diagnostics">
                        {items}
                        {(more > 0).then(|| view! { <li class="dim">{format!("and {more} more")}</li> })}
                    </ol>
                }
            })
        })
    };
    let is_clean =
        move || store.check.with(|check| check.diagnostics.is_empty()) && !store.text.with(String::is_empty);
    view! {
        <div id="plan-problems" tabindex="-1" data-testid="diagnostics" aria-label="Findings in the plan" role="group">
            {list}
            <Show when=is_clean>
                <p class="dim clean">
                    {move || if store.checking.get() { "Checking…" } else { "Nothing to mend." }}
                </p>
            </Show>
        </div>
    }
}

fn item(found: Diagnostic) -> impl IntoView {
    let store = store();
    let (tone, word) = match found.severity {
        Severity::Error => (Tone::Bad, "error"),
        Severity::Warning => (Tone::Warn, "warning"),
    };
    let place = if found.line > 0 {
        format!("line {}, column {}", found.line, found.column)
    } else if found.path.starts_with("window") {
        "window".to_owned()
    } else {
        String::new()
    };
    let (line, column, path) = (found.line, found.column, found.path.clone());
    let go = move |_| {
        if line > 0 {
            store.form.set(false);
            request_animation_frame(move || put_caret(line, column));
        } else {
            browser::focus(if path == "window.end" { "window-end" } else { "window-start" });
        }
    };
    let severity = word;
    view! {
        <li data-severity=severity>
            <button class="finding" on:click=go>
                <Mark tone word />
                <span class="mono place">{place}</span>
                <span class="what">
                    {(!found.path.is_empty()).then(|| view! { <code>{found.path.clone()}</code> " " })}
                    <Prose text=found.message.clone() />
                    {(!found.remedy.is_empty()).then(|| view! { <span class="dim">" " <Prose text=found.remedy.clone() /></span> })}
                </span>
            </button>
        </li>
    }
}
