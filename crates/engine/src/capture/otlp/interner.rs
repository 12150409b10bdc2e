//! Numbers for byte strings.

use hashbrown::HashTable;
use rustc_hash::FxHasher;
use std::hash::Hasher;

/// Numbers byte strings in the order in which they come first.
#[derive(Debug, Default)]
pub(super) struct Interner {
    arena: Vec<u8>,
    /// Where each string ends in `arena`; it starts where the one before ends.
    ends: Vec<usize>,
    numbers: HashTable<u32>,
}

impl Interner {
    /// The number of a string. A new one gets the next.
    pub fn number(&mut self, text: &[u8]) -> u32 {
        let Self { arena, ends, numbers } = self;
        let hash = hash(text);
        if let Some(number) = numbers.find(hash, |number| string(arena, ends, *number) == text) {
            return *number;
        }
        let number = ends.len() as u32;
        arena.extend_from_slice(text);
        ends.push(arena.len());
        numbers.insert_unique(hash, number, |number| self::hash(string(arena, ends, *number)));
        number
    }
}

fn string<'a>(arena: &'a [u8], ends: &[usize], number: u32) -> &'a [u8] {
    let at = number as usize;
    let start = at.checked_sub(1).and_then(|before| ends.get(before)).copied().unwrap_or_default();
    ends.get(at).and_then(|end| arena.get(start..*end)).unwrap_or_default()
}

fn hash(text: &[u8]) -> u64 {
    let mut hasher = FxHasher::default();
    hasher.write(text);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::Interner;

    #[test]
    fn strings_are_numbered_once() {
        let mut interner = Interner::default();
        let texts: Vec<String> = (0..500).map(|at| "x".repeat(at % 250)).collect();
        let numbers: Vec<u32> = texts.iter().map(|text| interner.number(text.as_bytes())).collect();
        assert!((0..250).all(|at| numbers[at] == at as u32 && numbers[at + 250] == at as u32));
    }
}
