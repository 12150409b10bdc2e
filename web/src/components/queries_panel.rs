//! Queries of a dashboard or a rules file, to be taken into the plan.

use super::error_banner::ErrorCard;
use super::pager::{Pager, shown};
use super::pill::{Pill, Tone};
use super::prose::Prose;
use crate::state::queries::{Queries, has};
use crate::state::{format, store};
use leptos::prelude::*;
use tsink_migrate_engine::import::{Import, ImportKind, ImportedQuery, SkippedQuery, Variable};
use tsink_migrate_engine::plan::{Draft, DraftPromqlCheck};

/// Queries on a page.
const ROWS: usize = 25;

/// The file that was dropped; nothing when there is none.
#[component]
pub fn QueriesPanel() -> impl IntoView {
    let store = store();
    let queries = store.queries;
    // A window that changes changes what stands for `$__range` and for intervals.
    let window =
        Memo::new(move |_| store.check.with(|check| check.window.map(|one| one.end_ms - one.start_ms)));
    Effect::new(move |before: Option<Option<i64>>| {
        let now = window.get();
        if before.is_some_and(|before| before != now) {
            store.ask_queries();
        }
        now
    });
    let is_open = Memo::new(move |_| queries.with(Queries::is_open));
    let body = Memo::new(move |_| queries.with(|queries| (queries.import.clone(), queries.error.clone())));
    let drawn = move || match body.get() {
        (Some(import), _) => view! { <Body import /> }.into_any(),
        (None, Some(error)) => view! { <ErrorCard error /> }.into_any(),
        (None, None) => view! { <p class="dim" role="status">"Reading the queries."</p> }.into_any(),
    };
    view! {
        <Show when=move || is_open.get()>
            <section class="panel queries" data-testid="queries" aria-label="Queries of a file">
                <div class="panel-head">
                    <h2>"Queries of "<span class="mono">{move || queries.with(|queries| queries.name.clone())}</span></h2>
                    <button
                        class="button quiet push"
                        aria-label="Close the queries"
                        data-testid="close-queries"
                        on:click=move |_| store.close_queries()
                    >
                        "Close"
                    </button>
                </div>
                {drawn}
            </section>
        </Show>
    }
}

#[component]
fn Body(import: Import) -> impl IntoView {
    let kind = match import.kind {
        ImportKind::GrafanaDashboard => "Grafana dashboard",
        ImportKind::PrometheusRules => "Prometheus rules",
    };
    let title = if import.title.is_empty() { kind.to_owned() } else { format!("{kind}: {}", import.title) };
    let skipped = import.skipped;
    view! {
        <p class="dim">{title} ". The cutover check compares what these queries answer on both sides."</p>
        <Variables variables=import.variables />
        <Found queries=import.queries />
        <Skipped skipped />
    }
}

/// Variables, with a say in those that the file leaves open.
#[component]
fn Variables(variables: Vec<Variable>) -> impl IntoView {
    let store = store();
    (!variables.is_empty()).then(|| {
        let rows = variables.into_iter().enumerate().map(|(at, one)| {
            let name = StoredValue::new(one.name.clone());
            let field = if one.can_choose {
                let list = format!("variable-options-{at}");
                let options = one.options.iter().take(200).map(|option| view! { <option value=option.clone()></option> });
                view! {
                    <input
                        class="input mono"
                        aria-label=format!("Value of {}", one.name)
                        autocomplete="off"
                        spellcheck="false"
                        list=list.clone()
                        data-testid=format!("variable-{}", one.name)
                        prop:value=one.value.clone()
                        on:change=move |event| {
                            store.choose_variable(name.get_value(), event_target_value(&event));
                        }
                    />
                    <datalist id=list>{options.collect_view()}</datalist>
                }
                .into_any()
            } else {
                view! { <span class="mono break">{one.value.clone()}</span> }.into_any()
            };
            view! {
                <tr>
                    <td data-label="variable" class="mono">{format!("${}", one.name)}</td>
                    <td data-label="value">{field}</td>
                    <td data-label="why" class="dim"><Prose text=one.reason /></td>
                </tr>
            }
        });
        view! {
            <table class="table stacked" data-testid="variables">
                <thead>
                    <tr><th scope="col">"variable"</th><th scope="col">"value"</th><th scope="col">"why"</th></tr>
                </thead>
                <tbody>{rows.collect_view()}</tbody>
            </table>
        }
    })
}

