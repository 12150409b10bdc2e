//! The report as files.

use crate::browser;
use crate::state::run::Part;
use crate::state::store;
use leptos::prelude::*;
use tsink_migrate_engine::run::Stage;

/// `report.json` and `report.md` of a stage, once they are there.
#[component]
pub fn Downloads(
    /// Stage.
    stage: Stage,
) -> impl IntoView {
    let store = store();
    let is_there = move || store.read(&[Part::Stages], |run| run.stage(stage).artifacts.is_some());
    let save = move |as_json: bool| {
        let artifacts = untrack(|| store.read(&[], |run| run.stage(stage).artifacts.clone()));
        let Some(artifacts) = artifacts else { return };
        let saved = if as_json {
            browser::download("report.json", "application/json", &artifacts.json)
        } else {
            browser::download("report.md", "text/markdown", &artifacts.markdown)
        };
        let words = if saved.is_some() { "Report saved." } else { "This browser does not save files." };
        store.said.set(words.to_owned());
    };
    view! {
        <Show when=is_there>
            <div class="downloads" role="group" aria-label="Download the report">
                <button class="button" data-testid="download-json" on:click=move |_| save(true)>"report.json"</button>
                <button class="button" data-testid="download-md" on:click=move |_| save(false)>"report.md"</button>
            </div>
        </Show>
    }
}
