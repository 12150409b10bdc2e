//! A shorter report, for a link: counts stay complete, details go, the pictures first.

use tsink_migrate_engine::report::{
    BackfillReport, Coverage, CutoverReport, ExemplarCheckReport, Finding, PromqlCheckReport, Rejection,
    Report, RunInfo, VerifyReport,
};

/// How many ways there are to shorten a report, the mildest first.
pub const STEPS: usize = 4;
/// Details of each kind that stay at a step; none: all.
const KEEP: [Option<usize>; STEPS] = [None, Some(20), Some(5), Some(1)];
/// What a shortened report says about itself.
const NOTE: &str =
    "Shortened to fit into a link: pictures and some details are left out, counts are complete.";

/// Shortens a report by a step, 0 to [`STEPS`] − 1.
pub fn shorten(report: &mut Report, step: usize) {
    let keep = KEEP.get(step).copied().flatten().unwrap_or(usize::MAX);
    match report {
        Report::Preflight(report) => run(&mut report.run),
        Report::Backfill(report) => {
            backfill(report, keep);
            report.notes.push(NOTE.to_owned());
        }
        Report::Verify(report) => {
            verify(report, keep);
            report.notes.push(NOTE.to_owned());
        }
        Report::Repair(report) => {
            run(&mut report.run);
            verify(&mut report.verify, keep);
            rejections(&mut report.rejections, &mut report.rejections_omitted, keep);
            sentences(&mut report.issues, keep);
            report.notes.push(NOTE.to_owned());
        }
        Report::Cutover(report) => {
            cutover(report, keep);
            report.notes.push(NOTE.to_owned());
        }
    }
}

fn run(run: &mut RunInfo) {
    run.progress.clear();
}

fn backfill(report: &mut BackfillReport, keep: usize) {
    run(&mut report.run);
    run(&mut report.preflight.run);
    rejections(&mut report.rejections, &mut report.rejections_omitted, keep);
    sentences(&mut report.issues, keep);
    if keep < usize::MAX {
        report.preflight.recording = None;
        report.preflight.estimate = None;
    }
}

fn verify(report: &mut VerifyReport, keep: usize) {
    run(&mut report.run);
    for check in &mut report.raw_checks {
        check.coverage = Coverage::default();
        findings(&mut check.findings, &mut check.findings_omitted, keep);
        sentences(&mut check.issues, keep);
    }
    for check in &mut report.exemplar_checks {
        let ExemplarCheckReport { findings: own, findings_omitted, issues, .. } = check;
        findings(own, findings_omitted, keep);
        sentences(issues, keep);
    }
    for check in &mut report.metadata_checks {
        findings(&mut check.findings, &mut 0, keep);
        check.source.truncate(keep);
        check.target.truncate(keep);
    }
    sentences(&mut report.issues, keep);
}

fn cutover(report: &mut CutoverReport, keep: usize) {
    run(&mut report.run);
    verify(&mut report.raw_verify, keep);
    for check in &mut report.promql_checks {
        let PromqlCheckReport { differences, differences_omitted, issues, .. } = check;
        cut(differences, differences_omitted, keep);
        for difference in differences {
            difference.excerpt = None;
        }
        sentences(issues, keep);
    }
    sentences(&mut report.issues, keep);
}

fn findings(list: &mut Vec<Finding>, omitted: &mut u64, keep: usize) {
    cut(list, omitted, keep);
    for finding in list {
        finding.excerpt = None;
    }
}

fn rejections(list: &mut Vec<Rejection>, omitted: &mut u64, keep: usize) {
    cut(list, omitted, keep);
}

fn cut<T>(list: &mut Vec<T>, omitted: &mut u64, keep: usize) {
    *omitted = omitted.saturating_add(list.len().saturating_sub(keep) as u64);
    list.truncate(keep);
}

/// Sentences have no counter of what was left out: the last one says it.
fn sentences(list: &mut Vec<String>, keep: usize) {
    let gone = list.len().saturating_sub(keep);
    if gone > 1 {
        list.truncate(keep);
        list.push(format!("and {gone} more, left out to fit into a link"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tsink_migrate_engine::report::{Excerpt, FindingKind, RawCheckReport, Status, json};

    fn finding(at: usize) -> Finding {
        Finding {
            selector: "up".to_owned(),
            series: format!("up{{instance=\"{at}\"}}"),
            count: 1,
            first_ms: Some(1),
            last_ms: Some(1),
            excerpt: Some(Excerpt::default()),
            ..Finding::of(FindingKind::MissingSamples)
        }
    }

    #[test]
    fn every_step_is_shorter_and_counts_stay() {
        let check = RawCheckReport {
            sample_mismatches: 100,
            findings: (0..100).map(finding).collect(),
            findings_omitted: 7,
            issues: (0..100).map(|at| format!("issue {at}")).collect(),
            ..RawCheckReport::default()
        };
        let whole = Report::Verify(VerifyReport {
            status: Status::Fail,
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
        });
        let mut before = json(&whole).len();
        for (step, left) in [100, 20, 5, 1].into_iter().enumerate() {
            let mut report = whole.clone();
            shorten(&mut report, step);
            let length = json(&report).len();
            assert!(length < before, "step {step}: {length} is not less than {before}");
            before = length;
            let Report::Verify(report) = report else { panic!("another report") };
            let check = &report.raw_checks[0];
            assert_eq!(check.sample_mismatches, 100);
            assert_eq!((check.findings.len(), check.findings_omitted), (left, 107 - left as u64));
            assert!(check.findings.iter().all(|finding| finding.excerpt.is_none()));
            assert!(report.notes.iter().any(|note| note.contains("Shortened")));
        }
    }

    #[test]
    fn sentences_say_what_is_left_out() {
        let mut list: Vec<String> = (0..5).map(|at| at.to_string()).collect();
        sentences(&mut list, 2);
        assert_eq!(list, ["0", "1", "and 3 more, left out to fit into a link"]);
        sentences(&mut list, 2);
        assert_eq!(list.len(), 3);
    }
}
