//! What a recipe is made from, checked so that no value can break out of a configuration's syntax.

use crate::error::{Error, ErrorKind, redact_url};
use crate::gateway::REQUEST_HEADERS;
use crate::plan::{Plan, SourceKind};
use crate::port::Secret;
use crate::source::victoriametrics::metrics_url;
use url::{Host, Url};

const GET: &[&str] = &["GET"];
const POST: &[&str] = &["POST"];
const GET_POST: &[&str] = &["GET", "POST"];

/// Everything a recipe needs. Made by [`GatewayInput::from_plan`] only, so its texts are known to be safe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GatewayInput {
    pub(super) endpoints: Vec<Endpoint>,
    pub(super) page_origin: Option<String>,
    pub(super) request_headers: Vec<String>,
    pub(super) address: String,
    pub(super) port: u16,
    pub(super) site_folder: String,
}

/// One path of the gateway and where it leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// The plan's field, `source.remote_read_url`; `None` for paths that the engine derives.
    pub field: Option<&'static str>,
    /// Path at the gateway, `/prometheus/api/v1/read`.
    pub path: String,
    /// Methods that the engine uses.
    pub methods: &'static [&'static str],
    /// Where it leads.
    pub upstream: Upstream,
}

/// A path of a server behind the gateway. No user info, no query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upstream {
    /// Whether it is `https`.
    pub tls: bool,
    /// Host and port, `prometheus.example:9090`, `[::1]:9090`.
    pub authority: String,
    /// Path, beginning with a slash.
    pub path: String,
    /// Whether the plan does not say where the server is.
    pub is_assumed: bool,
}

impl Upstream {
    /// `http://prometheus.example:9090`.
    pub fn origin(&self) -> String {
        format!("{}://{}", if self.tls { "https" } else { "http" }, self.authority)
    }
}

impl GatewayInput {
    /// The endpoints of a plan, for a page at `page_url`; empty or not `http(s)` when the page has no origin
    /// of its own (a file, the command). The gateway listens on `127.0.0.1:8080` and serves the page's files
    /// from `/srv/tsink-migrate`.
    ///
    /// # Errors
    /// [`ErrorKind::Input`] when a URL or header name of the plan has characters that could mean something
    /// to Caddy or nginx; the message names the field.
    pub fn from_plan(plan: &Plan, page_url: &str) -> crate::Result<Self> {
        let page = Url::parse(page_url).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
        let page_origin = page.as_ref().map(origin_of).transpose()?;
        let (source, target) = (&plan.source, &plan.target);
        // A recording is no server.
        let read = Some(&source.remote_read_url).filter(|_| source.kind == SourceKind::Prometheus);
        let export = source.export_url.as_ref();
        let of = |prometheus: &'static str, victoria: &'static str| {
            if export.is_some() { victoria } else { prometheus }
        };
        let probe = Some(&target.write_url).filter(|_| plan.options.live_probe.is_some());
        let wanted = [
            (Some("source.remote_read_url"), read, "/prometheus/api/v1/read", POST),
            (Some("source.export_url"), export, "/victoria/api/v1/export", GET_POST),
            (
                Some("source.query_range_url"),
                source.query_range_url.as_ref(),
                of("/prometheus/api/v1/query_range", "/victoria/api/v1/query_range"),
                GET_POST,
            ),
            (
                Some("source.metadata_url"),
                source.metadata_url.as_ref(),
                of("/prometheus/api/v1/metadata", "/victoria/api/v1/metadata"),
                GET,
            ),
            (
                Some("source.exemplar_url"),
                source.exemplar_url.as_ref(),
                "/prometheus/api/v1/query_exemplars",
                GET_POST,
            ),
            (None, read, "/prometheus/api/v1/query", GET_POST),
            (None, read, "/prometheus/api/v1/status/buildinfo", GET),
            (None, export, "/victoria/metrics", GET),
            (Some("target.write_url"), Some(&target.write_url), "/tsink/api/v1/write", POST),
            (None, probe, "/tsink/write", POST),
            (Some("target.read_url"), Some(&target.read_url), "/tsink/api/v1/read", POST),
            (
                Some("target.query_range_url"),
                target.query_range_url.as_ref(),
                "/tsink/api/v1/query_range",
                GET_POST,
            ),
            (Some("target.metadata_url"), target.metadata_url.as_ref(), "/tsink/api/v1/metadata", GET),
            (
                Some("target.exemplar_url"),
                target.exemplar_url.as_ref(),
                "/tsink/api/v1/query_exemplars",
                GET_POST,
            ),
            (Some("target.status_url"), target.status_url.as_ref(), "/tsink/api/v1/status/tsdb", GET),
        ];
        let mut endpoints = Vec::new();
        for (field, url, path, methods) in wanted {
            let Some(url) = url else { continue };
            let side = if path.starts_with("/tsink") { "target" } else { "source" };
            let beside = match side {
                "source" => of("source.remote_read_url", "source.export_url"),
                _ => "target.write_url",
            };
            let mut upstream = upstream(url, field.unwrap_or(beside))?;
            if page
                .as_ref()
                .is_some_and(|page| Url::parse(url).is_ok_and(|url| url.origin() == page.origin()))
            {
                let port = match side {
                    "source" if export.is_some() => 8428,
                    "source" => 9090,
                    _ => 9201,
                };
                upstream = Upstream {
                    tls: false,
                    authority: format!("127.0.0.1:{port}"),
                    path: api_part(path).to_owned(),
                    is_assumed: true,
                };
            }
            if path == "/victoria/metrics" {
                // Metrics lie at the server's root, not beside the API.
                if !upstream.is_assumed {
                    let Some(metrics) = metrics_url(&upstream.path) else { continue };
                    upstream.path = metrics;
                }
            } else if field.is_none() {
                // Derived paths stand beside remote read; where that has another name there are none.
                let known = if side == "source" { "/api/v1/read" } else { "/api/v1/write" };
                let Some(base) = upstream.path.strip_suffix(known) else { continue };
                upstream.path = format!("{base}{}", api_part(path));
            }
            endpoints.push(Endpoint { field, path: path.to_owned(), methods, upstream });
        }
        Ok(Self {
            endpoints,
            page_origin,
            request_headers: request_headers(plan)?,
            address: "127.0.0.1".to_owned(),
            port: 8080,
            site_folder: "/srv/tsink-migrate".to_owned(),
        })
    }

