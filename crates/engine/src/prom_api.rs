//! Requests of the Prometheus HTTP API that both sides speak, and how their answers are read. What is one
//! side's alone is in [`crate::source`] and [`crate::target`].

use crate::answer::{Asked, Purpose, is_partial};
use crate::error::{ErrorKind, Side};
use crate::model::{Metadata, Millis, Series, Window};
use crate::plan::{ExemplarCheck, Plan};
use crate::port::{Answer, Call, Method, Request, Secret};
use crate::wire::WireError;
use crate::wire::prom_json::{self, JsonError, QueryResult};
use crate::wire::prom_read::SlabData;
use bytes::Bytes;
use std::rc::Rc;

mod streamed;
mod text;

pub(crate) use streamed::{AnswerSize, counted, streamed};

pub(crate) use text::with_query as query_url;
pub(crate) use text::{prom_time, sibling};
use text::{step_text, with_query};

/// Bytes of a remote read's answer at most, compressed.
const READ_LIMIT: usize = 128 << 20;
/// Bytes of a query's answer at most.
pub(crate) const QUERY_LIMIT: usize = 256 << 20;
/// Bytes of an answer about metadata, exemplars, status or versions at most.
pub(crate) const SMALL_LIMIT: usize = 16 << 20;

/// A GET whose URL is longer than this goes as a POST with a form: proxies cut off long request lines
/// (nginx' buffer for one is 8 KiB). A form is a type that CORS allows without asking.
const MAX_URL: usize = 4096;

/// Exemplars that tsink 0.10.2 gives at most in one answer, all series together (`max_query_results`).
const TSINK_EXEMPLAR_LIMIT: u64 = 1000;

/// Exemplars of one query.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Exemplars {
    /// Series with exemplars only, sorted by labels; exemplars in time order, inside the window.
    pub series: Vec<Series>,
    /// Whether the server gave all that it has. tsink gives at most 1,000 in one answer, all series together,
    /// and leaves out the rest without a word: when this is false, ask for the window in parts.
    pub complete: bool,
    /// Exemplars left out here because a series had more than the check's `limit`; the newest stay.
    pub over_limit: u64,
}

/// One side's server: what all requests to it have in common.
pub(crate) struct Server<'a> {
    pub side: Side,
    pub headers: &'a [(String, Secret)],
    pub tenant: Option<&'a str>,
    pub timeout_ms: u64,
}

/// A range query: both ends included, a point every `step_ms` (at least 1).
#[derive(Clone, Copy, Debug)]
pub struct RangeQuery<'a> {
    /// PromQL.
    pub query: &'a str,
    /// Unix ms.
    pub start_ms: Millis,
    /// Unix ms.
    pub end_ms: Millis,
    /// Between two points, in ms.
    pub step_ms: i64,
}

/// A request to make: where to, what for, and the plan field that names it in errors.
pub(crate) struct Errand<'a> {
    pub purpose: Purpose,
    pub field: &'static str,
    pub url: &'a str,
}

impl<'a> Server<'a> {
    /// The plan's source.
    pub fn source(plan: &'a Plan) -> Self {
        let timeout_ms = plan.batch.timeout_ms();
        Self { side: Side::Source, headers: &plan.source.headers, tenant: None, timeout_ms }
    }

    /// The plan's target.
    pub fn target(plan: &'a Plan) -> Self {
        Self {
            side: Side::Target,
            headers: &plan.target.headers,
            tenant: Some(&plan.target.tenant),
            timeout_ms: plan.batch.timeout_ms(),
        }
    }

