//! Open differences by their age.

use crate::model::Millis;
use crate::report::{AgeGroup, Finding, VerifyReport};

/// Younger than this, in ms: 5 min, 1 h, 1 day.
const LIMITS: [i64; 3] = [5 * 60_000, 3_600_000, 86_400_000];

/// What was found, by the age of its newest row at `now`; none for what has no time (metadata), which counts as old.
pub(super) fn groups(verified: &VerifyReport, now: Millis) -> Vec<AgeGroup> {
    let limits = LIMITS.into_iter().map(Some).chain([None]);
    let mut groups: Vec<AgeGroup> =
        limits.map(|younger_than_ms| AgeGroup { younger_than_ms, ..AgeGroup::default() }).collect();
    for finding in findings(verified) {
        let age = finding.last_ms.or(finding.first_ms).map_or(i64::MAX, |at| now.saturating_sub(at));
        let group = groups.iter_mut().find(|group| group.younger_than_ms.is_none_or(|limit| age < limit));
        if let Some(group) = group {
            group.findings += 1;
            group.rows += finding.count;
        }
    }
    groups
}

/// Findings that the report counts and does not list.
pub(super) fn unlisted(verified: &VerifyReport) -> u64 {
    verified.raw_checks.iter().map(|check| check.findings_omitted).sum::<u64>()
        + verified.exemplar_checks.iter().map(|check| check.findings_omitted).sum::<u64>()
}

fn findings(verified: &VerifyReport) -> impl Iterator<Item = &Finding> {
    let raw = verified.raw_checks.iter().flat_map(|check| &check.findings);
    let exemplars = verified.exemplar_checks.iter().flat_map(|check| &check.findings);
    let metadata = verified.metadata_checks.iter().flat_map(|check| &check.findings);
    raw.chain(exemplars).chain(metadata)
}
