//! The history as a file: `{"tsink_migrate_history": 1, "reports": [{"kept_ms": …, "report": {…}}, …]}`. Every report
//! stands there as it was written, byte for byte; the engine reads each by itself when it comes in again.

use serde::Deserialize;
use serde_json::value::RawValue;
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

#[derive(Deserialize)]
struct File<'a> {
    #[serde(rename = "tsink_migrate_history")]
    version: u64,
    #[serde(borrow)]
    reports: Vec<Part<'a>>,
}

#[derive(Deserialize)]
struct Part<'a> {
    #[serde(default)]
    kept_ms: Millis,
    #[serde(borrow)]
    report: &'a RawValue,
}

/// The reports of a file, each with the time when it was kept. What they hold was not looked at.
///
/// # Errors
/// When the file is none, or of a newer version; what and what to do.
pub fn read(text: &str) -> Result<Vec<(Millis, &str)>, String> {
    let file: File<'_> = serde_json::from_str(text.trim_start_matches('\u{FEFF}'))
        .map_err(|error| format!("It is not a whole history: {error}. Export it again."))?;
    if file.version > VERSION {
        return Err(format!(
            "The history is of version {}, and this page reads {VERSION}. Open it with a newer page.",
            file.version
        ));
    }
    Ok(file.reports.into_iter().map(|part| (part.kept_ms, part.report.get())).collect())
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
