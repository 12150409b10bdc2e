//! How many series a selector has by the values of one label, within bounds whatever the values are.

use std::collections::BTreeMap;

/// Different keys at most; beyond, values are counted by their first characters.
const MOST_KEYS: usize = 4_096;
/// Longer values are counted by so many first characters.
const MOST_CHARS: usize = 64;

/// Series by value of a label. A key of exactly [`Counts::chars`] characters stands for all values that begin with it,
/// a shorter one for itself alone; so no value belongs to two keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Counts {
    keys: BTreeMap<String, u64>,
    chars: usize,
}

impl Default for Counts {
    fn default() -> Self {
        Self { keys: BTreeMap::new(), chars: MOST_CHARS }
    }
}

impl Counts {
    /// Counts by the first `chars` characters.
    pub fn by_prefix(chars: usize) -> Self {
        Self { chars: chars.clamp(1, MOST_CHARS), ..Self::default() }
    }

    /// Counts `series` series of a value, which is not empty.
    pub fn add(&mut self, value: &str, series: u64) {
        if value.is_empty() {
            return;
        }
        let key = first(value, self.chars);
        match self.keys.get_mut(key) {
            Some(count) => *count += series,
            None => {
                self.keys.insert(key.to_owned(), series);
                while self.keys.len() > MOST_KEYS && self.chars > 1 {
                    self.shorten(self.chars / 2);
                }
            }
        }
    }

    /// Raises every count to that of another look at the same series.
    pub fn at_least(&mut self, mut other: Counts) {
        let chars = self.chars.min(other.chars);
        self.shorten(chars);
        other.shorten(chars);
        for (key, count) in other.keys {
            let own = self.keys.entry(key).or_default();
            *own = (*own).max(count);
        }
        while self.keys.len() > MOST_KEYS && self.chars > 1 {
            self.shorten(self.chars / 2);
        }
    }

    /// Counts by fewer characters.
    pub fn shorten(&mut self, chars: usize) {
        let chars = chars.max(1);
        if chars >= self.chars {
            return;
        }
        self.chars = chars;
        let mut keys = BTreeMap::new();
        for (key, count) in std::mem::take(&mut self.keys) {
            *keys.entry(first(&key, chars).to_owned()).or_insert(0) += count;
        }
        self.keys = keys;
    }

    /// Keys in order, with their series.
    pub fn keys(&self) -> impl Iterator<Item = (&str, u64)> {
        self.keys.iter().map(|(key, count)| (key.as_str(), *count))
    }

    /// Characters from which on a key stands for all values that begin with it.
    pub fn chars(&self) -> usize {
        self.chars
    }

    /// Series with the label.
    pub fn total(&self) -> u64 {
        self.keys.values().sum()
    }
}

/// The first `chars` characters.
fn first(text: &str, chars: usize) -> &str {
    text.char_indices().nth(chars).and_then(|(end, _)| text.get(..end)).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::{Counts, MOST_KEYS};

    #[test]
    fn many_values_become_few_keys_and_none_is_lost() {
        let mut counts = Counts::default();
        for at in 0..50_000 {
            counts.add(&format!("host-{at:06}.example"), 1);
        }
        counts.add("ü", 7);
        counts.add("", 9);
        assert!((2..=MOST_KEYS).contains(&counts.keys.len()), "{}", counts.keys.len());
        assert_eq!(counts.total(), 50_007);
        assert!(counts.keys().all(|(key, _)| key.chars().count() <= counts.chars()));
        assert!(counts.keys().any(|key| key == ("ü", 7)));
    }

    #[test]
    fn two_looks_keep_the_larger_count() {
        let mut one = Counts::default();
        one.add("abc", 5);
        one.add("abd", 1);
        let mut other = Counts::by_prefix(3);
        other.add("abc", 3);
        other.add("xyzzy", 4);
        one.at_least(other);
        let keys: Vec<_> = one.keys().map(|(key, count)| (key.to_owned(), count)).collect();
        assert_eq!(keys, [("abc".into(), 5), ("abd".into(), 1), ("xyz".into(), 4)]);
    }
}
