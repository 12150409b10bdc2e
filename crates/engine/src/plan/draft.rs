//! A plan as a form edits it.
//!
//! A [`Draft`] holds what a form has fields for; whatever else the text holds — unknown fields, comments, values of
//! a wrong type — is kept and written back, so that editing by form never loses what was written by hand. It says
//! nothing about validity: [`check`](super::check) the text it writes.

mod tree;

use super::SourceKind;
use super::finding::Findings;
use super::json;
use jsonc_parser::ast::Value as Ast;
use serde_json::{Number, Value};
use std::collections::HashSet;
use std::fmt;
use tree::{Node, Rest};

/// A plan being edited. Empty texts and lists and `None` stand for fields that are not set.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Draft {
    /// `source`.
    pub source: DraftSource,
    /// `target`.
    pub target: DraftTarget,
    /// `selectors`.
    pub selectors: Vec<String>,
    /// `metadata_metrics`.
    pub metadata_metrics: Vec<String>,
    /// `exemplar_checks`.
    pub exemplar_checks: Vec<DraftExemplarCheck>,
    /// `promql_checks`.
    pub promql_checks: Vec<DraftPromqlCheck>,
    /// `batch`.
    pub batch: DraftBatch,
    /// `compare`.
    pub compare: DraftCompare,
    /// `options`.
    pub options: DraftOptions,
    rest: Rest,
}

/// `source` of a [`Draft`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DraftSource {
    /// `kind`.
    pub kind: String,
    /// `headers`.
    pub headers: Vec<DraftHeader>,
    /// `remote_read_url`.
    pub remote_read_url: String,
    /// `export_url`.
    pub export_url: String,
    /// `query_range_url`.
    pub query_range_url: String,
    /// `metadata_url`.
    pub metadata_url: String,
    /// `exemplar_url`.
    pub exemplar_url: String,
    /// `capture_manifest_path`.
    pub capture_manifest_path: String,
    rest: Rest,
}

/// `target` of a [`Draft`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DraftTarget {
    /// `write_url`.
    pub write_url: String,
    /// `read_url`.
    pub read_url: String,
    /// `query_range_url`.
    pub query_range_url: String,
    /// `metadata_url`.
    pub metadata_url: String,
    /// `exemplar_url`.
    pub exemplar_url: String,
    /// `status_url`.
    pub status_url: String,
    /// `tenant`.
    pub tenant: String,
    /// `headers`.
    pub headers: Vec<DraftHeader>,
    rest: Rest,
}

/// A header of a [`Draft`]. Its `Debug` does not show the value.
#[derive(Clone, Default, PartialEq)]
pub struct DraftHeader {
    /// Name.
    pub name: String,
    /// Value as written, with `${NAME}` for secrets.
    pub value: String,
}

impl fmt::Debug for DraftHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: [redacted]", self.name)
    }
}

/// An entry of `exemplar_checks` of a [`Draft`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DraftExemplarCheck {
    /// `query`.
    pub query: String,
    /// `limit`.
    pub limit: Option<u64>,
    rest: Rest,
}

/// An entry of `promql_checks` of a [`Draft`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DraftPromqlCheck {
    /// `query`.
    pub query: String,
    /// `step`.
    pub step: String,
    rest: Rest,
}

/// `batch` of a [`Draft`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DraftBatch {
    /// `max_series_per_write`.
    pub max_series_per_write: Option<u64>,
    /// `max_points_per_write`.
    pub max_points_per_write: Option<u64>,
    /// `http_timeout_secs`.
    pub http_timeout_secs: Option<u64>,
    rest: Rest,
}

/// `compare` of a [`Draft`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DraftCompare {
    /// `max_absolute_value_delta`.
    pub max_absolute_value_delta: Option<f64>,
    /// `max_relative_value_delta`.
    pub max_relative_value_delta: Option<f64>,
    rest: Rest,
}

