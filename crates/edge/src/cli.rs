//! The command line.

mod definitions;

use clap::Parser;
use definitions::{Line, Verb};
use std::collections::BTreeMap;
use tsink_migrate_engine::run::Stage;

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    /// Run a stage of a migration.
    Run(Invocation),
    /// Write a report in other formats.
    Report(ReportAsk),
    /// Read queries of dashboards and rules files.
    Import(ImportAsk),
    /// Take back what was written.
    Undo(UndoAsk),
}

/// A stage to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Copy.
    Backfill,
    /// Compare.
    Verify,
    /// Copy what a verification found missing, and compare it again.
    Repair,
    /// Compare, and check what tsink takes and whether queries agree.
    CutoverCheck,
}

/// A run that was understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invocation {
    /// What to do.
    pub command: Command,
    /// Path of the plan.
    pub config: String,
    /// Start of the window as typed.
    pub start: String,
    /// End of the window as typed.
    pub end: String,
    /// Where reports go.
    pub artifact_dir: Option<String>,
    /// Stop after the preflight.
    pub dry_run: bool,
    /// Let the plan name files outside of its folder.
    pub allow_outside: bool,
    /// Where the ledger is kept, if not beside the reports.
    pub ledger: Option<String>,
    /// Begin anew although a ledger could be continued.
    pub fresh: bool,
    /// Path of the report of an earlier run to go on from: for a repair a verification, for a cutover check a
    /// backfill.
    pub given: Option<String>,
}

/// Formats of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// Markdown.
    Md,
    /// One self-contained page.
    Html,
    /// The document model.
    Json,
}

/// A report to write anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportAsk {
    /// Path of a `report.json`.
    pub file: String,
    /// Where to write; stdout when none.
    pub artifact_dir: Option<String>,
    /// Only this format.
    pub format: Option<Format>,
    /// Hide host names and addresses.
    pub redact_hosts: bool,
    /// Labels whose values to hide.
    pub redact_labels: Vec<String>,
}

/// Files to read queries from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportAsk {
    /// Paths; at least one.
    pub files: Vec<String>,
    /// Time between two scrapes in ms.
    pub scrape_interval_ms: Option<i64>,
    /// Values of variables, by name without `$`.
    pub variables: BTreeMap<String, String>,
    /// Start and end of the window as typed.
    pub window: Option<(String, String)>,
}

/// What to take back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UndoAsk {
    /// Path of the plan.
    pub config: String,
    /// Start of the window as typed.
    pub start: String,
    /// End of the window as typed.
    pub end: String,
    /// What the operator typed; without it nothing is deleted.
    pub confirm: Option<String>,
}

impl Invocation {
    /// The stages to run.
    pub fn stages(&self) -> Vec<Stage> {
        vec![match self.command {
            _ if self.dry_run => Stage::Preflight,
            Command::Backfill => Stage::Backfill,
            Command::Verify => Stage::Verify,
            Command::Repair => Stage::Repair,
            Command::CutoverCheck => Stage::Cutover,
        }]
    }
}

/// What to print instead of working: help, the version, or what is wrong with the arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// Text with its line end.
    pub text: String,
    /// Whether it is what was asked for: it goes to stdout, and the exit code is 0.
    pub asked_for: bool,
}

/// Reads the arguments that follow the command's name.
///
/// # Errors
/// [`Told`] when there is nothing to run.
pub fn parse(arguments: &[String]) -> Result<Ask, Told> {
    let all = std::iter::once("tsink-migrate").chain(arguments.iter().map(String::as_str));
    let line = Line::try_parse_from(all).map_err(|error| Told {
        text: error.render().to_string(),
        // Help that is shown because nothing was asked for is no success.
        asked_for: matches!(
            error.kind(),
            clap::error::ErrorKind::DisplayHelp | clap::error::ErrorKind::DisplayVersion
        ),
    })?;
    Ok(match line.command {
        Verb::Backfill(options) => Ask::Run(options.invocation(Command::Backfill, None)),
        Verb::Verify(options) => Ask::Run(options.invocation(Command::Verify, None)),
        Verb::Repair(repair) => Ask::Run(repair.options.invocation(Command::Repair, repair.report)),
        Verb::CutoverCheck(cutover) => {
            Ask::Run(cutover.options.invocation(Command::CutoverCheck, cutover.backfill_report))
        }
        Verb::Report(report) => Ask::Report(ReportAsk {
            file: report.file,
            artifact_dir: report.artifact_dir,
            format: report.format,
            redact_hosts: report.redact_hosts,
            redact_labels: report.redact_labels,
        }),
        Verb::Import(import) => Ask::Import(ImportAsk {
            files: import.files,
            scrape_interval_ms: import.scrape_interval,
            variables: import.variables.into_iter().collect(),
            window: import.start.zip(import.end),
        }),
        Verb::Undo(undo) => Ask::Undo(UndoAsk {
            config: undo.window.config,
            start: undo.window.start,
            end: undo.window.end,
            confirm: undo.confirm,
        }),
    })
}

#[cfg(test)]
mod tests;
