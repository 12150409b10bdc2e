//! Every version that this project pins outside `Cargo.lock`, in one place.
//!
//! `wasm-bindgen-cli` is not here: it has to be of the version of the `wasm-bindgen` crate in `Cargo.lock`
//! (see [`locked`]).

use anyhow::{Context, Result};

/// A program from the crate registry.
#[derive(Clone, Debug, PartialEq)]
pub struct CargoTool {
    /// Name of the crate.
    pub krate: &'static str,
    /// Version of the crate.
    pub version: String,
    /// Programs that it installs; the first one is asked for its version.
    pub programs: &'static [&'static str],
    /// Whether the crate's own lock file is used.
    pub locked: bool,
    /// What it is for, to be shown before it is installed.
    pub purpose: &'static str,
    /// How long installing takes on two cores, in minutes.
    pub minutes: f32,
}

/// Target server and the native tool, which conformance tests and benchmarks hold this project against.
pub fn tsink() -> CargoTool {
    CargoTool {
        krate: "tsink-server",
        version: "0.10.2".into(),
        programs: &["tsink-server", "tsink-migrate"],
        locked: true,
        purpose: "the target server, and the native tsink-migrate as yardstick",
        minutes: 3.5,
    }
}

/// Builds the page. Does not compile without its lock file.
pub fn trunk() -> CargoTool {
    CargoTool {
        krate: "trunk",
        version: "0.21.14".into(),
        programs: &["trunk"],
        locked: true,
        purpose: "builds the page",
        minutes: 8.5,
    }
}

/// Binds WebAssembly to JavaScript. `version` is the one of the `wasm-bindgen` crate in `Cargo.lock`.
pub fn wasm_bindgen(version: String) -> CargoTool {
    CargoTool {
        krate: "wasm-bindgen-cli",
        version,
        programs: &["wasm-bindgen", "wasm-bindgen-test-runner"],
        locked: false,
        purpose: "binds WebAssembly to JavaScript; of exactly the version in Cargo.lock",
        minutes: 1.8,
    }
}

/// Drives Firefox in tests.
pub fn geckodriver() -> CargoTool {
    CargoTool {
        krate: "geckodriver",
        version: "0.37.1".into(),
        programs: &["geckodriver"],
        locked: false,
        purpose: "drives Firefox in the browser tests",
        minutes: 1.4,
    }
}

/// Version of the npm package `binaryen`, which carries `wasm-opt`.
pub const BINARYEN: &str = "132.0.0";
/// Version of the npm package `esbuild`, which minifies the page's script and styles.
pub const ESBUILD: &str = "0.28.2";
/// Oldest `wasm-opt` on `PATH` that knows what today's rustc emits.
pub const WASM_OPT_OLDEST: (u32, u32) = (120, 0);
/// Version of the npm package `node`, for machines whose Node.js is too old.
pub const NODE: &str = "22.23.3";
/// Oldest Node.js that setup takes, major and minor. The command runs on any 20; tests of the IO shell need
/// `process.getBuiltinModule` of 20.16.
pub const NODE_OLDEST: (u32, u32) = (20, 16);

/// The version of a package in the text of a `Cargo.lock`.
///
/// # Errors
/// When the package is not in it.
pub fn locked(lock: &str, package: &str) -> Result<String> {
    let head = format!("name = \"{package}\"");
    let mut lines = lock.lines().map(str::trim);
    lines.find(|line| *line == head);
    lines
        .next()
        .and_then(|line| line.strip_prefix("version = \"")?.strip_suffix('"'))
        .map(str::to_owned)
        .with_context(|| format!("Cargo.lock names no version of {package}"))
}

/// The first thing in a text that looks like a version (`1.2.3`, `v20.1`, `version 132`).
pub fn find_version(text: &str) -> Option<&str> {
    text.split(|c: char| c.is_whitespace() || matches!(c, '(' | ')' | ','))
        .map(|word| word.strip_prefix('v').unwrap_or(word))
        .find(|word| word.starts_with(|c: char| c.is_ascii_digit()))
}

/// The number before a version's first dot.
pub fn major(version: &str) -> Option<u32> {
    Some(major_minor(version)?.0)
}

/// A version's first two numbers; the second is 0 where there is none.
pub fn major_minor(version: &str) -> Option<(u32, u32)> {
    let mut numbers = version.split('.').map(|part| {
        let digits = part.split(|c: char| !c.is_ascii_digit()).next().unwrap_or_default();
        digits.parse().ok()
    });
    Some((numbers.next()??, numbers.next().flatten().unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_locked_version() {
        let lock = "[[package]]\nname = \"wasm-bindgen-shared\"\nversion = \"9.9.9\"\n\n\
                    [[package]]\nname = \"wasm-bindgen\"\nversion = \"0.2.130\"\nsource = \"x\"\n";
        assert_eq!(locked(lock, "wasm-bindgen").unwrap(), "0.2.130");
        assert!(locked(lock, "wasm").is_err());
    }

    #[test]
    fn finds_versions_as_programs_print_them() {
        for (text, version) in [
            ("trunk 0.21.14\n", "0.21.14"),
            ("v20.20.2\n", "20.20.2"),
            ("wasm-opt version 132 (version_132)\n", "132"),
            ("geckodriver 0.37.1 ( 2026-01-01)\n", "0.37.1"),
            ("prometheus, version 2.42.0+ds (branch: debian/sid)", "2.42.0+ds"),
        ] {
            assert_eq!(find_version(text), Some(version), "{text}");
        }
        assert_eq!(find_version("error: no such flag"), None);
        assert_eq!(major("132"), Some(132));
        assert_eq!(major("22.1.8"), Some(22));
        assert_eq!(major("x"), None);
        assert_eq!(major_minor("20.20.2"), Some((20, 20)));
        assert_eq!(major_minor("2.42+ds"), Some((2, 42)));
        assert_eq!(major_minor("132"), Some((132, 0)));
    }
}
