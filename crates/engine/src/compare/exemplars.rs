//! The exemplar check of one query.

use super::Hints;
use super::causes::{self, Context};
use super::findings::{Class, Details, Of, Tally};
use super::raw::by_labels;
use super::rows::{join, settle};
use super::values::{Relation, absolute_delta, identity, relate, relative_delta, show};
use crate::model::{Exemplar, Series, Window};
use crate::plan::Compare;
use crate::report::{ExemplarCheckReport, FindingKind, RawCheckReport};
use std::cmp::Ordering;
use std::collections::BTreeMap;

/// Compares the exemplars that one query finds on both sides, by series, time, labels and value. Exemplars
/// outside the window are left out, and one that a side repeats counts once. One with the same labels and value at
/// another time is one exemplar that differs in its timestamp. At most `max_findings` findings are listed.
pub fn compare_exemplars(
    query: &str,
    source: Vec<Series>,
    target: Vec<Series>,
    window: Window,
    tolerance: &Compare,
    max_findings: usize,
    hints: &Hints,
) -> ExemplarCheckReport {
    let mut report = ExemplarCheckReport { query: query.to_owned(), ..ExemplarCheckReport::default() };
    let mut details = Details::new(max_findings);
    let mut by_kind: BTreeMap<FindingKind, u64> = BTreeMap::new();
    let mut source = by_labels(source).into_iter().peekable();
    let mut target = by_labels(target).into_iter().peekable();
    loop {
        let order = match (source.peek(), target.peek()) {
            (Some(one), Some(other)) => one.labels.cmp(&other.labels),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => break,
        };
        let mut one = if order.is_le() { source.next() } else { None }.unwrap_or_default();
        let mut other = if order.is_ge() { target.next() } else { None }.unwrap_or_default();
        let labels = std::mem::take(if order.is_le() { &mut one.labels } else { &mut other.labels });
        settle(&mut one.exemplars, window);
        settle(&mut other.exemplars, window);

        let (mut at_source, mut at_target) = (0u64, 0u64);
        let mut differences = Differences::default();
        join(&one.exemplars, &other.exemplars, |source, target| {
            let (source, target) = (distinct(source), distinct(target));
            at_source += source.len() as u64;
            at_target += target.len() as u64;
            differences.instant(source, target, tolerance);
        });
        let tally = differences.finish(window);
        report.source_exemplars += at_source;
        report.target_exemplars += at_target;
        report.source_series += u64::from(at_source > 0);
        report.target_series += u64::from(at_target > 0);
        match (at_source, at_target) {
            (0, 0) => continue,
            (_, 0) => report.missing_series += 1,
            (0, _) => report.extra_series += 1,
            _ => {
                report.exemplar_mismatches +=
                    CLASSES.map(|kind| tally.count(kind, Of::Exemplars)).iter().sum::<u64>()
            }
        }
        for kind in CLASSES {
            if tally.count(kind, Of::Exemplars) > 0 {
                *by_kind.entry(kind).or_default() += 1;
            }
        }
        if !tally.is_empty() {
            details.add(&labels, tally);
        }
    }

    // Causes of exemplar findings do not look at the counts of samples.
    let no_samples = RawCheckReport::default();
    let context = Context { hints, tolerance, report: &no_samples };
    for (labels, tally) in details.into_series() {
        let series = labels.to_string();
        report.findings.extend(tally.into_spots().into_iter().map(|(class, spot)| {
            let rows = class.of.count(spot.count);
            causes::finding(query, &series, class, spot, &rows, &context)
        }));
    }
    report.findings.truncate(max_findings);
    (report.issues, report.findings_omitted) = causes::issues(&report.findings, by_kind);
    report
}

const CLASSES: [FindingKind; 3] =
    [FindingKind::MissingExemplars, FindingKind::ExtraExemplars, FindingKind::ExemplarDiffers];

fn by_labels_and_value(a: &&Exemplar, b: &&Exemplar) -> Ordering {
    a.labels.cmp(&b.labels).then(a.value.total_cmp(&b.value))
}

/// The different exemplars of one timestamp, by labels and value.
fn distinct(exemplars: &[Exemplar]) -> Vec<&Exemplar> {
    let mut distinct: Vec<&Exemplar> = exemplars.iter().collect();
    crate::order::sort_by(&mut distinct, by_labels_and_value);
    distinct.dedup_by(|a, b| a.labels == b.labels && identity(a.value) == identity(b.value));
    distinct
}

/// Fields of an exemplar that can differ.
const FIELDS: [(u16, &str); 3] = [(VALUE, "value"), (LABELS, "labels"), (TIMESTAMP, "timestamp")];
const VALUE: u16 = 1;
const LABELS: u16 = 2;
const TIMESTAMP: u16 = 4;

/// Names of the fields in a set of bits: `value, labels`.
pub(super) fn fields(bits: u16) -> String {
    let named = FIELDS.iter().filter(|(bit, _)| bits & bit != 0);
    named.map(|(_, name)| *name).collect::<Vec<_>>().join(", ")
}

