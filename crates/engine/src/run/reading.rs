//! Reading slabs from either side, in smaller pieces where one answer would be too large.

use super::after::After;
use super::context::Run;
use crate::error::{Error, ErrorKind, Result, Side};
use crate::model::{Labels, Series, Window};
use crate::plan::{ExemplarCheck, ReadVia, SourceKind};
use crate::port::Call;
use crate::selector::Selector;
use crate::source::{Census, Exemplars, prometheus, victoriametrics};
use crate::target::tsink;
use crate::wire::prom_chunks::Mark;
use crate::wire::prom_read::SlabData;
use crate::wire::room::Room;
use std::collections::BTreeMap;
use std::rc::Rc;

/// What one request brought: the part of the window that was asked for, and its data.
pub(super) type Piece = (Window, SlabData);

/// Prometheus never lets a chunk go on over a multiple of two hours.
const CHUNK_RANGE_MS: i64 = 2 * 3_600_000;

/// Bytes that a sample takes in an answer, with its part of the labels, by and large.
const ROW_BYTES: u64 = 19;

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
    /// Reads a part of the window from the source; when one answer is too large, its halves, and so on. For small
    /// parts: all of it is held.
    pub async fn read_source(&self, selector: &Selector, slab: Window) -> Result<Vec<Piece>> {
        let mut pieces = Vec::new();
        self.each_of(Side::Source, selector, slab, |piece| pieces.push(piece)).await?;
        Ok(pieces)
    }

    /// The same of the target.
    pub async fn read_target(&self, selector: &Selector, slab: Window) -> Result<Vec<Piece>> {
        let mut pieces = Vec::new();
        self.each_of(Side::Target, selector, slab, |piece| pieces.push(piece)).await?;
        Ok(pieces)
    }

    /// Reads a part of the window in pieces that fit into one answer each, the earlier ones first, and holds no more
    /// than one of them.
    pub async fn each_of(
        &self,
        side: Side,
        selector: &Selector,
        slab: Window,
        mut each: impl FnMut(Piece),
    ) -> Result<()> {
        let mut todo = vec![slab];
        while let Some(window) = todo.pop() {
            let read = match side {
                Side::Source => self.read_source_part(selector, window).await,
                Side::Target => self.read_target_part(selector, window).await.map(|data| (window, data)),
            };
            match read {
                Ok(piece) => each(piece),
                Err(error)
                    if matches!(error.kind, ErrorKind::TooLarge | ErrorKind::Timeout)
                        && window.len_ms() > 1 =>
                {
                    // The later half first, so that the earlier one is read next.
                    todo.extend(window.split(2).into_iter().rev());
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Before the first answer: it is likely to hold so many rows. Grown bit by bit, the first answers leave gaps in the
    /// memory that none of the later ones fills.
    pub fn expect_rows(&self, rows: u64) {
        let mut room = self.room.borrow_mut();
        if room.bytes == 0 {
            room.bytes = usize::try_from(rows.saturating_mul(ROW_BYTES)).unwrap_or(0);
        }
    }

    /// Reads from the source what fits into one answer.
    ///
    /// # Errors
    /// [`ErrorKind::TooLarge`] when it does not.
    pub async fn read_source_part(&self, selector: &Selector, window: Window) -> Result<Piece> {
        let plan = &self.plan;
        let read = async {
            if plan.source.kind == SourceKind::VictoriaMetrics {
                return Ok((window, self.stream(&victoriametrics::export(plan, selector, window)).await?));
            }
            match plan.options.read_via {
                ReadVia::RemoteRead => self.remote_read(selector, window).await,
                ReadVia::InstantQuery => {
                    Ok((window, self.call(&prometheus::read_by_query(plan, selector, window)?).await?))
                }
            }
        };
        read.await.map_err(|error| error.at(&selector.text, window))
    }

    /// Reads from the target what fits into one answer.
    ///
    /// # Errors
    /// [`ErrorKind::TooLarge`] when it does not.
    pub async fn read_target_part(&self, selector: &Selector, window: Window) -> Result<SlabData> {
        let read = self.call(&tsink::read(&self.plan, selector, window)).await;
        read.map_err(|error| error.at(&selector.text, window))
    }

    /// The same, but taken and unpacked when `after` says so.
    pub async fn read_target_part_after(
        &self,
        after: After<'_>,
        selector: &Selector,
        window: Window,
    ) -> Result<SlabData> {
        let read = self.call_after(after, &tsink::read(&self.plan, selector, window)).await;
        read.map_err(|error| error.at(&selector.text, window))
    }

    /// Remote read in streamed chunks, which are smaller and faster, and the only form in which Prometheus
    /// before 2.44 gives native histograms; as samples from sources that do not speak them.
    async fn remote_read(&self, selector: &Selector, window: Window) -> Result<Piece> {
        let plan = &self.plan;
        if self.streamed.get() {
            let mark = self.mark.borrow().clone();
            let room = self.room.borrow().clone();
            let call = prometheus::read_streamed(plan, selector, window, mark.as_deref(), room);
            let read = self.stream(&call).await;
            match read {
                // What was read without a mark brings one; then the answer is asked for once more, with its end.
                Ok(data) if mark.is_none() && self.find_mark(&data) => {
                    return Box::pin(self.remote_read(selector, window)).await;
                }
                Err(error)
                    if error.kind == ErrorKind::Protocol && self.mark_is_gone(mark.as_deref()).await =>
                {
                    // The source itself has dropped it. Whatever is read now brings another.
                    self.mark.borrow_mut().take_if(|known| Some(&*known) == mark.as_ref());
                    return Box::pin(self.remote_read(selector, window)).await;
                }
                // tsink as a source answers so to anything but SAMPLES. If the query itself is at fault, the
                // next answer says the same.
                Err(error) if error.kind == ErrorKind::BadRequest => {}
                Err(error) if cannot_cut(&error) => {
                    let wide = prometheus::read_streamed(
                        plan,
                        selector,
                        whole_chunks(window),
                        None,
                        Room::default(),
                    );
                    // What lies outside the window is left out, and counted, where the piece is used.
                    return Ok((window, self.stream(&wide).await?));
                }
                Ok(data) => {
                    // The next slab is likely to be as large. Where it is smaller, as another selector's may be, the same
                    // length still fits into the gaps of those before.
                    let mut room = self.room.borrow_mut();
                    room.bytes = room.bytes.max(data.body_len());
                    return Ok((window, data));
                }
                Err(error) => return Err(error),
            }
        }
        let data = self.call(&prometheus::read(plan, selector, window)).await?;
        self.streamed.set(false);
        Ok((window, data))
    }

    /// Counts what the source holds of a selector in a window; by labels, too, if asked for. Nothing is held where the
    /// source streams.
    pub async fn census(&self, selector: &Selector, window: Window, labels: bool) -> Result<Census> {
        let plan = &self.plan;
        if plan.source.kind == SourceKind::VictoriaMetrics {
            return self.stream(&victoriametrics::count_export(plan, selector, window, labels)).await;
        }
        if plan.options.read_via == ReadVia::RemoteRead && self.streamed.get() {
            match self.stream(&prometheus::count_streamed(plan, selector, window, labels)).await {
                Err(error) if error.kind == ErrorKind::BadRequest || cannot_cut(&error) => {}
                counted => {
                    // What was counted brings the mark of all answers that follow.
                    if let Ok(census) = &counted {
                        let mut mark = self.mark.borrow_mut();
                        *mark = mark.take().or_else(|| census.mark.clone().map(Rc::new));
                    }
                    return counted;
                }
            }
        }
        let mut census = if labels { Census::with_labels() } else { Census::default() };
        self.each_of(Side::Source, selector, window, |(_, data)| census.add(&data)).await?;
        Ok(census)
    }

    /// Finds a sample for the end of later answers; tells whether there is one now.
    fn find_mark(&self, data: &SlabData) -> bool {
        let mut mark = self.mark.borrow_mut();
        if mark.is_none() {
            *mark = Mark::of(data).map(Rc::new);
        }
        mark.is_some()
    }

    /// Whether the source no longer holds the mark.
    async fn mark_is_gone(&self, mark: Option<&Mark>) -> bool {
        let Some(mark) = mark else { return false };
        self.call(&prometheus::read_mark(&self.plan, mark)).await.is_ok_and(|data| data.sample_count() == 0)
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
