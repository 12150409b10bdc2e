//! Verify: both sides are read slab by slab and compared by timestamp.

use super::context::Run;
use super::event::{Event, NoticeLevel, SlabState, Stage};
use super::http::cancelled;
use super::meter::Meter;
use super::reading::Piece;
use super::recording::slabs::SlabReader;
use super::slabs;
use crate::compare::{Hints, RawComparison, compare_exemplars, compare_metadata};
use crate::error::{Error, Result};
use crate::model::{Series, Window};
use crate::plan::SourceKind;
use crate::report::{
    Estimate, ExemplarCheckReport, MetadataCheckReport, PreflightReport, RawCheckReport, Status, VerifyReport,
};
use crate::target::tsink;
use futures_util::stream::{self, StreamExt};
use futures_util::{join, pin_mut};
use std::cell::RefCell;

/// Slabs read and compared at once, each from both sides.
const SLABS_AT_ONCE: usize = 2;
/// Metadata requests at once, each to both sides.
const METADATA_AT_ONCE: usize = 4;

impl Run {
    /// Compares source and target.
    ///
    /// # Errors
    /// What makes the comparison as a whole impossible: a server that cannot be reached, a refused token,
    /// the operator's cancel.
    pub async fn verify(&self, preflight: Option<&PreflightReport>) -> Result<VerifyReport> {
        let since = self.stamp();
        let work = self.verify_all(preflight, since);
        let ticker = self.tick();
        pin_mut!(work, ticker);
        match futures_util::future::select(work, ticker).await {
            futures_util::future::Either::Left((report, _)) => {
                self.progress(true);
                report
            }
            // The ticker never ends; this arm cannot be reached, and says so if it ever is.
            futures_util::future::Either::Right(_) => Err(cancelled()),
        }
    }

    async fn verify_all(
        &self,
        preflight: Option<&PreflightReport>,
        since: (i64, f64),
    ) -> Result<VerifyReport> {
        let estimate = match preflight.and_then(|report| report.estimate.clone()) {
            Some(estimate) => Some(estimate),
            None if self.plan.source.kind.is_recording() => {
                Some(self.recorded_estimate(&*self.recording().await?, &mut Vec::new()))
            }
            None => self.estimate(&mut Vec::new()).await,
        };
        if self.control.is_cancelled() {
            return Err(cancelled());
        }
        let hints = Hints {
            target_oldest_ms: preflight.and_then(|report| report.target_oldest_ms),
            now_ms: self.ports.clock.now_ms(),
            tenant: self.plan.target.tenant.clone(),
            source_read_via: self.plan.options.read_via,
        };
        let raw_checks = self.verify_samples(estimate.as_ref(), &hints).await?;
        let found = self.found.borrow().clone();
        let left_out = found.map(|found| self.left_out(&found.recording)).unwrap_or_default();
        let mut notes = left_out.notes;
        let metadata_checks = self.verify_metadata(&mut notes).await?;
        let exemplar_checks = self.verify_exemplars(&mut notes, &hints).await?;
        let mut issues: Vec<String> = left_out.issues;
        issues.extend(raw_checks.iter().flat_map(|check| check.issues.iter().cloned()));
        issues.extend(metadata_checks.iter().filter_map(MetadataCheckReport::issue));
        issues.extend(exemplar_checks.iter().flat_map(|check| check.issues.iter().cloned()));
        Ok(VerifyReport {
            status: if issues.is_empty() { Status::Pass } else { Status::Fail },
            start_ms: self.window.start_ms,
            end_ms: self.window.end_ms,
            raw_checks,
            metadata_checks,
            exemplar_checks,
            recheck: None,
            issues,
            notes,
            run: self.info_since(since),
        })
    }

