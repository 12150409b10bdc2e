//! Reports of strangers: nothing in them runs, and nothing is fetched.

use anyhow::{Result, ensure};
use e2e::browser::Kind;
use e2e::page::{Page, SOON, with_page};
use e2e::{in_both_browsers, reports, site};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tsink_migrate_testkit::gateway::{Gateway, GatewayConfig};

in_both_browsers!(
    markup_is_only_text,
    numbers_and_depth_do_no_harm,
    the_file_runs_nothing_either,
    scripts_that_get_in_do_not_run,
);

/// A server that writes down who calls.
struct Ear {
    url: String,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Ear {
    fn open() -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let url = format!("http://{}", listener.local_addr()?);
        let heard = Arc::new(Mutex::new(Vec::new()));
        let notes = heard.clone();
        // Ends with the test program.
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { continue };
                let mut start = [0; 200];
                let _ = stream.set_read_timeout(Some(Duration::from_secs(2)));
                let length = stream.read(&mut start).unwrap_or(0);
                let line = String::from_utf8_lossy(&start[..length]).lines().next().unwrap_or("").to_owned();
                notes.lock().expect("nobody panics with it").push(line);
                let _ = stream.write_all(b"HTTP/1.1 204 No Content\r\nAccess-Control-Allow-Origin: *\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            }
        });
        Ok(Self { url, heard })
    }

    fn heard(&self) -> Vec<String> {
        self.heard.lock().expect("nobody panics with it").clone()
    }
}

/// Everything that has ever made a page run or fetch something.
fn attacks(ear: &str) -> Vec<String> {
    [
        "<script>window.__ran = 'script'</script>",
        "<script src=\"EAR/script.js\"></script>",
        "<img src=\"EAR/img.png\" onerror=\"window.__ran = 'img'\">",
        "<img src=x onerror=\"window.__ran = 'img x'\">",
        "<svg onload=\"window.__ran = 'svg'\"><image href=\"EAR/svg.png\"/><script>window.__ran = 'svg script'</script></svg>",
        "<iframe src=\"EAR/frame\" srcdoc=\"<script>parent.__ran = 'srcdoc'</script>\"></iframe>",
        "<object data=\"EAR/object\"></object><embed src=\"EAR/embed\">",
        "</style></title></textarea></script><link rel=\"stylesheet\" href=\"EAR/style.css\"><style>@import 'EAR/import.css';</style>",
        "<meta http-equiv=\"refresh\" content=\"0;url=EAR/refresh\"><base href=\"EAR/\">",
        "<a href=\"javascript:window.__ran = 'link'\" id=\"content\">press me</a>",
        "[press me](javascript:window.__ran='md') ![x](EAR/md.png)",
        "<form action=\"EAR/form\"><button>press me</button></form>",
        "<input autofocus onfocus=\"window.__ran = 'focus'\"><details open ontoggle=\"window.__ran = 'toggle'\">",
        "\"><b style=\"background: url(EAR/background.png)\" onmouseover=\"window.__ran = 'over'\">",
        "{{constructor.constructor('window.__ran = 1')()}} ${window.__ran = 'template'}",
        "--> <!-- ]]> <![CDATA[ \u{202e}gpj.exe\u{2066} \u{0007}\u{fffe}",
        "EAR/plain?a=b",
        "javascript:window.__ran='url'",
        "data:text/html,<script>window.__ran='data'</script>",
    ]
    .into_iter()
    .map(|attack| attack.replace("EAR", ear))
    .collect()
}

/// A report with an attack in every text. `at` moves them on by so many, so that each comes to every place in turn.
fn with_attacks(text: &str, attacks: &[String], at: usize) -> String {
    fn put(value: &mut Value, key: &str, next: &mut impl FnMut() -> String) {
        match value {
            // Words that are names of the format.
            Value::String(_)
                if matches!(key, "command" | "status" | "kind" | "source_kind" | "side" | "level") => {}
            Value::String(text) => *text = format!("{text} {}", next()),
            Value::Array(list) => {
                if key == "notes" || key == "issues" {
                    list.extend((0..20).map(|_| json!("x")));
                }
                list.iter_mut().for_each(|value| put(value, key, next));
            }
            Value::Object(fields) => fields.iter_mut().for_each(|(key, value)| put(value, key, next)),
            _ => {}
        }
    }
    let mut report: Value = serde_json::from_str(text).expect("the engine's own JSON");
    let mut at = at;
    put(&mut report, "", &mut || {
        at += 1;
        attacks[at % attacks.len()].clone()
    });
    report.to_string()
}

