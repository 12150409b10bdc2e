//! The history: what this browser keeps, and how it goes out and comes in.

use super::entry::{self, Entry, MOST_BYTES, MOST_REPORTS};
use super::{Origin, exchange, shape};
use crate::browser;
use crate::browser::document::{self, Document};
use crate::browser::given::{Gift, Given};
use crate::browser::kept::Kept;
use crate::state::view::View;
use crate::state::{Store, format};
use js_sys::Array;
use leptos::prelude::*;
use leptos::task::spawn_local;
use std::sync::Arc;
use tsink_migrate_engine::model::Millis;
use tsink_migrate_engine::plan::Redaction;
use tsink_migrate_engine::run::Stage;
use tsink_migrate_host::protocol::Print;

/// What became of a report that was to be kept.
enum Put {
    New,
    Known,
}

impl Store {
    /// Looks at the history, as another tab may have changed it.
    pub fn look_at_history(self) {
        spawn_local(async move {
            match entries().await {
                Ok(entries) => self.reports.history.set(Some(entries)),
                Err(why) => self.no_history(&why),
            }
        });
    }

    /// Keeps the report of a stage that has just ended.
    pub(in crate::state) fn keep_finished(self, stage: Stage, json: Arc<Document>, print: Print) {
        let hides = self.check.with_untracked(|check| {
            check.summary.as_ref().is_some_and(|summary| summary.options.redact != Redaction::default())
        });
        // Where nothing is hidden, the report is the one that is here already.
        let report = self.run.with_value(|run| run.stage(stage).report.clone()).filter(|_| !hides);
        spawn_local(async move {
            const LOST: &str = "the browser has lost it";
            if let Some(report) = report {
                let Some(json) = json.text().await else { return self.not_kept(LOST) };
                let entry = Entry::new(&report, print, browser::now_ms());
                if let Err(why) = self.put(entry, &json).await {
                    self.not_kept(&why);
                }
                return;
            }
            let Some(json) = json.blob() else { return self.not_kept(LOST) };
            let kept = match self.render(json, Redaction::default()).await {
                Ok(rendered) => {
                    let entry = Entry::new(&rendered.report, rendered.print, browser::now_ms());
                    match rendered.json.text().await {
                        Some(json) => self.put(entry, &json).await,
                        None => Err(LOST.to_owned()),
                    }
                }
                Err(error) => Err(error.message),
            };
            match kept {
                Ok(_) => {}
                Err(why) => self.not_kept(&why),
            }
        });
    }

    fn not_kept(self, why: &str) {
        self.reports.told.set(Some(format!(
            "The last report is not kept, because {why}. It is still there to download from its stage."
        )));
    }

    /// Keeps the open report.
    pub fn keep_opened(self) {
        let opened = self.reports.opened.with_untracked(|opened| {
            opened.as_ref().map(|opened| (opened.entry.clone(), opened.json.clone()))
        });
        let Some((mut entry, json)) = opened else { return };
        entry.kept_ms = browser::now_ms();
        spawn_local(async move {
            let Some(json) = json.text().await else { return self.not_kept("the browser has lost it") };
            match self.put(entry, &json).await {
                Ok(_) => self.said.set("The report is kept.".to_owned()),
                Err(why) => self.reports.told.set(Some(format!(
                    "The report is not kept, because {why}. It is still there to download."
                ))),
            }
        });
    }

