//! Names and label sets as tsink's adapters make them: every name is made to fit Prometheus' syntax, and a label
//! set is checked before anything of it is kept.

use super::{Refusal, RefusalKind};
use crate::model::Labels;
use std::collections::BTreeSet;

/// Longest metric name that tsink stores, in bytes.
const MAX_METRIC_NAME: usize = 65_535;
/// Longest label name that tsink stores, in bytes.
const MAX_LABEL_NAME: usize = 256;
/// Longest label value that tsink stores, in bytes.
const MAX_LABEL_VALUE: usize = 16_384;
/// Where tsink keeps the tenant of a series.
const TENANT_LABEL: &str = "__tsink_tenant__";

/// A metric name that fits `[a-zA-Z_:][a-zA-Z0-9_:]*`.
///
/// # Errors
/// An empty name.
pub fn metric(raw: &str) -> Result<String, Refusal> {
    identifier(raw, true).ok_or_else(|| Refusal::new(RefusalKind::Name, "metric name must not be empty"))
}

/// The name of a tag as a label name that fits `[a-zA-Z_][a-zA-Z0-9_]*`.
///
/// # Errors
/// An empty name.
pub fn tag(raw: &str) -> Result<String, Refusal> {
    identifier(raw, false).ok_or_else(|| Refusal::new(RefusalKind::Name, "tag label name must not be empty"))
}

/// `.`, `-`, `/`, blank and (in labels) `:` become `_`, any other byte `_xHH_`; a digit in front gets a `_`.
fn identifier(raw: &str, colon: bool) -> Option<String> {
    const HEX: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    let hex = |digit: u8| HEX.get(usize::from(digit)).copied().unwrap_or_default();
    let mut out = String::with_capacity(raw.len() + 1);
    for byte in raw.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => out.push(char::from(byte)),
            b'0'..=b'9' => {
                if out.is_empty() {
                    out.push('_');
                }
                out.push(char::from(byte));
            }
            b':' if colon => out.push(':'),
            b'.' | b'-' | b'/' | b' ' | b':' => out.push('_'),
            _ => out.extend(['_', 'x', hex(byte >> 4), hex(byte & 15), '_']),
        }
    }
    (!out.is_empty()).then_some(out)
}

/// The label set of a series, from a metric name and labels that are in tsink's syntax already.
///
/// # Errors
/// A label that is given twice, is reserved, or is longer than tsink stores; a metric name that is too long. Also
/// a label `__name__`: tsink takes it live and then shows a series with two names, which remote write cannot say.
pub fn identity(metric: &str, mut labels: Vec<(String, String)>) -> Result<Labels, Refusal> {
    if metric.len() > MAX_METRIC_NAME {
        let message = format!("metric name must be <= {MAX_METRIC_NAME} bytes");
        return Err(Refusal::new(RefusalKind::Name, message));
    }
    let mut seen = BTreeSet::new();
    for (name, value) in &labels {
        let problem = if !seen.insert(name.as_str()) {
            format!("contains duplicate label '{name}'")
        } else if name.len() > MAX_LABEL_NAME {
            format!("label '{name}' exceeds the {MAX_LABEL_NAME}-byte name limit")
        } else if value.len() > MAX_LABEL_VALUE {
            format!("label '{name}' exceeds the {MAX_LABEL_VALUE}-byte value limit")
        } else if name == TENANT_LABEL {
            format!("label '{name}' is reserved for server-managed tenant isolation")
        } else {
            continue;
        };
        return Err(Refusal::new(RefusalKind::Label, problem));
    }
    drop(seen);
    // Before the name joins them: an empty `__name__` is an absent one.
    labels.retain(|(_, value)| !value.is_empty());
    if labels.iter().any(|(name, _)| name == "__name__") {
        let message = "label '__name__' beside the metric name cannot be written by remote write";
        return Err(Refusal::new(RefusalKind::Label, message));
    }
    labels.push(("__name__".to_owned(), metric.to_owned()));
    Ok(Labels::from_pairs(labels))
}

#[cfg(test)]
mod tests {
    use super::{identity, metric, tag};
    use crate::capture::RefusalKind;

    #[test]
    fn names_are_made_to_fit() {
        for (raw, as_metric, as_tag) in [
            ("cpu.load-1/5 min", "cpu_load_1_5_min", "cpu_load_1_5_min"),
            ("job:rate5m", "job:rate5m", "job_rate5m"),
            ("5xx", "_5xx", "_5xx"),
            ("a%", "a_x25_", "a_x25_"),
            ("%5", "_x25_5", "_x25_5"),
            ("\u{1}", "_x01_", "_x01_"),
            ("ü", "_xc3__xbc_", "_xc3__xbc_"),
            ("_", "_", "_"),
            (".5", "_5", "_5"),
        ] {
            assert_eq!(metric(raw).unwrap(), as_metric);
            assert_eq!(tag(raw).unwrap(), as_tag);
        }
        assert_eq!(metric("").unwrap_err().message, "metric name must not be empty");
        assert_eq!(tag("").unwrap_err().message, "tag label name must not be empty");
    }

    #[test]
    fn limits_are_of_bytes_and_exact() {
        let with = |metric: usize, name: usize, value: usize| {
            identity(&"m".repeat(metric), vec![("n".repeat(name), "v".repeat(value))])
        };
        assert_eq!(with(65_535, 256, 16_384).unwrap().len(), 2);
        let refused = |metric, name, value| with(metric, name, value).unwrap_err();
        assert_eq!(refused(65_536, 1, 1).message, "metric name must be <= 65535 bytes");
        assert_eq!(refused(65_536, 1, 1).kind, RefusalKind::Name);
        assert!(refused(1, 257, 1).message.ends_with("exceeds the 256-byte name limit"));
        assert_eq!(refused(1, 1, 16_385).message, "label 'n' exceeds the 16384-byte value limit");
        assert_eq!(refused(1, 1, 16_385).kind, RefusalKind::Label);
        assert!(identity("m", vec![("n".into(), "ü".repeat(8193))]).is_err());
    }

    #[test]
    fn labels_are_one_each_and_not_tsinks_own() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let message = |labels| identity("m", labels).unwrap_err().message;
        assert_eq!(message(vec![pair("a", "1"), pair("a", "")]), "contains duplicate label 'a'");
        assert_eq!(
            message(vec![pair("__tsink_tenant__", "x")]),
            "label '__tsink_tenant__' is reserved for server-managed tenant isolation"
        );
        assert!(message(vec![pair("__name__", "x")]).contains("__name__"));
        let labels = identity("m", vec![pair("__name__", ""), pair("b", "2"), pair("a", "")]).unwrap();
        assert_eq!(labels.to_string(), r#"m{b="2"}"#);
    }
}
