//! The sections `source` (§4.1) and `target` (§4.2).

use super::address::url;
use super::fields::Fields;
use super::finding::{closest, shown};
use super::headers::{self, Header};
use super::walk::Walk;
use super::{Source, SourceKind, Target};
use crate::port::Secret;
use jsonc_parser::ast::Value;

/// Fields that only a source has that is asked.
const SERVER_FIELDS: [&str; 5] =
    ["remote_read_url", "query_range_url", "metadata_url", "exemplar_url", "export_url"];
const DEFAULT_TENANT: &str = "default";

/// A section as far as it could be read.
pub(super) struct Read<T> {
    /// The section, when nothing that it must have is missing.
    pub(super) section: Option<T>,
    /// Place of its opening brace.
    pub(super) brace: usize,
    /// Optional URL fields that are set, valid or not.
    pub(super) set: Vec<&'static str>,
}

impl<T> Read<T> {
    /// Whether an optional URL is set.
    pub(super) fn has(&self, name: &str) -> bool {
        self.set.contains(&name)
    }
}

/// Fields of `source`.
pub(super) const SOURCE: &[&str] = &[
    "kind",
    "headers",
    "remote_read_url",
    "export_url",
    "query_range_url",
    "metadata_url",
    "exemplar_url",
    "capture_manifest_path",
];

/// Reads `source`.
pub(super) fn source(value: &Value<'_>, walk: &mut Walk<'_, '_>) -> Option<Read<Source>> {
    let fields = Fields::read(value, "source", SOURCE, &mut walk.found)?;
    let kind = source_kind(&fields, walk);
    let section = match kind {
        Kind::Known(kind) if kind.is_recording() => recording(&fields, kind, walk),
        Kind::Known(SourceKind::VictoriaMetrics) => victoriametrics(&fields, walk),
        kind => server(&fields, kind, walk),
    };
    Some(Read { section, brace: fields.brace, set: set_urls(&fields) })
}

/// A VictoriaMetrics server.
fn victoriametrics(fields: &Fields<'_, '_>, walk: &mut Walk<'_, '_>) -> Option<Source> {
    const FIELD: &str = "export_url";
    let kind = SourceKind::VictoriaMetrics;
    unused(fields, &["remote_read_url", "capture_manifest_path"], kind.as_str(), walk);
    if let Some(value) = fields.get("exemplar_url") {
        walk.found.warning(
            super::json::start(value),
            &fields.path("exemplar_url"),
            "VictoriaMetrics keeps no exemplars, so this endpoint has none to offer",
            "Remove it.",
        );
    }
    let export_url = match fields.get(FIELD) {
        Some(value) => {
            let export = url(fields, FIELD, walk);
            if let Some(fault) = export.as_deref().and_then(not_an_export) {
                walk.found.error(super::json::start(value), &fields.path(FIELD), fault.0, fault.1);
            }
            export
        }
        None => {
            fields.missing(
                FIELD,
                "Add VictoriaMetrics' export endpoint, as in http://victoria:8428/api/v1/export.",
                &mut walk.found,
            );
            None
        }
    };
    let (query_range_url, metadata_url) =
        (url(fields, "query_range_url", walk), url(fields, "metadata_url", walk));
    let headers = plain(read_headers(fields, walk));
    Some(Source {
        kind,
        headers,
        remote_read_url: String::new(),
        export_url: Some(export_url?),
        capture_manifest_path: None,
        query_range_url,
        metadata_url,
        exemplar_url: None,
    })
}

/// Why a URL is not that of `/api/v1/export`, and what to do. Nothing of it is repeated: it may hold a token.
fn not_an_export(export: &str) -> Option<(&'static str, &'static str)> {
    let path = export.split(['?', '#']).next().unwrap_or_default().trim_end_matches('/');
    if path.ends_with("/api/v1/export") {
        None
    } else if path.ends_with("/export/native") || path.ends_with("/export/csv") {
        Some(("this endpoint exports another format than JSON lines", "End the path with /api/v1/export."))
    } else {
        Some((
            "the path does not end with /api/v1/export",
            "Write VictoriaMetrics' export endpoint, as in http://victoria:8428/api/v1/export; in a cluster, that of vmselect: http://vmselect:8481/select/0/prometheus/api/v1/export.",
        ))
    }
}

