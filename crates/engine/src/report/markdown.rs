//! The report as Markdown, `report.md`: fit to be pasted into a ticket or pull request.
//!
//! The verdict comes first, then what it rests on, then every issue with its probable cause and what to do.

mod backfill;
mod cutover;
mod escape;
mod preflight;
mod recording;
mod timing;
mod verify;

use super::words::{grouped, show_duration, show_time};
use super::{Report, Status};
use escape::{Place, code, text};

/// The whole report. Every text that came from a plan or a server is escaped (see `markdown/escape.rs`).
pub fn markdown(report: &Report) -> String {
    let mut page = Page::default();
    page.title(report);
    match report {
        Report::Preflight(report) => preflight::write(&mut page, report),
        Report::Backfill(report) => backfill::write(&mut page, report),
        Report::Verify(report) => verify::write(&mut page, report),
        Report::Repair(report) => backfill::write_repair(&mut page, report),
        Report::Cutover(report) => cutover::write(&mut page, report),
    }
    page.out
}

/// A Markdown document that is being written.
#[derive(Default)]
struct Page {
    out: String,
}

impl Page {
    fn title(&mut self, report: &Report) {
        let verdict = verdict(report.status() == Status::Pass);
        self.out.push_str(&format!("# {verdict}: tsink-migrate {}\n", report.command()));
        let (run, window) = (report.run(), report.window());
        let mut rows = Vec::new();
        let mut row = |name: &str, value: String| rows.push(vec![name.to_owned(), value]);
        if !run.source.is_empty() {
            row("Source", code(&run.source, Place::Cell));
        }
        if !run.target.is_empty() {
            row("Target", code(&run.target, Place::Cell));
        }
        if !run.tenant.is_empty() {
            row("Tenant", code(&run.tenant, Place::Cell));
        }
        let length = show_duration(u64::try_from(window.len_ms().saturating_sub(1)).unwrap_or(0));
        let (start, end) = (window.start_ms, window.end_ms);
        row("Window", format!("{} to {} ({length})", show_time(start), show_time(end)));
        row("Window in ms", format!("{start} to {end}, both included"));
        if !run.tool.is_empty() {
            row("Run", format!("{}, {}", show_time(run.started_ms), show_duration(run.duration_ms)));
            row("Tool", text(&format!("{} {}", run.tool, run.version), Place::Cell));
        }
        self.table(&["", ""], "", rows);
    }

    /// A heading of level 2, or of level 3 for a part of a section.
    fn heading(&mut self, level: usize, title: &str) {
        self.out.push_str(&format!("\n{} {title}\n", "#".repeat(level)));
    }

    /// A paragraph; `markdown` is escaped already.
    fn paragraph(&mut self, markdown: &str) {
        self.out.push_str(&format!("\n{markdown}\n"));
    }

    /// A list; the items are escaped already.
    fn list(&mut self, items: impl IntoIterator<Item = String>) {
        self.out.push('\n');
        for item in items {
            self.out.push_str(&format!("- {item}\n"));
        }
    }

    /// A list of sentences, under a heading, unless there is none.
    fn sentences(&mut self, title: &str, sentences: &[String]) {
        if !sentences.is_empty() {
            self.heading(2, title);
            self.list(sentences.iter().map(|sentence| text(sentence, Place::Line)));
        }
    }

    /// A table; cells are escaped already. `alignment` has one character a column: `r` is for numbers.
    fn table(&mut self, head: &[&str], alignment: &str, rows: Vec<Vec<String>>) {
        self.out.push_str(&format!("\n| {} |\n|", head.join(" | ")));
        let mut aligned = alignment.chars();
        for _ in head {
            self.out.push_str(if aligned.next() == Some('r') { " ---: |" } else { " --- |" });
        }
        self.out.push('\n');
        for row in rows {
            self.out.push_str(&format!("| {} |\n", row.join(" | ")));
        }
    }
}

fn verdict(pass: bool) -> &'static str {
    if pass { "PASS" } else { "FAIL" }
}

/// Cause and remedy as items below an item, without what is not known.
fn explained(cause: &str, remedy: &str) -> String {
    causes(cause, remedy).into_iter().map(|item| format!("\n  - {item}")).collect()
}

/// Cause and remedy as items, without what is not known.
fn causes(cause: &str, remedy: &str) -> Vec<String> {
    let known =
        [("Probable cause", cause), ("What to do", remedy)].into_iter().filter(|(_, said)| !said.is_empty());
    known.map(|(name, said)| format!("*{name}:* {}", text(said, Place::Line))).collect()
}

/// A number in a cell.
fn number(number: u64) -> String {
    grouped(number)
}

/// A number in a cell that ought to be 0.
fn wrong(number: u64) -> String {
    if number == 0 { "0".to_owned() } else { format!("**{}**", grouped(number)) }
}
