//! The command line.

use clap::{Args, Parser, Subcommand};
use tsink_migrate_engine::run::Stage;

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Copy.
    Backfill,
    /// Compare.
    Verify,
    /// Compare, and check what tsink takes and whether queries agree.
    CutoverCheck,
}

/// A command line that was understood.
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
}

impl Invocation {
    /// The stages to run.
    pub fn stages(&self) -> Vec<Stage> {
        vec![match self.command {
            _ if self.dry_run => Stage::Preflight,
            Command::Backfill => Stage::Backfill,
            Command::Verify => Stage::Verify,
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
pub fn parse(arguments: &[String]) -> Result<Invocation, Told> {
    let all = std::iter::once("tsink-migrate").chain(arguments.iter().map(String::as_str));
    let line = Line::try_parse_from(all).map_err(|error| Told {
        text: error.render().to_string(),
        // Help that is shown because nothing was asked for is no success.
        asked_for: matches!(
            error.kind(),
            clap::error::ErrorKind::DisplayHelp | clap::error::ErrorKind::DisplayVersion
        ),
    })?;
    let (command, options) = match line.command {
        Verb::Backfill(options) => (Command::Backfill, options),
        Verb::Verify(options) => (Command::Verify, options),
        Verb::CutoverCheck(options) => (Command::CutoverCheck, options),
    };
    let Options { config, start, end, artifact_dir, dry_run, allow_outside } = options;
    Ok(Invocation { command, config, start, end, artifact_dir, dry_run, allow_outside })
}

const TIMES: &str = "\
Times:
  1763424000000               Unix milliseconds
  2025-11-18T09:30:00Z        RFC 3339, with its zone
  2025-11-18                  a date, its midnight in UTC
  30d, now-2h, now            relative to now

Header values in the plan may name environment variables as ${NAME}; their values are read from there.

Exit code: 0 when everything passed, 1 when something failed or was wrong.";

/// Migrates history of metrics into tsink: from Prometheus, and from recordings of OTLP, InfluxDB line protocol,
/// StatsD and Graphite.
#[derive(Parser)]
#[command(name = "tsink-migrate", version, after_help = TIMES, disable_help_subcommand = true)]
#[command(arg_required_else_help = true)]
struct Line {
    #[command(subcommand)]
    command: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Copy samples, histograms, metadata and exemplars of the window to tsink
    #[command(after_help = TIMES)]
    Backfill(Options),
    /// Compare source and tsink over the window
    #[command(after_help = TIMES)]
    Verify(Options),
    /// Verify, and check that tsink takes everything and answers queries alike
    #[command(after_help = TIMES)]
    CutoverCheck(Options),
}

#[derive(Args)]
struct Options {
    /// The migration plan
    #[arg(long, value_name = "PLAN.JSON")]
    config: String,
    /// Start of the window, included
    #[arg(long = "start-ms", visible_alias = "start", value_name = "TIME", allow_negative_numbers = true)]
    start: String,
    /// End of the window, included
    #[arg(long = "end-ms", visible_alias = "end", value_name = "TIME", allow_negative_numbers = true)]
    end: String,
    /// Write report.json and report.md into this directory; it is created if need be
    #[arg(long, value_name = "DIR")]
    artifact_dir: Option<String>,
    /// Ask both servers and estimate the work, then stop
    #[arg(long)]
    dry_run: bool,
    /// Let the plan name files of a recording that lie outside of the plan's folder
    #[arg(long)]
    allow_outside: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> Result<Invocation, Told> {
        parse(&text.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn the_specifications_lines_are_understood() {
        let found = line(
            "backfill --config plan.json --start-ms 1700000000000 --end-ms 1700086400000 --artifact-dir ./out",
        );
        let backfill = Invocation {
            command: Command::Backfill,
            config: "plan.json".to_owned(),
            start: "1700000000000".to_owned(),
            end: "1700086400000".to_owned(),
            artifact_dir: Some("./out".to_owned()),
            dry_run: false,
            allow_outside: false,
        };
        assert_eq!(found, Ok(backfill));
        let outside = line("verify --config p --start 1 --end 2 --allow-outside").unwrap();
        assert!(outside.allow_outside);
        for (verb, stage) in
            [("backfill", Stage::Backfill), ("verify", Stage::Verify), ("cutover-check", Stage::Cutover)]
        {
            let found = line(&format!("{verb} --config p --start 30d --end now-2h")).unwrap();
            assert_eq!(found.stages(), [stage]);
            assert_eq!((found.start.as_str(), found.end.as_str()), ("30d", "now-2h"));
            let dry = line(&format!("{verb} --config=p --start-ms=-5 --end-ms 7 --dry-run")).unwrap();
            assert_eq!(dry.stages(), [Stage::Preflight]);
            assert_eq!(dry.start, "-5");
        }
    }

    #[test]
    fn help_and_version_are_answers_and_mistakes_are_not() {
        assert_eq!(
            line("--version"),
            Err(Told { text: format!("tsink-migrate {}\n", env!("CARGO_PKG_VERSION")), asked_for: true })
        );
        let help = line("verify --help").unwrap_err();
        assert!(help.asked_for && help.text.contains("--start-ms") && help.text.contains("now-2h"));
        assert!(!line("").unwrap_err().asked_for);
        let unknown = line("backfil --config p").unwrap_err();
        assert!(!unknown.asked_for && unknown.text.contains("'backfill'"), "{}", unknown.text);
        let missing = line("verify --config p --end 5").unwrap_err();
        assert!(missing.text.contains("--start-ms"), "{}", missing.text);
    }

    #[test]
    fn definitions_hold() {
        use clap::CommandFactory;
        Line::command().debug_assert();
    }
}
