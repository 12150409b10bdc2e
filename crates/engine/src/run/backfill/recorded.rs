//! Backfill of a recording: read once more from beginning to end, written slab by slab.

use super::writing::Place;
use super::{Backfill, SLABS_AT_ONCE};
use crate::error::{Error, ErrorKind};
use crate::run::context::Run;
use crate::run::event::SlabState;
use crate::run::ledger::Noted;
use crate::run::recording::slabs as recording;
use crate::run::schedule::{Schedule, Slab};
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
        let schedule = Schedule::recorded(run, &Run::windows(&found));
        self.announce(&schedule, self.passes() * expected);
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
            self.recorded_slab(slab, &schedule)
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

    async fn recorded_slab(&self, read: recording::Slab, schedule: &Schedule) {
        let run = self.run;
        for (row, data) in read.selected.into_iter().enumerate() {
            let Some(slab) = schedule.slab(row, read.at) else { return };
            if schedule.is_done(slab.row, slab.at) {
                continue;
            }
            if self.ended() {
                self.missed_or_gone(&slab);
                continue;
            }
            let rows = data.sample_count();
            let slab = Slab { expected: rows, ..slab };
            if self.parts.is_some_and(|parts| !parts.touch(slab.selector_at, slab.window)) {
                // Nobody copies nor compares it.
                run.advance(|meter| meter.correct(self.passes() * rows, 0));
                continue;
            }
            if rows == 0 {
                if self.parts.is_none() {
                    run.slab_copied(self.stage, &slab, Noted::default(), &self.tally).await;
                }
                self.state(&slab, SlabState::Empty, 0);
                continue;
            }
            self.state(&slab, SlabState::InFlight, 0);
            match self.present_in_parts(&slab.selector, slab.window).await {
                Ok(present) => {
                    let place = Place::new(&slab.selector, slab.window);
                    let mut noted = Noted::default();
                    let piece = [(slab.window, data)];
                    let copied = self.copy(&slab, &piece, &present, slab.expected, &place, &mut noted).await;
                    self.done(&slab, copied, noted).await;
                }
                Err(error) => {
                    self.state(&slab, SlabState::Failed, 0);
                    self.not_read(&slab, &slab.selector, slab.window, error);
                }
            }
        }
    }
}
