//! What a process takes: time, CPU, memory.

use anyhow::{Context, Result};
use std::fmt;
use std::fs;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// Clock ticks a second in `/proc`, on every Linux that this runs on (`getconf CLK_TCK`).
const TICKS: f64 = 100.0;

/// Measured use of one process.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Usage {
    /// From start to end, in s.
    pub wall_s: f64,
    /// User and system time, in s.
    pub cpu_s: f64,
    /// Peak resident memory, in MiB; 0 where `/proc` does not tell.
    pub peak_mib: f64,
}

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.2} s, CPU {:.2} s, {:.0} MiB", self.wall_s, self.cpu_s, self.peak_mib)
    }
}

/// Runs a command to its end; tells what it took and whether it succeeded.
///
/// # Errors
/// When it cannot be started.
pub fn measure(command: &mut Command) -> Result<(Usage, bool)> {
    let cpu_before = children_cpu_s();
    let started = Instant::now();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::inherit())
        .spawn()
        .with_context(|| format!("cannot start {command:?}"))?;
    let mut peak_mib = 0.0f64;
    let status = loop {
        // The kernel keeps the high-water mark, so a look now and then is enough; it is gone with the process.
        peak_mib = peak_mib.max(high_water_mib(child.id()).unwrap_or(0.0));
        if let Some(status) = child.try_wait()? {
            break status;
        }
        thread::sleep(Duration::from_millis(10));
    };
    let usage = Usage {
        wall_s: started.elapsed().as_secs_f64(),
        cpu_s: (children_cpu_s() - cpu_before).max(0.0),
        peak_mib,
    };
    Ok((usage, status.success()))
}

/// CPU time of all children that have been waited for (`cutime`, `cstime` in `/proc/self/stat`, see proc(5)).
fn children_cpu_s() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    children_ticks(&stat).unwrap_or(0.0) / TICKS
}

/// CPU time that a running process has taken so far, in s; NaN where `/proc` does not tell.
pub fn cpu_s(pid: u32) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    own_ticks(&stat).map_or(f64::NAN, |ticks| ticks / TICKS)
}

/// Waits until a process does nothing for two seconds, at most `limit`; whether it does.
pub fn rests(pid: u32, limit: Duration) -> bool {
    let started = Instant::now();
    let mut quiet = 0;
    let mut last = cpu_s(pid);
    while started.elapsed() < limit {
        thread::sleep(Duration::from_millis(500));
        let now = cpu_s(pid);
        // A server that waits still takes a tick now and then.
        quiet = if now - last <= 0.02 { quiet + 1 } else { 0 };
        if quiet == 4 {
            return true;
        }
        last = now;
    }
    false
}

fn own_ticks(stat: &str) -> Option<f64> {
    two_fields(stat, 14)
}

fn children_ticks(stat: &str) -> Option<f64> {
    two_fields(stat, 16)
}

/// The sum of a field of `/proc/…/stat` and the next; fields count from 1.
fn two_fields(stat: &str, first: usize) -> Option<f64> {
    // The program's name may hold spaces; fields are counted from behind its parenthesis, where field 3 is.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(first - 3);
    let user: f64 = fields.next()?.parse().ok()?;
    let system: f64 = fields.next()?.parse().ok()?;
    Some(user + system)
}

fn high_water_mib(pid: u32) -> Option<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib / 1024.0)
}

#[cfg(test)]
mod tests {
    use super::{children_ticks, own_ticks};

    #[test]
    fn reads_the_times_of_a_process_and_its_children() {
        let stat = "7 (a (b) c) S 1 7 7 0 -1 4194304 100 200 0 0 11 12 130 14 20 0 1 0 5 6 7";
        assert_eq!(own_ticks(stat), Some(23.0));
        assert_eq!(children_ticks(stat), Some(144.0));
    }
}
