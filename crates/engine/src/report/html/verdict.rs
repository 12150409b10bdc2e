//! The verdict: one or two words, the largest thing on the page, and what they rest on.

use super::total;
use super::writer::Html;
use crate::report::words::{count_of, grouped, show_duration};
use crate::report::{
    BackfillReport, CutoverReport, Level, PreflightReport, RepairReport, Report, Status, VerifyReport,
};

/// What a report says in short.
struct Verdict {
    word: &'static str,
    headline: String,
    detail: String,
}

pub(super) fn write(page: &mut Html, report: &Report) {
    let pass = report.status() == Status::Pass;
    let Verdict { word, headline, detail } = match report {
        Report::Preflight(report) => preflight(report, pass),
        Report::Backfill(report) => backfill(report, pass),
        Report::Verify(report) => verify(report, pass),
        Report::Repair(report) => repair(report, pass),
        Report::Cutover(report) => cutover(report, pass),
    };
    page.raw(if pass { "<section class='verdict good'>" } else { "<section class='verdict bad'>" });
    page.raw("<h1>").raw(word).raw("</h1><div><p><b>").text(&headline).raw("</b></p>");
    page.paragraph(&detail).raw("</div>");
    let issues = report.issues().len() as u64;
    page.raw(if pass { "<p class=count>✓ " } else { "<p class=count>✕ " });
    page.text(&if pass {
        "pass".to_owned()
    } else {
        format!("fail: {}", count_of(issues, "issue", "issues"))
    });
    page.raw("</p></section>");
}

fn preflight(report: &PreflightReport, pass: bool) -> Verdict {
    let at = |level| report.endpoints.iter().filter(|check| check.level == level).count() as u64;
    let warnings = report.warnings().len() as u64;
    let headline = match (pass, &report.recording) {
        (true, Some(_)) => "The recording is read, and tsink answers as the plan needs.".to_owned(),
        (true, None) => "Both servers answer as the plan needs.".to_owned(),
        _ => format!(
            "The migration cannot start: {}.",
            count_of(report.issues().len() as u64, "issue", "issues")
        ),
    };
    let mut detail = format!(
        "{} of {} answered as they should. Nothing was written.",
        grouped(at(Level::Ok) + at(Level::Info)),
        count_of(report.endpoints.len() as u64, "endpoint", "endpoints"),
    );
    if warnings > 0 {
        detail.push_str(&format!(" {} below.", count_of(warnings, "warning", "warnings")));
    }
    Verdict { word: if pass { "Ready" } else { "Not ready" }, headline, detail }
}

fn backfill(report: &BackfillReport, pass: bool) -> Verdict {
    let headline = format!(
        "{} and {} in {} written in {}.",
        count_of(report.samples_written, "sample", "samples"),
        count_of(report.histograms_written, "native histogram", "native histograms"),
        count_of(report.series_written, "series", "series"),
        show_duration(report.run.duration_ms)
    );
    let lines = [
        &report.balance.samples,
        &report.balance.histograms,
        &report.balance.exemplars,
        &report.balance.metadata,
    ];
    let mut detail = if report.balance.closes {
        "The balance closes: everything that was read is accounted for.".to_owned()
    } else {
        "The balance does not close: rows are unaccounted for.".to_owned()
    };
    let there = total(lines.iter().map(|line| line.already_there));
    if there > 0 {
        detail.push_str(&format!(" {} there already.", count_of(there, "row was", "rows were")));
    }
    let refused = total(lines.iter().map(|line| line.rejected_total()));
    if refused > 0 {
        detail.push_str(&format!(" {} refused or failed.", count_of(refused, "row was", "rows were")));
    }
    if report.cancelled {
        detail.push_str(" Cancelled: what was written stays; running it again goes on.");
    }
    let word = match (pass, report.cancelled) {
        (true, _) => "Complete",
        (_, true) => "Cancelled",
        _ => "Not complete",
    };
    Verdict { word, headline, detail }
}

/// What was compared: `1,200 samples and 4 native histograms in 12 series`.
fn compared(report: &VerifyReport) -> String {
    let checks = &report.raw_checks;
    let samples = total(checks.iter().map(|check| check.source_samples));
    let histograms = total(checks.iter().map(|check| check.source_histograms));
    let series = total(checks.iter().map(|check| check.source_series));
    let mut what = count_of(samples, "sample", "samples");
    if histograms > 0 {
        what.push_str(&format!(" and {}", count_of(histograms, "native histogram", "native histograms")));
    }
    format!("{what} of the source, in {}", count_of(series, "series", "series"))
}

