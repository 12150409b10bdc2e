//! Whatever the data, the cut and the order: a copy agrees, and each kind of damage is found as what it is.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use proptest::prelude::*;
use proptest::sample::Index;
use tsink_migrate_engine::compare::{Hints, RawComparison};
use tsink_migrate_engine::model::{Histogram, Labels, STALE_NAN_BITS, Sample, Series, Window};
use tsink_migrate_engine::plan::Compare;
use tsink_migrate_engine::report::{FindingKind, RawCheckReport};
use tsink_migrate_engine::wire::types::{BucketSpan, histogram::Count};

const WINDOW: Window = Window { start_ms: 0, end_ms: 9_999 };

fn value() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => -1e6..1e6f64,
        1 => any::<f64>(),
        1 => Just(f64::from_bits(STALE_NAN_BITS)),
        1 => Just(f64::NAN),
        1 => Just(f64::INFINITY),
        1 => Just(-0.0),
    ]
}

fn histogram(timestamp: i64, counts: &[u8]) -> Histogram {
    let mut last = 0;
    let deltas = counts.iter().map(|count| {
        let delta = i64::from(*count) - last;
        last = i64::from(*count);
        delta
    });
    Histogram {
        count: Some(Count::CountInt(counts.iter().map(|count| u64::from(*count)).sum())),
        sum: 1.5,
        positive_deltas: deltas.collect(),
        positive_spans: vec![BucketSpan { offset: 1, length: counts.len() as u32 }],
        timestamp,
        ..Histogram::default()
    }
}

/// Series of different labels, each with one row at least, in strict time order.
fn data() -> impl Strategy<Value = Vec<Series>> {
    let times = || prop::collection::btree_set(WINDOW.start_ms..=WINDOW.end_ms, 1..40);
    let one = (
        times(),
        prop::collection::vec(value(), 40),
        prop::collection::vec(any::<u8>(), 1..5),
        any::<bool>(),
    );
    prop::collection::vec(one, 1..4).prop_map(|all| {
        let series = all.into_iter().enumerate().map(|(id, (times, values, counts, native))| {
            let labels = Labels::from_pairs([("__name__", "m".to_owned()), ("id", id.to_string())]);
            if native {
                let histograms = times.into_iter().map(|at| histogram(at, &counts)).collect();
                Series { labels, histograms, ..Series::default() }
            } else {
                let samples = times
                    .into_iter()
                    .zip(values)
                    .map(|(timestamp, value)| Sample { timestamp, value })
                    .collect();
                Series { labels, samples, ..Series::default() }
            }
        });
        series.collect()
    })
}

/// How a comparison is fed: cuts of the window, order of the slabs, order of series and rows.
#[derive(Clone, Debug)]
struct Feed {
    cuts: Vec<i64>,
    slabs: Vec<Index>,
    reverse_series: bool,
    reverse_rows: bool,
    untrimmed: bool,
}

fn feed() -> impl Strategy<Value = Feed> {
    (
        prop::collection::btree_set(1..WINDOW.end_ms, 0..6),
        prop::collection::vec(any::<Index>(), 8),
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
    )
        .prop_map(|(cuts, slabs, reverse_series, reverse_rows, untrimmed)| Feed {
            cuts: cuts.into_iter().collect(),
            slabs,
            reverse_series,
            reverse_rows,
            untrimmed,
        })
}

impl Feed {
    /// Slab windows in the order in which they come.
    fn windows(&self) -> Vec<Window> {
        let starts = std::iter::once(WINDOW.start_ms).chain(self.cuts.iter().copied());
        let ends = self.cuts.iter().map(|cut| cut - 1).chain([WINDOW.end_ms]);
        let mut left: Vec<Window> =
            starts.zip(ends).map(|(start_ms, end_ms)| Window { start_ms, end_ms }).collect();
        let mut order = Vec::new();
        let mut picks = self.slabs.iter().cycle();
        while !left.is_empty() {
            order.push(left.remove(picks.next().unwrap().index(left.len())));
        }
        order
    }

