//! Verbs, options and help texts.

use super::{Command, Format, Invocation};
use clap::{Args, Parser, Subcommand};
use tsink_migrate_engine::plan::parse_step_ms;

const TIMES: &str = "\
Times:
  1763424000000               Unix milliseconds
  2025-11-18T09:30:00Z        RFC 3339, with its zone
  2025-11-18                  a date, its midnight in UTC
  30d, now-2h, now            relative to now

Header values in the plan may name environment variables as ${NAME}; their values are read from there, or from the
file that NAME_FILE names. When a server refuses in mid-run what it took before, that file is read again, or you are
asked at the terminal.

Exit code: 0 when everything passed, 1 when something failed or was wrong.";

const REPORT: &str = "\
Without --artifact-dir, the report goes to stdout, as Markdown unless --format says otherwise. With it, all formats
are written, or the one that --format names. A report that hides something is no ground for a repair: keep the
original.

Exit code: 0 when the report was written, whatever it says; 1 when it cannot be read or written.";

const IMPORT: &str = "\
The queries go to stdout as {\"promql_checks\": [...]}, ready for the plan. What was decided, what stands for each
variable, and what is left out and why, goes to stderr.

Variables are resolved as Grafana does: the selection saved in the dashboard, $__interval and $__rate_interval from
the window and the scrape interval. Without --start and --end, the dashboard's own time range is the window.

Exit code: 0 when there is a query to check; 1 when there is none, or when a file cannot be read. Queries that are
left out (of other data sources, hidden, not PromQL) do not change it.";

const UNDO: &str = "\
Without --confirm no server is asked and nothing is deleted: what would be is printed, with the phrase to confirm it,
and the exit code is 1. The phrase names tenant, selectors and window, so that it fits no other delete. Write both
ends of the window as fixed times: with a relative one, the phrase fits a moment only.

Needs tsink's admin API at the plan's target: tsink-server --enable-admin-api, and its admin token in target.headers.

Exit code: 0 when all was deleted and tsink shows none of it any more, 1 otherwise.";

/// Migrates history of metrics into tsink: from Prometheus, and from recordings of OTLP, InfluxDB line protocol,
/// StatsD and Graphite.
#[derive(Parser)]
#[command(name = "tsink-migrate", version, after_help = TIMES, disable_help_subcommand = true)]
#[command(arg_required_else_help = true)]
pub(super) struct Line {
    #[command(subcommand)]
    pub(super) command: Verb,
}

#[derive(Subcommand)]
pub(super) enum Verb {
    /// Copy samples, histograms, metadata and exemplars of the window to tsink
    #[command(after_help = TIMES)]
    Backfill(Options),
    /// Compare source and tsink over the window
    #[command(after_help = TIMES)]
    Verify(Options),
    /// Copy what a verification found missing or different, and compare that again
    #[command(after_help = TIMES)]
    Repair(Repair),
    /// Verify, and check that tsink takes everything and answers queries alike
    #[command(after_help = TIMES)]
    CutoverCheck(Cutover),
    /// Write a report.json in other formats, with names hidden if need be
    #[command(after_help = REPORT)]
    Report(Report),
    /// Make promql_checks of Grafana dashboards and Prometheus rules files
    #[command(after_help = IMPORT)]
    Import(Import),
    /// Delete the plan's selectors in the window from tsink, after a confirmation
    #[command(after_help = UNDO)]
    Undo(Undo),
}

#[derive(Args)]
pub(super) struct PlanWindow {
    /// The migration plan
    #[arg(long, value_name = "PLAN.JSON")]
    pub(super) config: String,
    /// Start of the window, included
    #[arg(long = "start-ms", visible_alias = "start", value_name = "TIME", allow_negative_numbers = true)]
    pub(super) start: String,
    /// End of the window, included
    #[arg(long = "end-ms", visible_alias = "end", value_name = "TIME", allow_negative_numbers = true)]
    pub(super) end: String,
}

