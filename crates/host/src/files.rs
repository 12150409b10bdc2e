//! Files that were dropped onto the page, found by the paths that plans and manifests give them.

use crate::paths::{Found, Paths};
use bytes::Bytes;
use futures_util::future::LocalBoxFuture;
use js_sys::{ArrayBuffer, Uint8Array};
use std::cell::RefCell;
use tsink_migrate_engine::port::{FileError, Files};
use tsink_migrate_engine::{Error, ErrorKind};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, File};

/// Files of the page. Nothing of them is read before it is asked for.
#[derive(Debug, Default)]
pub struct PageFiles {
    given: RefCell<Given>,
}

#[derive(Debug, Default)]
struct Given {
    folders: Vec<String>,
    paths: Paths,
    files: Vec<File>,
}

impl PageFiles {
    /// Takes these files in the place of those before; what is no `File` is left out. Names count from `folders`.
    pub fn set(&self, folders: Vec<String>, files: impl Iterator<Item = (String, JsValue)>) {
        let files = files.filter_map(|(path, file)| Some((path, file.dyn_into::<File>().ok()?)));
        let (paths, files): (Vec<String>, Vec<File>) = files.unzip();
        let paths = Paths::new(paths.iter().map(String::as_str));
        *self.given.borrow_mut() = Given { folders, paths, files };
    }

    fn find(&self, path: &str) -> Result<File, FileError> {
        let given = self.given.borrow();
        let folders: Vec<&str> = given.folders.iter().map(String::as_str).collect();
        let at = match given.paths.find(&folders, path) {
            Found::One(at) | Found::ByName(at) => Some(at),
            Found::None => None,
            Found::Several(_) => {
                return Err(FileError::Unreadable {
                    path: path.to_owned(),
                    message:
                        "several of the dropped files could be meant; drop the folder that holds the plan"
                            .to_owned(),
                });
            }
        };
        let file = at.and_then(|at| given.files.get(at)).cloned();
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

/// The text of a `Blob`.
///
/// # Errors
/// When it can no longer be read, or is no text; what to do.
pub(crate) async fn text(file: JsValue) -> Result<String, Error> {
    let unreadable = |error: JsValue| {
        Error::new(ErrorKind::Input, format!("the file cannot be read: {}", words(&error)))
            .remedy("Was it moved or changed? Choose it again.")
    };
    let file: Blob = file.dyn_into().map_err(unreadable)?;
    let buffer = JsFuture::from(file.array_buffer()).await.map_err(unreadable)?;
    String::from_utf8(Uint8Array::new(&buffer).to_vec()).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        Error::new(ErrorKind::Input, format!("the file is no text in UTF-8, from its byte {at} on"))
            .remedy("Take the file as it was written.")
    })
}

fn words(error: &JsValue) -> String {
    match error.dyn_ref::<js_sys::Error>() {
        Some(error) => String::from(error.message()),
        None => "the browser does not say why".to_owned(),
    }
}
