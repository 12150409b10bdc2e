//! The servers that the tests share, and targets. Each is started when first needed; a guard process ends it
//! with the test program.

use anyhow::Result;
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

/// A fresh target. Every test that writes has one of its own, so that a broken one breaks no other test. It keeps
/// everything in memory, like the other small ones below, because on disk a tsink closes its storage by itself now and
/// then (see [`Tsink::is_open`]).
///
/// # Errors
/// When it does not start.
pub fn target() -> Result<Tsink> {
    in_memory(TsinkOptions::default())
}

fn in_memory(options: TsinkOptions) -> Result<Tsink> {
    Tsink::start(TsinkOptions { in_memory: true, ..options })
}

/// Runs a test that needs a target on disk, because it writes much or writes something twice (in memory a tsink keeps
/// every copy); once more, and a third time, when the target closed its storage by itself (see [`Tsink::is_open`]).
///
/// # Errors
/// The test's, on a target that is sound.
pub async fn on_sound_target(test: impl AsyncFn(&Tsink) -> Result<()>) -> Result<()> {
    for _ in 0..2 {
        let target = Tsink::start(TsinkOptions::default())?;
        match test(&target).await {
            Err(error) if !target.is_open() => {
                eprintln!("tsink-server closed its storage by itself; once more with another ({error:#})");
            }
            done => return done,
        }
    }
    test(&Tsink::start(TsinkOptions::default())?).await
}

/// The token that [`guarded_target`] wants.
pub const TOKEN: &str = "e2e-4c1d7b-the-right-token";

/// A fresh target that wants [`TOKEN`].
///
/// # Errors
/// When it does not start.
pub fn guarded_target() -> Result<Tsink> {
    in_memory(TsinkOptions { auth_token: Some(TOKEN.to_owned()), ..TsinkOptions::default() })
}

/// A fresh target with its admin API on, which wants [`TOKEN`].
///
/// # Errors
/// When it does not start.
pub fn target_with_admin() -> Result<Tsink> {
    let admin_auth_token = Some(TOKEN.to_owned());
    in_memory(TsinkOptions { admin_api: true, admin_auth_token, ..TsinkOptions::default() })
}

/// A fresh target that keeps two hours only.
///
/// # Errors
/// When it does not start.
pub fn forgetful_target() -> Result<Tsink> {
    in_memory(TsinkOptions { retention: Some("2h".to_owned()), ..TsinkOptions::default() })
}
