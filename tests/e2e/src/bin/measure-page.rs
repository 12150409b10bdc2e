//! Migrates once from the page in Chromium and says how it went, as JSON on standard output: the reports of backfill and
//! verification, and, when it is watched, what the page's main thread did meanwhile. For `cargo xtask bench`.
//!
//! `measure-page URL PLAN-FILE START-MS END-MS watched|unwatched`

use anyhow::{Context, Result, bail};
use e2e::browser::Kind;
use e2e::page::{Page, SOON, with_page};
use e2e::plans::time;
use serde_json::{Value, json};
use std::fs;
use std::time::{Duration, Instant};

/// Longest that a migration may take.
const LIMIT: Duration = Duration::from_secs(30 * 60);
/// Between two looks. Each takes time on the main thread, whose smoothness is measured.
const LOOK: Duration = Duration::from_secs(1);

/// Notes every frame with whether backfill or verification works, and every long task. A browser that is asked for every
/// frame makes sixty a second, also where nothing has changed: what is watched is not what is timed.
const WATCH: &str = "
    const watch = window.__watch = { frames: [], tasks: [] };
    new PerformanceObserver(list => {
        for (const task of list.getEntries()) watch.tasks.push([task.startTime, task.duration]);
    }).observe({ type: 'longtask' });
    const works = stage =>
        document.querySelector(`[data-testid=\"stage-state-${stage}\"]`)?.dataset.state === 'running';
    const next = now => {
        watch.frames.push([now, works('backfill') || works('verify')]);
        requestAnimationFrame(next);
    };
    requestAnimationFrame(next);
    // A task that is too long, before there is work: if this one is not told, none is.
    setTimeout(() => { const until = performance.now() + 120; while (performance.now() < until); });";

#[tokio::main]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [url, plan, start, end, how] = arguments.as_slice() else {
        bail!("measure-page URL PLAN-FILE START-MS END-MS watched|unwatched");
    };
    let watched = match how.as_str() {
        "watched" => true,
        "unwatched" => false,
        other => bail!("{other} is neither watched nor unwatched"),
    };
    let plan = fs::read_to_string(plan).with_context(|| format!("cannot read {plan}"))?;
    let (start, end) = (start.parse()?, end.parse()?);
    let mut said = Value::Null;
    with_page(Kind::Chromium, "measure-page", url, async |page| {
        said = migrate(page, &plan, (start, end), watched).await?;
        Ok(())
    })
    .await?;
    println!("{said}");
    Ok(())
}

async fn migrate(page: &Page, plan: &str, (start_ms, end_ms): (i64, i64), watched: bool) -> Result<Value> {
    page.drop_plan(plan).await?;
    page.set_window(&time(start_ms), &time(end_ms)).await?;
    page.says("diagnostics", "Nothing to mend", SOON).await?;
    if watched {
        page.js(WATCH, vec![]).await?;
        let told = "return window.__watch.tasks.some(([, duration]) => duration >= 120)";
        page.until("the browser tells of a long task", SOON, told, vec![]).await?;
    }
    page.click("migrate").await?;
    let started = Instant::now();
    // The button is away as long as a job runs; look for it once the first stage has begun.
    page.stage("preflight", &["running", "pass", "fail"], SOON).await?;
    while !page.has("migrate").await? {
        if started.elapsed() > LIMIT {
            bail!("the migration takes longer than {LIMIT:?}");
        }
        tokio::time::sleep(LOOK).await;
    }
    let watch = page.js("return window.__watch ?? null", vec![]).await?;
    let browser = page.js("return navigator.userAgent", vec![]).await?;
    let backfill = report(page, "backfill").await?;
    let verify = report(page, "verify").await?;
    Ok(json!({ "backfill": backfill, "verify": verify, "watch": watch, "browser": browser }))
}

async fn report(page: &Page, stage: &str) -> Result<Value> {
    page.click(&format!("nav-{stage}")).await?;
    page.stage(stage, &["pass"], SOON).await?;
    Ok(serde_json::from_str(&page.download("download-json", "report.json").await?)?)
}
