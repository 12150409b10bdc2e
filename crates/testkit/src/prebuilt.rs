//! Requests made before the clock starts: what a server alone allows.
//!
//! Nothing is computed while the clock runs but HTTP itself, and answers are looked at afterwards. So the time is the
//! server's, and no client can be faster on the same machine.

use crate::client::{Answer, Endpoint, percent, seconds};
use crate::history::Bulk;
use crate::wire::{LabelMatcher, MatcherType, Query, ReadRequest, ReadResponse, TimeSeries, WriteRequest};
use anyhow::{Context, Result, anyhow};
use prost::Message;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

const WRITE: [(&str, &str); 3] = [
    ("Content-Type", "application/x-protobuf"),
    ("Content-Encoding", "snappy"),
    ("X-Prometheus-Remote-Write-Version", "0.1.0"),
];
const READ: [(&str, &str); 3] = [
    ("Content-Type", "application/x-protobuf"),
    ("Content-Encoding", "snappy"),
    ("X-Prometheus-Remote-Read-Version", "0.1.0"),
];

/// How samples are cut into write requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Series in a request.
    pub series: usize,
    /// Samples of each series in a request.
    pub samples: usize,
    /// Whether all series of one part of the window are sent before its next part begins; else the whole window of
    /// some series before the next series.
    pub by_time: bool,
}

/// Compressed write requests in the order in which they are sent.
#[derive(Clone, Debug)]
pub struct Writes {
    bodies: Vec<Vec<u8>>,
}

impl Writes {
    /// All samples of `bulk` in requests of this shape.
    ///
    /// # Errors
    /// When a request is too large for snappy (4 GiB).
    pub fn new(bulk: &Bulk, shape: Shape) -> Result<Self> {
        let step = shape.samples.max(1);
        let ids: Vec<usize> = (0..bulk.series).collect();
        // A row for each group of series; a row's requests follow each other in time.
        let mut rows: Vec<Vec<Vec<u8>>> = Vec::new();
        for group in ids.chunks(shape.series.max(1)) {
            let whole: Vec<TimeSeries> = group.iter().map(|at| bulk.whole(*at)).collect();
            let length = whole.first().map_or(0, |series| series.samples.len());
            let requests = (0..length).step_by(step).map(|first| {
                let part = |series: &TimeSeries| TimeSeries {
                    labels: series.labels.clone(),
                    samples: series.samples.iter().skip(first).take(step).copied().collect(),
                    ..TimeSeries::default()
                };
                compressed(&WriteRequest {
                    timeseries: whole.iter().map(part).collect(),
                    metadata: Vec::new(),
                })
            });
            rows.push(requests.collect::<Result<_>>()?);
        }
        let bodies = if shape.by_time {
            let slabs = rows.first().map_or(0, Vec::len);
            (0..slabs).flat_map(|slab| rows.iter().filter_map(move |row| row.get(slab).cloned())).collect()
        } else {
            rows.into_iter().flatten().collect()
        };
        Ok(Self { bodies })
    }

    /// How many requests.
    pub fn requests(&self) -> usize {
        self.bodies.len()
    }

    /// Compressed bytes in all.
    pub fn bytes(&self) -> usize {
        self.bodies.iter().map(Vec::len).sum()
    }

    /// Sends everything; each of `writers` connections takes the next request once its last one was answered. Returns
    /// the time from the first request's start to the last one's answer.
    ///
    /// # Errors
    /// When a request fails or is not answered with 2xx; nothing is repeated.
    pub fn send(&self, server: &Endpoint, writers: usize) -> Result<Duration> {
        let (took, _) = side_by_side(self.bodies.len(), writers, |at| {
            let body = self.bodies.get(at).context("no such request")?;
            server.post("/api/v1/write", &WRITE, body)?.ok()
        })?;
        Ok(took)
    }
}

/// Reads all samples of some metrics back, the window in `parts`, `at_once` requests at a time. Returns the time, and
/// how many samples came.
///
/// # Errors
/// When a request fails, or an answer cannot be decoded afterwards.
pub fn read(
    server: &Endpoint,
    metrics: &[&str],
    bulk: &Bulk,
    parts: usize,
    at_once: usize,
) -> Result<(Duration, u64)> {
    let bodies: Vec<Vec<u8>> = cut(bulk.start_ms, bulk.end_ms(), 1, parts)
        .into_iter()
        .map(|(start_timestamp_ms, end_timestamp_ms)| {
            let of = |metric: &&str| Query {
                start_timestamp_ms,
                end_timestamp_ms,
                matchers: vec![LabelMatcher {
                    r#type: MatcherType::Eq as i32,
                    name: "__name__".to_owned(),
                    value: (*metric).to_owned(),
                }],
            };
            compressed(&ReadRequest {
                queries: metrics.iter().map(of).collect(),
                accepted_response_types: vec![0],
            })
        })
        .collect::<Result<_>>()?;
    let (took, answers) = side_by_side(bodies.len(), at_once, |at| {
        let body = bodies.get(at).context("no such request")?;
        server.post("/api/v1/read", &READ, body)?.ok()
    })?;
    let mut samples = 0;
    for answer in answers {
        let plain = snap::raw::Decoder::new().decompress_vec(&answer.body).context("no snappy")?;
        let results = ReadResponse::decode(plain.as_slice())?.results;
        let series = results.iter().flat_map(|result| &result.timeseries);
        samples += series.map(|series| series.samples.len() as u64).sum::<u64>();
    }
    Ok((took, samples))
}

