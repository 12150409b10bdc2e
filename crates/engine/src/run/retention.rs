//! How far back the target takes samples, found out with [`tsink::retention_probe`], which writes nothing.
//! A request asks for many instants at once, so three or four requests find the edge.

use super::context::Run;
use crate::error::Result;
use crate::model::{Millis, Window};
use crate::target::tsink;

/// Instants asked for in one request.
const STEPS: i64 = 64;
/// The edge is searched to this precision, in ms. It moves with the clock, so more would mean nothing.
const PRECISION_MS: i64 = 60_000;

/// What to ask next to find the edge between `refused` and `taken` (refused < taken), newest first; `None`
/// when the edge is known well enough.
pub(super) fn ladder(refused: Millis, taken: Millis) -> Option<Vec<Millis>> {
    let gap = taken.saturating_sub(refused);
    if gap <= PRECISION_MS {
        return None;
    }
    let step = (gap / STEPS).max(1);
    Some((1..=STEPS).map(|at| taken.saturating_sub(step * at)).filter(|at| *at > refused).collect())
}

impl Run {
    /// The oldest instant that the target takes, when that lies after the window's start; `None` when it takes
    /// the whole window. Writes nothing.
    ///
    /// # Errors
    /// When the target refuses for another reason than age, or tells nothing.
    pub(super) async fn oldest_writable(&self, window: Window) -> Result<Option<Millis>> {
        let first = self.once(&tsink::retention_probe(&self.plan, &[window.start_ms])).await?;
        let Some(mut refused) = first else { return Ok(None) };
        let mut taken = self.ports.clock.now_ms().max(window.start_ms);
        while let Some(instants) = ladder(refused, taken) {
            match self.once(&tsink::retention_probe(&self.plan, &instants)).await? {
                None => taken = instants.last().copied().unwrap_or(taken),
                Some(at) => {
                    refused = at;
                    taken = instants.iter().rev().copied().find(|instant| *instant > at).unwrap_or(taken);
                }
            }
        }
        Ok(Some(taken))
    }
}

#[cfg(test)]
mod tests {
    use super::ladder;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_search_ends_at_the_edge(edge in 0i64..10_000_000_000, below in 1i64..10_000_000_000, above in 1i64..10_000_000_000) {
            let (mut refused, mut taken) = (edge - below, edge + above);
            let mut requests = 0;
            while let Some(instants) = ladder(refused, taken) {
                requests += 1;
                prop_assert!(requests < 20);
                prop_assert!(instants.windows(2).all(|pair| pair[0] > pair[1]));
                match instants.iter().position(|at| *at < edge) {
                    Some(at) => {
                        refused = instants[at];
                        if at > 0 { taken = instants[at - 1]; }
                    }
                    None => taken = *instants.last().unwrap(),
                }
            }
            prop_assert!(refused < edge && edge <= taken && taken - refused <= 60_000);
        }
    }
}
