//! Two reports, field by field.

use serde_json::Value;

/// A field in which the reports of both tools may differ, and why.
#[derive(Clone, Copy, Debug)]
pub struct Exception {
    /// Path such as `raw_checks[*].issues`; `[*]` stands for any index, a trailing `.**` for all below.
    pub path: &'static str,
    /// Why they differ.
    pub reason: &'static str,
}

/// Every field of the native report must be in ours with the same value, but for the exceptions; every
/// exception must be needed.
///
/// # Panics
/// Listing every field that differs without a reason, and every reason without a difference.
#[track_caller]
pub fn assert_agree(native: &Value, ours: &Value, exceptions: &[Exception]) {
    let mut differences = Vec::new();
    differ("", native, ours, &mut differences);
    let mut used = vec![false; exceptions.len()];
    let unexplained: Vec<String> = differences
        .into_iter()
        .filter(|(path, _)| {
            let found = exceptions.iter().position(|exception| matches(exception.path, path));
            if let Some(at) = found {
                used[at] = true;
            }
            found.is_none()
        })
        .map(|(path, what)| format!("{path}: {what}"))
        .collect();
    assert!(unexplained.is_empty(), "fields that differ without a reason:\n{}", unexplained.join("\n"));
    for (exception, used) in exceptions.iter().zip(used) {
        assert!(used, "no difference at {}, although: {}", exception.path, exception.reason);
    }
}

fn differ(path: &str, native: &Value, ours: &Value, out: &mut Vec<(String, String)>) {
    match (native, ours) {
        (Value::Object(native), Value::Object(ours)) => {
            for (name, value) in native {
                let below = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                match ours.get(name) {
                    Some(own) => differ(&below, value, own, out),
                    None => out.push((below, "missing in ours".to_owned())),
                }
            }
        }
        (Value::Array(native), Value::Array(ours)) if native.len() == ours.len() => {
            for (at, (native, ours)) in native.iter().zip(ours).enumerate() {
                differ(&format!("{path}[{at}]"), native, ours, out);
            }
        }
        (native, ours) if same(native, ours) => {}
        (native, ours) => out.push((path.to_owned(), format!("native {native}, ours {ours}"))),
    }
}

fn same(native: &Value, ours: &Value) -> bool {
    native == ours || native.as_f64().is_some_and(|value| ours.as_f64() == Some(value))
}

fn matches(pattern: &str, path: &str) -> bool {
    let general = path.split('[').fold(String::new(), |mut out, part| {
        match part.split_once(']') {
            Some((_, rest)) if !out.is_empty() => out.push_str(&format!("[*]{rest}")),
            _ => out.push_str(part),
        }
        out
    });
    let fits = |path: &str| match pattern.strip_suffix(".**") {
        Some(above) => {
            path == above || path.starts_with(&format!("{above}.")) || path.starts_with(&format!("{above}["))
        }
        None => path == pattern,
    };
    fits(&general) || fits(path)
}

#[cfg(test)]
mod tests {
    use super::{Exception, assert_agree, matches};
    use serde_json::json;

    #[test]
    fn patterns() {
        assert!(matches("a[*].b", "a[12].b"));
        assert!(matches("a[1].b", "a[1].b"));
        assert!(matches("a.**", "a.b[3].c"));
        assert!(!matches("a[*].b", "a[12].bc"));
        assert!(!matches("a[1].b", "a[2].b"));
    }

    #[test]
    fn more_fields_in_ours_are_fine() {
        assert_agree(&json!({"a": [1, 2.0]}), &json!({"a": [1, 2], "b": 3}), &[]);
    }

    #[test]
    #[should_panic(expected = "a[1].x: native 1, ours 2")]
    fn a_difference_without_a_reason_fails() {
        assert_agree(&json!({"a": [0, {"x": 1}]}), &json!({"a": [0, {"x": 2}]}), &[]);
    }

    #[test]
    #[should_panic(expected = "no difference at a")]
    fn a_reason_without_a_difference_fails() {
        assert_agree(&json!({"a": 1}), &json!({"a": 1}), &[Exception { path: "a", reason: "none" }]);
    }
}
