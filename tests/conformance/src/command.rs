//! The built command under test, and the native one in the same words.

use crate::plans::PlanFile;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use tsink_migrate_testkit::native::{self, Outcome};
use tsink_migrate_testkit::tools::Tool;

/// A window in Unix ms, both ends included.
pub type Window = (i64, i64);

/// How a command ended, with its artifacts.
#[derive(Debug)]
pub struct Run {
    /// Exit code, standard output and error.
    pub outcome: Outcome,
    /// Folder of the artifacts; may not exist.
    pub artifacts: PathBuf,
    /// Keeps the folder.
    _plan: PlanFile,
}

impl Run {
    /// The JSON report.
    ///
    /// # Panics
    /// When there is none; the message shows what the command said.
    pub fn report(&self) -> Value {
        let file = ["report.json", "summary.json"]
            .map(|name| self.artifacts.join(name))
            .into_iter()
            .find(|file| file.is_file())
            .unwrap_or_else(|| panic!("no report in {}: {:#?}", self.artifacts.display(), self.outcome));
        let text = std::fs::read_to_string(file).expect("a readable report");
        serde_json::from_str(&text).expect("a report in JSON")
    }

    /// Whether there is a report of either form.
    pub fn has_report(&self) -> bool {
        self.artifacts.join("report.json").exists() || self.artifacts.join("report.md").exists()
    }

    /// The Markdown report.
    ///
    /// # Panics
    /// When there is none.
    pub fn markdown(&self) -> String {
        std::fs::read_to_string(self.artifacts.join("report.md")).expect("a Markdown report")
    }

    /// Asserts the exit code; the message shows everything the command said.
    ///
    /// # Panics
    /// When it is another one.
    #[track_caller]
    pub fn expect_code(self, code: i32) -> Self {
        assert_eq!(
            self.outcome.code,
            code,
            "stdout:\n{}\nstderr:\n{}\nreport:\n{}",
            self.outcome.stdout,
            self.outcome.stderr,
            std::fs::read_to_string(self.artifacts.join("report.json")).unwrap_or_default()
        );
        self
    }

    /// Everything a person or a log may get to see: both streams and all artifacts.
    pub fn everything(&self) -> String {
        let mut all = format!("{}\n{}", self.outcome.stdout, self.outcome.stderr);
        if let Ok(folder) = self.artifacts.read_dir() {
            for file in folder.flatten() {
                all.push_str(&String::from_utf8_lossy(&std::fs::read(file.path()).unwrap_or_default()));
            }
        }
        all
    }
}

/// The folder that `cargo xtask dist` builds the command into: `DIST_EDGE`, else `dist/edge`.
fn dist_edge() -> PathBuf {
    std::env::var_os("DIST_EDGE")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../dist/edge"), PathBuf::from)
}

/// The built command with these flags of Node.js, arguments and environment variables.
///
/// # Panics
/// When it has not been built, or Node.js is missing.
fn built(flags: &[&str], arguments: &[&str], env: &[(&str, &str)]) -> Command {
    let script = dist_edge().join("bin/tsink-migrate.mjs");
    assert!(script.is_file(), "{} is missing: run `cargo xtask dist` first", script.display());
    let mut command = Command::new(Tool::Node.find().expect("Node.js"));
    command.args(flags).arg(script).args(arguments).envs(env.iter().copied());
    // A proxy of the environment must not come between loopback servers.
    for name in ["http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NODE_OPTIONS"] {
        command.env_remove(name);
    }
    command
}

/// Runs the built command with these arguments and environment variables.
///
/// # Panics
/// When it has not been built, or Node.js is missing.
pub fn ours_raw(arguments: &[&str], env: &[(&str, &str)]) -> Outcome {
    Outcome::of(&mut built(&[], arguments, env)).expect("the command starts")
}

/// Starts the built command on a plan and does not wait for it; nobody hears what it says.
///
/// # Panics
/// As [`ours_raw`].
pub fn ours_started(command: &str, plan: &PlanFile, window: Window) -> Child {
    let (config, start, end) =
        (plan.path().display().to_string(), window.0.to_string(), window.1.to_string());
    let mut command =
        built(&[], &[command, "--config", &config, "--start-ms", &start, "--end-ms", &end], &[]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().expect("the command starts")
}

/// Runs the built command on a plan, with artifacts.
///
/// # Panics
/// As [`ours_raw`].
pub fn ours(command: &str, plan: &PlanFile, window: Window, more: &[&str]) -> Run {
    ours_with(command, plan, window, more, &[])
}

/// As [`ours`], with environment variables.
///
/// # Panics
/// As [`ours_raw`].
pub fn ours_with(command: &str, plan: &PlanFile, window: Window, more: &[&str], env: &[(&str, &str)]) -> Run {
    ours_on(&[], command, plan, window, more, env)
}

/// As [`ours`], for many small runs: V8 compiles once only. Its second, better compilation takes three times as
/// long as a small run, and Node.js waits for it.
///
/// # Panics
/// As [`ours_raw`].
pub fn ours_small(command: &str, plan: &PlanFile, window: Window, more: &[&str]) -> Run {
    ours_on(&["--liftoff-only"], command, plan, window, more, &[])
}

fn ours_on(
    flags: &[&str],
    command: &str,
    plan: &PlanFile,
    window: Window,
    more: &[&str],
    env: &[(&str, &str)],
) -> Run {
    let artifacts = plan.artifacts(&format!("ours-{command}"));
    let (config, folder) = (plan.path().display().to_string(), artifacts.display().to_string());
    let (start, end) = (window.0.to_string(), window.1.to_string());
    let mut arguments =
        vec![command, "--config", &config, "--start-ms", &start, "--end-ms", &end, "--artifact-dir", &folder];
    arguments.extend_from_slice(more);
    let outcome = Outcome::of(&mut built(flags, &arguments, env)).expect("the command starts");
    Run { outcome, artifacts, _plan: plan.clone() }
}

/// Runs the native tool on a plan, with artifacts.
///
/// # Panics
/// When it is missing.
pub fn theirs(command: &str, plan: &PlanFile, window: Window) -> Run {
    let artifacts = plan.artifacts(&format!("native-{command}"));
    let outcome =
        native::run(command, &plan.path(), window.0, window.1, Some(&artifacts)).expect("the native tool");
    Run { outcome, artifacts, _plan: plan.clone() }
}