/// A Prometheus server, or a source whose kind is not clear.
fn server(fields: &Fields<'_, '_>, kind: Kind, walk: &mut Walk<'_, '_>) -> Option<Source> {
    let remote_read_url = match (kind, fields.get("remote_read_url")) {
        (_, Some(_)) => url(fields, "remote_read_url", walk),
        (Kind::Other, None) => None,
        (Kind::Known(_) | Kind::Unclear, None) => {
            fields.missing(
                "remote_read_url",
                "Add Prometheus' remote read endpoint, as in http://prometheus:9090/api/v1/read.",
                &mut walk.found,
            );
            None
        }
    };
    if !matches!(kind, Kind::Other) {
        unused(fields, &["export_url", "capture_manifest_path"], "prometheus", walk);
    }
    let (query_range_url, metadata_url, exemplar_url) = optional_urls(fields, walk);
    let headers = plain(read_headers(fields, walk));
    remote_read_url.map(|remote_read_url| Source {
        kind: SourceKind::Prometheus,
        headers,
        remote_read_url,
        export_url: None,
        capture_manifest_path: None,
        query_range_url,
        metadata_url,
        exemplar_url,
    })
}

/// A source that has been recorded.
fn recording(fields: &Fields<'_, '_>, kind: SourceKind, walk: &mut Walk<'_, '_>) -> Option<Source> {
    unused(fields, &SERVER_FIELDS, kind.as_str(), walk);
    unused(fields, &["headers"], kind.as_str(), walk);
    const FIELD: &str = "capture_manifest_path";
    if fields.get(FIELD).is_none() {
        fields.missing(
            FIELD,
            "Name the manifest's file, relative to this plan: \"capture.json\".",
            &mut walk.found,
        );
        return None;
    }
    let (path, at) = fields.string(FIELD, &mut walk.found)?;
    if path.trim().is_empty() {
        walk.found.error(at, &fields.path(FIELD), "the path is empty", "Name the manifest's file.");
        return None;
    }
    Some(Source {
        kind,
        headers: Vec::new(),
        remote_read_url: String::new(),
        export_url: None,
        capture_manifest_path: Some(path.to_owned()),
        query_range_url: None,
        metadata_url: None,
        exemplar_url: None,
    })
}

fn unused(fields: &Fields<'_, '_>, names: &[&str], kind: &str, walk: &mut Walk<'_, '_>) {
    for name in names {
        if let Some(value) = fields.get(name) {
            let message = format!("{name} is not used for {} {kind} source", article(kind));
            walk.found.warning(super::json::start(value), &fields.path(name), message, "Remove it.");
        }
    }
}

fn article(word: &str) -> &'static str {
    if word.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" }
}

#[derive(Clone, Copy)]
enum Kind {
    Known(SourceKind),
    /// None that we know.
    Other,
    /// Not given, or not a string.
    Unclear,
}

fn source_kind(fields: &Fields<'_, '_>, walk: &mut Walk<'_, '_>) -> Kind {
    if fields.get("kind").is_none() {
        fields.missing("kind", "Add \"kind\": \"prometheus\".", &mut walk.found);
        return Kind::Unclear;
    }
    let Some((kind, at)) = fields.string("kind", &mut walk.found) else { return Kind::Unclear };
    if let Some(known) = SourceKind::ALL.into_iter().find(|known| known.as_str() == kind) {
        return Kind::Known(known);
    }
    let path = fields.path("kind");
    let known: Vec<&str> = SourceKind::ALL.iter().map(|known| known.as_str()).collect();
    let remedy = match closest(kind, &known) {
        Some(guess) => format!("Did you mean {guess}?"),
        None => format!("Known kinds: {}.", known.join(", ")),
    };
    walk.found.error(at, &path, format!("unknown source kind {}", shown(kind)), remedy);
    Kind::Other
}

/// Fields of `target`.
pub(super) const TARGET: &[&str] = &[
    "write_url",
    "read_url",
    "query_range_url",
    "metadata_url",
    "exemplar_url",
    "status_url",
    "tenant",
    "headers",
];

