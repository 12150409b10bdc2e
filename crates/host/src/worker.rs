//! The engine worker behind the page: takes [`ToEngine`], posts [`FromEngine`].
//!
//! One job runs at a time. Everything is on one thread, so plans are checked between the pieces of a running
//! job. A page must also listen to the worker's `error` event: memory that runs out ends the instance without
//! a message.

use crate::files::PageFiles;
use crate::memory::Memory;
use crate::outbox::Outbox;
use crate::protocol::{FromEngine, Rendered, ToEngine, from_js, to_js};
use crate::{panics, ports, start};
use futures_util::future::{AbortHandle, abortable};
use js_sys::Array;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use tsink_migrate_engine::plan::{Redaction, SourceKind};
use tsink_migrate_engine::port::Ports;
use tsink_migrate_engine::report::{self, Report, Status};
use tsink_migrate_engine::run::{self, Control, Event, Stage};
use tsink_migrate_engine::{Error, ErrorKind, gateway, import, plan};
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::*;
use web_sys::{DedicatedWorkerGlobalScope, MessageEvent};

/// Starts the message loop and says [`FromEngine::Ready`] with the build it is of. Does nothing outside a
/// dedicated worker.
pub fn run(build: &str) {
    let Ok(scope) = js_sys::global().dyn_into::<DedicatedWorkerGlobalScope>() else { return };
    panics::report_to(|error| {
        // The hook may not hold JavaScript values (it must be `Send`), so the scope is looked up again.
        if let Ok(scope) = js_sys::global().dyn_into::<DedicatedWorkerGlobalScope>() {
            scope.set_onmessage(None);
            post(&scope, &FromEngine::Failed { error });
        }
    });
    let files = Rc::new(PageFiles::default());
    let worker = Rc::new(Worker {
        scope: scope.clone(),
        ports: Ports { files: files.clone(), ..ports() },
        files,
        preview: RefCell::default(),
        running: RefCell::default(),
        memory: RefCell::default(),
        redaction: RefCell::default(),
        outbox: RefCell::default(),
        will_come_back: Cell::new(false),
    });
    let on_message = Closure::<dyn Fn(MessageEvent)>::new({
        let worker = worker.clone();
        move |message: MessageEvent| {
            // A message that brings files is the first of an array.
            let data = message.data();
            let with_files = data.dyn_ref::<Array>().cloned();
            let first = with_files.as_ref().map_or(data, |all| all.get(0));
            match from_js(&first) {
                Ok(ToEngine::Files { paths, folders }) => {
                    let files = with_files.iter().flat_map(|all| all.iter().skip(1));
                    worker.files.set(folders, paths.into_iter().zip(files));
                    // A recording of the same name may be another one now.
                    worker.memory.borrow_mut().forget_recording();
                }
                Ok(message) => worker.receive(message),
                Err(_) => worker.post(&FromEngine::Failed { error: other_build() }),
            }
        }
    });
    scope.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
    // The loop lives as long as the worker.
    on_message.forget();
    worker.post(&FromEngine::Ready { build: build.to_owned() });
}

struct Worker {
    scope: DedicatedWorkerGlobalScope,
    ports: Ports,
    files: Rc<PageFiles>,
    /// Ends the preview under way.
    preview: RefCell<Option<AbortHandle>>,
    running: RefCell<Option<Control>>,
    /// What earlier jobs found out, nothing hidden.
    memory: RefCell<Memory>,
    /// What the reports of the job under way hide.
    redaction: RefCell<Redaction>,
    outbox: RefCell<Outbox>,
    will_come_back: Cell<bool>,
}

