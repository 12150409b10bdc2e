//! Values for `${NAME}` in the plan's headers: asked for here, kept in memory, never stored or shown.

use crate::state::store;
use leptos::prelude::*;

/// One password field for each name; nothing when the plan has none.
#[component]
pub fn Secrets() -> impl IntoView {
    let store = store();
    let names = Memo::new(move |_| store.check.with(|check| check.secret_names.clone()));
    view! {
        <Show when=move || !names.with(Vec::is_empty)>
            <section class="panel" aria-label="Secrets">
                <div class="panel-head"><h2>"Secrets"</h2><span class="dim">"kept in memory only"</span></div>
                // A form, so that password managers know where the field belongs; it is never sent anywhere.
                <form on:submit=|event| event.prevent_default()>
                    <For each=move || names.get() key=String::clone let:name>
                        <Secret name />
                    </For>
                </form>
            </section>
        </Show>
    }
}

#[component]
fn Secret(name: String) -> impl IntoView {
    let store = store();
    let id = format!("secret-{name}");
    let value = {
        let name = name.clone();
        move || store.secrets.with(|secrets| secrets.get(&name).cloned()).unwrap_or_default()
    };
    let set = {
        let name = name.clone();
        move |event| {
            let value = event_target_value(&event);
            store.secrets.update(|secrets| {
                secrets.insert(name.clone(), value);
            });
        }
    };
    let is_missing = {
        let name = name.clone();
        move || store.check.with(|check| check.missing_secrets.contains(&name))
    };
    view! {
        <div class="field-group">
            <label for=id.clone()><code>{name.clone()}</code></label>
            <input
                id=id.clone()
                class="input"
                type="password"
                autocomplete="off"
                data-testid=id
                aria-required="true"
                prop:value=value
                on:input=set
            />
            <Show when=is_missing><p class="means warn">"needed before a run"</p></Show>
        </div>
    }
}
