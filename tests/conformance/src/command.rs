//! The built command under test, and the native one in the same words.

use crate::plans::PlanFile;
use serde_json::Value;
use std::io::{Read, Write};
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

/// A proxy of the environment must not come between loopback servers.
const PROXIES: [&str; 5] = ["http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NODE_OPTIONS"];

/// The built command with these flags of Node.js, arguments and environment variables.
///
/// # Panics
/// When it has not been built, or Node.js is missing.
fn built(flags: &[&str], arguments: &[&str], env: &[(&str, &str)]) -> Command {
    let script = dist_edge().join("bin/tsink-migrate.mjs");
    assert!(script.is_file(), "{} is missing: run `cargo xtask dist` first", script.display());
    let mut command = Command::new(Tool::Node.find().expect("Node.js"));
    command.args(flags).arg(script).args(arguments).envs(env.iter().copied());
    for name in PROXIES {
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

/// As [`ours_started`], with the artifacts and so the ledger of [`ours`].
///
/// # Panics
/// As [`ours_raw`].
pub fn ours_kept(command: &str, plan: &PlanFile, window: Window) -> Child {
    let folder = plan.artifacts(&format!("ours-{command}")).display().to_string();
    let (config, start, end) =
        (plan.path().display().to_string(), window.0.to_string(), window.1.to_string());
    let arguments =
        [command, "--config", &config, "--start-ms", &start, "--end-ms", &end, "--artifact-dir", &folder];
    let mut command = built(&[], &arguments, &[]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().expect("the command starts")
}

/// A command on its way.
pub struct UnderWay {
    thread: std::thread::JoinHandle<Outcome>,
    artifacts: PathBuf,
    plan: PlanFile,
}

impl UnderWay {
    /// Starts the built command on a plan, with artifacts, flags of Node.js and environment variables.
    ///
    /// # Panics
    /// As [`ours_raw`].
    pub fn start(
        flags: &[&str],
        command: &str,
        plan: &PlanFile,
        window: Window,
        env: &[(&str, &str)],
    ) -> Self {
        let artifacts = plan.artifacts(&format!("ours-{command}"));
        let arguments = arguments(command, plan, window, &artifacts);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let mut command = built(flags, &arguments, env);
        command.stdin(Stdio::null());
        // Whoever waits reads both streams, so that neither fills up.
        let thread = std::thread::spawn(move || Outcome::of(&mut command).expect("the command starts"));
        Self { thread, artifacts, plan: plan.clone() }
    }

    /// Whether it has ended.
    pub fn has_ended(&self) -> bool {
        self.thread.is_finished()
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// When it could not be started.
    pub fn finish(self) -> Run {
        let outcome = self.thread.join().expect("the command starts");
        Run { outcome, artifacts: self.artifacts, _plan: self.plan }
    }
}

fn arguments(command: &str, plan: &PlanFile, window: Window, artifacts: &Path) -> Vec<String> {
    let (config, folder) = (plan.path().display().to_string(), artifacts.display().to_string());
    let (start, end) = (window.0.to_string(), window.1.to_string());
    [command, "--config", &config, "--start-ms", &start, "--end-ms", &end, "--artifact-dir", &folder]
        .map(str::to_owned)
        .to_vec()
}

/// Runs the built command at a terminal, on which these lines are typed as soon as `prompt` is asked. What the terminal
/// shows is standard output.
///
/// # Panics
/// As [`ours_raw`], and without `script` of util-linux.
pub fn ours_at_a_terminal(
    command: &str,
    plan: &PlanFile,
    window: Window,
    env: &[(&str, &str)],
    prompt: &str,
    typed: &[&str],
) -> Run {
    let artifacts = plan.artifacts(&format!("ours-{command}"));
    let arguments = arguments(command, plan, window, &artifacts);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let inner = built(&[], &arguments, env);
    let quoted = |text: &std::ffi::OsStr| format!("'{}'", text.to_string_lossy().replace('\'', "'\\''"));
    let line: Vec<String> =
        std::iter::once(inner.get_program()).chain(inner.get_args()).map(quoted).collect();
    let mut script = Command::new("script");
    script.args(["--quiet", "--return", "--flush", "--command", &line.join(" "), "/dev/null"]);
    script.envs(env.iter().copied());
    for name in PROXIES {
        script.env_remove(name);
    }
    let mut child =
        script.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("script");
    let (mut input, mut output) = (child.stdin.take().expect("input"), child.stdout.take().expect("output"));
    let (mut shown, mut asked, mut answers) = (Vec::new(), 0, typed.iter());
    let mut piece = [0; 4096];
    loop {
        let read = output.read(&mut piece).unwrap_or(0);
        if read == 0 {
            break;
        }
        shown.extend_from_slice(&piece[..read]);
        let times = String::from_utf8_lossy(&shown).matches(prompt).count();
        while asked < times {
            asked += 1;
            if let Some(answer) = answers.next() {
                input.write_all(format!("{answer}\r").as_bytes()).expect("the terminal takes input");
            }
        }
    }
    let code = child.wait().expect("an end").code().unwrap_or(-1);
    let stdout = String::from_utf8_lossy(&shown).into_owned();
    let outcome = Outcome { code, stdout, stderr: String::new() };
    Run { outcome, artifacts, _plan: plan.clone() }
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
    let fixed = arguments(command, plan, window, &artifacts);
    let arguments: Vec<&str> = fixed.iter().map(String::as_str).chain(more.iter().copied()).collect();
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
