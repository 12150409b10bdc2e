//! What differs is explored down to the point, repaired, verified again; queries come from a dashboard; what was
//! written is taken back.

use anyhow::{Context, Result, ensure};
use e2e::browser::Kind;
use e2e::judge::{native_verify, same_metric};
use e2e::page::{Page, RUN, SOON, with_page};
use e2e::plans::{self, time};
use e2e::servers::{self, END, SOURCE, START, TOKEN};
use e2e::{in_both_browsers, site};
use serde_json::{Value, json};
use tsink_migrate_testkit::history::{History, load};
use tsink_migrate_testkit::servers::Tsink;
use tsink_migrate_testkit::wire::TimeSeries;

in_both_browsers!(
    explores_repairs_and_verifies_again,
    shows_what_copying_cannot_mend,
    takes_queries_from_a_dashboard,
    checks_the_cutover_and_takes_it_back,
);

const METRIC: &str = "room_temperature_celsius";

/// Loads the target with the source's series of [`METRIC`], damaged.
fn load_damaged(target: &Tsink, tenant: &str, damage: impl Fn(&str, &mut TimeSeries)) -> Result<()> {
    let mut series: Vec<TimeSeries> =
        SOURCE.history.series.iter().filter(|series| series.name() == METRIC).cloned().collect();
    for one in &mut series {
        let room = one.labels.iter().find(|label| label.name == "room").context("a room")?.value.clone();
        damage(&room, one);
    }
    series.retain(|one| !one.samples.is_empty());
    let mut metadata = SOURCE.history.metadata.clone();
    metadata.retain(|family| family.metric_family_name == METRIC);
    load(&target.endpoint(tenant), &History { series, metadata })?;
    Ok(())
}

/// Opens a plan and runs one stage by hand.
async fn run(page: &Page, plan: &Value, stage: &str, ends: &str) -> Result<()> {
    page.drop_plan(&plans::text(plan)).await?;
    page.set_window(&time(START), &time(END)).await?;
    page.click(&format!("nav-{stage}")).await?;
    page.click(&format!("run-{stage}")).await?;
    page.stage(stage, &[ends], RUN).await?;
    page.idle(RUN).await
}

/// Presses the hook whose text has this in it.
async fn press(page: &Page, testid: &str, words: &str) -> Result<()> {
    let script = "const all = [...document.querySelectorAll(`[data-testid=\"${arguments[0]}\"]`)];
        const found = all.find(one => (one.getAttribute('aria-label') || '').includes(arguments[1])
            || one.textContent.includes(arguments[1]));
        if (!found || found.disabled) return false;
        for (let fold = found.closest('details'); fold; fold = fold.parentElement.closest('details')) fold.open = true;
        found.click();
        return true";
    page.until(&format!("{testid} with {words:?} is there"), SOON, script, vec![json!(testid), json!(words)])
        .await?;
    Ok(())
}

/// Rows of the values' table that differ: time, source, target.
async fn differing(page: &Page) -> Result<Vec<[String; 3]>> {
    let script = "return [...document.querySelectorAll('[data-testid=\"finding\"] [data-testid=\"excerpt-values\"] tr.differs')]
        .map(row => [...row.cells].slice(0, 3).map(cell => cell.textContent.trim()))";
    Ok(serde_json::from_value(page.js(script, vec![]).await?)?)
}

