//! Where things are.

use anyhow::{Context, Result};
use std::env;
use std::path::{Path, PathBuf};

/// The repository's root.
pub fn root() -> PathBuf {
    // This file's crate lies two folders below; the compiled-in path is right wherever cargo runs from.
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).map(Path::to_owned).unwrap_or_default()
}

/// Everything that setup installs goes below this folder: `$XDG_CACHE_HOME/tsink-migrate`, else
/// `~/.cache/tsink-migrate`.
///
/// # Errors
/// When neither variable is set.
pub fn cache() -> Result<PathBuf> {
    let cache = env::var_os("XDG_CACHE_HOME")
        .filter(|path| !path.is_empty())
        .map(PathBuf::from)
        .or_else(|| env::var_os("HOME").map(|home| Path::new(&home).join(".cache")))
        .context("neither XDG_CACHE_HOME nor HOME is set, so there is no place for tools")?;
    Ok(cache.join("tsink-migrate"))
}

/// Folder of one tool: `tools/<name>-<version>` in the cache, programs in `bin` below it.
///
/// # Errors
/// As [`cache`].
pub fn tool(name: &str, version: &str) -> Result<PathBuf> {
    Ok(cache()?.join("tools").join(format!("{name}-{version}")))
}

/// Cargo's target folder.
pub fn target() -> PathBuf {
    match env::var_os("CARGO_TARGET_DIR") {
        Some(folder) => root().join(folder),
        None => root().join("target"),
    }
}

/// The built page.
pub fn site() -> PathBuf {
    root().join("dist").join("site")
}

/// The built command.
pub fn edge() -> PathBuf {
    root().join("dist").join("edge")
}
