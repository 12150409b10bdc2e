//! How many series a selector has, and how they spread over labels: cheap questions to the source's query endpoint,
//! whose answers are a few numbers. PromQL and MetricsQL alike.

use super::prometheus::query_endpoint;
use super::{Counts, prometheus, victoriametrics};
use crate::answer::Purpose;
use crate::model::{Millis, Window};
use crate::plan::{Plan, SourceKind};
use crate::port::Call;
use crate::prom_api::{Errand, Server, json_error, prom_time, read_query, sibling};
use crate::selector::Selector;
use crate::wire::prom_json;

/// Bytes of such an answer at most: some ten thousand values. A label with more of them is counted by prefixes.
const LIMIT: usize = 1 << 20;
/// The label that prefixes are put into.
const PREFIX: &str = "tsink_migrate_prefix";

fn text(plan: &Plan, selector: &Selector) -> String {
    match plan.source.kind {
        SourceKind::VictoriaMetrics => victoriametrics::selector_text(selector),
        _ => prometheus::selector_text(selector),
    }
}

fn ask<T: 'static>(
    plan: &Plan,
    query: &str,
    at: Millis,
    read: impl Fn(prom_json::QueryResult) -> T + 'static,
) -> Option<Call<T>> {
    let (url, field) = query_endpoint(plan)?;
    let errand = Errand { purpose: Purpose::Query, field, url: &url };
    let time = prom_time(at);
    let params = [("query", query), ("time", time.as_str())];
    Some(
        Server::source(plan)
            .get_or_form(&errand, &params, LIMIT, move |answer, asked| Ok(read(read_query(answer, asked)?))),
    )
}

/// A count, whatever a server makes of it.
fn whole(value: f64) -> u64 {
    if value.is_finite() && value > 0.0 { value as u64 } else { 0 }
}

/// Series of a selector at an instant. `None` where the plan does not tell where queries go.
pub(crate) fn count(plan: &Plan, selector: &Selector, at: Millis) -> Option<Call<u64>> {
    let query = format!("count({})", text(plan, selector));
    ask(plan, &query, at, |result| {
        result.series.first().and_then(|one| one.samples.last()).map_or(0, |sample| whole(sample.value))
    })
}

/// Series of a selector by the value of a label, or by its first `chars` characters. More values than an answer may
/// hold are [`TooLarge`](crate::ErrorKind::TooLarge).
pub(crate) fn count_by(
    plan: &Plan,
    selector: &Selector,
    label: &str,
    chars: Option<usize>,
    at: Millis,
) -> Option<Call<Counts>> {
    let own = text(plan, selector);
    let (query, key) = match chars {
        None => (format!("count by ({label}) ({own})"), label.to_owned()),
        Some(chars) => (
            format!(
                "count by ({PREFIX}) (label_replace({own}, \"{PREFIX}\", \"$1\", \"{label}\", \"(?s:(.{{1,{chars}}}).*)\"))"
            ),
            PREFIX.to_owned(),
        ),
    };
    ask(plan, &query, at, move |result| {
        let mut counts = chars.map_or_else(Counts::default, Counts::by_prefix);
        for one in &result.series {
            let value = one.labels.get(&key).unwrap_or_default();
            counts.add(value, one.samples.last().map_or(0, |sample| whole(sample.value)));
        }
        counts
    })
}

/// Names of the labels that a selector's series have in a window.
pub(crate) fn label_names(plan: &Plan, selector: &Selector, window: Window) -> Option<Call<Vec<String>>> {
    let (url, field) = query_endpoint(plan)?;
    let url = sibling(&url, "/query", "/labels")?;
    let (start, end) = (prom_time(window.start_ms), prom_time(window.end_ms));
    let own = text(plan, selector);
    let params = [("match[]", own.as_str()), ("start", start.as_str()), ("end", end.as_str())];
    let errand = Errand { purpose: Purpose::Query, field, url: &url };
    Some(Server::source(plan).get_or_form(&errand, &params, LIMIT, |answer, asked| {
        prom_json::names(&answer.body).map_err(|error| json_error(asked, answer, &error))
    }))
}
