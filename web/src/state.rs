//! What the page knows: one store, passed by context. The model itself is plain data in the modules below;
//! the store makes it reactive and talks to the engine.

pub mod coverage;
pub mod endpoints;
pub mod engine;
pub mod files;
pub mod findings;
pub mod format;
pub mod kept_plan;
pub mod ledgers;
pub mod log;
pub mod picture;
pub mod preview;
pub mod queries;
pub mod recording;
pub mod repair;
pub mod reports;
pub mod run;
pub mod series_map;
pub mod steering;
pub mod throughput;
pub mod undo;
pub mod verified;
pub mod view;
pub mod words;

use crate::browser::{self, document::Document};
use crate::worker::Engine;
use engine::Starts;
use files::Recognised;
use leptos::prelude::*;
use leptos::task::spawn_local;
use recording::{Recording, Wanted};
use run::{Changes, Inputs, Part, Run};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tsink_migrate_engine::Error;
use tsink_migrate_engine::gateway::Recipe;
use tsink_migrate_engine::plan::{Draft, PlanCheck, Redaction, Severity};
use tsink_migrate_engine::run::{Limits, Stage};
use tsink_migrate_host::parcels::Parcel;
use tsink_migrate_host::protocol::ToEngine;
use view::View;

/// Start of the window until somebody says otherwise.
pub const FIRST_START: &str = "now-1d";
/// End of the window until somebody says otherwise. Not `now`: a source may still be taking in the last
/// samples, and a verification must find the same ones twice.
pub const FIRST_END: &str = "now-1m";
/// Pause between a key stroke and the check of the plan, in ms.
const CHECK_AFTER_MS: u64 = 120;

/// What the engine is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Phase {
    /// Nothing.
    #[default]
    Idle,
    /// A job.
    Running,
    /// A job, held.
    Paused,
    /// A job that was told to end.
    Cancelling,
}

impl Phase {
    /// Whether a job is under way.
    pub fn is_busy(self) -> bool {
        self != Self::Idle
    }
}

/// Something that went wrong as a whole.
#[derive(Clone, Debug, PartialEq)]
pub struct Banner {
    /// What.
    pub title: &'static str,
    /// Why, and what to do.
    pub error: Error,
    /// Whether starting the engine once more may help.
    pub again: bool,
}

/// A file that was offered to the page, and left alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offered {
    /// Its name.
    pub name: String,
    /// What it is, or why it was left alone.
    pub what: Recognised,
}

/// Gateway recipes for the plan at hand.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Recipes {
    /// Recipes.
    pub recipes: Vec<Recipe>,
    /// Why there are none for a valid plan.
    pub error: Option<Error>,
}