/// `options` of a [`Draft`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DraftOptions {
    /// `dry_run`.
    pub dry_run: Option<bool>,
    /// `read_via`.
    pub read_via: String,
    /// `max_concurrent_writes`.
    pub max_concurrent_writes: Option<u64>,
    /// `max_rows_per_second`.
    pub max_rows_per_second: Option<u64>,
    /// `max_in_flight_rows`.
    pub max_in_flight_rows: Option<u64>,
    /// `slab_samples`.
    pub slab_samples: Option<u64>,
    /// `memory_mib`.
    pub memory_mib: Option<u64>,
    /// `max_attempts`.
    pub max_attempts: Option<u64>,
    /// `backoff_base_ms`.
    pub backoff_base_ms: Option<u64>,
    /// `backoff_cap_ms`.
    pub backoff_cap_ms: Option<u64>,
    /// `max_findings`.
    pub max_findings: Option<u64>,
    /// `strict`.
    pub strict: Option<bool>,
    /// `live_probe`.
    pub live_probe: String,
    rest: Rest,
}

impl Draft {
    /// Reads a plan's text. `None` when it is not a JSON object, or when a field stands in it twice: a form could
    /// not keep both.
    pub fn from_text(text: &str) -> Option<Self> {
        let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
        let mut found = Findings::new(text);
        let ast = json::read(text, &mut found).filter(|_| !found.failed())?;
        if repeats_a_field(&ast) {
            return None;
        }
        let Value::Object(map) = serde_json::from_str(text).ok()? else { return None };
        Some(Self::read(Rest(map)))
    }

    /// A draft with the standard endpoints of a Prometheus and a tsink server, given their base URLs such as
    /// `http://prometheus:9090` or `/prometheus`. It has no selector yet.
    pub fn for_servers(source_base: &str, target_base: &str) -> Self {
        let at = |base: &str, path: &str| format!("{}/api/v1/{path}", base.trim().trim_end_matches('/'));
        let source = |path: &str| at(source_base, path);
        let target = |path: &str| at(target_base, path);
        Self {
            source: DraftSource {
                kind: "prometheus".to_owned(),
                remote_read_url: source("read"),
                query_range_url: source("query_range"),
                metadata_url: source("metadata"),
                exemplar_url: source("query_exemplars"),
                ..DraftSource::default()
            },
            target: DraftTarget {
                write_url: target("write"),
                read_url: target("read"),
                query_range_url: target("query_range"),
                metadata_url: target("metadata"),
                exemplar_url: target("query_exemplars"),
                status_url: target("status/tsdb"),
                ..DraftTarget::default()
            },
            ..Self::default()
        }
    }

    /// A draft with the standard endpoints of a VictoriaMetrics and a tsink server, given their base URLs such as
    /// `http://victoria:8428`, `http://victoria:8428/prometheus` or, in a cluster,
    /// `http://vmselect:8481/select/0/prometheus`. It has no selector yet.
    pub fn for_victoriametrics(source_base: &str, target_base: &str) -> Self {
        let at = |path: &str| format!("{}/api/v1/{path}", source_base.trim().trim_end_matches('/'));
        let source = DraftSource {
            kind: SourceKind::VictoriaMetrics.as_str().to_owned(),
            export_url: at("export"),
            query_range_url: at("query_range"),
            metadata_url: at("metadata"),
            ..DraftSource::default()
        };
        Self { source, ..Self::for_servers("", target_base) }
    }

    /// A draft that migrates a recording into a tsink server with its standard endpoints. It has no selector yet.
    pub fn for_recording(kind: SourceKind, manifest: &str, target_base: &str) -> Self {
        let source = DraftSource {
            kind: kind.as_str().to_owned(),
            capture_manifest_path: manifest.to_owned(),
            ..DraftSource::default()
        };
        Self { source, ..Self::for_servers("", target_base) }
    }

    /// Writes the plan as indented JSON in the specification's order of fields, without those that are not set.
    pub fn to_text(&self) -> String {
        let mut text = serde_json::to_string_pretty(&self.write()).unwrap_or_default();
        text.push('\n');
        text
    }

