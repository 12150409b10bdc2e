//! Recordings of what a source sent, and the series that tsink's live ingest makes of them.
//!
//! Sources that cannot be asked for their past bring recordings of their payloads (specification §6 and §8.3
//! to 8.6). Parsers here do what tsink-server 0.10.2 does live (its `legacy_ingest.rs` and `otlp.rs`), with one
//! difference: live, one bad line takes its whole request with it; here each line, event or data point stands
//! for itself, and what the server would refuse is a [`Refusal`] with the server's reason.
//!
#![doc = include_str!("capture/live.md")]

pub mod graphite;
mod groups;
pub mod influx;
mod interner;
pub mod lines;
pub mod manifest;
mod names;
mod numbers;
pub mod otlp;
pub mod payload;
pub mod refusal;
pub mod series;
pub mod statsd;

pub use graphite::Graphite;
pub use influx::Influx;
pub use lines::{LineProtocol, QueryParams};
pub use refusal::{Refusal, RefusalKind};
pub use series::{Described, Family, Row, SeriesTable};
pub use statsd::Statsd;
