//! The first reading of a recording: what it holds, what becomes of it, how much lies where.

use super::cut::Density;
use super::{Counts, Hear};
use crate::capture::manifest::Entry;
use crate::capture::otlp::Shapes;
use crate::capture::{Family, Refusal, RefusalKind, Row, SeriesTable};
use crate::model::{Exemplar, Labels, Metadata, Millis, Series, Window};
use crate::plan::{ExemplarCheck, SourceKind};
use crate::report::{
    BadEntry, Flag, FlagGroup, MetricPreview, Recording, RefusalExample, RefusalGroup, SelectorEstimate,
};
use crate::run::probe::Sample;
use crate::selector::{Predicate, Selector};
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;

/// Bad entries, hints and examples that are listed at most; counts are complete.
const LISTED: usize = 100;
const EXAMPLES: usize = 5;
/// Metrics in a preview at most.
const METRICS: usize = 2_000;

/// What is asked of a recording.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct Questions {
    pub selectors: Vec<Selector>,
    pub exemplar_checks: Vec<ExemplarCheck>,
    /// Metrics whose metadata is wanted besides that of selected series.
    pub metadata_metrics: Vec<String>,
    /// All time without one.
    pub window: Option<Window>,
    /// Samples that a slab should hold.
    pub slab_rows: u64,
}

/// Everything that the first reading has found out.
pub(in super::super) struct Found {
    pub recording: Recording,
    /// The window in slabs, and how many different selected samples each holds.
    pub slabs: Vec<(Window, u64)>,
    pub selectors: Vec<SelectorEstimate>,
    /// Samples that a selector selects although they lie outside of the window; each as often as it is selected.
    pub outside: u64,
    /// Metadata of the metrics of selected series.
    pub metadata: Vec<Metadata>,
    /// Exemplars of each check.
    pub exemplars: Vec<Vec<Series>>,
    /// Lines to try the target's live endpoint with.
    pub sample: Sample,
}

/// What is known of a series.
#[derive(Clone, Copy)]
struct Seen {
    samples: u64,
    inside: u64,
    first_ms: Millis,
    last_ms: Millis,
    /// Whether any selector selects it; all are selected when there is no selector.
    selected: bool,
}

/// Hears a whole recording.
pub(in super::super) struct Survey {
    window: Window,
    matching: Matching,
    checks: Matching,
    limits: Vec<usize>,
    series: Vec<Seen>,
    density: Density,
    examples: FxHashMap<String, (String, String)>,
    refusals: BTreeMap<RefusalKind, RefusalGroup>,
    flags: BTreeMap<Flag, FlagGroup>,
    bad: Vec<BadEntry>,
    bad_entries: u64,
    hints: Vec<String>,
    refused: u64,
    exemplars: u64,
    checked: Vec<BTreeMap<Labels, Series>>,
    shapes: BTreeMap<String, u64>,
    sample: Sample,
    /// Metrics without samples.
    families: Vec<Family>,
}

/// Which predicates match which series; asked once a series.
pub(in super::super) struct Matching {
    predicates: Vec<Predicate>,
    /// For each series, one flag a predicate.
    flags: Vec<bool>,
    known: usize,
}

impl Matching {
    pub fn new(predicates: impl Iterator<Item = Predicate>) -> Self {
        Self { predicates: predicates.collect(), flags: Vec::new(), known: 0 }
    }

    /// Looks at the series that have come up since the last time.
    pub fn learn(&mut self, table: &SeriesTable) {
        for series in self.known..table.len() {
            for predicate in &self.predicates {
                let matches = table.labels(series as u32).is_some_and(|labels| predicate.matches(labels));
                self.flags.push(matches);
            }
        }
        self.known = table.len();
    }

    /// How many predicates there are.
    pub fn width(&self) -> usize {
        self.predicates.len()
    }

    /// One flag a predicate.
    pub fn of(&self, series: u32) -> &[bool] {
        let width = self.predicates.len();
        let from = series as usize * width;
        self.flags.get(from..from + width).unwrap_or_default()
    }
}

impl Survey {
    pub fn new(questions: &Questions) -> Self {
        let checks = &questions.exemplar_checks;
        let limit = |check: &ExemplarCheck| usize::try_from(check.limit).unwrap_or(usize::MAX);
        Self {
            window: questions.window.unwrap_or(Window { start_ms: Millis::MIN, end_ms: Millis::MAX }),
            matching: Matching::new(questions.selectors.iter().map(Selector::predicate)),
            // The plan's check has parsed them.
            checks: Matching::new(
                checks.iter().filter_map(|check| Some(Selector::parse(&check.query).ok()?.predicate())),
            ),
            limits: checks.iter().map(limit).collect(),
            checked: vec![BTreeMap::new(); checks.len()],
            series: Vec::new(),
            density: Density::default(),
            examples: FxHashMap::default(),
            refusals: BTreeMap::new(),
            flags: BTreeMap::new(),
            bad: Vec::new(),
            bad_entries: 0,
            hints: Vec::new(),
            refused: 0,
            exemplars: 0,
            shapes: BTreeMap::new(),
            sample: Sample::default(),
            families: Vec::new(),
        }
    }

