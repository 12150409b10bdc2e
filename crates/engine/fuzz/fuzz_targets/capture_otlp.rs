//! `cargo +nightly fuzz run capture_otlp`. The body is `tsink_migrate_engine::fuzzing::capture_otlp`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tsink_migrate_engine::fuzzing::capture_otlp(data));
