//! Snappy block format, as remote read and remote write use it (no framing).

use super::WireError;
use super::room::rounded;
use bytes::Bytes;
use std::fmt;

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
    let mut out = Vec::with_capacity(rounded(declared));
    out.resize(declared, 0);
    let length = snap::raw::Decoder::new().decompress(body, &mut out).map_err(damaged)?;
    out.truncate(length);
    Ok(out)
}

/// Compresses one block.
pub fn compress(body: &[u8]) -> Bytes {
    Compressor::default().compress(body)
}

/// Compresses one block after the other in the same room. A block may become longer than its body, so the room is; what
/// it gives is as short as the block.
pub struct Compressor {
    encoder: snap::raw::Encoder,
    room: Vec<u8>,
}

impl Compressor {
    /// Compresses one block.
    pub fn compress(&mut self, body: &[u8]) -> Bytes {
        let most = snap::raw::max_compress_len(body.len());
        if self.room.len() < most {
            // Not grown: nothing in it is worth copying.
            self.room = Vec::new();
            self.room = vec![0; rounded(most)];
        }
        // Only inputs over 3.6 GiB fail, and no request comes near that. An empty body is not a block: every server
        // refuses it, so nothing would be lost unnoticed.
        let length = self.encoder.compress(body, &mut self.room).unwrap_or_default();
        Bytes::copy_from_slice(self.room.get(..length).unwrap_or_default())
    }
}

impl Default for Compressor {
    fn default() -> Self {
        Self { encoder: snap::raw::Encoder::new(), room: Vec::new() }
    }
}

impl fmt::Debug for Compressor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Compressor").field("room", &self.room.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::{Compressor, compress, decompress};
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
        fn one_room_serves_blocks_of_any_length(bodies in proptest::collection::vec(proptest::collection::vec(0u8..3, 0..3_000), 0..8)) {
            let mut compressor = Compressor::default();
            for body in bodies {
                let block = compressor.compress(&body);
                prop_assert_eq!(&block, &compress(&body));
                prop_assert_eq!(decompress(&block, 3_000).unwrap(), body);
            }
        }

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
