//! A recording on the page: manifests and payload files by their paths, whatever the order in which they came.
//!
//! Nothing here reads a file: `H` is a handle (`web_sys::File` on the page, anything in tests) that the engine reads
//! in pieces.

mod at_hand;
pub mod make;
pub mod sniff;

use make::{Kind, Raw, Settings};
use serde_json::Value;
use sniff::Form;
use std::collections::BTreeMap;
use tsink_migrate_engine::model::Millis;
use tsink_migrate_host::paths::{self, Found, Paths};

/// Name of a manifest that is made here, unless the plan names one.
const MADE: &str = "capture-manifest.json";

/// A file at hand.
#[derive(Clone, Debug, PartialEq)]
pub struct Item<H> {
    /// Path from the folder that it came in; its name where it came alone.
    pub path: String,
    /// Bytes.
    pub size: f64,
    /// When it was last changed, Unix ms.
    pub modified_ms: Millis,
    /// The file.
    pub handle: H,
}

/// What a file of a recording is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// A capture manifest.
    Manifest,
    /// A payload.
    Payload(Form),
}

/// How a manifest came to be the one that is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// The plan names it.
    Named,
    /// It is the only one; the plan names none, or another.
    Only,
    /// It was made here.
    Made,
}

/// The manifest to use.
#[derive(Clone, Debug, PartialEq)]
pub enum Choice<'r, H> {
    /// This one.
    Use(&'r Item<H>, Why),
    /// There are several, and the plan names none of them, or does not tell them apart.
    Several,
    /// There is none.
    None,
}

/// What a plan says about its recording.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// What was recorded; none when the plan's source is no recording.
    pub kind: Option<Kind>,
    /// `source.capture_manifest_path`.
    pub manifest: Option<String>,
}

impl Wanted {
    /// Reads a plan's text. One that is not JSON yet wants nothing.
    pub fn of_plan(text: &str) -> Self {
        let plan: Value = serde_json::from_str(text.trim_start_matches('\u{FEFF}')).unwrap_or_default();
        let field = |name: &str| plan.get("source")?.get(name)?.as_str();
        Self {
            kind: field("kind").and_then(Kind::of_word),
            manifest: field("capture_manifest_path")
                .filter(|path| !path.trim().is_empty())
                .map(str::to_owned),
        }
    }
}

/// The files of a recording.
#[derive(Clone, Debug)]
pub struct Recording<H> {
    manifests: BTreeMap<String, Item<H>>,
    payloads: BTreeMap<String, (Form, Item<H>)>,
    made: Option<(Settings, Item<H>)>,
    /// Path of the plan's file, which names in it are relative to.
    pub plan_path: String,
    /// Files left out because systems put them into folders by themselves.
    pub hidden: u64,
}

impl<H> Default for Recording<H> {
    fn default() -> Self {
        Self {
            manifests: BTreeMap::new(),
            payloads: BTreeMap::new(),
            made: None,
            plan_path: String::new(),
            hidden: 0,
        }
    }
}

