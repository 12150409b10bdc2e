//! A manifest for raw recordings: asks for what they do not say of themselves.

use crate::browser;
use crate::components::field::Field;
use crate::state::recording::make::{self, Kind, Settings};
use crate::state::recording::{Choice, Recording, Why};
use crate::state::store;
use leptos::prelude::*;
use std::collections::BTreeMap;
use tsink_migrate_engine::plan::parse_time;

/// Query parameters that are typed: name, label, what stands for nothing.
const TYPED: [(&str, &str, &str); 4] = [
    ("db", "Database", "telegraf"),
    ("rp", "Retention policy", ""),
    ("bucket", "Bucket", ""),
    ("org", "Organisation", ""),
];
/// Precisions of timestamps: the parameter, and what it means.
const PRECISIONS: [(&str, &str); 4] =
    [("", "nanoseconds (no precision)"), ("us", "microseconds"), ("ms", "milliseconds"), ("s", "seconds")];

/// The form; nothing while there is a manifest, or no payload file.
#[component]
pub fn Maker() -> impl IntoView {
    let store = store();
    let is_shown = Memo::new(move |_| {
        store.recording.with(|recording| {
            let choice = store.wanted.with(|wanted| match recording.choose(wanted) {
                Choice::None | Choice::Use(_, Why::Made) => true,
                Choice::Use(..) | Choice::Several => false,
            });
            choice && recording.payloads().len() > 0
        })
    });
    view! { <Show when=move || is_shown.get()><Form /></Show> }
}

#[component]
fn Form() -> impl IntoView {
    let store = store();
    // What the operator chose counts; until then, what the plan says, or what the files look like.
    let chosen =
        RwSignal::new(store.recording.with_untracked(|recording| recording.settings().map(|own| own.kind)));
    let guessed = Memo::new(move |_| {
        store.wanted.with(|wanted| wanted.kind).unwrap_or_else(|| store.recording.with(Recording::guess))
    });
    let kind = Memo::new(move |_| chosen.get().unwrap_or_else(|| guessed.get()));
    let arrived = RwSignal::new(String::new());
    let query = RwSignal::new(BTreeMap::<&'static str, String>::new());
    let is_made = Memo::new(move |_| store.recording.with(|recording| recording.settings().is_some()));
    // None: each file's own time.
    let time = Memo::new(move |_| {
        let typed = arrived.get();
        (!typed.trim().is_empty() && kind.get().needs_arrival())
            .then(|| parse_time(&typed, browser::now_ms()))
            .transpose()
    });
    let is_wrong = Memo::new(move |_| time.with(Result::is_err));
    let make = move |event: web_sys::SubmitEvent| {
        event.prevent_default();
        if let Ok(arrived_ms) = time.get_untracked() {
            let settings = Settings { kind: kind.get_untracked(), arrived_ms, query: query.get_untracked() };
            store.make_manifest(settings);
            store.said.set("The manifest is made, and used.".to_owned());
        }
    };
    let is_locked = move || store.phase.get().is_busy();
    let kinds = Kind::ALL.map(|one| {
        view! { <option value=one.word() selected=move || kind.get() == one>{one.title()}</option> }
    });
    let means = Signal::derive(move || match time.get() {
        Err(error) => format!("{}. {}", error.message, error.remedy),
        Ok(Some(at)) => format!("{} UTC, for all files", crate::state::format::instant(at)),
        Ok(None) => {
            let span = store
                .recording
                .with(|recording| make::span(recording.payloads().map(|(_, item)| item.modified_ms)));
            format!("each file counts as arrived when it was last changed: {}", span.unwrap_or_default())
        }
    });
    view! {
        <form class="form" data-testid="maker" on:submit=make>
            <fieldset class="maker" disabled=is_locked>
                <div>
                    <h3>"Raw recordings need a manifest"</h3>
                    <p class="dim">"Each file becomes one payload. Say what the files do not."</p>
                </div>
                <div class="window-fields">
                    <div class="field-group">
                        <label for="maker-kind">"What was recorded"</label>
                        <select
                            id="maker-kind"
                            class="input"
                            data-testid="maker-kind"
                            on:change=move |event| chosen.set(Kind::of_word(&event_target_value(&event)))
                        >
                            {kinds}
                        </select>
                    </div>
                    <Show when=move || kind.get().needs_arrival()>
                        <Field
                            id="maker-arrived"
                            label="When it arrived"
                            value=arrived
                            placeholder="2025-11-18T09:30:00Z"
                            means
                            wrong=is_wrong
                            on_input=Callback::new(move |event| arrived.set(event_target_value(&event)))
                        />
                    </Show>
                </div>
                <Show when=move || kind.get() == Kind::Influx><Query query /></Show>
                <div class="row">
                    <button class="button" class:primary=move || !is_made.get() type="submit" data-testid="maker-make" disabled=move || is_wrong.get()>
                        {move || if is_made.get() { "Make it again" } else { "Make and use a manifest" }}
                    </button>
                </div>
            </fieldset>
        </form>
    }
}

/// Query parameters that InfluxDB clients send beside the lines.
#[component]
fn Query(query: RwSignal<BTreeMap<&'static str, String>>) -> impl IntoView {
    let value = move |name: &str| query.with(|query| query.get(name).cloned()).unwrap_or_default();
    let set = move |name: &'static str, value: String| {
        query.update(|query| {
            query.insert(name, value.trim().to_owned());
        });
    };
    let fields = TYPED.map(|(name, label, example)| {
        view! {
            <Field
                id=format!("maker-{name}")
                label
                value=Signal::derive(move || value(name))
                placeholder=example
                on_input=Callback::new(move |event| set(name, event_target_value(&event)))
            />
        }
    });
    let precisions = PRECISIONS.map(|(word, means)| {
        view! { <option value=word selected=move || value("precision") == word>{means}</option> }
    });
    view! {
        <div class="window-fields">
            {fields}
            <div class="field-group">
                <label for="maker-precision">"Unit of its timestamps"</label>
                <select
                    id="maker-precision"
                    class="input"
                    data-testid="maker-precision"
                    on:change=move |event| set("precision", event_target_value(&event))
                >
                    {precisions}
                </select>
            </div>
        </div>
        <p class="hint">"As the requests had them. Database, retention policy, bucket and organisation become labels of every series."</p>
    }
}
