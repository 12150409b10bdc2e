//! The servers that the tests share. Each is started when first needed, and a guard process ends it with
//! the test program.

use std::sync::LazyLock;
use tsink_migrate_testkit::exposition::Exposition;
use tsink_migrate_testkit::history::{Bulk, History, load, load_slabs, varied};
use tsink_migrate_testkit::servers::{Prometheus, PrometheusOptions, Tsink, TsinkOptions};

/// First sample of [`SOURCE`], in Unix ms.
pub const START: i64 = 1_763_510_400_000;
/// Last sample of [`SOURCE`], in Unix ms.
pub const END: i64 = START + 3_600_000;

/// A Prometheus with history.
#[derive(Debug)]
pub struct Source {
    /// The server.
    pub prometheus: Prometheus,
    /// What it holds.
    pub history: History,
    _exposition: Exposition,
}

/// An hour of everything that a migration can lose: odd values, odd labels, native histograms, exemplars,
/// metadata.
pub static SOURCE: LazyLock<Source> = LazyLock::new(|| {
    let history = varied(5, START, END, 15_000);
    let mut prometheus = Prometheus::start(PrometheusOptions::default()).expect("Prometheus starts");
    load(&prometheus.endpoint(), &history).expect("Prometheus takes the history");
    let exposition = Exposition::start(&history.metadata).expect("a scrape target");
    prometheus.scrape(&[exposition.target()]).expect("Prometheus serves metadata");
    Source { prometheus, history, _exposition: exposition }
});

/// Enough for a run that can be steered.
pub const BULK: Bulk = Bulk { series: 300, start_ms: START, hours: 24, step_ms: 15_000 };

/// A Prometheus with [`BULK`].
pub static BULK_SOURCE: LazyLock<Prometheus> = LazyLock::new(|| {
    let prometheus = Prometheus::start(PrometheusOptions::default()).expect("Prometheus starts");
    load_slabs(&prometheus.endpoint(), BULK.slabs()).expect("Prometheus takes the history");
    prometheus
});

/// The target of all tests that need no special one; each writes into a tenant of its own.
pub static TARGET: LazyLock<Tsink> =
    LazyLock::new(|| Tsink::start(TsinkOptions::default()).expect("tsink starts"));

/// The token that [`GUARDED`] wants.
pub const TOKEN: &str = "e2e-4c1d7b-the-right-token";

/// A target that wants a token.
pub static GUARDED: LazyLock<Tsink> = LazyLock::new(|| {
    let options = TsinkOptions { auth_token: Some(TOKEN.to_owned()), ..TsinkOptions::default() };
    Tsink::start(options).expect("tsink starts")
});

/// A target that keeps two hours only.
pub static FORGETFUL: LazyLock<Tsink> = LazyLock::new(|| {
    let options = TsinkOptions { retention: Some("2h".to_owned()), ..TsinkOptions::default() };
    Tsink::start(options).expect("tsink starts")
});
