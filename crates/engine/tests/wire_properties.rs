//! Remote read and write against prost's reading of the same bytes, for whatever a server might send.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "support/proto.rs"]
#[allow(dead_code)]
mod proto;

use proptest::prelude::*;
use proptest::sample::Index;
use prost::Message;
use proto::{Sample, TimeSeries, snappy, unsnappy};
use std::collections::{BTreeMap, BTreeSet};
use tsink_migrate_engine::model::{Labels, STALE_NAN_BITS, Window};
use tsink_migrate_engine::wire::prom_read::{RawSeries, SlabData, labels_identity};
use tsink_migrate_engine::wire::prom_write::{BatchBuilder, Pushed, WriteBatch};
use tsink_migrate_engine::wire::types::{BucketSpan, Exemplar, Histogram, Label, histogram};

const LIMIT: usize = 1 << 24;
const EVER: Window = Window { start_ms: i64::MIN, end_ms: i64::MAX };

/// A series as a later version of the protocol may have it: with a field that this program does not know.
#[derive(Clone, PartialEq, Message)]
struct LaterSeries {
    #[prost(message, repeated, tag = "1")]
    labels: Vec<Label>,
    #[prost(message, repeated, tag = "2")]
    samples: Vec<Sample>,
    #[prost(message, repeated, tag = "3")]
    exemplars: Vec<Exemplar>,
    #[prost(message, repeated, tag = "4")]
    histograms: Vec<Histogram>,
    #[prost(bytes, repeated, tag = "9")]
    later: Vec<Vec<u8>>,
}

#[derive(Clone, PartialEq, Message)]
struct Request {
    #[prost(message, repeated, tag = "1")]
    timeseries: Vec<LaterSeries>,
}

#[derive(Clone, PartialEq, Message)]
struct Response {
    #[prost(message, repeated, tag = "1")]
    results: Vec<Request>,
}

fn label(name: &str, value: &str) -> Label {
    Label { name: name.into(), value: value.into() }
}

/// Times near each other, so that some are equal, and far ones, whose varints have other lengths.
fn time() -> impl Strategy<Value = i64> {
    prop_oneof![
        8 => (0i64..20).prop_map(|step| 1_700_000_000_000 + step * 15_000),
        1 => -100i64..100,
        1 => any::<i64>(),
    ]
}

fn value() -> impl Strategy<Value = f64> {
    prop_oneof![
        Just(1.5),
        Just(f64::from_bits(STALE_NAN_BITS)),
        Just(f64::NAN),
        Just(0.0),
        Just(-0.0),
        Just(f64::NEG_INFINITY),
        any::<u64>().prop_map(f64::from_bits),
    ]
}

fn native_histogram() -> impl Strategy<Value = Histogram> {
    (time(), any::<bool>(), proptest::collection::vec(-3i64..300, 0..4), 0u8..3).prop_map(
        |(timestamp, float, deltas, variant)| {
            let counts: Vec<f64> = deltas.iter().map(|delta| *delta as f64).collect();
            let spans = vec![BucketSpan { offset: -2, length: deltas.len() as u32 }];
            let (positive_deltas, positive_counts) =
                if float { (Vec::new(), counts) } else { (deltas, Vec::new()) };
            Histogram {
                count: Some(match float {
                    true => histogram::Count::CountFloat(12.5),
                    false => histogram::Count::CountInt(12),
                }),
                sum: 3.5,
                schema: if variant == 2 { -53 } else { 3 },
                zero_count: Some(histogram::ZeroCount::ZeroCountInt(u64::from(variant))),
                positive_spans: spans,
                positive_deltas,
                positive_counts,
                reset_hint: i32::from(variant),
                custom_values: if variant == 2 { vec![0.5, 1.0] } else { Vec::new() },
                timestamp,
                ..Histogram::default()
            }
        },
    )
}

