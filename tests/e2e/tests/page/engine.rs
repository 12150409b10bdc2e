//! The engine is a module of its own: when it comes, and what is said when it does not.

use anyhow::{Context, Result, ensure};
use e2e::browser::Kind;
use e2e::page::{Page, SOON, with_page};
use e2e::{in_both_browsers, plans, site};
use tsink_migrate_testkit::gateway::{Gateway, GatewayConfig};

in_both_browsers!(comes_with_the_first_plan, is_not_there_and_comes_later, is_of_another_build);

const MODULE: &str = "engine_bg.wasm";
const FILES: [&str; 3] = ["engine-worker.js", "engine.js", MODULE];

fn plan() -> String {
    // Nothing is asked of these servers.
    plans::text(&plans::plan("http://127.0.0.1:2", "http://127.0.0.1:2", "default", &["up"]))
}

/// The engine has looked at the plan.
async fn is_checked(page: &Page) -> Result<()> {
    let script = "const start = document.querySelector('[data-testid=\"migrate\"]'); return !!start && !start.disabled";
    let ready = "return !document.querySelector('[data-testid=\"blocked\"]')";
    page.until("the plan is checked", SOON, ready, vec![]).await?;
    page.until("the plan can be run", SOON, script, vec![]).await?;
    ensure!(!page.has("error-banner").await?, "an error is still shown");
    Ok(())
}

/// Below a path, where other things lie on the same host.
async fn comes_with_the_first_plan(kind: Kind) -> Result<()> {
    let copy = site::copy()?;
    let kept: Vec<Vec<u8>> = FILES.iter().map(|name| copy.take(name)).collect::<Result<_>>()?;
    let routes = vec![("/ops/migrate/".to_owned(), format!("{}/", copy.site.url()))];
    let host = Gateway::start(GatewayConfig { routes, ..GatewayConfig::default() })?;
    with_page(kind, "engine-comes", &format!("{}/ops/migrate/", host.url()), async |page| {
        // Files that are not there cannot have been asked for in silence.
        ensure!(page.complaints().await?.is_empty(), "it misses something: {:?}", page.complaints().await?);
        ensure!(!page.has("error-banner").await?, "an error is shown before there is a plan");
        for (name, content) in FILES.iter().zip(&kept) {
            copy.put(name, content)?;
        }
        page.drop_plan(&plan()).await?;
        is_checked(page).await?;
        ensure!(page.complaints().await?.is_empty(), "complaints: {:?}", page.complaints().await?);
        Ok(())
    })
    .await
}

async fn is_not_there_and_comes_later(kind: Kind) -> Result<()> {
    for name in FILES {
        let copy = site::copy()?;
        let content = copy.take(name)?;
        with_page(kind, "engine-missing", &format!("{}/", copy.site.url()), async |page| {
            page.drop_plan(&plan()).await?;
            let said = page.says("error-banner", "the engine could not be loaded", SOON).await?;
            ensure!(said.contains("engine-worker.js"), "it does not say what to look for: {said}");
            page.says("blocked", "the engine is not loaded", SOON).await?;
            copy.put(name, &content)?;
            page.click("try-again").await?;
            is_checked(page).await
        })
        .await
        .with_context(|| format!("without {name}"))?;
    }
    Ok(())
}

async fn is_of_another_build(kind: Kind) -> Result<()> {
    let copy = site::copy()?;
    let own = copy.take(MODULE)?;
    // The stamp is `build-` and 16 hexadecimal digits.
    let mark = b"build-";
    let is_stamp = |at: usize| {
        own.get(at + mark.len()..at + mark.len() + 16)
            .is_some_and(|rest| own[at..].starts_with(mark) && rest.iter().all(u8::is_ascii_hexdigit))
    };
    let at = (0..own.len()).find(|at| is_stamp(*at)).context("the engine has no stamp")?;
    let mut other = own.clone();
    let digit = &mut other[at + mark.len()];
    *digit = if *digit == b'0' { b'1' } else { b'0' };
    copy.put(MODULE, &other)?;
    with_page(kind, "engine-other-build", &format!("{}/", copy.site.url()), async |page| {
        page.drop_plan(&plan()).await?;
        page.says("error-banner", "reload the page", SOON).await?;
        copy.put(MODULE, &own)?;
        page.click("try-again").await?;
        is_checked(page).await
    })
    .await
}
