//! A slab whose answers are larger than they may be is worked off in portions, one after the other, so that no more is
//! held than the memory allows: halves by time, and where time cannot be cut any more, parts by label values.

use super::Slab;
use crate::error::{Error, ErrorKind};
use crate::model::Window;
use crate::run::context::Run;
use crate::selector::Selector;
use std::rc::Rc;

/// Windows are halved down to this length, in ms, before a selector is cut by labels; and further where it cannot be.
const SHORT_MS: i64 = 60_000;

/// What is asked for at once.
#[derive(Clone, Debug)]
pub(in super::super) struct Portion {
    /// The slab's selector, or a part of it.
    pub selector: Rc<Selector>,
    /// Both ends included.
    pub window: Window,
    /// Rows that it is expected to hold; the first portion stands for the whole slab.
    pub expected: u64,
}

/// What is left of a slab.
#[derive(Debug)]
pub(in super::super) struct Portions {
    todo: Vec<Portion>,
}

impl Portions {
    /// All of a slab at once, to begin with.
    pub fn new(slab: &Slab) -> Self {
        let whole =
            Portion { selector: Rc::clone(&slab.selector), window: slab.window, expected: slab.expected };
        Self { todo: vec![whole] }
    }

    /// The next portion.
    pub fn next(&mut self) -> Option<Portion> {
        self.todo.pop()
    }

    /// Takes a portion apart that could not be read for its size.
    ///
    /// # Errors
    /// The error again, when that is not why, or when there is nothing left to take apart.
    pub async fn smaller(&mut self, run: &Run, portion: &Portion, error: Error) -> Result<(), Error> {
        if !matches!(error.kind, ErrorKind::TooLarge | ErrorKind::Timeout) {
            return Err(error);
        }
        let Portion { selector, window, expected } = portion;
        let length = window.len_ms();
        let mut parts: Vec<(Rc<Selector>, Window)> = Vec::new();
        if length <= SHORT_MS && error.kind == ErrorKind::TooLarge {
            parts =
                run.label_parts(selector, *window).await.into_iter().map(|part| (part, *window)).collect();
        }
        if parts.len() < 2 {
            if length <= 1 {
                return Err(match error.kind {
                    ErrorKind::TooLarge => too_wide(run, error),
                    _ => error,
                });
            }
            parts = window.split(2).into_iter().map(|half| (Rc::clone(selector), half)).collect();
        }
        let mut expected = *expected;
        let parts: Vec<Portion> = parts
            .into_iter()
            .map(|(selector, window)| Portion { selector, window, expected: std::mem::take(&mut expected) })
            .collect();
        // The first one is read next.
        self.todo.extend(parts.into_iter().rev());
        Ok(())
    }
}

/// One ms of a selector that cannot be cut is more than fits.
fn too_wide(run: &Run, error: Error) -> Error {
    let message = format!(
        "{}; it is a single millisecond of a selector that cannot be cut by labels, and {} MiB of memory do not hold it",
        error.message, run.plan.options.memory_mib
    );
    let remedy = "Raise options.memory_mib, or write several narrower selectors in its place.".to_owned();
    Error { message, remedy, ..error }
}
