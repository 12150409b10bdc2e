//! Growing large buffers.

/// Bytes that a buffer grows by at least.
const LEAST: usize = 1 << 20;

/// Makes room for more bytes, by an eighth and not to the double: an answer takes megabytes, and a WebAssembly memory
/// never gives back what it once had. With doubling, a slab of 8 MB had 16 MB beside the 8 MB it was copied from, and
/// how much of that found a place in older gaps was luck.
pub fn make_room(buffer: &mut Vec<u8>, bytes: usize) {
    if buffer.capacity() - buffer.len() < bytes {
        buffer.reserve_exact(bytes.max(LEAST.min(buffer.len())).max(buffer.len() / 8));
    }
}

#[cfg(test)]
mod tests {
    use super::make_room;

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
}
