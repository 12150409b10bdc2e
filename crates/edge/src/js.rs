//! The entry point, and the [`Host`] that `bin/tsink-migrate.mjs` lends.

use crate::command;
use crate::host::{Host, PlanFile};
use bytes::Bytes;
use futures_util::future::LocalBoxFuture;
use js_sys::{Function, Reflect, Uint8Array};
use std::rc::Rc;
use tsink_migrate_engine::port::{FileError, Ports, StoreError};
use tsink_migrate_host::{NodeTransport, Requester, panics};
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    /// The object with these methods that JavaScript passes to [`run`].
    #[derive(Clone)]
    pub type JsHost;

    #[wasm_bindgen(method, catch, js_name = readFile)]
    async fn read_file(this: &JsHost, path: &str, limit: u32) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(method, catch, js_name = fileSize)]
    async fn file_size(this: &JsHost, plan: &str, path: &str, outside: bool) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(method, catch, js_name = readPart)]
    async fn read_part(
        this: &JsHost,
        plan: &str,
        path: &str,
        outside: bool,
        offset: f64,
        length: u32,
    ) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(method, catch, js_name = makeDir)]
    async fn make_dir(this: &JsHost, path: &str) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(method, catch, js_name = writeFile)]
    async fn write_file(this: &JsHost, dir: &str, name: &str, text: &str) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(method, catch, js_name = ledgerLock)]
    async fn ledger_lock(this: &JsHost, path: &str) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(method, catch, js_name = ledgerRead)]
    async fn ledger_read(this: &JsHost, path: &str) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(method, catch, js_name = ledgerAppend)]
    async fn ledger_append(this: &JsHost, path: &str, text: &str) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(method, catch, js_name = ledgerReplace)]
    async fn ledger_replace(this: &JsHost, path: &str, text: &str) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(method, catch, js_name = ledgerMove)]
    async fn ledger_move(this: &JsHost, from: &str, to: &str) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(method, catch, js_name = ledgerRemove)]
    async fn ledger_remove(this: &JsHost, path: &str) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(method)]
    fn variable(this: &JsHost, name: &str) -> Option<String>;
    #[wasm_bindgen(method, catch, js_name = askSecret)]
    async fn ask_secret(this: &JsHost, prompt: &str) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(method)]
    fn stdout(this: &JsHost, text: &str);
    #[wasm_bindgen(method)]
    fn stderr(this: &JsHost, text: &str);
    #[wasm_bindgen(method)]
    fn columns(this: &JsHost) -> Option<u32>;
    #[wasm_bindgen(method, js_name = onInterrupt)]
    fn on_interrupt(this: &JsHost, callback: &Function);

    #[wasm_bindgen(js_namespace = console, js_name = error)]
    fn console_error(text: &str);
}

/// Runs the command with the arguments that follow its name, an array of strings; resolves to the exit code.
///
/// # Errors
/// Rejects when the arguments are something else.
#[wasm_bindgen]
pub async fn run(host: JsHost, arguments: JsValue) -> Result<i32, JsValue> {
    panics::report_to(|error| console_error(&format!("\nerror: {error}\n{}", error.remedy)));
    let arguments = serde_wasm_bindgen::from_value(arguments)?;
    let transport = Rc::new(NodeTransport::new(host.clone().unchecked_into::<Requester>()));
    let ports = Ports { transport, ..tsink_migrate_host::ports() };
    Ok(command::run(Rc::new(Node(host)), ports, arguments).await)
}

struct Node(JsHost);

