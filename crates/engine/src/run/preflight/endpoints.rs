//! The endpoint table: every endpoint is asked once, those of a side together.
//!
//! One after the other, a server far away would cost a round trip for each of them, and tsink 0.10.2 sends the body of a
//! small answer 40 ms late on a connection that was used before.

use super::note;
use crate::error::{ErrorKind, Side};
use crate::model::Window;
use crate::plan::{ReadVia, SourceKind};
use crate::port::{Call, Request};
use crate::report::{Capabilities, EndpointCheck, Level, Note};
use crate::run::apart::apart;
use crate::run::context::Run;
use crate::run::event::Event;
use crate::run::http::Timed;
use crate::source::{self, RangeQuery, prometheus};
use crate::target::tsink;
use crate::wire::prom_json::BuildInfo;
use futures_util::future::LocalBoxFuture;
use futures_util::stream::{self, StreamExt};

/// Endpoints of a side asked at once: a browser has as many connections to one server.
const ASKED_AT_ONCE: usize = 6;

/// Of a last minute that does not fit into one answer.
const TOO_MANY: &str =
    "more series in the last minute of the window than one answer may hold; they are read in parts";

/// What was learnt of a side.
#[derive(Default)]
pub(super) struct Found {
    pub endpoints: Vec<EndpointCheck>,
    pub version: Option<String>,
    pub capabilities: Option<Capabilities>,
    pub notes: Vec<Note>,
}

impl Found {
    fn add(&mut self, one: Self) {
        self.endpoints.extend(one.endpoints);
        self.version = one.version.or(self.version.take());
        self.capabilities = one.capabilities.or(self.capabilities.take());
        self.notes.extend(one.notes);
    }
}

impl From<EndpointCheck> for Found {
    fn from(row: EndpointCheck) -> Self {
        Self { endpoints: vec![row], ..Self::default() }
    }
}

/// An endpoint being asked.
pub(super) type Asked<'a> = LocalBoxFuture<'a, Found>;

impl Run {
    pub(super) async fn check_source(&self) -> Found {
        let plan = &self.plan;
        let mut asked: Vec<Asked<'_>> = Vec::new();
        if plan.source.kind.is_recording() {
            asked.push(apart(async { self.check_recording().await.into() }));
            return self.ask_all(asked).await;
        }
        let last = Window {
            start_ms: self.window.end_ms.saturating_sub(60_000).max(self.window.start_ms),
            end_ms: self.window.end_ms,
        };
        if plan.source.kind == SourceKind::VictoriaMetrics {
            asked.extend(self.victoria_endpoints(last));
        } else {
            asked.push(apart(self.check_samples(last)));
        }
        if let Some(call) = prometheus::build_info(plan) {
            asked.push(apart(async move {
                let (mut row, info) = self.endpoint("build_info", "version", &call, BuildInfo::title).await;
                needless(&mut row, "the source does not tell its version");
                Found { version: info.as_ref().map(BuildInfo::title), ..row.into() }
            }));
        }
        if let Some(metric) = plan.metadata_metrics.first()
            && let Some(call) = prometheus::metadata(plan, metric)
        {
            asked.push(apart(async move {
                let (row, all) = self
                    .endpoint("metadata_url", "read metadata", &call, |all| entries(metric, all.len()))
                    .await;
                let mut found = Found::from(row);
                if plan.source.kind == SourceKind::VictoriaMetrics && all.is_some_and(|all| all.is_empty()) {
                    found.notes.push(note(
                        Level::Info,
                        "source_metadata_empty",
                        format!("The source has no metadata of {metric}. VictoriaMetrics keeps metadata only in newer versions, and there only when told to; 1.79.5 has none of any metric."),
                        "Remove source.metadata_url, or leave it: no metadata is copied then.",
                    ));
                }
                found
            }));
        }
        if let Some(check) = plan.exemplar_checks.first()
            && let Some(call) = prometheus::exemplars(plan, check, self.window)
        {
            asked.push(self.ask("exemplar_url", "read exemplars", call, |all| {
                format!("{} series with exemplars for the first check", all.series.len())
            }));
        }
        if let Some(call) = source::query_range(plan, &self.harmless_query()) {
            asked.push(self.ask("query_range_url", "PromQL parity", call, |_| "answers queries".to_owned()));
        }
        self.ask_all(asked).await
    }

    /// Reads the last minute of the first selector from a Prometheus.
    async fn check_samples(&self, last: Window) -> Found {
        let plan = &self.plan;
        let Some(selector) = plan.selectors.first() else { return Found::default() };
        let name = self.read_endpoint();
        let call = match plan.options.read_via {
            ReadVia::RemoteRead => {
                // Which form the source speaks is found out first, so that the table shows the one used.
                let streamed = prometheus::count_streamed(plan, selector, last, false);
                let timed = self.timed_stream(&streamed).await;
                let refused = timed.result.as_ref().is_err_and(|error| error.kind == ErrorKind::BadRequest);
                self.streamed.set(!refused);
                let call = prometheus::read(plan, selector, last);
                Ok((call, Some(timed).filter(|_| !refused)))
            }
            ReadVia::InstantQuery => prometheus::read_by_query(plan, selector, last).map(|call| (call, None)),
        };
        let (call, counted) = match call {
            Ok(call) => call,
            Err(error) => {
                return EndpointCheck {
                    side: Side::Source,
                    name: name.to_owned(),
                    purpose: "read samples".to_owned(),
                    url: String::new(),
                    level: Level::Fail,
                    status: None,
                    latency_ms: None,
                    message: error.message.clone(),
                    error: Some(error),
                }
                .into();
            }
        };
        let form = if counted.is_some() { ", in streamed chunks" } else { "" };
        let timed = match counted {
            Some(timed) => timed.map(|census| census.series()),
            // More than one answer may hold is no fault: it is read in parts.
            None => self.timed(&call).await.map(|data| data.series_count() as u64).or_too_large(),
        };
        let (row, _) = row(name, "read samples", &call.request, timed, |series| match *series {
            u64::MAX => TOO_MANY.to_owned(),
            series => format!("{series} series in the last minute of the window{form}"),
        });
        row.into()
    }