/// The store.
#[derive(Clone, Copy)]
pub struct Store {
    /// Page shown.
    pub view: RwSignal<View>,
    /// Plan text; empty when there is none.
    pub text: RwSignal<String>,
    /// Name of the plan's file.
    pub name: RwSignal<String>,
    /// Start of the window as typed.
    pub start: RwSignal<String>,
    /// End of the window as typed.
    pub end: RwSignal<String>,
    /// Values for `${NAME}`; only ever in memory.
    pub secrets: RwSignal<BTreeMap<String, String>>,
    /// Newest check of the plan.
    pub check: RwSignal<PlanCheck>,
    /// Whether a newer check is awaited.
    pub checking: RwSignal<bool>,
    /// Whether the start page is over: a plan was opened or is being written.
    pub has_plan: RwSignal<bool>,
    /// Whether the form is shown instead of the text.
    pub form: RwSignal<bool>,
    /// Files offered last, and left alone.
    pub offered: RwSignal<Vec<Offered>>,
    /// Manifests and payload files that were dropped so far. Its `choose` and `files` are what the engine needs.
    pub recording: RwSignal<Recording<web_sys::File>, LocalStorage>,
    /// What the plan says about its recording.
    pub wanted: Memo<Wanted>,
    /// Files looked at so far and in all, while many are.
    pub looking: RwSignal<Option<(usize, usize)>>,
    /// Gateway recipes for the plan, once somebody asked.
    pub recipes: RwSignal<Recipes>,
    /// What the recording becomes.
    pub preview: RwSignal<preview::Preview>,
    /// The open report, and those that this browser keeps.
    pub reports: reports::Reports,
    /// What was begun and can be continued.
    pub ledgers: ledgers::Ledgers,
    /// The plan of the run that was begun last and has not ended.
    pub kept_plan: RwSignal<Option<kept_plan::KeptPlan>>,
    /// What the operator does about a token that is asked for.
    pub renewal: steering::Renewal,
    /// Queries of a file that was dropped, on their way into the plan.
    pub queries: RwSignal<queries::Queries>,
    /// How far taking back what was written is.
    pub undoing: RwSignal<undo::Undoing>,
    /// What the engine does.
    pub phase: RwSignal<Phase>,
    /// What went wrong as a whole.
    pub banner: RwSignal<Option<Banner>>,
    /// Read out by screen readers.
    pub said: RwSignal<String>,
    /// Ticks twice a second while a job runs; Unix ms.
    pub now: RwSignal<i64>,
    run: StoredValue<Run>,
    parts: [Trigger; 9],
    /// What changed since the page was last told, and when that was, Unix ms.
    pending: StoredValue<(Changes, i64)>,
    /// Findings that went ahead of their report.
    parcels: StoredValue<Vec<Parcel>>,
    /// Whether the run goes on by itself once the plan is checked.
    goes_on: StoredValue<bool>,
    /// What the operator changed of the limits.
    wished: StoredValue<Limits>,
    follow: StoredValue<bool>,
    asked: StoredValue<u32>,
    timer: StoredValue<Option<TimeoutHandle>>,
    engine: StoredValue<Option<Engine>, LocalStorage>,
    /// Whether the engine is another one than the one that made the newest reports.
    forgot: StoredValue<bool>,
    starts: RwSignal<Starts>,
}

/// The store of the page.
pub fn store() -> Store {
    expect_context()
}

impl Store {
    /// A store with nothing in it. The engine is started when there is something to tell it.
    pub fn start() -> Self {
        let text = RwSignal::new(String::new());
        let store = Self {
            view: RwSignal::new(View::default()),
            text,
            name: RwSignal::default(),
            start: RwSignal::new(browser::query("start").unwrap_or_else(|| FIRST_START.to_owned())),
            end: RwSignal::new(browser::query("end").unwrap_or_else(|| FIRST_END.to_owned())),
            secrets: RwSignal::default(),
            check: RwSignal::default(),
            checking: RwSignal::default(),
            has_plan: RwSignal::default(),
            form: RwSignal::default(),
            offered: RwSignal::default(),
            recording: RwSignal::new_local(Recording::default()),
            wanted: Memo::new(move |_| text.with(|text| Wanted::of_plan(text))),
            looking: RwSignal::default(),
            recipes: RwSignal::default(),
            preview: RwSignal::default(),
            reports: reports::Reports::default(),
            ledgers: ledgers::Ledgers::default(),
            kept_plan: RwSignal::default(),
            renewal: steering::Renewal::default(),
            queries: RwSignal::default(),
            undoing: RwSignal::default(),
            phase: RwSignal::default(),
            banner: RwSignal::default(),
            said: RwSignal::default(),
            now: RwSignal::new(browser::now_ms()),
            run: StoredValue::default(),
            parts: std::array::from_fn(|_| Trigger::new()),
            pending: StoredValue::default(),
            parcels: StoredValue::default(),
            goes_on: StoredValue::new(false),
            wished: StoredValue::default(),
            follow: StoredValue::new(true),
            asked: StoredValue::new(0),
            timer: StoredValue::new(None),
            engine: StoredValue::new_local(None),
            forgot: StoredValue::new(false),
            starts: RwSignal::default(),
        };
        Effect::new(move || store.schedule_check());
        store.recall_plan();
        store.follow_recording();
        store
    }

    /// Reads from the run's model; runs again when one of the parts changes.
    pub fn read<T>(self, parts: &[Part], read: impl FnOnce(&Run) -> T) -> T {
        for part in parts {
            self.trigger(*part).track();
        }
        self.run.with_value(read)
    }

