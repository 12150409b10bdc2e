//! The plan as a form, for those who do not write JSON. It edits the same text: what the form has no field
//! for stays as it is.

mod headers;
mod limits;
mod queries;
mod recorded;

use crate::components::field::Field;
use crate::state::{endpoints, store};
use headers::Headers;
use leptos::prelude::*;
use limits::Limits;
use queries::Queries;
use recorded::Recorded;
use tsink_migrate_engine::plan::{Draft, SourceKind};

/// The plan as the form sees it; none while the text is not JSON.
#[derive(Clone, Copy)]
struct Form(Memo<Option<Draft>>);

impl Form {
    fn get<T: Default>(self, read: impl FnOnce(&Draft) -> T) -> T {
        self.0.with(|draft| draft.as_ref().map(read)).unwrap_or_default()
    }

    fn edit(self, edit: impl FnOnce(&mut Draft)) {
        store().edit(edit);
    }
}

/// The form.
#[component]
pub fn PlanForm() -> impl IntoView {
    let store = store();
    let form = Form(Memo::new(move |_| store.text.with(|text| Draft::from_text(text))));
    provide_context(form);
    let is_readable = Memo::new(move |_| form.0.with(Option::is_some));
    let is_recorded = Memo::new(move |_| store.wanted.with(|wanted| wanted.kind.is_some()));
    let is_locked = move || store.phase.get().is_busy();
    view! {
        <Show
            when=move || is_readable.get()
            fallback=|| view! {
                <p class="empty">"The text is not valid JSON, or names a field twice. Mend it under Text first; the form follows."</p>
            }
        >
            <form class="form" data-testid="plan-form" on:submit=|event| event.prevent_default()>
                <fieldset disabled=is_locked>
                    <div class="form-columns">
                        <Show when=move || is_recorded.get() fallback=|| view! { <Source /> }><Recorded /></Show>
                        <Target />
                    </div>
                    <Selectors />
                    // A recording answers no queries.
                    <Show when=move || !is_recorded.get()><Queries /></Show>
                    <Limits />
                </fieldset>
            </form>
        </Show>
    }
}

fn form() -> Form {
    expect_context()
}

#[component]
fn Source() -> impl IntoView {
    let form = form();
    let base = Memo::new(move |_| form.get(endpoints::source_base));
    let metadata = move || form.get(endpoints::moves_metadata);
    let exemplars = move || form.get(endpoints::moves_exemplars);
    let is_odd = move || base.with(Option::is_none);
    let is_victoria = Memo::new(move |_| form.get(endpoints::is_victoria));
    let kinds = [(SourceKind::Prometheus, "Prometheus"), (SourceKind::VictoriaMetrics, "VictoriaMetrics")];
    let options = move || {
        kinds.map(|(kind, title)| {
            let is_selected = move || is_victoria.get() == (kind == SourceKind::VictoriaMetrics);
            view! { <option value=kind.as_str() selected=is_selected>{title}</option> }
        })
    };
    let choose = move |event| {
        let word = event_target_value(&event);
        if let Some((kind, _)) = kinds.into_iter().find(|(kind, _)| kind.as_str() == word) {
            form.edit(|draft| endpoints::set_source_kind(draft, kind));
        }
    };
    let hint = move || {
        if is_victoria.get() {
            "http://victoria:8428 or /victoria"
        } else {
            "http://prometheus:9090 or /prometheus"
        }
    };
    view! {
        <div class="group">
            <h3>"Source"</h3>
            <div class="field-group">
                <label for="source-kind">"Kind"</label>
                <select
                    id="source-kind"
                    class="input"
                    data-testid="form-source-kind"
                    disabled=is_odd
                    on:change=choose
                >
                    {options}
                </select>
            </div>
            <Base
                id="source-base"
                hint=Signal::derive(hint)
                base
                set=|draft: &mut Draft, base: &str| endpoints::set_source(draft, base)
            />
            <label class="check">
                <input
                    type="checkbox"
                    data-testid="form-metadata"
                    disabled=is_odd
                    prop:checked=metadata
                    on:change=move |event| form.edit(|draft| endpoints::set_metadata(draft, event_target_checked(&event)))
                />
                "Metadata (type, help, unit)"
            </label>
            // VictoriaMetrics keeps none.
            <Show when=move || !is_victoria.get()>
                <label class="check">
                    <input
                        type="checkbox"
                        data-testid="form-exemplars"
                        disabled=is_odd
                        prop:checked=exemplars
                        on:change=move |event| form.edit(|draft| endpoints::set_exemplars(draft, event_target_checked(&event)))
                    />
                    "Exemplars"
                </label>
            </Show>
            <Headers is_source=true />
        </div>
    }
}

#[component]
fn Target() -> impl IntoView {
    let form = form();
    let base = Memo::new(move |_| form.get(endpoints::target_base));
    view! {
        <div class="group">
            <h3>"Target: tsink"</h3>
            <Base
                id="target-base"
                hint=Signal::stored("http://tsink:9201 or /tsink")
                base
                set=|draft: &mut Draft, base: &str| endpoints::set_target(draft, base)
            />
            <Field
                id="tenant"
                testid="form-tenant"
                label="Tenant"
                value=Signal::derive(move || form.get(|draft| draft.target.tenant.clone()))
                placeholder="default"
                on_input=Callback::new(move |event| {
                    form.edit(|draft| draft.target.tenant = event_target_value(&event));
                })
            />
            <Headers is_source=false />
        </div>
    }
}

/// One URL for all endpoints of a server, as long as they lie in their usual places.
#[component]
fn Base(
    id: &'static str,
    hint: Signal<&'static str>,
    base: Memo<Option<String>>,
    set: fn(&mut Draft, &str),
) -> impl IntoView {
    let form = form();
    let is_odd = Signal::derive(move || base.with(Option::is_none));
    let means = Signal::derive(move || {
        if is_odd.get() {
            "Its endpoints lie in places of their own: edit them under Text.".to_owned()
        } else {
            format!("As this page's browser reaches it: {}", hint.get())
        }
    });
    view! {
        <Field
            id
            testid=format!("form-{id}")
            label="Address"
            value=Signal::derive(move || base.get().unwrap_or_default())
            placeholder=Signal::derive(move || hint.get().to_owned())
            means
            disabled=is_odd
            on_input=Callback::new(move |event| form.edit(|draft| set(draft, &event_target_value(&event))))
        />
    }
}

#[component]
fn Selectors() -> impl IntoView {
    let form = form();
    let list = Memo::new(move |_| form.get(|draft| draft.selectors.clone()));
    // What is typed keeps its blank lines; the plan has none.
    let typed = RwSignal::new(String::new());
    Effect::new(move || {
        let list = list.get();
        if endpoints::lines(&typed.get_untracked()) != list {
            typed.set(list.join("\n"));
        }
    });
    let rows = move || typed.with(|typed| typed.split('\n').count().clamp(3, 12).to_string());
    view! {
        <div class="field-group">
            <label for="selectors">"Selectors, one a line"</label>
            <textarea
                id="selectors"
                class="input mono"
                data-testid="form-selectors"
                rows=rows
                wrap="off"
                spellcheck="false"
                autocomplete="off"
                placeholder="http_requests_total{job=\"api\"}"
                prop:value=move || typed.get()
                on:input=move |event| {
                    let text = event_target_value(&event);
                    let list = endpoints::lines(&text);
                    typed.set(text);
                    form.edit(|draft| draft.selectors = list);
                }
            ></textarea>
            <p class="means">"PromQL selectors: a metric name, or a name with matchers (=, !=, =~, !~)."</p>
        </div>
    }
}
