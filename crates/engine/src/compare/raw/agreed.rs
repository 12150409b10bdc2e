//! What is to be kept of a slab that both sides have alike, so that it need not be compared again.

use super::{AT_SOURCE, AT_TARGET, BOTH, RawComparison, SlabOutcome, State, hash};
use crate::compare::grid::Columns;
use crate::model::{Labels, Millis};

/// A series was given to whoever keeps such things.
const KEPT: u32 = 1 << 29;

/// A slab that agrees.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Agreed {
    /// Samples of source and target, histograms of source and target.
    pub counts: [u64; 4],
    /// Its series; after [`RawComparison::keep`] those that were not kept before.
    pub series: Vec<u64>,
    /// Columns of the coverage map in which it has rows.
    pub present: Columns,
    /// Whether every series known so far has rows in all these columns.
    pub full: bool,
    /// Series of the coverage map, and the columns in which they have rows.
    pub mapped: Vec<(Vec<(String, String)>, Columns)>,
    /// A row that both sides have.
    pub witness: Option<(Labels, Millis)>,
}

/// What is noted of a slab while it is compared.
#[derive(Debug, Default)]
pub(super) struct Notes {
    agreed: Agreed,
    columns: Vec<Columns>,
}

impl Notes {
    /// Takes a series with its columns; `at` is the time of a row, `mapped` whether the coverage map shows it.
    #[inline(never)]
    pub fn series(&mut self, key: u64, labels: &Labels, columns: Columns, at: Option<Millis>, mapped: bool) {
        self.agreed.series.push(key);
        self.columns.push(columns);
        self.agreed.present |= columns;
        if mapped {
            self.agreed.mapped.push((pairs(labels), columns));
        }
        if self.agreed.witness.is_none()
            && let Some(at) = at
        {
            self.agreed.witness = Some((labels.clone(), at));
        }
    }
}

fn pairs(labels: &Labels) -> Vec<(String, String)> {
    labels.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

impl RawComparison {
    /// What is to be kept of a slab if it agrees, which `compare` compares by [`Self::slab`].
    pub(crate) fn noted(&mut self, compare: impl FnOnce(&mut Self) -> SlabOutcome) -> (SlabOutcome, Agreed) {
        let before = self.sums();
        self.notes = Some(Notes::default());
        let outcome = compare(self);
        let Notes { mut agreed, columns } = self.notes.take().unwrap_or_default();
        for (count, (after, before)) in agreed.counts.iter_mut().zip(self.sums().into_iter().zip(before)) {
            *count = after - before;
        }
        agreed.full = columns.len() == self.states.len() && columns.iter().all(|one| *one == agreed.present);
        (outcome, agreed)
    }

    fn sums(&self) -> [u64; 4] {
        let counts = &self.counts;
        [counts.source_samples, counts.target_samples, counts.source_histograms, counts.target_histograms]
    }

    /// Series of a slab that are kept for the first time.
    pub(crate) fn keep(&mut self, agreed: &Agreed) -> Vec<u64> {
        let mut new = Vec::new();
        for key in &agreed.series {
            if let Some(state) = self.states.get_mut(key).filter(|state| state.flags & KEPT == 0) {
                state.flags |= KEPT;
                new.push(*key);
            }
        }
        new
    }

    /// Takes a slab that agreed in an earlier run. Slabs come in the order in which they were kept.
    pub(crate) fn restore(&mut self, agreed: &Agreed) {
        let counts = &mut self.counts;
        let [source_samples, target_samples, source_histograms, target_histograms] = agreed.counts;
        counts.source_samples += source_samples;
        counts.target_samples += target_samples;
        counts.source_histograms += source_histograms;
        counts.target_histograms += target_histograms;
        self.map.add_present(agreed.present);
        for key in &agreed.series {
            self.states.entry(*key).or_default().flags |= AT_SOURCE | AT_TARGET | KEPT;
        }
        if agreed.full {
            self.states.values_mut().for_each(|state| state.present |= agreed.present);
        }
        for (pairs, columns) in &agreed.mapped {
            let labels = Labels::from_pairs(pairs.iter().map(|(name, value)| (&**name, &**value)));
            let state: &mut State = self.states.entry(hash(&labels)).or_default();
            state.flags |= BOTH;
            state.present |= columns;
            self.map.see(&labels);
        }
    }
}
