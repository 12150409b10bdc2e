//! What the stages ask of a recording in the place of a server.

use super::context::Run;
use super::control::Control;
use super::flow::Rank;
use super::http::cancelled;
use super::recording::Scanner;
use super::recording::slabs::SlabReader;
use super::recording::survey::{Found, Questions, Survey};
use crate::error::{Error, ErrorKind, Result, Side};
use crate::model::{Metadata, Window};
use crate::plan::SourceKind;
use crate::port::{FileError, Files, Ports};
use crate::report::Recording;
use std::rc::Rc;

/// Steps of a reading between two looks at the clock: a step may be a payload of a few bytes.
const STEPS_A_LOOK: u64 = 4;
/// Time between two words about how far the reading has come, in ms.
const TELL_EVERY_MS: f64 = 100.0;

/// Reads a recording and says what is in it, without a plan: what a surface shows before there are selectors.
/// `tell` hears bytes of the manifest read, and of all.
///
/// # Errors
/// When the manifest cannot be read.
pub async fn preview(
    ports: &Ports,
    kind: SourceKind,
    manifest: &str,
    tenant: &str,
    tell: impl Fn(u64, u64),
) -> Result<Recording> {
    let questions = Questions::default();
    let found = survey(ports, kind, manifest, tenant, &questions, None, tell).await;
    found.map(|found| found.recording)
}

async fn survey(
    ports: &Ports,
    kind: SourceKind,
    manifest: &str,
    tenant: &str,
    questions: &Questions,
    control: Option<&Control>,
    tell: impl Fn(u64, u64),
) -> Result<Found> {
    let unreadable = |error: FileError| file_error(manifest, &error);
    let scanner = Scanner::new(ports.files.clone(), kind, manifest, tenant).await;
    let mut scanner = scanner.map_err(unreadable)?;
    let mut survey = Survey::new(questions);
    let (mut told, mut steps) = (f64::MIN, 0u64);
    while scanner.step(&mut survey).await.map_err(unreadable)? {
        steps += 1;
        if steps % STEPS_A_LOOK != 0 {
            continue;
        }
        let now = ports.clock.monotonic_ms();
        if now - told >= TELL_EVERY_MS {
            told = now;
            let (read, all) = scanner.position();
            tell(read, all);
            // Who cancels or pauses is heard here.
            ports.clock.sleep(0).await;
            if let Some(control) = control {
                control.ready().await;
                if control.is_cancelled() {
                    return Err(cancelled());
                }
            }
        }
    }
    let (_, size) = scanner.position();
    Ok(survey.finish(kind, (manifest, size), scanner.counts, questions, &scanner.table))
}

fn file_error(manifest: &str, error: &FileError) -> Error {
    Error::new(ErrorKind::Input, format!("the recording {manifest} cannot be read: {error}"))
        .remedy(error.remedy())
        .side(Side::Source)
}

/// What a comparison leaves out.
#[derive(Default)]
pub(super) struct LeftOut {
    pub issues: Vec<String>,
    pub notes: Vec<String>,
}

impl Run {
    /// The manifest's path; empty for a source that is no recording.
    fn manifest(&self) -> &str {
        self.plan.source.capture_manifest_path.as_deref().unwrap_or_default()
    }

    /// A recording that cannot be read.
    pub fn file_error(&self, error: &FileError) -> Error {
        file_error(self.manifest(), error)
    }

    /// What the recording holds; read when it is asked for first.
    ///
    /// # Errors
    /// When the manifest cannot be read.
    pub async fn recording(&self) -> Result<Rc<Found>> {
        if let Some(found) = self.found.borrow().clone() {
            return Ok(found);
        }
        let questions = Questions {
            selectors: self.plan.selectors.clone(),
            exemplar_checks: self.plan.exemplar_checks.clone(),
            metadata_metrics: self.plan.metadata_metrics.clone(),
            window: Some(self.window),
            slab_rows: self.plan.options.slab_samples,
        };
        let (kind, tenant) = (self.plan.source.kind, &self.plan.target.tenant);
        let told = self.waiting.begin(Rank::Own, "Reading the recording.".to_owned());
        let tell = |read: u64, all: u64| {
            let share = read as f64 * 100.0 / all.max(1) as f64;
            told.say(format!("Reading the recording: {share:.0} % of {} MB", all / 1_000_000));
            self.progress(true);
        };
        let control = Some(&self.control);
        let found = survey(&self.ports, kind, self.manifest(), tenant, &questions, control, tell).await;
        drop(told);
        let found = Rc::new(found?);
        *self.found.borrow_mut() = Some(found.clone());
        Ok(found)
    }

    /// What the recording holds, and its slabs to be read.
    ///
    /// # Errors
    /// When the manifest cannot be read.
    pub async fn recorded_slabs(&self) -> Result<(Rc<Found>, SlabReader)> {
        let found = self.recording().await?;
        let files: Rc<dyn Files> = self.ports.files.clone();
        let (kind, tenant) = (self.plan.source.kind, &self.plan.target.tenant);
        let reader =
            SlabReader::new(files, kind, self.manifest(), tenant, &self.plan.selectors, &found.slabs);
        Ok((found, reader.until(self.control.clone())))
    }

    /// What of a recording is not compared, and so not proven. Nothing may be left out of a strict run.
    pub fn left_out(&self, recording: &Recording) -> LeftOut {
        let mut told = LeftOut::default();
        if recording.bad_entries > 0 {
            let entries = format!(
                "{} of {} entries of the manifest cannot be read and were not compared",
                recording.bad_entries, recording.entries
            );
            let list = if self.plan.options.strict { &mut told.issues } else { &mut told.notes };
            list.push(entries);
        }
        if recording.refused > 0 {
            told.notes.push(format!(
                "{} of {} {} would be refused by tsink and were not compared",
                recording.refused,
                recording.units,
                recording.unit()
            ));
        }
        told
    }

    /// The slabs of the window that a recording is cut into.
    pub fn windows(found: &Found) -> Vec<Window> {
        found.slabs.iter().map(|(window, _)| *window).collect()
    }

    /// Metrics whose metadata is compared: those of the plan, and those of selected series of a recording.
    pub async fn metrics_with_metadata(&self) -> Result<Vec<String>> {
        let mut metrics = self.plan.metadata_metrics.clone();
        if self.plan.source.kind.is_recording() {
            metrics.extend(self.recording().await?.metadata.iter().map(|entry| entry.metric.clone()));
            crate::order::sort(&mut metrics);
            metrics.dedup();
        }
        Ok(metrics)
    }

    /// Whether the source has metadata to offer.
    pub fn source_has_metadata(&self) -> bool {
        self.plan.source.kind.is_recording() || self.plan.source.metadata_url.is_some()
    }

    /// Whether the source has exemplars to offer.
    pub fn source_has_exemplars(&self) -> bool {
        self.plan.source.kind == SourceKind::Otlp || self.plan.source.exemplar_url.is_some()
    }

    /// Metadata entries of a metric from the source.
    ///
    /// # Errors
    /// When it cannot be asked.
    pub async fn source_metadata(&self, metric: &str) -> Result<Vec<Metadata>> {
        if self.plan.source.kind.is_recording() {
            let found = self.recording().await?;
            return Ok(found.metadata.iter().filter(|entry| entry.metric == metric).cloned().collect());
        }
        match crate::source::prometheus::metadata(&self.plan, metric) {
            Some(call) => self.call(&call).await,
            None => Ok(Vec::new()),
        }
    }
}
