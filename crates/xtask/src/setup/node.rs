//! Node.js, which the command runs on, and `wasm-opt` and `esbuild`, which come from npm.
//!
//! The `wasm-opt` of the crate registry is Binaryen 116 of 2023, older than what rustc emits today, and so is
//! Debian 12's (108). npm's `binaryen` is made from each release.

use super::{Item, LONG, QUICK, apt, registry::log};
use crate::versions::{BINARYEN, ESBUILD, NODE, NODE_OLDEST, WASM_OPT_OLDEST, find_version, major_minor};
use crate::{paths, shell};
use anyhow::{Context, Result, bail};
use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A `node` that is recent enough: named by `NODE`, on `PATH`, or in the cache.
pub fn find() -> Option<PathBuf> {
    let cached = paths::tool("node", NODE).ok().map(|folder| folder.join("bin").join("node"));
    env::var_os("NODE")
        .map(PathBuf::from)
        .into_iter()
        .chain(shell::which("node"))
        .chain(shell::which("nodejs"))
        .chain(cached)
        .find(|node| is_recent(node, NODE_OLDEST))
}

fn is_recent(program: &Path, oldest: (u32, u32)) -> bool {
    shell::ask(Command::new(program).arg("--version"), QUICK)
        .and_then(|text| major_minor(find_version(&text)?))
        .is_some_and(|found| found >= oldest)
}

/// `PATH` with some folders before it.
pub fn search_path(folders: impl IntoIterator<Item = PathBuf>) -> Option<std::ffi::OsString> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::join_paths(folders.into_iter().chain(env::split_paths(&path))).ok()
}

fn oldest() -> String {
    format!("{}.{}", NODE_OLDEST.0, NODE_OLDEST.1)
}

/// A recent Node.js, and npm.
pub fn item() -> Item {
    let found = find().filter(|_| shell::which("npm").is_some() || find_wasm_opt().is_some());
    Item {
        name: format!("Node.js ≥ {} with npm", oldest()),
        purpose: "runs the command, and installs wasm-opt".into(),
        minutes: 1.0,
        found: found.map(|path| path.display().to_string()),
        install: Box::new(|| {
            if shell::which("npm").is_none() {
                apt::install(&["nodejs", "npm"], "Node.js")?;
            }
            if find().is_none() {
                // The distribution's Node.js is too old to run the command, but its npm fetches a newer one.
                npm_install("node", NODE)?;
            }
            find().map(|_| ()).with_context(|| {
                format!(
                    "no Node.js ≥ {} was found; install one from nodejs.org, so that `node` is on PATH",
                    oldest()
                )
            })
        }),
        optional: false,
    }
}

/// `wasm-opt`: from the cache, else a recent one on `PATH`.
pub fn find_wasm_opt() -> Option<PathBuf> {
    let cached = paths::tool("binaryen", BINARYEN).ok()?.join("bin").join("wasm-opt");
    if cached.is_file() && starts_on_node(&cached) {
        return Some(cached);
    }
    shell::which("wasm-opt").filter(|path| is_recent(path, WASM_OPT_OLDEST))
}

/// npm's `wasm-opt` is a script that starts whatever `node` comes first on `PATH`.
fn starts_on_node(script: &Path) -> bool {
    let Some(node) = find() else { return false };
    let mut command = Command::new(script);
    if let Some(path) = node.parent().and_then(|folder| search_path([folder.to_owned()])) {
        command.env("PATH", path);
    }
    shell::ask(command.arg("--version"), QUICK)
        .is_some_and(|text| find_version(&text).and_then(major_minor) >= Some(WASM_OPT_OLDEST))
}

/// A recent `wasm-opt`.
pub fn wasm_opt_item() -> Item {
    Item {
        name: format!("wasm-opt (binaryen {BINARYEN})"),
        purpose: "makes WebAssembly smaller and faster".into(),
        minutes: 0.2,
        found: find_wasm_opt().map(|path| path.display().to_string()),
        install: Box::new(|| {
            npm_install("binaryen", BINARYEN)?;
            if find_wasm_opt().is_none() {
                bail!("npm installed binaryen {BINARYEN}, but its wasm-opt does not run");
            }
            Ok(())
        }),
        optional: false,
    }
}

/// `esbuild` in the cache, if it runs.
pub fn find_esbuild() -> Option<PathBuf> {
    let cached = paths::tool("esbuild", ESBUILD).ok()?.join("bin").join("esbuild");
    let mut command = Command::new(&cached);
    if let Some(path) = find().and_then(|node| search_path([node.parent()?.to_owned()])) {
        command.env("PATH", path);
    }
    shell::ask(command.arg("--version"), QUICK).filter(|version| version.trim() == ESBUILD).map(|_| cached)
}

/// `esbuild`.
pub fn esbuild_item() -> Item {
    Item {
        name: format!("esbuild {ESBUILD}"),
        purpose: "makes the page's script and styles smaller".into(),
        minutes: 0.1,
        found: find_esbuild().map(|path| path.display().to_string()),
        install: Box::new(|| {
            npm_install("esbuild", ESBUILD)?;
            find_esbuild()
                .map(|_| ())
                .with_context(|| format!("npm installed esbuild {ESBUILD}, but it does not run"))
        }),
        optional: false,
    }
}

/// Installs a package with its programs to the cache; nothing of the user's npm is touched.
fn npm_install(package: &str, version: &str) -> Result<()> {
    let npm = shell::which("npm").context("npm is not on PATH")?;
    let mut command = Command::new(npm);
    command.args(["install", "--global", "--no-audit", "--no-fund", "--prefix"]);
    command.arg(paths::tool(package, version)?).arg(format!("{package}@{version}"));
    shell::run_compact("npm", &mut command, &log(&format!("npm-{package}"))?, LONG)
}
