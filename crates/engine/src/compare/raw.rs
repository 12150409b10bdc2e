//! The raw check of one selector, slab by slab.

use super::Hints;
use super::causes::{self, Context};
use super::findings::{Class, Details, Of, Spot, Tally};
use super::rows;
use crate::error::Error;
use crate::model::{Labels, Series, Window};
use crate::plan::Compare;
use crate::report::{Finding, FindingKind, RawCheckReport};
use rustc_hash::FxHashMap;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

/// Compares what one selector finds on both sides. Slabs may come in any order; their windows must not
/// overlap, and each comes once. The result does not depend on how the window was cut.
#[derive(Debug)]
pub struct RawComparison {
    selector: String,
    tolerance: Compare,
    max_findings: usize,
    counts: RawCheckReport,
    duplicate_samples: u64,
    differing_histograms: u64,
    /// Which sides have a series ([`AT_SOURCE`], [`AT_TARGET`]), and the [`Class::bit`]s of what was found.
    ///
    /// The key is a 64-bit hash of the labels, to spare the memory of the labels themselves. Values are never
    /// compared by it. Should two series ever share a hash (for a million series the odds are 1 in 40
    /// million), they count as one series, and one missing as a whole is told as missing samples: still a
    /// difference.
    states: FxHashMap<u64, u32>,
    /// Rows that one side lacks, of the series that have such.
    one_sided: FxHashMap<u64, OneSided>,
    details: Details,
    gaps: Vec<(Window, Error)>,
}

const AT_SOURCE: u32 = 1 << 30;
const AT_TARGET: u32 = 1 << 31;
const BOTH: u32 = AT_SOURCE | AT_TARGET;

#[derive(Clone, Copy, Debug, Default)]
struct OneSided {
    missing_samples: u64,
    extra_samples: u64,
    missing_histograms: u64,
    extra_histograms: u64,
}

/// What one slab showed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SlabOutcome {
    /// Samples and histograms of the source inside the window, repeated ones once.
    pub source_rows: u64,
    /// The same of the target.
    pub target_rows: u64,
    /// Whether anything differs.
    pub differs: bool,
}

impl RawComparison {
    /// An empty comparison. At most `max_findings` findings are listed; counts are complete.
    pub fn new(selector: &str, tolerance: &Compare, max_findings: usize) -> Self {
        Self {
            selector: selector.to_owned(),
            tolerance: tolerance.clone(),
            max_findings,
            counts: RawCheckReport { selector: selector.to_owned(), ..RawCheckReport::default() },
            duplicate_samples: 0,
            differing_histograms: 0,
            states: FxHashMap::default(),
            one_sided: FxHashMap::default(),
            details: Details::new(max_findings),
            gaps: Vec::new(),
        }
    }

    /// Compares one part of the window. Series, and rows within a series, may come in any order and in
    /// several pieces; rows outside the window are left out.
    pub fn slab(&mut self, window: Window, source: Vec<Series>, target: Vec<Series>) -> SlabOutcome {
        let mut source = by_labels(source).into_iter().peekable();
        let mut target = by_labels(target).into_iter().peekable();
        let mut outcome = SlabOutcome::default();
        loop {
            let order = match (source.peek(), target.peek()) {
                (Some(one), Some(other)) => one.labels.cmp(&other.labels),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (None, None) => return outcome,
            };
            let from_source = if order.is_le() { source.next() } else { None };
            let from_target = if order.is_ge() { target.next() } else { None };
            self.series(window, from_source, from_target, &mut outcome);
        }
    }

    /// Notes that a part of the window could not be read on one side, so nothing is known about it.
    pub fn not_compared(&mut self, window: Window, error: &Error) {
        self.gaps.push((window, error.clone()));
    }

