//! A proxy that injects faults between the engine and a real server, byte by byte.
//!
//! It speaks just enough HTTP/1.1 to know where a request ends and to close each upstream connection after one
//! answer, which then arrives as the server's own bytes: cut, slowed, changed or lost as the fault says.

use anyhow::{Context, Result};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

mod answer;

/// What goes wrong with one exchange.
#[derive(Clone, Debug)]
pub enum Fault {
    /// The connection closes before the request is read; the server sees nothing.
    Close,
    /// The server gets the request and works on it; its answer is lost.
    LoseAnswer,
    /// Only so many bytes of the answer's body arrive, then the connection closes.
    Cut(usize),
    /// Only so many bytes of the answer's body arrive, and it ends there as if that were all.
    EndEarly(usize),
    /// Only so many frames of a streamed answer arrive, and it ends there as if that were all.
    EndFrames(usize),
    /// The answer arrives twice in a row on one connection.
    AnswerTwice,
    /// The server gets the request twice, one after the other; the second answer arrives.
    AskTwice,
    /// The answer waits this long, then arrives whole.
    Late(Duration),
    /// The answer arrives in pieces of so many bytes with a pause between them.
    Drip(usize, Duration),
    /// One bit of the answer's body is another, so many bytes into it.
    FlipBit(usize),
    /// The server sees nothing; this status, these header lines and this body are the answer.
    Answer(u16, &'static str, &'static str),
    /// 401, unless the request has this header line, given in lower case.
    Unless(&'static str),
}

/// Which exchanges go wrong, and how.
#[derive(Clone, Debug)]
pub struct Faults {
    /// Requests whose path ends with this.
    pub path: &'static str,
    /// The first of them that goes wrong, from 0.
    pub first: usize,
    /// Every so many of them goes wrong; 1 is each.
    pub every: usize,
    /// So many go wrong in all.
    pub times: usize,
    /// What goes wrong.
    pub fault: Fault,
}

struct Shared {
    upstream: String,
    faults: Vec<Counted>,
    stopped: AtomicBool,
}

struct Counted {
    faults: Faults,
    seen: AtomicUsize,
    injected: AtomicUsize,
}

/// A running proxy. Dropping it ends it.
pub struct FaultProxy {
    port: u16,
    shared: Arc<Shared>,
}

impl FaultProxy {
    /// Starts a proxy on 127.0.0.1 in front of the server on `port`.
    ///
    /// # Errors
    /// When no port can be bound.
    pub fn start(port: u16, faults: Faults) -> Result<Self> {
        Self::start_all(port, vec![faults])
    }

    /// The same with several faults; of those that are due, the first one happens.
    ///
    /// # Errors
    /// When no port can be bound.
    pub fn start_all(port: u16, faults: Vec<Faults>) -> Result<Self> {
        let counted = |faults| Counted { faults, seen: AtomicUsize::new(0), injected: AtomicUsize::new(0) };
        let listener = TcpListener::bind(("127.0.0.1", 0)).context("cannot bind the fault proxy's port")?;
        let own = listener.local_addr()?.port();
        let shared = Arc::new(Shared {
            upstream: format!("127.0.0.1:{port}"),
            faults: faults.into_iter().map(counted).collect(),
            stopped: AtomicBool::new(false),
        });
        let serving = Arc::clone(&shared);
        thread::Builder::new().name("faults".into()).spawn(move || {
            for client in listener.incoming() {
                if serving.stopped.load(Ordering::SeqCst) {
                    return;
                }
                let shared = Arc::clone(&serving);
                // A client that goes away is its own business.
                thread::spawn(move || {
                    client.map_err(Into::into).and_then(|client| exchange(client, &shared))
                });
            }
        })?;
        Ok(Self { port: own, shared })
    }

    /// `http://127.0.0.1:PORT`, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// How many exchanges on the faults' paths there were so far, right and wrong ones.
    pub fn seen(&self) -> usize {
        self.shared.faults.iter().map(|one| one.seen.load(Ordering::SeqCst)).sum()
    }

