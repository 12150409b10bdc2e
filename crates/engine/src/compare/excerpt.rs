//! A few rows of both sides around a difference, to be drawn.

use super::findings::{Class, Of};
use super::histograms;
use super::rows::{Row, join};
use super::values::{Relation, relate, show};
use crate::model::{Histogram, Millis, Sample, Series, Window};
use crate::plan::Compare;
use crate::report::{Excerpt, ExcerptPoint};

/// Rows shown before the difference.
const BEFORE: usize = 8;
/// Rows shown of a side at most.
const SHOWN: usize = 24;

/// What both sides have around `at`. Rows are in time order; what another slab holds is not shown.
pub(super) fn around(
    class: Class,
    at: Millis,
    source: &Series,
    target: &Series,
    tolerance: &Compare,
) -> Excerpt {
    match class.of {
        Of::Histograms => {
            let (one, other) = cut(&source.histograms, &target.histograms, at);
            let same = |a: &Histogram, b: &Histogram| histograms::differences(a, b, tolerance).is_none();
            excerpt(one, other, |histogram| show(histogram.sum), same)
        }
        _ => {
            let (one, other) = cut(&source.samples, &target.samples, at);
            let same = |a: &Sample, b: &Sample| relate(a.value, b.value, tolerance) == Relation::Equal;
            excerpt(one, other, |sample| show(sample.value), same)
        }
    }
}

/// The same stretch of time of both sides. The side that has a row at `at` says how long it is.
fn cut<'a, R: Row>(source: &'a [R], target: &'a [R], at: Millis) -> (&'a [R], &'a [R]) {
    let place = |rows: &[R]| rows.partition_point(|row| row.at() < at);
    let has = |rows: &[R]| rows.get(place(rows)).is_some_and(|row| row.at() == at);
    let leading = if has(source) { source } else { target };
    let first = place(leading).saturating_sub(BEFORE);
    let last = (first + SHOWN).min(leading.len()).saturating_sub(1);
    let (Some(first), Some(last)) = (leading.get(first), leading.get(last)) else { return (&[], &[]) };
    let stretch = Window { start_ms: first.at(), end_ms: last.at() };
    (within(source, stretch), within(target, stretch))
}

fn within<R: Row>(rows: &[R], stretch: Window) -> &[R] {
    let from = rows.partition_point(|row| row.at() < stretch.start_ms);
    let to = rows.partition_point(|row| row.at() <= stretch.end_ms).min(from + SHOWN);
    rows.get(from..to).unwrap_or_default()
}

fn excerpt<R: Row>(
    source: &[R],
    target: &[R],
    value: impl Fn(&R) -> String,
    same: impl Fn(&R, &R) -> bool,
) -> Excerpt {
    let points = |rows: &[R]| {
        rows.iter().map(|row| ExcerptPoint { at_ms: row.at(), value: value(row) }).collect::<Vec<_>>()
    };
    let mut differing_ms = Vec::new();
    join(source, target, |one, other| {
        let agree = match (one, other) {
            ([a], [b]) => same(a, b),
            (one, other) => one.len() == other.len() && one.iter().zip(other).all(|(a, b)| same(a, b)),
        };
        if let Some(row) = one.first().or(other.first()).filter(|_| !agree) {
            differing_ms.push(row.at());
        }
    });
    Excerpt { source: points(source), target: points(target), differing_ms }
}

#[cfg(test)]
mod tests {
    use super::{SHOWN, around};
    use crate::compare::findings::{Class, Of};
    use crate::model::{Sample, Series};
    use crate::plan::Compare;
    use crate::report::FindingKind;

    fn series(times: impl Iterator<Item = i64>) -> Series {
        let samples = times.map(|timestamp| Sample { timestamp, value: timestamp as f64 }).collect();
        Series { samples, ..Series::default() }
    }

    #[test]
    fn it_shows_the_same_stretch_of_both_sides() {
        let class = Class::new(FindingKind::MissingSamples, Of::Samples);
        let (source, target) = (series(0..100), series((0..100).filter(|at| *at != 50)));
        let excerpt = around(class, 50, &source, &target, &Compare::default());
        let times = |points: &[crate::report::ExcerptPoint]| {
            points.iter().map(|point| point.at_ms).collect::<Vec<_>>()
        };
        assert_eq!(times(&excerpt.source), (42..66).collect::<Vec<_>>());
        assert_eq!(times(&excerpt.target), (42..66).filter(|at| *at != 50).collect::<Vec<_>>());
        assert_eq!(excerpt.differing_ms, [50]);
        assert_eq!(excerpt.source[8].value, "50");
    }

    #[test]
    fn it_is_small_whatever_a_side_holds() {
        let class = Class::new(FindingKind::ExtraSamples, Of::Samples);
        let (source, target) = (series(std::iter::empty()), series(std::iter::repeat_n(7, 1000)));
        let excerpt = around(class, 7, &source, &target, &Compare::default());
        assert_eq!((excerpt.source.len(), excerpt.target.len()), (0, SHOWN));
        assert_eq!(excerpt.differing_ms, [7]);
    }
}
