//! The live probe: recorded lines are sent to the target's own live endpoint, in a scratch tenant, and what reads
//! back is compared with our normalisation. It is the one proof that the target takes what the source sends.
//!
//! Only where the server keeps tenants apart. tsink 0.10.2 ignores the tenant at `/v1/metrics`, and its StatsD and
//! Graphite listeners write into the one tenant that they were started with: there the probe would land among
//! real data, so nothing is sent, and that is said.

use super::context::Run;
use crate::capture::{Influx, LineProtocol, QueryParams, Row, SeriesTable};
use crate::error::{ErrorKind, Result, Side, redact_url};
use crate::model::{Labels, Millis, Series, Window};
use crate::plan::{Plan, SourceKind};
use crate::report::{EndpointCheck, Level};
use crate::selector::Selector;
use crate::target::tsink;
use std::collections::BTreeMap;

/// Lines sent at most.
const LINES: usize = 100;
/// How far the clocks of server and sender may be apart, in ms, where the server says the time of a line.
const CLOCKS_APART_MS: i64 = 60_000;

/// Lines of one payload as they were recorded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Sample {
    pub entry: u64,
    pub params: QueryParams,
    pub lines: Vec<String>,
}

impl Sample {
    /// Takes a line of the first payload that has any.
    pub fn take(&mut self, entry: u64, params: &QueryParams, line: &str) {
        if self.lines.is_empty() {
            (self.entry, self.params) = (entry, params.clone());
        }
        if self.entry == entry && self.lines.len() < LINES && line.len() < 4096 {
            self.lines.push(line.to_owned());
        }
    }

    /// What the lines become: labels, time (none where the server says it), value.
    fn expected(&self) -> Vec<(Labels, Option<Millis>, f64)> {
        let normalise = |received_at: Millis| {
            let (mut table, mut rows) = (SeriesTable::default(), Vec::new());
            let mut influx = Influx::new();
            // They have been taken once, so nothing is refused here.
            let _ = influx.begin(&self.params);
            for line in &self.lines {
                let _ = influx.line(line, received_at, &mut table, &mut rows);
            }
            (table, rows)
        };
        // A line without a time of its own takes the one that it is given.
        let ((table, rows), (_, later)) = (normalise(0), normalise(1));
        let own = |(row, later): (&Row, &Row)| (row.at == later.at).then_some(row.at);
        rows.iter()
            .zip(&later)
            .filter_map(|pair| Some((table.labels(pair.0.series)?.clone(), own(pair), pair.0.value)))
            .collect()
    }
}

