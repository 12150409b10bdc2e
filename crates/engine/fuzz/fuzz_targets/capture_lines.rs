//! `cargo +nightly fuzz run capture_lines`. The body is `tsink_migrate_engine::fuzzing::capture_lines`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tsink_migrate_engine::fuzzing::capture_lines(data));
