//! What tabs of one browser share: its storage, which may be full, and the ledger, which one of them works on.

use anyhow::{Result, ensure};
use e2e::browser::{Kind, Storage};
use e2e::judge::native_verify;
use e2e::page::{Page, RUN, SOON, with_page, with_page_keeping};
use e2e::plans::{self, time};
use e2e::servers::{self, BULK, BULK_SOURCE};
use e2e::{in_both_browsers, site};
use serde_json::{Value, json};
use tsink_migrate_testkit::history::Bulk;
use tsink_migrate_testkit::servers::Tsink;

in_both_browsers!(leaves_a_run_to_its_tab, goes_on_where_nothing_can_be_kept);

/// A plan with enough work that it is under way for a while.
fn long_plan(target: &str, tenant: &str, rows_per_second: u64) -> Value {
    let mut plan = plans::plan(&BULK_SOURCE.url(), target, tenant, &Bulk::SELECTORS);
    plan["batch"] = json!({ "max_points_per_write": 4_000 });
    plan["options"] = json!({ "slab_samples": 50_000, "max_rows_per_second": rows_per_second });
    plan
}

async fn open_plan(page: &Page, plan: &Value) -> Result<()> {
    page.drop_plan(&plans::text(plan)).await?;
    page.set_window(&time(BULK.start_ms), &time(BULK.end_ms())).await
}

async fn run_backfill(page: &Page) -> Result<()> {
    page.click("nav-backfill").await?;
    page.click("run-backfill").await
}

async fn report(page: &Page) -> Result<Value> {
    page.click("nav-backfill").await?;
    Ok(serde_json::from_str(&page.download("download-json", "report.json").await?)?)
}

async fn leaves_a_run_to_its_tab(kind: Kind) -> Result<()> {
    servers::on_sound_target(async |target: &Tsink| {
        // Half a minute's work: the other tab has long looked when it is done.
        let direct = long_plan(&target.url(), "two-tabs", 50_000);
        let place = site::one_origin(&direct)?;
        with_page(kind, "two-tabs", &place.url, async |page| {
            open_plan(page, &place.plan).await?;
            run_backfill(page).await?;
            page.stage("backfill", &["running"], RUN).await?;
            let done = "const found = document.querySelector('[data-testid=\"progress-percent\"]');
                return !!found && parseFloat(found.innerText) > 5";
            page.until("something is done", RUN, done, vec![]).await?;

            let first = page.open_tab(&place.url).await?;
            page.says("interrupted", "runs in another tab", RUN).await?;
            ensure!(!page.has("continue-run").await?, "it can be continued while it runs");
            open_plan(page, &place.plan).await?;
            page.says("offer", "runs in another tab", SOON).await?;
            ensure!(!page.has("continue-run").await?, "it can be continued while it runs");
            // Who runs it all the same is told, before anything is written.
            run_backfill(page).await?;
            page.says("error-banner", "another tab of this browser has it", RUN).await?;
            page.stage("backfill", &["stopped"], SOON).await?;

            page.close_tab(first).await?;
            page.click("nav-plan").await?;
            page.says("offer", "was interrupted", SOON).await?;
            page.click("continue-run").await?;
            page.stage("backfill", &["running", "pass"], RUN).await?;
            page.idle(RUN).await?;
            page.stage("backfill", &["pass"], SOON).await?;
            let report = report(page).await?;
            let continued = report["continued"]["slabs"].as_u64();
            ensure!(continued.is_some_and(|slabs| slabs > 0), "{}", report["continued"]);
            Ok(())
        })
        .await?;
        native_verify(&direct, BULK.start_ms, BULK.end_ms())
    })
    .await
}

async fn goes_on_where_nothing_can_be_kept(kind: Kind) -> Result<()> {
    servers::on_sound_target(async |target: &Tsink| {
        let direct = long_plan(&target.url(), &format!("full-storage-{}", kind.name()), 150_000);
        let place = site::one_origin(&direct)?;
        with_page_keeping(Storage::Full, kind, "full-storage", &place.url, async |page| {
            open_plan(page, &place.plan).await?;
            run_backfill(page).await?;
            page.says("unkept", "The run goes on without", RUN).await?;
            page.idle(RUN).await?;
            page.stage("backfill", &["pass"], SOON).await?;
            page.says("verdict", "Complete", SOON).await?;
            let report = report(page).await?;
            ensure!(report["balance"]["closes"] == true, "{}", report["balance"]);
            page.click("nav-reports").await?;
            page.says("history-told", "because the browser has no more room", SOON).await?;
            Ok(())
        })
        .await?;
        native_verify(&direct, BULK.start_ms, BULK.end_ms())
    })
    .await
}
