//! A file as a tree of values, the same for JSON and YAML, with bounded size and depth.

use std::rc::Rc;

/// Values of a file at most, aliases counted each time. A dashboard of hundreds of panels has some ten thousand.
pub(super) const MAX_VALUES: usize = 400_000;
/// Levels of nesting at most, those of an alias included; serde_json goes to 128 by itself.
pub(super) const MAX_DEPTH: usize = 128;

/// A value. Shared, so that an alias costs nothing.
#[derive(Debug)]
pub(super) enum Node {
    /// `null`, or nothing.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A text, or a number as it is written.
    Text(Rc<str>),
    /// A list.
    List(Vec<Rc<Node>>),
    /// Fields in the order of the file; of equal names the last counts.
    Map(Vec<(Rc<str>, Rc<Node>)>),
}

impl Node {
    /// The field's value, if this has such a field that is not null.
    pub(super) fn get(&self, name: &str) -> Option<&Node> {
        let Self::Map(fields) = self else { return None };
        let value = fields.iter().rev().find(|(field, _)| &**field == name).map(|(_, value)| &**value);
        value.filter(|value| !matches!(value, Self::Null))
    }

    /// The value at the end of a path of fields.
    pub(super) fn at(&self, path: &[&str]) -> Option<&Node> {
        path.iter().try_fold(self, |node, name| node.get(name))
    }

    /// A text, or a number as it is written.
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Bool(true) => Some("true"),
            Self::Bool(false) => Some("false"),
            _ => None,
        }
    }

    /// The field's text, trimmed; none when it is empty.
    pub(super) fn word(&self, name: &str) -> Option<&str> {
        self.get(name)?.text().map(str::trim).filter(|text| !text.is_empty())
    }

    /// Whether the field is `true`.
    pub(super) fn is(&self, name: &str) -> bool {
        matches!(self.get(name), Some(Self::Bool(true)))
    }

    /// The items of the field's list; none of them when it is no list.
    pub(super) fn list(&self, name: &str) -> &[Rc<Node>] {
        match self.get(name) {
            Some(Self::List(items)) => items,
            _ => &[],
        }
    }

    /// Whether the field is a list.
    pub(super) fn has_list(&self, name: &str) -> bool {
        matches!(self.get(name), Some(Self::List(_)))
    }
}
