//! Whether `dist/` is what the sources and tools would give now.

use crate::paths;
use crate::setup::Toolbox;
use anyhow::Result;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

/// What every build reads, from the root. The builder's own sources decide, too.
const INPUTS: [&str; 9] = [
    ".cargo",
    "Cargo.toml",
    "Cargo.lock",
    "crates/engine/src",
    "crates/host",
    "crates/slim-regex",
    "crates/wire/src",
    "crates/xtask/src/dist",
    "crates/xtask/src/dist.rs",
];

/// One of the results in `dist/`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The page.
    Site,
    /// The command.
    Edge,
}

impl Part {
    /// What it reads beside [`INPUTS`].
    fn inputs(self) -> &'static [&'static str] {
        match self {
            Self::Site => &["Trunk.toml", "index.html", "web"],
            Self::Edge => &["crates/edge", "LICENSE"],
        }
    }

    /// A file without which there is no result.
    fn proof(self) -> PathBuf {
        match self {
            Self::Site => paths::site().join("index.html"),
            Self::Edge => paths::edge().join("package.json"),
        }
    }

    fn stamp(self) -> PathBuf {
        paths::root().join("dist").join(match self {
            Self::Site => ".site",
            Self::Edge => ".edge",
        })
    }
}

/// A hash over every input's path and content, and the tools.
///
/// # Errors
/// When an input cannot be read.
pub fn identity(tools: &Toolbox, part: Part) -> Result<String> {
    let mut hasher = DefaultHasher::new();
    tools.build_identity().hash(&mut hasher);
    for input in INPUTS.iter().chain(part.inputs()) {
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

/// Whether the result is there and made from the same inputs.
pub fn matches(part: Part, identity: &str) -> bool {
    part.proof().exists() && fs::read_to_string(part.stamp()).is_ok_and(|stamp| stamp == identity)
}

/// Forgets the last build, before a new one begins.
///
/// # Errors
/// When the stamp cannot be removed.
pub fn remove(part: Part) -> Result<()> {
    match fs::remove_file(part.stamp()) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}

/// Remembers what was built.
///
/// # Errors
/// When it cannot be written.
pub fn write(part: Part, identity: &str) -> Result<()> {
    Ok(fs::write(part.stamp(), identity)?)
}
