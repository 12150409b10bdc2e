//! What a verification found, from the counts down to the one point that differs.

mod finding;
mod groups;
mod map;

use crate::browser;
use crate::state::findings::{Filter, Found, Group, first_shown};
use crate::state::verified::Verified;
use crate::state::{format, words};
use finding::OneFinding;
use groups::Groups;
use leptos::prelude::*;
pub use map::SeriesMaps;
use std::sync::Arc;
use tsink_migrate_engine::model::Window;

/// Id of the list, where the focus goes when a filter was set elsewhere.
const LIST: &str = "findings";
/// Findings from which on a field to search them pays.
const SEARCH_FROM: usize = 8;

/// What is looked at, and what was found; shared by the parts.
#[derive(Clone, Copy)]
struct Look {
    found: StoredValue<Arc<Found>>,
    filter: RwSignal<Filter>,
    groups: Memo<Vec<Group>>,
    chosen: RwSignal<Option<usize>>,
}

impl Look {
    /// Shows a finding.
    fn choose(self, at: usize) {
        self.chosen.set(Some(at));
        request_animation_frame(|| browser::focus(finding::PLACE));
    }
}

/// The findings, the chosen one, and the map of series; nothing where nothing was found and there is no map.
#[component]
pub fn Explorer(
    /// The verification.
    report: Verified,
) -> impl IntoView {
    let window = Window::new(report.start_ms, report.end_ms);
    let found = Arc::new(Found::of(&report));
    let has_findings = found.total() > 0;
    let filter = RwSignal::new(Filter::default());
    let groups = {
        let found = found.clone();
        Memo::new(move |_| filter.with(|filter| found.groups(filter)))
    };
    let first = groups.with_untracked(|groups| first_shown(&found, groups));
    let chosen = RwSignal::new(first);
    let look = Look { found: StoredValue::new(found.clone()), filter, groups, chosen };
    Effect::new(move || {
        groups.with(|groups| {
            let is_there = |at: usize| groups.iter().any(|group| group.members.contains(&at));
            if !chosen.get_untracked().is_some_and(is_there) {
                look.chosen.set(look.found.with_value(|found| first_shown(found, groups)));
            }
        });
    });
    let list = has_findings.then(|| {
        view! {
            <section
                class="panel"
                id=LIST
                tabindex="-1"
                data-testid="findings"
                data-count=found.total().to_string()
                aria-label="Findings"
            >
                <div class="panel-head">
                    <h2>"Findings"</h2>
                    <span class="dim">{format::count(found.total())}</span>
                    {(found.listed() >= SEARCH_FROM).then(|| view! { <Search filter /> })}
                </div>
                <Counts look />
                <Groups look window />
                <NotListed found=found.clone() />
            </section>
            <OneFinding look />
        }
    });
    view! {
        {list}
        <SeriesMaps report filter=has_findings.then_some(filter) />
    }
}

/// How many there are of each kind; pressing one shows those only.
#[component]
fn Counts(look: Look) -> impl IntoView {
    let filter = look.filter;
    let chips = look.found.with_value(|found| found.counts.clone()).into_iter().map(|count| {
        let kind = count.kind;
        let is_on = move || filter.with(|filter| filter.kind == Some(kind));
        let unlisted = count.total.saturating_sub(count.listed);
        let more = (unlisted > 0).then(|| {
            view! { <span class="dim">{format!(" ({} not listed)", format::count(unlisted))}</span> }
        });
        view! {
            <button
                class="chip"
                type="button"
                aria-pressed=move || is_on().to_string()
                data-testid="kind"
                data-kind=words::finding(kind)
                on:click=move |_| filter.update(|filter| {
                    filter.kind = if filter.kind == Some(kind) { None } else { Some(kind) };
                })
            >
                {kind.title()}
                " "
                <b>{format::count(count.total)}</b>
                {more}
            </button>
        }
    });
    let place = move || {
        filter.with(|filter| {
            let place = filter.series.clone().or_else(|| filter.selector.clone())?;
            let name = format!("Show all again, not only {place}");
            Some(view! {
                <button
                    class="chip mono break"
                    type="button"
                    aria-label=name
                    data-testid="only-here"
                    on:click=move |_| look.filter.update(|filter| (filter.series, filter.selector) = (None, None))
                >
                    {format!("only {place}  ×")}
                </button>
            })
        })
    };
    view! { <div class="row chips" role="group" aria-label="Kinds of findings">{chips.collect_view()}{place}</div> }
}

#[component]
fn Search(filter: RwSignal<Filter>) -> impl IntoView {
    view! {
        <input
            class="input push"
            type="search"
            placeholder="Search series"
            aria-label="Search series"
            autocomplete="off"
            spellcheck="false"
            data-testid="search-findings"
            prop:value=move || filter.with(|filter| filter.text.clone())
            on:input=move |event| {
                let text = event_target_value(&event);
                filter.update(|filter| filter.text = text);
            }
        />
    }
}

/// What is counted, and why it cannot be shown.
#[component]
fn NotListed(found: Arc<Found>) -> impl IntoView {
    let hidden = found.not_listed();
    (hidden > 0).then(|| {
        view! {
            <p class="dim" data-testid="not-listed">
                {format!("{} more are counted, but not listed; ", format::count(hidden))}
                <code>"options.max_findings"</code>
                " sets how many are."
            </p>
        }
    })
}
