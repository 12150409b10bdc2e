//! Reading slabs from either side, in smaller pieces where one answer would be too large.

use super::context::Run;
use crate::error::{Error, ErrorKind, Result};
use crate::model::{Labels, Series, Window};
use crate::plan::{ExemplarCheck, ReadVia, SourceKind};
use crate::port::Call;
use crate::selector::Selector;
use crate::source::{Exemplars, prometheus, victoriametrics};
use crate::target::tsink;
use crate::wire::prom_read::SlabData;
use std::collections::BTreeMap;

/// What one request brought: the part of the window that was asked for, and its data.
pub(super) type Piece = (Window, SlabData);

/// Prometheus never lets a chunk go on over a multiple of two hours.
const CHUNK_RANGE_MS: i64 = 2 * 3_600_000;

/// Whether Prometheus (2.42) broke off because the window cuts a chunk that it cannot re-encode: a native
/// gauge histogram whose counts fall. Asking again does not help; a window that holds the chunk whole does.
pub(super) fn cannot_cut(error: &Error) -> bool {
    error.kind == ErrorKind::Protocol
        && [Some(&error.message), error.server_message.as_ref()]
            .into_iter()
            .flatten()
            .any(|words| words.contains("re-encoding"))
}

/// The window grown to where chunks begin and end.
fn whole_chunks(slab: Window) -> Window {
    let start_ms = slab.start_ms.div_euclid(CHUNK_RANGE_MS).saturating_mul(CHUNK_RANGE_MS);
    let end = slab.end_ms.div_euclid(CHUNK_RANGE_MS).saturating_add(1).saturating_mul(CHUNK_RANGE_MS);
    Window { start_ms, end_ms: end.saturating_sub(1) }
}

impl Run {
    /// Reads a slab from the source.
    pub async fn read_source(&self, selector: &Selector, slab: Window) -> Result<Vec<Piece>> {
        if self.plan.source.kind == SourceKind::VictoriaMetrics {
            return self
                .in_halves(selector, slab, async |window| {
                    self.stream(&victoriametrics::export(&self.plan, selector, window)).await
                })
                .await;
        }
        match self.plan.options.read_via {
            ReadVia::RemoteRead => self.remote_read(selector, slab).await,
            ReadVia::InstantQuery => {
                self.read_pieces(selector, slab, |window| {
                    prometheus::read_by_query(&self.plan, selector, window)
                })
                .await
            }
        }
    }

    /// Remote read in streamed chunks, which are smaller and faster, and the only form in which Prometheus
    /// before 2.44 gives native histograms; as samples from sources that do not speak them.
    async fn remote_read(&self, selector: &Selector, slab: Window) -> Result<Vec<Piece>> {
        if self.streamed.get() {
            let streamed = |window| Ok(prometheus::read_streamed(&self.plan, selector, window));
            match self.read_pieces(selector, slab, streamed).await {
                // tsink as a source answers so to anything but SAMPLES. If the query itself is at fault, the
                // next answer says the same.
                Err(error) if error.kind == ErrorKind::BadRequest => {}
                Err(error) if cannot_cut(&error) => {
                    let wide = whole_chunks(slab);
                    let pieces = self.read_pieces(selector, wide, streamed).await?;
                    // What lies outside the slab is left out, and counted, where the pieces are used.
                    return Ok(pieces.into_iter().map(|(_, data)| (slab, data)).collect());
                }
                other => return other,
            }
        }
        let pieces = self
            .read_pieces(selector, slab, |window| Ok(prometheus::read(&self.plan, selector, window)))
            .await?;
        self.streamed.set(false);
        Ok(pieces)
    }

    /// Reads a slab from the target.
    pub async fn read_target(&self, selector: &Selector, slab: Window) -> Result<Vec<Piece>> {
        self.read_pieces(selector, slab, |window| Ok(tsink::read(&self.plan, selector, window))).await
    }

    async fn read_pieces(
        &self,
        selector: &Selector,
        slab: Window,
        call: impl Fn(Window) -> Result<Call<SlabData>>,
    ) -> Result<Vec<Piece>> {
        self.in_halves(selector, slab, async |window| self.call(&call(window)?).await).await
    }

