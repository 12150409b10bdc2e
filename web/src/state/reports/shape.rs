//! Whether a text is a report or a history, by the names of its outermost fields. Nothing of it is parsed: a report may
//! come from a stranger, be large and deep, and is read by the engine alone.

use super::{exchange, scan};

/// A report's size at most, in bytes: what the engine reads.
pub const LARGEST_REPORT: f64 = 67_108_864.0;
/// A history's size at most, in bytes: twice what is ever kept.
pub const LARGEST_HISTORY: f64 = 134_217_728.0;

/// What a text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A report of one command.
    Report,
    /// Reports that a page exported.
    History,
}

/// What a text is, if it is one of these. The beginning of a text will do, as long as its names stand there.
pub fn of(text: &str) -> Option<Shape> {
    let text = text.trim_start_matches('\u{FEFF}');
    let (mut status, mut command, mut history) = (false, false, false);
    scan::members(text, |name, _| match name {
        "status" => status = true,
        "command" | "raw_checks" | "raw_verify" | "samples_written" => command = true,
        exchange::MARK => history = true,
        _ => {}
    });
    match (history, status && command) {
        (true, _) => Some(Shape::History),
        (_, true) => Some(Shape::Report),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_and_histories_are_told_by_their_outermost_names() {
        let report = Some(Shape::Report);
        assert_eq!(of(r#"{"command": "verify", "status": "pass"}"#), report);
        assert_eq!(of("\u{FEFF}\n{ \"status\" : \"fail\",\n\"raw_checks\": [{\"a\": \"}\\\"\"}] }"), report);
        assert_eq!(of(r#"{"x": [[{"y": "\\"}]], "samples_written": 5, "status": "pass""#), report);
        assert_eq!(of(&(exchange::head() + exchange::TAIL)), Some(Shape::History));
        for other in [
            "",
            "[]",
            r#"["status", "command"]"#,
            r#"{"x": {"status": 1, "command": 2}}"#,
            r#"{"x": "\"status\": 1, \"command\": 2"}"#,
            r#"{"status": "command"}"#,
            r#"{"source": {}, "target": {}, "selectors": ["status"]}"#,
            r#"{"a": 1} {"status": 1, "command": 2}"#,
            "{\"status",
            "{\"\\",
        ] {
            assert_eq!(of(other), None, "{other}");
        }
    }

    #[test]
    fn depth_and_size_do_no_harm() {
        let deep = format!("{{\"command\": 1, \"a\": {}", "[".repeat(1_000_000));
        assert_eq!(of(&deep), None);
        assert_eq!(of(&deep.replacen("{", "{\"status\": 1, ", 1)), Some(Shape::Report));
    }
}
