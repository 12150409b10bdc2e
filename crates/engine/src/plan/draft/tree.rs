//! JSON that keeps what a form does not know, and writes fields in an order of its own.

use super::DraftHeader;
use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};
use std::fmt;

/// Fields of an object that a draft has no typed place for. Its `Debug` shows names alone: a value may be a header's.
#[derive(Clone, Default, PartialEq)]
pub(super) struct Rest(pub(super) Map<String, Value>);

impl fmt::Debug for Rest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Rest {
    /// Takes a field out if `read` understands it; else it stays.
    fn take<T>(&mut self, name: &str, read: impl FnOnce(&Value) -> Option<T>) -> Option<T> {
        let taken = read(self.0.get(name)?)?;
        self.0.remove(name);
        Some(taken)
    }

    pub(super) fn take_text(&mut self, name: &str) -> String {
        self.take(name, |value| value.as_str().filter(|text| !text.is_empty()).map(str::to_owned))
            .unwrap_or_default()
    }

    pub(super) fn take_u64(&mut self, name: &str) -> Option<u64> {
        self.take(name, Value::as_u64)
    }

    pub(super) fn take_f64(&mut self, name: &str) -> Option<f64> {
        // A float stands for any whole number below 2^53 without loss.
        self.take(name, |value| value.as_f64().filter(|number| number.is_finite() && number.abs() < 9e15))
    }

    pub(super) fn take_bool(&mut self, name: &str) -> Option<bool> {
        self.take(name, Value::as_bool)
    }

    /// An object with at least one field; an empty one stays, so that it is written back.
    pub(super) fn take_object(&mut self, name: &str) -> Option<Rest> {
        self.take(name, |value| value.as_object().filter(|map| !map.is_empty()).cloned().map(Rest))
    }

    /// A list whose items are all understood.
    pub(super) fn take_list<T>(&mut self, name: &str, read: impl Fn(&Value) -> Option<T>) -> Vec<T> {
        self.take(name, |value| {
            value.as_array().filter(|items| !items.is_empty())?.iter().map(read).collect::<Option<Vec<T>>>()
        })
        .unwrap_or_default()
    }

    /// Headers whose values are all strings.
    pub(super) fn take_headers(&mut self) -> Vec<DraftHeader> {
        let header = |(name, value): (&String, &Value)| {
            Some(DraftHeader { name: name.clone(), value: value.as_str()?.to_owned() })
        };
        self.take("headers", |value| {
            value.as_object().filter(|map| !map.is_empty())?.iter().map(header).collect::<Option<Vec<_>>>()
        })
        .unwrap_or_default()
    }

    /// The object: comments first, then the typed fields that are set, then the rest. Where a field is both, the
    /// typed one counts; lists and objects are joined.
    pub(super) fn with(&self, typed: Vec<(&'static str, Node)>) -> Node {
        let is_comment = |name: &str| name.starts_with(['_', '/', '$']);
        let is_typed = |name: &str| typed.iter().any(|(field, _)| *field == name);
        let leaf = |(name, value): (&String, &Value)| (name.clone(), Node::Leaf(value.clone()));
        let mut fields: Vec<(String, Node)> =
            self.0.iter().filter(|(name, _)| is_comment(name)).map(leaf).collect();
        let others: Vec<(String, Node)> =
            self.0.iter().filter(|(name, _)| !is_comment(name) && !is_typed(name)).map(leaf).collect();
        for (name, node) in typed {
            match (self.0.get(name), node) {
                (Some(kept), node) if node.is_unset() => {
                    fields.push((name.to_owned(), Node::Leaf(kept.clone())))
                }
                (None, node) if node.is_unset() => {}
                (Some(Value::Array(kept)), Node::List(items)) => {
                    let all = kept.iter().cloned().map(Node::Leaf).chain(items);
                    fields.push((name.to_owned(), Node::List(all.collect())));
                }
                (Some(Value::Object(kept)), Node::Object(entries)) => {
                    let is_new =
                        |(name, _): &(&String, &Value)| entries.iter().all(|(entry, _)| entry != *name);
                    let mut all: Vec<(String, Node)> = kept.iter().filter(is_new).map(leaf).collect();
                    all.extend(entries);
                    fields.push((name.to_owned(), Node::Object(all)));
                }
                (_, node) => fields.push((name.to_owned(), node)),
            }
        }
        fields.extend(others);
        Node::Object(fields)
    }
}

/// JSON to be written, in order.
pub(super) enum Node {
    /// `Null` and the empty string stand for a field that is not set.
    Leaf(Value),
    Object(Vec<(String, Node)>),
    List(Vec<Node>),
}

impl Node {
    fn is_unset(&self) -> bool {
        match self {
            Self::Leaf(value) => value.is_null() || value.as_str().is_some_and(str::is_empty),
            Self::Object(fields) => fields.is_empty(),
            Self::List(items) => items.is_empty(),
        }
    }
}

impl Serialize for Node {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Leaf(value) => value.serialize(serializer),
            Self::Object(fields) => {
                let mut map = serializer.serialize_map(Some(fields.len()))?;
                for (name, node) in fields {
                    map.serialize_entry(name, node)?;
                }
                map.end()
            }
            Self::List(items) => {
                let mut list = serializer.serialize_seq(Some(items.len()))?;
                for item in items {
                    list.serialize_element(item)?;
                }
                list.end()
            }
        }
    }
}
