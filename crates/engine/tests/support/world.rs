//! A Prometheus and a tsink in memory.

use super::clock::VirtualClock;
use super::proto::{
    QueryResult, ReadResponse, Sample, TimeSeries, WriteRequest, matcher_texts, read_request, snappy,
    unsnappy,
};
use super::streamed;
use bytes::Bytes;
use futures_util::future::LocalBoxFuture;
use prost::Message;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use tsink_migrate_engine::model::{Labels, Series};
use tsink_migrate_engine::port::{
    Body, Clock, FileError, Files, NetworkCause, Request, Response, Transport, TransportError,
};
use tsink_migrate_engine::selector::Selector;
use tsink_migrate_engine::wire::types::{Label, Query};

/// What may go wrong with one request.
#[derive(Clone, Debug)]
pub enum Fault {
    /// The server is not there.
    Refused,
    /// It answers a status with a text, and does nothing.
    Status(u16, &'static str),
    /// It does what it should, and the answer is lost.
    LostAnswer,
    /// Status 200 with a body that means nothing.
    Garbage,
    /// The body ends in the middle.
    Truncated,
    /// It takes so long, in ms, and then answers.
    Slow(u64),
}

type Faults = Box<dyn FnMut(&Request, u64) -> Option<Fault>>;
/// Answers of a test's own: status and body.
type Answers = Rc<dyn Fn(&World, &Request) -> Option<(u16, Vec<u8>)>>;
/// Samples by series, value as bits.
type Store = BTreeMap<Labels, BTreeMap<i64, u64>>;

struct State {
    source: RefCell<Vec<Series>>,
    target: RefCell<Store>,
    faults: RefCell<Faults>,
    answers: RefCell<Option<Answers>>,
    requests: Cell<u64>,
    writes_in_flight: Cell<usize>,
    most_writes: Cell<usize>,
    largest_write: Cell<usize>,
    doubled: Cell<u64>,
    retention_ms: Cell<Option<i64>>,
    log: RefCell<Vec<String>>,
    files: RefCell<BTreeMap<String, Bytes>>,
    bodies: RefCell<BTreeMap<String, String>>,
    taken: Cell<(u64, u64)>,
    streams: Cell<bool>,
}

/// Both servers.
#[derive(Clone)]
pub struct World {
    state: Rc<State>,
    /// Time in the world.
    pub clock: VirtualClock,
}

impl World {
    /// A world at `now_ms` whose source holds `source`.
    pub fn new(now_ms: i64, source: Vec<Series>) -> Self {
        Self {
            state: Rc::new(State {
                source: RefCell::new(source),
                target: RefCell::default(),
                faults: RefCell::new(Box::new(|_, _| None)),
                answers: RefCell::new(None),
                requests: Cell::new(0),
                writes_in_flight: Cell::new(0),
                most_writes: Cell::new(0),
                largest_write: Cell::new(0),
                doubled: Cell::new(0),
                retention_ms: Cell::new(None),
                log: RefCell::default(),
                files: RefCell::default(),
                bodies: RefCell::default(),
                taken: Cell::default(),
                streams: Cell::default(),
            }),
            clock: VirtualClock::at(now_ms),
        }
    }

    /// Asks `faults` for every request, with its number from 1.
    pub fn faults(&self, faults: impl FnMut(&Request, u64) -> Option<Fault> + 'static) {
        *self.state.faults.borrow_mut() = Box::new(faults);
    }

    /// Asks `answers` first what a request gets.
    pub fn answers(&self, answers: impl Fn(&World, &Request) -> Option<(u16, Vec<u8>)> + 'static) {
        *self.state.answers.borrow_mut() = Some(Rc::new(answers));
    }

    /// The source speaks streamed chunks from now on.
    pub fn streams(&self) {
        self.state.streams.set(true);
    }

    /// What the source holds.
    pub fn source(&self) -> Vec<Series> {
        self.state.source.borrow().clone()
    }

    /// The target keeps so many ms.
    pub fn retention(&self, ms: i64) {
        self.state.retention_ms.set(Some(ms));
    }

