//! A stamp of what page and engine are made from. Both modules carry it, so that a page never works with the engine
//! of another build; and as the page's file name is a hash of its module, that name changes with the engine, too.

use std::error::Error;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

/// From the repository's root.
const INPUTS: [&str; 8] = [
    "Cargo.lock",
    "Cargo.toml",
    "crates/engine/src",
    "crates/host/src",
    "crates/slim-regex/src",
    "crates/wire/src",
    "web/public/engine-worker.js",
    "web/src",
];

fn main() -> Result<(), Box<dyn Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().ok_or("no folder above the crate")?;
    let mut hasher = DefaultHasher::new();
    for input in INPUTS {
        println!("cargo:rerun-if-changed={}", root.join(input).display());
        add(root, &root.join(input), &mut hasher)?;
    }
    println!("cargo:rustc-env=BUILD_STAMP=build-{:016x}", hasher.finish());
    Ok(())
}

/// Adds a file, or every file below a folder: path from the root, and content.
fn add(root: &Path, path: &Path, hasher: &mut DefaultHasher) -> Result<(), Box<dyn Error>> {
    if path.is_dir() {
        let mut entries: Vec<PathBuf> =
            fs::read_dir(path)?.map(|entry| Ok(entry?.path())).collect::<Result<_, std::io::Error>>()?;
        entries.sort();
        return entries.iter().try_for_each(|entry| add(root, entry, hasher));
    }
    path.strip_prefix(root)?.hash(hasher);
    fs::read(path)?.hash(hasher);
    Ok(())
}
