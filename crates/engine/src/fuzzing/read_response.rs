//! Remote read answers: never a panic, what is accepted is what prost reads, and what is read is written whole.

use crate::model::{Labels, Window};
use crate::wire::prom_read::SlabData;
use crate::wire::prom_write::{BatchBuilder, WriteBatch};
use crate::wire::snappy::decompress;
use crate::wire::types::{Exemplar, Histogram, Label};
use prost::Message;

/// `data` is a `ReadResponse`, compressed or not. Whatever is accepted must survive every later step, and
/// the rows that go into batches must be those that were counted.
pub fn read_response(data: &[u8]) {
    if let Ok(response) = decompress(data, 1 << 20) {
        assert_eq!(SlabData::from_answer(data, 1 << 20).is_ok(), SlabData::from_response(response).is_ok());
    }
    for answer in [decompress(data, 1 << 20).ok(), Some(data.to_vec())].into_iter().flatten() {
        let Ok(slab) = SlabData::from_response(answer.clone()) else { continue };
        same_as_prost(&slab, &answer);
        // The first byte chooses the window and the limits, so that series are cut in many ways.
        let choice = answer.first().copied().unwrap_or_default();
        let clip = Window { start_ms: if choice & 1 == 0 { 0 } else { i64::MIN }, end_ms: 2_000_000_000_000 };
        write(&slab, clip, usize::from(choice >> 1 & 3) + 1, usize::from(choice >> 3 & 7) + 1);
        write(&SlabData::from_series(&slab.decode()), clip, 100, 1_000);
    }
}

fn same_as_prost(slab: &SlabData, answer: &[u8]) {
    let theirs = Response::decode(answer).map(|response| response.results);
    let theirs: Vec<TimeSeries> = theirs.into_iter().flatten().flat_map(|result| result.timeseries).collect();
    let ours = slab.decode();
    assert_eq!(ours.len(), theirs.len());
    for ((ours, theirs), raw) in ours.iter().zip(&theirs).zip(slab.raw_series()) {
        let labels = theirs.labels.iter().map(|label| (label.name.as_str(), label.value.as_str()));
        assert_eq!(ours.labels, Labels::from_pairs(labels));
        let samples = theirs.samples.iter().map(|row| (row.timestamp, row.value.to_bits()));
        assert!(samples.eq(ours.samples.iter().map(|row| (row.timestamp, row.value.to_bits()))));
        let histograms = theirs.histograms.iter().map(Message::encode_to_vec);
        assert!(histograms.eq(ours.histograms.iter().map(Message::encode_to_vec)));
        let exemplars = theirs.exemplars.iter().map(|row| (row.timestamp, row.value.to_bits()));
        assert!(exemplars.eq(ours.exemplars.iter().map(|row| (row.timestamp, row.value.to_bits()))));
        let counts = (raw.sample_count(), raw.histogram_count(), raw.exemplar_count());
        let len = |length: usize| length as u64;
        assert_eq!(counts, (len(ours.samples.len()), len(ours.histograms.len()), len(ours.exemplars.len())));
    }
}

fn write(slab: &SlabData, clip: Window, max_series: usize, max_points: usize) {
    let mut builder = BatchBuilder::new(max_series, max_points);
    let mut taken = 0;
    for series in slab.raw_series() {
        let pushed = builder.push_raw(&series, clip);
        assert_eq!(
            series.sample_count(),
            pushed.samples + pushed.deduplicated_samples + pushed.outside_samples
        );
        assert_eq!(
            series.histogram_count(),
            pushed.histograms + pushed.deduplicated_histograms + pushed.outside_histograms
        );
        assert_eq!(
            series.exemplar_count(),
            pushed.exemplars + pushed.deduplicated_exemplars + pushed.outside_exemplars
        );
        taken += pushed.samples + pushed.histograms + pushed.exemplars;
    }
    let mut rows = 0;
    while let Some(batch) = builder.finish() {
        assert!(batch.rows() <= max_points as u64 && batch.series <= max_series as u64);
        rows += batch.rows();
        check(&batch);
        match batch.split() {
            Some((first, second)) => {
                check(&first);
                check(&second);
                assert_eq!(first.rows() + second.rows(), batch.rows());
            }
            None => assert_eq!(batch.rows(), 1),
        }
    }
    assert_eq!(rows, taken);
}

/// A request that any reader of protobuf reads, with as many rows as it claims.
fn check(batch: &WriteBatch) {
    let request = decompress(&batch.body, batch.raw_len).ok().and_then(|raw| QueryResult::decode(&*raw).ok());
    let series = request.map(|request| request.timeseries).unwrap_or_default();
    let rows = |one: &TimeSeries| one.samples.len() + one.histograms.len() + one.exemplars.len();
    assert_eq!(series.iter().map(rows).sum::<usize>() as u64, batch.rows());
    assert_eq!(series.len() as u64, batch.series);
    assert!(series.iter().all(|one| rows(one) > 0));
}

/// The messages as prost sees them. A `WriteRequest` has its series where a `QueryResult` has them.
#[derive(Clone, PartialEq, Message)]
struct Response {
    #[prost(message, repeated, tag = "1")]
    results: Vec<QueryResult>,
}

#[derive(Clone, PartialEq, Message)]
struct QueryResult {
    #[prost(message, repeated, tag = "1")]
    timeseries: Vec<TimeSeries>,
}

#[derive(Clone, PartialEq, Message)]
struct TimeSeries {
    #[prost(message, repeated, tag = "1")]
    labels: Vec<Label>,
    #[prost(message, repeated, tag = "2")]
    samples: Vec<Sample>,
    #[prost(message, repeated, tag = "3")]
    exemplars: Vec<Exemplar>,
    #[prost(message, repeated, tag = "4")]
    histograms: Vec<Histogram>,
}

#[derive(Clone, Copy, PartialEq, Message)]
struct Sample {
    #[prost(double, tag = "1")]
    value: f64,
    #[prost(int64, tag = "2")]
    timestamp: i64,
}