impl Host for Node {
    fn read_file(&self, path: &str, limit: usize) -> LocalBoxFuture<'static, Result<Vec<u8>, String>> {
        let (host, path) = (self.0.clone(), path.to_owned());
        Box::pin(async move {
            let limit = u32::try_from(limit).unwrap_or(u32::MAX);
            let bytes = host.read_file(&path, limit).await.map_err(|error| reason(&error))?;
            let bytes: Uint8Array = bytes.dyn_into().map_err(|_| "it gave no bytes".to_owned())?;
            Ok(bytes.to_vec())
        })
    }

    fn file_size(&self, file: &PlanFile) -> LocalBoxFuture<'static, Result<u64, FileError>> {
        let (host, file) = (self.0.clone(), file.clone());
        Box::pin(async move {
            let size = host.file_size(&file.plan, &file.path, file.allow_outside).await;
            let size = size.map_err(|error| file_error(&file.path, &error))?;
            // A file has less than 2^53 bytes, which a JavaScript number holds exactly.
            Ok(size.as_f64().unwrap_or_default() as u64)
        })
    }

    fn read_part(
        &self,
        file: &PlanFile,
        offset: u64,
        length: usize,
    ) -> LocalBoxFuture<'static, Result<Bytes, FileError>> {
        let (host, file) = (self.0.clone(), file.clone());
        Box::pin(async move {
            let length = u32::try_from(length).unwrap_or(u32::MAX);
            let read =
                host.read_part(&file.plan, &file.path, file.allow_outside, offset as f64, length).await;
            let bytes = read.map_err(|error| file_error(&file.path, &error))?;
            let bytes: Uint8Array = bytes.dyn_into().map_err(|_| FileError::Unreadable {
                path: file.path.clone(),
                message: "it gave no bytes".to_owned(),
            })?;
            Ok(Bytes::from(bytes.to_vec()))
        })
    }

    fn make_dir(&self, path: &str) -> LocalBoxFuture<'static, Result<(), String>> {
        let (host, path) = (self.0.clone(), path.to_owned());
        Box::pin(async move { host.make_dir(&path).await.map(drop).map_err(|error| reason(&error)) })
    }

    fn write_file(&self, dir: &str, name: &str, text: &str) -> LocalBoxFuture<'static, Result<(), String>> {
        let (host, dir, name, text) = (self.0.clone(), dir.to_owned(), name.to_owned(), text.to_owned());
        Box::pin(async move {
            host.write_file(&dir, &name, &text).await.map(drop).map_err(|error| reason(&error))
        })
    }

    fn ledger_lock(&self, path: &str) -> LocalBoxFuture<'static, Result<(), StoreError>> {
        let (host, path) = (self.0.clone(), path.to_owned());
        Box::pin(async move { stored(host.ledger_lock(&path).await) })
    }

    fn ledger_read(&self, path: &str) -> LocalBoxFuture<'static, Result<Option<String>, StoreError>> {
        let (host, path) = (self.0.clone(), path.to_owned());
        Box::pin(async move {
            let text = host.ledger_read(&path).await.map_err(|error| store_error(&error))?;
            Ok(text.as_string())
        })
    }

    fn ledger_append(&self, path: &str, text: &str) -> LocalBoxFuture<'static, Result<(), StoreError>> {
        let (host, path, text) = (self.0.clone(), path.to_owned(), text.to_owned());
        Box::pin(async move { stored(host.ledger_append(&path, &text).await) })
    }

    fn ledger_replace(&self, path: &str, text: &str) -> LocalBoxFuture<'static, Result<(), StoreError>> {
        let (host, path, text) = (self.0.clone(), path.to_owned(), text.to_owned());
        Box::pin(async move { stored(host.ledger_replace(&path, &text).await) })
    }

    fn ledger_move(&self, from: &str, to: &str) -> LocalBoxFuture<'static, Result<(), StoreError>> {
        let (host, from, to) = (self.0.clone(), from.to_owned(), to.to_owned());
        Box::pin(async move { stored(host.ledger_move(&from, &to).await) })
    }

    fn ledger_remove(&self, path: &str) -> LocalBoxFuture<'static, Result<(), StoreError>> {
        let (host, path) = (self.0.clone(), path.to_owned());
        Box::pin(async move { stored(host.ledger_remove(&path).await) })
    }

    fn variable(&self, name: &str) -> Option<String> {
        self.0.variable(name)
    }

    fn ask_secret(&self, prompt: &str) -> LocalBoxFuture<'static, Option<String>> {
        let (host, prompt) = (self.0.clone(), prompt.to_owned());
        Box::pin(async move { host.ask_secret(&prompt).await.ok()?.as_string() })
    }

    fn stdout(&self, text: &str) {
        self.0.stdout(text);
    }

    fn stderr(&self, text: &str) {
        self.0.stderr(text);
    }

    fn columns(&self) -> Option<usize> {
        self.0.columns().map(|columns| columns as usize)
    }

    fn on_interrupt(&self, callback: Box<dyn Fn()>) {
        let callback = Closure::<dyn Fn()>::new(callback);
        self.0.on_interrupt(callback.as_ref().unchecked_ref());
        // Signals come as long as the process lives.
        callback.forget();
    }
}

fn stored(done: Result<JsValue, JsValue>) -> Result<(), StoreError> {
    done.map(drop).map_err(|error| store_error(&error))
}

fn store_error(error: &JsValue) -> StoreError {
    let message = reason(error);
    match code(error).as_deref() {
        Some("ENOSPC" | "EDQUOT" | "EFBIG") => StoreError::Full { message },
        Some("ELOCKED") => StoreError::Busy { message },
        _ => StoreError::Failed { message },
    }
}

fn code(error: &JsValue) -> Option<String> {
    Reflect::get(error, &JsValue::from_str("code")).ok()?.as_string()
}

fn file_error(path: &str, error: &JsValue) -> FileError {
    let path = path.to_owned();
    match code(error).as_deref() {
        Some("ENOENT" | "ENOTDIR") => FileError::NotFound { path },
        Some("EOUTSIDE") => FileError::Outside { path },
        _ => FileError::Unreadable { path, message: reason(error) },
    }
}

/// Why a file operation failed, in words; Node.js' own message repeats the path and the system call.
fn reason(error: &JsValue) -> String {
    let property = |name: &str| Reflect::get(error, &JsValue::from_str(name)).ok()?.as_string();
    match property("code").as_deref() {
        Some("ENOENT") => "there is no such file or directory".to_owned(),
        Some("EACCES" | "EPERM") => "permission denied".to_owned(),
        Some("EISDIR") => "it is a directory".to_owned(),
        Some("ENOTDIR" | "EEXIST") => "a part of the path is a file".to_owned(),
        Some("ENOSPC") => "no space left on the device".to_owned(),
        Some("EROFS") => "the file system is read-only".to_owned(),
        _ => property("message").unwrap_or_else(|| "for a reason that the system does not tell".to_owned()),
    }
}