/// What has come of the attacks: what ran, elements that do not belong to the page, and attributes that run.
const HARM: &str = "
    const own = [...document.querySelectorAll('main *')];
    const odd = own.filter(element => ['script', 'img', 'image', 'iframe', 'object', 'embed', 'link', 'style', 'meta', 'base', 'form']
        .includes(element.localName)).map(element => element.outerHTML);
    const runs = own.flatMap(element => [...element.attributes].filter(attribute => /^on/i.test(attribute.name)
        || ['href', 'src', 'srcset', 'srcdoc', 'action', 'formaction', 'data', 'style', 'xlink:href', 'ping'].includes(attribute.name)
            && /window|javascript:|data:|http/i.test(attribute.value)).map(attribute => attribute.name + '=' + attribute.value));
    return { ran: window.__ran ?? null, odd, runs, ids: document.querySelectorAll('#content').length,
        title: document.title, shown: document.querySelector('main').innerText };";

async fn unharmed(page: &Page, ear: &Ear) -> Result<String> {
    let harm = page.js(HARM, vec![]).await?;
    ensure!(harm["ran"].is_null(), "something ran: {}", harm["ran"]);
    ensure!(harm["odd"].as_array().is_some_and(Vec::is_empty), "elements got in: {}", harm["odd"]);
    ensure!(harm["runs"].as_array().is_some_and(Vec::is_empty), "attributes got in: {}", harm["runs"]);
    ensure!(harm["ids"] == 1, "ids got in");
    ensure!(ear.heard().is_empty(), "something was fetched: {:?}", ear.heard());
    let complaints = page.complaints().await?;
    ensure!(complaints.is_empty(), "the browser complains: {complaints:#?}");
    Ok(harm["shown"].as_str().unwrap_or_default().to_owned())
}

async fn markup_is_only_text(kind: Kind) -> Result<()> {
    let (site, ear) = (site::alone()?, Ear::open()?);
    let attacks = attacks(&ear.url);
    with_page(kind, "hostile-markup", &format!("{}/", site.url()), async |page| {
        for at in [0, 5, 11] {
            let report = with_attacks(&reports::small(), &attacks, at);
            page.drop_files(&[("<img src=x onerror=window.__ran=1>.json", &report)]).await?;
            page.says("report-verdict", "Not verified", SOON).await?;
            // Moving over everything and unfolding everything runs nothing either.
            let touch = "for (const element of document.querySelectorAll('main *')) {
                    for (const kind of ['mouseover', 'focus', 'toggle', 'load', 'error']) element.dispatchEvent(new Event(kind));
                    if (element.localName === 'details') element.open = true;
                }";
            page.js(touch, vec![]).await?;
            let shown = unharmed(page, &ear).await?;
            ensure!(shown.contains("<script>window.__ran = 'script'</script>"), "it is not shown as text: {shown}");
            // The same by way of the history and of a link.
            if at == 0 {
                page.click("keep-report").await?;
                page.click("close-report").await?;
                page.click("history-open").await?;
                page.says("report-verdict", "Not verified", SOON).await?;
                unharmed(page, &ear).await?;
                page.click("copy-link").await?;
                let script = "return document.querySelector('[data-testid=\"report-link\"]')?.value";
                let link = page.until("there is a link", SOON, script, vec![]).await?;
                page.js("location.href = arguments[0]", vec![link]).await?;
                page.until("it is opened by the link", SOON, "return location.hash.startsWith('#report=')", vec![]).await?;
                page.says("report-verdict", "Not verified", SOON).await?;
                unharmed(page, &ear).await?;
            }
        }
        Ok(())
    })
    .await
}

async fn numbers_and_depth_do_no_harm(kind: Kind) -> Result<()> {
    let (site, ear) = (site::alone()?, Ear::open()?);
    with_page(kind, "hostile-numbers", &format!("{}/", site.url()), async |page| {
        // As large as the format allows: shown.
        let mut report: Value = serde_json::from_str(&reports::small())?;
        for field in ["start_ms", "end_ms"] {
            report[field] = json!(if field == "start_ms" { i64::MIN } else { i64::MAX });
        }
        for field in
            ["source_samples", "target_samples", "sample_mismatches", "missing_series", "source_series"]
        {
            report["raw_checks"][0][field] = json!(u64::MAX);
        }
        report["raw_checks"][0]["findings"][0]["count"] = json!(u64::MAX);
        report["raw_checks"][0]["findings"][0]["first_ms"] = json!(i64::MIN);
        report["raw_checks"][0]["findings"][0]["last_ms"] = json!(i64::MAX);
        report["run"]["duration_ms"] = json!(u64::MAX);
        let one = report["raw_checks"][0].clone();
        report["raw_checks"] = json!([one.clone(), one.clone(), one]);
        page.drop_files(&[("large-numbers.json", &report.to_string())]).await?;
        page.says("report-verdict", "18,446,744,073,709,551,615", SOON).await?;
        unharmed(page, &ear).await?;
        // Beyond that: refused, and the page goes on.
        let small = reports::small();
        let deep = "[".repeat(200_000);
        let objects = "{\"a\":".repeat(200_000);
        for (name, text) in [
            ("number.json", small.replacen("11520", "1e999", 1)),
            ("negative.json", small.replacen("11520", "-1", 1)),
            ("long.json", small.replacen("11520", &"9".repeat(100_000), 1)),
            ("deep.json", small.replacen('{', &format!("{{\"deep\": {deep},"), 1)),
            ("closed.json", small.replacen('{', &format!("{{\"deep\": {deep}{},", "]".repeat(200_000)), 1)),
            ("deeper.json", small.replacen("\"raw_checks\": [", &format!("\"raw_checks\": [{objects}"), 1)),
            ("cut.json", small[..small.len() / 2].to_owned()),
        ] {
            page.drop_files(&[(name, &text)]).await?;
            page.says("unread", &format!("{name} cannot be read"), SOON).await?;
            ensure!(!page.has("report-verdict").await?, "something of {name} is shown");
            ensure!(!page.has("error-banner").await?, "the engine broke off at {name}");
        }
        page.drop_files(&[("small.json", &small)]).await?;
        page.says("report-verdict", "12 of 11,520 samples", SOON).await?;
        unharmed(page, &ear).await?;
        Ok(())
    })
    .await
}

