//! Finding files by the paths that plans and manifests name, among files that came without their folders.
//!
//! A browser tells no file's place on the disk. A file that was dropped alone has its name for a path, one that came
//! in a folder has the path from there (`capture/payloads/a.lp`). So a name is looked for beside the file that names
//! it, then as it stands, then by as much of the path as both sides have.

use std::collections::BTreeMap;

/// Where a name leads. Numbers are positions in the list that [`Paths::new`] was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// To this file, by its path.
    One(usize),
    /// To this file, of whose path less is known than was asked for. When two different names lead to one file in
    /// this way, at least one of them is wrong.
    ByName(usize),
    /// To more than one; one must go, or all must come in their folders.
    Several(Vec<usize>),
    /// To none.
    None,
}

/// Paths of files at hand.
#[derive(Clone, Debug, Default)]
pub struct Paths {
    /// Each path's parts.
    all: Vec<Vec<String>>,
    /// Positions by whole path, as [`normal`] writes it.
    whole: BTreeMap<String, usize>,
    /// Positions by the last part.
    names: BTreeMap<String, Vec<usize>>,
}

impl Paths {
    /// Takes the paths of all files. Of equal ones the last counts.
    pub fn new<'a>(paths: impl IntoIterator<Item = &'a str>) -> Self {
        let mut own = Self::default();
        for (at, path) in paths.into_iter().enumerate() {
            let parts = parts(path);
            if let Some(name) = parts.last() {
                own.names.entry(name.clone()).or_default().push(at);
            }
            if let Some(older) = own.whole.insert(parts.join("/"), at)
                && let Some(namesakes) = parts.last().and_then(|name| own.names.get_mut(name))
            {
                namesakes.retain(|other| *other != older);
            }
            own.all.push(parts);
        }
        own
    }

    /// Finds the file that a plan or manifest names `wanted`. `folders` are those of the files whose names it may be
    /// relative to, the most likely first (see [`folder`]).
    pub fn find(&self, folders: &[&str], wanted: &str) -> Found {
        let parts = parts(wanted);
        let Some(name) = parts.last() else { return Found::None };
        let beside = folders.iter().map(|folder| normal(&format!("{folder}/{wanted}")));
        if let Some(at) = beside.chain([parts.join("/")]).find_map(|path| self.whole.get(&path)) {
            return Found::One(*at);
        }
        let (mut below, mut alone) = (Vec::new(), None);
        for at in self.names.get(name).into_iter().flatten() {
            match self.all.get(*at) {
                Some(path) if path.ends_with(&parts) => below.push(*at),
                // The most that is known of the path.
                Some(path) if parts.ends_with(path) => alone = alone.max(Some((path.len(), *at))),
                _ => {}
            }
        }
        match (below.as_slice(), alone) {
            ([at], _) => Found::One(*at),
            ([], Some((_, at))) => Found::ByName(at),
            ([], None) => Found::None,
            _ => Found::Several(below),
        }
    }
}

/// A path's parts. `\` parts as `/` does; drives, `.` and empty parts go, and `..` takes the part before it.
fn parts(path: &str) -> Vec<String> {
    let mut parts: Vec<String> = Vec::new();
    for (at, part) in path.split(['/', '\\']).enumerate() {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            drive if at == 0 && drive.len() == 2 && drive.ends_with(':') => {}
            part => parts.push(part.to_owned()),
        }
    }
    parts
}

/// A path with `/` between its parts and nothing to resolve.
pub fn normal(path: &str) -> String {
    parts(path).join("/")
}

/// The folder that a file lies in; empty for one that came alone.
pub fn folder(path: &str) -> String {
    let mut parts = parts(path);
    parts.pop();
    parts.join("/")
}

/// How to name a file in a manifest that lies in `folder`: relative to it, where the file lies in or below it.
pub fn relative<'a>(folder: &str, path: &'a str) -> &'a str {
    match path.strip_prefix(folder) {
        Some(rest) if folder.is_empty() => rest,
        Some(rest) => rest.strip_prefix('/').unwrap_or(path),
        None => path,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_written_one_way() {
        for (path, wanted) in [
            ("payloads/./a.lp", "payloads/a.lp"),
            ("/srv//capture/x/../a.lp", "srv/capture/a.lp"),
            ("C:\\capture\\a.lp", "capture/a.lp"),
            ("../../a.lp", "a.lp"),
            ("a:b/c", "a:b/c"),
            ("", ""),
            ("..", ""),
        ] {
            assert_eq!(normal(path), wanted, "{path}");
        }
        assert_eq!((folder("x/y/a.json"), folder("a.json")), ("x/y".to_owned(), String::new()));
        assert_eq!(relative("x", "x/y/a.lp"), "y/a.lp");
        assert_eq!(relative("x", "xy/a.lp"), "xy/a.lp");
        assert_eq!(relative("", "a.lp"), "a.lp");
    }

    #[test]
    fn a_whole_folder_is_found_from_its_plan() {
        let paths = Paths::new(["capture/plan.json", "capture/payloads/a.lp", "capture/payloads/b.lp"]);
        let find = |wanted| paths.find(&["capture"], wanted);
        assert_eq!(find("payloads/b.lp"), Found::One(2));
        assert_eq!(find("./payloads/x/../a.lp"), Found::One(1));
        assert_eq!(find("/srv/capture/payloads/a.lp"), Found::ByName(1));
        assert_eq!(find("payloads/c.lp"), Found::None);
        assert_eq!(find("other/a.lp"), Found::None);
        assert_eq!(find(""), Found::None);
        // The plan came alone: the folder's own name is not in its names.
        assert_eq!(paths.find(&[""], "payloads/a.lp"), Found::One(1));
    }

    #[test]
    fn files_that_came_alone_are_found_by_their_names() {
        let paths = Paths::new(["plan.json", "a.lp"]);
        assert_eq!(paths.find(&[""], "payloads/a.lp"), Found::ByName(1));
        assert_eq!(paths.find(&[""], "a.lp"), Found::One(1));
    }

    #[test]
    fn namesakes_are_told_apart_or_named() {
        let paths = Paths::new(["day1/payloads/a.lp", "day2/payloads/a.lp"]);
        assert_eq!(paths.find(&["day2", "day1"], "payloads/a.lp"), Found::One(1));
        assert_eq!(paths.find(&[""], "payloads/a.lp"), Found::Several(vec![0, 1]));
        assert_eq!(paths.find(&[""], "x/payloads/a.lp"), Found::None);
        let paths = Paths::new(["payloads/a.lp", "a.lp"]);
        assert_eq!(paths.find(&[], "x/payloads/a.lp"), Found::ByName(0));
        // The same file, dropped once more.
        let paths = Paths::new(["a.lp", "./a.lp"]);
        assert_eq!(paths.find(&[], "x/a.lp"), Found::ByName(1));
    }
}
