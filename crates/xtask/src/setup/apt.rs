//! Debian's packages.

use super::{LONG, QUICK, registry::log};
use crate::shell;
use anyhow::{Context, Result, bail};
use std::process::Command;

/// Settings under which a package's service is not started: this project starts the servers it needs itself,
/// on ports of their own. `invoke-rc.d` heeds the first one, `systemctl` the second.
const QUIET: [&str; 3] = ["RUNLEVEL=1", "SYSTEMD_OFFLINE=1", "DEBIAN_FRONTEND=noninteractive"];

/// Installs packages. Never removes any.
///
/// # Errors
/// Where there is no apt or no way to become root, with the command to run; and when apt fails.
pub fn install(packages: &[&str], purpose: &str) -> Result<()> {
    let wanted = packages.join(" ");
    if shell::which("apt-get").is_none() {
        bail!(
            "this is not a Debian system. Install what your system calls {wanted} ({purpose}), so that it is on PATH, and run the command again"
        );
    }
    let Some(root) = become_root() else {
        bail!(
            "packages are needed ({purpose}), and this needs root. Run\n\n    sudo apt-get install --no-install-recommends {wanted}\n\nand then the command again"
        );
    };
    let had_services = services();
    let log = log(&format!("apt-{}", packages.first().copied().unwrap_or("packages")))?;
    let apt = |arguments: &[&str]| {
        let mut words: Vec<&str> = root.to_vec();
        words.push("env");
        words.extend(QUIET);
        words.push("apt-get");
        words.extend(arguments);
        let mut command = Command::new(words.first().copied().unwrap_or("env"));
        command.args(words.get(1..).unwrap_or_default());
        command
    };
    let mut arguments = vec!["install", "-y", "--no-install-recommends", "--no-remove"];
    arguments.extend(packages);
    // Lists may be missing (containers) or stale; updating them always would cost time for nothing.
    if shell::run_compact("apt-get", &mut apt(&arguments), &log, LONG).is_err() {
        let lists = log.with_extension("update.log");
        shell::run_compact("apt-get update", &mut apt(&["update"]), &lists, LONG)?;
        shell::run_compact("apt-get", &mut apt(&arguments), &log, LONG).with_context(|| {
            format!("`sudo apt-get install --no-install-recommends {wanted}` ({purpose})")
        })?;
    }
    let new: Vec<String> = services().into_iter().filter(|service| !had_services.contains(service)).collect();
    if !new.is_empty() {
        let new = new.join(" ");
        eprintln!(
            "    note: the packages bring services that start with the machine; this project does not need"
        );
        eprintln!("    them: sudo systemctl disable {new}");
    }
    Ok(())
}

/// Words to put before a command that needs root; `None` when there is no way.
fn become_root() -> Option<Vec<&'static str>> {
    let id = shell::ask(Command::new("id").arg("-u"), QUICK)?;
    if id.trim() == "0" {
        return Some(Vec::new());
    }
    shell::ask(Command::new("sudo").args(["-n", "true"]), QUICK).map(|_| vec!["sudo", "-n"])
}

/// Services of the packages that this project installs, where systemd runs them at start.
fn services() -> Vec<String> {
    ["prometheus", "victoria-metrics", "caddy", "nginx"]
        .into_iter()
        .filter(|service| {
            std::path::Path::new("/run/systemd/system").is_dir()
                && shell::ask(Command::new("systemctl").args(["is-enabled", service]), QUICK).is_some()
        })
        .map(str::to_owned)
        .collect()
}
