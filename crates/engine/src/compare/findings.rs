//! Differences while they are counted: per series and kind how many, where first, where last.

use super::grid::{Cells, Columns, Grid};
use super::shifted::Ends;
use crate::model::{Labels, Millis, Window};
use crate::report::words::count_of;
use crate::report::{Excerpt, FindingKind};
use std::collections::BTreeMap;

/// What kind of row a difference concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Of {
    /// Float samples.
    Samples,
    /// Native histograms.
    Histograms,
    /// Exemplars.
    Exemplars,
}

impl Of {
    /// `1 sample`, `1,234 samples`.
    pub fn count(self, count: u64) -> String {
        match self {
            Self::Samples => count_of(count, "sample", "samples"),
            Self::Histograms => count_of(count, "native histogram", "native histograms"),
            Self::Exemplars => count_of(count, "exemplar", "exemplars"),
        }
    }
}

/// A kind of difference of a kind of row; a series has at most one finding of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Class {
    /// What differs.
    pub kind: FindingKind,
    /// In which rows; only [`FindingKind::DuplicateTimestamp`] comes with more than one.
    pub of: Of,
}

impl Class {
    pub fn new(kind: FindingKind, of: Of) -> Self {
        Self { kind, of }
    }

    /// A bit of its own, below 24, for the compact state of a series.
    pub fn bit(self) -> u32 {
        let shift = match self {
            Self { kind: FindingKind::DuplicateTimestamp, of: Of::Histograms } => 23,
            Self { kind, .. } => kind as u32,
        };
        1 << shift
    }
}

/// Where a class of differences in one series was seen.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Spot {
    /// How many rows.
    pub count: u64,
    /// First ms.
    pub first_ms: Millis,
    /// Last ms.
    pub last_ms: Millis,
    /// The source's value at `first_ms`.
    pub source: Option<String>,
    /// The target's value at `first_ms`.
    pub target: Option<String>,
    /// What differs at `first_ms`, where the class does not say it (a histogram's field).
    pub place: String,
    /// How many of `count` are staleness markers.
    pub stale: u64,
    /// How many of `count` lie on the first or last ms of the window that was asked for.
    pub at_edge: u64,
    /// Largest difference as a fraction of the source's value.
    pub largest_relative: Option<f64>,
    /// Largest difference.
    pub largest_absolute: Option<f64>,
    /// Target's time minus the source's, where all of them are shifted alike.
    pub shift_ms: Option<i64>,
    /// Both sides around `first_ms`; made for what is listed only.
    pub excerpt: Option<Excerpt>,
    /// Fields concerned, see [`super::histograms::Field`].
    pub fields: u16,
}

impl Spot {
    /// Adds what another part of the same series showed.
    pub fn merge(&mut self, other: Self) {
        self.count += other.count;
        self.last_ms = self.last_ms.max(other.last_ms);
        self.stale += other.stale;
        self.at_edge += other.at_edge;
        self.fields |= other.fields;
        self.largest_relative = larger(self.largest_relative, other.largest_relative);
        self.largest_absolute = larger(self.largest_absolute, other.largest_absolute);
        if self.shift_ms != other.shift_ms {
            self.shift_ms = None;
        }
        if other.first_ms < self.first_ms {
            self.first_ms = other.first_ms;
            self.source = other.source;
            self.target = other.target;
            self.place = other.place;
            self.excerpt = other.excerpt;
        }
    }

    /// Takes a difference into the largest ones.
    pub fn delta(&mut self, absolute: Option<f64>, relative: Option<f64>) {
        self.largest_absolute = larger(self.largest_absolute, absolute);
        self.largest_relative = larger(self.largest_relative, relative);
    }
}

fn larger(one: Option<f64>, other: Option<f64>) -> Option<f64> {
    match (one, other) {
        (Some(a), Some(b)) => Some(a.max(b)),
        (one, none) => one.or(none),
    }
}

/// Columns of the coverage map in which rows are missing, extra or different.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Marks {
    pub missing: Columns,
    pub extra: Columns,
    pub differs: Columns,
}

impl Marks {
    pub fn merge(&mut self, other: &Self) {
        self.missing |= other.missing;
        self.extra |= other.extra;
        self.differs |= other.differs;
    }
}

/// All differences of one series.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Tally {
    spots: BTreeMap<Class, Spot>,
    grid: Grid,
    /// Where in the coverage map.
    pub marks: Marks,
    /// Which parts of the window.
    pub cells: Cells,
    /// The first and last samples that differ.
    pub ends: Ends,
}

impl Tally {
    /// An empty tally that notes where in a window differences are.
    pub fn on(grid: Grid) -> Self {
        Self { grid, ..Self::default() }
    }

