//! What the readers of a plan's sections share.

use super::Context;
use super::finding::Findings;
use std::collections::BTreeMap;

/// State of one check.
pub(super) struct Walk<'c, 't> {
    /// What the plan is checked against.
    pub(super) context: &'c Context<'c>,
    /// Everything found.
    pub(super) found: Findings<'t>,
    /// `path value` of each field that took its default.
    pub(super) defaults: Vec<String>,
    /// Secret names by the place where each comes first.
    secrets: BTreeMap<usize, String>,
}

impl<'c, 't> Walk<'c, 't> {
    pub(super) fn new(text: &'t str, context: &'c Context<'c>) -> Self {
        Self { context, found: Findings::new(text), defaults: Vec::new(), secrets: BTreeMap::new() }
    }

    /// Takes a default and notes it.
    pub(super) fn default<T: std::fmt::Display>(&mut self, path: &str, value: T) -> T {
        self.defaults.push(format!("{path} {value}"));
        value
    }

    /// Notes a secret's name; gives its value, where there is one. An empty value is a field that nobody has
    /// filled in yet.
    pub(super) fn secret(&mut self, name: &str, at: usize) -> Option<&'c str> {
        self.secrets.insert(at, name.to_owned());
        self.context.secrets.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// Secret names in order of appearance, each once; and those that have no value.
    pub(super) fn secret_names(&self) -> (Vec<String>, Vec<String>) {
        let mut names: Vec<String> = Vec::new();
        for name in self.secrets.values() {
            if !names.contains(name) {
                names.push(name.clone());
            }
        }
        let has_value = |name: &String| self.context.secrets.get(name).is_some_and(|value| !value.is_empty());
        let missing = names.iter().filter(|name| !has_value(name)).cloned().collect();
        (names, missing)
    }
}
