//! The IO shell in Node.js, against real sockets. Needs Node.js ≥ 20.16 and wasm-bindgen's test runner:
//! `CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER=wasm-bindgen-test-runner cargo test -p tsink-migrate-host
//! --target wasm32-unknown-unknown`.
#![cfg(target_arch = "wasm32")]
// Clippy's allowances for tests know `#[test]` only.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::{Either, select};
use js_sys::{Function, Promise, Reflect};
use std::rc::Rc;
use tsink_migrate_engine::Side;
use tsink_migrate_engine::port::{
    Clock, Method, NetworkCause, Request, Response, Secret, Transport, TransportError, collect,
};
use tsink_migrate_host::{Environment, FetchTransport, HostClock, NodeTransport, Requester};
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;
use wasm_bindgen_test::wasm_bindgen_test;

/// A server, and what asks it.
struct Server {
    url: String,
    gone: String,
    transport: Rc<dyn Transport>,
}

/// A server for each transport.
async fn servers() -> [Server; 2] {
    let module = concat!("return import('", env!("CARGO_MANIFEST_DIR"), "/../edge/npm/bin/http.mjs')");
    let module: Promise = Function::new_no_args(module).call0(&js_sys::global()).unwrap().unchecked_into();
    let requester: Requester = JsFuture::from(module).await.unwrap().unchecked_into();
    let fetch = Server::start(Rc::new(FetchTransport::new())).await;
    [fetch, Server::start(Rc::new(NodeTransport::new(requester))).await]
}

impl Server {
    async fn start(transport: Rc<dyn Transport>) -> Self {
        let start = Function::new_no_args(include_str!("node/server.js"));
        let promise: Promise = start.call0(&js_sys::global()).unwrap().unchecked_into();
        let server = JsFuture::from(promise).await.unwrap();
        let text = |name: &str| Reflect::get(&server, &name.into()).unwrap().as_string().unwrap();
        Self { url: text("url"), gone: text("gone"), transport }
    }

    fn get(&self, path: &str) -> Request {
        request(Method::Get, &format!("{}{path}", self.url))
    }

    async fn text(&self, path: &str) -> String {
        text(&mut self.send(self.get(path)).await.unwrap()).await
    }

    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        self.transport.send(request).await
    }

    /// Failure and its cause.
    async fn failure(&self, request: Request) -> (TransportError, NetworkCause) {
        let url = request.url.clone();
        let failure = self.send(request).await.map(|answer| answer.status).unwrap_err();
        let cause = self.transport.diagnose(url, failure.clone()).await;
        (failure, cause)
    }

    /// Waits until the sender of a request to the path has closed it.
    async fn closed(&self, path: &str) {
        for _ in 0..200 {
            if self.text(&format!("/closed?of={path}")).await != "0" {
                return;
            }
            HostClock.sleep(10).await;
        }
        panic!("{path} was not aborted");
    }
}

fn request(method: Method, url: &str) -> Request {
    Request {
        side: Side::Source,
        method,
        url: url.to_owned(),
        headers: Vec::new(),
        body: Bytes::new(),
        timeout_ms: 10_000,
    }
}

async fn text(response: &mut Response) -> String {
    let body = collect(response.body.as_mut(), 0, 1 << 20).await.unwrap();
    String::from_utf8(body.to_vec()).unwrap()
}

