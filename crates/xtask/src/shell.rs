//! Running other programs.

use anyhow::{Context, Result, bail};
use std::fs::{self, File};
use std::io::{IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};
use std::{env, io};

/// Lines of a log that are shown when its program fails.
const TAIL: usize = 120;
/// Without a terminal, a long step gives a sign of life this often.
const SIGN_OF_LIFE: Duration = Duration::from_secs(30);

/// Programs of this name on `PATH` and in the `sbin` folders, which are not on everybody's `PATH`.
pub fn which(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .chain(["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from))
        .map(|folder| folder.join(name))
        .find(|file| is_program(file))
}

fn is_program(file: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        file.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
    }
    #[cfg(not(unix))]
    file.is_file()
}

/// Standard output and standard error of a program that ends well within `limit`; `None` otherwise.
pub fn ask(command: &mut Command, limit: Duration) -> Option<String> {
    let mut child =
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().ok()?;
    let (send, receive) = mpsc::channel();
    for pipe in [child.stdout.take().map(boxed), child.stderr.take().map(boxed)].into_iter().flatten() {
        let (send, mut pipe) = (send.clone(), pipe);
        thread::spawn(move || {
            let mut text = Vec::new();
            let _ = pipe.read_to_end(&mut text);
            let _ = send.send(text);
        });
    }
    drop(send);
    let status = wait(&mut child, limit).ok()??;
    let text: Vec<u8> = receive.iter().flatten().collect();
    status.success().then(|| String::from_utf8_lossy(&text).into_owned())
}

fn boxed(pipe: impl Read + Send + 'static) -> Box<dyn Read + Send> {
    Box::new(pipe)
}

/// Waits for a program; ends it and returns `None` when `limit` is over.
fn wait(child: &mut Child, limit: Duration) -> io::Result<Option<ExitStatus>> {
    let started = Instant::now();
    let mut pause = Duration::from_millis(2);
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if started.elapsed() > limit {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(100));
    }
}

/// Runs a program whose output is for the reader.
///
/// # Errors
/// When it does not start or does not end well.
pub fn run(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("cannot start {}", line(command)))?;
    if !status.success() {
        bail!("`{}` failed ({status})", line(command));
    }
    Ok(())
}

/// Runs a long program under one changing line: time, and the last thing it said. Everything it says goes to
/// `log`, whose end is shown when it fails.
///
/// # Errors
/// When it does not start, does not end well, or takes longer than `limit`.
pub fn run_compact(title: &str, command: &mut Command, log: &Path, limit: Duration) -> Result<()> {
    if let Some(folder) = log.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut file = File::create(log).with_context(|| format!("cannot create {}", log.display()))?;
    writeln!(file, "$ {}", line(command))?;
    // One pipe for both streams would need unsafe code or a crate; two threads that send lines do as well.
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {}", line(command)))?;
    let (send, lines) = mpsc::channel();
    for pipe in [child.stdout.take().map(boxed), child.stderr.take().map(boxed)].into_iter().flatten() {
        let send = send.clone();
        thread::spawn(move || {
            let mut reader = io::BufReader::new(pipe);
            let mut bytes = Vec::new();
            while matches!(io::BufRead::read_until(&mut reader, b'\n', &mut bytes), Ok(1..)) {
                let text = String::from_utf8_lossy(&bytes).trim_end().to_owned();
                bytes.clear();
                if send.send(text).is_err() {
                    break;
                }
            }
        });
    }
    drop(send);

    let terminal = io::stderr().is_terminal();
    let started = Instant::now();
    let (mut last, mut said) = (String::new(), Instant::now());
    let mut ended = None;
    loop {
        match lines.recv_timeout(Duration::from_millis(500)) {
            Ok(text) => {
                writeln!(file, "{text}")?;
                if !text.trim().is_empty() {
                    last = text.trim().to_owned();
                }
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
        if terminal {
            eprint!("\r\x1b[2K{}", clip(&format!("    {title} · {} · {last}", human(started.elapsed()))));
        } else if said.elapsed() > SIGN_OF_LIFE {
            eprintln!("    {title} · {} · {}", human(started.elapsed()), clip(&last));
            said = Instant::now();
        }
        // A program that left a daemon behind never closes its pipes.
        if ended.is_none() {
            ended = child.try_wait()?.map(|_| Instant::now());
        }
        if ended.is_some_and(|at| at.elapsed() > Duration::from_secs(5)) {
            break;
        }
        if started.elapsed() > limit {
            child.kill()?;
            break;
        }
    }
    if terminal {
        eprint!("\r\x1b[2K");
    }
    let over = started.elapsed() > limit;
    let status = child.wait()?;
    if over {
        bail!("{title}: stopped after {}; its output is in {}", human(limit), log.display());
    }
    if !status.success() {
        let text = fs::read_to_string(log).unwrap_or_default();
        let all: Vec<&str> = text.lines().collect();
        let tail = all.get(all.len().saturating_sub(TAIL)..).unwrap_or_default().join("\n");
        bail!("{title} failed ({status}). The end of {}:\n{tail}", log.display());
    }
    Ok(())
}

/// Cuts a line to what fits on a terminal.
fn clip(text: &str) -> String {
    text.chars().take(100).collect()
}

/// A duration for people: `850 ms`, `12 s`, `3 min 05 s`.
pub fn human(time: Duration) -> String {
    match time.as_secs() {
        0 => format!("{} ms", time.as_millis()),
        seconds @ 1..60 => format!("{seconds} s"),
        seconds => format!("{} min {:02} s", seconds / 60, seconds % 60),
    }
}

/// The command as one would type it.
pub fn line(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| quote(&word.to_string_lossy())).collect::<Vec<_>>().join(" ")
}

fn quote(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_can_be_pasted_into_a_shell() {
        let mut command = Command::new("cargo");
        command.args(["xtask", "--note", "it's", ""]);
        assert_eq!(line(&command), r"cargo xtask --note 'it'\''s' ''");
    }

    #[test]
    fn durations_read_well() {
        assert_eq!(human(Duration::from_millis(850)), "850 ms");
        assert_eq!(human(Duration::from_secs(12)), "12 s");
        assert_eq!(human(Duration::from_secs(185)), "3 min 05 s");
    }

    #[test]
    fn asking_has_a_limit_and_needs_success() {
        let long = Duration::from_secs(20);
        assert_eq!(ask(Command::new("sh").args(["-c", "echo out"]), long).as_deref(), Some("out\n"));
        assert_eq!(ask(Command::new("sh").args(["-c", "echo out; exit 3"]), long), None);
        assert_eq!(ask(&mut Command::new("tsink-migrate-no-such-program"), long), None);
        let started = Instant::now();
        assert_eq!(ask(Command::new("sleep").arg("60"), Duration::from_millis(50)), None);
        assert!(started.elapsed() < long);
    }

    #[test]
    fn a_failing_step_shows_the_end_of_its_log() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("logs/step.log");
        let script = "echo first; echo the reason >&2; exit 7";
        let error =
            run_compact("step", Command::new("sh").args(["-c", script]), &log, Duration::from_secs(20))
                .unwrap_err();
        assert!(error.to_string().contains("the reason"), "{error}");
        assert!(fs::read_to_string(&log).unwrap().contains("first"));
        run_compact("step", Command::new("sh").args(["-c", "true"]), &log, Duration::from_secs(20)).unwrap();
    }
}
