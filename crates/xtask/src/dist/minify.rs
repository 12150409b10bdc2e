//! Smaller scripts and styles, by esbuild.

use super::LONG;
use crate::setup::{Toolbox, log};
use crate::shell;
use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};
use std::fs;
use std::path::Path;
use std::process::Command;

/// Makes one file of the page's style sheets, in their order, named by its content.
///
/// # Errors
/// When the page links none, when one is missing, or when esbuild fails.
pub fn styles(tools: &Toolbox, page: &Path) -> Result<()> {
    let html = fs::read_to_string(page)?;
    let (html, links) = take_links(&html);
    if links.is_empty() {
        bail!("the page links no style sheet");
    }
    let mut all = String::new();
    for link in &links {
        let path = page.with_file_name(link.trim_start_matches("./"));
        all += &fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        fs::remove_file(&path)?;
    }
    let joined = page.with_file_name("style.css");
    fs::write(&joined, all)?;
    minify(tools, &joined)?;
    let name = format!("style-{:.16}.css", format!("{:x}", Sha256::digest(fs::read(&joined)?)));
    fs::rename(&joined, page.with_file_name(&name))?;
    let link = format!("<link rel=\"stylesheet\" href=\"./{name}\">\n  </head>");
    fs::write(page, html.replacen("</head>", &link, 1))?;
    Ok(())
}

/// Minifies every script in a folder. They keep their names, whose hashes are of what they were made from.
///
/// # Errors
/// When esbuild fails.
pub fn scripts(tools: &Toolbox, folder: &Path) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "js") {
            minify(tools, &path)?;
        }
    }
    Ok(())
}

fn minify(tools: &Toolbox, path: &Path) -> Result<()> {
    let mut command = Command::new(&tools.esbuild);
    tools.prepare_wasm(&mut command);
    command.args(["--minify", "--target=es2022", "--log-level=warning", "--allow-overwrite"]);
    command.arg(path).arg(format!("--outfile={}", path.display()));
    shell::run_compact("esbuild", &mut command, &log("dist-esbuild")?, LONG)
}

/// The page without comments, empty lines and links to style sheets, and the addresses of these in order.
fn take_links(html: &str) -> (String, Vec<String>) {
    let mut links = Vec::new();
    let mut rest = String::with_capacity(html.len());
    for line in html.split_inclusive('\n') {
        let address = line
            .trim()
            .strip_prefix("<link rel=\"stylesheet\" href=\"")
            .and_then(|rest| rest.split_once('"'));
        match address {
            Some((address, _)) => links.push(address.to_owned()),
            // Comments are for whoever reads the source.
            None if line.trim().starts_with("<!--") && line.trim().ends_with("-->") => {}
            None if line.trim().is_empty() => {}
            None => rest.push_str(line),
        }
    }
    (rest, links)
}

#[cfg(test)]
mod tests {
    use super::take_links;

    #[test]
    fn links_come_out_in_order() {
        let (html, links) = take_links(
            "<head>\n <link rel=\"stylesheet\" href=\"./1.css\"/>\n<link rel=\"icon\" href=\"./i.svg\">\n  \
             <link rel=\"stylesheet\" href=\"./2.css\" integrity=\"x\">\n</head>",
        );
        assert_eq!(links, ["./1.css", "./2.css"]);
        assert_eq!(html, "<head>\n<link rel=\"icon\" href=\"./i.svg\">\n</head>");
    }
}
