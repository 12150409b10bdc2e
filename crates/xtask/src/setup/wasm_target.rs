//! The WebAssembly target of rustc.
//!
//! Three ways, the first that works: the active toolchain has it already; rustup adds it; or, where Rust's own
//! hosts cannot be reached, Debian's toolchain builds the library from Debian's sources (see [`debian`]).
//! `XTASK_WASM=rustup` or `XTASK_WASM=debian` forces one of the last two.

mod debian;

use super::registry::{RUSTUP_LIMIT, cargo, log};
use super::{Item, QUICK};
use crate::shell;
use anyhow::{Context, Result, bail};
use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The target's name.
pub const TARGET: &str = "wasm32-unknown-unknown";

/// How to build for the target.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WasmToolchain {
    /// What it is, for people.
    pub name: String,
    /// Folders that come first on `PATH`, so that every tool finds this toolchain's `cargo` and `rustc`.
    pub path: Vec<PathBuf>,
    /// Variables to set.
    pub set: Vec<(&'static str, OsString)>,
    /// Cargo, where it is not the one that runs this program.
    pub cargo: Option<PathBuf>,
}

impl WasmToolchain {
    /// Which cargo to start.
    pub fn cargo(&self) -> OsString {
        self.cargo.as_ref().map_or_else(cargo, |path| path.clone().into_os_string())
    }
}

/// Which way is forced.
fn forced() -> Option<String> {
    env::var("XTASK_WASM").ok().filter(|way| !way.is_empty())
}

/// A toolchain that is ready now.
pub fn find() -> Option<WasmToolchain> {
    let active = || active().filter(|_| forced().as_deref() != Some("debian"));
    let built = || debian::find().filter(|_| forced().as_deref() != Some("rustup"));
    active().or_else(built)
}

/// The active toolchain, if it has the target's library. rustup's brings a linker; of a distribution's, the
/// linker has its own package.
fn active() -> Option<WasmToolchain> {
    let library = rustc(&["--print", "target-libdir", "--target", TARGET])?;
    if !has_library(Path::new(library.trim())) {
        return None;
    }
    let sysroot = PathBuf::from(rustc(&["--print", "sysroot"])?.trim());
    let about = rustc(&["--version", "--verbose"])?;
    let host = field(&about, "host")?;
    let own_linker = sysroot.join("lib/rustlib").join(host).join("bin/rust-lld");
    let mut toolchain = WasmToolchain {
        name: about.lines().next().unwrap_or_default().to_owned(),
        ..WasmToolchain::default()
    };
    if !own_linker.is_file() {
        toolchain.set.push((LINKER, debian::linker(&about)?.into_os_string()));
    }
    Some(toolchain)
}

/// Cargo's variable for the target's linker.
const LINKER: &str = "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER";
/// Cargo's variable for the target's flags.
const RUSTFLAGS: &str = "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS";
/// The flags of `.cargo/config.toml`, which the variable puts out of force.
const PAGE_FLAGS: &str = "--cfg erase_components";

fn rustc(arguments: &[&str]) -> Option<String> {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    shell::ask(Command::new(rustc).args(arguments), QUICK)
}

/// Whether a library folder holds the core library.
fn has_library(folder: &Path) -> bool {
    let Ok(entries) = folder.read_dir() else { return false };
    entries.flatten().any(|entry| {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        name.starts_with("libcore-") && name.ends_with(".rlib")
    })
}

/// A field of `rustc --version --verbose`.
fn field<'a>(about: &'a str, name: &str) -> Option<&'a str> {
    about.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

/// The target.
pub fn item() -> Item {
    Item {
        name: format!("the {TARGET} target"),
        purpose: "the engine and the page are WebAssembly".into(),
        minutes: 1.0,
        found: find().map(|toolchain| toolchain.name),
        install: Box::new(install),
        optional: false,
    }
}

fn install() -> Result<()> {
    let by_rustup = match forced().as_deref() {
        Some("debian") => None,
        None | Some("rustup") => Some(add_by_rustup()),
        Some(other) => bail!("XTASK_WASM={other}: it is either rustup or debian"),
    };
    match by_rustup {
        Some(Ok(())) => return Ok(()),
        Some(Err(error)) if forced().is_some() => return Err(error),
        Some(Err(error)) => {
            let first = error.to_string();
            eprintln!("    rustup cannot: {}", first.lines().last().unwrap_or_default());
            eprintln!("    building the library from Debian's sources instead");
        }
        None => {}
    }
    debian::build()
        .context("Where rustup can download, `rustup target add wasm32-unknown-unknown` does it instead")
}

fn add_by_rustup() -> Result<()> {
    if shell::which("rustup").is_none() {
        bail!("rustup is not on PATH");
    }
    let mut command = Command::new("rustup");
    command.args(["target", "add", TARGET]);
    shell::run_compact("rustup", &mut command, &log("rustup-target")?, RUSTUP_LIMIT)?;
    active().map(|_| ()).context("rustup added the target, but rustc does not find it")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_rustc_says_of_itself() {
        let about = "rustc 1.96.0 (built from a source tarball)\nhost: x86_64-unknown-linux-gnu\nLLVM version: 22.1.8\n";
        assert_eq!(field(about, "host"), Some("x86_64-unknown-linux-gnu"));
        assert_eq!(field(about, "LLVM version"), Some("22.1.8"));
        assert_eq!(field(about, "release"), None);
    }

    #[test]
    fn flags_are_those_of_the_configuration() {
        let config = std::fs::read_to_string(crate::paths::root().join(".cargo/config.toml")).unwrap();
        let quoted: Vec<String> = PAGE_FLAGS.split(' ').map(|flag| format!("{flag:?}")).collect();
        assert!(config.contains(&format!("rustflags = [{}]", quoted.join(", "))), "{config}");
    }

    #[test]
    fn an_empty_library_folder_is_no_library() {
        let folder = tempfile::tempdir().unwrap();
        assert!(!has_library(&folder.path().join("none")));
        std::fs::write(folder.path().join("libcore-12.rmeta"), "").unwrap();
        assert!(!has_library(folder.path()));
        std::fs::write(folder.path().join("libcore-12.rlib"), "").unwrap();
        assert!(has_library(folder.path()));
    }
}