    /// A request with the plan's headers, the tenant and `own` headers. Of two headers with one name the
    /// plan's is dropped: `fetch` would join the values with a comma.
    fn request(&self, method: Method, url: String, own: &[(&str, &str)], body: Bytes) -> Request {
        let tenant = self.tenant.map(|tenant| ("X-Tsink-Tenant", tenant));
        let own: Vec<(&str, &str)> = own.iter().copied().chain(tenant).collect();
        let mut headers: Vec<(String, Secret)> = self
            .headers
            .iter()
            .filter(|(name, _)| !own.iter().any(|(ours, _)| ours.eq_ignore_ascii_case(name)))
            .cloned()
            .collect();
        headers.extend(own.iter().map(|(name, value)| ((*name).to_owned(), Secret::new(*value))));
        Request { side: self.side, method, url, headers, body, timeout_ms: self.timeout_ms }
    }

    /// What errors about a request need to know.
    pub fn asked(&self, errand: &Errand<'_>, request: &Request) -> Asked {
        Asked::new(request, errand.purpose, errand.field, self.headers, self.tenant)
    }

    fn call<T: 'static>(
        &self,
        errand: &Errand<'_>,
        request: Request,
        limit: usize,
        read: impl Fn(&Answer, &Asked) -> crate::Result<T> + 'static,
    ) -> Call<T> {
        let asked = self.asked(errand, &request);
        let parse = move |answer: &Answer| {
            asked.accept(answer)?;
            read(answer, &asked)
        };
        Call { request, limit, parse: Rc::new(parse) }
    }

    /// A POST of protobuf in snappy's block format.
    pub fn post<T: 'static>(
        &self,
        errand: &Errand<'_>,
        own: &[(&str, &str)],
        body: Bytes,
        limit: usize,
        read: impl Fn(&Answer, &Asked) -> crate::Result<T> + 'static,
    ) -> Call<T> {
        self.call(errand, self.post_request(errand, own, body), limit, read)
    }

    /// The request of [`Self::post`].
    fn post_request(&self, errand: &Errand<'_>, own: &[(&str, &str)], body: Bytes) -> Request {
        let mut headers = vec![("Content-Type", "application/x-protobuf"), ("Content-Encoding", "snappy")];
        headers.extend_from_slice(own);
        self.request(Method::Post, errand.url.to_owned(), &headers, body)
    }

    /// A POST of text with parameters in the URL.
    pub fn post_text<T: 'static>(
        &self,
        errand: &Errand<'_>,
        params: &[(&str, &str)],
        text: String,
        limit: usize,
        read: impl Fn(&Answer, &Asked) -> crate::Result<T> + 'static,
    ) -> Call<T> {
        let own = [("Content-Type", "text/plain; charset=utf-8")];
        let request = self.request(Method::Post, with_query(errand.url, params), &own, Bytes::from(text));
        self.call(errand, request, limit, read)
    }

    /// A POST of JSON.
    pub fn post_json<T: 'static>(
        &self,
        errand: &Errand<'_>,
        json: &serde_json::Value,
        limit: usize,
        read: impl Fn(&Answer, &Asked) -> crate::Result<T> + 'static,
    ) -> Call<T> {
        let own = [("Content-Type", "application/json")];
        let request = self.request(Method::Post, errand.url.to_owned(), &own, Bytes::from(json.to_string()));
        self.call(errand, request, limit, read)
    }

    /// A GET with parameters.
    pub fn get<T: 'static>(
        &self,
        errand: &Errand<'_>,
        params: &[(&str, &str)],
        limit: usize,
        read: impl Fn(&Answer, &Asked) -> crate::Result<T> + 'static,
    ) -> Call<T> {
        let request = self.request(Method::Get, with_query(errand.url, params), &[], Bytes::new());
        self.call(errand, request, limit, read)
    }

    /// A GET, or a POST with a form when the URL would be too long.
    pub fn get_or_form<T: 'static>(
        &self,
        errand: &Errand<'_>,
        params: &[(&str, &str)],
        limit: usize,
        read: impl Fn(&Answer, &Asked) -> crate::Result<T> + 'static,
    ) -> Call<T> {
        self.call(errand, self.get_or_form_request(errand, params), limit, read)
    }

    /// The request of [`Self::get_or_form`].
    pub fn get_or_form_request(&self, errand: &Errand<'_>, params: &[(&str, &str)]) -> Request {
        let url = with_query(errand.url, params);
        if url.len() <= MAX_URL {
            return self.request(Method::Get, url, &[], Bytes::new());
        }
        let form: String = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(params).finish();
        let headers = [("Content-Type", "application/x-www-form-urlencoded")];
        self.request(Method::Post, errand.url.to_owned(), &headers, Bytes::from(form))
    }

    /// `query_range`.
    ///
    /// Prometheus refuses more than 11,000 points a series ([`ErrorKind::TooLarge`]); tsink has no such
    /// limit. Every step is evaluated by itself, so parts that start on step boundaries give the same points.
    pub fn query_range(&self, errand: &Errand<'_>, asked: &RangeQuery<'_>) -> Call<QueryResult> {
        // Servers refuse a query that ends before it begins.
        let (start, end) = (asked.start_ms.min(asked.end_ms), asked.end_ms.max(asked.start_ms));
        let (start, end) = (prom_time(start), prom_time(end));
        let step = step_text(asked.step_ms);
        let params = [
            ("query", asked.query),
            ("start", start.as_str()),
            ("end", end.as_str()),
            ("step", step.as_str()),
        ];
        self.get_or_form(errand, &params, QUERY_LIMIT, read_query)
    }

    /// Metadata of one metric family; see [`prom_json::metadata`].
    pub fn metadata(&self, errand: &Errand<'_>, metric: &str) -> Call<Vec<Metadata>> {
        let wanted = metric.to_owned();
        self.get(errand, &[("metric", metric)], SMALL_LIMIT, move |answer, asked| {
            if is_partial(answer) {
                return Err(asked.partial(answer));
            }
            prom_json::metadata(&answer.body, &wanted).map_err(|error| json_error(asked, answer, &error))
        })
    }

    /// Exemplars of the series that a query selects, both ends of the window included.
    ///
    /// No `limit` is sent: Prometheus ignores it, and tsink, whose documents do not say so, takes it as a
    /// limit of the whole answer, cuts from the end of the list of series, and refuses more than 1,000
    /// (`422 bad_data`). The check's limit, which counts per series, is applied here, on both sides alike.
    pub fn exemplars(&self, errand: &Errand<'_>, check: &ExemplarCheck, window: Window) -> Call<Exemplars> {
        let (start, end) = (prom_time(window.start_ms), prom_time(window.end_ms));
        let params = [("query", check.query.as_str()), ("start", start.as_str()), ("end", end.as_str())];
        let (per_series, side) = (check.limit, self.side);
        self.get_or_form(errand, &params, SMALL_LIMIT, move |answer, asked| {
            if answer.status == 204 && answer.body.is_empty() {
                // Prometheus 2.42 for a query without a selector.
                return Ok(Exemplars { complete: true, ..Exemplars::default() });
            }
            if is_partial(answer) {
                return Err(asked.partial(answer));
            }
            let series =
                prom_json::exemplars(&answer.body).map_err(|error| json_error(asked, answer, &error))?;
            // A page may not see the header; then what tsink does by default counts.
            let cap = answer
                .header("x-tsink-exemplar-limit")
                .and_then(|value| value.trim().parse::<u64>().ok())
                .or((side == Side::Target).then_some(TSINK_EXEMPLAR_LIMIT));
            Ok(select(series, window, per_series, cap))
        })
    }
}

