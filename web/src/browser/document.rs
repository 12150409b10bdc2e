//! Texts that the browser holds for the page: a report may have tens of megabytes, and the page only hands it on.

use super::{breathe, save_url};
use js_sys::{Array, Uint8Array};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, BlobPropertyBag, Url};

/// Bytes read in one task, about.
const PIECE: f64 = 1_000_000.0;

thread_local! {
    /// By id. Objects of JavaScript cannot stand in the store's own values.
    static HELD: RefCell<BTreeMap<u32, Blob>> = const { RefCell::new(BTreeMap::new()) };
}

static NEXT: AtomicU32 = AtomicU32::new(0);

/// A text that the browser holds; goes when nobody needs it any more.
#[derive(Debug, PartialEq, Eq)]
pub struct Document(u32);

impl Document {
    /// Of what the browser holds.
    pub fn new(blob: Blob) -> Self {
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        HELD.with_borrow_mut(|held| held.insert(id, blob));
        Self(id)
    }

    /// What the browser holds; `None` when it has lost it.
    pub fn blob(&self) -> Option<Blob> {
        HELD.with_borrow(|held| held.get(&self.0).cloned())
    }

    /// Offers it as a file.
    pub fn save(&self, name: &str) -> Option<()> {
        let url = Url::create_object_url_with_blob(&self.blob()?).ok()?;
        save_url(name, &url)?;
        super::revoke_later(url);
        Some(())
    }

    /// The text, read a piece at a time. `None` when the browser has lost it.
    pub async fn text(&self) -> Option<String> {
        let blob = self.blob()?;
        let size = blob.size();
        let (mut text, mut rest) = (String::with_capacity(size as usize), Vec::new());
        let mut at = 0.0;
        while at < size {
            rest.extend(piece(&blob, at).await?);
            at += PIECE;
            // A character may be cut in two: its beginning waits for the next piece.
            let whole = match std::str::from_utf8(&rest) {
                Ok(all) => all.len(),
                Err(error) if error.error_len().is_none() => error.valid_up_to(),
                Err(_) => return None,
            };
            text.push_str(std::str::from_utf8(rest.get(..whole)?).ok()?);
            rest.drain(..whole);
            breathe().await;
        }
        rest.is_empty().then_some(text)
    }
}

/// About a megabyte of what the browser holds, from a byte on: what is read in one task. `None` when it cannot be read.
async fn piece(blob: &Blob, at: f64) -> Option<Vec<u8>> {
    let piece = blob.slice_with_f64_and_f64(at, (at + PIECE).min(blob.size())).ok()?;
    let bytes = JsFuture::from(piece.array_buffer()).await.ok()?;
    Some(Uint8Array::new(&bytes).to_vec())
}

/// Shows everything that the browser holds, a piece at a time. `None` when it cannot be read.
pub async fn look_through(blob: &Blob, mut on: impl FnMut(&[u8])) -> Option<()> {
    let mut at = 0.0;
    while at < blob.size() {
        on(&piece(blob, at).await?);
        at += PIECE;
        breathe().await;
    }
    Some(())
}

/// A text for the browser to hold.
pub fn of_text(text: &str) -> Option<Blob> {
    let options = BlobPropertyBag::new();
    options.set_type("application/json");
    Blob::new_with_str_sequence_and_options(&Array::of1(&text.into()), &options).ok()
}

impl Drop for Document {
    fn drop(&mut self) {
        HELD.with_borrow_mut(|held| held.remove(&self.0));
    }
}
