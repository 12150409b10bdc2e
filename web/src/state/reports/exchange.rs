//! The history as a file: `{"tsink_migrate_history": 1, "reports": [{"kept_ms": …, "report": {…}}, …]}`. Every report
//! stands there as it was written, byte for byte; the engine reads each by itself when it comes in again.

use super::scan;
use tsink_migrate_engine::model::Millis;

/// The field that says what the file is; its value is the version.
pub const MARK: &str = "tsink_migrate_history";
/// The version that this page writes, and the newest that it reads.
const VERSION: u64 = 1;

/// The beginning of a file.
pub fn head() -> String {
    format!("{{\"{MARK}\": {VERSION}, \"reports\": [")
}

/// One report's part of the file. Parts stand one after the other between [`head`] and [`TAIL`].
pub fn part(is_first: bool, kept_ms: Millis, json: &str) -> String {
    format!("{}{{\"kept_ms\": {kept_ms}, \"report\": {}}}", if is_first { "\n" } else { ",\n" }, json.trim())
}

/// The end of a file.
pub const TAIL: &str = "\n]}\n";

/// The reports of a file, each with the time when it was kept. What they hold was not looked at.
///
/// # Errors
/// When the file is none, or of a newer version; what and what to do.
pub fn read(text: &str) -> Result<Vec<(Millis, &str)>, String> {
    let text = text.trim_start_matches('\u{FEFF}');
    let (mut version, mut reports) = (None, None);
    let is_whole = scan::members(text, |name, value| match name {
        MARK => version = value.and_then(|value| value.parse::<u64>().ok()),
        "reports" => reports = value,
        _ => {}
    });
    if let Some(version) = version.filter(|version| *version > VERSION) {
        return Err(format!(
            "The history is of version {version}, and this page reads {VERSION}. Open it with a newer page."
        ));
    }
    let parts = reports.filter(|_| is_whole && version.is_some()).and_then(scan::elements);
    parts
        .and_then(|parts| parts.into_iter().map(part_of).collect::<Option<Vec<_>>>())
        .ok_or_else(|| "It is not a whole history. Export it again.".to_owned())
}

fn part_of(text: &str) -> Option<(Millis, &str)> {
    let (mut kept_ms, mut report) = (0, None);
    let is_whole = scan::members(text, |name, value| match name {
        "kept_ms" => kept_ms = value.and_then(|value| value.parse().ok()).unwrap_or(0),
        "report" => report = value,
        _ => {}
    });
    report.filter(|_| is_whole).map(|report| (kept_ms, report))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_to_the_byte() {
        let reports = ["{\"a\":  18446744073709551615, \"b\": 0.1000}", "{ \"c\": \"\\u0000}],[{\" }"];
        let mut text = head();
        for (at, report) in reports.iter().enumerate() {
            text += &part(at == 0, at as i64, report);
        }
        text += TAIL;
        assert_eq!(read(&text), Ok(vec![(0, reports[0]), (1, reports[1])]));
        assert_eq!(read(&(head() + TAIL)), Ok(Vec::new()));
    }

    #[test]
    fn other_files_are_refused_with_words() {
        for text in [
            "",
            "[]",
            "{}",
            "{\"tsink_migrate_history\": 1",
            "{\"tsink_migrate_history\": -1, \"reports\": []}",
        ] {
            assert!(read(text).is_err_and(|why| why.contains("Export it again")), "{text}");
        }
        let newer = "{\"tsink_migrate_history\": 2, \"reports\": []}";
        assert!(read(newer).is_err_and(|why| why.contains("newer page")));
        let deep = format!("{}{}", head(), "{\"report\": ".repeat(100_000));
        assert!(read(&deep).is_err());
    }
}
