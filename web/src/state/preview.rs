//! The preview: what a recording becomes, before anything is written.

use super::Store;
use super::recording::make::Kind;
use leptos::prelude::*;
use std::sync::Arc;
use tsink_migrate_engine::Error;
use tsink_migrate_engine::model::Millis;
use tsink_migrate_engine::plan::{Draft, SourceKind};
use tsink_migrate_engine::report::{MetricPreview, Recording};
use tsink_migrate_host::protocol::ToEngine;

/// What is asked of the engine.
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    /// Kind of the payloads.
    pub kind: SourceKind,
    /// Path of the manifest.
    pub manifest: String,
    /// Target tenant.
    pub tenant: String,
    /// The files at hand, and their size in bytes: when they change, the question is a new one.
    pub files: Vec<String>,
    /// Bytes.
    pub size: f64,
}

/// The newest preview.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Preview {
    /// Number of the newest question; older answers do not count.
    pub id: u32,
    /// Bytes of the manifest read, and of all, while it is read.
    pub reading: Option<(u64, u64)>,
    /// What it holds.
    pub recording: Option<Arc<Recording>>,
    /// Why it cannot be read.
    pub error: Option<Error>,
}

impl Preview {
    /// Takes how far the reading is.
    pub fn scanned(&mut self, id: u32, read: u64, all: u64) {
        if id == self.id {
            self.reading = Some((read, all));
        }
    }

    /// Takes an answer.
    pub fn answered(&mut self, id: u32, recording: Option<Box<Recording>>, error: Option<Error>) {
        if id == self.id {
            *self = Self { id, reading: None, recording: recording.map(|one| Arc::from(*one)), error };
        }
    }
}

impl Store {
    /// Asks what a recording becomes; with no question, what was shown goes.
    pub fn ask_preview(self, question: Option<Question>) {
        let id = self.preview.with_untracked(|preview| preview.id.wrapping_add(1));
        let reading = question.is_some().then_some((0, 0));
        self.preview.set(Preview { id, reading, ..Preview::default() });
        if let Some(Question { kind, manifest, tenant, .. }) = question {
            self.send(&ToEngine::Preview { id, kind, manifest, tenant });
        }
    }

    /// Asks whenever there is something new to ask.
    pub fn follow_recording(self) {
        let question = Memo::new(move |_| self.question());
        Effect::new(move |before: Option<Option<Question>>| {
            let question = question.get();
            if before.is_some() || question.is_some() {
                self.give_files();
                self.ask_preview(question.clone());
            }
            question
        });
    }

    /// Selects metrics of the preview in the plan, or takes them out.
    pub fn select_metrics(self, names: &[String], selected: bool) {
        // Ticking begins the plan, where there is none.
        if self.text.with_untracked(|text| text.trim().is_empty())
            && let Some(kind) = untrack(|| self.question()).and_then(|one| Kind::of_word(one.kind.as_str()))
        {
            self.plan_for_recording(kind);
        }
        self.edit(|draft| select(draft, names, selected));
    }

    /// Sets the window to what the recording holds.
    pub fn window_of(self, first: Millis, last: Millis) {
        self.start.set(super::format::rfc3339(first));
        self.end.set(super::format::rfc3339(last));
    }
}

/// The selector of a metric.
pub fn selector(name: &str) -> String {
    let is_plain = name.bytes().enumerate().all(|(at, byte)| {
        byte.is_ascii_alphabetic() || byte == b'_' || byte == b':' || (at > 0 && byte.is_ascii_digit())
    });
    if is_plain && !name.is_empty() {
        name.to_owned()
    } else {
        let quoted = serde_json::to_string(name).unwrap_or_default();
        format!("{{__name__={quoted}}}")
    }
}

fn select(draft: &mut Draft, names: &[String], selected: bool) {
    let wanted: Vec<String> = names.iter().map(|name| selector(name)).collect();
    // One set, not a search for each: a recording may have thousands of metrics.
    let known = tsink_migrate_engine::order::set(wanted.iter().cloned());
    if selected {
        let there = tsink_migrate_engine::order::set(draft.selectors.iter().cloned());
        draft.selectors.extend(wanted.into_iter().filter(|one| !there.contains(one)));
    } else {
        draft.selectors.retain(|one| !known.contains(one));
    }
}

/// Which metrics are named by a selector of their own.
pub fn selected(metrics: &[MetricPreview], selectors: &[String]) -> Vec<bool> {
    let there = tsink_migrate_engine::order::set(selectors.iter().map(|one| one.trim()));
    metrics.iter().map(|metric| there.contains(selector(&metric.name).as_str())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticking_writes_selectors_and_keeps_those_written_by_hand() {
        let mut draft = Draft::for_servers("", "");
        draft.selectors = vec!["cpu{host=\"a\"}".to_owned()];
        let names = ["cpu".to_owned(), "a.b".to_owned()];
        select(&mut draft, &names, true);
        select(&mut draft, &names, true);
        assert_eq!(draft.selectors, ["cpu{host=\"a\"}", "cpu", "{__name__=\"a.b\"}"]);
        select(&mut draft, &names[..1], false);
        assert_eq!(draft.selectors, ["cpu{host=\"a\"}", "{__name__=\"a.b\"}"]);
    }

    #[test]
    fn an_older_answer_does_not_count() {
        let mut preview = Preview { id: 2, reading: Some((0, 0)), ..Preview::default() };
        preview.scanned(1, 5, 9);
        preview.answered(1, None, None);
        assert_eq!(preview.reading, Some((0, 0)));
        preview.scanned(2, 5, 9);
        assert_eq!(preview.reading, Some((5, 9)));
        preview.answered(2, None, None);
        assert_eq!(preview.reading, None);
    }
}
