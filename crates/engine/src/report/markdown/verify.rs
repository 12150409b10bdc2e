//! Verify.

use super::escape::{Place, code, text};
use super::{Page, causes, explained, number, timing, verdict, wrong};
use crate::report::words::{count_of, show_number, total};
use crate::report::{
    ExemplarCheckReport, Finding, FindingKind, MetadataCheckReport, MetadataEntry, RawCheckReport, Status,
    VerifyReport,
};
use std::collections::BTreeMap;

pub(super) fn write(page: &mut Page, report: &VerifyReport) {
    let samples = total(report.raw_checks.iter().map(|check| check.source_samples));
    let histograms = total(report.raw_checks.iter().map(|check| check.source_histograms));
    let mut what = count_of(samples, "sample", "samples");
    if histograms > 0 {
        what = format!("{what} and {}", count_of(histograms, "native histogram", "native histograms"));
    }
    let what = format!("{what} of the source were compared by time");
    page.paragraph(&if report.status == Status::Pass {
        format!("{what}: the target agrees.")
    } else {
        format!("{what}: {}.", count_of(report.issues.len() as u64, "issue", "issues"))
    });
    body(page, report);
    page.sentences("Other issues", &unexplained(report, &report.issues));
    page.sentences("Notes", &report.notes);
    timing::write(page, report.continued.as_ref(), &report.slowest);
}

/// The checks; a cutover check and a repair show them too.
pub(super) fn body(page: &mut Page, report: &VerifyReport) {
    by_kind(page, report);
    recheck(page, report);
    if !report.raw_checks.is_empty() {
        page.heading(2, "Raw checks");
        let rows = report.raw_checks.iter().map(raw).collect();
        let head = [
            "Result",
            "Selector",
            "Series source",
            "Series target",
            "Samples source",
            "Samples target",
            "Histograms source",
            "Histograms target",
            "Missing series",
            "Extra series",
            "Sample mismatches",
            "Histogram mismatches",
        ];
        page.table(&head, "llrrrrrrrrrr", rows);
        for check in &report.raw_checks {
            let omitted = check.issues.last().filter(|_| check.findings_omitted > 0);
            findings(page, &check.selector, &check.findings, omitted);
        }
    }
    if !report.metadata_checks.is_empty() {
        page.heading(2, "Metadata");
        let rows = report.metadata_checks.iter().map(|check| {
            let metric = code(&check.metric, Place::Cell);
            let result = result(check.matched);
            vec![result, metric, number(check.source_entries), number(check.target_entries)]
        });
        page.table(&["Result", "Metric", "Entries source", "Entries target"], "llrr", rows.collect());
        for check in report.metadata_checks.iter().filter(|check| !check.matched) {
            metadata(page, check);
        }
    }
    if !report.exemplar_checks.is_empty() {
        page.heading(2, "Exemplars");
        let rows = report.exemplar_checks.iter().map(exemplars).collect();
        let head = [
            "Result",
            "Query",
            "Series source",
            "Series target",
            "Exemplars source",
            "Exemplars target",
            "Missing series",
            "Extra series",
            "Mismatches",
        ];
        page.table(&head, "llrrrrrrr", rows);
        for check in &report.exemplar_checks {
            let omitted = check.issues.last().filter(|_| check.findings_omitted > 0);
            findings(page, &check.query, &check.findings, omitted);
        }
    }
}

/// Issues that no check explains by itself: the rest is shown with the checks.
pub(super) fn unexplained(report: &VerifyReport, issues: &[String]) -> Vec<String> {
    let metadata: Vec<String> =
        report.metadata_checks.iter().filter_map(MetadataCheckReport::issue).collect();
    let raw = report.raw_checks.iter().flat_map(|check| &check.issues);
    let exemplars = report.exemplar_checks.iter().flat_map(|check| &check.issues);
    let explained = crate::order::set(raw.chain(exemplars).chain(&metadata));
    issues.iter().filter(|issue| !explained.contains(issue)).cloned().collect()
}

pub(super) fn result(pass: bool) -> String {
    if pass { verdict(true).to_owned() } else { format!("**{}**", verdict(false)) }
}

