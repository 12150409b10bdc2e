//! Narrowing a selector: the same one with a further matcher.

use super::{NAME, Selector};
use crate::wire::types::{LabelMatcher, MatcherType};

impl Selector {
    /// This selector with a further matcher, and a text from which [`Selector::parse`] makes the same one again.
    /// `None` when the text would be longer than is accepted.
    pub fn narrowed(&self, matcher: LabelMatcher) -> Option<Self> {
        let mut matchers = self.matchers.clone();
        matchers.push(matcher);
        let text = text_of(&matchers);
        let selector = Self::parse(&text).ok()?;
        (selector.matchers == matchers).then_some(selector)
    }
}

/// A text for matchers: the metric's name in front where it is a plain one, and asked for by equality.
fn text_of(matchers: &[LabelMatcher]) -> String {
    let (mut out, mut rest) = (String::new(), matchers);
    if let Some((first, others)) = matchers.split_first()
        && first.name == NAME
        && first.r#type == i32::from(MatcherType::Eq)
        && is_plain(&first.value, true)
        && !others.iter().any(|one| one.name == NAME)
    {
        out.push_str(&first.value);
        rest = others;
    }
    braces(&mut out, rest);
    out
}

/// Appends matchers in braces, names that need it in quotes.
pub(crate) fn braces(out: &mut String, matchers: &[LabelMatcher]) {
    out.push('{');
    for (at, matcher) in matchers.iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        match is_plain(&matcher.name, false) {
            true => out.push_str(&matcher.name),
            false => quote(out, &matcher.name),
        }
        out.push_str(match MatcherType::try_from(matcher.r#type) {
            Ok(MatcherType::Neq) => "!=",
            Ok(MatcherType::Re) => "=~",
            Ok(MatcherType::Nre) => "!~",
            Ok(MatcherType::Eq) | Err(_) => "=",
        });
        quote(out, &matcher.value);
    }
    out.push('}');
}

/// Whether a name needs no quotes. Words of PromQL (`sum`, `by`) are names all the same, but not at the front.
fn is_plain(name: &str, at_front: bool) -> bool {
    const WORDS: [&str; 2] = ["inf", "nan"];
    let plain = name.bytes().enumerate().all(|(at, byte)| {
        byte == b'_'
            || byte.is_ascii_alphabetic()
            || at > 0 && (byte.is_ascii_digit() || at_front && byte == b':')
    });
    plain && !name.is_empty() && !(at_front && (!name.contains('_') || WORDS.contains(&name)))
}

/// Appends a text in quotes, as PromQL and MetricsQL read it.
pub(crate) fn quote(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            c => out.push(c),
        }
    }
    out.push('"');
}

/// A text as a part of a regular expression that finds it and nothing else, for RE2 and Rust's `regex` alike.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if matches!(c, '\\' | '.' | '+' | '*' | '?' | '(' | ')' | '|' | '[' | ']' | '{' | '}' | '^' | '$') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::escaped;
    use crate::model::Labels;
    use crate::selector::Selector;
    use crate::wire::types::{LabelMatcher, MatcherType};
    use proptest::prelude::*;

    fn matcher(kind: MatcherType, name: &str, value: &str) -> LabelMatcher {
        LabelMatcher { r#type: kind.into(), name: name.to_owned(), value: value.to_owned() }
    }

    #[test]
    fn the_text_is_short_and_reads_back() {
        let narrowed = |text: &str, name: &str| {
            let selector = Selector::parse(text).unwrap();
            selector.narrowed(matcher(MatcherType::Re, name, r"a\.b|c")).unwrap().text
        };
        assert_eq!(narrowed("http_requests{job=\"x\"}", "pod"), r#"http_requests{job="x",pod=~"a\\.b|c"}"#);
        assert_eq!(narrowed("up", "pod"), r#"{__name__="up",pod=~"a\\.b|c"}"#);
        assert_eq!(narrowed("{__name__=~\"n.*\"}", "__name__"), r#"{__name__=~"n.*",__name__=~"a\\.b|c"}"#);
        assert_eq!(narrowed("{\"my.metric\"}", "la.bel"), r#"{__name__="my.metric","la.bel"=~"a\\.b|c"}"#);
        // What would be too long is not narrowed.
        let long = "x".repeat(20_000);
        assert!(Selector::parse("up").unwrap().narrowed(matcher(MatcherType::Re, "pod", &long)).is_none());
    }

    proptest! {
        #[test]
        fn any_value_is_found_by_its_escaped_text_alone(value in "\\PC{1,12}", other in "\\PC{0,12}") {
            let up = Selector::parse("up").unwrap();
            let narrowed = up.narrowed(matcher(MatcherType::Re, "l", &escaped(&value))).unwrap();
            prop_assert_eq!(&Selector::parse(&narrowed.text).unwrap(), &narrowed);
            let finds = |value: &str| {
                narrowed.predicate().matches(&Labels::from_pairs([("__name__", "up"), ("l", value)]))
            };
            prop_assert!(finds(&value), "{}", narrowed.text);
            prop_assert_eq!(finds(&other), other == value);
        }
    }
}
