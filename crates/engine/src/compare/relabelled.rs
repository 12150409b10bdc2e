//! Series that are at both sides under other labels: a missing and an extra one whose rows are the same.

use super::evidence::Rows;
use crate::model::Labels;
use crate::report::words::shorten;
use rustc_hash::FxHashMap;
use std::collections::BTreeSet;

/// Series kept of each side to look for their counterparts; the first in label order.
const KEPT: usize = 2_000;
/// Labels that may differ at most: beyond, the same rows are no sign of the same series.
const MOST_CHANGES: usize = 3;

/// Series that one side lacked in a slab.
#[derive(Debug, Default)]
pub(super) struct Lonely {
    at_source: BTreeSet<Labels>,
    at_target: BTreeSet<Labels>,
}

impl Lonely {
    /// Takes a series of the source that the target lacks in a slab.
    pub fn missing(&mut self, labels: &Labels) {
        keep(&mut self.at_source, labels);
    }

    /// Takes a series of the target that the source lacks in a slab.
    pub fn extra(&mut self, labels: &Labels) {
        keep(&mut self.at_target, labels);
    }

    /// Finds counterparts. `rows` tells what a series holds when one side lacks it altogether.
    pub fn pairs(self, rows: impl Fn(&Labels) -> Option<Rows>) -> Pairs {
        let mut by_rows: FxHashMap<Rows, (Vec<Labels>, Vec<Labels>)> = FxHashMap::default();
        for labels in self.at_source {
            if let Some(rows) = rows(&labels) {
                by_rows.entry(rows).or_default().0.push(labels);
            }
        }
        for labels in self.at_target {
            if let Some(rows) = rows(&labels) {
                by_rows.entry(rows).or_default().1.push(labels);
            }
        }
        let mut pairs = Pairs::default();
        for (missing, extra) in by_rows.into_values() {
            for one in &missing {
                let Some(other) = nearest(one, &extra) else { continue };
                if nearest(other, &missing) == Some(one) {
                    pairs.of_missing.insert(one.clone(), other.clone());
                    pairs.of_extra.insert(other.clone(), one.clone());
                }
            }
        }
        pairs
    }
}

fn keep(set: &mut BTreeSet<Labels>, labels: &Labels) {
    let full = set.len() >= KEPT;
    if full && set.last().is_none_or(|last| labels > last) {
        return;
    }
    set.insert(labels.clone());
    if set.len() > KEPT {
        set.pop_last();
    }
}

/// The series with the fewest changes; none when there are several of them, or too many changes.
fn nearest<'a>(labels: &Labels, others: &'a [Labels]) -> Option<&'a Labels> {
    let mut best: Option<(&Labels, usize)> = None;
    let mut tie = false;
    for other in others {
        let count = changes(labels, other).len();
        match best {
            Some((_, least)) if count > least => {}
            Some((_, least)) if count == least => tie = true,
            _ => (best, tie) = (Some((other, count)), false),
        }
    }
    best.filter(|(_, count)| !tie && *count <= MOST_CHANGES).map(|(other, _)| other)
}