    fn trigger(self, part: Part) -> Trigger {
        let [stages, progress, preflight, coverage, balance, log, checks, timing, steering] = self.parts;
        match part {
            Part::Stages => stages,
            Part::Progress => progress,
            Part::Preflight => preflight,
            Part::Coverage => coverage,
            Part::Balance => balance,
            Part::Log => log,
            Part::Checks => checks,
            Part::Timing => timing,
            Part::Steering => steering,
        }
    }

    fn notify(self, changes: Changes) {
        for part in Part::ALL {
            if changes.has(part) {
                self.trigger(part).notify();
            }
        }
    }

    /// Opens a plan. Secrets go: a new plan may name other servers.
    pub fn open(self, text: String, name: String) {
        self.secrets.update(BTreeMap::clear);
        self.undoing.set(undo::Undoing::default());
        self.said.set(format!("Plan {name} is open."));
        self.name.set(name);
        self.text.set(text);
        self.has_plan.set(true);
        self.go(View::Plan);
    }

    /// Begins a plan in the form.
    pub fn write_plan(self) {
        if self.text.with_untracked(|text| text.trim().is_empty()) {
            let draft = Draft::for_servers("http://prometheus:9090", "http://tsink:9201");
            self.open(draft.to_text(), "new plan".to_owned());
        }
        self.form.set(true);
    }

    /// Edits the plan's text by its fields. `false` when the text has to be mended by hand first.
    pub fn edit(self, edit: impl FnOnce(&mut Draft)) -> bool {
        let Some(mut draft) = self.text.with_untracked(|text| Draft::from_text(text)) else { return false };
        edit(&mut draft);
        self.text.set(draft.to_text());
        true
    }

    /// What keeps a job from starting, in a few words.
    pub fn blocked(self) -> Option<String> {
        if !self.has_plan.get() || self.text.with(|text| text.trim().is_empty()) {
            return Some("no plan yet".to_owned());
        }
        if self.starts.get() == Starts::Failed {
            return Some("the engine is not loaded".to_owned());
        }
        self.check.with(|check| {
            let errors = check.diagnostics.iter().filter(|found| found.severity == Severity::Error).count();
            let missing = check.missing_secrets.len();
            if errors > 0 {
                Some(format::counted(errors as u64, "thing to mend", "things to mend"))
            } else if missing > 0 {
                Some(format::counted(missing as u64, "secret missing", "secrets missing"))
            } else if check.is_ready() {
                None
            } else {
                Some("checking the plan".to_owned())
            }
        })
    }

    /// Plan and window as they are now.
    pub fn inputs(self) -> Inputs {
        Inputs { text: self.text.get(), start: self.start.get(), end: self.end.get() }
    }

    /// Asks for gateway recipes.
    pub fn ask_recipes(self) {
        let text = self.text.get_untracked();
        self.send(&ToEngine::Recipes { text, base: browser::base_url() });
    }

    /// Runs stages. A relative window is fixed first, so that every later stage sees the same one.
    pub fn run(self, stages: &[Stage]) {
        self.begin(stages.to_vec(), false);
    }

    fn begin(self, stages: Vec<Stage>, fresh: bool) {
        let documents = self.remembered();
        if documents.is_empty() {
            return self.run_stages(&stages, Vec::new(), fresh);
        }
        spawn_local(async move {
            let mut given = Vec::new();
            for document in documents {
                given.extend(document.text().await);
            }
            self.run_stages(&stages, given, fresh);
        });
    }

    /// Begins anew what could be continued.
    pub fn start_over(self) {
        self.begin(run::MIGRATION.to_vec(), true);
    }

    /// Runs stages that go on from reports of earlier jobs, each a `report.json`. Those of this session need not be
    /// given: the engine remembers them.
    fn run_stages(self, stages: &[Stage], given: Vec<String>, fresh: bool) {
        if self.phase.get_untracked().is_busy() {
            return;
        }
        let window = self.check.with_untracked(|check| check.window);
        if let Some(window) = window.filter(|_| !self.checking.get_untracked()) {
            let fix = |typed: RwSignal<String>, at| {
                typed.update(|typed| *typed = format::rfc3339(format::fixed(typed, at)));
            };
            fix(self.start, window.start_ms);
            fix(self.end, window.end_ms);
        }
        let inputs = untrack(|| self.inputs());
        self.banner.set(None);
        self.undoing.set(undo::Undoing::default());
        self.run.update_value(|run| run.begin(stages, &inputs));
        self.notify(Changes::all());
        self.keep_plan(stages);
        self.wished.set_value(Limits::default());
        self.renewal.close();
        self.phase.set(Phase::Running);
        self.follow.set_value(true);
        if let Some(first) = stages.first() {
            self.show(View::of(*first));
        }
        self.send(&ToEngine::Start {
            text: inputs.text,
            base: browser::base_url(),
            secrets: self.secrets.get_untracked(),
            start: inputs.start,
            end: inputs.end,
            stages: stages.to_vec(),
            given,
            fresh,
        });
    }

