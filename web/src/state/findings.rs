//! Findings, gathered: what happened to many series for one cause is one thing to know, not many. From counts by kind
//! over causes down to the one finding.

use super::verified::Verified;
use std::collections::BTreeMap;
use std::sync::Arc;
use tsink_migrate_engine::model::Millis;
use tsink_migrate_engine::report::{Finding, FindingKind, VerifyReport};

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
    /// Members by their index, the largest first.
    pub members: Vec<usize>,
}

/// How many findings of a kind there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KindCount {
    /// Kind.
    pub kind: FindingKind,
    /// All of them.
    pub total: u64,
    /// Those that the report lists.
    pub listed: u64,
}

/// What is looked at.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filter {
    /// Of this kind only.
    pub kind: Option<FindingKind>,
    /// Of this selector only.
    pub selector: Option<String>,
    /// Of this series only.
    pub series: Option<String>,
    /// With this in series or selector, in letters of either case.
    pub text: String,
}

impl Filter {
    fn takes(&self, finding: &Finding) -> bool {
        let text = self.text.trim().to_lowercase();
        self.kind.is_none_or(|kind| kind == finding.kind)
            && self.selector.as_ref().is_none_or(|selector| *selector == finding.selector)
            && self.series.as_ref().is_none_or(|series| *series == finding.series)
            && (text.is_empty()
                || finding.series.to_lowercase().contains(&text)
                || finding.selector.to_lowercase().contains(&text))
    }
}

/// Everything that a verification found.
#[derive(Clone, Debug, Default)]
pub struct Found {
    report: Verified,
    /// Where the findings that the report lists are: list of checks, check, finding.
    places: Arc<[(u8, u32, u32)]>,
    /// By kind, in the order of the kinds.
    pub counts: Vec<KindCount>,
    /// Findings that are counted, but of which the kind is not known either.
    pub omitted: u64,
}

impl Found {
    /// Of a report.
    pub fn of(report: &Verified) -> Self {
        let of_check = |list: u8, (check, findings): (usize, &Vec<Finding>)| {
            (0..findings.len()).map(move |at| (list, check as u32, at as u32)).collect::<Vec<_>>()
        };
        let raw = report.raw_checks.iter().map(|check| &check.findings).enumerate();
        let metadata = report.metadata_checks.iter().map(|check| &check.findings).enumerate();
        let exemplars = report.exemplar_checks.iter().map(|check| &check.findings).enumerate();
        let places: Arc<[(u8, u32, u32)]> = raw
            .flat_map(|one| of_check(0, one))
            .chain(metadata.flat_map(|one| of_check(1, one)))
            .chain(exemplars.flat_map(|one| of_check(2, one)))
            .collect();
        let mut counts: BTreeMap<FindingKind, KindCount> = BTreeMap::new();
        for finding in places.iter().filter_map(|place| at(report, *place)) {
            let kind = finding.kind;
            let count = counts.entry(kind).or_insert(KindCount { kind, total: 0, listed: 0 });
            count.total += 1;
            count.listed += 1;
        }
        let mut omitted: u64 =
            report.exemplar_checks.iter().fold(0, |all, check| all.saturating_add(check.findings_omitted));
        for check in &report.raw_checks {
            let mut known: u64 = 0;
            for (kind, all) in &check.by_kind {
                let own = check.findings.iter().filter(|finding| finding.kind == *kind).count() as u64;
                let hidden = all.saturating_sub(own);
                known = known.saturating_add(hidden);
                let count = counts.entry(*kind).or_insert(KindCount { kind: *kind, total: 0, listed: 0 });
                count.total = count.total.saturating_add(hidden);
            }
            omitted = omitted.saturating_add(check.findings_omitted.saturating_sub(known));
        }
        let report = report.clone();
        Self {
            report,
            places,
            counts: counts.into_values().filter(|count| count.total > 0).collect(),
            omitted,
        }
    }

    /// How many there are, listed or not.
    pub fn total(&self) -> u64 {
        self.counts.iter().fold(self.omitted, |sum, count| sum.saturating_add(count.total))
    }

    /// How many are counted, but not listed.
    pub fn not_listed(&self) -> u64 {
        self.total().saturating_sub(self.places.len() as u64)
    }

