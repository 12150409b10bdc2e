//! The report as files, and on to sharing it.

use crate::state::reports::Origin;
use crate::state::run::{Artifacts, Part};
use crate::state::store;
use leptos::prelude::*;
use tsink_migrate_engine::run::Stage;

/// A form of the report: hook, name of the file, and how it is saved under that.
type Form = (&'static str, &'static str, fn(&Artifacts, &str) -> Option<()>);

const FORMS: [Form; 3] = [
    ("download-json", "report.json", |artifacts, name| artifacts.json.save(name)),
    ("download-md", "report.md", |artifacts, name| artifacts.markdown.save(name)),
    ("download-html", "report.html", |artifacts, name| artifacts.html.save(name)),
];

/// `report.json`, `report.md` and `report.html` of a stage, once they are there.
#[component]
pub fn Downloads(
    /// Stage.
    stage: Stage,
) -> impl IntoView {
    let store = store();
    let is_there = move || store.read(&[Part::Stages], |run| run.stage(stage).artifacts.is_some());
    let artifacts = move || untrack(|| store.read(&[], |run| run.stage(stage).artifacts.clone()));
    let buttons = move || {
        FORMS.map(|(testid, name, form)| {
            let save = move |_| {
                let Some(artifacts) = artifacts() else { return };
                let saved = form(&artifacts, name);
                let words =
                    if saved.is_some() { "Report saved." } else { "This browser does not save files." };
                store.said.set(words.to_owned());
            };
            view! { <button class="button" data-testid=testid on:click=save>{name}</button> }
        })
    };
    let share = move |_| {
        if let Some(artifacts) = artifacts() {
            store.open_document(artifacts.json, Origin::Run, "The report".to_owned());
        }
    };
    view! {
        <Show when=is_there>
            <div class="downloads" role="group" aria-label="The report">
                {buttons()}
                <button class="button" data-testid="share" on:click=share>"Share…"</button>
            </div>
        </Show>
    }
}
