//! Events on their way to the page, coalesced: each message costs the page's main thread time.
//!
//! Events wait until [`BATCH_MS`] have passed since the last message and then go together, in order. Of
//! progress only the newest waits, and at most one goes every [`PROGRESS_MS`]; it may arrive after events that
//! came up later, but never after its stage's end.

use tsink_migrate_engine::run::Event;

/// Least time between two messages, in ms.
pub(crate) const BATCH_MS: f64 = 50.0;
/// Events in one message at most: reading one costs the page's main thread some µs each, and it must stay free.
const MOST_EVENTS: usize = 1_000;
/// Least time between two progress events, in ms.
const PROGRESS_MS: f64 = 100.0;

/// What waits. Times are monotonic, in ms.
#[derive(Debug)]
pub(crate) struct Outbox {
    events: Vec<Event>,
    progress: Option<Event>,
    last_batch_ms: f64,
    last_progress_ms: f64,
}

impl Default for Outbox {
    fn default() -> Self {
        Self {
            events: Vec::new(),
            progress: None,
            last_batch_ms: f64::NEG_INFINITY,
            last_progress_ms: f64::NEG_INFINITY,
        }
    }
}

impl Outbox {
    /// Adds an event.
    pub(crate) fn push(&mut self, event: Event) {
        match event {
            Event::Progress { .. } => self.progress = Some(event),
            Event::StageStarted { .. } | Event::StageFinished { .. } | Event::Report { .. } => {
                self.events.extend(self.progress.take());
                self.events.push(event);
            }
            _ => self.events.push(event),
        }
    }

    /// Time until the next batch may go, in ms; none when nothing waits.
    pub(crate) fn due_in_ms(&self, now_ms: f64) -> Option<f64> {
        let batch = self.last_batch_ms + BATCH_MS;
        let due = if !self.events.is_empty() {
            batch
        } else if self.progress.is_some() {
            batch.max(self.last_progress_ms + PROGRESS_MS)
        } else {
            return None;
        };
        Some((due - now_ms).max(0.0))
    }

    /// The messages that go now, each small enough to be read at once; `all` also takes progress that would have to
    /// wait.
    pub(crate) fn take(&mut self, now_ms: f64, all: bool) -> Vec<Vec<Event>> {
        // The same sum as in `due_in_ms`, so that what is due is taken.
        if all || self.last_progress_ms + PROGRESS_MS <= now_ms {
            self.events.extend(self.progress.take());
        }
        let events = std::mem::take(&mut self.events);
        if !events.is_empty() {
            self.last_batch_ms = now_ms;
        }
        if events.iter().any(|event| matches!(event, Event::Progress { .. })) {
            self.last_progress_ms = now_ms;
        }
        let mut messages = Vec::new();
        let mut rest = events;
        while rest.len() > MOST_EVENTS {
            let behind = rest.split_off(MOST_EVENTS);
            messages.push(std::mem::replace(&mut rest, behind));
        }
        if !rest.is_empty() {
            messages.push(rest);
        }
        messages
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tsink_migrate_engine::run::{Progress, SlabState, Stage};

    fn progress(done: u64) -> Event {
        Event::Progress {
            progress: Progress {
                stage: Stage::Backfill,
                done,
                total: 100,
                unit: "samples".to_owned(),
                fraction: 0.0,
                rate: 0.0,
                eta_ms: None,
                elapsed_ms: 0,
                read: 0,
                written: 0,
                in_flight: 0,
                waiting: None,
            },
        }
    }

    fn slab(slab: usize) -> Event {
        Event::Slab { stage: Stage::Backfill, selector: 0, slab, state: SlabState::Done, rows: 1 }
    }

    /// `s3` for slab 3, `p7` for progress with 7 done, else the stage events' names.
    fn names(messages: &[Vec<Event>]) -> Vec<String> {
        messages
            .iter()
            .flatten()
            .map(|event| match event {
                Event::Slab { slab, .. } => format!("s{slab}"),
                Event::Progress { progress } => format!("p{}", progress.done),
                Event::StageFinished { .. } => "end".to_owned(),
                other => format!("{other:?}"),
            })
            .collect()
    }

    #[test]
    fn the_first_event_goes_at_once_and_the_next_ones_together() {
        let mut outbox = Outbox::default();
        assert_eq!(outbox.due_in_ms(1000.0), None);
        outbox.push(slab(0));
        assert_eq!(outbox.due_in_ms(1000.0), Some(0.0));
        assert_eq!(names(&outbox.take(1000.0, false)), ["s0"]);
        outbox.push(slab(1));
        outbox.push(slab(2));
        assert_eq!(outbox.due_in_ms(1010.0), Some(40.0));
        assert_eq!(names(&outbox.take(1050.0, false)), ["s1", "s2"]);
        assert_eq!(outbox.due_in_ms(1050.0), None);
    }

    #[test]
    fn many_events_go_in_messages_that_are_read_at_once() {
        let mut outbox = Outbox::default();
        (0..2_500).for_each(|at| outbox.push(slab(at)));
        let messages = outbox.take(0.0, false);
        assert_eq!(messages.iter().map(Vec::len).collect::<Vec<_>>(), [1_000, 1_000, 500]);
        assert_eq!(names(&messages)[1_000], "s1000");
        assert!(outbox.take(99.0, true).is_empty());
    }

    #[test]
    fn only_the_newest_progress_goes_and_at_most_ten_a_second() {
        let mut outbox = Outbox::default();
        outbox.push(progress(1));
        assert_eq!(names(&outbox.take(0.0, false)), ["p1"]);
        outbox.push(progress(2));
        outbox.push(slab(0));
        outbox.push(progress(3));
        assert_eq!(names(&outbox.take(50.0, false)), ["s0"]);
        assert_eq!(outbox.due_in_ms(50.0), Some(50.0));
        assert_eq!(names(&outbox.take(100.0, false)), ["p3"]);
    }

    #[test]
    fn progress_comes_before_the_end_of_its_stage_and_with_the_last_batch() {
        let mut outbox = Outbox::default();
        outbox.push(progress(1));
        outbox.take(0.0, false);
        outbox.push(progress(2));
        outbox.push(Event::StageFinished { stage: Stage::Backfill, ok: true });
        assert_eq!(names(&outbox.take(10.0, false)), ["p2", "end"]);
        outbox.push(progress(3));
        assert!(outbox.take(11.0, false).is_empty());
        assert_eq!(names(&outbox.take(12.0, true)), ["p3"]);
    }
}
