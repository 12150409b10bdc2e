//! VictoriaMetrics, as of 1.79.5 (measured; its source read).
//!
//! **Export.** `/api/v1/export` gives raw samples as JSON lines, which are read as they arrive. What is asked for:
//! - `start` and `end` in RFC 3339. 1.79.5 turns every time into float seconds, multiplies by 1000 and cuts off, which
//!   may lose a ms; some newer versions take small numbers of seconds for another unit. So the end asked for is 1 ms
//!   later, and what comes is clipped to the window: right for all of them. Times before 1970 cannot be stored there.
//! - `max_rows_per_line`, so that a line stays small.
//! - No `reduce_mem_usage`: with it, blocks come as they are stored, neither merged nor deduplicated, and in any order.
//!   Without it comes what queries see (`-dedup.minScrapeInterval`), and a slab is small enough for the server.
//!
//! **Queries.** VictoriaMetrics moves the start and end of a range query to multiples of the step unless `nocache=1` is
//! given; then its points would lie at other times than those of the target.
//!
//! **What it does not have.** Exemplars and native histograms; metadata before the versions that can be told to keep
//! it (1.79.5 answers `{}` whatever it is asked). Its build information is empty, or that of a Prometheus which it
//! claims to be, so version and limits are read from `/metrics`, where every server of the family shows its flags.

use crate::answer::{Asked, Purpose};
use crate::error::ErrorKind;
use crate::model::{Millis, Window, calendar};
use crate::plan::Plan;
use crate::port::{Answer, Call, Intake, StreamCall};
use crate::prom_api::{Errand, RangeQuery, SMALL_LIMIT, Server, query_url};
use crate::selector::Selector;
use crate::source::{Census, Counting, Reading};
use crate::wire::prom_json::QueryResult;
use crate::wire::prom_read::SlabData;
use crate::wire::types::MatcherType;
use crate::wire::vm_export::{Decoder, ExportError, Fault};
use std::collections::BTreeMap;
use std::rc::Rc;

/// Rows of a line at most; long series come in several lines.
const ROWS_PER_LINE: &str = "10000";

/// Bytes of a line that are held whatever the limit.
const LEAST_LINE: usize = 4 << 20;

/// The field that all of this hangs on.
const FIELD: &str = "source.export_url";

/// Exports one selector: float samples and staleness markers, inside the window only.
pub fn export(plan: &Plan, selector: &Selector, window: Window) -> StreamCall<SlabData> {
    exported(plan, selector, window, |export| Box::new(export))
}

/// As [`export`], of which the rows are counted and not held; by labels, too, if asked for.
pub(crate) fn count_export(
    plan: &Plan,
    selector: &Selector,
    window: Window,
    labels: bool,
) -> StreamCall<Census> {
    exported(plan, selector, window, move |export| Box::new(Counting::new(Box::new(export), labels)))
}

fn exported<T>(
    plan: &Plan,
    selector: &Selector,
    window: Window,
    intake: impl Fn(Export) -> Box<dyn Intake<T>> + 'static,
) -> StreamCall<T> {
    let errand = Errand { purpose: Purpose::ReadSamples, field: FIELD, url: plan.source.samples_url() };
    let text = selector_text(selector);
    let (start, end) = (time(window.start_ms), time(window.end_ms.saturating_add(1)));
    let params = [
        ("match[]", text.as_str()),
        ("start", start.as_str()),
        ("end", end.as_str()),
        ("max_rows_per_line", ROWS_PER_LINE),
    ];
    let server = Server::source(plan);
    let request = server.get_or_form_request(&errand, &params);
    let asked = server.asked(&errand, &request);
    let most = plan.options.answer_bytes();
    StreamCall {
        request,
        limit: SMALL_LIMIT,
        open: Rc::new(move |answer| {
            asked.accept(answer)?;
            // Errors speak of the status and the headers; the body is gone by then.
            let head = Answer { body: bytes::Bytes::new(), ..answer.clone() };
            // A line has 10,000 rows of some 40 characters at most, where the server takes that limit.
            let decoder = Decoder::with_limits(window, most.max(LEAST_LINE), most);
            Ok(intake(Export { decoder, asked: asked.clone(), head }))
        }),
    }
}