    /// The groups of what passes the filter; those with the largest count come first.
    pub fn groups(&self, filter: &Filter) -> Vec<Group> {
        let all = self.places.iter().enumerate();
        let all = all.filter_map(|(index, place)| Some((index, at(&self.report, *place)?)));
        gather(all.filter(|(_, finding)| filter.takes(finding)))
    }

    /// A finding.
    pub fn get(&self, at: usize) -> Option<&Finding> {
        self::at(&self.report, *self.places.get(at)?)
    }

    /// How many the report lists.
    pub fn listed(&self) -> usize {
        self.places.len()
    }
}

fn at(report: &VerifyReport, (list, check, at): (u8, u32, u32)) -> Option<&Finding> {
    let check = check as usize;
    let findings = match list {
        0 => &report.raw_checks.get(check)?.findings,
        1 => &report.metadata_checks.get(check)?.findings,
        _ => &report.exemplar_checks.get(check)?.findings,
    };
    findings.get(at as usize)
}

/// Gathers findings with their indices.
fn gather<'a>(findings: impl Iterator<Item = (usize, &'a Finding)>) -> Vec<Group> {
    let mut places: BTreeMap<(FindingKind, &str, &str), usize> = BTreeMap::new();
    let mut groups: Vec<(Group, Vec<(usize, &Finding)>)> = Vec::new();
    let mut last: Option<(usize, &Finding)> = None;
    for (at, finding) in findings {
        let next = groups.len();
        // Findings of one cause mostly stand together.
        let same = |other: &Finding| {
            (other.kind, &other.selector, &other.cause) == (finding.kind, &finding.selector, &finding.cause)
        };
        let place = match last {
            Some((place, other)) if same(other) => place,
            _ => *places.entry((finding.kind, &finding.selector, &finding.cause)).or_insert(next),
        };
        last = Some((place, finding));
        if place == next {
            groups.push((Group::of(finding), Vec::new()));
        }
        if let Some((group, members)) = groups.get_mut(place) {
            group.add(finding);
            members.push((at, finding));
        }
    }
    let mut groups: Vec<Group> = groups
        .into_iter()
        .map(|(mut group, mut members)| {
            tsink_migrate_engine::order::sort_by_key(&mut members, |(_, member)| {
                std::cmp::Reverse(member.count)
            });
            group.remedy = members.first().map(|(_, member)| member.remedy.clone()).unwrap_or_default();
            group.members = members.into_iter().map(|(at, _)| at).collect();
            group
        })
        .collect();
    tsink_migrate_engine::order::sort_by_key(&mut groups, |group| std::cmp::Reverse(group.count));
    groups
}

impl Group {
    fn of(finding: &Finding) -> Self {
        Self {
            kind: finding.kind,
            selector: finding.selector.clone(),
            cause: finding.cause.clone(),
            remedy: String::new(),
            count: 0,
            first_ms: None,
            last_ms: None,
            members: Vec::new(),
        }
    }

    fn add(&mut self, finding: &Finding) {
        self.count = self.count.saturating_add(finding.count);
        self.first_ms = self.first_ms.into_iter().chain(finding.first_ms).min();
        self.last_ms = self.last_ms.into_iter().chain(finding.last_ms).max();
    }
}

/// The finding to show first: the largest of the first group, and rather one with a picture.
pub fn first_shown(found: &Found, groups: &[Group]) -> Option<usize> {
    let members = || groups.iter().flat_map(|group| group.members.iter().copied());
    let has_picture = |at: &usize| found.get(*at).is_some_and(|finding| finding.excerpt.is_some());
    members().find(has_picture).or_else(|| members().next())
}

