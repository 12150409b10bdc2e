//! What differs: where, how much, when in the window, and why.

use super::pill::{Pill, Tone};
use super::prose::Prose;
use crate::state::{format, words};
use leptos::prelude::*;
use tsink_migrate_engine::model::Window;
use tsink_migrate_engine::report::{Finding, FindingKind};

/// Findings drawn before somebody asks for more.
const FIRST: usize = 50;

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
    let mut findings = findings;
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.count));
    let listed = findings.len();
    let total = (listed as u64).saturating_add(omitted);
    let shown = RwSignal::new(FIRST);
    let findings = StoredValue::new(findings);
    let rows = move || {
        findings.with_value(|findings| {
            findings.iter().take(shown.get()).cloned().map(|finding| row(finding, window)).collect_view()
        })
    };
    let more = move || listed.saturating_sub(shown.get());
    view! {
        <section class="panel" data-testid="findings" aria-label="Findings">
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
            <Show when=move || more() != 0>
                <div class="row">
                    <button class="button" on:click=move |_| shown.update(|shown| *shown += 200)>
                        {move || format!("Show more ({})", more())}
                    </button>
                </div>
            </Show>
            {(omitted > 0).then(|| view! {
                <p class="dim">{format!("{} more are counted, but not listed.", format::count(omitted))}</p>
            })}
        </section>
    }
}

fn row(finding: Finding, window: Option<Window>) -> impl IntoView {
    let tone = if finding.kind == FindingKind::NotCompared { Tone::Warn } else { Tone::Bad };
    let unit = words::finding_unit(finding.kind);
    let values = match (&finding.source_value, &finding.target_value) {
        (None, None) => None,
        (source, target) => {
            let side = |value: &Option<String>| value.clone().unwrap_or_else(|| "none".to_owned());
            Some(format!("source {}, target {}", side(source), side(target)))
        }
    };
    let place = if finding.series.is_empty() { finding.selector.clone() } else { finding.series.clone() };
    let has_advice = !finding.cause.is_empty() || !finding.remedy.is_empty();
    view! {
        <tr>
            <td data-label="what"><Pill tone word=words::finding(finding.kind).to_owned() /></td>
            <td data-label="where">
                <p class="mono break">{place}</p>
                <p class="dim small">{finding.detail}</p>
                {values.map(|values| view! { <p class="mono small">{values}</p> })}
            </td>
            <td data-label="count" class="num">{format::count(finding.count)}<span class="dim small block">{unit}</span></td>
            <td data-label="when">{when(finding.first_ms, finding.last_ms, window)}</td>
            <td data-label="cause">
                {if has_advice {
                    view! { <p><Prose text=finding.cause /></p> <p class="dim"><Prose text=finding.remedy /></p> }.into_any()
                } else {
                    view! { <span class="dim">"not known"</span> }.into_any()
                }}
            </td>
        </tr>
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
