//! The engine as the store sees it: started when there is something to tell it, renewed when it breaks, heard.

use super::run::{self, Artifacts, Changes, Part, Run};
use super::view::View;
use super::{Banner, Phase, Recipes, Store};
use crate::browser;
use crate::worker::{Engine, Incoming};
use leptos::prelude::*;
use std::time::Duration;
use tsink_migrate_engine::run::Event;
use tsink_migrate_engine::{Error, ErrorKind};
use tsink_migrate_host::protocol::{FromEngine, ToEngine};

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
        self.start_engine();
        let sent = self.engine.with_value(|engine| engine.as_ref().map(|engine| engine.send(message)));
        if let Some(Err(error)) = sent {
            self.broken("The engine does not work here", error, true);
        }
    }

    fn receive(self, incoming: Incoming) {
        let message = match incoming {
            Incoming::Message(message) => message,
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
                }
            }
            FromEngine::Scanned { id, read_bytes, bytes } => {
                self.preview.update(|preview| preview.scanned(id, read_bytes, bytes));
            }
            FromEngine::Previewed { id, recording, error } => {
                self.preview.update(|preview| preview.answered(id, recording, error));
            }
            FromEngine::Recipes { recipes, error } => self.recipes.set(Recipes { recipes, error }),
            FromEngine::Events { events } => self.apply(events),
            FromEngine::Artifacts { stage, json, markdown, html } => {
                self.keep_finished(json.clone());
                self.run.update_value(|run| run.artifacts(stage, Artifacts { json, markdown, html }));
                self.trigger(Part::Stages).notify();
            }
            FromEngine::Rendered { id, rendered } => self.rendered(id, rendered),
            FromEngine::Imported { id, import } => {
                self.queries.update(|queries| queries.answered(id, import))
            }
            FromEngine::Undone { undone } => self.undone(undone),
            FromEngine::Finished { ok } => {
                self.run.update_value(Run::finish);
                self.end_job();
                self.said.set(if ok {
                    "All stages passed.".to_owned()
                } else {
                    "The run ended with issues.".to_owned()
                });
            }
            FromEngine::Failed { error } => {
                self.run.update_value(|run| run.stop(error.clone(), browser::now_ms()));
                self.end_job();
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

    fn apply(self, events: Vec<Event>) {
        let now = browser::now_ms();
        let mut changes = Changes::default();
        for event in events {
            match &event {
                Event::StageStarted { stage } if self.follow.get_value() => self.show(View::of(*stage)),
                Event::StageFinished { stage, ok } => {
                    let verdict = if *ok { "passed" } else { "failed" };
                    self.said.set(format!("{} {verdict}.", run::title(*stage)));
                }
                Event::Report { .. } => self.forgot.set_value(false),
                _ => {}
            }
            self.run.update_value(|run| changes.join(run.apply(event, now)));
        }
        self.now.set(now);
        self.notify(changes);
    }

    fn end_job(self) {
        self.phase.set(Phase::Idle);
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
