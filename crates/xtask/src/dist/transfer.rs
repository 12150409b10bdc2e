//! What visits to the page transfer.

use anyhow::{Result, bail};
use std::fmt;
use std::fs;
use std::io::Write as _;
use std::path::Path;

/// What a first visit may transfer at most, in bytes: every file of the page together, with brotli.
const FIRST_VISIT: u64 = 600_000;
/// What the engine may transfer at most when the first plan comes, in bytes with brotli: what it had when it became a
/// module of its own and seven tenths more: for captured payloads, for reports, which it writes as pages and reads from
/// strangers, and for ledgers, flow control and parts of wide selectors.
const ENGINE: u64 = 850_000;
/// How the names of the engine's files begin: its module, its script, and the worker's.
const ENGINE_FILES: &str = "engine";

/// Files with their sizes.
#[derive(Debug, Default)]
pub struct Transfer {
    files: Vec<File>,
}

#[derive(Debug)]
struct File {
    name: String,
    bytes: u64,
    brotli: u64,
}

impl File {
    /// Whether it waits for a plan.
    fn is_engine(&self) -> bool {
        self.name.starts_with(ENGINE_FILES)
    }
}

impl Transfer {
    /// Bytes with brotli of what a first visit transfers, and of what the first plan adds.
    fn totals(&self) -> (u64, u64) {
        let of =
            |engine| self.files.iter().filter(move |file| file.is_engine() == engine).map(|file| file.brotli);
        (of(false).sum(), of(true).sum())
    }

    /// Whether both are as small as they must be.
    ///
    /// # Errors
    /// When one is larger; or when there is no engine, as then its name has changed and it was counted elsewhere.
    pub fn check(&self) -> Result<()> {
        let (first, engine) = self.totals();
        if first > FIRST_VISIT {
            bail!("a first visit transfers {first} bytes, more than the {FIRST_VISIT} it may");
        }
        if engine > ENGINE {
            bail!("the engine has {engine} bytes, more than the {ENGINE} it may have");
        }
        if engine == 0 {
            bail!("no file of the page begins with {ENGINE_FILES:?}");
        }
        Ok(())
    }
}

/// Measures every file in a folder and below.
///
/// # Errors
/// When one cannot be read.
pub fn measure(folder: &Path) -> Result<Transfer> {
    let mut transfer = Transfer::default();
    add(folder, folder, &mut transfer)?;
    transfer.files.sort_by_key(|file| (std::cmp::Reverse(file.brotli), file.name.clone()));
    Ok(transfer)
}

fn add(root: &Path, folder: &Path, transfer: &mut Transfer) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            add(root, &path, transfer)?;
        } else {
            let bytes = fs::read(&path)?;
            let name = path.strip_prefix(root).unwrap_or(&path).display().to_string();
            transfer.files.push(File { name, bytes: bytes.len() as u64, brotli: brotli_len(&bytes)? });
        }
    }
    Ok(())
}

/// Length with brotli at its best quality, as a static host stores it.
fn brotli_len(bytes: &[u8]) -> Result<u64> {
    let mut out = Vec::new();
    let mut writer = brotli::CompressorWriter::new(&mut out, 1 << 16, 11, 24);
    writer.write_all(bytes)?;
    drop(writer);
    Ok(out.len() as u64)
}

impl fmt::Display for Transfer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (first, engine) = self.totals();
        let parts = [
            (false, "a first visit transfers", first, FIRST_VISIT),
            (true, "the first plan adds", engine, ENGINE),
        ];
        for (at, (is_engine, title, total, limit)) in parts.into_iter().enumerate() {
            if at > 0 {
                writeln!(f)?;
            }
            writeln!(f, "{:>10} {:>10}  {title}", "bytes", "brotli")?;
            let mut raw = 0;
            for file in self.files.iter().filter(|file| file.is_engine() == is_engine) {
                writeln!(f, "{:>10} {:>10}  {}", file.bytes, file.brotli, file.name)?;
                raw += file.bytes;
            }
            write!(f, "{raw:>10} {total:>10}  together, of {limit} at most")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{ENGINE, FIRST_VISIT, File, Transfer, measure};

    #[test]
    fn counts_every_file_below_once() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("below")).unwrap();
        std::fs::write(folder.path().join("a.js"), "x".repeat(10_000)).unwrap();
        std::fs::write(folder.path().join("below/b.css"), "y").unwrap();
        std::fs::write(folder.path().join("engine.js"), "z").unwrap();
        let transfer = measure(folder.path()).unwrap();
        assert_eq!(transfer.files.len(), 3);
        let (first, engine) = transfer.totals();
        assert!(first > engine && first < 1_000 && engine > 0, "{transfer}");
        transfer.check().unwrap();
    }

    #[test]
    fn too_much_is_an_error_on_either_side() {
        let check = |page, engine: Option<u64>| {
            let file = |name: &str, brotli| File { name: name.to_owned(), bytes: 2 * brotli, brotli };
            let files = [file("page-1.wasm", page)].into_iter();
            Transfer { files: files.chain(engine.map(|brotli| file("engine_bg.wasm", brotli))).collect() }
                .check()
        };
        check(FIRST_VISIT, Some(ENGINE)).unwrap();
        assert!(
            check(FIRST_VISIT + 1, Some(1)).unwrap_err().to_string().contains(&(FIRST_VISIT + 1).to_string())
        );
        assert!(check(1, Some(ENGINE + 1)).unwrap_err().to_string().contains(&(ENGINE + 1).to_string()));
        assert!(check(1, None).unwrap_err().to_string().contains("\"engine\""));
    }
}