    /// Puts a file into the plan's folder, or another in its place.
    pub fn file(&self, path: &str, bytes: impl Into<Bytes>) {
        self.state.files.borrow_mut().insert(path.to_owned(), bytes.into());
    }

    fn bytes(&self, path: &str) -> Result<Bytes, FileError> {
        let found = self.state.files.borrow().get(path).cloned();
        found.ok_or_else(|| FileError::NotFound { path: path.to_owned() })
    }

    /// What the target holds.
    pub fn target(&self) -> Store {
        self.state.target.borrow().clone()
    }

    /// Changes what the target holds.
    pub fn damage(&self, change: impl FnOnce(&mut Store)) {
        change(&mut self.state.target.borrow_mut());
    }

    /// Changes what the source holds.
    pub fn change(&self, change: impl FnOnce(&mut Vec<Series>)) {
        change(&mut self.state.source.borrow_mut());
    }

    /// What a server answers to a path, such as `source/api/v1/metadata`.
    pub fn body(&self, path: &str, body: &str) {
        self.state.bodies.borrow_mut().insert(path.to_owned(), body.to_owned());
    }

    /// Exemplars and metadata entries that the target was sent.
    pub fn taken(&self) -> (u64, u64) {
        self.state.taken.get()
    }

    /// What the source holds, as the target should.
    pub fn expected(&self) -> Store {
        let mut store = Store::new();
        for series in self.state.source.borrow().iter() {
            store
                .entry(series.labels.clone())
                .or_default()
                .extend(series.samples.iter().map(|sample| (sample.timestamp, sample.value.to_bits())));
        }
        store
    }

    /// Samples that the target was sent although it had them: the real one keeps them twice.
    pub fn doubled(&self) -> u64 {
        self.state.doubled.get()
    }

    /// Most write requests that were under way at once.
    pub fn most_writes(&self) -> usize {
        self.state.most_writes.get()
    }

    /// Counts them anew.
    pub fn forget_most_writes(&self) {
        self.state.most_writes.set(0);
    }

    /// Most samples in one write request.
    pub fn largest_write(&self) -> usize {
        self.state.largest_write.get()
    }

    /// `METHOD path` of every request.
    pub fn log(&self) -> Vec<String> {
        self.state.log.borrow().clone()
    }

