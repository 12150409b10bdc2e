//! Backfill: slabs are read, put into write requests and written, several at once.
//!
//! At most [`SLABS_AT_ONCE`] slabs are in memory: while one is written, the next is read. Inside a slab,
//! batches are built as writes find room, so what waits is bounded by the number of writes at once.

mod recorded;
mod writing;

use super::context::Run;
use super::event::{Event, NoticeLevel, SlabState, Stage};
use super::meter::Meter;
use super::reading::Piece;
use super::repair::Parts;
use super::slabs;
use super::tally::Tally;
use crate::compare::values_agree;
use crate::error::{Error, ErrorKind, Result};
use crate::model::{Labels, Series, Window};
use crate::report::{BackfillReport, Estimate, Level, PreflightReport, Status};
use crate::wire::prom_read::labels_identity;
use crate::wire::prom_write::{BatchBuilder, Present};
use futures_util::join;
use futures_util::stream::{self, FuturesUnordered, StreamExt};
use rustc_hash::FxHashMap;
use std::cell::RefCell;

/// Slabs held in memory at once.
const SLABS_AT_ONCE: usize = 2;
/// Metadata requests at once.
const METADATA_AT_ONCE: usize = 4;

pub(super) struct Backfill<'a> {
    run: &'a Run,
    stage: Stage,
    /// The only parts that are copied, when a repair asks.
    parts: Option<&'a Parts>,
    tally: RefCell<Tally>,
    /// The failure that makes going on pointless.
    fatal: RefCell<Option<Error>>,
}

impl Run {
    /// Copies the window.
    ///
    /// # Errors
    /// What makes the whole run pointless: a server that cannot be reached, a refused token.
    pub async fn backfill(&self, preflight: PreflightReport) -> Result<BackfillReport> {
        let since = self.stamp();
        let blocked: Vec<String> = preflight
            .notes
            .iter()
            .filter(|note| note.level == Level::Fail)
            .map(|note| format!("{} {}", note.message, note.remedy).trim().to_owned())
            .collect();
        let job = Backfill::new(self, Stage::Backfill, None);
        let mut notes = Vec::new();
        if blocked.is_empty() {
            let work = job.copy_all(preflight.estimate.as_ref(), &mut notes);
            let ticker = self.tick();
            futures_util::pin_mut!(work, ticker);
            // The ticker never ends, so whatever ends first is the work.
            let _ = futures_util::future::select(work, ticker).await;
            self.progress(true);
        } else {
            notes.push("Nothing was written: the preflight found what would be refused.".to_owned());
        }
        let cancelled = self.control.is_cancelled();
        let tally = job.finish()?;
        Ok(self.backfill_report(tally, notes, blocked, cancelled, preflight, since))
    }

    fn backfill_report(
        &self,
        tally: Tally,
        mut notes: Vec<String>,
        blocked: Vec<String>,
        cancelled: bool,
        preflight: PreflightReport,
        since: (i64, f64),
    ) -> BackfillReport {
        let balance = tally.balance();
        let mut issues = blocked;
        issues.extend(tally.issues(cancelled, &mut notes));
        self.refused.borrow_mut().clone_from(&tally.rejections);
        BackfillReport {
            status: if issues.is_empty() { Status::Pass } else { Status::Fail },
            source_kind: self.plan.source.kind,
            start_ms: self.window.start_ms,
            end_ms: self.window.end_ms,
            selector_count: self.plan.selectors.len() as u64,
            series_written: tally.series_written(),
            samples_written: balance.samples.written,
            histograms_written: balance.histograms.written,
            exemplars_written: balance.exemplars.written,
            metadata_written: balance.metadata.written,
            write_batches: tally.write_batches,
            notes,
            cancelled,
            balance,
            rejections: tally.rejections,
            rejections_omitted: tally.rejections_omitted,
            retries: self.retries.get(),
            write_consistency: tally.write_consistency,
            issues,
            preflight,
            run: self.info_since(since),
        }
    }
}

impl<'a> Backfill<'a> {
    /// A copy of the whole window, or of `parts` of it.
    pub fn new(run: &'a Run, stage: Stage, parts: Option<&'a Parts>) -> Self {
        Self { run, stage, parts, tally: RefCell::default(), fatal: RefCell::default() }
    }

