//! From an HTTP answer to a typed error: what went wrong, in the server's words and in ours, and what to do.
//!
//! Sources: the specification's `http-api.md` and the source of tsink-server 0.10.2 (`server/auth.rs`,
//! `tenant.rs`, `rbac.rs`, `handlers.rs`, `handlers/public_api/*`), Prometheus 2.42
//! (`web/api/v1/api.go`, `storage/remote/read_handler.go`), and both servers' real answers. Where tsink
//! differs from its documents, the running server counts:
//! - every error of a PromQL endpoint is 422 with `errorType` `bad_data` or `execution`, never 400;
//! - a partial answer is told by `X-Tsink-Read-Partial-Response`, not `X-Tsink-Read-Response`;
//! - a body above 64 MiB gets no answer: the connection is reset;
//! - a storage that is shutting down, and a full disk, answer 500.
//!
//! A page sees only the headers that CORS exposes to it; so each code in a header has a counterpart in the
//! body's text or in what was sent, and the header is preferred where both are there.

mod explain;
mod words;

use crate::error::{Error, ErrorKind, Side};
use crate::model::calendar;
use crate::port::{Answer, Method, Request, Secret};
use std::rc::Rc;

/// What a request is for; part of messages and remedies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    ReadSamples,
    Write,
    Query,
    Metadata,
    Exemplars,
    Status,
    BuildInfo,
    Delete,
}

impl Purpose {
    /// As part of a sentence: "… may not read samples".
    pub fn verb(self) -> &'static str {
        match self {
            Self::ReadSamples => "read samples",
            Self::Write => "write",
            Self::Query => "run queries",
            Self::Metadata => "read metadata",
            Self::Exemplars => "read exemplars",
            Self::Status => "read the status",
            Self::BuildInfo => "read the build information",
            Self::Delete => "delete series",
        }
    }
}

/// What was asked: all that an error needs to know beside the answer.
#[derive(Clone)]
pub(crate) struct Asked(Rc<Inner>);

struct Inner {
    side: Side,
    purpose: Purpose,
    /// Plan field that the URL came from, e.g. `target.write_url`.
    field: &'static str,
    method: Method,
    url: String,
    /// Whether the plan's headers hold credentials.
    credentials: bool,
    /// Values that must not come back in the server's words.
    secrets: Vec<Secret>,
    tenant: Option<String>,
}

impl Asked {
    /// Remembers what a request asks for. `headers` are the plan's headers of that side.
    pub fn new(
        request: &Request,
        purpose: Purpose,
        field: &'static str,
        headers: &[(String, Secret)],
        tenant: Option<&str>,
    ) -> Self {
        let credentials = headers.iter().any(|(name, _)| {
            let name = name.to_ascii_lowercase();
            ["authorization", "cookie", "token", "key", "auth"].iter().any(|part| name.contains(part))
        });
        Self(Rc::new(Inner {
            side: request.side,
            purpose,
            field,
            method: request.method,
            url: request.url.clone(),
            credentials,
            secrets: headers.iter().map(|(_, value)| value.clone()).collect(),
            tenant: tenant.map(str::to_owned),
        }))
    }

    /// An error with side, URL and status filled in.
    fn error(&self, kind: ErrorKind, message: impl Into<String>, answer: &Answer) -> Error {
        let mut error = Error::new(kind, message).side(self.0.side).url(&self.0.url);
        error.status = Some(answer.status);
        error
    }

    /// Passes an answer of status 2xx whose body may be what was asked for; everything else is an error.
    pub fn accept(&self, answer: &Answer) -> crate::Result<()> {
        if !(200..300).contains(&answer.status) {
            return Err(self.refusal(answer));
        }
        if words::is_html(answer) {
            let mut error = self
                .error(ErrorKind::Protocol, "the answer is a web page, not the server's answer", answer)
                .remedy(format!(
                    "A login page or a web server answers in place of the {}. Open the URL in a browser to see \
                     which; then correct `{}`, or add the headers that get past the login to `{}.headers`.",
                    self.server(),
                    self.0.field,
                    self.0.side
                ));
            error.server_message = self.words(answer);
            return Err(error);
        }
        Ok(())
    }