    async fn verify_samples(
        &self,
        estimate: Option<&Estimate>,
        hints: &Hints,
    ) -> Result<Vec<RawCheckReport>> {
        let selectors = &self.plan.selectors;
        let rows_of = |at: usize| estimate.and_then(|all| all.selectors.get(at)).map(|one| one.rows);
        let recorded = match self.plan.source.kind.is_recording() {
            true => Some(self.recorded_slabs().await?),
            false => None,
        };
        let cuts: Vec<Vec<Window>> = (0..selectors.len())
            .map(|at| match &recorded {
                Some((found, _)) => Self::windows(found),
                None => slabs::cut(
                    self.window,
                    rows_of(at).filter(|rows| *rows > 0),
                    self.plan.options.slab_samples,
                ),
            })
            .collect();
        let total = (0..selectors.len()).filter_map(rows_of).sum();
        self.emit(Event::Slabs {
            stage: Stage::Verify,
            selectors: selectors.iter().map(|selector| selector.text.clone()).collect(),
            slabs: cuts.clone(),
        });
        self.start_meter(Meter::new(Stage::Verify, "samples", total, self.now()));
        let comparisons = selectors.iter().map(|selector| {
            let most = self.plan.options.max_findings;
            RefCell::new(RawComparison::new(&selector.text, &self.plan.compare, most))
        });
        let checks = Checks { run: self, comparisons: comparisons.collect(), fatal: RefCell::default() };
        let mut reports = Vec::with_capacity(selectors.len());
        match recorded {
            Some((found, reader)) => {
                checks.recorded(reader, &found.slabs).await;
                for at in 0..selectors.len() {
                    reports.push(checks.finish(at, hints)?);
                }
            }
            None => {
                for (at, cut) in cuts.iter().enumerate() {
                    let expected = rows_of(at).unwrap_or(0) / (cut.len() as u64).max(1);
                    stream::iter(cut.iter().enumerate())
                        .for_each_concurrent(SLABS_AT_ONCE, |(slab_at, slab)| {
                            checks.slab(at, slab_at, *slab, None, expected)
                        })
                        .await;
                    reports.push(checks.finish(at, hints)?);
                }
            }
        }
        Ok(reports)
    }

    async fn verify_metadata(&self, notes: &mut Vec<String>) -> Result<Vec<MetadataCheckReport>> {
        let plan = &self.plan;
        let metrics = self.metrics_with_metadata().await?;
        if metrics.is_empty() {
            return Ok(Vec::new());
        }
        if !self.source_has_metadata() || plan.target.metadata_url.is_none() {
            notes.push("metadata was not verified: metadata_url is not configured on both sides".to_owned());
            return Ok(Vec::new());
        }
        let answers: Vec<Result<MetadataCheckReport>> = stream::iter(&metrics)
            .map(|metric| async move {
                let Some(target) = tsink::metadata(plan, metric) else {
                    return Ok(MetadataCheckReport {
                        metric: metric.clone(),
                        ..MetadataCheckReport::default()
                    });
                };
                let (source, target) = join!(self.source_metadata(metric), self.call(&target));
                Ok(compare_metadata(metric, source?, target?))
            })
            .buffered(METADATA_AT_ONCE)
            .collect()
            .await;
        let checks = answers.into_iter().collect::<Result<Vec<_>>>()?;
        for check in &checks {
            self.emit(Event::MetadataCheck { check: check.clone() });
        }
        Ok(checks)
    }

    async fn verify_exemplars(
        &self,
        notes: &mut Vec<String>,
        hints: &Hints,
    ) -> Result<Vec<ExemplarCheckReport>> {
        let plan = &self.plan;
        if plan.source.kind.is_recording() && !self.source_has_exemplars() {
            return Ok(Vec::new());
        }
        if !self.source_has_exemplars() || plan.target.exemplar_url.is_none() {
            notes.push(match plan.source.kind {
                SourceKind::VictoriaMetrics => {
                    "exemplars were not verified: VictoriaMetrics keeps none".to_owned()
                }
                _ => "exemplars were not verified: exemplar_url is not configured on both sides".to_owned(),
            });
            return Ok(Vec::new());
        }
        let mut checks = Vec::with_capacity(plan.exemplar_checks.len());
        for check in &plan.exemplar_checks {
            let (source, target) = join!(self.source_exemplars(check), self.target_exemplars(check));
            let report = compare_exemplars(
                &check.query,
                source?.unwrap_or_default(),
                target?.unwrap_or_default(),
                self.window,
                &plan.compare,
                plan.options.max_findings,
                hints,
            );
            self.emit(Event::ExemplarCheck { check: report.clone() });
            checks.push(report);
        }
        Ok(checks)
    }
}

/// The comparisons of all selectors, under way.
struct Checks<'a> {
    run: &'a Run,
    comparisons: Vec<RefCell<RawComparison>>,
    /// The failure that makes going on pointless.
    fatal: RefCell<Option<Error>>,
}

