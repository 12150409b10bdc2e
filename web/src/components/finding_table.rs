//! What differs: where, how much, when in the window, and why. One row for each cause; the series behind it
//! on demand.

use super::pill::{Pill, Tone};
use super::prose::Prose;
use crate::state::findings::{Group, gather};
use crate::state::{format, words};
use leptos::prelude::*;
use tsink_migrate_engine::model::Window;
use tsink_migrate_engine::report::{Finding, FindingKind};

/// Rows drawn at most.
const MOST_GROUPS: usize = 100;
/// Series of a row drawn at most.
const MOST_MEMBERS: usize = 100;

/// The findings, largest first.
#[component]
pub fn FindingTable(
    /// Findings, capped by the engine.
    findings: Vec<Finding>,
    /// How many more there were.
    omitted: u64,
    /// The window that was compared.
    window: Option<Window>,
) -> impl IntoView {
    let total = (findings.len() as u64).saturating_add(omitted);
    let groups = gather(findings);
    let hidden = groups.len().saturating_sub(MOST_GROUPS);
    let rows = groups.into_iter().take(MOST_GROUPS).map(|group| row(group, window)).collect_view();
    view! {
        <section class="panel" data-testid="findings" data-count=total.to_string() aria-label="Findings">
            <div class="panel-head"><h2>"Findings"</h2><span class="dim">{format::count(total)}</span></div>
            <table class="table stacked">
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
            {(hidden > 0).then(|| view! { <p class="dim">{format!("and {hidden} more causes; the report has all")}</p> })}
            {(omitted > 0).then(|| view! {
                <p class="dim">{format!("{} more are counted, but not listed.", format::count(omitted))}</p>
            })}
        </section>
    }
}

fn row(group: Group, window: Option<Window>) -> impl IntoView {
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
            <td data-label="where">{place(group.selector, group.members)}</td>
            <td data-label="count" class="num">{format::count(group.count)}<span class="dim small block">{unit}</span></td>
            <td data-label="when">{when(group.first_ms, group.last_ms, window)}</td>
            <td data-label="cause">{advice}</td>
        </tr>
    }
}

/// The one series, or the selector with its series folded away.
fn place(selector: String, members: Vec<Finding>) -> AnyView {
    if let [only] = members.as_slice() {
        return member(only.clone()).into_any();
    }
    let all = members.len();
    let more = all.saturating_sub(MOST_MEMBERS);
    let list =
        members.into_iter().take(MOST_MEMBERS).map(|one| view! { <li>{member(one)}</li> }).collect_view();
    view! {
        <p class="mono break">{selector}</p>
        <details class="fold inner members">
            <summary>{format::counted(all as u64, "series", "series")}</summary>
            <ul>
                {list}
                {(more > 0).then(|| view! { <li class="dim">{format!("and {more} more; the report has all")}</li> })}
            </ul>
        </details>
    }
    .into_any()
}

fn member(finding: Finding) -> impl IntoView {
    let values = match (&finding.source_value, &finding.target_value) {
        (None, None) => None,
        (source, target) => {
            let side = |value: &Option<String>| value.clone().unwrap_or_else(|| "none".to_owned());
            Some(format!("source {}, target {}", side(source), side(target)))
        }
    };
    let series = if finding.series.is_empty() { finding.selector } else { finding.series };
    view! {
        <p class="mono break">{series}</p>
        <p class="dim small">{finding.detail}</p>
        {values.map(|values| view! { <p class="mono small break">{values}</p> })}
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
            let width = ((last - first) as f64 / length * 100.0).clamp(1.0, 100.0 - from);
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
