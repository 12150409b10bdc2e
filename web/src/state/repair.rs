//! What a repair would do, before it is started: what copying mends of a verification, and what it cannot.

use std::collections::BTreeMap;
use tsink_migrate_engine::model::Window;
use tsink_migrate_engine::report::FindingKind;
use tsink_migrate_engine::run::repair_parts;

use super::findings::Found;
use super::verified::Verified;

/// What copying does about a difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mends {
    /// Copies what is missing.
    Copies,
    /// Compares again.
    Compares,
    /// Nothing: what is there stays.
    Nothing,
}

impl Mends {
    /// For a kind of difference.
    pub fn of(kind: FindingKind) -> Self {
        match kind {
            FindingKind::MissingSeries
            | FindingKind::MissingSamples
            | FindingKind::MissingHistograms
            | FindingKind::MissingExemplars
            | FindingKind::MetadataDiffers => Self::Copies,
            FindingKind::NotCompared => Self::Compares,
            _ => Self::Nothing,
        }
    }
}

/// What a repair would do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outlook {
    /// Parts of the window, over all selectors.
    pub parts: u64,
    /// Selectors that have any.
    pub selectors: u64,
    /// Findings that copying mends.
    pub copies: u64,
    /// Findings about what could not be compared.
    pub compares: u64,
    /// Findings that copying does not mend, by kind.
    pub stays: BTreeMap<FindingKind, u64>,
}

impl Outlook {
    /// For a verification.
    pub fn of(report: &Verified) -> Self {
        let mut outlook = Self::default();
        let window = Window { start_ms: report.start_ms, end_ms: report.end_ms };
        for check in report.raw_checks.iter().filter(|check| !check.differing.is_empty()) {
            outlook.parts += repair_parts(&check.differing, window).len() as u64;
            outlook.selectors += 1;
        }
        for count in Found::of(report).counts {
            match Mends::of(count.kind) {
                Mends::Copies => outlook.copies = outlook.copies.saturating_add(count.total),
                Mends::Compares => outlook.compares = outlook.compares.saturating_add(count.total),
                Mends::Nothing => {
                    outlook.stays.insert(count.kind, count.total);
                }
            }
        }
        outlook
    }

    /// Whether there is anything that it could do.
    pub fn is_worth_it(&self) -> bool {
        self.copies + self.compares > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use tsink_migrate_engine::report::{RawCheckReport, Report, RunInfo, Status, VerifyReport};

    fn report(by_kind: &[(FindingKind, u64)], differing: usize) -> Verified {
        let check = RawCheckReport {
            by_kind: by_kind.iter().copied().collect(),
            differing: (0..differing as i64)
                .map(|at| Window { start_ms: at * 500, end_ms: at * 500 + 1 })
                .collect(),
            ..RawCheckReport::default()
        };
        let report = VerifyReport {
            status: Status::Fail,
            start_ms: 0,
            end_ms: 1_000,
            raw_checks: vec![check, RawCheckReport::default()],
            metadata_checks: Vec::new(),
            exemplar_checks: Vec::new(),
            recheck: None,
            issues: Vec::new(),
            notes: Vec::new(),
            run: RunInfo::default(),
            continued: None,
            slowest: Vec::new(),
        };
        Verified::of(&Arc::new(Report::Verify(report)))
    }

    #[test]
    fn what_is_missing_can_be_copied_and_the_rest_stays() {
        let kinds = [
            (FindingKind::MissingSamples, 40),
            (FindingKind::NotCompared, 1),
            (FindingKind::ValueDiffers, 3),
        ];
        let outlook = Outlook::of(&report(&kinds, 2));
        assert_eq!((outlook.parts, outlook.selectors), (2, 1));
        assert_eq!((outlook.copies, outlook.compares), (40, 1));
        assert_eq!(outlook.stays, BTreeMap::from([(FindingKind::ValueDiffers, 3)]));
        assert!(outlook.is_worth_it());
        assert!(!Outlook::of(&report(&kinds[2..], 1)).is_worth_it());
    }
}
