//! A report as it may be drawn: its lists are as long as the engine makes them, a stranger's may be longer.

use tsink_migrate_engine::report::{
    BackfillReport, Balance, CutoverReport, PreflightReport, Rejection, Report, VerifyReport,
};

/// Rows of a list drawn at most.
const MOST: usize = 200;

/// Whether nothing has to be cut.
pub fn is_bound(report: &Report) -> bool {
    match report {
        Report::Preflight(report) => is_bound_preflight(report),
        Report::Backfill(report) => {
            is_bound_preflight(&report.preflight)
                && is_bound_list(&report.rejections)
                && is_bound_balance(&report.balance)
        }
        Report::Verify(report) => is_bound_verify(report),
        Report::Repair(report) => {
            fits(&report.repaired)
                && report.repaired.iter().all(|one| fits(&one.windows))
                && is_bound_list(&report.rejections)
                && is_bound_balance(&report.balance)
                && is_bound_verify(&report.verify)
        }
        Report::Cutover(report) => {
            is_bound_verify(&report.raw_verify)
                && fits(&report.promql_checks)
                && fits(&report.checklist)
                && fits(&report.probes)
                && fits(&report.freshness)
                && fits(&report.open_differences)
                && report.balance.as_ref().is_none_or(is_bound_balance)
                && report.undo.as_ref().is_none_or(|undo| fits(&undo.selectors) && fits(&undo.warnings))
        }
    }
}

fn fits<T>(list: &[T]) -> bool {
    list.len() <= MOST
}

fn is_bound_preflight(report: &PreflightReport) -> bool {
    fits(&report.endpoints) && fits(&report.notes)
}

fn is_bound_list(list: &[Rejection]) -> bool {
    fits(list) && list.iter().all(|rejection| fits(&rejection.series))
}

fn is_bound_balance(balance: &Balance) -> bool {
    [&balance.samples, &balance.histograms, &balance.exemplars, &balance.metadata]
        .iter()
        .all(|line| line.rejected.len() <= MOST)
}

fn is_bound_verify(report: &VerifyReport) -> bool {
    report.raw_checks.len() <= 5 * MOST
        && report.raw_checks.iter().all(|check| {
            fits(&check.coverage.rows)
                && check
                    .findings
                    .iter()
                    .filter_map(|finding| finding.excerpt.as_ref())
                    .all(|excerpt| fits(&excerpt.source) && fits(&excerpt.target))
        })
        && report.metadata_checks.iter().all(|check| fits(&check.source) && fits(&check.target))
}

/// Cuts what would take too long to draw. Nothing is lost: the file has all.
pub fn bound(report: &mut Report) {
    match report {
        Report::Preflight(report) => preflight(report),
        Report::Backfill(report) => backfill(report),
        Report::Verify(report) => verify(report),
        Report::Repair(report) => {
            report.repaired.truncate(MOST);
            report.repaired.iter_mut().for_each(|one| one.windows.truncate(MOST));
            rejections(&mut report.rejections, &mut report.rejections_omitted);
            balance(&mut report.balance);
            verify(&mut report.verify);
        }
        Report::Cutover(report) => cutover(report),
    }
}

fn preflight(report: &mut PreflightReport) {
    report.endpoints.truncate(MOST);
    report.notes.truncate(MOST);
}

fn backfill(report: &mut BackfillReport) {
    preflight(&mut report.preflight);
    rejections(&mut report.rejections, &mut report.rejections_omitted);
    balance(&mut report.balance);
}

fn verify(report: &mut VerifyReport) {
    report.raw_checks.truncate(5 * MOST);
    for check in &mut report.raw_checks {
        check.coverage.rows.truncate(MOST);
        check.findings.iter_mut().filter_map(|finding| finding.excerpt.as_mut()).for_each(|excerpt| {
            excerpt.source.truncate(MOST);
            excerpt.target.truncate(MOST);
        });
    }
    for check in &mut report.metadata_checks {
        check.source.truncate(MOST);
        check.target.truncate(MOST);
    }
}

fn cutover(report: &mut CutoverReport) {
    verify(&mut report.raw_verify);
    report.promql_checks.truncate(MOST);
    report.checklist.truncate(MOST);
    report.probes.truncate(MOST);
    report.freshness.truncate(MOST);
    report.open_differences.truncate(MOST);
    if let Some(own) = &mut report.balance {
        balance(own);
    }
    if let Some(undo) = &mut report.undo {
        undo.selectors.truncate(MOST);
        undo.warnings.truncate(MOST);
    }
}

fn rejections(list: &mut Vec<Rejection>, omitted: &mut u64) {
    *omitted = omitted.saturating_add(list.len().saturating_sub(MOST) as u64);
    list.truncate(MOST);
    list.iter_mut().for_each(|rejection| rejection.series.truncate(MOST));
}

/// The reasons beyond become one, so that the sums stay.
fn balance(balance: &mut Balance) {
    for line in [&mut balance.samples, &mut balance.histograms, &mut balance.exemplars, &mut balance.metadata]
    {
        let mut rest = 0u64;
        while line.rejected.len() >= MOST {
            let Some((_, rows)) = line.rejected.pop_last() else { break };
            rest = rest.saturating_add(rows);
        }
        if rest > 0 {
            line.rejected.insert("other reasons".to_owned(), rest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tsink_migrate_engine::report::BalanceLine;

    #[test]
    fn reasons_without_end_become_one_and_the_sum_stays() {
        let rejected = (0..10_000).map(|at| (format!("reason {at:05}"), 2)).collect();
        let mut own =
            Balance { samples: BalanceLine { rejected, ..BalanceLine::default() }, ..Balance::default() };
        assert!(!is_bound_balance(&own));
        balance(&mut own);
        assert!(is_bound_balance(&own));
        assert_eq!(own.samples.rejected.len(), MOST);
        assert_eq!(own.samples.rejected_total(), 20_000);
    }
}
