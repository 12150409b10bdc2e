//! History made from a seed, and loading it into a server.
//!
//! The caller gives the time, so that the same call makes the same bytes. Prometheus takes samples in time
//! order only: its head refuses what is more than an hour older than its newest sample. So loading goes slab
//! by slab, all series of a slab before the next one, into a fresh server that scrapes nothing yet. Any time
//! will do, also one years ago: a fresh head has no oldest time.

mod bulk;
mod histograms;
mod settle;
mod varied;

pub use bulk::Bulk;
pub use histograms::Observed;
pub use varied::{varied, varied_names};

use crate::client::Endpoint;
use crate::wire::{Histogram, MetricMetadata, TimeSeries, WriteRequest};
use anyhow::{Context, Result, anyhow};
use std::collections::HashSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

/// The bit pattern of Prometheus' staleness marker (`model/value/value.go`).
pub const STALE_NAN: u64 = 0x7ff0_0000_0000_0002;

/// Slabs must stay below the hour that Prometheus' head accepts back from its newest sample.
const SLAB_MS: i64 = 30 * 60 * 1000;
/// Rows in one write request; far below tsink's 200,000 rows in flight.
const ROWS_PER_REQUEST: usize = 40_000;
/// Entries of native histograms in one write request: tsink 0.10.2 answers 413 beyond 16,384 of them.
const BUCKET_ENTRIES_PER_REQUEST: usize = 12_000;
/// Requests at once. More do not help on two cores.
const WRITERS: usize = 2;

/// Series with everything they hold, and metadata.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History {
    /// Series; within each, everything is sorted by time.
    pub series: Vec<TimeSeries>,
    /// Metadata of the families.
    pub metadata: Vec<MetricMetadata>,
}

impl History {
    /// First and last time of any row, in ms; `None` when there is none.
    pub fn span(&self) -> Option<(i64, i64)> {
        let times = self.series.iter().flat_map(|series| {
            let ends = |first: Option<i64>, last: Option<i64>| [first, last].into_iter().flatten();
            ends(series.samples.first().map(|s| s.timestamp), series.samples.last().map(|s| s.timestamp))
                .chain(ends(
                    series.histograms.first().map(|h| h.timestamp),
                    series.histograms.last().map(|h| h.timestamp),
                ))
                .chain(ends(
                    series.exemplars.first().map(|e| e.timestamp),
                    series.exemplars.last().map(|e| e.timestamp),
                ))
                .collect::<Vec<_>>()
        });
        times.fold(None, |span, at| match span {
            None => Some((at, at)),
            Some((first, last)) => Some((first.min(at), last.max(at))),
        })
    }

    /// What it holds.
    pub fn count(&self) -> Loaded {
        let mut loaded = Loaded::default();
        self.series.iter().for_each(|series| loaded.add(series));
        loaded
    }
}

/// Counts of rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Loaded {
    /// Float samples.
    pub samples: u64,
    /// Native histograms.
    pub histograms: u64,
    /// Exemplars.
    pub exemplars: u64,
    /// Write requests.
    pub requests: u64,
}

impl Loaded {
    fn add(&mut self, series: &TimeSeries) {
        self.samples += series.samples.len() as u64;
        self.histograms += series.histograms.len() as u64;
        self.exemplars += series.exemplars.len() as u64;
    }
}

/// Writes a history into a server by remote write, metadata first.
///
/// # Errors
/// When the server refuses a request; refusals of kind 429 and 503 are tried again.
pub fn load(server: &Endpoint, history: &History) -> Result<Loaded> {
    for part in history.metadata.chunks(500) {
        write(server, &WriteRequest { timeseries: Vec::new(), metadata: part.to_vec() })?;
    }
    let Some((first, last)) = history.span() else { return Ok(Loaded::default()) };
    let slabs = (0..=(last - first) / SLAB_MS).map(|at| {
        let from = first + at * SLAB_MS;
        history
            .series
            .iter()
            .map(|series| series.clip(from, from + SLAB_MS - 1))
            .filter(|series| series.rows() > 0)
            .collect()
    });
    load_slabs(server, slabs)
}

