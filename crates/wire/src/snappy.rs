//! Snappy block format, as remote read and remote write use it (no framing).

use super::WireError;
use bytes::Bytes;

/// Decompresses one block.
///
/// # Errors
/// When the block declares more than `limit` bytes, or more than its own length can hold (both checked before
/// anything is allocated), or is damaged.
pub fn decompress(body: &[u8], limit: usize) -> Result<Vec<u8>, WireError> {
    let damaged = |error: snap::Error| {
        WireError::new(0, format!("{} bytes that are not a valid snappy block: {error}", body.len()))
    };
    let declared = snap::raw::decompress_len(body).map_err(damaged)?;
    if declared > limit {
        return Err(WireError::new(
            0,
            format!("the snappy block declares {declared} bytes, more than the {limit} accepted"),
        ));
    }
    // The densest element is a copy: 64 bytes out for 3 in. A block that declares more than that is lying, and
    // a few bytes must not make us allocate up to the limit.
    if declared / 22 > body.len() {
        return Err(WireError::new(
            0,
            format!("the snappy block declares {declared} bytes, more than its {} can hold", body.len()),
        ));
    }
    snap::raw::Decoder::new().decompress_vec(body).map_err(damaged)
}

/// Compresses one block.
pub fn compress(body: &[u8]) -> Bytes {
    match snap::raw::Encoder::new().compress_vec(body) {
        Ok(block) => block.into(),
        // Only inputs over 3.6 GiB fail, and no request comes near that. An empty body is not a block: every
        // server refuses it, so nothing would be lost unnoticed.
        Err(_) => Bytes::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::{compress, decompress};
    use proptest::prelude::*;

    #[test]
    fn a_bomb_is_refused_before_it_is_unpacked() {
        // A preamble that declares 2^31 bytes, and nothing behind it.
        let bomb = [0x80, 0x80, 0x80, 0x80, 0x08, 0x00];
        let error = decompress(&bomb, 1 << 20).unwrap_err().to_string();
        assert!(error.contains("2147483648"), "{error}");
    }

    proptest! {
        #[test]
        fn comes_back_as_it_was(bytes in proptest::collection::vec(any::<u8>(), 0..5_000)) {
            prop_assert_eq!(decompress(&compress(&bytes), 5_000).unwrap(), bytes);
        }

        #[test]
        fn never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..500)) {
            let _ = decompress(&bytes, 1 << 16);
        }
    }
}
