//! What is in a migration's answers and requests, and its wire formats, sans IO: bytes in, items out, and back.
//!
//! A crate of its own, because every sample goes through this code and hardly any through the rest: the page's build has
//! it optimised for speed, and everything else for size.
//!
//! Samples are never decoded on their way from source to target: [`prom_read`] finds the series in an
//! answer, [`prom_write`] puts their bytes into write requests. Only [`prom_chunks`] must decode them.
//!
//! Where the time goes, for 5.76 M samples (98 MB) natively on 2 cores (the engine's `tests/wire_speed.rs`): checking an
//! answer takes 17 ms; the rest is snappy, 120 ms to unpack and 150 ms to pack again. A snappy encoder of our
//! own for the 18 bytes from sample to sample was tried: a tenth to a third faster, but gauges came out half
//! as large again.
#![forbid(unsafe_code)]

pub mod model;
pub mod order;
pub mod prom_chunks;
pub mod prom_read;
pub mod prom_write;
pub mod proto;
pub mod room;
mod series;
pub mod snappy;
pub mod types;
pub mod vm_export;

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
    /// An error at a byte.
    pub fn new(offset: usize, what: impl Into<String>) -> Self {
        Self { offset, what: what.into() }
    }
}
