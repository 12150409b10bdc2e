//! One page a stage.

pub mod backfill;
pub mod cutover;
pub mod plan;
pub mod preflight;
pub mod reports;
pub mod verify;
