//! Answers in streamed XOR chunks (`prompb.ChunkedReadResponse`, framed as Prometheus' `storage/remote/chunked.go` does).

use super::proto::TimeSeries;
use prost::Message;
use tsink_migrate_engine::wire::types::{Label, ReadRequest};

const STREAMED_XOR_CHUNKS: i32 = 1;
const XOR: i32 = 1;

#[derive(Clone, PartialEq, Message)]
struct Chunk {
    #[prost(int64, tag = "1")]
    min_time_ms: i64,
    #[prost(int64, tag = "2")]
    max_time_ms: i64,
    #[prost(int32, tag = "3")]
    r#type: i32,
    #[prost(bytes = "vec", tag = "4")]
    data: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
struct ChunkedSeries {
    #[prost(message, repeated, tag = "1")]
    labels: Vec<Label>,
    #[prost(message, repeated, tag = "2")]
    chunks: Vec<Chunk>,
}

#[derive(Clone, PartialEq, Message)]
struct ChunkedReadResponse {
    #[prost(message, repeated, tag = "1")]
    chunked_series: Vec<ChunkedSeries>,
    #[prost(int64, tag = "2")]
    query_index: i64,
}

/// Whether a request takes streamed chunks.
pub fn is_asked_for(request: &ReadRequest) -> bool {
    request.accepted_response_types.contains(&STREAMED_XOR_CHUNKS)
}

/// A frame for each series, by the queries' order. A query that finds nothing gets none.
pub fn answer(results: impl Iterator<Item = Vec<TimeSeries>>) -> Vec<u8> {
    let mut out = Vec::new();
    for (query_index, found) in results.enumerate() {
        for series in found {
            let chunks = series.samples.iter().map(|sample| Chunk {
                min_time_ms: sample.timestamp,
                max_time_ms: sample.timestamp,
                r#type: XOR,
                data: one(sample.timestamp, sample.value),
            });
            let series = ChunkedSeries { chunks: chunks.collect(), labels: series.labels };
            let message =
                ChunkedReadResponse { chunked_series: vec![series], query_index: query_index as i64 };
            out.extend(framed(&message.encode_to_vec()));
        }
    }
    out
}

/// A message as a frame: its length, its checksum, itself.
pub fn framed(message: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    prost::encode_length_delimiter(message.len(), &mut out).unwrap();
    out.extend_from_slice(&crc32c::crc32c(message).to_be_bytes());
    out.extend_from_slice(message);
    out
}

/// An XOR chunk of one sample: its number, the time zigzag-encoded, the value's bits.
pub fn one(timestamp: i64, value: f64) -> Vec<u8> {
    let mut data = vec![0, 1];
    prost::encoding::encode_varint(((timestamp << 1) ^ (timestamp >> 63)) as u64, &mut data);
    data.extend_from_slice(&value.to_be_bytes());
    data
}