    /// Reports of this session that a new engine does not know. It only gets what hides nothing.
    fn remembered(self) -> Vec<Arc<Document>> {
        let hides = self.check.with_untracked(|check| {
            check.summary.as_ref().is_some_and(|summary| summary.options.redact != Redaction::default())
        });
        if hides || !self.forgot.get_value() {
            return Vec::new();
        }
        self.run.with_value(|run| {
            let of = |stage| run.stage(stage).artifacts.as_ref().map(|artifacts| artifacts.json.clone());
            [Stage::Backfill, Stage::Verify, Stage::Repair].into_iter().filter_map(of).collect()
        })
    }

    /// Holds the job.
    pub fn pause(self) {
        self.phase.set(Phase::Paused);
        self.said.set("Paused.".to_owned());
        self.send(&ToEngine::Pause);
    }

    /// Lets the job go on.
    pub fn resume(self) {
        self.phase.set(Phase::Running);
        self.said.set("Resumed.".to_owned());
        self.send(&ToEngine::Resume);
    }

    /// Ends the job.
    pub fn cancel(self) {
        self.phase.set(Phase::Cancelling);
        self.said.set("Cancelling.".to_owned());
        self.send(&ToEngine::Cancel);
    }

    /// Goes to a page because somebody asked for it.
    pub fn go(self, view: View) {
        let current = self.run.with_value(|run| run.current);
        self.follow.set_value(current.is_none_or(|stage| view == View::of(stage)));
        self.show(view);
    }

    /// Lets the view stay where it is when the next stage begins.
    fn follow_no_stage(self) {
        self.follow.set_value(false);
    }

    fn show(self, view: View) {
        if self.view.get_untracked() != view {
            self.view.set(view);
        }
        browser::replace_hash(view.hash());
    }

    fn schedule_check(self) {
        let is_empty = self.text.with(|text| text.trim().is_empty());
        self.start.track();
        self.end.track();
        self.secrets.track();
        if let Some(timer) = self.timer.get_value() {
            timer.clear();
        }
        // An answer that is still on its way is about what stood here before. Taken for the newest, it would
        // let a run begin with the window that was just replaced.
        self.asked.update_value(|id| *id = id.wrapping_add(1));
        if is_empty {
            self.check.set(PlanCheck::default());
            self.checking.set(false);
            return;
        }
        self.checking.set(true);
        let ask = move || self.ask();
        self.timer.set_value(set_timeout_with_handle(ask, Duration::from_millis(CHECK_AFTER_MS)).ok());
    }

    fn ask(self) {
        let id = self.asked.get_value().wrapping_add(1);
        self.asked.set_value(id);
        let inputs = untrack(|| self.inputs());
        if inputs.text.len() as f64 > files::LARGEST_PLAN {
            self.checking.set(false);
            self.check.set(PlanCheck { diagnostics: vec![too_long()], ..PlanCheck::default() });
            return;
        }
        self.send(&ToEngine::Check {
            id,
            text: inputs.text,
            base: browser::base_url(),
            secrets: self.secrets.get_untracked(),
            start: inputs.start,
            end: inputs.end,
        });
    }
}

fn too_long() -> tsink_migrate_engine::plan::Diagnostic {
    tsink_migrate_engine::plan::Diagnostic {
        severity: Severity::Error,
        path: String::new(),
        line: 0,
        column: 0,
        message: "the text is longer than a plan ever is (1 MiB)".to_owned(),
        remedy: "Open the plan itself.".to_owned(),
    }
}