/// `report.html` of a hostile report, opened from a server that sends no policy of its own.
async fn the_file_runs_nothing_either(kind: Kind) -> Result<()> {
    let (site, ear) = (site::alone()?, Ear::open()?);
    let attacks = attacks(&ear.url);
    let mut pages = Vec::new();
    with_page(kind, "hostile-file-made", &format!("{}/", site.url()), async |page| {
        for at in [0, 7] {
            let report = with_attacks(&reports::small(), &attacks, at);
            page.drop_files(&[("report.json", &report)]).await?;
            page.says("report-verdict", "Not verified", SOON).await?;
            pages.push(page.download("report-html", "verify-2025-11-19-0000.html").await?);
            page.click("close-report").await?;
        }
        Ok(())
    })
    .await?;
    let files = pages.iter().enumerate().map(|(at, html)| {
        (format!("/{at}.html"), "text/html; charset=utf-8".to_owned(), html.clone().into_bytes())
    });
    let host = Gateway::start(GatewayConfig { files: files.collect(), ..GatewayConfig::default() })?;
    with_page(kind, "hostile-file", &format!("{}/", site.url()), async |page| {
        for at in 0..pages.len() {
            page.js("location.href = arguments[0]", vec![json!(format!("{}/{at}.html", host.url()))]).await?;
            let there = "return location.pathname === arguments[0] && document.readyState === 'complete'";
            page.until("the file is open", SOON, there, vec![json!(format!("/{at}.html"))]).await?;
            let harm = "return { ran: window.__ran ?? null, shown: document.body.innerText,
                odd: [...document.querySelectorAll('script, img, iframe, object, embed, form, base, link[rel=stylesheet], a[href^=\"javascript\"]')]
                    .map(element => element.outerHTML) }";
            let harm = page.js(harm, vec![]).await?;
            ensure!(harm["ran"].is_null(), "something ran: {}", harm["ran"]);
            ensure!(harm["odd"].as_array().is_some_and(Vec::is_empty), "elements got in: {}", harm["odd"]);
            let shown = harm["shown"].as_str().unwrap_or_default();
            ensure!(shown.contains("<script>window.__ran"), "it is not shown as text: {shown}");
            ensure!(ear.heard().is_empty(), "something was fetched: {:?}", ear.heard());
        }
        Ok(())
    })
    .await
}

/// The second wall: even what came into the page as markup would not run, and not fetch.
async fn scripts_that_get_in_do_not_run(kind: Kind) -> Result<()> {
    let (site, ear) = (site::alone()?, Ear::open()?);
    let attacks = attacks(&ear.url);
    with_page(kind, "hostile-policy", &format!("{}/", site.url()), async |page| {
        let put = "for (const attack of arguments[0]) {
                // What would lead away from the page is no question of what may run.
                if (/http-equiv|autofocus/.test(attack)) continue;
                const place = document.createElement('div');
                place.innerHTML = attack;
                document.querySelector('main').append(place);
            }
            const script = document.createElement('script');
            script.textContent = \"window.__ran = 'inline'\";
            document.body.append(script);
            const far = document.createElement('script');
            far.src = arguments[1] + '/far.js';
            document.body.append(far);
            document.querySelectorAll('main a').forEach(link => link.click());
            document.querySelectorAll('main form').forEach(form => form.requestSubmit());";
        page.js(put, vec![json!(attacks), json!(ear.url)]).await?;
        // Violations are told after the fact: the last of them is the sign that all were looked at.
        let told = "return window.__complaints.filter(line => line.startsWith('content security policy')).length >= 5";
        page.until("the policy holds", SOON, told, vec![]).await?;
        ensure!(page.js("return window.__ran ?? null", vec![]).await?.is_null(), "something ran");
        ensure!(ear.heard().is_empty(), "something was fetched: {:?}", ear.heard());
        Ok(())
    })
    .await
}
