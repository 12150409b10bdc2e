//! What goes wrong, where, how often, and what is to become of it. One row is one way.

use conformance::world::World;
use std::time::Duration;
use tsink_migrate_testkit::faults::{Fault, Faults};

pub const WRITE: &str = "/api/v1/write";
pub const READ: &str = "/api/v1/read";
const METADATA: &str = "/api/v1/metadata";
const EXEMPLARS: &str = "/api/v1/query_exemplars";
const QUERY: &str = "/api/v1/query_range";
const STATUS: &str = "/api/v1/status/tsdb";

/// A login page, as a gateway gives it to whoever is not logged in.
const PAGE: &str = "<!doctype html><html><body>Please log in</body></html>";
const HTML: &str = "Content-Type: text/html\r\n";
const JSON: &str = "Content-Type: application/json\r\n";
const SNAPPY: &str = "Content-Type: application/x-protobuf\r\nContent-Encoding: snappy\r\n";
const STREAM: &str =
    "Content-Type: application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse\r\n";

/// Which server the fault stands before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Before {
    Source,
    Target,
}

/// What is to become of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// It passes, and the data are right.
    Passes,
    /// It says exactly what is missing, and running it again completes it.
    Accounts,
}

/// One way in which exchanges go wrong.
#[derive(Clone, Debug)]
pub struct Way {
    /// Also the tenant.
    pub name: String,
    pub command: &'static str,
    pub before: Before,
    pub path: &'static str,
    /// Exchanges that go wrong.
    pub times: usize,
    pub fault: Fault,
    pub then: Then,
}

impl Way {
    fn new(name: &str, before: Before, path: &'static str, times: usize, fault: Fault) -> Self {
        Self { name: name.to_owned(), command: "backfill", before, path, times, fault, then: Then::Passes }
    }

    fn of(self, command: &'static str) -> Self {
        Self { command, ..self }
    }

    fn accounts(self) -> Self {
        Self { then: Then::Accounts, ..self }
    }

    /// The server behind the proxy.
    pub fn server(&self, world: &World) -> (&'static str, u16, String) {
        match self.before {
            Before::Target => ("target", world.tsink.port(), world.tsink.url()),
            Before::Source => ("source", world.prometheus.port(), world.prometheus.url()),
        }
    }

    /// Where in a run it happens. The preflight of a backfill, which asks once what it does not need, has passed by
    /// then, and the first slabs have gone through; a comparison has estimated its work.
    pub fn faults(&self) -> Faults {
        let first = match (self.command, self.before, self.path) {
            ("backfill", _, WRITE) => 16,
            ("backfill", Before::Source, READ) => 40,
            ("backfill", Before::Target, READ) => 4,
            ("backfill", _, _) => 1,
            (_, Before::Source, READ) => 44,
            (_, Before::Target, READ) => 3,
            _ => 0,
        };
        let every = if self.then == Then::Accounts || self.times == 1 { 1 } else { 2 };
        Faults { path: self.path, first, every, times: self.times, fault: self.fault.clone() }
    }
}

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn target(name: &str, path: &'static str, times: usize, fault: Fault) -> Way {
    Way::new(name, Before::Target, path, times, fault)
}

fn source(name: &str, path: &'static str, times: usize, fault: Fault) -> Way {
    Way::new(name, Before::Source, path, times, fault)
}

/// Connections that break, answers that are lost, late or doubled, while writing.
pub fn writing() -> Vec<Way> {
    vec![
        target("write-close", WRITE, 4, Fault::Close),
        target("write-lost-answer", WRITE, 4, Fault::LoseAnswer),
        target("write-late", WRITE, 1, Fault::Late(ms(2_600))),
        target("write-drip", WRITE, 4, Fault::Drip(7, ms(3))),
        target("write-head-only", WRITE, 2, Fault::Cut(0)),
        target("write-answer-twice", WRITE, 4, Fault::AnswerTwice),
        target("write-page", WRITE, 3, Fault::Answer(200, HTML, PAGE)),
        // A batch that is refused for what it holds is halved; whoever refuses once only gets all of it.
        target("write-400", WRITE, 2, Fault::Answer(400, "", "bad request")),
        target("write-413", WRITE, 2, Fault::Answer(413, "", "too large")),
        target("write-full", WRITE, 3, Fault::Answer(500, "", "insufficient disk space: 0 bytes left")),
        target("write-507", WRITE, 3, Fault::Answer(507, "", "no space left on device")),
    ]
}

/// The same while the source is read.
pub fn reading() -> Vec<Way> {
    let mut ways = vec![
        source("read-close", READ, 4, Fault::Close),
        source("read-lost-answer", READ, 4, Fault::LoseAnswer),
        source("read-head-only", READ, 2, Fault::Cut(0)),
        source("read-cut-soon", READ, 3, Fault::Cut(40)),
        source("read-cut-later", READ, 3, Fault::Cut(900)),
        source("read-late", READ, 1, Fault::Late(ms(2_600))),
        source("read-drip", READ, 3, Fault::Drip(200, ms(2))),
        source("read-answer-twice", READ, 4, Fault::AnswerTwice),
        source("read-ask-twice", READ, 4, Fault::AskTwice),
        source("read-page", READ, 3, Fault::Answer(200, HTML, PAGE)),
        source("read-empty", READ, 3, Fault::Answer(200, "Content-Type: text/plain\r\n", "")),
        source("read-empty-stream", READ, 3, Fault::Answer(200, STREAM, "")),
        source("read-garbage", READ, 3, Fault::Answer(200, SNAPPY, "\u{7f}garbage")),
        source("read-garbage-stream", READ, 3, Fault::Answer(200, STREAM, "\u{7f}garbage of a frame")),
        source("read-ends-in-a-frame", READ, 3, Fault::EndEarly(60)),
        source("read-ends-before-the-first-frame", READ, 3, Fault::EndFrames(0)),
        source("read-ends-after-a-frame", READ, 3, Fault::EndFrames(1)),
    ];
    for at in [60, 200, 777] {
        ways.push(source(&format!("read-bit-{at}"), READ, 2, Fault::FlipBit(at)));
    }
    ways
}

