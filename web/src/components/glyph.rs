//! Signs, drawn: a sign from a font may come out as a picture, in colour, or not at all.

use leptos::prelude::*;

/// A sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// Good.
    Check,
    /// Bad.
    Cross,
    /// Look here.
    Warn,
    /// For information.
    Info,
    /// Runs.
    Play,
    /// Held.
    Pause,
    /// Has not run.
    Dot,
    /// Open.
    Ring,
}

/// Draws a sign. It is never alone: a word stands beside it.
#[component]
pub fn Glyph(
    /// Which.
    #[prop(into)]
    sign: Signal<Sign>,
) -> impl IntoView {
    let path = move || match sign.get() {
        Sign::Check => "M2.5 8.5 6.2 12 13.5 4",
        Sign::Cross => "M3.5 3.5 12.5 12.5 M12.5 3.5 3.5 12.5",
        Sign::Warn => "M8 2 14.5 13.5 H1.5 Z M8 6.5 V9.5 M8 11.4 V11.8",
        Sign::Info => "M8 1.5 A6.5 6.5 0 1 0 8.01 1.5 Z M8 7.6 V11.4 M8 4.8 V4.9",
        Sign::Play => "M4 2.5 13 8 4 13.5 Z",
        Sign::Pause => "M5 3 V13 M11 3 V13",
        Sign::Dot => "M8 6.9 A1.1 1.1 0 1 0 8.01 6.9 Z",
        Sign::Ring => "M8 3 A5 5 0 1 0 8.01 3 Z",
    };
    let class = move || if sign.get() == Sign::Play { "glyph solid" } else { "glyph" };
    view! {
        <svg class=class viewBox="0 0 16 16" aria-hidden="true" focusable="false">
            <path d=path />
        </svg>
    }
}
