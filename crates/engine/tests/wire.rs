//! Remote read and write against prost's reading of the same messages.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "support/proto.rs"]
#[allow(dead_code)]
mod proto;

use proptest::prelude::*;
use prost::Message;
use proto::{QueryResult, ReadResponse, Sample, TimeSeries, WriteRequest, snappy, unsnappy};
use std::collections::BTreeMap;
use tsink_migrate_engine::model::{Labels, Metadata, MetricType, STALE_NAN_BITS, Series, Window};
use tsink_migrate_engine::wire::prom_read::{SlabData, labels_identity};
use tsink_migrate_engine::wire::prom_write::{BatchBuilder, Pushed, WriteBatch};
use tsink_migrate_engine::wire::types::{BucketSpan, Exemplar, Histogram, Label, histogram};

const LIMIT: usize = 1 << 24;
const EVER: Window = Window { start_ms: i64::MIN, end_ms: i64::MAX };

fn label(name: &str, value: &str) -> Label {
    Label { name: name.into(), value: value.into() }
}

fn histogram(timestamp: i64) -> Histogram {
    Histogram {
        count: Some(histogram::Count::CountInt(12)),
        sum: 3.5,
        schema: 3,
        zero_threshold: 1e-128,
        zero_count: Some(histogram::ZeroCount::ZeroCountInt(1)),
        positive_spans: vec![BucketSpan { offset: -2, length: 2 }],
        positive_deltas: vec![5, 1],
        timestamp,
        ..Histogram::default()
    }
}

fn answer(series: Vec<TimeSeries>) -> Vec<u8> {
    snappy(&ReadResponse { results: vec![QueryResult { timeseries: series }] }.encode_to_vec())
}

/// Rows by series and time; values as bits so that NaNs compare.
type Rows = BTreeMap<Labels, Vec<(i64, u64)>>;

fn rows(series: &[TimeSeries]) -> Rows {
    let mut rows = Rows::new();
    for one in series {
        let labels =
            Labels::from_pairs(one.labels.iter().map(|label| (label.name.clone(), label.value.clone())));
        rows.entry(labels)
            .or_default()
            .extend(one.samples.iter().map(|sample| (sample.timestamp, sample.value.to_bits())));
    }
    rows
}

fn all(builder: &mut BatchBuilder) -> Vec<WriteBatch> {
    std::iter::from_fn(|| builder.finish()).collect()
}

fn sent(batches: &[WriteBatch]) -> Vec<WriteRequest> {
    batches.iter().map(|batch| WriteRequest::decode(unsnappy(&batch.body).as_slice()).unwrap()).collect()
}

/// Protobuf writers (prost, and gogoproto in Prometheus) leave out what equals zero, so -0.0 arrives as 0.0:
/// the sign of zero is lost before an answer reaches anyone.
fn value() -> impl Strategy<Value = f64> {
    prop_oneof![
        any::<f64>().prop_map(|value| if value == 0.0 { 0.0 } else { value }),
        Just(f64::from_bits(STALE_NAN_BITS)),
        Just(f64::NAN),
        Just(0.0),
        Just(f64::INFINITY),
    ]
}

/// Series with distinct labels, sorted times now and then broken.
fn series() -> impl Strategy<Value = Vec<TimeSeries>> {
    let samples = proptest::collection::vec((any::<bool>(), -50i64..2_000_000_000_000, value()), 0..40);
    proptest::collection::vec((samples, "[a-z🦀\"]{0,5}", any::<bool>()), 0..12).prop_map(|all| {
        all.into_iter()
            .enumerate()
            .map(|(at, (mut samples, text, sort))| {
                if sort {
                    samples.sort_by_key(|sample| sample.1);
                    samples.dedup_by_key(|sample| sample.1);
                }
                TimeSeries {
                    labels: vec![label("__name__", "m"), label("at", &at.to_string()), label("text", &text)],
                    samples: samples
                        .into_iter()
                        .map(|(_, timestamp, value)| Sample { value, timestamp })
                        .collect(),
                    ..TimeSeries::default()
                }
            })
            .collect()
    })
}

