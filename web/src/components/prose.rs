//! Sentences of the engine, in which names of fields stand between backticks.

use leptos::prelude::*;

/// Text with what stands between backticks as code. Still only ever text.
#[component]
pub fn Prose(
    /// Sentences.
    #[prop(into)]
    text: String,
) -> impl IntoView {
    parts(&text)
        .into_iter()
        .map(
            |(part, is_code)| {
                if is_code { view! { <code>{part}</code> }.into_any() } else { part.into_any() }
            },
        )
        .collect_view()
}

/// Pieces in order, and whether each is code. A backtick without a partner stays a backtick.
fn parts(text: &str) -> Vec<(String, bool)> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some((before, code, after)) = rest
        .split_once('`')
        .and_then(|(before, tail)| tail.split_once('`').map(|(code, after)| (before, code, after)))
    {
        if !before.is_empty() {
            parts.push((before.to_owned(), false));
        }
        parts.push((code.to_owned(), true));
        rest = after;
    }
    if !rest.is_empty() {
        parts.push((rest.to_owned(), false));
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::parts;

    #[test]
    fn backticks_come_in_pairs() {
        let own = |text: &str, is_code| (text.to_owned(), is_code);
        assert_eq!(
            parts("set `a.b`, or `c`"),
            [own("set ", false), own("a.b", true), own(", or ", false), own("c", true)]
        );
        assert_eq!(parts("a ` b"), [own("a ` b", false)]);
        assert_eq!(parts("`<b>` and `"), [own("<b>", true), own(" and `", false)]);
        assert_eq!(parts(""), []);
    }
}
