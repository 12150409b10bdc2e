//! Backfill of a recording: read once more from beginning to end, written slab by slab.

use super::{Backfill, SLABS_AT_ONCE};
use crate::error::{Error, ErrorKind};
use crate::run::context::Run;
use crate::run::event::{Event, SlabState};
use crate::run::meter::Meter;
use crate::run::recording::slabs::Slab;
use crate::wire::prom_read::SlabData;
use futures_util::stream::{self, StreamExt};
use std::cell::Cell;

impl Backfill<'_> {
    /// Copies the samples of a recording.
    pub(super) async fn recorded(&self) {
        let run = self.run;
        let (found, reader) = match run.recorded_slabs().await {
            Ok(both) => both,
            Err(error) => return self.fail(error),
        };
        let expected: u64 = found.selectors.iter().map(|one| one.rows).sum();
        {
            let balance = &mut self.tally.borrow_mut().balance.samples;
            balance.read += found.outside;
            balance.outside_window += found.outside;
        }
        run.emit(Event::Slabs {
            stage: self.stage,
            selectors: run.plan.selectors.iter().map(|selector| selector.text.clone()).collect(),
            slabs: vec![Run::windows(&found); run.plan.selectors.len()],
        });
        run.start_meter(Meter::new(self.stage, "samples", self.passes() * expected, run.now()));
        // What came out of the recording, whatever becomes of it: a target that fails is another matter.
        let read = Cell::new(0);
        stream::unfold(reader, |mut reader| async {
            run.control.ready().await;
            if self.ended() {
                return None;
            }
            match reader.next().await {
                Ok(slab) => slab.map(|slab| (slab, reader)),
                Err(error) => {
                    self.fail(run.file_error(&error));
                    None
                }
            }
        })
        .for_each_concurrent(SLABS_AT_ONCE, |slab| {
            let rows: u64 = slab.selected.iter().map(SlabData::sample_count).sum();
            read.set(read.get() + rows);
            self.recorded_slab(slab, &found.slabs)
        })
        .await;
        let read = read.get();
        if read != expected && !self.ended() {
            self.fail(
                Error::new(
                    ErrorKind::Input,
                    format!("the recording has changed while it was read: {expected} samples were found first, then {read}"),
                )
                .remedy("Let nobody write to the recording, and run the plan again: what is there is not written twice."),
            );
        }
    }

    async fn recorded_slab(&self, slab: Slab, slabs: &[(crate::model::Window, u64)]) {
        let run = self.run;
        let Some((window, _)) = slabs.get(slab.at) else { return };
        for (at, (selector, data)) in run.plan.selectors.iter().zip(slab.selected).enumerate() {
            if self.ended() {
                return;
            }
            let rows = data.sample_count();
            if self.parts.is_some_and(|parts| !parts.touch(at, *window)) {
                // Nobody copies nor compares it.
                run.advance(|meter| meter.correct(self.passes() * rows, 0));
                continue;
            }
            if rows == 0 {
                self.state(at, slab.at, SlabState::Empty, 0);
                continue;
            }
            self.state(at, slab.at, SlabState::InFlight, 0);
            match self.present(selector, *window).await {
                Ok(present) => self.copy(at, slab.at, &[(*window, data)], &present, rows).await,
                Err(error) => self.not_read(at, slab.at, *window, error),
            }
        }
    }
}