    async fn put(self, mut entry: Entry, json: &str) -> Result<Put, String> {
        let kept = Kept::open().await?;
        let first = entry.id.clone();
        let mut at = 1;
        while let Some(known) = kept.text(&entry.id).await? {
            if known == json {
                return Ok(Put::Known);
            }
            entry.id = format!("{first}-{at}");
            at += 1;
        }
        let index = serde_json::to_string(&entry).map_err(|error| error.to_string())?;
        kept.put(&entry.id, &index, json).await?;
        let mut entries = read(&kept).await?;
        let gone = entry::surplus(&entries);
        if !gone.is_empty() {
            kept.delete(&gone).await?;
            entries.retain(|entry| !gone.contains(&entry.id));
            let who = match gone.len() {
                1 => "The oldest report".to_owned(),
                more => format!("The {more} oldest reports"),
            };
            self.reports.told.set(Some(format!(
                "{who} went, to stay within {MOST_REPORTS} reports and {} MB.",
                MOST_BYTES / 1_000_000
            )));
        }
        self.reports.history.set(Some(entries));
        Ok(Put::New)
    }

    /// Opens a report of the history.
    pub fn open_kept(self, entry: Entry) {
        spawn_local(async move {
            match text(&entry.id).await {
                Ok(Some(json)) => match document::of_text(&json) {
                    Some(json) => {
                        self.go(View::Reports);
                        self.read_report(json, Origin::History, entry.file_name(), Some(entry));
                    }
                    None => self.gone(),
                },
                Ok(None) => self.gone(),
                Err(why) => self.no_history(&why),
            }
        });
    }

    /// Saves a report of the history as a file.
    pub fn download_kept(self, entry: Entry) {
        spawn_local(async move {
            match text(&entry.id).await {
                Ok(Some(json)) => {
                    let _ = browser::download(&entry.file_name(), "application/json", &json);
                }
                Ok(None) => self.gone(),
                Err(why) => self.no_history(&why),
            }
        });
    }

    /// Deletes a report; [`Store::undelete`] takes that back.
    pub fn delete_kept(self, entry: Entry) {
        spawn_local(async move {
            let deleted = async {
                let kept = Kept::open().await?;
                let text = kept.text(&entry.id).await?;
                kept.delete(std::slice::from_ref(&entry.id)).await?;
                Ok::<_, String>((text, read(&kept).await?))
            };
            match deleted.await {
                Ok((text, entries)) => {
                    self.said.set("Deleted.".to_owned());
                    self.reports.history.set(Some(entries));
                    self.reports.deleted.set(text.map(|text| (entry, text)));
                }
                Err(why) => self.no_history(&why),
            }
        });
    }

    /// Puts back what was deleted last.
    pub fn undelete(self) {
        let Some((entry, text)) = self.reports.deleted.get_untracked() else { return };
        self.reports.deleted.set(None);
        spawn_local(async move {
            match self.put(entry, &text).await {
                Ok(_) => self.said.set("The report is back.".to_owned()),
                Err(why) => self.no_history(&why),
            }
        });
    }

    /// Deletes all reports.
    pub fn delete_history(self) {
        spawn_local(async move {
            let cleared = async { Kept::open().await?.clear().await };
            match cleared.await {
                Ok(()) => {
                    self.said.set("All reports are deleted.".to_owned());
                    self.reports.deleted.set(None);
                    self.reports.told.set(None);
                    self.reports.history.set(Some(Vec::new()));
                }
                Err(why) => self.no_history(&why),
            }
        });
    }

    /// Saves the history as one file.
    pub fn export_history(self) {
        spawn_local(async move {
            let parts = Array::of1(&exchange::head().into());
            let written = async {
                let kept = Kept::open().await?;
                for entry in read(&kept).await? {
                    if let Some(text) = kept.text(&entry.id).await? {
                        let is_first = parts.length() == 1;
                        parts.push(&exchange::part(is_first, entry.kept_ms, &text).into());
                    }
                }
                parts.push(&exchange::TAIL.into());
                Ok::<_, String>(())
            };
            match written.await {
                Ok(()) => {
                    let saved =
                        browser::download_parts("tsink-migrate-history.json", "application/json", &parts);
                    let words =
                        if saved.is_some() { "History saved." } else { "This browser does not save files." };
                    self.said.set(words.to_owned());
                }
                Err(why) => self.no_history(&why),
            }
        });
    }

