//! The history of runs in this browser.

use crate::browser::given::Gift;
use crate::components::kept::{KeptList, Servers, Told};
use crate::components::pill::{Mark, Tone};
use crate::state::reports::entry::{Entry, MOST_BYTES, MOST_REPORTS};
use crate::state::{format, store};
use leptos::prelude::*;
use leptos::wasm_bindgen::JsCast;
use tsink_migrate_engine::model::Window;
use web_sys::HtmlInputElement;

const INPUT: &str = "history-input";

/// The history: a row a report, newest first.
#[component]
pub fn History() -> impl IntoView {
    let store = store();
    let reports = store.reports;
    let count = Memo::new(move |_| reports.history.with(|all| all.as_ref().map_or(0, Vec::len)));
    let size = move || {
        reports.history.with(|all| {
            let bytes = all.iter().flatten().fold(0u64, |sum, entry| sum.saturating_add(entry.bytes));
            format!(
                "{}, {}",
                format::counted(count.get() as u64, "report", "reports"),
                format::bytes(bytes as f64)
            )
        })
    };
    let rows = move || {
        reports.history.with(|all| {
            let all = all.as_ref()?;
            Some(all.iter().cloned().map(|entry| view! { <Row entry /> }).collect_view())
        })
    };
    view! {
        <KeptList
            title="History"
            name="history"
            count
            size=Signal::derive(size)
            is_known=Signal::derive(move || reports.history.with(Option::is_some))
            empty="Nothing yet. Every report of a run in this browser is kept here by itself."
            columns=["verdict", "of", "from, to", "ended"]
            actions=move || view! { <Actions count /> }
            told=move || view! { <Told words=reports.told testid="history-told" /><Deleted /> }
            rows=move || rows
            means=format!(
                "Kept in this browser only, {MOST_REPORTS} reports or {} MB at most: the oldest go first.",
                MOST_BYTES / 1_000_000
            )
        />
    }
}

/// What can be done with the history as a whole.
#[component]
fn Actions(count: Memo<usize>) -> impl IntoView {
    let store = store();
    let asked = RwSignal::new(false);
    let choose = move |_| {
        let input =
            document().get_element_by_id(INPUT).and_then(|input| input.dyn_into::<HtmlInputElement>().ok());
        if let Some(input) = input {
            input.click();
        }
    };
    let chosen = move |event: web_sys::Event| {
        let input: HtmlInputElement = event_target(&event);
        if let Some(list) = input.files() {
            store.import_history(Gift::of_list(&list));
        }
        // The same file may be chosen again.
        input.set_value("");
    };
    let ordinary = move || {
        view! {
            <button class="button small" data-testid="import-history" on:click=choose>"Import…"</button>
            <Show when=move || count.get() != 0>
                <button class="button small" data-testid="export-history" on:click=move |_| store.export_history()>
                    "Export all"
                </button>
                <button class="button small" data-testid="delete-history" on:click=move |_| asked.set(true)>
                    "Delete all…"
                </button>
            </Show>
        }
    };
    let question = move || {
        let sure = move |_| {
            asked.set(false);
            store.delete_history();
        };
        view! {
            <span class="warn-text small">{move || format!("Delete {}? This cannot be undone.", format::counted(count.get() as u64, "report", "reports"))}</span>
            <button class="button small" data-testid="delete-history-sure" on:click=sure>"Delete all"</button>
            <button class="button small" on:click=move |_| asked.set(false)>"Keep them"</button>
        }
    };
    view! {
        <Show when=move || asked.get() && count.get() != 0 fallback=ordinary>{question()}</Show>
        <input
            id=INPUT
            class="visually-hidden"
            type="file"
            multiple
            tabindex="-1"
            aria-hidden="true"
            data-testid="history-input"
            on:change=chosen
        />
    }
}

/// The way back from the last deletion.
#[component]
fn Deleted() -> impl IntoView {
    let store = store();
    let reports = store.reports;
    move || {
        reports.deleted.with(|deleted| {
            let (entry, _) = deleted.as_ref()?;
            let words = format!("Deleted: {} of {} UTC.", entry.command, format::instant(entry.finished_ms));
            Some(view! {
                <div class="told">
                    <p>{words}</p>
                    <button class="button small" data-testid="undelete" on:click=move |_| store.undelete()>"Undo"</button>
                    <button class="button quiet small push" on:click=move |_| reports.deleted.set(None)>"Close"</button>
                </div>
            })
        })
    }
}

#[component]
fn Row(entry: Entry) -> impl IntoView {
    let store = store();
    let tone = if entry.ok { Tone::Good } else { Tone::Bad };
    let window = format::route_window(Window { start_ms: entry.start_ms, end_ms: entry.end_ms });
    let when =
        format!("{} UTC", format::instant(entry.finished_ms.div_euclid(60_000).saturating_mul(60_000)));
    let is_open = {
        let id = entry.id.clone();
        Memo::new(move |_| {
            store.reports.opened.with(|opened| opened.as_ref().is_some_and(|opened| opened.entry.id == id))
        })
    };
    let name = format!("{} of {when}", entry.command);
    let act = |word: &'static str, testid: &'static str, act: fn(crate::state::Store, Entry)| {
        let entry = entry.clone();
        let label = format!("{word}: {name}");
        view! {
            <button class="button small" data-testid=testid aria-label=label on:click=move |_| act(store, entry.clone())>
                {word}
            </button>
        }
    };
    let actions = (
        act("Open", "history-open", |store, entry| store.open_kept(entry)),
        act("Download", "history-download", |store, entry| store.download_kept(entry)),
        act("Delete", "history-delete", |store, entry| store.delete_kept(entry)),
    );
    view! {
        <tr data-testid="history-row" data-verdict=if entry.ok { "pass" } else { "fail" } aria-current=move || is_open.get().then_some("true")>
            <td data-label="verdict"><Mark tone word=entry.word.clone() /></td>
            <td data-label="of">
                <p><b>{entry.command.clone()}</b> " " <span class="mono dim">{window}</span></p>
                <p class="break">{entry.found.clone()}</p>
            </td>
            <Servers source=entry.source.clone() target=entry.target.clone() tenant=entry.tenant.clone() />
            <td data-label="ended" class="mono">{when}</td>
            <td data-label=""><div class="row tight">{actions}</div></td>
        </tr>
    }
}
