//! The second reading of a recording: samples collected into slabs.
//!
//! How many samples a slab will hold is known from the first reading, so it is given away as soon as it is whole.
//! Recordings are mostly in order of time: then a slab or two are open at once, and one reading is enough. Where
//! they are not, the open slabs would grow past [`MAX_ROWS`]; then the latest ones are put off, and the recording
//! is read once more for them. So memory is bounded whatever the order.

use super::survey::Matching;
use super::{Hear, Scanner};
use crate::capture::{Row, SeriesTable};
use crate::model::{Exemplar, Sample, Series, Window};
use crate::order;
use crate::port::{FileError, Files};
use crate::run::control::Control;
use crate::selector::Selector;
use crate::wire::prom_read::SlabData;
use std::collections::VecDeque;
use std::rc::Rc;

/// Samples held in open slabs at most, unless a single slab has more.
const MAX_ROWS: usize = 1_500_000;

/// A slab with all its samples.
pub(in super::super) struct Slab {
    /// Its place among the slabs.
    pub at: usize,
    /// For each selector, what it selects.
    pub selected: Vec<SlabData>,
}

/// Samples of one slab while it is collected.
#[derive(Default)]
struct Open {
    window: Option<Window>,
    wanted: u64,
    rows: Vec<Row>,
    state: State,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum State {
    #[default]
    Open,
    /// Put off to the next reading.
    Later,
    Given,
}

/// Collects the slabs of one reading.
struct Collector {
    slabs: Vec<Open>,
    matching: Matching,
    held: usize,
    whole: VecDeque<usize>,
    last: usize,
}

/// Reads a recording slab by slab.
pub(in super::super) struct SlabReader {
    files: Rc<dyn Files>,
    kind: crate::plan::SourceKind,
    manifest: String,
    tenant: String,
    selectors: Vec<Selector>,
    scanner: Option<Scanner>,
    control: Option<Control>,
    collector: Collector,
    /// Manifest bytes read in all readings, for progress.
    pub read_bytes: u64,
}

impl SlabReader {
    /// Reads the slabs `cut`, which are one after the other, of a recording.
    pub fn new(
        files: Rc<dyn Files>,
        kind: crate::plan::SourceKind,
        manifest: &str,
        tenant: &str,
        selectors: &[Selector],
        cut: &[(Window, u64)],
    ) -> Self {
        let slabs =
            cut.iter().map(|(window, rows)| Open { window: Some(*window), wanted: *rows, ..Open::default() });
        let mut collector = Collector {
            slabs: slabs.collect(),
            matching: Matching::new(selectors.iter().map(Selector::predicate)),
            held: 0,
            whole: VecDeque::new(),
            last: 0,
        };
        // There is nothing to wait for.
        collector.whole.extend((0..cut.len()).filter(|at| cut.get(*at).is_some_and(|(_, rows)| *rows == 0)));
        Self {
            files,
            kind,
            manifest: manifest.to_owned(),
            tenant: tenant.to_owned(),
            selectors: selectors.to_vec(),
            scanner: None,
            control: None,
            collector,
            read_bytes: 0,
        }
    }

    /// Ends early when the operator cancels, and holds when he pauses.
    pub fn until(mut self, control: Control) -> Self {
        self.control = Some(control);
        self
    }

    /// The next slab, in no particular order; `None` when all have been given.
    ///
    /// # Errors
    /// When the manifest can no longer be read.
    pub async fn next(&mut self) -> Result<Option<Slab>, FileError> {
        loop {
            if let Some(at) = self.collector.whole.pop_front() {
                let table = self.scanner.as_ref().map(|scanner| &scanner.table);
                return Ok(Some(self.collector.give(at, table)));
            }
            if let Some(control) = &self.control {
                control.ready().await;
                if control.is_cancelled() {
                    return Ok(None);
                }
            }
            match &mut self.scanner {
                None => {
                    if self.collector.slabs.iter().all(|slab| slab.state == State::Given) {
                        return Ok(None);
                    }
                    let scanner =
                        Scanner::new(self.files.clone(), self.kind, &self.manifest, &self.tenant).await?;
                    self.scanner = Some(scanner);
                    self.collector.matching = Matching::new(self.selectors.iter().map(Selector::predicate));
                    self.collector.begin();
                }
                Some(scanner) => {
                    let before = scanner.position().0;
                    let goes_on = scanner.step(&mut self.collector).await?;
                    self.read_bytes += scanner.position().0 - before;
                    if !goes_on {
                        self.collector.finish();
                        // The series' numbers are of this scan: what is whole must be given before it goes.
                        if self.collector.whole.is_empty() {
                            self.scanner = None;
                        }
                    }
                }
            }
        }
    }
}

impl Collector {
    /// Begins a reading: what was put off is collected now.
    fn begin(&mut self) {
        for slab in &mut self.slabs {
            if slab.state == State::Later {
                slab.state = State::Open;
            }
        }
    }