impl<H: Clone> Recording<H> {
    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.manifests.is_empty() && self.payloads.is_empty() && self.hidden == 0
    }

    /// Adds a file. It takes the place of an earlier one with its path: it was changed, and dropped again.
    pub fn add(&mut self, role: Role, item: Item<H>) {
        self.remove(&item.path);
        match role {
            Role::Manifest => {
                // What somebody recorded counts more than what was made here.
                self.made = None;
                self.manifests.insert(item.path.clone(), item);
            }
            Role::Payload(form) => {
                self.payloads.insert(item.path.clone(), (form, item));
            }
        }
    }

    /// Removes a file.
    pub fn remove(&mut self, path: &str) {
        self.manifests.remove(path);
        self.payloads.remove(path);
    }

    /// Removes all payload files, and a manifest that was made of them.
    pub fn remove_payloads(&mut self) {
        self.payloads.clear();
        self.made = None;
    }

    /// Removes a manifest that was made here.
    pub fn remove_made(&mut self) {
        self.made = None;
    }

    /// Removes everything but the plan's path.
    pub fn clear(&mut self) {
        let plan_path = std::mem::take(&mut self.plan_path);
        *self = Self { plan_path, ..Self::default() };
    }

    /// Manifests by path.
    pub fn manifests(&self) -> impl ExactSizeIterator<Item = &Item<H>> {
        self.manifests.values()
    }

    /// Payload files by path.
    pub fn payloads(&self) -> impl ExactSizeIterator<Item = (Form, &Item<H>)> {
        self.payloads.values().map(|(form, item)| (*form, item))
    }

    /// Size of all payload files, in bytes.
    pub fn payload_bytes(&self) -> f64 {
        self.payloads().map(|(_, item)| item.size).sum()
    }

    /// Every file that an entry of the manifest may name: its path and its handle.
    pub fn files(&self) -> Vec<(String, H)> {
        self.payloads().map(|(_, item)| (item.path.clone(), item.handle.clone())).collect()
    }

    /// Folders that names in a manifest may be relative to: the plan's, as the specification says, then its own.
    pub fn folders(&self, manifest: &Item<H>) -> [String; 2] {
        [paths::folder(&self.plan_path), paths::folder(&manifest.path)]
    }

    /// The manifest to use with a plan.
    pub fn choose(&self, wanted: &Wanted) -> Choice<'_, H> {
        if let Some((_, made)) = &self.made {
            return Choice::Use(made, Why::Made);
        }
        let items: Vec<&Item<H>> = self.manifests().collect();
        let folder = paths::folder(&self.plan_path);
        let found = wanted
            .manifest
            .as_ref()
            .map(|wanted| Paths::new(items.iter().map(|item| item.path.as_str())).find(&[&folder], wanted));
        match (found, items.as_slice()) {
            (Some(Found::One(at) | Found::ByName(at)), _) => {
                items.get(at).map_or(Choice::None, |item| Choice::Use(item, Why::Named))
            }
            (_, [item]) => Choice::Use(item, Why::Only),
            (_, []) => Choice::None,
            _ => Choice::Several,
        }
    }

    /// Settings of the manifest that was made here.
    pub fn settings(&self) -> Option<&Settings> {
        self.made.as_ref().map(|(settings, _)| settings)
    }

    /// Makes a manifest of all payload files, or makes it anew after they changed. `file` turns its path and its text
    /// into a file; without payload files there is no manifest.
    pub fn make(
        &mut self,
        settings: Settings,
        wanted: &Wanted,
        file: impl FnOnce(&str, &str) -> Option<Item<H>>,
    ) {
        let folder = paths::folder(&self.plan_path);
        let raw: Vec<Raw<'_>> = self
            .payloads()
            .map(|(_, item)| Raw {
                path: paths::relative(&folder, &item.path),
                modified_ms: item.modified_ms,
            })
            .collect();
        let path = wanted.manifest.as_deref().unwrap_or(MADE);
        let made = (!raw.is_empty()).then(|| file(path, &make::manifest(&raw, &settings))).flatten();
        self.made = made.map(|item| (settings, item));
    }

    /// What the recording most likely is, by its files' names and forms.
    pub fn guess(&self) -> Kind {
        let is_binary = self.payloads().any(|(form, _)| form == Form::Binary);
        if is_binary { Kind::Otlp } else { Kind::Influx }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: Role = Role::Payload(Form::Text);

    fn item(path: &str) -> Item<u32> {
        Item { path: path.to_owned(), size: 10.0, modified_ms: 5, handle: 1 }
    }

    fn recording(manifests: &[&str], payloads: &[&str]) -> Recording<u32> {
        let mut recording = Recording::default();
        payloads.iter().for_each(|path| recording.add(TEXT, item(path)));
        manifests.iter().for_each(|path| recording.add(Role::Manifest, item(path)));
        recording
    }

    fn named(manifest: &str) -> Wanted {
        Wanted { kind: Some(Kind::Statsd), manifest: Some(manifest.to_owned()) }
    }

    /// Path of the manifest that is used, and why; or why there is none.
    fn choice(recording: &Recording<u32>, wanted: &Wanted) -> (String, Option<Why>) {
        match recording.choose(wanted) {
            Choice::Use(item, why) => (item.path.clone(), Some(why)),
            Choice::Several => ("several".to_owned(), None),
            Choice::None => ("none".to_owned(), None),
        }
    }

    #[test]
    fn a_plan_says_what_it_wants() {
        let wanted =
            Wanted::of_plan(r#"{"source": {"kind": "statsd", "capture_manifest_path": "c/m.json"}}"#);
        assert_eq!(wanted, named("c/m.json"));
        let none = Wanted::default();
        assert_eq!(
            Wanted::of_plan(r#"{"source": {"kind": "prometheus", "capture_manifest_path": " "}}"#),
            none
        );
        assert_eq!(Wanted::of_plan(r#"{"source": {"kind": 5}}"#), none);
        assert_eq!(Wanted::of_plan("{"), none);
        assert_eq!(Wanted::of_plan(""), none);
    }

    #[test]
    fn the_manifest_that_the_plan_names_is_used() {
        let mut all = recording(&["x/a.json", "x/b.json"], &["x/1.lp"]);
        all.plan_path = "x/plan.json".to_owned();
        assert_eq!(choice(&all, &named("b.json")), ("x/b.json".to_owned(), Some(Why::Named)));
        assert_eq!(choice(&all, &named("/srv/x/a.json")), ("x/a.json".to_owned(), Some(Why::Named)));
        assert_eq!(choice(&all, &named("c.json")).0, "several");
        all.remove("x/b.json");
        assert_eq!(choice(&all, &named("c.json")), ("x/a.json".to_owned(), Some(Why::Only)));
        assert_eq!(choice(&all, &Wanted::default()), ("x/a.json".to_owned(), Some(Why::Only)));
        all.remove("x/a.json");
        assert_eq!(choice(&all, &named("a.json")).0, "none");
    }

    #[test]
    fn drops_add_up_and_a_file_that_comes_again_counts_once() {
        let mut all = recording(&[], &["x/1.lp", "x/2.lp"]);
        all.add(Role::Payload(Form::Gzip), Item { size: 7.0, handle: 2, ..item("x/2.lp") });
        assert_eq!((all.payloads().len(), all.payload_bytes()), (2, 17.0));
        assert_eq!(all.files(), [("x/1.lp".to_owned(), 1), ("x/2.lp".to_owned(), 2)]);
        // What was taken for a payload turns out to be the manifest.
        all.add(Role::Manifest, item("x/2.lp"));
        assert_eq!((all.payloads().len(), all.manifests().len()), (1, 1));
        all.plan_path = "plan.json".to_owned();
        all.clear();
        assert!(all.is_empty() && all.plan_path == "plan.json");
    }

    #[test]
    fn a_manifest_is_made_beside_the_plan_and_gives_way_to_a_real_one() {
        let mut all = recording(&[], &["x/payloads/1.lp", "y/2.lp"]);
        all.plan_path = "x/plan.json".to_owned();
        let file = |path: &str, text: &str| {
            let entries: Value = serde_json::from_str(text).unwrap();
            let names: Vec<&str> =
                entries.as_array().unwrap().iter().map(|entry| entry["path"].as_str().unwrap()).collect();
            assert_eq!(names, ["payloads/1.lp", "y/2.lp"]);
            Some(item(path))
        };
        all.make(Settings::default(), &Wanted::default(), file);
        assert_eq!(choice(&all, &named("m.json")), (MADE.to_owned(), Some(Why::Made)));
        all.make(Settings::default(), &named("m.json"), file);
        assert_eq!(choice(&all, &Wanted::default()).0, "m.json");
        // Its names lead back to the files.
        let Choice::Use(manifest, _) = all.choose(&Wanted::default()) else { panic!() };
        let [plan, own] = all.folders(manifest);
        let files = all.files();
        let paths = Paths::new(files.iter().map(|(path, _)| path.as_str()));
        assert_eq!(paths.find(&[&plan, &own], "payloads/1.lp"), Found::One(0));
        assert_eq!(paths.find(&[&plan, &own], "y/2.lp"), Found::One(1));

        all.add(Role::Manifest, item("x/real.json"));
        assert_eq!(choice(&all, &Wanted::default()), ("x/real.json".to_owned(), Some(Why::Only)));
        for remove in [Recording::remove_made, Recording::remove_payloads] {
            all.make(Settings::default(), &Wanted::default(), |path, _| Some(item(path)));
            remove(&mut all);
            assert_eq!(all.settings(), None);
        }
        all.make(Settings::default(), &Wanted::default(), |_, _| panic!("there is nothing to make it of"));
        assert_eq!(all.settings(), None);
    }
}
