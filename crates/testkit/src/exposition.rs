//! A scrape target that exposes TYPE, HELP and UNIT of metrics and no samples.
//!
//! Prometheus serves metadata of the targets it scrapes, whatever was written into it by remote write. The
//! form is OpenMetrics 1.0, because the older text format has no UNIT.

use crate::wire::MetricMetadata;
use anyhow::Result;
use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// A running target.
#[derive(Debug)]
pub struct Exposition {
    port: u16,
    stopped: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Exposition {
    /// Starts a target on a free port.
    ///
    /// # Errors
    /// When no port can be bound.
    pub fn start(metadata: &[MetricMetadata]) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let port = listener.local_addr()?.port();
        let body = text(metadata);
        let stopped = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&stopped);
        let thread = thread::spawn(move || {
            for connection in listener.incoming() {
                if seen.load(Ordering::SeqCst) {
                    return;
                }
                if let Ok(connection) = connection {
                    // A scraper that goes away is its own loss.
                    let _ = answer(connection, &body);
                }
            }
        });
        Ok(Self { port, stopped, thread: Some(thread) })
    }

    /// `127.0.0.1:PORT`, as a scrape configuration names it.
    pub fn target(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }
}

impl Drop for Exposition {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::SeqCst);
        // Wakes the thread out of accept().
        let _ = TcpStream::connect(("127.0.0.1", self.port));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn answer(mut connection: TcpStream, body: &str) -> std::io::Result<()> {
    connection.set_read_timeout(Some(Duration::from_secs(5)))?;
    let mut request = Vec::new();
    let mut piece = [0u8; 4096];
    while !request.windows(4).any(|four| four == b"\r\n\r\n") {
        match connection.read(&mut piece)? {
            0 => return Ok(()),
            n => request.extend_from_slice(&piece[..n]),
        }
    }
    write!(
        connection,
        "HTTP/1.1 200 OK\r\nContent-Type: application/openmetrics-text; version=1.0.0; charset=utf-8\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}

/// The exposition of these families.
fn text(metadata: &[MetricMetadata]) -> String {
    const TYPES: [&str; 8] =
        ["unknown", "counter", "gauge", "histogram", "gaugehistogram", "summary", "info", "stateset"];
    let mut out = String::new();
    for family in metadata {
        let name = &family.metric_family_name;
        let kind = usize::try_from(family.r#type).ok().and_then(|at| TYPES.get(at)).unwrap_or(&"unknown");
        let _ = writeln!(out, "# TYPE {name} {kind}");
        if !family.unit.is_empty() {
            let _ = writeln!(out, "# UNIT {name} {}", family.unit);
        }
        let help = family.help.replace('\\', "\\\\").replace('\n', "\\n").replace('"', "\\\"");
        let _ = writeln!(out, "# HELP {name} {help}");
    }
    out.push_str("# EOF\n");
    out
}