    /// Ends a reading. A slab that is still open has fewer samples than the first reading found: the recording
    /// has changed. It is given as it is, and the balance shows what is missing.
    fn finish(&mut self) {
        for (at, slab) in self.slabs.iter().enumerate() {
            if slab.state == State::Open && !self.whole.contains(&at) {
                self.whole.push_back(at);
            }
        }
    }

    /// The slab of a time.
    fn find(&mut self, at: i64) -> Option<usize> {
        let holds = |slab: &Open| slab.window.is_some_and(|window| window.contains(at));
        if self.slabs.get(self.last).is_some_and(holds) {
            return Some(self.last);
        }
        let place = self.slabs.partition_point(|slab| slab.window.is_some_and(|window| window.end_ms < at));
        self.last = place;
        self.slabs.get(place).is_some_and(holds).then_some(place)
    }

    fn add(&mut self, row: Row) {
        let Some(at) = self.find(row.at) else { return };
        let Some(slab) = self.slabs.get_mut(at) else { return };
        if slab.state != State::Open {
            return;
        }
        slab.rows.push(row);
        self.held += 1;
        if slab.rows.len() as u64 == slab.wanted {
            self.whole.push_back(at);
        } else if self.held > MAX_ROWS {
            self.put_off();
        }
    }

    /// Puts the latest open slab off, unless it is the only one.
    fn put_off(&mut self) {
        let is_open = |slab: &Open| {
            slab.state == State::Open && !slab.rows.is_empty() && (slab.rows.len() as u64) < slab.wanted
        };
        let mut open = self.slabs.iter_mut().filter(|slab| is_open(slab));
        let (first, last) = (open.next(), open.next_back());
        if let (Some(_), Some(last)) = (first, last) {
            last.state = State::Later;
            self.held -= std::mem::take(&mut last.rows).len();
        }
        // Slabs that have not begun yet wait, too: their first rows would be put off at once.
    }

    /// Takes a slab's samples out, by selector.
    fn give(&mut self, at: usize, table: Option<&SeriesTable>) -> Slab {
        let Some(slab) = self.slabs.get_mut(at) else { return Slab { at, selected: Vec::new() } };
        slab.state = State::Given;
        let rows = std::mem::take(&mut slab.rows);
        self.held -= rows.len();
        let width = self.matching.width();
        let mut selected = vec![SlabData::default(); width];
        let Some(table) = table else { return Slab { at, selected } };
        let mut series = Series::default();
        for run in by_series(rows, table.len()).chunk_by(|a, b| a.series == b.series) {
            let Some(number) = run.first().map(|row| row.series) else { continue };
            let Some(labels) = table.labels(number) else { continue };
            series.labels = labels.clone();
            series.samples.clear();
            series.samples.extend(run.iter().map(|row| Sample { timestamp: row.at, value: row.value }));
            // Mostly they are in order already.
            order::sort_by_key(&mut series.samples, |sample| sample.timestamp);
            for (data, selects) in selected.iter_mut().zip(self.matching.of(number)) {
                if *selects {
                    data.push(&series);
                }
            }
        }
        Slab { at, selected }
    }
}

/// Brings the rows of each series together, in one pass; they keep their order.
fn by_series(rows: Vec<Row>, series: usize) -> Vec<Row> {
    let mut places: Vec<u32> = vec![0; series + 1];
    for row in &rows {
        if let Some(count) = places.get_mut(row.series as usize + 1) {
            *count += 1;
        }
    }
    let mut total = 0;
    for place in &mut places {
        total += *place;
        *place = total;
    }
    let mut sorted = vec![Row { series: 0, at: 0, value: 0.0 }; rows.len()];
    for row in rows {
        if let Some(place) = places.get_mut(row.series as usize) {
            if let Some(slot) = sorted.get_mut(*place as usize) {
                *slot = row;
            }
            *place += 1;
        }
    }
    sorted
}

impl Hear for Collector {
    fn rows(&mut self, rows: &[Row], table: &SeriesTable) {
        self.matching.learn(table);
        for row in rows {
            if self.matching.of(row.series).contains(&true) {
                self.add(*row);
            }
        }
    }

    fn exemplars(&mut self, _: Vec<(u32, Exemplar)>, _: &SeriesTable) {}
}
