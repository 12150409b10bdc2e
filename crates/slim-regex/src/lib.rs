//! What `promql-parser` and the parser generator below it need of `regex`: `regex-lite`, taught to accept Unicode
//! classes.
//!
//! `regex` itself brings Unicode tables and four matching engines, 170 kB of what a first visit to the page
//! transfers. Yet nothing here matches texts of any length: servers do. The parser asks whether an expression is
//! one, and whether it matches the empty text. So the workspace puts this crate in the place of `regex`.

use std::fmt;
use std::iter::Peekable;
use std::str::Chars;

pub use regex_lite::{Captures, Error, Match, Split};

/// A regular expression. A Unicode class (`\p{Greek}`) stands for any character at all: whether the expression
/// matches the empty text, which is all that is asked of it, stays the same. `\p{Pattern_White_Space}`, which the
/// parser generator looks for, is exact.
#[derive(Clone)]
pub struct Regex {
    inner: regex_lite::Regex,
    written: String,
}

impl Regex {
    /// Reads an expression in the syntax of `regex`.
    ///
    /// # Errors
    /// When it is none. A Unicode class is not checked for its name: the server does.
    pub fn new(written: &str) -> Result<Self, Error> {
        RegexBuilder::new(written).build()
    }

    /// The expression as it was written.
    pub fn as_str(&self) -> &str {
        &self.written
    }

    /// Whether it matches somewhere in the text.
    pub fn is_match(&self, text: &str) -> bool {
        self.inner.is_match(text)
    }

    /// The leftmost match.
    pub fn find<'t>(&self, text: &'t str) -> Option<Match<'t>> {
        self.inner.find(text)
    }

    /// What stands between the matches.
    pub fn split<'r, 't>(&'r self, text: &'t str) -> Split<'r, 't> {
        self.inner.split(text)
    }

    /// The groups of the leftmost match.
    pub fn captures<'t>(&self, text: &'t str) -> Option<Captures<'t>> {
        self.inner.captures(text)
    }
}

impl fmt::Debug for Regex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Regex").field(&self.written).finish()
    }
}

/// Options of an expression, as the parser generators set them. What `regex-lite` has no word for is let pass: it
/// is set for generated lexers alone, and there is none.
#[derive(Debug)]
pub struct RegexBuilder {
    inner: regex_lite::RegexBuilder,
    written: String,
}

/// Options that are handed on.
macro_rules! options {
    ($($name:ident: $kind:ty),*) => {
        $(
            #[doc = concat!("Sets `", stringify!($name), "`.")]
            pub fn $name(&mut self, value: $kind) -> &mut Self {
                self.inner.$name(value);
                self
            }
        )*
    };
}

/// Options that `regex-lite` does not have.
macro_rules! absent {
    ($($name:ident: $kind:ty),*) => {
        $(
            #[doc = concat!("Takes `", stringify!($name), "` and lets it be.")]
            pub fn $name(&mut self, _: $kind) -> &mut Self {
                self
            }
        )*
    };
}

impl RegexBuilder {
    /// Starts with the defaults.
    pub fn new(written: &str) -> Self {
        Self { inner: regex_lite::RegexBuilder::new(&without_classes(written)), written: written.to_owned() }
    }

    /// Reads the expression.
    ///
    /// # Errors
    /// When it is none.
    pub fn build(&self) -> Result<Regex, Error> {
        Ok(Regex { inner: self.inner.build()?, written: self.written.clone() })
    }

    options!(
        case_insensitive: bool, dot_matches_new_line: bool, ignore_whitespace: bool, multi_line: bool,
        nest_limit: u32, size_limit: usize, swap_greed: bool
    );
    absent!(dfa_size_limit: usize, octal: bool, unicode: bool);
}

