//! Verdicts in words: what a report means, in one bold sentence and one plain one.

use super::format::{clock, count, counted, date, duration, short};
use tsink_migrate_engine::report::{
    BackfillReport, Continued, CutoverReport, Finding, FindingKind, Level, PreflightReport, RawCheckReport,
    RepairReport, Status, VerifyReport,
};

/// A verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Whether it is good.
    pub ok: bool,
    /// One or two words, the largest thing on the page.
    pub word: &'static str,
    /// What that means.
    pub headline: String,
    /// What else to know; may be empty.
    pub detail: String,
}

/// `Continued from 2025-11-18 14:03 UTC: 37 slabs with 1.20 M rows were done before.`
pub fn continued(before: &Continued) -> String {
    let since = format!("{} {}", date(before.since_ms), clock(before.since_ms).get(..5).unwrap_or_default());
    let runs =
        if before.runs > 1 { format!(" in {}", counted(before.runs, "run", "runs")) } else { String::new() };
    let slabs = counted(before.slabs, "slab", "slabs");
    let were = if before.slabs == 1 { "was" } else { "were" };
    format!(
        "Continued from {since} UTC: {slabs} with {} rows {were} done before{runs}, in {}.",
        short(before.rows as f64),
        duration(before.elapsed_ms)
    )
}

/// Verdict of a preflight.
pub fn preflight(report: &PreflightReport) -> Verdict {
    let ok = report.status == Status::Pass;
    let failed = report.endpoints.iter().filter(|row| row.level == Level::Fail).count() as u64;
    let warned = report.endpoints.iter().filter(|row| row.level == Level::Warn).count() as u64
        + report.notes.iter().filter(|note| note.level == Level::Warn).count() as u64;
    let all = report.endpoints.len() as u64;
    let headline = if ok {
        match report.recording {
            Some(_) => "The recording is read, and tsink answers as the plan needs.",
            None => "Both servers answer as the plan needs.",
        }
        .to_owned()
    } else if failed > 0 {
        format!("{failed} of {} not in order.", counted(all, "endpoint is", "endpoints are"))
    } else {
        report
            .notes
            .iter()
            .find(|note| note.level == Level::Fail)
            .map_or_else(|| "Something has to be mended first.".to_owned(), |note| note.message.clone())
    };
    let detail = match (ok, warned) {
        (true, 0) => "Nothing was written so far.".to_owned(),
        (true, warned) => {
            format!("{} below. Nothing was written so far.", counted(warned, "warning", "warnings"))
        }
        (false, _) => "Nothing was written. What to do stands beside each finding.".to_owned(),
    };
    Verdict { ok, word: if ok { "Ready" } else { "Not ready" }, headline, detail }
}

/// Verdict of a backfill.
pub fn backfill(report: &BackfillReport) -> Verdict {
    let ok = report.status == Status::Pass;
    let mut parts = vec![counted(report.samples_written, "sample", "samples")];
    let more = [
        (report.histograms_written, "histogram", "histograms"),
        (report.exemplars_written, "exemplar", "exemplars"),
        (report.metadata_written, "metadata entry", "metadata entries"),
    ];
    parts.extend(more.iter().filter(|(n, _, _)| *n > 0).map(|(n, one, many)| counted(*n, one, many)));
    let headline = format!(
        "{} of {} written in {}.",
        join(&parts),
        counted(report.series_written, "series", "series"),
        duration(report.run.duration_ms)
    );
    let rejected: u64 = [
        &report.balance.samples,
        &report.balance.histograms,
        &report.balance.exemplars,
        &report.balance.metadata,
    ]
    .iter()
    .fold(0u64, |sum, line| sum.saturating_add(line.rejected_total()));
    let refused = (report.rejections.len() as u64).saturating_add(report.rejections_omitted);
    let mut detail = Vec::new();
    let there = report.balance.samples.already_there.saturating_add(report.balance.histograms.already_there);
    if there > 0 {
        detail.push(format!("{} there already.", counted(there, "row was", "rows were")));
    }
    if report.cancelled {
        detail.push("Cancelled: what was written stays; running it again writes the rest.".to_owned());
    }
    if rejected > 0 {
        detail.push(format!("{} not taken by the target.", counted(rejected, "row was", "rows were")));
    } else if refused > 0 {
        detail.push(format!("{} could not be copied.", counted(refused, "part", "parts")));
    }
    detail.push(if report.balance.closes {
        "The balance closes: every row read is accounted for.".to_owned()
    } else {
        "The balance does not close: some rows are not accounted for.".to_owned()
    });
    let word = match (ok, report.cancelled) {
        (true, _) => "Complete",
        (false, true) => "Cancelled",
        (false, false) => "Not complete",
    };
    Verdict { ok, word, headline, detail: detail.join(" ") }
}

