//! Where the data comes from: what to ask a source and how to read its answer. Sending is the run's
//! business.

pub mod prometheus;
pub mod victoriametrics;

pub use crate::prom_api::Exemplars;
pub use crate::wire::prom_json::BuildInfo;

use crate::model::Millis;
use crate::plan::{Plan, SourceKind};
use crate::port::Call;
use crate::wire::prom_json::QueryResult;

/// A range query, both ends included, a point every `step_ms` (at least 1); `None` without `query_range_url`.
pub fn query_range(
    plan: &Plan,
    query: &str,
    start_ms: Millis,
    end_ms: Millis,
    step_ms: i64,
) -> Option<Call<QueryResult>> {
    match plan.source.kind {
        SourceKind::VictoriaMetrics => victoriametrics::query_range(plan, query, start_ms, end_ms, step_ms),
        _ => prometheus::query_range(plan, query, start_ms, end_ms, step_ms),
    }
}
