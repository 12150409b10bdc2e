//! Preflight.

use super::Page;
use super::escape::{Place, code, text};
use super::explained;
use crate::report::words::{count_of, grouped, show_duration, show_time};
use crate::report::{Capabilities, EndpointCheck, Level, PreflightReport};

pub(super) fn write(page: &mut Page, report: &PreflightReport) {
    let issues = report.issues().len() as u64;
    let warnings = report.warnings().len() as u64;
    page.paragraph(&match (issues, warnings) {
        (0, 0) => "Both servers are ready.".to_owned(),
        (0, _) => {
            format!(
                "Both servers are ready, with {} to read first.",
                count_of(warnings, "warning", "warnings")
            )
        }
        _ => format!("The migration cannot start: {}.", count_of(issues, "issue", "issues")),
    });
    body(page, report);
}

/// Everything below the verdict; the backfill's report shows it too.
pub(super) fn body(page: &mut Page, report: &PreflightReport) {
    let failed: Vec<&EndpointCheck> =
        report.endpoints.iter().filter(|check| check.level >= Level::Warn).collect();
    if !failed.is_empty() {
        page.heading(2, "Endpoints that need attention");
        page.list(failed.into_iter().map(|check| {
            let level = check.level.as_str();
            let said = match check.error.as_ref().and_then(|error| error.server_message.as_deref()) {
                Some(words) if !words.is_empty() => format!("\n  - It said: {}", code(words, Place::Line)),
                _ => String::new(),
            };
            let what = text(&check.sentence(), Place::Line);
            format!("**{level}** {what}{said}{}", explained("", check.remedy()))
        }));
    }
    if !report.notes.is_empty() {
        page.heading(2, "Preflight notes");
        page.list(report.notes.iter().map(|note| {
            let message = text(&note.message, Place::Line);
            format!("**{}** {message}{}", note.level.as_str(), explained("", &note.remedy))
        }));
    }
    if let Some(recording) = &report.recording {
        super::recording::write(page, recording);
    }
    if !report.endpoints.is_empty() {
        page.heading(2, "Endpoints");
        let rows = report.endpoints.iter().map(endpoint).collect();
        page.table(&["Result", "Server", "For", "URL", "Status", "Time", "Found"], "", rows);
    }
    facts(page, report);
    if let Some(payloads) = &report.target_payloads {
        capabilities(page, payloads);
    }
}

fn endpoint(check: &EndpointCheck) -> Vec<String> {
    let absent = || "–".to_owned();
    vec![
        match check.level {
            Level::Ok | Level::Info => check.level.as_str().to_owned(),
            level => format!("**{}**", level.as_str()),
        },
        check.side.to_string(),
        text(&check.purpose, Place::Cell),
        code(&check.url, Place::Cell),
        check.status.map_or_else(absent, |status| status.to_string()),
        check.latency_ms.map_or_else(absent, show_duration),
        text(&check.message, Place::Cell),
    ]
}

fn facts(page: &mut Page, report: &PreflightReport) {
    let mut rows = Vec::new();
    let mut row = |name: &str, value: String| rows.push(vec![name.to_owned(), value]);
    if let Some(version) = &report.source_version {
        row("Source", code(version, Place::Cell));
    }
    if let Some(version) = &report.target_version {
        row("Target", code(version, Place::Cell));
    }
    if let Some(retention) = report.target_retention_ms.and_then(|ms| u64::try_from(ms).ok()) {
        row("Target's retention", show_duration(retention));
    }
    if let Some(oldest) = report.target_oldest_ms {
        row("Oldest time the target takes", show_time(oldest));
    }
    if let Some(estimate) = &report.estimate {
        row("Expected series", grouped(estimate.series));
        row("Expected samples and histograms", grouped(estimate.rows));
        row("Expected duration", show_duration(estimate.duration_ms));
    }
    if !rows.is_empty() {
        page.heading(2, "Facts");
        page.table(&["", ""], "", rows);
    }
    if let Some(estimate) = report.estimate.as_ref().filter(|estimate| !estimate.selectors.is_empty()) {
        page.heading(2, "Expected work");
        let rows = estimate.selectors.iter().map(|selector| {
            let histograms = if selector.has_histograms { "yes" } else { "no" };
            vec![
                code(&selector.selector, Place::Cell),
                grouped(selector.series),
                grouped(selector.rows),
                histograms.to_owned(),
            ]
        });
        page.table(
            &["Selector", "Series", "Samples and histograms", "Native histograms"],
            "lrrl",
            rows.collect(),
        );
    }
}

/// What the target takes.
pub(super) fn capabilities(page: &mut Page, payloads: &Capabilities) {
    page.heading(2, "What the target takes");
    let row = |name: &str, on: bool| vec![name.to_owned(), if on { "yes" } else { "no" }.to_owned()];
    let mut rows = Vec::from(payloads.switches().map(|(name, on)| row(name, on)));
    if !payloads.otlp_supported_shapes.is_empty() {
        let shapes: Vec<String> =
            payloads.otlp_supported_shapes.iter().map(|shape| code(shape, Place::Cell)).collect();
        rows.push(vec!["OTLP shapes".to_owned(), shapes.join(", ")]);
    }
    page.table(&["Payload", "Taken"], "", rows);
}