/// Sums over the raw checks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Series on either side.
    pub series: [u64; 2],
    /// Float samples on either side.
    pub samples: [u64; 2],
    /// Native histograms on either side.
    pub histograms: [u64; 2],
    /// Series in the source only.
    pub missing_series: u64,
    /// Series in the target only.
    pub extra_series: u64,
    /// Samples and histograms that differ in series that both have.
    pub rows_differ: u64,
    /// Of those, samples in the source only.
    pub missing_samples: u64,
    /// Of those, samples in the target only.
    pub extra_samples: u64,
    /// Of those, samples with another value.
    pub other_values: u64,
    /// Parts that could not be compared.
    pub not_compared: u64,
}

/// Adds up raw checks. Series that several selectors match are counted once for each.
pub fn totals(checks: &[RawCheckReport]) -> Totals {
    let mut sum = Totals::default();
    for check in checks {
        let pairs = [
            (&mut sum.series, [check.source_series, check.target_series]),
            (&mut sum.samples, [check.source_samples, check.target_samples]),
            (&mut sum.histograms, [check.source_histograms, check.target_histograms]),
        ];
        for (total, add) in pairs {
            for (own, more) in total.iter_mut().zip(add) {
                *own = own.saturating_add(more);
            }
        }
        // A stranger's report may have any numbers.
        sum.missing_series = sum.missing_series.saturating_add(check.missing_series);
        sum.extra_series = sum.extra_series.saturating_add(check.extra_series);
        let differ = check.sample_mismatches.saturating_add(check.histogram_mismatches);
        sum.rows_differ = sum.rows_differ.saturating_add(differ);
        sum.missing_samples = sum.missing_samples.saturating_add(check.missing_samples);
        sum.extra_samples = sum.extra_samples.saturating_add(check.extra_samples);
        sum.other_values = sum.other_values.saturating_add(check.differing_samples);
        sum.not_compared = sum.not_compared.saturating_add(count_not_compared(&check.findings));
    }
    // Findings are capped, counts by kind are not.
    let counted = checks.iter().filter_map(|check| check.by_kind.get(&FindingKind::NotCompared));
    sum.not_compared = sum.not_compared.max(counted.fold(0u64, |all, own| all.saturating_add(*own)));
    sum
}

fn count_not_compared(findings: &[Finding]) -> u64 {
    findings.iter().filter(|finding| finding.kind == FindingKind::NotCompared).count() as u64
}

