//! The way back: what a tombstone delete would cover, and the delete itself behind a confirmation that is typed.

use super::error_banner::ErrorCard;
use super::notes::Remarks;
use super::prose::Prose;
use crate::state::run::Inputs;
use crate::state::undo::{Undoing, confirms};
use crate::state::{format, store};
use leptos::ev;
use leptos::html::Dialog;
use leptos::prelude::*;
use tsink_migrate_engine::model::Window;
use tsink_migrate_engine::report::Undo;
use tsink_migrate_engine::run::Undone;

/// Selectors listed at most.
const MOST: usize = 200;

/// What taking back would cover; with `inputs`, it can be done from here.
#[component]
pub fn WayBack(
    /// What it would cover.
    undo: Undo,
    /// Plan and window of the run, where this is its page.
    inputs: Option<Inputs>,
) -> impl IntoView {
    let dialog = NodeRef::<Dialog>::new();
    let store = store();
    let open = move |_| {
        if let Some(dialog) = dialog.get_untracked() {
            let _ = dialog.show_modal();
        }
    };
    let action = inputs.map(|inputs| {
        let can = undo.url.is_some();
        view! {
            <div class="row">
                <button
                    class="button danger"
                    data-testid="undo"
                    disabled=move || !can || store.phase.get().is_busy()
                    on:click=open
                >
                    "Delete it at the target…"
                </button>
            </div>
            <Confirm undo=undo.clone() inputs dialog />
        }
    });
    let result = move || match store.undoing.get() {
        Undoing::Done(undone) => view! { <Result undone /> }.into_any(),
        Undoing::Failed(error) => view! {
            <div class="undo-failed" role="alert" data-testid="undo-failed"><ErrorCard error /></div>
        }
        .into_any(),
        _ => ().into_any(),
    };
    let is_live = action.is_some();
    view! {
        <section class="panel way-back" data-testid="way-back" aria-label="The way back">
            <div class="panel-head"><h2>"The way back"</h2></div>
            <p class="dim">"A tombstone delete at the target would cover:"</p>
            <Covers undo=undo.clone() />
            <Warnings lines=undo.warnings.clone() />
            {action}
            {is_live.then_some(result)}
        </section>
    }
}

/// Tenant, selectors, window, series.
#[component]
fn Covers(undo: Undo) -> impl IntoView {
    let window = Window { start_ms: undo.start_ms, end_ms: undo.end_ms };
    let series = undo.series.map_or_else(|| "not known".to_owned(), format::count);
    let more = undo.selectors.len().saturating_sub(MOST) as u64;
    let selectors = undo
        .selectors
        .into_iter()
        .take(MOST)
        .map(|one| view! { <li class="mono break">{one}</li> })
        .collect_view();
    let request = match undo.url {
        Some(url) => view! { <span class="mono break">{url}</span> }.into_any(),
        None => {
            view! { <span class="dim">"the plan's URLs do not tell where the admin API is"</span> }.into_any()
        }
    };
    view! {
        <dl class="facts">
            <div><dt>"tenant"</dt><dd class="mono break">{undo.tenant}</dd></div>
            <div>
                <dt>"selectors"</dt>
                <dd>
                    <ul class="undo-selectors">
                        {selectors}
                        {(more > 0).then(|| view! { <li class="dim">{format!("and {} more", format::count(more))}</li> })}
                    </ul>
                </dd>
            </div>
            <div><dt>"window"</dt><dd class="mono">{format::window(window)}</dd></div>
            <div><dt>"series there"</dt><dd>{series}</dd></div>
            <div><dt>"request"</dt><dd>{request}</dd></div>
        </dl>
    }
}

#[component]
fn Warnings(lines: Vec<String>) -> impl IntoView {
    let items = lines.into_iter().map(|line| view! { <li class="warn-text"><Prose text=line /></li> });
    view! { <ul class="remarks">{items.collect_view()}</ul> }
}

/// The dialog. It stays open, and nothing else can be pressed, until the target has answered.
#[component]
fn Confirm(undo: Undo, inputs: Inputs, dialog: NodeRef<Dialog>) -> impl IntoView {
    let store = store();
    let typed = RwSignal::new(String::new());
    let is_running = move || store.undoing.get() == Undoing::Running;
    let phrase = StoredValue::new(undo.confirmation.clone());
    let fits = Memo::new(move |_| typed.with(|typed| phrase.with_value(|phrase| confirms(typed, phrase))));
    let close = move || {
        typed.set(String::new());
        if let Some(dialog) = dialog.get_untracked() {
            dialog.close();
        }
    };
    Effect::new(move |before: Option<bool>| {
        let now = is_running();
        // The answer is told on the page, with what to do.
        if before == Some(true) && !now {
            close();
        }
        now
    });
    let submit = move |event: ev::SubmitEvent| {
        event.prevent_default();
        if fits.get_untracked() && store.undoing.get_untracked() != Undoing::Running {
            store.undo(inputs.clone(), typed.get_untracked());
        }
    };
    let cancel = move |event: web_sys::Event| {
        if store.undoing.get_untracked() == Undoing::Running {
            event.prevent_default();
        } else {
            typed.set(String::new());
        }
    };
    view! {
        <dialog class="dialog" node_ref=dialog aria-labelledby="undo-title" data-testid="undo-dialog" on:cancel=cancel>
            <form on:submit=submit>
                <h2 id="undo-title">"Delete this at the target?"</h2>
                <p>
                    "tsink hides every sample of these selectors in this window for good, whoever wrote it."
                </p>
                <Covers undo=undo.clone() />
                <Warnings lines=undo.warnings.clone() />
                <label class="field-group">
                    <span>"To confirm, type " <code data-testid="undo-phrase">{undo.confirmation.clone()}</code></span>
                    <input
                        class="input mono"
                        autocomplete="off"
                        spellcheck="false"
                        data-testid="undo-typed"
                        disabled=is_running
                        prop:value=move || typed.get()
                        on:input=move |event| typed.set(event_target_value(&event))
                    />
                </label>
                <div class="row">
                    <button
                        class="button danger solid"
                        type="submit"
                        data-testid="undo-confirm"
                        disabled=move || !fits.get() || is_running()
                    >
                        {move || if is_running() { "Deleting…" } else { "Delete at the target" }}
                    </button>
                    <button
                        class="button"
                        type="button"
                        data-testid="undo-cancel"
                        disabled=is_running
                        on:click=move |_| close()
                    >
                        "Keep it"
                    </button>
                </div>
            </form>
        </dialog>
    }
}

/// What the target did.
#[component]
fn Result(undone: Undone) -> impl IntoView {
    let left = (undone.rows_left > 0).then(|| {
        let words = format!(
            "The target still shows {} of these selectors in this window. Look whether somebody writes them, then check again.",
            format::counted(undone.rows_left, "row", "rows")
        );
        vec![words]
    });
    let window = Window { start_ms: undone.start_ms, end_ms: undone.end_ms };
    view! {
        <div class="undone" role="status" data-testid="undone" data-left=undone.rows_left.to_string()>
            <p class="headline">
                {format!(
                    "Deleted: {} of tenant {} in {}, with {}.",
                    format::counted(undone.matched_series, "series", "series"),
                    undone.tenant,
                    format::window(window),
                    format::counted(undone.tombstones, "tombstone", "tombstones"),
                )}
            </p>
            {left.map(|lines| view! { <Remarks title="What is left" lines /> })}
        </div>
    }
}