/// What differs in one series.
#[derive(Default)]
struct Differences<'a> {
    differing: Vec<(&'a Exemplar, &'a Exemplar)>,
    missing: Vec<&'a Exemplar>,
    extra: Vec<&'a Exemplar>,
}

impl<'a> Differences<'a> {
    /// Compares the exemplars of one timestamp. Those that agree are set aside first; of the rest, those with the
    /// same labels are one exemplar with another value, then those left on both sides one with other labels.
    fn instant(&mut self, mut one: Vec<&'a Exemplar>, mut other: Vec<&'a Exemplar>, tolerance: &Compare) {
        set_aside(&mut one, &mut other, |a, b| {
            if a.labels == b.labels && relate(a.value, b.value, tolerance) == Relation::Equal {
                Ordering::Equal
            } else {
                by_labels_and_value(&a, &b)
            }
        });
        self.differing.extend(set_aside(&mut one, &mut other, |a, b| a.labels.cmp(&b.labels)));
        self.differing.extend(set_aside(&mut one, &mut other, |_, _| Ordering::Equal));
        self.missing.append(&mut one);
        self.extra.append(&mut other);
    }

    fn finish(mut self, window: Window) -> Tally {
        // Labels, a trace's number mostly, say which exemplar it is. Without them it is just a value.
        let (mut one, unnamed) = named(std::mem::take(&mut self.missing));
        let (mut other, other_unnamed) = named(std::mem::take(&mut self.extra));
        self.differing.extend(set_aside(&mut one, &mut other, |a, b| by_labels_and_value(&a, &b)));
        one.extend(unnamed);
        other.extend(other_unnamed);
        for list in [&mut one, &mut other] {
            crate::order::sort_by_key(list, |exemplar| exemplar.timestamp);
        }
        crate::order::sort_by_key(&mut self.differing, |(a, _)| a.timestamp);
        let class = |kind| Class::new(kind, Of::Exemplars);
        let mut tally = Tally::default();
        let mut alike: Option<i64> = None;
        for (a, b) in self.differing {
            let spot = tally.add(class(FindingKind::ExemplarDiffers), a.timestamp, 1, window, || {
                (Some(describe(a)), Some(describe(b)), String::new())
            });
            let shift = b.timestamp.saturating_sub(a.timestamp);
            let same = *alike.get_or_insert(shift) == shift;
            if !same {
                alike = Some(0);
            }
            spot.fields |= if identity(a.value) == identity(b.value) { 0 } else { VALUE }
                | if a.labels == b.labels { 0 } else { LABELS }
                | if shift == 0 { 0 } else { TIMESTAMP };
            spot.delta(absolute_delta(a.value, b.value), relative_delta(a.value, b.value));
            spot.shift_ms = alike.filter(|shift| *shift != 0);
            if spot.fields & VALUE == 0 {
                (spot.largest_absolute, spot.largest_relative) = (None, None);
            }
        }
        for a in one {
            tally.add(class(FindingKind::MissingExemplars), a.timestamp, 1, window, || {
                (Some(describe(a)), None, String::new())
            });
        }
        for b in other {
            tally.add(class(FindingKind::ExtraExemplars), b.timestamp, 1, window, || {
                (None, Some(describe(b)), String::new())
            });
        }
        tally
    }
}

/// Exemplars with labels, by labels, value and time; and those without.
fn named(list: Vec<&Exemplar>) -> (Vec<&Exemplar>, Vec<&Exemplar>) {
    let (mut named, unnamed): (Vec<&Exemplar>, Vec<&Exemplar>) =
        list.into_iter().partition(|exemplar| !exemplar.labels.is_empty());
    crate::order::sort_by(&mut named, |a, b| by_labels_and_value(a, b).then(a.timestamp.cmp(&b.timestamp)));
    (named, unnamed)
}

/// Takes pairs that `order` calls equal out of two sorted lists.
fn set_aside<'a>(
    one: &mut Vec<&'a Exemplar>,
    other: &mut Vec<&'a Exemplar>,
    order: impl Fn(&'a Exemplar, &'a Exemplar) -> Ordering,
) -> Vec<(&'a Exemplar, &'a Exemplar)> {
    let (mut pairs, mut left, mut right) = (Vec::new(), Vec::new(), Vec::new());
    let mut a = std::mem::take(one).into_iter().peekable();
    let mut b = std::mem::take(other).into_iter().peekable();
    while let (Some(first), Some(second)) = (a.peek(), b.peek()) {
        match order(first, second) {
            Ordering::Less => left.extend(a.next()),
            Ordering::Greater => right.extend(b.next()),
            Ordering::Equal => pairs.extend(a.next().zip(b.next())),
        }
    }
    left.extend(a);
    right.extend(b);
    (*one, *other) = (left, right);
    pairs
}

/// `5 {trace_id="abc"}`
fn describe(exemplar: &Exemplar) -> String {
    format!("{} {}", show(exemplar.value), exemplar.labels)
}
