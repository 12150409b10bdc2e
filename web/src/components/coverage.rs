//! The coverage map: selector × time, each state with a colour, a pattern and a word. Only rows in sight are drawn, a
//! path for each state of a row, and only rows that changed are drawn anew: a window of months has a hundred thousand
//! slabs, and they change all the time.

mod strip;

use super::middle::Middle;
use crate::state::coverage::{CellState, MOST_CELLS, Totals};
use crate::state::run::Part;
use crate::state::{format, store};
use leptos::ev;
use leptos::html::Div;
use leptos::prelude::*;
use leptos::wasm_bindgen::JsCast;
use tsink_migrate_engine::model::Window;
use tsink_migrate_engine::run::Stage;

/// Rows drawn before and after those in sight.
const SPARE: usize = 4;
/// Height of the list with many rows, in px: 26rem.
const VIEW: f64 = 416.0;
/// Width of a cell at least, in px.
const LEAST_WIDTH: f64 = 4.0;

/// How large things are, in px.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Sizes {
    strip: f64,
    row: f64,
    view: f64,
}

/// The map of a stage; nothing before its slabs are known.
#[component]
pub fn CoverageMap(
    /// Stage.
    stage: Stage,
) -> impl IntoView {
    let store = store();
    let totals = Memo::new(move |_| store.read(&[Part::Coverage], |run| run.stage(stage).coverage.totals()));
    view! {
        <Show when=move || totals.with(|totals| totals.slabs != 0)><Panel stage totals /></Show>
    }
}

#[component]
fn Panel(stage: Stage, totals: Memo<Totals>) -> impl IntoView {
    let store = store();
    let parts = [Part::Coverage];
    let place = NodeRef::<Div>::new();
    // Nothing is known before the first row is there; the others follow in a task of their own.
    let sizes = RwSignal::new(Sizes { strip: 600.0, row: 21.6, view: 0.0 });
    let scrolled = RwSignal::new(0.0);
    let count = Memo::new(move |_| store.read(&parts, |run| run.stage(stage).coverage.len()));
    let longest = Memo::new(move |_| store.read(&parts, |run| run.stage(stage).coverage.longest_name()));
    let window = Memo::new(move |_| store.read(&parts, |run| run.stage(stage).coverage.window()));
    let in_sight = Memo::new(move |_| {
        let Sizes { row, view, .. } = sizes.get();
        if view <= 0.0 {
            return (0, count.get().min(1));
        }
        let first = ((scrolled.get() / row) as usize).saturating_sub(SPARE).min(count.get());
        let last = (first + (view / row) as usize + 2 * SPARE + 2).min(count.get());
        (first, last)
    });
    let measure = move || {
        // A frame may come, or a scroll be told, when the panel is gone already.
        let (Some(Some(place)), Some(before)) = (place.try_get_untracked(), sizes.try_get_untracked()) else {
            return;
        };
        let first = |class: &str| place.query_selector(class).ok().flatten();
        if let (Some(row), Some(strip)) = (first(".slab-row"), first(".slab-strip")) {
            let (row, strip) = (row.get_bounding_client_rect(), strip.get_bounding_client_rect());
            if row.height() > 0.0 && strip.width() > 0.0 {
                // As high as the style sheet lets it become.
                let view = f64::from(place.client_height()).max(VIEW);
                let new = Sizes { strip: strip.width().round(), row: row.height(), view };
                if before != new {
                    sizes.set(new);
                }
            }
        }
    };
    Effect::new(move || {
        count.track();
        place.track();
        request_animation_frame(measure);
    });
    let resized = window_event_listener(ev::resize, move |_| measure());
    on_cleanup(move || resized.remove());
    let rows = move || {
        let (first, last) = in_sight.get();
        (first..last).collect::<Vec<_>>()
    };
    let above = move || format!("{:.1}px", in_sight.get().0 as f64 * sizes.get().row);
    let below = move || format!("{:.1}px", (count.get() - in_sight.get().1) as f64 * sizes.get().row);
    // In the script's own width: the axis below has another size of type.
    let names = move || format!("min(32%, {:.2}rem)", longest.get() as f64 * 0.455 + 0.15);
    view! {
        <section class="panel" data-testid="coverage" aria-label="Coverage">
            <div class="panel-head">
                <h2>"Coverage"</h2>
                <span class="dim">
                    {move || format!("selector × time, {}", format::counted(totals.get().slabs as u64, "slab", "slabs"))}
                </span>
            </div>
            <strip::Patterns />
            <div style=("--names", names)>
                <div
                    class="slabs"
                    tabindex=move || (count.get() > 12).then_some("0")
                    node_ref=place
                    on:scroll=move |_| {
                        if let Some(Some(place)) = place.try_get_untracked() {
                            let _ = scrolled.try_set(f64::from(place.scroll_top()));
                        }
                    }
                >
                    <div style:height=above></div>
                    <For each=rows key=|row| *row let:row><Row stage row sizes window /></For>
                    <div style:height=below></div>
                </div>
                <div class="axis slab-axis mono" aria-hidden="true">{move || window.get().map(axis)}</div>
            </div>
            <Legend stage totals />
        </section>
    }
}

