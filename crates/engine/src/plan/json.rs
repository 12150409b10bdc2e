//! Plan text → JSON tree with places.
//!
//! The tree is `jsonc-parser`'s. A scan before it holds what the parser lets pass but RFC 8259 does not (control
//! characters in strings, foreign white space) and bounds size and nesting, since parser and tree recurse. After
//! a slip that does not hide the structure (a comment, a comma too many or too few) the text is read once more
//! with that allowed, so that the slip and everything else that is wrong are reported together.

use super::finding::Findings;
use jsonc_parser::ast::Value;
use jsonc_parser::common::Ranged;
use jsonc_parser::errors::{ParseError, ParseErrorKind};
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};

/// Bytes of a plan at most.
const MAX_BYTES: usize = 1024 * 1024;
/// Objects and lists in each other at most.
const MAX_DEPTH: usize = 64;

/// Reads a text without its byte order mark. Reports what is wrong; a tree may come even then.
pub(super) fn read<'t>(text: &'t str, found: &mut Findings<'_>) -> Option<Value<'t>> {
    if text.len() > MAX_BYTES {
        found.error(
            0,
            "",
            format!("the text has {} bytes; a plan has {MAX_BYTES} at most", text.len()),
            "Is this a plan?",
        );
        return None;
    }
    if text.trim().is_empty() {
        found.error(0, "", "the plan is empty", "Drop or paste a plan.");
        return None;
    }
    if let Err((at, message, remedy)) = scan(text) {
        found.error(at, "", message, remedy);
        return None;
    }
    match parse(text, false) {
        Ok(value) => value,
        Err(error) => {
            let (message, remedy) = explain(error.kind());
            found.error(error.range().start, "", message, remedy);
            parse(text, true).ok().flatten()
        }
    }
}

fn parse(text: &str, lenient: bool) -> Result<Option<Value<'_>>, ParseError> {
    let options = ParseOptions {
        allow_comments: lenient,
        allow_loose_object_property_names: false,
        allow_trailing_commas: lenient,
        allow_missing_commas: lenient,
        // Not even then: the scan knows strings by their double quotes.
        allow_single_quoted_strings: false,
        allow_hexadecimal_numbers: false,
        allow_unary_plus_numbers: false,
        allow_bare_decimal_point_numbers: false,
        allow_non_finite_numbers: false,
        allow_extended_string_escapes: false,
    };
    parse_to_ast(text, &CollectOptions::default(), &options).map(|result| result.value)
}