    /// Name of the endpoint that samples are read from, as the table has it.
    pub(super) fn read_endpoint(&self) -> &'static str {
        match (self.plan.source.kind, self.plan.options.read_via) {
            (SourceKind::VictoriaMetrics, _) => "export_url",
            (_, ReadVia::RemoteRead) => "remote_read_url",
            (_, ReadVia::InstantQuery) => "instant_query",
        }
    }

    pub(super) async fn check_target(&self) -> Found {
        let plan = &self.plan;
        let mut asked = vec![self.ask("write_url", "write samples", tsink::write_probe(plan), |_| {
            "takes writes (an empty one was sent)".to_owned()
        })];
        if let Some(selector) = plan.selectors.first() {
            let last = Window { start_ms: self.window.end_ms, end_ms: self.window.end_ms };
            let call = tsink::read(plan, selector, last);
            asked.push(self.ask("read_url", "read back to verify", call, |_| "answers reads".to_owned()));
        }
        if let Some(call) = tsink::status(plan) {
            asked.push(apart(async move {
                let (row, status) = self
                    .endpoint("status_url", "capabilities", &call, |_| "tells its capabilities".to_owned())
                    .await;
                let (version, capabilities) =
                    status.map(|status| (status.version, Some(status.capabilities))).unwrap_or_default();
                Found { version, capabilities, ..row.into() }
            }));
        }
        if let Some(metric) = plan.metadata_metrics.first()
            && let Some(call) = tsink::metadata(plan, metric)
        {
            asked.push(self.ask("metadata_url", "verify metadata", call, |all| entries(metric, all.len())));
        }
        if let Some(check) = plan.exemplar_checks.first()
            && let Some(call) = tsink::exemplars(plan, check, self.window)
        {
            asked.push(
                self.ask("exemplar_url", "verify exemplars", call, |_| "answers exemplar queries".to_owned()),
            );
        }
        if let Some(call) = tsink::query_range(plan, &self.harmless_query()) {
            asked.push(self.ask("query_range_url", "PromQL parity", call, |_| "answers queries".to_owned()));
        }
        self.ask_all(asked).await
    }

    /// Asks for one point of a constant, to see that queries are answered.
    fn harmless_query(&self) -> RangeQuery<'static> {
        let end_ms = self.window.end_ms;
        RangeQuery { query: "vector(1)", start_ms: end_ms, end_ms, step_ms: 60_000 }
    }

    /// An endpoint of which nothing but its row is of interest.
    fn ask<'a, T: 'a>(
        &'a self,
        name: &'static str,
        purpose: &'static str,
        call: Call<T>,
        describe: impl FnOnce(&T) -> String + 'a,
    ) -> Asked<'a> {
        apart(async move { self.endpoint(name, purpose, &call, describe).await.0.into() })
    }

    /// Sends one call and makes a row of the table from what comes back.
    pub(super) async fn endpoint<T>(
        &self,
        name: &str,
        purpose: &str,
        call: &Call<T>,
        describe: impl FnOnce(&T) -> String,
    ) -> (EndpointCheck, Option<T>) {
        let timed = self.timed(call).await;
        row(name, purpose, &call.request, timed, describe)
    }

    /// Asks them all. Each row is shown when it and those before it are there, so the table keeps its order.
    async fn ask_all(&self, asked: Vec<Asked<'_>>) -> Found {
        let mut all = Found::default();
        let mut answers = stream::iter(asked).buffered(ASKED_AT_ONCE);
        while let Some(found) = answers.next().await {
            if !self.control.is_cancelled() {
                for row in &found.endpoints {
                    self.emit(Event::Endpoint { check: row.clone() });
                    self.advance(|meter| meter.add(1));
                }
            }
            all.add(found);
        }
        all
    }
}

/// Makes a row of the table from what came back.
pub(super) fn row<T>(
    name: &str,
    purpose: &str,
    request: &Request,
    timed: Timed<T>,
    describe: impl FnOnce(&T) -> String,
) -> (EndpointCheck, Option<T>) {
    let (level, message, error, value) = match timed.result {
        Ok(value) => (Level::Ok, describe(&value), None, Some(value)),
        Err(error) => (Level::Fail, error.message.clone(), Some(error), None),
    };
    let check = EndpointCheck {
        side: request.side,
        name: name.to_owned(),
        purpose: purpose.to_owned(),
        url: crate::error::redact_url(&request.url),
        level,
        status: timed.status,
        latency_ms: Some(timed.latency_ms),
        message,
        error,
    };
    (check, value)
}

/// Where nothing depends on an endpoint, its failure is no more than a piece of information.
pub(super) fn needless(row: &mut EndpointCheck, message: &str) {
    if row.level == Level::Fail {
        row.level = Level::Info;
        row.message = message.to_owned();
    }
}

fn entries(metric: &str, count: usize) -> String {
    match count {
        0 => format!("no entry for {metric}"),
        1 => format!("1 entry for {metric}"),
        count => format!("{count} entries for {metric}"),
    }
}
