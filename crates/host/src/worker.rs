//! The engine worker behind the page: takes [`ToEngine`], posts [`FromEngine`].
//!
//! One job runs at a time. Everything is on one thread, so plans are checked between the pieces of a running
//! job. A page must also listen to the worker's `error` event: memory that runs out ends the instance without
//! a message.

use crate::files::{self, PageFiles};
use crate::ledgers::PageLedgers;
use crate::memory::Memory;
use crate::outbox::Outbox;
use crate::protocol::{FromEngine, Print, Rendered, ToEngine, from_js, to_js};
use crate::{panics, parcels, ports, start};
use futures_util::future::{AbortHandle, LocalBoxFuture, abortable};
use js_sys::Array;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use tsink_migrate_engine::plan::{Redaction, SourceKind};
use tsink_migrate_engine::port::Ports;
use tsink_migrate_engine::report::{self, Report, Status};
use tsink_migrate_engine::run::{self, Control, Event, Stage};
use tsink_migrate_engine::{Error, ErrorKind, gateway, import, plan};
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::*;
use web_sys::{Blob, BlobPropertyBag, DedicatedWorkerGlobalScope, MessageEvent};

/// Starts the message loop and says [`FromEngine::Ready`] with the build it is of. Does nothing outside a
/// dedicated worker.
pub fn run(build: &str) {
    let Ok(scope) = js_sys::global().dyn_into::<DedicatedWorkerGlobalScope>() else { return };
    panics::report_to(|error| {
        // The hook may not hold JavaScript values (it must be `Send`), so the scope is looked up again.
        if let Ok(scope) = js_sys::global().dyn_into::<DedicatedWorkerGlobalScope>() {
            scope.set_onmessage(None);
            post(&scope, &FromEngine::Failed { error }, &Array::new());
        }
    });
    let files = Rc::new(PageFiles::default());
    let ledgers = PageLedgers::default();
    let worker = Rc::new(Worker {
        scope: scope.clone(),
        ports: Ports { files: files.clone(), store: Rc::new(ledgers.clone()), ..ports() },
        files,
        ledgers,
        awaited: RefCell::default(),
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
                Ok(ToEngine::Render { id, redaction }) => {
                    let file = with_files.map_or(JsValue::UNDEFINED, |all| all.get(1));
                    worker.render(id, redaction, file);
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
    ledgers: PageLedgers,
    /// Ledgers that another tab works on, and whose end is waited for.
    awaited: RefCell<BTreeSet<String>>,
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
            ToEngine::Files { .. } | ToEngine::Render { .. } => {}
            ToEngine::Preview { id, kind, manifest, tenant } => self.preview(id, kind, manifest, tenant),
            ToEngine::Recipes { text, base } => self.post(&self.recipes(&text, &base)),
            ToEngine::Start { text, base, secrets, start, end, stages, given, fresh } => {
                let check = self.check(&text, &base, &secrets, &start, &end);
                if let Err(error) = self.begin(check, stages, &given, fresh) {
                    self.post(&FromEngine::Failed { error });
                }
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
            ToEngine::Limits { limits } => self.with_running(|control| control.set_limits(limits)),
            ToEngine::Renew { text, base, secrets } => {
                if let Some(plan) = self.check(&text, &base, &secrets, "", "").plan {
                    self.with_running(|control| {
                        control.renew(plan.source.headers.clone(), plan.target.headers.clone());
                    });
                }
            }
            ToEngine::Ledgers => self.tell_ledgers(async |_| Ok(())),
            ToEngine::ExportLedger { key } => {
                let worker = self.clone();
                wasm_bindgen_futures::spawn_local(async move {
                    let text = run::export_ledger(&worker.ledgers, &key).await;
                    worker.post(&FromEngine::Ledger { key, text });
                });
            }
            ToEngine::ImportLedger { text } => self.tell_ledgers(async move |worker| {
                worker.idle()?;
                run::import_ledger(&worker.ledgers, &text).await.map(drop)
            }),
            ToEngine::ForgetLedger { key } => self.tell_ledgers(async move |worker| {
                worker.idle()?;
                run::forget_ledger(&worker.ledgers, &key).await
            }),
        }
    }

    /// Does something with the ledgers, and tells which there are then.
    fn tell_ledgers(self: &Rc<Self>, act: impl AsyncFnOnce(&Self) -> Result<(), Error> + 'static) {
        let worker = self.clone();
        wasm_bindgen_futures::spawn_local(async move {
            let done = act(&worker).await;
            if worker.running.borrow().is_none() {
                worker.ledgers.release();
            }
            worker.list_ledgers(true, done.err()).await;
        });
    }

    async fn list_ledgers(self: &Rc<Self>, asked: bool, error: Option<Error>) {
        let (ledgers, told) = match run::ledgers(&self.ledgers).await {
            Ok(ledgers) => (ledgers, None),
            Err(error) => (Vec::new(), Some(error)),
        };
        let elsewhere = self.ledgers.elsewhere().await;
        for key in elsewhere.clone() {
            if self.awaited.borrow_mut().insert(key.clone()) {
                let worker = self.clone();
                wasm_bindgen_futures::spawn_local(async move {
                    worker.ledgers.until_free(&key).await;
                    worker.awaited.borrow_mut().remove(&key);
                    worker.list_ledgers_again().await;
                });
            }
        }
        self.post(&FromEngine::Ledgers { asked, ledgers, elsewhere, error: error.or(told) });
    }

    /// Another tab has let a ledger go. In a box, as one list leads to the next.
    fn list_ledgers_again(self: &Rc<Self>) -> LocalBoxFuture<'static, ()> {
        let worker = self.clone();
        Box::pin(async move { worker.list_ledgers(false, None).await })
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

    fn render(self: &Rc<Self>, id: u32, redaction: Redaction, file: JsValue) {
        let worker = self.clone();
        wasm_bindgen_futures::spawn_local(async move {
            let report = files::text(file).await.and_then(|json| report::read(&json));
            let (rendered, files) = match report.map(|report| render(&report, &redaction)) {
                Ok((mut rendered, files)) => {
                    worker.send_ahead(&mut rendered.report);
                    (Ok(rendered), files)
                }
                Err(error) => (Err(error), Array::new()),
            };
            post(&worker.scope, &FromEngine::Rendered { id, rendered }, &files);
        });
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
            let mut key = None;
            let undone = async {
                worker.idle()?;
                let job = start::job(check, Vec::new())?;
                key = Some(run::ledger_key(&job.plan, job.window));
                run::undo(worker.ports.clone(), &job.plan, job.window, &confirmation).await
            };
            let undone = undone.await;
            if undone.is_ok() {
                worker.memory.borrow_mut().forget();
                if let Some(key) = key {
                    // A run that goes on would notice: it asks the target first. This spares it the question.
                    let _ = run::forget_ledger(&worker.ledgers, &key).await;
                    worker.ledgers.release();
                }
            }
            worker.post(&FromEngine::Undone { undone });
        });
    }

    fn begin(
        self: &Rc<Self>,
        check: plan::PlanCheck,
        stages: Vec<Stage>,
        given: &[String],
        fresh: bool,
    ) -> Result<(), Error> {
        self.idle()?;
        let mut job = start::job(check, stages)?;
        job.fresh = fresh;
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
            worker.ledgers.release();
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

    fn emit(self: &Rc<Self>, mut event: Event) {
        let artifacts = match &mut event {
            Event::Report { report } => {
                self.memory.borrow_mut().take(report);
                let (rendered, files) = render(report, &self.redaction.borrow());
                self.send_ahead(report);
                Some((FromEngine::Artifacts { stage: report.stage(), print: rendered.print }, files))
            }
            _ => None,
        };
        parcels::lighten(&mut event);
        self.outbox.borrow_mut().push(event);
        match artifacts {
            Some((artifacts, files)) => {
                self.flush(true);
                post(&self.scope, &artifacts, &files);
            }
            None => self.flush_when_due(),
        }
    }

    /// Sends a report's findings ahead of it.
    fn send_ahead(&self, report: &mut Report) {
        for parcel in parcels::unload(report) {
            self.post(&FromEngine::Findings { parcel });
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
        let messages = self.outbox.borrow_mut().take(self.ports.clock.monotonic_ms(), all);
        for events in messages {
            self.post(&FromEngine::Events { events });
        }
    }

    fn post(&self, message: &FromEngine) {
        post(&self.scope, message, &Array::new());
    }
}

/// The report, what is to be hidden hidden; and as files in JSON, Markdown and HTML.
fn render(report: &Report, redaction: &Redaction) -> (Rendered, Array) {
    let report = Box::new(report.redacted(redaction));
    let files = Array::new();
    let json = report::json(&report);
    let print = Print::of(&json);
    for (text, media_type) in [
        (json, "application/json"),
        (report::markdown(&report), "text/markdown"),
        (report::html(&report), "text/html"),
    ] {
        let options = BlobPropertyBag::new();
        options.set_type(media_type);
        // No browser refuses it; one that did would have no file to save.
        let _ = Blob::new_with_str_sequence_and_options(&Array::of1(&JsValue::from_str(&text)), &options)
            .map(|file| files.push(&file));
    }
    (Rendered { report, print }, files)
}

/// Posts a message, the first of an array where files go with it. What cannot be posted (none of ours) is told as a
/// failure.
fn post(scope: &DedicatedWorkerGlobalScope, message: &FromEngine, files: &Array) {
    let posted = to_js(message).is_ok_and(|bytes| {
        let buffer = Array::of1(&bytes.buffer());
        let all: JsValue =
            if files.length() > 0 { Array::of1(&bytes).concat(files).into() } else { bytes.into() };
        scope.post_message_with_transfer(&all, &buffer).is_ok()
    });
    if !posted && !matches!(message, FromEngine::Failed { .. }) {
        post(scope, &FromEngine::Failed { error: other_build() }, &Array::new());
    }
}

fn other_build() -> Error {
    Error::new(ErrorKind::Input, "page and engine do not understand each other")
        .remedy("They are of different builds: reload the page.")
}