#[wasm_bindgen_test]
async fn requests_go_out_and_answers_come_in_whole() {
    for server in servers().await {
        let mut request = server.get("/echo");
        request.method = Method::Post;
        request.body = Bytes::from_static(&[0, 1, 254, 255]);
        request.headers = vec![
            ("Authorization".to_owned(), Secret::new("Bearer abc")),
            ("Content-Encoding".to_owned(), Secret::new("snappy")),
            ("Accept-Encoding".to_owned(), Secret::new("snappy")),
        ];
        let mut answer = server.send(request).await.unwrap();
        assert_eq!((answer.status, answer.header("x-tsink-test")), (200, Some("seen")));
        let echo: serde_json::Value = serde_json::from_str(&text(&mut answer).await).unwrap();
        assert_eq!((&echo["method"], &echo["body"]), (&"POST".into(), &"0001feff".into()));
        assert_eq!(echo["headers"]["authorization"], "Bearer abc");
        assert_eq!(echo["headers"]["content-encoding"], "snappy");
        assert_eq!(echo["headers"]["content-length"], "4");
        // What fetch settles itself is left to it.
        assert_ne!(echo["headers"]["accept-encoding"], "snappy");

        assert_eq!(server.text("/empty").await, "");
        assert_eq!(server.text("/snappy").await, "raw");
        assert_eq!(server.text("/gzip").await, "plain");
        assert_eq!(server.send(server.get("/nowhere")).await.unwrap().status, 404);
    }
}

#[wasm_bindgen_test]
async fn bodies_stream() {
    for server in servers().await {
        let mut answer = server.send(server.get("/stream")).await.unwrap();
        assert_eq!(answer.body.chunk().await.unwrap().unwrap(), "one");
        // The server has not ended this answer, and will not before it is told to.
        assert!(answer.body.chunk().now_or_never().is_none());
        server.text("/release").await;
        assert_eq!(text(&mut answer).await, "two");
        assert_eq!(answer.body.chunk().await, Ok(None));
    }
}

#[wasm_bindgen_test]
async fn a_large_body_waits_for_its_reader_and_arrives_in_order() {
    for server in servers().await {
        let mut answer = server.send(server.get("/large")).await.unwrap();
        // Until nothing moves any more: what lies in buffers on the way is far from all.
        let mut sent = String::new();
        loop {
            HostClock.sleep(100).await;
            let now = server.text("/sent").await;
            if now == sent {
                break;
            }
            sent = now;
        }
        assert!(sent.parse::<u32>().unwrap() < 512, "{sent} pieces of 1024 were taken without a reader");
        let (mut at, mut chunks) = (0usize, 0);
        while let Some(chunk) = answer.body.chunk().await.unwrap() {
            chunks += 1;
            for byte in chunk {
                assert_eq!(usize::from(byte), at / 65_536 % 251, "at {at}");
                at += 1;
            }
        }
        assert_eq!(at, 64 << 20);
        assert!(chunks > 64, "{chunks} pieces: a body is never held whole");
    }
}

#[wasm_bindgen_test]
async fn the_timeout_covers_head_and_body() {
    for server in servers().await {
        let soon = |path| Request { timeout_ms: 150, ..server.get(path) };
        let (error, cause) = server.failure(soon("/silent")).await;
        assert_eq!((error, cause), (TransportError::Timeout { after_ms: 150 }, NetworkCause::Timeout));

        let mut answer = server.send(soon("/half")).await.unwrap();
        assert_eq!(answer.body.chunk().await.unwrap().unwrap(), "half");
        assert_eq!(answer.body.chunk().await, Err(TransportError::Timeout { after_ms: 150 }));
        server.closed("/half").await;
    }
}

#[wasm_bindgen_test]
async fn dropping_aborts() {
    for server in servers().await {
        let pending = server.transport.send(server.get("/silent"));
        match select(pending, HostClock.sleep(100)).await {
            Either::Left(_) => panic!("nobody answers there"),
            Either::Right((_, pending)) => drop(pending),
        }
        server.closed("/silent").await;

        let mut answer = server.send(server.get("/half")).await.unwrap();
        assert_eq!(answer.body.chunk().await.unwrap().unwrap(), "half");
        drop(answer);
        server.closed("/half").await;
    }
}

