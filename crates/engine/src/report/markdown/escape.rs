//! Hostile text in GitHub-flavoured Markdown.
//!
//! Names and values stand in code spans, where Markdown has no links, images, HTML or mentions. Sentences are
//! escaped character by character, and words that a renderer would turn into links or mentions by themselves
//! become code spans.

use crate::report::words::{shorten, visible};

/// Where a text stands: pipes end a table's cell, even in a code span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Line,
    Cell,
}

/// A name or value as a code span.
pub(super) fn code(text: &str, place: Place) -> String {
    let text = visible(&shorten(text));
    if text.trim().is_empty() {
        return "(empty)".to_owned();
    }
    if place == Place::Cell && text.contains("\\|") {
        // A cell unescapes `\|` in a code span, but cannot say "backslash, pipe". HTML can.
        return html(&text);
    }
    let text = if place == Place::Cell { text.replace('|', "\\|") } else { text };
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    let ends = |c: char| c == '`' || c == ' ';
    // One space at each end belongs to the fence.
    let pad = if text.starts_with(ends) || text.ends_with(ends) { " " } else { "" };
    format!("{fence}{pad}{text}{pad}{fence}")
}

fn html(text: &str) -> String {
    let mut out = "<code>".to_owned();
    for c in text.chars() {
        if c.is_ascii_punctuation() {
            out.push_str(&format!("&#{};", u32::from(c)));
        } else {
            out.push(c);
        }
    }
    out + "</code>"
}

/// A sentence. It must not begin a line: then `#`, `-`, `1.` and the like mean nothing.
pub(super) fn text(sentence: &str, place: Place) -> String {
    let sentence = visible(&cut(sentence));
    let words = sentence.split(' ').map(|word| if is_live(word) { code(word, place) } else { escape(word) });
    words.collect::<Vec<_>>().join(" ")
}

/// A sentence holds texts that were cut already; this bounds whatever else it is.
fn cut(sentence: &str) -> std::borrow::Cow<'_, str> {
    match sentence.char_indices().nth(2000) {
        Some(_) => shorten(sentence),
        None => sentence.into(),
    }
}

/// Whether a renderer may make a link, a mention or a reference of a bare word.
fn is_live(word: &str) -> bool {
    word.contains(['@', '#']) || word.contains("://") || word.to_ascii_lowercase().contains("www.")
}

fn escape(word: &str) -> String {
    let mut out = String::with_capacity(word.len());
    for c in word.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '$' => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{Place, code, text};
    use proptest::prelude::*;
    use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

    /// What a renderer shows, and whether anything in it is more than text, code and emphasis.
    fn render(markdown: &str) -> (String, Vec<String>) {
        let (mut shown, mut alive) = (String::new(), Vec::new());
        // What GitHub has, besides mentions and bare links.
        let github = Options::ENABLE_TABLES
            | Options::ENABLE_STRIKETHROUGH
            | Options::ENABLE_TASKLISTS
            | Options::ENABLE_FOOTNOTES
            | Options::ENABLE_MATH
            | Options::ENABLE_GFM;
        for event in Parser::new_ext(markdown, github) {
            match event {
                Event::Text(text) | Event::Code(text) => shown.push_str(&text),
                Event::InlineHtml(tag) if matches!(tag.as_ref(), "<code>" | "</code>") => {}
                Event::Start(
                    Tag::Paragraph | Tag::Table(_) | Tag::TableHead | Tag::TableRow | Tag::TableCell,
                ) => {}
                Event::End(TagEnd::Paragraph | TagEnd::Table | TagEnd::TableHead | TagEnd::TableRow) => {}
                Event::End(TagEnd::TableCell) => shown.push('\u{1}'),
                other => alive.push(format!("{other:?}")),
            }
        }
        (shown, alive)
    }

    /// Without regard to how many spaces stand between words.
    fn words(text: &str) -> Vec<String> {
        text.split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect()
    }

    const HOSTILE: [&str; 14] = [
        "a|b",
        r"a\|b",
        r"ends with \",
        "`code`",
        "``",
        "<script>alert(1)</script>",
        "![x](https://evil.example/x.png)",
        "[click](javascript:alert(1))",
        "*bold* _em_ ~~gone~~ $x^2$",
        "&lt;b&gt; &#64;",
        "@org/team",
        "see https://evil.example/?q=1 or www.evil.example",
        "<https://evil.example>",
        "line one\n\n# line two",
    ];

    #[test]
    fn hostile_text_is_shown_and_does_nothing() {
        for hostile in HOSTILE {
            let seen = hostile.replace('\n', "\\n");
            for rendered in [code(hostile, Place::Line), text(hostile, Place::Line)] {
                let (shown, alive) = render(&format!("- x {rendered} y").replacen("- ", "", 1));
                assert_eq!(alive, Vec::<String>::new(), "{rendered}");
                assert_eq!(shown, format!("x {seen} y"));
            }
            for rendered in [code(hostile, Place::Cell), text(hostile, Place::Cell)] {
                let (shown, alive) = render(&format!("|a|b|\n|---|---|\n| {rendered} | end |\n"));
                assert_eq!(alive, Vec::<String>::new(), "{rendered}");
                assert_eq!(shown, format!("a\u{1}b\u{1}{seen}\u{1}end\u{1}"), "{rendered}");
            }
        }
    }

    #[test]
    fn plain_names_stay_plain() {
        assert_eq!(code(r#"up{job="a"}"#, Place::Cell), r#"`up{job="a"}`"#);
        assert_eq!(code(r#"x{a=~"b|c"}"#, Place::Cell), r#"`x{a=~"b\|c"}`"#);
        assert_eq!(code(r#"x{a=~"b|c"}"#, Place::Line), r#"`x{a=~"b|c"}`"#);
        assert_eq!(text("3.5 samples, 1 (one) missing!", Place::Line), "3.5 samples, 1 (one) missing!");
    }

    proptest! {
        #[test]
        fn any_text_renders_as_itself(hostile in r"[ -~]{0,40}|\PC{0,12}") {
            let seen = super::visible(&hostile);
            let seen = if seen.trim().is_empty() { "(empty)".to_owned() } else { seen };
            let (shown, alive) = render(&format!("x{}y", code(&hostile, Place::Line)));
            prop_assert!(alive.is_empty(), "{alive:?}");
            prop_assert_eq!(shown, format!("x{seen}y"));

            let rendered = code(&hostile, Place::Cell);
            let (shown, alive) = render(&format!("|a|b|\n|---|---|\n| x{rendered}y | end |\n"));
            prop_assert!(alive.is_empty(), "{alive:?}");
            prop_assert_eq!(shown, format!("a\u{1}b\u{1}x{seen}y\u{1}end\u{1}"));

            let sentence = format!("x{hostile}y");
            let (shown, alive) = render(&text(&sentence, Place::Line));
            prop_assert!(alive.is_empty(), "{alive:?}");
            prop_assert_eq!(words(&shown), words(&super::visible(&sentence)));
            let (shown, alive) = render(&format!("|a|b|\n|---|---|\n| {} | end |\n", text(&sentence, Place::Cell)));
            prop_assert!(alive.is_empty(), "{alive:?}");
            prop_assert_eq!(words(&shown), words(&format!("a\u{1}b\u{1}{}\u{1}end\u{1}", super::visible(&sentence))));
        }
    }
}
