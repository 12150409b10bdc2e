//! The series that a recording speaks of, each once.
//!
//! What makes it fast: a parser looks a series up by the bytes that stand for it in the payload (`cpu,host=a`
//! and the field's name), and only the first such line is taken apart, sanitised and checked.

use super::Refusal;
use super::groups::Groups;
use super::interner::Interner;
use crate::model::{Labels, MetricType, Millis};
use hashbrown::HashTable;
use rustc_hash::FxHasher;
use std::hash::{Hash, Hasher};

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
    keys: Interner,
    /// Which series each key stands for.
    keyed: Vec<u32>,
    groups: Groups,
    by_labels: HashTable<u32>,
    series: Vec<(Labels, u32)>,
    families: Vec<Family>,
    by_family: Interner,
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
        if let Some(series) = self.find(key) {
            return Ok(series);
        }
        let series = self.add(describe()?);
        self.keys.intern(key);
        self.keyed.push(series);
        Ok(series)
    }

    /// The number of the series that `key` stands for, if the key is known.
    pub fn find(&self, key: &[u8]) -> Option<u32> {
        self.keyed.get(self.keys.find(key)? as usize).copied()
    }

    /// The number of a series by its labels.
    pub fn add(&mut self, described: Described) -> u32 {
        let family = self.tell(described.family);
        let hash = hash(&described.labels);
        let same = |at: &u32| self.labels(*at) == Some(&described.labels);
        if let Some(series) = self.by_labels.find(hash, same).copied() {
            if let Some(known) = self.series.get_mut(series as usize) {
                known.1 = family;
            }
            return series;
        }
        let series = self.series.len() as u32;
        self.series.push((described.labels, family));
        let labels = |at: &u32| self.series.get(*at as usize).map(|(labels, _)| labels);
        self.by_labels.insert_unique(hash, series, |at| labels(at).map_or(0, self::hash));
        series
    }

    /// Says the metadata of a metric family, for all of its series. As in the target, what was said last counts.
    /// Returns the family's number in [`SeriesTable::families`].
    pub fn tell(&mut self, family: Family) -> u32 {
        let (number, new) = self.by_family.intern(family.name.as_bytes());
        if new {
            self.families.push(family);
        } else if let Some(known) = self.families.get_mut(number as usize) {
            *known = family;
        }
        number
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

    /// All metric families, each name once, in the order of their first series.
    pub fn families(&self) -> &[Family] {
        &self.families
    }

    /// How many series there are.
    pub fn len(&self) -> usize {
        self.series.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.series.is_empty()
    }

    /// Series by two keys, for lines that hold several series of one label set.
    pub(super) fn groups(&self) -> &Groups {
        &self.groups
    }

    /// As [`SeriesTable::groups`], to add to them.
    pub(super) fn groups_mut(&mut self) -> &mut Groups {
        &mut self.groups
    }
}

fn hash(labels: &Labels) -> u64 {
    let mut hasher = FxHasher::default();
    labels.hash(&mut hasher);
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
    fn what_was_said_last_of_a_metric_counts_for_all_its_series() {
        let mut table = SeriesTable::default();
        let series: Vec<u32> = ["a", "b"].map(|host| table.add(described(host))).to_vec();
        table.tell(Family { kind: MetricType::Counter, ..described("a").family });
        assert!(series.iter().all(|one| table.family(*one).unwrap().kind == MetricType::Counter));
        assert_eq!(table.add(described("c")), 2);
        assert_eq!(table.family(0).unwrap().kind, MetricType::Gauge);
        assert_eq!(table.families().len(), 1);
    }

    #[test]
    fn a_refused_key_is_asked_again() {
        let mut table = SeriesTable::default();
        let refusal = Refusal::new(RefusalKind::Name, "no name");
        assert_eq!(table.number(b"k", || Err(refusal.clone())), Err(refusal));
        assert_eq!(table.number(b"k", || Ok(described("a"))), Ok(0));
    }
}
