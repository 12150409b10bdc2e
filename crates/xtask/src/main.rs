//! Automation: `setup`, `demo`, `test`, `bench`, `dist`.

mod paths;
mod setup;
mod shell;
mod versions;

use anyhow::Result;
use clap::{Parser, Subcommand};
use setup::Purpose;
use std::process::ExitCode;

/// Sets up, builds, tests and shows tsink Migrate. Installs what is missing, and says what and why.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    command: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Install everything that building, testing and the demo need.
    Setup,
}

fn main() -> ExitCode {
    match run(Arguments::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Not anyhow's own form: a backtrace of this program helps nobody.
            eprintln!("\nerror: {error}");
            for cause in error.chain().skip(1) {
                eprintln!("  because: {cause}");
            }
            ExitCode::FAILURE
        }
    }
}

fn run(task: Task) -> Result<()> {
    match task {
        Task::Setup => setup::setup(Purpose::Test).map(drop),
    }
}
