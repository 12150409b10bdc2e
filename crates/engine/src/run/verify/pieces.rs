//! What was read of a slab, decoded.
//!
//! The usual slab is decoded a few series at a time, the same ones of both sides: held decoded as a whole, it would take
//! as much memory again as its answers, in a thousand pieces between them, and pass through the processor's caches twice.

use crate::model::{Labels, Series, Window};
use crate::run::reading::Piece;
use crate::wire::prom_read::RawSeries;
use std::cmp::Ordering;
use std::iter::Peekable;

/// Rows that are decoded at once, of both sides together; more where a series has more.
const ROWS_AT_ONCE: u64 = 8_192;

/// A series as it stands in an answer.
struct Entry<'a> {
    labels: Labels,
    raw: RawSeries<'a>,
    /// What counts of it.
    keep: Window,
}

/// Gives the series of both sides in label order, in groups. All that both sides have of a series is in one group.
pub(super) fn each_group(
    source: &[Piece],
    target: &[Piece],
    slab: Window,
    mut each: impl FnMut(Vec<Series>, Vec<Series>),
) {
    let mut source = in_order(source, slab).into_iter().peekable();
    let mut target = in_order(target, slab).into_iter().peekable();
    loop {
        let (mut from_source, mut from_target, mut rows) = (Vec::new(), Vec::new(), 0);
        while rows < ROWS_AT_ONCE {
            let order = match (source.peek(), target.peek()) {
                (Some(one), Some(other)) => one.labels.cmp(&other.labels),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (None, None) => break,
            };
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
        each(from_source, from_target);
    }
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
fn take<'a>(entries: &mut Peekable<impl Iterator<Item = Entry<'a>>>, out: &mut Vec<Series>) -> u64 {
    let mut rows = 0;
    let Some(mut entry) = entries.next() else { return rows };
    loop {
        rows += entry.raw.sample_count() + entry.raw.histogram_count();
        let next = entries.next_if(|next| next.labels == entry.labels);
        out.push(decode(entry));
        match next {
            Some(next) => entry = next,
            None => return rows,
        }
    }
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
    use super::{all, each_group};
    use crate::model::{Labels, Sample, Series, Window};
    use crate::wire::prom_read::SlabData;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    const SLAB: Window = Window { start_ms: 0, end_ms: 99_999 };

    fn series(name: u8, first: i64, rows: i64) -> Series {
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
            half in 0usize..12,
        ) {
            let pieces = |of: &[(u8, i64, i64)]| {
                let (one, other) = of.split_at(half.min(of.len()));
                let piece = |of: &[(u8, i64, i64)]| {
                    let series: Vec<Series> = of.iter().map(|of| series(of.0, of.1, of.2)).collect();
                    (SLAB, SlabData::from_series(&series))
                };
                vec![piece(one), piece(other)]
            };
            let (source, target) = (pieces(&source), pieces(&target));
            let (mut from_source, mut from_target, mut last) = (Vec::new(), Vec::new(), None);
            each_group(&source, &target, SLAB, |one, other| {
                let labels = |of: &[Series]| rows(of).into_keys().collect::<Vec<_>>();
                let both = labels(&[one.clone(), other.clone()].concat());
                assert!(last < both.first().cloned(), "a series in two groups");
                last = both.last().cloned();
                from_source.extend(one);
                from_target.extend(other);
            });
            prop_assert_eq!(rows(&from_source), rows(&all(&source, SLAB)));
            prop_assert_eq!(rows(&from_target), rows(&all(&target, SLAB)));
            prop_assert!(from_source.iter().all(|one| one.samples.iter().all(|row| SLAB.contains(row.timestamp))));
        }
    }
}