async fn explores_repairs_and_verifies_again(kind: Kind) -> Result<()> {
    let (target, tenant) = (servers::target()?, "explored");
    // Of the kitchen a batch is lost; of the attic everything.
    load_damaged(&target, tenant, |room, series| match room {
        "kitchen" => drop(series.samples.drain(100..140)),
        "attic" => series.samples.clear(),
        _ => {}
    })?;
    let direct = plans::plan(&SOURCE.prometheus.url(), &target.url(), tenant, &[METRIC]);
    let place = site::one_origin(&direct)?;
    let mut sent = (String::new(), String::new());
    with_page(kind, "explore", &place.url, async |page| {
        run(page, &place.plan, "verify", "fail").await?;
        page.says("verdict", "Not verified", SOON).await?;

        // Counts by kind, then one kind, then its one finding.
        page.says("findings", "missing samples", SOON).await?;
        page.says("findings", "missing series", SOON).await?;
        press(page, "kind", "missing samples").await?;
        let rows = "return document.querySelectorAll('[data-testid=\"findings\"] tr[data-kind]').length === 1";
        page.until("one cause is left", SOON, rows, vec![]).await?;
        press(page, "pick", "kitchen").await?;
        let focused = "return document.activeElement?.dataset.testid === 'finding'";
        page.until("the finding has the focus", SOON, focused, vec![]).await?;
        page.says("finding", "kitchen", SOON).await?;
        page.says("finding-facts", "40 samples", SOON).await?;

        // The point itself: the first that is missing, with the source's value.
        let kitchen = SOURCE.history.series.iter().find(|series| {
            series.name() == METRIC && series.labels.iter().any(|label| label.value == "kitchen")
        });
        let lost = kitchen.and_then(|series| series.samples.get(100)).context("the lost sample")?;
        let found = differing(page).await?;
        let (_, source, absent) = found
            .first()
            .map(|[at, source, target]| (at, source.clone(), target.clone()))
            .context("a row that differs")?;
        ensure!(source.parse::<f64>()? == lost.value, "the source's value is {source}, not {}", lost.value);
        ensure!(absent == "none", "the target's value is {absent}");
        // The drawing is a slider: it stands at that point, and goes on by key.
        let plot = "const plot = document.querySelector('[data-testid=\"excerpt-plot\"]');
            plot.focus();
            const before = plot.getAttribute('aria-valuetext');
            plot.dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowLeft', bubbles: true }));
            return before";
        let at = page.js(plot, vec![]).await?;
        ensure!(at.as_str().is_some_and(|text| text.contains("differs")), "the drawing stands at {at}");
        let moved = "return !document.querySelector('[data-testid=\"excerpt-plot\"]').getAttribute('aria-valuetext').includes('differs')";
        page.until("the drawing went back by one", SOON, moved, vec![]).await?;

        // The map leads to the series that is lost as a whole.
        press(page, "map-row", "attic").await?;
        page.says("findings", "missing series", SOON).await?;
        page.says("finding", "attic", SOON).await?;

        page.says("repair-offer", "part", SOON).await?;
        press(page, "repair", "Copy what is missing").await?;
        page.stage("verify", &["repaired"], RUN).await?;
        page.idle(RUN).await?;
        page.says("verdict", "Repaired", SOON).await?;
        let report: Value = serde_json::from_str(&page.download("download-json", "report.json").await?)?;
        ensure!(report["command"] == "repair" && report["status"] == "pass", "the repair's report: {report:#}");
        page.click("verify-whole").await?;
        page.stage("verify", &["pass"], RUN).await?;
        let told = page.says("verdict", "Verified", SOON).await?;
        let headline = told.lines().find(|line| line.contains("agree")).context("a headline")?.to_owned();

        // The report is sent on as a link.
        page.click("nav-reports").await?;
        press(page, "history-open", "").await?;
        page.says("report-verdict", &headline, SOON).await?;
        page.click("copy-link").await?;
        let script = "return document.querySelector('[data-testid=\"report-link\"]')?.value";
        let link = page.until("there is a link", SOON, script, vec![]).await?;
        sent = (link.as_str().context("a link")?.to_owned(), headline);
        let complaints = page.complaints().await?;
        ensure!(complaints.is_empty(), "the browser complains: {complaints:#?}");
        Ok(())
    })
    .await?;
    let (link, headline) = sent;
    with_page(kind, "explore-link", &link, async |page| {
        page.says("report-verdict", &headline, SOON).await?;
        page.says("report", METRIC, SOON).await?;
        Ok(())
    })
    .await?;
    same_metric(&SOURCE.prometheus.endpoint(), &target.endpoint(tenant), METRIC, START, END)?;
    native_verify(&direct, START, END)
}

