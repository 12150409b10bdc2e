//! Whether `dist/` is what the sources and tools would give now.

use crate::paths;
use crate::setup::Toolbox;
use anyhow::Result;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

/// What the build reads, from the root.
const INPUTS: [&str; 8] = [
    "Cargo.toml",
    "Cargo.lock",
    "Trunk.toml",
    "index.html",
    "web",
    "crates/engine/src",
    "crates/host",
    "crates/edge",
];

fn file() -> PathBuf {
    paths::root().join("dist/.stamp")
}

/// A hash over every input's path and content, and the tools.
///
/// # Errors
/// When an input cannot be read.
pub fn identity(tools: &Toolbox) -> Result<String> {
    let mut hasher = DefaultHasher::new();
    tools.build_identity().hash(&mut hasher);
    // The builder's own sources decide, too.
    for input in INPUTS.iter().copied().chain(["crates/xtask/src/dist", "crates/xtask/src/dist.rs"]) {
        add(&paths::root().join(input), &mut hasher)?;
    }
    Ok(format!("{:016x}", hasher.finish()))
}

fn add(path: &Path, hasher: &mut DefaultHasher) -> Result<()> {
    if path.is_dir() {
        let mut entries: Vec<PathBuf> =
            fs::read_dir(path)?.map(|entry| Ok(entry?.path())).collect::<Result<_, std::io::Error>>()?;
        entries.sort();
        entries.iter().try_for_each(|entry| add(entry, hasher))
    } else {
        path.strip_prefix(paths::root()).unwrap_or(path).hash(hasher);
        fs::read(path)?.hash(hasher);
        Ok(())
    }
}

/// Whether both results are there and made from the same inputs.
pub fn matches(identity: &str) -> bool {
    paths::site().join("index.html").exists()
        && paths::edge().join("package.json").exists()
        && fs::read_to_string(file()).is_ok_and(|stamp| stamp == identity)
}

/// Forgets the last build, before a new one begins.
///
/// # Errors
/// When the stamp cannot be removed.
pub fn remove() -> Result<()> {
    match fs::remove_file(file()) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}

/// Remembers what was built.
///
/// # Errors
/// When it cannot be written.
pub fn write(identity: &str) -> Result<()> {
    Ok(fs::write(file(), identity)?)
}
