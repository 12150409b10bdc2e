//! Ledgers of the command: one file, and beside it the one that was there before.
//!
//! A plan that changes begins another ledger. The one before moves aside, to `….1`, and comes back when its plan does.

use crate::host::Host;
use futures_util::future::LocalBoxFuture;
use std::cell::RefCell;
use std::rc::Rc;
use tsink_migrate_engine::port::{Store, StoreError};
use tsink_migrate_engine::run::ledger_key_of;

/// The file of a ledger.
#[derive(Clone)]
pub struct LedgerFile {
    host: Rc<dyn Host>,
    path: String,
    /// Key of the ledger in the file, since this process has written to it.
    written: Rc<RefCell<String>>,
}

impl LedgerFile {
    /// A ledger in this file; nothing is there yet, or one to be continued.
    pub fn new(host: Rc<dyn Host>, path: String) -> Self {
        Self { host, path, written: Rc::default() }
    }

    fn before(&self) -> String {
        format!("{}.1", self.path)
    }

    /// The text of the file and of the one before.
    async fn texts(&self) -> Result<[Option<String>; 2], StoreError> {
        self.host.ledger_lock(&self.path).await?;
        let now = self.host.ledger_read(&self.path).await?.filter(|text| !text.is_empty());
        Ok([now, self.host.ledger_read(&self.before()).await?])
    }

    /// Makes the ledger of this key the one that is written to, if it is the one before.
    async fn bring_back(&self, key: &str) -> Result<(), StoreError> {
        let [now, before] = self.texts().await?;
        let is_it =
            |text: &Option<String>| text.as_deref().and_then(ledger_key_of).is_some_and(|own| own == key);
        if is_it(&now) || !is_it(&before) {
            return Ok(());
        }
        let aside = format!("{}.2", self.path);
        if now.is_some() {
            self.host.ledger_move(&self.path, &aside).await?;
        }
        self.host.ledger_move(&self.before(), &self.path).await?;
        if now.is_some() {
            self.host.ledger_move(&aside, &self.before()).await?;
        }
        Ok(())
    }
}

impl Store for LedgerFile {
    fn keys(&self) -> LocalBoxFuture<'static, Result<Vec<String>, StoreError>> {
        let file = self.clone();
        Box::pin(async move {
            let texts = file.texts().await?;
            let mut keys: Vec<String> =
                texts.iter().flatten().filter_map(|text| ledger_key_of(text)).collect();
            keys.dedup();
            Ok(keys)
        })
    }

    fn read(&self, key: &str) -> LocalBoxFuture<'static, Result<Option<String>, StoreError>> {
        let (file, key) = (self.clone(), key.to_owned());
        Box::pin(async move {
            let [now, before] = file.texts().await?;
            let key_of = |text: &Option<String>| text.as_deref().and_then(ledger_key_of);
            let is_it = |text: &Option<String>| key_of(text).is_some_and(|own| own == key);
            if is_it(&now) {
                return Ok(now);
            }
            if is_it(&before) {
                return Ok(before);
            }
            // What cannot be read must be told, and not be taken for nothing.
            Ok(now.filter(|text| ledger_key_of(text).is_none()))
        })
    }

    fn append(&self, key: &str, lines: String) -> LocalBoxFuture<'static, Result<(), StoreError>> {
        let (file, key) = (self.clone(), key.to_owned());
        Box::pin(async move {
            if *file.written.borrow() != key {
                file.bring_back(&key).await?;
                *file.written.borrow_mut() = key;
            }
            file.host.ledger_append(&file.path, &lines).await
        })
    }

    fn replace(&self, key: &str, lines: String) -> LocalBoxFuture<'static, Result<(), StoreError>> {
        let (file, key) = (self.clone(), key.to_owned());
        Box::pin(async move {
            file.bring_back(&key).await?;
            let [now, _] = file.texts().await?;
            if now.is_some_and(|text| ledger_key_of(&text).is_none_or(|own| own != key)) {
                file.host.ledger_move(&file.path, &file.before()).await?;
            }
            *file.written.borrow_mut() = key;
            file.host.ledger_replace(&file.path, &lines).await
        })
    }

    fn remove(&self, key: &str) -> LocalBoxFuture<'static, Result<(), StoreError>> {
        let (file, key) = (self.clone(), key.to_owned());
        Box::pin(async move {
            for (path, text) in [file.path.clone(), file.before()].into_iter().zip(file.texts().await?) {
                if text.as_deref().and_then(ledger_key_of).is_some_and(|own| own == key) {
                    file.host.ledger_remove(&path).await?;
                }
            }
            Ok(())
        })
    }
}
