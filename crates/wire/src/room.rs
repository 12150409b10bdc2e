//! Room for large buffers.

/// Bytes that a buffer grows by at least.
const LEAST: usize = 1 << 20;
/// Below so many bytes, buffers are as long as they need to be.
const SMALL: usize = 64 << 10;

/// The bytes to make room for where `bytes` are needed: up to an eighth more, so that there are few different lengths.
/// Answers of one run are nearly as long as each other, and a gap that one of them leaves in the memory should hold the
/// next one: where it is a few bytes short, the memory grows instead, for good.
pub fn rounded(bytes: usize) -> usize {
    if bytes < SMALL {
        return bytes;
    }
    let step = 1 << (bytes.ilog2() - 3);
    bytes.checked_next_multiple_of(step).unwrap_or(bytes)
}

/// Makes room for more bytes, by an eighth and not to the double: an answer takes megabytes, and a WebAssembly memory
/// never gives back what it once had. With doubling, a slab of 8 MB had 16 MB beside the 8 MB it was copied from, and
/// how much of that found a place in older gaps was luck.
pub fn make_room(buffer: &mut Vec<u8>, bytes: usize) {
    if buffer.capacity() - buffer.len() < bytes {
        let more = bytes.max(LEAST.min(buffer.len())).max(buffer.len() / 8);
        buffer.reserve_exact(rounded(buffer.len().saturating_add(more)) - buffer.len());
    }
}

#[cfg(test)]
mod tests {
    use super::{make_room, rounded};

    #[test]
    fn small_buffers_double_and_large_ones_grow_by_an_eighth() {
        let mut buffer = Vec::new();
        make_room(&mut buffer, 10);
        assert!((10..100).contains(&buffer.capacity()));
        buffer.resize(1_000, 0);
        make_room(&mut buffer, 1);
        assert!((2_000..3_000).contains(&buffer.capacity()));
        buffer.resize(16 << 20, 0);
        make_room(&mut buffer, 1);
        assert!((18 << 20..19 << 20).contains(&buffer.capacity()), "{}", buffer.capacity());
    }

    #[test]
    fn large_lengths_are_few() {
        assert_eq!(rounded(0), 0);
        assert_eq!(rounded(65_535), 65_535);
        assert_eq!(rounded(65_537), 65_536 + 8_192);
        let lengths = (6_600_000..6_700_000).step_by(1_000).map(rounded);
        assert_eq!(lengths.collect::<std::collections::BTreeSet<_>>().len(), 1);
        for bytes in [65_536, 100_000, 7_999_999, usize::MAX / 3] {
            assert!((bytes..=bytes + bytes / 8 + 1).contains(&rounded(bytes)), "{bytes}");
        }
        assert_eq!(rounded(usize::MAX), usize::MAX);
    }
}
