//! PromQL parsing behind guards.
//!
//! `promql-parser` 0.11 builds and drops its tree by recursion, reads a backquoted string as if it had escapes
//! (Go and Prometheus do not), and turns the byte escapes `\x80`–`\xff` into characters. So a text is scanned
//! first: its size and nesting are bounded, backquoted strings are rewritten, byte escapes are refused.

use promql_parser::parser::{self, Expr};
use std::iter::Peekable;
use std::str::CharIndices;

/// Bytes of a query at most. Prometheus itself has no limit; real queries have a few hundred.
const MAX_BYTES: usize = 16 * 1024;
/// Operators, calls and parentheses of a query at most: each may be a level of the parser's recursion, and a
/// WebAssembly stack has 1 MiB.
const MAX_LEVELS: usize = 250;

/// Why a text is not PromQL.
#[derive(Debug)]
pub(crate) struct Fault {
    /// In the parser's or our words.
    pub(crate) message: String,
    /// What kind of fault.
    pub(crate) kind: FaultKind,
}

/// Kinds of [`Fault`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FaultKind {
    /// Not PromQL, or too much of it.
    Syntax,
    /// Everything but a function's name was understood: it may be newer than the parser.
    UnknownFunction,
    /// All matchers of a selector match the empty string.
    MatchesEmpty,
}

fn fault(message: impl Into<String>) -> Fault {
    Fault { message: message.into(), kind: FaultKind::Syntax }
}

/// Parses any PromQL expression.
pub(crate) fn parse(text: &str) -> Result<Expr, Fault> {
    if text.trim().is_empty() {
        return Err(fault("it is empty"));
    }
    if text.len() > MAX_BYTES {
        return Err(fault(format!("it has {} bytes; {MAX_BYTES} at most are accepted", text.len())));
    }
    let prepared = prepare(text)?;
    parser::parse(&prepared).map_err(|message| {
        // The parser's errors are texts alone.
        if message.starts_with("unknown function") {
            return Fault { message, kind: FaultKind::UnknownFunction };
        }
        if message.contains("at least one non-empty matcher") {
            let message = "every matcher of a selector matches an empty label, so Prometheus refuses it";
            return Fault { message: message.to_owned(), kind: FaultKind::MatchesEmpty };
        }
        match message.as_str() {
            "invalid promql query" => fault("this is not PromQL"),
            _ => fault(format!("this is not PromQL: {message}")),
        }
    })
}

type Chars<'t> = Peekable<CharIndices<'t>>;

/// Rewrites backquoted strings as double-quoted ones and bounds the nesting.
fn prepare(text: &str) -> Result<String, Fault> {
    let mut out = String::with_capacity(text.len() + 8);
    let mut levels = 0usize;
    let mut in_braces = false;
    let mut chars = text.char_indices().peekable();
    while let Some((at, ch)) = chars.next() {
        match ch {
            '`' => backquoted(text.get(at + 1..).unwrap_or_default(), &mut chars, &mut out),
            '"' | '\'' => {
                out.push(ch);
                quoted(ch, &mut chars, &mut out)?;
            }
            '#' => {
                // A comment may hold a lone quote: it is no string.
                while chars.next_if(|(_, next)| !matches!(next, '\n' | '\r')).is_some() {}
            }
            _ => {
                match ch {
                    '{' => in_braces = true,
                    '}' => in_braces = false,
                    '+' | '-' | '*' | '/' | '%' | '^' | '<' | '>' | '(' | '[' => levels += 1,
                    '=' | '!' if !in_braces => levels += 1,
                    _ => {}
                }
                out.push(ch);
                if ch.is_ascii_alphabetic() && !in_braces {
                    levels += usize::from(word(ch, &mut chars, &mut out));
                }
            }
        }
        if levels > MAX_LEVELS {
            return Err(fault(format!("it has more than {MAX_LEVELS} operators and parentheses")));
        }
    }
    Ok(out)
}