    /// Copies samples, exemplars and metadata.
    pub async fn copy_all(&self, estimate: Option<&Estimate>, notes: &mut Vec<String>) {
        self.samples(estimate).await;
        self.exemplars(notes).await;
        self.metadata(notes).await;
    }

    /// What was done.
    ///
    /// # Errors
    /// What made the whole copy pointless.
    pub fn finish(self) -> Result<Tally> {
        let tally = self.tally.into_inner();
        match self.fatal.into_inner().filter(|error| error.kind != ErrorKind::Cancelled) {
            None => Ok(tally),
            Some(error) => {
                let written = tally.rows_written();
                let message = format!(
                    "{}; {written} samples and histograms had been written before, and stay",
                    error.message
                );
                Err(Error { message, ..error })
            }
        }
    }

    async fn samples(&self, estimates: Option<&Estimate>) {
        let run = self.run;
        if run.plan.source.kind.is_recording() {
            return self.recorded().await;
        }
        let cuts: Vec<Vec<Window>> = run
            .plan
            .selectors
            .iter()
            .enumerate()
            .map(|(at, _)| {
                if let Some(parts) = self.parts {
                    return parts.cut(at).to_vec();
                }
                let rows = estimates
                    .and_then(|all| all.selectors.get(at))
                    .map(|one| one.rows)
                    .filter(|rows| *rows > 0);
                slabs::cut(run.window, rows, run.plan.options.slab_samples)
            })
            .collect();
        let expected: Vec<u64> = cuts
            .iter()
            .enumerate()
            .map(|(at, cut)| {
                if let Some(parts) = self.parts {
                    return parts.expected(at);
                }
                let rows = estimates.and_then(|all| all.selectors.get(at)).map_or(0, |one| one.rows);
                rows / (cut.len() as u64).max(1)
            })
            .collect();
        let total: u64 = cuts.iter().zip(&expected).map(|(cut, rows)| cut.len() as u64 * rows).sum();
        run.emit(Event::Slabs {
            stage: self.stage,
            selectors: run.plan.selectors.iter().map(|selector| selector.text.clone()).collect(),
            slabs: cuts.clone(),
        });
        run.start_meter(Meter::new(self.stage, "samples", self.passes() * total, run.now()));

        let work = cuts.iter().enumerate().flat_map(|(selector, cut)| {
            cut.iter().enumerate().map(move |(slab, window)| (selector, slab, *window))
        });
        stream::iter(work)
            .for_each_concurrent(SLABS_AT_ONCE, |(selector, slab, window)| {
                self.slab(selector, slab, window, expected.get(selector).copied().unwrap_or(0))
            })
            .await;
    }

    /// How often the progress counts a row: a repair compares what it has copied.
    fn passes(&self) -> u64 {
        if self.parts.is_some() { 2 } else { 1 }
    }

    /// Says what became of a slab. What a repair has copied is not done before it was compared.
    fn state(&self, selector: usize, slab: usize, state: SlabState, rows: u64) {
        let copied = matches!(state, SlabState::Done | SlabState::Empty);
        let state = if self.parts.is_some() && copied { SlabState::InFlight } else { state };
        self.run.emit(Event::Slab { stage: self.stage, selector, slab, state, rows });
    }

    /// Notes a slab of which one side could not be read.
    fn not_read(&self, selector_at: usize, slab_at: usize, slab: Window, error: Error) {
        self.state(selector_at, slab_at, SlabState::Failed, 0);
        if error.kind.is_fatal() {
            self.fail(error);
        } else {
            self.run.notice_error(NoticeLevel::Error, &error);
            let selector = self.run.plan.selectors.get(selector_at);
            let text = selector.map(|selector| selector.text.as_str()).unwrap_or_default();
            self.tally.borrow_mut().unread(text, slab, error);
        }
    }

