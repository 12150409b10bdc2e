//! Snappy blocks from a server, and ours.

use crate::wire::snappy::{compress, decompress};

/// `data` as a block must never panic or unpack to more than the limit; as content it must come back.
pub fn snappy(data: &[u8]) {
    const LIMIT: usize = 1 << 16;
    if let Ok(content) = decompress(data, LIMIT) {
        assert!(content.len() <= LIMIT);
        assert_eq!(decompress(&compress(&content), LIMIT).as_deref(), Ok(content.as_slice()));
    }
    assert_eq!(decompress(&compress(data), data.len()).as_deref(), Ok(data));
    if !data.is_empty() {
        assert!(decompress(&compress(data), data.len() - 1).is_err());
    }
}