#[component]
fn Found(queries: Vec<ImportedQuery>) -> impl IntoView {
    let store = store();
    if queries.is_empty() {
        return view! { <p>"There is no query in it that can be compared."</p> }.into_any();
    }
    let all = queries.len();
    let page = RwSignal::new(0);
    let there =
        Memo::new(move |_| store.text.with(|text| Draft::from_text(text).map(|draft| draft.promql_checks)));
    let rows = move || {
        shown(&queries, page.get(), ROWS).iter().map(|query| row(query.clone(), there)).collect_view()
    };
    let ticked = Memo::new(move |_| {
        let ticked = store.queries.with(Queries::ticked);
        let is_new = |query: &&ImportedQuery| {
            there.with(|there| there.as_ref().is_none_or(|checks| !has(checks, query)))
        };
        ticked.iter().filter(is_new).count() as u64
    });
    let add = move |_| match store.add_queries() {
        Some(added) => {
            store.said.set(format!("{} added to the plan.", format::counted(added, "query", "queries")));
        }
        None => store.said.set("The plan's text has to be mended first.".to_owned()),
    };
    let hint = move || {
        if !store.has_plan.get() || store.text.with(|text| text.trim().is_empty()) {
            "Open or write a plan first."
        } else if there.with(Option::is_none) {
            "The plan's text has to be mended first."
        } else if ticked.get() == 0 {
            "The plan has all that are ticked."
        } else {
            ""
        }
    };
    let is_off = move || there.with(Option::is_none) || ticked.get() == 0 || store.phase.get().is_busy();
    let tick_all = move |are_ticked: bool| store.queries.update(|queries| queries.tick_all(are_ticked));
    view! {
        <div class="row">
            <span>{format::counted(all as u64, "query", "queries")}</span>
            <button class="button small" type="button" on:click=move |_| tick_all(true)>"Tick all"</button>
            <button class="button small" type="button" data-testid="tick-none" on:click=move |_| tick_all(false)>"Tick none"</button>
        </div>
        <ul class="query-list">{rows}</ul>
        <Pager page all=Signal::stored(all) size=ROWS what="queries" />
        <div class="row">
            <button class="button primary" type="button" data-testid="add-queries" disabled=is_off on:click=add>
                {move || format!("Add {} to the plan", format::counted(ticked.get(), "query", "queries"))}
            </button>
            <span class="dim">{hint}</span>
        </div>
    }
    .into_any()
}

fn row(query: ImportedQuery, there: Memo<Option<Vec<DraftPromqlCheck>>>) -> impl IntoView {
    let store = store();
    let own = StoredValue::new(query.clone());
    let is_ticked = move || store.queries.with(|queries| own.with_value(|query| queries.is_ticked(query)));
    let is_there = move || {
        there.with(|there| there.as_ref().is_some_and(|checks| own.with_value(|query| has(checks, query))))
    };
    let written = (query.written.trim() != query.query.trim()).then(|| {
        view! { <p class="dim small">"written: " <code class="break">{query.written.clone()}</code></p> }
    });
    let notes = query.notes.into_iter().map(|note| view! { <p class="dim small"><Prose text=note /></p> });
    view! {
        <li>
            <label class="tick">
                <input
                    type="checkbox"
                    data-testid="tick-query"
                    prop:checked=is_ticked
                    on:change=move |event| {
                        let on = event_target_checked(&event);
                        store.queries.update(|queries| own.with_value(|query| queries.tick(query, on)));
                    }
                />
                <code class="break">{query.query.clone()}</code>
                <span class="dim small">{format!("every {}", query.step)}</span>
            </label>
            <div class="query-more">
                {move || is_there().then(|| view! { <Pill tone=Tone::Good word="in the plan".to_owned() /> })}
                <p class="dim small">{query.origins.join(" · ")}</p>
                {written}
                {notes.collect_view()}
            </div>
        </li>
    }
}

#[component]
fn Skipped(skipped: Vec<SkippedQuery>) -> impl IntoView {
    (!skipped.is_empty()).then(|| {
        let page = RwSignal::new(0);
        let all = skipped.len();
        let rows = move || {
            let rows = shown(&skipped, page.get(), ROWS).iter().cloned().map(|one| {
                view! {
                    <li>
                        <p><code class="break">{one.written}</code></p>
                        <p class="dim small">{one.origin}</p>
                        <p class="small"><Prose text=one.why /></p>
                    </li>
                }
            });
            rows.collect_view()
        };
        view! {
            <details class="fold inner" data-testid="skipped-queries">
                <summary>{format!("{} cannot be compared", format::counted(all as u64, "query", "queries"))}</summary>
                <ul class="query-list">{rows}</ul>
                <Pager page all=Signal::stored(all) size=ROWS what="skipped queries" />
            </details>
        }
    })
}