    fn series(
        &mut self,
        window: Window,
        source: Option<Series>,
        target: Option<Series>,
        outcome: &mut SlabOutcome,
    ) {
        // One side's labels do for both; they are equal where both are there.
        let (mut source, target) = (source.unwrap_or_default(), target.unwrap_or_default());
        let mut labels = std::mem::take(&mut source.labels);
        if labels.is_empty() {
            labels.clone_from(&target.labels);
        }
        let found = rows::compare(source, target, window, &self.tolerance);
        let at_source = found.source_samples + found.source_histograms;
        let at_target = found.target_samples + found.target_histograms;
        if at_source == 0 && at_target == 0 {
            return;
        }
        outcome.source_rows += at_source;
        outcome.target_rows += at_target;
        outcome.differs |= !found.tally.is_empty();
        self.counts.source_samples += found.source_samples;
        self.counts.target_samples += found.target_samples;
        self.counts.source_histograms += found.source_histograms;
        self.counts.target_histograms += found.target_histograms;

        let key = hash(&labels);
        let state = self.states.entry(key).or_default();
        *state |= if at_source > 0 { AT_SOURCE } else { 0 } | if at_target > 0 { AT_TARGET } else { 0 };
        if found.tally.is_empty() {
            return;
        }
        *state |= found.tally.bits();
        self.count(key, &found.tally);
        self.details.add(&labels, found.tally);
    }

    fn count(&mut self, key: u64, tally: &Tally) {
        use FindingKind::*;
        self.counts.differing_samples +=
            tally.count(ValueDiffers, Of::Samples) + tally.count(StaleNan, Of::Samples);
        self.duplicate_samples += tally.count(DuplicateTimestamp, Of::Samples);
        self.differing_histograms +=
            tally.count(HistogramDiffers, Of::Histograms) + tally.count(DuplicateTimestamp, Of::Histograms);
        let here = OneSided {
            missing_samples: tally.count(MissingSamples, Of::Samples),
            extra_samples: tally.count(ExtraSamples, Of::Samples),
            missing_histograms: tally.count(MissingHistograms, Of::Histograms),
            extra_histograms: tally.count(ExtraHistograms, Of::Histograms),
        };
        if here.missing_samples + here.extra_samples + here.missing_histograms + here.extra_histograms > 0 {
            let all = self.one_sided.entry(key).or_default();
            all.missing_samples += here.missing_samples;
            all.extra_samples += here.extra_samples;
            all.missing_histograms += here.missing_histograms;
            all.extra_histograms += here.extra_histograms;
        }
    }

    /// The report, once all slabs are in.
    pub fn finish(mut self, hints: &Hints) -> RawCheckReport {
        let totals = self.totals();
        let Self { selector, tolerance, max_findings, counts: mut report, states, details, gaps, .. } = self;
        let context = Context { hints, tolerance: &tolerance, report: &report };

        let mut by_kind = totals;
        let mut findings = not_compared(&selector, gaps);
        if !findings.is_empty() {
            by_kind.insert(FindingKind::NotCompared, findings.len() as u64);
        }
        for (labels, tally) in details.into_series() {
            let one_sided = states.get(&hash(&labels)).is_some_and(|state| state & BOTH != BOTH);
            let spots: Vec<(Class, Spot, String)> =
                if one_sided { whole_series(tally).into_iter().collect() } else { each_class(tally) };
            let series = labels.to_string();
            findings.extend(spots.into_iter().map(|(class, spot, rows)| {
                causes::finding(&selector, &series, class, spot, &rows, &context)
            }));
        }
        findings.truncate(max_findings);
        let (issues, omitted) = causes::issues(&findings, by_kind);
        report.findings_omitted = omitted;
        report.issues = issues;
        report.findings = findings;
        report
    }

    /// Fills in the counts that only all slabs together settle. Returns the number of findings by kind.
    fn totals(&mut self) -> BTreeMap<FindingKind, u64> {
        let mut by_kind = BTreeMap::new();
        let report = &mut self.counts;
        let mut histograms = self.differing_histograms;
        for (key, state) in &self.states {
            report.source_series += u64::from(state & AT_SOURCE != 0);
            report.target_series += u64::from(state & AT_TARGET != 0);
            match state & BOTH {
                AT_SOURCE => {
                    report.missing_series += 1;
                    *by_kind.entry(FindingKind::MissingSeries).or_default() += 1;
                }
                AT_TARGET => {
                    report.extra_series += 1;
                    *by_kind.entry(FindingKind::ExtraSeries).or_default() += 1;
                }
                _ => {
                    for class in CLASSES {
                        if state & class.bit() != 0 {
                            *by_kind.entry(class.kind).or_default() += 1;
                        }
                    }
                    if let Some(rows) = self.one_sided.get(key) {
                        report.missing_samples += rows.missing_samples;
                        report.extra_samples += rows.extra_samples;
                        histograms += rows.missing_histograms + rows.extra_histograms;
                    }
                }
            }
        }
        report.source_rows = report.source_samples + report.source_histograms;
        report.target_rows = report.target_samples + report.target_histograms;
        report.sample_mismatches =
            report.missing_samples + report.extra_samples + report.differing_samples + self.duplicate_samples;
        report.histogram_mismatches = histograms;
        by_kind
    }
}