impl Checks<'_> {
    fn ended(&self) -> bool {
        self.fatal.borrow().is_some() || self.run.control.is_cancelled()
    }

    /// Compares a recording with the target.
    async fn recorded(&self, reader: SlabReader, slabs: &[(Window, u64)]) {
        stream::unfold(reader, |mut reader| async {
            if self.ended() {
                return None;
            }
            match reader.next().await {
                Ok(slab) => slab.map(|slab| (slab, reader)),
                Err(error) => {
                    self.fatal.borrow_mut().get_or_insert(self.run.file_error(&error));
                    None
                }
            }
        })
        .for_each_concurrent(SLABS_AT_ONCE, |slab| async move {
            let Some((window, _)) = slabs.get(slab.at) else { return };
            for (at, data) in slab.selected.into_iter().enumerate() {
                let rows = data.sample_count();
                self.slab(at, slab.at, *window, Some(vec![(*window, data)]), rows).await;
            }
        })
        .await;
    }

    /// Compares a slab of a selector; reads the source unless `source` is what it holds.
    async fn slab(&self, at: usize, slab_at: usize, slab: Window, source: Option<Vec<Piece>>, expected: u64) {
        let run = self.run;
        let Some((selector, comparison)) = run.plan.selectors.get(at).zip(self.comparisons.get(at)) else {
            return;
        };
        run.control.ready().await;
        if self.ended() {
            return;
        }
        let state = |state, rows| {
            run.emit(Event::Slab { stage: Stage::Verify, selector: at, slab: slab_at, state, rows });
        };
        state(SlabState::InFlight, 0);
        let read_source = async {
            match source {
                Some(pieces) => Ok(pieces),
                None => run.read_source(selector, slab).await,
            }
        };
        match join!(read_source, run.read_target(selector, slab)) {
            (Ok(source), Ok(target)) => {
                let outcome = comparison.borrow_mut().slab(slab, merge(source, slab), merge(target, slab));
                let rows = outcome.source_rows.max(outcome.target_rows);
                run.rows_read.set(run.rows_read.get() + outcome.source_rows + outcome.target_rows);
                run.advance(|meter| {
                    meter.correct(expected, outcome.source_rows);
                    meter.add(outcome.source_rows);
                });
                state(
                    match (outcome.differs, rows) {
                        (true, _) => SlabState::Failed,
                        (false, 0) => SlabState::Empty,
                        (false, _) => SlabState::Done,
                    },
                    rows,
                );
            }
            (Err(error), _) | (_, Err(error)) => {
                state(SlabState::Failed, 0);
                if error.kind.is_fatal() {
                    self.fatal.borrow_mut().get_or_insert(error);
                } else {
                    run.notice_error(NoticeLevel::Error, &error);
                    comparison.borrow_mut().not_compared(slab, &error);
                }
            }
        }
    }

    /// The report of a selector whose slabs have all been compared.
    fn finish(&self, at: usize, hints: &Hints) -> Result<RawCheckReport> {
        if self.run.control.is_cancelled() {
            return Err(cancelled());
        }
        if let Some(error) = self.fatal.borrow_mut().take() {
            return Err(error);
        }
        let mut comparison = RawComparison::new("", &self.run.plan.compare, 0);
        if let Some(slot) = self.comparisons.get(at) {
            std::mem::swap(&mut comparison, &mut slot.borrow_mut());
        }
        let check = comparison.finish(hints);
        self.run.emit(Event::RawCheck { check: check.clone() });
        Ok(check)
    }
}

/// One list of series from the pieces of a slab; rows that a server sent although they lie outside of what
/// was asked for are left out.
fn merge(pieces: Vec<Piece>, slab: Window) -> Vec<Series> {
    let mut all = Vec::new();
    for (window, data) in pieces {
        let mut series = data.decode();
        for one in &mut series {
            let keep = Window {
                start_ms: window.start_ms.max(slab.start_ms),
                end_ms: window.end_ms.min(slab.end_ms),
            };
            let inside = |first: Option<i64>, last: Option<i64>| {
                first.is_none_or(|at| keep.contains(at)) && last.is_none_or(|at| keep.contains(at))
            };
            // Servers sort by time; the ends tell whether there is anything to cut off.
            let sorted_ends =
                inside(one.samples.first().map(|s| s.timestamp), one.samples.last().map(|s| s.timestamp));
            if !sorted_ends || !one.samples.is_sorted_by_key(|sample| sample.timestamp) {
                one.samples.retain(|sample| keep.contains(sample.timestamp));
            }
            one.histograms.retain(|histogram| keep.contains(histogram.timestamp));
        }
        all.append(&mut series);
    }
    all
}
