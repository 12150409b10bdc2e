//! The command: from arguments to an exit code.

mod files;
mod import;
mod plan;
mod report;
mod tokens;
mod undo;

use crate::cli::{self, Ask, Command, Invocation};
use crate::host::{Host, PlanFile};
use crate::ledger::LedgerFile;
use crate::screen::Screen;
use crate::text::{clean, one_line};
use bytes::Bytes;
use futures_util::future::{Either, LocalBoxFuture, ready, select};
use std::pin::pin;
use std::rc::Rc;
use tsink_migrate_engine::port::{FileError, Files, Ports};
use tsink_migrate_engine::report::{Report, Status, console};
use tsink_migrate_engine::run::{self, Control, Event, Job, Stage, apart};

/// Exit code when everything passed.
pub const PASSED: i32 = 0;
/// Exit code when a check failed or the command broke down.
pub const FAILED: i32 = 1;

/// Runs the command with the arguments that follow its name, and gives the exit code.
pub async fn run(host: Rc<dyn Host>, ports: Ports, arguments: Vec<String>) -> i32 {
    begin(host.clone(), ports, arguments).await.unwrap_or_else(|told| {
        host.stderr(&told);
        FAILED
    })
}

/// What the arguments ask for. Whoever waits for it stays small: it is passed through all along.
#[inline(never)]
fn begin(
    host: Rc<dyn Host>,
    ports: Ports,
    arguments: Vec<String>,
) -> LocalBoxFuture<'static, Result<i32, String>> {
    match cli::parse(&arguments) {
        Ok(Ask::Run(invocation)) => {
            let files = Rc::new(PlanFiles {
                host: host.clone(),
                plan: invocation.config.clone(),
                allow_outside: invocation.allow_outside,
            });
            Box::pin(async move { work(&host, Ports { files, ..ports }, &invocation).await })
        }
        Ok(Ask::Report(ask)) => Box::pin(async move { report::run(&host, &ask).await }),
        Ok(Ask::Import(ask)) => Box::pin(async move { import::run(&host, &ports, &ask).await }),
        Ok(Ask::Undo(ask)) => Box::pin(async move { undo::run(&host, ports, &ask).await }),
        Err(told) if told.asked_for => {
            host.stdout(&told.text);
            Box::pin(ready(Ok(PASSED)))
        }
        Err(told) => Box::pin(ready(Err(clean(&told.text)))),
    }
}

/// The files of a plan, which count from its folder.
struct PlanFiles {
    host: Rc<dyn Host>,
    plan: String,
    allow_outside: bool,
}

impl PlanFiles {
    fn file(&self, path: &str) -> PlanFile {
        PlanFile { plan: self.plan.clone(), path: path.to_owned(), allow_outside: self.allow_outside }
    }
}

impl Files for PlanFiles {
    fn size(&self, path: &str) -> LocalBoxFuture<'static, Result<u64, FileError>> {
        self.host.file_size(&self.file(path))
    }

    fn read(
        &self,
        path: &str,
        offset: u64,
        length: usize,
    ) -> LocalBoxFuture<'static, Result<Bytes, FileError>> {
        self.host.read_part(&self.file(path), offset, length)
    }
}

/// An error as text to print, with its remedy.
fn told(error: &tsink_migrate_engine::Error) -> String {
    let remedy = if error.remedy.is_empty() { String::new() } else { format!("\n{}", error.remedy) };
    format!("error: {}{}\n", one_line(&error.to_string()), clean(&remedy))
}

