//! Writing batches until the target has them: what is refused is taken apart, what may have arrived is asked for.

use super::Backfill;
use crate::error::{Error, ErrorKind, Result, Side};
use crate::model::Window;
use crate::port::NetworkCause;
use crate::run::event::{Event, NoticeLevel};
use crate::run::http::cancelled;
use crate::selector::Selector;
use crate::target::tsink;
use crate::target::tsink::WriteOutcome;
use crate::wire::prom_write::{BatchBuilder, Present, WriteBatch};

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

impl Backfill<'_> {
    /// What the target holds of a selector in a window.
    pub(super) async fn present(&self, selector: &Selector, window: Window) -> Result<Present> {
        let mut present = Present::default();
        for (_, data) in self.run.read_target(selector, window).await? {
            present.add(&data);
        }
        Ok(present)
    }

    /// Sends a batch until it is acknowledged. When nobody knows whether it has arrived, the target is asked, and
    /// what is there is not sent again. Leaves in `batch` what was not known to be there before the last attempt.
    async fn send(&self, batch: &mut WriteBatch, selector: Option<&Selector>) -> Result<WriteOutcome> {
        let run = self.run;
        let mut attempt = 1;
        loop {
            let error = match run
                .call_unless(&tsink::write(&run.plan, batch.body.clone()), may_have_arrived)
                .await
            {
                Err(error) if may_have_arrived(&error) && attempt < run.plan.options.max_attempts => error,
                done => return done,
            };
            run.before_attempt(Side::Target, attempt, &error).await?;
            attempt += 1;
            let (Some(selector), Some(start_ms), Some(end_ms)) = (selector, batch.first_ms, batch.last_ms)
            else {
                continue;
            };
            let present = match self.present(selector, Window { start_ms, end_ms }).await {
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

    /// Writes a batch; when the target refuses it for what it holds, its halves, to lose only what is bad.
    /// Tells whether everything was acknowledged.
    pub(super) async fn write(
        &self,
        batch: WriteBatch,
        identities: Vec<u128>,
        selector: Option<&Selector>,
    ) -> bool {
        let run = self.run;
        let mut todo = vec![batch];
        let mut budget = ISOLATION_BUDGET;
        let mut whole = true;
        while let Some(mut batch) = todo.pop() {
            let outcome = if self.ended() {
                Err(cancelled())
            } else {
                let _permit = run.writes.acquire().await;
                if self.ended() { Err(cancelled()) } else { self.send(&mut batch, selector).await }
            };
            let rows = batch.samples + batch.histograms;
            match outcome {
                Ok(outcome) => {
                    let limit = run.adapt.borrow_mut().succeeded(run.writes.limit());
                    if limit != run.writes.limit() {
                        run.writes.set_limit(limit);
                    }
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
                    } else {
                        run.notice_error(NoticeLevel::Error, &error);
                    }
                    self.tally.borrow_mut().rejected(&batch, selector.map(|one| one.text.as_str()), error);
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
