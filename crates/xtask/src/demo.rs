//! `cargo xtask demo`: real servers with a day of history, and the page, one click away from a migration.

use crate::setup::{Purpose, setup};
use crate::{dist, paths};
use anyhow::{Context, Result};
use std::env;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::{SystemTime, UNIX_EPOCH};
use tsink_migrate_testkit::demo::{Demo, DemoOptions};

/// How to show it.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Options {
    /// Port of the page; a free one by default.
    #[arg(long)]
    port: Option<u16>,
    /// Do not open a browser.
    #[arg(long)]
    no_open: bool,
    /// Let tsink under a second tenant stand in for Prometheus.
    #[arg(long)]
    stand_in: bool,
}

/// Builds what is missing, starts everything, and waits for Ctrl-C.
///
/// # Errors
/// When something cannot be installed, built or started.
pub fn demo(options: Options) -> Result<()> {
    let tools = setup(Purpose::Demo)?;
    dist::site_only(&tools)?;
    // Heard from the start, so that an early Ctrl-C stops the servers, too.
    let (stop, stopped) = mpsc::channel();
    ctrlc::set_handler(move || _ = stop.send(())).context("cannot listen for Ctrl-C")?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis();
    let demo = Demo::start(
        DemoOptions {
            site: Some(paths::site()),
            port: options.port,
            end_ms: i64::try_from(now)?,
            stand_in: options.stand_in,
        },
        |step| eprintln!("demo: {step}"),
    )?;
    let (start, end) = demo.window;
    let address = format!("{}/?plan=plan.json&start={start}&end={end}", demo.url());
    println!("\n  {address}\n");
    println!("The plan is loaded: press Migrate. Ctrl-C stops everything.");
    if !options.no_open && env::var_os("CI").is_none() {
        open(&address);
    }
    if stopped.recv().is_err() {
        return Ok(());
    }
    println!("\nstopping");
    drop(demo);
    Ok(())
}

/// Opens the address in the person's browser; a machine without one has the address on the screen.
fn open(address: &str) {
    let opener = if cfg!(target_os = "macos") {
        "open"
    } else if ["DISPLAY", "WAYLAND_DISPLAY"].iter().any(|name| env::var_os(name).is_some()) {
        "xdg-open"
    } else {
        // Without a display, xdg-open would start a text browser over this terminal.
        return;
    };
    let _ = Command::new(opener)
        .arg(address)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
}
