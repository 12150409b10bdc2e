//! Steps with their verdicts: one that fails does not keep the others from running.

use crate::shell::{human, line};
use anyhow::{Context, Result, bail};
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// How Rust's test runner begins the line that sums up a suite.
const SUMMARY: &str = "test result: ";

/// One step that was run.
#[derive(Debug)]
struct Step {
    title: String,
    took: Duration,
    passed: bool,
    /// The runner's own summaries, one per suite that had tests.
    summaries: Vec<String>,
}

/// The steps so far.
#[derive(Debug, Default)]
pub struct Steps {
    done: Vec<Step>,
}

impl Steps {
    /// Runs a command; what it writes is for the reader.
    pub fn run(&mut self, title: &str, command: &mut Command) {
        self.check(title, || {
            eprintln!("  $ {}", line(command));
            let status = command.status()?;
            if !status.success() {
                bail!("{status}");
            }
            Ok(())
        });
    }

    /// Runs `cargo test`; keeps its summaries for the end.
    pub fn tests(&mut self, title: &str, command: &mut Command) {
        let mut summaries = Vec::new();
        self.check(title, || {
            eprintln!("  $ {}", line(command));
            let mut child = command.stdout(Stdio::piped()).spawn()?;
            let mut lines = BufReader::new(child.stdout.take().context("no output")?);
            let mut bytes = Vec::new();
            while lines.read_until(b'\n', &mut bytes)? > 0 {
                let text = String::from_utf8_lossy(&bytes);
                print!("{text}");
                summaries.extend(summary(&text));
                bytes.clear();
            }
            let status = child.wait()?;
            if !status.success() {
                bail!("{status}");
            }
            // A filter that matches nothing, or suites that were moved, must not look like success.
            if summaries.is_empty() {
                bail!("no test was run");
            }
            Ok(())
        });
        if let Some(step) = self.done.last_mut() {
            step.summaries = summaries;
        }
    }

    /// Runs a step that is no command.
    pub fn check(&mut self, title: &str, step: impl FnOnce() -> Result<()>) {
        eprintln!("\n── {title}");
        let started = Instant::now();
        let result = step();
        let took = started.elapsed();
        match &result {
            Ok(()) => eprintln!("── {title}: passed in {}", human(took)),
            Err(error) => eprintln!("── {title}: FAILED after {}: {error:#}", human(took)),
        }
        self.done.push(Step { title: title.to_owned(), took, passed: result.is_ok(), summaries: Vec::new() });
    }

    /// Whether the last step failed.
    pub fn last_failed(&self) -> bool {
        self.done.last().is_some_and(|step| !step.passed)
    }

    /// Says how everything went, with the runners' own summaries.
    ///
    /// # Errors
    /// When a step failed.
    pub fn finish(&self) -> Result<()> {
        println!("\n{}", self.table());
        let failed: Vec<&str> =
            self.done.iter().filter(|step| !step.passed).map(|step| step.title.as_str()).collect();
        if !failed.is_empty() {
            bail!("failed: {}", failed.join(", "));
        }
        Ok(())
    }

    fn table(&self) -> String {
        let mut text = String::new();
        for step in &self.done {
            let verdict = if step.passed { "ok    " } else { "FAILED" };
            text.push_str(&format!("{verdict} {} ({})\n", step.title, human(step.took)));
            for summary in &step.summaries {
                text.push_str(&format!("       {summary}\n"));
            }
        }
        let passed = self.done.iter().filter(|step| step.passed).count();
        let took: Duration = self.done.iter().map(|step| step.took).sum();
        text.push_str(&format!("{passed} of {} steps passed in {}", self.done.len(), human(took)));
        text
    }
}

/// The summary in a line of a runner's output, unless its suite has no tests.
fn summary(line: &str) -> Option<String> {
    let line = line.trim();
    let counts = line.strip_prefix(SUMMARY)?;
    let is_empty = counts.starts_with("ok. 0 passed; 0 failed; 0 ignored");
    (!is_empty).then(|| line.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn a_failure_does_not_keep_others_from_running_and_is_not_forgotten() {
        let mut steps = Steps::default();
        steps.run("first", &mut shell("exit 1"));
        assert!(steps.last_failed());
        steps.run("second", &mut shell("exit 0"));
        assert!(!steps.last_failed());
        steps.check("third", || bail!("no"));
        let error = steps.finish().unwrap_err().to_string();
        assert_eq!(error, "failed: first, third");
        assert!(steps.table().ends_with(&format!(
            "1 of 3 steps passed in {}",
            human(steps.done.iter().map(|s| s.took).sum())
        )));
    }

    #[test]
    fn summaries_are_kept() {
        let mut steps = Steps::default();
        let full =
            "test result: ok. 2 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s";
        let empty =
            "test result: ok. 0 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s";
        steps.tests("both", &mut shell(&format!("echo 'running 3 tests'; echo '{full}'; echo '{empty}'")));
        steps.finish().unwrap();
        assert_eq!(steps.done[0].summaries, [full]);
        let failed = "test result: FAILED. 0 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out";
        steps.tests("failing", &mut shell(&format!("echo '{failed}'; exit 101")));
        assert!(steps.last_failed() && steps.table().contains(failed));
    }

    #[test]
    fn a_run_without_tests_is_a_failure() {
        let mut steps = Steps::default();
        steps.tests("nothing", &mut shell("true"));
        assert!(steps.last_failed());
    }
}