/// Verdict of a verification.
pub fn verify(report: &VerifyReport) -> Verdict {
    let ok = report.status == Status::Pass;
    let sum = totals(&report.raw_checks);
    let [series, samples, histograms] =
        [sum.series, sum.samples, sum.histograms].map(|[source, target]| source.max(target));
    let rows = match (samples, histograms) {
        (_, 0) => counted(samples, "sample", "samples"),
        (0, _) => counted(histograms, "native histogram", "native histograms"),
        _ => format!(
            "{} and {}",
            counted(samples, "sample", "samples"),
            counted(histograms, "native histogram", "native histograms")
        ),
    };
    let of = format!("{rows} in {} series", count(series));
    let checks = checks_words(report);
    if ok {
        let headline = if samples == 0 && histograms == 0 {
            "Neither side has a sample in this window.".to_owned()
        } else {
            format!("All {of} agree.")
        };
        let detail = format!("Every sample of the window was compared by its timestamp{checks}.");
        return Verdict { ok, word: "Verified", headline, detail };
    }
    let mut differ = Vec::new();
    if sum.rows_differ > 0 {
        differ.push(format!("{} of {of} differ", count(sum.rows_differ)));
    }
    if sum.missing_series > 0 {
        differ.push(format!(
            "{} missing in the target",
            counted(sum.missing_series, "series is", "series are")
        ));
    }
    if sum.extra_series > 0 {
        differ.push(format!("{} only in the target", counted(sum.extra_series, "series is", "series are")));
    }
    if sum.not_compared > 0 {
        differ.push(format!("{} could not be compared", counted(sum.not_compared, "part", "parts")));
    }
    let metadata = report.metadata_checks.iter().filter(|check| !check.matched).count() as u64;
    if metadata > 0 {
        differ.push(format!("metadata of {} differs", counted(metadata, "metric", "metrics")));
    }
    let exemplars = report.exemplar_checks.iter().filter(|check| !check.issues.is_empty()).count() as u64;
    if exemplars > 0 {
        differ.push(format!("exemplars of {} differ", counted(exemplars, "query", "queries")));
    }
    let headline = if differ.is_empty() {
        report.issues.first().cloned().unwrap_or_else(|| "Something differs.".to_owned())
    } else {
        sentence(&differ)
    };
    let detail = match (sum.rows_differ, sum.missing_samples, sum.extra_samples, sum.other_values) {
        (0, ..) => String::new(),
        (_, 0, 0, 0) => String::new(),
        (_, missing, 0, 0) if missing > 0 => {
            "What differs is missing in the target; nothing has a wrong value.".to_owned()
        }
        (_, 0, extra, 0) if extra > 0 => "What differs is in the target only.".to_owned(),
        (_, missing, extra, other) => {
            let kinds = [
                (missing, "missing in the target"),
                (extra, "only in the target"),
                (other, "with another value"),
            ];
            let kinds: Vec<String> = kinds
                .iter()
                .filter(|(n, _)| *n > 0)
                .map(|(n, words)| format!("{} {words}", count(*n)))
                .collect();
            sentence(&[format!("Samples: {}", join(&kinds))])
        }
    };
    Verdict { ok, word: "Not verified", headline, detail }
}

fn checks_words(report: &VerifyReport) -> String {
    let metadata = report.metadata_checks.len() as u64;
    let exemplars =
        report.exemplar_checks.iter().fold(0u64, |sum, check| sum.saturating_add(check.source_exemplars));
    let mut more = Vec::new();
    if metadata > 0 {
        more.push(format!("metadata of {}", counted(metadata, "metric", "metrics")));
    }
    if exemplars > 0 {
        more.push(counted(exemplars, "exemplar", "exemplars"));
    }
    if more.is_empty() { String::new() } else { format!("; so were {}", join(&more)) }
}

/// Verdict of a repair.
pub fn repair(report: &RepairReport) -> Verdict {
    let ok = report.status == Status::Pass;
    let written = [
        (report.samples_written, "sample", "samples"),
        (report.histograms_written, "histogram", "histograms"),
        (report.exemplars_written, "exemplar", "exemplars"),
        (report.metadata_written, "metadata entry", "metadata entries"),
    ];
    let written: Vec<String> =
        written.iter().filter(|(n, ..)| *n > 0).map(|(n, one, many)| counted(*n, one, many)).collect();
    let copied = if written.is_empty() {
        "Nothing was copied".to_owned()
    } else {
        format!("{} copied", join(&written))
    };
    let headline = if ok {
        format!("{copied}; the repaired parts agree now.")
    } else if report.verify.status == Status::Pass {
        format!("{copied}; the repaired parts agree now, but something is left.")
    } else {
        format!("{copied}; some parts still differ.")
    };
    let detail = if ok {
        "Only these parts were compared again. Run the whole verification for a report that covers the window."
    } else {
        "What is left, and why, stands below."
    };
    Verdict { ok, word: if ok { "Repaired" } else { "Not repaired" }, headline, detail: detail.to_owned() }
}

