//! Attributes as labels, the way tsink-server writes them.

use super::proto::{Value, fields, merge, repeated};
use crate::capture::{Refusal, RefusalKind};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use rustc_hash::FxHashSet;
use serde_json::Number;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Longest label name, in bytes (tsink's `MAX_LABEL_NAME_LEN`).
const MAX_NAME: usize = 256;
/// Longest label value, in bytes (tsink's `MAX_LABEL_VALUE_LEN`).
const MAX_VALUE: usize = 16 * 1024;

/// Names and values before they are a label set: in the server's order, and maybe with names twice.
pub(super) type Pairs = Vec<(String, String)>;

/// Appends a label for each encoded `KeyValue`.
///
/// # Errors
/// An attribute without key or value.
pub(super) fn attributes<'a>(
    attributes: impl Iterator<Item = &'a [u8]>,
    prefix: &str,
    out: &mut Pairs,
) -> Result<(), Refusal> {
    for attribute in attributes {
        let (mut key, mut value) = ("", None);
        for (number, field) in fields(attribute) {
            match number {
                1 => key = field.text(),
                2 => merge(&mut value, field.bytes()),
                _ => {}
            }
        }
        if key.is_empty() {
            return Err(Refusal::new(RefusalKind::Label, "contains an attribute with an empty key"));
        }
        let mut name = prefix.to_owned();
        escape(key, &mut name);
        out.push((name, text(value.as_deref().unwrap_or_default())?));
    }
    Ok(())
}

/// Whether the labels are such as tsink stores, each once.
///
/// # Errors
/// The first label that is too long, or that is there for the second time.
pub(super) fn validate(labels: &[(String, String)]) -> Result<(), Refusal> {
    let mut seen = FxHashSet::default();
    let refused = |message: String| Err(Refusal::new(RefusalKind::Label, message));
    for (name, value) in labels {
        if name.len() > MAX_NAME {
            return refused(format!("label '{}' exceeds the {MAX_NAME}-byte name limit", shortened(name)));
        }
        if value.len() > MAX_VALUE {
            return refused(format!("label '{name}' exceeds the {MAX_VALUE}-byte value limit"));
        }
        if !seen.insert(name.as_str()) {
            return refused(format!("contains duplicate label '{name}'"));
        }
    }
    Ok(())
}

/// A name that is to be shown; one that is too long is cut.
pub(super) fn shortened(name: &str) -> Cow<'_, str> {
    match name.char_indices().nth(120) {
        Some((at, _)) => Cow::Owned(format!("{}…", name.get(..at).unwrap_or_default())),
        None => Cow::Borrowed(name),
    }
}

/// Appends a name as tsink escapes it: `_` doubled, every other byte that is no letter or digit as `_xNN_`, and
/// a digit in front as `_xNN_` too.
pub(super) fn escape(raw: &str, out: &mut String) {
    for (at, byte) in raw.bytes().enumerate() {
        match byte {
            b'0'..=b'9' if at == 0 => hex(byte, out),
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => out.push(char::from(byte)),
            b'_' => out.push_str("__"),
            _ => hex(byte, out),
        }
    }
}

fn hex(byte: u8, out: &mut String) {
    let _ = write!(out, "_x{byte:02x}_");
}

/// Bytes as two lower-case digits each.
pub(super) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

