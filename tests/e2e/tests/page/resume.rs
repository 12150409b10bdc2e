//! What was interrupted continues; limits change and tokens are renewed in mid-run.

use anyhow::{Context, Result, ensure};
use e2e::browser::Kind;
use e2e::judge::native_verify;
use e2e::page::{Page, RUN, SOON, with_page};
use e2e::plans::{self, time};
use e2e::servers::{self, BULK, BULK_SOURCE, SOURCE, START};
use e2e::{in_both_browsers, site};
use serde_json::{Value, json};
use tsink_migrate_testkit::faults::{Fault, FaultProxy, Faults};
use tsink_migrate_testkit::history::Bulk;
use tsink_migrate_testkit::servers::Tsink;

in_both_browsers!(
    continues_after_a_reload,
    changes_limits_in_mid_run,
    asks_for_a_new_token,
    carries_a_ledger_to_another_profile,
    takes_a_long_plan,
);

/// A plan with enough work that there is a run to interrupt.
fn long_plan(target: &str, tenant: &str) -> Value {
    let mut plan = plans::plan(&BULK_SOURCE.url(), target, tenant, &Bulk::SELECTORS);
    plan["batch"] = json!({ "max_points_per_write": 4_000 });
    plan["options"] = json!({ "slab_samples": 50_000 });
    plan
}

async fn begin(page: &Page, plan: &Value) -> Result<()> {
    page.drop_plan(&plans::text(plan)).await?;
    page.set_window(&time(BULK.start_ms), &time(BULK.end_ms())).await?;
    page.click("nav-backfill").await?;
    page.click("run-backfill").await?;
    page.stage("backfill", &["running"], RUN).await?;
    Ok(())
}

/// Waits until at least so much of the backfill is done.
async fn reaches(page: &Page, least: f64) -> Result<()> {
    let script = "const found = document.querySelector('[data-testid=\"progress-percent\"]');
        return !!found && parseFloat(found.innerText) > arguments[0]";
    page.until(&format!("more than {least} % are done"), RUN, script, vec![json!(least)]).await?;
    Ok(())
}

/// Everything that the page shows and keeps, save its ledgers.
async fn everything(page: &Page) -> Result<String> {
    let script = "return [document.documentElement.outerHTML, location.href, document.cookie,
        JSON.stringify({ ...localStorage }), JSON.stringify({ ...sessionStorage })].join('\\n')";
    Ok(page.js(script, vec![]).await?.as_str().context("the page's text")?.to_owned())
}

async fn backfill_report(page: &Page) -> Result<Value> {
    page.click("nav-backfill").await?;
    Ok(serde_json::from_str(&page.download("download-json", "report.json").await?)?)
}

async fn continues_after_a_reload(kind: Kind) -> Result<()> {
    servers::on_sound_target(async |target: &Tsink| {
        let direct = long_plan(&target.url(), "resume");
        let place = site::one_origin(&direct)?;
        with_page(kind, "resume", &place.url, async |page| {
            begin(page, &place.plan).await?;
            reaches(page, 20.0).await?;
            page.js("setTimeout(() => location.reload())", vec![]).await?;
            page.says("interrupted", "was interrupted", RUN).await?;
            page.says("interrupted", "slab", SOON).await?;

            page.click("continue-run").await?;
            page.stage("backfill", &["running", "pass"], RUN).await?;
            page.says("continued", "Continued from", RUN).await?;
            page.idle(RUN).await?;
            page.stage("backfill", &["pass"], SOON).await?;
            page.says("verdict", "Complete", SOON).await?;
            let report = backfill_report(page).await?;
            let continued = report["continued"]["slabs"].as_u64();
            ensure!(continued.is_some_and(|slabs| slabs > 0), "{}", report["continued"]);
            // What is done is no longer offered.
            let kept = page.js("return localStorage.getItem('tsink-migrate-plan')", vec![]).await?;
            ensure!(kept.is_null(), "the plan is still kept: {kept}");
            page.open(&place.url).await?;
            ensure!(!page.has("interrupted").await?, "a run that is done is offered again");
            Ok(())
        })
        .await?;
        native_verify(&direct, BULK.start_ms, BULK.end_ms())
    })
    .await
}

async fn changes_limits_in_mid_run(kind: Kind) -> Result<()> {
    servers::on_sound_target(async |target: &Tsink| {
        let direct = long_plan(&target.url(), "limits");
        let place = site::one_origin(&direct)?;
        with_page(kind, "limits", &place.url, async |page| {
            begin(page, &place.plan).await?;
            page.says("limits-in-force", "at once", SOON).await?;
            page.js("document.querySelector('[data-testid=\"limits\"]').open = true", vec![]).await?;
            // By keys alone, as an operator does: the value counts when the field is left.
            page.fill("limit-rate", "40000").await?;
            page.press_tab("limit-rate").await?;
            page.says("limits-in-force", "40.0 k rows/s", SOON).await?;
            page.fill("limit-writes", "2").await?;
            page.press_tab("limit-writes").await?;
            page.says("limits-in-force", "2 writes at once", SOON).await?;
            // What is no number changes nothing.
            page.fill("limit-rows", "many").await?;
            page.press_tab("limit-rows").await?;
            ensure!(!page.text("limits-in-force").await?.unwrap_or_default().contains("in flight"));
            page.click("limits-as-planned").await?;
            let gone = "return !document.querySelector('[data-testid=\"limits-in-force\"]')?.innerText.includes('rows/s')";
            page.until("the limit is gone", SOON, gone, vec![]).await?;
            page.idle(RUN).await?;
            page.stage("backfill", &["pass"], SOON).await?;
            Ok(())
        })
        .await
    })
    .await
}

