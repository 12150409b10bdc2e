//! The report as one self-contained HTML page, `report.html`: styles and pictures inside, no script, no request.
//!
//! The verdict comes first and large with what it rests on, then the checklist, then every difference with its
//! cause, remedy and picture, then counts, coverage and progress, and last servers, window, tool and times.

mod backfill;
mod chart;
mod coverage;
mod cutover;
mod findings;
mod preflight;
mod progress;
mod recording;
mod timing;
mod verdict;
mod verify;
mod writer;

use super::words::{show_duration, total};
use super::{Report, RunInfo, Status};
use writer::{Cell, Html, Tone};

/// Styles of the page. They may hold nothing that a page fetches.
const STYLE: &str = include_str!("html/style.css");

/// SHA-256 of [`STYLE`] in base64, for the page's Content-Security-Policy; a test keeps it true.
const STYLE_HASH: &str = include_str!("html/style.sha256");

/// Pictures of differences in a page at most: each is some kilobytes.
const PICTURES: usize = 60;

/// The whole page. Every text that came from a plan, a server or a file is escaped (see `html/writer.rs`).
pub fn html(report: &Report) -> String {
    let mut page = Html::default();
    page.raw("<!doctype html>\n<html lang=en><head><meta charset=utf-8>");
    page.raw("<meta http-equiv=Content-Security-Policy content=\"default-src 'none'; style-src 'sha256-");
    page.raw(STYLE_HASH.trim_ascii_end());
    page.raw("'; img-src data:; base-uri 'none'; form-action 'none'\">");
    page.raw("<meta name=viewport content='width=device-width, initial-scale=1'>");
    page.raw("<meta name=referrer content=no-referrer><meta name=color-scheme content='light dark'>");
    // Without it a browser asks the page's server for one.
    page.raw("<link rel=icon href='data:,'><title>");
    page.raw(match report.status() {
        Status::Pass => "PASS: tsink-migrate ",
        Status::Fail => "FAIL: tsink-migrate ",
    });
    page.raw(report.command()).raw("</title><style>").raw(STYLE).raw("</style></head><body>");
    header(&mut page, report);
    page.raw("<main>");
    verdict::write(&mut page, report);
    let mut pictures = PICTURES;
    match report {
        Report::Preflight(report) => preflight::write(&mut page, report),
        Report::Backfill(report) => backfill::write(&mut page, report),
        Report::Verify(report) => verify::write(&mut page, report, &mut pictures),
        Report::Repair(report) => backfill::write_repair(&mut page, report, &mut pictures),
        Report::Cutover(report) => cutover::write(&mut page, report, &mut pictures),
    }
    about(&mut page, report);
    page.raw("</main></body></html>\n");
    page.finish()
}

/// What was migrated from where to where.
fn header(page: &mut Html, report: &Report) {
    let (run, window) = (report.run(), report.window());
    page.raw("<header><b>tsink Migrate</b> <span class=route>").raw(report.command());
    if !run.source.is_empty() {
        page.raw(" · ").code(&run.source);
    }
    if !run.target.is_empty() {
        page.raw(" → ").code(&run.target);
    }
    if !run.tenant.is_empty() {
        page.raw(" · tenant ").code(&run.tenant);
    }
    page.raw(" · ").time(window.start_ms).raw(" to ").time(window.end_ms).raw("</span></header>");
}

/// Servers, window, tool and times.
fn about(page: &mut Html, report: &Report) {
    let (run, window) = (report.run(), report.window());
    page.panel("Servers, window and tool");
    let length = show_duration(u64::try_from(window.len_ms().saturating_sub(1)).unwrap_or(0));
    let mut rows = vec![
        [Cell::Text("Source"), Cell::Code(&run.source)],
        [Cell::Text("Target"), Cell::Code(&run.target)],
        [Cell::Text("Tenant"), Cell::Code(&run.tenant)],
        [Cell::Text("Window, from"), Cell::Time(window.start_ms)],
        [Cell::Text("Window, to and including"), Cell::Time(window.end_ms)],
        [Cell::Text("Length of the window"), Cell::Said(length)],
        [Cell::Text("Window in Unix ms"), Cell::Said(format!("{} to {}", window.start_ms, window.end_ms))],
    ];
    if !run.tool.is_empty() {
        rows.push([Cell::Text("Tool"), Cell::Said(format!("{} {}", run.tool, run.version))]);
        rows.push([Cell::Text("Started"), Cell::Time(run.started_ms)]);
        rows.push([Cell::Text("Ended"), Cell::Time(run.finished_ms)]);
        rows.push([Cell::Text("Duration"), Cell::Said(show_duration(run.duration_ms))]);
    }
    rows.retain(|row| !matches!(row, [_, Cell::Code("")]));
    facts(page, "What ran, where and when", rows);
    if !run.selectors.is_empty() {
        page.raw("<h3>Selectors of the plan</h3>");
        names(page, run.selectors.iter());
    }
    page.end();
}

/// A table of names and values.
fn facts(page: &mut Html, caption: &'static str, rows: Vec<[Cell<'_>; 2]>) {
    page.raw("<div class=facts>");
    page.table(caption, &["What", "Value"], &mut rows.into_iter().map(Vec::from));
    page.raw("</div>");
}

/// A list of names, queries or selectors.
fn names<'a>(page: &mut Html, names: impl Iterator<Item = &'a String>) {
    const MOST: usize = 500;
    let names: Vec<&String> = names.collect();
    page.raw("<ul>");
    for name in names.iter().take(MOST) {
        page.raw("<li>").name(name).raw("</li>");
    }
    page.raw("</ul>");
    page.left_out(names.len().saturating_sub(MOST) as u64);
}

/// How far the run got over time, if that was noted.
fn progress(page: &mut Html, run: &RunInfo, done: &'static str) {
    progress::write(page, &run.progress, done);
}

/// `pass` or `fail` as a pill.
fn passed(pass: bool) -> Cell<'static> {
    if pass { Cell::Pill(Tone::Good, "pass") } else { Cell::Pill(Tone::Bad, "fail") }
}
