//! Findings, gathered: what happened to many series for one cause is one thing to know, not many.

use tsink_migrate_engine::model::Millis;
use tsink_migrate_engine::report::{Finding, FindingKind};

/// Findings of one kind, selector and cause.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// Kind.
    pub kind: FindingKind,
    /// Selector or query.
    pub selector: String,
    /// Probable cause; empty when none is known.
    pub cause: String,
    /// What to do, as the largest member has it.
    pub remedy: String,
    /// Sum of the members' counts.
    pub count: u64,
    /// First ms of any member.
    pub first_ms: Option<Millis>,
    /// Last ms of any member.
    pub last_ms: Option<Millis>,
    /// Members, the largest first.
    pub members: Vec<Finding>,
}

/// Gathers findings; groups with the largest count come first.
pub fn gather(findings: impl IntoIterator<Item = Finding>) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for finding in findings {
        let fits = |group: &&mut Group| {
            group.kind == finding.kind && group.selector == finding.selector && group.cause == finding.cause
        };
        match groups.iter_mut().find(fits) {
            Some(group) => group.add(finding),
            None => groups.push(Group::of(finding)),
        }
    }
    for group in &mut groups {
        tsink_migrate_engine::order::sort_by_key(&mut group.members, |member| {
            std::cmp::Reverse(member.count)
        });
        group.remedy = group.members.first().map(|member| member.remedy.clone()).unwrap_or_default();
    }
    tsink_migrate_engine::order::sort_by_key(&mut groups, |group| std::cmp::Reverse(group.count));
    groups
}

impl Group {
    fn of(finding: Finding) -> Self {
        Self {
            kind: finding.kind,
            selector: finding.selector.clone(),
            cause: finding.cause.clone(),
            remedy: String::new(),
            count: finding.count,
            first_ms: finding.first_ms,
            last_ms: finding.last_ms,
            members: vec![finding],
        }
    }

    fn add(&mut self, finding: Finding) {
        self.count = self.count.saturating_add(finding.count);
        self.first_ms = self.first_ms.into_iter().chain(finding.first_ms).min();
        self.last_ms = self.last_ms.into_iter().chain(finding.last_ms).max();
        self.members.push(finding);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(kind: FindingKind, series: &str, count: u64, first_ms: Millis) -> Finding {
        Finding {
            kind,
            selector: "up".to_owned(),
            series: series.to_owned(),
            count,
            first_ms: Some(first_ms),
            last_ms: Some(first_ms + 10),
            cause: "one write was lost".to_owned(),
            remedy: format!("backfill from {first_ms}"),
            ..Finding::of(kind)
        }
    }

    #[test]
    fn one_cause_is_one_group() {
        let groups = gather([
            finding(FindingKind::ValueDiffers, "x", 4, 0),
            finding(FindingKind::MissingSamples, "a", 2, 50),
            finding(FindingKind::MissingSamples, "b", 7, 20),
        ]);
        assert_eq!(groups.len(), 2);
        let first = &groups[0];
        assert_eq!((first.kind, first.count, first.members.len()), (FindingKind::MissingSamples, 9, 2));
        assert_eq!((first.first_ms, first.last_ms), (Some(20), Some(60)));
        assert_eq!(first.remedy, "backfill from 20");
        assert_eq!(first.members[0].series, "b");
        assert_eq!(gather([]), []);
    }
}