    /// Listens on another port.
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Listens on all addresses of the machine, not only on the loopback one.
    #[must_use]
    pub fn on_all_addresses(mut self) -> Self {
        self.address = "0.0.0.0".to_owned();
        self
    }

    /// Serves the page's files from another folder.
    ///
    /// # Errors
    /// [`ErrorKind::Input`] when the path is not absolute or has other characters than letters, digits,
    /// spaces and `/._-`.
    pub fn site_folder(mut self, folder: &str) -> crate::Result<Self> {
        let safe = |c: char| c.is_ascii_alphanumeric() || " /._-".contains(c);
        if !folder.starts_with('/') || !folder.chars().all(safe) {
            return Err(Error::new(
                ErrorKind::Input,
                "the folder of the page's files cannot go into a recipe",
            )
            .remedy("Use an absolute path of letters, digits, spaces, dots, dashes and underscores."));
        }
        self.site_folder = folder.to_owned();
        Ok(self)
    }

    /// Where the source's paths begin at the gateway.
    pub(super) fn source_prefix(&self) -> &'static str {
        if self.is_victoria() { "/victoria" } else { "/prometheus" }
    }

    /// Whether the source is VictoriaMetrics.
    pub(super) fn is_victoria(&self) -> bool {
        self.endpoints.iter().any(|endpoint| endpoint.field == Some("source.export_url"))
    }

    /// The endpoints, source first.
    pub fn endpoints(&self) -> &[Endpoint] {
        &self.endpoints
    }

    /// The page's origin, if it has one.
    pub fn page_origin(&self) -> Option<&str> {
        self.page_origin.as_deref()
    }
}

/// `/prometheus/api/v1/read` → `/api/v1/read`.
fn api_part(path: &str) -> &str {
    ["/prometheus", "/victoria", "/tsink"].iter().find_map(|prefix| path.strip_prefix(prefix)).unwrap_or(path)
}

fn upstream(text: &str, field: &str) -> crate::Result<Upstream> {
    let refuse = |what: &str| {
        Error::new(ErrorKind::Input, format!("{field} cannot go into a gateway recipe: {what}"))
            .url(text)
            .remedy("Write the recipe by hand for this address, or give the server a plainer one.")
    };
    let url = Url::parse(text).map_err(|_| refuse("it is not a URL"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(refuse("it is not http or https"));
    }
    let authority = authority(&url).ok_or_else(|| refuse("its host has unusual characters"))?;
    let safe = |c: char| c.is_ascii_alphanumeric() || "/._~:@+=,-".contains(c);
    if !url.path().chars().all(safe) {
        return Err(refuse("its path has other characters than letters, digits and /._~:@+=,-"));
    }
    Ok(Upstream { tls: url.scheme() == "https", authority, path: url.path().to_owned(), is_assumed: false })
}

/// Host and port. The URL standard lets a host hold quotes, braces, semicolons and dollar signs; a
/// configuration must not.
fn authority(url: &Url) -> Option<String> {
    let host = match url.host()? {
        Host::Domain(name) => {
            let safe = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
            name.chars().all(safe).then(|| name.to_owned())?
        }
        Host::Ipv4(address) => address.to_string(),
        Host::Ipv6(address) => format!("[{address}]"),
    };
    Some(format!("{host}:{}", url.port_or_known_default()?))
}

/// The origin as a browser sends it: no default port.
fn origin_of(page: &Url) -> crate::Result<String> {
    authority(page).map(|_| page.origin().ascii_serialization()).ok_or_else(|| {
        Error::new(ErrorKind::Input, "the page's address cannot go into a gateway recipe")
            .url(&redact_url(page.as_str()))
            .remedy("Serve the page from a host name of letters, digits, dots and dashes.")
    })
}

/// The engine's headers and those that the plan adds, each once.
fn request_headers(plan: &Plan) -> crate::Result<Vec<String>> {
    let mut names: Vec<String> = REQUEST_HEADERS.iter().map(|name| (*name).to_owned()).collect();
    let of = |side: &'static str, headers: &[(String, Secret)]| -> Vec<(&'static str, String)> {
        headers.iter().map(|(name, _)| (side, name.clone())).collect()
    };
    for (side, name) in
        of("source", &plan.source.headers).into_iter().chain(of("target", &plan.target.headers))
    {
        let safe = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
        if name.is_empty() || !name.chars().all(safe) {
            return Err(Error::new(
                ErrorKind::Input,
                format!("{side}.headers has a name that cannot go into a gateway recipe"),
            )
            .remedy("Use header names of letters, digits, dashes and underscores."));
        }
        if !names.iter().any(|known| known.eq_ignore_ascii_case(&name)) {
            names.push(name);
        }
    }
    Ok(names)
}
