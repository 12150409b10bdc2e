//! `cargo xtask setup`: finds what is there, says what is missing and why, and installs it.
//!
//! Programs go to the cache folder (see [`crate::paths::cache`]), in a folder of their own per version, so
//! that nothing of the machine's is replaced. What only the system's package manager has (Prometheus,
//! browsers, proxies) comes from there. A step that this program may not do prints its command and stops.

mod apt;
mod node;
mod packaged;
mod registry;
mod toolbox;
mod wasm_target;

pub use registry::{cargo as registry_cargo, log};
pub use toolbox::Toolbox;
pub use wasm_target::TARGET;

use crate::shell::human;
use crate::{paths, versions};
use anyhow::{Context, Result};
use std::fs;
use std::time::{Duration, Instant};

/// What the tools are for; each purpose needs another set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Build the page and the command.
    Dist,
    /// Build, and show it with real servers.
    Demo,
    /// Everything.
    Test,
    /// Build, and run it against real servers and the native tool.
    Bench,
}

/// One thing that may be missing.
struct Item {
    name: String,
    purpose: String,
    /// About how long installing takes on two cores.
    minutes: f32,
    /// What is there already, in a few words.
    found: Option<String>,
    install: Box<dyn FnOnce() -> Result<()>>,
    /// Whether the purpose can do without it.
    optional: bool,
}

/// Installs what is missing for a purpose and returns where everything is.
///
/// # Errors
/// When something cannot be installed; the message has the command that would do it.
pub fn setup(purpose: Purpose) -> Result<Toolbox> {
    let started = Instant::now();
    let items = items(purpose)?;
    let missing: Vec<&Item> = items.iter().filter(|item| item.found.is_none()).collect();
    if missing.is_empty() {
        eprintln!("setup: everything is there");
    } else {
        let minutes: f32 = missing.iter().map(|item| item.minutes).sum();
        eprintln!(
            "setup: {} of {} things are missing; about {minutes:.0} min on two cores",
            missing.len(),
            items.len()
        );
        eprintln!("       tools go to {}", paths::cache()?.display());
        for item in &missing {
            eprintln!("  - {}: {} (about {} min)", item.name, item.purpose, item.minutes);
        }
    }
    let count = missing.len();
    let mut done = 0;
    for item in items {
        if let Some(found) = &item.found {
            if count > 0 {
                eprintln!("  ✓ {}: {found}", item.name);
            }
            continue;
        }
        done += 1;
        eprintln!("  [{done}/{count}] installing {}", item.name);
        let step = Instant::now();
        match (item.install)() {
            Ok(()) => eprintln!("  ✓ {} installed in {}", item.name, human(step.elapsed())),
            Err(error) if item.optional => eprintln!("  ! going on without {}: {error:#}", item.name),
            Err(error) => return Err(error.context(format!("{} could not be installed", item.name))),
        }
    }
    if count > 0 {
        eprintln!("setup: done in {}", human(started.elapsed()));
    }
    Toolbox::collect(purpose)
}

fn items(purpose: Purpose) -> Result<Vec<Item>> {
    let lock = fs::read_to_string(paths::root().join("Cargo.lock")).context("cannot read Cargo.lock")?;
    let mut items = Vec::new();
    if purpose == Purpose::Test {
        items.push(registry::lint_components());
    }
    items.push(wasm_target::item());
    items.push(node::item());
    items.push(node::wasm_opt_item());
    items.push(node::esbuild_item());
    items.push(registry::item(versions::wasm_bindgen(versions::locked(&lock, "wasm-bindgen")?)));
    items.push(registry::item(versions::trunk()));
    if purpose != Purpose::Dist {
        items.push(registry::item(versions::tsink()));
        items.extend(packaged::items(purpose));
    }
    if purpose == Purpose::Test {
        items.push(registry::item(versions::geckodriver()));
    }
    Ok(items)
}

/// Asking a program for its version takes milliseconds; one that takes longer is broken.
const QUICK: Duration = Duration::from_secs(20);
/// No single installation takes longer than this on a slow machine.
const LONG: Duration = Duration::from_secs(45 * 60);
