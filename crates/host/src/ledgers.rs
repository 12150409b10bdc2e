//! Ledgers of the page, in its IndexedDB: one log for each migration.
//!
//! Object store `logs`: key of a ledger → when it was written to last, Unix ms. Object store `lines`: `[key, number]` →
//! text of one or more lines. Each write is one transaction, and is acknowledged when the disk has it. Web Locks keep
//! two tabs from working on one migration at once, where the browser has them (secure contexts only).

use futures_util::future::LocalBoxFuture;
use js_sys::{Array, Function, Object, Promise, Reflect};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use tsink_migrate_engine::port::{Store, StoreError};
use wasm_bindgen::prelude::*;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{IdbDatabase, IdbKeyRange, IdbObjectStore, IdbRequest, IdbTransaction, WorkerGlobalScope};

const DATABASE: &str = "tsink-migrate-ledgers";
const VERSION: u32 = 1;
const LOGS: &str = "logs";
const LINES: &str = "lines";
/// What the name of a log's lock begins with; its key follows.
const LOCK: &str = "tsink-migrate ledger ";
/// Ledgers that are kept; older ones make way.
const KEPT: usize = 20;

/// The ledgers of the page. Clones share the database and the locks.
#[derive(Clone, Default)]
pub struct PageLedgers(Rc<State>);

#[derive(Default)]
struct State {
    database: RefCell<Option<IdbDatabase>>,
    /// Number of the next lines of a log.
    next: RefCell<BTreeMap<String, u32>>,
    /// What lets a lock go, by the log's key.
    locks: RefCell<BTreeMap<String, Function>>,
}

type Done<T> = Result<T, StoreError>;

impl PageLedgers {
    /// Lets other tabs work on the migrations of this one.
    pub fn release(&self) {
        for release in std::mem::take(&mut *self.0.locks.borrow_mut()).into_values() {
            // Resolving a promise does not fail.
            let _ = release.call0(&JsValue::UNDEFINED);
        }
        // Another tab may write to them now.
        self.0.next.borrow_mut().clear();
    }

    /// Keys of the logs that other tabs work on now; none where the browser does not say.
    pub async fn elsewhere(&self) -> Vec<String> {
        let held = async {
            let (locks, _) = locks()?;
            let query: Function = Reflect::get(&locks, &"query".into()).ok()?.dyn_into().ok()?;
            let asked: Promise = query.call0(&locks).ok()?.dyn_into().ok()?;
            let found = JsFuture::from(asked).await.ok()?;
            Some(Array::from(&Reflect::get(&found, &"held".into()).ok()?))
        };
        let Some(held) = held.await else { return Vec::new() };
        let own = self.0.locks.borrow();
        let key = |lock: JsValue| {
            let name = Reflect::get(&lock, &"name".into()).ok()?.as_string()?;
            name.strip_prefix(LOCK).map(str::to_owned).filter(|key| !own.contains_key(key))
        };
        held.iter().filter_map(key).collect()
    }

    /// Waits until no other tab works on a log. Where the browser has no locks, that is never known.
    pub async fn until_free(&self, key: &str) {
        let Some((locks, request)) = locks() else { return };
        let options = Object::new();
        let _ = Reflect::set(&options, &"mode".into(), &"shared".into());
        // Taken to be let go at once.
        let callback = Closure::once_into_js(|_: JsValue| {});
        let asked = request.call3(&locks, &format!("{LOCK}{key}").into(), &options, &callback);
        if let Ok(Ok(asked)) = asked.map(JsCast::dyn_into::<Promise>) {
            let _ = JsFuture::from(asked).await;
        }
    }