fn raw(check: &RawCheckReport) -> Vec<String> {
    vec![
        result(check.matched()),
        code(&check.selector, Place::Cell),
        number(check.source_series),
        number(check.target_series),
        number(check.source_samples),
        number(check.target_samples),
        number(check.source_histograms),
        number(check.target_histograms),
        wrong(check.missing_series),
        wrong(check.extra_series),
        wrong(check.sample_mismatches),
        wrong(check.histogram_mismatches),
    ]
}

fn exemplars(check: &ExemplarCheckReport) -> Vec<String> {
    vec![
        result(check.issues.is_empty()),
        code(&check.query, Place::Cell),
        number(check.source_series),
        number(check.target_series),
        number(check.source_exemplars),
        number(check.target_exemplars),
        wrong(check.missing_series),
        wrong(check.extra_series),
        wrong(check.exemplar_mismatches),
    ]
}

/// `omitted` is the last issue of a check that could not list everything: it says how much is left.
fn findings(page: &mut Page, of: &str, findings: &[Finding], omitted: Option<&String>) {
    if findings.is_empty() && omitted.is_none() {
        return;
    }
    page.heading(3, &format!("Differences of {}", code(of, Place::Line)));
    let omitted = omitted.map(|issue| text(issue, Place::Line));
    page.list(findings.iter().map(finding).chain(omitted));
}

fn finding(finding: &Finding) -> String {
    let title = finding.kind.title();
    let detail = text(&finding.detail, Place::Line);
    let explained = format!("{}{}", facts(finding), explained(&finding.cause, &finding.remedy));
    let series = code(&finding.series, Place::Line);
    match finding.kind {
        FindingKind::NotCompared => format!("**{title}** {detail}{explained}"),
        FindingKind::MissingSeries | FindingKind::ExtraSeries => {
            format!("**{title}** {series}: {detail}{explained}")
        }
        _ => format!("**{title}** in {series}: {detail}{explained}"),
    }
}

/// What is known of a difference in numbers, as an item below it.
fn facts(finding: &Finding) -> String {
    let mut facts = Vec::new();
    if !finding.field.is_empty() {
        facts.push(format!("field {}", code(&finding.field, Place::Line)));
    }
    if let Some(delta) = finding.absolute_delta {
        facts.push(format!("largest difference {}", show_number(delta)));
    }
    if let Some(delta) = finding.relative_delta {
        facts.push(format!("as a fraction {delta:.3e}"));
    }
    if let Some(shift) = finding.shift_ms {
        facts.push(format!("shifted by {shift} ms"));
    }
    if facts.is_empty() { String::new() } else { format!("\n  - {}", facts.join(", ")) }
}

/// Differences by kind: complete, listed or not.
fn by_kind(page: &mut Page, report: &VerifyReport) {
    let mut kinds: BTreeMap<FindingKind, u64> = BTreeMap::new();
    for (kind, count) in report.raw_checks.iter().flat_map(|check| &check.by_kind) {
        let sum = kinds.entry(*kind).or_default();
        *sum = sum.saturating_add(*count);
    }
    if kinds.values().all(|count| *count == 0) {
        return;
    }
    page.heading(2, "Differences by kind");
    let rows = kinds.iter().map(|(kind, count)| vec![kind.title().to_owned(), wrong(*count)]);
    page.table(&["Kind", "Findings"], "lr", rows.collect());
}

fn recheck(page: &mut Page, report: &VerifyReport) {
    if let Some(recheck) = &report.recheck {
        page.paragraph(&recheck.sentence());
    }
}

fn metadata(page: &mut Page, check: &MetadataCheckReport) {
    page.heading(3, &format!("Metadata of {}", code(&check.metric, Place::Line)));
    let row = |side: &str, entry: &MetadataEntry| {
        let cell = |text: &str| if text.is_empty() { String::new() } else { code(text, Place::Cell) };
        vec![side.to_owned(), cell(&entry.metric_type), cell(&entry.help), cell(&entry.unit)]
    };
    let source = check.source.iter().map(|entry| row("source", entry));
    let target = check.target.iter().map(|entry| row("target", entry));
    page.table(&["Side", "Type", "Help", "Unit"], "", source.chain(target).collect());
    let (cause, remedy) = check.explanation();
    page.list(causes(cause, remedy));
}
