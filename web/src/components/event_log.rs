//! What happened, the newest first.

use super::pill::{Pill, Tone};
use crate::state::log::Line;
use crate::state::run::Part;
use crate::state::{format, store};
use leptos::prelude::*;
use tsink_migrate_engine::run::NoticeLevel;

/// Lines drawn at first: with every message that comes they are looked at anew.
const FIRST: usize = 60;
/// Lines drawn with each click on "older".
const MORE: usize = 120;

/// The event log.
#[component]
pub fn EventLog() -> impl IntoView {
    let store = store();
    let problems_only = RwSignal::new(false);
    let shown = RwSignal::new(FIRST);
    let lines = move || store.read(&[Part::Log], |run| run.log.lines(problems_only.get(), shown.get()));
    let more =
        move || store.read(&[Part::Log], |run| run.log.kept(problems_only.get())).saturating_sub(shown.get());
    let total = move || store.read(&[Part::Log], |run| run.log.total());
    let problems = move || store.read(&[Part::Log], |run| run.log.problems());
    view! {
        <Show when=move || total() != 0>
            <section class="panel" data-testid="event-log" aria-label="Events">
                <div class="panel-head">
                    <h2>"Events"</h2>
                    <label class="check dim">
                        <input
                            type="checkbox"
                            data-testid="errors-only"
                            prop:checked=move || problems_only.get()
                            on:change=move |event| problems_only.set(event_target_checked(&event))
                        />
                        {move || format!("problems only ({})", format::count(problems()))}
                    </label>
                </div>
                <ol class="log mono" tabindex="0" aria-label="Events, the newest first">
                    <For each=lines key=|line| line.id let:line>{draw(line)}</For>
                    <Show when=move || more() != 0>
                        <li>
                            <button class="link" type="button" data-testid="older-events" on:click=move |_| shown.update(|shown| *shown += MORE)>
                                {move || format!("{} older", format::count(more() as u64))}
                            </button>
                        </li>
                    </Show>
                </ol>
                <Show when=move || problems_only.get() && problems() == 0>
                    <p class="dim">"No problem so far."</p>
                </Show>
            </section>
        </Show>
    }
}

fn draw(line: Line) -> impl IntoView {
    let tone = match line.level {
        NoticeLevel::Info => Tone::Plain,
        NoticeLevel::Warn => Tone::Warn,
        NoticeLevel::Error => Tone::Bad,
    };
    let word = match (line.level, line.tag.is_empty()) {
        (NoticeLevel::Info, true) => None,
        (NoticeLevel::Warn, true) => Some("warning".to_owned()),
        (NoticeLevel::Error, true) => Some("error".to_owned()),
        (_, false) => Some(line.tag.clone()),
    };
    view! {
        <li>
            <time>{format::clock(line.at_ms)}</time>
            {word.map(|word| view! { <Pill tone word /> })}
            <span>{line.message}</span>
        </li>
    }
}
