//! One command of one tool, measured.

use super::process::{Usage, cpu_s, measure};
use crate::paths;
use crate::setup::Toolbox;
use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;
use tsink_migrate_testkit::servers::Tsink;

/// Whose command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tool {
    /// tsink's own.
    Native,
    /// This project's.
    Ours,
}

impl Tool {
    /// For the raw data.
    pub fn name(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::Ours => "this",
        }
    }

    /// Both tools, by turns the one or the other first.
    pub fn by_turns(run: usize) -> [Self; 2] {
        if run.is_multiple_of(2) { [Self::Native, Self::Ours] } else { [Self::Ours, Self::Native] }
    }

    /// # Errors
    /// When it is not there.
    fn command(self, tools: &Toolbox) -> Result<Command> {
        Ok(match self {
            Self::Ours => {
                let mut command = Command::new(&tools.node);
                command.arg(paths::edge().join("bin/tsink-migrate.mjs"));
                // With it Node.js parses a bundle of certificates before it does anything, 50 ms of CPU. All servers
                // here speak plain HTTP, and only some machines have it set.
                command.env_remove("NODE_EXTRA_CA_CERTS");
                command
            }
            Self::Native => Command::new(tools.variable("TSINK_MIGRATE_NATIVE")?),
        })
    }
}

/// What one command took.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// Whose.
    pub tool: Tool,
    /// `backfill`, `verify`, `cutover-check`, or what a recording's reader does.
    pub what: &'static str,
    /// Of its process.
    pub usage: Usage,
    /// CPU of the target meanwhile, in s.
    pub target_cpu_s: f64,
    /// WebAssembly memory, in MiB; 0 for the native tool.
    pub engine_mib: f64,
}

impl Sample {
    /// For the raw data.
    pub fn json(&self) -> Value {
        json!({
            "tool": self.tool.name(),
            "what": self.what,
            "wall_s": self.usage.wall_s,
            "cpu_s": self.usage.cpu_s,
            "peak_mib": self.usage.peak_mib,
            "target_cpu_s": self.target_cpu_s,
            "engine_mib": self.engine_mib,
        })
    }
}

/// A plan in a folder of its own, to run commands with.
#[derive(Debug)]
pub struct Planned<'a> {
    tools: &'a Toolbox,
    folder: TempDir,
    /// First and last ms.
    window: (i64, i64),
}

impl<'a> Planned<'a> {
    /// Writes the plan.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn new(tools: &'a Toolbox, plan: &Value, window: (i64, i64)) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        fs::write(folder.path().join("plan.json"), serde_json::to_string_pretty(plan)?)?;
        Ok(Self { tools, folder, window })
    }

    /// Runs a command; also tells whether it passed.
    ///
    /// # Errors
    /// When it cannot be started or leaves no statistics.
    pub fn run(&self, tool: Tool, what: &'static str, target: &Tsink) -> Result<(Sample, bool)> {
        let plan = self.folder.path().join("plan.json");
        let arguments = ["--artifact-dir".into(), self.artifacts(tool).into_os_string()];
        run(self.tools, tool, (what, what), &plan, self.window, &arguments, target)
    }

    /// Runs a command that must pass.
    ///
    /// # Errors
    /// As [`Self::run`], and when it does not pass.
    pub fn pass(&self, tool: Tool, what: &'static str, target: &Tsink) -> Result<Sample> {
        match self.run(tool, what, target)? {
            (sample, true) => Ok(sample),
            _ => bail!("{} {what} failed", tool.name()),
        }
    }

    /// The report of the last command, in the form that both tools share.
    ///
    /// # Errors
    /// When there is none.
    pub fn report(&self, tool: Tool) -> Result<Value> {
        // The native tool names it otherwise than its documents do.
        let name = if tool == Tool::Native { "summary.json" } else { "report.json" };
        let file = self.artifacts(tool).join(name);
        let text = fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
        Ok(serde_json::from_str(&text)?)
    }

    fn artifacts(&self, tool: Tool) -> PathBuf {
        self.folder.path().join(tool.name())
    }
}

/// Runs `command` of a tool with a plan, and calls it `what`.
///
/// # Errors
/// When it cannot be started or leaves no statistics.
pub fn run(
    tools: &Toolbox,
    tool: Tool,
    (what, command): (&'static str, &str),
    plan: &Path,
    (start_ms, end_ms): (i64, i64),
    arguments: &[std::ffi::OsString],
    target: &Tsink,
) -> Result<(Sample, bool)> {
    let stats = plan.with_extension("stats");
    let mut process = tool.command(tools)?;
    process
        .arg(command)
        .arg("--config")
        .arg(plan)
        .args(["--start-ms", &start_ms.to_string(), "--end-ms", &end_ms.to_string()])
        .args(arguments)
        .env("TSINK_MIGRATE_STATS", &stats);
    let before = cpu_s(target.id());
    let (usage, passed) = measure(&mut process)?;
    let target_cpu_s = cpu_s(target.id()) - before;
    let engine_mib = match tool {
        Tool::Native => 0.0,
        Tool::Ours => {
            let text = fs::read_to_string(&stats).context("the command left no statistics")?;
            let stats: Value = serde_json::from_str(&text)?;
            let bytes = stats["engine_memory_bytes"].as_f64().context("statistics without memory")?;
            bytes / f64::from(1 << 20)
        }
    };
    eprintln!(
        "  {} {what}: {usage}, engine {engine_mib:.0} MiB, target CPU {target_cpu_s:.2} s",
        tool.name()
    );
    Ok((Sample { tool, what, usage, target_cpu_s, engine_mib }, passed))
}
