//! Verify and cutover check.

use super::escape::{Place, code, text};
use super::preflight::capabilities;
use super::{Page, causes, explained, number, verdict, wrong};
use crate::report::words::{count_of, grouped, show_time};
use crate::report::{
    CutoverReport, ExemplarCheckReport, Finding, FindingKind, MetadataCheckReport, MetadataEntry,
    PromqlCheckReport, RawCheckReport, Status, VerifyReport,
};

pub(super) fn write(page: &mut Page, report: &VerifyReport) {
    let samples: u64 = report.raw_checks.iter().map(|check| check.source_samples).sum();
    let histograms: u64 = report.raw_checks.iter().map(|check| check.source_histograms).sum();
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
}

pub(super) fn write_cutover(page: &mut Page, report: &CutoverReport) {
    page.paragraph(&if report.status == Status::Pass {
        "The data agree, the target takes what the source sends, and queries give the same results."
            .to_owned()
    } else {
        format!("Not ready: {}.", count_of(report.issues.len() as u64, "issue", "issues"))
    });
    let explained = crate::order::set(report.promql_checks.iter().flat_map(|check| &check.issues));
    let other: Vec<String> = unexplained(&report.raw_verify, &report.issues);
    let other: Vec<String> = other.into_iter().filter(|issue| !explained.contains(issue)).collect();
    page.sentences("Other issues", &other);
    if !report.promql_checks.is_empty() {
        page.heading(2, "PromQL parity");
        let rows = report.promql_checks.iter().map(parity).collect();
        let head =
            ["Result", "Query", "Step", "Series source", "Series target", "Points", "Points that differ"];
        page.table(&head, "lllrrrr", rows);
        for check in
            report.promql_checks.iter().filter(|check| !check.matched || !check.source_warnings.is_empty())
        {
            parity_differences(page, check);
        }
    }
    if let Some(payloads) = &report.target_payloads {
        capabilities(page, payloads);
    }
    body(page, &report.raw_verify);
    page.sentences("Notes", &report.notes);
    page.sentences("Notes on the verification", &report.raw_verify.notes);
}

fn body(page: &mut Page, report: &VerifyReport) {
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
fn unexplained(report: &VerifyReport, issues: &[String]) -> Vec<String> {
    let metadata: Vec<String> =
        report.metadata_checks.iter().filter_map(MetadataCheckReport::issue).collect();
    let raw = report.raw_checks.iter().flat_map(|check| &check.issues);
    let exemplars = report.exemplar_checks.iter().flat_map(|check| &check.issues);
    let explained = crate::order::set(raw.chain(exemplars).chain(&metadata));
    issues.iter().filter(|issue| !explained.contains(issue)).cloned().collect()
}

fn result(pass: bool) -> String {
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
    let explained = explained(&finding.cause, &finding.remedy);
    let series = code(&finding.series, Place::Line);
    match finding.kind {
        FindingKind::NotCompared => format!("**{title}** {detail}{explained}"),
        FindingKind::MissingSeries | FindingKind::ExtraSeries => {
            format!("**{title}** {series}: {detail}{explained}")
        }
        _ => format!("**{title}** in {series}: {detail}{explained}"),
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

fn parity(check: &PromqlCheckReport) -> Vec<String> {
    vec![
        result(check.matched),
        code(&check.query, Place::Cell),
        code(&check.step, Place::Cell),
        number(check.source_series),
        number(check.target_series),
        number(check.points),
        wrong(check.differing_points),
    ]
}

fn parity_differences(page: &mut Page, check: &PromqlCheckReport) {
    page.heading(3, &format!("Parity of {}", code(&check.query, Place::Line)));
    let warnings = check.source_warnings.iter().map(|warning| format!("source warned: {warning}"));
    let items = check.issues.iter().cloned().chain(warnings);
    page.list(items.map(|issue| text(&issue, Place::Line)).chain(causes(&check.cause, "")));
    if check.differences.is_empty() {
        return;
    }
    let value = |value: &Option<String>| match value {
        Some(value) => code(value, Place::Cell),
        None => "absent".to_owned(),
    };
    let rows = check.differences.iter().map(|difference| {
        vec![
            code(&difference.series, Place::Cell),
            number(difference.points),
            show_time(difference.first_ms),
            value(&difference.source_value),
            value(&difference.target_value),
            difference.max_relative_delta.map_or_else(|| "–".to_owned(), |delta| format!("{delta:.2e}")),
        ]
    });
    let head =
        ["Series", "Points", "First at", "Source there", "Target there", "Largest relative difference"];
    page.table(&head, "lrlrrr", rows.collect());
    if check.differences_omitted > 0 {
        page.paragraph(&format!("{} more series not listed.", grouped(check.differences_omitted)));
    }
}