async fn asks_for_a_new_token(kind: Kind) -> Result<()> {
    const OLD: &str = "e2e-51aa90-the-token-of-before";
    const NEW: &str = "e2e-77cd02-the-token-of-after";
    servers::on_sound_target(async |target: &Tsink| {
        // More requests than a preflight has, and less than the backfill.
        let fault = Fault::Unless("authorization: bearer e2e-77cd02-the-token-of-after");
        let faults = Faults { path: "", first: 40, every: 1, times: usize::MAX, fault };
        let proxy = FaultProxy::start(target.port(), faults)?;
        let mut plan = long_plan(&proxy.url(), "expired");
        plan["target"]["headers"] = json!({ "Authorization": "Bearer ${TSINK_TOKEN}" });
        let place = site::one_origin(&plan)?;
        with_page(kind, "expired", &place.url, async |page| {
            page.drop_plan(&plans::text(&place.plan)).await?;
            page.set_window(&time(BULK.start_ms), &time(BULK.end_ms())).await?;
            page.fill("secret-TSINK_TOKEN", OLD).await?;
            page.click("nav-backfill").await?;
            page.click("run-backfill").await?;
            let said = page.says("ask", "A new token for the target", RUN).await?;
            ensure!(said.contains("TSINK_TOKEN") && said.contains("401"), "{said}");
            let focus = "return document.activeElement?.dataset.testid === 'ask-field-0'";
            page.until("the field has the focus", SOON, focus, vec![]).await?;
            page.says("waiting", "Waits for a new token", SOON).await?;

            // Escape puts the question aside, and the run still waits.
            page.press_escape("ask-field-0").await?;
            page.says("ask-line", "waits for a new token", SOON).await?;
            ensure!(!page.has("ask").await?, "the dialog is still open");
            page.click("ask-open").await?;
            page.fill("ask-field-0", NEW).await?;
            page.click("ask-go-on").await?;
            page.idle(RUN).await?;
            page.stage("backfill", &["pass"], SOON).await?;
            let shown = everything(page).await?;
            ensure!(!shown.contains(OLD) && !shown.contains(NEW), "a token is on the page");
            Ok(())
        })
        .await?;
        ensure!(proxy.injected() > 0, "no token was refused");
        Ok(())
    })
    .await
}

async fn carries_a_ledger_to_another_profile(kind: Kind) -> Result<()> {
    servers::on_sound_target(async |target: &Tsink| {
        let direct = long_plan(&target.url(), "carried");
        let place = site::one_origin(&direct)?;
        let mut ledger = String::new();
        with_page(kind, "ledger-out", &place.url, async |page| {
            begin(page, &place.plan).await?;
            reaches(page, 20.0).await?;
            page.click("cancel").await?;
            page.idle(SOON).await?;
            page.click("nav-reports").await?;
            page.says("ledger-row", "Backfill", SOON).await?;
            ledger = page.download("ledger-download", "ledger.jsonl").await?;
            let first = ledger.lines().next().context("a first line")?;
            let first: Value = serde_json::from_str(first)?;
            ensure!(first["format"] == "tsink-migrate-ledger", "{first}");
            Ok(())
        })
        .await?;
        with_page(kind, "ledger-in", &place.url, async |page| {
            page.drop_files(&[("ledger.jsonl", ledger.as_str())]).await?;
            page.says("ledgers-told", "The ledger is here", SOON).await?;
            page.says("ledger-row", "Backfill", SOON).await?;
            page.click("nav-plan").await?;
            page.drop_plan(&plans::text(&place.plan)).await?;
            // The usual window first: near, and not the same.
            page.says("offer", "its window is", SOON).await?;
            page.click("take-window").await?;
            page.says("offer", "was interrupted", SOON).await?;
            page.click("continue-run").await?;
            page.idle(RUN).await?;
            page.stage("backfill", &["pass"], SOON).await?;
            let report = backfill_report(page).await?;
            ensure!(
                report["continued"]["slabs"].as_u64().is_some_and(|slabs| slabs > 0),
                "{}",
                report["continued"]
            );

            page.click("nav-reports").await?;
            page.click("ledger-forget").await?;
            page.click("ledger-forget-sure").await?;
            page.says("ledgers-told", "Forgotten", SOON).await?;
            // A file that is no ledger changes nothing and says why.
            let broken = "{\"format\":\"tsink-migrate-ledger\",\"version\":900}\nnonsense\n";
            page.drop_files(&[("broken.jsonl", broken)]).await?;
            page.says("ledgers-told", "was not taken", SOON).await?;
            Ok(())
        })
        .await?;
        native_verify(&direct, BULK.start_ms, BULK.end_ms())
    })
    .await
}

async fn takes_a_long_plan(kind: Kind) -> Result<()> {
    let target = servers::target()?;
    let mut plan =
        plans::plan(&SOURCE.prometheus.url(), &target.url(), "long", &["room_temperature_celsius"]);
    // As long as a plan may be: most of it a remark, with something in it that must not be kept.
    plan["_remark"] = json!(format!("hunter2 {}", "a long remark ".repeat(70_000)));
    let place = site::one_origin(&plan)?;
    with_page(kind, "long-plan", &place.url, async |page| {
        page.drop_plan(&plans::text(&place.plan)).await?;
        page.set_window(&time(START), &time(START + 600_000)).await?;
        page.click("migrate").await?;
        page.idle(RUN).await?;
        page.stage("cutover", &["pass"], SOON).await?;
        let kept = page.js("return JSON.stringify({ ...localStorage })", vec![]).await?;
        ensure!(!kept.to_string().contains("hunter2"), "a remark of the plan is kept");
        Ok(())
    })
    .await
}