/// The finding before or after another in the order of the groups.
pub fn beside(groups: &[Group], of: usize, back: bool) -> Option<usize> {
    let order: Vec<usize> = groups.iter().flat_map(|group| group.members.iter().copied()).collect();
    let place = order.iter().position(|at| *at == of)?;
    let beside = if back { place.checked_sub(1)? } else { place + 1 };
    order.get(beside).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tsink_migrate_engine::report::{
        Excerpt, MetadataCheckReport, RawCheckReport, Report, RunInfo, Status,
    };

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

    fn found(checks: Vec<RawCheckReport>, metadata: Vec<Finding>) -> Found {
        let metadata = MetadataCheckReport { findings: metadata, ..MetadataCheckReport::default() };
        Found::of(&Verified::of(&Arc::new(Report::Verify(VerifyReport {
            status: Status::Fail,
            start_ms: 0,
            end_ms: 1,
            raw_checks: checks,
            metadata_checks: vec![metadata],
            exemplar_checks: Vec::new(),
            recheck: None,
            issues: Vec::new(),
            notes: Vec::new(),
            run: RunInfo::default(),
            continued: None,
            slowest: Vec::new(),
        }))))
    }

    fn some() -> Found {
        let findings = vec![
            finding(FindingKind::ValueDiffers, "x", 4, 0),
            finding(FindingKind::MissingSamples, "a", 2, 50),
            Finding { excerpt: Some(Excerpt::default()), ..finding(FindingKind::MissingSamples, "b", 7, 20) },
        ];
        let by_kind = BTreeMap::from([(FindingKind::ValueDiffers, 1), (FindingKind::MissingSamples, 40)]);
        let check = RawCheckReport { findings, by_kind, findings_omitted: 38, ..RawCheckReport::default() };
        let help = Finding { field: "help".to_owned(), ..finding(FindingKind::MetadataDiffers, "up", 1, 0) };
        found(vec![check], vec![help])
    }

    #[test]
    fn one_cause_is_one_group() {
        let found = some();
        let groups = found.groups(&Filter::default());
        assert_eq!(groups.len(), 3);
        let first = &groups[0];
        assert_eq!((first.kind, first.count, first.members.len()), (FindingKind::MissingSamples, 9, 2));
        assert_eq!((first.first_ms, first.last_ms), (Some(20), Some(60)));
        assert_eq!(first.remedy, "backfill from 20");
        assert_eq!(found.get(first.members[0]).map(|one| one.series.as_str()), Some("b"));
        assert_eq!(Found::default().groups(&Filter::default()), []);
    }

    #[test]
    fn counts_are_complete_whatever_is_listed() {
        let found = some();
        let counts: Vec<_> =
            found.counts.iter().map(|count| (count.kind, count.total, count.listed)).collect();
        let wanted = [
            (FindingKind::MissingSamples, 40, 2),
            (FindingKind::ValueDiffers, 1, 1),
            (FindingKind::MetadataDiffers, 1, 1),
        ];
        assert_eq!(counts, wanted);
        assert_eq!((found.total(), found.not_listed(), found.omitted), (42, 38, 0));
        // A file of an older version does not count by kind.
        let old = RawCheckReport {
            findings: vec![finding(FindingKind::ExtraSamples, "a", 1, 0)],
            findings_omitted: 9,
            ..RawCheckReport::default()
        };
        let old = super::tests::found(vec![old], Vec::new());
        assert_eq!((old.total(), old.not_listed(), old.omitted), (10, 9, 9));
    }

    #[test]
    fn filters_lead_down_to_one_finding() {
        let found = some();
        let of = |filter: Filter| -> Vec<usize> {
            found.groups(&filter).into_iter().flat_map(|group| group.members).collect()
        };
        assert_eq!(of(Filter { kind: Some(FindingKind::ValueDiffers), ..Filter::default() }), [0]);
        assert_eq!(of(Filter { series: Some("a".to_owned()), ..Filter::default() }), [1]);
        assert_eq!(of(Filter { text: " UP".to_owned(), ..Filter::default() }).len(), 4);
        assert!(of(Filter { selector: Some("down".to_owned()), ..Filter::default() }).is_empty());
    }

    #[test]
    fn from_one_finding_to_the_next() {
        let found = some();
        let groups = found.groups(&Filter::default());
        assert_eq!(first_shown(&found, &groups), Some(2));
        assert_eq!(beside(&groups, 2, true), None);
        assert_eq!(beside(&groups, 2, false), Some(1));
        assert_eq!(beside(&groups, 1, false), Some(0));
        assert_eq!(beside(&groups, 3, false), None);
        assert_eq!(beside(&groups, 99, false), None);
    }
}
