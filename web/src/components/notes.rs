//! Remarks with a level and what to do.

use super::pill::{Mark, of_level};
use super::prose::Prose;
use crate::state::format;
use leptos::prelude::*;
use tsink_migrate_engine::report::Note;

/// Sentences drawn at most.
const MOST: usize = 50;

/// The preflight's notes, the worst first.
#[component]
pub fn Notes(
    /// Notes.
    notes: Vec<Note>,
) -> impl IntoView {
    let mut notes = notes;
    tsink_migrate_engine::order::sort_by_key(&mut notes, |note| std::cmp::Reverse(note.level));
    let items = notes.into_iter().map(|note| {
        let (tone, word) = of_level(note.level);
        view! {
            <li data-note=note.code>
                <Mark tone word />
                <div>
                    <p><Prose text=note.message /></p>
                    {(!note.remedy.is_empty()).then(|| view! { <p class="dim"><Prose text=note.remedy.clone() /></p> })}
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
        let more = lines.len().saturating_sub(MOST);
        let items =
            lines.into_iter().take(MOST).map(|line| view! { <li><Prose text=line /></li> }).collect_view();
        let more = (more > 0).then(|| {
            let words = format!("and {} more; the report has all", format::count(more as u64));
            view! { <li class="dim">{words}</li> }
        });
        view! {
            <section class="panel" aria-label=title>
                <div class="panel-head"><h2>{title}</h2></div>
                <ul class="remarks">{items}{more}</ul>
            </section>
        }
    })
}