/// An export under way.
struct Export {
    decoder: Decoder,
    asked: Asked,
    head: Answer,
}

impl Reading for Export {
    fn feed(&mut self, bytes: &[u8]) -> crate::Result<()> {
        self.decoder.feed(bytes).map_err(|error| export_error(&self.asked, &self.head, &error))
    }

    fn take(&mut self) -> SlabData {
        self.decoder.take()
    }

    fn finish(self: Box<Self>) -> crate::Result<SlabData> {
        let Self { decoder, asked, head } = *self;
        decoder.finish().map_err(|error| export_error(&asked, &head, &error))
    }
}

impl Intake<SlabData> for Export {
    fn feed(&mut self, bytes: &[u8]) -> crate::Result<()> {
        Reading::feed(self, bytes)
    }

    fn finish(self: Box<Self>) -> crate::Result<SlabData> {
        Reading::finish(self)
    }
}

/// An export that cannot be read to its end.
fn export_error(asked: &Asked, head: &Answer, error: &ExportError) -> crate::Error {
    match &error.fault {
        // The words decide, as they would with a status of their own.
        Fault::Words(words) => {
            let body = bytes::Bytes::copy_from_slice(words.as_bytes());
            let mut refusal = asked.refusal(&Answer { status: 500, headers: Vec::new(), body });
            refusal.status = Some(head.status);
            refusal
        }
        Fault::TooMuch => asked.wrong(
            head,
            ErrorKind::TooLarge,
            error.to_string(),
            "It is asked again in smaller parts. If it fails again, raise `options.memory_mib` or narrow the selector."
                .to_owned(),
        ),
        Fault::TooLong { .. } => asked.wrong(
            head,
            ErrorKind::TooLarge,
            error.to_string(),
            "It is asked again in smaller parts. If it fails again, check that `source.export_url` is \
             VictoriaMetrics' own export: one that knows `max_rows_per_line` sends no such line."
                .to_owned(),
        ),
        // The connection ended as if the answer were whole: what broke may hold the next time.
        Fault::CutOff { .. } => asked.wrong(
            head,
            ErrorKind::Server,
            error.to_string(),
            "It is tried again. If it lasts, look into VictoriaMetrics' log, and for a proxy in between with a short \
             timeout or a small limit."
                .to_owned(),
        ),
        Fault::Malformed { .. } => asked.unreadable(head, &error.to_string()),
    }
}

/// A time as every version reads it to the ms, or a ms too early.
fn time(at: Millis) -> String {
    // The calendar ends with the year 9999; before 1970 nothing can be stored.
    let at = at.clamp(0, 253_402_300_799_999);
    calendar::rfc3339(at).unwrap_or_default()
}

/// A selector as every version of MetricsQL reads it: names in quotes are new there, so whatever is unusual in a name
/// is escaped with a backslash.
pub(crate) fn selector_text(selector: &Selector) -> String {
    let mut out = String::from("{");
    for (at, matcher) in selector.matchers.iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        for (at, c) in matcher.name.chars().enumerate() {
            let is_plain = c == '_' || c.is_ascii_alphabetic() || at > 0 && (c == ':' || c.is_ascii_digit());
            if !is_plain {
                out.push('\\');
            }
            out.push(c);
        }
        out.push_str(match MatcherType::try_from(matcher.r#type) {
            Ok(MatcherType::Neq) => "!=",
            Ok(MatcherType::Re) => "=~",
            Ok(MatcherType::Nre) => "!~",
            Ok(MatcherType::Eq) | Err(_) => "=",
        });
        crate::selector::quote(&mut out, &matcher.value);
    }
    out.push('}');
    out
}

