//! Memory is bounded by `options.memory_mib`, not by the window nor by the number of series (invariant 4): a source
//! with more than fits many times over is copied and compared, and the process must not grow beyond the bound. Both
//! servers make up their answers while they are read, and keep nothing.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use bytes::Bytes;
use futures_util::future::LocalBoxFuture;
use prost::Message;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use support::streamed::{framed, one};
use support::{START, World, block_on, plan, plan_text, ports};
use tsink_migrate_engine::model::{Labels, Window};
use tsink_migrate_engine::port::{Body, NetworkCause, Ports, Request, Response, Transport, TransportError};
use tsink_migrate_engine::report::{Report, Status};
use tsink_migrate_engine::run::{Control, Given, Job, Stage, execute};
use tsink_migrate_engine::selector::Selector;
use tsink_migrate_engine::wire::types::{LabelMatcher, MatcherType, ReadRequest};

const SERIES: usize = 12_000;
const STEP: i64 = 20_000;
const MEMORY_MIB: u64 = 16;

/// Makes up answers: every series has a sample every [`STEP`], all with the value 1.
struct Endless {
    window: Window,
    /// Whether the target has what the source has.
    copied: RefCell<bool>,
    /// Series that matchers select.
    selected: RefCell<BTreeMap<String, Rc<Vec<usize>>>>,
}

fn labels(at: usize) -> Vec<(&'static str, String)> {
    vec![
        ("__name__", "m".to_owned()),
        ("instance", format!("host-{at:05}.example.org:9100")),
        ("job", "node".to_owned()),
        ("mode", ["idle", "user", "system"][at % 3].to_owned()),
    ]
}

impl Endless {
    fn select(&self, matchers: &[LabelMatcher]) -> Rc<Vec<usize>> {
        let text = |matcher: &LabelMatcher| {
            let operator = match MatcherType::try_from(matcher.r#type).unwrap() {
                MatcherType::Eq => "=",
                MatcherType::Neq => "!=",
                MatcherType::Re => "=~",
                MatcherType::Nre => "!~",
            };
            format!("{}{operator}{:?}", matcher.name, matcher.value)
        };
        let text = format!("{{{}}}", matchers.iter().map(text).collect::<Vec<_>>().join(","));
        let found = self.selected.borrow().get(&text).cloned();
        found.unwrap_or_else(|| {
            let asked = Selector::parse(&text).unwrap().predicate();
            let series = (0..SERIES).filter(|at| asked.matches(&Labels::from_pairs(labels(*at)))).collect();
            self.selected.borrow_mut().entry(text).or_insert(Rc::new(series)).clone()
        })
    }

    /// Times of the rows of a series inside a window.
    fn times(&self, at: usize, window: Window) -> impl Iterator<Item = i64> {
        let start = window.start_ms.max(self.window.start_ms);
        let end = window.end_ms.min(self.window.end_ms);
        let phase = (at as i64 * 37) % STEP;
        let first =
            (start - self.window.start_ms - phase).div_euclid(STEP) * STEP + phase + self.window.start_ms;
        (0..).map(move |n| first + n * STEP).filter(move |at| *at >= start).take_while(move |at| *at <= end)
    }
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn field(out: &mut Vec<u8>, number: u8, bytes: &[u8]) {
    out.push(number << 3 | 2);
    varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

fn label_fields(at: usize) -> Vec<u8> {
    let mut out = Vec::new();
    for (name, value) in labels(at) {
        let mut label = Vec::new();
        field(&mut label, 1, name.as_bytes());
        field(&mut label, 2, value.as_bytes());
        field(&mut out, 1, &label);
    }
    out
}

/// A frame of a streamed answer with a series of one chunk for each sample.
fn frame(at: usize, times: impl Iterator<Item = i64>) -> Vec<u8> {
    let mut series = label_fields(at);
    let mut any = false;
    for time in times {
        any = true;
        let mut chunk = vec![0x18, 1];
        field(&mut chunk, 4, &one(time, 1.0));
        field(&mut series, 2, &chunk);
    }
    if !any {
        return Vec::new();
    }
    let mut message = Vec::new();
    field(&mut message, 1, &series);
    framed(&message)
}

/// A streamed answer, made frame by frame.
struct Frames {
    world: Rc<Endless>,
    series: Rc<Vec<usize>>,
    window: Window,
    next: usize,
    /// Whether the second query is still to be answered: by a frame that names it.
    marked: bool,
}

impl Body for Frames {
    fn chunk(&mut self) -> LocalBoxFuture<'_, Result<Option<Bytes>, TransportError>> {
        let mut out = Vec::new();
        while out.len() < 16_384
            && let Some(at) = self.series.get(self.next)
        {
            out.extend(frame(*at, self.world.times(*at, self.window)));
            self.next += 1;
        }
        if self.next >= self.series.len() && std::mem::take(&mut self.marked) {
            out.extend(framed(&[0x10, 1]));
        }
        Box::pin(std::future::ready(Ok((!out.is_empty()).then(|| out.into()))))
    }
}

struct Whole(Option<Bytes>);

impl Body for Whole {
    fn chunk(&mut self) -> LocalBoxFuture<'_, Result<Option<Bytes>, TransportError>> {
        Box::pin(std::future::ready(Ok(self.0.take())))
    }
}