/// Writes slabs one after the other; the series of one slab in parallel, after those that no slab before had, which go
/// one request at a time (see [`settle`]).
///
/// # Errors
/// As [`load`].
pub fn load_slabs(server: &Endpoint, slabs: impl Iterator<Item = Vec<TimeSeries>>) -> Result<Loaded> {
    let mut loaded = Loaded::default();
    let mut known = HashSet::new();
    for slab in slabs {
        slab.iter().for_each(|series| loaded.add(series));
        let (new, slab): (Vec<_>, Vec<_>) =
            slab.into_iter().partition(|series| known.insert(format!("{:?}", series.labels)));
        for request in requests(new) {
            settle::settle(server)?;
            write(server, &request)?;
            loaded.requests += 1;
        }
        let requests = Mutex::new(requests(slab).into_iter());
        let failed = AtomicBool::new(false);
        loaded.requests += thread::scope(|scope| -> Result<u64> {
            let writers: Vec<_> = (0..WRITERS)
                .map(|_| {
                    scope.spawn(|| -> Result<u64> {
                        let mut sent = 0;
                        loop {
                            let next = requests.lock().map_err(|_| anyhow!("a writer panicked"))?.next();
                            let Some(request) = next else { return Ok(sent) };
                            if failed.load(Ordering::SeqCst) {
                                return Ok(sent);
                            }
                            write(server, &request).inspect_err(|_| failed.store(true, Ordering::SeqCst))?;
                            sent += 1;
                        }
                    })
                })
                .collect();
            writers.into_iter().map(|writer| writer.join().map_err(|_| anyhow!("a writer panicked"))?).sum()
        })?;
    }
    Ok(loaded)
}

fn requests(slab: Vec<TimeSeries>) -> Vec<WriteRequest> {
    let mut all = Vec::new();
    let mut open = WriteRequest::default();
    let (mut rows, mut entries) = (0, 0);
    for series in slab {
        let more: usize = series.histograms.iter().map(bucket_entries).sum();
        if rows > 0
            && (rows + series.rows() > ROWS_PER_REQUEST || entries + more > BUCKET_ENTRIES_PER_REQUEST)
        {
            all.push(std::mem::take(&mut open));
            (rows, entries) = (0, 0);
        }
        rows += series.rows();
        entries += more;
        open.timeseries.push(series);
    }
    if rows > 0 {
        all.push(open);
    }
    all
}

/// What tsink counts as entries: spans, deltas, counts and custom bounds.
fn bucket_entries(histogram: &Histogram) -> usize {
    histogram.negative_spans.len()
        + histogram.negative_deltas.len()
        + histogram.negative_counts.len()
        + histogram.positive_spans.len()
        + histogram.positive_deltas.len()
        + histogram.positive_counts.len()
        + histogram.custom_values.len()
}

fn write(server: &Endpoint, request: &WriteRequest) -> Result<()> {
    for attempt in 0u32.. {
        let answer = server.remote_write(request)?;
        if matches!(answer.status, 429 | 503) && attempt < 20 {
            thread::sleep(Duration::from_millis(50 << attempt.min(5)));
            continue;
        }
        answer.ok().with_context(|| format!("loading history into {}", server.url()))?;
        break;
    }
    Ok(())
}

/// A linear congruential generator (Knuth's MMIX constants): same seed, same numbers, everywhere.
#[derive(Clone, Debug)]
pub struct Lcg(u64);

impl Lcg {
    /// From a seed.
    pub fn new(seed: u64) -> Self {
        let mut own = Self(seed ^ 0x9e37_79b9_7f4a_7c15);
        own.next_u32();
        own
    }

    /// The next number.
    pub fn next_u32(&mut self) -> u32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        // The low bits of such a generator have short periods.
        (self.0 >> 32) as u32
    }

    /// Uniform in `[0, 1)`.
    pub fn unit(&mut self) -> f64 {
        f64::from(self.next_u32()) / 4_294_967_296.0
    }

    /// Uniform in `[0, limit)`.
    pub fn below(&mut self, limit: u32) -> u32 {
        self.next_u32() % limit.max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::{Bulk, varied};

    #[test]
    fn the_same_seed_makes_the_same_bytes() {
        use prost::Message as _;
        let bytes = |seed| -> Vec<u8> {
            varied(seed, 1_000_000_000_000, 1_000_003_600_000, 15_000)
                .series
                .iter()
                .flat_map(|series| series.encode_to_vec())
                .collect()
        };
        assert_eq!(bytes(1), bytes(1));
        assert_ne!(bytes(1), bytes(2));
    }

    #[test]
    fn rows_are_in_time_order_and_labels_sorted() {
        let history = varied(7, 1_000_000_000_000, 1_000_003_600_000, 15_000);
        for series in &history.series {
            assert!(series.labels.is_sorted_by(|a, b| a.name < b.name), "{:?}", series.labels);
            assert!(series.samples.is_sorted_by(|a, b| a.timestamp < b.timestamp), "{}", series.name());
            assert!(series.histograms.is_sorted_by(|a, b| a.timestamp < b.timestamp), "{}", series.name());
            assert!(series.exemplars.is_sorted_by(|a, b| a.timestamp < b.timestamp), "{}", series.name());
        }
    }

    #[test]
    fn bulk_has_as_many_samples_as_it_says() {
        let bulk = Bulk { series: 10, start_ms: 1_000_000_000_000, hours: 2, step_ms: 15_000 };
        let rows: usize = bulk.slabs().flatten().map(|series| series.samples.len()).sum();
        assert_eq!(rows as u64, bulk.samples());
        assert_eq!(rows, 10 * 480);
    }
}
