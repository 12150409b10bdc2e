//! The exemplar check of one query.

use super::Hints;
use super::causes::{self, Context};
use super::findings::{Class, Details, Of, Tally};
use super::raw::by_labels;
use super::rows::{join, settle};
use super::values::{Relation, identity, relate, show};
use crate::model::{Exemplar, Series, Window};
use crate::plan::Compare;
use crate::report::{ExemplarCheckReport, FindingKind, RawCheckReport};
use std::cmp::Ordering;
use std::collections::BTreeMap;

/// Compares the exemplars that one query finds on both sides, by series, time, labels and value. Exemplars
/// outside the window are left out, and one that a side repeats counts once. At most `max_findings` findings
/// are listed.
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
        let mut tally = Tally::default();
        join(&one.exemplars, &other.exemplars, |source, target| {
            let (source, target) = (distinct(source), distinct(target));
            at_source += source.len() as u64;
            at_target += target.len() as u64;
            compare_instant(&source, &target, window, tolerance, &mut tally);
        });
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
        report.findings.extend(tally.into_spots().map(|(class, spot)| {
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

/// Compares the exemplars of one timestamp. Those that agree are set aside first; of the rest, those with the
/// same labels are one exemplar with another value, then those left on both sides one with other labels.
fn compare_instant(
    source: &[&Exemplar],
    target: &[&Exemplar],
    window: Window,
    tolerance: &Compare,
    tally: &mut Tally,
) {
    let (mut one, mut other) = (source.to_vec(), target.to_vec());
    set_aside(&mut one, &mut other, |a, b| {
        if a.labels == b.labels && relate(a.value, b.value, tolerance) == Relation::Equal {
            Ordering::Equal
        } else {
            by_labels_and_value(&a, &b)
        }
    });
    let mut differing = set_aside(&mut one, &mut other, |a, b| a.labels.cmp(&b.labels));
    differing.extend(set_aside(&mut one, &mut other, |_, _| Ordering::Equal));
    let class = |kind| Class::new(kind, Of::Exemplars);
    for (a, b) in differing {
        tally.add(class(FindingKind::ExemplarDiffers), a.timestamp, 1, window, || {
            (Some(describe(a)), Some(describe(b)), String::new())
        });
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
