//! Prometheus.

use super::{Folder, READY_LIMIT, answers_ok};
use crate::client::Endpoint;
use crate::process::{End, Process, free_port};
use crate::tools::Tool;
use anyhow::{Context, Result, bail};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// User of [`PrometheusOptions::basic_auth`].
pub const BASIC_AUTH_USER: &str = "migrator";
/// Password of [`PrometheusOptions::basic_auth`].
pub const BASIC_AUTH_PASSWORD: &str = "testkit-password";
/// The `Authorization` value of the two.
pub const BASIC_AUTHORIZATION: &str = "Basic bWlncmF0b3I6dGVzdGtpdC1wYXNzd29yZA==";
/// bcrypt of [`BASIC_AUTH_PASSWORD`] with the lowest cost, because the server computes it on first use.
const BASIC_AUTH_HASH: &str = "$2b$04$abcdefghijklmnopqrstuuZzYQ9FMnqRm3NgTeriBhIrwquNl34IK";

/// How to start Prometheus.
#[derive(Clone, Debug, Default)]
pub struct PrometheusOptions {
    /// Ask for basic auth with [`BASIC_AUTH_USER`] and [`BASIC_AUTH_PASSWORD`].
    pub basic_auth: bool,
    /// Port; a free one when `None`.
    pub port: Option<u16>,
    /// Folder that is kept, `data` below it being the TSDB; a temporary one when `None`.
    pub folder: Option<PathBuf>,
}

/// A running Prometheus with remote-write receiver, exemplar storage and native histograms.
///
/// It scrapes nothing at first: scraped samples are of now, and once the head has one, Prometheus refuses
/// older samples. Load the history first, then call [`Prometheus::scrape`].
///
/// Versions before 2.44 leave native histograms out of SAMPLES answers to remote read: their series come
/// without a single sample. STREAMED_XOR_CHUNKS answers carry them (read and measured with 2.42.0).
#[derive(Debug)]
pub struct Prometheus {
    process: Process,
    port: u16,
    basic_auth: bool,
    folder: Folder,
}

impl Prometheus {
    /// Starts the server and waits until it is ready.
    ///
    /// # Errors
    /// When the program is missing or does not become ready; the message carries its log.
    pub fn start(options: PrometheusOptions) -> Result<Self> {
        let folder = Folder::new(options.folder)?;
        let port = options.port.map_or_else(free_port, Ok)?;
        let config = folder.path().join("prometheus.yml");
        fs::write(&config, config_text(&[]))?;
        if options.basic_auth {
            let web = folder.path().join("web.yml");
            fs::write(&web, format!("basic_auth_users:\n  {BASIC_AUTH_USER}: '{BASIC_AUTH_HASH}'\n"))?;
        }
        let process = Self::process(&folder, port, options.basic_auth)?;
        Ok(Self { process, port, basic_auth: options.basic_auth, folder })
    }

    /// Starts the server on a folder and a port, and waits until it is ready.
    fn process(folder: &Folder, port: u16, basic_auth: bool) -> Result<Process> {
        let config = folder.path().join("prometheus.yml");
        let mut command = Command::new(Tool::Prometheus.find()?);
        command
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.tsdb.path={}", folder.path().join("data").display()))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .args([
                "--enable-feature=exemplar-storage,native-histograms",
                "--web.enable-remote-write-receiver",
                "--web.enable-lifecycle",
                "--storage.tsdb.retention.time=10y",
                "--log.level=warn",
            ]);
        if basic_auth {
            command.arg(format!("--web.config.file={}", folder.path().join("web.yml").display()));
        }
        let log = folder.path().join("prometheus.log");
        let mut process = Process::start(
            "prometheus",
            &mut command,
            &log,
            End::Gently(Duration::from_secs(5)),
            folder.temporary(),
        )?;
        let ready = format!("http://127.0.0.1:{port}/-/ready");
        let authorization = basic_auth.then_some(BASIC_AUTHORIZATION);
        process.wait_until(READY_LIMIT, || answers_ok(&ready, authorization))?;
        Ok(process)
    }

    /// Ends the server as its operator would, leaves it away for so long, and starts it again with the same data on the
    /// same port.
    ///
    /// # Errors
    /// When it does not become ready again; the message carries its log.
    pub fn restart(&mut self, away: Duration) -> Result<()> {
        self.process.stop();
        std::thread::sleep(away);
        self.process = Self::process(&self.folder, self.port, self.basic_auth)?;
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

    /// A client, with basic auth where the server wants it.
    pub fn endpoint(&self) -> Endpoint {
        let endpoint = Endpoint::new(&self.url());
        if self.basic_auth { endpoint.header("Authorization", BASIC_AUTHORIZATION) } else { endpoint }
    }

    /// Scrapes these `host:port` targets from now on, and waits until metadata of one of them is served.
    ///
    /// # Errors
    /// When the configuration cannot be reloaded, or no metadata appears within 30 s.
    pub fn scrape(&mut self, targets: &[String]) -> Result<()> {
        fs::write(self.folder.path().join("prometheus.yml"), config_text(targets))?;
        let endpoint = self.endpoint();
        endpoint.post("/-/reload", &[], b"").and_then(|answer| answer.ok()).context("reload")?;
        let started = Instant::now();
        while started.elapsed() < Duration::from_secs(30) {
            let metadata = endpoint.get_json("/api/v1/metadata")?;
            if metadata["data"].as_object().is_some_and(|families| !families.is_empty()) {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        bail!("Prometheus served no metadata within 30 s of scraping {targets:?}; its log:\n{}", self.log())
    }

    /// What the server has written to its log so far.
    pub fn log(&self) -> String {
        self.process.log()
    }

    /// Folder with the configuration, the log and the TSDB (`data`).
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Ends the server now; the handle stays, so that its port stays known.
    pub fn stop(&mut self) {
        self.process.stop();
    }
}

fn config_text(targets: &[String]) -> String {
    let mut text = String::from("global:\n  scrape_interval: 1s\n  scrape_timeout: 1s\n");
    if !targets.is_empty() {
        text.push_str("scrape_configs:\n  - job_name: testkit\n    static_configs:\n      - targets:\n");
        for target in targets {
            let _ = writeln!(text, "          - '{target}'");
        }
    }
    text
}
