//! What the command needs from the machine it runs on.

use bytes::Bytes;
use futures_util::future::LocalBoxFuture;
use tsink_migrate_engine::port::{FileError, StoreError};

/// A file that a plan names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanFile {
    /// Path of the plan: its folder is where relative paths begin.
    pub plan: String,
    /// As named.
    pub path: String,
    /// Whether it may lie outside of the plan's folder.
    pub allow_outside: bool,
}

/// Files, streams, environment and signals. Errors are what to tell, without the path.
pub trait Host {
    /// Reads a file from its start, `limit` bytes at most. Pipes are files too.
    fn read_file(&self, path: &str, limit: usize) -> LocalBoxFuture<'static, Result<Vec<u8>, String>>;
    /// Size in bytes of a file that the plan names.
    fn file_size(&self, file: &PlanFile) -> LocalBoxFuture<'static, Result<u64, FileError>>;
    /// Up to `length` bytes from byte `offset` of a file that the plan names; fewer at its end only.
    fn read_part(
        &self,
        file: &PlanFile,
        offset: u64,
        length: usize,
    ) -> LocalBoxFuture<'static, Result<Bytes, FileError>>;
    /// Makes a directory and those above it, if they are not there.
    fn make_dir(&self, path: &str) -> LocalBoxFuture<'static, Result<(), String>>;
    /// Writes a file into a directory.
    fn write_file(&self, dir: &str, name: &str, text: &str) -> LocalBoxFuture<'static, Result<(), String>>;
    /// Takes the ledger in a file for this process alone, until its end. More than once is once.
    fn ledger_lock(&self, path: &str) -> LocalBoxFuture<'static, Result<(), StoreError>>;
    /// Text of a ledger's file; none when there is none.
    fn ledger_read(&self, path: &str) -> LocalBoxFuture<'static, Result<Option<String>, StoreError>>;
    /// Adds to a ledger's file, which is made if need be, and waits until the disk has it.
    fn ledger_append(&self, path: &str, text: &str) -> LocalBoxFuture<'static, Result<(), StoreError>>;
    /// Puts a text in the place of a ledger's file, in one step.
    fn ledger_replace(&self, path: &str, text: &str) -> LocalBoxFuture<'static, Result<(), StoreError>>;
    /// Gives a ledger's file another name, in the place of what has it.
    fn ledger_move(&self, from: &str, to: &str) -> LocalBoxFuture<'static, Result<(), StoreError>>;
    /// Removes a ledger's file, if it is there.
    fn ledger_remove(&self, path: &str) -> LocalBoxFuture<'static, Result<(), StoreError>>;
    /// Value of an environment variable.
    fn variable(&self, name: &str) -> Option<String>;
    /// Asks whoever sits at the terminal for a secret, which is not shown; none without a terminal, and when nobody
    /// wants to answer.
    fn ask_secret(&self, prompt: &str) -> LocalBoxFuture<'static, Option<String>>;
    /// Writes to stdout.
    fn stdout(&self, text: &str);
    /// Writes to stderr.
    fn stderr(&self, text: &str);
    /// Columns of the terminal behind stderr; none when there is no terminal.
    fn columns(&self) -> Option<usize>;
    /// Calls back at the first Ctrl-C (or request to end) from now on; the second one ends the process.
    fn on_interrupt(&self, callback: Box<dyn Fn()>);
}
