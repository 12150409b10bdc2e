//! What was read of a slab, decoded.
//!
//! The usual series has the same bytes in both answers, and is not decoded at all. What is left of a slab is decoded a few
//! series at a time, the same ones of both sides: held decoded as a whole, it would take as much memory again as its
//! answers, in a thousand pieces between them, and pass through the processor's caches twice.

use crate::model::{Labels, Series, Window};
use crate::run::reading::Piece;
use crate::wire::prom_read::{PlainSamples, RawSeries};
use std::cmp::Ordering;
use std::vec::IntoIter;

/// Rows that are decoded at once, of both sides together; more where a series has more.
const ROWS_AT_ONCE: u64 = 8_192;

/// A series as it stands in an answer.
struct Entry<'a> {
    labels: Labels,
    raw: RawSeries<'a>,
    /// What counts of it.
    keep: Window,
}

/// Series of a slab, with all that both sides have of them.
pub(super) enum Group<'a> {
    /// One that has these samples on both sides, in the slab, and nothing else.
    Alike(Labels, PlainSamples<'a>),
    /// Those of the source, and those of the target.
    Decoded(Vec<Series>, Vec<Series>),
}

/// Gives the series of both sides in groups.
pub(super) fn each_group<'a>(
    source: &'a [Piece],
    target: &'a [Piece],
    slab: Window,
    mut each: impl FnMut(Group<'a>),
) {
    let (mut source, mut target) = (in_order(source, slab).into_iter(), in_order(target, slab).into_iter());
    loop {
        let (mut from_source, mut from_target, mut rows) = (Vec::new(), Vec::new(), 0);
        while rows < ROWS_AT_ONCE {
            let order = match (source.as_slice().first(), target.as_slice().first()) {
                (Some(one), Some(other)) => one.labels.cmp(&other.labels),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (None, None) => break,
            };
            if order.is_eq()
                && let Some(samples) = alike(source.as_slice(), target.as_slice())
            {
                target.next();
                each(Group::Alike(source.next().map(|entry| entry.labels).unwrap_or_default(), samples));
                continue;
            }
            if order.is_le() {
                rows += take(&mut source, &mut from_source);
            }
            if order.is_ge() {
                rows += take(&mut target, &mut from_target);
            }
        }
        if from_source.is_empty() && from_target.is_empty() {
            return;
        }
        each(Group::Decoded(from_source, from_target));
    }
}

/// The samples of the first series, if both sides have the same ones of it in one piece, and nothing else.
fn alike<'a>(source: &[Entry<'a>], target: &[Entry<'_>]) -> Option<PlainSamples<'a>> {
    let (one, other) = (only(source)?, only(target)?);
    let keeps = |keep: Window| keep.contains(one.first_ms()) && keep.contains(one.last_ms());
    let kept = keeps(source.first()?.keep) && keeps(target.first()?.keep);
    (kept && one.is_same(&other)).then_some(one)
}

/// The samples of the first series, if it is in one piece.
fn only<'a>(entries: &[Entry<'a>]) -> Option<PlainSamples<'a>> {
    let first = entries.first()?;
    let whole = entries.get(1).is_none_or(|next| next.labels != first.labels);
    first.raw.plain_samples().filter(|_| whole)
}

/// All series of a slab, decoded.
pub(super) fn all(pieces: &[Piece], slab: Window) -> Vec<Series> {
    let entries = pieces.iter().flat_map(|piece| entries(piece, slab));
    entries.map(decode).collect()
}

fn in_order(pieces: &[Piece], slab: Window) -> Vec<Entry<'_>> {
    let mut all: Vec<Entry<'_>> = pieces.iter().flat_map(|piece| entries(piece, slab)).collect();
    crate::order::sort_by(&mut all, |a, b| a.labels.cmp(&b.labels));
    all
}

fn entries((window, data): &Piece, slab: Window) -> impl Iterator<Item = Entry<'_>> {
    let keep =
        Window { start_ms: window.start_ms.max(slab.start_ms), end_ms: window.end_ms.min(slab.end_ms) };
    data.raw_series().map(move |raw| Entry { labels: raw.labels(), raw, keep })
}

