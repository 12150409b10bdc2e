//! `cargo +nightly fuzz run chunks`. The body is `tsink_migrate_engine::fuzzing::chunks`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tsink_migrate_engine::fuzzing::chunks(data));
