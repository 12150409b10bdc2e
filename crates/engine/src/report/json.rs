//! The report as JSON, `report.json`.

use super::Report;

/// Pretty JSON, fields in the order of the document model, numbers in full.
pub fn json(report: &Report) -> String {
    // Every map in the model has text keys, so serialisation cannot fail; should that ever change, the file
    // says so instead of being empty.
    serde_json::to_string_pretty(report)
        .unwrap_or_else(|error| serde_json::json!({ "serialisation_failed": error.to_string() }).to_string())
}

/// Version of the schema of `report.json`, `crates/engine/report.schema.json`.
pub const SCHEMA_VERSION: u32 = 1;

/// Reads a `report.json`, which may come from a stranger.
///
/// # Errors
/// When it is none, too large, or of a newer schema.
pub fn read(text: &str) -> crate::Result<Report> {
    serde_json::from_str(text)
        .map_err(|error| crate::Error::new(crate::ErrorKind::Input, format!("this is no report: {error}")))
}
