//! The ports through which the engine reaches the world: HTTP, time, files and ledgers. A host passes them in.
//!
//! Futures are local (`!Send`): a web worker and Node.js run the engine on one thread.

mod store;

pub use store::{NoStore, Store, StoreError};

use crate::error::Side;
use crate::wire::room::{make_room, rounded};
use bytes::Bytes;
use futures_util::future::LocalBoxFuture;
use std::fmt;
use std::rc::Rc;

/// All ports of a run.
#[derive(Clone)]
pub struct Ports {
    /// HTTP.
    pub transport: Rc<dyn Transport>,
    /// Time.
    pub clock: Rc<dyn Clock>,
    /// Files that a plan names.
    pub files: Rc<dyn Files>,
    /// Where ledgers are kept.
    pub store: Rc<dyn Store>,
    /// Seed of the jitter in retry delays; the engine itself has no randomness.
    pub seed: u64,
}

/// HTTP as `fetch` offers it.
pub trait Transport {
    /// Sends a request. Resolves when the response's head is there; the body is streamed. Dropping the
    /// future, or the body, aborts the request.
    fn send(&self, request: Request) -> LocalBoxFuture<'static, Result<Response, TransportError>>;

    /// Finds out why a request to `url` failed without an answer, as far as this host can tell.
    fn diagnose(&self, url: String, failure: TransportError) -> LocalBoxFuture<'static, NetworkCause>;
}

/// Wall and monotonic time, and waiting.
pub trait Clock {
    /// Unix time in ms.
    fn now_ms(&self) -> i64;
    /// Time since an arbitrary origin in ms; never goes back.
    fn monotonic_ms(&self) -> f64;
    /// Waits for so many ms.
    fn sleep(&self, ms: u64) -> LocalBoxFuture<'static, ()>;
}

/// Files that a plan or a manifest names: relative to the plan, or absolute where the host allows it. They are
/// read in pieces and never written.
pub trait Files {
    /// Size of a file in bytes.
    fn size(&self, path: &str) -> LocalBoxFuture<'static, Result<u64, FileError>>;

    /// Up to `length` bytes from byte `offset` on; fewer at the end of the file only.
    fn read(
        &self,
        path: &str,
        offset: u64,
        length: usize,
    ) -> LocalBoxFuture<'static, Result<Bytes, FileError>>;
}

/// A file that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    /// There is none of this name.
    #[error("{path} is not there")]
    NotFound {
        /// As named.
        path: String,
    },
    /// It lies outside of the plan's folder, and the operator has not allowed that.
    #[error("{path} lies outside of the plan's folder")]
    Outside {
        /// As named.
        path: String,
    },
    /// It is there, but cannot be read.
    #[error("{path} cannot be read: {message}")]
    Unreadable {
        /// As named.
        path: String,
        /// What the host said.
        message: String,
    },
}

impl FileError {
    /// What to do.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::NotFound { .. } => {
                "On the page, drop the file or its folder too; in the command, check the path: it counts from the plan's folder."
            }
            Self::Outside { .. } => "Move it into the plan's folder, or allow it with --allow-outside.",
            Self::Unreadable { .. } => {
                "Check its permissions, and that it has not been changed or removed meanwhile; then try again."
            }
        }
    }
}

/// The files of a host that has none.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoFiles;

impl Files for NoFiles {
    fn size(&self, path: &str) -> LocalBoxFuture<'static, Result<u64, FileError>> {
        let path = path.to_owned();
        Box::pin(async move { Err(FileError::NotFound { path }) })
    }

    fn read(&self, path: &str, _: u64, _: usize) -> LocalBoxFuture<'static, Result<Bytes, FileError>> {
        let path = path.to_owned();
        Box::pin(async move { Err(FileError::NotFound { path }) })
    }
}

/// HTTP method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// GET
    Get,
    /// POST
    Post,
}

impl Method {
    /// `GET` or `POST`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
        }
    }
}

/// A header value that never shows itself: header values of a plan are secrets (invariant 8).
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret.
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The secret itself; for the request only.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// A request.
#[derive(Clone, Debug)]
pub struct Request {
    /// Which side it goes to; for error texts.
    pub side: Side,
    /// Method.
    pub method: Method,
    /// Absolute URL with its query.
    pub url: String,
    /// Headers; values are secrets.
    pub headers: Vec<(String, Secret)>,
    /// Body of a POST.
    pub body: Bytes,
    /// Time until the whole response must be there, in ms.
    pub timeout_ms: u64,
}

/// A response whose head has arrived.
pub struct Response {
    /// HTTP status.
    pub status: u16,
    /// Headers that the host lets us see, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, to be read in pieces.
    pub body: Box<dyn Body>,
}

