//! Reading slabs from either side, in smaller pieces where one answer would be too large.

use super::context::Run;
use crate::error::{ErrorKind, Result};
use crate::model::Window;
use crate::plan::ReadVia;
use crate::port::Call;
use crate::selector::Selector;
use crate::source::prometheus;
use crate::target::tsink;
use crate::wire::prom_read::SlabData;

/// What one request brought: the part of the window that was asked for, and its data.
pub(super) type Piece = (Window, SlabData);

impl Run {
    /// Reads a slab from the source.
    pub async fn read_source(&self, selector: &Selector, slab: Window) -> Result<Vec<Piece>> {
        self.read_pieces(selector, slab, |window| match self.plan.options.read_via {
            ReadVia::RemoteRead => Ok(prometheus::read(&self.plan, selector, window)),
            ReadVia::InstantQuery => prometheus::read_by_query(&self.plan, selector, window),
        })
        .await
    }

    /// Reads a slab from the target.
    pub async fn read_target(&self, selector: &Selector, slab: Window) -> Result<Vec<Piece>> {
        self.read_pieces(selector, slab, |window| Ok(tsink::read(&self.plan, selector, window))).await
    }

    /// Asks for the slab; when the answer is too large or takes too long, for its halves, and so on.
    async fn read_pieces(
        &self,
        selector: &Selector,
        slab: Window,
        call: impl Fn(Window) -> Result<Call<SlabData>>,
    ) -> Result<Vec<Piece>> {
        let mut todo = vec![slab];
        let mut pieces = Vec::new();
        while let Some(window) = todo.pop() {
            match self.call(&call(window)?).await {
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
}
