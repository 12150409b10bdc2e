//! What the target says of each feature, and whether the plan needs it.

use crate::plan::SourceKind;
use crate::report::words::count_of;
use crate::report::{FeatureProbe, Level, VerifyReport};
use crate::run::context::Run;
use crate::target::tsink::TargetStatus;

impl Run {
    /// A row for every feature that a target may have; without its status one that says so.
    pub(super) fn probes(
        &self,
        status: Option<&crate::Result<TargetStatus>>,
        verified: &VerifyReport,
    ) -> Vec<FeatureProbe> {
        let status = match status {
            Some(Ok(status)) => status,
            Some(Err(error)) => {
                let said = error.server_message.clone().unwrap_or_default();
                return vec![FeatureProbe {
                    feature: "status".to_owned(),
                    needed_for: "tell what the target takes".to_owned(),
                    level: Level::Fail,
                    server_words: match (error.status, said.is_empty()) {
                        (Some(status), true) => format!("{status}"),
                        (Some(status), false) => format!("{status}: {said}"),
                        (None, _) => error.message.clone(),
                    },
                    remedy: error.remedy.clone(),
                }];
            }
            None => {
                return vec![FeatureProbe {
                    feature: "status".to_owned(),
                    needed_for: String::new(),
                    level: Level::Info,
                    server_words: String::new(),
                    remedy: "What the target takes was not asked: set target.status_url to its /api/v1/status/tsdb."
                        .to_owned(),
                }];
            }
        };
        let words = |feature: &str| {
            status.words.iter().find(|(name, _)| *name == feature).map_or("", |(_, words)| words.as_str())
        };
        let takes = &status.capabilities;
        let mut rows: Vec<FeatureProbe> = [
            (
                "metadata",
                takes.metadata_enabled,
                "the environment variable TSINK_REMOTE_WRITE_METADATA_ENABLED=true",
            ),
            (
                "exemplars",
                takes.exemplars_enabled,
                "the environment variable TSINK_REMOTE_WRITE_EXEMPLARS_ENABLED=true",
            ),
            (
                "histograms",
                takes.histograms_enabled,
                "the environment variable TSINK_REMOTE_WRITE_HISTOGRAMS_ENABLED=true",
            ),
            ("otlp", takes.otlp_enabled, "the environment variable TSINK_OTLP_METRICS_ENABLED=true"),
            (
                "influx_line_protocol",
                takes.influx_line_protocol_enabled,
                "the environment variable TSINK_INFLUX_LINE_PROTOCOL_ENABLED=true",
            ),
            (
                "statsd",
                takes.statsd_enabled,
                "--statsd-listen ADDRESS (and --statsd-tenant for a tenant other than default)",
            ),
            (
                "graphite",
                takes.graphite_enabled,
                "--graphite-listen ADDRESS (and --graphite-tenant for a tenant other than default)",
            ),
        ]
        .into_iter()
        .map(|(feature, enabled, switch)| {
            let needed_for = self.needed_for(feature, verified);
            let remedy = match enabled {
                true => String::new(),
                false => format!("Start tsink-server with {switch}."),
            };
            row(feature, words(feature), needed_for, enabled, remedy)
        })
        .collect();
        let at = rows.iter().position(|row| row.feature == "otlp").map_or(rows.len(), |at| at + 1);
        let shapes = self.shape_rows(takes.otlp_enabled, &takes.otlp_supported_shapes);
        rows.splice(at..at, shapes);
        rows
    }

    /// Why the plan needs a feature; empty where it does not.
    fn needed_for(&self, feature: &str, verified: &VerifyReport) -> String {
        let plan = &self.plan;
        let kind = |own: SourceKind, what: &str| match plan.source.kind == own {
            true => format!("the source's senders speak {what}"),
            false => String::new(),
        };
        match feature {
            "metadata" if !plan.metadata_metrics.is_empty() => {
                format!("metadata of {}", count_of(plan.metadata_metrics.len() as u64, "metric", "metrics"))
            }
            "exemplars" if self.source_has_exemplars() && !plan.exemplar_checks.is_empty() => {
                let count: u64 = verified.exemplar_checks.iter().map(|check| check.source_exemplars).sum();
                format!("the source's exemplars ({} in the window)", crate::report::words::grouped(count))
            }
            "histograms" => {
                match verified.raw_checks.iter().map(|check| check.source_histograms).sum::<u64>() {
                    0 => String::new(),
                    count => {
                        count_of(count, "native histogram in the window", "native histograms in the window")
                    }
                }
            }
            "otlp" => kind(SourceKind::Otlp, "OTLP"),
            "influx_line_protocol" => kind(SourceKind::InfluxLineProtocol, "InfluxDB line protocol"),
            "statsd" => kind(SourceKind::Statsd, "StatsD"),
            "graphite" => kind(SourceKind::GraphitePlaintext, "Graphite plaintext"),
            _ => String::new(),
        }
    }

    /// A row for each OTLP shape that the target names or the recording has.
    fn shape_rows(&self, otlp: bool, supported: &[String]) -> Vec<FeatureProbe> {
        let words = serde_json::json!({ "supportedShapes": supported }).to_string();
        let found = self.found.borrow();
        let recorded = found.as_ref().filter(|_| self.plan.source.kind == SourceKind::Otlp);
        let recorded = recorded.map(|found| found.recording.shapes.clone()).unwrap_or_default();
        let shapes = crate::order::set(supported.iter().chain(recorded.keys()));
        shapes
            .into_iter()
            .map(|shape| {
                let needed_for = recorded
                    .get(shape)
                    .map(|points| count_of(*points, "recorded data point", "recorded data points"))
                    .unwrap_or_default();
                let enabled = otlp && supported.contains(shape);
                let remedy = match (otlp, enabled) {
                    (true, false) => {
                        "This version of tsink does not take the shape live: have its senders send another, or by \
                         remote write."
                    }
                    (false, _) => "Start tsink-server with the environment variable TSINK_OTLP_METRICS_ENABLED=true.",
                    _ => "",
                };
                let mut row = row(&format!("otlp:{shape}"), &words, needed_for, enabled, remedy.to_owned());
                if row.level == Level::Ok && shape.starts_with("histogram") && recorded.contains_key(shape) {
                    // What the server says of itself is not what it does.
                    row.level = Level::Warn;
                    row.remedy = "tsink 0.10.2 names the shape, and yet refuses every histogram in the standard's \
                                  encoding (400, with its whole request). Try a live one before the cutover, or have \
                                  histograms sent by remote write."
                        .to_owned();
                }
                row
            })
            .collect()
    }
}

fn row(feature: &str, words: &str, needed_for: String, enabled: bool, remedy: String) -> FeatureProbe {
    let level = match (enabled, needed_for.is_empty()) {
        (true, _) => Level::Ok,
        (false, true) => Level::Info,
        (false, false) => Level::Fail,
    };
    let server_words = match words {
        "" => "(its status does not mention it)".to_owned(),
        words => words.to_owned(),
    };
    FeatureProbe { feature: feature.to_owned(), needed_for, level, server_words, remedy }
}