proptest! {
    #[test]
    fn what_goes_in_comes_out_once_and_in_order(
        input in series(),
        max_series in 1usize..6,
        max_points in 1usize..30,
        clip in (0i64..1_000_000_000_000, 0i64..1_000_000_000_000),
    ) {
        let clip = Window { start_ms: clip.0, end_ms: clip.0 + clip.1 };
        let data = SlabData::from_answer(&answer(input.clone()), LIMIT).unwrap();
        let mut builder = BatchBuilder::new(max_series, max_points);
        let (mut taken, mut outside, mut repeated) = (0, 0, 0);
        for one in data.raw_series() {
            let pushed = builder.push_raw(&one, clip);
            taken += pushed.samples;
            outside += pushed.outside_samples;
            repeated += pushed.deduplicated_samples;
        }
        prop_assert_eq!(taken + outside + repeated, data.sample_count());
        let batches = all(&mut builder);
        let mut expected = rows(&input);
        for samples in expected.values_mut() {
            samples.retain(|(at, _)| clip.contains(*at));
            samples.sort_by_key(|(at, _)| *at);
            samples.dedup();
        }
        expected.retain(|_, samples| !samples.is_empty());
        let requests = sent(&batches);
        let whole: Vec<TimeSeries> = requests.iter().flat_map(|request| request.timeseries.clone()).collect();
        prop_assert_eq!(rows(&whole), expected);
        for (batch, request) in batches.iter().zip(&requests) {
            let points: usize = request.timeseries.iter().map(|one| one.samples.len()).sum();
            prop_assert!(points <= max_points && request.timeseries.len() <= max_series);
            prop_assert_eq!((batch.samples, batch.series), (points as u64, request.timeseries.len() as u64));
            let times = || request.timeseries.iter().flat_map(|one| one.samples.iter().map(|sample| sample.timestamp));
            prop_assert_eq!((batch.first_ms, batch.last_ms), (times().min(), times().max()));
            for one in &request.timeseries {
                prop_assert!(one.labels.iter().all(|label| !label.value.is_empty()));
                prop_assert!(one.labels.windows(2).all(|pair| pair[0].name < pair[1].name));
            }
        }
    }

    #[test]
    fn halves_of_a_batch_are_the_batch(input in series()) {
        let data = SlabData::from_answer(&answer(input), LIMIT).unwrap();
        let mut builder = BatchBuilder::new(1000, 100_000);
        data.raw_series().for_each(|one| { builder.push_raw(&one, EVER); });
        let mut todo = all(&mut builder);
        let before = sent(&todo).into_iter().flat_map(|request| request.timeseries).collect::<Vec<_>>();
        let mut leaves = Vec::new();
        while let Some(batch) = todo.pop() {
            match batch.split() {
                Some((first, second)) => {
                    prop_assert!(first.rows() > 0 && second.rows() > 0);
                    prop_assert_eq!(first.rows() + second.rows(), batch.rows());
                    todo.push(second);
                    todo.push(first);
                }
                None => {
                    prop_assert_eq!(batch.rows(), 1);
                    leaves.push(batch);
                }
            }
        }
        let after = sent(&leaves).into_iter().flat_map(|request| request.timeseries).collect::<Vec<_>>();
        prop_assert_eq!(rows(&before), rows(&after));
    }

    #[test]
    fn decoding_agrees_with_prost(input in series()) {
        let data = SlabData::from_answer(&answer(input.clone()), LIMIT).unwrap();
        let decoded = data.decode();
        prop_assert_eq!(decoded.len(), input.len());
        for (ours, theirs) in decoded.iter().zip(&input) {
            let bits = |samples: Vec<(i64, f64)>| samples.into_iter().map(|(at, value)| (at, value.to_bits())).collect::<Vec<_>>();
            prop_assert_eq!(
                bits(ours.samples.iter().map(|sample| (sample.timestamp, sample.value)).collect()),
                bits(theirs.samples.iter().map(|sample| (sample.timestamp, sample.value)).collect())
            );
        }
        let again = SlabData::from_series(&decoded);
        for (raw, series) in again.raw_series().zip(&decoded) {
            prop_assert_eq!(raw.identity(), labels_identity(&series.labels));
            prop_assert_eq!(raw.labels(), series.labels.clone());
        }
        for (first, second) in data.raw_series().zip(again.raw_series()) {
            prop_assert_eq!(first.identity(), second.identity());
        }
    }

    #[test]
    fn damaged_answers_are_refused_or_read_but_never_panic(input in series(), at: prop::sample::Index, to: u8, cut: prop::sample::Index) {
        let mut body = ReadResponse { results: vec![QueryResult { timeseries: input }] }.encode_to_vec();
        if !body.is_empty() {
            let at = at.index(body.len());
            body[at] = to;
            body.truncate(cut.index(body.len()) + 1);
        }
        if let Ok(data) = SlabData::from_response(body) {
            let mut builder = BatchBuilder::new(2, 3);
            for one in data.raw_series() {
                builder.push_raw(&one, Window { start_ms: 0, end_ms: 1_000_000 });
            }
            let _ = data.decode();
            all(&mut builder).iter().for_each(|batch| { batch.split(); });
        }
    }
}

