//! Dropping and pasting anywhere on the page.

use super::open;
use crate::browser::given::Gift;
use crate::state::{Store, store};
use leptos::ev;
use leptos::prelude::*;
use leptos::wasm_bindgen::JsCast;
use web_sys::{DragEvent, Element, HtmlInputElement};

/// The hidden file inputs, and the sign that a file may be let go.
#[component]
pub fn DropLayer() -> impl IntoView {
    let store = store();
    let over = listen(store);
    let chosen = move |event: web_sys::Event| {
        let input: HtmlInputElement = event_target(&event);
        if let Some(list) = input.files() {
            open::give(store, Gift::of_list(&list));
        }
        // The same file may be chosen again after it was mended.
        input.set_value("");
    };
    // Kinds of files are told by what is in them.
    let input = move |id: &'static str, folder: bool| {
        view! {
            <input
                id=id
                class="visually-hidden"
                type="file"
                multiple
                prop:webkitdirectory=folder
                tabindex="-1"
                aria-hidden="true"
                data-testid=id
                on:change=chosen
            />
        }
    };
    view! {
        {input(open::INPUT, false)}
        {input(open::FOLDER_INPUT, true)}
        <Show when=move || over.get()>
            <div class="drop-layer" aria-hidden="true"><p>"Drop plans, recordings, reports and ledgers anywhere"</p></div>
        </Show>
    }
}

fn carries_files(event: &DragEvent) -> bool {
    event.data_transfer().is_some_and(|data| data.types().includes(&"Files".into(), 0))
}

fn listen(store: Store) -> RwSignal<bool> {
    let over = RwSignal::new(false);
    let _ = window_event_listener(ev::dragover, move |event| {
        if carries_files(&event) {
            // Without this the browser opens the file instead of the page.
            event.prevent_default();
            over.set(true);
        }
    });
    let _ = window_event_listener(ev::dragleave, move |event| {
        // Leaving the window has no related target; moving between elements has.
        if event.related_target().is_none() {
            over.set(false);
        }
    });
    let _ = window_event_listener(ev::drop, move |event| {
        over.set(false);
        let Some(data) = event.data_transfer() else { return };
        let gift = Gift::of_transfer(&data);
        if !gift.is_empty() {
            event.prevent_default();
            open::give(store, gift);
        } else if !in_text_field(event.target()) {
            event.prevent_default();
            if let Ok(text) = data.get_data("text/plain")
                && !text.trim().is_empty()
            {
                open::text(store, text, "dropped text");
            }
        }
    });
    let _ = window_event_listener(ev::paste, move |event| {
        let Some(data) = event.clipboard_data() else { return };
        let gift = Gift::of_transfer(&data);
        if !gift.is_empty() {
            event.prevent_default();
            open::give(store, gift);
        } else if !in_text_field(event.target())
            && let Ok(text) = data.get_data("text/plain")
            && !text.trim().is_empty()
        {
            event.prevent_default();
            open::text(store, text, "pasted text");
        }
    });
    over
}

fn in_text_field(target: Option<web_sys::EventTarget>) -> bool {
    target
        .and_then(|target| target.dyn_into::<Element>().ok())
        .is_some_and(|element| matches!(element.tag_name().as_str(), "INPUT" | "TEXTAREA" | "SELECT"))
}
