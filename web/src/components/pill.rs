//! A word with a tone, and the tones' signs.

use super::glyph::{Glyph, Sign};
use leptos::prelude::*;
use tsink_migrate_engine::report::Level;

/// What a word means for the operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// Fine.
    Good,
    /// Read it.
    Warn,
    /// Not fine.
    Bad,
    /// Neither.
    Plain,
}

impl Tone {
    /// Name in the style sheet.
    pub fn class(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Warn => "warn",
            Self::Bad => "bad",
            Self::Plain => "plain",
        }
    }

    fn sign(self) -> Sign {
        match self {
            Self::Good => Sign::Check,
            Self::Warn => Sign::Warn,
            Self::Bad => Sign::Cross,
            Self::Plain => Sign::Info,
        }
    }
}

/// A level's tone and word.
pub fn of_level(level: Level) -> (Tone, &'static str) {
    match level {
        Level::Ok => (Tone::Good, "ok"),
        Level::Info => (Tone::Plain, "note"),
        Level::Warn => (Tone::Warn, "warning"),
        Level::Fail => (Tone::Bad, "fails"),
    }
}

/// A word on a tinted ground.
#[component]
pub fn Pill(
    /// Tone.
    #[prop(into)]
    tone: Signal<Tone>,
    /// Word.
    #[prop(into)]
    word: Signal<String>,
) -> impl IntoView {
    view! { <span class=move || format!("pill {}", tone.get().class())>{word}</span> }
}

/// A sign and a word, without a ground: for tables.
#[component]
pub fn Mark(
    /// Tone.
    tone: Tone,
    /// Word.
    #[prop(into)]
    word: String,
) -> impl IntoView {
    view! {
        <span class=format!("mark {}", tone.class())>
            <Glyph sign=tone.sign() />
            {word}
        </span>
    }
}
