//! The engine as the store sees it: started when there is something to tell it, renewed when it breaks, heard.

use super::reports::Shown;
use super::run::{self, Artifacts, Changes, Part, Run};
use super::view::View;
use super::{Banner, Phase, Recipes, Store};
use crate::browser::{self, document::Document};
use crate::worker::{Engine, Incoming};
use leptos::prelude::*;
use std::sync::Arc;
use std::time::Duration;
use tsink_migrate_engine::run::Event;
use tsink_migrate_engine::{Error, ErrorKind};
use tsink_migrate_host::parcels::{self, Parcel};
use tsink_migrate_host::protocol::{FromEngine, Rendered, ToEngine};
use web_sys::Blob;

/// How starting the engine goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Starts {
    /// No attempt yet, or none that failed.
    #[default]
    Well,
    /// The last attempt failed, and another one is under way that no cache can spoil.
    Again,
    /// The last attempt failed.
    Failed,
}

/// Least time between two changes of what the page shows of a run, in ms.
const NOTIFY_MS: i64 = 100;

impl Store {
    /// Starts the engine, if there is none.
    fn start_engine(self) {
        if self.engine.with_value(Option::is_some) {
            return;
        }
        let afresh = self.starts.get_untracked() != Starts::Well;
        match Engine::start(afresh, move |incoming| self.receive(incoming)) {
            Ok(engine) => {
                self.engine.set_value(Some(engine));
                // A new engine knows no files.
                self.give_files();
            }
            Err(error) => self.not_started(error),
        }
    }

    /// Lets a worker go that broke down; the next message starts a new one. Its memory goes a little later: this
    /// may be called from within its own message.
    fn drop_engine(self) {
        let old = self.engine.try_update_value(Option::take).flatten();
        self.forgot.set_value(true);
        self.ledgers.await_nothing();
        // What broke off can be continued: the next engine is asked what there is.
        self.ledgers.all.set(None);
        drop(self.unpacked());
        if let Some(old) = &old {
            old.mute();
        }
        set_timeout(move || drop(old), Duration::ZERO);
    }

    /// A worker that broke down may be of no more use; a new one costs little.
    fn renew_engine(self) {
        self.drop_engine();
        set_timeout(move || self.schedule_check(), Duration::ZERO);
    }

    /// Starts the engine again after it could not be started.
    pub fn try_again(self) {
        self.banner.set(None);
        self.starts.set(Starts::Again);
        self.renew_engine();
    }

    /// Tells the engine something; starts it for that, if there is none.
    pub(super) fn send(self, message: &ToEngine) {
        self.send_with(message, &[]);
    }

    /// The same, of messages that bring files.
    pub(super) fn send_with(self, message: &ToEngine, files: &[Blob]) {
        self.start_engine();
        self.send_to_running(message, files);
    }

    /// The same, if there is an engine.
    pub(super) fn send_to_running(self, message: &ToEngine, files: &[Blob]) {
        let sent = self.engine.with_value(|engine| {
            let engine = engine.as_ref()?;
            Some(if files.is_empty() && !matches!(message, ToEngine::Files { .. }) {
                engine.send(message)
            } else {
                engine.send_with(message, files)
            })
        });
        if let Some(Err(error)) = sent {
            self.broken("The engine does not work here", error, true);
        }
    }

    fn receive(self, incoming: Incoming) {
        let (message, files) = match incoming {
            Incoming::Message(message, files) => (message, files),
            Incoming::NotStarted(error) => return self.not_started(error),
            Incoming::Broken(error) => {
                self.renew_engine();
                self.not_rendered(&error);
                return self.broken("The engine does not work here", error, false);
            }
        };
        match message {
            FromEngine::Ready { .. } => {
                self.starts.set(Starts::Well);
                if self.banner.with_untracked(|banner| banner.as_ref().is_some_and(|banner| banner.again)) {
                    self.banner.set(None);
                }
            }
            FromEngine::Checked { id, check } => {
                if id == self.asked.get_value() {
                    self.checking.set(false);
                    self.check.set(*check);
                    if self.check.with_untracked(|check| check.is_ready()) {
                        self.look_for_ledgers();
                    }
                    if self.ledgers.all.with_untracked(Option::is_some) {
                        self.go_on_if_asked();
                    }
                }
            }
            FromEngine::Scanned { id, read_bytes, bytes } => {
                self.preview.update(|preview| preview.scanned(id, read_bytes, bytes));
            }
            FromEngine::Previewed { id, recording, error } => {
                self.preview.update(|preview| preview.answered(id, recording, error));
            }
            FromEngine::Recipes { recipes, error } => self.recipes.set(Recipes { recipes, error }),
            FromEngine::Findings { parcel } => self.parcels.update_value(|all| all.push(parcel)),
            FromEngine::Events { events } => self.apply(events),
            FromEngine::Artifacts { stage, print } => {
                let Some([json, markdown, html]) = documents(files) else { return };
                self.keep_finished(stage, json.clone(), print);
                self.run.update_value(|run| run.artifacts(stage, Artifacts { json, markdown, html }));
                self.trigger(Part::Stages).notify();
            }
            FromEngine::Rendered { id, rendered } => {
                let parcels = self.unpacked();
                let rendered = rendered.and_then(|Rendered { mut report, print }| {
                    parcels::load(&mut report, parcels);
                    let report = Arc::from(report);
                    match documents(files) {
                        Some([json, markdown, html]) => Ok(Shown { report, print, json, markdown, html }),
                        None => Err(Error::new(ErrorKind::Internal, "the report came without its files")),
                    }
                });
                self.rendered(id, rendered);
            }
            FromEngine::Imported { id, import } => {
                self.queries.update(|queries| queries.answered(id, import))
            }
            FromEngine::Undone { undone } => self.undone(undone),
            FromEngine::Ledgers { asked, ledgers, elsewhere, error } => {
                self.ledgers.elsewhere.set(elsewhere);
                self.ledgers(asked, ledgers, error);
            }
            FromEngine::Ledger { text, .. } => self.ledger(text),
            FromEngine::Finished { ok } => {
                self.run.update_value(Run::finish);
                self.end_job();
                self.forget_kept_plan();
                self.ask_ledgers();
                self.said.set(if ok {
                    "All stages passed.".to_owned()
                } else {
                    "The run ended with issues.".to_owned()
                });
            }
            FromEngine::Failed { error } => {
                self.run.update_value(|run| run.stop(error.clone(), browser::now_ms()));
                self.end_job();
                self.ask_ledgers();
                if !matches!(error.kind, ErrorKind::Cancelled | ErrorKind::Input) {
                    self.renew_engine();
                    self.not_rendered(&error);
                }
                if error.kind == ErrorKind::Cancelled {
                    self.said.set("Cancelled.".to_owned());
                } else {
                    self.banner.set(Some(Banner { title: "The run broke off", error, again: false }));
                }
            }
        }
    }

