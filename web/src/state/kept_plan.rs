//! The plan of the run that was begun last, kept by the browser until that run is done: a page that is reloaded, or
//! opened again after its tab was closed, can offer to go on. No header value that stands in the plan is kept, and no
//! plan whose URLs carry user names, passwords or queries.

use super::run::MIGRATION;
use super::{FIRST_END, FIRST_START, Store};
use crate::browser;
use leptos::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tsink_migrate_engine::plan::{Draft, field_names};
use tsink_migrate_engine::run::{LedgerSummary, Stage};

/// Size at most of a plan that is kept, in bytes: browsers give a page a few MB.
const LARGEST: usize = 1_048_576;
/// Words of a header value that are no secret beside a `${NAME}`.
const SCHEMES: [&str; 4] = ["bearer", "basic", "token", "apikey"];

/// What is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptPlan {
    /// Plan text; none where the plan could not be kept.
    pub text: Option<String>,
    /// Name of its file.
    pub name: String,
    /// Start of the window, fixed.
    pub start: String,
    /// End of the window, fixed.
    pub end: String,
    /// The stages that were to run.
    pub stages: Vec<Stage>,
    /// When the run began, Unix ms.
    pub begun_ms: i64,
}

/// A plan's text as it may be kept: header values that stand in it become `${SIDE_NAME}`, and the page asks for them
/// again. None when the text may hold a secret elsewhere, or is too long.
pub fn harmless(text: &str) -> Option<String> {
    if text.len() > LARGEST {
        return None;
    }
    // What the form can read has no comments, and no field twice.
    Draft::from_text(text)?;
    let mut plan: Map<String, Value> = match serde_json::from_str(text.trim_start_matches('\u{FEFF}')).ok()? {
        Value::Object(plan) => plan,
        _ => return None,
    };
    let before = plan.clone();
    // Fields that no plan has may hold anything.
    plan.retain(|name, _| field_names("").contains(&name.as_str()));
    for name in ["source", "target"] {
        let side = name.to_ascii_uppercase();
        let known = field_names(name);
        let Some(Value::Object(section)) = plan.get_mut(name) else { continue };
        section.retain(|name, _| known.contains(&name.as_str()));
        for (name, value) in section.iter_mut() {
            match (name.as_str(), value) {
                ("headers", Value::Object(headers)) => {
                    for (name, value) in headers.iter_mut() {
                        let Value::String(value) = value else { return None };
                        if !is_placeholder(value) {
                            *value = format!("${{{side}_{}}}", placeholder(name));
                        }
                    }
                }
                ("headers", _) => return None,
                (_, Value::String(url)) if has_credentials(url) => return None,
                _ => {}
            }
        }
    }
    if plan == before { Some(text.to_owned()) } else { serde_json::to_string_pretty(&plan).ok() }
}

/// Whether a header value is `${NAME}`, perhaps behind the word for a way to log in, and nothing else.
fn is_placeholder(value: &str) -> bool {
    let value = value.trim();
    let (scheme, rest) = value.split_once(' ').unwrap_or(("", value));
    let is_scheme = scheme.is_empty() || SCHEMES.contains(&scheme.to_ascii_lowercase().as_str());
    let name = rest.trim().strip_prefix("${").and_then(|rest| rest.strip_suffix('}'));
    is_scheme
        && name.is_some_and(|name| {
            !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        })
}

/// `X-Scope-OrgID` as `X_SCOPE_ORGID`.
fn placeholder(header: &str) -> String {
    let letter =
        |letter: char| if letter.is_ascii_alphanumeric() { letter.to_ascii_uppercase() } else { '_' };
    header.chars().map(letter).collect()
}

/// Whether a URL may carry a secret: a user, a query or a fragment. Relative URLs count as well.
fn has_credentials(url: &str) -> bool {
    url.contains(['?', '#', '@', '\\'])
}

