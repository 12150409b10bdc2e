//! Replays the fuzz corpora, so that whatever a fuzzer once found stays found.
#![allow(clippy::unwrap_used)] // Helpers outside #[test] functions are tests, too.

use std::path::Path;
use tsink_migrate_engine::fuzzing;

/// Feeds each file of a corpus to its target; the file's name shows when it fails.
fn replay(target: &str, run: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let mut files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty(), "no corpus in {}", folder.display());
    for file in files {
        let data = std::fs::read(&file).unwrap();
        if let Err(cause) = std::panic::catch_unwind(|| run(&data)) {
            eprintln!("in {}", file.display());
            std::panic::resume_unwind(cause);
        }
    }
}

#[test]
fn capture_lines() {
    replay("capture_lines", fuzzing::capture_lines);
}

#[test]
fn capture_manifest() {
    replay("capture_manifest", fuzzing::capture_manifest);
}

#[test]
fn capture_otlp() {
    replay("capture_otlp", fuzzing::capture_otlp);
}

#[test]
fn chunks() {
    replay("chunks", fuzzing::chunks);
}

#[test]
fn plan() {
    replay("plan", fuzzing::plan);
}

#[test]
fn read_response() {
    replay("read_response", fuzzing::read_response);
}

#[test]
fn snappy() {
    replay("snappy", fuzzing::snappy);
}

#[test]
fn vm_export() {
    replay("vm_export", fuzzing::vm_export);
}