impl Worker {
    fn receive(self: &Rc<Self>, message: ToEngine) {
        match message {
            ToEngine::Check { id, text, base, secrets, start, end } => {
                let check = Box::new(self.check(&text, &base, &secrets, &start, &end));
                self.post(&FromEngine::Checked { id, check });
            }
            // Taken where the files are.
            ToEngine::Files { .. } => {}
            ToEngine::Preview { id, kind, manifest, tenant } => self.preview(id, kind, manifest, tenant),
            ToEngine::Recipes { text, base } => self.post(&self.recipes(&text, &base)),
            ToEngine::Start { text, base, secrets, start, end, stages, given } => {
                let check = self.check(&text, &base, &secrets, &start, &end);
                if let Err(error) = self.begin(check, stages, &given) {
                    self.post(&FromEngine::Failed { error });
                }
            }
            ToEngine::Render { id, json, redaction } => {
                let rendered = report::read(&json).map(|report| render(&report, &redaction));
                self.post(&FromEngine::Rendered { id, rendered });
            }
            ToEngine::Import { id, name, text, options } => {
                let import = import::read(&name, &text, &options);
                self.post(&FromEngine::Imported { id, import });
            }
            ToEngine::Undo { text, base, secrets, start, end, confirmation } => {
                let check = self.check(&text, &base, &secrets, &start, &end);
                self.undo(check, confirmation);
            }
            ToEngine::Pause => self.with_running(Control::pause),
            ToEngine::Resume => self.with_running(Control::resume),
            ToEngine::Cancel => self.with_running(Control::cancel),
        }
    }

    fn with_running(&self, act: impl Fn(&Control)) {
        // Cloned out: what wakes up may come back here.
        if let Some(control) = self.running.borrow().clone() {
            act(&control);
        }
    }

    fn check(
        &self,
        text: &str,
        base: &str,
        secrets: &BTreeMap<String, String>,
        start: &str,
        end: &str,
    ) -> plan::PlanCheck {
        let now_ms = self.ports.clock.now_ms();
        plan::check(text, &plan::Context { base: Some(base), secrets, now_ms, start, end })
    }

    fn preview(self: &Rc<Self>, id: u32, kind: SourceKind, manifest: String, tenant: String) {
        let worker = self.clone();
        let (work, handle) = abortable(async move {
            let tell = |read_bytes, bytes| worker.post(&FromEngine::Scanned { id, read_bytes, bytes });
            let answer = run::preview(&worker.ports, kind, &manifest, &tenant, tell).await;
            let (recording, error) = match answer {
                Ok(recording) => (Some(Box::new(recording)), None),
                Err(error) => (None, Some(error)),
            };
            worker.post(&FromEngine::Previewed { id, recording, error });
        });
        if let Some(before) = self.preview.replace(Some(handle)) {
            before.abort();
        }
        wasm_bindgen_futures::spawn_local(async move {
            // An abort is no failure: the answer is no longer wanted.
            let _ = work.await;
        });
    }

    fn recipes(&self, text: &str, base: &str) -> FromEngine {
        // Recipes pass headers on by name; no value is needed, and none goes in.
        let plan = self.check(text, base, &BTreeMap::new(), "", "").plan;
        match plan.map(|plan| gateway::GatewayInput::from_plan(&plan, base)) {
            Some(Ok(input)) => FromEngine::Recipes { recipes: gateway::recipes(&input), error: None },
            Some(Err(error)) => FromEngine::Recipes { recipes: Vec::new(), error: Some(error) },
            None => FromEngine::Recipes { recipes: Vec::new(), error: None },
        }
    }

    fn idle(&self) -> Result<(), Error> {
        match *self.running.borrow() {
            Some(_) => Err(Error::new(ErrorKind::Input, "a run is under way")
                .remedy("Wait for its end, or cancel it first.")),
            None => Ok(()),
        }
    }

    fn undo(self: &Rc<Self>, check: plan::PlanCheck, confirmation: String) {
        let worker = self.clone();
        wasm_bindgen_futures::spawn_local(async move {
            let undone = async {
                worker.idle()?;
                let job = start::job(check, Vec::new())?;
                run::undo(worker.ports.clone(), &job.plan, job.window, &confirmation).await
            };
            let undone = undone.await;
            if undone.is_ok() {
                worker.memory.borrow_mut().forget();
            }
            worker.post(&FromEngine::Undone { undone });
        });
    }

