//! `cargo +nightly fuzz run vm_export`. The body is `tsink_migrate_engine::fuzzing::vm_export`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tsink_migrate_engine::fuzzing::vm_export(data));
