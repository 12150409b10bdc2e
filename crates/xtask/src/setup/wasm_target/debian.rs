//! The target from Debian's toolchain.
//!
//! Debian packages rustc with the sources of its library (`rustc-web`, `rust-web-src`), but without the
//! library for WebAssembly. Building it takes half a minute. The result is a sysroot of its own in the cache,
//! which the flags of the target name, so nothing below `/usr` changes: when Debian updates its rustc, the
//! next run builds again.

use super::{LINKER, PAGE_FLAGS, RUSTFLAGS, TARGET, WasmToolchain, field, has_library};
use crate::setup::{LONG, QUICK, apt, registry::log};
use crate::versions::{find_version, major};
use crate::{paths, shell};
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const CARGO: &str = "/usr/bin/cargo";
const RUSTC: &str = "/usr/bin/rustc";
/// What the library is compiled with, beside the settings that its own build has.
const STD_FLAGS: &str = "-Cembed-bitcode=yes -Zforce-unstable-if-unmarked";
/// Says for which compiler a sysroot was built.
const MARK: &str = "built-for";

/// `rustc --version --verbose` of Debian's compiler.
fn about() -> Option<String> {
    if !Path::new(CARGO).is_file() {
        return None;
    }
    shell::ask(Command::new(RUSTC).args(["--version", "--verbose"]), QUICK)
}

fn sysroot(about: &str) -> Result<PathBuf> {
    let release = field(about, "release").context("rustc does not say its release")?;
    Ok(paths::cache()?.join("wasm-sysroot").join(release))
}

/// The toolchain, if its library was built and fits.
pub fn find() -> Option<WasmToolchain> {
    let about = about()?;
    let sysroot = sysroot(&about).ok()?;
    let fits = fs::read_to_string(sysroot.join(MARK)).is_ok_and(|built_for| built_for == about);
    if !fits || !has_library(&library(&sysroot)) {
        return None;
    }
    Some(WasmToolchain {
        name: format!("Debian's {}, library in the cache", about.lines().next().unwrap_or("rustc")),
        path: vec![sysroot.join("bin")],
        set: vec![
            (LINKER, linker(&about)?.into_os_string()),
            (RUSTFLAGS, format!("--sysroot={} {PAGE_FLAGS}", sysroot.display()).into()),
            ("RUSTC", RUSTC.into()),
        ],
        cargo: Some(CARGO.into()),
    })
}

fn library(sysroot: &Path) -> PathBuf {
    sysroot.join("lib/rustlib").join(TARGET).join("lib")
}

/// A linker for WebAssembly that is at least as new as the compiler's LLVM: an older one may not know what
/// the compiler writes. Debian names it by its version.
pub fn linker(about: &str) -> Option<PathBuf> {
    let oldest = major(field(about, "LLVM version")?)?;
    let is_new = |path: &PathBuf| {
        shell::ask(Command::new(path).arg("--version"), QUICK)
            .and_then(|text| major(find_version(&text)?))
            .is_some_and(|found| found >= oldest)
    };
    (oldest..oldest + 3)
        .map(|version| format!("wasm-ld-{version}"))
        .chain(["wasm-ld".to_owned()])
        .filter_map(|name| shell::which(&name))
        .find(is_new)
}

