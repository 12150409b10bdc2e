//! Queries that the cutover check compares.

use super::{Form, form};
use leptos::prelude::*;
use tsink_migrate_engine::plan::DraftPromqlCheck;

/// The list.
#[component]
pub fn Queries() -> impl IntoView {
    let form = form();
    let checks = Memo::new(move |_| form.get(|draft| draft.promql_checks.clone()));
    let count = Memo::new(move |_| checks.with(Vec::len));
    let rows = move || (0..count.get()).map(|at| view! { <Row form checks at /> }).collect_view();
    view! {
        <div class="list">
            <h3>"Queries to compare before cutover"</h3>
            {rows}
            <div class="row">
                <button
                    class="button small"
                    type="button"
                    data-testid="form-add-query"
                    on:click=move |_| form.edit(|draft| {
                        let mut check = DraftPromqlCheck::default();
                        check.step = "30s".to_owned();
                        draft.promql_checks.push(check);
                    })
                >
                    "Add a query"
                </button>
            </div>
        </div>
    }
}

#[component]
fn Row(form: Form, checks: Memo<Vec<DraftPromqlCheck>>, at: usize) -> impl IntoView {
    let query = move || checks.with(|list| list.get(at).map(|check| check.query.clone())).unwrap_or_default();
    let step = move || checks.with(|list| list.get(at).map(|check| check.step.clone())).unwrap_or_default();
    let edit = move |change: &dyn Fn(&mut DraftPromqlCheck)| {
        form.edit(|draft| {
            if let Some(check) = draft.promql_checks.get_mut(at) {
                change(check);
            }
        });
    };
    let remove = move |_| {
        form.edit(|draft| {
            if at < draft.promql_checks.len() {
                draft.promql_checks.remove(at);
            }
        });
    };
    view! {
        <div class="pair query">
            <input
                class="input mono"
                aria-label="Query"
                placeholder="sum by (job) (rate(http_requests_total[5m]))"
                autocomplete="off"
                spellcheck="false"
                prop:value=query
                on:input=move |event| edit(&|check| check.query = event_target_value(&event))
            />
            <input
                class="input mono"
                aria-label="Step"
                placeholder="30s"
                autocomplete="off"
                spellcheck="false"
                prop:value=step
                on:input=move |event| edit(&|check| check.step = event_target_value(&event))
            />
            <button class="button small quiet" type="button" aria-label="Remove this query" on:click=remove>"Remove"</button>
        </div>
    }
}