/// A series' fields, each encoded by itself, in the order in which they go on the wire.
fn fields() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let labels = proptest::collection::vec(("[a-d]", "[x🦀]{0,2}"), 0..5);
    let samples = proptest::collection::vec((time(), value()), 0..25);
    let exemplars = proptest::collection::vec((time(), value()), 0..3);
    let histograms = proptest::collection::vec(native_histogram(), 0..4);
    let later = proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..4), 0..3);
    // 0: as servers send them; 1: rows as they fell; 2: all fields mixed up; 3: rows repeated, too.
    (labels, samples, exemplars, histograms, later, 0u8..4, any::<Index>()).prop_map(
        |(labels, samples, exemplars, histograms, later, disorder, at)| {
            let mut samples: Vec<Sample> =
                samples.into_iter().map(|(timestamp, value)| Sample { value, timestamp }).collect();
            let mut labels: Vec<Label> = labels.iter().map(|(name, value)| label(name, value)).collect();
            let mut histograms = histograms;
            let mut later = later;
            if disorder == 0 {
                samples.sort_by_key(|sample| sample.timestamp);
                samples.dedup_by_key(|sample| sample.timestamp);
                histograms.sort_by_key(|histogram| histogram.timestamp);
                histograms.dedup_by_key(|histogram| histogram.timestamp);
                labels.sort_by(|one, other| one.name.cmp(&other.name));
                labels.dedup_by(|one, other| one.name == other.name);
                labels.retain(|label| !label.value.is_empty());
                later.truncate(at.index(2));
            }
            if disorder == 3 {
                samples.extend_from_within(..samples.len() / 2);
                histograms.extend_from_within(..histograms.len() / 2);
            }
            let exemplars: Vec<Exemplar> = exemplars
                .into_iter()
                .map(|(timestamp, value)| Exemplar { labels: vec![label("trace_id", "a")], value, timestamp })
                .collect();
            let one = |series: LaterSeries| series.encode_to_vec();
            let empty = LaterSeries::default;
            let mut fields: Vec<Vec<u8>> = Vec::new();
            fields
                .extend(labels.into_iter().map(|label| one(LaterSeries { labels: vec![label], ..empty() })));
            fields.extend(samples.into_iter().map(|row| one(LaterSeries { samples: vec![row], ..empty() })));
            fields.extend(
                exemplars.into_iter().map(|row| one(LaterSeries { exemplars: vec![row], ..empty() })),
            );
            fields.extend(
                histograms.into_iter().map(|row| one(LaterSeries { histograms: vec![row], ..empty() })),
            );
            fields.extend(later.into_iter().map(|bytes| one(LaterSeries { later: vec![bytes], ..empty() })));
            if disorder >= 2 && !fields.is_empty() {
                let middle = at.index(fields.len());
                fields.rotate_left(middle);
            }
            fields
        },
    )
}

/// Series with labels of their own.
fn answer() -> impl Strategy<Value = Vec<Vec<u8>>> {
    proptest::collection::vec(fields(), 0..8).prop_map(|all| {
        let numbered = |(at, fields): (usize, Vec<Vec<u8>>)| {
            let mut message =
                LaterSeries { labels: vec![label("at", &at.to_string())], ..Default::default() }
                    .encode_to_vec();
            message.extend(fields.concat());
            message
        };
        all.into_iter().enumerate().map(numbered).collect()
    })
}

fn frame(out: &mut Vec<u8>, message: &[u8]) {
    out.push(0x0a);
    prost::encoding::encode_varint(message.len() as u64, out);
    out.extend_from_slice(message);
}

fn response(series: &[Vec<u8>]) -> Vec<u8> {
    let (mut result, mut response) = (Vec::new(), Vec::new());
    series.iter().for_each(|message| frame(&mut result, message));
    frame(&mut response, &result);
    response
}

/// What there is of one series, in order; rows of each kind as time and content.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Content {
    samples: Vec<(i64, u64)>,
    histograms: Vec<(i64, Vec<u8>)>,
    exemplars: Vec<(i64, Vec<u8>)>,
    later: Vec<Vec<u8>>,
}

impl Content {
    fn rows(&self) -> usize {
        self.samples.len() + self.histograms.len() + self.exemplars.len()
    }

