//! The recording: what was dropped of it, what the plan wants, what is missing.

mod maker;

use super::open;
use super::pill::{Pill, Tone};
use crate::browser;
use crate::state::recording::make::Kind;
use crate::state::recording::sniff::Form;
use crate::state::recording::{Choice, Item, Recording, Wanted, Why};
use crate::state::{Store, format, store};
use leptos::prelude::*;
use maker::Maker;
use web_sys::File;

/// Payload files listed at most; the summary above counts all.
const MOST: usize = 200;

/// The panel; nothing while neither the plan nor a file speaks of a recording.
#[component]
pub fn RecordingPanel() -> impl IntoView {
    let store = store();
    let is_shown = Memo::new(move |_| {
        store.wanted.with(|wanted| wanted.kind.is_some())
            || store.looking.with(Option::is_some)
            || store.recording.with(|recording| !recording.is_empty())
    });
    view! { <Show when=move || is_shown.get()><Panel /></Show> }
}

#[component]
fn Panel() -> impl IntoView {
    let store = store();
    let is_locked = Memo::new(move |_| store.phase.get().is_busy());
    let is_empty = Memo::new(move |_| store.recording.with(Recording::is_empty));
    let state = Memo::new(move |_| read(store, state));
    let looking = move || {
        store.looking.get().map(|(done, total)| {
            let words = format!(
                "Looking at {} files, {} done.",
                format::count(total as u64),
                format::count(done as u64)
            );
            view! { <p class="dim" role="status">{words}</p> }
        })
    };
    let rows = move || read(store, |recording, wanted| rows(store, recording, wanted, is_locked));
    view! {
        <section class="panel recording" data-testid="recording" aria-label="Recording">
            <div class="panel-head">
                <h2>"Recording"</h2>
                <Pill tone=Signal::derive(move || state.get().0) word=Signal::derive(move || state.get().1.to_owned()) />
                <Show when=move || !is_empty.get()>
                    <button
                        class="button quiet push"
                        data-testid="recording-clear"
                        disabled=is_locked
                        on:click=move |_| store.recording.update(Recording::clear)
                    >
                        "Remove all"
                    </button>
                </Show>
            </div>
            {looking}
            <ul class="offered">{rows}</ul>
            <Files />
            <Maker />
            <PlanFor />
            <div class="row">
                <button class="button small" disabled=is_locked on:click=move |_| open::choose(open::INPUT)>
                    "Add files…"
                </button>
                <button class="button small" disabled=is_locked on:click=move |_| open::choose(open::FOLDER_INPUT)>
                    "Add a folder…"
                </button>
            </div>
        </section>
    }
}

fn read<T>(store: Store, read: impl FnOnce(&Recording<File>, &Wanted) -> T) -> T {
    store.recording.with(|recording| store.wanted.with(|wanted| read(recording, wanted)))
}

/// How far the recording is, in a word.
fn state(recording: &Recording<File>, wanted: &Wanted) -> (Tone, &'static str) {
    match recording.choose(wanted) {
        Choice::Use(_, Why::Made) => (Tone::Good, "manifest made here"),
        Choice::Use(..) => (Tone::Good, "manifest at hand"),
        Choice::Several => (Tone::Warn, "several manifests"),
        Choice::None if recording.payloads().len() == 0 => (Tone::Warn, "not here yet"),
        Choice::None => (Tone::Warn, "no manifest"),
    }
}

fn rows(store: Store, recording: &Recording<File>, wanted: &Wanted, locked: Memo<bool>) -> Vec<AnyView> {
    let mut rows = Vec::new();
    let choice = recording.choose(wanted);
    if let Choice::Use(made, Why::Made) = &choice {
        let file = made.handle.clone();
        let save = move |_| {
            let _ = browser::download_blob(&file.name(), &file);
        };
        let entries = format::counted(recording.payloads().len() as u64, "entry", "entries");
        rows.push(row(
            (Tone::Good, "manifest"),
            &made.path,
            format!("made here, {entries}, {}", format::bytes(made.size)),
            view! {
                <button class="button small push" data-testid="recording-save" on:click=save>"Save"</button>
                <button
                    class="button quiet"
                    data-testid="recording-remove-made"
                    disabled=locked
                    on:click=move |_| store.recording.update(Recording::remove_made)
                >
                    "Remove"
                </button>
            }
            .into_any(),
        ));
    }
    for item in recording.manifests() {
        let (tone, words) = match &choice {
            Choice::Use(used, Why::Named) if used.path == item.path => {
                (Tone::Good, "the plan names it".to_owned())
            }
            Choice::Use(used, Why::Only) if used.path == item.path => {
                let other = wanted.manifest.as_ref().map(|name| format!("; the plan names {name}"));
                (Tone::Good, format!("it is used, as the only one{}", other.unwrap_or_default()))
            }
            Choice::Several => (Tone::Warn, "which one is meant? Remove the others".to_owned()),
            _ => (Tone::Plain, "not used".to_owned()),
        };
        let words = format!("{}, {words}", format::bytes(item.size));
        rows.push(row((tone, "manifest"), &item.path, words, remove(store, item, locked)));
    }
    if matches!(choice, Choice::None)
        && let Some(name) = &wanted.manifest
    {
        let words = "the plan names it: drop it, or the folder that it lies in".to_owned();
        rows.push(row((Tone::Warn, "missing"), name, words, ().into_any()));
    }
    if recording.payloads().len() > 0 {
        let count = format::counted(recording.payloads().len() as u64, "file", "files");
        let words = format!("{}: {}", format::bytes(recording.payload_bytes()), forms(recording));
        let remove = view! {
            <button
                class="button quiet push"
                data-testid="recording-remove-payloads"
                disabled=locked
                on:click=move |_| store.recording.update(Recording::remove_payloads)
            >
                "Remove"
            </button>
        };
        rows.push(row((Tone::Good, "payloads"), &count, words, remove.into_any()));
    }
    if recording.hidden > 0 {
        let count = format::counted(recording.hidden, "hidden file", "hidden files");
        rows.push(row((Tone::Plain, "left out"), &count, "of the folders".to_owned(), ().into_any()));
    }
    rows
}

