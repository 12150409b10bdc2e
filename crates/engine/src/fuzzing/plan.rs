//! Target `plan`: everything that reads text which a person wrote.

use crate::plan::{
    Context, Draft, PlanCheck, Severity, check, format_time, parse_duration_ms, parse_step_ms, parse_time,
};
use crate::selector::Selector;
use std::collections::BTreeMap;

/// Stands for a secret; long enough that no input names it by chance, and made of characters that `Debug` and JSON
/// leave as they are.
const SENTINEL: &str = "sentinel-5f1c2a9b7d3e4608";
const NOW_MS: i64 = 1_763_467_200_000;

/// Checks any bytes as a plan, as a selector and as a time. Panics when what comes back breaks a promise.
pub fn plan(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    for base in [None, Some("https://ops.example/tools/migrate/")] {
        // The first line stands in for the window, too.
        let start = text.lines().next().unwrap_or_default();
        let names = ["TOKEN", "SOURCE_TOKEN", "TARGET_BASIC", "A", "_"];
        let secrets: BTreeMap<String, String> =
            names.iter().map(|name| ((*name).to_owned(), SENTINEL.to_owned())).collect();
        let context = Context { base, secrets: &secrets, now_ms: NOW_MS, start, end: "now" };
        promises(&text, &check(&text, &context));
    }
    if let Some(draft) = Draft::from_text(&text) {
        assert_eq!(
            Draft::from_text(&draft.to_text()).as_ref(),
            Some(&draft),
            "a draft changes as it is written"
        );
    }
    if let Ok(selector) = Selector::parse(&text) {
        assert!(!selector.matchers.is_empty(), "a selector without matchers asks for everything");
    }
    if let Ok(at) = parse_time(&text, NOW_MS) {
        assert_eq!(parse_time(&format_time(at), NOW_MS), Ok(at), "a time changes as it is written");
    }
    if let Ok(step) = parse_step_ms(&text) {
        assert!(step > 0, "a step goes nowhere");
    }
    if let Ok(duration) = parse_duration_ms(&text) {
        assert!(duration >= 0, "a duration is negative");
    }
}

fn promises(text: &str, checked: &PlanCheck) {
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
    for found in &checked.diagnostics {
        if found.line == 0 {
            assert!(found.path.starts_with("window."), "no place: {found:?}");
            continue;
        }
        let row = text.split('\n').nth(found.line as usize - 1);
        let inside =
            row.is_some_and(|row| found.column >= 1 && found.column as usize <= row.chars().count() + 1);
        assert!(inside, "a place outside the text: {found:?}");
    }
    let failed = checked.diagnostics.iter().any(|found| found.line > 0 && found.severity == Severity::Error);
    assert_eq!(checked.plan.is_some(), !failed, "a plan and an error, or neither");
    assert_eq!(checked.summary.is_some(), checked.plan.is_some());
    assert!(!format!("{checked:?}").contains(SENTINEL), "a secret shows");
}
