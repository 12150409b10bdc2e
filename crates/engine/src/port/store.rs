//! Logs that outlive a run: where ledgers are kept.

use futures_util::future::LocalBoxFuture;

/// Logs of text lines, each under a key: a file beside a command's artifacts, or a browser's database.
///
/// What [`Store::append`] and [`Store::replace`] have acknowledged survives the end of the process. A process that is
/// killed in mid-append may leave a last line without its end.
pub trait Store {
    /// Keys of all logs, in no particular order. A store of one file has one at most.
    fn keys(&self) -> LocalBoxFuture<'static, Result<Vec<String>, StoreError>>;
    /// Everything in a log, in order; none where there is no such log.
    fn read(&self, key: &str) -> LocalBoxFuture<'static, Result<Option<String>, StoreError>>;
    /// Adds whole lines, each with its end, behind those that are there.
    fn append(&self, key: &str, lines: String) -> LocalBoxFuture<'static, Result<(), StoreError>>;
    /// Puts these lines in the place of all that is there, in one step.
    fn replace(&self, key: &str, lines: String) -> LocalBoxFuture<'static, Result<(), StoreError>>;
    /// Takes a log away, if it is there.
    fn remove(&self, key: &str) -> LocalBoxFuture<'static, Result<(), StoreError>>;
}

/// A log that cannot be read or written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// This host keeps no logs.
    #[error("no ledger is kept here")]
    None,
    /// There is no room: a full disk, or the browser's quota for the page.
    #[error("there is no room for the ledger: {message}")]
    Full {
        /// What the host said.
        message: String,
    },
    /// Another run holds it.
    #[error("the ledger is in use: {message}")]
    Busy {
        /// Who, as far as the host can tell.
        message: String,
    },
    /// Everything else.
    #[error("the ledger cannot be kept: {message}")]
    Failed {
        /// What the host said.
        message: String,
    },
}

/// The store of a host that keeps nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoStore;

impl Store for NoStore {
    fn keys(&self) -> LocalBoxFuture<'static, Result<Vec<String>, StoreError>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn read(&self, _: &str) -> LocalBoxFuture<'static, Result<Option<String>, StoreError>> {
        Box::pin(async { Ok(None) })
    }

    fn append(&self, _: &str, _: String) -> LocalBoxFuture<'static, Result<(), StoreError>> {
        Box::pin(async { Err(StoreError::None) })
    }

    fn replace(&self, _: &str, _: String) -> LocalBoxFuture<'static, Result<(), StoreError>> {
        Box::pin(async { Err(StoreError::None) })
    }

    fn remove(&self, _: &str) -> LocalBoxFuture<'static, Result<(), StoreError>> {
        Box::pin(async { Ok(()) })
    }
}