    fn answer(&self, request: &Request) -> (u16, Vec<u8>) {
        let own = self.state.answers.borrow().clone();
        if let Some(answer) = own.and_then(|answers| answers(self, request)) {
            return answer;
        }
        let url = url::Url::parse(&request.url).unwrap();
        let path = format!("{}{}", url.host_str().unwrap(), url.path());
        if let Some(body) = self.state.bodies.borrow().get(&path) {
            return (200, body.clone().into_bytes());
        }
        match (url.host_str().unwrap(), url.path()) {
            ("source", "/api/v1/read") if self.streams_to(request) => {
                (200, self.stream(&request.body, &self.state.source.borrow()))
            }
            ("source", "/api/v1/read") => (200, self.read(&request.body, &self.state.source.borrow())),
            ("target", "/api/v1/read") => {
                let series: Vec<Series> = self.state.target.borrow().iter().map(stored).collect();
                (200, self.read(&request.body, &series))
            }
            ("target", "/api/v1/write") => self.write(&request.body),
            ("target", "/api/v1/status/tsdb") => (
                200,
                br#"{"status":"success","data":{"prometheusPayloads":{"metadata":{"enabled":true},"exemplars":{"enabled":true},"histograms":{"enabled":true}},"otlpMetrics":{"enabled":true,"supportedShapes":["gauge"]},"legacyIngest":{"influxLineProtocol":{"enabled":true},"statsd":{"enabled":false},"graphite":{"enabled":false}}}}"#.to_vec(),
            ),
            (_, "/api/v1/query_range") => (
                200,
                br#"{"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"values":[[1763424000,"1"]]}]}}"#
                    .to_vec(),
            ),
            ("source", "/api/v1/status/buildinfo") => {
                (200, br#"{"status":"success","data":{"version":"2.42.0"}}"#.to_vec())
            }
            _ => (404, b"not found".to_vec()),
        }
    }

    fn read(&self, body: &[u8], series: &[Series]) -> Vec<u8> {
        let request = read_request(body);
        let results =
            request.queries.iter().map(|query| QueryResult { timeseries: select(query, series) }).collect();
        snappy(&ReadResponse { results }.encode_to_vec())
    }

    /// Whether a request gets streamed chunks.
    fn streams_to(&self, request: &Request) -> bool {
        self.state.streams.get()
            && request.url.starts_with("http://source/api/v1/read")
            && streamed::is_asked_for(&read_request(&request.body))
    }

    fn stream(&self, body: &[u8], series: &[Series]) -> Vec<u8> {
        let request = read_request(body);
        streamed::answer(request.queries.iter().map(|query| select(query, series)))
    }

    fn write(&self, body: &[u8]) -> (u16, Vec<u8>) {
        let request = WriteRequest::decode(unsnappy(body).as_slice()).unwrap();
        let samples = request.timeseries.iter().flat_map(|series| &series.samples);
        if let Some(retention) = self.state.retention_ms.get() {
            let cutoff = self.clock.now_ms() - retention;
            if let Some(old) = samples.clone().find(|sample| sample.timestamp < cutoff) {
                let text = format!(
                    "insert failed: Data point with timestamp {} is outside the retention window",
                    old.timestamp
                );
                return (422, text.into_bytes());
            }
        } else if let Some(ancient) = samples.clone().find(|sample| sample.timestamp < -1_000_000_000_000) {
            // Every real tsink has a retention; a very long one still refuses year 1.
            let text = format!(
                "insert failed: Data point with timestamp {} is outside the retention window",
                ancient.timestamp
            );
            return (422, text.into_bytes());
        }
        let count = samples.count();
        self.state.largest_write.set(self.state.largest_write.get().max(count));
        let (exemplars, metadata) = self.state.taken.get();
        let more: usize = request.timeseries.iter().map(|series| series.exemplars.len()).sum();
        self.state.taken.set((exemplars + more as u64, metadata + request.metadata.len() as u64));
        let mut target = self.state.target.borrow_mut();
        for series in request.timeseries {
            let labels = Labels::from_pairs(series.labels.into_iter().map(|label| (label.name, label.value)));
            let rows = target.entry(labels).or_default();
            for sample in series.samples {
                let before = rows.insert(sample.timestamp, sample.value.to_bits());
                let same = before == Some(sample.value.to_bits());
                self.state.doubled.set(self.state.doubled.get() + u64::from(same));
            }
        }
        (200, Vec::new())
    }
}

fn stored((labels, samples): (&Labels, &BTreeMap<i64, u64>)) -> Series {
    Series {
        labels: labels.clone(),
        samples: samples
            .iter()
            .map(|(timestamp, bits)| tsink_migrate_engine::model::Sample {
                timestamp: *timestamp,
                value: f64::from_bits(*bits),
            })
            .collect(),
        ..Series::default()
    }
}

fn select(query: &Query, all: &[Series]) -> Vec<TimeSeries> {
    let asked = Selector::parse(&format!("{{__name__!=\"\",{}}}", matcher_texts(&query.matchers)))
        .unwrap()
        .predicate();
    all.iter()
        .filter(|series| asked.matches(&series.labels))
        .filter_map(|series| {
            let inside = |at: i64| query.start_timestamp_ms <= at && at <= query.end_timestamp_ms;
            let samples: Vec<Sample> = series
                .samples
                .iter()
                .filter(|sample| inside(sample.timestamp))
                .map(|sample| Sample { value: sample.value, timestamp: sample.timestamp })
                .collect();
            let histograms: Vec<_> =
                series.histograms.iter().filter(|histogram| inside(histogram.timestamp)).cloned().collect();
            let labels = series
                .labels
                .iter()
                .map(|(name, value)| Label { name: name.into(), value: value.into() })
                .collect();
            (!samples.is_empty() || !histograms.is_empty()).then_some(TimeSeries {
                labels,
                samples,
                exemplars: Vec::new(),
                histograms,
            })
        })
        .collect()
}

impl Files for World {
    fn size(&self, path: &str) -> LocalBoxFuture<'static, Result<u64, FileError>> {
        let size = self.bytes(path).map(|bytes| bytes.len() as u64);
        Box::pin(async move { size })
    }

