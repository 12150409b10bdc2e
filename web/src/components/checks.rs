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

/// How many were checked and how many differ: what stands on the fold.
fn outcome(total: usize, differ: usize, one: &'static str, many: &'static str) -> impl IntoView {
    let all = format::counted(total as u64, one, many);
    let (tone, words) = if differ == 0 {
        (Tone::Good, format!("{all} equal"))
    } else {
        (Tone::Bad, format!("{differ} of {all} differ"))
    };
    view! { <Mark tone word=words /> }
}

/// One row a metric; nothing when none was checked.
pub fn metadata_checks(checks: &[MetadataCheckReport]) -> impl IntoView + use<> {
    (!checks.is_empty()).then(|| {
        let mut checks: Vec<&MetadataCheckReport> = checks.iter().collect();
        tsink_migrate_engine::order::sort_by_key(&mut checks, |check| check.matched);
        let total = checks.len();
        let differ = checks.iter().filter(|check| !check.matched).count();
        let more = checks.len().saturating_sub(MOST);
        let rows = checks.into_iter().take(MOST).map(|check| {
            view! {
                <tr>
                    <td data-label="state">{mark(check.matched)}</td>
                    <td data-label="metric" class="mono break">{check.metric.clone()}</td>
                    <td data-label="source">{entries(check.source_entries, &check.source)}</td>
                    <td data-label="target">{entries(check.target_entries, &check.target)}</td>
                </tr>
            }
        });
        let rows = rows.collect_view();
        view! {
            <details class="panel fold" open={differ != 0} data-testid="metadata-checks">
                <summary><h2>"Metadata"</h2>{outcome(total, differ, "metric", "metrics")}</summary>
                <table class="table stacked">
                    <thead>
                        <tr>
                            <th scope="col">"state"</th>
                            <th scope="col">"metric"</th>
                            <th scope="col">"source"</th>
                            <th scope="col">"target"</th>
                        </tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </table>
                {(more > 0).then(|| view! { <p class="dim">{format!("and {more} more metrics; the report has all")}</p> })}
            </details>
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
pub fn exemplar_checks(checks: &[ExemplarCheckReport]) -> impl IntoView + use<> {
    (!checks.is_empty()).then(|| {
        let mut checks: Vec<&ExemplarCheckReport> = checks.iter().collect();
        tsink_migrate_engine::order::sort_by_key(&mut checks, |check| check.issues.is_empty());
        let total = checks.len();
        let differ = checks.iter().filter(|check| !check.issues.is_empty()).count();
        let more = checks.len().saturating_sub(MOST);
        let rows = checks.into_iter().take(MOST).map(|check| {
            // Where there are findings, the findings' table says it all.
            let found = if check.findings.is_empty() {
                check.issues.first().cloned().unwrap_or_default()
            } else {
                String::new()
            };
            view! {
                <tr>
                    <td data-label="state">{mark(check.issues.is_empty())}</td>
                    <td data-label="query" class="mono break">{check.query.clone()}</td>
                    <td data-label="source" class="num">{format::count(check.source_exemplars)}</td>
                    <td data-label="target" class="num">{format::count(check.target_exemplars)}</td>
                    <td data-label="found" class="break">{found}</td>
                </tr>
            }
        });
        let rows = rows.collect_view();
        view! {
            <details class="panel fold" open={differ != 0} data-testid="exemplar-checks">
                <summary><h2>"Exemplars"</h2>{outcome(total, differ, "query", "queries")}</summary>
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
                    <tbody>{rows}</tbody>
                </table>
                {(more > 0).then(|| view! { <p class="dim">{format!("and {more} more queries; the report has all")}</p> })}
            </details>
        }
    })
}