    /// Takes files into the history: exported histories, and single reports.
    pub fn import_history(self, gift: Gift) {
        spawn_local(async move {
            let (mut new, mut known, mut bad) = (0u64, 0u64, Vec::new());
            let Some((files, unreadable)) = gift.unpack().await else { return };
            bad.extend(unreadable.into_iter().map(|path| format!("{path} cannot be read.")));
            for Given { path, file } in files {
                let text = if file.size() > shape::LARGEST_HISTORY {
                    Err(format!("{} is more than a history has.", format::bytes(file.size())))
                } else {
                    browser::read_file(&file).await
                };
                let taken = match &text {
                    Ok(text) => self.import_text(text, &mut new, &mut known, &mut bad).await,
                    Err(why) => Err(why.clone()),
                };
                if let Err(why) = taken {
                    bad.push(format!("{path}: {why}"));
                }
            }
            let mut words = format!("{} added.", format::counted(new, "report was", "reports were"));
            if known > 0 {
                words += &format!(" {} there already.", format::counted(known, "report was", "reports were"));
            }
            let more = bad.len().saturating_sub(3);
            bad.truncate(3);
            for why in bad {
                words += &format!(" {why}");
            }
            if more > 0 {
                words += &format!(" {} more could not be taken.", format::count(more as u64));
            }
            self.said.set(words.clone());
            self.reports.told.set(Some(words));
        });
    }

    async fn import_text(
        self,
        text: &str,
        new: &mut u64,
        known: &mut u64,
        bad: &mut Vec<String>,
    ) -> Result<(), String> {
        let now = browser::now_ms();
        let reports: Vec<(Millis, &str)> = match shape::of(text) {
            Some(shape::Shape::History) => exchange::read(text)?,
            Some(shape::Shape::Report) => vec![(now, text)],
            None => return Err("it is neither a report nor an exported history.".to_owned()),
        };
        let all = reports.len();
        for (at, (kept_ms, json)) in reports.into_iter().enumerate() {
            if all > 1 {
                self.reports.told.set(Some(format!("Importing {} of {}", at + 1, format::count(all as u64))));
            }
            let Some(json) = document::of_text(json) else {
                return Err("the browser has no room".to_owned());
            };
            let rendered = match self.render(json, Redaction::default()).await {
                Ok(rendered) => rendered,
                Err(error) => {
                    bad.push(format!("Report {} of {all}: {}.", at + 1, error.message.trim_end_matches('.')));
                    continue;
                }
            };
            let entry = Entry::new(&rendered.report, rendered.print, kept_ms.clamp(0, now));
            let Some(json) = rendered.json.text().await else { continue };
            match self.put(entry, &json).await {
                Ok(Put::New) => *new += 1,
                Ok(Put::Known) => *known += 1,
                Err(why) => return Err(format!("it is not kept, because {why}.")),
            }
        }
        Ok(())
    }

    fn gone(self) {
        self.reports
            .told
            .set(Some("This report is no longer there; another tab may have deleted it.".to_owned()));
        self.look_at_history();
    }

    fn no_history(self, why: &str) {
        if self.reports.history.with_untracked(Option::is_none) {
            self.reports.history.set(Some(Vec::new()));
        }
        self.reports.told.set(Some(format!(
            "Reports are not kept, because {why}. They are still there to download from their stages."
        )));
    }
}

async fn entries() -> Result<Vec<Entry>, String> {
    read(&Kept::open().await?).await
}

async fn text(id: &str) -> Result<Option<String>, String> {
    Kept::open().await?.text(id).await
}

async fn read(kept: &Kept) -> Result<Vec<Entry>, String> {
    // What another version of the page has written and this one cannot read stays, unseen.
    let index = kept.index().await?;
    let mut entries: Vec<Entry> = index.iter().filter_map(|entry| serde_json::from_str(entry).ok()).collect();
    entry::in_order(&mut entries);
    Ok(entries)
}
