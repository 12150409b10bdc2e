//! Servers and browsers from the system's package manager.

use super::{Item, Purpose, apt};
use crate::shell;
use std::env;
use std::path::PathBuf;

/// A program that comes with a Debian package.
#[derive(Clone, Copy, Debug)]
pub struct Packaged {
    /// Names under which it is found on `PATH`, the preferred one first.
    pub programs: &'static [&'static str],
    /// Environment variable that names its path, for tests; wins when set.
    pub variable: &'static str,
    /// Debian package.
    pub package: &'static str,
    /// What it is for.
    pub purpose: &'static str,
}

/// The source server.
const PROMETHEUS: [Packaged; 2] = [
    Packaged {
        programs: &["prometheus"],
        variable: "PROMETHEUS",
        package: "prometheus",
        purpose: "the source server",
    },
    Packaged {
        programs: &["promtool"],
        variable: "PROMTOOL",
        package: "prometheus",
        purpose: "makes history for the source server",
    },
];

/// The other source, proxies and the other browser.
const FOR_TESTS: [Packaged; 4] = [
    Packaged {
        programs: &["victoria-metrics"],
        variable: "VICTORIA_METRICS",
        package: "victoria-metrics",
        purpose: "the other source server",
    },
    Packaged {
        programs: &["caddy"],
        variable: "CADDY",
        package: "caddy",
        purpose: "tests the gateway recipes",
    },
    Packaged {
        programs: &["nginx"],
        variable: "NGINX",
        package: "nginx-light",
        purpose: "tests the gateway recipes",
    },
    Packaged {
        programs: &["firefox-esr", "firefox"],
        variable: "FIREFOX",
        package: "firefox-esr",
        purpose: "browser tests",
    },
];

/// The browser that tests and measurements share.
const CHROMIUM: [Packaged; 2] = [
    Packaged {
        programs: &["chromium", "chromium-browser", "google-chrome"],
        variable: "CHROMIUM",
        package: "chromium",
        purpose: "shows the page in tests and measurements",
    },
    Packaged {
        programs: &["chromedriver"],
        variable: "CHROMEDRIVER",
        package: "chromium-driver",
        purpose: "drives Chromium in tests and measurements",
    },
];

impl Packaged {
    /// Where it is: the environment variable's path, else the first program on `PATH`.
    pub fn find(&self) -> Option<PathBuf> {
        if let Some(named) = env::var_os(self.variable) {
            return Some(PathBuf::from(named)).filter(|path| path.is_file());
        }
        self.programs.iter().find_map(|name| shell::which(name))
    }
}

/// What a purpose needs.
pub fn needed(purpose: Purpose) -> Vec<Packaged> {
    match purpose {
        Purpose::Dist => Vec::new(),
        Purpose::Demo => PROMETHEUS.to_vec(),
        Purpose::Bench => PROMETHEUS.iter().chain(&CHROMIUM).copied().collect(),
        Purpose::Test => PROMETHEUS.iter().chain(&FOR_TESTS).chain(&CHROMIUM).copied().collect(),
    }
}

/// One item per package. The demo can do without Prometheus: tsink under a second tenant speaks its protocol.
pub fn items(purpose: Purpose) -> Vec<Item> {
    let needed = needed(purpose);
    let mut packages: Vec<&'static str> = needed.iter().map(|tool| tool.package).collect();
    packages.dedup();
    packages
        .into_iter()
        .map(|package| {
            let tools: Vec<Packaged> =
                needed.iter().filter(|tool| tool.package == package).copied().collect();
            let purpose_text = tools.first().map_or("", |tool| tool.purpose);
            let found: Option<Vec<String>> =
                tools.iter().map(|tool| Some(tool.find()?.display().to_string())).collect();
            Item {
                name: package.to_owned(),
                purpose: purpose_text.to_owned(),
                minutes: 0.5,
                found: found.map(|paths| paths.join(", ")),
                install: Box::new(move || {
                    apt::install(&[package], purpose_text)?;
                    match tools.iter().find(|tool| tool.find().is_none()) {
                        None => Ok(()),
                        Some(tool) => anyhow::bail!(
                            "{package} is installed, but {} is not on PATH; set {} to its path",
                            tool.programs.join(" or "),
                            tool.variable
                        ),
                    }
                }),
                optional: purpose == Purpose::Demo,
            }
        })
        .collect()
}