/// Copies the rest of a word; whether it is an operator.
fn word(first: char, chars: &mut Chars<'_>, out: &mut String) -> bool {
    let mut word = String::from(first.to_ascii_lowercase());
    while let Some((_, ch)) = chars.next_if(|(_, ch)| ch.is_ascii_alphanumeric() || matches!(ch, '_' | ':')) {
        out.push(ch);
        word.push(ch.to_ascii_lowercase());
    }
    matches!(word.as_str(), "and" | "or" | "unless" | "atan2")
}

/// Copies a string's rest with its closing quote. An unterminated one is left to the parser's message.
fn quoted(quote: char, chars: &mut Chars<'_>, out: &mut String) -> Result<(), Fault> {
    while let Some((_, ch)) = chars.next() {
        out.push(ch);
        if ch == quote {
            break;
        }
        if ch != '\\' {
            continue;
        }
        let Some((_, escape)) = chars.next() else { break };
        out.push(escape);
        let high = |next: char| match escape {
            'x' => matches!(next, '8' | '9' | 'a'..='f' | 'A'..='F'),
            _ => false,
        };
        let byte = matches!(escape, '2'..='7') || chars.peek().is_some_and(|&(_, next)| high(next));
        if byte {
            return Err(fault(
                "a byte escape above \\x7f stands in a string: write the character itself or \\u and four digits",
            ));
        }
    }
    Ok(())
}

/// Reads up to the closing backquote and writes the same string in double quotes.
fn backquoted(rest: &str, chars: &mut Chars<'_>, out: &mut String) {
    if !rest.contains('`') {
        // Unterminated: left to the parser's message.
        out.push('`');
        return;
    }
    out.push('"');
    for (_, ch) in chars.by_ref() {
        match ch {
            '`' => break,
            '\\' | '"' => out.extend(['\\', ch]),
            '\n' => out.push_str("\\n"),
            _ => out.push(ch),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::{FaultKind, MAX_LEVELS, parse, prepare};
    use proptest::prelude::*;

    #[test]
    fn backquotes_become_double_quotes() {
        assert_eq!(prepare(r#"a{b=~`x\d"y`}"#).unwrap(), r#"a{b=~"x\\d\"y"}"#);
        assert_eq!(prepare("a # don't\n+ `b`").unwrap(), "a \n+ \"b\"");
    }

    #[test]
    fn depth_is_bounded_before_parsing() {
        for (unit, tail) in [("(", "a"), ("-", "a"), ("a + ", "a"), ("a or ", "a"), ("sum(", "a")] {
            let deep = unit.repeat(MAX_LEVELS + 1) + tail;
            assert!(parse(&deep).unwrap_err().message.contains("more than"), "{unit}");
            let allowed = unit.repeat(MAX_LEVELS / 2) + tail;
            // Whether it is whole or not, it comes back without overflowing the stack.
            let _ = parse(&allowed);
        }
        assert!(parse(&format!("a{}", "[5m:]".repeat(MAX_LEVELS + 1))).is_err());
        assert!(parse(&"a".repeat(20_000)).unwrap_err().message.contains("bytes"));
    }

    #[test]
    fn an_unknown_function_is_told_apart() {
        let kind = |text: &str| parse(text).unwrap_err().kind;
        assert_eq!(kind("brand_new_function(up)"), FaultKind::UnknownFunction);
        assert_eq!(kind("rate(up)"), FaultKind::Syntax);
        assert_eq!(kind("rate({a=~\".*\"}[5m])"), FaultKind::MatchesEmpty);
        assert!(parse("sum(rate(http_requests_total[5m])) by (job)").is_ok());
    }

    proptest! {
        #[test]
        fn never_panics(text in "\\PC*|[a-c(){}\\[\\]=~!\"'`\\\\,.0-9 smx:@#-]{0,60}") {
            let _ = parse(&text);
        }
    }
}
