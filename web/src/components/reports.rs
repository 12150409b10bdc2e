//! Reports that are read, shared and kept.

pub mod history;
pub mod opened;
pub mod share;
pub mod shown;
