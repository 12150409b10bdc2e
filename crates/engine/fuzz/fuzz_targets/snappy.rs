//! `cargo +nightly fuzz run snappy`. The body is `tsink_migrate_engine::fuzzing::snappy`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tsink_migrate_engine::fuzzing::snappy(data));
