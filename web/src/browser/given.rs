//! Files that were dropped, chosen or pasted, with the paths that they came with. Folders are walked to the bottom.

use js_sys::{Array, Promise, Reflect, Uint8Array};
use leptos::wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    DataTransfer, File, FileList, FilePropertyBag, FileSystemDirectoryEntry, FileSystemEntry,
    FileSystemFileEntry,
};

/// A file and its path: from the folder that was dropped or chosen, or its name alone.
#[derive(Clone, Debug)]
pub struct Given {
    /// Path, with `/` between its parts.
    pub path: String,
    /// The file; nothing of it was read.
    pub file: File,
}

impl Given {
    fn new(path: &str, file: File) -> Self {
        let path = path.trim_start_matches('/');
        let path = if path.is_empty() { file.name() } else { path.to_owned() };
        Self { path, file }
    }

    /// A file made of a text.
    pub fn of_text(path: &str, text: &str) -> Option<Self> {
        let options = FilePropertyBag::new();
        options.set_type("application/json");
        let name = path.rsplit('/').next().unwrap_or(path);
        let parts = Array::of1(&JsValue::from_str(text));
        let file = File::new_with_str_sequence_and_options(&parts, name, &options).ok()?;
        Some(Self::new(path, file))
    }
}

/// What a drop, a paste or a file dialog gave: files, and folders still to be walked.
#[derive(Debug, Default)]
pub struct Gift {
    files: Vec<Given>,
    folders: Vec<FileSystemEntry>,
}

/// Files of a folder at most, so that a home directory that was dropped by mistake does not fill the memory.
pub const MOST: usize = 100_000;

impl Gift {
    /// Of a file dialog. Files of a folder know their paths.
    pub fn of_list(list: &FileList) -> Self {
        let path = |file: &File| {
            let path = Reflect::get(file, &"webkitRelativePath".into()).ok();
            path.and_then(|path| path.as_string()).unwrap_or_default()
        };
        let files = (0..list.length()).filter_map(|at| list.get(at));
        Self { files: files.map(|file| Given::new(&path(&file), file)).collect(), folders: Vec::new() }
    }

    /// Of files that were looked at already.
    pub fn of_files(files: Vec<Given>) -> Self {
        Self { files, folders: Vec::new() }
    }

    /// Of a drop or a paste. Only during its event: afterwards the browser forgets what it was.
    pub fn of_transfer(data: &DataTransfer) -> Self {
        let items = data.items();
        let mut gift = Self::default();
        for item in (0..items.length()).filter_map(|at| items.get(at)).filter(|item| item.kind() == "file") {
            match item.webkit_get_as_entry().ok().flatten() {
                Some(entry) if entry.is_directory() => gift.folders.push(entry),
                _ => {
                    let file = item.get_as_file().ok().flatten();
                    gift.files.extend(file.map(|file| Given::new("", file)));
                }
            }
        }
        gift
    }

    /// Whether nothing was given.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty() && self.folders.is_empty()
    }

    /// All files, those of folders included, and the paths of what cannot be read. `None` when there are more than
    /// [`MOST`].
    pub async fn unpack(self) -> Option<(Vec<Given>, Vec<String>)> {
        let Self { mut files, mut folders } = self;
        let mut unreadable = Vec::new();
        while let Some(entry) = folders.pop() {
            match open(&entry).await {
                Ok(Opened::File(file)) => files.push(Given::new(&entry.full_path(), file)),
                Ok(Opened::Folder(entries)) => folders.extend(entries),
                Err(_) => unreadable.push(entry.full_path().trim_start_matches('/').to_owned()),
            }
            if files.len() + folders.len() > MOST {
                return None;
            }
        }
        (files.len() <= MOST).then_some((files, unreadable))
    }
}

enum Opened {
    File(File),
    Folder(Vec<FileSystemEntry>),
}

async fn open(entry: &FileSystemEntry) -> Result<Opened, JsValue> {
    // Unchecked: not every browser has these classes by their standard names.
    if entry.is_directory() {
        let reader = entry.unchecked_ref::<FileSystemDirectoryEntry>().create_reader();
        let mut all = Vec::new();
        loop {
            // Some at a time, and none when all have come.
            let some = JsFuture::from(Promise::new(&mut |done, failed| {
                if let Err(error) = reader.read_entries_with_callback_and_callback(&done, &failed) {
                    let _ = failed.call1(&JsValue::UNDEFINED, &error);
                }
            }));
            let some: Array = some.await?.dyn_into()?;
            if some.length() == 0 {
                return Ok(Opened::Folder(all));
            }
            all.extend(some.iter().map(JsCast::unchecked_into::<FileSystemEntry>));
            if all.len() > MOST {
                return Ok(Opened::Folder(all));
            }
        }
    }
    let entry = entry.unchecked_ref::<FileSystemFileEntry>();
    let file = Promise::new(&mut |done, failed| entry.file_with_callback_and_callback(&done, &failed));
    Ok(Opened::File(JsFuture::from(file).await?.dyn_into()?))
}

/// The first bytes of a file, `most` of them at most.
pub async fn head(file: &File, most: f64) -> Result<Vec<u8>, String> {
    let unreadable = |_| "it could not be read; was it moved or changed?".to_owned();
    let head = file.slice_with_f64_and_f64(0.0, most.min(file.size())).map_err(unreadable)?;
    let bytes = JsFuture::from(head.array_buffer()).await.map_err(unreadable)?;
    Ok(Uint8Array::new(&bytes).to_vec())
}
