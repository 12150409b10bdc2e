//! Prometheus, or whatever speaks its protocol (tsink as a source included), as of Prometheus 2.42.
//!
//! **Headers.** Prometheus' CORS allows only `Accept`, `Authorization`, `Content-Type` and `Origin`, and its
//! remote read needs none beside the body (measured: it reads a snappy body with no header at all). tsink as
//! a source takes the body for bare protobuf unless `Content-Encoding: snappy` is there. A page straight to
//! Prometheus cannot use remote read in any case, because the answer carries no
//! `Access-Control-Allow-Origin`; everything that can (one origin, a CORS gateway, Node.js) may send any
//! header. So `Content-Encoding` is always sent, and no version header, which neither server needs. The GETs
//! here send the plan's headers alone, so that a page on another origin can make them.

use crate::answer::{Asked, Purpose};
use crate::error::{Error, ErrorKind, Side};
use crate::model::{Metadata, Series, Window};
use crate::plan::{ExemplarCheck, Plan, SourceKind};
use crate::port::{Answer, Call, StreamCall};
use crate::prom_api::{
    AnswerSize, Errand, Exemplars, QUERY_LIMIT, RangeQuery, SMALL_LIMIT, Server, counted, json_error,
    prom_time, read_query, samples, sibling, streamed,
};
use crate::selector::{Selector, braces};
use crate::source::Census;
use crate::wire::prom_chunks::{self, Mark};
use crate::wire::prom_json::{self, BuildInfo, QueryResult};
use crate::wire::prom_read::{SlabData, encode_request};
use crate::wire::room::Room;

/// Remote read of one selector, SAMPLES: floats, staleness markers and native histograms, without loss.
///
/// Prometheus limits a request to 5e7 samples ([`ErrorKind::TooLarge`]) and takes 10 at once.
pub fn read(plan: &Plan, selector: &Selector, window: Window) -> Call<SlabData> {
    let url = plan.source.remote_read_url.as_str();
    let errand = Errand { purpose: Purpose::ReadSamples, field: "source.remote_read_url", url };
    let most = plan.options.answer_bytes();
    samples(&Server::source(plan), &errand, &[], encode_request(&selector.matchers, window), most)
}

/// Remote read of one selector, STREAMED_XOR_CHUNKS: the same rows as [`read`], inside the window only, in a
/// fraction of the time (0.05 s against 1.2 s for 5.76 million samples from Prometheus 2.42). Prometheus
/// before 2.44 shows native histograms in this way alone.
///
/// A server that chooses SAMPLES is read, too. tsink 0.10.2 as a source answers 400
/// ([`ErrorKind::BadRequest`]): use [`read`] there.
///
/// `room` is set apart for the answer before it comes.
///
/// With a mark, an answer that ends before it is [`ErrorKind::Protocol`]; without, an answer that something has ended
/// between two frames looks whole.
pub fn read_streamed(
    plan: &Plan,
    selector: &Selector,
    window: Window,
    mark: Option<&Mark>,
    room: Room,
) -> StreamCall<SlabData> {
    let url = plan.source.remote_read_url.as_str();
    let errand = Errand { purpose: Purpose::ReadSamples, field: "source.remote_read_url", url };
    let body = match mark {
        Some(mark) => prom_chunks::encode_marked_request(&selector.matchers, window, mark),
        None => prom_chunks::encode_request(&selector.matchers, window),
    };
    let size = AnswerSize { most: plan.options.answer_bytes(), room };
    streamed(&Server::source(plan), &errand, body, window, mark.is_some(), size)
}

/// Whether the source still holds a mark's sample, as SAMPLES: their length is checked.
pub fn read_mark(plan: &Plan, mark: &Mark) -> Call<SlabData> {
    let url = plan.source.remote_read_url.as_str();
    let errand = Errand { purpose: Purpose::ReadSamples, field: "source.remote_read_url", url };
    let body = encode_request(mark.matchers(), mark.window());
    samples(&Server::source(plan), &errand, &[], body, plan.options.answer_bytes())
}

/// As [`read_streamed`], of which the rows are counted and not held; by labels, too, if asked for.
pub(crate) fn count_streamed(
    plan: &Plan,
    selector: &Selector,
    window: Window,
    labels: bool,
) -> StreamCall<Census> {
    let url = plan.source.remote_read_url.as_str();
    let errand = Errand { purpose: Purpose::ReadSamples, field: "source.remote_read_url", url };
    let body = prom_chunks::encode_request(&selector.matchers, window);
    counted(&Server::source(plan), &errand, body, window, plan.options.answer_bytes(), labels)
}