    async fn database(&self) -> Done<IdbDatabase> {
        if let Some(database) = self.0.database.borrow().clone() {
            return Ok(database);
        }
        let none = || failed("this browser keeps no database for the page");
        let scope = js_sys::global().dyn_into::<WorkerGlobalScope>().map_err(|_| none())?;
        let factory = scope.indexed_db().map_err(|error| store_error(&error))?.ok_or_else(none)?;
        let request = factory.open_with_u32(DATABASE, VERSION).map_err(|error| store_error(&error))?;
        let upgrade = Closure::once_into_js({
            let request = request.clone();
            move || {
                if let Ok(database) = request.result().and_then(|found| found.dyn_into::<IdbDatabase>()) {
                    // They are not there: this is the first version.
                    let _ = database.create_object_store(LOGS);
                    let _ = database.create_object_store(LINES);
                }
            }
        });
        request.set_onupgradeneeded(Some(upgrade.unchecked_ref()));
        let found = answer(&request).await?;
        let database: IdbDatabase = found.dyn_into().map_err(|_| none())?;
        *self.0.database.borrow_mut() = Some(database.clone());
        Ok(database)
    }

    async fn write(
        &self,
        act: impl FnOnce(&IdbObjectStore, &IdbObjectStore) -> Result<(), JsValue>,
    ) -> Done<()> {
        let database = self.database().await?;
        let transaction = begin(&database, "readwrite").inspect_err(|_| {
            // The browser closes databases that were deleted, or whose disk went away: open it anew next time.
            *self.0.database.borrow_mut() = None;
        })?;
        let done = completion(&transaction);
        let stores =
            transaction.object_store(LOGS).and_then(|logs| Ok((logs, transaction.object_store(LINES)?)));
        stores.and_then(|(logs, lines)| act(&logs, &lines)).map_err(|error| store_error(&error))?;
        JsFuture::from(done).await.map(drop).map_err(|error| store_error(&error))
    }

    async fn read_store(
        &self,
        name: &str,
        ask: impl FnOnce(&IdbObjectStore) -> Result<IdbRequest, JsValue>,
    ) -> Done<JsValue> {
        let database = self.database().await?;
        let transaction = begin(&database, "readonly").inspect_err(|_| {
            *self.0.database.borrow_mut() = None;
        })?;
        let store = transaction.object_store(name).map_err(|error| store_error(&error))?;
        let request = ask(&store).map_err(|error| store_error(&error))?;
        answer(&request).await
    }

    async fn next(&self, key: &str) -> Done<u32> {
        if let Some(next) = self.0.next.borrow().get(key) {
            return Ok(*next);
        }
        let range = range(key)?;
        let count = self.read_store(LINES, |lines| lines.count_with_key(&range)).await?;
        Ok(count.as_f64().unwrap_or_default() as u32)
    }

    /// Takes a log for this tab alone, until [`Self::release`].
    async fn lock(&self, key: &str) -> Done<()> {
        if self.0.locks.borrow().contains_key(key) {
            return Ok(());
        }
        let Some((locks, request)) = locks() else { return Ok(()) };
        let mut release = None;
        let held = Promise::new(&mut |resolve, _| release = Some(resolve));
        let mut asked = Ok(JsValue::UNDEFINED);
        let granted = Promise::new(&mut |resolve, _| {
            let held = held.clone();
            let callback = Closure::once_into_js(move |lock: JsValue| {
                let granted = !lock.is_null();
                let _ = resolve.call1(&JsValue::UNDEFINED, &JsValue::from_bool(granted));
                if granted { JsValue::from(held) } else { JsValue::UNDEFINED }
            });
            let options = Object::new();
            let _ = Reflect::set(&options, &"ifAvailable".into(), &JsValue::TRUE);
            let name = format!("{LOCK}{key}").into();
            asked = request.call3(&locks, &name, &options, &callback);
        });
        // A browser that refuses the question has no locks; then a second tab is the operator's business.
        let Ok(asked) = asked else { return Ok(()) };
        match JsFuture::from(Promise::race(&Array::of2(&granted, &asked))).await {
            Ok(granted) if granted.is_falsy() => {
                Err(StoreError::Busy { message: "another tab of this browser has it".to_owned() })
            }
            Ok(_) => {
                if let Some(release) = release {
                    self.0.locks.borrow_mut().insert(key.to_owned(), release);
                }
                Ok(())
            }
            Err(_) => Ok(()),
        }
    }

