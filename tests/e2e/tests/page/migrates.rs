//! The whole migration, with page and servers on one origin and on two.

use anyhow::{Context, Result, ensure};
use e2e::browser::Kind;
use e2e::judge::{native_verify, same_metric};
use e2e::page::{Page, RUN, SOON, with_page};
use e2e::plans::{self, time};
use e2e::servers::{self, END, SOURCE, START};
use e2e::{in_both_browsers, site};
use serde_json::{Value, json};
use tsink_migrate_testkit::history::varied_names;
use tsink_migrate_testkit::servers::Tsink;

in_both_browsers!(migrates_on_one_origin, migrates_across_origins);

/// What the source holds of some metrics.
struct Held {
    samples: u64,
    histograms: u64,
}

fn held(metrics: &[&str]) -> Held {
    let mut held = Held { samples: 0, histograms: 0 };
    for series in SOURCE.history.series.iter().filter(|series| metrics.contains(&series.name())) {
        held.samples += series.samples.len() as u64;
        held.histograms += series.histograms.len() as u64;
    }
    held
}

fn exemplars(metric: &str) -> u64 {
    let own = SOURCE.history.series.iter().filter(|series| series.name() == metric);
    own.map(|series| series.exemplars.len() as u64).sum()
}

async fn migrates_on_one_origin(kind: Kind) -> Result<()> {
    servers::on_sound_target(async |target: &Tsink| on_one_origin(kind, target).await).await
}

async fn on_one_origin(kind: Kind, target: &Tsink) -> Result<()> {
    let tenant = "one-origin";
    let metrics: Vec<&str> = varied_names().iter().map(|(name, _)| *name).collect();
    let direct = {
        let mut plan = plans::plan(&SOURCE.prometheus.url(), &target.url(), tenant, &metrics);
        plan["metadata_metrics"] = json!(["room_temperature_celsius", "jobs_processed_total"]);
        plan["exemplar_checks"] = json!([{ "query": "jobs_processed_total", "limit": 500 }]);
        plan["promql_checks"] = json!([
            { "query": "max(room_temperature_celsius)", "step": "60s" },
            { "query": "sum by (worker) (jobs_processed_total)", "step": "5m" },
        ]);
        plan
    };
    let place = site::one_origin(&direct)?;
    with_page(kind, "one-origin", &place.url, async |page| {
        page.drop_plan(&plans::text(&place.plan)).await?;
        page.set_window(&time(START), &time(END)).await?;
        page.says("diagnostics", "Nothing to mend", SOON).await?;
        page.click("migrate").await?;
        page.idle(RUN).await?;
        for stage in ["preflight", "backfill", "verify", "cutover"] {
            page.stage(stage, &["pass"], SOON).await?;
        }
        let verdict = page.says("verdict", "PASS", SOON).await?;
        ensure!(!page.has("error-banner").await?, "a banner beside {verdict:?}");
        cutover_report(page, &metrics).await?;

        page.click("nav-backfill").await?;
        page.says("verdict", "Complete", SOON).await?;
        let report: Value = serde_json::from_str(&page.download("download-json", "report.json").await?)?;
        let wanted = held(&metrics);
        ensure!(report["status"] == "pass", "the backfill's report says {}", report["status"]);
        ensure!(report["samples_written"] == wanted.samples, "samples: {}", report["samples_written"]);
        ensure!(
            report["histograms_written"] == wanted.histograms,
            "histograms: {}",
            report["histograms_written"]
        );
        ensure!(
            report["exemplars_written"] == exemplars("jobs_processed_total"),
            "exemplars: {}",
            report["exemplars_written"]
        );
        // The plan names two metrics, its selectors more; `request_duration_seconds` is named by its parts.
        let families = SOURCE.history.metadata.iter().map(|family| family.metric_family_name.as_str());
        let families = families.filter(|family| metrics.contains(family)).count();
        ensure!(report["metadata_written"] == families, "metadata: {}", report["metadata_written"]);
        ensure!(report["balance"]["closes"] == true, "the balance: {}", report["balance"]);

        let complaints = page.complaints().await?;
        ensure!(complaints.is_empty(), "the browser complains: {complaints:#?}");
        Ok(())
    })
    .await?;

    let (source, written) = (SOURCE.prometheus.endpoint(), target.endpoint(tenant));
    for metric in ["special_values", "odd_labels", "jittered_value"] {
        same_metric(&source, &written, metric, START, END)?;
    }
    // Prometheus 2.42 leaves native histograms out of what the native tool asks for.
    let native = ["rpc_duration_seconds", "queue_wait_seconds"];
    let floats: Vec<&str> = metrics.into_iter().filter(|name| !native.contains(name)).collect();
    let mut plan = direct;
    plan["selectors"] = json!(floats);
    native_verify(&plan, START, END)
}

