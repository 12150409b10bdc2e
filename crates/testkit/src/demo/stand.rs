//! The demo's servers, loaded and behind one origin.

use super::{DAY_MS, PLAN_PATH, SOURCE_TENANT, history, plan};
use crate::exposition::Exposition;
use crate::gateway::{Gateway, GatewayConfig};
use crate::history::{Loaded, load};
use crate::servers::{Prometheus, PrometheusOptions, Tsink, TsinkOptions};
use crate::tools::Tool;
use anyhow::{Context, Result};
use std::path::PathBuf;

/// What to show.
#[derive(Clone, Debug, Default)]
pub struct DemoOptions {
    /// Folder of the built page; the gateway serves it at `/`.
    pub site: Option<PathBuf>,
    /// Port of the origin; a free one when `None`.
    pub port: Option<u16>,
    /// End of the sample history, in Unix ms; now, as a rule.
    pub end_ms: i64,
    /// Use tsink under a second tenant as the source even where Prometheus is there.
    pub stand_in: bool,
}

/// A running demo. Dropping it ends everything.
#[derive(Debug)]
pub struct Demo {
    // In the order in which they end.
    gateway: Gateway,
    _exposition: Option<Exposition>,
    prometheus: Option<Prometheus>,
    tsink: Tsink,
    /// What the source holds.
    pub loaded: Loaded,
    /// Window that holds all of it, in Unix ms, both ends included.
    pub window: (i64, i64),
}

impl Demo {
    /// Starts the servers, loads a day of history into the source, and serves both with the page on one
    /// origin: `/`, `/plan.json`, `/prometheus/…`, `/tsink/…`. `say` gets one line before each step.
    ///
    /// # Errors
    /// When tsink-server is missing or a server does not start or take the history.
    pub fn start(options: DemoOptions, mut say: impl FnMut(&str)) -> Result<Self> {
        say("starting tsink-server");
        let mut tsink = Tsink::start(TsinkOptions::default())?;
        let stand_in = options.stand_in || !Tool::Prometheus.is_available();
        let history = history(options.end_ms);
        let mut prometheus = None;
        let mut exposition = None;
        let loaded = if stand_in {
            say("Prometheus is not installed: tsink under a second tenant stands in for it");
            match load(&tsink.endpoint(SOURCE_TENANT), &history) {
                // Seen once in many loads with 0.10.2: it closes its storage although nobody asked it to stop.
                Err(error) if format!("{error:#}").contains("Storage is shutting down") => {
                    say(&format!(
                        "tsink-server closed its storage while it was loaded; starting another\n{}",
                        tsink.log()
                    ));
                    tsink = Tsink::start(TsinkOptions::default())?;
                    load(&tsink.endpoint(SOURCE_TENANT), &history)?
                }
                loaded => loaded?,
            }
        } else {
            say("starting Prometheus and loading a day of sample history");
            let mut server = Prometheus::start(PrometheusOptions::default())?;
            let loaded = load(&server.endpoint(), &history)?;
            let target = Exposition::start(&history.metadata)?;
            server.scrape(&[target.target()])?;
            exposition = Some(target);
            prometheus = Some(server);
            loaded
        };
        let mut routes = vec![("/tsink/".to_owned(), format!("{}/", tsink.url()))];
        if let Some(server) = &prometheus {
            routes.push(("/prometheus/".to_owned(), format!("{}/", server.url())));
        }
        let text = serde_json::to_vec_pretty(&plan(stand_in))?;
        let gateway = Gateway::start(GatewayConfig {
            port: options.port,
            root: options.site,
            files: vec![(PLAN_PATH.to_owned(), "application/json".to_owned(), text)],
            routes,
        })
        .context("cannot serve the demo")?;
        let window = history.span().unwrap_or((options.end_ms - DAY_MS, options.end_ms));
        Ok(Self { gateway, _exposition: exposition, prometheus, tsink, loaded, window })
    }

    /// The origin, without a slash at the end.
    pub fn url(&self) -> String {
        self.gateway.url()
    }

    /// The target.
    pub fn tsink(&self) -> &Tsink {
        &self.tsink
    }

    /// The source, unless tsink stands in.
    pub fn prometheus(&self) -> Option<&Prometheus> {
        self.prometheus.as_ref()
    }
}
