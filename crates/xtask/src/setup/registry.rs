//! Programs from the crate registry, and rustup's components.

use super::{Item, LONG, QUICK, apt};
use crate::versions::{CargoTool, find_version};
use crate::{paths, shell};
use anyhow::{Result, bail};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// The item of a program.
pub fn item(tool: CargoTool) -> Item {
    Item {
        name: format!("{} {}", tool.krate, tool.version),
        purpose: tool.purpose.to_owned(),
        minutes: tool.minutes,
        found: is_installed(&tool).then(|| "in the cache".to_owned()),
        install: Box::new(move || install(&tool)),
        optional: false,
    }
}

/// Whether all its programs are there and the first one says the right version.
fn is_installed(tool: &CargoTool) -> bool {
    let Ok(folder) = paths::tool(tool.krate, &tool.version) else { return false };
    let programs: Vec<_> = tool.programs.iter().map(|name| folder.join("bin").join(name)).collect();
    programs.iter().all(|program| program.is_file())
        && programs.first().is_some_and(|program| {
            shell::ask(Command::new(program).arg("--version"), QUICK)
                .is_some_and(|text| find_version(&text) == Some(tool.version.as_str()))
        })
}

fn install(tool: &CargoTool) -> Result<()> {
    let folder = paths::tool(tool.krate, &tool.version)?;
    let mut command = Command::new(cargo());
    command.args(["install", tool.krate, "--version", &tool.version, "--root"]).arg(&folder);
    // Cargo may think that it is there although a program is gone or broken.
    command.arg("--force");
    if tool.locked {
        command.arg("--locked");
    }
    for program in tool.programs {
        command.args(["--bin", program]);
    }
    // A foreign crate's build belongs neither into the project's target folder nor under its flags, and the
    // project's own settings must not reach it.
    for variable in ["CARGO_TARGET_DIR", "RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "CARGO_BUILD_TARGET"] {
        command.env_remove(variable);
    }
    command.current_dir(paths::cache()?);
    let log = log(&format!("{}-{}", tool.krate, tool.version))?;
    shell::run_compact(tool.krate, &mut command, &log, LONG)?;
    if !is_installed(tool) {
        bail!(
            "cargo installed {} to {}, but it does not say version {}",
            tool.krate,
            folder.display(),
            tool.version
        );
    }
    Ok(())
}

/// The log of one step.
pub fn log(name: &str) -> Result<std::path::PathBuf> {
    Ok(paths::cache()?.join("logs").join(format!("{name}.log")))
}

/// The cargo that runs this program, else the one on `PATH`.
pub fn cargo() -> std::ffi::OsString {
    std::env::var_os("CARGO").filter(|path| Path::new(path).is_file()).unwrap_or_else(|| "cargo".into())
}

/// rustfmt and clippy of the active toolchain; a minimal profile of rustup lacks them.
pub fn lint_components() -> Item {
    Item {
        name: "rustfmt and clippy".into(),
        purpose: "formatting and lints are part of the tests".into(),
        minutes: 0.5,
        found: has_components().then(|| "in the toolchain".to_owned()),
        install: Box::new(|| {
            let mut command = Command::new("rustup");
            command.args(["component", "add", "rustfmt", "clippy"]);
            let by_rustup = shell::run_compact("rustup", &mut command, &log("rustup-lints")?, RUSTUP_LIMIT);
            if has_components() {
                return Ok(());
            }
            let Err(error) = by_rustup else { bail!("rustup added them, but cargo does not find them") };
            if shell::which("rustup").is_none() {
                return apt::install(&["rustfmt", "rust-clippy"], "formatting and lints");
            }
            bail!("run `rustup component add rustfmt clippy` where rustup can download ({error})")
        }),
        optional: false,
    }
}

/// Hosts that cannot be reached make rustup wait for long.
pub const RUSTUP_LIMIT: Duration = Duration::from_secs(120);

fn has_components() -> bool {
    ["fmt", "clippy"]
        .iter()
        .all(|name| shell::ask(Command::new(cargo()).args([name, "--version"]), QUICK).is_some())
}
