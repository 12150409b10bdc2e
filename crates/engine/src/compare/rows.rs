//! Rows of two sides, joined by time.

use super::evidence::Evidence;
use super::findings::{Class, Of, Tally};
use super::grid::{Columns, Grid};
use super::histograms;
use super::values::{Relation, absolute_delta, identity, relate, relative_delta, show};
use crate::model::{Exemplar, Histogram, Millis, Sample, Series, Window, is_stale_nan};
use crate::plan::Compare;
use crate::report::FindingKind;
use crate::report::words::count_of;

/// Something that happened at a time.
pub(super) trait Row {
    /// Unix ms.
    fn at(&self) -> Millis;
}

impl Row for Sample {
    fn at(&self) -> Millis {
        self.timestamp
    }
}

impl Row for Histogram {
    fn at(&self) -> Millis {
        self.timestamp
    }
}

impl Row for Exemplar {
    fn at(&self) -> Millis {
        self.timestamp
    }
}

/// What one window holds of one series, counted and compared.
#[derive(Default)]
pub(super) struct Compared {
    /// Float samples of the source.
    pub source_samples: u64,
    /// Float samples of the target.
    pub target_samples: u64,
    /// Native histograms of the source.
    pub source_histograms: u64,
    /// Native histograms of the target.
    pub target_histograms: u64,
    /// Columns of the coverage map in which either side has rows.
    pub present: Columns,
    /// The differences.
    pub tally: Tally,
    /// What the differing rows have in common.
    pub evidence: Evidence,
}

/// Compares one series within a window. What lies outside the window is not counted: servers may send whole
/// chunks. A value that the source repeats at the same time counts once (overlapping chunks do that); copies that the
/// target has beyond the source's are a difference, since they change what `count_over_time` or `sum_over_time` say.
/// Rows are in time order and inside the window afterwards.
#[inline(never)]
pub(super) fn compare(
    source: &mut Series,
    target: &mut Series,
    window: Window,
    tolerance: &Compare,
    grid: Grid,
) -> Compared {
    let mut found = Compared { tally: Tally::on(grid), ..Compared::default() };
    if identical(&source.samples, &target.samples, window) {
        found.source_samples = source.samples.len() as u64;
        found.target_samples = found.source_samples;
        found.present |= grid.columns_with(&source.samples);
    } else {
        let rows = (&mut source.samples, &mut target.samples);
        join_all(rows, window, grid, &mut found, |source, target, found| {
            compare_samples(source, target, window, tolerance, found);
        });
    }
    if !(source.histograms.is_empty() && target.histograms.is_empty()) {
        let rows = (&mut source.histograms, &mut target.histograms);
        join_all(rows, window, grid, &mut found, |source, target, found| {
            compare_histograms(source, target, window, tolerance, found);
        });
    }
    found
}

/// Joins rows that are not plainly the same, and calls `each` for every timestamp. A function of its own: what the usual
/// path runs through stays small, and V8 optimises it at once.
#[inline(never)]
fn join_all<R: Row>(
    (source, target): (&mut Vec<R>, &mut Vec<R>),
    window: Window,
    grid: Grid,
    found: &mut Compared,
    each: impl Fn(&[R], &[R], &mut Compared),
) {
    settle(source, window);
    settle(target, window);
    found.present |= grid.columns_with(source) | grid.columns_with(target);
    join(source, target, |source, target| each(source, target, found));
}

/// The fast path, and by far the usual one: the same samples bit for bit, in strict time order, all inside
/// the window. The first pass has no branch in its loop, so it runs at the speed of memory.
#[inline(never)]
fn identical(source: &[Sample], target: &[Sample], window: Window) -> bool {
    let (Some(first), Some(last)) = (source.first(), source.last()) else { return false };
    if source.len() != target.len() || first.timestamp < window.start_ms || last.timestamp > window.end_ms {
        return false;
    }
    let mut different = 0u64;
    for (a, b) in source.iter().zip(target) {
        different |= (a.timestamp ^ b.timestamp) as u64 | (a.value.to_bits() ^ b.value.to_bits());
    }
    different == 0 && source.is_sorted_by(|a, b| a.timestamp < b.timestamp)
}

/// Brings rows into time order and drops those outside the window.
pub(super) fn settle<R: Row>(rows: &mut Vec<R>, window: Window) {
    if !rows.is_sorted_by_key(Row::at) {
        crate::order::sort_by_key(rows, Row::at);
    }
    let after = rows.partition_point(|row| row.at() <= window.end_ms);
    rows.truncate(after);
    let before = rows.partition_point(|row| row.at() < window.start_ms);
    rows.drain(..before);
}

