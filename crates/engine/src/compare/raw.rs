//! The raw check of one selector, slab by slab.

mod agreed;

pub(crate) use agreed::Agreed;

use super::Hints;
use super::causes::{self, Context};
use super::coverage::Map;
use super::evidence::{Evidence, Format};
use super::findings::{Class, Details, Of, Spot, Tally};
use super::grid::{Cells, Columns, Grid};
use super::relabelled::Lonely;
use super::{excerpt, rows, shifted};
use crate::error::Error;
use crate::model::{Labels, Millis, Series, Window};
use crate::plan::Compare;
use crate::report::{Finding, FindingKind, RawCheckReport};
use crate::wire::prom_read::PlainSamples;
use rustc_hash::FxHashMap;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

/// Compares what one selector finds on both sides. Slabs may come in any order; their windows must not
/// overlap, and each comes once. The result does not depend on how the window was cut, but for excerpts (a slab
/// shows its own rows only) and what is said of edges.
#[derive(Debug)]
pub struct RawComparison {
    selector: String,
    tolerance: Compare,
    max_findings: usize,
    counts: RawCheckReport,
    duplicate_samples: u64,
    duplicate_histograms: u64,
    /// Every series, by a 64-bit hash of its labels, to spare the memory of the labels themselves. Values are never
    /// compared by it. Should two series ever share a hash (for a million series the odds are 1 in 40
    /// million), they count as one series, and one missing as a whole is told as missing samples: still a
    /// difference.
    states: FxHashMap<u64, State>,
    /// What is known of the series that differ, by the same hash.
    evidence: FxHashMap<u64, Evidence>,
    details: Details,
    lonely: Lonely,
    grid: Grid,
    map: Map,
    cells: Cells,
    gaps: Vec<(Window, Error)>,
    /// What is noted of the slab that is being compared.
    notes: Option<agreed::Notes>,
}

/// What is kept of a series while it agrees.
#[derive(Clone, Copy, Debug, Default)]
struct State {
    /// Which sides have it ([`AT_SOURCE`], [`AT_TARGET`]), and the [`Class::bit`]s of what was found.
    flags: u32,
    /// Columns of the coverage map in which it has rows.
    present: Columns,
}

const AT_SOURCE: u32 = 1 << 30;
const AT_TARGET: u32 = 1 << 31;
const BOTH: u32 = AT_SOURCE | AT_TARGET;

