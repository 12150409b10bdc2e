//! The findings by cause: where, how much, when in the window, and why. One row for each cause; the series behind it on
//! demand.

use super::Look;
use crate::components::pager::{Pager, shown};
use crate::components::pill::{Pill, Tone};
use crate::components::prose::Prose;
use crate::state::findings::{Filter, Group};
use crate::state::{format, words};
use leptos::prelude::*;
use tsink_migrate_engine::model::Window;
use tsink_migrate_engine::report::{Finding, FindingKind};

/// Rows on a page.
const ROWS: usize = 20;
/// Series on a page of a row.
const MEMBERS: usize = 20;

/// The table.
#[component]
pub fn Groups(look: Look, window: Option<Window>) -> impl IntoView {
    let page = RwSignal::new(0);
    let all = Signal::derive(move || look.groups.with(Vec::len));
    Effect::new(move || {
        look.filter.track();
        page.set(0);
    });
    let rows = move || {
        look.groups.with(|groups| {
            let page = shown(groups, page.get(), ROWS);
            page.iter().map(|group| row(look, group.clone(), window)).collect_view()
        })
    };
    let nothing = move || {
        (all.get() == 0).then(|| {
            view! {
                <div class="row">
                    <p class="dim">"No listed finding is of this kind and place."</p>
                    <button
                        class="button small"
                        type="button"
                        on:click=move |_| look.filter.set(Filter::default())
                    >
                        "Show all"
                    </button>
                </div>
            }
        })
    };
    view! {
        <table class="table stacked causes">
            <thead>
                <tr>
                    <th scope="col">"what"</th>
                    <th scope="col">"where"</th>
                    <th scope="col" class="num">"count"</th>
                    <th scope="col">"when"</th>
                    <th scope="col">"probable cause, what to do"</th>
                </tr>
            </thead>
            <tbody>{rows}</tbody>
        </table>
        {nothing}
        <Pager page all size=ROWS what="causes" />
    }
}

fn row(look: Look, group: Group, window: Option<Window>) -> impl IntoView {
    let tone = if group.kind == FindingKind::NotCompared { Tone::Warn } else { Tone::Bad };
    let unit = words::finding_unit(group.kind);
    let has_advice = !group.cause.is_empty() || !group.remedy.is_empty();
    let advice = if has_advice {
        view! { <p><Prose text=group.cause /></p> <p class="dim"><Prose text=group.remedy /></p> }.into_any()
    } else {
        view! { <span class="dim">"not known"</span> }.into_any()
    };
    view! {
        <tr data-kind=words::finding(group.kind)>
            <td data-label="what"><Pill tone word=words::finding(group.kind).to_owned() /></td>
            <td data-label="where">{place(look, group.selector, group.members)}</td>
            <td data-label="count" class="num">{format::count(group.count)}<span class="dim small block">{unit}</span></td>
            <td data-label="when">{when(group.first_ms, group.last_ms, window)}</td>
            <td data-label="cause">{advice}</td>
        </tr>
    }
}

/// The one series, or the selector with its series folded away.
fn place(look: Look, selector: String, members: Vec<usize>) -> AnyView {
    if let [only] = members.as_slice() {
        return pick(look, *only).into_any();
    }
    let page = RwSignal::new(0);
    let all = members.len();
    // Drawn when it is unfolded: twenty causes of a large report have hundreds of rows in them.
    let is_open = RwSignal::new(false);
    let unfold = move |event: leptos::ev::Event| {
        if event_target::<web_sys::Element>(&event).has_attribute("open") {
            is_open.set(true);
        }
    };
    let list = move || {
        is_open.get().then(|| {
            let page = shown(&members, page.get(), MEMBERS);
            page.iter().map(|at| view! { <li>{pick(look, *at)}</li> }).collect_view()
        })
    };
    view! {
        <p class="mono break">{selector}</p>
        <details class="fold inner members" on:toggle=unfold>
            <summary>{format::counted(all as u64, "finding", "findings")}</summary>
            <ul>{list}</ul>
            <Pager page all=Signal::stored(all) size=MEMBERS what="findings" />
        </details>
    }
    .into_any()
}

/// A finding to be looked at.
fn pick(look: Look, at: usize) -> impl IntoView {
    let (name, detail) = look
        .found
        .with_value(|found| found.get(at).map(|finding| (name(finding), brief(finding))).unwrap_or_default());
    view! {
        <button
            class="link pick mono break"
            type="button"
            aria-current=move || (look.chosen.get() == Some(at)).then_some("true")
            data-testid="pick"
            on:click=move |_| look.choose(at)
        >
            {name}
        </button>
        <p class="dim small break">{detail}</p>
    }
}

/// What a finding is about, by name.
pub fn name(finding: &Finding) -> String {
    [&finding.series, &finding.selector]
        .into_iter()
        .find(|name| !name.is_empty())
        .cloned()
        .unwrap_or_default()
}

/// What differs, in a few words: the values, where there are any.
fn brief(finding: &Finding) -> String {
    let field = if finding.field.is_empty() { String::new() } else { format!("{}: ", finding.field) };
    match (&finding.source_value, &finding.target_value) {
        (None, None) => finding.detail.clone(),
        (source, target) => {
            let side = |value: &Option<String>| value.clone().unwrap_or_else(|| "none".to_owned());
            format!("{field}source {}, target {}", side(source), side(target))
        }
    }
}

/// The times, and where in the window they are.
fn when(first: Option<i64>, last: Option<i64>, window: Option<Window>) -> impl IntoView {
    let first = first.or(last);
    first.map(|first| {
        let last = last.unwrap_or(first).max(first);
        let strip = window.filter(|window| window.len_ms() > 1).map(|window| {
            let length = window.len_ms() as f64;
            let from = (first.saturating_sub(window.start_ms) as f64 / length * 100.0).clamp(0.0, 99.0);
            let width = (last.saturating_sub(first) as f64 / length * 100.0).clamp(1.0, 100.0 - from);
            view! {
                <svg class="strip" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">
                    <rect class="strip-all" x="0" y="2" width="100" height="2" />
                    <rect class="strip-part" x=from y="0" width=width height="6" />
                </svg>
            }
        });
        view! { <p class="mono small">{format::span(first, last)}</p> {strip} }
    })
}
