//! Backfill and repair.

use super::writer::{Cell, Html, Tone};
use super::{facts, preflight, progress, timing, verify};
use crate::report::{BackfillReport, Balance, BalanceLine, Rejection, RepairReport};

pub(super) fn write(page: &mut Html, report: &BackfillReport) {
    page.sentences("Issues", &report.issues);
    rejections(page, &report.rejections, report.rejections_omitted);
    balance(page, &report.balance);
    progress(page, &report.run, "written");
    timing::write(page, report.continued.as_ref(), &report.slowest);
    page.panel("Written");
    let mut rows = vec![
        [Cell::Text("Source kind"), Cell::Text(report.source_kind.title())],
        [Cell::Text("Selectors"), Cell::Number(report.selector_count)],
        [Cell::Text("Series"), Cell::Number(report.series_written)],
        [Cell::Text("Samples"), Cell::Number(report.samples_written)],
        [Cell::Text("Native histograms"), Cell::Number(report.histograms_written)],
        [Cell::Text("Exemplars"), Cell::Number(report.exemplars_written)],
        [Cell::Text("Metadata entries"), Cell::Number(report.metadata_written)],
        [Cell::Text("Write requests"), Cell::Number(report.write_batches)],
        [Cell::Text("Requests repeated"), Cell::Number(report.retries)],
    ];
    if let Some(consistency) = &report.write_consistency {
        rows.push([Cell::Text("Write consistency"), Cell::Text(consistency)]);
    }
    facts(page, "Acknowledged by the target", rows);
    page.end();
    page.sentences("Notes", &report.notes);
    preflight::body(page, &report.preflight);
}

pub(super) fn write_repair(page: &mut Html, report: &RepairReport, pictures: &mut usize) {
    page.sentences("What writing cannot mend", &report.unrepairable);
    let again = crate::order::set(report.verify.issues.iter().chain(&report.unrepairable));
    page.sentences("Issues", report.issues.iter().filter(|issue| !again.contains(issue)));
    if !report.repaired.is_empty() {
        page.panel("Copied once more");
        let rows = report.repaired.iter().flat_map(|selector| {
            selector.windows.iter().map(|window| {
                vec![Cell::Code(&selector.selector), Cell::Time(window.start_ms), Cell::Time(window.end_ms)]
            })
        });
        let head = ["Selector", "From", "To and including"];
        page.table("Parts that differed", &head, &mut rows.into_iter());
        facts(
            page,
            "Acknowledged by the target",
            vec![
                [Cell::Text("Samples"), Cell::Number(report.samples_written)],
                [Cell::Text("Native histograms"), Cell::Number(report.histograms_written)],
                [Cell::Text("Exemplars"), Cell::Number(report.exemplars_written)],
                [Cell::Text("Metadata entries"), Cell::Number(report.metadata_written)],
                [Cell::Text("Write requests"), Cell::Number(report.write_batches)],
                [Cell::Text("Requests repeated"), Cell::Number(report.retries)],
            ],
        );
        page.end();
    }
    rejections(page, &report.rejections, report.rejections_omitted);
    verify::body(page, &report.verify, pictures);
    balance(page, &report.balance);
    page.sentences("Notes", report.notes.iter().chain(&report.verify.notes));
    progress(page, &report.run, "done");
}

/// What became of every row.
pub(super) fn balance(page: &mut Html, balance: &Balance) {
    page.raw("<section class=panel><h2>Balance ");
    if balance.closes {
        page.pill(Tone::Good, "closes");
    } else {
        page.pill(Tone::Bad, "does not close");
    }
    page.raw("</h2>");
    let lines = [
        ("Samples", &balance.samples),
        ("Native histograms", &balance.histograms),
        ("Exemplars", &balance.exemplars),
        ("Metadata entries", &balance.metadata),
    ];
    let rows = lines.iter().map(|(name, line): &(&str, &BalanceLine)| {
        vec![
            Cell::Text(name),
            Cell::Number(line.read),
            Cell::Number(line.written),
            Cell::Number(line.already_there),
            Cell::Wrong(line.rejected_total()),
            Cell::Number(line.deduplicated),
            Cell::Number(line.outside_window),
            match line.unaccounted() {
                0 => Cell::Number(0),
                rest => Cell::Said(rest.to_string()),
            },
        ]
    });
    let head = [
        "What",
        "Read",
        "Written",
        "There already",
        "Refused or failed",
        "Read twice",
        "Outside the window",
        "Unaccounted for",
    ];
    page.table("Read is the sum of all that follows", &head, &mut rows.into_iter());
    let reasons = crate::order::set(lines.iter().flat_map(|(_, line)| line.rejected.keys()));
    if !reasons.is_empty() {
        let rows = reasons.into_iter().map(|reason| {
            let count = |(_, line): &(&str, &BalanceLine)| {
                Cell::Number(line.rejected.get(reason).copied().unwrap_or(0))
            };
            std::iter::once(Cell::Code(reason)).chain(lines.iter().map(count)).collect()
        });
        let head = ["Reason", "Samples", "Native histograms", "Exemplars", "Metadata entries"];
        page.table("Refused or failed, by reason", &head, &mut rows.into_iter());
    }
    page.end();
}

fn rejections(page: &mut Html, rejections: &[Rejection], omitted: u64) {
    if rejections.is_empty() && omitted == 0 {
        return;
    }
    const SHOWN: usize = 300;
    page.panel("Refused or failed");
    let (open, closed) = rejections.split_at(rejections.len().min(8));
    open.iter().for_each(|one| rejection(page, one));
    if !closed.is_empty() {
        page.more(closed.len());
        closed.iter().take(SHOWN).for_each(|one| rejection(page, one));
        page.left_out(closed.len().saturating_sub(SHOWN) as u64);
        page.raw("</details>");
    }
    if omitted > 0 {
        page.raw("<p><b>").number(omitted).raw(" more are counted, but not listed.</b></p>");
    }
    page.end();
}

fn rejection(page: &mut Html, rejection: &Rejection) {
    page.raw("<article class=finding><h3>").text(&rejection.reason);
    if rejection.rows > 0 {
        page.raw(" · ").number(rejection.rows).raw(" rows");
    }
    page.raw("</h3>").paragraph(&rejection.error.message).raw("<dl class=figures>");
    if let Some(selector) = &rejection.selector {
        page.raw("<div class=wide><dt>selector</dt><dd>").code(selector).raw("</dd></div>");
    }
    for (name, at) in
        [("<div><dt>from</dt><dd>", rejection.first_ms), ("<div><dt>to</dt><dd>", rejection.last_ms)]
    {
        if let Some(at) = at {
            page.raw(name).time(at).raw("</dd></div>");
        }
    }
    failure(page, &rejection.error);
    page.raw("</dl>");
    page.advice("", &rejection.error.remedy);
    if !rejection.series.is_empty() {
        page.raw("<details><summary>Some of the series</summary>");
        super::names(page, rejection.series.iter());
        page.raw("</details>");
    }
    page.raw("</article>");
}

/// Server, URL, status and words of a failure, for a list of figures.
pub(super) fn failure(page: &mut Html, error: &crate::Error) {
    if let Some(url) = &error.url {
        page.raw("<div class=wide><dt>asked</dt><dd>").code(url).raw("</dd></div>");
    }
    if let Some(status) = error.status {
        page.raw("<div><dt>status</dt><dd>").number(u64::from(status)).raw("</dd></div>");
    }
    if let Some(words) = error.server_message.as_deref().filter(|words| !words.is_empty()) {
        page.raw("<div class=wide><dt>it said</dt><dd>").code(words).raw("</dd></div>");
    }
}
