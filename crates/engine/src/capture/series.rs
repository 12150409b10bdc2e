//! The series that a recording speaks of, each once.
//!
//! What makes it fast: a parser looks a series up by the bytes that stand for it in the payload (`cpu,host=a`
//! and the field's name), and only the first such line is taken apart, sanitised and checked.

use super::Refusal;
use crate::model::{Labels, MetricType, Millis};
use hashbrown::HashTable;
use rustc_hash::{FxHashMap, FxHasher};
use std::hash::Hasher;

/// One sample of a recording.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Row {
    /// Number of its series in the [`SeriesTable`].
    pub series: u32,
    /// Unix time in ms.
    pub at: Millis,
    /// The value.
    pub value: f64,
}

/// A metric family as the metadata API shows it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Family {
    /// Metric family name.
    pub name: String,
    /// Type.
    pub kind: MetricType,
    /// Help text.
    pub help: String,
    /// Unit; empty when there is none.
    pub unit: String,
}

/// What a parser knows of a series that is new.
#[derive(Clone, Debug, PartialEq)]
pub struct Described {
    /// All labels, `__name__` among them.
    pub labels: Labels,
    /// The metadata that comes with it.
    pub family: Family,
}

/// All series of a recording, numbered in the order of their first line.
#[derive(Debug, Default)]
pub struct SeriesTable {
    /// Bytes of all keys, one after the other.
    arena: Vec<u8>,
    /// Where each key lies in `arena`, and its series.
    keys: Vec<Key>,
    by_key: HashTable<u32>,
    by_labels: FxHashMap<Labels, u32>,
    series: Vec<(Labels, u32)>,
    families: Vec<Family>,
    by_family: FxHashMap<Family, u32>,
}

#[derive(Debug)]
struct Key {
    start: usize,
    end: usize,
    series: u32,
}

impl SeriesTable {
    /// The number of the series that `key` stands for; asks `describe` when the key is new. Different keys may
    /// stand for the same series.
    ///
    /// # Errors
    /// What `describe` refuses. Nothing is kept of it: the next line with this key is asked again.
    pub fn number(
        &mut self,
        key: &[u8],
        describe: impl FnOnce() -> Result<Described, Refusal>,
    ) -> Result<u32, Refusal> {
        let hash = hash(key);
        let found = self.by_key.find(hash, |at| self.key(*at) == key);
        if let Some(known) = found.and_then(|at| self.keys.get(*at as usize)) {
            return Ok(known.series);
        }
        let series = self.add(describe()?);
        let start = self.arena.len();
        self.arena.extend_from_slice(key);
        let at = self.keys.len() as u32;
        self.keys.push(Key { start, end: self.arena.len(), series });
        let Self { by_key, keys, arena, .. } = self;
        by_key.insert_unique(hash, at, |at| {
            let key = keys.get(*at as usize).and_then(|key| arena.get(key.start..key.end));
            self::hash(key.unwrap_or_default())
        });
        Ok(series)
    }

    /// The number of a series by its labels.
    pub fn add(&mut self, described: Described) -> u32 {
        let next = self.families.len() as u32;
        let family = *self.by_family.entry(described.family.clone()).or_insert(next);
        if family == next {
            self.families.push(described.family);
        }
        let next = self.series.len() as u32;
        let series = *self.by_labels.entry(described.labels.clone()).or_insert(next);
        if series == next {
            self.series.push((described.labels, family));
        } else if let Some(known) = self.series.get_mut(series as usize) {
            // As in the target: what was said last of a metric counts.
            known.1 = family;
        }
        series
    }

    /// Labels of a series.
    pub fn labels(&self, series: u32) -> Option<&Labels> {
        self.series.get(series as usize).map(|(labels, _)| labels)
    }

    /// Metric family of a series.
    pub fn family(&self, series: u32) -> Option<&Family> {
        let (_, family) = self.series.get(series as usize)?;
        self.families.get(*family as usize)
    }

    /// How many series there are.
    pub fn len(&self) -> usize {
        self.series.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.series.is_empty()
    }

    fn key(&self, at: u32) -> &[u8] {
        let key = self.keys.get(at as usize).and_then(|key| self.arena.get(key.start..key.end));
        key.unwrap_or_default()
    }
}

fn hash(key: &[u8]) -> u64 {
    let mut hasher = FxHasher::default();
    hasher.write(key);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::{Described, Family, SeriesTable};
    use crate::capture::{Refusal, RefusalKind};
    use crate::model::{Labels, MetricType};

    fn described(host: &str) -> Described {
        Described {
            labels: Labels::from_pairs([("__name__", "cpu"), ("host", host)]),
            family: Family {
                name: "cpu".into(),
                kind: MetricType::Gauge,
                help: String::new(),
                unit: String::new(),
            },
        }
    }

    #[test]
    fn a_key_is_described_once_and_labels_are_one_series_whatever_the_key() {
        let mut table = SeriesTable::default();
        let numbers: Vec<u32> = (0..1000)
            .map(|at| {
                table.number(format!("k{}", at % 500).as_bytes(), || Ok(described(&format!("{}", at % 250))))
            })
            .collect::<Result<_, _>>()
            .unwrap();
        assert_eq!(table.len(), 250);
        assert_eq!(numbers[..500], numbers[500..]);
        assert_eq!(table.labels(numbers[7]).unwrap().get("host"), Some("7"));
        assert_eq!(table.number(b"k7", || unreachable!()), Ok(numbers[7]));
        assert_eq!(table.family(0).unwrap().name, "cpu");
    }

    #[test]
    fn a_refused_key_is_asked_again() {
        let mut table = SeriesTable::default();
        let refusal = Refusal::new(RefusalKind::Name, "no name");
        assert_eq!(table.number(b"k", || Err(refusal.clone())), Err(refusal));
        assert_eq!(table.number(b"k", || Ok(described("a"))), Ok(0));
    }
}