    /// An error for an answer of a status other than 2xx.
    pub fn refusal(&self, answer: &Answer) -> Error {
        let words = self.words(answer);
        let explained = explain::explain(self, answer, words.as_deref().unwrap_or_default());
        let mut error = self.error(explained.kind, explained.message, answer).remedy(explained.remedy);
        error.server_message = words;
        error.retry_after_ms = retry_after_ms(answer);
        error
    }

    /// An error for an answer of status 2xx with a body that cannot be read. `why` is shown: it must not
    /// quote the body at length.
    pub fn unreadable(&self, answer: &Answer, why: &str) -> Error {
        let why = words::clean(why, &self.0.secrets).unwrap_or_default();
        let mut error = self
            .error(ErrorKind::Protocol, format!("the answer cannot be read: {why}"), answer)
            .remedy(format!(
                "Check that `{}` is the {}'s own address for this, and that nothing between changes the answer.",
                self.0.field,
                self.server()
            ));
        let content_type = answer.header("content-type").unwrap_or_default();
        if content_type.starts_with("text/") || content_type.contains("json") {
            error.server_message = self.words(answer);
        }
        error
    }

    /// An error that only the purpose knows, with the server's words where the body holds any.
    pub fn wrong(&self, answer: &Answer, kind: ErrorKind, message: String, remedy: String) -> Error {
        self.error(kind, message, answer).remedy(remedy)
    }

    /// An error for an answer that covers only a part of the data.
    pub fn partial(&self, answer: &Answer) -> Error {
        self.error(ErrorKind::Partial, "the answer covers only a part of the data", answer).remedy(
            "Some shards of the cluster cannot be reached. Bring all nodes back (see `cluster` in the status \
             endpoint), then run this again; a comparison with a partial answer would report false gaps.",
        )
    }

    /// The server's words: the inner text of a JSON refusal, the title of a web page, or the text itself.
    fn words(&self, answer: &Answer) -> Option<String> {
        words::clean(&words::of(answer)?, &self.0.secrets)
    }

    fn server(&self) -> &'static str {
        match self.0.side {
            Side::Source => "source",
            Side::Target => "tsink server",
        }
    }
}

/// Whether an answer says that it covers only a part of the data: `X-Tsink-Read-Partial-Response` of
/// tsink 0.10.2, `X-Tsink-Read-Response` of its documents.
pub(crate) fn is_partial(answer: &Answer) -> bool {
    ["x-tsink-read-partial-response", "x-tsink-read-response"]
        .iter()
        .any(|name| answer.header(name).is_some_and(|value| value.trim().eq_ignore_ascii_case("true")))
}

/// A header that the run adds to every answer: when it came, in Unix ms by the own clock.
pub(crate) const CLOCK_HEADER: &str = "x-tsink-migrate-now-ms";

/// `Retry-After` in ms, in seconds or as a date (RFC 9110, 10.2.3). A date is taken from the answer's own `Date` where
/// that is seen, so that clocks need not agree, else from the clock here. At most an hour: a server must not be able to
/// hold a run for ever.
fn retry_after_ms(answer: &Answer) -> Option<u64> {
    let value = answer.header("retry-after")?.trim();
    if let Ok(seconds) = value.parse::<u64>() {
        return Some(seconds.min(3600) * 1000);
    }
    let until = calendar::parse_http_date(value)?;
    let date = answer.header("date").and_then(calendar::parse_http_date);
    let now = date.or_else(|| answer.header(CLOCK_HEADER)?.parse().ok())?;
    Some(until.saturating_sub(now).clamp(0, 3_600_000).unsigned_abs())
}

#[cfg(test)]
mod tests;
