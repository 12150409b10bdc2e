//! What a migration into tsink is.
//!
//! Everything that decides lives here; nothing here does IO, reads a clock or knows JavaScript. The world
//! is reached through the small [`port`]s that a host passes in (invariant 1 in the README), so the same
//! code runs in a web worker, in Node.js and in native tests on a virtual clock.
//!
//! Dependencies run one way:
//! [`model`] ← [`plan`], [`selector`], [`wire`], [`capture`] ← [`source`], [`target`], [`compare`] ← [`run`];
//! [`report`] reads the model and results only.
#![forbid(unsafe_code)]

mod answer;
pub mod capture;
pub mod compare;
pub mod error;
#[doc(hidden)]
pub mod fuzzing;
pub mod gateway;
pub mod import;
pub mod plan;
pub mod port;
mod prom_api;
pub mod report;
pub mod run;
pub mod selector;
pub mod source;
pub mod target;
pub mod wire;

pub use error::{Error, ErrorKind, Feature, Result, Side};
pub use tsink_migrate_wire::{model, order};
