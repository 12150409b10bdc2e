//! A long text on one line: where there is no room its middle is left out, as selectors tell themselves apart by their
//! beginning and their end. The whole stands in the tooltip, and is what screen readers read.

use leptos::prelude::*;

/// Characters from which a text has an end of its own.
const LONG: usize = 24;
/// Characters that always show at the end.
const TAIL: usize = 12;

/// The text.
#[component]
pub fn Middle(
    /// The text.
    text: String,
) -> impl IntoView {
    let (head, tail) = cut(&text);
    let (head, tail) = (head.to_owned(), tail.to_owned());
    view! { <span class="middle" title=text><span>{head}</span><span>{tail}</span></span> }
}

fn cut(text: &str) -> (&str, &str) {
    let all = text.chars().count();
    if all <= LONG {
        return (text, "");
    }
    let at = text.char_indices().nth(all - TAIL).map_or(text.len(), |(at, _)| at);
    text.split_at(at)
}

#[cfg(test)]
mod tests {
    use super::cut;

    #[test]
    fn long_texts_keep_their_end() {
        assert_eq!(cut("up"), ("up", ""));
        assert_eq!(cut("cpu{pod=~\"a|b|c|d|e|f|g|h\"}"), ("cpu{pod=~\"a|b|c", "|d|e|f|g|h\"}"));
        assert_eq!(cut("äöüäöüäöüäöüäöüäöüäöüäöüäöü"), ("äöüäöüäöüäöüäöü", "äöüäöüäöüäöü"));
    }
}
