//! Answers of the Prometheus HTTP API.

use crate::model::{Labels, Millis, Sample};

/// Answer of `query_range`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct QueryResult {
    /// Result series, sorted by labels.
    pub series: Vec<QuerySeries>,
    /// Warnings of the server.
    pub warnings: Vec<String>,
    /// `partialResponse.enabled` of tsink's answer, or its `X-Tsink-Read-Response` header.
    pub partial: bool,
}

/// One series of a range query's matrix.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct QuerySeries {
    /// Labels, empty ones dropped.
    pub labels: Labels,
    /// Points in time order.
    pub samples: Vec<Sample>,
    /// Native histograms in the result, as JSON text in canonical form, in time order.
    pub histograms: Vec<(Millis, String)>,
}
