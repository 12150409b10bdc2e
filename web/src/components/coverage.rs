//! The coverage map: selector × time, each state with a colour, a pattern and a word.

use crate::state::coverage::{Cell, CellState, MOST_ROWS, Totals};
use crate::state::run::Part;
use crate::state::{format, store};
use leptos::prelude::*;
use tsink_migrate_engine::model::Window;
use tsink_migrate_engine::run::Stage;

/// The map of a stage; nothing before its slabs are known.
#[component]
pub fn CoverageMap(
    /// Stage.
    stage: Stage,
) -> impl IntoView {
    let store = store();
    let parts = [Part::Coverage];
    let selectors =
        Memo::new(move |_| store.read(&parts, |run| run.stage(stage).coverage.selectors().to_vec()));
    let totals = Memo::new(move |_| store.read(&parts, |run| run.stage(stage).coverage.totals()));
    let window = Memo::new(move |_| store.read(&parts, |run| run.stage(stage).coverage.window()));
    let rows = move || {
        let names = selectors.get();
        names
            .into_iter()
            .take(MOST_ROWS)
            .enumerate()
            .map(|(at, name)| view! { <Row stage at name /> })
            .collect_view()
    };
    let hidden = move || selectors.with(Vec::len).saturating_sub(MOST_ROWS);
    view! {
        <Show when=move || totals.with(|totals| totals.slabs > 0)>
            <section class="panel" data-testid="coverage" aria-label="Coverage">
                <div class="panel-head">
                    <h2>"Coverage"</h2>
                    <span class="dim">
                        {move || format!("selector × time, {}", format::counted(totals.get().slabs as u64, "slab", "slabs"))}
                    </span>
                </div>
                <div class="coverage">
                    {rows}
                    <div class="axis mono" aria-hidden="true">{move || window.get().map(axis)}</div>
                </div>
                <Show when=move || hidden() != 0>
                    <p class="dim">{move || format!("and {} more selectors", hidden())}</p>
                </Show>
                <Legend stage totals />
            </section>
        </Show>
    }
}

#[component]
fn Row(stage: Stage, at: usize, name: String) -> impl IntoView {
    let store = store();
    let cells = Memo::new(move |_| store.read(&[Part::Coverage], |run| run.stage(stage).coverage.row(at)));
    let spoken = {
        let name = name.clone();
        move || {
            cells.with(|cells| {
                let count = |state| cells.iter().filter(|cell| cell.state == state).count();
                let (done, failed) =
                    (count(CellState::Done) + count(CellState::Empty), count(CellState::Failed));
                let failed = if failed > 0 { format!(", {failed} with problems") } else { String::new() };
                format!("{name}: {done} of {} done{failed}", cells.len())
            })
        }
    };
    view! {
        <div class="coverage-name mono" title=name.clone()>{name.clone()}</div>
        <div class="cells" role="img" aria-label=spoken>
            {move || cells.with(|cells| cells.iter().map(|cell| draw(cell, stage)).collect_view())}
        </div>
    }
}

fn draw(cell: &Cell, stage: Stage) -> impl IntoView + use<> {
    let rows = if cell.rows > 0 {
        format!(", {}", format::counted(cell.rows, "sample", "samples"))
    } else {
        String::new()
    };
    let title = format!("{}: {}{rows}", format::window(cell.window), word(cell.state, stage));
    let width = cell.window.len_ms().to_string();
    view! { <i class=format!("cell {}", cell.state.class()) title=title style:flex-grow=width></i> }
}

fn word(state: CellState, stage: Stage) -> &'static str {
    match (state, stage == Stage::Backfill) {
        (CellState::Done, true) => "written and acknowledged",
        (CellState::Done, false) => "equal on both sides",
        (CellState::InFlight, _) => "in flight",
        (CellState::Todo, _) => "to do",
        (CellState::Failed, true) => "not complete",
        (CellState::Failed, false) => "differs",
        (CellState::Empty, true) => "nothing at the source",
        (CellState::Empty, false) => "nothing on either side",
    }
}

#[component]
fn Legend(stage: Stage, totals: Memo<Totals>) -> impl IntoView {
    let entry = move |state: CellState, count: usize| {
        let more = if state == CellState::Failed && count > 0 {
            let rows = totals.get_untracked().failed_rows;
            let rows = if rows > 0 {
                format!(", {}", format::counted(rows, "sample", "samples"))
            } else {
                String::new()
            };
            format!(": {}{rows}", format::counted(count as u64, "slab", "slabs"))
        } else {
            String::new()
        };
        view! {
            <li>
                <i class=format!("cell {}", state.class()) aria-hidden="true"></i>
                {word(state, stage)}
                {more}
            </li>
        }
    };
    let entries = move || {
        let totals = totals.get();
        let all = [
            (CellState::Done, totals.done, true),
            (CellState::InFlight, totals.in_flight, totals.in_flight + totals.todo > 0),
            (CellState::Todo, totals.todo, totals.todo > 0),
            (CellState::Failed, totals.failed, totals.failed > 0),
            (CellState::Empty, totals.empty, totals.empty > 0),
        ];
        all.into_iter()
            .filter(|(_, _, is_shown)| *is_shown)
            .map(|(state, count, _)| entry(state, count))
            .collect_view()
    };
    view! { <ul class="legend">{entries}</ul> }
}

/// Start, end and three times between; days in long windows, times of day in short ones.
fn axis(window: Window) -> impl IntoView {
    const DAY: i64 = 86_400_000;
    let length = window.end_ms.saturating_sub(window.start_ms);
    let label = |at: i64| {
        if length > 4 * DAY {
            format::date(at)
        } else if length < 240_000 {
            format::clock(at)
        } else {
            format::clock(at).get(..5).unwrap_or_default().to_owned()
        }
    };
    [0, 1, 2, 3, 4].map(|quarter| {
        let at = window.start_ms.saturating_add(length / 4 * quarter);
        let at = if quarter == 4 { window.end_ms } else { at };
        view! { <span>{label(at)}</span> }
    })
}
