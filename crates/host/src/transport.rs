//! HTTP over the global `fetch`, which pages, workers and Node.js ≥ 18 share.
//!
//! - Bodies stream: a piece is read from the network when the engine asks for it.
//! - Dropping the future or the body aborts the request.
//! - The timeout runs until the last byte of the body, as [`Request::timeout_ms`] says.
//! - `credentials: same-origin`: behind a gateway that serves page and servers on one origin and knows its
//!   users by cookie, the cookie goes along; it never goes to another origin.
//! - `cache: no-store` and `referrerPolicy: no-referrer`: answers are data, and no server learns the page's
//!   address from us.
//! - Redirects of a GET are followed. Those of a POST are not: `fetch` repeats a POST as a GET after 301, 302
//!   and 303, so a write would look acknowledged although nothing was written.

mod address;
mod body;
mod diagnose;
mod exchange;
mod failure;
mod headers;
mod node;

pub use node::{NodeTransport, Requester};

use crate::environment::Environment;
use address::Checked;
use body::StreamBody;
use exchange::Exchange;
use futures_util::future::LocalBoxFuture;
use js_sys::{Array, Promise, Uint8Array};
use tsink_migrate_engine::port::{Method, NetworkCause, Request, Response, Transport, TransportError};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{ReferrerPolicy, RequestCache, RequestCredentials, RequestInit, RequestRedirect, ResponseType};

#[wasm_bindgen]
extern "C" {
    /// The global function: `web-sys` binds it to `Window` and `WorkerGlobalScope`, and Node.js has neither.
    #[wasm_bindgen(catch, js_name = fetch)]
    fn fetch(url: &str, init: &RequestInit) -> Result<Promise, JsValue>;
}

/// [`Transport`] over `fetch`.
#[derive(Clone, Debug)]
pub struct FetchTransport {
    environment: Environment,
    checked: Checked,
}

impl FetchTransport {
    /// A transport for wherever this code runs.
    pub fn new() -> Self {
        Self::within(Environment::detect())
    }

    /// A transport by the rules of an environment.
    pub fn within(environment: Environment) -> Self {
        Self { environment, checked: Checked::default() }
    }
}

impl Default for FetchTransport {
    fn default() -> Self {
        Self::new()
    }
}

impl Transport for FetchTransport {
    fn send(&self, request: Request) -> LocalBoxFuture<'static, Result<Response, TransportError>> {
        let checked = self.checked.check(&request.url);
        let environment = self.environment.clone();
        Box::pin(async move {
            checked?;
            send(environment, request).await
        })
    }

    fn diagnose(&self, url: String, failure: TransportError) -> LocalBoxFuture<'static, NetworkCause> {
        Box::pin(diagnose::diagnose(self.environment.clone(), url, failure))
    }
}

async fn send(environment: Environment, request: Request) -> Result<Response, TransportError> {
    let init = init(&environment, &request)?;
    let exchange = Exchange::begin(request.timeout_ms)?;
    init.set_signal(Some(&exchange.signal()));
    let pending = fetch(&request.url, &init).map_err(|error| failure::before_head(&error))?;
    // The body was copied into JavaScript's memory; ours need not wait for the answer.
    let method = request.method;
    drop(request);
    let answer = JsFuture::from(pending).await.map_err(|error| match exchange.timed_out() {
        Some(timeout) => timeout,
        None => failure::before_head(&error),
    })?;
    let answer: web_sys::Response = answer
        .dyn_into()
        .map_err(|_| TransportError::Invalid { message: "fetch did not give a response".to_owned() })?;
    if method == Method::Post && is_redirect(&answer) {
        return Err(failure::redirected(answer.headers().get("location").ok().flatten().as_deref()));
    }
    Ok(Response {
        status: answer.status(),
        headers: read_headers(&answer),
        body: Box::new(StreamBody::new(answer.body(), exchange)),
    })
}

/// Whether a status sends on to another address.
fn redirects(status: u16) -> bool {
    matches!(status, 301 | 302 | 303 | 307 | 308)
}

/// Whether a POST with `redirect: manual` was redirected. Browsers hide such an answer behind status 0.
fn is_redirect(answer: &web_sys::Response) -> bool {
    answer.type_() == ResponseType::Opaqueredirect || redirects(answer.status())
}

fn init(environment: &Environment, request: &Request) -> Result<RequestInit, TransportError> {
    let init = RequestInit::new();
    init.set_method(request.method.as_str());
    init.set_headers_headers(&headers::build(environment, &request.headers)?);
    if request.method == Method::Post {
        // A copy, because wasm memory moves when it grows while the request is under way.
        init.set_body_opt_u8_array(Some(&Uint8Array::from(request.body.as_ref())));
    }
    init.set_cache(RequestCache::NoStore);
    init.set_credentials(RequestCredentials::SameOrigin);
    init.set_referrer_policy(ReferrerPolicy::NoReferrer);
    init.set_redirect(match request.method {
        Method::Get => RequestRedirect::Follow,
        Method::Post => RequestRedirect::Manual,
    });
    Ok(init)
}

/// The headers that the host lets us see. `Headers` gives names in lower case.
fn read_headers(answer: &web_sys::Response) -> Vec<(String, String)> {
    answer
        .headers()
        .entries()
        .into_iter()
        .filter_map(|entry| {
            let pair: Array = entry.ok()?.dyn_into().ok()?;
            Some((pair.get(0).as_string()?, pair.get(1).as_string()?))
        })
        .collect()
}
