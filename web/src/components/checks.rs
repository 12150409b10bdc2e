//! Metadata and exemplar checks.

use super::pill::{Mark, Tone};
use crate::state::format;
use leptos::prelude::*;
use tsink_migrate_engine::report::{ExemplarCheckReport, MetadataCheckReport, MetadataEntry};

/// Rows at most; those that differ come first.
const MOST: usize = 100;

fn mark(is_equal: bool) -> impl IntoView {
    let (tone, word) = if is_equal { (Tone::Good, "equal") } else { (Tone::Bad, "differs") };
    view! { <Mark tone word /> }
}

/// One row a metric; nothing when none was checked.
#[component]
pub fn MetadataChecks(
    /// Checks.
    checks: Vec<MetadataCheckReport>,
) -> impl IntoView {
    (!checks.is_empty()).then(|| {
        let mut checks = checks;
        checks.sort_by_key(|check| check.matched);
        let more = checks.len().saturating_sub(MOST);
        let rows = checks.into_iter().take(MOST).map(|check| {
            view! {
                <tr>
                    <td data-label="state">{mark(check.matched)}</td>
                    <td data-label="metric" class="mono break">{check.metric}</td>
                    <td data-label="source">{entries(check.source_entries, &check.source)}</td>
                    <td data-label="target">{entries(check.target_entries, &check.target)}</td>
                </tr>
            }
        });
        view! {
            <section class="panel" data-testid="metadata-checks" aria-label="Metadata">
                <div class="panel-head"><h2>"Metadata"</h2></div>
                <table class="table stacked">
                    <thead>
                        <tr>
                            <th scope="col">"state"</th>
                            <th scope="col">"metric"</th>
                            <th scope="col">"source"</th>
                            <th scope="col">"target"</th>
                        </tr>
                    </thead>
                    <tbody>{rows.collect_view()}</tbody>
                </table>
                {(more > 0).then(|| view! { <p class="dim">{format!("and {more} more metrics; the report has all")}</p> })}
            </section>
        }
    })
}

fn entries(count: u64, list: &[MetadataEntry]) -> impl IntoView + use<> {
    if list.is_empty() {
        return view! { <span class="dim">{format::counted(count, "entry", "entries")}</span> }.into_any();
    }
    list.iter()
        .map(|entry| {
            let unit = if entry.unit.is_empty() { String::new() } else { format!(" ({})", entry.unit) };
            view! { <p><code>{entry.metric_type.clone()}</code> " " {entry.help.clone()} {unit}</p> }
        })
        .collect_view()
        .into_any()
}

/// One row a query; nothing when none was checked.
#[component]
pub fn ExemplarChecks(
    /// Checks.
    checks: Vec<ExemplarCheckReport>,
) -> impl IntoView {
    (!checks.is_empty()).then(|| {
        let mut checks = checks;
        checks.sort_by_key(|check| check.issues.is_empty());
        let more = checks.len().saturating_sub(MOST);
        let rows = checks.into_iter().take(MOST).map(|check| {
            let found = if check.issues.is_empty() { String::new() } else { check.issues.join(" ") };
            view! {
                <tr>
                    <td data-label="state">{mark(check.issues.is_empty())}</td>
                    <td data-label="query" class="mono break">{check.query}</td>
                    <td data-label="source" class="num">{format::count(check.source_exemplars)}</td>
                    <td data-label="target" class="num">{format::count(check.target_exemplars)}</td>
                    <td data-label="found">{found}</td>
                </tr>
            }
        });
        view! {
            <section class="panel" data-testid="exemplar-checks" aria-label="Exemplars">
                <div class="panel-head"><h2>"Exemplars"</h2></div>
                <table class="table stacked">
                    <thead>
                        <tr>
                            <th scope="col">"state"</th>
                            <th scope="col">"query"</th>
                            <th scope="col" class="num">"source"</th>
                            <th scope="col" class="num">"target"</th>
                            <th scope="col">"found"</th>
                        </tr>
                    </thead>
                    <tbody>{rows.collect_view()}</tbody>
                </table>
                {(more > 0).then(|| view! { <p class="dim">{format!("and {more} more queries; the report has all")}</p> })}
            </section>
        }
    })
}
