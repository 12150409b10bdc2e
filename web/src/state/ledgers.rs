//! Ledgers: what was begun here, or elsewhere, and can be continued.

use super::reports::scan;
use super::run::title;
use super::{Phase, Store, format};
use crate::browser;
use leptos::prelude::*;
use tsink_migrate_engine::Error;
use tsink_migrate_engine::model::Window;
use tsink_migrate_engine::plan::PlanSummary;
use tsink_migrate_engine::run::LedgerSummary;
use tsink_migrate_host::protocol::ToEngine;

/// A ledger's size at most, in bytes.
pub const LARGEST: f64 = 134_217_728.0;
/// What the first line of a ledger says of itself.
const FORMAT: &str = "\"tsink-migrate-ledger\"";
/// Selectors named at most where two lists differ.
const MOST_NAMED: usize = 3;

/// What the page knows of ledgers.
#[derive(Clone, Copy, Default)]
pub struct Ledgers {
    /// All that are kept, the newest first; none before the engine was asked.
    pub all: RwSignal<Option<Vec<LedgerSummary>>>,
    /// Keys of those that another tab works on.
    pub elsewhere: RwSignal<Vec<String>>,
    /// Why the last thing that was asked for did not work.
    pub error: RwSignal<Option<Error>>,
    /// What became of the last thing that was asked for.
    pub told: RwSignal<Option<String>>,
    /// What the next answers are to, in order.
    awaited: StoredValue<Vec<Awaited>>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Awaited {
    #[default]
    List,
    Import,
    Forget,
}

/// A ledger that the plan at hand may go on from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// The ledger.
    pub ledger: LedgerSummary,
    /// What differs; nothing where it is of the same plan and window.
    pub differs: Vec<String>,
    /// Whether only the window differs.
    pub moved: bool,
    /// Whether another tab works on it.
    pub elsewhere: bool,
}

impl Offer {
    /// Whether it is of the same plan and window.
    pub fn is_same(&self) -> bool {
        self.differs.is_empty()
    }
}

/// Whether a text, or the beginning of one, is a ledger: its first line says so.
pub fn is_ledger(text: &str) -> bool {
    let line = text.trim_start_matches('\u{FEFF}').lines().next().unwrap_or_default();
    let mut found = false;
    scan::members(line, |name, value| found |= name == "format" && value == Some(FORMAT));
    found
}

/// The unfinished ledger that is of the same plan and window; else the newest that is of the same servers and tenant.
pub fn offer(summary: &PlanSummary, window: Option<Window>, ledgers: &[LedgerSummary]) -> Option<Offer> {
    let near = || {
        ledgers.iter().filter(|one| !one.finished && one.stage.is_some()).filter(|one| {
            one.source == summary.source && one.target == summary.target && one.tenant == summary.tenant
        })
    };
    let offers = || near().map(|ledger| compared(summary, window, ledger));
    offers().find(Offer::is_same).or_else(|| offers().find(|offer| offer.moved)).or_else(|| offers().next())
}

fn compared(summary: &PlanSummary, window: Option<Window>, ledger: &LedgerSummary) -> Offer {
    let mut differs = Vec::new();
    let without = |some: &[String], others: &[String]| -> Vec<String> {
        some.iter().filter(|one| !others.contains(one)).cloned().collect()
    };
    let added = without(&summary.selectors, &ledger.selectors);
    let gone = without(&ledger.selectors, &summary.selectors);
    if !added.is_empty() {
        differs.push(format!("the plan has {} that it has not: {}", selectors(&added), named(&added)));
    }
    if !gone.is_empty() {
        differs.push(format!("it has {} that the plan has not: {}", selectors(&gone), named(&gone)));
    }
    let same_window = window == Some(ledger.window);
    let moved = differs.is_empty() && !same_window;
    if !same_window {
        differs.push(format!("its window is {}", format::window(ledger.window)));
    }
    Offer { ledger: ledger.clone(), differs, moved, elsewhere: false }
}

fn selectors(list: &[String]) -> String {
    format::counted(list.len() as u64, "selector", "selectors")
}

fn named(list: &[String]) -> String {
    let more = list.len().saturating_sub(MOST_NAMED);
    let mut names = list.iter().take(MOST_NAMED).cloned().collect::<Vec<_>>();
    if more > 0 {
        names.push(format!("and {} more", format::count(more as u64)));
    }
    names.join(", ")
}

/// `37 slabs, 1.20 M of 5.76 M rows`.
pub fn done(ledger: &LedgerSummary) -> String {
    let slabs = format::counted(ledger.slabs, "slab", "slabs");
    let rows = format::short(ledger.rows as f64);
    if ledger.expected > 0 {
        format!("{slabs}, {rows} of {} rows", format::short(ledger.expected as f64))
    } else {
        format!("{slabs}, {rows} rows")
    }
}

/// Share of a ledger's stage that is done, from 0 to 1.
pub fn share(ledger: &LedgerSummary) -> f64 {
    if ledger.finished {
        1.0
    } else if ledger.expected == 0 {
        0.0
    } else {
        // What is expected is a guess; only an end is all of it.
        (ledger.rows as f64 / ledger.expected as f64).clamp(0.0, 0.999)
    }
}

