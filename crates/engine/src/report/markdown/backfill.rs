//! Backfill.

use super::escape::{Place, code, text};
use super::{Page, explained, number, preflight, timing, wrong};
use crate::report::words::{count_of, grouped, show_time, total};
use crate::report::{BackfillReport, Balance, BalanceLine, Rejection, RepairReport, Status};

pub(super) fn write(page: &mut Page, report: &BackfillReport) {
    let written = format!(
        "{} and {} in {} were written.",
        count_of(report.samples_written, "sample", "samples"),
        count_of(report.histograms_written, "native histogram", "native histograms"),
        count_of(report.series_written, "series", "series"),
    );
    let there = total([report.balance.samples.already_there, report.balance.histograms.already_there]);
    let written = match there {
        0 => written,
        there => format!("{written} {} there already.", count_of(there, "row was", "rows were")),
    };
    page.paragraph(&match (report.status, report.cancelled, report.balance.closes) {
        (Status::Pass, ..) => format!("{written} All that was read is accounted for."),
        (_, true, _) => format!("Cancelled. {written} Run the same command again to go on."),
        (_, _, false) => format!("{written} **The balance does not close: rows are unaccounted for.**"),
        _ => format!("{written} Not everything was: see what was refused or failed."),
    });
    page.heading(2, "Written");
    let mut rows = vec![
        vec!["Source kind".to_owned(), report.source_kind.title().to_owned()],
        vec!["Selectors".to_owned(), number(report.selector_count)],
        vec!["Series".to_owned(), number(report.series_written)],
        vec!["Samples".to_owned(), number(report.samples_written)],
        vec!["Native histograms".to_owned(), number(report.histograms_written)],
        vec!["Exemplars".to_owned(), number(report.exemplars_written)],
        vec!["Metadata entries".to_owned(), number(report.metadata_written)],
        vec!["Write requests".to_owned(), number(report.write_batches)],
        vec!["Requests repeated".to_owned(), number(report.retries)],
    ];
    if let Some(consistency) = &report.write_consistency {
        rows.push(vec!["Write consistency".to_owned(), text(consistency, Place::Cell)]);
    }
    page.table(&["", ""], "lr", rows);
    balance(page, &report.balance);
    rejections(page, &report.rejections, report.rejections_omitted);
    page.sentences("Issues", &report.issues);
    page.sentences("Notes", &report.notes);
    timing::write(page, report.continued.as_ref(), &report.slowest);
    preflight::body(page, &report.preflight);
}

/// A repair: what was copied once more, what cannot be mended, and the verification of it.
pub(super) fn write_repair(page: &mut Page, report: &RepairReport) {
    let written = format!(
        "{} and {} were written once more.",
        count_of(report.samples_written, "sample", "samples"),
        count_of(report.histograms_written, "native histogram", "native histograms"),
    );
    page.paragraph(&match report.verify.status {
        Status::Pass => format!("{written} Verified again, the repaired parts agree."),
        Status::Fail => format!("{written} **Verified again, the repaired parts still differ.**"),
    });
    page.sentences("What writing cannot mend", &report.unrepairable);
    if !report.repaired.is_empty() {
        page.heading(2, "Copied once more");
        let rows = report.repaired.iter().flat_map(|selector| {
            selector.windows.iter().map(|window| {
                vec![
                    code(&selector.selector, Place::Cell),
                    show_time(window.start_ms),
                    show_time(window.end_ms),
                ]
            })
        });
        page.table(&["Selector", "From", "To and including"], "", rows.collect());
        let rows = [
            ("Samples", report.samples_written),
            ("Native histograms", report.histograms_written),
            ("Exemplars", report.exemplars_written),
            ("Metadata entries", report.metadata_written),
            ("Write requests", report.write_batches),
            ("Requests repeated", report.retries),
        ];
        let rows = rows.into_iter().map(|(name, count)| vec![name.to_owned(), number(count)]);
        page.table(&["", ""], "lr", rows.collect());
    }
    balance(page, &report.balance);
    rejections(page, &report.rejections, report.rejections_omitted);
    super::verify::body(page, &report.verify);
    let again = crate::order::set(report.verify.issues.iter().chain(&report.unrepairable));
    let other: Vec<String> = report.issues.iter().filter(|issue| !again.contains(issue)).cloned().collect();
    page.sentences("Other issues", &other);
    page.sentences("Notes", &report.notes);
    page.sentences("Notes on the verification", &report.verify.notes);
}