/// The same while the target is read, before and after writing.
pub fn reading_back() -> Vec<Way> {
    vec![
        target("back-close", READ, 4, Fault::Close),
        target("back-lost-answer", READ, 4, Fault::LoseAnswer),
        target("back-cut", READ, 3, Fault::Cut(2)),
        target("back-late", READ, 1, Fault::Late(ms(2_600))),
        target("back-ends-early", READ, 3, Fault::EndEarly(1)),
        target("back-ask-twice", READ, 4, Fault::AskTwice),
        target("back-page", READ, 3, Fault::Answer(200, HTML, PAGE)),
        target("back-garbage", READ, 3, Fault::Answer(200, SNAPPY, "\u{7f}garbage")),
        target("back-503", READ, 4, Fault::Answer(503, "Retry-After: 0\r\n", "go away")),
        target("verify-close", READ, 4, Fault::Close).of("verify"),
        target("verify-cut", READ, 4, Fault::Cut(300)).of("verify"),
        target("verify-ends-early", READ, 4, Fault::EndEarly(300)).of("verify"),
        target("verify-bit", READ, 1, Fault::FlipBit(0)).of("verify"),
        target("verify-429", READ, 4, Fault::Answer(429, "Retry-After: 0\r\n", "go away")).of("verify"),
        source("verify-source-cut", READ, 4, Fault::Cut(300)).of("verify"),
        source("verify-source-ends", READ, 4, Fault::EndFrames(1)).of("verify"),
        source("verify-source-502", READ, 4, Fault::Answer(502, HTML, PAGE)).of("verify"),
    ]
}

/// Servers that are busy or broken, and storms of it.
pub fn statuses() -> Vec<Way> {
    let mut ways = Vec::new();
    for (status, headers) in [
        (429, "Retry-After: 0\r\n"),
        (429, ""),
        (500, ""),
        (502, HTML),
        (503, "Retry-After: 1\r\n"),
        (504, ""),
    ] {
        let answer = || Fault::Answer(status, headers, "go away");
        ways.push(target(&format!("write-{status}-{}", headers.len()), WRITE, 4, answer()));
        ways.push(source(&format!("read-{status}-{}", headers.len()), READ, 4, answer()));
    }
    ways.push(target("write-429-storm", WRITE, 40, Fault::Answer(429, "Retry-After: 0\r\n", "go away")));
    ways
}

/// Every other endpoint, on both sides, while the cutover is checked.
pub fn endpoints() -> Vec<Way> {
    let mut ways = Vec::new();
    let sides: [(&str, Before, &[&'static str]); 2] = [
        ("source", Before::Source, &[METADATA, EXEMPLARS, QUERY]),
        ("target", Before::Target, &[METADATA, EXEMPLARS, QUERY, STATUS]),
    ];
    for (side, before, paths) in sides {
        for path in paths {
            let name = path.rsplit('/').next().unwrap_or_default();
            for (what, fault) in [
                ("page", Fault::Answer(200, HTML, PAGE)),
                ("garbage", Fault::Answer(200, JSON, "{\"status\":\"success\",\"data\":[{]}")),
                ("ends", Fault::EndEarly(30)),
            ] {
                let name = format!("{side}-{name}-{what}");
                ways.push(Way::new(&name, before, path, 1, fault).of("cutover-check"));
            }
        }
    }
    ways
}

/// What lasts longer than any patience.
pub fn given_up() -> Vec<Way> {
    vec![
        target("write-500-for-long", WRITE, 24, Fault::Answer(500, "", "broken")).accounts(),
        target("write-full-for-long", WRITE, 24, Fault::Answer(500, "", "no space left on device"))
            .accounts(),
        source("read-500-for-long", READ, 24, Fault::Answer(500, "", "broken")).accounts(),
        source("read-ends-for-long", READ, 24, Fault::EndFrames(0)).accounts(),
    ]
}

/// What a test of its own does, by its name: one fault each.
pub const SCRIPTED: [&str; 9] = [
    "target-killed",
    "source-restarts",
    "token-in-a-file",
    "token-at-the-terminal",
    "token-of-the-source",
    "token-for-nobody",
    "clock-jumps",
    "disk-full",
    "write-asked-twice",
];

/// A table's name and its rows.
pub type Table = (&'static str, fn() -> Vec<Way>);

/// All tables.
pub const TABLES: [Table; 6] = [
    ("writing", writing),
    ("reading", reading),
    ("reading back", reading_back),
    ("statuses", statuses),
    ("endpoints", endpoints),
    ("given up", given_up),
];