    /// Asks for the slab; when the answer is too large or takes too long, for its halves, and so on.
    async fn in_halves(
        &self,
        selector: &Selector,
        slab: Window,
        ask: impl AsyncFn(Window) -> Result<SlabData>,
    ) -> Result<Vec<Piece>> {
        let mut todo = vec![slab];
        let mut pieces = Vec::new();
        while let Some(window) = todo.pop() {
            match ask(window).await {
                Ok(data) => pieces.push((window, data)),
                Err(error)
                    if matches!(error.kind, ErrorKind::TooLarge | ErrorKind::Timeout)
                        && window.len_ms() > 1 =>
                {
                    // The later half first, so that the earlier one is read next.
                    todo.extend(window.split(2).into_iter().rev());
                }
                Err(error) => return Err(error.at(&selector.text, window)),
            }
        }
        Ok(pieces)
    }

    /// Reads the exemplars of a check from the source; `None` when the plan has no `exemplar_url` for it.
    pub async fn source_exemplars(&self, check: &ExemplarCheck) -> Result<Option<Vec<Series>>> {
        if self.plan.source.kind.is_recording() {
            let found = self.recording().await?;
            let at = self.plan.exemplar_checks.iter().position(|one| one == check);
            return Ok(at.and_then(|at| found.exemplars.get(at)).cloned());
        }
        self.read_exemplars(check, |window| prometheus::exemplars(&self.plan, check, window)).await
    }

    /// Reads the exemplars of a check from the target; `None` when the plan has no `exemplar_url` for it.
    pub async fn target_exemplars(&self, check: &ExemplarCheck) -> Result<Option<Vec<Series>>> {
        self.read_exemplars(check, |window| tsink::exemplars(&self.plan, check, window)).await
    }

    /// Asks for the whole window; where the answer is cut off, for its halves, and so on. The newest
    /// `check.limit` exemplars of a series count.
    async fn read_exemplars(
        &self,
        check: &ExemplarCheck,
        call: impl Fn(Window) -> Option<Call<Exemplars>>,
    ) -> Result<Option<Vec<Series>>> {
        let mut todo = vec![self.window];
        let mut merged: BTreeMap<Labels, Series> = BTreeMap::new();
        while let Some(window) = todo.pop() {
            let Some(call) = call(window) else { return Ok(None) };
            let answer = self.call(&call).await.map_err(|error| error.at(&check.query, window))?;
            if !answer.complete && window.len_ms() > 1 {
                todo.extend(window.split(2).into_iter().rev());
                continue;
            }
            for series in answer.series {
                merged
                    .entry(series.labels.clone())
                    .or_insert_with(|| Series { labels: series.labels.clone(), ..Series::default() })
                    .exemplars
                    .extend(series.exemplars);
            }
        }
        let limit = usize::try_from(check.limit).unwrap_or(usize::MAX);
        let series = merged.into_values().map(|mut series| {
            let older = series.exemplars.len().saturating_sub(limit);
            series.exemplars.drain(..older);
            series
        });
        Ok(Some(series.collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::{CHUNK_RANGE_MS, cannot_cut, whole_chunks};
    use crate::error::{Error, ErrorKind};
    use crate::model::Window;

    #[test]
    fn windows_grow_to_where_chunks_end() {
        let hour = CHUNK_RANGE_MS / 2;
        let grown = whole_chunks(Window { start_ms: hour, end_ms: 3 * hour });
        assert_eq!(grown, Window { start_ms: 0, end_ms: 4 * hour - 1 });
        assert_eq!(whole_chunks(grown), grown);
        let before_1970 = whole_chunks(Window { start_ms: -1, end_ms: -1 });
        assert_eq!(before_1970, Window { start_ms: -CHUNK_RANGE_MS, end_ms: -1 });
    }

    #[test]
    fn the_words_of_a_chunk_that_cannot_be_cut_are_known() {
        let words =
            "iterate chunk while re-encoding: unable to append histogram due to unexpected schema change";
        assert!(cannot_cut(&Error::new(ErrorKind::Protocol, words)));
        assert!(!cannot_cut(&Error::new(ErrorKind::Protocol, "damaged")));
    }
}
