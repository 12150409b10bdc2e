//! Browsers with a fresh profile, started by their drivers and ended with everything they started.

use anyhow::{Context, Result, bail};
use std::collections::HashMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;
use thirtyfour::common::capabilities::firefox::FirefoxPreferences;
use thirtyfour::common::capabilities::firefox::LoggingPrefsLogLevel;
use thirtyfour::{Capabilities, ChromiumLikeCapabilities, DesiredCapabilities, WebDriver};
use tsink_migrate_testkit::client::Endpoint;
use tsink_migrate_testkit::process::{End, Process, free_port};
use tsink_migrate_testkit::tools::tools_cache;

/// How long a driver may take to be ready.
const READY_LIMIT: Duration = Duration::from_secs(30);
/// How long one command to the browser may take; starting one on a busy machine is the longest.
const COMMAND_LIMIT: Duration = Duration::from_secs(60);

/// Which browser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Chromium by ChromeDriver. `CHROMIUM` and `CHROMEDRIVER` name others than Debian's.
    Chromium,
    /// Firefox by geckodriver. `FIREFOX` and `GECKODRIVER` name others than Debian's and the tools cache's.
    Firefox,
}

impl Kind {
    /// Name for file names and tenants.
    pub fn name(self) -> &'static str {
        match self {
            Self::Chromium => "chromium",
            Self::Firefox => "firefox",
        }
    }

    fn browser(self) -> Result<PathBuf> {
        match self {
            Self::Chromium => program("CHROMIUM", vec![PathBuf::from("/usr/bin/chromium")]),
            Self::Firefox => program("FIREFOX", vec![PathBuf::from("/usr/bin/firefox-esr")]),
        }
    }

    fn driver(self) -> Result<PathBuf> {
        match self {
            Self::Chromium => program("CHROMEDRIVER", vec![PathBuf::from("/usr/bin/chromedriver")]),
            Self::Firefox => program("GECKODRIVER", in_tools_cache("geckodriver")),
        }
    }
}

/// What a browser may keep for its pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Storage {
    /// As much as it likes.
    Usual,
    /// Nothing. Firefox is told when it starts; Chromium only of an origin that is open
    /// ([`Page::limit_storage`](crate::page::Page::limit_storage)).
    Full,
}

/// The program that a variable names, or the first candidate that is there.
fn program(variable: &str, candidates: Vec<PathBuf>) -> Result<PathBuf> {
    if let Some(named) = env::var_os(variable).map(PathBuf::from) {
        if named.is_file() {
            return Ok(named);
        }
        bail!("{variable} names {}, which is no file", named.display());
    }
    match candidates.into_iter().find(|path| path.is_file()) {
        Some(found) => Ok(found),
        None => bail!("not found: run `cargo xtask setup`, or set {variable} to the program's path"),
    }
}

/// `<package>-<version>/bin/<name>` for every version in the tools cache, newest name first.
fn in_tools_cache(name: &str) -> Vec<PathBuf> {
    let Some(folders) = tools_cache().and_then(|cache| fs::read_dir(cache).ok()) else { return Vec::new() };
    let mut found: Vec<PathBuf> =
        folders.filter_map(|folder| Some(folder.ok()?.path().join("bin").join(name))).collect();
    found.sort();
    found.reverse();
    found
}

/// A running browser. Dropping it ends the driver, the browser, and all their processes.
#[derive(Debug)]
pub struct Browser {
    /// Which one.
    pub kind: Kind,
    session: WebDriver,
    process: Process,
    folder: TempDir,
}

impl Browser {
    /// Starts a browser, headless, with a profile of its own.
    ///
    /// # Errors
    /// When a program is missing or does not come up; the message carries the driver's log.
    pub async fn start(kind: Kind, storage: Storage) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("tsink-e2e-").tempdir()?;
        for own in ["downloads", "profile", "tmp"] {
            fs::create_dir(folder.path().join(own))?;
        }
        let port = free_port()?;
        let mut command = Command::new(kind.driver()?);
        command.arg(format!("--port={port}"));
        if kind == Kind::Firefox {
            // Firefox listens to its driver on another port.
            command.arg(format!("--marionette-port={}", free_port()?));
            command.arg("--profile-root").arg(folder.path().join("profile"));
        }
        command.env("TMPDIR", folder.path().join("tmp")).env("HOME", folder.path());
        command.env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY");
        let log = folder.path().join("driver.log");
        let mut process = Process::start(kind.name(), &mut command, &log, End::AtOnce, Some(folder.path()))?;
        let endpoint = Endpoint::new(&format!("http://127.0.0.1:{port}"));
        process.wait_until(READY_LIMIT, || {
            endpoint.get_json("/status").is_ok_and(|status| status["value"]["ready"] == true)
        })?;
        let capabilities = match kind {
            Kind::Chromium => chromium(&kind.browser()?, folder.path())?,
            Kind::Firefox => firefox(&kind.browser()?, folder.path(), storage)?,
        };
        let started =
            WebDriver::builder(endpoint.url(), capabilities).request_timeout(COMMAND_LIMIT).connect().await;
        match started {
            Ok(session) => Ok(Self { kind, session, process, folder }),
            Err(error) => {
                let log = process.log();
                kill_below(process.id());
                Err(error).with_context(|| format!("{} did not start; its driver's log:\n{log}", kind.name()))
            }
        }
    }

    /// The session.
    pub fn session(&self) -> &WebDriver {
        &self.session
    }

    /// Where the page's downloads go.
    pub fn downloads(&self) -> PathBuf {
        self.folder.path().join("downloads")
    }

    /// What driver and browser have written so far.
    pub fn log(&self) -> String {
        self.process.log()
    }

    /// Ends the session in order.
    ///
    /// # Errors
    /// When the browser does not answer; it is ended all the same.
    pub async fn close(self) -> Result<()> {
        self.session.clone().quit().await.context("the browser did not end")
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Browsers leave their driver's process group, and outlive a driver that is killed.
        kill_below(self.process.id());
        self.process.stop();
        // Nobody is left to be told that the session is over; an orderly end would wait for an answer.
        let _ = self.session.clone().leak();
    }
}

