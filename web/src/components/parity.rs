//! PromQL parity: what queries answer on both sides.

use super::pill::{Mark, Tone};
use crate::state::format;
use leptos::prelude::*;
use tsink_migrate_engine::report::{ParityDifference, PromqlCheckReport};

/// Differences of a query drawn at most.
const MOST: usize = 20;

/// One block a query, those that differ first.
#[component]
pub fn Parity(
    /// Checks.
    checks: Vec<PromqlCheckReport>,
) -> impl IntoView {
    (!checks.is_empty()).then(|| {
        let mut checks = checks;
        tsink_migrate_engine::order::sort_by_key(&mut checks, |check| check.matched);
        let blocks = checks.into_iter().map(block).collect_view();
        view! {
            <section class="panel" data-testid="parity" aria-label="Queries">
                <div class="panel-head"><h2>"Queries"</h2><span class="dim">"the same query on both sides"</span></div>
                <ul class="parity">{blocks}</ul>
            </section>
        }
    })
}

fn block(check: PromqlCheckReport) -> impl IntoView {
    let (tone, word) = if check.matched { (Tone::Good, "equal") } else { (Tone::Bad, "differs") };
    let counts = if check.differing_points > 0 {
        format!(
            "{} of {} differ",
            format::count(check.differing_points),
            format::counted(check.points, "point", "points")
        )
    } else {
        format!(
            "{} in {}",
            format::counted(check.points, "point", "points"),
            format::counted(check.source_series, "series", "series")
        )
    };
    let warnings = |side: &str, list: &[String]| {
        (!list.is_empty()).then(|| {
            let text = format!("The {side} warns: {}", list.join("; "));
            view! { <p class="warn-text">{text}</p> }
        })
    };
    let partial = check
        .target_partial_response
        .then(|| view! { <p class="warn-text">"The target answered in part only."</p> });
    let issues = (!check.matched && check.differences.is_empty())
        .then(|| check.issues.iter().map(|issue| view! { <p>{issue.clone()}</p> }).collect_view());
    let cause = (!check.cause.is_empty()).then(|| view! { <p class="cause">{check.cause.clone()}</p> });
    let differences =
        (!check.differences.is_empty()).then(|| table(&check.differences, check.differences_omitted));
    view! {
        <li data-matched=check.matched.to_string()>
            <div class="parity-head">
                <Mark tone word />
                <code class="break">{check.query.clone()}</code>
                <span class="dim">{format!("every {} · {counts}", check.step)}</span>
            </div>
            {cause}
            {issues}
            {warnings("source", &check.source_warnings)}
            {warnings("target", &check.target_warnings)}
            {partial}
            {differences}
        </li>
    }
}

fn table(differences: &[ParityDifference], omitted: u64) -> impl IntoView + use<> {
    let more = (differences.len().saturating_sub(MOST) as u64).saturating_add(omitted);
    let rows = differences
        .iter()
        .take(MOST)
        .cloned()
        .map(|difference| {
            let value = |value: Option<String>| value.unwrap_or_else(|| "none".to_owned());
            let delta = difference.max_relative_delta.map_or_else(|| "–".to_owned(), relative);
            view! {
                <tr>
                    <td data-label="series" class="mono break">{difference.series}</td>
                    <td data-label="points" class="num">{format::count(difference.points)}</td>
                    <td data-label="first at" class="mono">{format::instant(difference.first_ms)}</td>
                    <td data-label="source" class="num">{value(difference.source_value)}</td>
                    <td data-label="target" class="num">{value(difference.target_value)}</td>
                    <td data-label="at most" class="num">{delta}</td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <table class="table stacked">
            <thead>
                <tr>
                    <th scope="col">"series"</th>
                    <th scope="col" class="num">"points"</th>
                    <th scope="col">"first at"</th>
                    <th scope="col" class="num">"source"</th>
                    <th scope="col" class="num">"target"</th>
                    <th scope="col" class="num">"at most"</th>
                </tr>
            </thead>
            <tbody>{rows}</tbody>
        </table>
        {(more > 0).then(|| view! { <p class="dim">{format!("and {} more series", format::count(more))}</p> })}
    }
}

/// A relative difference in per cent, or as a power where it is tiny.
fn relative(delta: f64) -> String {
    if !delta.is_finite() {
        "–".to_owned()
    } else if delta == 0.0 || delta >= 0.0001 {
        format!("{:.2} %", delta * 100.0)
    } else {
        format!("{delta:.0e}")
    }
}
