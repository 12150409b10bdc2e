//! What the history knows of a report without reading it again, and what has to go when there is too much.

use crate::state::words::{self, Verdict};
use serde::{Deserialize, Serialize};
use tsink_migrate_engine::model::{Millis, Window};
use tsink_migrate_engine::report::{RepairReport, Report, Status};
use tsink_migrate_host::protocol::Print;

/// Reports kept at most.
pub const MOST_REPORTS: usize = 200;
/// Their size in all at most, in bytes.
pub const MOST_BYTES: u64 = 50_000_000;

/// One report of the history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Key of the report's text: a hash of it, and a number where two texts have the same one.
    pub id: String,
    /// When it came in, Unix ms.
    pub kept_ms: Millis,
    /// When the run ended, Unix ms.
    pub finished_ms: Millis,
    /// `verify`, `cutover-check`, …
    pub command: String,
    /// Whether it passed.
    pub ok: bool,
    /// The verdict in a word or two.
    pub word: String,
    /// The verdict's main figure, in a sentence.
    pub found: String,
    /// Redacted URL of the source.
    pub source: String,
    /// Redacted URL of the target.
    pub target: String,
    /// Tenant.
    pub tenant: String,
    /// Start of the window.
    pub start_ms: Millis,
    /// End of the window, included.
    pub end_ms: Millis,
    /// Size of the report's text.
    pub bytes: u64,
}

impl Entry {
    /// Of a report and its text, as it comes in.
    pub fn new(report: &Report, print: Print, kept_ms: Millis) -> Self {
        let (verdict, run, Window { start_ms, end_ms }) = (verdict(report), report.run(), report.window());
        Self {
            id: format!("{:016x}", print.hash),
            kept_ms,
            finished_ms: if run.finished_ms > 0 { run.finished_ms } else { kept_ms },
            command: report.command().to_owned(),
            ok: verdict.ok,
            word: verdict.word.to_owned(),
            found: short(&verdict.headline),
            source: short(&run.source),
            target: short(&run.target),
            tenant: short(&run.tenant),
            start_ms,
            end_ms,
            bytes: print.bytes,
        }
    }

    /// Name of a file for it: `verify-2025-11-18-0800.json`.
    pub fn file_name(&self) -> String {
        file_name(&self.command, self.finished_ms)
    }
}

/// `verify-2025-11-18-0800.json`, by command and end of the run.
pub fn file_name(command: &str, finished_ms: Millis) -> String {
    let time = crate::state::format::rfc3339(finished_ms);
    let time: String = time.chars().take(16).filter(|c| *c != ':').collect();
    format!("{command}-{}.json", time.replace('T', "-"))
}

/// A report's verdict in words.
pub fn verdict(report: &Report) -> Verdict {
    match report {
        Report::Preflight(report) => words::preflight(report),
        Report::Backfill(report) => words::backfill(report),
        Report::Verify(report) => words::verify(report),
        Report::Repair(report) => repair(report),
        Report::Cutover(report) => words::cutover(report),
    }
}

fn repair(report: &RepairReport) -> Verdict {
    let ok = report.status == Status::Pass;
    let verified = words::verify(&report.verify);
    Verdict { ok, word: if ok { "Repaired" } else { "Not repaired" }, ..verified }
}

/// A text that stands in a table: a stranger's may be of any length.
fn short(text: &str) -> String {
    const MOST: usize = 300;
    match text.char_indices().nth(MOST) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// Newest run first.
pub fn in_order(entries: &mut [Entry]) {
    tsink_migrate_engine::order::sort_by_key(entries, |entry| {
        (std::cmp::Reverse(entry.finished_ms), std::cmp::Reverse(entry.kept_ms), entry.id.clone())
    });
}

/// Ids of what has to go, so that the rest stays within [`MOST_REPORTS`] and [`MOST_BYTES`]: those that came in
/// first.
pub fn surplus(entries: &[Entry]) -> Vec<String> {
    let mut by_age: Vec<&Entry> = entries.iter().collect();
    tsink_migrate_engine::order::sort_by_key(&mut by_age, |entry| (entry.kept_ms, entry.id.clone()));
    let mut count = by_age.len();
    let mut bytes = by_age.iter().fold(0u64, |sum, entry| sum.saturating_add(entry.bytes));
    let mut gone = Vec::new();
    for entry in by_age {
        // The newest stays in any case: what was just run is not thrown away because it is large.
        if (count <= MOST_REPORTS && bytes <= MOST_BYTES) || count <= 1 {
            break;
        }
        count -= 1;
        bytes = bytes.saturating_sub(entry.bytes);
        gone.push(entry.id.clone());
    }
    gone
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(id: &str, kept_ms: i64, bytes: u64) -> Entry {
        Entry {
            id: id.to_owned(),
            kept_ms,
            finished_ms: kept_ms,
            command: "verify".to_owned(),
            ok: true,
            word: "Verified".to_owned(),
            found: String::new(),
            source: String::new(),
            target: String::new(),
            tenant: String::new(),
            start_ms: 0,
            end_ms: 1,
            bytes,
        }
    }

    #[test]
    fn the_oldest_go_first() {
        let many: Vec<Entry> = (0..203).map(|at| entry(&format!("{at:03}"), 1_000 - at, 10)).collect();
        assert_eq!(surplus(&many), ["202", "201", "200"]);
        assert_eq!(surplus(&many[..200]), Vec::<String>::new());
        let large = [entry("a", 3, 30_000_000), entry("b", 1, 15_000_000), entry("c", 2, 10_000_000)];
        assert_eq!(surplus(&large), ["b"]);
        assert_eq!(surplus(&[entry("a", 1, 60_000_000)]), Vec::<String>::new());
        assert_eq!(surplus(&[entry("a", 1, u64::MAX), entry("b", 2, u64::MAX)]), ["a"]);
    }

    #[test]
    fn texts_have_names_of_their_own() {
        assert_eq!(Print::of("").hash, 0xcbf2_9ce4_8422_2325);
        assert_eq!(Print::of("a"), Print { bytes: 1, hash: 0xaf63_dc4c_8601_ec8c });
        assert_eq!(short(&"ä".repeat(301)), format!("{}…", "ä".repeat(300)));
        assert_eq!(short("x"), "x");
    }

    #[test]
    fn files_are_named_by_command_and_time() {
        assert_eq!(file_name("verify", 1_763_424_000_000), "verify-2025-11-18-0000.json");
        assert!(file_name("verify", i64::MAX).starts_with("verify-"));
        assert!(file_name("verify", i64::MIN).starts_with("verify-"));
    }

    #[test]
    fn newest_runs_stand_first() {
        let mut entries = [entry("a", 1, 1), entry("b", 3, 1), entry("c", 2, 1)];
        in_order(&mut entries);
        assert_eq!(entries.map(|entry| entry.id), ["b", "c", "a"]);
    }
}