/// `12 min ago`: how long ago something was, to a figure or two.
pub fn age(now_ms: i64, at_ms: i64) -> String {
    let minutes = now_ms.saturating_sub(at_ms).max(0) / 60_000;
    match minutes {
        0 => "just now".to_owned(),
        1..60 => format!("{minutes} min ago"),
        60..2_880 => format!("{} h ago", minutes / 60),
        _ => format!("{} days ago", minutes / 1_440),
    }
}

/// The stage that a ledger stands in, in words.
pub fn stage(ledger: &LedgerSummary) -> &'static str {
    ledger.stage.map_or("Nothing", title)
}

impl Ledgers {
    fn awaits(self, what: Awaited) {
        self.awaited.update_value(|all| all.push(what));
    }

    /// Whether another tab works on a ledger.
    pub fn is_elsewhere(self, ledger: &LedgerSummary) -> bool {
        self.elsewhere.with(|all| all.contains(&ledger.key))
    }

    /// An engine that is gone answers no more.
    pub(super) fn await_nothing(self) {
        self.awaited.update_value(Vec::clear);
    }
}

impl Store {
    /// Asks for the list, if it was not asked for yet.
    pub(super) fn look_for_ledgers(self) {
        if self.ledgers.all.with_untracked(Option::is_none) {
            self.ask_ledgers();
        }
    }

    /// Asks for the list: it changes with every run, and another tab may have changed it.
    pub fn ask_ledgers(self) {
        self.ledgers.awaits(Awaited::List);
        self.send(&ToEngine::Ledgers);
    }

    /// Takes a ledger from a file's text.
    pub fn import_ledger(self, text: String) {
        self.ledgers.awaits(Awaited::Import);
        self.ledgers.told.set(None);
        self.send(&ToEngine::ImportLedger { text });
    }

    /// Asks for a ledger as a file.
    pub fn export_ledger(self, key: String) {
        self.ledgers.told.set(None);
        self.send(&ToEngine::ExportLedger { key });
    }

    /// Forgets a ledger.
    pub fn forget_ledger(self, key: String) {
        self.ledgers.awaits(Awaited::Forget);
        self.ledgers.told.set(None);
        self.send(&ToEngine::ForgetLedger { key });
    }

    /// The list has come.
    pub(super) fn ledgers(self, asked: bool, ledgers: Vec<LedgerSummary>, error: Option<Error>) {
        let awaited = self
            .ledgers
            .awaited
            .try_update_value(|all| if all.is_empty() || !asked { None } else { Some(all.remove(0)) });
        let awaited = awaited.flatten().unwrap_or_default();
        let words = match (&error, awaited) {
            (Some(error), Awaited::Import) => Some(format!("The ledger was not taken: {}.", said(error))),
            (Some(error), Awaited::Forget) => Some(format!("The ledger is still there: {}.", said(error))),
            (None, Awaited::Import) => Some("The ledger is here.".to_owned()),
            (None, Awaited::Forget) => Some("Forgotten.".to_owned()),
            (_, Awaited::List) => None,
        };
        if let Some(words) = words {
            self.said.set(words.clone());
            self.ledgers.told.set(Some(words));
        }
        let failed = error.is_some();
        self.ledgers.error.set(error.filter(|_| awaited == Awaited::List));
        self.ledgers.all.set(Some(ledgers));
        if !failed {
            self.forget_kept_plan_if_done();
            self.go_on_if_asked();
        }
    }

    /// A ledger has come as a file.
    pub(super) fn ledger(self, text: Result<String, Error>) {
        let words = match text {
            Ok(text) => match browser::download("ledger.jsonl", "application/jsonl", &text) {
                Some(()) => "Ledger saved.".to_owned(),
                None => "This browser does not save files.".to_owned(),
            },
            Err(error) => format!("The ledger cannot be saved: {}.", said(&error)),
        };
        self.said.set(words.clone());
        self.ledgers.told.set(Some(words));
    }

    /// What the plan at hand may go on from.
    pub fn offer(self) -> Option<Offer> {
        if self.phase.get() != Phase::Idle || self.checking.get() {
            return None;
        }
        self.check.with(|check| {
            let summary = check.summary.as_ref()?;
            let offer = self.ledgers.all.with(|all| offer(summary, check.window, all.as_ref()?))?;
            let elsewhere = self.ledgers.is_elsewhere(&offer.ledger);
            Some(Offer { elsewhere, ..offer })
        })
    }

    /// Sets the window to that of a ledger.
    pub fn take_window(self, window: Window) {
        self.start.set(format::rfc3339(window.start_ms));
        self.end.set(format::rfc3339(window.end_ms));
    }
}

fn said(error: &Error) -> String {
    let mut words = error.message.trim_end_matches('.').to_owned();
    if !error.remedy.is_empty() {
        words = format!("{words}. {}", error.remedy.trim_end_matches('.'));
    }
    words
}

#[cfg(test)]
mod tests;