#[component]
fn Row(stage: Stage, row: usize, sizes: RwSignal<Sizes>, window: Memo<Option<Window>>) -> impl IntoView {
    let store = store();
    // Looked at with every change, and cheap to look at.
    let version = Memo::new(move |_| {
        store.read(&[Part::Coverage], |run| {
            let map = &run.stage(stage).coverage;
            (map.version(row), map.name(row).to_owned())
        })
    });
    let width = Memo::new(move |_| sizes.get().strip);
    let cells = Memo::new(move |_| {
        version.track();
        window.track();
        let most = ((width.get() / LEAST_WIDTH) as usize).clamp(8, MOST_CELLS);
        store.read(&[], |run| run.stage(stage).coverage.row(row, most))
    });
    let spoken = move || {
        version.with(|(_, name)| {
            let (done, failed, all) = store.read(&[], |run| run.stage(stage).coverage.counts(row));
            let failed = if failed > 0 { format!(", {failed} with problems") } else { String::new() };
            format!("{name}: {done} of {all} slabs done{failed}")
        })
    };
    // A title for each cell would be an element for each; the strip takes that of the cell under the pointer.
    let point = move |event: ev::MouseEvent| {
        let strip = event.current_target().and_then(|target| target.dyn_into::<web_sys::HtmlElement>().ok());
        let (Some(strip), Some(whole)) = (strip, window.get_untracked()) else { return };
        let share = f64::from(event.offset_x()) / f64::from(strip.offset_width().max(1));
        let title = cells.with_untracked(|cells| {
            strip::at(cells, whole, share).map(|cell| {
                let rows = if cell.rows > 0 {
                    format!(", {}", format::counted(cell.rows, "sample", "samples"))
                } else {
                    String::new()
                };
                format!("{}: {}{rows}", format::window(cell.window), word(cell.state, stage))
            })
        });
        strip.set_title(&title.unwrap_or_default());
    };
    let paths = Memo::new(move |_| {
        let whole = window.get();
        cells.with(|cells| whole.map(|whole| strip::paths(cells, whole, width.get())).unwrap_or_default())
    });
    let path = move |state: CellState| {
        view! { <path class=state.class() d=move || paths.with(|paths| paths.of(state).to_owned()) /> }
    };
    view! {
        <div class="slab-row">
            <div class="slab-name mono">
                {move || view! { <Middle text=version.with(|(_, name)| name.clone()) /> }}
            </div>
            <div class="slab-strip" role="img" aria-label=spoken on:mousemove=point>
                <svg viewBox=move || format!("0 0 {} {}", width.get(), strip::HEIGHT) preserveAspectRatio="none" aria-hidden="true">
                    {[CellState::Todo, CellState::Done, CellState::InFlight, CellState::Failed, CellState::Empty].map(path)}
                </svg>
            </div>
        </div>
    }
}

fn word(state: CellState, stage: Stage) -> &'static str {
    match (state, stage == Stage::Backfill) {
        (CellState::Done, true) => "at the target, acknowledged",
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
    let entry = move |state: CellState, is_shown: fn(&Totals) -> bool| {
        let more = move || {
            let Totals { failed, failed_rows, .. } = totals.get();
            if state != CellState::Failed {
                return String::new();
            }
            let rows = if failed_rows > 0 {
                format!(", {}", format::counted(failed_rows, "sample", "samples"))
            } else {
                String::new()
            };
            format!(": {}{rows}", format::counted(failed as u64, "slab", "slabs"))
        };
        view! {
            <li hidden=move || totals.with(|totals| !is_shown(totals))>
                <i class=format!("cell {}", state.class()) aria-hidden="true"></i>
                {word(state, stage)}
                {more}
            </li>
        }
    };
    view! {
        <ul class="legend">
            {entry(CellState::Done, |_| true)}
            {entry(CellState::InFlight, |totals| totals.in_flight + totals.todo > 0)}
            {entry(CellState::Todo, |totals| totals.todo > 0)}
            {entry(CellState::Failed, |totals| totals.failed > 0)}
            {entry(CellState::Empty, |totals| totals.empty > 0)}
        </ul>
    }
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
