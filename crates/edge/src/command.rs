//! The command: from arguments to an exit code.

use crate::cli::{self, Invocation};
use crate::diagnostics;
use crate::host::{Host, PlanFile};
use crate::screen::Screen;
use crate::text::{clean, one_line};
use bytes::Bytes;
use futures_util::future::LocalBoxFuture;
use std::collections::BTreeMap;
use std::rc::Rc;
use tsink_migrate_engine::plan::{self, PlanCheck};
use tsink_migrate_engine::port::{FileError, Files, Ports};
use tsink_migrate_engine::report::{self, Report, Status};
use tsink_migrate_engine::run::{self, Control, Event, Job};

/// Bytes of a plan file that are read at most: the engine's own limit, and one more to see that it is exceeded.
const MAX_PLAN_BYTES: usize = 1024 * 1024 + 1;

/// Exit code when everything passed.
pub const PASSED: i32 = 0;
/// Exit code when a check failed or the command broke down.
pub const FAILED: i32 = 1;

/// Runs the command with the arguments that follow its name, and gives the exit code.
pub async fn run(host: Rc<dyn Host>, ports: Ports, arguments: Vec<String>) -> i32 {
    let invocation = match cli::parse(&arguments) {
        Ok(invocation) => invocation,
        Err(told) if told.asked_for => {
            host.stdout(&told.text);
            return PASSED;
        }
        Err(told) => {
            host.stderr(&clean(&told.text));
            return FAILED;
        }
    };
    let files = Rc::new(PlanFiles {
        host: host.clone(),
        plan: invocation.config.clone(),
        allow_outside: invocation.allow_outside,
    });
    match work(&host, Ports { files, ..ports }, &invocation).await {
        Ok(Status::Pass) => PASSED,
        Ok(Status::Fail) => FAILED,
        Err(told) => {
            host.stderr(&told);
            FAILED
        }
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

/// Runs the job and delivers its reports. The error is text to print, with its line end.
async fn work(host: &Rc<dyn Host>, ports: Ports, invocation: &Invocation) -> Result<Status, String> {
    let job = prepare(host, &ports, invocation).await?;
    if let Some(dir) = &invocation.artifact_dir {
        // Now, not after hours of work.
        let made = host.make_dir(dir).await;
        made.map_err(|why| {
            format!("error: the directory {} cannot be made: {}\n", one_line(dir), one_line(&why))
        })?;
    }
    let screen = Rc::new(Screen::new(host.clone(), ports.clock.clone()));
    let control = Control::new();
    host.on_interrupt({
        let (screen, control) = (screen.clone(), control.clone());
        Box::new(move || {
            screen.note("cancelling; what is written stays. Once more ends at once.");
            control.cancel();
        })
    });
    let sink: Rc<dyn Fn(Event)> = {
        let screen = screen.clone();
        Rc::new(move |event| screen.show(&event))
    };
    let outcome = run::execute(ports, job, control, sink).await;
    screen.clear();
    let reports = outcome.map_err(|error| {
        let remedy = if error.remedy.is_empty() { String::new() } else { format!("\n{}", error.remedy) };
        format!("error: {}{}\n", one_line(&error.to_string()), clean(&remedy))
    })?;
    for report in &reports {
        host.stdout(&format!("{}\n", clean(&report::console(report))));
    }
    let Some(last) = reports.last() else {
        return Err("error: the run ended without a report\n".to_owned());
    };
    if let Some(dir) = &invocation.artifact_dir {
        write_artifacts(host, dir, last).await?;
    }
    Ok(if reports.iter().all(|report| report.status() == Status::Pass) { Status::Pass } else { Status::Fail })
}

async fn prepare(host: &Rc<dyn Host>, ports: &Ports, invocation: &Invocation) -> Result<Job, String> {
    let config = one_line(&invocation.config);
    let read = host.read_file(&invocation.config, MAX_PLAN_BYTES).await;
    let bytes =
        read.map_err(|why| format!("error: the plan {config} cannot be read: {}\n", one_line(&why)))?;
    let text = text(bytes).map_err(|why| format!("error: the plan {config} {why}\n"))?;
    let check = check(host, ports, invocation, &text);
    host.stderr(&diagnostics::lines(&config, &check));
    if !check.is_ready() {
        return Err(format!("error: {config} cannot run; nothing was sent\n"));
    }
    tsink_migrate_host::start::job(check, invocation.stages()).map_err(|error| format!("error: {error}\n"))
}

/// The plan as text.
fn text(bytes: Vec<u8>) -> Result<String, String> {
    if bytes.len() >= MAX_PLAN_BYTES {
        return Err("has more than 1 MiB; is it a plan?".to_owned());
    }
    String::from_utf8(bytes)
        .map_err(|error| format!("is not UTF-8 text (at byte {})", error.utf8_error().valid_up_to()))
}

/// Checks the plan; of the environment, only the variables that it names are looked at.
fn check(host: &Rc<dyn Host>, ports: &Ports, invocation: &Invocation, text: &str) -> PlanCheck {
    let with = |secrets: &BTreeMap<String, String>| {
        let now_ms = ports.clock.now_ms();
        let (start, end) = (invocation.start.as_str(), invocation.end.as_str());
        plan::check(text, &plan::Context { base: None, secrets, now_ms, start, end })
    };
    let first = with(&BTreeMap::new());
    if first.secret_names.is_empty() {
        return first;
    }
    with(&diagnostics::secrets(&first.secret_names, |name| host.variable(name)))
}

async fn write_artifacts(host: &Rc<dyn Host>, dir: &str, report: &Report) -> Result<(), String> {
    for (name, text) in [("report.json", report::json(report)), ("report.md", report::markdown(report))] {
        let written = host.write_file(dir, name, &text).await;
        written.map_err(|why| {
            format!("error: {name} cannot be written to {}: {}\n", one_line(dir), one_line(&why))
        })?;
    }
    Ok(())
}
