//! What a first visit to the page transfers.

use anyhow::Result;
use std::fmt;
use std::fs;
use std::io::Write as _;
use std::path::Path;

/// Files with their sizes.
#[derive(Debug, Default)]
pub struct Transfer {
    files: Vec<(String, u64, u64)>,
}

impl Transfer {
    /// Bytes with brotli, all files together.
    pub fn total(&self) -> u64 {
        self.files.iter().map(|(_, _, small)| small).sum()
    }
}

/// Measures every file in a folder and below.
///
/// # Errors
/// When one cannot be read.
pub fn measure(folder: &Path) -> Result<Transfer> {
    let mut transfer = Transfer::default();
    add(folder, folder, &mut transfer)?;
    transfer.files.sort_by_key(|(name, _, small)| (std::cmp::Reverse(*small), name.clone()));
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
            transfer.files.push((name, bytes.len() as u64, brotli_len(&bytes)?));
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
        writeln!(f, "{:>10} {:>10}  a first visit transfers", "bytes", "brotli")?;
        for (name, raw, small) in &self.files {
            writeln!(f, "{raw:>10} {small:>10}  {name}")?;
        }
        let raw: u64 = self.files.iter().map(|(_, raw, _)| raw).sum();
        write!(f, "{raw:>10} {:>10}  together", self.total())
    }
}

#[cfg(test)]
mod tests {
    use super::measure;

    #[test]
    fn counts_every_file_below() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("below")).unwrap();
        std::fs::write(folder.path().join("a.js"), "x".repeat(10_000)).unwrap();
        std::fs::write(folder.path().join("below/b.css"), "y").unwrap();
        let transfer = measure(folder.path()).unwrap();
        assert_eq!(transfer.files.len(), 2);
        assert!(transfer.total() > 0 && transfer.total() < 1_000, "{transfer}");
    }
}
