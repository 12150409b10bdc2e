//! Snappy block format, as remote read and remote write use it (no framing).

use super::WireError;
use bytes::Bytes;

/// Decompresses one block.
///
/// # Errors
/// When the block declares more than `limit` bytes (checked before anything is allocated) or is damaged.
pub fn decompress(body: &[u8], limit: usize) -> Result<Vec<u8>, WireError> {
    let damaged = |error: snap::Error| WireError::new(0, format!("not a valid snappy block: {error}"));
    let declared = snap::raw::decompress_len(body).map_err(damaged)?;
    if declared > limit {
        return Err(WireError::new(
            0,
            format!("the snappy block declares {declared} bytes, more than the {limit} accepted"),
        ));
    }
    snap::raw::Decoder::new().decompress_vec(body).map_err(damaged)
}

/// Compresses one block.
pub fn compress(body: &[u8]) -> Bytes {
    match snap::raw::Encoder::new().compress_vec(body) {
        Ok(block) => block.into(),
        // Only inputs over 4 GiB fail, and no batch comes near that; a literal-only block is valid too, but
        // an empty one is refused by every server, which is the safe way to be wrong.
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