/// Verdict of a cutover check.
pub fn cutover(report: &CutoverReport) -> Verdict {
    let ok = report.status == Status::Pass;
    let failed = report.promql_checks.iter().filter(|check| !check.matched && !check.accepted).count() as u64;
    let accepted =
        report.promql_checks.iter().filter(|check| !check.matched && check.accepted).count() as u64;
    let all = report.promql_checks.len() as u64 - accepted;
    let headline =
        if ok { "Queries may be moved to tsink.".to_owned() } else { "Do not move queries yet.".to_owned() };
    let data = if report.raw_verify.status == Status::Pass {
        "The data is verified"
    } else {
        "The data is not verified"
    };
    let parity = match (all, failed) {
        (0, _) if accepted > 0 => "no query differs but for a known cause".to_owned(),
        (0, _) => "no query was compared".to_owned(),
        (1, 0) => "the one query answers the same on both sides".to_owned(),
        (2, 0) => "both queries answer the same on both sides".to_owned(),
        (all, 0) => format!("all {all} queries answer the same on both sides"),
        (all, failed) => format!(
            "{failed} of {} differently on the two sides",
            counted(all, "query answers", "queries answer")
        ),
    };
    let parity = match accepted {
        0 => parity,
        n => format!(
            "{parity}; {} accepted as explained",
            counted(n, "query that differs is", "queries that differ are")
        ),
    };
    Verdict { ok, word: if ok { "PASS" } else { "FAIL" }, headline, detail: format!("{data}; {parity}.") }
}