#[derive(Args)]
pub(super) struct Options {
    #[command(flatten)]
    window: PlanWindow,
    /// Write report.json, report.md and report.html into this directory, and keep the ledger there, from which the same
    /// command goes on after it was broken off; it is created if need be
    #[arg(long, value_name = "DIR")]
    artifact_dir: Option<String>,
    /// Keep the ledger in this file [default: ledger.jsonl in the artifact directory; none without one]
    #[arg(long, value_name = "FILE")]
    ledger: Option<String>,
    /// Begin anew although the ledger could be continued
    #[arg(long)]
    fresh: bool,
    /// Ask both servers and estimate the work, then stop
    #[arg(long)]
    dry_run: bool,
    /// Let the plan name files of a recording that lie outside of the plan's folder
    #[arg(long)]
    allow_outside: bool,
}

impl Options {
    pub(super) fn invocation(self, command: Command, given: Option<String>) -> Invocation {
        let Self { window, artifact_dir, ledger, fresh, dry_run, allow_outside } = self;
        let PlanWindow { config, start, end } = window;
        Invocation { command, config, start, end, artifact_dir, dry_run, allow_outside, ledger, fresh, given }
    }
}

#[derive(Args)]
pub(super) struct Repair {
    #[command(flatten)]
    pub(super) options: Options,
    /// The verification to repair from: report.json of verify, repair or cutover-check. Without it, verify runs first
    #[arg(long, value_name = "REPORT.JSON")]
    pub(super) report: Option<String>,
}

#[derive(Args)]
pub(super) struct Cutover {
    #[command(flatten)]
    pub(super) options: Options,
    /// report.json of the backfill: evidence that its balance closed
    #[arg(long, value_name = "REPORT.JSON")]
    pub(super) backfill_report: Option<String>,
}

#[derive(Args)]
pub(super) struct Report {
    /// A report.json
    #[arg(value_name = "REPORT.JSON")]
    pub(super) file: String,
    /// Write into this directory instead of stdout; it is created if need be
    #[arg(long, value_name = "DIR")]
    pub(super) artifact_dir: Option<String>,
    /// Only this format
    #[arg(long, value_enum)]
    pub(super) format: Option<Format>,
    /// Hide host names and addresses; the same host gets the same stand-in throughout
    #[arg(long)]
    pub(super) redact_hosts: bool,
    /// Hide the values of this label; may be given several times
    #[arg(long = "redact-label", value_name = "NAME")]
    pub(super) redact_labels: Vec<String>,
}

#[derive(Args)]
pub(super) struct Import {
    /// Dashboards (JSON) and rules files (YAML)
    #[arg(value_name = "FILE", required = true)]
    pub(super) files: Vec<String>,
    /// Time between two scrapes, for $__interval and $__rate_interval [default: 15s]
    #[arg(long, value_name = "DURATION", value_parser = interval)]
    pub(super) scrape_interval: Option<i64>,
    /// Value of a dashboard's variable; may be given several times
    #[arg(long = "var", value_name = "NAME=VALUE", value_parser = variable)]
    pub(super) variables: Vec<(String, String)>,
    /// Start of the window that will be checked
    #[arg(long = "start-ms", visible_alias = "start", value_name = "TIME", allow_negative_numbers = true)]
    #[arg(requires = "end")]
    pub(super) start: Option<String>,
    /// End of the window that will be checked
    #[arg(long = "end-ms", visible_alias = "end", value_name = "TIME", allow_negative_numbers = true)]
    #[arg(requires = "start")]
    pub(super) end: Option<String>,
}

#[derive(Args)]
pub(super) struct Undo {
    #[command(flatten)]
    pub(super) window: PlanWindow,
    /// The phrase that undo prints without this option
    #[arg(long, value_name = "PHRASE")]
    pub(super) confirm: Option<String>,
}

fn interval(text: &str) -> Result<i64, String> {
    parse_step_ms(text).map_err(|error| format!("{}. {}", error.message, error.remedy))
}

fn variable(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE")?;
    let name = name.trim().trim_start_matches('$');
    if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        return Err("the name of a variable has letters, digits and _ only".to_owned());
    }
    Ok((name.to_owned(), value.to_owned()))
}