    async fn all_keys(&self) -> Done<Vec<String>> {
        let keys = self.read_store(LOGS, |logs| logs.get_all_keys()).await?;
        Ok(Array::from(&keys).iter().filter_map(|key| key.as_string()).collect())
    }

    async fn read_log(&self, key: &str) -> Done<Option<String>> {
        let range = range(key)?;
        let pieces = self.read_store(LINES, |lines| lines.get_all_with_key(&range)).await?;
        let pieces = Array::from(&pieces);
        self.0.next.borrow_mut().insert(key.to_owned(), pieces.length());
        let text: String = pieces.iter().filter_map(|piece| piece.as_string()).collect();
        Ok((!text.is_empty()).then_some(text))
    }

    async fn append_to(&self, key: &str, text: &str) -> Done<()> {
        self.lock(key).await?;
        let next = self.next(key).await?;
        self.write(|logs, lines| {
            logs.put_with_key(&js_sys::Date::now().into(), &key.into())?;
            lines.put_with_key(&text.into(), &place(key, next)).map(drop)
        })
        .await?;
        self.0.next.borrow_mut().insert(key.to_owned(), next + 1);
        Ok(())
    }

    async fn put_in_place(&self, key: &str, text: &str) -> Done<()> {
        self.lock(key).await?;
        let range = range(key)?;
        self.write(|logs, lines| {
            logs.put_with_key(&js_sys::Date::now().into(), &key.into())?;
            lines.delete(&range)?;
            lines.put_with_key(&text.into(), &place(key, 0)).map(drop)
        })
        .await?;
        self.0.next.borrow_mut().insert(key.to_owned(), 1);
        self.make_way(key).await
    }

    /// Removes the oldest logs beyond those that are kept, but for this one.
    async fn make_way(&self, but: &str) -> Done<()> {
        let keys = self.all_keys().await?;
        if keys.len() <= KEPT {
            return Ok(());
        }
        let times = self.read_store(LOGS, |logs| logs.get_all()).await?;
        let times = Array::from(&times).iter().map(|at| at.as_f64().unwrap_or_default()).collect::<Vec<_>>();
        let mut aged: Vec<(f64, String)> =
            times.into_iter().zip(keys).filter(|(_, key)| key != but).collect();
        aged.sort_by(|a, b| b.0.total_cmp(&a.0));
        for (_, key) in aged.drain(..).skip(KEPT - 1) {
            // One that is worked on stays.
            match self.remove_log(&key).await {
                Err(StoreError::Busy { .. }) => {}
                done => done?,
            }
        }
        Ok(())
    }

    async fn remove_log(&self, key: &str) -> Done<()> {
        self.lock(key).await?;
        let range = range(key)?;
        self.write(|logs, lines| {
            logs.delete(&key.into())?;
            lines.delete(&range).map(drop)
        })
        .await?;
        self.0.next.borrow_mut().remove(key);
        if let Some(release) = self.0.locks.borrow_mut().remove(key) {
            let _ = release.call0(&JsValue::UNDEFINED);
        }
        Ok(())
    }
}

