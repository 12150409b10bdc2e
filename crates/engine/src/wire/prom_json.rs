//! Answers of the Prometheus HTTP API (`web/api/v1/api.go` of Prometheus 2.42; `infos` as of 3.0), as
//! Prometheus and tsink 0.10.2 write them.
//!
//! All of them come in one envelope, `{"status", "data", "errorType", "error", "warnings", …}`. What the two
//! servers do differently, and what is read the same way here:
//! - tsink writes the keys in another order (`result` before `resultType`), so nothing may depend on it;
//! - tsink writes an aggregate with `"__name__": ""`: an empty label is an absent label;
//! - Prometheus writes times as `1700000000` or `1700000000.123`, tsink always with a fraction: both are
//!   seconds, and are rounded to ms (cutting them off, as the native tool does, loses a ms now and then);
//! - Prometheus writes values like `1e-310`, tsink all the digits: both are the same number;
//! - `NaN` has no bits in JSON. It is read as Prometheus' ordinary NaN, `0x7ff8000000000001`; a staleness
//!   marker never comes this way.
//!
//! tsink 0.10.2 writes native histograms in query results unlike Prometheus: each bucket with the bounds of
//! the next one (`[1, 2]` where Prometheus has `[0.5, 1]`), and other numbers for which bound is part of the
//! bucket. What it stores is right; only this JSON differs.
//!
//! Nothing here limits the size of a body: that is [`crate::port::Call::limit`]'s business. Nesting is
//! bounded by `serde_json`.

mod envelope;
mod exemplars;
mod histogram;
mod metadata;
mod number;
mod query;
mod version;

pub use envelope::{JsonError, error_text};
pub use exemplars::exemplars;
pub use metadata::metadata;
pub use query::query;
pub use version::{BuildInfo, build_info};

use crate::model::{Labels, Millis, Sample};

/// Answer of `query_range` or `query`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct QueryResult {
    /// Result series, sorted by labels. A scalar is one series without labels.
    pub series: Vec<QuerySeries>,
    /// Warnings of the server: the result may be incomplete or wrong.
    pub warnings: Vec<String>,
    /// Remarks of Prometheus 3 on the query, such as a counter whose name does not end in `_total`. They
    /// say nothing about the result.
    pub infos: Vec<String>,
    /// `partialResponse.enabled` of tsink's answer, or its `X-Tsink-Read-Partial-Response` header.
    pub partial: bool,
}

/// One series of a range query's matrix.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct QuerySeries {
    /// Labels, empty ones dropped.
    pub labels: Labels,
    /// Points in time order.
    pub samples: Vec<Sample>,
    /// Native histograms in the result, as JSON text in canonical form, in time order:
    /// `{"count":"4","sum":"6","buckets":[[3,"-0.001","0.001","2"],…]}`, numbers in their shortest form.
    pub histograms: Vec<(Millis, String)>,
}

/// Reads a list of names, as `/api/v1/labels` gives it.
///
/// # Errors
/// For anything else.
pub fn names(body: &[u8]) -> Result<Vec<String>, JsonError> {
    Ok(envelope::open::<Vec<String>>(body)?.data.unwrap_or_default())
}