    /// The findings that went ahead of the report that is here now.
    fn unpacked(self) -> Vec<Parcel> {
        self.parcels.try_update_value(std::mem::take).unwrap_or_default()
    }

    fn apply(self, events: Vec<Event>) {
        let now = browser::now_ms();
        let mut changes = Changes::default();
        for mut event in events {
            if let Event::Report { report } = &mut event {
                parcels::load(report, self.unpacked());
            }
            match &event {
                Event::StageStarted { stage } if self.follow.get_value() => self.show(View::of(*stage)),
                Event::StageFinished { stage, ok } => {
                    let verdict = if *ok { "passed" } else { "failed" };
                    self.said.set(format!("{} {verdict}.", run::title(*stage)));
                }
                Event::Report { .. } => self.forgot.set_value(false),
                Event::Ask { side, .. } => {
                    self.said.set(format!("The {side} refuses the token. The run waits for a new one."));
                    self.renewal.ask();
                }
                Event::Renewed => {
                    self.said.set("The new token is taken. The run goes on.".to_owned());
                    self.renewal.close();
                }
                _ => {}
            }
            self.run.update_value(|run| changes.join(run.apply(event, now)));
        }
        self.now.set(now);
        self.notify_soon(changes, now);
    }

    /// Tells the page what changed: at once where it waits for that, else ten times a second at most, whatever
    /// comes: each time costs the main thread a few ms.
    fn notify_soon(self, changes: Changes, now: i64) {
        let (mut all, last) = self.pending.get_value();
        let is_awaited = !all.is_empty();
        all.join(changes);
        let urgent = [Part::Stages, Part::Steering].iter().any(|part| changes.has(*part));
        let wait = (last + NOTIFY_MS - now).clamp(0, NOTIFY_MS);
        if urgent || wait == 0 {
            self.pending.set_value((Changes::default(), now));
            return self.notify(all);
        }
        self.pending.set_value((all, last));
        if !is_awaited {
            let tell = move || {
                let (all, _) = self.pending.get_value();
                self.pending.set_value((Changes::default(), browser::now_ms()));
                self.notify(all);
            };
            set_timeout(tell, Duration::from_millis(wait.unsigned_abs()));
        }
    }

    fn end_job(self) {
        self.phase.set(Phase::Idle);
        self.renewal.close();
        self.notify(Changes::all());
    }

    /// The engine did not come up. A cache may be why, so it is asked for once more past all of them before anybody
    /// is told.
    fn not_started(self, error: Error) {
        if self.starts.get_untracked() == Starts::Well && !self.phase.get_untracked().is_busy() {
            self.starts.set(Starts::Again);
            self.renew_engine();
            set_timeout(move || self.render_again(), Duration::ZERO);
            return;
        }
        self.drop_engine();
        self.not_rendered(&error);
        self.starts.set(Starts::Failed);
        self.checking.set(false);
        self.broken("The engine does not work here", error, true);
    }

    pub(super) fn broken(self, title: &'static str, error: Error, again: bool) {
        self.run.update_value(Run::finish);
        self.end_job();
        self.banner.set(Some(Banner { title, error, again }));
    }
}

/// JSON, Markdown and HTML of a report.
fn documents(files: Vec<Blob>) -> Option<[Arc<Document>; 3]> {
    let files: Vec<_> = files.into_iter().map(|file| Arc::new(Document::new(file))).collect();
    files.try_into().ok()
}
