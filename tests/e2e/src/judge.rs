//! What judges a migration: the native tool, and the test kit's own reader. Neither shares code with the page.

use crate::plans;
use anyhow::{Result, bail, ensure};
use serde_json::Value;
use std::fs;
use tsink_migrate_testkit::client::Endpoint;
use tsink_migrate_testkit::native;

/// Lets the native `tsink-migrate verify` compare both servers.
///
/// # Errors
/// When it finds a difference; the message has what it says.
pub fn native_verify(plan: &Value, start_ms: i64, end_ms: i64) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("plan.json");
    fs::write(&file, plans::text(plan))?;
    let artifacts = folder.path().join("artifacts");
    let outcome = native::run("verify", &file, start_ms, end_ms, Some(&artifacts))?;
    if outcome.code != 0 {
        let issues = native::report(&artifacts).map(|report| report["issues"].to_string());
        bail!("the native verify fails: {issues:?}\n{}\n{}", outcome.stdout, outcome.stderr);
    }
    ensure!(outcome.stdout.contains("pass"), "the native verify says:\n{}", outcome.stdout);
    Ok(())
}

/// Reads a metric on both sides, bit for bit.
///
/// # Errors
/// When there is nothing, or the sides differ.
pub fn same_metric(
    source: &Endpoint,
    target: &Endpoint,
    metric: &str,
    start_ms: i64,
    end_ms: i64,
) -> Result<()> {
    let bits = |server: &Endpoint| -> Result<Vec<_>> {
        let mut series: Vec<_> = server
            .read_metric(metric, start_ms, end_ms)?
            .into_iter()
            .map(|series| {
                let labels: Vec<_> =
                    series.labels.into_iter().map(|label| (label.name, label.value)).collect();
                let rows: Vec<_> =
                    series.samples.iter().map(|sample| (sample.timestamp, sample.value.to_bits())).collect();
                (labels, rows)
            })
            .collect();
        series.sort();
        Ok(series)
    };
    let (at_source, at_target) = (bits(source)?, bits(target)?);
    ensure!(!at_source.is_empty(), "the source has no {metric}");
    ensure!(at_source == at_target, "{metric} differs between source and target");
    Ok(())
}