fn chromium(browser: &Path, folder: &Path) -> Result<Capabilities> {
    let mut chromium = DesiredCapabilities::chrome();
    chromium.set_binary(&browser.to_string_lossy())?;
    for flag in [
        "--headless",
        // Chromium's sandbox does not start for root, which is what most CI containers run as.
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--disable-dev-shm-usage",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--window-size=1280,1000",
    ] {
        chromium.add_arg(flag)?;
    }
    chromium.add_arg(&format!("--user-data-dir={}", folder.join("profile").display()))?;
    chromium.add_experimental_option(
        "prefs",
        HashMap::from([
            ("download.default_directory", serde_json::json!(folder.join("downloads"))),
            ("download.prompt_for_download", serde_json::json!(false)),
        ]),
    )?;
    chromium.set_browser_log_level(LoggingPrefsLogLevel::All)?;
    Ok(chromium.into())
}

fn firefox(browser: &Path, folder: &Path, storage: Storage) -> Result<Capabilities> {
    let mut preferences = FirefoxPreferences::new();
    preferences.set("browser.download.folderList", 2)?;
    preferences.set("browser.download.dir", folder.join("downloads"))?;
    preferences.set("browser.download.alwaysOpenPanel", false)?;
    if storage == Storage::Full {
        // In KiB; less than the smallest database takes.
        preferences.set("dom.quotaManager.temporaryStorage.fixedLimit", 1)?;
    }
    let mut firefox = DesiredCapabilities::firefox();
    firefox.set_firefox_binary(&browser.to_string_lossy())?;
    for argument in ["-headless", "--width", "1280", "--height", "1000"] {
        firefox.add_arg(argument)?;
    }
    firefox.set_preferences(preferences)?;
    Ok(firefox.into())
}

/// Kills all processes below this one, which stays.
fn kill_below(root: u32) {
    let below = processes_below(root);
    if below.is_empty() {
        return;
    }
    let mut kill = Command::new("kill");
    kill.args(["-s", "KILL"]).args(below.iter().map(u32::to_string));
    // Some end by themselves in the meantime.
    let _ = kill.stdout(Stdio::null()).stderr(Stdio::null()).status();
}

/// Children and theirs, by `/proc` (none on systems without it).
fn processes_below(root: u32) -> Vec<u32> {
    let mut parents: Vec<(u32, u32)> = Vec::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(id) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        let Ok(stat) = fs::read_to_string(entry.path().join("stat")) else { continue };
        // `pid (name) state parent …`; a name may hold spaces and parentheses.
        let parent = stat.rsplit(')').next().and_then(|rest| rest.split_whitespace().nth(1)?.parse().ok());
        if let Some(parent) = parent {
            parents.push((id, parent));
        }
    }
    let mut found = vec![root];
    let mut at = 0;
    while let Some(parent) = found.get(at).copied() {
        found.extend(parents.iter().filter(|(_, own)| *own == parent).map(|(id, _)| *id));
        at += 1;
    }
    found.split_off(1)
}

#[cfg(test)]
mod tests {
    use super::processes_below;
    use std::process::{Command, Stdio};

    #[test]
    fn finds_children_of_children() {
        // `read` keeps both shells alive until the pipe closes.
        let mut outer = Command::new("sh")
            .args(["-c", "sh -c 'echo $$; read -r _; true'; true"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut said = std::io::BufReader::new(outer.stdout.take().unwrap());
        std::io::BufRead::read_line(&mut said, &mut line).unwrap();
        let inner: u32 = line.trim().parse().unwrap();
        assert_eq!(processes_below(outer.id()), [inner]);
        assert!(processes_below(std::process::id()).contains(&inner));
        drop(outer.stdin.take());
        outer.wait().unwrap();
        assert!(processes_below(outer.id()).is_empty());
    }
}