#[wasm_bindgen_test]
async fn failures_have_causes() {
    for server in servers().await {
        let (error, cause) = server.failure(request(Method::Get, &format!("{}/x", server.gone))).await;
        let TransportError::Network { message, code } = error else { panic!("{error:?}") };
        assert_eq!((code.as_deref(), cause), (Some("ECONNREFUSED"), NetworkCause::Refused));
        assert!(message.contains("ECONNREFUSED"), "{message}");

        let (_, cause) = server.failure(request(Method::Get, "http://no-such-host.invalid/")).await;
        assert_eq!(cause, NetworkCause::NameNotFound);
        let (_, cause) = server.failure(server.get("/reset")).await;
        assert_eq!(cause, NetworkCause::Reset);
        let (_, cause) = server.failure(request(Method::Get, &server.url.replace("http:", "https:"))).await;
        assert_eq!(cause, NetworkCause::Tls);

        let mut answer = server.send(server.get("/broken")).await.unwrap();
        let broken = collect(answer.body.as_mut(), 0, 1 << 20).await.unwrap_err();
        assert!(matches!(broken, TransportError::Broken { .. }), "{broken:?}");
    }
}

#[wasm_bindgen_test]
async fn what_is_cut_off_inside_its_compression_is_broken() {
    // The `fetch` of Node.js takes that for the end; what reads the body then has to find out.
    let [_, server] = servers().await;
    let mut answer = server.send(server.get("/torn")).await.unwrap();
    let broken = collect(answer.body.as_mut(), 0, 1 << 20).await.unwrap_err();
    assert!(matches!(broken, TransportError::Broken { .. }), "{broken:?}");
}

#[wasm_bindgen_test]
async fn a_get_follows_redirects_and_a_post_does_not() {
    for server in servers().await {
        assert!(server.text("/moved").await.contains("\"GET\""));
        let (error, _) = server.failure(Request { method: Method::Post, ..server.get("/moved") }).await;
        let TransportError::Invalid { message } = error else { panic!("{error:?}") };
        assert!(message.contains("to /echo,"), "{message}");
    }
}

#[wasm_bindgen_test]
async fn what_cannot_be_sent_is_refused_without_its_value() {
    for server in servers().await {
        let mut request = server.get("/echo");
        request.headers = vec![("Authorization".to_owned(), Secret::new("hunter2\n"))];
        request.headers.push(("X-Other".to_owned(), Secret::new("hunter2\u{20ac}")));
        let (error, _) = server.failure(request).await;
        let TransportError::Invalid { message } = error else { panic!("{error:?}") };
        assert!(message.contains("X-Other") && !message.contains("hunter2"), "{message}");
    }
}

#[wasm_bindgen_test]
async fn a_page_tells_missing_cors_from_a_server_that_is_not_there() {
    let server = Server::start(Rc::new(FetchTransport::new())).await;
    let hidden = TransportError::Network { message: "Failed to fetch".to_owned(), code: None };
    let page = |origin: &str| FetchTransport::within(Environment::Page { origin: origin.to_owned() });
    let http = page("http://ops.example.org");
    let cause = |transport: &FetchTransport, url: &str| transport.diagnose(url.to_owned(), hidden.clone());
    assert_eq!(cause(&http, &format!("{}/echo", server.url)).await, NetworkCause::NoCors);
    assert_eq!(cause(&http, &format!("{}/echo", server.gone)).await, NetworkCause::Unreachable);
    assert_eq!(cause(&page(&server.url), &format!("{}/echo", server.url)).await, NetworkCause::Reset);
    let https = page("https://ops.example.org");
    assert_eq!(cause(&https, "http://prometheus.invalid:9090/").await, NetworkCause::MixedContent);
    assert_eq!(cause(&https, &format!("{}/echo", server.url)).await, NetworkCause::NoCors);
}

#[wasm_bindgen_test]
async fn time_passes() {
    assert_eq!(Environment::detect(), Environment::Server);
    let (wall, steady) = (HostClock.now_ms(), HostClock.monotonic_ms());
    HostClock.sleep(30).await;
    // Timers may fire a fraction of a ms early by another clock.
    assert!(HostClock.monotonic_ms() - steady >= 29.0);
    assert!(HostClock.now_ms() - wall >= 28);
    assert!(wall > 1_700_000_000_000);
}
