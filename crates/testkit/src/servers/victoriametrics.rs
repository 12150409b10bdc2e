//! VictoriaMetrics.

use super::{Folder, READY_LIMIT, answers_ok};
use crate::client::Endpoint;
use crate::process::{End, Process, free_port};
use crate::tools::Tool;
use crate::wire::{TimeSeries, WriteRequest};
use anyhow::{Context, Result};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

/// How to start VictoriaMetrics.
#[derive(Clone, Debug, Default)]
pub struct VictoriaMetricsOptions {
    /// Flags beyond those that are always given, such as `-search.maxExportSeries=2`.
    pub flags: Vec<String>,
    /// Port; a free one when `None`.
    pub port: Option<u16>,
    /// Folder that is kept; a temporary one when `None`.
    pub folder: Option<PathBuf>,
}

/// A running single-node VictoriaMetrics that keeps everything.
#[derive(Debug)]
pub struct VictoriaMetrics {
    process: Process,
    port: u16,
    _folder: Folder,
}

impl VictoriaMetrics {
    /// Starts the server and waits until it is ready.
    ///
    /// # Errors
    /// When the program is missing or does not become ready; the message carries its log.
    pub fn start(options: VictoriaMetricsOptions) -> Result<Self> {
        let folder = Folder::new(options.folder)?;
        let port = options.port.map_or_else(free_port, Ok)?;
        let mut command = Command::new(Tool::VictoriaMetrics.find()?);
        command
            .arg(format!("-storageDataPath={}", folder.path().join("data").display()))
            .arg(format!("-httpListenAddr=127.0.0.1:{port}"))
            .arg("-retentionPeriod=100y")
            .args(options.flags);
        let log = folder.path().join("victoria-metrics.log");
        let mut process = Process::start(
            "victoria-metrics",
            &mut command,
            &log,
            End::Gently(Duration::from_secs(5)),
            folder.temporary(),
        )?;
        let ready = format!("http://127.0.0.1:{port}/health");
        process.wait_until(READY_LIMIT, || answers_ok(&ready, None))?;
        Ok(Self { process, port, _folder: folder })
    }

    /// `http://127.0.0.1:PORT`, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// A client.
    pub fn endpoint(&self) -> Endpoint {
        Endpoint::new(&self.url())
    }

    /// Loads series by remote write, which is the one way to load staleness markers, and shows them to queries.
    ///
    /// # Errors
    /// When the server refuses them.
    pub fn write(&self, timeseries: Vec<TimeSeries>) -> Result<()> {
        let request = WriteRequest { timeseries, ..WriteRequest::default() };
        self.endpoint().remote_write(&request)?.ok().context("remote write")?;
        self.flush()
    }

    /// Loads lines of `/api/v1/import`, the form in which they are exported.
    ///
    /// # Errors
    /// When the server refuses them. It skips lines that it cannot read, and says so in its log only.
    pub fn import(&self, lines: &str) -> Result<()> {
        self.endpoint().post("/api/v1/import", &[], lines.as_bytes())?.ok().context("import")?;
        self.flush()
    }

    /// Loads the Prometheus text format, `NAME{LABELS} VALUE MS`.
    ///
    /// # Errors
    /// As [`Self::import`].
    pub fn import_text(&self, text: &str) -> Result<()> {
        self.endpoint().post("/api/v1/import/prometheus", &[], text.as_bytes())?.ok().context("import")?;
        self.flush()
    }

    /// Shows to queries what has been taken in.
    ///
    /// # Errors
    /// When the server does not answer.
    pub fn flush(&self) -> Result<()> {
        self.endpoint().get("/internal/force_flush")?.ok().context("flush").map(|_| ())
    }

    /// What the server has written to its log so far.
    pub fn log(&self) -> String {
        self.process.log()
    }
}
