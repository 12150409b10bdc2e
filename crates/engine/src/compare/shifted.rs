//! Series whose rows are all at another time at the target.
//!
//! Where the window holds both, the rows and where they went, [`Evidence::shift_ms`] proves it, and there is one
//! finding. Where the window cuts one of them off, only the rows at its ends can be held against each other: then
//! the findings stay what they are row by row, and the shift is their probable cause.

use super::evidence::Evidence;
use super::findings::{Class, Of, Spot, Tally};
use crate::model::Millis;
use crate::report::FindingKind;

/// Rows that are looked at, of each side at each end.
const LOOKED_AT: usize = 16;
/// Fewest rows, and fewest different values among them, that are no coincidence.
const ENOUGH: usize = 8;

/// The first and the last differing samples of both sides; values as bits.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Ends {
    source: Side,
    target: Side,
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Side {
    first: Vec<(Millis, u64)>,
    last: Vec<(Millis, u64)>,
}

impl Side {
    /// Rows come in time order.
    fn add(&mut self, at: Millis, value: f64) {
        let row = (at, value.to_bits());
        if self.first.len() < LOOKED_AT {
            self.first.push(row);
        }
        if self.last.len() >= LOOKED_AT {
            self.last.remove(0);
        }
        self.last.push(row);
    }

    fn merge(&mut self, other: Self) {
        for (own, more) in [(&mut self.first, other.first), (&mut self.last, other.last)] {
            own.extend(more);
            crate::order::sort(own);
        }
        self.first.truncate(LOOKED_AT);
        let older = self.last.len().saturating_sub(LOOKED_AT);
        self.last.drain(..older);
    }
}

impl Ends {
    /// A sample that the target does not have so.
    pub fn of_source(&mut self, at: Millis, value: f64) {
        self.source.add(at, value);
    }

    /// A sample that the source does not have so.
    pub fn of_target(&mut self, at: Millis, value: f64) {
        self.target.add(at, value);
    }

    /// Adds what another slab showed.
    pub fn merge(&mut self, other: Self) {
        self.source.merge(other.source);
        self.target.merge(other.target);
    }

    /// By how many ms the target's rows seem to be later, or earlier when it is negative.
    pub fn shift_ms(&self) -> Option<i64> {
        let late = alike(self.source.first.iter().zip(&self.target.first));
        let early = || alike(self.source.last.iter().rev().zip(self.target.last.iter().rev()));
        late.filter(|shift| *shift > 0).or_else(|| early().filter(|shift| *shift < 0))
    }
}

/// The one distance between the rows of all pairs, if they are enough and hold the same values.
fn alike<'a>(pairs: impl Iterator<Item = (&'a (Millis, u64), &'a (Millis, u64))>) -> Option<i64> {
    let mut shift = None;
    let mut values = Vec::new();
    for ((at, value), (other_at, other)) in pairs {
        let apart = other_at.checked_sub(*at)?;
        if value != other || *shift.get_or_insert(apart) != apart {
            return None;
        }
        values.push(*value);
    }
    crate::order::sort(&mut values);
    values.dedup();
    shift.filter(|_| values.len() >= ENOUGH)
}

/// The one finding: what is missing, extra or different in such a series is the same rows at other times.
pub(super) fn series(tally: Tally, known: &Evidence, shift_ms: i64) -> Vec<(Class, Spot, String)> {
    let mut all: Option<(Of, Spot)> = None;
    for (class, spot) in tally.into_spots() {
        // What the target has too many are the rows that the source has elsewhere: times are the source's.
        if matches!(class.kind, FindingKind::ExtraSamples | FindingKind::ExtraHistograms) {
            continue;
        }
        match &mut all {
            None => all = Some((class.of, spot)),
            Some((_, known)) => known.merge(spot),
        }
    }
    let Some((of, mut spot)) = all else { return Vec::new() };
    spot.count = known.source.count;
    spot.shift_ms = Some(shift_ms);
    // The same value, where it is now; what the target has at the source's time is another row.
    spot.target.clone_from(&spot.source);
    let (samples, histograms) = (known.source_samples(), known.source_histograms());
    let rows = match (samples, histograms) {
        (_, 0) => Of::Samples.count(samples),
        (0, _) => Of::Histograms.count(histograms),
        _ => format!("{} and {}", Of::Samples.count(samples), Of::Histograms.count(histograms)),
    };
    vec![(Class::new(FindingKind::TimestampShifted, of), spot, rows)]
}

#[cfg(test)]
mod tests {
    use super::Ends;

    fn ends(source: &[(i64, f64)], target: &[(i64, f64)]) -> Option<i64> {
        let (mut one, mut two) = (Ends::default(), Ends::default());
        for (at, (time, value)) in source.iter().enumerate() {
            if at < 10 { &mut one } else { &mut two }.of_source(*time, *value);
        }
        for (at, (time, value)) in target.iter().enumerate() {
            if at < 10 { &mut one } else { &mut two }.of_target(*time, *value);
        }
        two.merge(one);
        two.shift_ms()
    }

    fn rows(from: i64, to: i64, shift: i64) -> Vec<(i64, f64)> {
        (from..to).map(|at| (at * 15 + shift, at as f64)).collect()
    }

    #[test]
    fn a_window_that_cuts_the_shifted_rows_off_still_shows_the_shift() {
        assert_eq!(ends(&rows(0, 100, 0), &rows(0, 60, 600)), Some(600));
        assert_eq!(ends(&rows(0, 100, 0), &rows(40, 100, -600)), Some(-600));
    }

    #[test]
    fn other_rows_show_none() {
        let still =
            |from: i64, shift: i64| (from..from + 50).map(|at| (at * 15 + shift, 1.0)).collect::<Vec<_>>();
        assert_eq!(ends(&still(0, 0), &still(0, 600)), None, "a gauge that stands still");
        assert_eq!(ends(&rows(0, 100, 0), &rows(1, 100, 600)), None);
        assert_eq!(ends(&rows(0, 5, 0), &rows(0, 5, 600)), None, "too few");
        assert_eq!(ends(&[], &[]), None);
    }
}