    fn begin(
        self: &Rc<Self>,
        check: plan::PlanCheck,
        stages: Vec<Stage>,
        given: &[String],
    ) -> Result<(), Error> {
        self.idle()?;
        let mut job = start::job(check, stages)?;
        job.given = self.memory.borrow_mut().begin(&job);
        for json in given {
            job.given.take(report::read(json)?);
        }
        *self.redaction.borrow_mut() = job.plan.options.redact.clone();
        let control = Control::new();
        *self.running.borrow_mut() = Some(control.clone());
        let worker = self.clone();
        wasm_bindgen_futures::spawn_local(async move {
            let sink: Rc<dyn Fn(Event)> = {
                let worker = worker.clone();
                Rc::new(move |event| worker.emit(event))
            };
            let outcome = run::execute(worker.ports.clone(), job, control, sink).await;
            *worker.running.borrow_mut() = None;
            worker.flush(true);
            worker.post(&match outcome {
                Ok(reports) => {
                    FromEngine::Finished { ok: reports.iter().all(|report| report.status() == Status::Pass) }
                }
                Err(error) => FromEngine::Failed { error },
            });
        });
        Ok(())
    }

    fn emit(self: &Rc<Self>, event: Event) {
        let artifacts = match &event {
            Event::Report { report } => {
                self.memory.borrow_mut().take(report);
                let rendered = render(report, &self.redaction.borrow());
                Some(FromEngine::Artifacts {
                    stage: report.stage(),
                    json: rendered.json,
                    markdown: rendered.markdown,
                    html: rendered.html,
                })
            }
            _ => None,
        };
        self.outbox.borrow_mut().push(event);
        match artifacts {
            Some(artifacts) => {
                self.flush(true);
                self.post(&artifacts);
            }
            None => self.flush_when_due(),
        }
    }

    /// Posts now what may go now, and comes back for what may not.
    fn flush_when_due(self: &Rc<Self>) {
        loop {
            let due = self.outbox.borrow().due_in_ms(self.ports.clock.monotonic_ms());
            match due {
                None => return,
                Some(wait) if wait <= 0.0 => self.flush(false),
                Some(_) if self.will_come_back.replace(true) => return,
                Some(wait) => {
                    let worker = self.clone();
                    let sleep = self.ports.clock.sleep(wait.ceil() as u64);
                    wasm_bindgen_futures::spawn_local(async move {
                        sleep.await;
                        worker.will_come_back.set(false);
                        worker.flush_when_due();
                    });
                    return;
                }
            }
        }
    }

    fn flush(&self, all: bool) {
        let events = self.outbox.borrow_mut().take(self.ports.clock.monotonic_ms(), all);
        if !events.is_empty() {
            self.post(&FromEngine::Events { events });
        }
    }

    fn post(&self, message: &FromEngine) {
        post(&self.scope, message);
    }
}

/// The report in every format, what is to be hidden hidden.
fn render(report: &Report, redaction: &Redaction) -> Rendered {
    let report = Box::new(report.redacted(redaction));
    Rendered {
        json: report::json(&report),
        markdown: report::markdown(&report),
        html: report::html(&report),
        report,
    }
}

/// Posts a message. What cannot be posted (none of ours) is told as a failure.
fn post(scope: &DedicatedWorkerGlobalScope, message: &FromEngine) {
    let posted = to_js(message)
        .is_ok_and(|bytes| scope.post_message_with_transfer(&bytes, &Array::of1(&bytes.buffer())).is_ok());
    if !posted && !matches!(message, FromEngine::Failed { .. }) {
        post(scope, &FromEngine::Failed { error: other_build() });
    }
}

fn other_build() -> Error {
    Error::new(ErrorKind::Input, "page and engine do not understand each other")
        .remedy("They are of different builds: reload the page.")
}
