//! Cases of captured payloads (`tests/captures`) held against the running server, the judge.
//!
//! A case is sent up to three times: as it was recorded; without what is refused, where the server refused a
//! payload for it; and each refused piece alone. What reads back through remote read and the metadata and exemplar
//! APIs is compared with what the case says. With `TSINK_RECORD_CAPTURES` set, what reads back is written into the
//! case instead, and somebody has to read it and ask whether it is right.

#[path = "../../captures/case.rs"]
pub mod case;
pub mod held;
pub mod parts;
mod write;

use case::{Case, Live as Does, Refused};
use held::Held;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};
use tsink_migrate_testkit::live::{Counts, Live};
use tsink_migrate_testkit::servers::TsinkOptions;

/// The protocols, named as the folders of their cases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// Line protocol over HTTP.
    Influx,
    /// UDP.
    Statsd,
    /// Plaintext over TCP.
    Graphite,
    /// Metrics over HTTP.
    Otlp,
}

impl Protocol {
    /// Folder of its cases.
    pub fn folder(self) -> &'static str {
        match self {
            Self::Influx => "influx",
            Self::Statsd => "statsd",
            Self::Graphite => "graphite",
            Self::Otlp => "otlp",
        }
    }

    /// How a plan calls it.
    pub fn source_kind(self) -> &'static str {
        match self {
            Self::Influx => "influx_line_protocol",
            Self::Statsd => "statsd",
            Self::Graphite => "graphite_plaintext",
            Self::Otlp => "otlp",
        }
    }

    /// Its cases by name.
    ///
    /// # Panics
    /// When they cannot be read.
    pub fn cases(self) -> Vec<(String, Case)> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../captures");
        let name = |path: &Path| path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        case::cases(&folder, self.folder()).into_iter().map(|(path, case)| (name(&path), case)).collect()
    }
}

/// Holds all cases of a protocol against servers.
///
/// # Panics
/// Listing everything in which the server and a case differ.
pub fn hold(protocol: Protocol) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../captures");
    let record = std::env::var_os("TSINK_RECORD_CAPTURES").is_some();
    let only = std::env::var("TSINK_CAPTURE").unwrap_or_default();
    let mut shared = (protocol == Protocol::Influx).then(start);
    let mut faults = Vec::new();
    for (path, mut case) in case::cases(&folder, protocol.folder()) {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        if !name.contains(&only) {
            continue;
        }
        for attempt in 1.. {
            let before = case.clone();
            let outcome = catch_unwind(AssertUnwindSafe(|| {
                let mut run = Run { protocol, name: &name, shared: shared.as_ref(), faults: Vec::new() };
                run.case(&mut case, record);
                run.faults
            }));
            // tsink closes its storage by itself now and then (see `Tsink::is_open`): nothing was found out then. What
            // UDP and TCP carry is lost without a word.
            let said = match &outcome {
                Ok(found) => found.join("\n"),
                Err(panic) => panic.downcast_ref::<String>().cloned().unwrap_or_default(),
            };
            let is_closed = match &shared {
                Some(live) => !live.tsink().is_open(),
                None if protocol == Protocol::Otlp => said.contains("Storage is shutting down"),
                None => true,
            };
            let is_well = outcome.as_ref().is_ok_and(Vec::is_empty);
            if !is_well && is_closed && attempt < 3 {
                println!("{name}: once more with another server ({said})");
                case = before;
                shared = shared.map(|_| start());
                continue;
            }
            match outcome {
                Ok(mut found) => faults.append(&mut found),
                Err(panic) => resume_unwind(panic),
            }
            break;
        }
        if record {
            std::fs::write(&path, write::text(&case)).expect("a case that can be written");
        }
    }
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

/// A server whose retention reaches back before 1970, so that negative timestamps can be seen.
fn start() -> Live {
    let options = TsinkOptions { retention: Some("100000d".to_owned()), ..TsinkOptions::default() };
    Live::start(options, "default").expect("tsink")
}

/// A server or a tenant without any series, and when what was sent to it.
struct Stage<'a> {
    own: Option<Live>,
    shared: Option<&'a Live>,
    tenant: String,
    /// First and last ms, and the arrival that the case gives the payload.
    windows: Vec<(i64, i64, i64)>,
}

/// What became of a payload.
struct Fate {
    taken: bool,
    /// HTTP only.
    status: u16,
    words: String,
    /// UDP and TCP only.
    counts: Counts,
}

impl Stage<'_> {
    fn live(&self) -> &Live {
        self.own.as_ref().or(self.shared).expect("a server")
    }

    fn send(
        &mut self,
        protocol: Protocol,
        params: &BTreeMap<String, String>,
        bytes: &[u8],
        received: i64,
    ) -> Fate {
        // Each payload has milliseconds of its own, so that its samples can be told from others'.
        let last = self.windows.last().map_or(0, |(_, end, _)| *end);
        let mut from = now();
        while from <= last {
            std::thread::yield_now();
            from = now();
        }
        let mut fate = Fate { taken: true, status: 0, words: String::new(), counts: Counts::default() };
        match protocol {
            Protocol::Influx | Protocol::Otlp => {
                let answer = match protocol {
                    Protocol::Influx => self.live().influx(&self.tenant, params, bytes),
                    _ => self.live().otlp(bytes),
                }
                .expect("an answer");
                fate.status = answer.status;
                fate.taken = (200..300).contains(&answer.status);
                fate.words = answer.text();
            }
            Protocol::Statsd => {
                fate.counts = self.live().statsd(bytes).expect("a packet that is dealt with");
                fate.taken = fate.counts.rejected + fate.counts.throttled == 0;
            }
            Protocol::Graphite => {
                fate.counts = self.live().graphite(bytes).expect("a connection that is dealt with");
            }
        }
        self.windows.push((from, now(), received));
        fate
    }

    fn held(&self) -> Held {
        let tsink = self.live().tsink();
        // A shared server's store has the exemplars of all cases; and only OTLP has any.
        let store = self.own.as_ref().map(|own| own.tsink().data_path());
        Held::read(&tsink.endpoint(&self.tenant), &self.windows, store.as_deref())
    }
}

fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970").as_millis() as i64
}

struct Run<'a> {
    protocol: Protocol,
    name: &'a str,
    shared: Option<&'a Live>,
    faults: Vec<String>,
}

impl Run<'_> {
    fn fault(&mut self, text: &str) {
        self.faults.push(format!("{}/{}: {text}", self.protocol.folder(), self.name));
    }

    fn stage(&self, purpose: &str) -> Stage<'_> {
        let own = self.shared.is_none().then(start);
        let tenant = match self.shared {
            Some(_) => format!("{}-{purpose}", self.name),
            None => "default".to_owned(),
        };
        Stage { own, shared: self.shared, tenant, windows: Vec::new() }
    }

    fn case(&mut self, case: &mut Case, record: bool) {
        for fault in parts::encode(case, record) {
            self.fault(&fault);
        }
        let recorded = self.as_recorded(case, record);
        let held = if matches!(case.live, Does::Accepted) { recorded } else { self.without_refused(case) };
        if record {
            held.write_into(case);
        }
        self.compare(&held, case);
        if !case.refused.is_empty() {
            self.each_alone(case, record);
        }
    }

    fn compare(&mut self, held: &Held, case: &Case) {
        for difference in held.differences(&Held::of(case)) {
            self.fault(&difference);
        }
    }

    /// Sends the payloads as they are.
    fn as_recorded(&mut self, case: &mut Case, record: bool) -> Held {
        let mut faults = Vec::new();
        let mut stage = self.stage("recorded");
        for (number, payload) in case.payloads.iter().enumerate() {
            let at = case.received_at(number);
            let fate = stage.send(self.protocol, &case.query_params, &payload.bytes(), at);
            let Fate { taken, status, words, counts } = fate;
            let refused = case.refused.iter().filter(|refused| refused.payload == number).count() as u64;
            match &mut case.live {
                Does::Accepted
                    if self.protocol == Protocol::Graphite
                        && (counts.rejected != refused || counts.throttled != 0) =>
                {
                    faults.push(format!("payload {number}: {refused} lines are to be refused: {counts:?}"));
                }
                Does::Accepted if !taken => {
                    faults.push(format!("payload {number} was refused: {status} {words} {counts:?}"));
                }
                Does::Refused(_) if taken => faults.push(format!("payload {number} was accepted")),
                Does::Refused(expected) if status != 0 => {
                    if record && expected.status.is_none() {
                        expected.status = Some(status);
                        expected.message.clone_from(&words);
                    }
                    let same = number > 0 || words.contains(&expected.message);
                    if expected.status != Some(status) || !same || expected.message.is_empty() {
                        faults.push(format!("payload {number}: {status} {words}"));
                    }
                }
                _ => {}
            }
        }
        let held = stage.held();
        match case.live {
            Does::Refused(_) if !held.is_empty() => faults.push(format!("left behind: {held:?}")),
            Does::Otherwise if held.is_empty() || held.differences(&Held::of(case)).is_empty() => {
                faults.push("the server took nothing, or everything as it is to be".to_owned());
            }
            _ => {}
        }
        drop(stage);
        faults.iter().for_each(|fault| self.fault(fault));
        held
    }

    /// Sends what is not refused, in pieces that the server takes.
    fn without_refused(&mut self, case: &Case) -> Held {
        let mut faults = Vec::new();
        let mut stage = self.stage("good");
        for number in 0..case.payloads.len() {
            for piece in parts::good(self.protocol, case, number) {
                let at = case.received_at(number);
                let fate = stage.send(self.protocol, &case.query_params, &piece.bytes, at);
                let done = fate.taken && fate.counts.rejected + fate.counts.throttled == 0;
                if done != piece.good {
                    let piece = String::from_utf8_lossy(&piece.bytes).chars().take(300).collect::<String>();
                    let Fate { status, words, counts, .. } = fate;
                    faults.push(format!("payload {number}, of it {piece:?}: {status} {words} {counts:?}"));
                }
            }
        }
        let held = stage.held();
        drop(stage);
        faults.iter().for_each(|fault| self.fault(fault));
        held
    }

    /// Sends each refused piece by itself.
    fn each_alone(&mut self, case: &mut Case, record: bool) {
        let mut faults = Vec::new();
        let mut stage = self.stage("alone");
        for index in 0..case.refused.len() {
            if case.refused[index].only_here {
                continue;
            }
            let bytes = parts::alone(self.protocol, case, index);
            let at = case.received_at(case.refused[index].payload);
            let fate = stage.send(self.protocol, &case.query_params, &bytes, at);
            let Refused { message, .. } = &mut case.refused[index];
            let words = parts::words(&fate.words);
            if record && message.is_empty() {
                message.push_str(words);
            }
            let by_http = fate.status != 0;
            let good = if by_http {
                !fate.taken && words == message
            } else {
                fate.counts.rejected + fate.counts.throttled == 1
            };
            if !good || message.is_empty() {
                let Fate { status, words, counts, .. } = fate;
                faults.push(format!("{:?} alone: {status} {words} {counts:?}", case.refused[index]));
            }
        }
        let held = stage.held();
        if !held.is_empty() {
            faults.push(format!("refused pieces left behind: {held:?}"));
        }
        drop(stage);
        faults.iter().for_each(|fault| self.fault(fault));
    }
}
