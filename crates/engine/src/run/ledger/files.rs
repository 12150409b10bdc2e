//! Ledgers as those who keep them see them: listed, copied to a file and back, forgotten.

use super::LedgerSummary;
use super::header::{About, Header};
use super::line::FIRST_SUM;
use super::replay::Replay;
use crate::error::{Error, ErrorKind, Result};
use crate::model::Window;
use crate::plan::Plan;
use crate::port::{Store, StoreError};

/// Bytes of an imported ledger at most.
const MAX_IMPORT: usize = 256 * 1024 * 1024;

/// The key of a plan's ledger.
pub fn ledger_key(plan: &Plan, window: Window) -> String {
    About::of(plan, window).key()
}

/// The key of the ledger with this text; none when its first line is no ledger's of this version.
pub fn ledger_key_of(text: &str) -> Option<String> {
    let (first, _) = text.split_once('\n')?;
    Header::read(first, &mut FIRST_SUM.clone()).ok().map(|header| header.about.key())
}

/// What ledgers hold, the newest first. Logs that are no ledgers of this version are left out.
///
/// # Errors
/// When the store cannot be read.
pub async fn ledgers(store: &dyn Store) -> Result<Vec<LedgerSummary>> {
    let mut found = Vec::new();
    for key in store.keys().await.map_err(unkept)? {
        let text = store.read(&key).await.map_err(unkept)?;
        if let Some(Ok(replay)) = text.map(|text| Replay::read(&text)) {
            found.push(replay.summary(key));
        }
    }
    crate::order::sort_by(&mut found, |a, b| b.updated_ms.cmp(&a.updated_ms).then_with(|| a.key.cmp(&b.key)));
    Ok(found)
}

/// A ledger as the text of a file, which the command and the page continue alike.
///
/// # Errors
/// When there is none of this key, or it cannot be read.
pub async fn export_ledger(store: &dyn Store, key: &str) -> Result<String> {
    let gone = || {
        Error::new(ErrorKind::Input, "there is no such ledger any more")
            .remedy("It was forgotten, or made way for newer ones.")
    };
    let mut text = store.read(key).await.map_err(unkept)?.ok_or_else(gone)?;
    let sound = Replay::read(&text)?.sound_bytes;
    text.truncate(sound);
    Ok(text)
}

/// Takes a ledger from a file, which may come from a stranger: it counts as far as it is whole.
///
/// # Errors
/// When it is none, of another version, too large, or holds less than the one that is there.
pub async fn import_ledger(store: &dyn Store, text: &str) -> Result<LedgerSummary> {
    if text.len() > MAX_IMPORT {
        let message = format!("the file has more than {} MiB", MAX_IMPORT / 1024 / 1024);
        return Err(Error::new(ErrorKind::Input, message)
            .remedy("Is it the right one? Begin anew: what is there is not written twice."));
    }
    let replay = Replay::read(text)?;
    let sound = text.get(..replay.sound_bytes).filter(|sound| !sound.is_empty());
    let Some(sound) = sound else {
        return Err(Error::new(ErrorKind::Input, "the ledger has not a single whole line"));
    };
    // Whose it is, its contents tell and nobody else.
    let key = replay.header.about.key();
    if let Some(there) = store.read(&key).await.map_err(unkept)?
        && let Ok(there) = Replay::read(&there)
        && there.slabs() > replay.slabs()
    {
        return Err(Error::new(
            ErrorKind::Input,
            format!(
                "there is a ledger of the same migration, in which more is done: {} slabs, and {} in the file",
                there.slabs(),
                replay.slabs()
            ),
        )
        .remedy("Continue that one, or forget it first."));
    }
    store.replace(&key, sound.to_owned()).await.map_err(unkept)?;
    Ok(replay.summary(key))
}

/// Forgets a ledger.
///
/// # Errors
/// When the store does not let it go.
pub async fn forget_ledger(store: &dyn Store, key: &str) -> Result<()> {
    store.remove(key).await.map_err(unkept)
}

fn unkept(error: StoreError) -> Error {
    let remedy = match &error {
        StoreError::None => "",
        StoreError::Full { .. } => "Make room, or forget other ledgers.",
        StoreError::Busy { .. } => "Wait for the end of the run that uses it.",
        StoreError::Failed { .. } => {
            "Try again; a browser keeps nothing in a private window, or when its storage is damaged."
        }
    };
    Error::new(ErrorKind::Input, error.to_string()).remedy(remedy)
}

impl Replay {
    fn slabs(&self) -> u64 {
        self.backfill.totals().0 + self.verify.totals().0
    }

    /// What it holds, in short.
    fn summary(&self, key: String) -> LedgerSummary {
        let about = &self.header.about;
        let stage = self.last.and_then(|stage| self.stage(stage));
        let (slabs, rows) = stage.map_or((0, 0), |state| state.totals());
        LedgerSummary {
            key,
            source: about.source.clone(),
            target: about.target.clone(),
            tenant: about.tenant.clone(),
            selectors: about.selectors.clone(),
            window: about.window,
            stage: self.last,
            slabs,
            rows,
            expected: stage.map_or(0, |state| state.expected),
            updated_ms: self.updated_ms,
            finished: stage.is_some_and(|state| state.finished),
        }
    }
}
