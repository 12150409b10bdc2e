//! `cargo +nightly fuzz run plan`. The body is `tsink_migrate_engine::fuzzing::plan`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tsink_migrate_engine::fuzzing::plan(data));
