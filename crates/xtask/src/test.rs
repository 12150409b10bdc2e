//! `cargo xtask test`: everything that must hold, from formatting to browsers.

mod invariants;
mod steps;

use crate::dist;
use crate::setup::{Purpose, TARGET, Toolbox, setup};
use anyhow::Result;
use clap::ValueEnum;
use steps::Steps;

/// A part of the tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Part {
    /// Formatting, lints, and the engine's forbidden dependencies.
    Lint,
    /// Unit, property and snapshot tests, the fuzz corpora, and the IO shell in Node.js.
    Unit,
    /// The built command against real servers.
    Conformance,
    /// The built page in real browsers.
    E2e,
}

/// Packages whose own tests run natively.
const NATIVE: [&str; 7] = [
    "tsink-migrate-wire",
    "tsink-migrate-engine",
    "tsink-migrate-host",
    "tsink-migrate-edge",
    "tsink-migrate-testkit",
    "tsink-migrate-web",
    "xtask",
];
/// The package with tests that need JavaScript around them.
const IO_SHELL: &str = "tsink-migrate-host";
/// The arguments of cargo for those tests.
const IN_NODE: [&str; 8] = ["test", "--no-fail-fast", "-p", IO_SHELL, "--target", TARGET, "--test", "*"];
/// Cargo's variable for the program that runs the target's tests.
const RUNNER: &str = "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER";
/// Where property tests begin to draw their cases, so that every run has the same ones: a failure is of the change at
/// hand. Another seed, for other cases, is taken from the variable.
const SEED: (&str, &str) = ("PROPTEST_RNG_SEED", "20251118");
/// Packages that become WebAssembly.
const WASM: [&str; 5] = [
    "tsink-migrate-wire",
    "tsink-migrate-engine",
    "tsink-migrate-host",
    "tsink-migrate-edge",
    "tsink-migrate-web",
];

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
        let mut command = tools.cargo();
        command.args(["test", "--no-fail-fast"]).args(packages(&NATIVE));
        if std::env::var_os(SEED.0).is_none() {
            command.env(SEED.0, SEED.1);
        }
        steps.tests("unit tests", &mut command);
        steps.tests(
            "the IO shell in Node.js",
            tools.wasm_cargo().args(IN_NODE).env(RUNNER, tools.wasm_test_runner()),
        );
    }
    if wanted(Part::Conformance) || wanted(Part::E2e) {
        // Without it there is nothing to test; an old one would test something else.
        steps.check("the page and the command", || dist::dist(&tools));
        if steps.last_failed() {
            return steps.finish();
        }
    }
    if wanted(Part::Conformance) {
        let mut command = tools.cargo();
        command.args(["test", "--no-fail-fast", "-p", "conformance"]);
        steps.tests("conformance against real servers", &mut command);
    }
    if wanted(Part::E2e) {
        // One at a time: each test has a browser and several servers of its own, and two cores to share.
        let mut command = tools.cargo();
        command.args(["test", "--no-fail-fast", "-p", "e2e", "--", "--test-threads=1"]);
        steps.tests("browsers", &mut command);
    }
    steps.finish()
}

fn lint(tools: &Toolbox, steps: &mut Steps) {
    steps.run("formatting", tools.cargo().args(["fmt", "--all", "--check"]));
    let deny = ["--", "-D", "warnings"];
    steps.run("lints", tools.cargo().args(["clippy", "--workspace", "--all-targets"]).args(deny));
    let mut wasm = tools.wasm_cargo();
    wasm.args(["clippy", "--target", TARGET]).args(packages(&WASM)).args(deny);
    steps.run("lints for WebAssembly", &mut wasm);
    let mut tests = tools.wasm_cargo();
    tests.args(["clippy", "--target", TARGET, "-p", IO_SHELL, "--tests"]).args(deny);
    steps.run("lints for the IO shell's tests", &mut tests);
    steps.run("the engine's own lints (invariant 1)", &mut invariants::lints(tools));
    steps.check("the engine's dependencies (invariant 1)", || invariants::dependencies(tools));
}

fn packages<'a>(names: &'a [&'a str]) -> impl Iterator<Item = &'a str> {
    names.iter().flat_map(|name| ["-p", *name])
}