/// What differs, in parts of a sentence.
fn differing(report: &VerifyReport) -> Vec<String> {
    let checks = &report.raw_checks;
    let counts = [
        (total(checks.iter().map(|check| check.sample_mismatches)), "sample differs", "samples differ"),
        (
            total(checks.iter().map(|check| check.histogram_mismatches)),
            "native histogram differs",
            "native histograms differ",
        ),
        (
            total(checks.iter().map(|check| check.missing_series)),
            "series is missing in the target",
            "series are missing in the target",
        ),
        (
            total(checks.iter().map(|check| check.extra_series)),
            "series is in the target only",
            "series are in the target only",
        ),
        (
            report.metadata_checks.iter().filter(|check| !check.matched).count() as u64,
            "metric has other metadata",
            "metrics have other metadata",
        ),
        (
            report.exemplar_checks.iter().filter(|check| !check.issues.is_empty()).count() as u64,
            "query has other exemplars",
            "queries have other exemplars",
        ),
    ];
    let counts = counts.into_iter().filter(|(count, ..)| *count > 0);
    counts.map(|(count, one, many)| count_of(count, one, many)).collect()
}

fn verify(report: &VerifyReport, pass: bool) -> Verdict {
    let headline = match (pass, differing(report).as_slice()) {
        (true, _) => "Source and target agree.".to_owned(),
        (_, []) => format!("{}.", count_of(report.issues.len() as u64, "issue", "issues")),
        (_, parts) => format!("{}.", parts.join("; ")),
    };
    let mut detail = format!("Compared by time: {}.", compared(report));
    if let Some(recheck) = &report.recheck {
        detail.push_str(&format!(
            " {} younger than {} differed at first and {} read again; {} agreed in the end.",
            count_of(recheck.slabs, "part", "parts"),
            show_duration(recheck.settle_ms.unsigned_abs()),
            if recheck.slabs == 1 { "was" } else { "were" },
            grouped(recheck.settled),
        ));
    }
    Verdict { word: if pass { "Verified" } else { "Not verified" }, headline, detail }
}

fn repair(report: &RepairReport, pass: bool) -> Verdict {
    let windows = total(report.repaired.iter().map(|selector| selector.windows.len() as u64));
    let headline = format!(
        "{} of {} copied once more: {} and {}.",
        count_of(windows, "part", "parts"),
        count_of(report.repaired.len() as u64, "selector", "selectors"),
        count_of(report.samples_written, "sample", "samples"),
        count_of(report.histograms_written, "native histogram", "native histograms"),
    );
    let mut detail = match report.verify.status {
        Status::Pass => "Verified again, these parts agree.".to_owned(),
        Status::Fail => "Verified again, these parts still differ.".to_owned(),
    };
    if !report.unrepairable.is_empty() {
        detail.push_str(&format!(
            " {} that writing cannot mend.",
            count_of(report.unrepairable.len() as u64, "thing", "things")
        ));
    }
    Verdict { word: if pass { "Repaired" } else { "Not repaired" }, headline, detail }
}

fn cutover(report: &CutoverReport, pass: bool) -> Verdict {
    let headline =
        if pass { "Queries may be moved to tsink." } else { "Do not move queries yet." }.to_owned();
    let data = match report.raw_verify.status {
        Status::Pass => "The data is verified",
        Status::Fail => "The data is not verified",
    };
    let all = report.promql_checks.len() as u64;
    let same = report.promql_checks.iter().filter(|check| check.matched).count() as u64;
    let accepted =
        report.promql_checks.iter().filter(|check| check.accepted && !check.matched).count() as u64;
    let mut detail = match all {
        0 => format!("{data}; no query was compared."),
        _ => format!(
            "{data}; {} of {} the same on both sides.",
            grouped(same),
            count_of(all, "query answers", "queries answer")
        ),
    };
    if accepted > 0 {
        detail.push_str(&format!(
            " {} with differences that a known cause explains, which the plan accepts.",
            count_of(accepted, "query passes", "queries pass")
        ));
    }
    Verdict { word: if pass { "PASS" } else { "FAIL" }, headline, detail }
}
