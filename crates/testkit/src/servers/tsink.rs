//! tsink-server.

use super::{Folder, READY_LIMIT, answers_ok};
use crate::client::Endpoint;
use crate::process::{End, Process, free_port};
use crate::tools::Tool;
use crate::wire::{Label, Sample, TimeSeries, WriteRequest};
use anyhow::Result;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

/// How to start tsink-server.
#[derive(Clone, Debug, Default)]
pub struct TsinkOptions {
    /// `--retention`; `5000d` when `None`, because the server's own default of 14 days refuses old history.
    pub retention: Option<String>,
    /// Bearer token for the public API.
    pub auth_token: Option<String>,
    /// Whether the admin API is on.
    pub admin_api: bool,
    /// Bearer token for the admin API.
    pub admin_auth_token: Option<String>,
    /// Environment variables, e.g. `TSINK_REMOTE_WRITE_HISTOGRAMS_ENABLED=false`.
    pub env: Vec<(String, String)>,
    /// Whether the server keeps everything in memory (no `--data-path`). It then keeps, and always shows, every copy of
    /// a sample that it gets twice; on disk it drops them at a time of its own.
    pub in_memory: bool,
    /// More arguments.
    pub args: Vec<String>,
    /// Port; a free one when `None`.
    pub port: Option<u16>,
    /// Data folder that is kept; a temporary one when `None`.
    pub folder: Option<PathBuf>,
}

/// A running tsink-server 0.10.2.
#[derive(Debug)]
pub struct Tsink {
    process: Process,
    port: u16,
    auth_token: Option<String>,
    options: TsinkOptions,
    // Dropped after the process.
    folder: Folder,
}

impl Tsink {
    /// Starts the server and waits until it is ready.
    ///
    /// # Errors
    /// When the program is missing or does not become ready; the message carries its log.
    pub fn start(options: TsinkOptions) -> Result<Self> {
        let folder = Folder::new(options.folder.clone())?;
        let port = options.port.map_or_else(free_port, Ok)?;
        let process = Self::process(&options, &folder, port)?;
        Ok(Self { process, port, auth_token: options.auth_token.clone(), options, folder })
    }

    /// Starts the server on a folder and a port, and waits until it is ready.
    fn process(options: &TsinkOptions, folder: &Folder, port: u16) -> Result<Process> {
        let mut command = Command::new(Tool::TsinkServer.find()?);
        command
            .arg("--listen")
            .arg(format!("127.0.0.1:{port}"))
            .args(["--retention", options.retention.as_deref().unwrap_or("5000d")])
            .args(&options.args)
            .envs(options.env.iter().cloned());
        if !options.in_memory {
            command.arg("--data-path").arg(folder.path().join("data"));
        }
        if let Some(token) = &options.auth_token {
            command.args(["--auth-token", token]);
        }
        if options.admin_api {
            command.arg("--enable-admin-api");
        }
        if let Some(token) = &options.admin_auth_token {
            command.args(["--admin-auth-token", token]);
        }
        let log = folder.path().join("tsink.log");
        let mut process =
            Process::start("tsink-server", &mut command, &log, End::AtOnce, folder.temporary())?;
        let ready = format!("http://127.0.0.1:{port}/ready");
        process.wait_until(READY_LIMIT, || answers_ok(&ready, None))?;
        Ok(process)
    }

    /// Kills the server (SIGKILL), leaves it away for so long, and starts it again with the same data on the same port.
    ///
    /// # Errors
    /// When it does not become ready again; the message carries its log.
    pub fn restart(&mut self, away: Duration) -> Result<()> {
        self.process.stop();
        std::thread::sleep(away);
        self.process = Self::process(&self.options, &self.folder, self.port)?;
        Ok(())
    }

    /// `http://127.0.0.1:PORT`, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Process id.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// A client for one tenant, with the server's token.
    pub fn endpoint(&self, tenant: &str) -> Endpoint {
        let endpoint = Endpoint::new(&self.url()).header("X-Tsink-Tenant", tenant);
        match &self.auth_token {
            Some(token) => endpoint.header("Authorization", &format!("Bearer {token}")),
            None => endpoint,
        }
    }

    /// The folder in which the server keeps its data, unless it keeps them in memory.
    pub fn data_path(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// What the server has written to its log so far.
    pub fn log(&self) -> String {
        self.process.log()
    }

    /// Whether the server still takes writes.
    ///
    /// 0.10.2 closes its storage for good when its background persistence fails, and does so by itself in about one
    /// of ten loads of millions of samples on two busy cores. A test that meets it has found nothing out, and is
    /// to be run again with a fresh server. Writes one sample into a tenant of its own.
    pub fn is_open(&self) -> bool {
        let series = TimeSeries {
            labels: vec![Label { name: "__name__".to_owned(), value: "is_open".to_owned() }],
            samples: vec![Sample { timestamp: 1_763_510_400_000, value: 1.0 }],
            ..TimeSeries::default()
        };
        let request = WriteRequest { timeseries: vec![series], metadata: Vec::new() };
        self.endpoint("is-open").remote_write(&request).is_ok_and(|answer| answer.ok().is_ok())
    }

    /// Ends the server now; the handle stays, so that its port stays known.
    pub fn stop(&mut self) {
        self.process.stop();
    }
}