impl Run {
    /// Sends the probe; a row of the endpoint table. `None` when the plan asks for none.
    ///
    /// # Errors
    /// When the operator cancels.
    pub async fn live_probe(&self) -> Result<Option<EndpointCheck>> {
        let Some(tenant) = self.plan.options.live_probe.clone() else { return Ok(None) };
        let mut row = EndpointCheck {
            side: Side::Target,
            name: "live_probe".to_owned(),
            purpose: format!("take recorded payloads live (scratch tenant {tenant})"),
            url: redact_url(&self.plan.target.write_url),
            level: Level::Info,
            status: None,
            latency_ms: None,
            message: String::new(),
            error: None,
        };
        let refused = match self.plan.source.kind {
            SourceKind::InfluxLineProtocol => None,
            SourceKind::Otlp => Some(
                "tsink 0.10.2 ignores the tenant at /v1/metrics: the probe would land in the tenant default",
            ),
            SourceKind::Statsd => Some(
                "the StatsD listener takes UDP and writes into the tenant that the server was started with (--statsd-tenant)",
            ),
            SourceKind::GraphitePlaintext => Some(
                "the Graphite listener takes TCP and writes into the tenant that the server was started with (--graphite-tenant)",
            ),
            SourceKind::Prometheus | SourceKind::VictoriaMetrics => {
                Some("it is for recordings: remote write is what the migration itself uses")
            }
        };
        if let Some(why) = refused {
            row.message = format!("nothing was sent: {why}");
            return Ok(Some(row));
        }
        let Some(sample) = self.probe_lines().await? else {
            row.message = "nothing was sent: the recording has no line that could be".to_owned();
            return Ok(Some(row));
        };
        let plan = scratch(&self.plan, tenant);
        let Some(call) = tsink::write_lines(&plan, &sample.params, sample.lines.join("\n")) else {
            row.message = "nothing was sent: target.write_url does not end with /api/v1/write, so where /write is cannot be told".to_owned();
            return Ok(Some(row));
        };
        row.url = redact_url(&call.request.url);
        let sent_ms = self.ports.clock.now_ms();
        let timed = self.timed(&call).await;
        (row.status, row.latency_ms) = (timed.status, Some(timed.latency_ms));
        if let Err(error) = timed.result {
            if error.kind == ErrorKind::Cancelled {
                return Err(error);
            }
            row.level = Level::Warn;
            row.message = match error.kind {
                ErrorKind::Retention => "the recorded lines are older than the target keeps, so whether it takes them live was not shown".to_owned(),
                _ => format!("the target does not take live what was recorded: {}", error.message),
            };
            row.error = Some(error);
            return Ok(Some(row));
        }
        let expected = sample.expected();
        match self.read_back(&plan, &expected, sent_ms).await {
            Ok(0) => {
                row.level = Level::Ok;
                row.message = format!(
                    "{} recorded lines of entry {} were sent, and their {} samples read back as they are migrated",
                    sample.lines.len(),
                    sample.entry,
                    expected.len()
                );
            }
            Ok(missing) => {
                row.level = Level::Warn;
                row.message = format!(
                    "{} recorded lines of entry {} were sent, and {missing} of their {} samples do not read back as they are migrated",
                    sample.lines.len(),
                    sample.entry,
                    expected.len()
                );
            }
            Err(error) if error.kind == ErrorKind::Cancelled => return Err(error),
            Err(error) => {
                row.level = Level::Warn;
                row.message = format!("the probe was taken, but cannot be read back: {}", error.message);
                row.error = Some(error);
            }
        }
        Ok(Some(row))
    }

    /// Lines of the first payload that has any.
    async fn probe_lines(&self) -> Result<Option<Sample>> {
        let found = self.recording().await?;
        Ok(Some(found.sample.clone()).filter(|sample| !sample.lines.is_empty()))
    }

    /// How many samples of the probe are not there.
    async fn read_back(
        &self,
        plan: &Plan,
        expected: &[(Labels, Option<Millis>, f64)],
        sent_ms: Millis,
    ) -> Result<usize> {
        let live = Window { start_ms: sent_ms - CLOCKS_APART_MS, end_ms: sent_ms + CLOCKS_APART_MS };
        let mut windows: BTreeMap<&str, Window> = BTreeMap::new();
        for (labels, at, _) in expected {
            let own = at.map_or(live, |at| Window { start_ms: at, end_ms: at });
            let window = windows.entry(labels.name().unwrap_or_default()).or_insert(own);
            window.start_ms = window.start_ms.min(own.start_ms);
            window.end_ms = window.end_ms.max(own.end_ms);
        }
        let mut there: BTreeMap<Labels, Series> = BTreeMap::new();
        for (name, window) in windows {
            let Ok(selector) = Selector::parse(&format!("{{__name__=\"{name}\"}}")) else { continue };
            for series in self.call(&tsink::read(plan, &selector, window)).await?.decode() {
                there.insert(series.labels.clone(), series);
            }
        }
        let is_there = |(labels, at, value): &&(Labels, Option<Millis>, f64)| {
            there.get(labels).is_some_and(|series| {
                series.samples.iter().any(|sample| {
                    let at_its_time = at.map_or(live.contains(sample.timestamp), |at| sample.timestamp == at);
                    // Remote read shows a zero without its sign.
                    at_its_time && (sample.value == *value || sample.value.to_bits() == value.to_bits())
                })
            })
        };
        Ok(expected.iter().filter(|one| !is_there(one)).count())
    }
}

/// The plan with another tenant.
fn scratch(plan: &Plan, tenant: String) -> Plan {
    let mut plan = plan.clone();
    plan.target.tenant = tenant;
    plan
}
