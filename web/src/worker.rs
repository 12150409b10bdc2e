//! The engine's worker and the messages to and from it.

use js_sys::Uint8Array;
use leptos::wasm_bindgen::prelude::*;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use tsink_migrate_host::protocol::{FromEngine, ToEngine, from_js, to_js};
use web_sys::{MessageEvent, Worker, WorkerOptions, WorkerType};

/// The worker's script; see there.
const SCRIPT: &str = "./engine.js";

#[wasm_bindgen]
extern "C" {
    /// Address of the page's own script, which is the engine's too.
    #[wasm_bindgen(thread_local_v2, js_namespace = ["import", "meta"], js_name = url)]
    static OWN_SCRIPT: String;
}

/// What reaches the page from its engine.
pub enum Incoming {
    /// A message.
    Message(FromEngine),
    /// The worker could not be started, or broke; why.
    Broken(String),
}

/// A running worker. Messages sent before it is up wait for it.
pub struct Engine {
    worker: Worker,
    is_up: Rc<Cell<bool>>,
    waiting: Rc<RefCell<Vec<Uint8Array>>>,
    _on_message: Closure<dyn FnMut(MessageEvent)>,
    _on_error: Closure<dyn FnMut(web_sys::Event)>,
}

impl Engine {
    /// Starts the worker. `on` gets everything that comes from it.
    pub fn start(on: impl Fn(Incoming) + 'static) -> Result<Self, String> {
        let options = WorkerOptions::new();
        options.set_type(WorkerType::Module);
        let worker = Worker::new_with_options(SCRIPT, &options)
            .map_err(|_| "this browser does not start web workers".to_owned())?;
        let script = OWN_SCRIPT.with(|url| JsValue::from(url));
        let own = js_sys::Object::new();
        for (name, value) in [("script", script), ("module", wasm_bindgen::module())] {
            js_sys::Reflect::set(&own, &name.into(), &value).map_err(|_| "an object refuses a field")?;
        }
        worker
            .post_message(&own)
            .map_err(|_| "this browser does not hand a module to a worker".to_owned())?;
        let (is_up, waiting) = (Rc::new(Cell::new(false)), Rc::new(RefCell::new(Vec::<Uint8Array>::new())));
        let on = Rc::new(on);

        let on_message = {
            let (worker, is_up, waiting, on) = (worker.clone(), is_up.clone(), waiting.clone(), on.clone());
            Closure::new(move |event: MessageEvent| match from_js(&event.data()) {
                Ok(message) => {
                    if matches!(message, FromEngine::Ready { .. }) {
                        is_up.set(true);
                        for queued in waiting.take() {
                            let _ = worker.post_message(&queued);
                        }
                    }
                    on(Incoming::Message(message));
                }
                Err(error) => on(Incoming::Broken(format!(
                    "the page does not understand its engine ({error}); reload the page"
                ))),
            })
        };
        let on_error = Closure::new(move |event: web_sys::Event| {
            let message = event.dyn_ref::<web_sys::ErrorEvent>().map(web_sys::ErrorEvent::message);
            on(Incoming::Broken(
                message
                    .filter(|text| !text.is_empty())
                    .unwrap_or_else(|| "its script could not be loaded".to_owned()),
            ));
        });
        worker.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        worker.set_onerror(Some(on_error.as_ref().unchecked_ref()));
        Ok(Self { worker, is_up, waiting, _on_message: on_message, _on_error: on_error })
    }

    /// Whether the worker is up.
    pub fn is_up(&self) -> bool {
        self.is_up.get()
    }

    /// Sends a message; at once, or when the worker is up.
    pub fn send(&self, message: &ToEngine) -> Result<(), String> {
        let value = to_js(message).map_err(|error| error.to_string())?;
        if !self.is_up.get() {
            self.waiting.borrow_mut().push(value);
            return Ok(());
        }
        self.worker.post_message(&value).map_err(|_| "the message could not be sent".to_owned())
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.worker.set_onmessage(None);
        self.worker.set_onerror(None);
        self.worker.terminate();
    }
}
