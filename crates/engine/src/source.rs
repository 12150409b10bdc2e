//! Where the data comes from: what to ask a source and how to read its answer. Sending is the run's
//! business.

pub mod prometheus;

pub use crate::prom_api::Exemplars;
pub use crate::wire::prom_json::BuildInfo;