    /// Counts `count` rows at one time; rows come in time order. `first` gives source value, target value and
    /// place, and is asked only for the first of the class.
    pub fn add(
        &mut self,
        class: Class,
        at: Millis,
        count: u64,
        window: Window,
        first: impl FnOnce() -> (Option<String>, Option<String>, String),
    ) -> &mut Spot {
        let column = self.grid.column(at);
        match class.kind {
            FindingKind::MissingSamples | FindingKind::MissingHistograms => self.marks.missing |= column,
            FindingKind::ExtraSamples | FindingKind::ExtraHistograms => self.marks.extra |= column,
            _ => self.marks.differs |= column,
        }
        self.grid.mark(&mut self.cells, at);
        let spot = self.spots.entry(class).or_insert_with(|| {
            let (source, target, place) = first();
            Spot {
                count: 0,
                first_ms: at,
                last_ms: at,
                source,
                target,
                place,
                stale: 0,
                at_edge: 0,
                largest_relative: None,
                largest_absolute: None,
                shift_ms: None,
                excerpt: None,
                fields: 0,
            }
        });
        spot.count += count;
        spot.last_ms = spot.last_ms.max(at);
        if at == window.start_ms || at == window.end_ms {
            spot.at_edge += count;
        }
        spot
    }

    /// Rows of one class.
    pub fn count(&self, kind: FindingKind, of: Of) -> u64 {
        self.spots.get(&Class::new(kind, of)).map_or(0, |spot| spot.count)
    }

    /// The newest time at which something differs.
    pub fn last_ms(&self) -> Option<Millis> {
        self.spots.values().map(|spot| spot.last_ms).max()
    }

    /// Whether nothing differs.
    pub fn is_empty(&self) -> bool {
        self.spots.is_empty()
    }

    /// The bits of all classes, see [`Class::bit`].
    pub fn bits(&self) -> u32 {
        self.spots.keys().fold(0, |bits, class| bits | class.bit())
    }

    /// Classes and spots, ordered by class.
    pub fn into_spots(self) -> BTreeMap<Class, Spot> {
        self.spots
    }

    /// Every class with its spot.
    pub fn spots_mut(&mut self) -> impl Iterator<Item = (Class, &mut Spot)> {
        self.spots.iter_mut().map(|(class, spot)| (*class, spot))
    }

    fn merge(&mut self, other: Self) {
        self.ends.merge(other.ends);
        for (class, spot) in other.spots {
            match self.spots.entry(class) {
                std::collections::btree_map::Entry::Occupied(mut known) => known.get_mut().merge(spot),
                std::collections::btree_map::Entry::Vacant(free) => {
                    free.insert(spot);
                }
            }
        }
    }
}

/// What is known of a series that will be listed.
pub(super) struct Known<'a>(Option<&'a Tally>);

impl Known<'_> {
    /// Whether nothing of this class is known so early.
    pub fn is_first(&self, class: Class, at: Millis) -> bool {
        self.0.and_then(|tally| tally.spots.get(&class)).is_none_or(|spot| at < spot.first_ms)
    }
}

/// The details that a report will list: those of the first so many series in label order. Which ones stay
/// does not depend on the order of arrival: a series that was pushed out once has enough smaller ones before
/// it for good, and a series that is still here at the end was never pushed out, so its details are whole.
#[derive(Debug)]
pub(super) struct Details {
    cap: usize,
    series: BTreeMap<Labels, Tally>,
}

impl Details {
    pub fn new(cap: usize) -> Self {
        Self { cap, series: BTreeMap::new() }
    }

    /// Whether the details of a series would be listed as things stand; and the first time of a class that is
    /// known of it.
    pub fn wants(&self, labels: &Labels) -> Option<Known<'_>> {
        let known = self.series.get(labels);
        let full = self.series.len() >= self.cap;
        let beyond = || full && self.series.last_key_value().is_none_or(|(last, _)| labels > last);
        (known.is_some() || !beyond()).then_some(Known(known))
    }

    /// Adds what was found in a part of a series.
    pub fn add(&mut self, labels: &Labels, tally: Tally) {
        if let Some(known) = self.series.get_mut(labels) {
            known.merge(tally);
            return;
        }
        let full = self.series.len() >= self.cap;
        if full && self.series.last_key_value().is_none_or(|(last, _)| labels > last) {
            return;
        }
        self.series.insert(labels.clone(), tally);
        if full {
            self.series.pop_last();
        }
    }

    /// Series in label order.
    pub fn into_series(self) -> impl Iterator<Item = (Labels, Tally)> {
        self.series.into_iter()
    }
}