/// Reads `target`.
pub(super) fn target(value: &Value<'_>, walk: &mut Walk<'_, '_>) -> Option<Read<Target>> {
    let fields = Fields::read(value, "target", TARGET, &mut walk.found)?;
    let mut required = |name: &str, remedy: &str| {
        if fields.get(name).is_none() {
            fields.missing(name, remedy, &mut walk.found);
            return None;
        }
        url(&fields, name, walk)
    };
    let write_url =
        required("write_url", "Add tsink's remote write endpoint, as in http://tsink:9201/api/v1/write.");
    let read_url =
        required("read_url", "Add tsink's remote read endpoint, as in http://tsink:9201/api/v1/read.");
    let (query_range_url, metadata_url, exemplar_url) = optional_urls(&fields, walk);
    let status_url = url(&fields, "status_url", walk);
    let tenant = match fields.get("tenant") {
        Some(_) => tenant(&fields, "tenant", walk),
        None => Some(walk.default(&fields.path("tenant"), DEFAULT_TENANT).to_owned()),
    };
    let headers = plain(without_tenant(read_headers(&fields, walk), tenant.as_deref(), walk));
    let set = set_urls(&fields);
    let section = write_url.zip(read_url).zip(tenant).map(|((write_url, read_url), tenant)| Target {
        write_url,
        read_url,
        query_range_url,
        metadata_url,
        exemplar_url,
        status_url,
        tenant,
        headers,
    });
    Some(Read { section, brace: fields.brace, set })
}

/// A tenant is not empty and does not start with `__` (http-api.md). It travels as a header value.
pub(super) fn tenant(fields: &Fields<'_, '_>, name: &str, walk: &mut Walk<'_, '_>) -> Option<String> {
    let path = fields.path(name);
    let (tenant, at) = fields.string(name, &mut walk.found)?;
    let fault = if tenant.trim().is_empty() {
        ("the tenant is empty", "Name it, or leave the field out for the tenant default.")
    } else if tenant.starts_with("__") {
        ("a tenant's name must not start with __", "tsink keeps such names for itself; choose another.")
    } else if tenant.trim() != tenant || !tenant.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        (
            "a tenant's name is ASCII without spaces around it, since it travels in a header",
            "Choose another name.",
        )
    } else {
        return Some(tenant.to_owned());
    };
    walk.found.error(at, &path, fault.0, fault.1);
    None
}

/// Takes the headers out that say the tenant: the migration sends `X-Tsink-Tenant` itself, and a second one with
/// another value would be refused, or worse, be obeyed.
fn without_tenant(headers: Vec<Header>, tenant: Option<&str>, walk: &mut Walk<'_, '_>) -> Vec<Header> {
    let says_tenant = |name: &str| {
        name.eq_ignore_ascii_case("X-Tsink-Tenant") || name.eq_ignore_ascii_case("X-Scope-OrgID")
    };
    let (ours, others): (Vec<Header>, Vec<Header>) =
        headers.into_iter().partition(|header| says_tenant(&header.name));
    for header in ours {
        if let (Some(value), Some(tenant)) = (&header.value, tenant)
            && value.reveal() != tenant
        {
            walk.found.error(
                header.at,
                &header.path,
                format!("this header names another tenant than target.tenant ({})", shown(tenant)),
                "Set target.tenant and remove the header; the tenant is sent with every request.",
            );
        }
    }
    others
}

fn read_headers(fields: &Fields<'_, '_>, walk: &mut Walk<'_, '_>) -> Vec<Header> {
    let path = fields.path("headers");
    match headers::object(fields.get("headers"), &path, walk) {
        Some(object) => headers::read(object, &path, walk),
        None => Vec::new(),
    }
}

/// A header whose secret is missing is left out: half a token is never sent.
fn plain(headers: Vec<Header>) -> Vec<(String, Secret)> {
    headers.into_iter().filter_map(|header| Some((header.name, header.value?))).collect()
}

const OPTIONAL: [&str; 3] = ["query_range_url", "metadata_url", "exemplar_url"];

type OptionalUrls = (Option<String>, Option<String>, Option<String>);

fn optional_urls(fields: &Fields<'_, '_>, walk: &mut Walk<'_, '_>) -> OptionalUrls {
    let [query_range, metadata, exemplar] = OPTIONAL.map(|name| url(fields, name, walk));
    (query_range, metadata, exemplar)
}

fn set_urls(fields: &Fields<'_, '_>) -> Vec<&'static str> {
    OPTIONAL.into_iter().filter(|name| fields.get(name).is_some()).collect()
}
