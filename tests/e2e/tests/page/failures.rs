//! What goes wrong, and what the page says about it.

use anyhow::{Context, Result, ensure};
use e2e::browser::Kind;
use e2e::page::{Page, RUN, SOON, with_page};
use e2e::plans::{self, time};
use e2e::servers::{self, END, SOURCE, START, TOKEN};
use e2e::{in_both_browsers, site};
use serde_json::{Value, json};
use std::path::Path;
use tsink_migrate_testkit::process::free_port;

in_both_browsers!(
    lists_five_mistakes,
    names_a_target_that_is_down,
    asks_for_a_token_and_keeps_it,
    shows_the_way_out_without_cors,
    moves_a_window_that_is_too_old,
);

/// A row of the preflight's table: its level and its text.
async fn endpoint(page: &Page, name: &str) -> Result<(String, String)> {
    let script = "const row = document.querySelector(`[data-testid=\"endpoint-table\"] [data-endpoint=\"${arguments[0]}\"]`);
        return row && [row.dataset.level, row.innerText]";
    let row = page.until(&format!("a row for {name}"), SOON, script, vec![json!(name)]).await?;
    let word = |at: usize| row[at].as_str().unwrap_or_default().to_owned();
    Ok((word(0), word(1)))
}

async fn preflight(page: &Page, wanted: &str) -> Result<()> {
    page.click("preflight-only").await?;
    page.idle(RUN).await?;
    let state = page.stage("preflight", &["pass", "fail", "stopped"], SOON).await?;
    ensure!(state == wanted, "the preflight ended as {state}, not {wanted}");
    Ok(())
}

async fn lists_five_mistakes(kind: Kind) -> Result<()> {
    let file =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../crates/engine/tests/plans/five-mistakes.json");
    let file = file.canonicalize()?;
    let site = site::alone()?;
    with_page(kind, "five-mistakes", &format!("{}/", site.url()), async |page| {
        page.choose_plan(&file).await?;
        page.says("diagnostics", "line 12", SOON).await?;
        let script = "return [...document.querySelectorAll('[data-testid=\"diagnostics\"] li[data-severity=\"error\"]')]
            .map(item => item.innerText)";
        let found = page.js(script, vec![]).await?;
        let found: Vec<&str> = found.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let wanted = [
            ("line 3, column 13", "promethius"),
            ("line 4, column 24", "remote_read_url"),
            ("line 9, column 5", "status_url"),
            ("line 10, column 15", "tenant"),
            ("line 12, column 17", "selectors[0]"),
        ];
        ensure!(found.len() == wanted.len(), "not five mistakes: {found:#?}");
        for (text, (place, words)) in found.iter().zip(wanted) {
            ensure!(text.contains(place) && text.contains(words), "{text:?} does not say {place} and {words}");
        }
        page.says("blocked", "5 things to mend", SOON).await?;
        let enabled = page.js("return !document.querySelector('[data-testid=\"migrate\"]').disabled", vec![]).await?;
        ensure!(enabled == false, "a plan with mistakes can be run");

        // Choosing a mistake puts the caret there: line 9 column 5 is where `status_ulr` stands.
        let choose = "document.querySelectorAll('[data-testid=\"diagnostics\"] li button')[2].click()";
        page.js(choose, vec![]).await?;
        let caret = "const field = document.querySelector('[data-testid=\"plan-text\"]');
            return document.activeElement === field && field.value.slice(field.selectionStart).startsWith('\"status_ulr\"')";
        page.until("the caret is at the mistake", SOON, caret, vec![]).await?;
        Ok(())
    })
    .await
}

async fn names_a_target_that_is_down(kind: Kind) -> Result<()> {
    // Nobody has been given this port, and nobody listens there.
    let down = format!("http://127.0.0.1:{}", free_port()?);
    let plan = plans::plan(&SOURCE.prometheus.url(), &down, "default", &["room_temperature_celsius"]);
    let place = site::two_origins(&plan)?;
    let mut plan = place.plan.clone();
    // Past the gateway, so that nothing at all answers.
    plan["target"] = plans::plan("", &down, "default", &[])["target"].take();
    with_page(kind, "target-down", &place.url, async |page| {
        page.drop_plan(&plans::text(&plan)).await?;
        page.set_window(&time(START), &time(END)).await?;
        page.click("migrate").await?;
        page.idle(RUN).await?;
        page.stage("preflight", &["fail"], SOON).await?;
        let (level, text) = endpoint(page, "target.write_url").await?;
        ensure!(level == "fails", "the target's row is {level}: {text}");
        ensure!(text.contains(&format!("{down}/api/v1/write")), "it does not name the target: {text}");
        ensure!(text.contains("cannot be reached"), "it does not say what is wrong: {text}");
        ensure!(text.contains("The server is down"), "it does not say what to do: {text}");
        let (level, text) = endpoint(page, "source.remote_read_url").await?;
        ensure!(level == "ok", "the source's row is {level}: {text}");
        let backfill = page.stage("backfill", &["todo", "pass", "fail", "stopped"], SOON).await?;
        ensure!(backfill != "pass", "the backfill ran");
        Ok(())
    })
    .await
}