/// Remote read of SAMPLES: what both sides have in common. More than `most` bytes of rows and labels are
/// [`ErrorKind::TooLarge`].
pub(crate) fn samples(
    server: &Server<'_>,
    errand: &Errand<'_>,
    own: &[(&str, &str)],
    body: Bytes,
    most: usize,
) -> Call<SlabData> {
    server.post(errand, own, body, most.min(READ_LIMIT), move |answer, asked| {
        if is_streamed(answer) {
            return Err(asked.unreadable(answer, "it is streamed, though SAMPLES were asked for"));
        }
        read_samples(answer, asked, most, 1)
    })
}

fn is_streamed(answer: &Answer) -> bool {
    answer.header("content-type").unwrap_or_default().starts_with("application/x-streamed-protobuf")
}

/// Reads the first result of an answer to so many queries.
fn read_samples(answer: &Answer, asked: &Asked, most: usize, queries: usize) -> crate::Result<SlabData> {
    if is_partial(answer) {
        return Err(asked.partial(answer));
    }
    if snap::raw::decompress_len(&answer.body).is_ok_and(|bytes| bytes > most) {
        return Err(too_large(answer, asked, most));
    }
    let data =
        SlabData::first_of(&answer.body, most, queries).map_err(|error| wire_error(asked, answer, &error))?;
    if data.cost() > most {
        return Err(too_large(answer, asked, most));
    }
    Ok(data)
}

