//! Files that were dropped onto the page, found by the paths that plans and manifests give them.

use bytes::Bytes;
use futures_util::future::LocalBoxFuture;
use js_sys::{ArrayBuffer, Uint8Array};
use std::cell::RefCell;
use tsink_migrate_engine::port::{FileError, Files};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::File;

/// Files of the page. Nothing of them is read before it is asked for.
#[derive(Debug, Default)]
pub struct PageFiles {
    files: RefCell<Vec<(String, File)>>,
}

impl PageFiles {
    /// Takes these files in the place of those before; what is no `File` is left out.
    pub fn set(&self, files: impl Iterator<Item = (String, JsValue)>) {
        let files = files.filter_map(|(path, file)| Some((path, file.dyn_into::<File>().ok()?)));
        *self.files.borrow_mut() = files.collect();
    }

    fn find(&self, path: &str) -> Result<File, FileError> {
        let files = self.files.borrow();
        let at = find(path, files.iter().map(|(path, _)| path.as_str()))?;
        let file = files.get(at).map(|(_, file)| file.clone());
        file.ok_or_else(|| FileError::NotFound { path: path.to_owned() })
    }
}

impl Files for PageFiles {
    fn size(&self, path: &str) -> LocalBoxFuture<'static, Result<u64, FileError>> {
        // A file has less than 2^53 bytes, which a JavaScript number holds exactly.
        let size = self.find(path).map(|file| file.size() as u64);
        Box::pin(async move { size })
    }

    fn read(
        &self,
        path: &str,
        offset: u64,
        length: usize,
    ) -> LocalBoxFuture<'static, Result<Bytes, FileError>> {
        let (file, path) = (self.find(path), path.to_owned());
        Box::pin(async move {
            let unreadable =
                |error: JsValue| FileError::Unreadable { path: path.clone(), message: words(&error) };
            let end = offset.saturating_add(length as u64);
            let part = file?.slice_with_f64_and_f64(offset as f64, end as f64).map_err(unreadable)?;
            let buffer = JsFuture::from(part.array_buffer()).await.map_err(unreadable)?;
            let buffer: ArrayBuffer = buffer.unchecked_into();
            Ok(Bytes::from(Uint8Array::new(&buffer).to_vec()))
        })
    }
}

fn words(error: &JsValue) -> String {
    match error.dyn_ref::<js_sys::Error>() {
        Some(error) => String::from(error.message()),
        None => "the browser does not say why".to_owned(),
    }
}

/// Which of the dropped files, by their relative paths, is meant by a path in a plan or manifest.
///
/// A file that is dropped by itself comes without its folder, and a folder with its own name before the paths in
/// it. So the file counts that agrees with the path in most components from the end, its name at least.
///
/// # Errors
/// When none has this name, or several fit equally well.
pub fn find<'a>(path: &str, dropped: impl Iterator<Item = &'a str>) -> Result<usize, FileError> {
    let wanted = components(path);
    let mut best: Option<(usize, usize)> = None;
    let mut is_tie = false;
    for (at, own) in dropped.enumerate() {
        let own = components(own);
        let same = wanted.iter().rev().zip(own.iter().rev()).take_while(|(a, b)| a == b).count();
        if same == 0 {
            continue;
        }
        // Of two that agree as far, the one with fewer components besides is meant: `a` over `old/a` for `a`.
        let rank = same * 1_000 + 999 - (own.len() - same).min(999);
        match best {
            Some((before, _)) if before > rank => {}
            Some((before, _)) if before == rank => is_tie = true,
            _ => (best, is_tie) = (Some((rank, at)), false),
        }
    }
    match best {
        Some((_, at)) if !is_tie => Ok(at),
        Some(_) => Err(FileError::Unreadable {
            path: path.to_owned(),
            message: "several of the dropped files could be meant; drop the folder that holds the plan"
                .to_owned(),
        }),
        None => Err(FileError::NotFound { path: path.to_owned() }),
    }
}

/// Components without `.`, with `..` resolved.
fn components(path: &str) -> Vec<&str> {
    let mut all = Vec::new();
    for component in path.split(['/', '\\']) {
        match component {
            "" | "." => {}
            ".." => drop(all.pop()),
            other => all.push(other),
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::find;
    use tsink_migrate_engine::port::FileError;

    #[test]
    fn the_file_that_agrees_most_from_the_end_is_meant() {
        let folder = ["job/plan.json", "job/capture.json", "job/payloads/a.bin", "job/old/a.bin"];
        let at = |path: &str| find(path, folder.iter().copied());
        assert_eq!(at("capture.json"), Ok(1));
        assert_eq!(at("./payloads/a.bin"), Ok(2));
        assert_eq!(at("payloads\\a.bin"), Ok(2));
        assert_eq!(at("payloads/../old/a.bin"), Ok(3));
        assert_eq!(at("/var/lib/job/old/a.bin"), Ok(3));
        assert!(matches!(at("a.bin"), Err(FileError::Unreadable { .. })));
        assert!(matches!(at("b.bin"), Err(FileError::NotFound { .. })));
        assert_eq!(find("payloads/a.bin", ["a.bin", "b.bin"].into_iter()), Ok(0));
        assert_eq!(find("a.bin", ["old/a.bin", "a.bin"].into_iter()), Ok(1));
        assert!(find("", ["a"].into_iter()).is_err());
    }
}