/// A range query as in [`prometheus`](super::prometheus::query_range), at exactly the times asked for. At most 30,000
/// points a series (`-search.maxPointsPerTimeseries`).
pub fn query_range(plan: &Plan, asked: &RangeQuery<'_>) -> Option<Call<QueryResult>> {
    let url = query_url(plan.source.query_range_url.as_deref()?, &[("nocache", "1")]);
    let errand = Errand { purpose: Purpose::Query, field: "source.query_range_url", url: &url };
    Some(Server::source(plan).query_range(&errand, asked))
}

/// What a server says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct About {
    /// `1.79.5`; none where the build does not know it, as Debian's.
    pub version: Option<String>,
    /// Values of its flags, by name without the dash.
    pub flags: BTreeMap<String, String>,
}

impl About {
    /// `VictoriaMetrics 1.79.5`.
    pub fn title(&self) -> String {
        match &self.version {
            Some(version) => format!("VictoriaMetrics {version}"),
            None => "VictoriaMetrics".to_owned(),
        }
    }

    /// A flag's value.
    pub fn flag(&self, name: &str) -> Option<&str> {
        self.flags.get(name).map(String::as_str)
    }
}

/// The flags that matter to a migration.
const FLAGS: [&str; 10] = [
    "dedup.minScrapeInterval",
    "precisionBits",
    "retentionPeriod",
    "search.latencyOffset",
    "search.maxConcurrentRequests",
    "search.maxExportDuration",
    "search.maxExportSeries",
    "search.maxPointsPerTimeseries",
    "search.maxSamplesPerQuery",
    "search.maxUniqueTimeseries",
];

/// `/metrics` of the server that exports. `None` when the URL does not tell where that is.
pub fn about(plan: &Plan) -> Option<Call<About>> {
    let url = metrics_url(plan.source.samples_url())?;
    let errand = Errand { purpose: Purpose::BuildInfo, field: FIELD, url: &url };
    Some(Server::source(plan).get(&errand, &[], SMALL_LIMIT, |answer, asked| {
        read_about(&String::from_utf8_lossy(&answer.body))
            .ok_or_else(|| asked.unreadable(answer, "there are no metrics of VictoriaMetrics in it"))
    }))
}

/// `…/prometheus/api/v1/export` → `…/metrics`; in a cluster, `…/select/0/prometheus/api/v1/export` → `…/metrics`.
pub(crate) fn metrics_url(export: &str) -> Option<String> {
    let path = export.split(['?', '#']).next()?.trim_end_matches('/');
    let base = path.strip_suffix("/api/v1/export")?;
    let base = base.strip_suffix("/prometheus").unwrap_or(base);
    let root = match base.rsplit_once("/select/") {
        Some((root, tenant)) if !tenant.contains('/') => root,
        _ => base,
    };
    Some(format!("{root}/metrics"))
}

/// Reads version and flags. `None` when it is not VictoriaMetrics' text.
fn read_about(text: &str) -> Option<About> {
    let mut about = About::default();
    let mut is_known = false;
    for line in text.lines() {
        if let Some(labels) = line.strip_prefix("vm_app_version{") {
            is_known = true;
            let version = label(labels, "short_version=\"").filter(|version| !version.is_empty());
            let version = version.or_else(|| label(labels, "version=\""));
            about.version = version.and_then(number).map(str::to_owned);
        } else if let Some(labels) = line.strip_prefix("flag{")
            && let (Some(name), Some(value)) = (label(labels, "name=\""), label(labels, "value=\""))
            && FLAGS.contains(&name)
        {
            about.flags.insert(name.to_owned(), value.to_owned());
        }
    }
    is_known.then_some(about)
}

/// The text behind `start` up to the next quote. No value that is looked for holds one.
fn label<'a>(labels: &'a str, start: &str) -> Option<&'a str> {
    let at = labels.find(start)? + start.len();
    labels.get(at..)?.split('"').next()
}

/// `v1.79.5`, or `victoria-metrics-20220621-071016-tags-v1.78.0-0-g091408be6` → the number.
fn number(version: &str) -> Option<&str> {
    version
        .split('-')
        .filter_map(|part| part.strip_prefix('v'))
        .find(|number| number.starts_with(|c: char| c.is_ascii_digit()) && number.len() < 20)
}

#[cfg(test)]
mod tests;
