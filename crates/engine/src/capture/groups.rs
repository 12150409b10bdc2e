//! Series by two keys: the bytes that stand for a label set (`cpu,host=a`), and a field's name within it.
//!
//! A recording repeats itself: the same label sets come in the same order, each with the same fields. So the
//! group behind the one before and the member behind the one before are tried first, by comparing bytes, and
//! only when they do not fit is anything hashed.

use super::interner::Interner;
use hashbrown::HashTable;
use rustc_hash::FxHasher;
use std::hash::Hasher;

/// Stands for none.
const NONE: u32 = u32::MAX;

/// Groups of series and their members.
#[derive(Debug)]
pub struct Groups {
    keys: Interner,
    groups: Vec<Group>,
    /// Field names of all groups.
    names: Interner,
    members: Vec<Member>,
    by_name: HashTable<u32>,
    /// The group that was asked for last.
    previous: u32,
}

#[derive(Debug)]
struct Group {
    /// First and last member.
    first: u32,
    last: u32,
    /// The group that came after this one, the last time.
    follower: u32,
}

#[derive(Debug)]
struct Member {
    group: u32,
    name: u32,
    series: u32,
    /// The member that was added after this one.
    next: u32,
}

/// A member, as a lookup finds it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Found {
    /// Number of the series.
    pub series: u32,
    /// The member that may come next.
    pub next: u32,
}

impl Default for Groups {
    fn default() -> Self {
        Self {
            keys: Interner::default(),
            groups: Vec::new(),
            names: Interner::default(),
            members: Vec::new(),
            by_name: HashTable::new(),
            previous: NONE,
        }
    }
}

impl Groups {
    /// The group of a key that is known.
    pub fn find(&self, key: &[u8]) -> Option<u32> {
        self.keys.find(key)
    }

    /// The group that came after the last one before, if its key is `scope` and then the start of `line` up to a
    /// blank; and what is behind the blank. No scope may be the start of another one.
    pub fn follower<'a>(&self, scope: &[u8], line: &'a [u8]) -> Option<(u32, &'a [u8])> {
        let group = self.groups.get(self.previous as usize)?.follower;
        if group == NONE {
            return None;
        }
        let key = self.keys.get(group).strip_prefix(scope)?;
        match line.strip_prefix(key)? {
            [b' ', rest @ ..] => Some((group, rest)),
            _ => None,
        }
    }

    /// Remembers that a line of this group came now.
    pub fn came(&mut self, group: u32) {
        if let Some(previous) = self.groups.get_mut(self.previous as usize) {
            previous.follower = group;
        }
        self.previous = group;
    }

    /// The member that was added first.
    pub fn first(&self, group: u32) -> u32 {
        self.groups.get(group as usize).map_or(NONE, |group| group.first)
    }

    /// The member whose name is the start of `bytes` up to `=`, and what is behind the `=`. `likely` is tried
    /// first.
    pub fn field<'a>(&self, group: u32, likely: u32, bytes: &'a [u8]) -> Option<(Found, &'a [u8])> {
        if let Some(member) = self.members.get(likely as usize)
            && let Some([b'=', rest @ ..]) = bytes.strip_prefix(self.names.get(member.name))
        {
            return Some((Found { series: member.series, next: member.next }, rest));
        }
        // Quotes and escapes move the end of a name: the exact way has to decide.
        let end = bytes.iter().position(|byte| matches!(byte, b'=' | b',' | b' ' | b'"' | b'\\'))?;
        match bytes.split_at_checked(end)? {
            (name, [b'=', rest @ ..]) => Some((self.member(group, name)?, rest)),
            _ => None,
        }
    }

    /// A member by its name.
    pub fn member(&self, group: u32, name: &[u8]) -> Option<Found> {
        let name = self.names.find(name)?;
        let same = |at: &u32| {
            self.members.get(*at as usize).is_some_and(|member| member.group == group && member.name == name)
        };
        let member = self.members.get(*self.by_name.find(hash(group, name), same)? as usize)?;
        Some(Found { series: member.series, next: member.next })
    }

    /// Adds a member, and its group when that is new. Returns the group.
    pub fn add(&mut self, key: &[u8], name: &[u8], series: u32) -> u32 {
        let (number, new) = self.keys.intern(key);
        if new {
            self.groups.push(Group { first: NONE, last: NONE, follower: NONE });
        }
        if self.member(number, name).is_some() {
            return number;
        }
        let (name, _) = self.names.intern(name);
        let at = self.members.len() as u32;
        self.members.push(Member { group: number, name, series, next: NONE });
        let members = &self.members;
        self.by_name.insert_unique(hash(number, name), at, |at| {
            members.get(*at as usize).map_or(0, |member| hash(member.group, member.name))
        });
        if let Some(group) = self.groups.get_mut(number as usize) {
            match self.members.get_mut(group.last as usize) {
                Some(last) => last.next = at,
                None => group.first = at,
            }
            group.last = at;
        }
        number
    }
}

fn hash(group: u32, name: u32) -> u64 {
    let mut hasher = FxHasher::default();
    hasher.write_u32(group);
    hasher.write_u32(name);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::{Found, Groups, NONE};

    #[test]
    fn members_are_found_in_any_order_and_the_usual_one_without_a_search() {
        let mut groups = Groups::default();
        for (at, (group, name)) in
            [("a", "x"), ("b", "x"), ("a", "y"), ("a", "x"), ("b", "z")].into_iter().enumerate()
        {
            groups.add(group.as_bytes(), name.as_bytes(), at as u32);
        }
        let a = groups.find(b"a").unwrap();
        let b = groups.find(b"b").unwrap();
        let (x, rest) = groups.field(a, groups.first(a), b"x=1,y=2").unwrap();
        assert_eq!((x.series, rest), (0, &b"1,y=2"[..]));
        assert_eq!(groups.field(a, x.next, b"y=2"), Some((Found { series: 2, next: NONE }, &b"2"[..])));
        assert_eq!(groups.field(a, NONE, b"y=2").unwrap().0.series, 2);
        assert_eq!(groups.field(b, groups.first(b), b"z=").unwrap().0.series, 4);
        assert_eq!(groups.member(b, b"x").unwrap().series, 1);
        assert_eq!(groups.member(b, b"y"), None);
        for line in ["x", "xx=1", "x\\=1", "x,y=1", "x y=1", "\"x\"=1", "=1", ""] {
            assert_eq!(groups.field(a, groups.first(a), line.as_bytes()), None, "{line}");
        }
    }

    #[test]
    fn what_followed_once_is_tried_first() {
        let mut groups = Groups::default();
        assert_eq!(groups.follower(b"S", b"a x=1"), None);
        for key in ["Sa", "Sb"] {
            groups.add(key.as_bytes(), b"x", 0);
        }
        let [a, b] = ["Sa", "Sb"].map(|key| groups.find(key.as_bytes()).unwrap());
        groups.came(a);
        assert_eq!(groups.follower(b"S", b"b x=1"), None);
        groups.came(b);
        groups.came(a);
        assert_eq!(groups.follower(b"S", b"b x=1"), Some((b, &b"x=1"[..])));
        for (scope, line) in [("S", "a x=1"), ("S", "bb x=1"), ("S", "b"), ("T", "b x=1"), ("S", "b,c x=1")] {
            assert_eq!(groups.follower(scope.as_bytes(), line.as_bytes()), None, "{line}");
        }
    }
}
