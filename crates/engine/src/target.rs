//! Where the data goes: what to ask tsink and how to read its answer. Sending is the run's business.

pub mod tsink;

pub use crate::prom_api::Exemplars;
