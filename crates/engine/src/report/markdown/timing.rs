//! How a run came along: what a ledger says was done before it, and which slabs took longest.

use super::escape::{Place, code};
use super::{Page, number};
use crate::report::words::{show_duration, show_time};
use crate::report::{Continued, SlabTiming};

/// Nothing where there is nothing to say.
pub(super) fn write(page: &mut Page, continued: Option<&Continued>, slowest: &[SlabTiming]) {
    if let Some(continued) = continued {
        page.heading(2, "Continued");
        page.paragraph(&continued.sentence());
    }
    if slowest.is_empty() {
        return;
    }
    page.heading(2, "Slowest slabs");
    let rows = slowest.iter().map(|one| {
        vec![
            show_duration(one.took_ms),
            number(one.rows),
            code(&one.selector, Place::Cell),
            show_time(one.window.start_ms),
            show_time(one.window.end_ms),
        ]
    });
    page.table(&["Took", "Rows", "Selector", "From", "To and including"], "rrlll", rows.collect());
}
