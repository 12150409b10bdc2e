//! Reports: the one that is open, those that this browser keeps, and the ways in which they come and go.

pub mod bound;
pub mod entry;
pub mod exchange;
mod history;
pub mod link;
pub(super) mod scan;
pub mod shape;
pub mod share;
mod shorten;

use super::Store;
use super::view::View;
use crate::browser;
use crate::browser::document::{self, Document};
use crate::browser::squeeze::{self, Refusal};
use entry::Entry;
use js_sys::{Function, Promise};
use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos::wasm_bindgen::JsValue;
use share::Link;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use tsink_migrate_engine::plan::Redaction;
use tsink_migrate_engine::report::Report;
use tsink_migrate_engine::{Error, ErrorKind};
use tsink_migrate_host::protocol::{Print, ToEngine};
use wasm_bindgen_futures::JsFuture;
use web_sys::Blob;

/// Where the open report comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A stage that ran here.
    Run,
    /// The history.
    History,
    /// A file, or text that was pasted.
    File,
    /// A link.
    Link,
}

/// The report that is open.
#[derive(Clone)]
pub struct Opened {
    /// Where it comes from.
    pub origin: Origin,
    /// Name of its file, or what else it is called.
    pub name: String,
    /// What the history says, or would say, of it.
    pub entry: Entry,
    /// `report.json` with everything in it.
    pub json: Arc<Document>,
    /// The report as it is shown and shared: what is to be hidden hidden.
    pub shown: Arc<Shown>,
    /// What of it is drawn: a stranger's lists may be of any length.
    pub drawn: Arc<Report>,
}

/// A report in every format.
#[derive(Clone)]
pub struct Shown {
    /// The report itself, what was to be hidden hidden.
    pub report: Arc<Report>,
    /// What the text of `report.json` is like.
    pub print: Print,
    /// `report.json`.
    pub json: Arc<Document>,
    /// `report.md`.
    pub markdown: Arc<Document>,
    /// `report.html`.
    pub html: Arc<Document>,
}

/// Why a report could not be read.
#[derive(Clone, Debug, PartialEq)]
pub struct Unread {
    /// What it was.
    pub title: String,
    /// Why, and what to do.
    pub error: Error,
}

/// A question to the engine that is still to be answered.
struct Pending {
    id: u32,
    json: Blob,
    redaction: Redaction,
    answer: Rc<RefCell<Option<Result<Shown, Error>>>>,
    wake: Function,
}

/// What the page knows of reports.
#[derive(Clone, Copy)]
pub struct Reports {
    /// The open report.
    pub opened: RwSignal<Option<Opened>>,
    /// Whether one is being read.
    pub opening: RwSignal<bool>,
    /// The last one that could not be read.
    pub unread: RwSignal<Option<Unread>>,
    /// Whether host names are hidden in what is shown and shared.
    pub hide_hosts: RwSignal<bool>,
    /// Labels whose values are hidden, as typed.
    pub hide_labels: RwSignal<String>,
    /// The link that was made last.
    pub link: RwSignal<Link>,
    /// The history, newest first; none before it was looked at.
    pub history: RwSignal<Option<Vec<Entry>>>,
    /// What became of the last thing that was to be kept, imported or deleted.
    pub told: RwSignal<Option<String>>,
    /// What was deleted last, for as long as it can be taken back.
    pub deleted: RwSignal<Option<(Entry, String)>>,
    /// Ends what was asked for before.
    turn: StoredValue<u32>,
    asked: StoredValue<u32>,
    pending: StoredValue<Vec<Pending>, LocalStorage>,
}

impl Default for Reports {
    fn default() -> Self {
        Self {
            opened: RwSignal::new(None),
            opening: RwSignal::default(),
            unread: RwSignal::default(),
            hide_hosts: RwSignal::default(),
            hide_labels: RwSignal::default(),
            link: RwSignal::default(),
            history: RwSignal::default(),
            told: RwSignal::default(),
            deleted: RwSignal::default(),
            turn: StoredValue::new(0),
            asked: StoredValue::new(0),
            pending: StoredValue::new_local(Vec::new()),
        }
    }
}