    fn read(mut rest: Rest) -> Self {
        let source = rest.take_object("source").map(|mut rest| DraftSource {
            kind: rest.take_text("kind"),
            headers: rest.take_headers(),
            remote_read_url: rest.take_text("remote_read_url"),
            export_url: rest.take_text("export_url"),
            query_range_url: rest.take_text("query_range_url"),
            metadata_url: rest.take_text("metadata_url"),
            exemplar_url: rest.take_text("exemplar_url"),
            capture_manifest_path: rest.take_text("capture_manifest_path"),
            rest,
        });
        let target = rest.take_object("target").map(|mut rest| DraftTarget {
            write_url: rest.take_text("write_url"),
            read_url: rest.take_text("read_url"),
            query_range_url: rest.take_text("query_range_url"),
            metadata_url: rest.take_text("metadata_url"),
            exemplar_url: rest.take_text("exemplar_url"),
            status_url: rest.take_text("status_url"),
            tenant: rest.take_text("tenant"),
            headers: rest.take_headers(),
            rest,
        });
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let exemplar_check = |value: &Value| {
            let mut rest = Rest(value.as_object()?.clone());
            Some(DraftExemplarCheck { query: rest.take_text("query"), limit: rest.take_u64("limit"), rest })
        };
        let promql_check = |value: &Value| {
            let mut rest = Rest(value.as_object()?.clone());
            Some(DraftPromqlCheck { query: rest.take_text("query"), step: rest.take_text("step"), rest })
        };
        let batch = rest.take_object("batch").map(|mut rest| DraftBatch {
            max_series_per_write: rest.take_u64("max_series_per_write"),
            max_points_per_write: rest.take_u64("max_points_per_write"),
            http_timeout_secs: rest.take_u64("http_timeout_secs"),
            rest,
        });
        let compare = rest.take_object("compare").map(|mut rest| DraftCompare {
            max_absolute_value_delta: rest.take_f64("max_absolute_value_delta"),
            max_relative_value_delta: rest.take_f64("max_relative_value_delta"),
            rest,
        });
        let options = rest.take_object("options").map(|mut rest| DraftOptions {
            dry_run: rest.take_bool("dry_run"),
            read_via: rest.take_text("read_via"),
            max_concurrent_writes: rest.take_u64("max_concurrent_writes"),
            max_rows_per_second: rest.take_u64("max_rows_per_second"),
            max_in_flight_rows: rest.take_u64("max_in_flight_rows"),
            slab_samples: rest.take_u64("slab_samples"),
            memory_mib: rest.take_u64("memory_mib"),
            max_attempts: rest.take_u64("max_attempts"),
            backoff_base_ms: rest.take_u64("backoff_base_ms"),
            backoff_cap_ms: rest.take_u64("backoff_cap_ms"),
            max_findings: rest.take_u64("max_findings"),
            strict: rest.take_bool("strict"),
            live_probe: rest.take_text("live_probe"),
            rest,
        });
        Self {
            source: source.unwrap_or_default(),
            target: target.unwrap_or_default(),
            selectors: rest.take_list("selectors", text),
            metadata_metrics: rest.take_list("metadata_metrics", text),
            exemplar_checks: rest.take_list("exemplar_checks", exemplar_check),
            promql_checks: rest.take_list("promql_checks", promql_check),
            batch: batch.unwrap_or_default(),
            compare: compare.unwrap_or_default(),
            options: options.unwrap_or_default(),
            rest,
        }
    }

    fn write(&self) -> Node {
        let exemplar_checks = self
            .exemplar_checks
            .iter()
            .map(|check| check.rest.with(vec![("query", text(&check.query)), ("limit", whole(check.limit))]));
        let promql_checks = self
            .promql_checks
            .iter()
            .map(|check| check.rest.with(vec![("query", text(&check.query)), ("step", text(&check.step))]));
        self.rest.with(vec![
            ("source", self.source.write()),
            ("target", self.target.write()),
            ("selectors", texts(&self.selectors)),
            ("metadata_metrics", texts(&self.metadata_metrics)),
            ("exemplar_checks", Node::List(exemplar_checks.collect())),
            ("promql_checks", Node::List(promql_checks.collect())),
            ("batch", self.batch.write()),
            ("compare", self.compare.write()),
            ("options", self.options.write()),
        ])
    }
}

