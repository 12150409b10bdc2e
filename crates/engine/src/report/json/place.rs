//! Where in a JSON text something is, and whether the text keeps within bounds, without reading it.

use crate::report::words::visible;

/// Brackets in brackets at most. A report has a dozen.
const DEPTH: usize = 64;
/// Entries of a list or an object at most: a report lists some thousands.
const ITEMS: usize = 200_000;

/// An open bracket.
struct Frame {
    is_object: bool,
    /// Start and end of the key that was read last.
    key: (usize, usize),
    expects_key: bool,
    count: usize,
}

/// Whether no list is endless and no bracket bottomless.
///
/// # Errors
/// What is too much, and where.
pub(super) fn check(text: &str) -> Result<(), String> {
    walk(text, text.len()).map(|_| ())
}

/// ` in raw_checks[0].selector`, or nothing at the top. `line` from 1, `column` in bytes.
pub(super) fn of(text: &str, line: usize, column: usize) -> String {
    let start = match line.checked_sub(2) {
        Some(before) => memchr::memchr_iter(b'\n', text.as_bytes()).nth(before).map_or(0, |at| at + 1),
        None => 0,
    };
    match walk(text, start.saturating_add(column)) {
        Ok(path) if !path.is_empty() => format!(", in {path}"),
        _ => String::new(),
    }
}

/// The path at a byte.
fn walk(text: &str, until: usize) -> Result<String, String> {
    let bytes = text.as_bytes();
    let mut frames: Vec<Frame> = Vec::new();
    let mut at = 0;
    while let Some(byte) = bytes.get(at).filter(|_| at < until) {
        match byte {
            b'{' | b'[' => {
                if frames.len() == DEPTH {
                    return Err(format!(
                        "more than {DEPTH} brackets in brackets, {}",
                        place(text, &frames, at)
                    ));
                }
                let is_object = *byte == b'{';
                frames.push(Frame { is_object, key: (0, 0), expects_key: is_object, count: 0 });
            }
            b'}' | b']' => drop(frames.pop()),
            b',' => {
                if let Some(frame) = frames.last_mut() {
                    frame.count += 1;
                    frame.expects_key = frame.is_object;
                }
                if frames.last().is_some_and(|frame| frame.count >= ITEMS) {
                    frames.pop();
                    return Err(format!("more than {ITEMS} entries, {}", place(text, &frames, at)));
                }
            }
            b'"' => {
                let start = at + 1;
                at = start;
                while let Some(found) = bytes
                    .get(at..)
                    .and_then(|rest| memchr::memchr2(b'"', b'\\', rest))
                    .map(|found| at + found)
                {
                    at = found;
                    if bytes.get(at) == Some(&b'"') {
                        break;
                    }
                    at += 2;
                }
                if let Some(frame) = frames.last_mut().filter(|frame| frame.expects_key) {
                    frame.key = (start, at);
                    frame.expects_key = false;
                }
            }
            _ => {}
        }
        at += 1;
    }
    Ok(path(text, &frames))
}

fn place(text: &str, frames: &[Frame], at: usize) -> String {
    let before = text.as_bytes().get(..at).unwrap_or_default();
    let line = memchr::memchr_iter(b'\n', before).count() + 1;
    match path(text, frames) {
        path if path.is_empty() => format!("line {line}"),
        path => format!("in {path} (line {line})"),
    }
}

fn path(text: &str, frames: &[Frame]) -> String {
    /// Steps that are told: deeper ones say nothing more.
    const STEPS: usize = 12;
    const KEY: usize = 60;
    let mut path = String::new();
    for frame in frames.iter().take(STEPS) {
        if !frame.is_object {
            path.push_str(&format!("[{}]", frame.count));
        } else if let Some(key) = text.get(frame.key.0..frame.key.1).filter(|key| !key.is_empty()) {
            if !path.is_empty() {
                path.push('.');
            }
            path.push_str(&visible(&key.chars().take(KEY).collect::<String>()));
        }
    }
    path
}
