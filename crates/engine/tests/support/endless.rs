//! A source and a target without end: they make up their answers while they are read, and keep nothing.

use super::World;
use super::proto::matcher_texts;
use super::streamed::{framed, one};
use bytes::Bytes;
use futures_util::future::LocalBoxFuture;
use prost::Message;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use tsink_migrate_engine::model::{Labels, Window};
use tsink_migrate_engine::port::{Body, Clock, NetworkCause, Request, Response, Transport, TransportError};
use tsink_migrate_engine::selector::Selector;
use tsink_migrate_engine::wire::types::{LabelMatcher, ReadRequest};

/// Makes up answers: every series of the metric `m` has a sample every `step_ms`, all with the value 1.
pub struct Endless {
    series: usize,
    step_ms: i64,
    window: Window,
    /// Whether the target has what the source has.
    copied: Cell<bool>,
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
    /// So many series over a window; the target is empty.
    pub fn new(series: usize, step_ms: i64, window: Window) -> Self {
        Self { series, step_ms, window, copied: Cell::new(false), selected: RefCell::default() }
    }

    /// From now on the target has what the source has.
    pub fn copied(&self) {
        self.copied.set(true);
    }

    fn select(&self, matchers: &[LabelMatcher]) -> Rc<Vec<usize>> {
        let text = format!("{{{}}}", matcher_texts(matchers));
        let found = self.selected.borrow().get(&text).cloned();
        found.unwrap_or_else(|| {
            let asked = Selector::parse(&text).unwrap().predicate();
            let series =
                (0..self.series).filter(|at| asked.matches(&Labels::from_pairs(labels(*at)))).collect();
            self.selected.borrow_mut().entry(text).or_insert(Rc::new(series)).clone()
        })
    }

    /// Times of the rows of a series inside a window.
    fn times(&self, at: usize, window: Window) -> impl Iterator<Item = i64> {
        let start = window.start_ms.max(self.window.start_ms);
        let end = window.end_ms.min(self.window.end_ms);
        let step = self.step_ms;
        let phase = (at as i64 * 37) % step;
        let first =
            (start - self.window.start_ms - phase).div_euclid(step) * step + phase + self.window.start_ms;
        (0..).map(move |n| first + n * step).filter(move |at| *at >= start).take_while(move |at| *at <= end)
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

/// Both servers. What is not worth making up (probes, status) is an ordinary world's to answer.
#[derive(Clone)]
pub struct Servers(pub Rc<Endless>, pub World);

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
        for at in series.iter().filter(|_| self.0.copied.get()) {
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
                // Probes are small.
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
