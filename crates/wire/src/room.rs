//! Room for large buffers: how much, and the same again and again.

use std::cell::RefCell;
use std::ops::{Deref, DerefMut};
use std::rc::Rc;

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

/// Buffers that wait for their next use at most. More of them make a run of little memory hold more than it may.
const MOST_SPARE: usize = 2;

/// Buffers of a run that wait for their next use. Clones share them.
#[derive(Clone, Debug, Default)]
struct Spare(Rc<RefCell<Vec<Vec<u8>>>>);

impl Spare {
    /// An empty buffer with room for so many bytes: one that was used before, if there is any that is long enough.
    fn take(&self, bytes: usize) -> Vec<u8> {
        let mut spare = self.0.borrow_mut();
        // Those that have become too short would only take up room.
        spare.retain(|buffer| buffer.capacity() >= bytes);
        let shortest = spare.iter().enumerate().min_by_key(|(_, buffer)| buffer.capacity());
        match shortest.map(|(at, _)| at).filter(|_| bytes >= LEAST) {
            Some(at) => spare.swap_remove(at),
            None => Vec::with_capacity(rounded(bytes)),
        }
    }

    fn give(&self, mut buffer: Vec<u8>) {
        let mut spare = self.0.borrow_mut();
        if buffer.capacity() >= LEAST && spare.len() < MOST_SPARE {
            buffer.clear();
            spare.push(buffer);
        }
    }
}

/// Room for an answer, from the buffers of a run. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Room {
    /// Bytes that it is likely to take.
    pub bytes: usize,
    spare: Spare,
}

impl Room {
    /// The same for an answer of at most so many bytes.
    #[must_use]
    pub fn at_most(self, bytes: usize) -> Self {
        Self { bytes: self.bytes.min(bytes), ..self }
    }

    /// An empty buffer for at least so many bytes.
    pub fn buffer(self, least: usize) -> Large {
        Large { buffer: self.spare.take(self.bytes.max(least)), spare: self.spare }
    }
}

/// A buffer for an answer that is used again when it is dropped. Freed and allocated again, a place of some megabytes is
/// soon taken by small ones, and the memory grows for the next answer.
#[derive(Clone, Debug, Default)]
pub struct Large {
    buffer: Vec<u8>,
    spare: Spare,
}

impl From<Vec<u8>> for Large {
    /// A buffer of nobody's.
    fn from(buffer: Vec<u8>) -> Self {
        Self { buffer, spare: Spare::default() }
    }
}

impl Deref for Large {
    type Target = Vec<u8>;

    fn deref(&self) -> &Vec<u8> {
        &self.buffer
    }
}

impl DerefMut for Large {
    fn deref_mut(&mut self) -> &mut Vec<u8> {
        &mut self.buffer
    }
}

impl Drop for Large {
    fn drop(&mut self) {
        self.spare.give(std::mem::take(&mut self.buffer));
    }
}

#[cfg(test)]
mod tests {
    use super::{LEAST, Large, MOST_SPARE, Room, make_room, rounded};

    #[test]
    fn large_buffers_come_back_as_long_as_they_are_long_enough() {
        let room = Room::default();
        let of = |bytes: usize| Room { bytes, ..room.clone() }.buffer(0);
        let waiting = || room.spare.0.borrow().len();
        let mut first = of(4 * LEAST);
        first.extend_from_slice(b"of the answer before");
        let place = first.as_ptr();
        drop(first);
        let again = room.clone().buffer(3 * LEAST);
        assert_eq!((again.as_ptr(), again.len()), (place, 0));
        let more: Vec<Large> = (0..9).map(|_| of(2 * LEAST)).collect();
        drop((again, more));
        assert_eq!(waiting(), MOST_SPARE);
        assert!(of(8 * LEAST).capacity() >= 8 * LEAST);
        assert_eq!(waiting(), 1, "what is too short for what comes now is given up");
        drop(of(LEAST / 2));
        assert_eq!(waiting(), 1, "not worth keeping, nor a place for it");
        drop(Large::from(vec![0; LEAST]));
        assert_eq!(waiting(), 1, "of nobody's");
        assert_eq!(room.clone().at_most(7).bytes, 0);
        assert_eq!(Room { bytes: 9, ..room }.at_most(7).bytes, 7);
    }

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
