//! Bodies of the fuzz targets in `fuzz/`, one function a target. They live here so that the ordinary tests
//! replay the corpus (`tests/fuzz_corpus.rs`) without a fuzzer. Not part of the public interface.

pub mod capture_lines;
pub mod capture_manifest;
pub mod capture_otlp;
pub mod chunks;
pub mod plan;
pub mod read_response;
pub mod snappy;
pub mod vm_export;

pub use capture_lines::capture_lines;
pub use capture_manifest::capture_manifest;
pub use capture_otlp::capture_otlp;
pub use chunks::chunks;
pub use plan::plan;
pub use read_response::read_response;
pub use snappy::snappy;
pub use vm_export::vm_export;
