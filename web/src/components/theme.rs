//! Light, dark, or as the system has it.

use crate::browser;
use leptos::prelude::*;

/// Goes round: system, light, dark.
#[component]
pub fn ThemeToggle() -> impl IntoView {
    let theme = RwSignal::new(browser::stored_theme());
    let word = move || match theme.get().as_deref() {
        Some("light") => "light",
        Some(_) => "dark",
        None => "as the system has it",
    };
    let next = move |_| {
        let next = match theme.get_untracked().as_deref() {
            None => Some("light"),
            Some("light") => Some("dark"),
            Some(_) => None,
        };
        browser::set_theme(next);
        theme.set(next.map(str::to_owned));
    };
    view! {
        <button
            class="button quiet theme"
            data-testid="theme"
            title=move || format!("Theme: {}", word())
            aria-label=move || format!("Theme: {}", word())
            on:click=next
        >
            <svg class="glyph" viewBox="0 0 16 16" aria-hidden="true" focusable="false">
                <circle cx="8" cy="8" r="5.5" />
                <path class="half" d="M8 2.5 A5.5 5.5 0 0 1 8 13.5 Z" />
            </svg>
        </button>
    }
}