#[test]
fn histograms_and_exemplars_keep_every_byte() {
    let series = TimeSeries {
        labels: vec![label("__name__", "h")],
        histograms: (0..5).map(|at| histogram(1000 + at)).collect(),
        exemplars: vec![Exemplar { labels: vec![label("trace_id", "abc")], value: 0.25, timestamp: 1003 }],
        ..TimeSeries::default()
    };
    let data = SlabData::from_answer(&answer(vec![series.clone()]), LIMIT).unwrap();
    assert_eq!((data.histogram_count(), data.sample_count()), (5, 0));
    assert_eq!(data.decode()[0].histograms, series.histograms);
    let mut builder = BatchBuilder::new(10, 2);
    let pushed = data.raw_series().map(|one| builder.push_raw(&one, EVER)).next().unwrap();
    assert_eq!((pushed.histograms, pushed.exemplars), (5, 1));
    let batches = all(&mut builder);
    assert!(batches.iter().all(|batch| batch.rows() <= 2));
    let requests = sent(&batches);
    let histograms: Vec<Histogram> = requests
        .iter()
        .flat_map(|request| &request.timeseries)
        .flat_map(|one| one.histograms.clone())
        .collect();
    assert_eq!(histograms, series.histograms);
    let exemplars: Vec<Exemplar> = requests
        .iter()
        .flat_map(|request| &request.timeseries)
        .flat_map(|one| one.exemplars.clone())
        .collect();
    assert_eq!(exemplars, series.exemplars);
}

#[test]
fn repeated_samples_are_written_once_and_conflicting_ones_both() {
    let samples =
        [(1, 1.0), (1, 1.0), (2, 2.0), (2, 3.0)].map(|(timestamp, value)| Sample { value, timestamp });
    let series = TimeSeries {
        labels: vec![label("__name__", "m")],
        samples: samples.to_vec(),
        ..TimeSeries::default()
    };
    let data = SlabData::from_answer(&answer(vec![series]), LIMIT).unwrap();
    let mut builder = BatchBuilder::new(10, 10);
    let pushed = data.raw_series().map(|one| builder.push_raw(&one, EVER)).next().unwrap();
    assert_eq!((pushed.samples, pushed.deduplicated_samples, pushed.conflicting_samples), (3, 1, 1));
}

