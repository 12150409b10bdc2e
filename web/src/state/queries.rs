//! Queries of a dashboard or a rules file that was dropped, on their way into the plan.

use super::Store;
use leptos::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use tsink_migrate_engine::Error;
use tsink_migrate_engine::import::{Import, ImportOptions, ImportedQuery};
use tsink_migrate_engine::plan::{Draft, DraftPromqlCheck};
use tsink_migrate_host::protocol::ToEngine;

/// A file that was dropped, and what the engine read of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Queries {
    /// Number of the newest question; older answers do not count.
    pub id: u32,
    /// Name of the file; empty when there is none.
    pub name: String,
    text: String,
    /// Values of variables that the operator chose.
    pub chosen: BTreeMap<String, String>,
    /// What the file holds.
    pub import: Option<Import>,
    /// Why it holds nothing.
    pub error: Option<Error>,
    /// Whether an answer is awaited.
    pub is_asking: bool,
    /// Queries that are not to be taken, as they stand in the file with where: a choice outlives other values of
    /// variables.
    left: BTreeSet<(String, Vec<String>)>,
}

fn key(query: &ImportedQuery) -> (String, Vec<String>) {
    (query.written.clone(), query.origins.clone())
}

impl Queries {
    /// Whether a file is shown.
    pub fn is_open(&self) -> bool {
        !self.name.is_empty()
    }

    /// Takes an answer.
    pub fn answered(&mut self, id: u32, import: Result<Import, Error>) {
        if id != self.id {
            return;
        }
        self.is_asking = false;
        (self.import, self.error) = match import {
            Ok(import) => (Some(import), None),
            Err(error) => (None, Some(error)),
        };
    }

    /// Whether a query is to be taken.
    pub fn is_ticked(&self, query: &ImportedQuery) -> bool {
        !self.left.contains(&key(query))
    }

    /// Takes a query, or leaves it.
    pub fn tick(&mut self, query: &ImportedQuery, is_ticked: bool) {
        if is_ticked {
            self.left.remove(&key(query));
        } else {
            self.left.insert(key(query));
        }
    }

    /// Takes all queries, or leaves them.
    pub fn tick_all(&mut self, are_ticked: bool) {
        let all = self.import.iter().flat_map(|import| &import.queries).map(key);
        self.left = if are_ticked { BTreeSet::new() } else { all.collect() };
    }

    /// Queries to take.
    pub fn ticked(&self) -> Vec<ImportedQuery> {
        let all = self.import.iter().flat_map(|import| &import.queries);
        all.filter(|query| self.is_ticked(query)).cloned().collect()
    }
}

/// Whether a plan compares a query already.
pub fn has(checks: &[DraftPromqlCheck], query: &ImportedQuery) -> bool {
    checks
        .iter()
        .any(|check| check.query.trim() == query.query.trim() && check.step.trim() == query.step.trim())
}

/// Adds queries to a plan that it does not have yet, and says how many those were.
pub fn add(draft: &mut Draft, queries: &[ImportedQuery]) -> u64 {
    let mut added = 0;
    for query in queries {
        if !has(&draft.promql_checks, query) {
            let mut check = DraftPromqlCheck::default();
            check.query.clone_from(&query.query);
            check.step.clone_from(&query.step);
            draft.promql_checks.push(check);
            added += 1;
        }
    }
    added
}

impl Store {
    /// Reads the queries of a file that was dropped.
    pub fn import(self, name: String, text: String) {
        self.queries
            .update(|queries| *queries = Queries { id: queries.id, name, text, ..Queries::default() });
        self.ask_queries();
    }

    /// Puts another value in the place of a variable; an empty one leaves it to the engine.
    pub fn choose_variable(self, name: String, value: String) {
        self.queries.update(|queries| {
            if value.is_empty() {
                queries.chosen.remove(&name);
            } else {
                queries.chosen.insert(name, value);
            }
        });
        self.ask_queries();
    }

    /// Reads the file again, for instance for another window.
    pub fn ask_queries(self) {
        if !self.queries.with_untracked(Queries::is_open) {
            return;
        }
        let window = self.check.with_untracked(|check| check.window);
        let message = self.queries.try_update(|queries| {
            queries.id = queries.id.wrapping_add(1);
            queries.is_asking = true;
            ToEngine::Import {
                id: queries.id,
                name: queries.name.clone(),
                text: queries.text.clone(),
                options: ImportOptions {
                    window_ms: window.map(|window| window.end_ms.saturating_sub(window.start_ms)),
                    scrape_interval_ms: None,
                    variables: queries.chosen.clone(),
                },
            }
        });
        if let Some(message) = message {
            self.send(&message);
        }
    }

    /// Adds what is ticked to the plan; says how many it did not have, or `None` when the plan's text has to be
    /// mended first.
    pub fn add_queries(self) -> Option<u64> {
        let ticked = self.queries.with_untracked(Queries::ticked);
        let mut added = 0;
        self.edit(|draft| added = add(draft, &ticked)).then_some(added)
    }

    /// Closes the file.
    pub fn close_queries(self) {
        self.queries
            .update(|queries| *queries = Queries { id: queries.id.wrapping_add(1), ..Queries::default() });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tsink_migrate_engine::ErrorKind;
    use tsink_migrate_engine::import::ImportKind;

    fn query(text: &str, origin: &str) -> ImportedQuery {
        ImportedQuery {
            query: text.to_owned(),
            step: "30s".to_owned(),
            written: text.to_owned(),
            origins: vec![origin.to_owned()],
            notes: Vec::new(),
        }
    }

    fn import(queries: Vec<ImportedQuery>) -> Import {
        Import {
            kind: ImportKind::GrafanaDashboard,
            title: "t".to_owned(),
            queries,
            variables: Vec::new(),
            skipped: Vec::new(),
        }
    }

    #[test]
    fn only_the_newest_answer_counts() {
        let mut queries = Queries { id: 2, is_asking: true, ..Queries::default() };
        queries.answered(1, Ok(import(vec![query("up", "a")])));
        assert!(queries.is_asking && queries.import.is_none());
        queries.answered(2, Err(Error::new(ErrorKind::Input, "neither")));
        assert!(!queries.is_asking && queries.error.is_some());
    }

    #[test]
    fn what_is_left_stays_left_when_variables_change() {
        let mut queries = Queries { id: 1, ..Queries::default() };
        let (one, other) = (query("rate(a[$__interval])", "panel 1"), query("up", "panel 2"));
        queries.answered(1, Ok(import(vec![one.clone(), other.clone()])));
        assert_eq!(queries.ticked().len(), 2);
        queries.tick(&one, false);
        let resolved = ImportedQuery { query: "rate(a[1m])".to_owned(), ..one };
        queries.answered(1, Ok(import(vec![resolved.clone(), other.clone()])));
        assert_eq!(queries.ticked(), [other]);
        queries.tick_all(false);
        assert_eq!(queries.ticked(), []);
        queries.tick(&resolved, true);
        assert_eq!(queries.ticked(), [resolved]);
    }

    #[test]
    fn what_the_plan_has_is_not_added_twice() {
        let text =
            r#"{"selectors": ["up"], "promql_checks": [{"query": "up", "step": "30s", "_why": "kept"}]}"#;
        let mut draft = Draft::from_text(text).unwrap();
        let wanted = [query("up", "a"), query("sum(up)", "b"), query("sum(up)", "c")];
        assert_eq!(add(&mut draft, &wanted), 1);
        assert_eq!(add(&mut draft, &wanted), 0);
        let text = draft.to_text();
        assert_eq!(text.matches("sum(up)").count(), 1);
        assert!(text.contains("kept"));
    }
}
