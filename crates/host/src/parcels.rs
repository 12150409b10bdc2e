//! A report on its way to the page, in parcels: its findings go ahead, some at a time, and the report follows without
//! them. A report of ten thousand findings holds half a million texts, and reading them in one go would hold the
//! page's main thread up for longer than the eye forgives.

use serde::{Deserialize, Serialize};
use tsink_migrate_engine::report::{Finding, Report, VerifyReport};
use tsink_migrate_engine::run::Event;

/// Points of excerpts in a parcel, about; a finding counts as one more.
const MOST_POINTS: usize = 4_000;

/// Findings of one list of a report.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Parcel {
    /// The list, counted over all checks of the report: raw, metadata, exemplars.
    pub list: u32,
    /// Findings that come next in it.
    pub findings: Vec<Finding>,
}

fn lists(report: &mut Report) -> Vec<&mut Vec<Finding>> {
    let verify: &mut VerifyReport = match report {
        Report::Verify(report) => report,
        Report::Repair(report) => &mut report.verify,
        Report::Cutover(report) => &mut report.raw_verify,
        Report::Preflight(_) | Report::Backfill(_) => return Vec::new(),
    };
    let raw = verify.raw_checks.iter_mut().map(|check| &mut check.findings);
    let metadata = verify.metadata_checks.iter_mut().map(|check| &mut check.findings);
    let exemplars = verify.exemplar_checks.iter_mut().map(|check| &mut check.findings);
    raw.chain(metadata).chain(exemplars).collect()
}

fn weight(finding: &Finding) -> usize {
    1 + finding.excerpt.as_ref().map_or(0, |excerpt| excerpt.source.len() + excerpt.target.len())
}

/// Takes the findings out of a report, in parcels that are read in no time.
pub fn unload(report: &mut Report) -> Vec<Parcel> {
    let mut parcels = Vec::new();
    for (list, findings) in lists(report).into_iter().enumerate() {
        let list = u32::try_from(list).unwrap_or(u32::MAX);
        let mut parcel = Parcel { list, findings: Vec::new() };
        let mut heavy = 0;
        for finding in std::mem::take(findings) {
            heavy += weight(&finding);
            parcel.findings.push(finding);
            if heavy >= MOST_POINTS {
                heavy = 0;
                parcels.push(std::mem::replace(&mut parcel, Parcel { list, findings: Vec::new() }));
            }
        }
        if !parcel.findings.is_empty() {
            parcels.push(parcel);
        }
    }
    parcels
}

/// Puts findings that went ahead into their report. What fits into no list is none of this report's, and is dropped.
pub fn load(report: &mut Report, parcels: Vec<Parcel>) {
    let mut lists = lists(report);
    for Parcel { list, findings } in parcels {
        if let Some(own) = lists.get_mut(list as usize) {
            own.extend(findings);
        }
    }
}

/// Takes the findings out of a check that is told of before its report: until that is there, counts will do.
pub fn lighten(event: &mut Event) {
    match event {
        Event::RawCheck { check } => check.findings.clear(),
        Event::MetadataCheck { check } => check.findings.clear(),
        Event::ExemplarCheck { check } => check.findings.clear(),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tsink_migrate_engine::report::{
        Excerpt, ExcerptPoint, ExemplarCheckReport, FindingKind, MetadataCheckReport, RawCheckReport,
        RunInfo, Status,
    };

    fn finding(at: u64, points: usize) -> Finding {
        let point = |at_ms| ExcerptPoint { at_ms, value: "1".to_owned() };
        Finding {
            series: format!("up{{at=\"{at}\"}}"),
            count: at,
            excerpt: Some(Excerpt { source: (0..points as i64).map(point).collect(), ..Excerpt::default() }),
            ..Finding::of(FindingKind::ValueDiffers)
        }
    }

    fn report() -> Report {
        let raw = |from: u64, to: u64| RawCheckReport {
            findings: (from..to).map(|at| finding(at, 99)).collect(),
            ..RawCheckReport::default()
        };
        Report::Verify(VerifyReport {
            status: Status::Fail,
            start_ms: 0,
            end_ms: 1,
            raw_checks: vec![raw(0, 95), RawCheckReport::default(), raw(95, 97)],
            metadata_checks: vec![MetadataCheckReport {
                findings: vec![finding(97, 0)],
                ..Default::default()
            }],
            exemplar_checks: vec![ExemplarCheckReport {
                findings: vec![finding(98, 0)],
                ..Default::default()
            }],
            recheck: None,
            issues: Vec::new(),
            notes: Vec::new(),
            continued: None,
            slowest: Vec::new(),
            run: RunInfo::default(),
        })
    }

    #[test]
    fn findings_come_back_to_their_places() {
        let (whole, mut sent) = (report(), report());
        let parcels = unload(&mut sent);
        assert_eq!(parcels.iter().map(|one| one.findings.len()).collect::<Vec<_>>(), [40, 40, 15, 2, 1, 1]);
        assert!(lists(&mut sent).iter().all(|list| list.is_empty()));
        load(&mut sent, parcels);
        let json = tsink_migrate_engine::report::json;
        assert_eq!(json(&sent), json(&whole));
    }

    #[test]
    fn parcels_of_another_report_do_no_harm() {
        let mut report = report();
        load(&mut report, vec![Parcel { list: 900, findings: vec![finding(1, 1)] }]);
        assert_eq!(lists(&mut report).iter().map(|list| list.len()).sum::<usize>(), 99);
    }

    #[test]
    fn a_check_ahead_of_its_report_has_counts_only() {
        let check = RawCheckReport {
            findings: vec![finding(1, 1)],
            findings_omitted: 5,
            ..RawCheckReport::default()
        };
        let mut event = Event::RawCheck { check };
        lighten(&mut event);
        assert!(
            matches!(event, Event::RawCheck { check } if check.findings.is_empty() && check.findings_omitted == 5)
        );
    }
}
