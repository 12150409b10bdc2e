//! Reports in the page: read from a file or a link, kept over a reload, sent on without what is to be hidden.

use anyhow::{Context, Result, ensure};
use e2e::browser::Kind;
use e2e::page::{Page, RUN, SOON, with_page};
use e2e::{in_both_browsers, plans, reports, site};
use serde_json::{Value, json};
use std::fs;
use std::time::Duration;
use tsink_migrate_testkit::process::free_port;

in_both_browsers!(
    shows_a_report_that_is_dropped,
    opens_a_link_in_a_fresh_profile,
    shortens_what_is_too_long_for_a_link,
    says_what_is_wrong_with_a_link,
    keeps_what_ran_here,
    says_why_nothing_is_kept,
    hides_hosts_and_labels,
);

/// The link that the page has made.
async fn link(page: &Page) -> Result<String> {
    let script = "return document.querySelector('[data-testid=\"report-link\"]')?.value";
    let link = page.until("there is a link", SOON, script, vec![]).await?;
    Ok(link.as_str().context("a link")?.to_owned())
}

async fn rows(page: &Page, wanted: u64) -> Result<()> {
    let script = "const rows = document.querySelectorAll('[data-testid=\"history-row\"]');
        return rows.length === arguments[0]";
    page.until(&format!("{wanted} reports in the history"), SOON, script, vec![json!(wanted)]).await?;
    Ok(())
}

async fn no_complaints(page: &Page) -> Result<()> {
    let complaints = page.complaints().await?;
    ensure!(complaints.is_empty(), "the browser complains: {complaints:#?}");
    Ok(())
}

async fn shows_a_report_that_is_dropped(kind: Kind) -> Result<()> {
    let site = site::alone()?;
    with_page(kind, "report-dropped", &format!("{}/", site.url()), async |page| {
        let report = reports::small();
        page.drop_files(&[("their-report.json", &report)]).await?;
        page.says("report-verdict", "Not verified", SOON).await?;
        page.says("report-verdict", "12 of 11,520 samples", SOON).await?;
        let shown = page.says("report", "10.1.0.9:9100", SOON).await?;
        for words in ["one write was lost", "Repair this part.", "a note of the run"] {
            ensure!(shown.contains(words), "{words:?} is not shown: {shown}");
        }
        ensure!(page.js("return location.hash", vec![]).await? == "#reports", "another address");
        // A stranger's report is not kept unless somebody says so.
        rows(page, 0).await?;
        let saved = page.download("report-json", "verify-2025-11-19-0000.json").await?;
        let saved: Value = serde_json::from_str(&saved)?;
        ensure!(saved["run"]["finished_ms"] == 1_763_510_409_100_i64, "another report: {saved}");
        let markdown = page.download("report-md", "verify-2025-11-19-0000.md").await?;
        ensure!(markdown.starts_with("# "), "no heading: {markdown}");
        ensure!(!page.download("report-html", "verify-2025-11-19-0000.html").await?.is_empty(), "no page");
        page.click("keep-report").await?;
        rows(page, 1).await?;
        page.click("close-report").await?;
        page.until(
            "the report is closed",
            SOON,
            "return !document.querySelector('[data-testid=\"report-verdict\"]')",
            vec![],
        )
        .await?;
        // What is no report says so, beside the history.
        page.drop_files(&[("broken.json", "{\"command\": \"verify\", \"status\": \"fail\"}")]).await?;
        page.says("unread", "broken.json cannot be read", SOON).await?;
        page.drop_files(&[("their-report.json", &report)]).await?;
        page.says("report-verdict", "Not verified", SOON).await?;
        ensure!(!page.has("unread").await?, "the error is still shown");
        no_complaints(page).await
    })
    .await
}

async fn opens_a_link_in_a_fresh_profile(kind: Kind) -> Result<()> {
    let site = site::alone()?;
    let mut sent = String::new();
    with_page(kind, "report-link-made", &format!("{}/?start=now-2h#plan", site.url()), async |page| {
        page.drop_files(&[("report.json", &reports::small())]).await?;
        page.says("report-verdict", "Not verified", SOON).await?;
        page.click("copy-link").await?;
        sent = link(page).await?;
        // The page lies on this machine here, and says what that means for the link.
        page.says("link-place", "of this machine", SOON).await?;
        no_complaints(page).await
    })
    .await?;
    let (address, data) = sent.split_once("#report=").context("a fragment")?;
    ensure!(address == format!("{}/", site.url()), "the link leads to {address}");
    ensure!(sent.len() < 4_000, "{} characters for a small report", sent.len());
    ensure!(
        data.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_'),
        "odd characters: {data}"
    );
    with_page(kind, "report-link-opened", &sent, async |page| {
        page.says("report-verdict", "Not verified", SOON).await?;
        page.says("report", "10.1.0.9:9100", SOON).await?;
        rows(page, 0).await?;
        // Reloaded, it is still there.
        page.reload().await?;
        page.says("report-verdict", "12 of 11,520 samples", SOON).await?;
        page.click("close-report").await?;
        ensure!(
            page.js("return location.hash", vec![]).await? == "#reports",
            "the data stays in the address"
        );
        no_complaints(page).await
    })
    .await
}

