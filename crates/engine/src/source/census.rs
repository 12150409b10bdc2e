//! Counting what an answer holds as it arrives, without holding it.

use super::counts::Counts;
use crate::port::Intake;
use crate::wire::prom_chunks::Mark;
use crate::wire::prom_read::SlabData;
use std::collections::{BTreeMap, BTreeSet};

/// Series that are told apart exactly; beyond, their number is estimated to about 1 %.
const EXACT: usize = 16_384;
/// Labels that are counted by value at most.
const MOST_LABELS: usize = 64;

/// What was counted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Census {
    /// Samples and histograms.
    pub rows: u64,
    /// Native histograms among them.
    pub histograms: u64,
    /// Smallest hashes of series: how densely they lie tells how many there are.
    hashes: BTreeSet<u64>,
    /// Series by label and value, where that was asked for.
    pub labels: Option<BTreeMap<String, Counts>>,
    /// Pieces of series counted by value.
    pub pieces: u64,
    /// A sample that was there.
    pub mark: Option<Mark>,
}

impl Census {
    /// A census that counts series by their labels' values, too.
    pub fn with_labels() -> Self {
        Self { labels: Some(BTreeMap::new()), ..Self::default() }
    }

    /// Counts what an answer, or a part of one, holds.
    pub fn add(&mut self, data: &SlabData) {
        self.rows += data.sample_count() + data.histogram_count();
        self.histograms += data.histogram_count();
        if self.mark.is_none() {
            self.mark = Mark::of(data);
        }
        for series in data.raw_series() {
            let identity = series.identity();
            self.see((identity ^ (identity >> 64)) as u64);
            let Some(labels) = &mut self.labels else { continue };
            self.pieces += 1;
            for (name, value) in series.labels().iter() {
                if labels.len() < MOST_LABELS || labels.contains_key(name) {
                    labels.entry(name.to_owned()).or_default().add(value, 1);
                }
            }
        }
    }

    fn see(&mut self, hash: u64) {
        if self.hashes.len() < EXACT {
            self.hashes.insert(hash);
        } else if self.hashes.last().is_some_and(|last| hash < *last) && self.hashes.insert(hash) {
            self.hashes.pop_last();
        }
    }

    /// How many different series there were.
    pub fn series(&self) -> u64 {
        match self.hashes.last() {
            Some(last) if self.hashes.len() >= EXACT => {
                // The k-th smallest of n hashes lies at about k/n of all there are.
                ((EXACT as f64 - 1.0) * (u64::MAX as f64 / (*last as f64).max(1.0))) as u64
            }
            _ => self.hashes.len() as u64,
        }
    }

    /// Adds another one's counts.
    pub fn merge(&mut self, other: Census) {
        self.rows += other.rows;
        self.histograms += other.histograms;
        self.pieces = self.pieces.max(other.pieces);
        other.hashes.into_iter().for_each(|hash| self.see(hash));
        if let (Some(own), Some(labels)) = (&mut self.labels, other.labels) {
            for (name, counts) in labels {
                own.entry(name).or_default().at_least(counts);
            }
        }
    }
}

/// What reads an answer as it arrives and can give away what it has.
pub(crate) trait Reading {
    /// Takes the next piece of the body.
    fn feed(&mut self, bytes: &[u8]) -> crate::Result<()>;
    /// What has been read since the last time.
    fn take(&mut self) -> SlabData;
    /// Ends the body, and gives what is left.
    fn finish(self: Box<Self>) -> crate::Result<SlabData>;
}

/// Counts an answer under way.
pub(crate) struct Counting {
    reading: Box<dyn Reading>,
    census: Census,
}

impl Counting {
    /// Counts what `reading` reads; by labels, too, if asked for.
    pub fn new(reading: Box<dyn Reading>, labels: bool) -> Self {
        Self { reading, census: if labels { Census::with_labels() } else { Census::default() } }
    }
}

impl Intake<Census> for Counting {
    fn feed(&mut self, bytes: &[u8]) -> crate::Result<()> {
        self.reading.feed(bytes)?;
        self.census.add(&self.reading.take());
        Ok(())
    }

    fn finish(self: Box<Self>) -> crate::Result<Census> {
        let Self { reading, mut census } = *self;
        census.add(&reading.finish()?);
        Ok(census)
    }
}

#[cfg(test)]
mod tests {
    use super::{Census, EXACT};
    use crate::model::{Labels, Sample, Series};
    use crate::wire::prom_read::SlabData;

    fn data(from: usize, to: usize) -> SlabData {
        let series: Vec<Series> = (from..to)
            .map(|at| Series {
                labels: Labels::from_pairs([("__name__", "m".to_owned()), ("i", at.to_string())]),
                samples: vec![Sample { timestamp: 1, value: 1.0 }],
                ..Series::default()
            })
            .collect();
        SlabData::from_series(&series)
    }

    #[test]
    fn few_series_are_counted_and_many_estimated() {
        let mut census = Census::with_labels();
        census.add(&data(0, 1_000));
        census.add(&data(500, 1_500));
        assert_eq!((census.series(), census.rows), (1_500, 2_000));
        let labels = census.labels.as_ref().unwrap();
        assert_eq!(labels["__name__"].total(), 2_000);
        let mut many = Census::default();
        many.add(&data(0, 50_000));
        many.add(&data(20_000, 80_000));
        let off = (many.series() as f64 - 80_000.0).abs() / 80_000.0;
        assert!(off < 0.03, "{}", many.series());
        assert_eq!(many.hashes.len(), EXACT);
    }

    #[test]
    fn several_counts_become_one() {
        let mut one = Census::default();
        one.add(&data(0, 10));
        let mut other = Census::default();
        other.add(&data(5, 20));
        one.merge(other);
        assert_eq!((one.series(), one.rows), (20, 25));
    }
}