/// Installs the packages and builds the library.
///
/// # Errors
/// Where there is no apt or no root, with the command to run; and when the build fails.
pub fn build() -> Result<()> {
    if about().is_none() || sources().is_none() || shell::which("cargo-clippy").is_none() {
        apt::install(
            &["rustc-web", "cargo-web", "rust-web-src", "rust-web-clippy"],
            "a Rust toolchain with the sources of its library",
        )?;
    }
    let about =
        about().context("/usr/bin/rustc and /usr/bin/cargo are not there after installing rustc-web")?;
    if linker(&about).is_none() {
        let llvm =
            field(&about, "LLVM version").and_then(major).context("rustc does not say its LLVM version")?;
        apt::install(&[&format!("lld-{llvm}")], "the linker for WebAssembly")?;
    }
    let sources = sources().context("rust-web-src has no folder /usr/src/rustc-*/library")?;
    let sysroot = sysroot(&about)?;
    let parent = sysroot.parent().context("the cache has no parent folder")?;
    fs::create_dir_all(parent)?;
    let scratch = tempfile::Builder::new().prefix("building-").tempdir_in(parent)?;

    let copy = scratch.path().join("library");
    copy_folder(&sources, &copy)?;
    let manifest = copy.join("Cargo.toml");
    let text = fs::read_to_string(&manifest)?;
    // Their sources are not in Debian's package.
    fs::write(&manifest, without_members(&text, &["coretests", "alloctests"]))?;

    let built = scratch.path().join("target");
    let mut command = Command::new(CARGO);
    command
        .args(["build", "--release", "--target", TARGET, "--features", "panic-unwind", "--manifest-path"])
        .arg(copy.join("sysroot/Cargo.toml"))
        .current_dir(&copy)
        .env("RUSTC", RUSTC)
        .env("RUSTC_BOOTSTRAP", "1")
        .env("__CARGO_DEFAULT_LIB_METADATA", "stablestd")
        .env("RUSTFLAGS", STD_FLAGS)
        .env("CARGO_TARGET_DIR", &built);
    for variable in ["CARGO_ENCODED_RUSTFLAGS", "CARGO_BUILD_TARGET", "RUSTUP_TOOLCHAIN"] {
        command.env_remove(variable);
    }
    shell::run_compact("the library for WebAssembly", &mut command, &log("wasm-library")?, LONG)?;

    let new = scratch.path().join("sysroot");
    let library = library(&new);
    fs::create_dir_all(&library)?;
    for entry in built.join(TARGET).join("release/deps").read_dir()? {
        let path = entry?.path();
        if let (Some("rlib"), Some(name)) = (path.extension().and_then(|e| e.to_str()), path.file_name()) {
            fs::copy(&path, library.join(name))?;
        }
    }
    if !has_library(&library) {
        bail!("the build made no core library");
    }
    programs(&new.join("bin"))?;
    fs::write(new.join(MARK), &about)?;
    if sysroot.exists() {
        fs::remove_dir_all(&sysroot)?;
    }
    // Renaming last: a build that was stopped leaves nothing that looks whole.
    fs::rename(&new, &sysroot)?;
    find().map(|_| ()).context("the library was built, but no linker for WebAssembly was found")
}

/// Trunk and clippy start `cargo` and `rustc` by name; this folder gives the names to Debian's.
fn programs(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder)?;
    for name in ["cargo", "rustc", "cargo-clippy", "clippy-driver"] {
        let program = Path::new("/usr/bin").join(name);
        if program.is_file() {
            #[cfg(unix)]
            std::os::unix::fs::symlink(&program, folder.join(name))?;
        }
    }
    Ok(())
}

/// The library's sources. The folder's name moves with the version, so it is looked for.
fn sources() -> Option<PathBuf> {
    let release = field(&about()?, "release")?.to_owned();
    let named = Path::new("/usr/src").join(format!("rustc-{release}")).join("library");
    if named.is_dir() {
        return Some(named);
    }
    let mut found: Vec<PathBuf> = fs::read_dir("/usr/src")
        .ok()?
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(&format!("rustc-{release}")))
        .map(|entry| entry.path().join("library"))
        .filter(|folder| folder.is_dir())
        .collect();
    found.sort();
    found.pop()
}

/// Drops members from a workspace manifest, one a line as in the library's.
fn without_members(manifest: &str, members: &[&str]) -> String {
    manifest
        .lines()
        .filter(|line| {
            !members.iter().any(|member| line.trim().trim_end_matches(',') == format!("\"{member}\""))
        })
        .flat_map(|line| [line, "\n"])
        .collect()
}

fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in from.read_dir().with_context(|| format!("cannot read {}", from.display()))? {
        let entry = entry?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        // Following symbolic links: Debian's sources have some that point outside the folder.
        let meta = match fs::metadata(&source) {
            Ok(meta) => meta,
            // A dangling link is of something that Debian leaves out.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error.into()),
        };
        if meta.is_dir() {
            copy_folder(&source, &target)?;
        } else {
            fs::write(&target, fs::read(&source)?)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drops_workspace_members() {
        let manifest = "[workspace]\nmembers = [\n  \"std\",\n  \"coretests\",\n  \"alloctests\",\n]\nexclude = [\"x\"]\n";
        assert_eq!(
            without_members(manifest, &["coretests", "alloctests"]),
            "[workspace]\nmembers = [\n  \"std\",\n]\nexclude = [\"x\"]\n"
        );
    }
}
