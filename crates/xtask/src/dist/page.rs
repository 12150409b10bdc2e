//! Finishing the page: no inline script, and a content security policy.

use anyhow::{Context, Result, bail};
use std::fs;
use std::path::Path;

/// The name of the file that the inline script becomes.
const START: &str = "start.js";
/// Nothing may run or load but what lies beside the page; requests may go to any server, because the plan
/// names them. `unsafe-inline` is for style attributes only.
const POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self' 'unsafe-inline'; \
    img-src 'self' data: blob:; connect-src 'self' http: https:; worker-src 'self'; manifest-src 'self'; \
    base-uri 'none'; form-action 'none'";

/// Moves the script that trunk puts into the page to a file of its own, and adds the policy.
///
/// # Errors
/// When the page does not look as trunk 0.21 writes it.
pub fn finish(page: &Path) -> Result<()> {
    let html = fs::read_to_string(page).with_context(|| format!("cannot read {}", page.display()))?;
    let (html, script) = take_script(&html)?;
    fs::write(page.with_file_name(START), script)?;
    fs::write(page, with_policy(&html)?)?;
    Ok(())
}

/// The page without its one inline script, and that script.
fn take_script(html: &str) -> Result<(String, String)> {
    let opening = "<script type=\"module\"";
    let Some(start) = html.find(opening) else { bail!("the page has no module script") };
    let (before, rest) = html.split_at(start);
    let (tag, rest) = rest.split_once('>').context("the script's tag does not end")?;
    if tag.contains(" src=") {
        bail!("the page's module script is not inline");
    }
    let (script, after) = rest.split_once("</script>").context("the script does not end")?;
    if after.contains("<script") {
        bail!("the page has more than one script");
    }
    let link = format!("<script type=\"module\" src=\"./{START}\"></script>");
    Ok((format!("{before}{link}{after}"), script.trim().to_owned() + "\n"))
}

/// The page with the policy as early in its head as it may stand: behind the character set.
fn with_policy(html: &str) -> Result<String> {
    let meta = format!("<meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">");
    let at = html.find("<head>").context("the page has no head")? + "<head>".len();
    let (before, after) = html.split_at(at);
    Ok(format!("{before}{meta}{after}"))
}

#[cfg(test)]
mod tests {
    use super::{START, take_script, with_policy};

    #[test]
    fn the_inline_script_becomes_a_file() {
        let (html, script) =
            take_script("<head></head><script type=\"module\" nonce=\"x\">\nimport a\n</script><p>").unwrap();
        assert_eq!(html, format!("<head></head><script type=\"module\" src=\"./{START}\"></script><p>"));
        assert_eq!(script, "import a\n");
        assert!(
            with_policy(&html).unwrap().starts_with("<head><meta http-equiv=\"Content-Security-Policy\"")
        );
    }

    #[test]
    fn another_shape_is_an_error_and_not_a_page_without_policy() {
        assert!(take_script("<p>").is_err());
        assert!(take_script("<script type=\"module\" src=\"a.js\"></script>").is_err());
        assert!(take_script("<script type=\"module\">a</script><script>b</script>").is_err());
        assert!(with_policy("<p>").is_err());
    }
}