pub(super) fn balance(page: &mut Page, balance: &Balance) {
    page.heading(2, "Balance");
    page.paragraph(if balance.closes {
        "It closes: read = written + there already + refused + read twice + outside the window."
    } else {
        "**It does not close:** read is not written + there already + refused + read twice + outside the window."
    });
    let lines = [
        ("Samples", &balance.samples),
        ("Native histograms", &balance.histograms),
        ("Exemplars", &balance.exemplars),
        ("Metadata entries", &balance.metadata),
    ];
    let row = |(name, line): (&str, &BalanceLine)| {
        let unaccounted = line.unaccounted();
        vec![
            name.to_owned(),
            number(line.read),
            number(line.written),
            number(line.already_there),
            wrong(line.rejected_total()),
            number(line.deduplicated),
            number(line.outside_window),
            if unaccounted == 0 { "0".to_owned() } else { format!("**{unaccounted}**") },
        ]
    };
    page.table(
        &[
            "",
            "Read",
            "Written",
            "There already",
            "Refused or failed",
            "Read twice",
            "Outside the window",
            "Unaccounted for",
        ],
        "lrrrrrrr",
        lines.into_iter().map(row).collect(),
    );
    let reasons = crate::order::set(lines.iter().flat_map(|(_, line)| line.rejected.keys()));
    if !reasons.is_empty() {
        let rows = reasons.into_iter().map(|reason| {
            let count =
                |(_, line): &(&str, &BalanceLine)| number(line.rejected.get(reason).copied().unwrap_or(0));
            std::iter::once(code(reason, Place::Cell)).chain(lines.iter().map(count)).collect()
        });
        let head = ["Reason", "Samples", "Native histograms", "Exemplars", "Metadata entries"];
        page.table(&head, "lrrrr", rows.collect());
    }
}

fn rejections(page: &mut Page, rejections: &[Rejection], omitted: u64) {
    if rejections.is_empty() && omitted == 0 {
        return;
    }
    page.heading(2, "Refused or failed");
    let mut items: Vec<String> = rejections.iter().map(rejection).collect();
    if omitted > 0 {
        items.push(format!("{} more not listed", grouped(omitted)));
    }
    page.list(items);
}

fn rejection(rejection: &Rejection) -> String {
    let mut out = format!("**{}**", text(&rejection.reason, Place::Line));
    if rejection.rows > 0 {
        out.push_str(&format!(", {}", count_of(rejection.rows, "row", "rows")));
    }
    if let Some(selector) = &rejection.selector {
        out.push_str(&format!(", selector {}", code(selector, Place::Line)));
    }
    if let (Some(first), Some(last)) = (rejection.first_ms, rejection.last_ms) {
        out.push_str(&format!(", {} to {}", show_time(first), show_time(last)));
    }
    let error = &rejection.error;
    out.push_str(&format!(": {}", text(&error.message, Place::Line)));
    let place = [
        error.side.map(|side| side.to_string()),
        error.url.as_ref().map(|url| code(url, Place::Line)),
        error.status.map(|status| format!("status {status}")),
    ];
    let place: Vec<String> = place.into_iter().flatten().collect();
    if !place.is_empty() {
        out.push_str(&format!(" ({})", place.join(", ")));
    }
    if let Some(words) = error.server_message.as_deref().filter(|words| !words.is_empty()) {
        out.push_str(&format!("\n  - It said: {}", code(words, Place::Line)));
    }
    out.push_str(&explained("", &error.remedy));
    if !rejection.series.is_empty() {
        let series: Vec<String> = rejection.series.iter().map(|series| code(series, Place::Line)).collect();
        out.push_str(&format!("\n  - Among them: {}", series.join(", ")));
    }
    out
}
