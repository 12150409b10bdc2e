//! Logs in memory, which outlive the run that wrote them.

use futures_util::future::LocalBoxFuture;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use tsink_migrate_engine::port::{Store, StoreError};

/// A store; clones share it.
#[derive(Clone, Default)]
pub struct MemoryStore {
    logs: Rc<RefCell<BTreeMap<String, String>>>,
    fails: Rc<RefCell<Option<StoreError>>>,
    calls: Rc<Cell<u64>>,
}

impl MemoryStore {
    /// From now on, whatever is written fails; `None` mends it.
    pub fn fail(&self, error: Option<StoreError>) {
        *self.fails.borrow_mut() = error;
    }

    /// The only log; empty when there is none.
    pub fn text(&self) -> String {
        let logs = self.logs.borrow();
        assert!(logs.len() <= 1, "{:?}", logs.keys());
        logs.values().next().cloned().unwrap_or_default()
    }

    /// Changes the only log.
    pub fn change(&self, change: impl FnOnce(&mut String)) {
        if let Some(text) = self.logs.borrow_mut().values_mut().next() {
            change(text);
        }
    }

    /// Attempts to write.
    pub fn writes(&self) -> u64 {
        self.calls.get()
    }

    fn write(&self, act: impl FnOnce(&mut BTreeMap<String, String>)) -> Result<(), StoreError> {
        self.calls.set(self.calls.get() + 1);
        match self.fails.borrow().clone() {
            Some(error) => Err(error),
            None => {
                act(&mut self.logs.borrow_mut());
                Ok(())
            }
        }
    }
}

impl Store for MemoryStore {
    fn keys(&self) -> LocalBoxFuture<'static, Result<Vec<String>, StoreError>> {
        let keys = self.logs.borrow().keys().cloned().collect();
        Box::pin(async { Ok(keys) })
    }

    fn read(&self, key: &str) -> LocalBoxFuture<'static, Result<Option<String>, StoreError>> {
        let text = self.logs.borrow().get(key).cloned();
        Box::pin(async { Ok(text) })
    }

    fn append(&self, key: &str, lines: String) -> LocalBoxFuture<'static, Result<(), StoreError>> {
        assert!(lines.ends_with('\n'));
        let done = self.write(|logs| logs.entry(key.to_owned()).or_default().push_str(&lines));
        Box::pin(async { done })
    }

    fn replace(&self, key: &str, lines: String) -> LocalBoxFuture<'static, Result<(), StoreError>> {
        assert!(lines.ends_with('\n'));
        let done = self.write(|logs| drop(logs.insert(key.to_owned(), lines)));
        Box::pin(async { done })
    }

    fn remove(&self, key: &str) -> LocalBoxFuture<'static, Result<(), StoreError>> {
        let done = self.write(|logs| drop(logs.remove(key)));
        Box::pin(async { done })
    }
}
