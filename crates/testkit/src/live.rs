//! tsink's live endpoints: `InfluxDB` line protocol and OTLP over HTTP, `StatsD` over UDP, Graphite over TCP.
//!
//! UDP and TCP give no answer. What became of a packet shows in the server's counters; the end of a connection
//! shows that each of its lines has been dealt with.

use crate::client::{Answer, Endpoint, percent};
use crate::process::free_port;
use crate::servers::{Tsink, TsinkOptions};
use anyhow::{Context, Result, bail};
use std::collections::BTreeMap;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, TcpStream, UdpSocket};
use std::thread;
use std::time::{Duration, Instant};

/// How long the server may take to deal with a packet or a connection.
const LIMIT: Duration = Duration::from_secs(20);

/// A tsink-server with all its live endpoints.
#[derive(Debug)]
pub struct Live {
    tsink: Tsink,
    udp: UdpSocket,
    graphite: u16,
}

/// What the server counts of a listener since its start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Packets or lines that were taken.
    pub accepted: u64,
    /// Packets or lines that were refused.
    pub rejected: u64,
    /// Packets or connections beyond a limit.
    pub throttled: u64,
}

impl Counts {
    fn all(self) -> u64 {
        self.accepted + self.rejected + self.throttled
    }

    /// What came since `before`.
    #[must_use]
    pub fn since(self, before: Self) -> Self {
        Self {
            accepted: self.accepted - before.accepted,
            rejected: self.rejected - before.rejected,
            throttled: self.throttled - before.throttled,
        }
    }
}

impl Live {
    /// Starts a server with listeners for `StatsD` and Graphite that write into `tenant`.
    ///
    /// # Errors
    /// When the server does not become ready.
    pub fn start(mut options: TsinkOptions, tenant: &str) -> Result<Self> {
        let (statsd, graphite) = (free_udp_port()?, free_port()?);
        for (name, value) in [
            ("--statsd-listen", format!("127.0.0.1:{statsd}")),
            ("--statsd-tenant", tenant.to_owned()),
            ("--graphite-listen", format!("127.0.0.1:{graphite}")),
            ("--graphite-tenant", tenant.to_owned()),
        ] {
            options.args.extend([name.to_owned(), value]);
        }
        // Ready means that all listeners are bound: the one for HTTP is the last.
        let tsink = Tsink::start(options)?;
        let udp = UdpSocket::bind(("127.0.0.1", 0)).context("no UDP port")?;
        udp.connect(("127.0.0.1", statsd))?;
        Ok(Self { tsink, udp, graphite })
    }

    /// The server.
    pub fn tsink(&self) -> &Tsink {
        &self.tsink
    }

    /// Sends line protocol: to `/api/v2/write` when there is a bucket or an organisation, else to `/write`.
    ///
    /// # Errors
    /// When there is no whole answer.
    pub fn influx(&self, tenant: &str, params: &BTreeMap<String, String>, body: &[u8]) -> Result<Answer> {
        influx(&self.tsink.endpoint(tenant), params, body)
    }

    /// Sends an OTLP export request. tsink 0.10.2 puts its series into the tenant `default`, whatever the header
    /// says.
    ///
    /// # Errors
    /// When there is no whole answer.
    pub fn otlp(&self, body: &[u8]) -> Result<Answer> {
        let endpoint = Endpoint::new(&self.tsink.url());
        endpoint.post("/v1/metrics", &[("Content-Type", "application/x-protobuf")], body)
    }

    /// Sends a UDP packet and waits until the server has dealt with it. A packet of blank lines counts as nothing.
    ///
    /// # Errors
    /// When it cannot be sent, or the counters do not show it.
    pub fn statsd(&self, packet: &[u8]) -> Result<Counts> {
        let before = self.counts("statsd")?;
        self.udp.send(packet).context("UDP packet to StatsD")?;
        let blank = std::str::from_utf8(packet).is_ok_and(|text| text.trim().is_empty());
        if blank {
            // Blank packets are not counted: one after it, which is refused, shows that it is done.
            self.udp.send(b"!").context("UDP packet to StatsD")?;
        }
        let started = Instant::now();
        loop {
            let mut since = self.counts("statsd")?.since(before);
            if since.all() > 0 {
                since.rejected -= u64::from(blank);
                return Ok(since);
            }
            if started.elapsed() > LIMIT {
                bail!("StatsD counters did not move in {LIMIT:?}; log:\n{}", self.tsink.log());
            }
            thread::sleep(Duration::from_millis(2));
        }
    }

    /// Sends bytes over a connection of their own and waits until the server has dealt with them, or has closed
    /// the connection.
    ///
    /// # Errors
    /// When there is no connection, or the server keeps it open.
    pub fn graphite(&self, bytes: &[u8]) -> Result<Counts> {
        let before = self.counts("graphite")?;
        let mut stream = TcpStream::connect(("127.0.0.1", self.graphite)).context("Graphite")?;
        stream.set_read_timeout(Some(LIMIT))?;
        stream.set_write_timeout(Some(LIMIT))?;
        // A server that closes early resets the connection; it has dealt with what came before.
        let closed = |kind| {
            matches!(kind, ErrorKind::ConnectionReset | ErrorKind::BrokenPipe | ErrorKind::NotConnected)
        };
        let sent = stream.write_all(bytes).and_then(|()| stream.shutdown(Shutdown::Write));
        match sent.and_then(|()| stream.read_to_end(&mut Vec::new())) {
            Err(error) if !closed(error.kind()) => Err(error).context("Graphite"),
            _ => Ok(self.counts("graphite")?.since(before)),
        }
    }

    /// Counters of `statsd` or `graphite`.
    ///
    /// # Errors
    /// When the status cannot be read.
    pub fn counts(&self, listener: &str) -> Result<Counts> {
        let status = self.tsink.endpoint("default").get_json("/api/v1/status/tsdb")?;
        let of = &status["data"]["legacyIngest"][listener];
        let count = |name: &str| of[name].as_u64().with_context(|| format!("{listener} {name} in {of}"));
        Ok(Counts {
            accepted: count("acceptedRequestsTotal")?,
            rejected: count("rejectedRequestsTotal")?,
            throttled: count("throttledRequestsTotal")?,
        })
    }
}

/// Sends line protocol to a server: to `/api/v2/write` when there is a bucket or an organisation, else to `/write`.
///
/// # Errors
/// When there is no whole answer.
pub fn influx(endpoint: &Endpoint, params: &BTreeMap<String, String>, body: &[u8]) -> Result<Answer> {
    let second = params.contains_key("bucket") || params.contains_key("org");
    let query: Vec<String> =
        params.iter().map(|(name, value)| format!("{}={}", percent(name), percent(value))).collect();
    let path = if second { "/api/v2/write" } else { "/write" };
    endpoint.post(
        &format!("{path}?{}", query.join("&")),
        &[("Content-Type", "text/plain; charset=utf-8")],
        body,
    )
}

/// A port on 127.0.0.1 that nobody listens on, neither over UDP nor over TCP.
fn free_udp_port() -> Result<u16> {
    for _ in 0..100 {
        let port = free_port()?;
        if UdpSocket::bind(("127.0.0.1", port)).is_ok() {
            return Ok(port);
        }
    }
    bail!("no free UDP port")
}
