//! The window typed beside a plan.

use super::time::{TimeError, format_time, parse_time};
use super::{Context, Diagnostic, Severity};
use crate::model::{Millis, Window};

/// Clocks of a page and its servers may differ by so much without a word, in ms.
const SKEW_MS: i64 = 60_000;

/// Reads the window; findings go behind those of the text, with line 0.
pub(super) fn read(context: &Context<'_>, diagnostics: &mut Vec<Diagnostic>) -> Option<Window> {
    if context.start.trim().is_empty() && context.end.trim().is_empty() {
        return None;
    }
    let mut add = |severity: Severity, end: &str, message: String, remedy: String| {
        let path = format!("window.{end}");
        diagnostics.push(Diagnostic { severity, path, line: 0, column: 0, message, remedy });
    };
    let mut side = |text: &str, end: &str| -> Option<Millis> {
        match parse_time(text, context.now_ms) {
            Ok(at) => Some(at),
            Err(TimeError { message, remedy }) => {
                add(Severity::Error, end, message, remedy);
                None
            }
        }
    };
    let (start, end) = (side(context.start, "start"), side(context.end, "end"));
    let (start, end) = (start?, end?);
    let Some(window) = Window::new(start, end) else {
        add(
            Severity::Error,
            "end",
            format!("the window ends ({}) before it starts ({})", format_time(end), format_time(start)),
            "Swap the two, or move one.".to_owned(),
        );
        return None;
    };
    if end > context.now_ms.saturating_add(SKEW_MS) {
        add(
            Severity::Warning,
            "end",
            format!("the window ends in the future ({})", format_time(end)),
            "What is written later is not in it; write now for its end.".to_owned(),
        );
    }
    Some(window)
}
