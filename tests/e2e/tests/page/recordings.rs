//! What the page makes of captures: whole folders, single files in several drops, raw recordings.

use anyhow::{Context, Result, ensure};
use e2e::browser::Kind;
use e2e::page::{Page, RUN, SOON, with_page};
use e2e::{in_both_browsers, site};
use e2e::{plans, servers};
use serde_json::{Value, json};
use std::fs;

in_both_browsers!(
    takes_a_dropped_folder,
    adds_drops_up,
    makes_a_manifest,
    migrates_a_dropped_folder,
    begins_with_raw_files
);

const MANIFEST: &str = r#"[{ "path": "payloads/a.lp", "received_at_ms": 1763510400000 }]"#;

fn plan() -> String {
    json!({
        "source": { "kind": "influx_line_protocol", "capture_manifest_path": "capture.json" },
        "target": { "write_url": "http://127.0.0.1:2/api/v1/write", "read_url": "http://127.0.0.1:2/api/v1/read" },
        "selectors": ["cpu"],
    })
    .to_string()
}

/// A capture with everything that a folder may hold.
fn capture(plan: &str) -> Vec<(&'static str, &[u8])> {
    vec![
        ("plan.json", plan.as_bytes()),
        ("capture.json", MANIFEST.as_bytes()),
        ("other.json", b"[ ]"),
        ("payloads/a.lp", b"cpu value=1\n"),
        // A protobuf message whose first bytes look like a list.
        ("payloads/more/b.bin", b"\x0a\x5b\x0a\x14\x0a\x12"),
        ("payloads/more/c", b"\x1f\x8b\x08\x00"),
        ("payloads/more/.hidden", b"x"),
    ]
}

async fn is_taken(page: &Page) -> Result<()> {
    page.holds_plan(&plan()).await?;
    let said = page.says("recording", "the plan names it", SOON).await?;
    for words in ["manifest at hand", "capture.json", "other.json", "not used", "3 files"] {
        ensure!(said.contains(words), "it does not say {words:?}: {said}");
    }
    ensure!(said.contains("1 text, 1 binary, 1 gzip"), "it took the payloads for something else: {said}");
    Ok(())
}

async fn takes_a_dropped_folder(kind: Kind) -> Result<()> {
    let site = site::alone()?;
    with_page(kind, "recording-drop-folder", &format!("{}/", site.url()), async |page| {
        page.drop_folder("ops", &capture(&plan())).await?;
        is_taken(page).await?;
        page.says("recording", "1 hidden file", SOON).await?;
        page.click("recording-remove-payloads").await?;
        let gone =
            "return !document.querySelector('[data-testid=\"recording\"]').innerText.includes('3 files')";
        page.until("the payloads are gone", SOON, gone, vec![]).await?;
        page.click("recording-clear").await?;
        page.says("recording", "not here yet", SOON).await?;
        ensure!(page.complaints().await?.is_empty(), "complaints: {:?}", page.complaints().await?);
        Ok(())
    })
    .await
}

/// In Chromium only: geckodriver takes no folders.
#[tokio::test]
async fn takes_a_chosen_folder() -> Result<()> {
    let folder = tempfile::tempdir()?;
    fs::create_dir_all(folder.path().join("payloads/more"))?;
    for (name, content) in capture(&plan()) {
        fs::write(folder.path().join(name), content)?;
    }
    let site = site::alone()?;
    with_page(Kind::Chromium, "recording-folder", &format!("{}/", site.url()), async |page| {
        page.choose_folder(folder.path()).await?;
        is_taken(page).await
    })
    .await
}

