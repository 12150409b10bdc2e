//! Finding the programs that tests run.

use anyhow::{Result, bail};
use std::env;
use std::path::{Path, PathBuf};

/// A program that tests, demo or benchmarks need.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Tool {
    /// `tsink-server` 0.10.2.
    TsinkServer,
    /// The native `tsink-migrate` 0.10.2.
    NativeMigrate,
    /// `prometheus`.
    Prometheus,
    /// `victoria-metrics`.
    VictoriaMetrics,
    /// `promtool`.
    Promtool,
    /// `caddy`.
    Caddy,
    /// `nginx`.
    Nginx,
    /// `node`.
    Node,
}

impl Tool {
    /// The environment variable that names the program's path and wins over every other place.
    pub fn env_name(self) -> &'static str {
        match self {
            Self::TsinkServer => "TSINK_SERVER",
            Self::NativeMigrate => "TSINK_MIGRATE_NATIVE",
            Self::Prometheus => "PROMETHEUS",
            Self::VictoriaMetrics => "VICTORIA_METRICS",
            Self::Promtool => "PROMTOOL",
            Self::Caddy => "CADDY",
            Self::Nginx => "NGINX",
            Self::Node => "NODE",
        }
    }

    /// The program's file name.
    pub fn file_name(self) -> &'static str {
        match self {
            Self::TsinkServer => "tsink-server",
            Self::NativeMigrate => "tsink-migrate",
            Self::Prometheus => "prometheus",
            Self::VictoriaMetrics => "victoria-metrics",
            Self::Promtool => "promtool",
            Self::Caddy => "caddy",
            Self::Nginx => "nginx",
            Self::Node => "node",
        }
    }

    /// The program's path: from its environment variable, else from `PATH`, else from the tools cache
    /// (`~/.cache/tsink-migrate/tools/<package>-<version>/bin`).
    ///
    /// # Errors
    /// When it is in none of them; the message says what to install. A variable that names no file is an
    /// error too: silently using another program would hide the mistake.
    pub fn find(self) -> Result<PathBuf> {
        if let Some(named) = env::var_os(self.env_name()).map(PathBuf::from) {
            if named.is_file() {
                return Ok(named);
            }
            bail!("{} names {}, which is no file", self.env_name(), named.display());
        }
        // The project's own command has the native tool's name, so only the cache can tell them apart.
        if self != Self::NativeMigrate
            && let Some(found) = self.on_path()
        {
            return Ok(found);
        }
        if let Some(found) = self.in_cache() {
            return Ok(found);
        }
        bail!(
            "{} was not found: run `cargo xtask setup`, or set {} to its path",
            self.file_name(),
            self.env_name()
        )
    }

    /// Whether [`Tool::find`] would find it.
    pub fn is_available(self) -> bool {
        self.find().is_ok()
    }

    fn on_path(self) -> Option<PathBuf> {
        let path = env::var_os("PATH").unwrap_or_default();
        // Debian keeps nginx in /usr/sbin, which is not on everybody's PATH.
        env::split_paths(&path)
            .chain([PathBuf::from("/usr/sbin")])
            .map(|folder| folder.join(self.file_name()))
            .find(|file| file.is_file())
    }

    fn in_cache(self) -> Option<PathBuf> {
        // The newest folder by name; versions are pinned by `cargo xtask setup`.
        let mut folders: Vec<PathBuf> =
            tools_cache()?.read_dir().ok()?.filter_map(|entry| Some(entry.ok()?.path())).collect();
        folders.sort();
        folders
            .iter()
            .rev()
            .map(|folder| folder.join("bin").join(self.file_name()))
            .find(|file| file.is_file())
    }
}

/// `~/.cache/tsink-migrate/tools`, or below `XDG_CACHE_HOME`; `TSINK_MIGRATE_TOOLS` overrides both.
pub fn tools_cache() -> Option<PathBuf> {
    if let Some(named) = env::var_os("TSINK_MIGRATE_TOOLS") {
        return Some(PathBuf::from(named));
    }
    let cache = env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| env::var_os("HOME").map(|home| Path::new(&home).join(".cache")))?;
    Some(cache.join("tsink-migrate").join("tools"))
}
