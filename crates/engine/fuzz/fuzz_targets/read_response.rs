//! `cargo +nightly fuzz run read_response`. The body is `tsink_migrate_engine::fuzzing::read_response`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tsink_migrate_engine::fuzzing::read_response(data));