/// What one slab showed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SlabOutcome {
    /// Samples and histograms of the source inside the window, repeated ones once.
    pub source_rows: u64,
    /// The same of the target.
    pub target_rows: u64,
    /// Whether anything differs.
    pub differs: bool,
    /// The newest time at which anything differs, in Unix ms.
    pub newest_difference_ms: Option<Millis>,
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
            duplicate_histograms: 0,
            states: FxHashMap::default(),
            evidence: FxHashMap::default(),
            details: Details::new(max_findings),
            lonely: Lonely::default(),
            grid: Grid::default(),
            map: Map::default(),
            cells: Cells::default(),
            gaps: Vec::new(),
            notes: None,
        }
    }

    /// The window that all slabs together will be. Without it there is neither a coverage map nor a list of the
    /// parts that differ.
    #[must_use]
    pub fn over(mut self, window: Window) -> Self {
        self.grid = Grid::over(window);
        self
    }

    /// Compares one part of the window. Series, and rows within a series, may come in any order and in
    /// several pieces; rows outside the window are left out. A slab may come in several calls, each with other series.
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
        // A server that is gone leaves one gap, not one for each slab that was to be read.
        if let Some((before, known)) = self.gaps.last_mut()
            && before.end_ms.saturating_add(1) == window.start_ms
            && (known.kind, &known.message) == (error.kind, &error.message)
        {
            before.end_ms = window.end_ms;
            return;
        }
        self.gaps.push((window, error.clone()));
    }

    /// Functions of their own, here and below it: V8 optimises what is hot, and its time for that grows faster than a
    /// function's size. In one piece this one took it 180 ms, a tenth of a verification of 5.76 M samples.
    #[inline(never)]
    fn series(
        &mut self,
        window: Window,
        source: Option<Series>,
        target: Option<Series>,
        outcome: &mut SlabOutcome,
    ) {
        // One side's labels do for both; they are equal where both are there.
        let (mut source, mut target) = (source.unwrap_or_default(), target.unwrap_or_default());
        let mut labels = std::mem::take(&mut source.labels);
        if labels.is_empty() {
            labels.clone_from(&target.labels);
        }
        let found = rows::compare(&mut source, &mut target, window, &self.tolerance, self.grid);
        let at = source.samples.first().map(|row| row.timestamp);
        let at = at.or_else(|| source.histograms.first().map(|row| row.timestamp));
        let Some(key) = self.count(&labels, &found, at, outcome) else { return };
        if !found.tally.is_empty() {
            self.differs(key, &labels, (&source, &target), found, outcome);
        }
    }

    /// Takes a series whose samples are the same on both sides, bit for bit, all inside the window, and which has
    /// nothing else there.
    pub fn alike(&mut self, labels: &Labels, samples: &PlainSamples<'_>, outcome: &mut SlabOutcome) {
        let count = samples.count() as u64;
        let found = rows::Compared {
            source_samples: count,
            target_samples: count,
            present: self.grid.columns_of_times(samples.count(), |row| samples.at(row)),
            ..rows::Compared::default()
        };
        self.count(labels, &found, Some(samples.first_ms()), outcome);
    }

    /// Counts a series and the rows of it, `at` being the time of one, and gives its hash; `None` when it has no rows.
    #[inline(never)]
    fn count(
        &mut self,
        labels: &Labels,
        found: &rows::Compared,
        at: Option<Millis>,
        outcome: &mut SlabOutcome,
    ) -> Option<u64> {
        let at_source = found.source_samples + found.source_histograms;
        let at_target = found.target_samples + found.target_histograms;
        if at_source == 0 && at_target == 0 {
            return None;
        }
        outcome.source_rows += at_source;
        outcome.target_rows += at_target;
        self.counts.source_samples += found.source_samples;
        self.counts.target_samples += found.target_samples;
        self.counts.source_histograms += found.source_histograms;
        self.counts.target_histograms += found.target_histograms;

        let key = hash(labels);
        let state = self.states.entry(key).or_default();
        if state.flags == 0 {
            self.map.see(labels);
        }
        state.flags |= if at_source > 0 { AT_SOURCE } else { 0 } | if at_target > 0 { AT_TARGET } else { 0 };
        state.flags |= found.tally.bits();
        state.present |= found.present;
        self.map.add_present(found.present);
        if let Some(notes) = &mut self.notes {
            notes.series(key, labels, found.present, at, self.map.shows(labels));
        }
        Some(key)
    }

    /// What a series is remembered by that differs: out of the way of those that agree.
    #[cold]
    #[inline(never)]
    fn differs(
        &mut self,
        key: u64,
        labels: &Labels,
        (source, target): (&Series, &Series),
        mut found: rows::Compared,
        outcome: &mut SlabOutcome,
    ) {
        outcome.differs = true;
        outcome.newest_difference_ms = outcome.newest_difference_ms.max(found.tally.last_ms());
        if found.target_samples + found.target_histograms == 0 {
            self.lonely.missing(labels);
        } else if found.source_samples + found.source_histograms == 0 {
            self.lonely.extra(labels);
        }
        let repeated = FindingKind::DuplicateTimestamp;
        self.duplicate_samples += found.tally.count(repeated, Of::Samples);
        self.duplicate_histograms += found.tally.count(repeated, Of::Histograms);
        self.evidence.entry(key).or_default().merge(&found.evidence);
        self.cells.merge(&found.tally.cells);
        self.map.add(labels, &found.tally.marks);
        if let Some(known) = self.details.wants(labels) {
            for (class, spot) in found.tally.spots_mut() {
                if known.is_first(class, spot.first_ms) {
                    let at = spot.first_ms;
                    spot.excerpt = Some(excerpt::around(class, at, source, target, &self.tolerance));
                }
            }
            self.details.add(labels, found.tally);
        }
    }

    /// The report, once all slabs are in.
    pub fn finish(mut self, hints: &Hints) -> RawCheckReport {
        let totals = self.totals();
        let Self { selector, tolerance, counts: mut report, states, evidence, .. } = self;
        let unknown = self.gaps.iter().fold(0, |all, (window, _)| all | self.grid.columns_of(*window));
        report.differing = self.grid.parts(&self.cells, self.gaps.iter().map(|(window, _)| *window));
        let present = |labels: &Labels| states.get(&hash(labels)).map_or(0, |state| state.present);
        report.coverage = self.map.finish(self.grid, unknown, states.len() as u64, present);
        let one_sided =
            |labels: &Labels| states.get(&hash(labels)).is_some_and(|state| state.flags & BOTH != BOTH);
        let pairs = self.lonely.pairs(|labels| {
            let evidence = evidence.get(&hash(labels)).filter(|_| one_sided(labels))?;
            Some(if evidence.source.count > 0 { evidence.source } else { evidence.target })
        });
        let context = Context { hints, tolerance: &tolerance, report: &report };

        let mut by_kind = totals;
        let mut findings = not_compared(&selector, self.gaps);
        if !findings.is_empty() {
            by_kind.insert(FindingKind::NotCompared, findings.len() as u64);
        }
        for (labels, tally) in self.details.into_series() {
            let alone = one_sided(&labels);
            let known = evidence.get(&hash(&labels)).copied().unwrap_or_default();
            let apart = tally.ends.shift_ms().filter(|_| !alone);
            let spots = match (alone, known.shift_ms()) {
                (true, _) => whole_series(tally).into_iter().collect(),
                (false, Some(shift)) => shifted::series(tally, &known, shift),
                (false, None) => each_class(tally, known.format()),
            };
            let series = labels.to_string();
            findings.extend(spots.into_iter().map(|(class, spot, rows)| {
                let mut finding = causes::finding(&selector, &series, class, spot, &rows, &context);
                let missing = class.kind == FindingKind::MissingSeries;
                if let Some(told) = alone.then(|| pairs.explain(&labels, missing)).flatten() {
                    (finding.cause, finding.remedy) = told;
                }
                if let Some(shift) = apart.filter(|_| class.of == Of::Samples) {
                    causes::cut_shift(&mut finding, shift);
                }
                if let (FindingKind::PrecisionLost, Some(format)) = (class.kind, known.format()) {
                    causes::precision(&mut finding, format);
                }
                finding
            }));
        }
        findings.truncate(self.max_findings);
        let (issues, omitted) = causes::issues(&findings, by_kind.clone());
        report.by_kind = by_kind;
        report.findings_omitted = omitted;
        report.issues = issues;
        report.findings = findings;
        report
    }

    /// Fills in the counts that only all slabs together settle. Returns the number of findings by kind.
    fn totals(&mut self) -> BTreeMap<FindingKind, u64> {
        let mut by_kind = BTreeMap::new();
        let report = &mut self.counts;
        let mut histograms = self.duplicate_histograms;
        let mut add = |kind| *by_kind.entry(kind).or_default() += 1;
        for (key, state) in &self.states {
            report.source_series += u64::from(state.flags & AT_SOURCE != 0);
            report.target_series += u64::from(state.flags & AT_TARGET != 0);
            match state.flags & BOTH {
                AT_SOURCE => {
                    report.missing_series += 1;
                    add(FindingKind::MissingSeries);
                    continue;
                }
                AT_TARGET => {
                    report.extra_series += 1;
                    add(FindingKind::ExtraSeries);
                    continue;
                }
                _ => {}
            }
            let Some(known) = self.evidence.get(key) else { continue };
            if known.shift_ms().is_some() {
                add(FindingKind::TimestampShifted);
                report.shifted_samples += known.source_samples();
                histograms += known.source_histograms();
                continue;
            }
            for class in CLASSES.iter().filter(|class| state.flags & class.bit() != 0) {
                let rounded = class.kind == FindingKind::ValueDiffers && known.format().is_some();
                add(if rounded { FindingKind::PrecisionLost } else { class.kind });
            }
            report.missing_samples += known.missing_samples;
            report.extra_samples += known.extra_samples;
            report.differing_samples += known.differing_samples;
            histograms += known.missing_histograms + known.extra_histograms + known.differing_histograms;
        }
        report.source_rows = report.source_samples + report.source_histograms;
        report.target_rows = report.target_samples + report.target_histograms;
        report.sample_mismatches = report.missing_samples
            + report.extra_samples
            + report.differing_samples
            + report.shifted_samples
            + self.duplicate_samples;
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
        put_together(&mut series);
    }
    series
}

#[cold]
#[inline(never)]
fn put_together(series: &mut Vec<Series>) {
    crate::order::sort_by(series, |a, b| a.labels.cmp(&b.labels));
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

/// The classes of a series that both sides have. `format` is the one that all values that differ fit.
fn each_class(tally: Tally, format: Option<Format>) -> Vec<(Class, Spot, String)> {
    let spots = tally.into_spots().into_iter();
    spots
        .map(|(class, spot)| {
            let rows = class.of.count(spot.count);
            let rounded = class.kind == FindingKind::ValueDiffers && format.is_some();
            let kind = if rounded { FindingKind::PrecisionLost } else { class.kind };
            (Class::new(kind, class.of), spot, rows)
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
