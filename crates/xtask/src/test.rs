//! `cargo xtask test`: everything that must hold, from formatting to browsers.

mod invariants;

use crate::setup::{Purpose, Toolbox, setup};
use crate::shell::{human, line};
use crate::{dist, paths};
use anyhow::{Result, bail};
use clap::ValueEnum;
use std::process::Command;
use std::time::Instant;

/// A part of the tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Part {
    /// Formatting, lints, and the engine's forbidden dependencies.
    Lint,
    /// Unit, property and snapshot tests, and the fuzz corpora.
    Unit,
    /// The built command against real servers.
    Conformance,
    /// The built page in real browsers.
    E2e,
}

/// Packages whose tests run natively and need no server.
const NATIVE: [&str; 6] = [
    "tsink-migrate-engine",
    "tsink-migrate-host",
    "tsink-migrate-edge",
    "tsink-migrate-testkit",
    "tsink-migrate-web",
    "xtask",
];
/// Packages that become WebAssembly.
const WASM: [&str; 4] =
    ["tsink-migrate-engine", "tsink-migrate-host", "tsink-migrate-edge", "tsink-migrate-web"];

/// Runs the tests, all of them or the named parts.
///
/// # Errors
/// When anything fails; the other parts have been run all the same.
pub fn test(only: &[Part]) -> Result<()> {
    let wanted = |part| only.is_empty() || only.contains(&part);
    let tools = setup(Purpose::Test)?;
    let mut steps = Steps::default();
    if wanted(Part::Lint) {
        lint(&tools, &mut steps);
    }
    if wanted(Part::Unit) {
        steps.run("unit tests", tools.cargo().arg("test").args(packages(&NATIVE)));
        let mut wasm = tools.wasm_cargo();
        wasm.env(
            "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER",
            tools.wasm_bindgen.with_file_name("wasm-bindgen-test-runner"),
        )
        .args(["test", "--target", "wasm32-unknown-unknown", "-p", "tsink-migrate-host", "--tests"]);
        steps.run("the host in Node.js", &mut wasm);
    }
    if wanted(Part::Conformance) || wanted(Part::E2e) {
        if let Err(error) = dist::dist(&tools) {
            // Without it there is nothing to test; an old one would test something else.
            return Err(steps.with(error));
        }
    }
    if wanted(Part::Conformance) {
        steps.run("conformance against real servers", tools.cargo().args(["test", "-p", "conformance"]));
    }
    if wanted(Part::E2e) {
        // One at a time: each test has a browser and several servers of its own, and two cores to share.
        let mut command = tools.cargo();
        command.args(["test", "-p", "e2e", "--", "--test-threads=1"]);
        steps.run("browsers", &mut command);
    }
    steps.finish()
}

fn lint(tools: &Toolbox, steps: &mut Steps) {
    steps.run("formatting", tools.cargo().args(["fmt", "--all", "--check"]));
    let deny = ["--", "-D", "warnings"];
    steps.run("lints", tools.cargo().args(["clippy", "--workspace", "--all-targets"]).args(deny));
    let mut wasm = tools.wasm_cargo();
    wasm.args(["clippy", "--target", "wasm32-unknown-unknown"]).args(packages(&WASM)).args(deny);
    steps.run("lints for WebAssembly", &mut wasm);
    steps.run("the engine's own lints (invariant 1)", &mut invariants::lints(tools));
    steps.check("the engine's dependencies (invariant 1)", || invariants::dependencies(tools));
}

fn packages<'a>(names: &'a [&'a str]) -> impl Iterator<Item = &'a str> {
    names.iter().flat_map(|name| ["-p", *name])
}

/// Steps with their verdicts: one that fails does not keep the others from running.
#[derive(Default)]
struct Steps {
    failed: Vec<String>,
    passed: usize,
}

impl Steps {
    fn run(&mut self, title: &str, command: &mut Command) {
        self.check(title, || {
            eprintln!("  $ {}", line(command));
            let status = command.status()?;
            if !status.success() {
                bail!("{status}");
            }
            Ok(())
        });
    }

    fn check(&mut self, title: &str, step: impl FnOnce() -> Result<()>) {
        eprintln!("\n── {title}");
        let started = Instant::now();
        match step() {
            Ok(()) => {
                self.passed += 1;
                eprintln!("── {title}: passed in {}", human(started.elapsed()));
            }
            Err(error) => {
                eprintln!("── {title}: FAILED after {}: {error:#}", human(started.elapsed()));
                self.failed.push(title.to_owned());
            }
        }
    }

    fn with(&self, error: anyhow::Error) -> anyhow::Error {
        if self.failed.is_empty() {
            error
        } else {
            error.context(format!("failed before: {}", self.failed.join(", ")))
        }
    }

    fn finish(self) -> Result<()> {
        let root = paths::root();
        eprintln!("\n{} steps passed, {} failed in {}", self.passed, self.failed.len(), root.display());
        if !self.failed.is_empty() {
            bail!("failed: {}", self.failed.join(", "));
        }
        Ok(())
    }
}