fn row((tone, kind): (Tone, &'static str), name: &str, words: String, action: AnyView) -> AnyView {
    view! {
        <li>
            <Pill tone word=kind.to_owned() />
            <span class="mono">{name.to_owned()}</span>
            <span class="dim">{words}</span>
            {action}
        </li>
    }
    .into_any()
}

fn remove(store: Store, item: &Item<File>, locked: Memo<bool>) -> AnyView {
    let path = item.path.clone();
    let label = format!("Remove {path}");
    let remove = move |_| {
        store.recording.update(|recording| recording.remove(&path));
        store.made_anew();
    };
    view! { <button class="button quiet push" aria-label=label disabled=locked on:click=remove>"Remove"</button> }
        .into_any()
}

/// `12 text, 3 gzip`.
fn forms(recording: &Recording<File>) -> String {
    let words = [(Form::Text, "text"), (Form::Binary, "binary"), (Form::Gzip, "gzip")].map(|(form, word)| {
        let count = recording.payloads().filter(|(own, _)| *own == form).count() as u64;
        (count > 0).then(|| format!("{} {word}", format::count(count)))
    });
    words.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// Writes the plan for a manifest that no plan names.
#[component]
fn PlanFor() -> impl IntoView {
    let store = store();
    let is_shown = Memo::new(move |_| {
        let has_manifest =
            read(store, |recording, wanted| matches!(recording.choose(wanted), Choice::Use(..)));
        has_manifest && store.wanted.with(|wanted| wanted.kind.is_none() || wanted.manifest.is_none())
    });
    let guessed = Memo::new(move |_| {
        store.recording.with(|recording| {
            recording.settings().map_or_else(|| recording.guess(), |settings| settings.kind)
        })
    });
    let chosen = RwSignal::new(None::<Kind>);
    let kind = Memo::new(move |_| {
        chosen.get().or_else(|| store.wanted.with(|wanted| wanted.kind)).unwrap_or_else(|| guessed.get())
    });
    let kinds = move || {
        Kind::ALL.map(|one| view! { <option value=one.word() selected=move || kind.get() == one>{one.title()}</option> })
    };
    // The form above has asked already.
    let is_known = Memo::new(move |_| store.recording.with(|recording| recording.settings().is_some()));
    let words = move || match (store.has_plan.get(), is_known.get()) {
        (true, true) => "The plan reads from a server.",
        (true, false) => {
            "The plan reads from a server. To migrate this recording instead, say what it holds."
        }
        (false, true) => "No plan names it yet.",
        (false, false) => "Say what it holds to begin a plan for it.",
    };
    let is_locked = move || store.phase.get().is_busy();
    view! {
        <Show when=move || is_shown.get()>
            <div class="row plan-for" data-testid="recording-plan-for">
                <span>{words}</span>
                <Show when=move || !is_known.get()>
                    <select
                        class="input"
                        aria-label="What was recorded"
                        data-testid="plan-for-kind"
                        disabled=is_locked
                        on:change=move |event| chosen.set(Kind::of_word(&event_target_value(&event)))
                    >
                        {kinds}
                    </select>
                </Show>
                <button
                    class="button primary"
                    data-testid="plan-for"
                    disabled=is_locked
                    on:click=move |_| store.plan_for_recording(kind.get_untracked())
                >
                    {move || if store.has_plan.get() { "Migrate the recording" } else { "Write the plan" }}
                </button>
            </div>
        </Show>
    }
}

/// Payload files one by one, folded away.
#[component]
fn Files() -> impl IntoView {
    let store = store();
    let is_locked = Memo::new(move |_| store.phase.get().is_busy());
    let count = Memo::new(move |_| store.recording.with(|recording| recording.payloads().len()));
    let is_open = RwSignal::new(false);
    let toggle = move |event: web_sys::Event| {
        is_open.set(event_target::<web_sys::Element>(&event).has_attribute("open"));
    };
    let rows = move || {
        // Hundreds of rows are drawn for whoever looks at them.
        is_open.get().then(|| {
            store.recording.with(|recording| {
                recording
                    .payloads()
                    .take(MOST)
                    .map(|(_, item)| {
                        view! {
                            <li>
                                <span class="mono">{item.path.clone()}</span>
                                <span class="dim">{format::bytes(item.size)}</span>
                                {remove(store, item, is_locked)}
                            </li>
                        }
                    })
                    .collect_view()
            })
        })
    };
    let more = move || {
        let more = count.get().saturating_sub(MOST);
        (more > 0).then(|| view! { <p class="dim">{format!("and {} more", format::count(more as u64))}</p> })
    };
    view! {
        <Show when=move || count.get() != 0>
            <details class="fold inner" on:toggle=toggle>
                <summary><h3>"Payload files"</h3></summary>
                <ul class="offered">{rows}</ul>
                {more}
            </details>
        </Show>
    }
}
