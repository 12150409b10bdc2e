//! Taking back what was written: asked for on the cutover page, done by the engine.

use super::Store;
use super::run::Inputs;
use crate::browser;
use leptos::prelude::*;
use tsink_migrate_engine::Error;
use tsink_migrate_engine::run::Undone;
use tsink_migrate_host::protocol::ToEngine;

/// How far taking back is.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Undoing {
    /// Nobody asked for it.
    #[default]
    No,
    /// Under way.
    Running,
    /// Done.
    Done(Undone),
    /// Not done, and why.
    Failed(Error),
}

/// Whether what was typed is what a confirmation asks for. Spaces around it are slips; anything else is not.
pub fn confirms(typed: &str, phrase: &str) -> bool {
    !phrase.trim().is_empty() && typed.trim() == phrase.trim()
}

impl Store {
    /// Takes back what was written with this plan in this window. The engine compares the confirmation once more.
    pub fn undo(self, inputs: Inputs, confirmation: String) {
        if self.phase.get_untracked().is_busy() || self.undoing.get_untracked() == Undoing::Running {
            return;
        }
        self.undoing.set(Undoing::Running);
        self.said.set("Deleting at the target.".to_owned());
        self.send(&ToEngine::Undo {
            text: inputs.text,
            base: browser::base_url(),
            secrets: self.secrets.get_untracked(),
            start: inputs.start,
            end: inputs.end,
            confirmation,
        });
    }

    /// Takes the engine's answer.
    pub(super) fn undone(self, undone: Result<Undone, Error>) {
        self.said.set(match &undone {
            Ok(_) => "The target has deleted it.".to_owned(),
            Err(_) => "The target has not deleted it.".to_owned(),
        });
        self.undoing.set(match undone {
            Ok(undone) => Undoing::Done(undone),
            Err(error) => Undoing::Failed(error),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::confirms;

    #[test]
    fn only_the_phrase_confirms() {
        assert!(confirms(" delete default ", "delete default"));
        for typed in ["", "delete", "Delete default", "delete  default"] {
            assert!(!confirms(typed, "delete default"), "{typed}");
        }
        // A report without a phrase confirms nothing.
        assert!(!confirms("", ""));
        assert!(!confirms(" ", " "));
    }
}
