//! A virtual clock, and a source and a target in memory behind the transport port, with faults on demand.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod clock;
pub mod endless;
pub mod promql;
mod proto;
mod store;
pub mod streamed;
mod world;

#[allow(unused_imports)] // Not every suite ends before its time.
pub use clock::block_until;
pub use clock::{VirtualClock, block_on};
#[allow(unused_imports)] // Few suites keep ledgers.
pub use store::MemoryStore;
#[allow(unused_imports)] // Not every suite breaks things.
pub use world::{Fault, World};

use proto::read_request;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use tsink_migrate_engine::model::{Labels, Sample, Series, Window};
use tsink_migrate_engine::plan::{self, Plan};
use tsink_migrate_engine::port::{NoStore, Ports};
use tsink_migrate_engine::report::Report;
use tsink_migrate_engine::run::{Control, Event, Given, Job, Stage, execute};

/// A round instant to count from: 2025-11-18T00:00:00Z in ms.
pub const START: i64 = 1_763_424_000_000;

/// `count` series `m{i="…"}` with one sample every `step_ms` over `window`.
pub fn steady(name: &str, count: usize, window: Window, step_ms: i64) -> Vec<Series> {
    (0..count)
        .map(|at| Series {
            labels: Labels::from_pairs([("__name__", name.to_owned()), ("i", at.to_string())]),
            samples: (0..)
                .map(|n| window.start_ms + n * step_ms)
                .take_while(|t| *t <= window.end_ms)
                .map(|timestamp| Sample {
                    timestamp,
                    value: (timestamp % 1_000_003) as f64 + at as f64 / 8.0,
                })
                .collect(),
            ..Series::default()
        })
        .collect()
}

/// Matchers and window of a remote read request.
pub fn asked(body: &[u8]) -> (String, Window) {
    let request = read_request(body);
    let query = &request.queries[0];
    let window = Window { start_ms: query.start_timestamp_ms, end_ms: query.end_timestamp_ms };
    (format!("{:?}", query.matchers), window)
}

/// Queries of a remote read request: a second one asks for a mark.
pub fn queries(body: &[u8]) -> usize {
    read_request(body).queries.len()
}

/// The series that the query for a mark asks for.
pub fn mark(body: &[u8]) -> Labels {
    let matchers = read_request(body).queries[1].matchers.clone();
    Labels::from_pairs(matchers.into_iter().map(|matcher| (matcher.name, matcher.value)))
}

/// Whether a remote read request asks for exactly this window.
pub fn asks_for(body: &[u8], window: Window) -> bool {
    read_request(body)
        .queries
        .iter()
        .any(|query| (query.start_timestamp_ms, query.end_timestamp_ms) == (window.start_ms, window.end_ms))
}

/// A plan against the world's two servers.
pub fn plan_text(selectors: &[&str], extra: &str) -> String {
    format!(
        r#"{{"source":{{"kind":"prometheus","remote_read_url":"http://source/api/v1/read","query_range_url":"http://source/api/v1/query_range"}},
            "target":{{"write_url":"http://target/api/v1/write","read_url":"http://target/api/v1/read",
                       "query_range_url":"http://target/api/v1/query_range","status_url":"http://target/api/v1/status/tsdb"}},
            "selectors":{}{extra}}}"#,
        serde_json::to_string(selectors).unwrap()
    )
}

/// A plan of a recording against the world's target.
pub fn recording_text(kind: &str, manifest: &str, selectors: &[&str], extra: &str) -> String {
    format!(
        r#"{{"source":{{"kind":"{kind}","capture_manifest_path":"{manifest}"}},
            "target":{{"write_url":"http://target/api/v1/write","read_url":"http://target/api/v1/read",
                       "status_url":"http://target/api/v1/status/tsdb"}},
            "selectors":{}{extra}}}"#,
        serde_json::to_string(selectors).unwrap()
    )
}

/// Checks a plan text that must be valid.
pub fn plan(text: &str) -> Plan {
    let secrets = BTreeMap::new();
    let context = plan::Context { base: None, secrets: &secrets, now_ms: START, start: "", end: "" };
    let check = plan::check(text, &context);
    check.plan.unwrap_or_else(|| panic!("{:?}", check.diagnostics))
}

/// What a job gave.
pub struct Outcome {
    pub result: tsink_migrate_engine::Result<Vec<Report>>,
    pub events: Vec<Event>,
    pub clock: VirtualClock,
}

impl Outcome {
    /// The last report; panics with the error if there is none.
    pub fn report(&self) -> &Report {
        match &self.result {
            Ok(reports) => reports.last().expect("a report"),
            Err(error) => panic!("{error}"),
        }
    }
}

/// Runs a job against the world on a virtual clock.
pub fn run(world: &World, plan: Plan, window: Window, stages: &[Stage]) -> Outcome {
    run_with(world, plan, window, stages, |_, _| {})
}

/// Like [`run`]; `watch` sees every event as it happens, with the run's control.
pub fn run_with(
    world: &World,
    plan: Plan,
    window: Window,
    stages: &[Stage],
    watch: impl Fn(&Event, &Control) + 'static,
) -> Outcome {
    run_given(world, plan, window, stages, Given::default(), watch)
}

/// The ports of a world.
pub fn ports(world: &World) -> Ports {
    Ports {
        transport: Rc::new(world.clone()),
        clock: Rc::new(world.clock.clone()),
        files: Rc::new(world.clone()),
        store: Rc::new(NoStore),
        seed: 7,
    }
}

/// Like [`run_with`], with reports of earlier jobs.
pub fn run_given(
    world: &World,
    plan: Plan,
    window: Window,
    stages: &[Stage],
    given: Given,
    watch: impl Fn(&Event, &Control) + 'static,
) -> Outcome {
    let clock = world.clock.clone();
    let events = Rc::new(RefCell::new(Vec::new()));
    let control = Control::new();
    let sink = {
        let (events, control) = (events.clone(), control.clone());
        Rc::new(move |event: Event| {
            watch(&event, &control);
            events.borrow_mut().push(event);
        })
    };
    let job = Job { plan, window, stages: stages.to_vec(), given, fresh: false };
    let result = block_on(&clock, execute(ports(world), job, control, sink));
    let events = events.take();
    Outcome { result, events, clock }
}