async fn shortens_what_is_too_long_for_a_link(kind: Kind) -> Result<()> {
    let site = site::alone()?;
    with_page(kind, "report-long", &format!("{}/", site.url()), async |page| {
        page.drop_files(&[("report.json", &reports::large(3_000))]).await?;
        page.says("report-verdict", "Not verified", SOON).await?;
        page.click("copy-link").await?;
        page.says("link-place", "mail and chat programs cut links off", SOON).await?;
        ensure!(!page.has("report-link").await?, "there is a link all the same");
        page.click("copy-short-link").await?;
        let short = link(page).await?;
        ensure!(short.len() <= 30_000, "{} characters", short.len());
        page.says("link-place", "details are left out", SOON).await?;
        let verdict = page.text("report-verdict").await?.context("a verdict")?;
        page.js("location.href = arguments[0]", vec![json!(short)]).await?;
        // Counts are the same, and it says what it is.
        page.says("report", "Shortened to fit into a link", SOON).await?;
        let after = page.text("report-verdict").await?.context("a verdict")?;
        let headline = |text: &str| text.lines().find(|line| line.contains(" samples")).map(str::to_owned);
        ensure!(
            headline(&verdict).is_some() && headline(&verdict) == headline(&after),
            "{verdict:?} became {after:?}"
        );
        no_complaints(page).await
    })
    .await
}

/// What a page makes of a text, deflated by the browser and as a link has it.
const DATA: &str = "
    const stream = new Blob(arguments[0]).stream().pipeThrough(new CompressionStream('deflate-raw'));
    const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
    let text = '';
    for (const byte of bytes) text += String.fromCharCode(byte);
    return btoa(text).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');";

async fn says_what_is_wrong_with_a_link(kind: Kind) -> Result<()> {
    let site = site::alone()?;
    with_page(kind, "report-link-broken", &format!("{}/", site.url()), async |page| {
        let follow = async |data: &str, words: &str| -> Result<()> {
            page.js("location.hash = 'report=' + arguments[0]", vec![json!(data)]).await?;
            let said = page.says("unread", words, SOON).await?;
            ensure!(said.contains("report.json"), "it does not say what to do: {said}");
            ensure!(!page.has("report-verdict").await?, "something is shown all the same");
            Ok(())
        };
        follow("AA_-!", "does not hold a whole report").await?;
        let script = format!("return (async function() {{ {DATA} }})([arguments[0]])");
        let whole = page.js(&script, vec![json!(reports::small())]).await?;
        let whole = whole.as_str().context("data")?;
        let (half, _) = whole.split_at(whole.len() / 2);
        follow(half, "does not hold a whole report").await?;
        // 64 MiB of nothing in some ten kilobytes: it stops at 16 MiB.
        let bomb = format!("return (async function() {{ {DATA} }})([' '.repeat(1 << 26)])");
        let bomb = page.js(&bomb, vec![]).await?;
        let bomb = bomb.as_str().context("data")?;
        ensure!(bomb.len() < 200_000, "{} characters are no bomb", bomb.len());
        follow(bomb, "unfolds to more than 16 MiB").await?;
        // Something else that is whole.
        let other = page.js(&script, vec![json!("[1, 2, 3]")]).await?;
        page.js("location.hash = 'report=' + arguments[0]", vec![other]).await?;
        page.says("unread", "The report in the link cannot be read", SOON).await?;
        page.js("location.hash = 'report=' + arguments[0]", vec![json!(whole)]).await?;
        page.says("report-verdict", "Not verified", SOON).await?;
        no_complaints(page).await
    })
    .await
}

/// A preflight of servers that are not there: a run that needs nothing, and a report of it.
async fn run_something(page: &Page) -> Result<()> {
    let nobody = format!("http://127.0.0.1:{}", free_port()?);
    page.drop_plan(&plans::text(&plans::plan(&nobody, &nobody, "default", &["up"]))).await?;
    page.click("preflight-only").await?;
    page.idle(RUN).await?;
    page.stage("preflight", &["fail"], SOON).await?;
    Ok(())
}

