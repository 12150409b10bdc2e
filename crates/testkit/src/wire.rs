//! Remote write and read messages as prost sees them. Slow and simple on purpose: the engine's own codecs
//! are judged by these.

use prost::Message;
pub use tsink_migrate_engine::wire::types::{
    BucketSpan, Exemplar, Histogram, Label, LabelMatcher, MatcherType, MetricMetadata, Query, ReadRequest,
    histogram,
};

/// `prompb.Sample`.
#[derive(Clone, Copy, PartialEq, Message)]
pub struct Sample {
    /// Value.
    #[prost(double, tag = "1")]
    pub value: f64,
    /// Unix time in ms.
    #[prost(int64, tag = "2")]
    pub timestamp: i64,
}

/// `prompb.TimeSeries`.
#[derive(Clone, PartialEq, Message)]
pub struct TimeSeries {
    /// Sorted by name.
    #[prost(message, repeated, tag = "1")]
    pub labels: Vec<Label>,
    /// Sorted by time.
    #[prost(message, repeated, tag = "2")]
    pub samples: Vec<Sample>,
    /// Sorted by time.
    #[prost(message, repeated, tag = "3")]
    pub exemplars: Vec<Exemplar>,
    /// Sorted by time.
    #[prost(message, repeated, tag = "4")]
    pub histograms: Vec<Histogram>,
}

impl TimeSeries {
    /// A series without samples; labels are sorted, the name is one of them.
    pub fn new(name: &str, labels: &[(&str, &str)]) -> Self {
        let mut labels: Vec<Label> = labels
            .iter()
            .chain([&("__name__", name)])
            .map(|(name, value)| Label { name: (*name).to_owned(), value: (*value).to_owned() })
            .collect();
        labels.sort_by(|a, b| a.name.cmp(&b.name));
        Self { labels, ..Self::default() }
    }

    /// A label's value; empty when absent.
    pub fn label(&self, name: &str) -> &str {
        self.labels.iter().find(|label| label.name == name).map_or("", |label| &label.value)
    }

    /// The metric name.
    pub fn name(&self) -> &str {
        self.label("__name__")
    }

    /// Samples, histograms and exemplars together.
    pub fn rows(&self) -> usize {
        self.samples.len() + self.histograms.len() + self.exemplars.len()
    }

    /// What lies in `[start_ms, end_ms]`, labels included.
    pub fn clip(&self, start_ms: i64, end_ms: i64) -> Self {
        fn part<T: Clone>(all: &[T], time: impl Fn(&T) -> i64, start: i64, end: i64) -> Vec<T> {
            let from = all.partition_point(|item| time(item) < start);
            let to = all.partition_point(|item| time(item) <= end);
            all.get(from..to).unwrap_or_default().to_vec()
        }
        Self {
            labels: self.labels.clone(),
            samples: part(&self.samples, |s| s.timestamp, start_ms, end_ms),
            exemplars: part(&self.exemplars, |e| e.timestamp, start_ms, end_ms),
            histograms: part(&self.histograms, |h| h.timestamp, start_ms, end_ms),
        }
    }
}

/// `prompb.WriteRequest`.
#[derive(Clone, PartialEq, Message)]
pub struct WriteRequest {
    /// Series.
    #[prost(message, repeated, tag = "1")]
    pub timeseries: Vec<TimeSeries>,
    /// Metadata.
    #[prost(message, repeated, tag = "3")]
    pub metadata: Vec<MetricMetadata>,
}

/// `prompb.QueryResult`.
#[derive(Clone, PartialEq, Message)]
pub struct QueryResult {
    /// Series.
    #[prost(message, repeated, tag = "1")]
    pub timeseries: Vec<TimeSeries>,
}

/// `prompb.ReadResponse`.
#[derive(Clone, PartialEq, Message)]
pub struct ReadResponse {
    /// One per query.
    #[prost(message, repeated, tag = "1")]
    pub results: Vec<QueryResult>,
}