/// Merge join of rows in time order: calls `each` once for every timestamp that either side has, with all
/// rows that each side has there.
pub(super) fn join<'a, R: Row>(source: &'a [R], target: &'a [R], mut each: impl FnMut(&'a [R], &'a [R])) {
    let (mut source, mut target) = (source, target);
    while let Some(at) = match (source.first(), target.first()) {
        (Some(a), Some(b)) => Some(a.at().min(b.at())),
        (one, other) => one.or(other).map(Row::at),
    } {
        let from_source;
        let from_target;
        (from_source, source) = source.split_at(run_length(source, at));
        (from_target, target) = target.split_at(run_length(target, at));
        each(from_source, from_target);
    }
}

fn run_length<R: Row>(rows: &[R], at: Millis) -> usize {
    rows.iter().take_while(|row| row.at() == at).count()
}

fn compare_samples(
    source: &[Sample],
    target: &[Sample],
    window: Window,
    tolerance: &Compare,
    found: &mut Compared,
) {
    match (source, target) {
        ([one], [other]) => {
            found.source_samples += 1;
            found.target_samples += 1;
            compare_pair(*one, *other, window, tolerance, found);
        }
        ([], []) => {}
        ([one], []) => {
            found.source_samples += 1;
            one_sided(FindingKind::MissingSamples, one.timestamp, &[one.value], window, found);
        }
        ([], [one]) => {
            found.target_samples += 1;
            one_sided(FindingKind::ExtraSamples, one.timestamp, &[one.value], window, found);
        }
        ([one, ..], _) | (_, [one, ..]) => {
            let at = one.timestamp;
            let (from_source, from_target) = (distinct(source), distinct(target));
            found.source_samples += from_source.len() as u64;
            found.target_samples += from_target.len() as u64;
            let copies = surplus(source.len() - from_source.len(), target.len() - from_target.len());
            if copies > 0 && agree(&from_source, &from_target, tolerance) {
                found.target_samples += copies;
                let all: Vec<f64> = target.iter().map(|sample| sample.value).collect();
                repeated(at, &from_source, &all, window, found);
            } else {
                compare_repeated(at, &from_source, &from_target, window, tolerance, found);
            }
        }
    }
}

/// Copies of rows at the target, beyond those at the source.
fn surplus(at_source: usize, at_target: usize) -> u64 {
    at_target.saturating_sub(at_source) as u64
}

/// Whether both sides have the same values at one timestamp.
fn agree(source: &[f64], target: &[f64], tolerance: &Compare) -> bool {
    source.len() == target.len()
        && source.iter().zip(target).all(|(a, b)| relate(*a, *b, tolerance) == Relation::Equal)
}

/// Notes a timestamp with values that a side should not have beside each other.
fn repeated(at: Millis, source: &[f64], target: &[f64], window: Window, found: &mut Compared) {
    found.evidence.repeated();
    found.tally.add(Class::new(FindingKind::DuplicateTimestamp, Of::Samples), at, 1, window, || {
        (Some(show_all(source)), Some(show_all(target)), String::new())
    });
}

fn compare_pair(source: Sample, target: Sample, window: Window, tolerance: &Compare, found: &mut Compared) {
    let kind = match relate(source.value, target.value, tolerance) {
        Relation::Equal => return,
        Relation::Differs => FindingKind::ValueDiffers,
        Relation::StaleNan => FindingKind::StaleNan,
    };
    let (at, stale) = (source.timestamp, kind == FindingKind::StaleNan);
    found.evidence.differs(at, source.value, target.value, stale);
    found.tally.ends.of_source(at, source.value);
    found.tally.ends.of_target(at, target.value);
    let spot = found.tally.add(Class::new(kind, Of::Samples), at, 1, window, || {
        (Some(show(source.value)), Some(show(target.value)), String::new())
    });
    spot.delta(absolute_delta(source.value, target.value), relative_delta(source.value, target.value));
}

fn one_sided(kind: FindingKind, at: Millis, values: &[f64], window: Window, found: &mut Compared) {
    for value in values {
        if kind == FindingKind::MissingSamples {
            found.evidence.missing(at, *value);
            found.tally.ends.of_source(at, *value);
        } else {
            found.evidence.extra(at, *value);
            found.tally.ends.of_target(at, *value);
        }
    }
    let spot = found.tally.add(Class::new(kind, Of::Samples), at, values.len() as u64, window, || {
        let shown = Some(show_all(values));
        if kind == FindingKind::MissingSamples {
            (shown, None, String::new())
        } else {
            (None, shown, String::new())
        }
    });
    spot.stale += values.iter().filter(|value| is_stale_nan(**value)).count() as u64;
}

