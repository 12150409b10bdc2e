//! Limits that are changed in mid-run, and tokens that are renewed in mid-run.

use super::Store;
use crate::browser;
use leptos::prelude::*;
use std::collections::BTreeMap;
use tsink_migrate_engine::Side;
use tsink_migrate_engine::plan::{Draft, DraftHeader};
use tsink_migrate_engine::run::Limits;
use tsink_migrate_host::protocol::ToEngine;

/// What the operator does about a token that is asked for. What is typed is only ever in memory.
#[derive(Clone, Copy, Default)]
pub struct Renewal {
    /// Whether the dialog is open; put aside otherwise.
    pub is_open: RwSignal<bool>,
    /// Whether a new token was given and is being tried.
    pub is_tried: RwSignal<bool>,
    /// Values as typed so far, by [`Field::key`].
    pub typed: RwSignal<BTreeMap<String, String>>,
}

impl Renewal {
    pub(super) fn ask(self) {
        self.is_tried.set(false);
        self.is_open.set(true);
    }

    pub(super) fn close(self) {
        self.is_open.set(false);
        self.is_tried.set(false);
        self.typed.update(BTreeMap::clear);
    }
}

/// A value that may have expired.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Field {
    /// `${NAME}` in a header of the plan.
    Secret(String),
    /// A header whose value stands in the plan itself.
    Header(String),
}

impl Field {
    /// Name of the secret or header.
    pub fn name(&self) -> &str {
        match self {
            Self::Secret(name) | Self::Header(name) => name,
        }
    }

    /// Tells one from another.
    pub fn key(&self) -> String {
        match self {
            Self::Secret(name) => format!("${name}"),
            Self::Header(name) => name.clone(),
        }
    }
}

/// What may have expired of a side: its `${NAME}`s, then headers whose value stands in the plan. None when the text
/// cannot be read by fields.
pub fn fields(text: &str, side: Side) -> Option<Vec<Field>> {
    let draft = Draft::from_text(text)?;
    let headers = if side == Side::Source { &draft.source.headers } else { &draft.target.headers };
    let mut secrets = Vec::new();
    for DraftHeader { value, .. } in headers {
        for name in placeholders(value) {
            if !secrets.iter().any(|field: &Field| field.name() == name) {
                secrets.push(Field::Secret(name.to_owned()));
            }
        }
    }
    let plain = headers.iter().filter(|header| placeholders(&header.value).next().is_none());
    secrets.extend(plain.map(|header| Field::Header(header.name.clone())));
    Some(secrets)
}

/// Names in `${NAME}`.
fn placeholders(value: &str) -> impl Iterator<Item = &str> {
    value.split("${").skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name)
}

/// The plan's text with new values for headers that stand in it; none when nothing of it changes.
fn reworded(text: &str, side: Side, typed: &BTreeMap<String, String>) -> Option<String> {
    let mut draft = Draft::from_text(text)?;
    let headers = if side == Side::Source { &mut draft.source.headers } else { &mut draft.target.headers };
    let mut changed = false;
    for header in headers.iter_mut().filter(|header| placeholders(&header.value).next().is_none()) {
        if let Some(value) = typed.get(&header.name).filter(|value| !value.is_empty()) {
            header.value.clone_from(value);
            changed = true;
        }
    }
    changed.then(|| draft.to_text())
}

/// A number as typed: nothing for none, which stands for no limit; `Err` when it is none.
pub fn number(typed: &str) -> Result<u64, ()> {
    let typed: String =
        typed.chars().filter(|letter| !matches!(letter, ' ' | ',' | '_' | '\u{a0}')).collect();
    if typed.is_empty() { Ok(0) } else { typed.parse().map_err(drop) }
}

impl Store {
    /// Changes limits of the run; what is not changed stays as it is.
    pub fn limit(self, change: impl FnOnce(&mut Limits)) {
        self.wished.update_value(change);
        self.send(&ToEngine::Limits { limits: self.wished.get_value() });
    }

    /// Takes back what was changed of the limits: those of the plan count again.
    pub fn limit_as_planned(self) {
        self.limit(|limits| *limits = Limits::default());
    }

    /// Whether limits were changed in this run.
    pub fn has_limited(self) -> bool {
        self.wished.get_value() != Limits::default()
    }

    /// Gives the run the values that were typed, and lets it go on.
    pub fn renew(self, side: Side) {
        let typed = self.renewal.typed.get_untracked();
        let before = self.text.get_untracked();
        self.secrets.update(|secrets| {
            for (key, value) in &typed {
                if let Some(name) = key.strip_prefix('$').filter(|_| !value.is_empty()) {
                    secrets.insert(name.to_owned(), value.clone());
                }
            }
        });
        if let Some(after) = reworded(&before, side, &typed) {
            self.run.update_value(|run| run.reworded(&before, &after));
            self.text.set(after);
        }
        self.renewal.typed.update(BTreeMap::clear);
        self.renewal.is_tried.set(true);
        self.renewal.is_open.set(false);
        self.said.set("The new token is being tried.".to_owned());
        self.send(&ToEngine::Renew {
            text: self.text.get_untracked(),
            base: browser::base_url(),
            secrets: self.secrets.get_untracked(),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAN: &str = r#"{"source": {"kind": "prometheus", "headers": {"Authorization": "Bearer ${A}", "X": "${B} ${A}"}},
        "target": {"headers": {"Authorization": "Bearer old", "X-Team": "a"}}, "selectors": ["up"]}"#;

    #[test]
    fn what_may_have_expired() {
        let secret = |name: &str| Field::Secret(name.to_owned());
        let header = |name: &str| Field::Header(name.to_owned());
        assert_eq!(fields(PLAN, Side::Source), Some(vec![secret("A"), secret("B")]));
        assert_eq!(fields(PLAN, Side::Target), Some(vec![header("Authorization"), header("X-Team")]));
        assert_eq!(fields("{ // no", Side::Target), None);
        assert_ne!(secret("A").key(), header("A").key());
    }

    #[test]
    fn new_values_take_the_place_of_those_in_the_plan() {
        let typed = |key: &str, value: &str| BTreeMap::from([(key.to_owned(), value.to_owned())]);
        let new = reworded(PLAN, Side::Target, &typed("Authorization", "Bearer new")).expect("it changes");
        assert!(new.contains("Bearer new") && !new.contains("Bearer old") && new.contains("Bearer ${A}"));
        assert_eq!(reworded(PLAN, Side::Target, &typed("Authorization", "")), None);
        assert_eq!(reworded(PLAN, Side::Source, &typed("Authorization", "Bearer new")), None);
    }

    #[test]
    fn numbers_as_people_write_them() {
        assert_eq!(number("50,000"), Ok(50_000));
        assert_eq!(number(" 50 000 "), Ok(50_000));
        assert_eq!(number(""), Ok(0));
        assert_eq!(number("-1"), Err(()));
        assert_eq!(number("1e5"), Err(()));
        assert_eq!(number("99999999999999999999"), Err(()));
    }
}
