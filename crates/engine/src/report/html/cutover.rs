//! Cutover check: the checklist, parity, what the target takes, freshness, and the way back.

use super::writer::{Cell, Html, Tone};
use super::{backfill, findings, names, preflight, progress, verify};
use crate::report::words::{count_of, show_duration, total};
use crate::report::{AgeGroup, CutoverReport, FeatureProbe, Freshness, Level, PromqlCheckReport, Undo};

pub(super) fn write(page: &mut Html, report: &CutoverReport, pictures: &mut usize) {
    if !report.checklist.is_empty() {
        page.panel("Checklist");
        let rows = report.checklist.iter().map(|item| {
            vec![Cell::Text(&item.title), level(item.level), Cell::Advice(&item.evidence, &item.remedy)]
        });
        page.table(
            "What was checked, and what was seen",
            &["Check", "Result", "Evidence"],
            &mut rows.into_iter(),
        );
        page.end();
    }
    let explained = crate::order::set(report.promql_checks.iter().flat_map(|check| &check.issues));
    let data = crate::order::set(report.raw_verify.issues.iter());
    let other = report.issues.iter().filter(|issue| !explained.contains(issue) && !data.contains(issue));
    page.sentences("Issues beside the comparison", other);
    parity(page, &report.promql_checks, pictures);
    ages(page, &report.open_differences);
    verify::body(page, &report.raw_verify, pictures);
    probes(page, &report.probes);
    if let Some(payloads) = &report.target_payloads {
        page.panel("What the target takes");
        preflight::capabilities(page, payloads);
        page.end();
    }
    freshness(page, &report.freshness);
    if let Some(balance) = &report.balance {
        backfill::balance(page, balance);
    }
    if let Some(undo) = &report.undo {
        way_back(page, undo);
    }
    page.sentences("Notes", report.notes.iter().chain(&report.raw_verify.notes));
    progress(page, &report.run, "compared");
}

/// A level as a pill.
pub(super) fn level(level: Level) -> Cell<'static> {
    match level {
        Level::Ok => Cell::Pill(Tone::Good, "ok"),
        Level::Info => Cell::Pill(Tone::Plain, "info"),
        Level::Warn => Cell::Pill(Tone::Warn, "warn"),
        Level::Fail => Cell::Pill(Tone::Bad, "fail"),
    }
}

fn result(check: &PromqlCheckReport) -> (Tone, &'static str) {
    match (check.matched, check.accepted, &check.explanation) {
        (true, ..) => (Tone::Good, "same"),
        (_, true, _) => (Tone::Warn, "explained, accepted"),
        (_, _, Some(explanation)) if explanation.whole => (Tone::Bad, "explained, not accepted"),
        _ => (Tone::Bad, "differs"),
    }
}

fn parity(page: &mut Html, checks: &[PromqlCheckReport], pictures: &mut usize) {
    if checks.is_empty() {
        return;
    }
    page.panel("PromQL parity");
    let rows = checks.iter().map(|check| {
        let (tone, word) = result(check);
        vec![
            Cell::Code(&check.query),
            Cell::Pill(tone, word),
            Cell::Text(&check.step),
            Cell::Number(check.source_series),
            Cell::Number(check.target_series),
            Cell::Number(check.points),
            Cell::Wrong(check.differing_points),
        ]
    });
    let head =
        ["Query", "Result", "Step", "Series, source", "Series, target", "Points", "Points that differ"];
    page.table("The same query on both sides, point by point", &head, &mut rows.into_iter());
    const SHOWN: usize = 200;
    let told = |check: &&PromqlCheckReport| {
        !check.matched || !check.source_warnings.is_empty() || !check.target_warnings.is_empty()
    };
    for check in checks.iter().filter(told).take(SHOWN) {
        one(page, check, pictures);
    }
    page.left_out(checks.iter().filter(told).count().saturating_sub(SHOWN) as u64);
    page.end();
}

