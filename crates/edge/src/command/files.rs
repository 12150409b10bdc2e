//! Files that the command reads as text, and the reports that it writes.

use crate::cli::Format;
use crate::host::Host;
use crate::text::one_line;
use std::rc::Rc;
use tsink_migrate_engine::report::{self, Report};

/// Bytes of a report that are read at most.
const MAX_REPORT_BYTES: usize = 64 * 1024 * 1024;

/// Reads a text file of `limit` bytes at most. The error is a line to print.
pub(super) async fn read(
    host: &Rc<dyn Host>,
    what: &str,
    path: &str,
    limit: usize,
) -> Result<String, String> {
    let shown = one_line(path);
    // One more shows that there are too many.
    let bytes = host.read_file(path, limit.saturating_add(1)).await;
    let bytes = bytes.map_err(|why| format!("error: {what} {shown} cannot be read: {}\n", one_line(&why)))?;
    if bytes.len() > limit {
        return Err(format!(
            "error: {what} {shown} has more than {} MiB; is it the right file?\n",
            limit / 1024 / 1024
        ));
    }
    String::from_utf8(bytes).map_err(|error| {
        format!("error: {what} {shown} is not UTF-8 text (at byte {})\n", error.utf8_error().valid_up_to())
    })
}

/// Reads a short text, as a header's value. The error goes on after "… names": the path, and what is wrong.
pub(super) async fn value(host: &Rc<dyn Host>, path: &str, limit: usize) -> Result<String, String> {
    let shown = one_line(path);
    let bytes = host.read_file(path, limit.saturating_add(1)).await;
    let bytes = bytes.map_err(|why| format!("{shown}, which cannot be read: {}", one_line(&why)))?;
    if bytes.len() > limit {
        return Err(format!("{shown}, which has more than {} KiB; is it the right file?", limit / 1024));
    }
    // Where it is not UTF-8 would tell something of the secret.
    String::from_utf8(bytes).map_err(|_| format!("{shown}, which is not UTF-8 text"))
}

/// Reads a report, with its text.
pub(super) async fn report(host: &Rc<dyn Host>, path: &str) -> Result<(Report, String), String> {
    let text = read(host, "the report", path, MAX_REPORT_BYTES).await?;
    let report = report::read(&text).map_err(|error| {
        let remedy = if error.remedy.is_empty() { String::new() } else { format!("\n{}", error.remedy) };
        format!("error: {}: {}\n", one_line(path), crate::text::clean(&format!("{error}{remedy}")))
    })?;
    Ok((report, text))
}

/// The format's file.
fn name(format: Format) -> &'static str {
    match format {
        Format::Json => "report.json",
        Format::Md => "report.md",
        Format::Html => "report.html",
    }
}

/// The report in a format.
pub(super) fn render(report: &Report, format: Format) -> String {
    match format {
        Format::Json => report::json(report),
        Format::Md => report::markdown(report),
        Format::Html => report::html(report),
    }
}

/// Makes a directory. The error is a line to print.
pub(super) async fn make_dir(host: &Rc<dyn Host>, dir: &str) -> Result<(), String> {
    let made = host.make_dir(dir).await;
    made.map_err(|why| format!("error: the directory {} cannot be made: {}\n", one_line(dir), one_line(&why)))
}

/// Writes the report into a directory, in every format or in one.
pub(super) async fn write(
    host: &Rc<dyn Host>,
    dir: &str,
    report: &Report,
    only: Option<Format>,
) -> Result<Vec<&'static str>, String> {
    let mut written = Vec::new();
    for format in [Format::Json, Format::Md, Format::Html] {
        if only.is_some_and(|only| only != format) {
            continue;
        }
        let name = name(format);
        let done = host.write_file(dir, name, &render(report, format)).await;
        done.map_err(|why| {
            format!("error: {name} cannot be written to {}: {}\n", one_line(dir), one_line(&why))
        })?;
        written.push(name);
    }
    Ok(written)
}

/// Whether a file of this directory is the one with this text, by whatever path.
pub(super) async fn is_in(host: &Rc<dyn Host>, dir: &str, text: &str) -> bool {
    let path = format!("{}/{}", dir.trim_end_matches(['/', '\\']), name(Format::Json));
    let there = host.read_file(&path, text.len() + 1).await;
    there.is_ok_and(|bytes| bytes == text.as_bytes())
}