    async fn slab(&self, selector_at: usize, slab_at: usize, slab: Window, expected: u64) {
        let run = self.run;
        let Some(selector) = run.plan.selectors.get(selector_at) else { return };
        run.control.ready().await;
        if self.ended() {
            return;
        }
        self.state(selector_at, slab_at, SlabState::InFlight, 0);
        // What the target holds already must not be written again; of an empty one, this is a short answer.
        let (pieces, present) = join!(run.read_source(selector, slab), self.present(selector, slab));
        let (pieces, present) = match pieces.and_then(|pieces| Ok((pieces, present?))) {
            Ok(read) => read,
            Err(error) => return self.not_read(selector_at, slab_at, slab, error),
        };
        self.copy(selector_at, slab_at, &pieces, &present, expected).await;
    }

    /// Writes what a slab holds of a selector and the target does not.
    async fn copy(
        &self,
        selector_at: usize,
        slab_at: usize,
        pieces: &[Piece],
        present: &Present,
        expected: u64,
    ) {
        let run = self.run;
        let Some(selector) = run.plan.selectors.get(selector_at) else { return };
        let rows: u64 = pieces.iter().map(|(_, data)| data.sample_count() + data.histogram_count()).sum();
        run.rows_read.set(run.rows_read.get() + rows);
        run.advance(|meter| meter.correct(expected, rows));

        let mut builder =
            BatchBuilder::new(run.plan.batch.max_series_per_write, run.plan.batch.max_points_per_write);
        let mut writes = FuturesUnordered::new();
        let mut identities = Vec::new();
        let mut whole = true;
        for (window, data) in pieces {
            self.tally.borrow_mut().read(data);
            for series in data.raw_series() {
                let identity = series.identity();
                {
                    let mut tally = self.tally.borrow_mut();
                    if !tally.claim(identity, selector_at) {
                        tally.duplicate_series(series.sample_count(), series.histogram_count());
                        run.advance(|meter| meter.add(series.sample_count() + series.histogram_count()));
                        continue;
                    }
                    let pushed = if present.knows(identity) {
                        let mut decoded = series.decode();
                        let mut there = present.take_out(identity, &mut decoded);
                        if self.parts.is_some() {
                            let held = present.hold_back(identity, &mut decoded, &|one, other| {
                                values_agree(one, other, &run.plan.compare)
                            });
                            there.samples += held.agreeing;
                            tally.held_back(held.samples, held.histograms);
                            run.advance(|meter| meter.add(held.samples + held.histograms));
                        }
                        tally.already_there(there);
                        run.advance(|meter| meter.add(there.samples + there.histograms));
                        builder.push_decoded(&decoded, *window)
                    } else {
                        builder.push_raw(&series, *window)
                    };
                    tally.pushed(&pushed);
                    let left_out = pushed.deduplicated_samples
                        + pushed.deduplicated_histograms
                        + pushed.outside_samples
                        + pushed.outside_histograms;
                    if left_out > 0 {
                        run.advance(|meter| meter.add(left_out));
                    }
                }
                identities.push(identity);
                while let Some(batch) = builder.take_ready() {
                    writes.push(self.write(batch, std::mem::take(&mut identities), Some(selector)));
                    // The series at the boundary may go on in the next batch.
                    identities.push(identity);
                    while writes.len() >= run.writes.limit() {
                        whole &= writes.next().await.unwrap_or(true);
                    }
                }
            }
        }
        while let Some(batch) = builder.finish() {
            writes.push(self.write(batch, std::mem::take(&mut identities), Some(selector)));
        }
        while let Some(ok) = writes.next().await {
            whole &= ok;
        }
        let state = match (whole, rows) {
            (false, _) => SlabState::Failed,
            (true, 0) => SlabState::Empty,
            (true, _) => SlabState::Done,
        };
        self.state(selector_at, slab_at, state, rows);
        run.emit(Event::Balance { balance: self.tally.borrow().balance() });
    }