/// Asks a range query over a window in `parts` that start on its steps, `at_once` at a time.
///
/// # Errors
/// When a request fails or is not answered with 2xx.
pub fn query_range(
    server: &Endpoint,
    query: &str,
    (start_ms, end_ms): (i64, i64),
    step_ms: i64,
    parts: usize,
    at_once: usize,
) -> Result<Duration> {
    let parts = cut(start_ms, end_ms, step_ms, parts);
    let (took, _) = side_by_side(parts.len(), at_once, |at| {
        let (first, last) = parts.get(at).context("no such part")?;
        let (first, last, step) = (seconds(*first), seconds(*last), seconds(step_ms));
        let query = percent(query);
        server.get(&format!("/api/v1/query_range?query={query}&start={first}&end={last}&step={step}"))?.ok()
    })?;
    Ok(took)
}

/// Cuts the times `start, start + step, …, ≤ end` into parts, each with its first and last time.
fn cut(start_ms: i64, end_ms: i64, step_ms: i64, parts: usize) -> Vec<(i64, i64)> {
    let steps = (end_ms - start_ms) / step_ms + 1;
    let parts = i64::try_from(parts).unwrap_or(i64::MAX).clamp(1, steps.max(1));
    let first = |part: i64| start_ms + steps * part / parts * step_ms;
    (0..parts).map(|part| (first(part), first(part + 1) - step_ms)).collect()
}

fn compressed(message: &impl Message) -> Result<Vec<u8>> {
    Ok(snap::raw::Encoder::new().compress_vec(&message.encode_to_vec())?)
}

/// Runs jobs `0..count`, `at_once` of them at a time, each begun in order. The first error ends it.
fn side_by_side(
    count: usize,
    at_once: usize,
    job: impl Fn(usize) -> Result<Answer> + Sync,
) -> Result<(Duration, Vec<Answer>)> {
    let next = AtomicUsize::new(0);
    let failed = AtomicBool::new(false);
    let answers = Mutex::new(Vec::with_capacity(count));
    let started = Instant::now();
    thread::scope(|scope| -> Result<()> {
        let workers: Vec<_> = (0..at_once.max(1))
            .map(|_| {
                scope.spawn(|| -> Result<()> {
                    while !failed.load(Ordering::Relaxed) {
                        let at = next.fetch_add(1, Ordering::Relaxed);
                        if at >= count {
                            break;
                        }
                        let answer = job(at)
                            .with_context(|| format!("request {} of {count}", at + 1))
                            .inspect_err(|_| failed.store(true, Ordering::Relaxed))?;
                        answers.lock().map_err(|_| anyhow!("a worker panicked"))?.push(answer);
                    }
                    Ok(())
                })
            })
            .collect();
        workers.into_iter().try_for_each(|worker| worker.join().map_err(|_| anyhow!("a worker panicked"))?)
    })?;
    let took = started.elapsed();
    Ok((took, answers.into_inner().map_err(|_| anyhow!("a worker panicked"))?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use snap::raw::Decoder;
    use std::collections::BTreeSet;

    #[test]
    fn parts_evaluate_every_step_once() {
        for (end, step, parts) in [(0, 60, 3), (59, 60, 3), (600, 60, 4), (86_399, 60, 24), (7, 1, 3)] {
            let times: Vec<i64> = cut(0, end, step, parts)
                .into_iter()
                .flat_map(|(first, last)| (first..=last).step_by(usize::try_from(step).unwrap()))
                .collect();
            let whole: Vec<i64> = (0..=end).step_by(usize::try_from(step).unwrap()).collect();
            assert_eq!(times, whole, "{end} {step} {parts}");
        }
    }

    #[test]
    fn every_shape_holds_every_sample_once() {
        let bulk = Bulk { series: 7, start_ms: 1_000_000, hours: 1, step_ms: 60_000 };
        let mut wanted = BTreeSet::new();
        for at in 0..bulk.series {
            let series = bulk.whole(at);
            let labels = format!("{:?}", series.labels);
            wanted.extend(series.samples.iter().map(|s| (labels.clone(), s.timestamp, s.value.to_bits())));
        }
        assert_eq!(wanted.len() as u64, bulk.samples());
        for (series, samples, by_time, requests) in
            [(3, 25, true, 9), (3, 25, false, 9), (100, 1, true, 60), (1, 1_000, false, 7)]
        {
            let writes = Writes::new(&bulk, Shape { series, samples, by_time }).unwrap();
            assert_eq!(writes.requests(), requests);
            let mut found = Vec::new();
            for body in &writes.bodies {
                let plain = Decoder::new().decompress_vec(body).unwrap();
                for one in WriteRequest::decode(plain.as_slice()).unwrap().timeseries {
                    let labels = format!("{:?}", one.labels);
                    found
                        .extend(one.samples.iter().map(|s| (labels.clone(), s.timestamp, s.value.to_bits())));
                }
            }
            assert_eq!(found.len(), wanted.len());
            assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), wanted);
        }
    }
}
