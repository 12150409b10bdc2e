//! How far the target's newest rows are behind the source's.

use crate::error::{ErrorKind, Result, Side};
use crate::model::{Millis, Window};
use crate::report::Freshness;
use crate::run::context::Run;
use crate::run::event::NoticeLevel;
use crate::run::reading::Piece;
use crate::selector::Selector;
use futures_util::join;
use futures_util::stream::{self, StreamExt, TryStreamExt};

/// What is read first, from the end of the window, in ms: several scrapes of any usual source.
const FIRST_MS: i64 = 5 * 60_000;
/// How much longer the next part is when one held nothing: in all, no more rows are read than four times the gap holds.
const GROWTH: i64 = 4;
/// Selectors looked at together.
const AT_ONCE: usize = 2;

/// The newest rows of a selector, and how often the source has one.
#[derive(Clone, Debug, Default)]
pub(super) struct Newest {
    pub row: Freshness,
    /// Time between two rows of one source series, in ms.
    pub interval_ms: Option<i64>,
    /// Why a side could not be read; empty when it could.
    pub failed: String,
}

impl Run {
    /// The newest rows of both sides inside the window, per selector.
    ///
    /// # Errors
    /// When the operator cancels. A side that cannot be read is told in the row.
    pub(super) async fn newest(&self) -> Result<Vec<Newest>> {
        stream::iter(&self.plan.selectors)
            .map(|selector| self.newest_of(selector))
            .buffered(AT_ONCE)
            .try_collect()
            .await
    }

    async fn newest_of(&self, selector: &Selector) -> Result<Newest> {
        let (source, target) =
            join!(self.last_row(selector, Side::Source), self.last_row(selector, Side::Target));
        let mut newest = Newest {
            row: Freshness { selector: selector.text.clone(), ..Freshness::default() },
            ..Newest::default()
        };
        for (side, found) in [(Side::Source, source), (Side::Target, target)] {
            match (side, found) {
                (Side::Source, Ok(found)) => {
                    newest.row.source_newest_ms = found.map(|found| found.at);
                    newest.interval_ms = found.and_then(|found| found.interval_ms);
                }
                (Side::Target, Ok(found)) => newest.row.target_newest_ms = found.map(|found| found.at),
                (_, Err(error)) if error.kind == ErrorKind::Cancelled => return Err(error),
                (_, Err(error)) => {
                    self.notice_error(NoticeLevel::Warn, &error);
                    newest.failed = format!("the {side} could not be read: {}", error.message);
                }
            }
        }
        newest.row.lag_ms = newest
            .row
            .source_newest_ms
            .zip(newest.row.target_newest_ms)
            .map(|(source, target)| source - target);
        Ok(newest)
    }

    /// The last row of a side, looked for from the window's end back.
    async fn last_row(&self, selector: &Selector, side: Side) -> Result<Option<LastRow>> {
        let (mut end, mut length) = (self.window.end_ms, FIRST_MS);
        loop {
            let start = end.saturating_sub(length - 1).max(self.window.start_ms);
            let part = Window { start_ms: start, end_ms: end };
            let mut found: Option<LastRow> = None;
            self.each_of(side, selector, part, |piece| {
                let newer = last(vec![piece], part);
                if newer.is_some_and(|newer| found.is_none_or(|found| newer.at >= found.at)) {
                    found = newer;
                }
            })
            .await?;
            if found.is_some() || start <= self.window.start_ms {
                return Ok(found);
            }
            (end, length) = (start - 1, length.saturating_mul(GROWTH));
        }
    }
}

#[derive(Clone, Copy)]
struct LastRow {
    at: Millis,
    interval_ms: Option<i64>,
}

/// The last row inside the part, and the last gap of the series that has it.
fn last(pieces: Vec<Piece>, part: Window) -> Option<LastRow> {
    let mut best: Option<LastRow> = None;
    for series in pieces.iter().flat_map(|(_, data)| data.raw_series()) {
        let series = series.decode();
        let mut times: Vec<Millis> = series
            .samples
            .iter()
            .map(|sample| sample.timestamp)
            .chain(series.histograms.iter().map(|histogram| histogram.timestamp))
            .filter(|at| part.contains(*at))
            .collect();
        crate::order::sort(&mut times);
        times.dedup();
        let Some(at) = times.pop() else { continue };
        let interval_ms = times.pop().map(|before| at - before);
        if best.is_none_or(|best| (at, best.interval_ms.is_none()) > (best.at, interval_ms.is_none())) {
            best = Some(LastRow { at, interval_ms });
        }
    }
    best
}