/// What happened to a label on the way from the source to the target.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Change<'a> {
    Removed(&'a str),
    Added(&'a str, &'a str),
    Renamed(&'a str, &'a str),
    Value(&'a str, &'a str, &'a str),
}

fn changes<'a>(source: &'a Labels, target: &'a Labels) -> Vec<Change<'a>> {
    let mut changes = Vec::new();
    let mut added: Vec<(&str, &str)> = target.iter().filter(|(name, _)| source.get(name).is_none()).collect();
    for (name, value) in source.iter() {
        match target.get(name) {
            Some(other) if other == value => {}
            Some(other) => changes.push(Change::Value(name, value, other)),
            None => match added.iter().position(|(_, other)| *other == value) {
                Some(at) => changes.push(Change::Renamed(name, added.remove(at).0)),
                None => changes.push(Change::Removed(name)),
            },
        }
    }
    changes.extend(added.into_iter().map(|(name, value)| Change::Added(name, value)));
    changes
}

/// Series of the source and of the target that are the same but for labels.
#[derive(Debug, Default)]
pub(super) struct Pairs {
    of_missing: FxHashMap<Labels, Labels>,
    of_extra: FxHashMap<Labels, Labels>,
}

impl Pairs {
    /// Cause and remedy of a missing (or extra) series, if its rows are at the other side under other labels.
    pub fn explain(&self, labels: &Labels, missing: bool) -> Option<(String, String)> {
        let other = if missing { self.of_missing.get(labels) } else { self.of_extra.get(labels) }?;
        let (source, target) = if missing { (labels, other) } else { (other, labels) };
        let changes = changes(source, target);
        let how: Vec<String> = changes.iter().map(words).collect();
        let shown = other.to_string();
        let (how, shown) = (how.join(", "), shorten(&shown));
        let cause = if missing {
            format!("The target has the same rows as {shown}: {how}.")
        } else {
            format!("These are the rows of the source's {shown}: {how}.")
        };
        Some((cause, remedy(&changes)))
    }
}

fn words(change: &Change<'_>) -> String {
    match change {
        Change::Removed(name) => format!("without label `{}`", shorten(name)),
        Change::Added(name, value) => {
            format!("with one more label, `{}=\"{}\"`", shorten(name), shorten(value))
        }
        Change::Renamed(name, other) => {
            format!("with label `{}` renamed to `{}`", shorten(name), shorten(other))
        }
        Change::Value(name, value, other) => {
            let name = if *name == "__name__" { "the name" } else { *name };
            format!("with `{}` changed from {:?} to {:?}", shorten(name), shorten(value), shorten(other))
        }
    }
}

fn remedy(changes: &[Change<'_>]) -> String {
    let what = match changes {
        [Change::Removed(_)] => "drops or empties this label (an empty label is an absent one)",
        [Change::Added(..)] => "adds this label (external_labels, a gateway, another tool)",
        _ => "changes these labels (relabel_configs, a gateway, another tool)",
    };
    format!(
        "Look for what {what} on the way to the target. Then delete the series there, or use a fresh tenant, and \
         backfill again."
    )
}

#[cfg(test)]
mod tests {
    use super::{Lonely, Pairs};
    use crate::compare::evidence::{Evidence, Rows};
    use crate::model::Labels;

    fn rows(value: f64) -> Rows {
        let mut evidence = Evidence::default();
        evidence.missing(1, value);
        evidence.source
    }

    fn labels(pairs: &[(&str, &str)]) -> Labels {
        Labels::from_pairs(pairs.iter().copied())
    }

    fn pairs(missing: &[Labels], extra: &[Labels], value: impl Fn(&Labels) -> f64) -> Pairs {
        let mut lonely = Lonely::default();
        missing.iter().for_each(|one| lonely.missing(one));
        extra.iter().for_each(|one| lonely.extra(one));
        lonely.pairs(|one| Some(rows(value(one))))
    }

    #[test]
    fn every_change_of_a_label_is_named() {
        let source = labels(&[("__name__", "up"), ("job", "a"), ("zone", "z")]);
        for (target, words) in [
            (labels(&[("__name__", "up"), ("zone", "z")]), "without label `job`"),
            (
                labels(&[("__name__", "up"), ("job", "a"), ("zone", "z"), ("dc", "1")]),
                "with one more label, `dc=\"1\"`",
            ),
            (
                labels(&[("__name__", "up"), ("task", "a"), ("zone", "z")]),
                "with label `job` renamed to `task`",
            ),
            (
                labels(&[("__name__", "up"), ("job", "b"), ("zone", "z")]),
                "with `job` changed from \"a\" to \"b\"",
            ),
            (
                labels(&[("__name__", "down"), ("job", "a"), ("zone", "z")]),
                "with `the name` changed from \"up\" to \"down\"",
            ),
        ] {
            let pairs = pairs(std::slice::from_ref(&source), std::slice::from_ref(&target), |_| 1.0);
            let (cause, remedy) = pairs.explain(&source, true).unwrap();
            assert_eq!(cause, format!("The target has the same rows as {target}: {words}."));
            assert!(!remedy.is_empty());
            let (back, _) = pairs.explain(&target, false).unwrap();
            assert_eq!(back, format!("These are the rows of the source's {source}: {words}."));
        }
    }

    #[test]
    fn what_may_be_several_is_none() {
        let up = |job| labels(&[("__name__", "up"), ("job", job)]);
        let many = pairs(&[up("a"), up("b")], &[up("c")], |_| 1.0);
        assert!(many.explain(&up("a"), true).is_none() && many.explain(&up("c"), false).is_none());
        let other_rows = pairs(&[up("a")], &[up("c")], |one| if *one == up("a") { 1.0 } else { 2.0 });
        assert!(other_rows.explain(&up("a"), true).is_none());
        // One that lost its label is nearer than one that has other values in two.
        let host = |pairs: &[(&str, &str)]| labels(pairs);
        let source = [host(&[("a", "1"), ("job", "x")]), host(&[("a", "2"), ("job", "y")])];
        let target = [host(&[("a", "1")]), host(&[("a", "2")])];
        let two = pairs(&source, &target, |_| 1.0);
        assert!(
            two.explain(&source[0], true).unwrap().0.starts_with("The target has the same rows as {a=\"1\"}")
        );
    }
}