impl Store for PageLedgers {
    fn keys(&self) -> LocalBoxFuture<'static, Done<Vec<String>>> {
        let own = self.clone();
        Box::pin(async move { own.all_keys().await })
    }

    fn read(&self, key: &str) -> LocalBoxFuture<'static, Done<Option<String>>> {
        let (own, key) = (self.clone(), key.to_owned());
        Box::pin(async move { own.read_log(&key).await })
    }

    fn append(&self, key: &str, lines: String) -> LocalBoxFuture<'static, Done<()>> {
        let (own, key) = (self.clone(), key.to_owned());
        Box::pin(async move { own.append_to(&key, &lines).await })
    }

    fn replace(&self, key: &str, lines: String) -> LocalBoxFuture<'static, Done<()>> {
        let (own, key) = (self.clone(), key.to_owned());
        Box::pin(async move { own.put_in_place(&key, &lines).await })
    }

    fn remove(&self, key: &str) -> LocalBoxFuture<'static, Done<()>> {
        let (own, key) = (self.clone(), key.to_owned());
        Box::pin(async move { own.remove_log(&key).await })
    }
}

/// All lines of a log: arrays come after numbers in the order of keys.
fn range(key: &str) -> Done<IdbKeyRange> {
    let (from, to) = (Array::of1(&key.into()), Array::of2(&key.into(), &Array::new()));
    IdbKeyRange::bound(&from, &to).map_err(|error| store_error(&error))
}

fn place(key: &str, number: u32) -> JsValue {
    Array::of2(&key.into(), &number.into()).into()
}

/// A transaction over both stores; `strict`: complete when the disk has it.
fn begin(database: &IdbDatabase, mode: &str) -> Done<IdbTransaction> {
    let options = Object::new();
    let begun = Reflect::set(&options, &"durability".into(), &"strict".into()).and_then(|_| {
        let transaction: Function = Reflect::get(database, &"transaction".into())?.dyn_into()?;
        transaction.call3(database, &Array::of2(&LOGS.into(), &LINES.into()), &mode.into(), &options)
    });
    let begun = begun.map_err(|error| store_error(&error))?;
    begun.dyn_into().map_err(|_| failed("the browser gives no transaction"))
}

/// Resolves when the transaction is complete, rejects when it is aborted.
fn completion(transaction: &IdbTransaction) -> Promise {
    Promise::new(&mut |resolve, reject| {
        transaction.set_oncomplete(Some(&resolve));
        let aborted = Closure::once_into_js({
            let transaction = transaction.clone();
            move || {
                let why = transaction.error().map_or(JsValue::NULL, JsValue::from);
                let _ = reject.call1(&JsValue::UNDEFINED, &why);
            }
        });
        transaction.set_onabort(Some(aborted.unchecked_ref()));
    })
}

/// The result of a request.
async fn answer(request: &IdbRequest) -> Done<JsValue> {
    let done = Promise::new(&mut |resolve, reject| {
        request.set_onsuccess(Some(&resolve));
        request.set_onerror(Some(&reject));
    });
    match JsFuture::from(done).await {
        Ok(_) => request.result().map_err(|error| store_error(&error)),
        // What came is the event; the request knows why.
        Err(_) => Err(match request.error() {
            Ok(Some(why)) => store_error(&why.into()),
            _ => failed("the browser does not say why"),
        }),
    }
}

fn locks() -> Option<(JsValue, Function)> {
    let navigator = Reflect::get(&js_sys::global(), &"navigator".into()).ok()?;
    let locks = Reflect::get(&navigator, &"locks".into()).ok().filter(JsValue::is_object)?;
    let request = Reflect::get(&locks, &"request".into()).ok()?.dyn_into().ok()?;
    Some((locks, request))
}

fn failed(message: &str) -> StoreError {
    StoreError::Failed { message: message.to_owned() }
}

fn store_error(error: &JsValue) -> StoreError {
    let property = |name: &str| Reflect::get(error, &name.into()).ok()?.as_string();
    let message = property("message").filter(|words| !words.is_empty());
    let name = property("name").unwrap_or_default();
    let message = message.unwrap_or_else(|| match name.as_str() {
        "" => "the browser does not say why".to_owned(),
        name => name.to_owned(),
    });
    match name.as_str() {
        "QuotaExceededError" => StoreError::Full { message },
        _ => StoreError::Failed { message },
    }
}