/// `a`, `a and b`, `a, b and c`.
pub fn join(parts: &[String]) -> String {
    match parts {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

fn sentence(parts: &[String]) -> String {
    let text = parts.join("; ");
    let mut letters = text.chars();
    match letters.next() {
        Some(first) => format!("{}{}.", first.to_uppercase(), letters.as_str()),
        None => String::new(),
    }
}

/// A finding's kind in words, and whether it is about something missing.
pub fn finding(kind: FindingKind) -> &'static str {
    match kind {
        FindingKind::MissingSeries => "missing series",
        FindingKind::ExtraSeries => "extra series",
        FindingKind::MissingSamples => "missing",
        FindingKind::ExtraSamples => "extra",
        FindingKind::ValueDiffers => "other value",
        FindingKind::StaleNan => "stale marker",
        FindingKind::DuplicateTimestamp => "duplicate",
        FindingKind::MissingHistograms => "missing",
        FindingKind::ExtraHistograms => "extra",
        FindingKind::HistogramDiffers => "other histogram",
        FindingKind::MissingExemplars => "missing",
        FindingKind::ExtraExemplars => "extra",
        FindingKind::ExemplarDiffers => "other exemplar",
        FindingKind::MetadataDiffers => "other metadata",
        FindingKind::NotCompared => "not compared",
        FindingKind::TimestampShifted => "other time",
        FindingKind::PrecisionLost => "lost precision",
    }
}

/// How much a finding concerns: `1 sample`, `7 exemplars`.
pub fn finding_count(kind: FindingKind, value: u64) -> String {
    let many = finding_unit(kind);
    let one = if many == "entries" { "entry" } else { many.trim_end_matches('s') };
    counted(value, one, many)
}

/// What a finding's count counts.
pub fn finding_unit(kind: FindingKind) -> &'static str {
    match kind {
        FindingKind::MissingHistograms | FindingKind::ExtraHistograms | FindingKind::HistogramDiffers => {
            "histograms"
        }
        FindingKind::MissingExemplars | FindingKind::ExtraExemplars | FindingKind::ExemplarDiffers => {
            "exemplars"
        }
        FindingKind::MetadataDiffers => "entries",
        // Their rows may be samples or histograms.
        FindingKind::MissingSeries | FindingKind::ExtraSeries => "rows",
        _ => "samples",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tsink_migrate_engine::report::{Balance, RunInfo};

    fn report(status: Status, check: RawCheckReport) -> VerifyReport {
        VerifyReport {
            status,
            start_ms: 0,
            end_ms: 1,
            raw_checks: vec![check],
            metadata_checks: Vec::new(),
            exemplar_checks: Vec::new(),
            recheck: None,
            issues: Vec::new(),
            notes: Vec::new(),
            run: RunInfo::default(),
            continued: None,
            slowest: Vec::new(),
        }
    }

    fn equal() -> RawCheckReport {
        RawCheckReport {
            source_series: 1_000,
            target_series: 1_000,
            source_samples: 5_760_000,
            target_samples: 5_760_000,
            ..RawCheckReport::default()
        }
    }

    #[test]
    fn verified() {
        let verdict = verify(&report(Status::Pass, equal()));
        assert_eq!(verdict.word, "Verified");
        assert_eq!(verdict.headline, "All 5,760,000 samples in 1,000 series agree.");
        let check = RawCheckReport { source_histograms: 40, target_histograms: 40, ..equal() };
        let headline = verify(&report(Status::Pass, check)).headline;
        assert_eq!(headline, "All 5,760,000 samples and 40 native histograms in 1,000 series agree.");
        let check = RawCheckReport { source_samples: 0, target_samples: 0, source_histograms: 2, ..equal() };
        let headline = verify(&report(Status::Pass, check)).headline;
        assert_eq!(headline, "All 2 native histograms in 1,000 series agree.");
    }

    #[test]
    fn not_verified_says_how_much_and_in_which_way() {
        let check = RawCheckReport {
            target_samples: 5_759_774,
            sample_mismatches: 226,
            missing_samples: 226,
            ..equal()
        };
        let verdict = verify(&report(Status::Fail, check.clone()));
        assert_eq!(verdict.word, "Not verified");
        assert_eq!(verdict.headline, "226 of 5,760,000 samples in 1,000 series differ.");
        assert_eq!(verdict.detail, "What differs is missing in the target; nothing has a wrong value.");

        let check =
            RawCheckReport { differing_samples: 2, sample_mismatches: 228, missing_series: 1, ..check };
        let verdict = verify(&report(Status::Fail, check));
        assert_eq!(
            verdict.headline,
            "228 of 5,760,000 samples in 1,000 series differ; 1 series is missing in the target."
        );
        assert_eq!(verdict.detail, "Samples: 226 missing in the target and 2 with another value.");
    }

    #[test]
    fn a_repair_says_what_it_did_and_what_is_left() {
        let report = |status, verified| RepairReport {
            status,
            start_ms: 0,
            end_ms: 1,
            repaired: Vec::new(),
            samples_written: 40,
            histograms_written: 0,
            exemplars_written: 0,
            metadata_written: 1,
            write_batches: 1,
            retries: 0,
            balance: Balance::default(),
            rejections: Vec::new(),
            rejections_omitted: 0,
            unrepairable: Vec::new(),
            verify: report(verified, equal()),
            issues: Vec::new(),
            notes: Vec::new(),
            run: RunInfo::default(),
        };
        let words = |status, verified| repair(&report(status, verified)).headline;
        assert_eq!(
            words(Status::Pass, Status::Pass),
            "40 samples and 1 metadata entry copied; the repaired parts agree now."
        );
        assert!(words(Status::Fail, Status::Pass).ends_with("but something is left."));
        assert!(words(Status::Fail, Status::Fail).ends_with("some parts still differ."));
    }

    #[test]
    fn an_empty_window_does_not_sound_like_a_success_of_samples() {
        let verdict = verify(&report(Status::Pass, RawCheckReport::default()));
        assert_eq!(verdict.headline, "Neither side has a sample in this window.");
    }

    #[test]
    fn lists() {
        assert_eq!(join(&[]), "");
        assert_eq!(join(&["a".to_owned()]), "a");
        assert_eq!(join(&["a".to_owned(), "b".to_owned(), "c".to_owned()]), "a, b and c");
    }
}