    fn learn(&mut self, table: &SeriesTable) {
        if self.series.len() == table.len() {
            return;
        }
        self.matching.learn(table);
        self.checks.learn(table);
        for series in self.series.len()..table.len() {
            let flags = self.matching.of(series as u32);
            self.series.push(Seen {
                samples: 0,
                inside: 0,
                first_ms: Millis::MAX,
                last_ms: Millis::MIN,
                selected: flags.is_empty() || flags.contains(&true),
            });
        }
    }

    /// Ends the survey.
    pub fn finish(
        self,
        kind: SourceKind,
        manifest: (&str, u64),
        counts: Counts,
        questions: &Questions,
        table: &SeriesTable,
    ) -> Found {
        let Questions { selectors, metadata_metrics, .. } = questions;
        let sum = |of: fn(&Seen) -> u64| self.series.iter().map(of).sum::<u64>();
        let not_selected = sum(|seen| if seen.selected { 0 } else { seen.samples });
        let with_samples = || self.series.iter().filter(|seen| seen.samples > 0);
        let (metrics, metrics_omitted) = self.metrics(table);
        let mut outside = 0;
        let mut estimates: Vec<SelectorEstimate> = selectors
            .iter()
            .map(|selector| SelectorEstimate {
                selector: selector.text.clone(),
                series: 0,
                rows: 0,
                has_histograms: false,
            })
            .collect();
        let mut families: BTreeMap<&str, &Family> = BTreeMap::new();
        let asked_for = self.families.iter().filter(|family| metadata_metrics.contains(&family.name));
        families.extend(asked_for.map(|family| (family.name.as_str(), family)));
        for (at, seen) in self.series.iter().enumerate() {
            for (estimate, selects) in estimates.iter_mut().zip(self.matching.of(at as u32)) {
                if *selects {
                    estimate.series += u64::from(seen.inside > 0);
                    estimate.rows += seen.inside;
                    outside += seen.samples - seen.inside;
                }
            }
            let family = table.family(at as u32);
            if let Some(family) = family.filter(|one| seen.selected || metadata_metrics.contains(&one.name)) {
                families.insert(&family.name, family);
            }
        }
        let metadata = families.into_values().map(|family| Metadata {
            metric: family.name.clone(),
            metric_type: family.kind,
            help: family.help.clone(),
            unit: family.unit.clone(),
        });
        Found {
            metadata: metadata.collect(),
            selectors: estimates,
            outside,
            recording: Recording {
                kind,
                manifest: manifest.0.to_owned(),
                manifest_bytes: manifest.1,
                entries: counts.entries,
                payload_bytes: counts.payload_bytes,
                bad_entries: self.bad_entries,
                units: counts.units,
                refused: self.refused,
                series: with_samples().count() as u64,
                samples: sum(|seen| seen.samples),
                exemplars: self.exemplars,
                not_selected,
                outside_window: sum(|seen| if seen.selected { seen.samples - seen.inside } else { 0 }),
                first_ms: with_samples().map(|seen| seen.first_ms).min(),
                last_ms: with_samples().map(|seen| seen.last_ms).max(),
                metrics,
                metrics_omitted,
                bad: self.bad,
                refusals: self.refusals.into_values().collect(),
                flags: self.flags.into_values().collect(),
                hints: self.hints,
                shapes: self.shapes,
            },
            exemplars: self
                .checked
                .into_iter()
                .zip(&self.limits)
                .map(|(series, limit)| series.into_values().map(|one| newest(one, *limit)).collect())
                .collect(),
            sample: self.sample,
            slabs: self.density.cut(self.window, questions.slab_rows),
        }
    }

    /// The metrics with most samples, and how many others there are.
    fn metrics(&self, table: &SeriesTable) -> (Vec<MetricPreview>, u64) {
        let mut metrics: BTreeMap<&str, MetricPreview> = BTreeMap::new();
        for (at, seen) in self.series.iter().enumerate().filter(|(_, seen)| seen.samples > 0) {
            let Some(labels) = table.labels(at as u32) else { continue };
            let name = labels.name().unwrap_or_default();
            let metric = metrics.entry(name).or_insert_with(|| {
                let (line, becomes) = self.examples.get(name).cloned().unwrap_or_default();
                MetricPreview {
                    name: name.to_owned(),
                    kind: table.family(at as u32).map(|family| family.kind).unwrap_or_default(),
                    series: 0,
                    samples: 0,
                    first_ms: Millis::MAX,
                    last_ms: Millis::MIN,
                    line,
                    becomes,
                }
            });
            metric.series += 1;
            metric.samples += seen.samples;
            metric.first_ms = metric.first_ms.min(seen.first_ms);
            metric.last_ms = metric.last_ms.max(seen.last_ms);
        }
        let mut metrics: Vec<MetricPreview> = metrics.into_values().collect();
        crate::order::sort_by_key(&mut metrics, |metric| std::cmp::Reverse(metric.samples));
        let omitted = metrics.len().saturating_sub(METRICS) as u64;
        metrics.truncate(METRICS);
        (metrics, omitted)
    }
}