impl DraftSource {
    fn write(&self) -> Node {
        self.rest.with(vec![
            ("kind", text(&self.kind)),
            ("headers", headers(&self.headers)),
            ("remote_read_url", text(&self.remote_read_url)),
            ("export_url", text(&self.export_url)),
            ("query_range_url", text(&self.query_range_url)),
            ("metadata_url", text(&self.metadata_url)),
            ("exemplar_url", text(&self.exemplar_url)),
            ("capture_manifest_path", text(&self.capture_manifest_path)),
        ])
    }
}

impl DraftTarget {
    fn write(&self) -> Node {
        self.rest.with(vec![
            ("write_url", text(&self.write_url)),
            ("read_url", text(&self.read_url)),
            ("query_range_url", text(&self.query_range_url)),
            ("metadata_url", text(&self.metadata_url)),
            ("exemplar_url", text(&self.exemplar_url)),
            ("status_url", text(&self.status_url)),
            ("tenant", text(&self.tenant)),
            ("headers", headers(&self.headers)),
        ])
    }
}

impl DraftBatch {
    fn write(&self) -> Node {
        self.rest.with(vec![
            ("max_series_per_write", whole(self.max_series_per_write)),
            ("max_points_per_write", whole(self.max_points_per_write)),
            ("http_timeout_secs", whole(self.http_timeout_secs)),
        ])
    }
}

impl DraftCompare {
    fn write(&self) -> Node {
        self.rest.with(vec![
            ("max_absolute_value_delta", real(self.max_absolute_value_delta)),
            ("max_relative_value_delta", real(self.max_relative_value_delta)),
        ])
    }
}

impl DraftOptions {
    fn write(&self) -> Node {
        self.rest.with(vec![
            ("dry_run", Node::Leaf(self.dry_run.map_or(Value::Null, Value::Bool))),
            ("read_via", text(&self.read_via)),
            ("max_concurrent_writes", whole(self.max_concurrent_writes)),
            ("max_rows_per_second", whole(self.max_rows_per_second)),
            ("max_in_flight_rows", whole(self.max_in_flight_rows)),
            ("slab_samples", whole(self.slab_samples)),
            ("memory_mib", whole(self.memory_mib)),
            ("max_attempts", whole(self.max_attempts)),
            ("backoff_base_ms", whole(self.backoff_base_ms)),
            ("backoff_cap_ms", whole(self.backoff_cap_ms)),
            ("max_findings", whole(self.max_findings)),
            ("strict", Node::Leaf(self.strict.map_or(Value::Null, Value::Bool))),
            ("live_probe", text(&self.live_probe)),
        ])
    }
}

fn text(value: &str) -> Node {
    Node::Leaf(Value::String(value.to_owned()))
}

fn texts(values: &[String]) -> Node {
    Node::List(values.iter().map(|value| text(value)).collect())
}

fn whole(value: Option<u64>) -> Node {
    Node::Leaf(value.map_or(Value::Null, Value::from))
}

/// A whole number is written as one, as it most likely was.
fn real(value: Option<f64>) -> Node {
    let number = value.and_then(|value| {
        let rounded = value.trunc() as i64;
        if rounded as f64 == value { Some(rounded.into()) } else { Number::from_f64(value) }
    });
    Node::Leaf(number.map_or(Value::Null, Value::Number))
}

fn headers(headers: &[DraftHeader]) -> Node {
    Node::Object(
        headers.iter().map(|header| (header.name.clone(), Node::Leaf(header.value.clone().into()))).collect(),
    )
}

fn repeats_a_field(value: &Ast<'_>) -> bool {
    match value {
        Ast::Object(object) => {
            let mut names = HashSet::new();
            object
                .properties
                .iter()
                .any(|property| !names.insert(property.name.as_str()) || repeats_a_field(&property.value))
        }
        Ast::Array(array) => array.elements.iter().any(repeats_a_field),
        _ => false,
    }
}

#[cfg(test)]
mod tests;
