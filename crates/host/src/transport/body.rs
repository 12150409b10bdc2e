//! Response bodies in pieces.
//!
//! A task of its own takes the pieces from the browser's stream, some 64 kB each, and wakes who waits for them when a
//! few are there. Each wake goes through all of a run, from its outermost function to the innermost. With one for every
//! piece V8 came to optimise functions that are only passed through: 0.3 s of the 0.8 s that it spent on optimising in a
//! verification of 5.76 M samples (by `--trace-wasm-compilation-times`).

use super::exchange::Exchange;
use super::failure;
use crate::environment::path;
use bytes::Bytes;
use futures_util::future::LocalBoxFuture;
use gloo_timers::callback::Timeout;
use js_sys::Uint8Array;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};
use tsink_migrate_engine::port::{Body, TransportError};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{ReadableStream, ReadableStreamDefaultReader};

/// Bytes for which a reader is woken.
const GATHERED: usize = 256 * 1024;
/// How long a piece waits for others at most, in ms.
const LONGEST_MS: u32 = 10;
/// Bytes from which on nothing is taken from the stream until the reader has taken what is there.
const MOST: usize = 2 * GATHERED;

/// A body behind a stream reader. Dropping it before its end aborts the request.
pub(super) struct StreamBody(Rc<RefCell<Gathering>>);

/// What has arrived and was not taken yet.
struct Gathering {
    pieces: VecDeque<Bytes>,
    bytes: usize,
    /// How the stream ended; told after the pieces.
    end: Option<Result<(), TransportError>>,
    /// Wakes the reader when what is there has waited long enough.
    timer: Option<Timeout>,
    reader: Option<Waker>,
    taker: Option<Waker>,
    /// None when the body was dropped.
    exchange: Option<Exchange>,
}

impl Gathering {
    fn wake(&mut self) {
        self.timer = None;
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
    }

    fn end(&mut self, end: Result<(), TransportError>) {
        self.end = Some(end);
        self.wake();
    }

    /// The next piece, or the end; the first look at an error is the last.
    fn next(&mut self) -> Option<Result<Option<Bytes>, TransportError>> {
        if let Some(piece) = self.pieces.pop_front() {
            self.bytes -= piece.len();
            if self.bytes < MOST
                && let Some(taker) = self.taker.take()
            {
                taker.wake();
            }
            return Some(Ok(Some(piece)));
        }
        let end = self.end.as_mut()?;
        Some(std::mem::replace(end, Ok(())).map(|()| None))
    }
}

impl StreamBody {
    /// An answer without a body (204) has no stream.
    pub(super) fn new(stream: Option<ReadableStream>, mut exchange: Exchange) -> Self {
        let reader: Option<ReadableStreamDefaultReader> =
            stream.map(|stream| stream.get_reader().unchecked_into());
        if reader.is_none() {
            exchange.complete();
        }
        let gathering = Rc::new(RefCell::new(Gathering {
            pieces: VecDeque::new(),
            bytes: 0,
            end: reader.is_none().then_some(Ok(())),
            timer: None,
            reader: None,
            taker: None,
            exchange: Some(exchange),
        }));
        if let Some(reader) = reader {
            spawn_local(gather(reader, gathering.clone()));
        }
        Self(gathering)
    }
}

impl Body for StreamBody {
    fn chunk(&mut self) -> LocalBoxFuture<'_, Result<Option<Bytes>, TransportError>> {
        Box::pin(poll_fn(|context| {
            let mut gathering = self.0.borrow_mut();
            // Once it was woken it takes all there is; what comes later waits again.
            match gathering.next() {
                Some(next) => Poll::Ready(next),
                None => {
                    gathering.reader = Some(context.waker().clone());
                    Poll::Pending
                }
            }
        }))
    }
}

impl Drop for StreamBody {
    fn drop(&mut self) {
        let mut gathering = self.0.borrow_mut();
        // Aborts what is under way; the task then ends with the stream.
        gathering.exchange = None;
        gathering.timer = None;
        if let Some(taker) = gathering.taker.take() {
            taker.wake();
        }
    }
}

/// Takes pieces from the stream until it ends or nobody wants them any more.
async fn gather(reader: ReadableStreamDefaultReader, gathering: Rc<RefCell<Gathering>>) {
    loop {
        room(&gathering).await;
        let read = JsFuture::from(reader.read()).await;
        let mut now = gathering.borrow_mut();
        let Some(exchange) = &mut now.exchange else { return };
        let read = read.map_err(|error| exchange.timed_out().unwrap_or_else(|| failure::in_body(&error)));
        match read.and_then(|read| piece(&read)) {
            // An empty piece means nothing to the reader of a body, and is not an end.
            Ok(Some(bytes)) if bytes.is_empty() => {}
            Ok(Some(bytes)) => {
                now.bytes += bytes.len();
                now.pieces.push_back(bytes);
                if now.bytes >= GATHERED {
                    now.wake();
                } else if now.timer.is_none() {
                    let late = gathering.clone();
                    now.timer = Some(Timeout::new(LONGEST_MS, move || late.borrow_mut().wake()));
                }
            }
            Ok(None) => {
                exchange.complete();
                return now.end(Ok(()));
            }
            Err(error) => return now.end(Err(error)),
        }
    }
}

/// Waits until the reader has taken enough, or is gone.
async fn room(gathering: &RefCell<Gathering>) {
    poll_fn(|context| {
        let mut now = gathering.borrow_mut();
        if now.bytes < MOST || now.exchange.is_none() {
            return Poll::Ready(());
        }
        now.taker = Some(context.waker().clone());
        Poll::Pending
    })
    .await;
}

/// Reads `{done, value}`.
fn piece(read: &JsValue) -> Result<Option<Bytes>, TransportError> {
    if path(read, &["done"]).is_some_and(|done| done.is_truthy()) {
        return Ok(None);
    }
    let value = path(read, &["value"]).and_then(|value| value.dyn_into::<Uint8Array>().ok());
    let value =
        value.ok_or_else(|| TransportError::Broken { message: "the stream gave no bytes".to_owned() })?;
    Ok(Some(Bytes::from(value.to_vec())))
}
