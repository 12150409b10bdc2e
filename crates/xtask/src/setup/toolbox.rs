//! Where everything is, and how to hand it to other programs.

use super::wasm_target::{self, TARGET, WasmToolchain};
use super::{Purpose, node, packaged, registry};
use crate::{paths, shell, versions};
use anyhow::{Context, Result};
use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Installed tools.
#[derive(Clone, Debug)]
pub struct Toolbox {
    /// How to build WebAssembly.
    pub wasm: WasmToolchain,
    /// Node.js.
    pub node: PathBuf,
    /// `trunk`.
    pub trunk: PathBuf,
    /// `wasm-bindgen`.
    pub wasm_bindgen: PathBuf,
    /// `wasm-opt`.
    pub wasm_opt: PathBuf,
    /// `esbuild`.
    pub esbuild: PathBuf,
    /// Environment variables by which tests, demo and benchmarks find servers and browsers.
    pub variables: Vec<(&'static str, PathBuf)>,
}

impl Toolbox {
    /// Collects what setup made sure of.
    ///
    /// # Errors
    /// When something is missing all the same.
    pub fn collect(purpose: Purpose) -> Result<Self> {
        let lock = fs::read_to_string(paths::root().join("Cargo.lock"))?;
        let program = |tool: versions::CargoTool, name: &str| -> Result<PathBuf> {
            Ok(paths::tool(tool.krate, &tool.version)?.join("bin").join(name))
        };
        let node = node::find().context("no recent Node.js")?;
        let mut variables = vec![("NODE", node.clone())];
        if purpose != Purpose::Dist {
            // A caller who names another program than the pinned one has a reason.
            let chosen = |variable: &'static str, path: PathBuf| {
                (variable, env::var_os(variable).map(PathBuf::from).unwrap_or(path))
            };
            variables.push(chosen("TSINK_SERVER", program(versions::tsink(), "tsink-server")?));
            variables.push(chosen("TSINK_MIGRATE_NATIVE", program(versions::tsink(), "tsink-migrate")?));
            for tool in packaged::needed(purpose) {
                if let Some(path) = tool.find() {
                    variables.push((tool.variable, path));
                }
            }
        }
        if purpose == Purpose::Test {
            variables.push(("GECKODRIVER", program(versions::geckodriver(), "geckodriver")?));
        }
        Ok(Self {
            wasm: wasm_target::find().context("rustc has no WebAssembly target")?,
            node,
            trunk: program(versions::trunk(), "trunk")?,
            wasm_bindgen: program(
                versions::wasm_bindgen(versions::locked(&lock, "wasm-bindgen")?),
                "wasm-bindgen",
            )?,
            wasm_opt: node::find_wasm_opt().context("no recent wasm-opt")?,
            esbuild: node::find_esbuild().context("no esbuild")?,
            variables,
        })
    }

    /// What a variable of [`Self::variables`] names.
    ///
    /// # Errors
    /// When setup did not look for it.
    pub fn variable(&self, name: &str) -> Result<&Path> {
        let found = self.variables.iter().find(|(own, _)| *own == name);
        found.map(|(_, path)| path.as_path()).with_context(|| format!("setup did not find {name}"))
    }

    /// The machine's cargo, for what runs natively.
    pub fn cargo(&self) -> Command {
        let mut command = Command::new(registry::cargo());
        command.current_dir(paths::root());
        self.name_tools(&mut command);
        command
    }

    /// Cargo for WebAssembly. Add `--target` with [`TARGET`] to its arguments.
    pub fn wasm_cargo(&self) -> Command {
        let mut command = Command::new(self.wasm.cargo());
        self.prepare_wasm(&mut command);
        command
    }

    /// Lets a program build WebAssembly: toolchain, and the pinned tools first on `PATH`.
    pub fn prepare_wasm(&self, command: &mut Command) {
        command.current_dir(paths::root());
        let tools = [&self.wasm_bindgen, &self.wasm_opt, &self.node];
        // Only what `PATH` would not find by itself: a folder such as /usr/bin in front would put another
        // toolchain's cargo before the one that has the target.
        let folders = tools
            .into_iter()
            .filter(|program| !is_first(program))
            .filter_map(|program| Some(program.parent()?.to_owned()));
        if let Some(path) = node::search_path(self.wasm.path.iter().cloned().chain(folders)) {
            command.env("PATH", path);
        }
        // Flags for all targets would win over the ones of this target.
        for variable in ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "CARGO_BUILD_TARGET"] {
            command.env_remove(variable);
        }
        if self.wasm.cargo.is_some() {
            command.env_remove("RUSTUP_TOOLCHAIN").env_remove("CARGO");
        }
        for (variable, value) in &self.wasm.set {
            command.env(variable, value);
        }
    }

    /// The program that runs WebAssembly tests in Node.js; it comes with `wasm-bindgen`.
    pub fn wasm_test_runner(&self) -> PathBuf {
        self.wasm_bindgen.with_file_name("wasm-bindgen-test-runner")
    }

    /// Names servers, browsers and the built page to a program.
    pub fn name_tools(&self, command: &mut Command) {
        for (variable, path) in &self.variables {
            command.env(variable, path);
        }
        command.env("DIST_SITE", paths::site()).env("DIST_EDGE", paths::edge());
    }

    /// What a build depends on beside the sources.
    pub fn build_identity(&self) -> OsString {
        let mut identity = OsString::from(format!("{} {TARGET}", self.wasm.name));
        for tool in [&self.trunk, &self.wasm_bindgen, &self.wasm_opt, &self.esbuild] {
            identity.push(" ");
            identity.push(tool);
        }
        identity
    }
}

/// Whether `PATH` leads to this program already.
fn is_first(program: &Path) -> bool {
    program
        .file_name()
        .and_then(|name| shell::which(&name.to_string_lossy()))
        .is_some_and(|found| found == program)
}
