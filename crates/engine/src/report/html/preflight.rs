//! Preflight.

use super::cutover::level;
use super::writer::{Cell, Html};
use super::{backfill, facts, recording};
use crate::report::words::show_duration;
use crate::report::{Capabilities, Level, PreflightReport};

pub(super) fn write(page: &mut Html, report: &PreflightReport) {
    body(page, report);
    super::progress(page, &report.run, "done");
}

/// Everything but the verdict; a backfill's report shows it too.
pub(super) fn body(page: &mut Html, report: &PreflightReport) {
    if !report.notes.is_empty() {
        page.panel("Before the start");
        let rows = report.notes.iter().map(|note| {
            vec![Cell::Code(&note.code), level(note.level), Cell::Advice(&note.message, &note.remedy)]
        });
        page.table("What to know", &["About", "Level", "Note"], &mut rows.into_iter());
        page.end();
    }
    if !report.endpoints.is_empty() {
        page.panel("Endpoints");
        let rows = report.endpoints.iter().map(|check| {
            vec![
                Cell::Said(format!("{}: {}", check.side, check.purpose)),
                level(check.level),
                Cell::Code(&check.url),
                Cell::Said(check.status.map_or_else(|| "–".to_owned(), |status| status.to_string())),
                Cell::Said(check.latency_ms.map_or_else(|| "–".to_owned(), show_duration)),
                Cell::Advice(&check.message, check.remedy()),
            ]
        });
        let head = ["For", "Result", "URL", "Status", "Time", "Found"];
        page.table("What was asked, and how it was answered", &head, &mut rows.into_iter());
        for check in report.endpoints.iter().filter(|check| check.level >= Level::Warn).take(100) {
            if let Some(error) = check.error.as_ref().filter(|error| error.server_message.is_some()) {
                page.raw("<article class=finding><h3>")
                    .text(&check.sentence())
                    .raw("</h3><dl class=figures>");
                backfill::failure(page, error);
                page.raw("</dl></article>");
            }
        }
        page.end();
    }
    if let Some(recording) = &report.recording {
        recording::write(page, recording);
    }
    found(page, report);
    if let Some(payloads) = &report.target_payloads {
        page.panel("What the target takes");
        capabilities(page, payloads);
        page.end();
    }
}

fn found(page: &mut Html, report: &PreflightReport) {
    let mut rows = Vec::new();
    if let Some(version) = &report.source_version {
        rows.push([Cell::Text("Source"), Cell::Text(version)]);
    }
    if let Some(version) = &report.target_version {
        rows.push([Cell::Text("Target"), Cell::Text(version)]);
    }
    if let Some(retention) = report.target_retention_ms.and_then(|ms| u64::try_from(ms).ok()) {
        rows.push([Cell::Text("Target’s retention"), Cell::Said(show_duration(retention))]);
    }
    if let Some(oldest) = report.target_oldest_ms {
        rows.push([Cell::Text("Oldest time that the target takes"), Cell::Time(oldest)]);
    }
    if let Some(estimate) = &report.estimate {
        rows.push([Cell::Text("Expected series"), Cell::Number(estimate.series)]);
        rows.push([Cell::Text("Expected samples and histograms"), Cell::Number(estimate.rows)]);
        rows.push([Cell::Text("Expected duration"), Cell::Said(show_duration(estimate.duration_ms))]);
    }
    let selectors =
        report.estimate.as_ref().map(|estimate| estimate.selectors.as_slice()).unwrap_or_default();
    if rows.is_empty() && selectors.is_empty() {
        return;
    }
    page.panel("Servers and expected work");
    facts(page, "What was found", rows);
    if !selectors.is_empty() {
        let rows = selectors.iter().map(|selector| {
            vec![
                Cell::Code(&selector.selector),
                Cell::Number(selector.series),
                Cell::Number(selector.rows),
                Cell::Text(if selector.has_histograms { "yes" } else { "no" }),
            ]
        });
        let head = ["Selector", "Series", "Samples and histograms", "Native histograms"];
        page.table("Expected, by selector", &head, &mut rows.into_iter());
    }
    page.end();
}

/// What the target takes.
pub(super) fn capabilities(page: &mut Html, payloads: &Capabilities) {
    let row = |name: &'static str, on: bool| [Cell::Text(name), Cell::Text(if on { "yes" } else { "no" })];
    let mut rows = Vec::from(payloads.switches().map(|(name, on)| row(name, on)));
    if !payloads.otlp_supported_shapes.is_empty() {
        rows.push([Cell::Text("OTLP shapes"), Cell::Said(payloads.otlp_supported_shapes.join(", "))]);
    }
    facts(page, "From its status", rows);
}
