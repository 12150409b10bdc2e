//! A case as a file: one series, sample list or refusal a line, so that a change of one shows as one line.

use super::case::Case;
use serde_json::Value;

/// The file's text.
///
/// # Panics
/// When serde fails.
pub fn text(case: &Case) -> String {
    // The order of the fields is the struct's; a map would sort them.
    let compact = serde_json::to_string(case).expect("a case");
    let parsed: Value = serde_json::from_str(&compact).expect("a case");
    let order = [
        "about",
        "source",
        "query_params",
        "received_at_ms",
        "payloads",
        "live",
        "refused",
        "flags",
        "series",
        "metadata",
        "exemplars",
    ];
    let mut lines = Vec::new();
    for key in order {
        let Some(value) = parsed.get(key) else { continue };
        let name = serde_json::to_string(key).expect("a string");
        let text = match value {
            Value::Array(list) if !list.is_empty() && key != "flags" => {
                let items: Vec<String> = list.iter().map(|item| format!("    {item}")).collect();
                format!("[\n{}\n  ]", items.join(",\n"))
            }
            other => other.to_string(),
        };
        lines.push(format!("  {name}: {text}"));
    }
    format!("{{\n{}\n}}\n", lines.join(",\n"))
}
