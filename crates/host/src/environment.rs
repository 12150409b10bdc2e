//! Where this code runs: the same wasm serves pages, workers and Node.js.

use js_sys::Reflect;
use wasm_bindgen::JsValue;

/// Where this code runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Environment {
    /// A browser's page or worker. CORS, mixed content and forbidden headers apply.
    Page {
        /// The page's origin, e.g. `https://ops.example.org`; `null` for pages from files.
        origin: String,
    },
    /// Node.js, or a runtime that is close enough: no CORS, and errors carry system codes.
    Server,
}

impl Environment {
    /// Finds out. Node.js is asked for first: it grows browser globals with every version.
    pub fn detect() -> Self {
        let global = js_sys::global();
        if path(&global, &["process", "versions", "node"]).is_some_and(|version| version.is_string()) {
            return Self::Server;
        }
        // `origin`, not `location`: a worker that was started from a blob has a `blob:` location.
        match path(&global, &["origin"]).and_then(|origin| origin.as_string()) {
            Some(origin) => Self::Page { origin },
            None => Self::Server,
        }
    }
}

/// Follows properties from a value; none where one is missing.
pub(crate) fn path(from: &JsValue, names: &[&str]) -> Option<JsValue> {
    names.iter().try_fold(from.clone(), |value, name| {
        let next = Reflect::get(&value, &JsValue::from_str(name)).ok()?;
        (!next.is_undefined() && !next.is_null()).then_some(next)
    })
}
