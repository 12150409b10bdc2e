//! Wire formats, sans IO: bytes in, items out, and back.
//!
//! Samples are never decoded on their way from source to target: [`prom_read`] finds the series in an
//! answer, [`prom_write`] puts their bytes into write requests. Only [`prom_chunks`] must decode them.

pub mod prom_chunks;
pub mod prom_json;
pub mod prom_read;
pub mod prom_write;
mod proto;
mod series;
pub mod snappy;
pub mod types;

/// Bytes that are not what they should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("at byte {offset}: {what}")]
pub struct WireError {
    /// Where, counted from the start of the (decompressed) body.
    pub offset: usize,
    /// What was found, or expected.
    pub what: String,
}

impl WireError {
    pub(crate) fn new(offset: usize, what: impl Into<String>) -> Self {
        Self { offset, what: what.into() }
    }
}
