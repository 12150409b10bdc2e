//! Recipes for a gateway in front of both servers, for the plan at hand.
//!
//! A page can use remote read and remote write only where CORS lets it, and neither Prometheus nor tsink
//! 0.10.2 does. Two ways out, each for Caddy (2.6 or newer) and nginx (1.22 or newer):
//!
//! * [`Kind::OneOrigin`]: one server gives out the page's files and passes both servers' API paths on, so
//!   that no request crosses an origin;
//! * [`Kind::Cors`]: the page stays where it is; the gateway allows its origin, and only that one.
//!
//! Both pass on exactly the paths that the plan needs and answer 404 to everything else; tsink's admin API
//! is never among them. Preflights are answered by the gateway and never reach an upstream that would ask
//! them for a token.
//!
//! Everything that comes from the plan is checked before it goes into a configuration: a recipe is run by an
//! operator with the rights of a web server, so a plan from a stranger must not be able to add a directive.

mod caddy;
mod input;
mod nginx;

pub use input::{Endpoint, GatewayInput, Upstream};

use serde::{Deserialize, Serialize};

/// What a recipe is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Page and servers on one origin.
    OneOrigin,
    /// CORS for a page that stays on another origin.
    Cors,
}

/// A gateway configuration with what to do with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recipe {
    /// `Caddy` or `nginx`.
    pub server: String,
    /// What it is for.
    pub kind: Kind,
    /// Name for the download.
    pub file_name: String,
    /// The configuration.
    pub text: String,
    /// How to start it, one command a line.
    pub how_to_run: String,
    /// What to know before.
    pub note: String,
    /// The plan's fields with the URLs to use through this gateway, in the plan's order:
    /// `source.remote_read_url` → `prometheus/api/v1/read`.
    pub urls: Vec<(String, String)>,
}

/// All recipes for a plan: one origin first; those with CORS only when the page has an origin of its own.
pub fn recipes(input: &GatewayInput) -> Vec<Recipe> {
    let mut all = vec![caddy::one_origin(input), nginx::one_origin(input)];
    if let Some(origin) = &input.page_origin {
        all.push(caddy::cors(input, origin));
        all.push(nginx::cors(input, origin));
    }
    all
}

/// Request headers that the engine sends and that CORS does not allow by itself.
const REQUEST_HEADERS: [&str; 6] = [
    "Authorization",
    "Content-Encoding",
    "Content-Type",
    "X-Tsink-Tenant",
    "X-Prometheus-Remote-Read-Version",
    "X-Prometheus-Remote-Write-Version",
];

/// Response headers that the engine reads and that a page does not see by itself (tsink 0.10.2).
const RESPONSE_HEADERS: [&str; 18] = [
    "Retry-After",
    "X-Tsink-Auth-Error-Code",
    "X-Tsink-Exemplar-Limit",
    "X-Tsink-Exemplars-Accepted",
    "X-Tsink-Exemplars-Dropped",
    "X-Tsink-Histograms-Accepted",
    "X-Tsink-Metadata-Applied",
    "X-Tsink-Read-Consistency",
    "X-Tsink-Read-Error-Code",
    "X-Tsink-Read-Partial-Policy",
    "X-Tsink-Read-Partial-Response",
    "X-Tsink-Read-Partial-Warnings",
    "X-Tsink-Read-Response",
    "X-Tsink-Tenant-Error-Code",
    "X-Tsink-Write-Acknowledged-Replicas",
    "X-Tsink-Write-Consistency",
    "X-Tsink-Write-Error-Code",
    "X-Tsink-Write-Required-Acks",
];

/// CORS headers of an upstream. They must not come through: a second `Access-Control-Allow-Origin` makes a
/// browser refuse the answer.
const UPSTREAM_CORS_HEADERS: [&str; 7] = [
    "Access-Control-Allow-Credentials",
    "Access-Control-Allow-Headers",
    "Access-Control-Allow-Methods",
    "Access-Control-Allow-Origin",
    "Access-Control-Allow-Private-Network",
    "Access-Control-Expose-Headers",
    "Access-Control-Max-Age",
];

/// The methods of an endpoint as a list for a header, preflight included.
fn methods_with_options(endpoint: &Endpoint) -> String {
    let mut methods = endpoint.methods.to_vec();
    methods.push("OPTIONS");
    methods.join(", ")
}

/// The plan's fields with URLs that begin with `base` (empty: relative to the page at the root).
fn plan_urls(input: &GatewayInput, base: &str) -> Vec<(String, String)> {
    input
        .endpoints
        .iter()
        .filter_map(|endpoint| {
            let path = if base.is_empty() { endpoint.path.trim_start_matches('/') } else { &endpoint.path };
            Some((endpoint.field?.to_owned(), format!("{base}{path}")))
        })
        .collect()
}

/// What the plan does not say and the operator must put in.
fn unknown_upstreams_note(input: &GatewayInput) -> &'static str {
    if input.endpoints.iter().any(|endpoint| endpoint.upstream.is_assumed) && input.is_victoria() {
        " The plan's URLs lie on the page's own origin, so it does not say where the servers are: the \
         addresses http://127.0.0.1:8428 (source) and http://127.0.0.1:9201 (target) are assumptions; put in \
         yours."
    } else if input.endpoints.iter().any(|endpoint| endpoint.upstream.is_assumed) {
        " The plan's URLs lie on the page's own origin, so it does not say where the servers are: the \
         addresses http://127.0.0.1:9090 (source) and http://127.0.0.1:9201 (target) are assumptions; put in \
         yours."
    } else {
        ""
    }
}

#[cfg(test)]
mod tests;