async fn asks_for_a_token_and_keeps_it(kind: Kind) -> Result<()> {
    const WRONG: &str = "e2e-90aa21-a-wrong-token";
    let target = servers::guarded_target()?;
    let mut plan =
        plans::plan(&SOURCE.prometheus.url(), &target.url(), "token", &["room_temperature_celsius"]);
    plan["target"]["headers"] = json!({ "Authorization": "Bearer ${TSINK_TOKEN}" });
    let place = site::one_origin(&plan)?;
    with_page(kind, "token", &place.url, async |page| {
        page.drop_plan(&plans::text(&place.plan)).await?;
        page.set_window(&time(START), &time(END)).await?;
        page.says("blocked", "1 secret missing", SOON).await?;

        page.fill("secret-TSINK_TOKEN", WRONG).await?;
        preflight(page, "fail").await?;
        let (level, text) = endpoint(page, "target.write_url").await?;
        ensure!(level == "fails", "the target's row is {level}: {text}");
        for words in ["401", "the server does not accept the token", "Check the token", "target.headers"] {
            ensure!(text.contains(words), "it does not say {words:?}: {text}");
        }

        page.click("nav-plan").await?;
        page.fill("secret-TSINK_TOKEN", TOKEN).await?;
        preflight(page, "pass").await?;
        page.click("migrate").await?;
        page.idle(RUN).await?;
        page.stage("cutover", &["pass"], SOON).await?;
        page.says("verdict", "PASS", SOON).await?;

        let everything = "return [document.documentElement.outerHTML, location.href, document.cookie,
            JSON.stringify({ ...localStorage }), JSON.stringify({ ...sessionStorage })].join('\\n')";
        let mut places = Vec::new();
        for stage in ["plan", "preflight", "backfill", "verify", "cutover"] {
            page.click(&format!("nav-{stage}")).await?;
            page.until(
                "the page is shown",
                SOON,
                "return location.hash === arguments[0]",
                vec![json!(format!("#{stage}"))],
            )
            .await?;
            let shown = page.js(everything, vec![]).await?;
            places.push((stage, shown.as_str().context("the page's text")?.to_owned()));
        }
        places.push(("report.json", page.download("download-json", "report.json").await?));
        places.push(("report.md", page.download("download-md", "report.md").await?));
        for (place, text) in places {
            ensure!(!text.contains(TOKEN) && !text.contains(WRONG), "a token is in {place}");
        }
        Ok(())
    })
    .await
}

async fn shows_the_way_out_without_cors(kind: Kind) -> Result<()> {
    let (site, target) = (site::alone()?, servers::target()?);
    let plan = plans::plan(&SOURCE.prometheus.url(), &target.url(), "default", &["room_temperature_celsius"]);
    with_page(kind, "no-cors", &format!("{}/", site.url()), async |page| {
        page.drop_plan(&plans::text(&plan)).await?;
        page.set_window(&time(START), &time(END)).await?;
        preflight(page, "fail").await?;
        for name in ["source.remote_read_url", "target.write_url"] {
            let (level, text) = endpoint(page, name).await?;
            ensure!(level == "fails", "{name} is {level}: {text}");
            ensure!(text.contains("Access-Control-Allow-Origin"), "{name} does not say why: {text}");
        }
        let help = page.says("way-out-cors", "Access-Control-Allow-Origin", SOON).await?;
        ensure!(help.contains("Neither server"), "not both sides: {help}");
        // The recipe is for these servers.
        let recipe = page.says("recipe-body", "reverse_proxy", SOON).await?;
        for server in [SOURCE.prometheus.url(), target.url()] {
            let address = server.trim_start_matches("http://");
            ensure!(recipe.contains(address), "{address} is not in the recipe: {recipe}");
        }
        Ok(())
    })
    .await
}

async fn moves_a_window_that_is_too_old(kind: Kind) -> Result<()> {
    let target = servers::forgetful_target()?;
    let plan = plans::plan(&SOURCE.prometheus.url(), &target.url(), "default", &["up"]);
    let place = site::one_origin(&plan)?;
    with_page(kind, "retention", &place.url, async |page| {
        page.drop_plan(&plans::text(&place.plan)).await?;
        page.set_window("now-1d", "now-1m").await?;
        preflight(page, "fail").await?;
        page.says("way-out-retention", "--retention", SOON).await?;
        page.click("move-window").await?;
        preflight(page, "pass").await?;
        ensure!(!page.has("way-out-retention").await?, "the way out is still offered");
        Ok(())
    })
    .await?;
    // A preflight writes nothing.
    let names = target.endpoint("default").get_json("/api/v1/label/__name__/values")?;
    ensure!(names["data"].as_array().is_some_and(Vec::is_empty), "the preflight wrote something: {names}");
    Ok(())
}
