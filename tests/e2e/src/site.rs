//! Where the page stands: with both servers on one origin, or on an origin of its own. Both by what the
//! product itself tells operators to do: its gateway recipes, run by a real Caddy.

use crate::plans::parsed;
use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use tsink_migrate_engine::gateway::{GatewayInput, Kind, Recipe, recipes};
use tsink_migrate_testkit::gateway::{Gateway, GatewayConfig};
use tsink_migrate_testkit::process::free_port;
use tsink_migrate_testkit::servers::Caddy;

/// The built page: `DIST_SITE`, or `dist/site` of this repository.
///
/// # Errors
/// When it was not built.
pub fn folder() -> Result<PathBuf> {
    let built = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../dist/site");
    let folder = env::var_os("DIST_SITE").map_or(built, PathBuf::from);
    if !folder.join("index.html").is_file() {
        bail!("there is no page in {}: run `cargo xtask dist`, or set DIST_SITE", folder.display());
    }
    Ok(folder.canonicalize()?)
}

/// A gateway and the plan that goes through it.
#[derive(Debug)]
pub struct Place {
    /// Address of the page.
    pub url: String,
    /// The plan to use there.
    pub plan: Value,
    _caddy: Caddy,
    // The page's own origin, where it is another than the gateway's.
    _site: Option<Gateway>,
}

/// Page and servers on one origin, by the recipe for this plan.
///
/// # Errors
/// When the page was not built or Caddy does not start.
pub fn one_origin(plan: &Value) -> Result<Place> {
    let (caddy, recipe) = caddy(plan, Kind::OneOrigin, "")?;
    Ok(Place { url: format!("{}/", caddy.url()), plan: through(plan, &recipe)?, _caddy: caddy, _site: None })
}

/// The page on an origin of its own, the servers behind the CORS recipe for this plan.
///
/// # Errors
/// As [`one_origin`].
pub fn two_origins(plan: &Value) -> Result<Place> {
    let site = alone()?;
    let url = format!("{}/", site.url());
    let (caddy, recipe) = caddy(plan, Kind::Cors, &url)?;
    Ok(Place { url, plan: through(plan, &recipe)?, _caddy: caddy, _site: Some(site) })
}

/// The page on an origin of its own, and nothing else there.
///
/// # Errors
/// When the page was not built or no port is free.
pub fn alone() -> Result<Gateway> {
    Gateway::start(GatewayConfig { root: Some(folder()?), ..GatewayConfig::default() })
}

/// Page and servers on one origin behind a proxy that lets everything through, the target's admin API too; and the plan
/// to use there. No recipe does that.
///
/// # Errors
/// When the page was not built, no port is free, or the plan names no servers.
pub fn open_origin(plan: &Value) -> Result<(Gateway, Value)> {
    let base = |side: &str, field: &str| -> Result<String> {
        let url = plan[side][field].as_str().with_context(|| format!("{side}.{field}"))?;
        Ok(format!("{}/", url.split("/api/v1/").next().unwrap_or(url)))
    };
    let (source, target) = (base("source", "remote_read_url")?, base("target", "write_url")?);
    let mut through = plan.clone();
    for (side, base) in [("source", &source), ("target", &target)] {
        for (_, field) in through[side].as_object_mut().context("a side")? {
            if let Some(path) = field.as_str().and_then(|url| url.strip_prefix(base.as_str())) {
                *field = json!(format!("/{side}/{path}"));
            }
        }
    }
    let routes = vec![("/source/".to_owned(), source), ("/target/".to_owned(), target)];
    let gateway =
        Gateway::start(GatewayConfig { root: Some(folder()?), routes, ..GatewayConfig::default() })?;
    Ok((gateway, through))
}

/// A copy of the page, to take files from and put others there.
#[derive(Debug)]
pub struct Copy {
    /// Where it is served.
    pub site: Gateway,
    folder: TempDir,
}

/// Copies the page and serves the copy.
///
/// # Errors
/// As [`alone`].
pub fn copy() -> Result<Copy> {
    let copy = tempfile::tempdir()?;
    for entry in fs::read_dir(folder()?)? {
        let entry = entry?;
        fs::copy(entry.path(), copy.path().join(entry.file_name()))?;
    }
    let site =
        Gateway::start(GatewayConfig { root: Some(copy.path().to_owned()), ..GatewayConfig::default() })?;
    Ok(Copy { site, folder: copy })
}

impl Copy {
    /// Takes a file away, and returns what was in it.
    ///
    /// # Errors
    /// When it is not there.
    pub fn take(&self, name: &str) -> Result<Vec<u8>> {
        let path = self.folder.path().join(name);
        let content = fs::read(&path).with_context(|| format!("cannot read {name}"))?;
        fs::remove_file(path)?;
        Ok(content)
    }

    /// Puts a file there.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn put(&self, name: &str, content: &[u8]) -> Result<()> {
        Ok(fs::write(self.folder.path().join(name), content)?)
    }
}

fn caddy(plan: &Value, kind: Kind, page_url: &str) -> Result<(Caddy, Recipe)> {
    let port = free_port()?;
    let site = folder()?;
    let input = GatewayInput::from_plan(&parsed(plan)?, page_url)?
        .port(port)
        .site_folder(site.to_str().context("a path in UTF-8")?)?;
    let recipe = recipes(&input)
        .into_iter()
        .find(|recipe| recipe.kind == kind && recipe.server == "Caddy")
        .context("a recipe for Caddy")?;
    Ok((Caddy::start(&recipe.text, port)?, recipe))
}

/// The plan with the addresses that a recipe says to put in.
fn through(plan: &Value, recipe: &Recipe) -> Result<Value> {
    let mut plan = plan.clone();
    for (field, url) in &recipe.urls {
        let (side, name) =
            field.split_once('.').with_context(|| format!("a field of a side, not {field}"))?;
        plan[side][name] = json!(url);
    }
    Ok(plan)
}