impl Hear for Survey {
    fn rows(&mut self, rows: &[Row], table: &SeriesTable) {
        self.learn(table);
        for row in rows {
            let Some(seen) = self.series.get_mut(row.series as usize) else { continue };
            seen.samples += 1;
            seen.first_ms = seen.first_ms.min(row.at);
            seen.last_ms = seen.last_ms.max(row.at);
            if self.window.contains(row.at) {
                seen.inside += 1;
                if seen.selected {
                    self.density.add(row.at);
                }
            }
        }
    }

    fn exemplars(&mut self, exemplars: Vec<(u32, Exemplar)>, table: &SeriesTable) {
        self.learn(table);
        self.exemplars += exemplars.len() as u64;
        for (series, exemplar) in exemplars {
            if !self.window.contains(exemplar.timestamp) {
                continue;
            }
            let Some(labels) = table.labels(series) else { continue };
            let wanted = self.checked.iter_mut().zip(&self.limits).zip(self.checks.of(series));
            for ((checked, limit), _) in wanted.filter(|(_, wanted)| **wanted) {
                let kept = checked
                    .entry(labels.clone())
                    .or_insert_with(|| Series { labels: labels.clone(), ..Series::default() });
                kept.exemplars.push(exemplar.clone());
                if kept.exemplars.len() > limit.saturating_mul(2).saturating_add(64) {
                    *kept = newest(std::mem::take(kept), *limit);
                }
            }
        }
    }

    fn first(&mut self, line: &str, rows: &[Row], table: &SeriesTable) {
        for row in rows {
            let Some(labels) = table.labels(row.series) else { continue };
            let name = labels.name().unwrap_or_default();
            if self.examples.len() < METRICS && !self.examples.contains_key(name) {
                let at = crate::plan::format_time(row.at);
                self.examples
                    .insert(name.to_owned(), (line.to_owned(), format!("{labels} = {} at {at}", row.value)));
            }
        }
    }

    fn family(&mut self, family: Family) {
        if !self.families.contains(&family) && self.families.len() < METRICS {
            self.families.push(family);
        }
    }

    fn taken(&mut self, entry: &Entry, line: &str) {
        self.sample.take(entry.index, &entry.query_params, line);
    }

    fn refused(&mut self, entry: u64, place: &str, text: &str, refusal: &Refusal) {
        self.refused += 1;
        let group = self.refusals.entry(refusal.kind).or_insert_with(|| RefusalGroup {
            kind: refusal.kind,
            count: 0,
            examples: Vec::new(),
        });
        group.count += 1;
        if group.examples.len() < EXAMPLES {
            group.examples.push(RefusalExample {
                entry,
                place: place.to_owned(),
                text: text.to_owned(),
                message: refusal.message.chars().take(300).collect(),
            });
        }
    }

    fn bad(&mut self, bad: BadEntry) {
        self.bad_entries += 1;
        if self.bad.len() < LISTED {
            self.bad.push(bad);
        }
    }

    fn flag(&mut self, flag: Flag, entry: u64, count: u64) {
        self.flags.entry(flag).or_insert(FlagGroup { flag, count: 0, first_entry: entry }).count += count;
    }

    fn shapes(&mut self, shapes: &Shapes) {
        for (shape, count) in [
            ("gauge", shapes.gauge),
            ("sum:cumulative", shapes.sum),
            ("histogram:cumulative:explicit_buckets", shapes.histogram),
            ("summary", shapes.summary),
        ] {
            if count > 0 {
                *self.shapes.entry(shape.to_owned()).or_default() += count;
            }
        }
    }

    fn hint(&mut self, entry: u64, hint: String) {
        if self.hints.len() < LISTED {
            self.hints.push(format!("entry {entry}: {hint}"));
        }
    }
}

/// A series with its newest exemplars, each once.
fn newest(mut series: Series, limit: usize) -> Series {
    crate::order::sort_by_key(&mut series.exemplars, |exemplar| exemplar.timestamp);
    series.exemplars.dedup();
    let older = series.exemplars.len().saturating_sub(limit);
    series.exemplars.drain(..older);
    series
}