/// An encoded `AnyValue`.
enum Any<'a> {
    None,
    Text(&'a str),
    Bool(bool),
    Int(i64),
    Double(f64),
    Array(Cow<'a, [u8]>),
    Map(Cow<'a, [u8]>),
    Bytes(&'a [u8]),
}

impl<'a> Any<'a> {
    fn new(message: &'a [u8]) -> Self {
        let mut any = Self::None;
        for (number, field) in fields(message) {
            any = any.with(number, field);
        }
        any
    }

    /// The value after one more field: the last one counts, but arrays and maps grow.
    fn with(self, number: u32, field: Value<'a>) -> Self {
        let grown = |before: Option<Cow<'a, [u8]>>| {
            let mut whole = before;
            merge(&mut whole, field.bytes());
            whole.unwrap_or_default()
        };
        match (number, self) {
            (1, _) => Self::Text(field.text()),
            (2, _) => Self::Bool(field.number() != 0),
            (3, _) => Self::Int(field.number() as i64),
            (4, _) => Self::Double(field.double()),
            (5, Self::Array(before)) => Self::Array(grown(Some(before))),
            (5, _) => Self::Array(grown(None)),
            (6, Self::Map(before)) => Self::Map(grown(Some(before))),
            (6, _) => Self::Map(grown(None)),
            (7, _) => Self::Bytes(field.bytes()),
            (_, before) => before,
        }
    }
}

/// An attribute's value as a label value.
fn text(message: &[u8]) -> Result<String, Refusal> {
    Ok(match Any::new(message) {
        Any::None => {
            return Err(Refusal::new(RefusalKind::MissingValue, "contains an attribute without a value"));
        }
        Any::Text(text) => text.to_owned(),
        Any::Bool(value) => value.to_string(),
        Any::Int(value) => value.to_string(),
        Any::Double(value) => double(value),
        Any::Bytes(bytes) => base64(bytes),
        nested @ (Any::Array(_) | Any::Map(_)) => {
            let mut out = String::new();
            json(nested, &mut out);
            out
        }
    })
}

/// A double as the server writes it into a label.
fn double(value: f64) -> String {
    if value.is_infinite() {
        return if value > 0.0 { "+Inf".to_owned() } else { "-Inf".to_owned() };
    }
    value.to_string()
}

fn base64(bytes: &[u8]) -> String {
    // What is longer makes a label value that is too long in any case.
    format!("base64:{}", BASE64.encode(bytes.get(..MAX_VALUE).unwrap_or(bytes)))
}

/// Appends JSON as `serde_json` writes it, keys of maps in order; what goes beyond the longest label value may be
/// left out, because it will not be used.
fn json(value: Any<'_>, out: &mut String) {
    match value {
        Any::None => out.push_str("null"),
        Any::Text(text) => quote(text, out),
        Any::Bool(value) => out.push_str(if value { "true" } else { "false" }),
        Any::Int(value) => {
            let _ = write!(out, "{value}");
        }
        Any::Double(value) => match Number::from_f64(value) {
            Some(number) => {
                let _ = write!(out, "{number}");
            }
            None => quote(&double(value), out),
        },
        Any::Bytes(bytes) => quote(&base64(bytes), out),
        Any::Array(items) => {
            out.push('[');
            for (at, item) in repeated(&items, 1).enumerate() {
                if out.len() > MAX_VALUE {
                    return;
                }
                separate(at, out);
                json(Any::new(item), out);
            }
            out.push(']');
        }
        Any::Map(entries) => {
            let mut map: BTreeMap<&str, Option<Cow<'_, [u8]>>> = BTreeMap::new();
            for entry in repeated(&entries, 1) {
                let (mut key, mut value) = ("", None);
                for (number, field) in fields(entry) {
                    match number {
                        1 => key = field.text(),
                        2 => merge(&mut value, field.bytes()),
                        _ => {}
                    }
                }
                map.insert(key, value);
            }
            out.push('{');
            for (at, (key, value)) in map.iter().enumerate() {
                if out.len() > MAX_VALUE {
                    return;
                }
                separate(at, out);
                quote(key, out);
                out.push(':');
                json(Any::new(value.as_deref().unwrap_or_default()), out);
            }
            out.push('}');
        }
    }
}

fn separate(at: usize, out: &mut String) {
    if at > 0 {
        out.push(',');
    }
}

fn quote(text: &str, out: &mut String) {
    // A string always has a JSON form.
    out.push_str(&serde_json::to_string(text).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use super::{MAX_NAME, MAX_VALUE, attributes, escape, validate};
    use crate::capture::RefusalKind;

    fn escaped(raw: &str) -> String {
        let mut out = String::new();
        escape(raw, &mut out);
        out
    }

    #[test]
    fn names_are_escaped_byte_by_byte() {
        assert_eq!(escaped("system.cpu_time"), "system_x2e_cpu__time");
        assert_eq!(escaped("9lives9"), "_x39_lives9");
        assert_eq!(escaped("é:/"), "_xc3__xa9__x3a__x2f_");
        assert_eq!(escaped("_"), "__");
    }

    #[test]
    fn labels_have_limits_and_are_there_once() {
        let pair = |name: usize, value: usize| vec![("n".repeat(name), "v".repeat(value))];
        assert!(validate(&pair(MAX_NAME, MAX_VALUE)).is_ok());
        assert!(validate(&pair(MAX_NAME + 1, 0)).unwrap_err().message.ends_with("256-byte name limit"));
        assert!(validate(&pair(1, MAX_VALUE + 1)).unwrap_err().message.contains("16384-byte value limit"));
        let twice = [pair(1, 1), pair(1, 2)].concat();
        assert_eq!(validate(&twice).unwrap_err().message, "contains duplicate label 'n'");
    }

    #[test]
    fn a_long_array_is_not_written_to_its_end() {
        // An array of a hundred thousand empty values, 2 bytes each.
        let nothing = [0x0a, 0x00].repeat(100_000);
        let mut value = Vec::new();
        crate::wire::proto::put_bytes(&mut value, 0x2a, &nothing);
        let mut attribute = vec![0x0a, 0x01, b'k'];
        crate::wire::proto::put_bytes(&mut attribute, 0x12, &value);
        let mut pairs = Vec::new();
        attributes([attribute.as_slice()].into_iter(), "resource_", &mut pairs).unwrap();
        assert_eq!(pairs[0].0, "resource_k");
        assert!(pairs[0].1.len() < MAX_VALUE + 10, "{}", pairs[0].1.len());
        assert_eq!(validate(&pairs).unwrap_err().kind, RefusalKind::Label);
    }

    #[test]
    fn an_attribute_needs_key_and_value() {
        let refused =
            |attribute: &[u8]| attributes([attribute].into_iter(), "", &mut Vec::new()).unwrap_err().message;
        assert_eq!(refused(&[]), "contains an attribute with an empty key");
        assert_eq!(refused(&[0x0a, 1, b'k']), "contains an attribute without a value");
        assert_eq!(refused(&[0x0a, 1, b'k', 0x12, 0]), "contains an attribute without a value");
    }
}