    /// Copies exemplars, each once although several checks may find it.
    async fn exemplars(&self, notes: &mut Vec<String>) {
        let run = self.run;
        if !run.source_has_exemplars() {
            if !run.plan.source.kind.is_recording() && self.parts.is_none() {
                notes.push("source.exemplar_url is not configured; exemplars were not copied".to_owned());
            }
            return;
        }
        let mut found: FxHashMap<Labels, Series> = FxHashMap::default();
        for check in &run.plan.exemplar_checks {
            if self.ended() {
                return;
            }
            if self.parts.is_some_and(|parts| !parts.has_check(&check.query)) {
                continue;
            }
            match run.source_exemplars(check).await {
                Ok(answer) => {
                    let mut tally = self.tally.borrow_mut();
                    for series in answer.unwrap_or_default() {
                        let known = found
                            .entry(series.labels.clone())
                            .or_insert_with(|| Series { labels: series.labels.clone(), ..Series::default() });
                        for exemplar in series.exemplars {
                            tally.balance.exemplars.read += 1;
                            if !run.window.contains(exemplar.timestamp) {
                                tally.balance.exemplars.outside_window += 1;
                            } else if known.exemplars.contains(&exemplar) {
                                tally.balance.exemplars.deduplicated += 1;
                            } else {
                                known.exemplars.push(exemplar);
                            }
                        }
                    }
                }
                Err(error) => {
                    if error.kind.is_fatal() {
                        self.fail(error);
                        return;
                    }
                    run.notice_error(NoticeLevel::Error, &error);
                    self.tally.borrow_mut().unread(
                        &format!("exemplars of {}", check.query),
                        run.window,
                        error,
                    );
                }
            }
        }
        let mut series: Vec<Series> = found.into_values().filter(|one| !one.exemplars.is_empty()).collect();
        crate::order::sort_by(&mut series, |a, b| a.labels.cmp(&b.labels));
        let mut builder =
            BatchBuilder::new(run.plan.batch.max_series_per_write, run.plan.batch.max_points_per_write);
        let mut identities = Vec::new();
        for mut one in series {
            crate::order::sort_by(&mut one.exemplars, |a, b| {
                a.timestamp.cmp(&b.timestamp).then_with(|| a.labels.cmp(&b.labels))
            });
            identities.push(labels_identity(&one.labels));
            builder.push_series(&one);
        }
        self.write_all(builder, identities).await;
    }

    /// Copies metadata of the plan's metrics.
    async fn metadata(&self, notes: &mut Vec<String>) {
        let run = self.run;
        if !run.source_has_metadata() {
            if !run.plan.metadata_metrics.is_empty() && self.parts.is_none() {
                notes.push("source.metadata_url is not configured; metadata was not copied".to_owned());
            }
            return;
        }
        if self.ended() {
            return;
        }
        let metrics: Vec<String> = match run.metrics_with_metadata().await {
            Ok(mut metrics) => {
                metrics.retain(|metric| self.parts.is_none_or(|parts| parts.has_metric(metric)));
                metrics
            }
            Err(error) => return self.fail(error),
        };
        let answers: Vec<_> = stream::iter(&metrics)
            .map(|metric| async move { (metric, run.source_metadata(metric).await) })
            .buffered(METADATA_AT_ONCE)
            .collect()
            .await;
        let mut builder =
            BatchBuilder::new(run.plan.batch.max_series_per_write, run.plan.batch.max_points_per_write);
        for (metric, answer) in answers {
            match answer {
                Ok(mut entries) => {
                    let mut tally = self.tally.borrow_mut();
                    tally.balance.metadata.read += entries.len() as u64;
                    crate::order::sort(&mut entries);
                    let before = entries.len();
                    entries.dedup();
                    tally.balance.metadata.deduplicated += (before - entries.len()) as u64;
                    for entry in &entries {
                        builder.push_metadata(entry);
                    }
                }
                Err(error) if error.kind.is_fatal() => {
                    self.fail(error);
                    return;
                }
                Err(error) => {
                    run.notice_error(NoticeLevel::Error, &error);
                    self.tally.borrow_mut().unread(&format!("metadata of {metric}"), run.window, error);
                }
            }
        }
        self.write_all(builder, Vec::new()).await;
    }

    /// Whether nothing new may be started.
    fn ended(&self) -> bool {
        self.run.control.is_cancelled() || self.fatal.borrow().is_some()
    }

    /// Keeps the first failure that makes going on pointless; the ones after it follow from it.
    fn fail(&self, error: Error) {
        if error.kind != ErrorKind::Cancelled {
            self.run.notice_error(NoticeLevel::Error, &error);
        }
        self.fatal.borrow_mut().get_or_insert(error);
    }
}
