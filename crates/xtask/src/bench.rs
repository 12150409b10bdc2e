//! `cargo xtask bench`: this command against the native `tsink-migrate`, both in one run on the same servers.
//!
//! Absolute times drift between machines and hours; the ratios are what counts. Every run has an empty
//! tsink of its own, and the two tools take turns at going first.

mod process;
mod recordings;

use crate::setup::{Purpose, Toolbox, setup};
use crate::{dist, paths};
use anyhow::{Context, Result, bail};
use process::{Usage, measure};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;
use tsink_migrate_testkit::history::{Bulk, load_slabs};
use tsink_migrate_testkit::plans::plan;
use tsink_migrate_testkit::servers::{Prometheus, PrometheusOptions, Tsink, TsinkOptions};

/// The three commands in the order of a migration.
const COMMANDS: [&str; 3] = ["backfill", "verify", "cutover-check"];
const HOUR_MS: i64 = 3_600_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tool {
    Native,
    Ours,
}

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Of {
    /// From Prometheus.
    History,
    /// From recordings.
    Recordings,
}

/// Runs both tools `runs` times; over 24 h of `series` series at 15 s, and over a recording.
///
/// # Errors
/// When something cannot be installed or started, or when a backfill or verify fails.
pub fn bench(runs: usize, series: usize, of: &[Of]) -> Result<()> {
    let tools = setup(Purpose::Bench)?;
    dist::edge_only(&tools)?;
    for (variable, path) in &tools.variables {
        eprintln!("  {variable}={}", path.display());
    }
    let wanted = |one| of.is_empty() || of.contains(&one);
    if wanted(Of::Recordings) {
        recordings::bench(&tools, runs)?;
    }
    if wanted(Of::History) {
        history(&tools, runs, series)?;
    }
    Ok(())
}

fn history(tools: &Toolbox, runs: usize, series: usize) -> Result<()> {
    let now = i64::try_from(std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?.as_millis())?;
    let bulk = Bulk { series, start_ms: (now / HOUR_MS - 24) * HOUR_MS, hours: 24, step_ms: 15_000 };
    eprintln!("loading {} samples into Prometheus", bulk.samples());
    let prometheus = Prometheus::start(PrometheusOptions::default())?;
    load_slabs(&prometheus.endpoint(), bulk.slabs())?;

    let mut samples: Vec<(Tool, &str, Usage)> = Vec::new();
    for run in 0..runs {
        let order = if run % 2 == 0 { [Tool::Native, Tool::Ours] } else { [Tool::Ours, Tool::Native] };
        for tool in order {
            let tsink = Tsink::start(TsinkOptions::default())?;
            let folder = tempfile::tempdir()?;
            let plan = folder.path().join("plan.json");
            fs::write(&plan, serde_json::to_string_pretty(&plan_for(&prometheus.url(), &tsink.url()))?)?;
            for command in COMMANDS {
                let mut process = tool_command(tools, tool)?;
                process.arg(command).arg("--config").arg(&plan).args([
                    "--start-ms",
                    &bulk.start_ms.to_string(),
                    "--end-ms",
                    &bulk.end_ms().to_string(),
                ]);
                let (usage, passed) = measure(&mut process)?;
                eprintln!("  run {}: {tool:?} {command}: {usage}", run + 1);
                // The native cutover check calls every aggregate a mismatch, so its verdict is not asked.
                if !passed && command != "cutover-check" {
                    bail!("{tool:?} {command} failed");
                }
                samples.push((tool, command, usage));
            }
        }
    }
    let table = table(&samples, bulk.samples());
    println!("\n{table}");
    write_results(&table, &samples, bulk.samples())
}

fn plan_for(source: &str, target: &str) -> Value {
    let mut plan = plan(source, target, "default", &Bulk::SELECTORS);
    plan["promql_checks"] =
        json!([{ "query": "sum(rate(http_requests_total[5m])) by (job)", "step": "60s" }]);
    plan["batch"] = json!({ "http_timeout_secs": 300 });
    plan
}

fn tool_command(tools: &Toolbox, tool: Tool) -> Result<Command> {
    Ok(match tool {
        Tool::Ours => {
            let mut command = Command::new(&tools.node);
            command.arg(paths::edge().join("bin/tsink-migrate.mjs"));
            command
        }
        Tool::Native => {
            let (_, path) = tools
                .variables
                .iter()
                .find(|(name, _)| *name == "TSINK_MIGRATE_NATIVE")
                .context("setup did not name the native tool")?;
            Command::new(path)
        }
    })
}

/// The middle one of all measurements of a kind.
fn median(samples: &[(Tool, &str, Usage)], tool: Tool, command: &str, of: impl Fn(&Usage) -> f64) -> f64 {
    let mut values: Vec<f64> = samples
        .iter()
        .filter(|(its_tool, its_command, _)| *its_tool == tool && *its_command == command)
        .map(|(_, _, usage)| of(usage))
        .collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

fn table(samples: &[(Tool, &str, Usage)], rows: u64) -> String {
    let mut text = String::new();
    let runs = samples.len() / (2 * COMMANDS.len());
    let _ = writeln!(text, "{rows} samples, medians of {runs} runs, servers on the same machine\n");
    let _ = writeln!(
        text,
        "| command | native | this | native ÷ this | client CPU native / this | peak memory native / this |"
    );
    let _ = writeln!(text, "|---|---|---|---|---|---|");
    for command in COMMANDS {
        let both = |of: fn(&Usage) -> f64| {
            (median(samples, Tool::Native, command, of), median(samples, Tool::Ours, command, of))
        };
        let wall = both(|usage| usage.wall_s);
        let cpu = both(|usage| usage.cpu_s);
        let memory = both(|usage| usage.peak_mib);
        let _ = writeln!(
            text,
            "| {command} | {:.2} s | {:.2} s | **{:.2}** | {:.2} s / {:.2} s | {:.0} MiB / {:.0} MiB |",
            wall.0,
            wall.1,
            wall.0 / wall.1,
            cpu.0,
            cpu.1,
            memory.0,
            memory.1,
        );
    }
    text
}

fn write_results(table: &str, samples: &[(Tool, &str, Usage)], rows: u64) -> Result<()> {
    let folder = paths::target().join("bench");
    write_to(&folder, "table.md", table)?;
    let raw: Vec<Value> = samples
        .iter()
        .map(|(tool, command, usage)| {
            json!({
                "tool": if *tool == Tool::Native { "native" } else { "this" },
                "command": command,
                "wall_s": usage.wall_s,
                "cpu_s": usage.cpu_s,
                "peak_mib": usage.peak_mib,
            })
        })
        .collect();
    let all = json!({ "samples": rows, "cores": std::thread::available_parallelism()?.get(), "runs": raw });
    write_to(&folder, "raw.json", &serde_json::to_string_pretty(&all)?)?;
    println!("written to {}", folder.display());
    Ok(())
}

fn write_to(folder: &Path, name: &str, text: &str) -> Result<()> {
    fs::create_dir_all(folder)?;
    fs::write(folder.join(name), text).with_context(|| format!("cannot write {name}"))
}