async fn shows_what_copying_cannot_mend(kind: Kind) -> Result<()> {
    let (target, tenant) = (servers::target()?, "wrong-value");
    load_damaged(&target, tenant, |room, series| {
        if room == "attic"
            && let Some(sample) = series.samples.get_mut(7)
        {
            sample.value += 1000.0;
        }
    })?;
    let direct = plans::plan(&SOURCE.prometheus.url(), &target.url(), tenant, &[METRIC]);
    let place = site::one_origin(&direct)?;
    with_page(kind, "wrong-value", &place.url, async |page| {
        run(page, &place.plan, "verify", "fail").await?;
        page.says("finding", "attic", SOON).await?;
        page.says("finding-facts", "apart by", SOON).await?;
        let found = differing(page).await?;
        ensure!(found.len() == 1, "one point differs, not {found:?}");
        let number = |at: usize| found[0][at].parse::<f64>();
        ensure!((number(2)? - number(1)? - 1000.0).abs() < 1e-6, "the values are {found:?}");
        page.says("repair-offer", "It cannot mend different values (1)", SOON).await?;
        ensure!(!page.has("repair").await?, "a repair that mends nothing is offered");
        Ok(())
    })
    .await
}

const DASHBOARD: &str = r#"{
  "title": "House", "schemaVersion": 39, "uid": "house",
  "templating": { "list": [{ "name": "room", "type": "custom", "query": "kitchen,attic",
    "current": { "text": "kitchen", "value": "kitchen" },
    "options": [{ "text": "kitchen", "value": "kitchen" }, { "text": "attic", "value": "attic" }] }] },
  "panels": [
    { "id": 1, "title": "Temperature", "type": "timeseries", "datasource": { "type": "prometheus", "uid": "p" },
      "targets": [{ "refId": "A", "expr": "max(room_temperature_celsius{room=\"$room\"})" },
                  { "refId": "B", "expr": "min(room_temperature_celsius)" }] },
    { "id": 2, "title": "Again", "type": "timeseries", "datasource": { "type": "prometheus", "uid": "p" },
      "targets": [{ "refId": "A", "expr": "min(room_temperature_celsius)" }] }
  ]
}"#;

