//! Invariant 1: the engine reaches the world only through ports.

use crate::paths;
use crate::setup::Toolbox;
use anyhow::{Context, Result, bail};
use std::process::Command;

/// What the engine must not depend on, directly or through others: IO, clocks, randomness, JavaScript.
const FORBIDDEN: [&str; 14] = [
    "async-std",
    "fastrand",
    "getrandom",
    "gloo-net",
    "gloo-timers",
    "hyper",
    "js-sys",
    "rand",
    "reqwest",
    "tokio",
    "wasm-bindgen",
    "wasm-bindgen-futures",
    "web-sys",
    "web-time",
];

/// What the PromQL parser brings: a crate that it adds durations with, whose clock nobody calls, and the clock by
/// which the grammar's library ends its search for a repair of a broken query. No decision of the engine's is in
/// them, and the lints see to its own code.
const OF_THE_PARSER: [&str; 2] = ["chrono", "web-time"];

/// Clippy with a configuration that bans clocks, files, sockets, threads and environment from the engine.
pub fn lints(tools: &Toolbox) -> Command {
    let mut command = tools.cargo();
    command.env("CLIPPY_CONF_DIR", paths::root().join("crates/engine/.lints")).args([
        "clippy",
        "-p",
        "tsink-migrate-engine",
        "-p",
        "tsink-migrate-wire",
        "--lib",
        "--",
        "-D",
        "warnings",
    ]);
    command
}

/// Looks for forbidden packages among everything that the engine is built from on WebAssembly.
///
/// # Errors
/// When there is one; the message names it.
pub fn dependencies(tools: &Toolbox) -> Result<()> {
    let output = tools
        .cargo()
        .args(["tree", "-p", "tsink-migrate-engine", "-e", "normal", "--prefix", "none", "--format", "{p}"])
        .args(["--target", "wasm32-unknown-unknown"])
        .args(OF_THE_PARSER.iter().flat_map(|name| ["--prune", *name]))
        .output()
        .context("cannot run cargo tree")?;
    if !output.status.success() {
        bail!("cargo tree failed: {}", String::from_utf8_lossy(&output.stderr));
    }
    let found = forbidden(&String::from_utf8_lossy(&output.stdout));
    if !found.is_empty() {
        bail!("the engine depends on {}", found.join(", "));
    }
    Ok(())
}

fn forbidden(tree: &str) -> Vec<String> {
    let mut found: Vec<String> = tree
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| FORBIDDEN.contains(name))
        .map(str::to_owned)
        .collect();
    found.sort();
    found.dedup();
    found
}

#[cfg(test)]
mod tests {
    use super::forbidden;

    #[test]
    fn finds_what_must_not_be_there() {
        assert!(forbidden("tsink-migrate-engine v0.1.0 (/x)\nserde v1.0.0\n").is_empty());
        assert_eq!(forbidden("a v1\nweb-sys v0.3.0\nrand v0.9.0\nweb-sys v0.3.0 (*)\n"), ["rand", "web-sys"]);
    }
}
