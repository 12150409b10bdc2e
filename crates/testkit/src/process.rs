//! A child process with a log, a readiness check, and a sure end.

use anyhow::{Context, Result, bail};
use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{LazyLock, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// What the guard runs: `$1` is the server, `$2` its temporary folder or nothing. Ctrl-C reaches the whole
/// terminal group; the guard must outlive it.
const GUARD: &str = r#"
trap "" INT TERM
read -r _
kill -KILL "$1" 2>/dev/null
if [ -n "$2" ]; then
    while kill -0 "$1" 2>/dev/null; do sleep 0.05; done
    rm -rf -- "$2"
fi
"#;

/// How a process is asked to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// SIGTERM, and SIGKILL when it is still there after so long.
    Gently(Duration),
    /// SIGKILL at once.
    AtOnce,
}

/// A running server. Dropping it ends the process.
///
/// A guard process holds the reading end of a pipe: when this process dies in whatever way, the pipe closes
/// and the guard kills the server and removes its temporary folder. So a server kept in a `static`, which Rust
/// never drops, ends and leaves nothing as well.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    guard: Option<Child>,
    log: PathBuf,
    end: End,
}

impl Process {
    /// Starts a program with standard output and standard error in `log`. The guard removes `temporary`.
    ///
    /// # Errors
    /// When the log cannot be created or the program does not start.
    pub fn start(
        name: &str,
        command: &mut Command,
        log: &Path,
        end: End,
        temporary: Option<&Path>,
    ) -> Result<Self> {
        let out = File::create(log).with_context(|| format!("cannot create {}", log.display()))?;
        let err = out.try_clone()?;
        let child = command
            .stdin(Stdio::null())
            .stdout(out)
            .stderr(err)
            .spawn()
            .with_context(|| format!("cannot start {name} ({:?})", command.get_program()))?;
        let mut process = Self { name: name.to_owned(), child, guard: None, log: log.to_owned(), end };
        process.guard = Some(
            Command::new("sh")
                .args(["-c", GUARD, "guard"])
                .arg(process.child.id().to_string())
                .arg(temporary.unwrap_or(Path::new("")))
                .stdin(Stdio::piped())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .context("cannot start sh")?,
        );
        Ok(process)
    }

    /// Waits until `ready` says so.
    ///
    /// # Errors
    /// When the process ends before, or the time is over; the message carries the log's end.
    pub fn wait_until(&mut self, limit: Duration, mut ready: impl FnMut() -> bool) -> Result<()> {
        let started = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait()? {
                bail!("{} ended with {status} before it was ready; its log:\n{}", self.name, self.log_tail());
            }
            if ready() {
                return Ok(());
            }
            if started.elapsed() > limit {
                bail!("{} was not ready after {limit:?}; its log:\n{}", self.name, self.log_tail());
            }
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Everything it has written so far.
    pub fn log(&self) -> String {
        fs::read(&self.log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
    }

    /// Whether it is still running.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Ends it and waits until it is gone.
    pub fn stop(&mut self) {
        // The guard goes first: it must never see a number that belongs to another process by then.
        if let Some(mut guard) = self.guard.take() {
            let _ = guard.kill();
            let _ = guard.wait();
        }
        if let End::Gently(limit) = self.end
            && self.is_running()
            && signal(self.child.id(), "TERM")
        {
            let asked = Instant::now();
            while self.is_running() && asked.elapsed() < limit {
                thread::sleep(Duration::from_millis(20));
            }
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    fn log_tail(&self) -> String {
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        lines.get(lines.len().saturating_sub(40)..).unwrap_or_default().join("\n")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.stop();
        // A test that fails should show what its servers said.
        if thread::panicking() {
            eprintln!("--- log of {} ({}) ---\n{}", self.name, self.log.display(), self.log_tail());
        }
    }
}

/// Sends a signal by name. The standard library has none but SIGKILL, and calling `kill(2)` takes unsafe
/// code.
fn signal(pid: u32, name: &str) -> bool {
    Command::new("kill")
        .args([OsStr::new("-s"), OsStr::new(name), OsStr::new(&pid.to_string())])
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// A TCP port on 127.0.0.1 that nobody listens on, each given out once by this process.
///
/// # Errors
/// When the system has none.
pub fn free_port() -> Result<u16> {
    static GIVEN: LazyLock<Mutex<HashSet<u16>>> = LazyLock::new(Mutex::default);
    let mut given = GIVEN.lock().unwrap_or_else(PoisonError::into_inner);
    for _ in 0..100 {
        let port = TcpListener::bind(("127.0.0.1", 0)).context("no free port")?.local_addr()?.port();
        if given.insert(port) {
            return Ok(port);
        }
    }
    bail!("no free port")
}
