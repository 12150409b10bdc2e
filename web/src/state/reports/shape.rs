//! Whether a text is a report or a history, by the names of its outermost fields. Nothing of it is parsed: a report may
//! come from a stranger, be large and deep, and is read by the engine alone.

use super::exchange;
use super::scan::Names;

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
    let mut look = Look::default();
    look.push(text.as_bytes());
    look.shape()
}

/// A text that is looked at in pieces.
#[derive(Debug, Default)]
pub struct Look {
    names: Names,
    status: bool,
    command: bool,
    history: bool,
}

impl Look {
    /// Looks at the next piece.
    pub fn push(&mut self, piece: &[u8]) {
        let Self { names, status, command, history } = self;
        names.push(piece, |name| match name {
            b"status" => *status = true,
            b"command" | b"raw_checks" | b"raw_verify" | b"samples_written" => *command = true,
            name if name == exchange::MARK.as_bytes() => *history = true,
            _ => {}
        });
    }

    /// What it is, by all that was seen.
    pub fn shape(&self) -> Option<Shape> {
        match (self.history, self.status && self.command) {
            (true, _) => Some(Shape::History),
            (_, true) => Some(Shape::Report),
            _ => None,
        }
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
