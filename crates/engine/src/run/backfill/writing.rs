//! Writing batches until the target has them: what is refused is taken apart, what may have arrived is asked for.

use super::Backfill;
use crate::error::{Error, ErrorKind, Result, Side};
use crate::model::Window;
use crate::port::NetworkCause;
use crate::run::event::{Event, NoticeLevel};
use crate::run::http::cancelled;
use crate::run::permits::Permits;
use crate::selector::Selector;
use crate::target::tsink;
use crate::target::tsink::WriteOutcome;
use crate::wire::prom_write::{BatchBuilder, Present, WriteBatch};
use std::cell::RefCell;
use std::rc::Rc;

/// Requests spent on finding the bad rows of one refused batch at most.
const ISOLATION_BUDGET: u32 = 64;

/// Whether a failed write may be in the target all the same.
fn may_have_arrived(error: &Error) -> bool {
    match error.kind {
        ErrorKind::Timeout | ErrorKind::Server | ErrorKind::Protocol => true,
        ErrorKind::Network(cause) => !matches!(cause, NetworkCause::Refused | NetworkCause::NameNotFound),
        _ => false,
    }
}

/// Where the rows of batches come from, for questions about what the target has of them.
pub(super) struct Place<'a> {
    selector: &'a Selector,
    window: Window,
    /// What the target had when it was asked last, and the failure that made somebody ask.
    known: RefCell<Option<(u64, Rc<Present>)>>,
    asking: Permits,
}

impl<'a> Place<'a> {
    /// A part of a slab.
    pub fn new(selector: &'a Selector, window: Window) -> Self {
        Self { selector, window, known: RefCell::default(), asking: Permits::new(1) }
    }
}

impl Backfill<'_> {
    /// What the target holds of a selector in a window.
    pub(super) async fn present(&self, selector: &Selector, window: Window) -> Result<Present> {
        let mut present = Present::default();
        present.add(&self.run.read_target_part(selector, window).await?);
        Ok(present)
    }

    /// The same for a part that is known to be small enough at the source, in as many answers as it takes.
    pub(super) async fn present_in_parts(&self, selector: &Selector, window: Window) -> Result<Present> {
        let mut present = Present::default();
        self.run.each_of(Side::Target, selector, window, |(_, data)| present.add(&data)).await?;
        Ok(present)
    }

    /// What the target holds at a place, asked for after the failure of this number. Writes of one slab that fail
    /// together ask together, and once: in a storm of failures, reading the target for each batch would be its next
    /// storm.
    async fn present_since(&self, place: &Place<'_>, failure: u64) -> Result<Rc<Present>> {
        let _one = place.asking.acquire().await;
        if let Some((asked, present)) = place.known.borrow().as_ref()
            && *asked >= failure
        {
            return Ok(Rc::clone(present));
        }
        let newest = self.failures.get();
        let present = Rc::new(self.present_in_parts(place.selector, place.window).await?);
        *place.known.borrow_mut() = Some((newest, Rc::clone(&present)));
        Ok(present)
    }

    /// Sends a batch until it is acknowledged. When nobody knows whether it has arrived, the target is asked, and
    /// what is there is not sent again. Leaves in `batch` what was not known to be there before the last attempt.
    async fn send(&self, batch: &mut WriteBatch, place: Option<&Place<'_>>) -> Result<WriteOutcome> {
        let run = self.run;
        let mut attempt = 1;
        loop {
            let error =
                match run.call_unless(&tsink::write(&run.plan, batch.body.clone()), may_have_arrived).await {
                    Err(error) if may_have_arrived(&error) => error,
                    done => return done,
                };
            let failure = self.failures.get() + 1;
            self.failures.set(failure);
            attempt = match run.next_attempt(Side::Target, attempt, &error).await? {
                Some(next) => next,
                None => return Err(run.gone(Side::Target).unwrap_or(error)),
            };
            let (Some(place), Some(_)) = (place, batch.first_ms) else { continue };
            let present = match self.present_since(place, failure).await {
                Ok(present) => present,
                // What the target says to the question is no answer to the write: a refusal of it would take the
                // batch apart, and send what may be there.
                Err(read) if read.kind.is_fatal() => return Err(read),
                Err(_) => return Err(error),
            };
            let (rest, there) = batch.without(&present);
            self.tally.borrow_mut().arrived(there);
            run.rows_written.set(run.rows_written.get() + there.samples + there.histograms);
            run.advance(|meter| meter.add(there.samples + there.histograms));
            match rest {
                Some(rest) => *batch = rest,
                None => {
                    (batch.samples, batch.histograms) = (0, 0);
                    return Ok(WriteOutcome::default());
                }
            }
        }
    }

    /// Sends a batch when its turn has come.
    async fn send_in_turn(&self, batch: &mut WriteBatch, place: Option<&Place<'_>>) -> Result<WriteOutcome> {
        let run = self.run;
        let _pass = run.enter(batch.rows()).await?;
        if self.ended() {
            return Err(cancelled());
        }
        let (rows, sent) = (batch.rows(), run.now());
        let outcome = self.send(batch, place).await?;
        run.gate.acknowledged(rows, sent, run.now());
        Ok(outcome)
    }

    /// Writes a batch; when the target refuses it for what it holds, its halves, to lose only what is bad.
    /// Tells whether everything was acknowledged.
    pub(super) async fn write(
        &self,
        batch: WriteBatch,
        identities: Vec<u128>,
        place: Option<&Place<'_>>,
    ) -> bool {
        let run = self.run;
        let mut todo = vec![batch];
        let mut budget = ISOLATION_BUDGET;
        let mut whole = true;
        while let Some(mut batch) = todo.pop() {
            let outcome = match self.stopped() {
                Some(error) => Err(error),
                None => self.send_in_turn(&mut batch, place).await,
            };
            let rows = batch.samples + batch.histograms;
            match outcome {
                Ok(outcome) => {
                    let mut tally = self.tally.borrow_mut();
                    tally.written(&batch, &identities, outcome.exemplars_dropped.unwrap_or(0));
                    if outcome.consistency.is_some() {
                        tally.write_consistency = outcome.consistency;
                    }
                    run.rows_written.set(run.rows_written.get() + rows);
                }
                Err(error) => {
                    let isolate = matches!(
                        error.kind,
                        ErrorKind::Retention
                            | ErrorKind::BadRequest
                            | ErrorKind::TooLarge
                            | ErrorKind::FeatureDisabled(_)
                    );
                    if isolate
                        && budget > 0
                        && let Some((first, second)) = batch.split()
                    {
                        budget -= 1;
                        todo.push(second);
                        todo.push(first);
                        continue;
                    }
                    whole = false;
                    if error.kind.is_fatal() {
                        self.fail(error.clone());
                    } else if run.gone(Side::Target).is_none() {
                        run.notice_error(NoticeLevel::Error, &error);
                    }
                    let selector = place.map(|place| place.selector.text.as_str());
                    self.tally.borrow_mut().rejected(&batch, selector, error);
                }
            }
            run.advance(|meter| meter.add(rows));
        }
        whole
    }

    pub(super) async fn write_all(&self, mut builder: BatchBuilder, identities: Vec<u128>) {
        let mut batches: Vec<WriteBatch> = std::iter::from_fn(|| builder.take_ready()).collect();
        batches.extend(std::iter::from_fn(|| builder.finish()));
        for batch in batches {
            self.write(batch, identities.clone(), None).await;
        }
        self.run.emit(Event::Balance { balance: self.tally.borrow().balance() });
    }
}
