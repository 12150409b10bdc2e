//! Differences by kind, each with its values, cause, remedy and picture.

use super::writer::{Html, Tone};
use super::{chart, total};
use crate::report::words::{count_of, show_number};
use crate::report::{Finding, FindingKind, VerifyReport};
use std::collections::BTreeMap;

/// Findings of a kind that stand open, and that are shown at all.
const OPEN: usize = 5;
const SHOWN: usize = 300;

/// All differences of a verification. Nothing, if there are none.
pub(super) fn write(page: &mut Html, report: &VerifyReport, pictures: &mut usize) {
    let lists = || {
        let raw = report.raw_checks.iter().map(|check| &check.findings);
        let exemplars = report.exemplar_checks.iter().map(|check| &check.findings);
        raw.chain(report.metadata_checks.iter().map(|check| &check.findings)).chain(exemplars).flatten()
    };
    let mut kinds: BTreeMap<FindingKind, Vec<&Finding>> = BTreeMap::new();
    for finding in lists() {
        kinds.entry(finding.kind).or_default().push(finding);
    }
    let by_kind =
        |kind| total(report.raw_checks.iter().filter_map(|check| check.by_kind.get(&kind).copied()));
    for check in &report.raw_checks {
        for kind in check.by_kind.keys() {
            kinds.entry(*kind).or_default();
        }
    }
    let omitted = total(report.raw_checks.iter().map(|check| check.findings_omitted))
        .saturating_add(total(report.exemplar_checks.iter().map(|check| check.findings_omitted)));
    if kinds.is_empty() && omitted == 0 {
        return;
    }
    page.panel("Differences");
    page.raw(
        "<p class=dim>Counts are complete; the details below are those that the plan lets a report list.</p>",
    );
    for (kind, findings) in kinds {
        page.raw("<h3>").pill(tone(kind), kind.title()).raw(" ");
        page.text(&count_of(by_kind(kind).max(findings.len() as u64), "finding", "findings")).raw("</h3>");
        let (shown, left) = findings.split_at(findings.len().min(SHOWN));
        let (open, closed) = shown.split_at(shown.len().min(OPEN));
        open.iter().for_each(|finding| one(page, finding, pictures));
        if !closed.is_empty() {
            page.more(closed.len());
            closed.iter().for_each(|finding| one(page, finding, pictures));
            page.raw("</details>");
        }
        page.left_out(left.len() as u64);
    }
    if omitted > 0 {
        page.raw("<p><b>").number(omitted).raw(" more findings are counted above, but not listed</b>");
        page.raw(": the plan’s <code>options.max_findings</code> says how many are.</p>");
    }
    page.end();
}

fn tone(kind: FindingKind) -> Tone {
    match kind {
        FindingKind::NotCompared | FindingKind::PrecisionLost => Tone::Warn,
        _ => Tone::Bad,
    }
}

fn one(page: &mut Html, finding: &Finding, pictures: &mut usize) {
    page.raw("<article class=finding><h4>").code(if finding.series.is_empty() {
        &finding.selector
    } else {
        &finding.series
    });
    page.raw("</h4>");
    if finding.series.chars().nth(300).is_some() {
        page.raw("<details class=whole><summary>in full</summary>").name(&finding.series).raw("</details>");
    }
    page.paragraph(&finding.detail);
    page.raw("<dl class=figures>");
    let value = |page: &mut Html, name: &'static str, value: &str| {
        page.raw("<div><dt>").raw(name).raw("</dt><dd>").text(value).raw("</dd></div>");
    };
    if !finding.selector.is_empty() && finding.selector != finding.series {
        page.raw("<div class=wide><dt>selector</dt><dd>").code(&finding.selector).raw("</dd></div>");
    }
    if finding.count > 0 {
        page.raw("<div><dt>how many</dt><dd>").number(finding.count).raw("</dd></div>");
    }
    for (name, at) in
        [("<div><dt>first</dt><dd>", finding.first_ms), ("<div><dt>last</dt><dd>", finding.last_ms)]
    {
        if let Some(at) = at {
            page.raw(name).time(at).raw("</dd></div>");
        }
    }
    for (name, side) in [("at the source", &finding.source_value), ("at the target", &finding.target_value)] {
        if let Some(side) = side {
            value(page, name, side);
        }
    }
    if !finding.field.is_empty() {
        value(page, "field", &finding.field);
    }
    if let Some(delta) = finding.absolute_delta {
        value(page, "largest difference", &show_number(delta));
    }
    if let Some(delta) = finding.relative_delta {
        value(page, "as a fraction", &format!("{delta:.3e}"));
    }
    if let Some(shift) = finding.shift_ms {
        value(page, "shifted by", &format!("{shift} ms"));
    }
    page.raw("</dl>");
    page.advice(&finding.cause, &finding.remedy);
    picture(page, finding.excerpt.as_ref(), pictures);
    page.raw("</article>");
}

/// The picture of a difference, as long as there is room for pictures.
pub(super) fn picture(page: &mut Html, excerpt: Option<&crate::report::Excerpt>, pictures: &mut usize) {
    let Some(excerpt) = excerpt else { return };
    if let Some(left) = pictures.checked_sub(1) {
        *pictures = left;
        chart::write(page, excerpt);
    }
}