fn one(page: &mut Html, check: &PromqlCheckReport, pictures: &mut usize) {
    let (tone, word) = result(check);
    page.raw("<article class=finding><h3>").code(&check.query).raw(" ").pill(tone, word).raw("</h3>");
    if check.target_partial_response {
        page.raw("<p><b>The target answered in part only.</b></p>");
    }
    if !check.issues.is_empty() {
        page.list(&check.issues.iter().map(String::as_str).collect::<Vec<_>>());
    }
    for (side, warnings) in
        [("The source warned: ", &check.source_warnings), ("The target warned: ", &check.target_warnings)]
    {
        for warning in warnings.iter().take(20) {
            page.raw("<p>").raw(side).text(warning).raw("</p>");
        }
        page.left_out(warnings.len().saturating_sub(20) as u64);
    }
    if let Some(explanation) = &check.explanation {
        page.raw("<div class=because><p><b>Known cause: </b>").text(&explanation.text).raw("</p>");
        page.raw("<p><b>How it was established: </b>").text(&explanation.established).raw("</p><p>");
        let of = count_of(check.differing_points, "differing point", "differing points");
        page.text(&if explanation.whole {
            format!("It accounts for all of {of}. The differences stay differences.")
        } else {
            format!("It accounts for {} of {of}; the others are not explained.", explanation.points)
        });
        page.raw("</p></div>");
    } else {
        page.advice(&check.cause, "");
    }
    if check.differences.is_empty() {
        page.raw("</article>");
        return;
    }
    let rows = check.differences.iter().map(|difference| {
        let delta = |delta: Option<f64>| {
            Cell::Said(delta.map_or_else(|| "–".to_owned(), |delta| format!("{delta:.2e}")))
        };
        vec![
            Cell::Code(&difference.series),
            Cell::Number(difference.points),
            Cell::Time(difference.first_ms),
            Cell::Said(difference.source_value.clone().unwrap_or_else(|| "absent".to_owned())),
            Cell::Said(difference.target_value.clone().unwrap_or_else(|| "absent".to_owned())),
            delta(difference.max_absolute_delta),
            delta(difference.max_relative_delta),
            if difference.explained {
                Cell::Pill(Tone::Warn, "explained")
            } else {
                Cell::Pill(Tone::Bad, "not explained")
            },
        ]
    });
    let head = [
        "Series",
        "Points",
        "First at",
        "Source there",
        "Target there",
        "Largest difference",
        "As a fraction",
        "Cause",
    ];
    page.table("Where they part, by series", &head, &mut rows.into_iter());
    page.left_out(check.differences_omitted);
    for difference in check.differences.iter().filter(|difference| difference.excerpt.is_some()).take(4) {
        page.raw("<h4>").code(&difference.series).raw("</h4>");
        findings::picture(page, difference.excerpt.as_ref(), pictures);
    }
    page.raw("</article>");
}

fn ages(page: &mut Html, groups: &[AgeGroup]) {
    if total(groups.iter().map(|group| group.findings)) == 0 {
        return;
    }
    page.panel("Open differences by age");
    let rows = groups.iter().map(|group| {
        let age = match group.younger_than_ms {
            Some(ms) => format!("younger than {}", show_duration(u64::try_from(ms).unwrap_or(0))),
            None => "older".to_owned(),
        };
        vec![Cell::Said(age), Cell::Number(group.findings), Cell::Number(group.rows)]
    });
    page.table(
        "Each is in the first group that it fits",
        &["Age", "Findings", "Rows"],
        &mut rows.into_iter(),
    );
    page.end();
}

fn probes(page: &mut Html, probes: &[FeatureProbe]) {
    if probes.is_empty() {
        return;
    }
    page.panel("Capabilities, in the target’s own words");
    let rows = probes.iter().map(|probe| {
        let needed = if probe.needed_for.is_empty() { "not needed by this plan" } else { &probe.needed_for };
        vec![
            Cell::Text(&probe.feature),
            level(probe.level),
            Cell::Advice(needed, &probe.remedy),
            Cell::Code(&probe.server_words),
        ]
    });
    page.table(
        "What was asked for",
        &["Feature", "Result", "Needed for", "The server says"],
        &mut rows.into_iter(),
    );
    page.end();
}

fn freshness(page: &mut Html, freshness: &[Freshness]) {
    if freshness.is_empty() {
        return;
    }
    page.panel("Freshness");
    let rows = freshness.iter().map(|one| {
        let newest = |at: Option<i64>| at.map_or(Cell::Maybe(None), Cell::Time);
        vec![
            Cell::Code(&one.selector),
            newest(one.source_newest_ms),
            newest(one.target_newest_ms),
            Cell::Said(one.lag()),
        ]
    });
    let head = ["Selector", "Newest at the source", "Newest at the target", "Target is behind by"];
    page.table("The newest data of both sides", &head, &mut rows.into_iter());
    page.end();
}

fn way_back(page: &mut Html, undo: &Undo) {
    page.panel("The way back");
    page.raw("<p>A delete at the target would cover what follows. Nothing was deleted by this check.</p>");
    let series =
        undo.series.map_or_else(|| "not known".to_owned(), |count| count_of(count, "series", "series"));
    super::facts(
        page,
        "What the delete would cover",
        vec![
            [Cell::Text("Request"), Cell::Maybe(undo.url.as_deref())],
            [Cell::Text("Tenant"), Cell::Code(&undo.tenant)],
            [Cell::Text("From"), Cell::Time(undo.start_ms)],
            [Cell::Text("To and including"), Cell::Time(undo.end_ms)],
            [Cell::Text("Covers"), Cell::Said(series)],
            [Cell::Text("To be confirmed by"), Cell::Code(&undo.confirmation)],
        ],
    );
    page.raw("<h3>Selectors</h3>");
    names(page, undo.selectors.iter());
    if !undo.warnings.is_empty() {
        page.raw("<h3>Know before</h3>");
        page.list(&undo.warnings.iter().map(String::as_str).collect::<Vec<_>>());
    }
    page.end();
}