impl Response {
    /// A header's value by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }
}

/// A response body that arrives in pieces.
pub trait Body {
    /// The next piece, or `None` at a clean end.
    fn chunk(&mut self) -> LocalBoxFuture<'_, Result<Option<Bytes>, TransportError>>;
}

/// A whole answer of a server, of any status.
#[derive(Clone, Debug)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The whole body.
    pub body: Bytes,
}

impl Answer {
    /// A header's value by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }
}

/// Reads an answer; an error for every status that is not the wanted one, and for a body that is not what
/// it should be.
pub type Parse<T> = Rc<dyn Fn(&Answer) -> crate::Result<T>>;

/// What to ask a server and how to read its answer: what `source` and `target` are made of. Sending it,
/// and sending it again, is the run's business.
#[derive(Clone)]
pub struct Call<T> {
    /// The request.
    pub request: Request,
    /// Bytes of the answer's body at most.
    pub limit: usize,
    /// How to read the answer.
    pub parse: Parse<T>,
}

/// Begins to read an answer of which the head and the first piece are there.
pub type Open<T> = Rc<dyn Fn(&Answer) -> crate::Result<Box<dyn Intake<T>>>>;

/// A call whose answer is read as it arrives, and never held as a whole.
#[derive(Clone)]
pub struct StreamCall<T> {
    /// The request.
    pub request: Request,
    /// Bytes of a refusal's body at most.
    pub limit: usize,
    /// Begins to read an answer, given its status, its headers and the first piece of its body; an error for every
    /// status that is not the wanted one.
    pub open: Open<T>,
}

/// What reads an answer that arrives in pieces.
pub trait Intake<T> {
    /// Takes the next piece.
    ///
    /// # Errors
    /// For what is not what it should be; it takes nothing afterwards.
    fn feed(&mut self, bytes: &[u8]) -> crate::Result<()>;

    /// Ends the answer.
    ///
    /// # Errors
    /// When it ends too early.
    fn finish(self: Box<Self>) -> crate::Result<T>;
}

/// Reads a body to its end, which has about `likely` bytes: as many as the server said, where it did.
///
/// # Errors
/// [`TransportError::TooLarge`] when it has more than `limit` bytes, else what the body reports.
pub async fn collect(body: &mut dyn Body, likely: usize, limit: usize) -> Result<Bytes, TransportError> {
    let Some(first) = body.chunk().await? else { return Ok(Bytes::new()) };
    if first.len() > limit {
        return Err(TransportError::TooLarge { limit });
    }
    let Some(second) = body.chunk().await? else { return Ok(first) };
    let mut whole = Vec::with_capacity(rounded(likely.min(limit).max(first.len() + second.len())));
    whole.extend_from_slice(&first);
    let mut next = Some(second);
    while let Some(piece) = next {
        if whole.len() + piece.len() > limit {
            return Err(TransportError::TooLarge { limit });
        }
        make_room(&mut whole, piece.len());
        whole.extend_from_slice(&piece);
        next = body.chunk().await?;
    }
    Ok(whole.into())
}

/// A request that got no (whole) answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TransportError {
    /// The connection failed, or the host refuses to tell (a page and CORS). `code` is the system's word
    /// where there is one (`ECONNREFUSED`, `ENOTFOUND`, `CERT_HAS_EXPIRED`).
    #[error("{message}")]
    Network {
        /// What the host said.
        message: String,
        /// System error code, if known.
        code: Option<String>,
    },
    /// No whole answer in time.
    #[error("no complete answer within {after_ms} ms")]
    Timeout {
        /// The limit, in ms.
        after_ms: u64,
    },
    /// The connection broke in the middle of the body.
    #[error("the answer broke off: {message}")]
    Broken {
        /// What the host said.
        message: String,
    },
    /// The body has more bytes than the engine accepts.
    #[error("the answer has more than {limit} bytes")]
    TooLarge {
        /// The limit in bytes.
        limit: usize,
    },
    /// The request could not be made (an invalid header or URL).
    #[error("{message}")]
    Invalid {
        /// What is wrong.
        message: String,
    },
}

/// Why a request got no answer, as far as the host can tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum NetworkCause {
    /// The server answers, but without `Access-Control-Allow-Origin`, so the browser hides the answer.
    NoCors,
    /// An `https:` page may not call an `http:` server.
    MixedContent,
    /// Nothing listens there.
    Refused,
    /// The host name is not known.
    NameNotFound,
    /// The TLS handshake or certificate failed.
    Tls,
    /// The connection was reset.
    Reset,
    /// No answer in time.
    Timeout,
    /// The server cannot be reached, and the browser does not say why.
    Unreachable,
}
