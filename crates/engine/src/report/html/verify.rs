//! Verification: differences, counts, coverage.

use super::writer::{Cell, Html};
use super::{coverage, findings, passed, progress, timing};
use crate::report::{MetadataCheckReport, MetadataEntry, RawCheckReport, VerifyReport};

pub(super) fn write(page: &mut Html, report: &VerifyReport, pictures: &mut usize) {
    body(page, report, pictures);
    page.sentences("Notes", &report.notes);
    progress(page, &report.run, "compared");
    timing::write(page, report.continued.as_ref(), &report.slowest);
}

/// Everything but notes and progress; a cutover check and a repair show it too.
pub(super) fn body(page: &mut Html, report: &VerifyReport, pictures: &mut usize) {
    findings::write(page, report, pictures);
    report.metadata_checks.iter().filter(|check| !check.matched).for_each(|check| metadata(page, check));
    page.sentences("Other issues", unexplained(report, &report.issues));
    recheck(page, report);
    counts(page, report);
    let maps: Vec<&RawCheckReport> =
        report.raw_checks.iter().filter(|check| !check.coverage.rows.is_empty()).collect();
    if !maps.is_empty() {
        const MAPS: usize = 50;
        page.panel("Coverage");
        maps.iter().take(MAPS).for_each(|check| coverage::write(page, &check.selector, &check.coverage));
        page.left_out(maps.len().saturating_sub(MAPS) as u64);
        page.end();
    }
}

/// Issues that no finding stands for.
pub(super) fn unexplained<'a>(report: &VerifyReport, issues: &'a [String]) -> Vec<&'a String> {
    let metadata: Vec<String> =
        report.metadata_checks.iter().filter_map(MetadataCheckReport::issue).collect();
    let raw =
        report.raw_checks.iter().filter(|check| !check.findings.is_empty()).flat_map(|check| &check.issues);
    let exemplars = report
        .exemplar_checks
        .iter()
        .filter(|check| !check.findings.is_empty())
        .flat_map(|check| &check.issues);
    let explained = crate::order::set(raw.chain(exemplars).chain(&metadata));
    issues.iter().filter(|issue| !explained.contains(issue)).collect()
}

fn recheck(page: &mut Html, report: &VerifyReport) {
    let Some(recheck) = &report.recheck else { return };
    page.panel("Young differences were read again");
    page.paragraph(&recheck.sentence());
    page.end();
}

fn metadata(page: &mut Html, check: &MetadataCheckReport) {
    page.raw("<section class=panel><h2>Metadata of ").code(&check.metric).raw("</h2>");
    let row = |side: &'static str, entry: &'_ MetadataEntry| -> Vec<Cell<'static>> {
        vec![
            Cell::Text(side),
            Cell::Said(entry.metric_type.clone()),
            Cell::Said(entry.help.clone()),
            Cell::Said(entry.unit.clone()),
        ]
    };
    let source = check.source.iter().map(|entry| row("source", entry));
    let target = check.target.iter().map(|entry| row("target", entry));
    page.table("Entries on both sides", &["Side", "Type", "Help", "Unit"], &mut source.chain(target));
    let (cause, remedy) = check.explanation();
    page.advice(cause, remedy);
    page.end();
}

fn counts(page: &mut Html, report: &VerifyReport) {
    if report.raw_checks.is_empty() && report.metadata_checks.is_empty() && report.exemplar_checks.is_empty()
    {
        return;
    }
    page.panel("Counts");
    if !report.raw_checks.is_empty() {
        let compared = report.raw_checks.iter().map(|check| {
            vec![
                Cell::Code(&check.selector),
                passed(check.matched()),
                Cell::Number(check.source_series),
                Cell::Number(check.target_series),
                Cell::Number(check.source_samples),
                Cell::Number(check.target_samples),
                Cell::Number(check.source_histograms),
                Cell::Number(check.target_histograms),
            ]
        });
        let head = [
            "Selector",
            "Result",
            "Series, source",
            "Series, target",
            "Samples, source",
            "Samples, target",
            "Histograms, source",
            "Histograms, target",
        ];
        page.table("Compared, by selector", &head, &mut compared.into_iter());
    }
    if report.raw_checks.iter().any(|check| !check.matched()) {
        let differing = report.raw_checks.iter().filter(|check| !check.matched()).map(|check| {
            vec![
                Cell::Code(&check.selector),
                Cell::Wrong(check.missing_series),
                Cell::Wrong(check.extra_series),
                Cell::Wrong(check.missing_samples),
                Cell::Wrong(check.extra_samples),
                Cell::Wrong(check.differing_samples),
                Cell::Wrong(check.shifted_samples),
                Cell::Wrong(check.histogram_mismatches),
            ]
        });
        let head = [
            "Selector",
            "Missing series",
            "Extra series",
            "Missing samples",
            "Extra samples",
            "Other values",
            "Shifted samples",
            "Histograms",
        ];
        page.table("What differs, by selector", &head, &mut differing.into_iter());
    }
    if !report.metadata_checks.is_empty() {
        let rows = report.metadata_checks.iter().map(|check| {
            vec![
                Cell::Code(&check.metric),
                passed(check.matched),
                Cell::Number(check.source_entries),
                Cell::Number(check.target_entries),
            ]
        });
        let head = ["Metric", "Result", "Entries, source", "Entries, target"];
        page.table("Metadata, by metric", &head, &mut rows.into_iter());
    }
    if !report.exemplar_checks.is_empty() {
        let rows = report.exemplar_checks.iter().map(|check| {
            vec![
                Cell::Code(&check.query),
                passed(check.issues.is_empty()),
                Cell::Number(check.source_series),
                Cell::Number(check.target_series),
                Cell::Number(check.source_exemplars),
                Cell::Number(check.target_exemplars),
                Cell::Wrong(check.exemplar_mismatches),
            ]
        });
        let head = [
            "Query",
            "Result",
            "Series, source",
            "Series, target",
            "Exemplars, source",
            "Exemplars, target",
            "Mismatches",
        ];
        page.table("Exemplars, by query", &head, &mut rows.into_iter());
    }
    page.end();
}
