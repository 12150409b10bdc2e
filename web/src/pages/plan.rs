//! The plan: where a migration begins.

use crate::components::defaults::Defaults;
use crate::components::diagnostics::Diagnostics;
use crate::components::drop_zone::{DropZone, OfferedFiles};
use crate::components::editor::Editor;
use crate::components::form::PlanForm;
use crate::components::next_steps::NextSteps;
use crate::components::offer::ContinueOffer;
use crate::components::pill::{Pill, Tone};
use crate::components::plan_summary::Summary;
use crate::components::preview::PreviewPanel;
use crate::components::queries_panel::QueriesPanel;
use crate::components::recipe::RecipePanel;
use crate::components::recording::RecordingPanel;
use crate::components::secrets::Secrets;
use crate::components::window::WindowPanel;
use crate::state::{format, store};
use leptos::prelude::*;
use tsink_migrate_engine::plan::Severity;

/// The page.
#[component]
pub fn PlanPage() -> impl IntoView {
    let store = store();
    let has_plan = store.has_plan;
    view! {
        <Show
            when=move || has_plan.get()
            fallback=|| view! {
                <DropZone small=false />
                <OfferedFiles />
                <QueriesPanel />
                <RecordingPanel />
                <PreviewPanel />
                <NextSteps />
            }
        >
            <h1 class="visually-hidden">"Plan"</h1>
            <ContinueOffer />
            <OfferedFiles />
            <QueriesPanel />
            <RecordingPanel />
            <PreviewPanel />
            <div class="columns">
                <div class="stack">
                    <PlanPanel />
                    <Summary />
                </div>
                <div class="stack">
                    <WindowPanel />
                    <Secrets />
                    <NextSteps />
                    <Defaults />
                </div>
            </div>
            <RecipePanel />
            <DropZone small=true />
        </Show>
    }
}

#[component]
fn PlanPanel() -> impl IntoView {
    let store = store();
    let counts = Memo::new(move |_| {
        store.check.with(|check| {
            let of =
                |severity| check.diagnostics.iter().filter(|found| found.severity == severity).count() as u64;
            (of(Severity::Error), of(Severity::Warning), check.is_ready())
        })
    });
    let tone = move || match counts.get() {
        (1.., ..) => Tone::Bad,
        (_, 1.., _) => Tone::Warn,
        (_, _, true) => Tone::Good,
        _ => Tone::Plain,
    };
    let word = move || match counts.get() {
        (0, 0, true) => "in order".to_owned(),
        (0, 0, false) => "not complete".to_owned(),
        (0, warnings, _) => format::counted(warnings, "thing to look at", "things to look at"),
        (errors, ..) => format::counted(errors, "thing to mend", "things to mend"),
    };
    let tab = move |form: bool, word: &'static str, testid: &'static str| {
        view! {
            <button
                class="tab"
                type="button"
                aria-pressed=move || (store.form.get() == form).to_string()
                data-testid=testid
                on:click=move |_| store.form.set(form)
            >
                {word}
            </button>
        }
    };
    view! {
        <section class="panel" aria-label="Plan">
            <div class="panel-head">
                <h2 class="mono">{move || store.name.get()}</h2>
                <Pill tone=Signal::derive(tone) word=Signal::derive(word) />
                <div class="tabs push" role="group" aria-label="How to edit">
                    {tab(false, "Text", "tab-text")}
                    {tab(true, "Form", "tab-form")}
                </div>
            </div>
            <Show when=move || store.form.get() fallback=|| view! { <Editor /> }>
                <PlanForm />
            </Show>
            <Diagnostics />
        </section>
    }
}
