//! What the server alone allows: the same data and questions in requests that were made before the clock starts.

use super::process::cpu_s;
use super::stats::median;
use super::{on_sound_target, parity};
use anyhow::{Result, ensure};
use serde_json::{Value, json};
use tsink_migrate_testkit::history::Bulk;
use tsink_migrate_testkit::prebuilt::{Shape, Writes, query_range, read};
use tsink_migrate_testkit::servers::Tsink;

/// Writers that are tried, each with an empty tsink of its own.
const WRITERS: [usize; 4] = [1, 2, 3, 4];
/// Of the shapes of up to 25,000 samples (a plan's default limit) that were tried, the one that costs tsink 0.10.2 least:
/// an hour, which is one of its partitions, of 100 series. Few samples of many series (24 of 1,000) cost it a quarter more
/// CPU, and requests of 2,000 samples up to twice as much, more so with few series; four times as large ones spare it less
/// than a tenth. Seen on a busy machine: it says which shape is dear, not by how many percent.
const SHAPE: Shape = Shape { series: 100, samples: 240, by_time: true };
/// The window is read in so many parts, and so many at once.
const READ_PARTS: (usize, usize) = (4, 2);
/// Of those that were tried (8 to 24 parts, two to eight at once), what two cores answer fastest.
const QUERY_PARTS: (usize, usize) = (12, 2);

/// One load.
#[derive(Clone, Copy, Debug)]
struct Load {
    writers: usize,
    wall_s: f64,
    cpu_s: f64,
}

/// All that was measured of the server alone.
#[derive(Debug)]
pub struct Ceiling {
    writes: Writes,
    bulk: Bulk,
    loads: Vec<Load>,
    reads_s: Vec<f64>,
    queries_s: Vec<f64>,
}

impl Ceiling {
    /// Makes the requests.
    ///
    /// # Errors
    /// When a request would be too large.
    pub fn new(bulk: Bulk) -> Result<Self> {
        let writes = Writes::new(&bulk, SHAPE)?;
        let none = Vec::new;
        Ok(Self { writes, bulk, loads: Vec::new(), reads_s: none(), queries_s: none() })
    }

    /// Loads an empty tsink with each number of writers; reads and queries the last one.
    ///
    /// # Errors
    /// When a request fails, or when fewer samples can be read than were written.
    pub fn measure(&mut self) -> Result<()> {
        for writers in WRITERS {
            let last = Some(&writers) == WRITERS.last();
            let (load, asked) = on_sound_target(|tsink| {
                let load = self.load(tsink, writers)?;
                Ok((load, if last { Some(self.ask(tsink)?) } else { None }))
            })?;
            eprintln!("  server alone, {writers} writers: {:.2} s, its CPU {:.2} s", load.wall_s, load.cpu_s);
            self.loads.push(load);
            if let Some((read_s, query_s)) = asked {
                eprintln!("  server alone: reads {read_s:.2} s, PromQL in parts {query_s:.2} s");
                self.reads_s.push(read_s);
                self.queries_s.push(query_s);
            }
        }
        Ok(())
    }

    fn load(&self, tsink: &Tsink, writers: usize) -> Result<Load> {
        let before = cpu_s(tsink.id());
        let took = self.writes.send(&tsink.endpoint("default"), writers)?;
        Ok(Load { writers, wall_s: took.as_secs_f64(), cpu_s: cpu_s(tsink.id()) - before })
    }

    fn ask(&self, tsink: &Tsink) -> Result<(f64, f64)> {
        let server = tsink.endpoint("default");
        let (parts, at_once) = READ_PARTS;
        let (read_took, samples) = read(&server, &Bulk::SELECTORS, &self.bulk, parts, at_once)?;
        let written = self.bulk.samples();
        ensure!(samples == written, "the server alone gives {samples} of {written} samples back");
        let window = (self.bulk.start_ms, self.bulk.end_ms());
        let (parts, at_once) = QUERY_PARTS;
        let query_took = query_range(&server, parity::QUERY, window, parity::STEP_MS, parts, at_once)?;
        Ok((read_took.as_secs_f64(), query_took.as_secs_f64()))
    }

    /// The writers with the best median: their number, wall time in s, the server's CPU in s.
    pub fn best(&self) -> (usize, f64, f64) {
        let of = |writers, figure: fn(&Load) -> f64| {
            median(self.loads.iter().filter(|load| load.writers == writers).map(figure))
        };
        let all =
            WRITERS.map(|writers| (writers, of(writers, |load| load.wall_s), of(writers, |load| load.cpu_s)));
        all.into_iter().min_by(|a, b| a.1.total_cmp(&b.1)).unwrap_or((0, f64::NAN, f64::NAN))
    }

    /// Median of reading everything back, in s.
    pub fn read_s(&self) -> f64 {
        median(self.reads_s.iter().copied())
    }

    /// Median of the query in parts, in s.
    pub fn query_s(&self) -> f64 {
        median(self.queries_s.iter().copied())
    }

    /// What the load is made of.
    pub fn describe(&self) -> String {
        format!(
            "{} requests of {} series × {} samples, {:.0} MB compressed",
            self.writes.requests(),
            SHAPE.series,
            SHAPE.samples,
            self.writes.bytes() as f64 / 1e6
        )
    }

    /// Raw data.
    pub fn json(&self) -> Value {
        let load =
            |load: &Load| json!({ "writers": load.writers, "wall_s": load.wall_s, "cpu_s": load.cpu_s });
        json!({
            "requests": self.describe(),
            "loads": self.loads.iter().map(load).collect::<Vec<_>>(),
            "reads_s": self.reads_s,
            "queries_s": self.queries_s,
        })
    }
}
