//! Finishing the page: no inline script, and a content security policy.

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};
use std::fs;
use std::path::Path;

/// Nothing may run or load but what lies beside the page; requests may go to any server, because the plan
/// names them. Frames, objects, fonts and media have no need of their own and fall under `default-src 'none'`: a
/// report from a stranger is drawn by the page itself, as text, and never as a document. Widths of bars are set
/// through the object model, which no policy restricts.
const POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; \
    img-src 'self' data:; connect-src 'self' http: https:; worker-src 'self'; manifest-src 'self'; \
    base-uri 'none'; form-action 'none'";

/// Moves the script that trunk puts into the page to a file of its own, and adds the policy.
///
/// # Errors
/// When the page does not look as trunk 0.21 writes it.
pub fn finish(page: &Path) -> Result<()> {
    let html = fs::read_to_string(page).with_context(|| format!("cannot read {}", page.display()))?;
    let Taken { html, name, script } = take_script(&html)?;
    let html = with_policy(&html)?;
    if let Some(address) = addresses(&html).into_iter().find(|address| leaves(address)) {
        bail!("the page names {address}; only relative addresses work on every static host and sub-path");
    }
    fs::write(page.with_file_name(name), script)?;
    fs::write(page, html)?;
    Ok(())
}

/// A page whose inline script is a file.
#[derive(Debug)]
struct Taken {
    html: String,
    name: String,
    script: String,
}

/// Takes the one inline script out of the page. Its file is named by its content, as trunk names the others:
/// a browser that keeps an older one would ask for files that are gone.
fn take_script(html: &str) -> Result<Taken> {
    let opening = "<script type=\"module\"";
    let Some(start) = html.find(opening) else { bail!("the page has no module script") };
    let (before, rest) = html.split_at(start);
    let (tag, rest) = rest.split_once('>').context("the script's tag does not end")?;
    if tag.contains(" src=") {
        bail!("the page's module script is not inline");
    }
    let (script, after) = rest.split_once("</script>").context("the script does not end")?;
    if before.contains("<script") || after.contains("<script") {
        bail!("the page has more than one script");
    }
    let script = script.trim().to_owned() + "\n";
    let digest = format!("{:x}", Sha256::digest(&script));
    let name = format!("start-{}.js", digest.get(..16).unwrap_or(&digest));
    let html = format!("{before}<script type=\"module\" src=\"./{name}\"></script>{after}");
    Ok(Taken { html, name, script })
}

/// Values of all `src` and `href` attributes.
fn addresses(html: &str) -> Vec<&str> {
    let mut found = Vec::new();
    for opening in [" src=", " href="] {
        for rest in html.split(opening).skip(1) {
            let end = |quote: char| rest.strip_prefix(quote).and_then(|value| value.split(quote).next());
            found.push(
                end('"').or_else(|| end('\'')).unwrap_or(rest.split(['>', ' ']).next().unwrap_or(rest)),
            );
        }
    }
    found
}

fn leaves(address: &str) -> bool {
    address.starts_with('/') || address.contains("://")
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
    use super::finish;
    use std::fs;

    const INLINE: &str =
        "<head></head><link href=\"./a.css\"><script type=\"module\" nonce=\"x\">\nimport a\n</script><p>";

    /// What [`finish`] makes of a page: the page, and the other files with their content.
    fn finished(html: &str) -> anyhow::Result<(String, Vec<(String, String)>)> {
        let folder = tempfile::tempdir()?;
        let page = folder.path().join("index.html");
        fs::write(&page, html)?;
        finish(&page)?;
        let mut others = Vec::new();
        for entry in folder.path().read_dir()? {
            let entry = entry?;
            if entry.path() != page {
                let name = entry.file_name().to_string_lossy().into_owned();
                others.push((name, fs::read_to_string(entry.path())?));
            }
        }
        Ok((fs::read_to_string(&page)?, others))
    }

    #[test]
    fn the_inline_script_becomes_a_file_named_by_its_content() {
        let (html, files) = finished(INLINE).unwrap();
        let [(name, script)] = files.as_slice() else { panic!("{files:?}") };
        assert_eq!(script, "import a\n");
        assert!(name.starts_with("start-") && name.ends_with(".js"), "{name}");
        assert!(html.starts_with("<head><meta http-equiv=\"Content-Security-Policy\""), "{html}");
        assert!(html.ends_with(&format!("<script type=\"module\" src=\"./{name}\"></script><p>")), "{html}");
        let (_, others) = finished(&INLINE.replace("import a", "import b")).unwrap();
        assert_ne!(others[0].0, *name);
    }

    #[test]
    fn nothing_inline_may_run() {
        let (html, _) = finished(INLINE).unwrap();
        let policy = html.split("content=\"").nth(1).unwrap().split('"').next().unwrap();
        assert!(policy.starts_with("default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; "), "{policy}");
        assert!(!policy.contains("unsafe-inline") && !policy.contains("'unsafe-eval'"), "{policy}");
        // Data goes to the servers that a plan names, and nowhere by any other way.
        let open: Vec<&str> = policy.split("; ").filter(|part| part.contains("http")).collect();
        assert_eq!(open, ["connect-src 'self' http: https:"]);
        for closed in ["base-uri 'none'", "form-action 'none'"] {
            assert!(policy.contains(closed), "{policy}");
        }
        for part in ["frame-src", "child-src", "object-src", "font-src", "media-src", "*"] {
            assert!(!policy.contains(part), "{policy}");
        }
    }

    #[test]
    fn another_shape_is_an_error_and_not_a_page_without_policy() {
        for html in [
            "<head></head><p>",
            "<head></head><script type=\"module\" src=\"a.js\"></script>",
            "<head></head><script type=\"module\">a</script><script>b</script>",
            "<head></head><script>b</script><script type=\"module\">a</script>",
            "<script type=\"module\">a</script>",
        ] {
            assert!(finished(html).is_err(), "{html}");
        }
    }

    #[test]
    fn addresses_stay_below_the_page() {
        for address in ["\"/a.css\"", "'https://example.com/a.css'", "//example.com/a.css"] {
            let html = INLINE.replace("\"./a.css\"", address);
            assert!(finished(&html).unwrap_err().to_string().contains("a.css"), "{html}");
        }
        finished(&INLINE.replace("./a.css", "data:,")).unwrap();
    }
}
