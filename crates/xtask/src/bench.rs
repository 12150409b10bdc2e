//! `cargo xtask bench`: this command and the page against the native `tsink-migrate` and against what the servers
//! alone allow, all in one run on the same servers.
//!
//! Absolute times drift between machines and hours; the ratios are what counts. Every run has an empty tsink of its
//! own, and whoever is measured takes turns at going first.

mod browser;
mod ceiling;
mod command;
mod frames;
mod growth;
mod history;
mod machine;
mod parity;
mod process;
mod recordings;
mod results;
mod stats;

use crate::setup::{Purpose, Toolbox, registry_cargo, setup};
use crate::{dist, paths, shell};
use anyhow::{Result, bail};
use results::Results;
use serde_json::Value;
use std::process::Command;
use std::time::Duration;
use tsink_migrate_testkit::history::{Bulk, load_slabs};
use tsink_migrate_testkit::plans::plan;
use tsink_migrate_testkit::servers::{Prometheus, PrometheusOptions, Tsink, TsinkOptions};

const HOUR_MS: i64 = 3_600_000;
const STEP_MS: i64 = 15_000;
/// Runs of everything but the growth, unless told.
const RUNS: usize = 5;
/// How often work is begun anew because tsink closed its storage by itself.
const ATTEMPTS: usize = 3;

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Of {
    /// Backfill, verify and cutover check from Prometheus, and what the server alone allows.
    History,
    /// Backfill and verify from the page in Chromium, and the page while it works.
    Browser,
    /// Memory over one day and over ten.
    Growth,
    /// From recordings.
    Recordings,
}

/// What to measure, and how often.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// Runs of each tool [default: 5; the growth 1].
    #[arg(long)]
    runs: Option<usize>,
    /// Series; each has 5,760 samples a day.
    #[arg(long, default_value_t = 1000)]
    series: usize,
    /// Measure this alone; may be given several times.
    #[arg(long, value_enum, value_delimiter = ',')]
    of: Vec<Of>,
}

/// What the parts share.
struct Bench {
    tools: Toolbox,
    runs: Option<usize>,
    series: usize,
}

/// Measures, and writes `target/bench/`.
///
/// # Errors
/// When something cannot be installed or started, or when a backfill or verify fails.
pub fn bench(options: &Options) -> Result<()> {
    if options.runs == Some(0) || options.series == 0 {
        bail!("there is nothing to measure: --runs and --series must be at least 1");
    }
    if cfg!(debug_assertions) {
        return optimised();
    }
    let tools = setup(Purpose::Bench)?;
    dist::edge_only(&tools)?;
    let wanted = |one| options.of.is_empty() || options.of.contains(&one);
    if wanted(Of::Browser) {
        dist::site_only(&tools)?;
    }
    for (variable, path) in &tools.variables {
        eprintln!("  {variable}={}", path.display());
    }
    let mut results = Results::new(machine::describe(&tools, options.series));
    let bench = Bench { tools, runs: options.runs, series: options.series };
    // After each part: a later one that fails must not take the figures with it.
    if wanted(Of::History) {
        history::bench(&bench, &mut results)?;
        results.write()?;
    }
    if wanted(Of::Browser) {
        browser::bench(&bench, &mut results)?;
        results.write()?;
    }
    if wanted(Of::Growth) {
        growth::bench(&bench, &mut results)?;
        results.write()?;
    }
    if wanted(Of::Recordings) {
        recordings::bench(&bench, &mut results)?;
        results.write()?;
    }
    println!("\n{}", results.table());
    println!("written to {}", paths::target().join("bench").display());
    Ok(())
}

/// Builds this program with optimisation and runs that instead: it sends the requests made beforehand and stands
/// between page and servers, so its own speed is in the figures. What drives the page is built along with it.
fn optimised() -> Result<()> {
    eprintln!("bench: building with optimisation (several minutes the first time)");
    let mut cargo = Command::new(registry_cargo());
    cargo.current_dir(paths::root()).args([
        "build",
        "--quiet",
        "--profile",
        "quick",
        "-p",
        "xtask",
        "-p",
        "e2e",
    ]);
    shell::run(cargo.args(["--bin", "xtask", "--bin", browser::DRIVER]))?;
    shell::run(Command::new(paths::target().join("quick/xtask")).args(std::env::args_os().skip(1)))
}

impl Bench {
    fn runs(&self, default: usize) -> usize {
        self.runs.unwrap_or(default)
    }

    /// A history of whole hours that ends with the last full one.
    fn bulk(&self, hours: i64) -> Result<Bulk> {
        let now =
            i64::try_from(std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?.as_millis())?;
        let start_ms = (now / HOUR_MS - hours) * HOUR_MS;
        Ok(Bulk { series: self.series, start_ms, hours, step_ms: STEP_MS })
    }
}

/// A Prometheus that holds `bulk`, and has come to rest.
fn source(bulk: Bulk) -> Result<Prometheus> {
    eprintln!("loading {} samples into Prometheus", stats::grouped(bulk.samples()));
    let prometheus = Prometheus::start(PrometheusOptions::default())?;
    load_slabs(&prometheus.endpoint(), bulk.slabs())?;
    // It goes on to write blocks, which would be measured with the first run.
    if !process::rests(prometheus.id(), Duration::from_secs(180)) {
        eprintln!("  Prometheus is still busy with what it was given; going on");
    }
    Ok(prometheus)
}

/// Does work on a fresh, empty tsink; again on another one when it closed its storage by itself (see
/// [`Tsink::is_open`]), which says nothing about who was measured.
fn on_sound_target<T>(mut work: impl FnMut(&Tsink) -> Result<T>) -> Result<T> {
    let mut attempt = 1;
    loop {
        let tsink = Tsink::start(TsinkOptions::default())?;
        match work(&tsink) {
            Err(error) if attempt < ATTEMPTS && !tsink.is_open() => {
                eprintln!("  tsink closed its storage by itself; once more with another ({error:#})");
                attempt += 1;
            }
            done => return done,
        }
    }
}

/// A plan for all of [`Bulk`] with the one query of the cutover check.
fn plan_for(source: &str, target: &str) -> Value {
    let mut plan = plan(source, target, "default", &Bulk::SELECTORS);
    plan["promql_checks"] = serde_json::json!([{ "query": parity::QUERY, "step": parity::STEP }]);
    plan["batch"] = serde_json::json!({ "http_timeout_secs": 300 });
    plan
}