    fn times(&self) -> impl Iterator<Item = i64> + '_ {
        let samples = self.samples.iter().map(|row| row.0);
        samples.chain(self.histograms.iter().chain(&self.exemplars).map(|row| row.0))
    }

    fn add(&mut self, series: &LaterSeries) {
        self.samples.extend(series.samples.iter().map(|row| (row.timestamp, row.value.to_bits())));
        self.histograms.extend(series.histograms.iter().map(|row| (row.timestamp, row.encode_to_vec())));
        self.exemplars.extend(series.exemplars.iter().map(|row| (row.timestamp, row.encode_to_vec())));
        self.later.extend(series.later.iter().cloned());
    }
}

fn labels(series: &LaterSeries) -> Labels {
    Labels::from_pairs(series.labels.iter().map(|label| (label.name.clone(), label.value.clone())))
}

fn contents<'a>(series: impl IntoIterator<Item = &'a LaterSeries>) -> BTreeMap<Labels, Content> {
    let mut all = BTreeMap::<Labels, Content>::new();
    for one in series {
        all.entry(labels(one)).or_default().add(one);
    }
    all
}

/// The rows as they should be written, and how many were left out as outside and as repeated.
fn tidied<T: Ord + Clone>(rows: &[(i64, T)], clip: Window) -> (Vec<(i64, T)>, u64, u64) {
    let mut inside: Vec<_> = rows.iter().filter(|row| clip.contains(row.0)).cloned().collect();
    let outside = rows.len() - inside.len();
    let before = inside.len();
    let mut seen = BTreeSet::new();
    inside.retain(|row| seen.insert(row.clone()));
    let repeated = before - inside.len();
    inside.sort_by_key(|row| row.0);
    (inside, outside as u64, repeated as u64)
}

/// Rows at a time at which another one was before.
fn conflicts<T>(rows: &[(i64, T)]) -> u64 {
    rows.windows(2).filter(|pair| pair[0].0 == pair[1].0).count() as u64
}

fn request(batch: &WriteBatch) -> Request {
    let raw = unsnappy(&batch.body);
    assert_eq!(raw.len(), batch.raw_len);
    Request::decode(raw.as_slice()).unwrap()
}

/// A batch says of itself what it holds.
fn check_counts(batch: &WriteBatch) {
    let request = request(batch);
    let mut all = Content::default();
    request.timeseries.iter().for_each(|one| all.add(one));
    assert_eq!(batch.series as usize, request.timeseries.len());
    assert_eq!(
        (batch.samples, batch.histograms, batch.exemplars),
        (all.samples.len() as u64, all.histograms.len() as u64, all.exemplars.len() as u64)
    );
    assert_eq!((batch.first_ms, batch.last_ms), (all.times().min(), all.times().max()));
    assert!(batch.rows() > 0);
    for one in &request.timeseries {
        assert!(one.samples.len() + one.histograms.len() + one.exemplars.len() > 0);
        assert!(one.labels.iter().all(|label| !label.value.is_empty()), "an empty label");
        assert!(one.labels.windows(2).all(|pair| pair[0].name < pair[1].name), "labels out of order");
    }
}

