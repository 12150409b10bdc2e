//! The parts of a window that a verification says differ.

use crate::compare::join_within;
use crate::model::Window;
use crate::plan::Plan;
use crate::report::{MetadataCheckReport, RawCheckReport, VerifyReport};
use crate::run::event::Stage;
use crate::run::slabs;
use std::collections::BTreeSet;

/// Parts with a gap of less than this share of the window between them are one. So a series that is missing as a whole
/// is one part and not one for each of its samples: hundreds of small writes in a row cost tsink more than a few large
/// ones, and 0.10.2 may close its storage under them. What is there already is not written again in any case.
const JOINED_WITHIN: i64 = 60;

/// The parts of a window that a repair copies and compares again, in order: at most some dozen.
pub fn repair_parts(differing: &[Window], window: Window) -> Vec<Window> {
    let inside = differing
        .iter()
        .filter_map(|part| Window::new(part.start_ms.max(window.start_ms), part.end_ms.min(window.end_ms)));
    join_within(inside.collect(), window.len_ms() / JOINED_WITHIN)
}

/// What is copied and compared again.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in super::super) struct Parts {
    selectors: Vec<Part>,
    metrics: BTreeSet<String>,
    checks: BTreeSet<String>,
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Part {
    /// In order, apart from each other.
    windows: Vec<Window>,
    /// The same, cut into slabs.
    cut: Vec<Window>,
    /// Rows that a slab is expected to hold.
    expected: u64,
}

impl Parts {
    /// What `verified` says differs of a plan's job.
    pub fn new(plan: &Plan, window: Window, verified: &VerifyReport) -> Self {
        let selectors = plan.selectors.iter().map(|selector| {
            let check = verified.raw_checks.iter().find(|check| check.selector == selector.text);
            check.map(|check| Part::new(check, window, plan.options.slab_samples)).unwrap_or_default()
        });
        let metadata = verified.metadata_checks.iter().filter(|check| is_repairable(check));
        let exemplars = verified.exemplar_checks.iter().filter(|check| !check.issues.is_empty());
        Self {
            selectors: selectors.collect(),
            metrics: crate::order::set(metadata.map(|check| check.metric.clone())),
            checks: crate::order::set(exemplars.map(|check| check.query.clone())),
        }
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.selectors.iter().all(|part| part.windows.is_empty())
            && self.metrics.is_empty()
            && self.checks.is_empty()
    }

    /// The parts of a selector, by its index in the plan.
    pub fn windows(&self, selector: usize) -> &[Window] {
        self.selectors.get(selector).map_or(&[], |part| &part.windows)
    }

    /// The same, cut into slabs.
    pub fn cut(&self, selector: usize) -> &[Window] {
        self.selectors.get(selector).map_or(&[], |part| &part.cut)
    }

    /// Rows that a slab of a selector is expected to hold.
    pub fn expected(&self, selector: usize) -> u64 {
        self.selectors.get(selector).map_or(0, |part| part.expected)
    }

    /// Whether a slab has something of the parts of a selector.
    pub fn touch(&self, selector: usize, slab: Window) -> bool {
        let windows = self.windows(selector);
        let first = windows.partition_point(|window| window.end_ms < slab.start_ms);
        windows.get(first).is_some_and(|window| window.start_ms <= slab.end_ms)
    }

    /// Whether a metric's metadata is copied.
    pub fn has_metric(&self, metric: &str) -> bool {
        self.metrics.contains(metric)
    }

    /// Whether exemplars are copied at all.
    pub fn has_exemplars(&self) -> bool {
        !self.checks.is_empty()
    }

    /// Whether the exemplars of a query are copied.
    pub fn has_check(&self, query: &str) -> bool {
        self.checks.contains(query)
    }
}

/// Metadata that the source has can be written; what it has not, cannot be taken away.
fn is_repairable(check: &MetadataCheckReport) -> bool {
    !check.matched && check.source_entries > 0
}

impl Part {
    fn new(check: &RawCheckReport, window: Window, slab_samples: u64) -> Self {
        // A report of before there was such a list.
        let unlisted = check.differing.is_empty() && !check.matched();
        let all = [window];
        let told = if unlisted { all.as_slice() } else { check.differing.as_slice() };
        let windows = repair_parts(told, window);
        let rows_in = |part: &Window| {
            let share = part.len_ms() as f64 / window.len_ms() as f64;
            (check.source_rows as f64 * share).ceil() as u64
        };
        let slabs = |part: &Window| slabs::cut(*part, Some(rows_in(part)), slab_samples, Stage::Repair);
        let cut: Vec<Window> = windows.iter().flat_map(slabs).collect();
        let rows: u64 = windows.iter().map(rows_in).sum();
        Self { expected: rows / (cut.len() as u64).max(1), windows, cut }
    }
}

#[cfg(test)]
mod tests {
    use super::{Part, repair_parts};
    use crate::model::Window;
    use crate::report::RawCheckReport;

    const DAY: Window = Window { start_ms: 0, end_ms: 86_399_999 };

    fn window(start_ms: i64, end_ms: i64) -> Window {
        Window { start_ms, end_ms }
    }

    #[test]
    fn parts_are_cut_by_what_they_hold() {
        let check = RawCheckReport {
            source_rows: 8_640_000,
            differing: vec![window(0, 59_999), window(3_600_000, 43_199_999)],
            ..RawCheckReport::default()
        };
        let part = Part::new(&check, DAY, 500_000);
        assert_eq!(part.windows, check.differing);
        assert_eq!(part.cut.len(), 1 + 11, "an hour each");
        assert!(part.expected > 100_000 && part.expected < 500_000, "{}", part.expected);
    }

    #[test]
    fn a_file_that_somebody_made_does_no_harm() {
        let differing = vec![window(5, 4), window(-100, 9), window(i64::MIN, i64::MAX), window(20, 30)];
        let check = RawCheckReport { source_rows: u64::MAX, differing, ..RawCheckReport::default() };
        let part = Part::new(&check, DAY, 500_000);
        assert_eq!(part.windows, [DAY]);
        let many = (0..100_000).map(|at| window(at * 10, at * 10)).collect();
        let check = RawCheckReport { differing: many, ..RawCheckReport::default() };
        assert_eq!(Part::new(&check, DAY, 500_000).windows, [window(0, 999_990)]);
    }

    #[test]
    fn parts_that_lie_close_together_are_one() {
        // One cell of each scrape, as a series that is missing as a whole gives them; and one far from it.
        let mut differing: Vec<Window> =
            (0..240).map(|at| window(at * 15_000, at * 15_000 + 3_749)).collect();
        differing.push(window(43_200_000, 43_200_000));
        let parts = repair_parts(&differing, DAY);
        assert_eq!(parts, [window(0, 239 * 15_000 + 3_749), window(43_200_000, 43_200_000)]);
        let scattered: Vec<Window> = (0..960).map(|at| window(at * 90_000, at * 90_000)).collect();
        assert!(repair_parts(&scattered, DAY).len() <= 61);
    }

    #[test]
    fn an_old_report_is_repaired_as_a_whole() {
        let check = RawCheckReport { missing_series: 1, ..RawCheckReport::default() };
        assert_eq!(Part::new(&check, DAY, 500_000).windows, [DAY]);
        assert!(Part::new(&RawCheckReport::default(), DAY, 500_000).windows.is_empty());
    }
}