#[derive(Clone)]
struct Servers(Rc<Endless>, World);

impl Servers {
    fn read(&self, request: &Request) -> (Rc<Vec<usize>>, Window, bool) {
        let body = snap::raw::Decoder::new().decompress_vec(&request.body).unwrap();
        let read = ReadRequest::decode(body.as_slice()).unwrap();
        let query = &read.queries[0];
        let window = Window { start_ms: query.start_timestamp_ms, end_ms: query.end_timestamp_ms };
        (self.0.select(&query.matchers), window, read.queries.len() > 1)
    }

    /// SAMPLES, compressed; of what is much too large, only the number that says so.
    fn samples(&self, request: &Request) -> Bytes {
        let (series, window, _) = self.read(request);
        let mut result = Vec::new();
        for at in series.iter().filter(|_| *self.0.copied.borrow()) {
            let mut message = label_fields(*at);
            let before = message.len();
            for time in self.0.times(*at, window) {
                let mut sample = vec![9];
                sample.extend_from_slice(&1f64.to_le_bytes());
                sample.push(0x10);
                varint(&mut sample, time as u64);
                field(&mut message, 2, &sample);
            }
            if message.len() > before {
                field(&mut result, 1, &message);
            }
            if result.len() > 4 << 20 {
                let mut preamble = Vec::new();
                varint(&mut preamble, 64 << 20);
                return preamble.into();
            }
        }
        let mut response = Vec::new();
        field(&mut response, 1, &result);
        snap::raw::Encoder::new().compress_vec(&response).unwrap().into()
    }
}

impl Transport for Servers {
    fn send(&self, request: Request) -> LocalBoxFuture<'static, Result<Response, TransportError>> {
        use tsink_migrate_engine::port::Clock;
        let servers = self.clone();
        Box::pin(async move {
            servers.1.clock.sleep(2).await;
            let url = url::Url::parse(&request.url).unwrap();
            let mut headers = Vec::new();
            let (status, body): (u16, Box<dyn Body>) = match (url.host_str().unwrap(), url.path()) {
                ("source", "/api/v1/read") => {
                    headers.push(("content-type".to_owned(), "application/x-streamed-protobuf".to_owned()));
                    let (series, window, marked) = servers.read(&request);
                    (200, Box::new(Frames { world: servers.0.clone(), series, window, next: 0, marked }))
                }
                ("target", "/api/v1/read") => (200, Box::new(Whole(Some(servers.samples(&request))))),
                // Probes are small, and an ordinary world's to answer.
                ("target", "/api/v1/write") if request.body.len() > 300 => (200, Box::new(Whole(None))),
                _ => return servers.1.send(request).await,
            };
            Ok(Response { status, headers, body })
        })
    }

    fn diagnose(&self, _: String, _: TransportError) -> LocalBoxFuture<'static, NetworkCause> {
        Box::pin(std::future::ready(NetworkCause::Refused))
    }
}

/// A figure of this process in KiB.
fn process(name: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with(name)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

fn migrate(hours: i64) -> (u64, u64) {
    let window = Window { start_ms: START, end_ms: START + hours * 3_600_000 - 1 };
    let world = World::new(START + 86_400_000, Vec::new());
    let endless = Rc::new(Endless { window, copied: RefCell::new(false), selected: RefCell::default() });
    let servers = Servers(endless.clone(), world.clone());
    let text = plan_text(&["m"], &format!(r#","options":{{"memory_mib":{MEMORY_MIB}}}"#));
    let mut written = 0;
    for stage in [Stage::Backfill, Stage::Verify] {
        let ports = Ports { transport: Rc::new(servers.clone()), ..ports(&world) };
        let job =
            Job { plan: plan(&text), window, stages: vec![stage], given: Given::default(), fresh: false };
        let reports = block_on(&world.clock, execute(ports, job, Control::new(), Rc::new(|_| {}))).unwrap();
        match reports.last().unwrap() {
            Report::Backfill(report) => {
                assert_eq!(report.status, Status::Pass, "{:?}", report.issues);
                assert_eq!(report.series_written, SERIES as u64);
                written = report.samples_written;
            }
            Report::Verify(report) => {
                assert_eq!(report.status, Status::Pass, "{:?}", report.issues);
                assert_eq!(report.raw_checks[0].target_samples, written);
            }
            other => panic!("{other:?}"),
        }
        *endless.copied.borrow_mut() = true;
    }
    (written, process("VmHWM"))
}

#[test]
fn a_source_many_times_the_memory_is_copied_and_compared_within_it() {
    let before = process("VmRSS");
    let (rows, after) = migrate(2);
    // The rows alone, once, in the form in which they travel.
    assert!(rows * 18 > 4 * (MEMORY_MIB << 20), "{rows} rows");
    // What a process needs beside slabs: each series is remembered, answers are made up here, and an allocator rounds.
    let most = (MEMORY_MIB + 8) << 10;
    assert!(after - before < most, "{} KiB, {most} at most", after - before);
}
