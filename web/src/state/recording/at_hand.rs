//! The recording in the store, where its files are the browser's.

use super::make::{Kind, Settings};
use super::{Choice, Item};
use crate::browser::given::Given;
use crate::state::Store;
use crate::state::preview::Question;
use leptos::prelude::*;
use tsink_migrate_engine::plan::Draft;
use tsink_migrate_host::paths;
use tsink_migrate_host::protocol::ToEngine;
use web_sys::{Blob, File};

impl Store {
    /// Makes a manifest of all payload files; it is used from now on.
    pub fn make_manifest(self, settings: Settings) {
        self.recording.update(|recording| recording.make(settings, &self.wanted.get_untracked(), made_file));
    }

    /// Makes that manifest again after payload files came or went.
    pub fn made_anew(self) {
        if let Some(settings) = self.recording.with_untracked(|recording| recording.settings().cloned()) {
            self.make_manifest(settings);
        }
    }
}

impl Store {
    /// Gives the engine the files of the recording, the manifest also by the name that the plan has for it.
    pub fn give_files(self) {
        let given = self.recording.with_untracked(|recording| {
            let wanted = self.wanted.get_untracked();
            let mut files = recording.files();
            let mut folders = Vec::new();
            if let Choice::Use(item, _) = recording.choose(&wanted) {
                folders.extend(recording.folders(item));
                let names = [Some(item.path.clone()), wanted.manifest.map(|name| paths::normal(&name))];
                files.extend(names.into_iter().flatten().map(|name| (name, item.handle.clone())));
            }
            (folders, files)
        });
        let (folders, files) = given;
        let (paths, files): (Vec<String>, Vec<Blob>) =
            files.into_iter().map(|(path, file)| (path, Blob::from(file))).unzip();
        self.send_to_running(&ToEngine::Files { paths, folders }, &files);
    }

    /// What there is to ask about the recording at hand.
    pub(in crate::state) fn question(self) -> Option<Question> {
        let tenant = self.check.with(|check| check.summary.as_ref().map(|summary| summary.tenant.clone()));
        self.recording.with(|recording| {
            let wanted = self.wanted.get();
            let Choice::Use(item, _) = recording.choose(&wanted) else { return None };
            let kind = wanted.kind.or_else(|| recording.settings().map(|settings| settings.kind))?;
            Some(Question {
                kind: kind.source(),
                manifest: item.path.clone(),
                tenant: tenant.unwrap_or_else(|| "default".to_owned()),
                files: recording
                    .files()
                    .into_iter()
                    .map(|(path, _)| path)
                    .chain([item.path.clone()])
                    .collect(),
                size: item.size + recording.payload_bytes(),
            })
        })
    }

    /// Writes a plan for the recording, or makes the plan at hand read from it.
    pub fn plan_for_recording(self, kind: Kind) {
        let manifest =
            self.recording.with_untracked(|recording| match recording.choose(&self.wanted.get_untracked()) {
                Choice::Use(item, _) => {
                    let folder = paths::folder(&recording.plan_path);
                    paths::relative(&folder, &item.path).to_owned()
                }
                _ => super::MADE.to_owned(),
            });
        if !self.text.with_untracked(|text| text.trim().is_empty()) {
            let edited = self.edit(|draft| {
                let from = Draft::for_recording(kind.source(), &manifest, "");
                draft.source = from.source;
                draft.promql_checks.clear();
            });
            if edited {
                return;
            }
        }
        let draft = Draft::for_recording(kind.source(), &manifest, "http://tsink:9201");
        self.open(draft.to_text(), "new plan".to_owned());
        self.form.set(true);
    }
}

fn made_file(path: &str, text: &str) -> Option<Item<File>> {
    let Given { path, file } = Given::of_text(path, text)?;
    Some(Item { path, size: file.size(), modified_ms: file.last_modified() as i64, handle: file })
}
