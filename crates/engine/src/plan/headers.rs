//! Header maps. Their values are secrets: no message holds one, nor a name that may be a misplaced value.

use super::fields::{join, string};
use super::walk::Walk;
use crate::port::Secret;
use jsonc_parser::ast::{Object, Value};
use jsonc_parser::common::Ranged;

/// Headers that the migration sets itself; another value would break the request.
const OURS: [&str; 11] = [
    "accept-encoding",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "host",
    "te",
    "transfer-encoding",
    "upgrade",
    "x-prometheus-remote-read-version",
    "x-prometheus-remote-write-version",
];

/// A header with its place and, when nothing is missing, its value.
pub(super) struct Header {
    pub(super) name: String,
    pub(super) value: Option<Secret>,
    pub(super) at: usize,
    pub(super) path: String,
}

/// Reads a header map. Headers that are not valid, or not needed, are left out.
pub(super) fn read(object: &Object<'_>, path: &str, walk: &mut Walk<'_, '_>) -> Vec<Header> {
    let mut headers: Vec<Header> = Vec::new();
    for property in &object.properties {
        let (name, at) = (property.name.as_str(), property.range().start);
        if !is_token(name) {
            walk.found.error(
                at,
                path,
                "this is not a header's name",
                "A name has letters, digits and - alone; what follows the colon is the value.",
            );
            continue;
        }
        let path = join(path, name);
        let Some((text, value_at)) = string(&property.value, &path, &mut walk.found) else { continue };
        if headers.iter().any(|header| header.name.eq_ignore_ascii_case(name)) {
            walk.found.error(
                at,
                &path,
                "this header stands here twice",
                "Keep one; case makes no difference in names.",
            );
            continue;
        }
        let value = fill_in(text, value_at, &path, walk);
        if OURS.contains(&name.to_ascii_lowercase().as_str()) {
            walk.found.warning(
                at,
                &path,
                "the migration sets this header itself; this one is not sent",
                "Remove it.",
            );
            continue;
        }
        headers.push(Header { name: name.to_owned(), value, at, path });
    }
    headers
}

/// The map of a section's `headers` field, if it has one.
pub(super) fn object<'n, 't>(
    value: Option<&'n Value<'t>>,
    path: &str,
    walk: &mut Walk<'_, '_>,
) -> Option<&'n Object<'t>> {
    match value? {
        Value::Object(object) => Some(object),
        other => {
            walk.found.error(
                super::json::start(other),
                path,
                "headers must be an object of names and values",
                "Write { \"Authorization\": \"Bearer ${NAME}\" }.",
            );
            None
        }
    }
}

/// Replaces `${NAME}`; `$${` stands for `${`. `None` when a secret is missing or something is wrong.
fn fill_in(text: &str, at: usize, path: &str, walk: &mut Walk<'_, '_>) -> Option<Secret> {
    let mut value = String::new();
    let mut whole = true;
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        if let Some(escaped) = before.strip_suffix('$') {
            value.push_str(escaped);
            value.push_str("${");
            rest = after;
            continue;
        }
        value.push_str(before);
        let name = after.split_once('}').filter(|(name, _)| is_name(name));
        let Some((name, after)) = name else {
            walk.found.error(
                at,
                path,
                "${ begins the name of a secret, but no name and } follow",
                "Write ${NAME} with letters, digits and _, or $${ for ${ itself.",
            );
            return None;
        };
        // The offset keeps names in the order they stand in one value, too.
        let place = at + (text.len() - after.len());
        match walk.secret(name, place) {
            Some(secret) if is_value(secret) => value.push_str(secret),
            Some(_) => {
                walk.found.error(
                    at,
                    path,
                    format!("the value of {name} holds a line break, or what is not ASCII"),
                    "Set it without the line break at its end.",
                );
                whole = false;
            }
            None => whole = false,
        }
        rest = after;
    }
    value.push_str(rest);
    if !is_value(rest) || !is_value(text) {
        walk.found.error(
            at,
            path,
            "a header's value must be one line of ASCII characters",
            "Remove line breaks and other control characters.",
        );
        return None;
    }
    whole.then(|| Secret::new(value))
}

/// RFC 9110 `token`.
fn is_token(name: &str) -> bool {
    !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

/// RFC 9110 `field-value`, without `obs-text`: what browsers make of other bytes differs.
fn is_value(value: &str) -> bool {
    value.bytes().all(|byte| byte == b'\t' || (b' '..=b'~').contains(&byte))
}

fn is_name(name: &str) -> bool {
    name.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}
