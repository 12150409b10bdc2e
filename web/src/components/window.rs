//! The window: two times as people write them, and what they mean in UTC.

use super::field::Field;
use crate::state::{FIRST_END, format, store};
use leptos::prelude::*;
use tsink_migrate_engine::plan::Severity;

/// Common windows: how far back, and how that is called.
const PRESETS: [(&str, &str); 4] =
    [("now-1h", "1 hour"), ("now-1d", "1 day"), ("now-7d", "7 days"), ("now-30d", "30 days")];

/// The window's panel.
#[component]
pub fn WindowPanel() -> impl IntoView {
    let store = store();
    let is_locked = Signal::derive(move || store.phase.get().is_busy());
    let length = move || {
        store.check.with(|check| check.window).map(|window| {
            let ms = u64::try_from(window.end_ms.saturating_sub(window.start_ms)).unwrap_or(0);
            format::duration(ms)
        })
    };
    let presets = PRESETS.map(|(start, word)| {
        let choose = move |_| {
            store.start.set(start.to_owned());
            store.end.set(FIRST_END.to_owned());
        };
        view! { <button class="chip" type="button" disabled=is_locked on:click=choose>{word}</button> }
    });
    view! {
        <section class="panel" aria-label="Window">
            <div class="panel-head"><h2>"Window"</h2><span class="dim">{length}</span></div>
            <div class="window-fields">
                <End label="Start" id="window-start" path="window.start" testid="start-input" value=store.start locked=is_locked is_end=false />
                <End label="End" id="window-end" path="window.end" testid="end-input" value=store.end locked=is_locked is_end=true />
            </div>
            <div class="chips" role="group" aria-label="The last">
                <span class="dim">"The last"</span>
                {presets}
            </div>
            <p class="hint">
                "Unix ms, 2025-11-18, 2025-11-18T09:30:00Z, now-2h or 30d. Relative times are fixed when a run starts."
            </p>
        </section>
    }
}

/// One end of the window.
#[component]
fn End(
    label: &'static str,
    id: &'static str,
    path: &'static str,
    testid: &'static str,
    value: RwSignal<String>,
    locked: Signal<bool>,
    is_end: bool,
) -> impl IntoView {
    let store = store();
    let error = Memo::new(move |_| {
        store.check.with(|check| {
            let found = check.diagnostics.iter().find(|found| found.path == path)?;
            Some((found.severity == Severity::Error, found.message.clone()))
        })
    });
    let means = Signal::derive(move || match error.get() {
        Some((true, message)) => message,
        _ => store
            .check
            .with(|check| check.window)
            .map(|window| if is_end { window.end_ms } else { window.start_ms })
            .map_or_else(String::new, |at| {
                format!("{} UTC", format::instant(format::fixed(&value.get(), at)))
            }),
    });
    let wrong = Signal::derive(move || error.with(|error| matches!(error, Some((true, _)))));
    let set = Callback::new(move |event| value.set(event_target_value(&event)));
    view! { <Field id testid label value means means_mono=true wrong locked on_input=set /> }
}