type Fault = (usize, String, &'static str);

/// Walks over strings and comments as the parser does, and refuses what must not reach it.
fn scan(text: &str) -> Result<(), Fault> {
    let mut depth = 0usize;
    let mut chars = text.char_indices().peekable();
    while let Some((at, ch)) = chars.next() {
        match ch {
            '{' | '[' => {
                depth += 1;
                if depth > MAX_DEPTH {
                    return Err((
                        at,
                        format!("more than {MAX_DEPTH} levels are nested here"),
                        "Is this a plan?",
                    ));
                }
            }
            '}' | ']' => depth = depth.saturating_sub(1),
            '"' => {
                while let Some((at, ch)) = chars.next() {
                    match ch {
                        '"' => break,
                        '\\' => {
                            chars.next_if(|(_, next)| *next >= ' ');
                        }
                        '\0'..='\x1F' => {
                            return Err((
                                at,
                                if ch == '\n' {
                                    "a string does not end on its line".to_owned()
                                } else {
                                    format!(
                                        "a control character (U+{:04X}) stands in a string",
                                        u32::from(ch)
                                    )
                                },
                                "Close the string with \", or write the character as an escape such as \\n or \\u0007.",
                            ));
                        }
                        _ => {}
                    }
                }
            }
            '/' if chars.next_if(|(_, next)| *next == '/').is_some() => {
                while chars.next_if(|(_, next)| !matches!(next, '\n' | '\r')).is_some() {}
            }
            '/' if chars.next_if(|(_, next)| *next == '*').is_some() => {
                while let Some((_, ch)) = chars.next() {
                    if ch == '*' && chars.next_if(|(_, next)| *next == '/').is_some() {
                        break;
                    }
                }
            }
            ' ' | '\t' | '\r' | '\n' => {}
            _ if ch.is_whitespace() || ch.is_control() || ch == '\u{FEFF}' => {
                return Err((
                    at,
                    format!(
                        "a character that JSON does not know (U+{:04X}) stands between values",
                        u32::from(ch)
                    ),
                    "Put an ordinary space there; text copied from a web page often has others.",
                ));
            }
            '\u{201C}' | '\u{201D}' | '\u{201E}' => {
                return Err((
                    at,
                    "a typographic quotation mark stands here".to_owned(),
                    "Put a plain \" there.",
                ));
            }
            _ => {}
        }
    }
    Ok(())
}

fn explain(kind: &ParseErrorKind) -> (String, &'static str) {
    use ParseErrorKind as Kind;
    let (message, remedy) = match kind {
        Kind::CommentsNotAllowed => {
            ("JSON has no comments", "Remove it, or keep it as a field whose name starts with _ or //.")
        }
        Kind::TrailingCommasNotAllowed => ("a comma stands after the last value", "Remove the comma."),
        Kind::ExpectedComma => ("a comma is missing here", "Put a comma between the values."),
        Kind::ExpectedColonAfterObjectKey => {
            ("a colon is missing after the field's name", "Write \"name\": value.")
        }
        Kind::ExpectedObjectValue => {
            ("a value is missing after the colon", "Write the value, or remove the field.")
        }
        Kind::ExpectedStringObjectProperty | Kind::UnexpectedTokenInObject => {
            ("a field's name in double quotes is expected here", "Write \"name\": value.")
        }
        Kind::SingleQuotedStringsNotAllowed => {
            ("JSON strings stand in double quotes", "Put \" in place of the single quotes.")
        }
        Kind::MultipleRootJsonValues => ("something follows after the end of the plan", "Remove it."),
        Kind::UnterminatedObject => ("this { is never closed", "Close it with }."),
        Kind::UnterminatedArray => ("this [ is never closed", "Close it with ]."),
        Kind::UnexpectedCloseBrace => ("this } closes nothing", "Remove it, or write the missing value."),
        Kind::UnexpectedCloseBracket => ("this ] closes nothing", "Remove it, or write the missing value."),
        Kind::UnexpectedComma => {
            ("a value is missing before this comma", "Remove the comma, or write the value.")
        }
        Kind::UnexpectedColon => ("this colon has no field's name before it", "Write \"name\": value."),
        Kind::UnexpectedWord | Kind::UnexpectedToken => {
            ("this is no JSON value", "Put text into double quotes; true, false and null are written small.")
        }
        Kind::NonFiniteNumbersNotAllowed
        | Kind::HexadecimalNumbersNotAllowed
        | Kind::UnaryPlusNumbersNotAllowed
        | Kind::BareDecimalPointNumbersNotAllowed
        | Kind::ExpectedDigit
        | Kind::ExpectedDigitFollowingNegativeSign
        | Kind::ExpectedPlusMinusOrDigitInNumberLiteral => {
            ("this number is not written as JSON has it", "Write a number such as 250, 0.5 or 1e-9.")
        }
        Kind::String(_) => (
            "a string ends or escapes in a way that JSON does not know",
            "Close it with \"; write \\ as \\\\.",
        ),
        _ => ("this is not JSON", "Look at the text just before this place."),
    };
    (message.to_owned(), remedy)
}

/// Where a value starts, as a byte offset.
pub(super) fn start(value: &Value<'_>) -> usize {
    value.range().start
}

/// What a value is, with its article.
pub(super) fn kind(value: &Value<'_>) -> &'static str {
    match value {
        Value::StringLit(_) => "a string",
        Value::NumberLit(_) => "a number",
        Value::BooleanLit(_) => "true or false",
        Value::Object(_) => "an object",
        Value::Array(_) => "a list",
        Value::NullKeyword(_) => "null",
    }
}
