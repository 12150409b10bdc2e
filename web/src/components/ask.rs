//! A token expired in mid-run: a dialog that asks for another one. Put aside it stays as a line on top of the page,
//! with what was typed.

use super::error_banner::ErrorCard;
use crate::state::run::{Asked, Part};
use crate::state::steering::{Field, fields};
use crate::state::view::View;
use crate::state::{Phase, store};
use leptos::html::Dialog;
use leptos::prelude::*;
use tsink_migrate_engine::Side;

/// The line and the dialog; nothing while no token is asked for.
#[component]
pub fn AskForToken() -> impl IntoView {
    let store = store();
    let asked = Memo::new(move |_| store.read(&[Part::Steering, Part::Stages], |run| run.asked.clone()));
    let is_asked = move || asked.with(Option::is_some) && store.phase.get() != Phase::Cancelling;
    let aside = move || {
        let side = asked.with(|asked| asked.as_ref().map(|asked| asked.side));
        side.filter(|_| !store.renewal.is_open.get()).map(|side| {
            let words = if store.renewal.is_tried.get() {
                format!("The new token for the {side} is being tried.")
            } else {
                format!("The run waits for a new token for the {side}.")
            };
            view! {
                <section class="panel ask-line" role="status" data-testid="ask-line">
                    <p>{words}</p>
                    <button class="button primary push" data-testid="ask-open" on:click=move |_| store.renewal.is_open.set(true)>
                        "Enter it…"
                    </button>
                </section>
            }
        })
    };
    let dialog = move || {
        let asked = asked.get()?;
        store.renewal.is_open.get().then(|| view! { <Ask asked /> })
    };
    view! { <Show when=is_asked>{aside}{dialog}</Show> }
}

#[component]
fn Ask(asked: Asked) -> impl IntoView {
    let store = store();
    let renewal = store.renewal;
    let place = NodeRef::<Dialog>::new();
    Effect::new(move || {
        if let Some(dialog) = place.get()
            && !dialog.open()
        {
            // Modal: the browser keeps the focus in it and gives it back.
            let _ = dialog.show_modal();
        }
    });
    let Asked { side, error } = asked;
    let list = untrack(|| store.text.with(|text| fields(text, side)));
    let is_readable = list.is_some();
    let list = list.unwrap_or_else(|| {
        let names = store.check.with_untracked(|check| check.secret_names.clone());
        names.into_iter().map(Field::Secret).collect()
    });
    let has_fields = !list.is_empty();
    let is_plain = list.iter().any(|field| matches!(field, Field::Header(_)));
    let inputs = list.into_iter().enumerate().map(|(at, field)| input(at, field)).collect_view();
    // What was edited in the plan's text counts as well.
    let is_edited = move || {
        let text = store.text.get();
        store.read(&[], |run| run.current.is_some_and(|stage| run.stage(stage).inputs.text != text))
    };
    let is_empty = move || renewal.typed.with(|typed| typed.values().all(String::is_empty)) && !is_edited();
    let go_on = move |event: web_sys::SubmitEvent| {
        event.prevent_default();
        if !is_empty() || !has_fields {
            store.renew(side);
        }
    };
    let put_aside = move || renewal.is_open.set(false);
    let to_plan = move |_| {
        put_aside();
        store.go(View::Plan);
    };
    let in_plan = !has_fields || !is_readable || is_plain;
    let hint = match (has_fields, is_readable, is_plain) {
        (false, true, _) => Some(format!(
            "The plan sends no header to the {side}. Add one to the plan's text, then go on."
        )),
        (_, false, _) => Some("The value may stand in the plan's text: edit it there, then go on.".to_owned()),
        (true, true, true) => Some(
            "A header whose value stands in the plan's text is replaced there, on this page only. Leave a field empty to keep what it has.".to_owned(),
        ),
        _ => None,
    };
    view! {
        <dialog
            class="ask"
            node_ref=place
            data-testid="ask"
            aria-labelledby="ask-title"
            aria-describedby="ask-why"
            on:cancel=move |event: leptos::ev::Event| {
                // Escape puts it aside; it does not answer.
                event.prevent_default();
                put_aside();
            }
        >
            <form method="dialog" on:submit=go_on>
                <h2 id="ask-title">{format!("A new token for the {}", name(side))}</h2>
                <p class="dim">"It refuses the one that it took before. The run is held; nothing is lost."</p>
                <div id="ask-why"><ErrorCard error /></div>
                {inputs}
                {hint.map(|words| view! { <p class="means">{words}</p> })}
                <p class="means">"Kept in memory only, and sent to this server alone."</p>
                <div class="ask-actions">
                    <button class="button quiet" type="button" data-testid="ask-cancel-run" on:click=move |_| store.cancel()>"Cancel the run"</button>
                    {in_plan.then(|| view! {
                        <button class="button quiet" type="button" data-testid="ask-plan" on:click=to_plan>"Edit the plan"</button>
                    })}
                    <button class="button push" type="button" data-testid="ask-aside" on:click=move |_| put_aside()>"Later"</button>
                    <button class="button primary" type="submit" data-testid="ask-go-on" disabled=move || has_fields && is_readable && is_empty()>
                        "Go on"
                    </button>
                </div>
            </form>
        </dialog>
    }
}

fn input(at: usize, field: Field) -> impl IntoView {
    let typed = store().renewal.typed;
    let key = field.key();
    let value = {
        let key = key.clone();
        move || typed.with(|typed| typed.get(&key).cloned()).unwrap_or_default()
    };
    let set = move |event| {
        let value = event_target_value(&event);
        typed.update(|typed| {
            typed.insert(key.clone(), value);
        });
    };
    let id = format!("ask-field-{at}");
    let note = match &field {
        Field::Secret(_) => None,
        Field::Header(_) => Some(view! { <span class="dim">" header, whole value"</span> }),
    };
    view! {
        <div class="field-group">
            <label for=id.clone()><code>{field.name().to_owned()}</code>{note}</label>
            <input
                id=id.clone()
                class="input"
                type="password"
                autocomplete="off"
                autofocus=at == 0
                data-testid=id
                prop:value=value
                on:input=set
            />
        </div>
    }
}

fn name(side: Side) -> &'static str {
    match side {
        Side::Source => "source",
        Side::Target => "target",
    }
}
