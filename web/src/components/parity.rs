//! PromQL parity: what queries answer on both sides.

use super::excerpt::ExcerptPicture;
use super::pager::{Pager, shown};
use super::pill::{Mark, Tone};
use super::prose::Prose;
use crate::state::format;
use leptos::prelude::*;
use tsink_migrate_engine::report::{Explanation, ParityDifference, PromqlCheckReport};

/// Differences of a query on a page.
const ROWS: usize = 20;

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
    let (tone, word) = match (check.matched, check.accepted) {
        (true, _) => (Tone::Good, "equal"),
        (false, true) => (Tone::Warn, "explained"),
        (false, false) => (Tone::Bad, "differs"),
    };
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
    let cause = match check.explanation {
        Some(explanation) => Some(view! { <Explained explanation accepted=check.accepted /> }.into_any()),
        None => (!check.cause.is_empty())
            .then(|| view! { <p class="cause"><Prose text=check.cause.clone() /></p> }.into_any()),
    };
    let differences = (!check.differences.is_empty())
        .then(|| view! { <Differences list=check.differences omitted=check.differences_omitted /> });
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

/// A known cause, how it was established, and what was decided about it.
#[component]
fn Explained(explanation: Explanation, accepted: bool) -> impl IntoView {
    let points = format::counted(explanation.points, "point", "points");
    let covers = if explanation.whole {
        format!("It accounts for all of it, {points}.")
    } else {
        format!("It accounts for {points}, and not for the rest.")
    };
    let decided = match (accepted, explanation.whole) {
        (true, _) => {
            "The plan accepts explained differences (`options.accept_explained`): it passes, and stays a difference."
        }
        (false, true) => "It fails the check all the same; with `options.accept_explained` it would pass.",
        (false, false) => "It fails the check.",
    };
    view! {
        <div class="cause" data-testid="explanation" data-code=explanation.code data-accepted=accepted.to_string()>
            <p><b>"Explained: "</b><Prose text=explanation.text /></p>
            <p class="dim">"Established by: "<Prose text=explanation.established /></p>
            <p class="dim">{covers}" "<Prose text=decided /></p>
        </div>
    }
}

/// Where both results part, series by series; each with its picture on demand.
#[component]
fn Differences(list: Vec<ParityDifference>, omitted: u64) -> impl IntoView {
    let page = RwSignal::new(0);
    let all = list.len();
    let first = list.iter().position(|one| one.excerpt.is_some());
    let chosen = RwSignal::new(first);
    let list = StoredValue::new(list);
    let rows = move || {
        list.with_value(|list| {
            let from = page.get() * ROWS;
            let rows = shown(list, page.get(), ROWS).iter().enumerate();
            rows.map(|(at, one)| row(one, from + at, chosen)).collect_view()
        })
    };
    let picture = move || {
        let one = list.with_value(|list| list.get(chosen.get()?).cloned())?;
        let excerpt = one.excerpt?;
        Some(view! {
            <h3 class="mono break">{one.series}</h3>
            <ExcerptPicture excerpt />
        })
    };
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
        <Pager page all=Signal::stored(all) size=ROWS what="series" />
        {(omitted > 0).then(|| view! {
            <p class="dim">{format!("{} more series differ; they are counted, but not listed", format::count(omitted))}</p>
        })}
        <div class="parity-picture">{picture}</div>
    }
}

fn row(one: &ParityDifference, at: usize, chosen: RwSignal<Option<usize>>) -> impl IntoView + use<> {
    let value = |value: &Option<String>| value.clone().unwrap_or_else(|| "none".to_owned());
    let absolute = one.max_absolute_delta.map(format::number);
    let relative = one.max_relative_delta.map(format::relative);
    let delta: Vec<String> = absolute.into_iter().chain(relative).collect();
    let delta = if delta.is_empty() { "–".to_owned() } else { delta.join(", ") };
    let name = one.series.clone();
    let series = if one.excerpt.is_some() {
        view! {
            <button
                class="link pick mono break"
                type="button"
                aria-current=move || (chosen.get() == Some(at)).then_some("true")
                data-testid="pick-difference"
                on:click=move |_| chosen.set(Some(at))
            >
                {name}
            </button>
        }
        .into_any()
    } else {
        view! { <span class="mono break">{name}</span> }.into_any()
    };
    let explained = one.explained.then(|| view! { <span class="dim small block">"explained"</span> });
    view! {
        <tr>
            <td data-label="series">{series}{explained}</td>
            <td data-label="points" class="num">{format::count(one.points)}</td>
            <td data-label="first at" class="mono">{format::instant(one.first_ms)}</td>
            <td data-label="source" class="num">{value(&one.source_value)}</td>
            <td data-label="target" class="num">{value(&one.target_value)}</td>
            <td data-label="at most" class="num">{delta}</td>
        </tr>
    }
}
