//! How much there is: small reads at the window's start, middle and end, scaled to the window.

use super::apart::apart;
use super::context::Run;
use super::preflight::note;
use crate::error::{ErrorKind, Result};
use crate::model::Window;
use crate::report::{Estimate, Level, Note, SelectorEstimate};
use crate::selector::Selector;
use crate::source::Census;
use futures_util::FutureExt;
use futures_util::future::try_join_all;
use futures_util::stream::{self, StreamExt};

/// Probe lengths in ms, short to long: a longer one only where the shorter found little, so that a wide
/// selector is never read at length and a slow scrape interval is still seen.
const PROBE_MS: [i64; 2] = [60_000, 900_000];
/// Rows in the short probes from which they are good enough.
const ENOUGH_ROWS: u64 = 2_000;
/// Selectors looked at together, each by up to three requests.
const SELECTORS_AT_ONCE: usize = 2;
/// Rows a second that a target takes, for the first guess of the duration: what one tsink 0.10.2 on two
/// cores took from a sender that shares them.
const ROWS_PER_SECOND: u64 = 400_000;

/// Expected duration of a backfill, in ms.
pub(super) fn duration_ms(rows: u64) -> u64 {
    (rows * 1000 / ROWS_PER_SECOND).max(1_000)
}

/// Whether any selector was seen to hold native histograms.
pub(super) fn has_histograms(estimate: Option<&Estimate>) -> bool {
    estimate.is_some_and(|all| all.selectors.iter().any(|one| one.has_histograms))
}

/// Parts of the window to look at: all of it when it is short.
fn probes(window: Window, length: i64) -> Vec<Window> {
    if window.len_ms() <= 3 * length {
        return vec![window];
    }
    let middle = window.start_ms + window.len_ms() / 2;
    [window.start_ms, middle - length / 2, window.end_ms - length + 1]
        .into_iter()
        .map(|start_ms| Window { start_ms, end_ms: start_ms + length - 1 })
        .collect()
}

/// Scales what was seen in `seen_ms` of time to the whole window.
fn scale(rows: u64, seen_ms: i64, window: Window) -> u64 {
    (rows as f64 * window.len_ms() as f64 / seen_ms.max(1) as f64).round() as u64
}

impl Run {
    /// Estimates every selector; `None` when the source could not be read.
    pub(super) async fn estimate(&self, notes: &mut Vec<Note>) -> Option<Estimate> {
        let mut estimate = Estimate::default();
        let estimates = stream::iter(&self.plan.selectors)
            .map(|selector| apart(self.estimate_selector(selector)).map(move |one| (selector, one)));
        let mut estimates = estimates.buffered(SELECTORS_AT_ONCE);
        while let Some((selector, one)) = estimates.next().await {
            match one {
                Ok(one) => {
                    if one.rows == 0 {
                        notes.push(note(
                            Level::Warn,
                            "nothing_found",
                            format!(
                                "{}: nothing was found at the window's start, middle and end.",
                                selector.text
                            ),
                            "Check the selector and the window; sparse series may still turn up.",
                        ));
                    }
                    estimate.series += one.series;
                    estimate.rows += one.rows;
                    estimate.selectors.push(one);
                }
                Err(error) => {
                    if error.kind != ErrorKind::Cancelled {
                        notes.push(note(
                            Level::Warn,
                            "no_estimate",
                            format!(
                                "{}: the amount of data could not be estimated: {}.",
                                selector.text, error.message
                            ),
                            &error.remedy,
                        ));
                    }
                    return None;
                }
            }
        }
        estimate.duration_ms = duration_ms(estimate.rows);
        Some(estimate)
    }

    async fn estimate_selector(&self, selector: &Selector) -> Result<SelectorEstimate> {
        let mut best =
            SelectorEstimate { selector: selector.text.clone(), series: 0, rows: 0, has_histograms: false };
        for length in PROBE_MS {
            let probes = probes(self.window, length);
            let counted =
                try_join_all(probes.iter().map(|probe| self.census(selector, *probe, false))).await?;
            let seen_ms = probes.iter().map(Window::len_ms).sum();
            let mut seen = Census::default();
            counted.into_iter().for_each(|census| seen.merge(census));
            best.series = seen.series();
            best.rows = scale(seen.rows, seen_ms, self.window);
            best.has_histograms |= seen.histograms > 0;
            if seen.rows >= ENOUGH_ROWS || seen_ms >= self.window.len_ms() {
                break;
            }
        }
        Ok(best)
    }
}

#[cfg(test)]
mod tests {
    use super::{probes, scale};
    use crate::model::Window;

    #[test]
    fn probes_lie_inside_the_window_and_do_not_overlap() {
        let day = Window { start_ms: 1_000, end_ms: 1_000 + 86_400_000 - 1 };
        let cut = probes(day, 60_000);
        assert_eq!(cut.len(), 3);
        assert!(
            cut.iter()
                .all(|one| day.contains(one.start_ms) && day.contains(one.end_ms) && one.len_ms() == 60_000)
        );
        assert!(cut.windows(2).all(|pair| pair[0].end_ms < pair[1].start_ms));
        let short = Window { start_ms: 0, end_ms: 120_000 };
        assert_eq!(probes(short, 60_000), vec![short]);
    }

    #[test]
    fn a_steady_rate_scales_to_the_window() {
        let day = Window { start_ms: 0, end_ms: 86_399_999 };
        assert_eq!(scale(12_000, 180_000, day), 5_760_000);
    }
}
