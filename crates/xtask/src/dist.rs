//! `cargo xtask dist`: the page for any static host, and the command as an npm package.

mod minify;
mod page;
mod stamp;
mod transfer;

use crate::setup::{TARGET, Toolbox, log};
use crate::{paths, shell};
use anyhow::{Context, Result, bail};
use stamp::Part;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// What rustc and wasm-bindgen emit, and every browser since 2022 runs.
const WASM_FEATURES: [&str; 6] = [
    "--enable-bulk-memory",
    "--enable-mutable-globals",
    "--enable-nontrapping-float-to-int",
    "--enable-reference-types",
    "--enable-sign-ext",
    "--enable-multivalue",
];

/// Functions with one caller stay functions, as the code has them, unless they are small. Otherwise wasm-opt puts whole
/// call trees into one, and V8's time for optimising what is hot grows faster than its size: 0.4 s of a verification of
/// 5.76 M samples, and 0.15 s so (by `--trace-wasm-compilation-times`).
const SEPARATE: [&str; 2] = ["--one-caller-inline-max-function-size", "50"];

/// One step on a slow machine takes less.
const LONG: Duration = Duration::from_secs(60 * 60);

/// Builds `dist/site` and `dist/edge`, unless they are up to date, and prints what a first visit transfers, and what
/// the first plan adds.
///
/// # Errors
/// When a build fails, or when page or engine is larger than it may be.
pub fn dist(tools: &Toolbox) -> Result<()> {
    site_only(tools)?;
    edge_only(tools)
}

/// Builds `dist/edge` alone.
///
/// # Errors
/// When a build fails.
pub fn edge_only(tools: &Toolbox) -> Result<()> {
    build(tools, Part::Edge, edge)
}

/// Builds `dist/site` alone.
///
/// # Errors
/// As [`dist`].
pub fn site_only(tools: &Toolbox) -> Result<()> {
    build(tools, Part::Site, site)?;
    let table = transfer::measure(&paths::site())?;
    println!("{table}");
    table.check()
}

fn build(tools: &Toolbox, part: Part, make: fn(&Toolbox) -> Result<()>) -> Result<()> {
    let identity = stamp::identity(tools, part)?;
    if stamp::matches(part, &identity) {
        eprintln!("dist: the {} is up to date", if part == Part::Site { "page" } else { "command" });
        return Ok(());
    }
    stamp::remove(part)?;
    make(tools)?;
    stamp::write(part, &identity)
}

fn site(tools: &Toolbox) -> Result<()> {
    eprintln!("dist: building the page (several minutes the first time)");
    let folder = paths::site();
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| format!("cannot empty {}", folder.display()))?;
    }
    let mut trunk = Command::new(&tools.trunk);
    tools.prepare_wasm(&mut trunk);
    // Some environments set NO_COLOR=1, which trunk takes for a boolean of its own and refuses. Not `--offline`:
    // trunk hands that on to cargo, and on a fresh machine the page's crates are not there yet.
    trunk.env_remove("NO_COLOR").args(["build", "--release", "--skip-version-check", "--dist"]).arg(&folder);
    shell::run_compact("trunk build", &mut trunk, &log("dist-site")?, LONG)?;
    let page = folder.join("index.html");
    page::finish(&page)?;
    minify::styles(tools, &page)?;
    minify::scripts(tools, &folder)
}

fn edge(tools: &Toolbox) -> Result<()> {
    eprintln!("dist: building the command");
    let folder = paths::edge();
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| format!("cannot empty {}", folder.display()))?;
    }
    let engine = folder.join("engine");
    fs::create_dir_all(&engine)?;
    let mut cargo = tools.wasm_cargo();
    cargo.args(["build", "--profile", "edge", "--locked", "--target", TARGET, "-p", "tsink-migrate-edge"]);
    shell::run_compact("cargo build", &mut cargo, &log("dist-edge")?, LONG)?;
    let wasm = paths::target().join(TARGET).join("edge/tsink_migrate_edge.wasm");
    let mut bindgen = Command::new(&tools.wasm_bindgen);
    bindgen
        .args(["--target", "web", "--no-typescript", "--out-name", "tsink_migrate_edge", "--out-dir"])
        .arg(&engine)
        .arg(&wasm);
    shell::run(&mut bindgen)?;
    let bound = engine.join("tsink_migrate_edge_bg.wasm");
    let mut optimise = Command::new(&tools.wasm_opt);
    // npm's wasm-opt starts the `node` on PATH, which may be too old.
    tools.prepare_wasm(&mut optimise);
    optimise.arg("-O3").args(SEPARATE).args(WASM_FEATURES).arg(&bound).arg("-o").arg(&bound);
    shell::run_compact("wasm-opt", &mut optimise, &log("dist-edge-opt")?, LONG)?;
    copy_folder(&paths::root().join("crates/edge/npm"), &folder)?;
    fs::copy(paths::root().join("LICENSE"), folder.join("LICENSE")).context("cannot copy LICENSE")?;
    starts(tools, &folder)
}

/// Whether the built command runs at all: a package that does not start is no package.
fn starts(tools: &Toolbox, folder: &Path) -> Result<()> {
    let mut command = Command::new(&tools.node);
    command.arg(folder.join("bin/tsink-migrate.mjs")).arg("--version");
    match shell::ask(&mut command, Duration::from_secs(60)) {
        Some(text) if text.contains(env!("CARGO_PKG_VERSION")) => Ok(()),
        Some(text) => bail!("the built command says {:?} where its version should be", text.trim()),
        None => bail!("the built command does not start; try `{}`", shell::line(&command)),
    }
}

fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from).with_context(|| format!("cannot read {}", from.display()))? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), &target).with_context(|| format!("cannot write {}", target.display()))?;
        }
    }
    Ok(())
}
