//! Pause, resume and cancel while a run goes. In Chromium only: what is steered is the engine, and the
//! buttons are the same everywhere.

use anyhow::{Context, Result, ensure};
use e2e::browser::Kind;
use e2e::judge::native_verify;
use e2e::page::{Page, RUN, SOON, with_page};
use e2e::plans::{self, time};
use e2e::servers::{self, BULK, BULK_SOURCE};
use e2e::site;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tsink_migrate_testkit::client::Endpoint;
use tsink_migrate_testkit::history::Bulk;
use tsink_migrate_testkit::servers::Tsink;

/// Slowest frame that still counts as a page that moves, in ms. The machine is shared with both servers.
const SLOWEST_FRAME_MS: f64 = 1_500.0;

/// Frames drawn since the count began, and the longest time between two of them in ms.
const COUNT_FRAMES: &str = "
    window.__frames = { count: 0, longest: 0 };
    let last = performance.now();
    const next = now => {
        window.__frames.count += 1;
        window.__frames.longest = Math.max(window.__frames.longest, now - last);
        last = now;
        requestAnimationFrame(next);
    };
    requestAnimationFrame(next);";

async fn percent(page: &Page) -> Result<f64> {
    let text = page.text("progress-percent").await?.context("a percentage")?;
    text.trim_end_matches([' ', '%', '\u{a0}']).parse().with_context(|| format!("a percentage, not {text:?}"))
}

/// Waits until at least so much of the backfill is done.
async fn reaches(page: &Page, least: f64) -> Result<()> {
    let script = "const found = document.querySelector('[data-testid=\"progress-percent\"]');
        return !!found && parseFloat(found.innerText) > arguments[0]";
    page.until(&format!("more than {least} % are done"), RUN, script, vec![json!(least)]).await?;
    Ok(())
}

#[tokio::test]
async fn pauses_resumes_and_cancels() -> Result<()> {
    servers::on_sound_target(steer).await
}

async fn steer(target: &Tsink) -> Result<()> {
    let (start, end) = (BULK.start_ms, BULK.end_ms());
    let written = target.endpoint("steering");
    let mut direct = plans::plan(&BULK_SOURCE.url(), &target.url(), "steering", &Bulk::SELECTORS);
    // Small writes: some seconds of work on any machine, so that there is a run to steer.
    direct["batch"] = json!({ "max_points_per_write": 4_000 });
    direct["options"] = json!({ "slab_samples": 20_000 });
    let place = site::one_origin(&direct)?;
    with_page(Kind::Chromium, "steering", &place.url, async |page| {
        page.drop_plan(&plans::text(&place.plan)).await?;
        page.set_window(&time(start), &time(end)).await?;
        page.js(COUNT_FRAMES, vec![]).await?;
        page.click("nav-backfill").await?;
        page.click("run-backfill").await?;
        page.stage("backfill", &["running"], RUN).await?;
        reaches(page, 2.0).await?;

        page.click("pause").await?;
        page.says("waiting", "Paused", SOON).await?;
        // What was on its way completes; then nothing moves any more.
        let before = settled(&written).await?;
        let held = percent(page).await?;
        // The page lives on: other views open, and the plan cannot be changed under the run.
        page.click("nav-plan").await?;
        let locked = "return document.querySelector('[data-testid=\"plan-text\"]')?.readOnly === true";
        page.until("the plan is locked", SOON, locked, vec![]).await?;
        page.click("nav-backfill").await?;
        ensure!(percent(page).await? == held, "it went on while it was paused");
        ensure!(samples(&written)? == before, "it wrote while it was paused");

        page.click("resume").await?;
        reaches(page, held + 2.0).await?;
        page.click("cancel").await?;
        page.idle(SOON).await?;
        let state = page.stage("backfill", &["pass", "fail", "stopped"], SOON).await?;
        ensure!(state != "pass", "the backfill was cancelled and passed");
        page.says("verdict", "Cancelled", SOON).await?;
        let partly = samples(&written)?;
        ensure!(partly > before && partly < BULK.samples(), "{partly} samples are there after the cancel");
        let frames = page.js("return window.__frames", vec![]).await?;
        let longest = frames["longest"].as_f64().context("frames")?;
        ensure!(longest < SLOWEST_FRAME_MS, "the page stood still for {longest} ms");

        page.click("migrate").await?;
        page.idle(RUN).await?;
        for stage in ["preflight", "backfill", "verify", "cutover"] {
            page.stage(stage, &["pass"], SOON).await?;
        }
        page.click("nav-backfill").await?;
        page.says("verdict", "Complete", SOON).await?;
        let report: Value = serde_json::from_str(&page.download("download-json", "report.json").await?)?;
        let line = &report["balance"]["samples"];
        // The run goes on from the cancelled one, and its balance counts both.
        let before = report["continued"]["slabs"].as_u64();
        ensure!(before.is_some_and(|slabs| slabs > 0), "it did not go on: {}", report["continued"]);
        let (written, there) = (line["written"].as_u64(), line["already_there"].as_u64());
        ensure!(written.zip(there).map(|(a, b)| a + b) == Some(BULK.samples()), "{line}");
        Ok(())
    })
    .await?;
    ensure!(samples(&written)? == BULK.samples(), "{} samples are in the target", samples(&written)?);
    native_verify(&direct, start, end)
}

/// Samples that the target holds.
fn samples(target: &Endpoint) -> Result<u64> {
    let mut samples = 0;
    for metric in Bulk::SELECTORS {
        let series = target.read_metric(metric, BULK.start_ms, BULK.end_ms())?;
        samples += series.iter().map(|series| series.samples.len() as u64).sum::<u64>();
    }
    Ok(samples)
}

/// Waits until the target holds the same number of samples in ten looks one after the other.
async fn settled(target: &Endpoint) -> Result<u64> {
    let started = Instant::now();
    let (mut held, mut looks) = (samples(target)?, 0);
    while looks < 10 {
        ensure!(started.elapsed() < SOON, "the target still gets samples, {held} by now");
        tokio::time::sleep(Duration::from_millis(50)).await;
        let now = samples(target)?;
        looks = if now == held { looks + 1 } else { 0 };
        held = now;
    }
    Ok(held)
}