impl KeptPlan {
    /// Whether an unfinished ledger is of this plan and window: then there is something to continue.
    pub fn ledger<'a>(&self, ledgers: &'a [LedgerSummary]) -> Option<&'a LedgerSummary> {
        let fixed = |at: i64| super::format::rfc3339(at);
        let draft = self.text.as_deref().and_then(Draft::from_text);
        ledgers.iter().find(|one| {
            let same_window =
                fixed(one.window.start_ms) == self.start && fixed(one.window.end_ms) == self.end;
            let same_tenant = draft.as_ref().is_none_or(|draft| {
                let tenant = if draft.target.tenant.is_empty() { "default" } else { &draft.target.tenant };
                tenant == one.tenant
            });
            !one.finished && one.stage.is_some() && same_window && same_tenant
        })
    }
}

impl Store {
    /// Keeps the plan of the run that begins.
    pub(super) fn keep_plan(self, stages: &[Stage]) {
        // Nothing of a preflight can be continued.
        if stages == [Stage::Preflight] {
            return;
        }
        let kept = KeptPlan {
            text: self.text.with_untracked(|text| harmless(text)),
            name: self.name.get_untracked(),
            start: self.start.get_untracked(),
            end: self.end.get_untracked(),
            stages: stages.to_vec(),
            begun_ms: browser::now_ms(),
        };
        if let Ok(json) = serde_json::to_string(&kept) {
            browser::keep_plan(Some(&json));
        }
        self.kept_plan.set(Some(kept));
    }

    /// The run came to its end: there is nothing to continue.
    pub(super) fn forget_kept_plan(self) {
        browser::keep_plan(None);
        self.kept_plan.set(None);
    }

    /// Looks whether a run was begun here before, and asks for its ledger.
    pub(super) fn recall_plan(self) {
        let kept = browser::kept_plan().and_then(|json| serde_json::from_str::<KeptPlan>(&json).ok());
        if kept.is_some() {
            self.kept_plan.set(kept);
            self.ask_ledgers();
        }
    }

    /// Forgets the plan when no ledger of it is unfinished.
    pub(super) fn forget_kept_plan_if_done(self) {
        if self.phase.get_untracked().is_busy() {
            return;
        }
        let is_done = self.kept_plan.with_untracked(|kept| {
            let Some(kept) = kept else { return false };
            self.ledgers.all.with_untracked(|all| all.as_ref().is_some_and(|all| kept.ledger(all).is_none()))
        });
        if is_done {
            self.forget_kept_plan();
        }
    }

    /// What was interrupted and can go on, as long as no plan is open.
    pub fn interrupted(self) -> Option<(KeptPlan, LedgerSummary)> {
        if self.has_plan.get() {
            return None;
        }
        let kept = self.kept_plan.get()?;
        let ledger = self.ledgers.all.with(|all| kept.ledger(all.as_ref()?).cloned())?;
        Some((kept, ledger))
    }

    /// Opens the plan that is kept, with its window; and goes on, as soon as the plan is checked and nothing is
    /// missing.
    pub fn reopen(self, go_on: bool) {
        let Some(kept) = self.kept_plan.get_untracked() else { return };
        let Some(text) = kept.text else { return };
        self.start.set(kept.start);
        self.end.set(kept.end);
        self.open(text, kept.name);
        self.goes_on.set_value(go_on);
    }

    /// Goes on where the ledger of the plan ends, with the stages that were to run.
    pub fn go_on(self) {
        let stages = self.kept_plan.with_untracked(|kept| kept.as_ref().map(|kept| kept.stages.clone()));
        // A repair goes on from a verification that is no longer there.
        let stages = stages.filter(|stages| !stages.is_empty() && !stages.contains(&Stage::Repair));
        self.run(&stages.unwrap_or_else(|| MIGRATION.to_vec()));
    }

    /// A check of the plan or the ledgers have come: goes on by itself, if that is what was asked for.
    pub(super) fn go_on_if_asked(self) {
        if !self.goes_on.get_value() || self.checking.get_untracked() {
            return;
        }
        self.goes_on.set_value(false);
        let is_ready = self.check.with_untracked(|check| check.is_ready());
        if is_ready && untrack(|| self.offer()).is_some_and(|offer| offer.is_same() && !offer.elsewhere) {
            self.go_on();
        }
    }

    /// Lets the window be the usual one again.
    pub fn leave_interrupted(self) {
        self.forget_kept_plan();
        self.start.set(FIRST_START.to_owned());
        self.end.set(FIRST_END.to_owned());
    }
}

#[cfg(test)]
mod tests;
