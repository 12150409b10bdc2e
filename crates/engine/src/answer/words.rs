//! The server's own words: found, cleaned, cut, and freed of secrets.

use crate::port::{Answer, Secret};
use crate::wire::prom_json;

/// Words shown at most, in characters.
const MAX_CHARS: usize = 300;

/// Bytes of a body looked at; refusals are short, and pages have their title at the top.
const MAX_BYTES: usize = 16 * 1024;

/// Whether the body is a web page.
pub(super) fn is_html(answer: &Answer) -> bool {
    if answer.header("content-type").is_some_and(|kind| kind.to_ascii_lowercase().starts_with("text/html")) {
        return true;
    }
    let start = answer.body.get(..answer.body.len().min(64)).unwrap_or_default();
    let start = String::from_utf8_lossy(start).trim_start().to_ascii_lowercase();
    start.starts_with("<!doctype html") || start.starts_with("<html")
}

/// The text of a body that says something: JSON's inner text, a page's title, or the text itself.
pub(super) fn of(answer: &Answer) -> Option<String> {
    let body = answer.body.get(..answer.body.len().min(MAX_BYTES)).unwrap_or_default();
    if let Some(inner) = prom_json::error_text(&answer.body) {
        return Some(inner);
    }
    let text = String::from_utf8_lossy(body);
    if is_html(answer) {
        return title(&text);
    }
    // A body of protobuf or of a stray binary says nothing to a reader.
    let odd =
        text.chars().filter(|c| *c == char::REPLACEMENT_CHARACTER || c.is_control() && !c.is_whitespace());
    (odd.count() * 20 <= text.len()).then(|| text.into_owned())
}

/// The title of a web page, else its first heading.
fn title(page: &str) -> Option<String> {
    // ASCII lower case keeps byte positions.
    let lower = page.to_ascii_lowercase();
    ["title", "h1", "h2"].iter().find_map(|tag| {
        let open = lower.find(&format!("<{tag}"))?;
        let start = open + lower.get(open..)?.find('>')? + 1;
        let end = start + lower.get(start..)?.find('<')?;
        let text = page.get(start..end)?.trim();
        (!text.is_empty()).then(|| text.to_owned())
    })
}

/// One line without control characters and secrets, cut to a few hundred characters; `None` if nothing is
/// left.
pub(super) fn clean(text: &str, secrets: &[Secret]) -> Option<String> {
    let (text, is_chain) = match without_request(text) {
        Some(rest) => (rest, true),
        None => (text, false),
    };
    let mut line = String::with_capacity(text.len().min(4 * MAX_CHARS));
    for word in text.split(|c: char| c.is_whitespace() || is_hidden(c)).filter(|word| !word.is_empty()) {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    // Before cutting: half a secret is still one.
    for secret in secrets {
        for part in [Some(secret.reveal()), secret.reveal().split_whitespace().last()].into_iter().flatten() {
            if part.len() >= 4 {
                line = line.replace(part, "[redacted]");
            }
        }
    }
    let count = line.chars().count();
    if is_chain && count > MAX_CHARS {
        // What failed first stands last.
        line = ['…'].into_iter().chain(line.chars().skip(count - MAX_CHARS + 1)).collect();
    } else if count > MAX_CHARS {
        line = line.chars().take(MAX_CHARS - 1).collect();
        line.push('…');
    }
    (!line.is_empty()).then_some(line)
}

/// VictoriaMetrics begins its errors with the request, `remoteAddr: "…"; requestURI: …; `, and ends them with the cause.
fn without_request(text: &str) -> Option<&str> {
    let rest = text.trim_start().strip_prefix("remoteAddr: ")?;
    let (_, rest) = rest.split_once("requestURI: ")?;
    rest.split_once("; ").map(|(_, rest)| rest)
}

/// Characters that change how text is shown: control characters, and those that reverse its direction.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::{clean, is_html, of};
    use crate::port::{Answer, Secret};
    use bytes::Bytes;
    use proptest::prelude::*;

    fn answer(content_type: &str, body: &'static [u8]) -> Answer {
        let headers = vec![("content-type".to_owned(), content_type.to_owned())];
        Answer { status: 500, headers, body: Bytes::from_static(body) }
    }

    #[test]
    fn pages_are_known_by_type_or_start_and_tell_their_title() {
        let nginx =
            b"<html>\r\n<head><title>413 Request Entity Too Large</title></head>\r\n<body></body></html>";
        let page = answer("text/html", nginx);
        assert!(is_html(&page));
        assert_eq!(of(&page).as_deref(), Some("413 Request Entity Too Large"));
        assert!(is_html(&answer("", b"  <!DOCTYPE html><h1 class=x>Sign in</h1>")));
        assert_eq!(
            of(&answer("", b"<html><title></title><h1 class=x>Sign in</h1>")).as_deref(),
            Some("Sign in")
        );
        assert_eq!(of(&answer("text/html", b"<title>cut")), None);
        assert!(!is_html(&answer("text/plain", b"unauthorized")));
    }

    #[test]
    fn words_are_one_clean_short_line() {
        assert_eq!(clean("a\r\n\tb\u{0}c\u{202e}d  ", &[]).as_deref(), Some("a b c d"));
        assert_eq!(clean(" \n", &[]), None);
        let long = clean(&"ä".repeat(1000), &[]).unwrap();
        assert_eq!(long.chars().count(), 300);
        assert!(long.ends_with('…'));
        assert_eq!(of(&answer("", &[0, 1, 2, 255, 254, 10])), None);
    }

    #[test]
    fn of_a_long_chain_of_causes_the_last_stays() {
        let request = "remoteAddr: \"127.0.0.1:1\"; requestURI: /api/v1/export?match[]=lim&authKey=k; ";
        assert_eq!(
            clean(&format!("{request}cannot do it: too many"), &[]).as_deref(),
            Some("cannot do it: too many")
        );
        let long = clean(&format!("{request}{}the cause", "cannot do it: ".repeat(100)), &[]).unwrap();
        assert!(long.starts_with('…') && long.ends_with("the cause"));
        assert_eq!(long.chars().count(), 300);
    }

    #[test]
    fn secrets_do_not_come_back() {
        let secrets = [Secret::new("Bearer s3cr3t-token"), Secret::new("x")];
        let words = clean("bad header Authorization: Bearer s3cr3t-token; token s3cr3t-token is x", &secrets);
        assert_eq!(words.as_deref(), Some("bad header Authorization: [redacted]; token [redacted] is x"));
        let at_the_cut = format!("{} s3cr3t-token", "a".repeat(292));
        assert!(!clean(&at_the_cut, &secrets).unwrap().contains("s3c"));
    }

    proptest! {
        #[test]
        fn any_body_gives_clean_words(body: Vec<u8>, kind in "(text/html|text/plain|application/json|)") {
            let headers = vec![("content-type".to_owned(), kind)];
            let answer = Answer { status: 500, headers, body: Bytes::from(body) };
            if let Some(line) = of(&answer).and_then(|text| clean(&text, &[])) {
                prop_assert!(line.chars().count() <= 300 && !line.chars().any(char::is_control));
            }
        }

        #[test]
        fn any_page_gives_no_panic(page in "(<(title|h1|TITLE)?>?|[a-zäİ]|</title>|<html>){0,20}") {
            let headers = vec![("content-type".to_owned(), "text/html".to_owned())];
            let _ = of(&Answer { status: 500, headers, body: Bytes::from(page) });
        }
    }
}
