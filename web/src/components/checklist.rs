//! The verdict as a checklist: what was checked, what was seen, what to do.

use super::pill::{Mark, of_level};
use super::prose::Prose;
use leptos::prelude::*;
use tsink_migrate_engine::report::{CheckItem, Level};

/// The points that a verdict rests on.
#[component]
pub fn Checklist(
    /// The points in order.
    items: Vec<CheckItem>,
) -> impl IntoView {
    (!items.is_empty()).then(|| {
        let items = items.into_iter().map(|item| {
            let (tone, word) = of_level(item.level);
            view! {
                <li data-check=item.code data-level=level_name(item.level)>
                    <Mark tone word />
                    <div>
                        <p><b>{item.title}</b></p>
                        <p><Prose text=item.evidence /></p>
                        {(!item.remedy.is_empty()).then(|| view! { <p class="dim"><Prose text=item.remedy.clone() /></p> })}
                    </div>
                </li>
            }
        });
        view! {
            <section class="panel" data-testid="checklist" aria-label="Checklist">
                <div class="panel-head"><h2>"Checklist"</h2></div>
                <ul class="checklist wide">{items.collect_view()}</ul>
            </section>
        }
    })
}

/// A level as programs name it.
pub fn level_name(level: Level) -> &'static str {
    match level {
        Level::Ok => "ok",
        Level::Info => "info",
        Level::Warn => "warn",
        Level::Fail => "fail",
    }
}
