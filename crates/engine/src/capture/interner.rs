//! Byte strings, each kept once and known by a number.

use hashbrown::HashTable;
use rustc_hash::FxHasher;
use std::hash::Hasher;

/// All strings lie in one buffer, so that a million of them are three allocations.
#[derive(Debug, Default)]
pub struct Interner {
    bytes: Vec<u8>,
    /// Where each string ends; the next one begins there.
    ends: Vec<usize>,
    numbers: HashTable<u32>,
}

impl Interner {
    /// The number of a string that is there.
    pub fn find(&self, string: &[u8]) -> Option<u32> {
        self.numbers.find(hash(string), |at| self.get(*at) == string).copied()
    }

    /// The number of a string, and whether it is new. Numbers count up from 0.
    pub fn intern(&mut self, string: &[u8]) -> (u32, bool) {
        if let Some(known) = self.find(string) {
            return (known, false);
        }
        let number = self.ends.len() as u32;
        self.bytes.extend_from_slice(string);
        self.ends.push(self.bytes.len());
        let Self { bytes, ends, numbers } = self;
        numbers.insert_unique(hash(string), number, |at| hash(slice(bytes, ends, *at)));
        (number, true)
    }

    /// The string of a number; empty when there is none.
    pub fn get(&self, number: u32) -> &[u8] {
        slice(&self.bytes, &self.ends, number)
    }
}

fn slice<'a>(bytes: &'a [u8], ends: &[usize], number: u32) -> &'a [u8] {
    let at = number as usize;
    let start = at.checked_sub(1).and_then(|before| ends.get(before)).copied().unwrap_or_default();
    ends.get(at).and_then(|end| bytes.get(start..*end)).unwrap_or_default()
}

fn hash(string: &[u8]) -> u64 {
    let mut hasher = FxHasher::default();
    hasher.write(string);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::Interner;

    #[test]
    fn strings_are_numbered_once_in_the_order_they_come() {
        let mut interner = Interner::default();
        let strings: Vec<String> = (0..3000).map(|at| "x".repeat(at % 7) + &at.to_string()).collect();
        for (at, string) in strings.iter().enumerate() {
            assert_eq!(interner.find(string.as_bytes()), None);
            assert_eq!(interner.intern(string.as_bytes()), (at as u32, true));
        }
        for (at, string) in strings.iter().enumerate() {
            assert_eq!(interner.intern(string.as_bytes()), (at as u32, false));
            assert_eq!(interner.find(string.as_bytes()), Some(at as u32));
            assert_eq!(interner.get(at as u32), string.as_bytes());
        }
        assert_eq!(interner.intern(b""), (3000, true));
        assert_eq!(interner.find(b""), Some(3000));
        assert_eq!(interner.get(9999), b"");
    }
}