/// Reads one selector through an instant query with a range selector, `query=SELECTOR[RANGE]&time=END`:
/// what a page on another origin can read from Prometheus without a gateway.
///
/// Floats only, and with two losses: staleness markers are not shown, and every NaN is `NaN` in JSON, so
/// its bits are gone; it comes out as Prometheus' ordinary NaN. A series with native histograms is an error:
/// JSON holds them without schema and spans, and leaving them out would lose data without a word.
///
/// Prometheus 2 takes ranges as closed, `[t-r, t]`, Prometheus 3 and tsink as left-open, `(t-r, t]`. The
/// range asked for reaches 1 ms further back than the window, and the result is clipped to the window: right
/// for both.
///
/// # Errors
/// When neither `query_range_url` nor `remote_read_url` has a path from which `/api/v1/query` follows.
pub fn read_by_query(plan: &Plan, selector: &Selector, window: Window) -> crate::Result<Call<SlabData>> {
    let Some((url, field)) = query_endpoint(plan) else {
        return Err(Error::new(
            ErrorKind::Input,
            "the source's query endpoint cannot be told from its other URLs",
        )
        .side(Side::Source)
        .remedy("Set `source.query_range_url` to an URL that ends with `/api/v1/query_range`."));
    };
    let query = format!("{}[{}ms]", selector_text(selector), window.len_ms());
    let time = prom_time(window.end_ms);
    let errand = Errand { purpose: Purpose::ReadSamples, field, url: &url };
    let params = [("query", query.as_str()), ("time", time.as_str())];
    // JSON holds a sample in about as many bytes as memory does.
    let most = plan.options.answer_bytes().min(QUERY_LIMIT);
    Ok(Server::source(plan).get_or_form(&errand, &params, most, move |answer, asked| {
        let series = floats(read_query(answer, asked)?, window, answer, asked)?;
        Ok(SlabData::from_series(&series))
    }))
}

/// `/api/v1/query` beside the plan's other endpoints, and the field that tells where.
pub(crate) fn query_endpoint(plan: &Plan) -> Option<(String, &'static str)> {
    let source = &plan.source;
    let by_range = source.query_range_url.as_deref().and_then(|url| sibling(url, "/query_range", "/query"));
    if let Some(url) = by_range {
        return Some((url, "source.query_range_url"));
    }
    match plan.source.kind {
        SourceKind::VictoriaMetrics => {
            Some((sibling(plan.source.samples_url(), "/export", "/query")?, "source.export_url"))
        }
        _ => Some((sibling(&source.remote_read_url, "/read", "/query")?, "source.remote_read_url")),
    }
}

/// The floats of a query result that lie inside the window.
fn floats(result: QueryResult, window: Window, answer: &Answer, asked: &Asked) -> crate::Result<Vec<Series>> {
    if result.partial {
        return Err(asked.partial(answer));
    }
    let mut series = Vec::with_capacity(result.series.len());
    for one in result.series {
        if one.histograms.iter().any(|(at, _)| window.contains(*at)) {
            return Err(asked.wrong(
                answer,
                ErrorKind::BadRequest,
                format!("{} holds native histograms, which a query shows only in part", one.labels),
                "Set `options.read_via` to `remote_read` and go through the gateway that this page offers, or \
                 exclude the native histograms with a matcher such as `__name__!=\"NAME\"`."
                    .to_owned(),
            ));
        }
        let mut samples = one.samples;
        samples.retain(|sample| window.contains(sample.timestamp));
        if !samples.is_empty() {
            series.push(Series { labels: one.labels, samples, ..Series::default() });
        }
    }
    Ok(series)
}

/// A selector as every version of PromQL reads it: the metric name as a matcher on `__name__`, since names
/// in quotes, `{"my.metric"}`, are new in Prometheus 3 and unknown to tsink 0.10.2. A label name outside
/// `[a-zA-Z0-9_]` needs quotes all the same.
pub(crate) fn selector_text(selector: &Selector) -> String {
    let mut out = String::new();
    braces(&mut out, &selector.matchers);
    out
}

/// `/api/v1/status/buildinfo`, next to `remote_read_url`. `None` when the URL does not tell where that is.
/// tsink 0.10.2 as a source answers 404.
pub fn build_info(plan: &Plan) -> Option<Call<BuildInfo>> {
    let url = sibling(&plan.source.remote_read_url, "/read", "/status/buildinfo")?;
    let errand = Errand { purpose: Purpose::BuildInfo, field: "source.remote_read_url", url: &url };
    Some(Server::source(plan).get(&errand, &[], SMALL_LIMIT, |answer, asked| {
        prom_json::build_info(&answer.body).map_err(|error| json_error(asked, answer, &error))
    }))
}

/// Metadata of one metric family, sorted; several entries when scrape targets disagree, none when the server
/// does not know it (Prometheus knows only what it scrapes now). `None` without `metadata_url`.
pub fn metadata(plan: &Plan, metric: &str) -> Option<Call<Vec<Metadata>>> {
    let url = plan.source.metadata_url.as_deref()?;
    let errand = Errand { purpose: Purpose::Metadata, field: "source.metadata_url", url };
    Some(Server::source(plan).metadata(&errand, metric))
}

/// Exemplars of a check. Prometheus keeps them in one ring in memory (`storage.exemplars.max_exemplars`), so
/// old ones are gone. `None` without `exemplar_url`.
pub fn exemplars(plan: &Plan, check: &ExemplarCheck, window: Window) -> Option<Call<Exemplars>> {
    let url = plan.source.exemplar_url.as_deref()?;
    let errand = Errand { purpose: Purpose::Exemplars, field: "source.exemplar_url", url };
    Some(Server::source(plan).exemplars(&errand, check, window))
}

/// A range query; `None` without `query_range_url`. Prometheus gives at most 11,000 points a series ([`ErrorKind::TooLarge`]): ask for a
/// longer range in parts that start on step boundaries.
pub fn query_range(plan: &Plan, asked: &RangeQuery<'_>) -> Option<Call<QueryResult>> {
    let url = plan.source.query_range_url.as_deref()?;
    let errand = Errand { purpose: Purpose::Query, field: "source.query_range_url", url };
    Some(Server::source(plan).query_range(&errand, asked))
}

#[cfg(test)]
mod tests;