    /// What a server sends for a part of the window.
    fn answer(&self, data: &[Series], window: Window) -> Vec<Series> {
        let mut answer = data.to_vec();
        for series in &mut answer {
            if !self.untrimmed {
                series.samples.retain(|sample| window.contains(sample.timestamp));
                series.histograms.retain(|histogram| window.contains(histogram.timestamp));
            }
            if self.reverse_rows {
                series.samples.reverse();
                series.histograms.reverse();
            }
        }
        if self.reverse_series {
            answer.reverse();
        }
        answer
    }
}

fn run(
    source: &[Series],
    target: &[Series],
    tolerance: &Compare,
    one: &Feed,
    other: &Feed,
) -> RawCheckReport {
    let mut check = RawComparison::new("m", tolerance, 100).over(WINDOW);
    let mut differs = false;
    for window in one.windows() {
        differs |= check.slab(window, one.answer(source, window), other.answer(target, window)).differs;
    }
    let report = check.finish(&Hints::default());
    assert_eq!(differs, !report.matched());
    report
}

fn rows(series: &[Series]) -> u64 {
    series.iter().map(|series| (series.samples.len() + series.histograms.len()) as u64).sum()
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Damage {
    LoseSeries,
    AddSeries,
    LoseRow,
    AddRow,
    ChangeRow,
    RepeatRow,
    RepeatRowOtherwise,
    Unstale,
}

fn damage() -> impl Strategy<Value = Damage> {
    use Damage::*;
    prop::sample::select(vec![
        LoseSeries,
        AddSeries,
        LoseRow,
        AddRow,
        ChangeRow,
        RepeatRow,
        RepeatRowOtherwise,
        Unstale,
    ])
}

/// A value that differs from `value` by more than the default tolerance.
fn other_value(value: f64) -> f64 {
    if value.is_finite() && value.abs() < 1e12 { value + value.abs().max(1.0) } else { 1.0 }
}

/// Damages the target; says what kind of finding and how much of it must come of it, if any.
fn apply(target: &mut Vec<Series>, damage: Damage, series: Index, row: Index) -> Option<(FindingKind, u64)> {
    let at = series.index(target.len());
    let one = &mut target[at];
    let native = one.samples.is_empty();
    let len = one.samples.len() + one.histograms.len();
    let row = row.index(len);
    match damage {
        Damage::LoseSeries => {
            target.remove(at);
            Some((FindingKind::MissingSeries, len as u64))
        }
        Damage::AddSeries => {
            one.labels = Labels::from_pairs([("__name__", "m"), ("id", "new")]);
            None // What it means depends on both names: see the test.
        }
        Damage::LoseRow if native => {
            one.histograms.remove(row);
            Some((if len == 1 { FindingKind::MissingSeries } else { FindingKind::MissingHistograms }, 1))
        }
        Damage::LoseRow => {
            one.samples.remove(row);
            Some((if len == 1 { FindingKind::MissingSeries } else { FindingKind::MissingSamples }, 1))
        }
        Damage::AddRow => {
            let taken = |time: i64| {
                one.samples.iter().any(|sample| sample.timestamp == time)
                    || one.histograms.iter().any(|histogram| histogram.timestamp == time)
            };
            let free = (WINDOW.start_ms..=WINDOW.end_ms).find(|time| !taken(*time)).unwrap();
            if native {
                one.histograms.push(histogram(free, &[1]));
                Some((FindingKind::ExtraHistograms, 1))
            } else {
                one.samples.push(Sample { timestamp: free, value: 1.0 });
                Some((FindingKind::ExtraSamples, 1))
            }
        }
        Damage::ChangeRow if native => {
            one.histograms[row].positive_deltas[0] += 1;
            Some((FindingKind::HistogramDiffers, 1))
        }
        Damage::ChangeRow => {
            one.samples[row].value = other_value(one.samples[row].value);
            Some((FindingKind::ValueDiffers, 1))
        }
        Damage::RepeatRow if native => {
            one.histograms.push(one.histograms[row].clone());
            Some((FindingKind::DuplicateTimestamp, 1))
        }
        Damage::RepeatRow => {
            one.samples.push(one.samples[row]);
            Some((FindingKind::DuplicateTimestamp, 1))
        }
        Damage::RepeatRowOtherwise if native => {
            let mut other = one.histograms[row].clone();
            other.sum += 1.0;
            one.histograms.push(other);
            Some((FindingKind::DuplicateTimestamp, 1))
        }
        Damage::RepeatRowOtherwise => {
            let Sample { timestamp, value } = one.samples[row];
            one.samples.push(Sample { timestamp, value: other_value(value) });
            Some((FindingKind::DuplicateTimestamp, 1))
        }
        Damage::Unstale => {
            let stale = one.samples.iter_mut().find(|sample| sample.value.to_bits() == STALE_NAN_BITS)?;
            stale.value = f64::NAN;
            Some((FindingKind::StaleNan, 1))
        }
    }
}

proptest! {
    #[test]
    fn a_copy_never_differs(data in data(), one in feed(), other in feed()) {
        let exact = Compare { max_absolute_value_delta: 0.0, max_relative_value_delta: 0.0 };
        let report = run(&data, &data, &exact, &one, &other);
        prop_assert!(report.matched(), "{:#?}", report);
        prop_assert_eq!(report.source_series, data.len() as u64);
        prop_assert_eq!((report.source_rows, report.target_rows), (rows(&data), rows(&data)));
    }

    #[test]
    fn damage_is_found_as_what_it_is(
        data in data(), damage in damage(), series in any::<Index>(), row in any::<Index>(),
        one in feed(), other in feed(),
    ) {
        let mut target = data.clone();
        let expected = apply(&mut target, damage, series, row);
        let report = run(&data, &target, &Compare::default(), &one, &other);
        let found: Vec<_> = report.findings.iter().map(|finding| (finding.kind, finding.count)).collect();
        if damage == Damage::AddSeries {
            let len = rows(&target[series.index(target.len())..][..1]);
            prop_assert_eq!(found, vec![(FindingKind::MissingSeries, len), (FindingKind::ExtraSeries, len)]);
        } else {
            prop_assert_eq!(found, expected.into_iter().collect::<Vec<_>>());
        }
        prop_assert_eq!(report.issues.len(), report.findings.len());
        let series_only = expected.is_some_and(|(kind, _)| kind == FindingKind::MissingSeries)
            || damage == Damage::AddSeries;
        let mismatches = report.sample_mismatches + report.histogram_mismatches;
        prop_assert_eq!(mismatches, u64::from(expected.is_some() && !series_only));
    }

    #[test]
    fn the_report_does_not_depend_on_cut_and_order(
        source in data(), target in data(), one in feed(), other in feed(), again in feed(),
    ) {
        let whole = Feed { cuts: vec![], reverse_series: false, reverse_rows: false, ..one.clone() };
        let mut report = run(&source, &target, &Compare::default(), &one, &other);
        let mut expected = run(&source, &target, &Compare::default(), &whole, &again);
        // Whether a row lies on the edge of a part is what the cut may tell.
        for finding in report.findings.iter_mut().chain(&mut expected.findings) {
            finding.cause.clear();
            finding.remedy.clear();
            // A slab shows its own rows only.
            finding.excerpt = None;
        }
        prop_assert_eq!(
            serde_json::to_string_pretty(&report).unwrap(),
            serde_json::to_string_pretty(&expected).unwrap()
        );
    }

    #[test]
    fn source_and_target_are_seen_alike(source in data(), target in data(), one in feed()) {
        let there = run(&source, &target, &Compare::default(), &one, &one);
        let back = run(&target, &source, &Compare::default(), &one, &one);
        prop_assert_eq!((there.missing_series, there.extra_series), (back.extra_series, back.missing_series));
        prop_assert_eq!((there.missing_samples, there.extra_samples), (back.extra_samples, back.missing_samples));
        prop_assert_eq!(there.histogram_mismatches, back.histogram_mismatches);
    }
}
