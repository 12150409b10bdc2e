//! Cutover check: the checklist, parity, what the target takes, freshness, and the way back.

use super::escape::{Place, code, text};
use super::preflight::capabilities;
use super::verify::{body, result, unexplained};
use super::{Page, causes, explained, number, wrong};
use crate::report::words::{count_of, grouped, show_duration, show_time, total};
use crate::report::{
    AgeGroup, CheckItem, CutoverReport, Explanation, FeatureProbe, Freshness, Level, PromqlCheckReport,
    Status, Undo,
};

pub(super) fn write(page: &mut Page, report: &CutoverReport) {
    page.paragraph(&if report.status == Status::Pass {
        "The data agree, the target takes what the source sends, and queries give the same results."
            .to_owned()
    } else {
        format!("Not ready: {}.", count_of(report.issues.len() as u64, "issue", "issues"))
    });
    checklist(page, &report.checklist);
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
        for check in report.promql_checks.iter().filter(|check| {
            !check.matched || !check.source_warnings.is_empty() || !check.target_warnings.is_empty()
        }) {
            parity_differences(page, check);
        }
    }
    ages(page, &report.open_differences);
    probes(page, &report.probes);
    freshness(page, &report.freshness);
    if let Some(payloads) = &report.target_payloads {
        capabilities(page, payloads);
    }
    body(page, &report.raw_verify);
    if let Some(balance) = &report.balance {
        super::backfill::balance(page, balance);
    }
    if let Some(undo) = &report.undo {
        way_back(page, undo);
    }
    page.sentences("Notes", &report.notes);
    page.sentences("Notes on the verification", &report.raw_verify.notes);
}

fn level(level: Level) -> String {
    match level {
        Level::Ok | Level::Info => level.as_str().to_owned(),
        level => format!("**{}**", level.as_str()),
    }
}

fn checklist(page: &mut Page, items: &[CheckItem]) {
    if items.is_empty() {
        return;
    }
    page.heading(2, "Checklist");
    // The boxes are those of task lists: ticked by what was seen, not by hand.
    page.list(items.iter().map(|item| {
        let ticked = if item.level == Level::Ok { "x" } else { " " };
        let (title, seen) = (text(&item.title, Place::Line), text(&item.evidence, Place::Line));
        let level = level(item.level);
        format!("[{ticked}] {level}, {title}: {seen}{}", explained("", &item.remedy))
    }));
}

/// The cause that was established, as items.
fn known_cause(check: &PromqlCheckReport, explanation: &Explanation) -> Vec<String> {
    let of = count_of(check.differing_points, "differing point", "differing points");
    let points = if explanation.whole { "all".to_owned() } else { grouped(explanation.points) };
    let accepted = if check.accepted { " The plan accepts that." } else { "" };
    vec![
        format!("*Known cause:* {}", text(&explanation.text, Place::Line)),
        format!("*How it was established:* {}", text(&explanation.established, Place::Line)),
        format!("It accounts for {points} of {of}; the differences stay differences.{accepted}"),
    ]
}

fn ages(page: &mut Page, groups: &[AgeGroup]) {
    if total(groups.iter().map(|group| group.findings)) == 0 {
        return;
    }
    page.heading(2, "Open differences by age");
    let rows = groups.iter().map(|group| {
        let age = match group.younger_than_ms {
            Some(ms) => format!("younger than {}", show_duration(u64::try_from(ms).unwrap_or(0))),
            None => "older".to_owned(),
        };
        vec![age, number(group.findings), number(group.rows)]
    });
    page.table(&["Age", "Findings", "Rows"], "lrr", rows.collect());
}

fn probes(page: &mut Page, probes: &[FeatureProbe]) {
    if probes.is_empty() {
        return;
    }
    page.heading(2, "Capabilities, in the target's own words");
    let rows = probes.iter().map(|probe| {
        vec![
            code(&probe.feature, Place::Cell),
            level(probe.level),
            if probe.needed_for.is_empty() { "–".to_owned() } else { text(&probe.needed_for, Place::Cell) },
            code(&probe.server_words, Place::Cell),
            text(&probe.remedy, Place::Cell),
        ]
    });
    page.table(&["Feature", "Result", "Needed for", "The server says", "What to do"], "", rows.collect());
}

fn freshness(page: &mut Page, freshness: &[Freshness]) {
    if freshness.is_empty() {
        return;
    }
    page.heading(2, "Freshness");
    let rows = freshness.iter().map(|one| {
        let newest = |at: Option<i64>| at.map_or_else(|| "–".to_owned(), show_time);
        vec![
            code(&one.selector, Place::Cell),
            newest(one.source_newest_ms),
            newest(one.target_newest_ms),
            one.lag(),
        ]
    });
    let head = ["Selector", "Newest at the source", "Newest at the target", "Target is behind by"];
    page.table(&head, "", rows.collect());
}

fn way_back(page: &mut Page, undo: &Undo) {
    page.heading(2, "The way back");
    page.paragraph("A delete at the target would cover what follows. Nothing was deleted by this check.");
    let series =
        undo.series.map_or_else(|| "not known".to_owned(), |count| count_of(count, "series", "series"));
    let mut rows = vec![
        vec!["Tenant".to_owned(), code(&undo.tenant, Place::Cell)],
        vec!["Window".to_owned(), format!("{} to {}", show_time(undo.start_ms), show_time(undo.end_ms))],
        vec!["Covers".to_owned(), series],
        vec!["To be confirmed by".to_owned(), code(&undo.confirmation, Place::Cell)],
    ];
    if let Some(url) = &undo.url {
        rows.insert(0, vec!["Request".to_owned(), code(url, Place::Cell)]);
    }
    page.table(&["", ""], "", rows);
    let selectors = undo.selectors.iter().map(|selector| format!("Selector {}", code(selector, Place::Line)));
    let warnings =
        undo.warnings.iter().map(|warning| format!("**Know before:** {}", text(warning, Place::Line)));
    page.list(selectors.chain(warnings));
}

fn parity(check: &PromqlCheckReport) -> Vec<String> {
    vec![
        match (check.matched, check.accepted) {
            (false, true) => "explained, accepted".to_owned(),
            (matched, _) => result(matched),
        },
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
    let items = items.map(|issue| text(&issue, Place::Line));
    match &check.explanation {
        Some(explanation) => page.list(items.chain(known_cause(check, explanation))),
        None => page.list(items.chain(causes(&check.cause, ""))),
    }
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
            difference.max_absolute_delta.map_or_else(|| "–".to_owned(), |delta| format!("{delta:.2e}")),
            difference.max_relative_delta.map_or_else(|| "–".to_owned(), |delta| format!("{delta:.2e}")),
            if difference.explained { "explained" } else { "" }.to_owned(),
        ]
    });
    let head = [
        "Series",
        "Points",
        "First at",
        "Source there",
        "Target there",
        "Largest difference",
        "Largest relative difference",
        "Cause",
    ];
    page.table(&head, "lrlrrrr", rows.collect());
    if check.differences_omitted > 0 {
        page.paragraph(&format!("{} more series not listed.", grouped(check.differences_omitted)));
    }
}
