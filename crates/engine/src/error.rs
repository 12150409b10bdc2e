//! Typed errors with what an operator needs: side, URL, status, the server's words, whether a retry can
//! help, and what to do (invariant 7).

use crate::model::Window;
use crate::port::NetworkCause;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Result of engine operations.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Which server something concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// Where the data comes from.
    Source,
    /// tsink.
    Target,
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Source => "source",
            Self::Target => "target",
        })
    }
}

/// An ingest feature of the target that can be off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Feature {
    /// Metric metadata in remote write.
    Metadata,
    /// Exemplars in remote write.
    Exemplars,
    /// Native histograms in remote write.
    Histograms,
}

/// What kind of failure it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ErrorKind {
    /// The plan, window or another input is wrong.
    Input,
    /// The server could not be reached.
    Network(NetworkCause),
    /// No complete answer in time.
    Timeout,
    /// 401: no token was sent (`auth_token_missing`).
    AuthMissing,
    /// 401: the token was not accepted (`auth_token_invalid`).
    AuthInvalid,
    /// 403: the token may not do this.
    AuthScope,
    /// 404: no such path.
    NotFound,
    /// 400: the server calls the request wrong.
    BadRequest,
    /// 409: conflict.
    Conflict,
    /// 413: a quota or size limit.
    TooLarge,
    /// 415: unsupported content type.
    UnsupportedMedia,
    /// 422: samples older than the target keeps.
    Retention,
    /// 422: a feature is off on the target.
    FeatureDisabled(Feature),
    /// 429: the server is busy; try later.
    Throttled,
    /// 503: not available now.
    Unavailable,
    /// 500, 502, 504 and other 5xx.
    Server,
    /// Any other status.
    UnexpectedStatus,
    /// Status 200 with a body that is not what it should be.
    Protocol,
    /// The answer covers only a part of the data (a cluster with unreachable shards).
    Partial,
    /// The operator cancelled.
    Cancelled,
    /// A defect of this program.
    Internal,
}

impl ErrorKind {
    /// Whether the same request may succeed later.
    pub fn is_retryable(self) -> bool {
        match self {
            Self::Throttled | Self::Unavailable | Self::Server | Self::Timeout | Self::Protocol => true,
            Self::Network(cause) => {
                matches!(
                    cause,
                    NetworkCause::Reset
                        | NetworkCause::Timeout
                        | NetworkCause::Refused
                        | NetworkCause::Unreachable
                )
            }
            _ => false,
        }
    }

    /// Whether the server refused the credentials.
    pub fn is_auth(self) -> bool {
        matches!(self, Self::AuthMissing | Self::AuthInvalid | Self::AuthScope)
    }

    /// Whether it makes no sense to go on with the rest of the run.
    pub fn is_fatal(self) -> bool {
        matches!(
            self,
            Self::AuthMissing
                | Self::AuthInvalid
                | Self::AuthScope
                | Self::NotFound
                | Self::Cancelled
                | Self::Input
                | Self::UnsupportedMedia
                | Self::Internal
        ) || matches!(self, Self::Network(_))
    }
}

/// A failure, with everything that is known about it. Holds no secret: URLs come without user info and
/// credentials, header values never come in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Error {
    /// What kind.
    pub kind: ErrorKind,
    /// What happened, in one sentence.
    pub message: String,
    /// What to do about it, in one or two sentences; may be empty.
    pub remedy: String,
    /// Which server.
    #[serde(default)]
    pub side: Option<Side>,
    /// Redacted URL.
    #[serde(default)]
    pub url: Option<String>,
    /// HTTP status.
    #[serde(default)]
    pub status: Option<u16>,
    /// The server's own words, cut to a few hundred characters.
    #[serde(default)]
    pub server_message: Option<String>,
    /// Selector or query that was asked for.
    #[serde(default)]
    pub selector: Option<String>,
    /// The part of the window that was asked for.
    #[serde(default)]
    pub slab: Option<Window>,
    /// The server's `Retry-After`, in ms.
    #[serde(default)]
    pub retry_after_ms: Option<u64>,
}

impl Error {
    /// A failure of a kind; the builder methods add what is known.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            remedy: String::new(),
            side: None,
            url: None,
            status: None,
            server_message: None,
            selector: None,
            slab: None,
            retry_after_ms: None,
        }
    }

    /// Adds what to do.
    #[must_use]
    pub fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = remedy.into();
        self
    }

    /// Adds the side.
    #[must_use]
    pub fn side(mut self, side: Side) -> Self {
        self.side = Some(side);
        self
    }

    /// Adds the URL, redacted.
    #[must_use]
    pub fn url(mut self, url: &str) -> Self {
        self.url = Some(redact_url(url));
        self
    }

    /// Adds the selector and the slab, where they are not known yet.
    #[must_use]
    pub fn at(mut self, selector: &str, slab: Window) -> Self {
        self.selector.get_or_insert_with(|| selector.to_owned());
        self.slab.get_or_insert(slab);
        self
    }
}

/// One line: `target http://… answered 422 (…): what happened`.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(side) = self.side {
            write!(f, "{side} ")?;
        }
        if let Some(url) = &self.url {
            write!(f, "{url} ")?;
        }
        if let Some(status) = self.status {
            write!(f, "answered {status}: ")?;
        } else if self.side.is_some() || self.url.is_some() {
            f.write_str(": ")?;
        }
        f.write_str(&self.message)?;
        if let Some(words) = self.server_message.as_deref().filter(|words| !words.is_empty()) {
            write!(f, " (it said: {words})")?;
        }
        if let Some(selector) = &self.selector {
            write!(f, " [selector {selector}")?;
            if let Some(slab) = self.slab {
                write!(f, ", {} to {} ms", slab.start_ms, slab.end_ms)?;
            }
            f.write_str("]")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}

/// A URL that may be shown: no user info, no query value, no fragment.
pub fn redact_url(url: &str) -> String {
    // Without a host it is no server's URL: it may be anything, a pasted `user:password` included, which reads as a
    // scheme and a path. Its shape is all we show.
    let Some(mut parsed) = url::Url::parse(url).ok().filter(url::Url::has_host) else {
        return "(not a valid URL)".to_owned();
    };
    let _ = parsed.set_username("");
    let _ = parsed.set_password(None);
    parsed.set_query(None);
    parsed.set_fragment(None);
    parsed.to_string()
}

#[cfg(test)]
mod tests {
    use super::redact_url;

    #[test]
    fn urls_lose_what_may_be_secret() {
        assert_eq!(redact_url("http://me:pw@h:9090/api?token=x#y"), "http://h:9090/api");
        for (url, shown) in [
            ("https://token@h/a?access_token=1&b=2", "https://h/a"),
            ("https://h/a#id_token=1", "https://h/a"),
            ("https://:pw@[::1]:9090/?q", "https://[::1]:9090/"),
            ("me:secret", "(not a valid URL)"),
            ("data:text/plain,secret", "(not a valid URL)"),
            ("Bearer abc", "(not a valid URL)"),
        ] {
            assert_eq!(redact_url(url), shown);
        }
    }
}
