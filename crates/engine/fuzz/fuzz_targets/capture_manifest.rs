//! `cargo +nightly fuzz run capture_manifest`. The body is `tsink_migrate_engine::fuzzing::capture_manifest`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tsink_migrate_engine::fuzzing::capture_manifest(data));