/// Both forms of the report that the cutover check ends with.
async fn cutover_report(page: &Page, metrics: &[&str]) -> Result<()> {
    let report: Value = serde_json::from_str(&page.download("download-json", "report.json").await?)?;
    ensure!(report["status"] == "pass", "the report says {}", report["status"]);
    ensure!(report["start_ms"] == START && report["end_ms"] == END, "another window: {}", report["start_ms"]);
    let wanted = held(metrics);
    let checks = report["raw_verify"]["raw_checks"].as_array().context("raw checks")?;
    for (field, count) in [
        ("source_samples", wanted.samples),
        ("target_samples", wanted.samples),
        ("source_histograms", wanted.histograms),
        ("target_histograms", wanted.histograms),
        ("sample_mismatches", 0),
    ] {
        let sum: u64 = checks.iter().filter_map(|check| check[field].as_u64()).sum();
        ensure!(sum == count, "{field}: {sum} in the report, {count} in the source");
    }
    ensure!(
        report["promql_checks"].as_array().is_some_and(|checks| checks.len() == 2),
        "two queries compared"
    );
    let markdown = page.download("download-md", "report.md").await?;
    ensure!(markdown.starts_with("# "), "no heading: {markdown}");
    ensure!(markdown.to_lowercase().contains("pass"), "no verdict: {markdown}");
    ensure!(markdown.contains("jobs_processed_total"), "no selector: {markdown}");
    Ok(())
}

async fn migrates_across_origins(kind: Kind) -> Result<()> {
    servers::on_sound_target(async |target: &Tsink| across_origins(kind, target).await).await
}

async fn across_origins(kind: Kind, target: &Tsink) -> Result<()> {
    let tenant = "two-origins";
    let metrics = ["room_temperature_celsius", "request_duration_seconds_bucket", "rpc_duration_seconds"];
    let mut direct = plans::plan(&SOURCE.prometheus.url(), &target.url(), tenant, &metrics);
    direct["promql_checks"] = json!([{ "query": "max(room_temperature_celsius)", "step": "60s" }]);
    let place = site::two_origins(&direct)?;
    with_page(kind, "two-origins", &place.url, async |page| {
        page.drop_plan(&plans::text(&place.plan)).await?;
        page.set_window(&time(START), &time(END)).await?;
        page.click("migrate").await?;
        page.idle(RUN).await?;
        page.stage("cutover", &["pass"], SOON).await?;
        let wanted = held(&metrics);
        page.click("nav-verify").await?;
        page.says("verdict", "Verified", SOON).await?;
        let report: Value = serde_json::from_str(&page.download("download-json", "report.json").await?)?;
        let checks = report["raw_checks"].as_array().context("raw checks")?;
        let sum = |field: &str| -> u64 { checks.iter().filter_map(|check| check[field].as_u64()).sum() };
        ensure!(sum("target_samples") == wanted.samples, "{} samples at the target", sum("target_samples"));
        ensure!(sum("target_histograms") == wanted.histograms, "{} histograms", sum("target_histograms"));
        let complaints = page.complaints().await?;
        ensure!(complaints.is_empty(), "the browser complains: {complaints:#?}");
        Ok(())
    })
    .await?;
    let floats = ["room_temperature_celsius", "request_duration_seconds_bucket"];
    native_verify(&plans::plan(&SOURCE.prometheus.url(), &target.url(), tenant, &floats), START, END)
}