impl Reports {
    /// What is to be hidden.
    pub fn redaction(self) -> Redaction {
        let labels = self.hide_labels.with_untracked(|typed| share::labels(typed));
        Redaction { hosts: self.hide_hosts.get_untracked(), labels }
    }

    fn next_turn(self) -> u32 {
        self.turn.update_value(|turn| *turn = turn.wrapping_add(1));
        self.turn.get_value()
    }
}

impl Store {
    /// Opens a report that the browser holds, and shows it.
    pub fn open_document(self, json: Arc<Document>, origin: Origin, name: String) {
        match json.blob() {
            Some(json) => self.open_report(json, origin, name),
            None => {
                self.go(View::Reports);
                self.unread(format!("{name} cannot be read"), lost());
            }
        }
    }

    /// Opens a report and shows it. What it holds is only ever read by the engine.
    pub fn open_report(self, json: Blob, origin: Origin, name: String) {
        self.go(View::Reports);
        self.read_report(json, origin, name, None);
    }

    /// Reads a report; `known` is what the history says of it already.
    fn read_report(self, json: Blob, origin: Origin, name: String, known: Option<Entry>) {
        let turn = self.reports.next_turn();
        self.reports.opening.set(true);
        self.reports.unread.set(None);
        spawn_local(async move {
            let read = self.render(json, Redaction::default()).await;
            if self.reports.turn.get_value() != turn {
                return;
            }
            self.reports.opening.set(false);
            match read {
                Ok(rendered) => {
                    let entry = known
                        .unwrap_or_else(|| Entry::new(&rendered.report, rendered.print, browser::now_ms()));
                    let json = rendered.json.clone();
                    browser::breathe().await;
                    let drawn = bounded(&rendered.report);
                    self.said.set(format!("The report is open: {}. {}", entry.word, entry.found));
                    self.reports.hide_hosts.set(false);
                    self.reports.hide_labels.set(String::new());
                    self.reports.link.set(Link::None);
                    self.reports.opened.set(Some(Opened {
                        origin,
                        name,
                        entry,
                        json,
                        shown: Arc::new(rendered),
                        drawn,
                    }));
                    browser::to_content();
                }
                Err(error) => self.unread(format!("{name} cannot be read"), error),
            }
        });
    }

    fn unread(self, title: String, error: Error) {
        self.reports.opening.set(false);
        self.reports.opened.set(None);
        self.said.set(format!("{title}. {}", error.message));
        self.reports.unread.set(Some(Unread { title, error }));
    }

    /// Opens the report in the page's address, if there is one; says whether.
    pub fn open_link(self, hash: &str) -> bool {
        let Some(data) = link::data(hash).map(str::to_owned) else { return false };
        let turn = self.reports.next_turn();
        // The address stays: whoever reloads the page, or keeps it, has the report again.
        self.follow_no_stage();
        self.view.set(View::Reports);
        self.reports.opening.set(true);
        self.reports.unread.set(None);
        spawn_local(async move {
            let json = match link::bytes(&data) {
                Some(bytes) => {
                    let json = squeeze::inflate(&bytes, link::LARGEST).await;
                    json.and_then(|json| document::of_text(&json).ok_or(Refusal::Unable))
                }
                None => Err(Refusal::Broken),
            };
            if self.reports.turn.get_value() != turn {
                return;
            }
            match json {
                Ok(json) => self.read_report(json, Origin::Link, "The report in the link".to_owned(), None),
                Err(refusal) => self.unread("The link cannot be opened".to_owned(), no_link(refusal)),
            }
        });
        true
    }

    /// Closes the open report.
    pub fn close_report(self) {
        self.reports.next_turn();
        self.reports.opening.set(false);
        self.reports.opened.set(None);
        self.reports.unread.set(None);
        browser::replace_hash(View::Reports.hash());
        browser::to_content();
    }

