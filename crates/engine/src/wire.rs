//! Wire formats: those of samples, which are [a crate of their own](tsink_migrate_wire), and the JSON of Prometheus' API.

pub mod prom_json;

pub use tsink_migrate_wire::{WireError, prom_chunks, prom_read, prom_write, snappy, types, vm_export};
pub(crate) use tsink_migrate_wire::{proto, room};
