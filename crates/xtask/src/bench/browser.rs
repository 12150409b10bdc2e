//! The page in headless Chromium: backfill and verify against the native tool, and the page while it works.
//!
//! A program of the browser tests drives the page, so that this one needs no WebDriver client to be built.

use super::command::{Planned, Sample, Tool};
use super::frames::{LONG_MS, Smoothness, smoothness};
use super::results::{Results, Row, Wanted};
use super::stats::{grouped, median, of_runs};
use super::{Bench, RUNS, on_sound_target, plan_for, source};
use crate::paths;
use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use tsink_migrate_testkit::gateway::{Gateway, GatewayConfig};
use tsink_migrate_testkit::history::Bulk;
use tsink_migrate_testkit::servers::Tsink;

const STAGES: [&str; 2] = ["backfill", "verify"];
/// Times as fast as the native tool.
const TIMES: f64 = 1.8;
/// Frames in a second. Browsers draw 60; a second that is cut out of them at any place holds 59 to 61.
const FPS: f64 = 60.0;
const FPS_COUNTED: f64 = FPS - 1.0;
/// The program that drives the page; it lies beside this one.
pub(super) const DRIVER: &str = "measure-page";

/// One migration from the page.
struct Seen {
    /// By stage, in s, as its report says.
    walls_s: [f64; 2],
    /// Of one that was watched; only those that were not are timed.
    smoothness: Option<Smoothness>,
    raw: Value,
}

/// Measures, and adds to the results.
///
/// # Errors
/// When a server or the browser does not start, or when a backfill or verify fails.
pub(super) fn bench(bench: &Bench, results: &mut Results) -> Result<()> {
    let driver = std::env::current_exe()?.with_file_name(DRIVER);
    ensure!(driver.is_file(), "there is no {}: run `cargo xtask bench`, which builds it", driver.display());
    let bulk = bench.bulk(24)?;
    let prometheus = source(bulk)?;
    let mut native: Vec<Sample> = Vec::new();
    let mut page: Vec<Seen> = Vec::new();
    let runs = bench.runs(RUNS);
    for run in 0..runs {
        eprintln!("run {} of {runs}", run + 1);
        for tool in Tool::by_turns(run) {
            match tool {
                Tool::Native => native.extend(on_sound_target(|tsink| {
                    let plan = plan_for(&prometheus.url(), &tsink.url());
                    let planned = Planned::new(&bench.tools, &plan, (bulk.start_ms, bulk.end_ms()))?;
                    let each = STAGES.into_iter().map(|stage| planned.pass(tool, stage, tsink));
                    each.collect::<Result<Vec<_>>>()
                })?),
                Tool::Ours => {
                    for watched in [false, true] {
                        page.push(on_sound_target(|tsink| {
                            from_page(bench, &driver, &prometheus.url(), tsink, bulk, watched)
                        })?);
                    }
                }
            }
        }
    }
    results.rows(rows(&native, &page));
    results.section(format!(
        "The page: {} samples, {} in headless Chromium, which reaches both servers through one origin; \
         times as its reports say. Frames and tasks are of as many runs more: to note them costs time.",
        grouped(bulk.samples()),
        of_runs(runs)
    ));
    results.raw(
        "browser",
        json!({
            "samples": bulk.samples(),
            "native": native.iter().map(Sample::json).collect::<Vec<_>>(),
            "page": page.iter().map(|seen| seen.raw.clone()).collect::<Vec<_>>(),
        }),
    );
    Ok(())
}

/// Migrates from the page, which stands on one origin with both servers.
fn from_page(
    bench: &Bench,
    driver: &Path,
    prometheus: &str,
    tsink: &Tsink,
    bulk: Bulk,
    watched: bool,
) -> Result<Seen> {
    let gateway = Gateway::start(GatewayConfig {
        root: Some(paths::site()),
        routes: vec![
            ("/prometheus/".to_owned(), format!("{prometheus}/")),
            ("/tsink/".to_owned(), format!("{}/", tsink.url())),
        ],
        ..GatewayConfig::default()
    })?;
    let mut plan = plan_for("prometheus", "tsink");
    // The page goes on to the cutover check, which is measured by the command.
    plan["promql_checks"] = json!([]);
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("plan.json");
    fs::write(&file, format!("{plan:#}\n"))?;
    let mut driver = Command::new(driver);
    bench.tools.name_tools(&mut driver);
    driver.arg(format!("{}/", gateway.url())).arg(&file);
    driver.args([bulk.start_ms.to_string(), bulk.end_ms().to_string()]);
    driver.arg(if watched { "watched" } else { "unwatched" });
    let output = driver.stdin(Stdio::null()).stderr(Stdio::inherit()).output();
    let output = output.with_context(|| format!("cannot start {DRIVER}"))?;
    if !output.status.success() {
        bail!("the page could not be measured: {}", output.status);
    }
    let said = serde_json::from_slice(&output.stdout).context("the driver's answer")?;
    let seen = seen(&said, bulk.samples(), watched)?;
    let [backfill, verify] = seen.walls_s;
    eprintln!("  page backfill {backfill:.2} s, verify {verify:.2} s, watched: {:?}", seen.smoothness);
    Ok(seen)
}

