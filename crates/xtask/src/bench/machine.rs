//! Where and with what the figures were measured.

use super::stats::grouped;
use crate::setup::Toolbox;
use crate::{paths, shell, versions};
use serde_json::{Value, json};
use std::fs;
use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tsink_migrate_engine::plan::format_time;

/// Asking a program for its version takes milliseconds.
const QUICK: Duration = Duration::from_secs(20);

/// A sentence for the table, and the same as data.
pub fn describe(tools: &Toolbox, series: usize) -> (String, Value) {
    let now_ms = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_millis());
    let date = format_time(i64::try_from(now_ms).unwrap_or_default());
    let day = date.split('T').next().unwrap_or_default().to_owned();
    let read = |file: &str| fs::read_to_string(file).unwrap_or_default();
    let cpu =
        field(&read("/proc/cpuinfo"), "model name").unwrap_or_else(|| std::env::consts::ARCH.to_owned());
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let memory_gib = memory_gib(&read("/proc/meminfo"));
    let system = system(&read("/etc/os-release"));
    let load = read("/proc/loadavg").split_whitespace().next().unwrap_or("?").to_owned();
    let program = |variable: &str| {
        let path = tools.variable(variable).ok()?;
        version(Command::new(path).arg("--version"))
    };
    let unknown = || "of an unknown version".to_owned();
    let this = match shell::ask(
        Command::new("git").current_dir(paths::root()).args(["describe", "--always", "--dirty"]),
        QUICK,
    ) {
        Some(commit) => format!("{} ({})", env!("CARGO_PKG_VERSION"), commit.trim()),
        None => env!("CARGO_PKG_VERSION").to_owned(),
    };
    let tsink = versions::tsink().version;
    let prometheus = program("PROMETHEUS").unwrap_or_else(unknown);
    let node = program("NODE").unwrap_or_else(unknown);
    let chromium = program("CHROMIUM").unwrap_or_else(unknown);
    let head = format!(
        "Measured on {day}: {cpu}, {cores} cores, {memory_gib:.0} GiB, {system}, load {load} before it began; all servers \
         beside the tools. This is {this}; tsink-server and native `tsink-migrate` {tsink}, Prometheus {prometheus}, \
         Node.js {node}, Chromium {chromium}. {} series, one sample every 15 s.",
        grouped(series as u64)
    );
    let raw = json!({
        "date": date,
        "cpu": cpu,
        "cores": cores,
        "memory_gib": memory_gib,
        "system": system,
        "load": load,
        "series": series,
        "versions": {
            "this": this,
            "tsink": tsink,
            "prometheus": prometheus,
            "node": node,
            "chromium": chromium,
        },
    });
    (head, raw)
}

fn version(command: &mut Command) -> Option<String> {
    dotted(&shell::ask(command, QUICK)?)
}

/// The first version with a dot. Chromium also says what it thinks of its surroundings, with other numbers.
fn dotted(text: &str) -> Option<String> {
    text.lines().filter_map(versions::find_version).find(|found| found.contains('.')).map(str::to_owned)
}

/// The first value of a field in `name : value` lines.
fn field(text: &str, name: &str) -> Option<String> {
    let line = text.lines().find(|line| line.split(':').next().is_some_and(|own| own.trim() == name))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

/// Memory of the machine, from `/proc/meminfo`; NaN where that is not there.
fn memory_gib(meminfo: &str) -> f64 {
    let kib =
        field(meminfo, "MemTotal").and_then(|value| value.split_whitespace().next()?.parse::<f64>().ok());
    kib.map_or(f64::NAN, |kib| kib / f64::from(1 << 20))
}

/// The system's name, from `/etc/os-release`.
fn system(release: &str) -> String {
    let name = release.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="));
    name.map_or_else(|| std::env::consts::OS.to_owned(), |name| name.trim_matches('"').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_a_version_among_complaints() {
        let said = "find: 9: no such thing\nChromium 156.0.8078.79 built on Debian\n";
        assert_eq!(dotted(said).unwrap(), "156.0.8078.79");
        assert_eq!(dotted("9: nothing"), None);
    }

    #[test]
    fn reads_what_linux_says_of_itself() {
        let cpuinfo =
            "processor\t: 0\nmodel\t\t: 85\nmodel name\t: Intel(R) Xeon(R) @ 2.60GHz\nprocessor\t: 1\n";
        assert_eq!(field(cpuinfo, "model name").unwrap(), "Intel(R) Xeon(R) @ 2.60GHz");
        assert_eq!(field(cpuinfo, "flags"), None);
        assert_eq!(memory_gib("MemTotal:       25165824 kB\nMemFree: 1 kB\n"), 24.0);
        assert!(memory_gib("").is_nan());
        assert_eq!(
            system("NAME=\"Debian\"\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n"),
            "Debian GNU/Linux 12 (bookworm)"
        );
        assert_eq!(system(""), std::env::consts::OS);
    }
}
