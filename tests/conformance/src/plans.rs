//! Plan files for real servers.

use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A plan's JSON with every endpoint of both servers, no headers, and no extra checks.
pub fn plan(source: &str, target: &str, selectors: &[&str]) -> Value {
    let at = |base: &str, path: &str| format!("{base}/api/v1/{path}");
    json!({
        "source": {
            "kind": "prometheus",
            "remote_read_url": at(source, "read"),
            "query_range_url": at(source, "query_range"),
            "metadata_url": at(source, "metadata"),
            "exemplar_url": at(source, "query_exemplars"),
        },
        "target": {
            "write_url": at(target, "write"),
            "read_url": at(target, "read"),
            "query_range_url": at(target, "query_range"),
            "metadata_url": at(target, "metadata"),
            "exemplar_url": at(target, "query_exemplars"),
            "status_url": at(target, "status/tsdb"),
            "tenant": "default",
        },
        "selectors": selectors,
    })
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
