//! What the plan means, once it is valid.

use crate::state::{format, store};
use leptos::prelude::*;
use tsink_migrate_engine::plan::{PlanSummary, ReadVia};

/// Items of a list drawn at most.
const MOST: usize = 12;

/// The plan in short.
#[component]
pub fn Summary() -> impl IntoView {
    let store = store();
    let body =
        move || store.check.with(|check| check.summary.as_ref().map(|summary| draw(summary).into_any()));
    view! {
        <Show when=move || store.check.with(|check| check.summary.is_some())>
            <section class="panel" data-testid="summary" aria-label="The plan in short">
                <div class="panel-head"><h2>"In this plan"</h2></div>
                {body}
            </section>
        </Show>
    }
}

fn draw(summary: &PlanSummary) -> impl IntoView + use<> {
    let queries: Vec<String> =
        summary.promql_checks.iter().map(|check| format!("{} every {}", check.query, check.step)).collect();
    let exemplars: Vec<String> = summary.exemplar_checks.iter().map(|check| check.query.clone()).collect();
    let read_via = (summary.options.read_via == ReadVia::InstantQuery).then(|| {
        view! {
            <div>
                <dt>"read by"</dt>
                <dd>"instant query: floats only, no native histograms, no stale markers"</dd>
            </div>
        }
    });
    let dry_run = summary.options.dry_run.then(|| {
        view! { <div><dt>"dry run"</dt><dd>"only the preflight runs"</dd></div> }
    });
    view! {
        <dl class="facts">
            {list("selectors", &summary.selectors)}
            {list("metadata of", &summary.metadata_metrics)}
            {list("exemplars of", &exemplars)}
            {list("queries compared", &queries)}
            {read_via}
            {dry_run}
        </dl>
    }
}

fn list(word: &'static str, items: &[String]) -> impl IntoView + use<> {
    let more = items.len().saturating_sub(MOST);
    let shown = items.iter().take(MOST).map(|item| view! { <li>{item.clone()}</li> }).collect_view();
    let items = if items.is_empty() {
        view! { <span class="dim">"none"</span> }.into_any()
    } else {
        view! {
            <ul class="plain mono">
                {shown}
                {(more > 0).then(|| view! { <li class="dim">{format!("and {} more", format::count(more as u64))}</li> })}
            </ul>
        }
        .into_any()
    };
    view! { <div><dt>{word}</dt><dd>{items}</dd></div> }
}
