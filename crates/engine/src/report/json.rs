//! The report as JSON, `report.json`. Its schema is `crates/engine/report.schema.json`.

mod place;

use super::Report;
use super::words::{shorten, visible};
use crate::error::{Error, ErrorKind, Result};
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};

/// Version of the schema of `report.json`. It goes up when a reader of the version before would misunderstand a
/// report; fields that are added do not change it.
pub const SCHEMA_VERSION: u32 = 1;

/// Bytes of a report that is read, at most.
const MAX_BYTES: usize = 64 << 20;

/// Pretty JSON: `schema_version`, `command`, then the fields in the order of the document model, numbers in full.
pub fn json(report: &Report) -> String {
    // Every map in the model has text keys, so serialisation cannot fail; should that ever change, the file
    // says so instead of being empty.
    let text = serde_json::to_string_pretty(report)
        .unwrap_or_else(|error| serde_json::json!({ "serialisation_failed": error.to_string() }).to_string());
    // Put in by hand: a flattened report would make serde build another writer of every report.
    match text.strip_prefix('{') {
        Some(fields) => format!("{{\n  \"schema_version\": {SCHEMA_VERSION},{fields}"),
        None => text,
    }
}

/// What is looked at before all else.
#[derive(Deserialize)]
struct Head {
    #[serde(default)]
    schema_version: Option<u64>,
    #[serde(default)]
    command: Option<String>,
    /// Every report of this tool has one, those of the native tool have none.
    #[serde(default)]
    run: Option<IgnoredAny>,
}

/// Reads a `report.json`, which may come from a stranger. Fields that are not known are ignored; those that came
/// later than the tool that wrote it have their defaults.
///
/// # Errors
/// When it is none, too large or too deep, of a newer schema, or of the native tool; the message names the place.
pub fn read(text: &str) -> Result<Report> {
    if text.len() > MAX_BYTES {
        return Err(refused(format!(
            "this report has {} MiB; reports are read up to {} MiB",
            text.len() >> 20,
            MAX_BYTES >> 20
        )));
    }
    // A byte order mark is what some editors leave behind.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if !text.trim_ascii_start().starts_with('{') {
        return Err(refused("this is no report: it is no JSON object".to_owned()));
    }
    place::check(text).map_err(|problem| refused(format!("this report is refused: {problem}")))?;
    let head: Head = parse(text)?;
    if let Some(version) = head.schema_version.filter(|version| *version > u64::from(SCHEMA_VERSION)) {
        return Err(Error::new(
            ErrorKind::Input,
            format!(
                "this report has schema version {version}; this tool reads up to version {SCHEMA_VERSION}"
            ),
        )
        .remedy("Open it with the version of the tool that wrote it, or a newer one."));
    }
    let known = |command: &str| matches!(command, "preflight" | "backfill" | "verify" | "repair" | "cutover");
    let command = match head.command.as_deref() {
        Some(command) if known(command) => command,
        Some(command) => {
            let command = visible(&shorten(command));
            return Err(refused(format!(
                "this is no report that this tool knows: its command is “{command}”, not preflight, backfill, \
                 verify, repair or cutover"
            )));
        }
        None => return Err(refused("this is no report: the field “command” is missing".to_owned())),
    };
    if head.schema_version.is_none() && head.run.is_none() {
        return Err(Error::new(
            ErrorKind::Input,
            format!(
                "this is a report of the native tool tsink-migrate (its {command}), which has counts only"
            ),
        )
        .remedy("Run the same command here: its report has every difference, and can be read here."));
    }
    Ok(match command {
        "preflight" => Report::Preflight(parse(text)?),
        "backfill" => Report::Backfill(parse(text)?),
        "verify" => Report::Verify(parse(text)?),
        "repair" => Report::Repair(parse(text)?),
        _ => Report::Cutover(parse(text)?),
    })
}

fn parse<T: DeserializeOwned>(text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|error| {
        let place = place::of(text, error.line(), error.column());
        refused(format!(
            "this is no report that can be read: {}{place}",
            visible(&shorten(&error.to_string()))
        ))
    })
}

fn refused(message: String) -> Error {
    Error::new(ErrorKind::Input, message).remedy("Give a report.json of this tool, as it was written.")
}
