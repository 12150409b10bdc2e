//! Frames of a streamed answer: `uvarint length | u32 big-endian CRC-32C (Castagnoli) of data | data`
//! (`storage/remote/chunked.go`, Prometheus 2.42).
//!
//! Prometheus has sent status 200 with the first frame. When it fails later, it can only append its words,
//! as text, where the next frame should begin.

use crate::WireError;

/// Bytes of a frame's data at most: the limit of Prometheus' own reader. Prometheus makes frames of 1 MiB
/// unless `--storage.remote.read-max-bytes-in-frame` says otherwise.
const MAX_FRAME: u64 = 50_000_000;
/// Characters that are quoted of a server's words.
const MAX_QUOTE: usize = 200;

/// A frame whose checksum is right.
pub(super) struct Frame<'a> {
    pub data: &'a [u8],
    /// Bytes of the whole frame, header included.
    pub length: usize,
}

/// The frame at the beginning of `bytes`, which lie at `offset` of the body; `None` when more bytes are
/// needed.
pub(super) fn next(bytes: &[u8], offset: usize) -> Result<Option<Frame<'_>>, WireError> {
    let mut length = 0u64;
    let mut header = 0;
    for shift in (0..63).step_by(7) {
        let Some(&byte) = bytes.get(header) else { return Ok(None) };
        header += 1;
        length |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            break;
        }
        if length > MAX_FRAME || shift == 56 {
            length = u64::MAX;
            break;
        }
    }
    let Some(size) = usize::try_from(length).ok().filter(|_| length <= MAX_FRAME) else {
        let what = format!("a frame of more than {MAX_FRAME} bytes");
        return Err(WireError::new(offset, with_words(what, bytes)));
    };
    let Some((sum, rest)) = bytes.get(header..).and_then(|rest| rest.split_first_chunk::<4>()) else {
        return Ok(None);
    };
    let Some(data) = rest.get(..size) else { return Ok(None) };
    if crc32c::crc32c(data) != u32::from_be_bytes(*sum) {
        let what = "a frame whose checksum is wrong".to_owned();
        return Err(WireError::new(offset, with_words(what, bytes)));
    }
    Ok(Some(Frame { data, length: header + 4 + size }))
}

/// The error for a body that ends with a part of a frame.
pub(super) fn cut_off(bytes: &[u8], offset: usize) -> WireError {
    let what = format!("the answer ends inside a frame, {} bytes after its begin", bytes.len());
    WireError::new(offset, with_words(what, bytes))
}

/// Adds the server's words when there are words where a frame should be.
fn with_words(what: String, bytes: &[u8]) -> String {
    match words(bytes) {
        Some(words) => format!("the server broke off with the words \"{words}\""),
        None => what,
    }
}

/// Text at the beginning of `bytes`, on one line and shortened; `None` for anything else than text.
fn words(bytes: &[u8]) -> Option<String> {
    let head = bytes.get(..bytes.len().min(MAX_QUOTE * 4)).unwrap_or_default();
    let text = match std::str::from_utf8(head) {
        Ok(text) => text,
        // A cut through a character is no damage.
        Err(error) if error.error_len().is_none() => {
            std::str::from_utf8(head.get(..error.valid_up_to())?).ok()?
        }
        Err(_) => return None,
    };
    if text.chars().any(|c| c.is_control() && !c.is_whitespace()) {
        return None;
    }
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    // A frame cut off after a few bytes may look like letters.
    if line.chars().filter(|c| c.is_alphabetic()).count() < 4 {
        return None;
    }
    let mut short: String = line.chars().take(MAX_QUOTE).collect();
    if short.len() < line.len() {
        short.push('…');
    }
    Some(short)
}
