//! The native `tsink-migrate` 0.10.2, judge and yardstick.

use crate::tools::Tool;
use anyhow::{Context, Result};
use serde_json::Value;
use std::path::Path;
use std::process::Command;

/// What a command wrote and how it ended.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Exit code; -1 when a signal ended it.
    pub code: i32,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Outcome {
    /// Runs a program to its end.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn of(command: &mut Command) -> Result<Self> {
        let done = command.output().with_context(|| format!("cannot start {:?}", command.get_program()))?;
        Ok(Self {
            code: done.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&done.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&done.stderr).into_owned(),
        })
    }
}

/// Runs `backfill`, `verify` or `cutover-check`. Artifacts go to `artifacts`, where the native tool calls
/// them `summary.json` and `summary.md`.
///
/// # Errors
/// When the program is missing or cannot be started; a failing check is an outcome.
pub fn run(
    command: &str,
    plan: &Path,
    start_ms: i64,
    end_ms: i64,
    artifacts: Option<&Path>,
) -> Result<Outcome> {
    let mut native = Command::new(Tool::NativeMigrate.find()?);
    native.arg(command).arg("--config").arg(plan);
    native.args(["--start-ms", &start_ms.to_string(), "--end-ms", &end_ms.to_string()]);
    if let Some(folder) = artifacts {
        native.arg("--artifact-dir").arg(folder);
    }
    Outcome::of(&mut native)
}

/// The JSON report that [`run`] wrote to an artifact folder.
///
/// # Errors
/// When there is none or it is no JSON.
pub fn report(artifacts: &Path) -> Result<Value> {
    let file = artifacts.join("summary.json");
    let text = std::fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
    Ok(serde_json::from_str(&text)?)
}
