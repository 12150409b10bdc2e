//! What the browser keeps for the page: the history of reports, in IndexedDB. Its five operations are written here by
//! hand, as they are less than the wrapping that the crates for it bring; and a database that is opened for each of
//! them cannot be held against another tab.

use js_sys::{Array, Promise, Reflect};
use leptos::prelude::window;
use leptos::wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{IdbDatabase, IdbObjectStore, IdbRequest, IdbTransaction, IdbTransactionMode};

const DATABASE: &str = "tsink-migrate";
const VERSION: u32 = 1;
/// Id → what the list shows, as JSON.
const INDEX: &str = "index";
/// Id → `report.json`.
const REPORTS: &str = "reports";

/// The opened database; closes when it goes.
pub struct Kept(IdbDatabase);

impl Drop for Kept {
    fn drop(&mut self) {
        self.0.close();
    }
}

impl Kept {
    /// Opens it.
    ///
    /// # Errors
    /// Why nothing can be kept here, in words that go on after "because".
    pub async fn open() -> Result<Self, String> {
        let factory = window().indexed_db().map_err(|error| why(&error))?.ok_or_else(blocked)?;
        let request = factory.open_with_u32(DATABASE, VERSION).map_err(|error| why(&error))?;
        let making = {
            let request = request.clone();
            Closure::<dyn FnMut()>::new(move || {
                if let Ok(database) = request.result().and_then(JsCast::dyn_into::<IdbDatabase>) {
                    // One that is there already is no reason to stop.
                    let _ = database.create_object_store(INDEX);
                    let _ = database.create_object_store(REPORTS);
                }
            })
        };
        request.set_onupgradeneeded(Some(making.as_ref().unchecked_ref()));
        let database = answer(&request).await?;
        Ok(Self(database.dyn_into().map_err(|_| blocked())?))
    }

    fn begin(&self, write: bool) -> Result<(IdbTransaction, IdbObjectStore, IdbObjectStore), String> {
        let mode = if write { IdbTransactionMode::Readwrite } else { IdbTransactionMode::Readonly };
        let names = Array::of2(&INDEX.into(), &REPORTS.into());
        let begin = || {
            let transaction = self.0.transaction_with_str_sequence_and_mode(&names, mode)?;
            let (index, reports) = (transaction.object_store(INDEX)?, transaction.object_store(REPORTS)?);
            Ok((transaction, index, reports))
        };
        begin().map_err(|error: JsValue| why(&error))
    }

    /// What the list shows of every report.
    ///
    /// # Errors
    /// As [`Kept::open`].
    pub async fn index(&self) -> Result<Vec<String>, String> {
        let (_, index, _) = self.begin(false)?;
        let all = answer(&index.get_all().map_err(|error| why(&error))?).await?;
        Ok(Array::from(&all).iter().filter_map(|entry| entry.as_string()).collect())
    }

    /// Text of a report; none when it is not there.
    ///
    /// # Errors
    /// As [`Kept::open`].
    pub async fn text(&self, id: &str) -> Result<Option<String>, String> {
        let (_, _, reports) = self.begin(false)?;
        Ok(answer(&reports.get(&id.into()).map_err(|error| why(&error))?).await?.as_string())
    }

    /// Keeps a report, in the place of one with the same id.
    ///
    /// # Errors
    /// As [`Kept::open`]; nothing is half kept.
    pub async fn put(&self, id: &str, entry: &str, text: &str) -> Result<(), String> {
        let (transaction, index, reports) = self.begin(true)?;
        let done = end(&transaction);
        index.put_with_key(&entry.into(), &id.into()).map_err(|error| why(&error))?;
        reports.put_with_key(&text.into(), &id.into()).map_err(|error| why(&error))?;
        done.await
    }

    /// Deletes reports.
    ///
    /// # Errors
    /// As [`Kept::open`].
    pub async fn delete(&self, ids: &[String]) -> Result<(), String> {
        let (transaction, index, reports) = self.begin(true)?;
        let done = end(&transaction);
        for id in ids {
            index.delete(&id.into()).map_err(|error| why(&error))?;
            reports.delete(&id.into()).map_err(|error| why(&error))?;
        }
        done.await
    }

    /// Deletes all reports.
    ///
    /// # Errors
    /// As [`Kept::open`].
    pub async fn clear(&self) -> Result<(), String> {
        let (transaction, index, reports) = self.begin(true)?;
        let done = end(&transaction);
        index.clear().map_err(|error| why(&error))?;
        reports.clear().map_err(|error| why(&error))?;
        done.await
    }
}

/// What a request brings.
async fn answer(request: &IdbRequest) -> Result<JsValue, String> {
    let promise = Promise::new(&mut |done, failed| {
        request.set_onsuccess(Some(&done));
        request.set_onerror(Some(&failed));
    });
    match JsFuture::from(promise).await {
        Ok(_) => request.result().map_err(|error| why(&error)),
        Err(_) => Err(request.error().ok().flatten().map_or_else(blocked, |error| why(&error))),
    }
}

/// The end of a transaction. Whether there was room is only known then.
fn end(transaction: &IdbTransaction) -> impl Future<Output = Result<(), String>> + use<> {
    let promise = Promise::new(&mut |done, failed| {
        transaction.set_oncomplete(Some(&done));
        transaction.set_onabort(Some(&failed));
        transaction.set_onerror(Some(&failed));
    });
    let transaction = transaction.clone();
    async move {
        match JsFuture::from(promise).await {
            Ok(_) => Ok(()),
            Err(_) => Err(transaction.error().map_or_else(full, |error| why(&error))),
        }
    }
}

fn blocked() -> String {
    "this browser keeps nothing for the page here (a private window, or site data is blocked)".to_owned()
}

fn full() -> String {
    "the browser has no more room for this page".to_owned()
}

/// What a refusal means.
fn why(error: &JsValue) -> String {
    let name = Reflect::get(error, &"name".into()).ok().and_then(|name| name.as_string());
    match name.as_deref() {
        Some("QuotaExceededError") => full(),
        Some("InvalidStateError" | "SecurityError" | "UnknownError") | None => blocked(),
        Some("VersionError") => {
            "a newer version of the page has kept its history here; reload the page".to_owned()
        }
        Some(name) => format!("the browser refuses it ({name})"),
    }
}
