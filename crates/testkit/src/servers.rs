//! Servers on free ports in temporary folders.
//!
//! Each handle ends its server when dropped. [`Tsink`] is killed, because its graceful stop can take more
//! than 30 s after a heavy ingest; the others are asked first.

mod prometheus;
mod proxy;
mod tsink;
mod victoriametrics;

pub use prometheus::{
    BASIC_AUTH_PASSWORD, BASIC_AUTH_USER, BASIC_AUTHORIZATION, Prometheus, PrometheusOptions,
};
pub use proxy::{Caddy, Nginx};
pub use tsink::{Tsink, TsinkOptions};
pub use victoriametrics::{VictoriaMetrics, VictoriaMetricsOptions};

use std::path::PathBuf;
use std::time::Duration;

/// A server's data folder: a temporary one, or one that outlives the server.
#[derive(Debug)]
enum Folder {
    Temporary(tempfile::TempDir),
    Kept(PathBuf),
}

impl Folder {
    fn new(kept: Option<PathBuf>) -> anyhow::Result<Self> {
        Ok(match kept {
            Some(path) => {
                std::fs::create_dir_all(&path)?;
                Self::Kept(path)
            }
            None => Self::Temporary(tempfile::Builder::new().prefix("tsink-migrate-").tempdir()?),
        })
    }

    fn path(&self) -> &std::path::Path {
        match self {
            Self::Temporary(folder) => folder.path(),
            Self::Kept(path) => path,
        }
    }

    /// The folder, when it is to go with its server.
    fn temporary(&self) -> Option<&std::path::Path> {
        match self {
            Self::Temporary(folder) => Some(folder.path()),
            Self::Kept(_) => None,
        }
    }
}

/// How long a server may take to be ready.
const READY_LIMIT: Duration = Duration::from_secs(60);

/// Whether a GET answers 200 within a second.
fn answers_ok(url: &str, authorization: Option<&str>) -> bool {
    let agent = crate::client::agent(Duration::from_secs(1));
    let mut request = agent.get(url);
    if let Some(value) = authorization {
        request = request.header("Authorization", value);
    }
    request.call().is_ok_and(|answer| answer.status() == 200)
}
