//! Where a migration begins.

use super::open::{self, Sample};
use super::pill::{Pill, Tone};
use crate::state::files::Recognised;
use crate::state::store;
use leptos::prelude::*;

/// The large zone of the start page, or a strip once there is a plan.
#[component]
pub fn DropZone(
    /// Whether there is a plan already.
    #[prop(into)]
    small: Signal<bool>,
) -> impl IntoView {
    let store = store();
    let sample = expect_context::<Sample>();
    let try_sample = move || {
        sample.0.get().map(|text| {
            let open = move |_| open::text(store, text.clone(), open::SAMPLE);
            view! { <button class="button" data-testid="try-sample" on:click=open>"Try the sample"</button> }
        })
    };
    let choose = move |_| open::choose(open::INPUT);
    let folder = move |_| open::choose(open::FOLDER_INPUT);
    move || {
        if small.get() {
            view! {
                <div class="drop-zone small" data-testid="drop-zone">
                    <p class="dim">"Another plan, or more of a recording? Drop it anywhere, or paste it."</p>
                    <div class="row">
                        <button class="button" on:click=choose>"Choose files…"</button>
                        <button class="button" on:click=folder>"Choose a folder…"</button>
                    </div>
                </div>
            }
            .into_any()
        } else {
            view! {
                <div class="drop-zone" data-testid="drop-zone">
                    <h1>"Drop a plan or a recording"</h1>
                    <p class="dim">
                        "Move Prometheus or VictoriaMetrics history, or recorded OTLP, InfluxDB, StatsD and Graphite payloads, into tsink, "
                        "and prove that every sample arrived. Files stay in this browser; data goes only to the servers that your plan names."
                    </p>
                    <div class="row centre">
                        <button class="button primary" data-testid="choose" on:click=choose>"Choose files…"</button>
                        <button class="button" data-testid="choose-folder" on:click=folder>"Choose a folder…"</button>
                        <button class="button" data-testid="write-plan" on:click=move |_| store.write_plan()>
                            "Write a plan"
                        </button>
                        {try_sample}
                    </div>
                </div>
            }
            .into_any()
        }
    }
}

/// What was offered and not taken, and why.
#[component]
pub fn OfferedFiles() -> impl IntoView {
    let store = store();
    let rows = move || {
        let offered = store.offered.get();
        offered
            .into_iter()
            .map(|file| {
                let (tone, kind, words) = match file.what {
                    Recognised::Plan { words } => {
                        (Tone::Plain, "plan", format!("{words}; another one is open, so it was left alone"))
                    }
                    Recognised::Report => (
                        Tone::Plain,
                        "report",
                        "one report is read at a time, and none beside a plan; drop it by itself".to_owned(),
                    ),
                    Recognised::History => (Tone::Plain, "history", "import it under Reports".to_owned()),
                    Recognised::Queries => {
                        (Tone::Plain, "queries", "one file of queries at a time".to_owned())
                    }
                    Recognised::Other { kind, words } => (Tone::Warn, kind, words),
                };
                view! {
                    <li>
                        <Pill tone word=kind.to_owned() />
                        <span class="mono">{file.name}</span>
                        <span class="dim">{words}</span>
                    </li>
                }
            })
            .collect_view()
    };
    view! {
        <Show when=move || !store.offered.with(Vec::is_empty)>
            <section class="panel" data-testid="offered" aria-label="Files that were left alone">
                <div class="panel-head">
                    <h2>"Left alone"</h2>
                    <button
                        class="button quiet push"
                        aria-label="Close the list"
                        on:click=move |_| store.offered.set(Vec::new())
                    >
                        "Close"
                    </button>
                </div>
                <ul class="offered">{rows}</ul>
            </section>
        </Show>
    }
}