    /// How many exchanges went wrong so far.
    pub fn injected(&self) -> usize {
        self.shared.faults.iter().map(|one| one.injected.load(Ordering::SeqCst)).sum()
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
        // The listener waits for a connection; this one wakes it.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

impl Shared {
    /// The fault of the next exchange on a path, if it has one.
    fn next(&self, path: &str) -> Option<(&Counted, &Fault)> {
        // Each counts what it sees, whatever happens to it.
        let due: Vec<_> = self.faults.iter().filter_map(|one| Some((one, one.next(path)?))).collect();
        due.into_iter().next()
    }
}

impl Counted {
    fn next(&self, path: &str) -> Option<&Fault> {
        let faults = &self.faults;
        if !path.split('?').next().unwrap_or(path).ends_with(faults.path) {
            return None;
        }
        let at = self.seen.fetch_add(1, Ordering::SeqCst);
        let hit = at >= faults.first && (at - faults.first).is_multiple_of(faults.every.max(1));
        let due = match faults.fault {
            // Whether these happen depends on the request or the answer; only those that do count.
            Fault::Unless(_) | Fault::EndFrames(_) => at >= faults.first,
            _ => hit && (at - faults.first) / faults.every.max(1) < faults.times,
        };
        due.then_some(&faults.fault)
    }

    /// Counts it; false when it has happened often enough.
    fn happened(&self) -> bool {
        let times = self.faults.times;
        let count = |injected: usize| (injected < times).then_some(injected + 1);
        self.injected.fetch_update(Ordering::SeqCst, Ordering::SeqCst, count).is_ok()
    }
}

/// One connection, one exchange.
fn exchange(client: TcpStream, shared: &Shared) -> Result<()> {
    let mut reader = BufReader::new(client.try_clone()?);
    let mut first = String::new();
    if reader.read_line(&mut first)? == 0 {
        return Ok(());
    }
    let due = shared.next(first.split(' ').nth(1).unwrap_or_default());
    let fault = due.map(|(_, fault)| fault);
    if let Some((counted, fault)) = due
        && !matches!(fault, Fault::Unless(_) | Fault::EndFrames(_))
    {
        counted.happened();
    }
    if matches!(fault, Some(Fault::Close)) {
        // Bytes are left unread, so the peer gets a reset.
        return Ok(());
    }
    let request = read_request(first, &mut reader)?;
    let mut client = client;
    if let Some(Fault::Answer(status, headers, body)) = fault {
        let length = body.len();
        write!(
            client,
            "HTTP/1.1 {status} Fault\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        )?;
        return Ok(());
    }
    if let (Some(Fault::Unless(line)), Some((counted, _))) = (fault, due)
        && !has_line(&request, line)
        && counted.happened()
    {
        client.write_all(
            b"HTTP/1.1 401 Fault\r\nContent-Length: 12\r\nConnection: close\r\n\r\nunauthorized",
        )?;
        return Ok(());
    }
    if matches!(fault, Some(Fault::AskTwice)) {
        ask(shared, &request)?;
    }
    let mut answer = ask(shared, &request)?;
    let body = answer.windows(4).position(|four| four == b"\r\n\r\n").map_or(answer.len(), |at| at + 4);
    match fault {
        Some(Fault::LoseAnswer) => return Ok(()),
        Some(Fault::Cut(bytes)) => answer.truncate(body + bytes),
        Some(Fault::EndEarly(bytes)) => answer = answer::ended(&answer, |body| (*bytes).min(body.len())),
        Some(Fault::EndFrames(frames)) => {
            // A stream that is shorter by itself is not cut.
            let mut cut = false;
            let whole = answer::ended(&answer, |body| {
                let at = answer::end_of_frames(body, *frames);
                cut = at < body.len();
                at
            });
            if cut && due.is_some_and(|(counted, _)| counted.happened()) {
                answer = whole;
            }
        }
        Some(Fault::AnswerTwice) => answer.extend_from_within(..),
        Some(Fault::Late(pause)) => thread::sleep(*pause),
        Some(Fault::FlipBit(at)) => {
            if let Some(byte) = answer.get_mut(body + at) {
                *byte ^= 0b100;
            }
        }
        Some(Fault::Drip(bytes, pause)) => {
            for piece in answer.chunks((*bytes).max(1)) {
                client.write_all(piece)?;
                thread::sleep(*pause);
            }
            return Ok(());
        }
        _ => {}
    }
    client.write_all(&answer)?;
    Ok(())
}

/// Whether a request's head has a header line, given in lower case.
fn has_line(request: &[u8], line: &str) -> bool {
    let head = String::from_utf8_lossy(request).to_ascii_lowercase();
    head.split("\r\n\r\n").next().unwrap_or_default().lines().any(|own| own == line)
}

/// A request as the server gets it: its own bytes, but for the connection, which ends with the answer.
fn read_request(first: String, reader: &mut impl BufRead) -> Result<Vec<u8>> {
    let mut request = first.into_bytes();
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 || line == "\r\n" {
            break;
        }
        let low = line.to_ascii_lowercase();
        if let Some(value) = low.strip_prefix("content-length:") {
            length = value.trim().parse().context("a content length")?;
        }
        if !low.starts_with("connection:") {
            request.extend_from_slice(line.as_bytes());
        }
    }
    request.extend_from_slice(b"Connection: close\r\n\r\n");
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    request.extend_from_slice(&body);
    Ok(request)
}

/// The server's whole answer; a server that is down answers nothing.
fn ask(shared: &Shared, request: &[u8]) -> Result<Vec<u8>> {
    let mut server = TcpStream::connect(&shared.upstream)?;
    server.write_all(request)?;
    let mut answer = Vec::new();
    server.read_to_end(&mut answer)?;
    Ok(answer)
}