async fn keeps_what_ran_here(kind: Kind) -> Result<()> {
    let site = site::alone()?;
    let folder = tempfile::tempdir()?;
    let url = format!("{}/", site.url());
    with_page(kind, "report-history", &url, async |page| {
        run_something(page).await?;
        page.click("nav-reports").await?;
        rows(page, 1).await?;
        page.says("history-row", "preflight", SOON).await?;
        page.says("history-row", "Not ready", SOON).await?;
        no_complaints(page).await?;

        page.reload().await?;
        rows(page, 1).await?;
        page.click("history-open").await?;
        page.says("report-verdict", "Not ready", SOON).await?;
        page.says("endpoint-table", "cannot be reached", SOON).await?;
        ensure!(!page.has("keep-report").await?, "it is to be kept twice");

        // Out as one file, away, and back in.
        let all = page.download("export-history", "tsink-migrate-history.json").await?;
        let parsed: Value = serde_json::from_str(&all)?;
        ensure!(parsed["reports"].as_array().is_some_and(|list| list.len() == 1), "not one report: {all}");
        ensure!(parsed["reports"][0]["report"]["status"] == "fail", "no report in it: {all}");
        page.click("history-delete").await?;
        rows(page, 0).await?;
        page.click("undelete").await?;
        rows(page, 1).await?;
        page.click("delete-history").await?;
        page.click("delete-history-sure").await?;
        rows(page, 0).await?;
        let (history, single) = (folder.path().join("history.json"), folder.path().join("report.json"));
        fs::write(&history, &all)?;
        fs::write(&single, reports::small())?;
        page.choose_file("history-input", &history).await?;
        page.says("history-told", "1 report was added", SOON).await?;
        rows(page, 1).await?;
        page.choose_file("history-input", &history).await?;
        page.says("history-told", "1 report was there already", SOON).await?;
        page.choose_file("history-input", &single).await?;
        rows(page, 2).await?;
        fs::write(&single, "{\"command\": \"verify\", \"status\": 7}")?;
        page.choose_file("history-input", &single).await?;
        page.says("history-told", "0 reports were added", SOON).await?;
        // The newest run stands first.
        page.says("history-row", "preflight", SOON).await?;
        page.reload().await?;
        rows(page, 2).await?;
        no_complaints(page).await
    })
    .await
}

async fn says_why_nothing_is_kept(kind: Kind) -> Result<()> {
    let site = site::alone()?;
    with_page(kind, "report-not-kept", &format!("{}/", site.url()), async |page| {
        let full = "IDBFactory.prototype.open = () => { throw new DOMException('x', 'QuotaExceededError') }";
        page.js(full, vec![]).await?;
        run_something(page).await?;
        // The report itself is there as ever.
        ensure!(page.download("download-json", "report.json").await?.contains("\"fail\""), "no report");
        page.click("nav-reports").await?;
        let said = page.says("history-told", "because the browser has no more room", SOON).await?;
        ensure!(said.contains("still there to download"), "it does not say what that means: {said}");
        ensure!(!page.has("error-banner").await?, "it is told as a failure");
        no_complaints(page).await
    })
    .await
}

async fn hides_hosts_and_labels(kind: Kind) -> Result<()> {
    let site = site::alone()?;
    with_page(kind, "report-hidden", &format!("{}/", site.url()), async |page| {
        page.drop_files(&[("report.json", &reports::small())]).await?;
        page.says("report-verdict", "Not verified", SOON).await?;
        page.click("hide-hosts").await?;
        page.fill("hide-labels", "instance").await?;
        page.js("document.querySelector('[data-testid=\"hide-labels\"]').dispatchEvent(new Event('change', { bubbles: true }))", vec![])
            .await?;
        let gone = "return !document.querySelector('main').innerText.includes(arguments[0])";
        for secret in ["hidden.example", "10.1.0.9"] {
            page.until(&format!("{secret} is hidden"), Duration::from_secs(10), gone, vec![json!(secret)])
                .await?;
        }
        for (testid, name) in [
            ("report-json", "verify-2025-11-19-0000.json"),
            ("report-md", "verify-2025-11-19-0000.md"),
            ("report-html", "verify-2025-11-19-0000.html"),
        ] {
            let file = page.download(testid, name).await?;
            ensure!(!file.contains("hidden.example") && !file.contains("10.1.0.9"), "it is in {name}: {file}");
        }
        page.click("copy-link").await?;
        let sent = link(page).await?;
        page.open(&sent).await?;
        page.reload().await?;
        page.says("report-verdict", "Not verified", SOON).await?;
        let shown = page.text("report").await?.context("a report")?;
        ensure!(shown.contains("node_load1") && !shown.contains("10.1.0.9"), "the link has it: {shown}");
        Ok(())
    })
    .await
}
