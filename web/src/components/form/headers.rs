//! Headers of one server. Values may be `${NAME}`: then the page asks for them, and the plan can be shared.

use super::{Form, form};
use crate::state::endpoints::token_header;
use leptos::prelude::*;
use tsink_migrate_engine::plan::{Draft, DraftHeader};

fn of(draft: &mut Draft, is_source: bool) -> &mut Vec<DraftHeader> {
    if is_source { &mut draft.source.headers } else { &mut draft.target.headers }
}

/// The list.
#[component]
pub fn Headers(is_source: bool) -> impl IntoView {
    let form = form();
    let headers = Memo::new(move |_| {
        form.get(|draft| if is_source { draft.source.headers.clone() } else { draft.target.headers.clone() })
    });
    let count = Memo::new(move |_| headers.with(Vec::len));
    let rows = move || (0..count.get()).map(|at| view! { <Row form headers at is_source /> }).collect_view();
    let has_token = move || {
        headers.with(|list| list.iter().any(|header| header.name.eq_ignore_ascii_case("authorization")))
    };
    let secret = if is_source { "SOURCE_TOKEN" } else { "TARGET_TOKEN" };
    view! {
        <div class="list">
            {rows}
            <div class="row">
                <button
                    class="button small"
                    type="button"
                    disabled=has_token
                    data-testid=if is_source { "form-source-token" } else { "form-target-token" }
                    on:click=move |_| form.edit(|draft| of(draft, is_source).push(token_header(secret)))
                >
                    "Add a token"
                </button>
                <button
                    class="button small"
                    type="button"
                    on:click=move |_| form.edit(|draft| {
                        let list = of(draft, is_source);
                        let name = format!("X-Header-{}", list.len() + 1);
                        list.push(DraftHeader { name, value: String::new() });
                    })
                >
                    "Add a header"
                </button>
            </div>
        </div>
    }
}

#[component]
fn Row(form: Form, headers: Memo<Vec<DraftHeader>>, at: usize, is_source: bool) -> impl IntoView {
    let name =
        move || headers.with(|list| list.get(at).map(|header| header.name.clone())).unwrap_or_default();
    let value =
        move || headers.with(|list| list.get(at).map(|header| header.value.clone())).unwrap_or_default();
    let edit = move |change: &dyn Fn(&mut DraftHeader)| {
        form.edit(|draft| {
            if let Some(header) = of(draft, is_source).get_mut(at) {
                change(header);
            }
        });
    };
    let remove = move |_| {
        form.edit(|draft| {
            let list = of(draft, is_source);
            if at < list.len() {
                list.remove(at);
            }
        });
    };
    view! {
        <div class="pair">
            <input
                class="input mono"
                aria-label="Header name"
                autocomplete="off"
                spellcheck="false"
                prop:value=name
                // On leaving the field: names are sorted, and a row must not run away while it is typed.
                on:change=move |event| edit(&|header| header.name = event_target_value(&event))
            />
            <input
                class="input mono"
                aria-label="Header value"
                placeholder="Bearer ${NAME}"
                autocomplete="off"
                spellcheck="false"
                prop:value=value
                on:input=move |event| edit(&|header| header.value = event_target_value(&event))
            />
            <button class="button small quiet" type="button" aria-label=move || format!("Remove {}", name()) on:click=remove>
                "Remove"
            </button>
        </div>
    }
}
