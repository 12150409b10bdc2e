//! The engine's worker and the messages to and from it.

use crate::browser;
use leptos::wasm_bindgen::prelude::*;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use tsink_migrate_engine::{Error, ErrorKind};
use tsink_migrate_host::protocol::{FromEngine, ToEngine, from_js, to_js};
use web_sys::{Blob, MessageEvent, Worker, WorkerOptions, WorkerType};

/// The worker's script; see there.
const SCRIPT: &str = "./engine-worker.js";
/// What page and engine were made from (`build.rs`).
const BUILD: &str = env!("BUILD_STAMP");

#[wasm_bindgen]
extern "C" {
    /// Address of the page's own script.
    #[wasm_bindgen(thread_local_v2, js_namespace = ["import", "meta"], js_name = url)]
    static OWN_SCRIPT: String;
}

/// What reaches the page from its engine.
pub enum Incoming {
    /// A message, and the files that came with it.
    Message(FromEngine, Vec<Blob>),
    /// The worker could not be started; why. It is of no use any more.
    NotStarted(Error),
    /// The worker broke while it worked; why. It is of no use any more.
    Broken(Error),
}

/// A worker, running or on its way. Messages sent before it is up wait for it.
pub struct Engine {
    worker: Worker,
    is_up: Rc<Cell<bool>>,
    waiting: Rc<RefCell<Vec<JsValue>>>,
    _on_message: Closure<dyn FnMut(MessageEvent)>,
    _on_error: Closure<dyn FnMut(web_sys::Event)>,
}

impl Engine {
    /// Starts the worker; with `afresh`, from no cache. `on` gets everything that comes from it.
    pub fn start(afresh: bool, on: impl Fn(Incoming) + 'static) -> Result<Self, Error> {
        let options = WorkerOptions::new();
        options.set_type(WorkerType::Module);
        let mut script = OWN_SCRIPT.with(|own| format!("{SCRIPT}?{}", build_of(own)));
        if afresh {
            script += &format!("-{}", browser::now_ms());
        }
        let worker = Worker::new_with_options(&script, &options).map_err(|_| {
            Error::new(ErrorKind::Input, "this browser does not start web workers here").remedy(
                "Open the page by http: or https:, in a present version of Chromium, Firefox or Safari.",
            )
        })?;
        let (is_up, waiting) = (Rc::new(Cell::new(false)), Rc::new(RefCell::new(Vec::<JsValue>::new())));
        let on = Rc::new(on);

        let on_message = {
            let (worker, is_up, waiting, on) = (worker.clone(), is_up.clone(), waiting.clone(), on.clone());
            Closure::new(move |event: MessageEvent| {
                // A message that brings files is the first of an array.
                let all = event.data().dyn_into::<js_sys::Array>().ok();
                let first = all.as_ref().map_or_else(|| event.data(), |all| all.get(0));
                let files = || {
                    all.iter()
                        .flat_map(|all| all.iter().skip(1))
                        .filter_map(|file| file.dyn_into().ok())
                        .collect()
                };
                on(match from_js(&first) {
                    Ok(FromEngine::Ready { build }) if build != BUILD => Incoming::NotStarted(other_build()),
                    Ok(message) => {
                        if matches!(message, FromEngine::Ready { .. }) {
                            is_up.set(true);
                            for queued in waiting.take() {
                                let _ = worker.post_message(&queued);
                            }
                        }
                        Incoming::Message(message, files())
                    }
                    Err(_) => match event.data().as_string() {
                        Some(why) => Incoming::NotStarted(not_loaded(&why)),
                        None if is_up.get() => Incoming::Broken(other_build()),
                        None => Incoming::NotStarted(other_build()),
                    },
                });
            })
        };
        let on_error = {
            let is_up = is_up.clone();
            Closure::new(move |event: web_sys::Event| {
                let message = event.dyn_ref::<web_sys::ErrorEvent>().map(web_sys::ErrorEvent::message);
                let message = message.filter(|text| !text.is_empty());
                on(if is_up.get() {
                    Incoming::Broken(broke(message.as_deref().unwrap_or("the browser does not say why")))
                } else {
                    Incoming::NotStarted(not_loaded(message.as_deref().unwrap_or("its script does not come")))
                });
            })
        };
        worker.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        worker.set_onerror(Some(on_error.as_ref().unchecked_ref()));
        Ok(Self { worker, is_up, waiting, _on_message: on_message, _on_error: on_error })
    }

    /// Sends a message; at once, or when the worker is up.
    pub fn send(&self, message: &ToEngine) -> Result<(), Error> {
        self.post(to_js(message).map_err(|error| broke(&error.to_string()))?.into())
    }

    /// Sends a message that brings files; see there which ones do.
    pub fn send_with(&self, message: &ToEngine, files: &[Blob]) -> Result<(), Error> {
        let first = to_js(message).map_err(|error| broke(&error.to_string()))?;
        let all = js_sys::Array::of1(&first);
        for file in files {
            all.push(file);
        }
        self.post(all.into())
    }

    fn post(&self, value: JsValue) -> Result<(), Error> {
        if !self.is_up.get() {
            self.waiting.borrow_mut().push(value);
            return Ok(());
        }
        self.worker.post_message(&value).map_err(|_| broke("the message could not be sent"))
    }

    /// Nothing comes from it any more.
    pub fn mute(&self) {
        self.worker.set_onmessage(None);
        self.worker.set_onerror(None);
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.mute();
        self.worker.terminate();
    }
}

/// The name that a script's address has of its build: `page-4f0c` of `https://h/x/page-4f0c.js`.
fn build_of(script: &str) -> &str {
    let path = script.split(['?', '#']).next().unwrap_or(script);
    let name = path.rsplit('/').next().unwrap_or(path);
    name.strip_suffix(".js").unwrap_or(name)
}

fn not_loaded(why: &str) -> Error {
    Error::new(ErrorKind::Input, format!("the engine could not be loaded: {why}")).remedy(
        "It lies beside this page. See whether the page's server can be reached, and whether it has \
         engine-worker.js, engine.js and engine_bg.wasm of this version; then try again.",
    )
}

fn broke(why: &str) -> Error {
    Error::new(ErrorKind::Internal, format!("the engine broke off: {why}")).remedy(
        "What the target acknowledged is there. Start again; if it happens again, report it with this message.",
    )
}

fn other_build() -> Error {
    Error::new(ErrorKind::Input, "page and engine are of different builds")
        .remedy("The page's server has another version by now. Copy a plan that you wrote here; then reload the page.")
}

#[cfg(test)]
mod tests {
    use super::build_of;

    #[test]
    fn the_build_is_named_by_the_script() {
        assert_eq!(build_of("https://h.example/a/b/page-4f0c.js"), "page-4f0c");
        assert_eq!(build_of("http://h/page-4f0c.js?x=/y.js#z"), "page-4f0c");
        assert_eq!(build_of(""), "");
    }
}
