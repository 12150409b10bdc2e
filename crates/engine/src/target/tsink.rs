//! tsink-server 0.10.2: what to ask it and how to read its answers.
//!
//! Every request carries `X-Tsink-Tenant`, the default tenant's included: a request without it goes to
//! `default` as well, but a gateway or a policy may think otherwise. Without `Content-Encoding: snappy` the
//! server takes a body for bare protobuf. The version headers are optional for it; other receivers of remote
//! write want them.
//!
//! What it does not tell: **its version** (no endpoint has it; `/api/v1/status/buildinfo` is 404, `/metrics`
//! has none, only the admin API's support bundle does) and **its retention** (nowhere). The latter can be
//! found out without writing anything: see [`retention_probe`].

mod delete;
mod retention;
mod status;

pub use delete::{Deleted, delete, delete_url};
pub use retention::retention_probe;
pub use status::{Limits, TargetStatus};

use crate::answer::Purpose;
use crate::model::{Metadata, Window};
use crate::plan::{ExemplarCheck, Plan};
use crate::port::{Answer, Call};
use crate::prom_api::{Errand, Exemplars, RangeQuery, SMALL_LIMIT, Server, samples, sibling};
use crate::selector::Selector;
use crate::wire::prom_json::QueryResult;
use crate::wire::prom_read::{SlabData, encode_request};
use bytes::Bytes;
use std::collections::BTreeMap;

/// Bytes of a write's answer at most: nothing, or a refusal.
const WRITE_LIMIT: usize = 1 << 20;

const WRITE_VERSION: &[(&str, &str)] = &[("X-Prometheus-Remote-Write-Version", "0.1.0")];
const READ_VERSION: &[(&str, &str)] = &[("X-Prometheus-Remote-Read-Version", "0.1.0")];

/// Remote read of one selector, SAMPLES (the server knows no other form). A partial answer of a cluster is
/// an error ([`crate::ErrorKind::Partial`]): compared, it would look like missing data.
pub fn read(plan: &Plan, selector: &Selector, window: Window) -> Call<SlabData> {
    let errand = Errand {
        purpose: Purpose::ReadSamples,
        field: "target.read_url",
        url: plan.target.read_url.as_str(),
    };
    let most = plan.options.answer_bytes();
    samples(&Server::target(plan), &errand, READ_VERSION, encode_request(&selector.matchers, window), most)
}

/// What the target says of a write that it acknowledged. All fields are `None` where the server sends no
/// such header, or a gateway does not expose it to the page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WriteOutcome {
    /// Metadata entries that changed something.
    pub metadata_applied: Option<u64>,
    /// Native histogram samples accepted.
    pub histograms_accepted: Option<u64>,
    /// Exemplars accepted.
    pub exemplars_accepted: Option<u64>,
    /// Exemplars, new or old, that the store let go to make room: it keeps the newest 128 of a series and
    /// 50,000 in all.
    pub exemplars_dropped: Option<u64>,
    /// How a cluster acknowledged: `quorum, 2 of 2 replicas` is two acknowledgements where two are required.
    pub consistency: Option<String>,
}

/// Remote write of a body in snappy's block format.
///
/// All or nothing: one sample outside the retention refuses the whole batch. Limits of a request: 64 MiB
/// before and after snappy (beyond it the connection is reset without an answer), 200,000 rows, 512 exemplars,
/// 512 metadata entries, 16,384 histogram buckets. Samples of one series must be in order within a request
/// where they span more than 8 hours, or the server answers 500 `Late write at timestamp …`.
///
/// An empty `WriteRequest` is answered with 200 after authentication, tenant and path are checked, and does
/// nothing: see [`write_probe`].
pub fn write(plan: &Plan, body: Bytes) -> Call<WriteOutcome> {
    let errand =
        Errand { purpose: Purpose::Write, field: "target.write_url", url: plan.target.write_url.as_str() };
    Server::target(plan).post(&errand, WRITE_VERSION, body, WRITE_LIMIT, |answer, _| Ok(outcome(answer)))
}

