//! Remarks with a level and what to do.

use super::pill::{Mark, of_level};
use leptos::prelude::*;
use tsink_migrate_engine::report::Note;

/// The preflight's notes, the worst first.
#[component]
pub fn Notes(
    /// Notes.
    notes: Vec<Note>,
) -> impl IntoView {
    let mut notes = notes;
    notes.sort_by_key(|note| std::cmp::Reverse(note.level));
    let items = notes.into_iter().map(|note| {
        let (tone, word) = of_level(note.level);
        view! {
            <li data-note=note.code>
                <Mark tone word />
                <div>
                    <p>{note.message}</p>
                    {(!note.remedy.is_empty()).then(|| view! { <p class="dim">{note.remedy}</p> })}
                </div>
            </li>
        }
    });
    view! {
        <section class="panel" data-testid="notes" aria-label="Notes">
            <div class="panel-head"><h2>"Notes"</h2></div>
            <ul class="notes">{items.collect_view()}</ul>
        </section>
    }
}

/// Remarks that are mere sentences.
#[component]
pub fn Remarks(
    /// Heading.
    title: &'static str,
    /// Sentences.
    lines: Vec<String>,
) -> impl IntoView {
    (!lines.is_empty()).then(|| {
        let items = lines.into_iter().map(|line| view! { <li>{line}</li> }).collect_view();
        view! {
            <section class="panel" aria-label=title>
                <div class="panel-head"><h2>{title}</h2></div>
                <ul class="remarks">{items}</ul>
            </section>
        }
    })
}