/// Runs the job and delivers its reports. The error is text to print, with its line end.
async fn work(host: &Rc<dyn Host>, ports: Ports, invocation: &Invocation) -> Result<i32, String> {
    let (job, given) = prepare(host, &ports, invocation).await?;
    if let Some(dir) = &invocation.artifact_dir {
        // Now, not after hours of work.
        files::make_dir(host, dir).await?;
    }
    let ports = match ledger_path(invocation) {
        Some(path) => Ports { store: Rc::new(LedgerFile::new(host.clone(), path)), ..ports },
        None => ports,
    };
    let screen = Rc::new(Screen::new(host.clone(), ports.clock.clone()));
    let control = Control::new();
    host.on_interrupt({
        let (screen, control) = (screen.clone(), control.clone());
        Box::new(move || {
            screen.note("cancelling; what is written stays. Once more ends at once.");
            control.cancel();
        })
    });
    let asker = Rc::new(tokens::Asker::new(
        host.clone(),
        ports.clock.clone(),
        screen.clone(),
        control.clone(),
        given,
    ));
    let sink: Rc<dyn Fn(Event)> = {
        let (screen, asker) = (screen.clone(), asker.clone());
        Rc::new(move |event| match event {
            Event::Ask { side, error } => asker.ask(side, error),
            event => screen.show(&event),
        })
    };
    let redaction = job.plan.options.redact.clone();
    let work = apart(execute(ports, job, control, sink));
    let outcome = match select(work, pin!(asker.serve())).await {
        Either::Left((outcome, _)) => outcome,
        Either::Right((never, _)) => match never {},
    };
    screen.clear();
    let reports: Vec<Report> = outcome.map_err(|error| told(&error))?;
    // Whoever reads what this prints, in a CI's log say, is to see no more than readers of the report.
    let reports: Vec<Report> = match redaction.is_empty() {
        true => reports,
        false => reports.iter().map(|report| report.redacted(&redaction)).collect(),
    };
    for report in &reports {
        host.stdout(&format!("{}\n", clean(&console(report))));
    }
    // Each stage but the last passed, or was the verification of a repair.
    let Some(last) = reports.last() else {
        return Err("error: the run ended without a report\n".to_owned());
    };
    if let Some(dir) = &invocation.artifact_dir {
        files::write(host, dir, last, None).await?;
    }
    Ok(if last.status() == Status::Pass { PASSED } else { FAILED })
}

/// Where the ledger is kept, if one is.
fn ledger_path(invocation: &Invocation) -> Option<String> {
    let beside = |dir: &String| format!("{}/ledger.jsonl", dir.trim_end_matches(['/', '\\']));
    let path = invocation.ledger.clone().or_else(|| invocation.artifact_dir.as_ref().map(beside));
    path.filter(|_| !invocation.dry_run)
}

/// Runs the job. A repair that was given no verification begins with one of its own, and ends there when that
/// passes.
async fn execute(
    ports: Ports,
    mut job: Job,
    control: Control,
    sink: Rc<dyn Fn(Event)>,
) -> tsink_migrate_engine::Result<Vec<Report>> {
    if job.stages != [Stage::Repair] || job.given.verify.is_some() || job.plan.options.dry_run {
        return apart(run::execute(ports, job, control, sink)).await;
    }
    let first = Job { stages: vec![Stage::Verify], ..job.clone() };
    let mut reports = run::execute(ports.clone(), first, control.clone(), sink.clone()).await?;
    if let Some(report) = reports.last().filter(|report| report.status() == Status::Fail) {
        job.given.take(report.clone());
        reports.extend(run::execute(ports, job, control, sink).await?);
    }
    Ok(reports)
}

async fn prepare(
    host: &Rc<dyn Host>,
    ports: &Ports,
    invocation: &Invocation,
) -> Result<(Job, tokens::Given), String> {
    let Invocation { config, start, end, .. } = invocation;
    let (checked, values) = plan::check(host, ports, config, start, end).await?;
    let mut job =
        tsink_migrate_host::start::job(checked, invocation.stages()).map_err(|error| told(&error))?;
    job.fresh = invocation.fresh;
    if let Some(path) = &invocation.given {
        let (report, _) = files::report(host, path).await?;
        let wanted = match invocation.command {
            Command::CutoverCheck => "a backfill",
            _ => "a verification",
        };
        let fits = match (&report, invocation.command) {
            (Report::Backfill(_), command) => command == Command::CutoverCheck,
            (Report::Preflight(_), _) => false,
            (_, command) => command == Command::Repair,
        };
        if !fits {
            return Err(format!(
                "error: {} reports {}; {wanted} is needed; nothing was sent\n",
                one_line(path),
                report.command()
            ));
        }
        job.given.take(report);
    }
    Ok((job, values))
}
