//! Queries gathered: each once, each parsed, no more than can be read by people.

use super::{ImportedQuery, SkippedQuery};
use crate::selector::promql;
use rustc_hash::FxHashMap;

/// Queries of a file that are read at most.
const MAX_QUERIES: usize = 5_000;
/// Places of one query that are listed at most.
const MAX_ORIGINS: usize = 50;
/// Characters of a title, a name or a query that is skipped.
const SHOWN: usize = 300;

/// A query with all that was decided.
pub(super) struct Candidate {
    /// PromQL with every variable resolved.
    pub query: String,
    /// Step in ms.
    pub step_ms: i64,
    /// As it stands in the file.
    pub written: String,
    /// Where it stands.
    pub origin: String,
    /// What was decided.
    pub notes: Vec<String>,
}

const SEVERAL_STEPS: &str = "It is asked with several steps; the shortest is the one checked.";

/// What was gathered.
#[derive(Default)]
pub(super) struct Collector {
    pub(super) queries: Vec<ImportedQuery>,
    pub(super) skipped: Vec<SkippedQuery>,
    /// Place and shortest step, by query.
    at: FxHashMap<String, (usize, i64)>,
    /// Places beyond those listed, by query.
    more: FxHashMap<usize, usize>,
    taken: usize,
    left: usize,
}

impl Collector {
    /// Counts a query; whether there is still room for it.
    pub(super) fn admit(&mut self) -> bool {
        let room = self.taken < MAX_QUERIES;
        if room {
            self.taken += 1;
        } else {
            self.left += 1;
        }
        room
    }

    /// Takes a query, if it is PromQL.
    pub(super) fn take(&mut self, candidate: Candidate) {
        let query = candidate.query.trim();
        if let Some((known, least_ms)) = self.at.get_mut(query) {
            let Some(same) = self.queries.get_mut(*known) else { return };
            let listed = same.origins.contains(&candidate.origin);
            if !listed && same.origins.len() < MAX_ORIGINS {
                same.origins.push(candidate.origin);
            } else if !listed {
                *self.more.entry(*known).or_default() += 1;
            }
            let mut notes = candidate.notes;
            if candidate.step_ms != *least_ms {
                notes.push(SEVERAL_STEPS.to_owned());
                *least_ms = candidate.step_ms.min(*least_ms);
                same.step = super::interval::write(*least_ms);
            }
            for note in notes {
                if !same.notes.contains(&note) {
                    same.notes.push(note);
                }
            }
            return;
        }
        if let Err(fault) = promql::parse(query) {
            self.skip(&candidate.written, candidate.origin, fault.message);
            return;
        }
        self.at.insert(query.to_owned(), (self.queries.len(), candidate.step_ms));
        self.queries.push(ImportedQuery {
            query: query.to_owned(),
            step: super::interval::write(candidate.step_ms),
            written: candidate.written,
            origins: vec![candidate.origin],
            notes: candidate.notes,
        });
    }

    /// Notes a query that cannot be checked.
    pub(super) fn skip(&mut self, written: &str, origin: String, why: impl Into<String>) {
        self.skipped.push(SkippedQuery { written: shortened(written.trim()), origin, why: why.into() });
    }

    /// Says what was left out.
    pub(super) fn finish(mut self) -> (Vec<ImportedQuery>, Vec<SkippedQuery>) {
        for (at, more) in self.more {
            if let Some(query) = self.queries.get_mut(at) {
                query.origins.push(format!("{more} more places"));
            }
        }
        if self.left > 0 {
            self.skipped.push(SkippedQuery {
                written: String::new(),
                origin: "the rest of the file".to_owned(),
                why: format!("{} more queries were not read: {MAX_QUERIES} of a file are at most", self.left),
            });
        }
        (self.queries, self.skipped)
    }
}

/// A text of the file, cut where it is too long to be read.
pub(super) fn shortened(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
        None => text.to_owned(),
    }
}