/// Reads what the driver says, and checks that the page did all the work.
fn seen(said: &Value, samples: u64, watched: bool) -> Result<Seen> {
    let backfill = &said["backfill"];
    ensure!(backfill["status"] == "pass", "the page's backfill says {}", backfill["status"]);
    let written = &backfill["samples_written"];
    ensure!(*written == samples, "the page wrote {written} of {samples} samples");
    let verify = &said["verify"];
    ensure!(verify["status"] == "pass", "the page's verification says {}", verify["status"]);
    let checks = verify["raw_checks"].as_array().context("a verification without checks")?;
    let compared: u64 = checks.iter().filter_map(|check| check["target_samples"].as_u64()).sum();
    ensure!(compared == samples, "the page compared {compared} of {samples} samples");
    let seconds = |report: &Value| -> Result<f64> {
        Ok(report["run"]["duration_ms"].as_f64().context("a report without its duration")? / 1_000.0)
    };
    let walls_s = [seconds(backfill)?, seconds(verify)?];
    let mut raw = json!({ "backfill_s": walls_s[0], "verify_s": walls_s[1], "browser": said["browser"] });
    if !watched {
        return Ok(Seen { walls_s, smoothness: None, raw });
    }
    let watch = &said["watch"];
    let smoothness = smoothness(watch).context("the page was not watched for a second of its work")?;
    raw["watched"] = json!({
        "longest_task_ms": smoothness.longest_ms,
        "tasks_over_50_ms": smoothness.long_tasks,
        "median_fps": smoothness.median_fps,
        "worst_fps": smoothness.worst_fps,
        "long_tasks": watch["tasks"],
    });
    Ok(Seen { walls_s, smoothness: Some(smoothness), raw })
}

fn rows(native: &[Sample], page: &[Seen]) -> Vec<Row> {
    let mut rows = Vec::new();
    for (at, stage) in STAGES.into_iter().enumerate() {
        let own = native.iter().filter(|sample| sample.what == stage);
        let native_s = median(own.map(|sample| sample.usage.wall_s));
        let page_s =
            median(page.iter().filter(|seen| seen.smoothness.is_none()).map(|seen| seen.walls_s[at]));
        rows.push(Row::times_as_fast(&format!("{stage}, page in Chromium"), native_s, page_s, TIMES));
    }
    let watched: Vec<Smoothness> = page.iter().filter_map(|seen| seen.smoothness).collect();
    let worst = |figure: fn(&Smoothness) -> f64| watched.iter().map(figure);
    let longest = worst(|seen| seen.longest_ms).fold(0.0, f64::max);
    let count: u64 = watched.iter().map(|seen| seen.long_tasks).sum();
    let shown = match count {
        // Browsers do not tell how long shorter ones are.
        0 => "none".to_owned(),
        _ => format!("{}, the longest {longest:.0} ms", grouped(count)),
    };
    let work = format!("page while it works, tasks over {LONG_MS} ms in all runs");
    rows.push(Row::holds(&work, &shown, count == 0, "none"));
    let fps = median(worst(|seen| seen.median_fps));
    let slowest = worst(|seen| seen.worst_fps).fold(f64::INFINITY, f64::min);
    rows.push(Row::figure(
        "page while it works, frames in the median second",
        "–",
        &format!("{slowest:.0} in the worst second of all runs"),
        fps,
        Wanted::Least(FPS_COUNTED, ""),
    ));
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said() -> Value {
        let frames: Vec<Value> = (0..120).map(|at| json!([f64::from(at) * 16.67, true])).collect();
        json!({
            "backfill": { "status": "pass", "samples_written": 10, "run": { "duration_ms": 1500 } },
            "verify": { "status": "pass", "raw_checks": [{ "target_samples": 4 }, { "target_samples": 6 }], "run": { "duration_ms": 500 } },
            "watch": { "frames": frames, "tasks": [] },
            "browser": "any",
        })
    }

    #[test]
    fn reads_times_and_smoothness() {
        let watched = seen(&said(), 10, true).unwrap();
        assert_eq!(watched.walls_s, [1.5, 0.5]);
        let smoothness = watched.smoothness.unwrap();
        assert_eq!((smoothness.long_tasks, smoothness.median_fps), (0, 60.0));
        let timed = Value::Object(
            said().as_object().unwrap().clone().into_iter().filter(|(key, _)| key != "watch").collect(),
        );
        assert!(seen(&timed, 10, false).unwrap().smoothness.is_none());
        assert!(seen(&timed, 10, true).is_err());
    }

    #[test]
    fn a_page_that_did_not_do_all_the_work_is_not_measured() {
        assert!(seen(&said(), 11, true).is_err());
        for (place, value) in [
            ("/backfill/status", json!("fail")),
            ("/verify/status", json!("fail")),
            ("/verify/raw_checks/0/target_samples", json!(3)),
            ("/watch/frames", json!([])),
            ("/verify/run", json!({})),
        ] {
            let mut less = said();
            *less.pointer_mut(place).unwrap() = value;
            assert!(seen(&less, 10, true).is_err(), "{place}");
        }
    }
}
