//! Where the data comes from: what to ask a source and how to read its answer. Sending is the run's
//! business.

mod census;
mod counts;
pub mod prometheus;
pub(crate) mod series;
pub mod victoriametrics;

pub(crate) use census::{Census, Counting, Reading};
pub(crate) use counts::Counts;

pub use crate::prom_api::{Exemplars, RangeQuery};
pub use crate::wire::prom_json::BuildInfo;

use crate::plan::{Plan, SourceKind};
use crate::port::Call;
use crate::wire::prom_json::QueryResult;

/// A range query; `None` without `query_range_url`.
pub fn query_range(plan: &Plan, asked: &RangeQuery<'_>) -> Option<Call<QueryResult>> {
    match plan.source.kind {
        SourceKind::VictoriaMetrics => victoriametrics::query_range(plan, asked),
        _ => prometheus::query_range(plan, asked),
    }
}
