//! The map of series and time: each state with a colour, a pattern and a word. A row leads to its findings.

use super::LIST;
use crate::browser;
use crate::components::pager::{Pager, shown};
use crate::state::findings::Filter;
use crate::state::format;
use crate::state::series_map::{Agreement, runs, spoken, window};
use crate::state::verified::Verified;
use leptos::prelude::*;
use std::sync::Arc;
use tsink_migrate_engine::model::Window;
use tsink_migrate_engine::report::{Coverage, CoverageRow};

/// Rows on a page.
const ROWS: usize = 20;

/// The map of one selector, and a choice of selectors where there are several.
#[component]
pub fn SeriesMaps(
    /// The verification.
    report: Verified,
    /// What a row sets; none where there is nothing to filter.
    filter: Option<RwSignal<Filter>>,
) -> impl IntoView {
    // Selectors that differ come first: they are why somebody looks.
    let mut maps: Vec<(bool, String, Coverage)> = report
        .raw_checks
        .iter()
        .filter(|check| !check.coverage.rows.is_empty())
        .map(|check| {
            let is_equal = check.issues.is_empty() && check.differing.is_empty();
            (is_equal, check.selector.clone(), check.coverage.clone())
        })
        .collect();
    tsink_migrate_engine::order::sort_by_key(&mut maps, |(is_equal, ..)| *is_equal);
    (!maps.is_empty()).then(|| {
        let chosen = RwSignal::new(0_usize);
        let differs = maps.iter().any(|(is_equal, ..)| !is_equal);
        let choices = (maps.len() > 1).then(|| choice(&maps, chosen));
        let maps = Arc::new(maps);
        let map = move || {
            maps.get(chosen.get())
                .map(|(_, selector, map)| view! { <Map selector=selector.clone() map=map.clone() filter /> })
        };
        view! {
            <details class="panel fold" open=differs data-testid="series-map">
                <summary>
                    <h2>"Series × time"</h2>
                    {filter.map(|_| view! { <span class="dim">"a row leads to its findings"</span> })}
                </summary>
                {choices}
                {map}
            </details>
        }
    })
}

fn choice(maps: &[(bool, String, Coverage)], chosen: RwSignal<usize>) -> impl IntoView + use<> {
    let options = maps.iter().enumerate().map(|(at, (is_equal, selector, _))| {
        let words = if *is_equal { selector.clone() } else { format!("{selector} (differs)") };
        view! { <option value=at.to_string()>{words}</option> }
    });
    view! {
        <select
            class="input mono map-choice"
            aria-label="Selector"
            data-testid="map-selector"
            on:change=move |event| chosen.set(event_target_value(&event).parse().unwrap_or(0))
        >
            {options.collect_view()}
        </select>
    }
}

#[component]
fn Map(selector: String, map: Coverage, filter: Option<RwSignal<Filter>>) -> impl IntoView {
    let page = RwSignal::new(0);
    let all = map.rows.len();
    let omitted = map.series_omitted;
    let time = window(&map).map(axis);
    let rows = move || {
        shown(&map.rows, page.get(), ROWS).iter().map(|one| row(&selector, &map, one, filter)).collect_view()
    };
    let legend = Agreement::ALL.map(|state| {
        view! { <li><i class=format!("cell {}", state.class()) aria-hidden="true"></i>{state.word()}</li> }
    });
    view! {
        <div class="coverage series-map">
            {rows}
            <div class="axis mono" aria-hidden="true">{time}</div>
        </div>
        <Pager page all=Signal::stored(all) size=ROWS what="rows" />
        {(omitted > 0).then(|| view! {
            <p class="dim small">{format!("{} more series have no row.", format::count(omitted))}</p>
        })}
        <ul class="legend">{legend}</ul>
    }
}

fn row(
    selector: &str,
    map: &Coverage,
    row: &CoverageRow,
    filter: Option<RwSignal<Filter>>,
) -> impl IntoView + use<> {
    let is_whole = row.series.is_empty();
    let name = if is_whole { format!("all of {selector}") } else { row.series.clone() };
    let cells = runs(&row.cells).into_iter().map(|run| {
        let title = format!("{}: {}", format::window(run.window(map)), run.state.word());
        view! { <i class=format!("cell {}", run.state.class()) title=title style:flex-grow=run.len.to_string()></i> }
    });
    let cells = cells.collect_view();
    let words = format!("{name}, {}", spoken(&row.cells));
    let (selector, series) = (selector.to_owned(), (!is_whole).then(|| row.series.clone()));
    let is_on = {
        let (selector, series) = (selector.clone(), series.clone());
        move || {
            filter.is_some_and(|filter| {
                filter.with(|now| now.selector.as_ref() == Some(&selector) && now.series == series)
            })
        }
    };
    let choose = move |_| {
        let Some(filter) = filter else { return };
        filter.update(|filter| {
            let is_on = filter.selector.as_ref() == Some(&selector) && filter.series == series;
            (filter.selector, filter.series) =
                if is_on { (None, None) } else { (Some(selector.clone()), series.clone()) };
            (filter.kind, filter.text) = (None, String::new());
        });
        request_animation_frame(|| browser::focus(LIST));
    };
    view! {
        <button
            class="map-row"
            type="button"
            aria-label=words
            aria-pressed=move || is_on().to_string()
            disabled=filter.is_none()
            data-testid="map-row"
            on:click=choose
        >
            <span class="coverage-name mono" title=name.clone()>{name.clone()}</span>
            <span class="cells">{cells}</span>
        </button>
    }
}

/// Start, middle and end.
fn axis(window: Window) -> impl IntoView {
    let middle = window.start_ms.saturating_add(window.end_ms.saturating_sub(window.start_ms) / 2);
    [window.start_ms, middle, window.end_ms].map(|at| {
        let at = at.div_euclid(1000).saturating_mul(1000);
        view! { <span>{format::instant(at)}</span> }
    })
}