    fn read(
        &self,
        path: &str,
        offset: u64,
        length: usize,
    ) -> LocalBoxFuture<'static, Result<Bytes, FileError>> {
        let piece = self.bytes(path).map(|bytes| {
            let from = (offset as usize).min(bytes.len());
            bytes.slice(from..(from + length).min(bytes.len()))
        });
        Box::pin(async move { piece })
    }
}

impl Transport for World {
    fn send(&self, request: Request) -> LocalBoxFuture<'static, Result<Response, TransportError>> {
        let world = self.clone();
        Box::pin(async move {
            let state = world.state.clone();
            let number = state.requests.get() + 1;
            state.requests.set(number);
            let path = url::Url::parse(&request.url).unwrap().path().to_owned();
            state.log.borrow_mut().push(format!("{} {:?} {path}", request.method.as_str(), request.side));
            let fault = (state.faults.borrow_mut())(&request, number);
            let is_write = path.ends_with("/write") && request.body.len() > 64;
            if is_write {
                state.writes_in_flight.set(state.writes_in_flight.get() + 1);
                state.most_writes.set(state.most_writes.get().max(state.writes_in_flight.get()));
            }
            let delay = if let Some(Fault::Slow(ms)) = fault { ms } else { 2 };
            world.clock.sleep(delay.min(request.timeout_ms)).await;
            if is_write {
                state.writes_in_flight.set(state.writes_in_flight.get() - 1);
            }
            if delay >= request.timeout_ms {
                return Err(TransportError::Timeout { after_ms: request.timeout_ms });
            }
            let lost = || TransportError::Network {
                message: "fetch failed".into(),
                code: Some("ECONNRESET".into()),
            };
            let (status, mut body) = match fault {
                Some(Fault::Refused) => {
                    return Err(TransportError::Network {
                        message: "fetch failed".into(),
                        code: Some("ECONNREFUSED".into()),
                    });
                }
                Some(Fault::Status(status, text)) => (status, text.as_bytes().to_vec()),
                Some(Fault::LostAnswer) => {
                    world.answer(&request);
                    return Err(lost());
                }
                Some(Fault::Garbage) => (200, b"<html>hello</html>".to_vec()),
                _ => world.answer(&request),
            };
            let mut headers = Vec::new();
            if status == 200 && world.streams_to(&request) {
                headers.push(("content-type".to_owned(), "application/x-streamed-protobuf".to_owned()));
            }
            let broken =
                matches!(fault, Some(Fault::Truncated)).then(|| body.truncate(body.len() / 2)).is_some();
            Ok(Response { status, headers, body: Box::new(Pieces { body: Some(body.into()), broken }) })
        })
    }

    fn diagnose(&self, _url: String, failure: TransportError) -> LocalBoxFuture<'static, NetworkCause> {
        let cause = match failure {
            TransportError::Network { code: Some(code), .. } if code == "ECONNREFUSED" => {
                NetworkCause::Refused
            }
            _ => NetworkCause::Reset,
        };
        Box::pin(async move { cause })
    }
}

struct Pieces {
    body: Option<Bytes>,
    broken: bool,
}

impl Body for Pieces {
    fn chunk(&mut self) -> LocalBoxFuture<'_, Result<Option<Bytes>, TransportError>> {
        Box::pin(async move {
            match self.body.take() {
                Some(body) => Ok(Some(body)),
                None if self.broken => Err(TransportError::Broken { message: "unexpected end".into() }),
                None => Ok(None),
            }
        })
    }
}
