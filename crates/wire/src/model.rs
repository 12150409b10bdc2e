//! The nouns of a migration: labels, samples, windows.

pub mod calendar;
mod labels;
mod sample;
mod window;

pub use crate::types::{BucketSpan, Histogram};
pub use labels::Labels;
pub use sample::{Exemplar, Metadata, MetricType, STALE_NAN_BITS, Sample, Series, is_stale_nan};
pub use window::Window;

/// Unix time in milliseconds.
pub type Millis = i64;