fn all(builder: &mut BatchBuilder) -> Vec<WriteBatch> {
    let mut batches: Vec<WriteBatch> = std::iter::from_fn(|| builder.take_ready()).collect();
    batches.extend(std::iter::from_fn(|| builder.finish()));
    batches
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn every_row_is_written_once_or_accounted_for(
        series in answer(),
        max_series in 0usize..6,
        max_points in prop_oneof![0usize..12, Just(1_000)],
        clip in prop_oneof![
            Just(EVER),
            (0i64..20, 0i64..20).prop_map(|(from, to)| Window {
                start_ms: 1_700_000_000_000 + from * 15_000,
                end_ms: 1_700_000_000_000 + to * 15_000,
            }),
        ],
    ) {
        let body = response(&series);
        let theirs = Response::decode(body.as_slice()).unwrap().results.remove(0).timeseries;
        let data = SlabData::from_answer(&snappy(&body), LIMIT).unwrap();
        prop_assert_eq!(data.series_count(), series.len());
        let mut builder = BatchBuilder::new(max_series, max_points);
        let mut expected = BTreeMap::new();
        for (raw, one) in data.raw_series().zip(&theirs) {
            let mut whole = Content::default();
            whole.add(one);
            let (samples, outside_samples, deduplicated_samples) = tidied(&whole.samples, clip);
            let (histograms, outside_histograms, deduplicated_histograms) = tidied(&whole.histograms, clip);
            let (exemplars, outside_exemplars, deduplicated_exemplars) = tidied(&whole.exemplars, clip);
            prop_assert_eq!(builder.push_raw(&raw, clip), Pushed {
                samples: samples.len() as u64,
                histograms: histograms.len() as u64,
                exemplars: exemplars.len() as u64,
                deduplicated_samples,
                deduplicated_histograms,
                deduplicated_exemplars,
                outside_samples,
                outside_histograms,
                outside_exemplars,
                conflicting_samples: conflicts(&samples),
                conflicting_histograms: conflicts(&histograms),
            });
            let content = Content { samples, histograms, exemplars, later: whole.later };
            if content.rows() > 0 {
                expected.insert(labels(one), content);
            }
        }
        let batches = all(&mut builder);
        batches.iter().for_each(check_counts);
        let (max_series, max_points) = (max_series.max(1) as u64, max_points.max(1) as u64);
        prop_assert!(batches.iter().all(|batch| batch.series <= max_series && batch.rows() <= max_points));
        let requests: Vec<Request> = batches.iter().map(request).collect();
        prop_assert_eq!(contents(requests.iter().flat_map(|request| &request.timeseries)), expected);
    }

    #[test]
    fn halves_of_halves_are_the_rows_of_the_batch(series in answer()) {
        let data = SlabData::from_response(response(&series)).unwrap();
        let mut builder = BatchBuilder::new(1_000, 100_000);
        data.raw_series().for_each(|one| { builder.push_raw(&one, EVER); });
        for batch in all(&mut builder) {
            let mut todo = vec![batch.clone()];
            let mut leaves = Vec::new();
            while let Some(batch) = todo.pop() {
                check_counts(&batch);
                match batch.split() {
                    Some((first, second)) => {
                        prop_assert!(first.rows() > 0 && second.rows() > 0);
                        prop_assert_eq!(first.rows() + second.rows(), batch.rows());
                        prop_assert!(batch.series > 1 || first.last_ms <= second.first_ms);
                        todo.extend([second, first]);
                    }
                    None => {
                        prop_assert_eq!(batch.rows(), 1);
                        leaves.push(request(&batch));
                    }
                }
            }
            let sorted = |requests: &[Request]| {
                let mut all = contents(requests.iter().flat_map(|request| &request.timeseries));
                for content in all.values_mut() {
                    content.samples.sort();
                    content.histograms.sort();
                    content.exemplars.sort();
                }
                all
            };
            prop_assert_eq!(sorted(&leaves), sorted(&[request(&batch)]));
        }
    }

    #[test]
    fn what_is_accepted_is_what_prost_reads(
        series in answer(),
        changes in proptest::collection::vec((any::<Index>(), any::<u8>()), 0..3),
        cut in proptest::option::of(any::<Index>()),
    ) {
        let mut body = response(&series);
        for (at, to) in &changes {
            let at = at.index(body.len());
            body[at] = *to;
        }
        if let Some(cut) = cut {
            body.truncate(cut.index(body.len()));
        }
        let theirs = match Response::decode(body.as_slice()) {
            // To us, this field is one that we do not know, and may hold anything.
            Err(error) if error.to_string().contains("LaterSeries.later") => return Ok(()),
            theirs => theirs.ok().filter(|response| response.results.len() == 1),
        };
        match SlabData::from_response(body) {
            Err(error) => prop_assert!(!changes.is_empty() || cut.is_some(), "refused undamaged: {}", error),
            Ok(data) => {
                let theirs = theirs.expect("prost reads what we accept").results.remove(0).timeseries;
                check_same(&data, &theirs);
                let mut builder = BatchBuilder::new(2, 3);
                data.raw_series().for_each(|one| { builder.push_raw(&one, EVER); });
                for batch in all(&mut builder) {
                    check_counts(&batch);
                    if let Some((first, second)) = batch.split() {
                        prop_assert_eq!(first.rows() + second.rows(), batch.rows());
                    }
                }
            }
        }
    }

    #[test]
    fn decoded_series_are_encoded_without_loss(series in answer()) {
        let data = SlabData::from_response(response(&series)).unwrap();
        let decoded = data.decode();
        let again = SlabData::from_series(&decoded);
        prop_assert_eq!(
            (again.series_count(), again.sample_count(), again.histogram_count(), again.exemplar_count()),
            (data.series_count(), data.sample_count(), data.histogram_count(), data.exemplar_count())
        );
        // NaN is not equal to itself, but its text is.
        prop_assert_eq!(format!("{:?}", again.decode()), format!("{decoded:?}"));
        for ((raw, before), series) in again.raw_series().zip(data.raw_series()).zip(&decoded) {
            prop_assert_eq!(raw.identity(), before.identity());
            prop_assert_eq!(raw.identity(), labels_identity(&series.labels));
            let bits = |raw: RawSeries<'_>| raw.samples().map(|sample| sample.value.to_bits()).collect::<Vec<_>>();
            prop_assert_eq!(bits(raw), bits(before));
            let mut pushed = [BatchBuilder::new(9, 9), BatchBuilder::new(9, 9)];
            let counts = [pushed[0].push_raw(&raw, EVER), pushed[1].push_series(series)];
            prop_assert_eq!(counts[0], counts[1]);
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = SlabData::from_response(bytes.clone());
        let _ = SlabData::from_answer(&bytes, 1 << 16);
    }
}

/// Our decoding against prost's.
fn check_same(data: &SlabData, theirs: &[LaterSeries]) {
    let ours = data.decode();
    assert_eq!(ours.len(), theirs.len());
    for ((ours, raw), theirs) in ours.iter().zip(data.raw_series()).zip(theirs) {
        assert_eq!(ours.labels, labels(theirs));
        assert_eq!(raw.labels(), ours.labels);
        let mut expected = Content::default();
        expected.add(theirs);
        let ours_samples: Vec<_> =
            ours.samples.iter().map(|sample| (sample.timestamp, sample.value.to_bits())).collect();
        assert_eq!(ours_samples, expected.samples);
        let ours_histograms: Vec<_> =
            ours.histograms.iter().map(|row| (row.timestamp, row.encode_to_vec())).collect();
        assert_eq!(ours_histograms, expected.histograms);
        let exemplar = |row: &tsink_migrate_engine::model::Exemplar| (row.timestamp, row.value.to_bits());
        let ours_exemplars: Vec<_> = ours.exemplars.iter().map(exemplar).collect();
        let theirs_exemplars: Vec<_> =
            theirs.exemplars.iter().map(|row| (row.timestamp, row.value.to_bits())).collect();
        assert_eq!(ours_exemplars, theirs_exemplars);
        assert_eq!(
            (raw.sample_count() as usize, raw.histogram_count() as usize, raw.exemplar_count() as usize),
            (expected.samples.len(), expected.histograms.len(), expected.exemplars.len())
        );
        assert_eq!((raw.first_ms(), raw.last_ms()), (expected.times().min(), expected.times().max()));
        assert!(raw.has_unknown_fields() || theirs.later.is_empty());
    }
}

#[test]
fn a_series_type_of_the_tests_is_that_of_the_protocol() {
    let plain = TimeSeries { labels: vec![label("a", "b")], ..TimeSeries::default() };
    let later = LaterSeries { labels: vec![label("a", "b")], ..LaterSeries::default() };
    assert_eq!(plain.encode_to_vec(), later.encode_to_vec());
}