fn too_large(answer: &Answer, asked: &Asked, most: usize) -> crate::Error {
    asked.wrong(
        answer,
        ErrorKind::TooLarge,
        format!("the answer has more than the {} KiB that one answer may take in memory", most >> 10),
        "It is asked again in smaller parts. If it fails again, raise `options.memory_mib` or narrow the selector."
            .to_owned(),
    )
}

/// Clips to the window and to the newest `per_series` of each series; `cap` is the server's own limit.
fn select(mut series: Vec<Series>, window: Window, per_series: u64, cap: Option<u64>) -> Exemplars {
    let given: u64 = series.iter().map(|one| one.exemplars.len() as u64).sum();
    let mut over_limit = 0;
    let most = usize::try_from(per_series).unwrap_or(usize::MAX);
    for one in &mut series {
        one.exemplars.retain(|exemplar| window.contains(exemplar.timestamp));
        let surplus = one.exemplars.len().saturating_sub(most);
        one.exemplars.drain(..surplus);
        over_limit += surplus as u64;
    }
    series.retain(|one| !one.exemplars.is_empty());
    Exemplars { series, complete: cap.is_none_or(|cap| given < cap), over_limit }
}

/// Reads a query's answer. A partial one is an answer; the caller decides what it is worth.
pub(crate) fn read_query(answer: &Answer, asked: &Asked) -> crate::Result<QueryResult> {
    let mut result = prom_json::query(&answer.body).map_err(|error| json_error(asked, answer, &error))?;
    if is_partial(answer) {
        result.partial = true;
        // tsink 0.10.2 sends the warnings' number with PromQL results, not their text.
        let hidden =
            answer.header("x-tsink-read-partial-warnings").and_then(|count| count.trim().parse::<u64>().ok());
        if let Some(count) = hidden.filter(|count| *count > 0 && result.warnings.is_empty()) {
            result.warnings.push(format!("partial answer with {count} warnings, which tsink does not show"));
        }
    }
    Ok(result)
}

/// A JSON answer of status 2xx that is not what was asked for.
pub(crate) fn json_error(asked: &Asked, answer: &Answer, error: &JsonError) -> crate::Error {
    match error {
        JsonError::Malformed(why) => asked.unreadable(answer, why),
        // The words decide as they do for other statuses; 422 is how both servers answer failing queries.
        JsonError::Refused { .. } => {
            let mut refusal = asked.refusal(&Answer { status: 422, ..answer.clone() });
            refusal.status = Some(answer.status);
            refusal
        }
        JsonError::NoPoints(_) => asked.wrong(
            answer,
            ErrorKind::BadRequest,
            error.to_string(),
            "Use an expression that yields numbers, or remove this check from the plan.".to_owned(),
        ),
    }
}

/// A remote read's answer of status 2xx that cannot be decoded.
fn wire_error(asked: &Asked, answer: &Answer, error: &WireError) -> crate::Error {
    asked.unreadable(answer, &error.to_string())
}

#[cfg(test)]
pub(crate) mod tests;