    /// Draws the open report again, after what is to be hidden has changed.
    pub fn hide_in_report(self) {
        let Some(json) = self.reports.opened.with_untracked(|opened| Some(opened.as_ref()?.json.clone()))
        else {
            return;
        };
        let turn = self.reports.next_turn();
        self.reports.link.set(Link::None);
        let Some(json) = json.blob() else {
            return self.unread("The report cannot be drawn again".to_owned(), lost());
        };
        spawn_local(async move {
            let rendered = self.render(json, self.reports.redaction()).await;
            if self.reports.turn.get_value() != turn {
                return;
            }
            match rendered {
                Ok(rendered) => self.reports.opened.update(|opened| {
                    if let Some(opened) = opened {
                        opened.drawn = bounded(&rendered.report);
                        opened.shown = Arc::new(rendered);
                    }
                }),
                Err(error) => self.unread("The report cannot be drawn again".to_owned(), error),
            }
        });
    }

    /// Lets the engine read a report and write it in every format.
    pub(super) async fn render(self, json: Blob, redaction: Redaction) -> Result<Shown, Error> {
        let reports = self.reports;
        reports.asked.update_value(|id| *id = id.wrapping_add(1));
        let id = reports.asked.get_value();
        let answer = Rc::new(RefCell::new(None));
        let promise = Promise::new(&mut |wake, _| {
            let (json, redaction, answer) = (json.clone(), redaction.clone(), answer.clone());
            reports.pending.update_value(|all| all.push(Pending { id, json, redaction, answer, wake }));
        });
        self.send_with(&ToEngine::Render { id, redaction }, &[json]);
        // It is only ever woken, never refused.
        let _ = JsFuture::from(promise).await;
        let answer = answer.borrow_mut().take();
        answer.unwrap_or_else(|| Err(Error::new(ErrorKind::Internal, "the engine did not answer")))
    }

    /// An answer of the engine.
    pub(super) fn rendered(self, id: u32, rendered: Result<Shown, Error>) {
        let pending = self.reports.pending.try_update_value(|all| {
            all.iter().position(|pending| pending.id == id).map(|at| all.swap_remove(at))
        });
        if let Some(pending) = pending.flatten() {
            answer(&pending, rendered);
        }
    }

    /// Asks again what an engine was asked that did not come up.
    pub(super) fn render_again(self) {
        let questions = self.reports.pending.with_value(|all| {
            let again = |one: &Pending| {
                (ToEngine::Render { id: one.id, redaction: one.redaction.clone() }, one.json.clone())
            };
            all.iter().map(again).collect::<Vec<_>>()
        });
        questions.into_iter().for_each(|(question, json)| self.send_with(&question, &[json]));
    }

    /// Nobody will answer any more.
    pub(super) fn not_rendered(self, error: &Error) {
        let all = self.reports.pending.try_update_value(std::mem::take).unwrap_or_default();
        all.iter().for_each(|pending| answer(pending, Err(error.clone())));
    }
}

fn answer(pending: &Pending, rendered: Result<Shown, Error>) {
    *pending.answer.borrow_mut() = Some(rendered);
    let _ = pending.wake.call0(&JsValue::UNDEFINED);
}

/// The browser has lost what it held.
fn lost() -> Error {
    Error::new(ErrorKind::Internal, "the browser has lost the report's text").remedy("Open it again.")
}

/// What of a report is drawn. Only what is longer than any report of ours is copied for that.
fn bounded(report: &Arc<Report>) -> Arc<Report> {
    if bound::is_bound(report) {
        return report.clone();
    }
    let mut less = (**report).clone();
    bound::bound(&mut less);
    Arc::new(less)
}

fn no_link(refusal: Refusal) -> Error {
    let (message, remedy) = match refusal {
        Refusal::Unable => (
            "this browser cannot unfold what the link holds",
            "Open it in a present version of Chromium, Firefox or Safari, or ask for the file report.json.",
        ),
        Refusal::Broken => (
            "the link does not hold a whole report",
            "Mail and chat programs cut long links off. Ask for the link once more, or for the file report.json, \
             and drop it here.",
        ),
        Refusal::TooLarge => (
            "what the link holds unfolds to more than 16 MiB, which no report has that was made for a link",
            "Do not trust it. Ask for the file report.json.",
        ),
    };
    Error::new(ErrorKind::Input, message).remedy(remedy)
}