/// Every class that rows can have.
const CLASSES: [Class; 9] = [
    Class { kind: FindingKind::MissingSamples, of: Of::Samples },
    Class { kind: FindingKind::ExtraSamples, of: Of::Samples },
    Class { kind: FindingKind::ValueDiffers, of: Of::Samples },
    Class { kind: FindingKind::StaleNan, of: Of::Samples },
    Class { kind: FindingKind::DuplicateTimestamp, of: Of::Samples },
    Class { kind: FindingKind::MissingHistograms, of: Of::Histograms },
    Class { kind: FindingKind::ExtraHistograms, of: Of::Histograms },
    Class { kind: FindingKind::HistogramDiffers, of: Of::Histograms },
    Class { kind: FindingKind::DuplicateTimestamp, of: Of::Histograms },
];

/// SipHash rather than a faster hash: what it mixes differs in few characters, and no text makes it collide.
fn hash(labels: &Labels) -> u64 {
    let mut hasher = DefaultHasher::new();
    labels.hash(&mut hasher);
    hasher.finish()
}

/// Series in label order, pieces of one series put together. Servers usually send them like that.
pub(super) fn by_labels(mut series: Vec<Series>) -> Vec<Series> {
    if !series.is_sorted_by(|a, b| a.labels < b.labels) {
        crate::order::sort_by(&mut series, |a, b| a.labels.cmp(&b.labels));
        series.dedup_by(|later, earlier| {
            let same = later.labels == earlier.labels;
            if same {
                earlier.samples.append(&mut later.samples);
                earlier.histograms.append(&mut later.histograms);
                earlier.exemplars.append(&mut later.exemplars);
            }
            same
        });
    }
    series
}

/// The classes of a series that both sides have.
fn each_class(tally: Tally) -> Vec<(Class, Spot, String)> {
    let spots = tally.into_spots();
    spots
        .map(|(class, spot)| {
            let rows = class.of.count(spot.count);
            (class, spot, rows)
        })
        .collect()
}

/// The one finding of a series that one side has alone: all its rows are missing (or extra) rows.
fn whole_series(tally: Tally) -> Option<(Class, Spot, String)> {
    let mut whole: Option<(Class, Spot, String)> = None;
    for (class, spot) in tally.into_spots() {
        let words = class.of.count(spot.count);
        match &mut whole {
            None => {
                let missing =
                    matches!(class.kind, FindingKind::MissingSamples | FindingKind::MissingHistograms);
                let kind = if missing { FindingKind::MissingSeries } else { FindingKind::ExtraSeries };
                whole = Some((Class::new(kind, class.of), spot, words));
            }
            Some((_, all, rows)) => {
                *rows = format!("{rows} and {words}");
                all.merge(spot);
            }
        }
    }
    whole
}

/// One finding for each run of neighbouring windows that failed in the same way.
fn not_compared(selector: &str, mut gaps: Vec<(Window, Error)>) -> Vec<Finding> {
    crate::order::sort_by_key(&mut gaps, |(window, _)| *window);
    let mut findings: Vec<(Finding, Error)> = Vec::new();
    for (window, error) in gaps {
        if let Some((last, cause)) = findings.last_mut() {
            let adjacent = last.last_ms.and_then(|end| end.checked_add(1)) == Some(window.start_ms);
            let same = (cause.kind, cause.side, cause.status, &cause.server_message)
                == (error.kind, error.side, error.status, &error.server_message);
            if adjacent && same {
                last.last_ms = Some(window.end_ms);
                continue;
            }
        }
        findings.push((causes::gap(selector, window, &error), error));
    }
    findings.into_iter().map(|(finding, _)| causes::gap_detail(finding)).collect()
}
