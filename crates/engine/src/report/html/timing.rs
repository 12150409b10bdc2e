//! How a run came along: what a ledger says was done before it, and which slabs took longest.

use super::writer::{Cell, Html};
use crate::report::words::show_duration;
use crate::report::{Continued, SlabTiming};

/// Nothing where there is nothing to say.
pub(super) fn write(page: &mut Html, continued: Option<&Continued>, slowest: &[SlabTiming]) {
    if let Some(continued) = continued {
        page.panel("Continued");
        page.paragraph(&continued.sentence());
        page.end();
    }
    if slowest.is_empty() {
        return;
    }
    page.panel("Slowest slabs");
    let rows = slowest.iter().map(|one| {
        vec![
            Cell::Said(show_duration(one.took_ms)),
            Cell::Number(one.rows),
            Cell::Code(&one.selector),
            Cell::Time(one.window.start_ms),
            Cell::Time(one.window.end_ms),
        ]
    });
    let head = ["Took", "Rows", "Selector", "From", "To and including"];
    page.table("From the first request to the last answer", &head, &mut rows.into_iter());
    page.end();
}
