//! Plan files for real servers.

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A plan into the default tenant; see [`tsink_migrate_testkit::plans::plan`].
pub fn plan(source: &str, target: &str, selectors: &[&str]) -> Value {
    tsink_migrate_testkit::plans::plan(source, target, "default", selectors)
}

/// Replaces the address of one side in all its URLs.
///
/// # Panics
/// When the plan has no such side.
pub fn redirect(plan: &mut Value, side: &str, from: &str, to: &str) {
    for (_, value) in plan[side].as_object_mut().expect("a side of the plan").iter_mut() {
        if let Some(url) = value.as_str() {
            *value = url.replace(from, to).into();
        }
    }
}

/// A plan file in a folder of its own, with room for artifacts. Clones share the folder, which goes with the
/// last of them.
#[derive(Clone, Debug)]
pub struct PlanFile {
    folder: Arc<tempfile::TempDir>,
}

impl PlanFile {
    /// Writes a plan.
    pub fn new(plan: &Value) -> Self {
        Self::text(&serde_json::to_string_pretty(plan).expect("a JSON value"))
    }

    /// Writes a plan's text as it is.
    pub fn text(text: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        std::fs::write(folder.path().join("plan.json"), text).expect("a plan file");
        Self { folder: Arc::new(folder) }
    }

    /// The plan file.
    pub fn path(&self) -> PathBuf {
        self.folder.path().join("plan.json")
    }

    /// A path for artifacts; nothing is there yet.
    pub fn artifacts(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The folder of the file and the artifacts.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
}
