//! The recording in the store, where its files are the browser's.

use super::Item;
use super::make::Settings;
use crate::browser::given::Given;
use crate::state::Store;
use leptos::prelude::*;
use web_sys::File;

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

fn made_file(path: &str, text: &str) -> Option<Item<File>> {
    let Given { path, file } = Given::of_text(path, text)?;
    Some(Item { path, size: file.size(), modified_ms: file.last_modified() as i64, handle: file })
}
