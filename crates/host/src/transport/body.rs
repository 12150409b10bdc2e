//! Response bodies in pieces.

use super::exchange::Exchange;
use super::failure;
use crate::environment::path;
use bytes::Bytes;
use futures_util::future::LocalBoxFuture;
use js_sys::Uint8Array;
use tsink_migrate_engine::port::{Body, TransportError};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{ReadableStream, ReadableStreamDefaultReader};

/// A body behind a stream reader. Dropping it before its end aborts the request.
pub(super) struct StreamBody {
    reader: Option<ReadableStreamDefaultReader>,
    /// The piece on its way. It stays here when [`Body::chunk`]'s future is dropped, so that none is lost.
    reading: Option<JsFuture>,
    exchange: Exchange,
}

impl StreamBody {
    /// An answer without a body (204) has no stream.
    pub(super) fn new(stream: Option<ReadableStream>, mut exchange: Exchange) -> Self {
        let reader = stream.map(|stream| stream.get_reader().unchecked_into());
        if reader.is_none() {
            exchange.complete();
        }
        Self { reader, reading: None, exchange }
    }

    async fn next(&mut self) -> Result<Option<Bytes>, TransportError> {
        while let Some(reader) = &self.reader {
            let reading = self.reading.get_or_insert_with(|| JsFuture::from(reader.read()));
            let read = reading.await;
            self.reading = None;
            let read =
                read.map_err(|error| self.exchange.timed_out().unwrap_or_else(|| failure::in_body(&error)));
            match read.and_then(|read| piece(&read)) {
                // An empty piece means nothing to the reader of a body, and is not an end.
                Ok(Some(bytes)) if bytes.is_empty() => {}
                Ok(Some(bytes)) => return Ok(Some(bytes)),
                Ok(None) => {
                    self.reader = None;
                    self.exchange.complete();
                }
                Err(error) => {
                    self.reader = None;
                    return Err(error);
                }
            }
        }
        Ok(None)
    }
}

impl Body for StreamBody {
    fn chunk(&mut self) -> LocalBoxFuture<'_, Result<Option<Bytes>, TransportError>> {
        Box::pin(self.next())
    }
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
