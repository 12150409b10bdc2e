//! Findings in a plan as lines, in the form that editors and CI read: `plan.json:14:7: error: …`.

use crate::text::one_line;
use tsink_migrate_engine::plan::{Diagnostic, PlanCheck, Severity};

/// Every finding and every missing secret, one a line, with line ends.
pub fn lines(config: &str, check: &PlanCheck) -> String {
    let mut out: String = check.diagnostics.iter().map(|found| line(config, found)).collect();
    if !check.missing_secrets.is_empty() {
        out.push_str(&missing(&check.missing_secrets));
    }
    out
}

fn line(config: &str, found: &Diagnostic) -> String {
    let severity = match found.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let place = match found.line {
        // The window is not in the file.
        0 => String::new(),
        line => format!("{config}:{line}:{}: ", found.column),
    };
    let path = match found.path.as_str() {
        "" => String::new(),
        "window.start" => "--start-ms: ".to_owned(),
        "window.end" => "--end-ms: ".to_owned(),
        path => format!("{path}: "),
    };
    let remedy = if found.remedy.is_empty() { String::new() } else { format!(". {}", found.remedy) };
    format!("{}\n", one_line(&format!("{place}{severity}: {path}{}{remedy}", found.message)))
}

fn missing(names: &[String]) -> String {
    let (one, list) = match names {
        [name] => (true, name.clone()),
        names => (false, names.join(", ")),
    };
    let (variables, are) =
        if one { ("an environment variable", "is") } else { ("environment variables", "are") };
    let exports: Vec<String> = names.iter().map(|name| format!("{name}=…")).collect();
    format!(
        "error: header values name {variables} that {are} not set or empty: {}. Set {}, e.g. {} tsink-migrate …\n",
        one_line(&list),
        if one { "it" } else { "them" },
        one_line(&exports.join(" "))
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(severity: Severity, line: u32, path: &str, message: &str, remedy: &str) -> Diagnostic {
        let (path, message, remedy) = (path.to_owned(), message.to_owned(), remedy.to_owned());
        Diagnostic { severity, path, line, column: 5, message, remedy }
    }

    #[test]
    fn every_finding_is_one_line_with_its_place() {
        let check = PlanCheck {
            diagnostics: vec![
                found(
                    Severity::Error,
                    9,
                    "target.status_ulr",
                    "unknown field status_ulr",
                    "Did you mean status_url?",
                ),
                found(Severity::Warning, 3, "", "odd\u{1b}[31m\ntext", ""),
                found(Severity::Error, 0, "window.start", "the time is missing", "Write it."),
            ],
            missing_secrets: vec!["SOURCE_TOKEN".to_owned(), "TARGET_TOKEN".to_owned()],
            ..PlanCheck::default()
        };
        assert_eq!(
            lines("plan.json", &check),
            "plan.json:9:5: error: target.status_ulr: unknown field status_ulr. Did you mean status_url?\n\
             plan.json:3:5: warning: odd\\u{1b}[31m text\n\
             error: --start-ms: the time is missing. Write it.\n\
             error: header values name environment variables that are not set or empty: SOURCE_TOKEN, \
             TARGET_TOKEN. Set them, e.g. SOURCE_TOKEN=… TARGET_TOKEN=… tsink-migrate …\n"
        );
    }
}