/// Decodes the next series, with all pieces of it, and says how many rows that were.
fn take(entries: &mut IntoIter<Entry<'_>>, out: &mut Vec<Series>) -> u64 {
    let mut rows = 0;
    while let Some(entry) = entries.next() {
        rows += entry.raw.sample_count() + entry.raw.histogram_count();
        let last = entries.as_slice().first().is_none_or(|next| next.labels != entry.labels);
        out.push(decode(entry));
        if last {
            break;
        }
    }
    rows
}

/// Decodes a series; rows that a server sent although they lie outside of what was asked for are left out.
fn decode(Entry { labels, raw, keep }: Entry<'_>) -> Series {
    let mut one = raw.decode_as(labels);
    let inside = |at: Option<i64>| at.is_none_or(|at| keep.contains(at));
    // Servers sort by time; the ends tell whether there is anything to cut off.
    let ends = [one.samples.first(), one.samples.last()].map(|sample| sample.map(|sample| sample.timestamp));
    if !ends.into_iter().all(inside) || !one.samples.is_sorted_by_key(|sample| sample.timestamp) {
        one.samples.retain(|sample| keep.contains(sample.timestamp));
    }
    one.histograms.retain(|histogram| keep.contains(histogram.timestamp));
    one
}

#[cfg(test)]
mod tests {
    use super::{Group, all, each_group};
    use crate::model::{Labels, Sample, Series, Window};
    use crate::wire::prom_read::SlabData;
    use proptest::prelude::*;
    use std::collections::{BTreeMap, BTreeSet};

    /// In 2025: times of fewer digits are no plain samples.
    const START: i64 = 1_763_510_400_000;
    const SLAB: Window = Window { start_ms: START, end_ms: START + 99_999 };

    fn series(name: u8, first: i64, rows: i64) -> Series {
        let first = START + first;
        let samples = (first..first + rows).map(|at| Sample { timestamp: at, value: at as f64 }).collect();
        let labels = Labels::from_pairs([("__name__", format!("m{name}"))]);
        Series { labels, samples, ..Series::default() }
    }

    fn rows(series: &[Series]) -> BTreeMap<Labels, Vec<i64>> {
        let mut rows: BTreeMap<Labels, Vec<i64>> = BTreeMap::new();
        for one in series {
            let own = rows.entry(one.labels.clone()).or_default();
            own.extend(one.samples.iter().map(|sample| sample.timestamp));
            own.sort_unstable();
        }
        rows
    }

    proptest! {
        #[test]
        fn groups_are_all_there_is_and_keep_series_together(
            source in prop::collection::vec((0u8..20, 0i64..100_500, 1i64..9_000), 0..12),
            target in prop::collection::vec((0u8..20, 0i64..100_500, 1i64..9_000), 0..12),
            both in prop::collection::vec((0u8..20, 0i64..100_500, 1i64..9_000), 0..6),
            half in 0usize..12,
        ) {
            let [source, target] = [source, target].map(|own| [own, both.clone()].concat());
            let pieces = |of: &[(u8, i64, i64)]| {
                let (one, other) = of.split_at(half.min(of.len()));
                let piece = |of: &[(u8, i64, i64)]| {
                    let series: Vec<Series> = of.iter().map(|of| series(of.0, of.1, of.2)).collect();
                    (SLAB, SlabData::from_series(&series))
                };
                vec![piece(one), piece(other)]
            };
            let (source, target) = (pieces(&source), pieces(&target));
            let (mut from_source, mut from_target, mut given) = (Vec::new(), Vec::new(), BTreeSet::new());
            each_group(&source, &target, SLAB, |group| {
                let (one, other) = match group {
                    Group::Alike(labels, samples) => {
                        let times = (0..samples.count()).map(|row| samples.at(row).unwrap());
                        let samples = times.map(|timestamp| Sample { timestamp, value: timestamp as f64 });
                        let one = vec![Series { labels, samples: samples.collect(), ..Series::default() }];
                        (one.clone(), one)
                    }
                    Group::Decoded(one, other) => (one, other),
                };
                for labels in rows(&[one.clone(), other.clone()].concat()).into_keys() {
                    assert!(given.insert(labels), "a series in two groups");
                }
                from_source.extend(one);
                from_target.extend(other);
            });
            prop_assert_eq!(rows(&from_source), rows(&all(&source, SLAB)));
            prop_assert_eq!(rows(&from_target), rows(&all(&target, SLAB)));
            prop_assert!(from_source.iter().all(|one| one.samples.iter().all(|row| SLAB.contains(row.timestamp))));
        }
    }
}