/// The expression with every Unicode class replaced by one of any character.
fn without_classes(written: &str) -> String {
    let mut out = String::with_capacity(written.len());
    let mut brackets = 0usize;
    let mut chars = written.chars().peekable();
    while let Some(ch) = chars.next() {
        match ch {
            '\\' => match chars.next() {
                Some(kind @ ('p' | 'P')) => match class(&mut chars) {
                    Ok(name) => {
                        let exact = kind == 'p' && name == "{Pattern_White_Space";
                        let members = if exact { PATTERN_WHITE_SPACE } else { r"\s\S" };
                        let (open, close) = if brackets > 0 { ("", "") } else { ("[", "]") };
                        out.extend([open, members, close]);
                    }
                    Err(broken) => out.extend(['\\', kind].into_iter().chain(broken.chars())),
                },
                Some(other) => out.extend([ch, other]),
                None => out.push(ch),
            },
            '[' => {
                brackets += 1;
                out.push(ch);
                // `[]a]` and `[^]a]`: a bracket in the first place is a character.
                out.extend(chars.next_if_eq(&'^'));
                if chars.next_if_eq(&']').is_some() {
                    out.push_str(r"\]");
                }
            }
            ']' => {
                brackets = brackets.saturating_sub(1);
                out.push(ch);
            }
            _ => out.push(ch),
        }
    }
    out
}

/// The members of a class that never changes: Unicode promises so of its pattern properties (UAX 31).
const PATTERN_WHITE_SPACE: &str = r"\t-\r \x{85}\x{200e}\x{200f}\x{2028}\x{2029}";

/// Reads a class's name, `L` or `{Greek`; gives back what was read when it is none.
fn class(chars: &mut Peekable<Chars<'_>>) -> Result<String, String> {
    if chars.next_if_eq(&'{').is_none() {
        return chars.next_if(char::is_ascii_alphabetic).map(String::from).ok_or_else(String::new);
    }
    let mut name = String::from("{");
    while let Some(ch) = chars.next_if(|ch| ch.is_ascii_alphanumeric() || "_-^=:! ".contains(*ch)) {
        name.push(ch);
    }
    if name.len() > 1 && chars.next_if_eq(&'}').is_some() { Ok(name) } else { Err(name) }
}

#[cfg(test)]
mod tests {
    use super::{Regex, without_classes};
    use proptest::prelude::*;

    /// Whether a text is an expression, and if so, whether it matches the empty text when anchored.
    fn slim(text: &str) -> Option<bool> {
        Some(Regex::new(&format!("^(?:{text})$")).ok()?.is_match(""))
    }

    fn real(text: &str) -> Option<bool> {
        Some(regex_automata::meta::Regex::new(&format!("^(?:{text})$")).ok()?.is_match(""))
    }

    #[test]
    fn agrees_with_the_real_one_on_what_operators_write() {
        for text in [
            "",
            ".*",
            ".+",
            "a|b",
            "a|",
            "(a|b)?",
            "node_.+",
            r"10\.0\..*:9\d{3}",
            "(?i)API.*",
            "[a-z]{2,}",
            "[^/]+",
            r"\w+\s?\D*",
            r"\p{L}+",
            r"\pL*",
            r"[\p{Greek}x]*",
            r"\P{Lu}?",
            r"[^\p{Lu}]",
            "[[:alpha:]]*",
            r"\x{e9}",
            "été|ü",
            "(?P<x>a)b",
            "(?:a)*?",
            "^a$",
            r"\bx\b",
            "(",
            "[",
            "a{2,1}",
            "*",
            r"\p",
            r"\p{",
            r"\p{}",
            "[]a]",
            "[^]]",
            r"a\",
            "(?s).*",
            "a**",
            "x{1000}",
        ] {
            assert_eq!(slim(text), real(text), "{text}");
        }
    }

    #[test]
    fn classes_become_any_character() {
        assert_eq!(without_classes(r"\p{L}[a\pN]\\p"), r"[\s\S][a\s\S]\\p");
        assert_eq!(Regex::new(r"\p{L}").unwrap().as_str(), r"\p{L}");
    }

    #[test]
    fn white_space_of_patterns_is_exact() {
        let (slim, real) = (
            Regex::new(r"^[\p{Pattern_White_Space}]$").unwrap(),
            regex_automata::meta::Regex::new(r"^[\p{Pattern_White_Space}]$").unwrap(),
        );
        for ch in '\0'..='\u{ffff}' {
            let text = ch.to_string();
            assert_eq!(slim.is_match(&text), real.is_match(&text), "{ch:?}");
        }
    }

    proptest! {
        #[test]
        fn empty_or_not_is_told_alike(text in r"([a-c.*+?|()]|\\d|\\w|\[a-c\]|\[\^b\]|\\p\{L\}|\{1,2\}){0,12}") {
            prop_assert_eq!(slim(&text), real(&text));
        }

        #[test]
        fn never_panics(text in "\\PC*") {
            let _ = slim(&text);
        }
    }
}