/// A timestamp that at least one side has more than once. The same set of values on both sides is equal.
fn compare_repeated(
    at: Millis,
    source: &[f64],
    target: &[f64],
    window: Window,
    tolerance: &Compare,
    found: &mut Compared,
) {
    match (source, target) {
        (_, []) => one_sided(FindingKind::MissingSamples, at, source, window, found),
        ([], _) => one_sided(FindingKind::ExtraSamples, at, target, window, found),
        ([one], [other]) => {
            let sample = |value: &f64| Sample { timestamp: at, value: *value };
            compare_pair(sample(one), sample(other), window, tolerance, found);
        }
        _ if agree(source, target, tolerance) => {}
        _ => repeated(at, source, target, window, found),
    }
}

/// The different values of one timestamp, in a fixed order.
fn distinct(samples: &[Sample]) -> Vec<f64> {
    let mut values: Vec<f64> = samples.iter().map(|sample| sample.value).collect();
    crate::order::sort_by(&mut values, f64::total_cmp);
    values.dedup_by_key(|value| identity(*value));
    values
}

/// Values at one timestamp, the first few of them.
fn show_all(values: &[f64]) -> String {
    const SHOWN: usize = 4;
    let mut text = values.iter().take(SHOWN).map(|value| show(*value)).collect::<Vec<_>>().join(", ");
    if values.len() > SHOWN {
        text.push_str(", …");
    }
    text
}

fn compare_histograms(
    source: &[Histogram],
    target: &[Histogram],
    window: Window,
    tolerance: &Compare,
    found: &mut Compared,
) {
    let (all_source, all_target) = (source.len(), target.len());
    let (source, target) = (distinct_histograms(source), distinct_histograms(target));
    found.source_histograms += source.len() as u64;
    found.target_histograms += target.len() as u64;
    let copies = surplus(all_source - source.len(), all_target - target.len());
    let class = |kind| Class::new(kind, Of::Histograms);
    let mut agreed_at = None;
    let Compared { tally, evidence, .. } = found;
    let repeated = |at, target: usize, evidence: &mut Evidence, tally: &mut Tally| {
        evidence.repeated();
        tally.add(class(FindingKind::DuplicateTimestamp), at, 1, window, || {
            let show = |count: usize| Some(count_of(count as u64, "histogram", "histograms"));
            (show(source.len()), show(target), String::new())
        });
    };
    match (source.as_slice(), target.as_slice()) {
        ([], []) => {}
        ([one, ..], []) => {
            source.iter().for_each(|histogram| evidence.missing_histogram(histogram));
            let count = source.len() as u64;
            let spot = tally.add(class(FindingKind::MissingHistograms), one.timestamp, count, window, || {
                (Some(histograms::summary(one)), None, String::new())
            });
            spot.stale += source.iter().filter(|histogram| is_stale_nan(histogram.sum)).count() as u64;
        }
        ([], [one, ..]) => {
            target.iter().for_each(|histogram| evidence.extra_histogram(histogram));
            let count = target.len() as u64;
            let spot = tally.add(class(FindingKind::ExtraHistograms), one.timestamp, count, window, || {
                (None, Some(histograms::summary(one)), String::new())
            });
            spot.stale += target.iter().filter(|histogram| is_stale_nan(histogram.sum)).count() as u64;
        }
        ([one], [other]) => {
            if let Some((difference, fields)) = histograms::differences(one, other, tolerance) {
                let kind = FindingKind::HistogramDiffers;
                evidence.histogram_differs(one, other);
                let spot = tally.add(class(kind), one.timestamp, 1, window, || {
                    (Some(difference.source), Some(difference.target), difference.place)
                });
                spot.fields |= fields;
            } else {
                agreed_at = Some(one.timestamp);
            }
        }
        ([one, ..], _) => {
            let same = source.len() == target.len()
                && source
                    .iter()
                    .all(|a| target.iter().any(|b| histograms::differences(a, b, tolerance).is_none()));
            if same {
                agreed_at = Some(one.timestamp);
            } else {
                repeated(one.timestamp, target.len(), evidence, tally);
            }
        }
    }
    if let Some(at) = agreed_at.filter(|_| copies > 0) {
        found.target_histograms += copies;
        repeated(at, all_target, evidence, tally);
    }
}

/// The different histograms of one timestamp. Histograms have no order to sort by, so of a timestamp that a
/// hostile answer repeats without end only so many are told apart.
fn distinct_histograms(histograms: &[Histogram]) -> Vec<&Histogram> {
    const TOLD_APART: usize = 16;
    let exact = Compare { max_absolute_value_delta: 0.0, max_relative_value_delta: 0.0 };
    let mut distinct: Vec<&Histogram> = Vec::with_capacity(1);
    for histogram in histograms {
        if distinct.len() >= TOLD_APART {
            break;
        }
        if !distinct.iter().any(|known| histograms::differences(known, histogram, &exact).is_none()) {
            distinct.push(histogram);
        }
    }
    distinct
}