/// An empty write: shows that path, token and tenant allow writing, and writes nothing.
pub fn write_probe(plan: &Plan) -> Call<WriteOutcome> {
    // The empty block: an uncompressed length of zero, and nothing else.
    write(plan, Bytes::from_static(&[0]))
}

/// InfluxDB line protocol to the live endpoint, `/write` beside `/api/v1/write`, with the query parameters of the
/// recorded request. `None` when `write_url` does not tell where that is.
pub fn write_lines(plan: &Plan, params: &BTreeMap<String, String>, lines: String) -> Option<Call<()>> {
    let url = sibling(&plan.target.write_url, "/api/v1/write", "/write")?;
    let errand = Errand { purpose: Purpose::Write, field: "target.write_url", url: &url };
    // Credentials of the old server (`u`, `p`) stay here: they mean nothing to tsink.
    let known = ["db", "rp", "bucket", "org", "precision"];
    let params: Vec<(&str, &str)> = params
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .filter(|(name, _)| known.contains(name))
        .collect();
    Some(Server::target(plan).post_text(&errand, &params, lines, WRITE_LIMIT, |_, _| Ok(())))
}

fn outcome(answer: &Answer) -> WriteOutcome {
    let number = |name: &str| answer.header(name).and_then(|value| value.trim().parse::<u64>().ok());
    let consistency = answer.header("x-tsink-write-consistency").map(|mode| {
        let mode: String = mode.chars().filter(|c| !c.is_control()).take(40).collect();
        match (number("x-tsink-write-acknowledged-replicas"), number("x-tsink-write-required-acks")) {
            (Some(acknowledged), Some(required)) => format!("{mode}, {acknowledged} of {required} replicas"),
            _ => mode,
        }
    });
    WriteOutcome {
        metadata_applied: number("x-tsink-metadata-applied"),
        histograms_accepted: number("x-tsink-histograms-accepted"),
        exemplars_accepted: number("x-tsink-exemplars-accepted"),
        exemplars_dropped: number("x-tsink-exemplars-dropped"),
        consistency,
    }
}

/// `/api/v1/status/tsdb`: what the target takes. `None` without `status_url`.
pub fn status(plan: &Plan) -> Option<Call<TargetStatus>> {
    let url = plan.target.status_url.as_deref()?;
    let errand = Errand { purpose: Purpose::Status, field: "target.status_url", url };
    Some(Server::target(plan).get(&errand, &[], SMALL_LIMIT, |answer, asked| {
        status::parse(&answer.body).map_err(|why| asked.unreadable(answer, &why))
    }))
}

/// Metadata of one metric family; tsink keeps one entry of each. `None` without `metadata_url`.
pub fn metadata(plan: &Plan, metric: &str) -> Option<Call<Vec<Metadata>>> {
    let url = plan.target.metadata_url.as_deref()?;
    let errand = Errand { purpose: Purpose::Metadata, field: "target.metadata_url", url };
    Some(Server::target(plan).metadata(&errand, metric))
}

/// Exemplars of a check. The store keeps the newest 128 of a series and 50,000 in all, one for each ms of a
/// series, so that a source with more cannot be matched. `None` without `exemplar_url`.
pub fn exemplars(plan: &Plan, check: &ExemplarCheck, window: Window) -> Option<Call<Exemplars>> {
    let url = plan.target.exemplar_url.as_deref()?;
    let errand = Errand { purpose: Purpose::Exemplars, field: "target.exemplar_url", url };
    Some(Server::target(plan).exemplars(&errand, check, window))
}

/// A range query; `None` without `query_range_url`. Whether the answer is partial is in the result.
pub fn query_range(plan: &Plan, asked: &RangeQuery<'_>) -> Option<Call<QueryResult>> {
    let url = plan.target.query_range_url.as_deref()?;
    let errand = Errand { purpose: Purpose::Query, field: "target.query_range_url", url };
    Some(Server::target(plan).query_range(&errand, asked))
}

#[cfg(test)]
mod tests;
