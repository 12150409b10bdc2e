//! Wire formats, sans IO: bytes in, items out, and back.

pub mod prom_json;
pub mod types;
