//! The messages as prost sees them: the tests' own reading of the protocol.

use prost::Message;
use tsink_migrate_engine::wire::types::{
    Exemplar, Histogram, Label, LabelMatcher, MatcherType, MetricMetadata, ReadRequest,
};

#[derive(Clone, PartialEq, Message)]
pub struct Sample {
    #[prost(double, tag = "1")]
    pub value: f64,
    #[prost(int64, tag = "2")]
    pub timestamp: i64,
}

#[derive(Clone, PartialEq, Message)]
pub struct TimeSeries {
    #[prost(message, repeated, tag = "1")]
    pub labels: Vec<Label>,
    #[prost(message, repeated, tag = "2")]
    pub samples: Vec<Sample>,
    #[prost(message, repeated, tag = "3")]
    pub exemplars: Vec<Exemplar>,
    #[prost(message, repeated, tag = "4")]
    pub histograms: Vec<Histogram>,
}

#[derive(Clone, PartialEq, Message)]
pub struct WriteRequest {
    #[prost(message, repeated, tag = "1")]
    pub timeseries: Vec<TimeSeries>,
    #[prost(message, repeated, tag = "3")]
    pub metadata: Vec<MetricMetadata>,
}

#[derive(Clone, PartialEq, Message)]
pub struct QueryResult {
    #[prost(message, repeated, tag = "1")]
    pub timeseries: Vec<TimeSeries>,
}

#[derive(Clone, PartialEq, Message)]
pub struct ReadResponse {
    #[prost(message, repeated, tag = "1")]
    pub results: Vec<QueryResult>,
}

pub fn snappy(bytes: &[u8]) -> Vec<u8> {
    snap::raw::Encoder::new().compress_vec(bytes).unwrap()
}

/// A remote read request from its body.
pub fn read_request(body: &[u8]) -> ReadRequest {
    ReadRequest::decode(unsnappy(body).as_slice()).unwrap()
}

pub fn unsnappy(bytes: &[u8]) -> Vec<u8> {
    snap::raw::Decoder::new().decompress_vec(bytes).unwrap()
}

/// Matchers as they stand between the brackets of a selector.
pub fn matcher_texts(matchers: &[LabelMatcher]) -> String {
    let text = |matcher: &LabelMatcher| {
        let operator = match MatcherType::try_from(matcher.r#type).unwrap() {
            MatcherType::Eq => "=",
            MatcherType::Neq => "!=",
            MatcherType::Re => "=~",
            MatcherType::Nre => "!~",
        };
        format!("{}{operator}{:?}", matcher.name, matcher.value)
    };
    matchers.iter().map(text).collect::<Vec<_>>().join(",")
}