async fn adds_drops_up(kind: Kind) -> Result<()> {
    let site = site::alone()?;
    with_page(kind, "recording-drops", &format!("{}/", site.url()), async |page| {
        page.drop_files(&[("a.lp", "cpu value=1\n")]).await?;
        page.says("recording", "no manifest", SOON).await?;
        page.drop_files(&[("plan.json", &plan())]).await?;
        page.holds_plan(&plan()).await?;
        let said = page.says("recording", "missing", SOON).await?;
        ensure!(said.contains("capture.json"), "it does not name what is missing: {said}");
        page.drop_files(&[
            ("elsewhere.json", MANIFEST),
            ("a.lp", "cpu value=2\n"),
            ("b.txt", "cpu value=3\n"),
        ])
        .await?;
        let said = page.says("recording", "elsewhere.json", SOON).await?;
        ensure!(said.contains("as the only one; the plan names capture.json"), "it does not say why: {said}");
        ensure!(said.contains("2 files"), "the same file counts twice: {said}");
        page.drop_files(&[("capture.json", MANIFEST)]).await?;
        let said = page.says("recording", "the plan names it", SOON).await?;
        ensure!(said.contains("not used"), "both are used: {said}");
        // An object and a list of something else are no part of it.
        page.drop_files(&[("notes.json", r#"{"status": "pass"}"#), ("list.json", "[1]")]).await?;
        let left = page.says("offered", "notes.json", SOON).await?;
        ensure!(left.contains("list.json"), "it took a list of numbers: {left}");
        Ok(())
    })
    .await
}

async fn makes_a_manifest(kind: Kind) -> Result<()> {
    let site = site::alone()?;
    with_page(kind, "recording-raw", &format!("{}/", site.url()), async |page| {
        page.drop_files(&[("b-10.lp", "cpu value=1\n"), ("b-9.lp", "cpu value=2\n")]).await?;
        page.fill("maker-arrived", "1763510400").await?;
        page.says("maker", "Unix", SOON).await?;
        page.fill("maker-arrived", "2025-11-19").await?;
        page.fill("maker-db", "telegraf").await?;
        page.click("maker-make").await?;
        page.says("recording", "manifest made here", SOON).await?;
        // A file that comes later is in it, too.
        page.drop_files(&[("b-11.lp", "cpu value=3\n")]).await?;
        page.says("recording", "3 entries", SOON).await?;
        let text = page.download("recording-save", "capture-manifest.json").await?;
        let entry = |path: &str| {
            json!({ "path": path, "received_at_ms": 1_763_510_400_000_i64, "query_params": { "db": "telegraf" } })
        };
        let made: Value = serde_json::from_str(&text)?;
        ensure!(made == json!([entry("b-9.lp"), entry("b-10.lp"), entry("b-11.lp")]), "not that: {text}");
        Ok(())
    })
    .await
}

/// First sample of the recording that is migrated, Unix ms, and its last.
const FIRST: i64 = 1_763_510_400_000;
const LAST: i64 = FIRST + 59 * 60_000;

/// An hour of two hosts with three fields a minute, as line protocol, and lines that tsink would refuse.
fn lines(host: &str) -> String {
    let mut text = String::new();
    for minute in 0..60 {
        let at = FIRST + minute * 60_000;
        text += &format!("cpu,host={host} value={minute}.5,user={}i,idle=1e3 {at}\n", minute % 7);
    }
    text.push_str(&format!("cpu,host={host} state=\"up\" {FIRST}\n# a comment\n"));
    text
}

/// A folder with plan, manifest and payload files becomes series in tsink; the preview says what will be refused, the
/// metrics are ticked in it, and the report accounts for everything.
async fn migrates_a_dropped_folder(kind: Kind) -> Result<()> {
    servers::on_sound_target(async |target| {
        let tenant = "recorded";
        let at = |path: &str| format!("{}/api/v1/{path}", target.url());
        let direct = json!({
            "source": { "kind": "influx_line_protocol", "capture_manifest_path": "capture.json" },
            "target": { "write_url": at("write"), "read_url": at("read"), "metadata_url": at("metadata"),
                        "status_url": at("status/tsdb"), "tenant": tenant },
            "selectors": ["cpu_user"],
            "options": { "live_probe": "scratch" },
        });
        let place = site::one_origin(&direct)?;
        let query = json!({ "db": "telegraf", "precision": "ms" });
        let manifest = json!([
            { "path": "payloads/a.lp", "received_at_ms": FIRST, "query_params": query },
            { "body": lines("b"), "received_at_ms": FIRST, "query_params": query },
        ]);
        let (plan, manifest, payload) = (plans::text(&place.plan), manifest.to_string(), lines("a"));
        let files: Vec<(&str, &[u8])> = vec![
            ("payloads/a.lp", payload.as_bytes()),
            ("capture.json", manifest.as_bytes()),
            ("plan.json", plan.as_bytes()),
        ];
        with_page(kind, "recording-migrates", &place.url, async |page| {
            page.drop_folder("ops", &files).await?;
            page.holds_plan(&plan).await?;
            // Said last: the window is looked at when the plan has been read.
            let said = page.says("preview", "outside the window", SOON).await?;
            for words in ["cpu_idle", "4 refused", "360", "1 of 3 selected", "cpu,host=a value=0.5"] {
                ensure!(said.contains(words), "the preview does not say {words:?}: {said}");
            }
            page.click("preview-all").await?;
            page.says("preview-selected", "3 of 3 selected", SOON).await?;
            page.click("preview-window").await?;
            page.says("diagnostics", "Nothing to mend", SOON).await?;
            page.click("migrate").await?;
            page.idle(RUN).await?;
            for stage in ["preflight", "backfill", "verify", "cutover"] {
                page.stage(stage, &["pass"], SOON).await?;
            }
            page.click("nav-preflight").await?;
            page.says("endpoint-table", "read back as they are migrated", SOON).await?;
            page.click("nav-backfill").await?;
            let report: Value = serde_json::from_str(&page.download("download-json", "report.json").await?)?;
            let recording = &report["preflight"]["recording"];
            for (value, wanted) in [
                (&recording["entries"], 2),
                (&recording["units"], 124),
                (&recording["refused"], 4),
                (&recording["samples"], 360),
                (&report["samples_written"], 360),
                (&report["series_written"], 6),
                (&report["metadata_written"], 3),
            ] {
                ensure!(*value == wanted, "{value}, not {wanted}: {report}");
            }
            ensure!(report["balance"]["closes"] == true, "the balance: {}", report["balance"]);
            let kinds: Vec<&str> = recording["refusals"]
                .as_array()
                .context("refusals")?
                .iter()
                .filter_map(|group| group["kind"].as_str())
                .collect();
            ensure!(kinds == ["timestamp", "string_field"], "refused for {kinds:?}");
            let complaints = page.complaints().await?;
            ensure!(complaints.is_empty(), "the browser complains: {complaints:#?}");
            Ok(())
        })
        .await?;
        let written = target.endpoint(tenant).read_metric("cpu", FIRST, LAST)?;
        let host = |series: &tsink_migrate_testkit::wire::TimeSeries| series.label("host").to_owned();
        ensure!(written.iter().map(host).collect::<Vec<_>>() == ["a", "b"], "other series: {written:?}");
        for series in &written {
            let values: Vec<f64> = series.samples.iter().map(|sample| sample.value).collect();
            let wanted: Vec<f64> = (0..60).map(|minute| f64::from(minute) + 0.5).collect();
            ensure!(values == wanted, "other values: {values:?}");
        }
        Ok(())
    })
    .await
}

/// Raw files without plan and manifest: the page makes both.
async fn begins_with_raw_files(kind: Kind) -> Result<()> {
    let site = site::alone()?;
    with_page(kind, "recording-begins", &format!("{}/", site.url()), async |page| {
        page.drop_files(&[("a.txt", "jobs:1|c\njobs:2|c\ndepth:+3|g\nbad\n")]).await?;
        page.fill("maker-arrived", "2025-11-19").await?;
        page.choose("maker-kind", "statsd").await?;
        page.click("maker-make").await?;
        let said = page.says("preview", "depth", SOON).await?;
        ensure!(said.contains("1 refused") && said.contains("0 of 2 selected"), "it says {said}");
        ensure!(page.has("plan-for").await?, "it offers no plan");
        // Ticking begins the plan.
        page.click("preview-all").await?;
        page.says("preview-selected", "2 of 2 selected", SOON).await?;
        ensure!(page.complaints().await?.is_empty(), "complaints: {:?}", page.complaints().await?);
        Ok(())
    })
    .await
}
