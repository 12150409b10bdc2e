//! HTTP over Node.js' own `http` module, which the command lends (`crates/edge/npm/bin/http.mjs`).
//!
//! It keeps the rules of [`super::FetchTransport`]; the same tests hold for both. It is there because it takes less CPU:
//! Node.js' `fetch` reads answers with a parser in WebAssembly, which V8 optimises anew in every process, and hands
//! them on as web streams.

use super::address::Checked;
use super::{diagnose, failure, headers, redirects};
use crate::environment::{Environment, path};
use bytes::Bytes;
use futures_util::future::LocalBoxFuture;
use js_sys::{Array, Promise, Uint8Array};
use std::collections::VecDeque;
use tsink_migrate_engine::port::{Body, Method, NetworkCause, Request, Response, Transport, TransportError};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

#[wasm_bindgen]
extern "C" {
    /// What has a method `request`: the module `http.mjs`, or an object that lends it.
    #[derive(Clone, Debug)]
    pub type Requester;

    /// Headers are name, value, name, …
    #[wasm_bindgen(method, catch)]
    fn request(
        this: &Requester,
        method: &str,
        url: &str,
        headers: Vec<String>,
        body: Option<Uint8Array>,
        timeout_ms: f64,
    ) -> Result<JsExchange, JsValue>;

    type JsExchange;

    #[wasm_bindgen(method, getter)]
    fn head(this: &JsExchange) -> Promise;
    #[wasm_bindgen(method, getter, js_name = timedOut)]
    fn timed_out(this: &JsExchange) -> bool;
    #[wasm_bindgen(method, catch)]
    fn take(this: &JsExchange) -> Result<Option<Array>, JsValue>;
    #[wasm_bindgen(method)]
    fn wait(this: &JsExchange) -> Promise;
    #[wasm_bindgen(method)]
    fn abort(this: &JsExchange);
}

/// [`Transport`] over a [`Requester`].
#[derive(Clone, Debug)]
pub struct NodeTransport {
    requester: Requester,
    checked: Checked,
}

impl NodeTransport {
    /// A transport over what the host lends.
    pub fn new(requester: Requester) -> Self {
        Self { requester, checked: Checked::default() }
    }
}

impl Transport for NodeTransport {
    fn send(&self, request: Request) -> LocalBoxFuture<'static, Result<Response, TransportError>> {
        let checked = self.checked.check(&request.url);
        let requester = self.requester.clone();
        Box::pin(async move {
            checked?;
            send(requester, request).await
        })
    }

    fn diagnose(&self, url: String, failure: TransportError) -> LocalBoxFuture<'static, NetworkCause> {
        Box::pin(diagnose::diagnose(Environment::Server, url, failure))
    }
}

async fn send(requester: Requester, request: Request) -> Result<Response, TransportError> {
    let exchange = begin(&requester, &request)?;
    // The body was copied into JavaScript's memory; ours need not wait for the answer.
    let method = request.method;
    drop(request);
    let head = JsFuture::from(exchange.js.head())
        .await
        .map_err(|error| exchange.failed(&error, failure::before_head))?;
    let status = path(&head, &["status"]).and_then(|status| status.as_f64()).unwrap_or_default() as u16;
    let headers =
        path(&head, &["headers"]).map(|headers| pairs(&headers.unchecked_into())).unwrap_or_default();
    if method == Method::Post && redirects(status) {
        let location = headers.iter().find(|(name, _)| name == "location");
        return Err(failure::redirected(location.map(|(_, to)| to.as_str())));
    }
    let body = Box::new(ExchangeBody { exchange, pieces: VecDeque::new(), done: false });
    Ok(Response { status, headers, body })
}

fn begin(requester: &Requester, request: &Request) -> Result<Exchange, TransportError> {
    let allowed = headers::allowed(&Environment::Server, &request.headers)?;
    let flat = allowed.iter().flat_map(|(name, value)| [(*name).to_owned(), (*value).to_owned()]).collect();
    // A copy, because wasm memory moves when it grows while the request is under way.
    let body = (request.method == Method::Post).then(|| Uint8Array::from(request.body.as_ref()));
    let exchange =
        requester.request(request.method.as_str(), &request.url, flat, body, request.timeout_ms as f64);
    match exchange {
        Ok(js) => Ok(Exchange { js, after_ms: request.timeout_ms }),
        Err(error) => Err(match path(&error, &["header"]).and_then(|name| name.as_string()) {
            Some(name) => headers::not_a_header(&name),
            None => failure::before_head(&error),
        }),
    }
}

/// From name, value, name, …, with names in lower case.
fn pairs(raw: &Array) -> Vec<(String, String)> {
    let text = |at: u32| raw.get(at).as_string();
    (0..raw.length() / 2)
        .filter_map(|at| Some((text(2 * at)?.to_ascii_lowercase(), text(2 * at + 1)?)))
        .collect()
}

/// Dropping it aborts what is not at its end.
struct Exchange {
    js: JsExchange,
    after_ms: u64,
}

impl Exchange {
    fn failed(&self, error: &JsValue, otherwise: fn(&JsValue) -> TransportError) -> TransportError {
        if self.js.timed_out() {
            return TransportError::Timeout { after_ms: self.after_ms };
        }
        otherwise(error)
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.js.abort();
    }
}

struct ExchangeBody {
    exchange: Exchange,
    pieces: VecDeque<Bytes>,
    /// The end or an error was told.
    done: bool,
}

impl ExchangeBody {
    /// Takes what is there; whether there was anything, or the end.
    fn take(&mut self) -> Result<bool, TransportError> {
        match self.exchange.js.take() {
            Ok(None) => self.done = true,
            Ok(Some(pieces)) => {
                let pieces =
                    pieces.iter().map(|piece| Bytes::from(piece.unchecked_into::<Uint8Array>().to_vec()));
                // An empty piece means nothing to the reader of a body, and is not an end.
                self.pieces.extend(pieces.filter(|piece| !piece.is_empty()));
            }
            Err(error) => {
                self.done = true;
                return Err(self.exchange.failed(&error, failure::in_body));
            }
        }
        Ok(self.done || !self.pieces.is_empty())
    }
}

impl Body for ExchangeBody {
    fn chunk(&mut self) -> LocalBoxFuture<'_, Result<Option<Bytes>, TransportError>> {
        Box::pin(async move {
            // Waiting may be given up and begun anew: nothing is taken before it is handed out.
            while self.pieces.is_empty() && !self.done && !self.take()? {
                let _ = JsFuture::from(self.exchange.js.wait()).await;
            }
            Ok(self.pieces.pop_front())
        })
    }
}