#[test]
fn metadata_travels_by_itself_in_requests_that_tsink_takes() {
    let mut builder = BatchBuilder::new(100_000, 10);
    for at in 0..1030 {
        builder.push_metadata(&Metadata {
            metric: format!("m{at}"),
            metric_type: MetricType::GaugeHistogram,
            help: "a\nb".into(),
            unit: "s".into(),
        });
    }
    let batches = all(&mut builder);
    assert_eq!(batches.iter().map(|batch| batch.metadata).collect::<Vec<_>>(), [512, 512, 6]);
    let first = &sent(&batches)[0].metadata[0];
    assert_eq!((first.metric_family_name.as_str(), first.r#type, first.help.as_str()), ("m0", 4, "a\nb"));
    let (left, right) = batches[2].split().unwrap();
    assert_eq!((left.metadata, right.metadata), (3, 3));
}

#[test]
fn answers_that_are_not_answers_are_refused_with_the_place() {
    let no_result = snappy(&[]);
    assert!(SlabData::from_answer(&no_result, LIMIT).unwrap_err().to_string().contains("0 query results"));
    let html = b"<html>login</html>";
    assert!(SlabData::from_answer(html, LIMIT).is_err());
    // A series whose length points behind the end.
    let cut = snappy(&[0x0a, 0x04, 0x0a, 0x7f, 0x00, 0x00]);
    let error = SlabData::from_answer(&cut, LIMIT).unwrap_err();
    assert!(error.to_string().contains("127 bytes where 2 are left"), "{error}");
}

#[test]
fn exemplars_and_histogram_buckets_keep_tsinks_limits() {
    let series = TimeSeries {
        labels: vec![label("__name__", "h")],
        histograms: (0..9000).map(|at| histogram(1000 + at)).collect(),
        exemplars: (0..1100)
            .map(|at| Exemplar { labels: vec![label("trace_id", "abc")], value: 0.25, timestamp: 1000 + at })
            .collect(),
        ..TimeSeries::default()
    };
    let data = SlabData::from_answer(&answer(vec![series]), LIMIT).unwrap();
    let mut builder = BatchBuilder::new(250, 25_000);
    for one in data.raw_series() {
        builder.push_raw(&one, EVER);
    }
    let batches = all(&mut builder);
    assert_eq!(batches.iter().map(|batch| batch.histograms).sum::<u64>(), 9000);
    assert_eq!(batches.iter().map(|batch| batch.exemplars).sum::<u64>(), 1100);
    for batch in &batches {
        // Each histogram here has a span and two deltas.
        assert!(batch.histograms * 3 <= 16_384 && batch.exemplars <= 512, "{batch:?}");
    }
}

#[test]
fn hostile_bytes_are_refused_with_their_place() {
    let refused = |body: &[u8]| SlabData::from_response(body.to_vec()).unwrap_err().to_string();
    // result { series { label { name: 0xff } } }
    let text = refused(&[0x0a, 7, 0x0a, 5, 0x0a, 3, 0x0a, 1, 0xff]);
    assert!(text.contains("byte 8") && text.contains("a label name that is not UTF-8"), "{text}");
    // A sample whose value is a varint.
    let text = refused(&[0x0a, 6, 0x0a, 4, 0x12, 2, 0x08, 1]);
    assert!(text.contains("byte 6") && text.contains("a sample's value"), "{text}");
    // A time of more than 64 bits.
    let mut body = vec![0x0a, 15, 0x0a, 13, 0x12, 11, 0x10];
    body.extend([0xff; 9]);
    body.push(0x02);
    let text = refused(&body);
    assert!(text.contains("byte 7") && text.contains("64 bits"), "{text}");
    // Packed doubles that are cut.
    let text = refused(&[0x0a, 9, 0x0a, 7, 0x22, 5, 0x6a, 3, 0, 0, 0]);
    assert!(text.contains("multiple of 8"), "{text}");
    // Groups, nested or not.
    assert!(refused(&[0x0a, 4, 0x0a, 2, 0x4b, 0x4b]).contains("wire type 3"));
    assert!(refused(&[0x0a, 2, 0x0a, 0x00, 0x0a, 0x00]).contains("2 query results"));
}

#[test]
fn a_flood_of_empty_series_does_not_outgrow_its_answer() {
    let flood = |series: usize| {
        let mut result = [0x0a, 0x00].repeat(series);
        let mut body = vec![0x0a];
        prost::encoding::encode_varint(result.len() as u64, &mut body);
        body.append(&mut result);
        SlabData::from_response(body)
    };
    assert_eq!(flood(1_000).unwrap().series_count(), 1_000);
    let text = flood(2_000_000).unwrap_err().to_string();
    assert!(text.contains("which no server sends"), "{text}");
}

#[test]
fn a_block_that_declares_more_than_it_can_hold_is_refused_before_it_is_unpacked() {
    // 16 MiB declared, five bytes of content, within the limit.
    let error = SlabData::from_answer(&[0x80, 0x80, 0x80, 0x08, 0x10, 1, 2, 3, 4, 5], LIMIT).unwrap_err();
    assert!(error.to_string().contains("more than its 10 can hold"), "{error}");
    // The densest block there is, copies of 64 bytes, is not taken for one.
    let content = vec![7; 1 << 20];
    let dense = snappy(&content);
    assert!(dense.len() * 20 < content.len());
    assert_eq!(tsink_migrate_engine::wire::snappy::decompress(&dense, LIMIT), Ok(content));
}

#[test]
fn a_batch_is_filled_up_unless_it_is_nearly_full() {
    let series = |at: usize, samples: i64| TimeSeries {
        labels: vec![label("__name__", "m"), label("at", &at.to_string())],
        samples: (0..samples)
            .map(|step| Sample { value: 1.0, timestamp: 1_700_000_000_000 + step })
            .collect(),
        ..TimeSeries::default()
    };
    let sizes = |lengths: &[i64]| {
        let all: Vec<_> = lengths.iter().enumerate().map(|(at, samples)| series(at, *samples)).collect();
        let data = SlabData::from_answer(&answer(all), LIMIT).unwrap();
        let mut builder = BatchBuilder::new(10, 100);
        data.raw_series().for_each(|one| assert!(builder.push_raw(&one, EVER) != Pushed::default()));
        self::all(&mut builder).iter().map(|batch| (batch.series, batch.samples)).collect::<Vec<_>>()
    };
    assert_eq!(sizes(&[80, 60]), [(1, 80), (1, 60)], "80 of 100 is enough to leave the second whole");
    assert_eq!(sizes(&[60, 60]), [(2, 100), (1, 20)], "60 of 100 is not");
    assert_eq!(sizes(&[250]), [(1, 100), (1, 100), (1, 50)]);
}

#[test]
fn a_single_row_beyond_a_limit_is_sent_by_itself() {
    let large = Histogram { positive_deltas: vec![0; 20_000], ..histogram(1_002) };
    let series = TimeSeries {
        labels: vec![label("__name__", "h")],
        histograms: vec![histogram(1_001), large, histogram(1_003)],
        ..TimeSeries::default()
    };
    let data = SlabData::from_answer(&answer(vec![series]), LIMIT).unwrap();
    let mut builder = BatchBuilder::new(10, 100);
    data.raw_series().for_each(|one| assert!(builder.push_raw(&one, EVER) != Pushed::default()));
    let batches = all(&mut builder);
    assert_eq!(
        batches.iter().map(|batch| (batch.histograms, batch.first_ms)).collect::<Vec<_>>(),
        [(1, Some(1_001)), (1, Some(1_002)), (1, Some(1_003))]
    );
    assert!(batches.iter().all(|batch| batch.split().is_none()));
}

#[test]
fn values_pass_bit_by_bit() {
    let bits =
        [STALE_NAN_BITS, f64::NAN.to_bits(), 0x7ff8_0000_0000_0001, (-0.0f64).to_bits(), 0, 1, u64::MAX];
    let series = Series {
        labels: Labels::from_pairs([("__name__", "m")]),
        samples: (0..)
            .zip(bits)
            .map(|(at, bits)| tsink_migrate_engine::model::Sample {
                timestamp: 1_700_000_000_000 + at,
                value: f64::from_bits(bits),
            })
            .collect(),
        histograms: vec![Histogram { sum: -0.0, ..histogram(5) }],
        exemplars: vec![tsink_migrate_engine::model::Exemplar {
            labels: Labels::from_pairs([("trace_id", "abc")]),
            value: -0.0,
            timestamp: -7,
        }],
    };
    let mut builder = BatchBuilder::new(10, 3);
    assert_eq!(builder.push_series(&series).samples, 7);
    let sent: Vec<_> = sent(&all(&mut builder)).into_iter().flat_map(|request| request.timeseries).collect();
    let samples: Vec<_> =
        sent.iter().flat_map(|one| &one.samples).map(|sample| sample.value.to_bits()).collect();
    assert_eq!(samples, bits);
    let sums: Vec<_> = sent.iter().flat_map(|one| &one.histograms).map(|one| one.sum.to_bits()).collect();
    assert_eq!(sums, [(-0.0f64).to_bits()]);
    let exemplars: Vec<_> = sent.iter().flat_map(|one| &one.exemplars).collect();
    assert_eq!((exemplars[0].value.to_bits(), exemplars[0].timestamp), ((-0.0f64).to_bits(), -7));
}

#[test]
fn a_batch_names_examples_of_what_it_holds() {
    let mut builder = BatchBuilder::new(10, 10);
    let names = ["up", "down", "left"];
    for name in names {
        builder.push_metadata(&Metadata { metric: name.into(), ..Metadata::default() });
        builder.push_series(&Series {
            labels: Labels::from_pairs([("__name__", name), ("job", "a")]),
            samples: vec![tsink_migrate_engine::model::Sample { timestamp: 1, value: 1.0 }],
            ..Series::default()
        });
    }
    let batches = all(&mut builder);
    assert_eq!(batches[0].example_series(2), [r#"up{job="a"}"#, r#"down{job="a"}"#]);
    assert_eq!(batches[1].example_series(5), names);
}
