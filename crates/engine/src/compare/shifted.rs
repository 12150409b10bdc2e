//! The finding of a series whose differing rows are all at another time at the target.

use super::evidence::Evidence;
use super::findings::{Class, Of, Spot, Tally};
use crate::report::FindingKind;

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
