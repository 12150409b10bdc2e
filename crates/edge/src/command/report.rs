//! `report`: a `report.json`, which may come from a stranger, in other formats.

use super::files;
use crate::cli::{Format, ReportAsk};
use crate::host::Host;
use crate::text::{clean, one_line};
use std::fmt::Write as _;
use std::rc::Rc;
use tsink_migrate_engine::plan::Redaction;

/// Writes it. The error is text to print.
pub(super) async fn run(host: &Rc<dyn Host>, ask: &ReportAsk) -> Result<i32, String> {
    let (report, text) = files::report(host, &ask.file).await?;
    let redaction = Redaction { hosts: ask.redact_hosts, labels: ask.redact_labels.clone() };
    let report = if redaction.is_empty() { report } else { report.redacted(&redaction) };
    let Some(dir) = &ask.artifact_dir else {
        let format = ask.format.unwrap_or(Format::Md);
        let text = files::render(&report, format);
        host.stdout(&match format {
            Format::Json => format!("{}\n", json(&text)),
            _ => clean(&text),
        });
        return Ok(super::PASSED);
    };
    files::make_dir(host, dir).await?;
    let writes_json = ask.format.is_none_or(|format| format == Format::Json);
    if writes_json && files::is_in(host, dir, &text).await && files::render(&report, Format::Json) != text {
        // What is hidden could never be found out again, and a repair needs it.
        return Err(format!(
            "error: report.json in {} is the report that is read, and would be lost; name another directory\n",
            one_line(dir)
        ));
    }
    let written = files::write(host, dir, &report, ask.format).await?;
    host.stderr(&format!("{} written to {}\n", written.join(", "), one_line(dir)));
    Ok(super::PASSED)
}

/// JSON that steers no terminal: the same document, with escapes for what [`clean`] would take out.
pub(super) fn json(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for ch in text.chars() {
        let mut buffer = [0; 4];
        let alone: &str = ch.encode_utf8(&mut buffer);
        if clean(alone) == alone {
            out.push(ch);
        } else {
            // All of them have four digits. Writing to a String cannot fail.
            let _ = write!(out, "\\u{:04x}", u32::from(ch));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    #[test]
    fn json_on_a_terminal_is_the_same_document() {
        let text = serde_json::json!({ "a": "x\u{202e}y\u{9b}31m\u{7f}", "b": "größe" }).to_string();
        let shown = super::json(&text);
        assert!(!shown.contains(['\u{202e}', '\u{9b}', '\u{7f}']), "{shown}");
        let (one, other): (serde_json::Value, serde_json::Value) =
            (serde_json::from_str(&text).unwrap(), serde_json::from_str(&shown).unwrap());
        assert_eq!(one, other);
    }
}