async fn takes_queries_from_a_dashboard(kind: Kind) -> Result<()> {
    let target = servers::target()?;
    let direct = plans::plan(&SOURCE.prometheus.url(), &target.url(), "queries", &[METRIC]);
    let place = site::one_origin(&direct)?;
    with_page(kind, "queries", &place.url, async |page| {
        page.drop_plan(&plans::text(&place.plan)).await?;
        page.set_window(&time(START), &time(END)).await?;
        page.drop_files(&[("house.json", DASHBOARD)]).await?;
        page.says("queries", "min(room_temperature_celsius)", SOON).await?;
        page.says("queries", r#"max(room_temperature_celsius{room="kitchen"})"#, SOON).await?;
        page.fill("variable-room", "attic").await?;
        page.js("document.activeElement.blur()", vec![]).await?;
        page.says("queries", r#"max(room_temperature_celsius{room="attic"})"#, SOON).await?;
        page.click("add-queries").await?;
        let held = "const text = document.querySelector('[data-testid=\"plan-text\"]').value;
            return text.includes('promql_checks') && JSON.parse(text).promql_checks.map(check => check.query)";
        let queries = page.until("the plan has the queries", SOON, held, vec![]).await?;
        let all: Vec<String> = serde_json::from_value(queries)?;
        ensure!(all.len() == 2, "two queries, each once: {all:?}");
        ensure!(all.iter().any(|query| query.contains("attic")), "not the value that was chosen: {all:?}");
        page.says("queries", "The plan has all that are ticked", SOON).await?;
        // Once more changes nothing.
        page.drop_files(&[("house.json", DASHBOARD)]).await?;
        page.says("queries", r#"max(room_temperature_celsius{room="kitchen"})"#, SOON).await?;
        page.fill("variable-room", "attic").await?;
        page.js("document.activeElement.blur()", vec![]).await?;
        page.says("queries", "The plan has all that are ticked", SOON).await?;
        page.says("diagnostics", "Nothing to mend", SOON).await?;
        page.drop_files(&[("rules.yml", "groups:\n- name: house\n  rules:\n  - alert: Cold\n    expr: room_temperature_celsius < 5\n")]).await?;
        page.says("queries", "room_temperature_celsius < 5", SOON).await?;
        Ok(())
    })
    .await
}

async fn checks_the_cutover_and_takes_it_back(kind: Kind) -> Result<()> {
    let (target, tenant) = (servers::target_with_admin()?, "taken-back");
    let mut direct = plans::plan(&SOURCE.prometheus.url(), &target.url(), tenant, &[METRIC]);
    direct["promql_checks"] = json!([{ "query": "max(room_temperature_celsius)", "step": "60s" }]);
    direct["target"]["headers"] = json!({ "Authorization": "Bearer ${TSINK_TOKEN}" });
    let (gateway, plan) = site::open_origin(&direct)?;
    let held = || -> Result<usize> {
        let series = target.endpoint(tenant).read_metric(METRIC, START, END)?;
        Ok(series.iter().map(|series| series.samples.len()).sum())
    };
    with_page(kind, "take-back", &format!("{}/", gateway.url()), async |page| {
        page.drop_plan(&plans::text(&plan)).await?;
        page.set_window(&time(START), &time(END)).await?;
        page.says("blocked", "1 secret missing", SOON).await?;
        page.fill("secret-TSINK_TOKEN", TOKEN).await?;
        page.click("migrate").await?;
        page.idle(RUN).await?;
        page.stage("cutover", &["pass"], SOON).await?;
        let list = page.says("checklist", "Checklist", SOON).await?;
        let codes = "return [...document.querySelectorAll('[data-testid=\"checklist\"] [data-check]')].map(one => one.dataset.check)";
        let codes: Vec<String> = serde_json::from_value(page.js(codes, vec![]).await?)?;
        for code in ["data_verified", "capabilities", "parity", "freshness", "balance", "way_back"] {
            ensure!(codes.iter().any(|own| own == code), "{code} is not on the list: {list}");
        }
        let before = held()?;
        ensure!(before > 0, "nothing was written");

        press(page, "undo", "Delete it").await?;
        for words in [tenant, METRIC, "2025-11-19"] {
            page.says("undo-dialog", words, SOON).await?;
        }
        let phrase = page.text("undo-phrase").await?.context("a phrase")?;
        let disabled = "return document.querySelector('[data-testid=\"undo-confirm\"]').disabled";
        ensure!(page.js(disabled, vec![]).await? == true, "it can be pressed with nothing typed");
        page.fill("undo-typed", &format!("{phrase}x")).await?;
        ensure!(page.js(disabled, vec![]).await? == true, "it can be pressed with a wrong phrase");
        ensure!(held()? == before, "something was deleted without a confirmation");
        page.fill("undo-typed", &phrase).await?;
        page.click("undo-confirm").await?;
        page.says("undone", "Deleted", RUN).await?;
        let left = page.js("return document.querySelector('[data-testid=\"undone\"]').dataset.left", vec![]).await?;
        ensure!(left == "0", "{left} rows are left");
        page.says("stale", "deleted this window", SOON).await?;
        Ok(())
    })
    .await?;
    ensure!(held()? == 0, "the target still shows {} samples", held()?);
    Ok(())
}
