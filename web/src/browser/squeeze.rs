//! Deflate without frame (RFC 1951), by the browser's own streams.

use js_sys::{Array, Reflect, Uint8Array};
use leptos::wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, ReadableStream, ReadableStreamDefaultReader, ReadableWritablePair};

const FORMAT: &str = "deflate-raw";

// The bindings of web-sys are behind a build flag; these are all that is needed of them.
#[wasm_bindgen]
extern "C" {
    type CompressionStream;
    #[wasm_bindgen(constructor, catch)]
    fn new(format: &str) -> Result<CompressionStream, JsValue>;

    type DecompressionStream;
    #[wasm_bindgen(constructor, catch)]
    fn new(format: &str) -> Result<DecompressionStream, JsValue>;
}

/// Why there are no bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The browser is too old.
    Unable,
    /// The bytes are not what they should be, or not all of them.
    Broken,
    /// There are more than wanted.
    TooLarge,
}

/// A text, deflated.
///
/// # Errors
/// When the browser is too old for it.
pub async fn deflate(text: &str) -> Result<Vec<u8>, Refusal> {
    let stream = CompressionStream::new(FORMAT).map_err(|_| Refusal::Unable)?;
    let blob = Blob::new_with_str_sequence(&Array::of1(&text.into())).map_err(|_| Refusal::Unable)?;
    collect(blob.stream().pipe_through(stream.unchecked_ref::<ReadableWritablePair>()), usize::MAX).await
}

/// A text from its deflated bytes, `most` bytes of it at most. What goes beyond is never unfolded.
///
/// # Errors
/// See [`Refusal`].
pub async fn inflate(deflated: &[u8], most: usize) -> Result<String, Refusal> {
    let stream = DecompressionStream::new(FORMAT).map_err(|_| Refusal::Unable)?;
    let bytes = Uint8Array::from(deflated);
    let blob = Blob::new_with_u8_array_sequence(&Array::of1(&bytes)).map_err(|_| Refusal::Unable)?;
    let bytes =
        collect(blob.stream().pipe_through(stream.unchecked_ref::<ReadableWritablePair>()), most).await?;
    String::from_utf8(bytes).map_err(|_| Refusal::Broken)
}

async fn collect(stream: ReadableStream, most: usize) -> Result<Vec<u8>, Refusal> {
    let reader: ReadableStreamDefaultReader = stream.get_reader().unchecked_into();
    let mut all = Vec::new();
    loop {
        let chunk = JsFuture::from(reader.read()).await.map_err(|_| Refusal::Broken)?;
        if Reflect::get(&chunk, &"done".into()).is_ok_and(|done| done.is_truthy()) {
            return Ok(all);
        }
        let value = Reflect::get(&chunk, &"value".into()).map_err(|_| Refusal::Broken)?;
        let bytes: Uint8Array = value.dyn_into().map_err(|_| Refusal::Broken)?;
        if all.len().saturating_add(bytes.length() as usize) > most {
            let _ = JsFuture::from(reader.cancel()).await;
            return Err(Refusal::TooLarge);
        }
        all.extend(bytes.to_vec());
    }
}
