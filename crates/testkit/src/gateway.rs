//! One origin for a page and its servers: static files, files from memory, and reverse-proxied prefixes.

use anyhow::{Context, Result, anyhow};
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

/// What a gateway serves. A request goes to the first of: files from memory, proxied prefixes, the folder.
#[derive(Clone, Debug, Default)]
pub struct GatewayConfig {
    /// Port; a free one when `None`.
    pub port: Option<u16>,
    /// Folder with static files; `index.html` stands for a folder.
    pub root: Option<PathBuf>,
    /// Files from memory: path (`/plan.json`), content type, content.
    pub files: Vec<(String, String, Vec<u8>)>,
    /// Prefix (`/prometheus/`) and upstream (`http://127.0.0.1:9090/`): what follows the prefix is appended
    /// to the upstream.
    pub routes: Vec<(String, String)>,
}

/// A running gateway. Dropping it ends it.
#[derive(Debug)]
pub struct Gateway {
    port: u16,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Gateway {
    /// Starts a gateway on 127.0.0.1, in a thread of its own.
    ///
    /// # Errors
    /// When the port cannot be bound.
    pub fn start(config: GatewayConfig) -> Result<Self> {
        let (bound, is_bound) = std::sync::mpsc::channel();
        let (stop, stopped) = oneshot::channel();
        let thread = thread::Builder::new().name("gateway".into()).spawn(move || {
            let runtime =
                match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
                    Ok(runtime) => runtime,
                    Err(error) => {
                        let _ = bound.send(Err(anyhow!(error)));
                        return;
                    }
                };
            runtime.block_on(async move {
                let listener = TcpListener::bind(("127.0.0.1", config.port.unwrap_or(0))).await;
                let listener = match listener.and_then(|l| Ok((l.local_addr()?.port(), l))) {
                    Ok((port, listener)) => {
                        let _ = bound.send(Ok(port));
                        listener
                    }
                    Err(error) => {
                        let _ = bound.send(Err(anyhow!(error)));
                        return;
                    }
                };
                tokio::select! {
                    _ = axum::serve(listener, router(config)).into_future() => {}
                    _ = stopped => {}
                }
            });
            // Connections that are still open must not hold the thread.
            runtime.shutdown_background();
        })?;
        let port = is_bound
            .recv()
            .context("the gateway's thread ended")?
            .context("cannot bind the gateway's port")?;
        Ok(Self { port, stop: Some(stop), thread: Some(thread) })
    }

    /// `http://127.0.0.1:PORT`, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Port.
    pub fn port(&self) -> u16 {
        self.port
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct Shared {
    config: GatewayConfig,
    client: reqwest::Client,
}

fn router(config: GatewayConfig) -> Router {
    let shared = Arc::new(Shared { config, client: reqwest::Client::new() });
    Router::new().fallback(serve).with_state(shared)
}

async fn serve(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let path = request.uri().path().to_owned();
    if let Some((_, kind, content)) = shared.config.files.iter().find(|(own, _, _)| *own == path) {
        return file_answer(kind, content.clone());
    }
    for (prefix, upstream) in &shared.config.routes {
        if let Some(rest) = path.strip_prefix(prefix.as_str()) {
            let query = request.uri().query().map(|query| format!("?{query}")).unwrap_or_default();
            let url = format!("{upstream}{rest}{query}");
            return proxy(&shared.client, url, request).await;
        }
    }
    match &shared.config.root {
        Some(root) => static_file(root, &path).await,
        None => (StatusCode::NOT_FOUND, "not found").into_response(),
    }
}

/// Passes a request on, both bodies streamed.
async fn proxy(client: &reqwest::Client, url: String, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let mut outgoing = client.request(head.method, &url).headers(end_to_end(&head.headers));
    // A GET without a body must stay without one: a chunked empty body confuses some servers.
    let has_body = head.headers.contains_key(header::CONTENT_LENGTH)
        || head.headers.contains_key(header::TRANSFER_ENCODING);
    if has_body {
        outgoing = outgoing.body(reqwest::Body::wrap_stream(body.into_data_stream()));
    }
    match outgoing.send().await {
        Ok(answer) => {
            let status = answer.status();
            let headers = end_to_end(answer.headers());
            let mut response = Response::new(Body::from_stream(answer.bytes_stream()));
            *response.status_mut() = status;
            *response.headers_mut() = headers;
            response
        }
        Err(error) => (StatusCode::BAD_GATEWAY, format!("the gateway cannot reach its upstream: {error}"))
            .into_response(),
    }
}

/// Headers without those of one connection (RFC 9110 §7.6.1) and without `Host`.
fn end_to_end(headers: &HeaderMap) -> HeaderMap {
    const HOP: [HeaderName; 7] = [
        header::CONNECTION,
        header::HOST,
        header::PROXY_AUTHENTICATE,
        header::PROXY_AUTHORIZATION,
        header::TE,
        header::TRANSFER_ENCODING,
        header::UPGRADE,
    ];
    headers
        .iter()
        .filter(|(name, _)| !HOP.contains(name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

async fn static_file(root: &Path, path: &str) -> Response {
    let mut file = root.to_owned();
    for part in Path::new(path.trim_start_matches('/')).components() {
        match part {
            Component::Normal(name) => file.push(name),
            Component::CurDir => {}
            _ => return (StatusCode::NOT_FOUND, "not found").into_response(),
        }
    }
    if path.ends_with('/') || file == *root {
        file.push("index.html");
    }
    match tokio::fs::read(&file).await {
        Ok(content) => file_answer(content_type(&file), content),
        Err(_) => (StatusCode::NOT_FOUND, "not found").into_response(),
    }
}

fn file_answer(kind: &str, content: Vec<u8>) -> Response {
    let kind = HeaderValue::from_str(kind).unwrap_or(HeaderValue::from_static("application/octet-stream"));
    // Names carry hashes or change with every build; a test must never see yesterday's page.
    let headers =
        [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    (headers, content).into_response()
}

fn content_type(file: &Path) -> &'static str {
    match file.extension().and_then(|ext| ext.to_str()).unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "wasm" => "application/wasm",
        "json" | "webmanifest" => "application/json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "txt" | "md" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}
