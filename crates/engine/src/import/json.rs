//! JSON as a tree of values.

use super::tree::{MAX_VALUES, Node};
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use std::cell::Cell;
use std::fmt;
use std::rc::Rc;

/// Reads a JSON text.
///
/// # Errors
/// What is wrong, with line and column, in serde_json's words; more than [`MAX_VALUES`]; deeper than 128 levels.
pub(super) fn read(text: &str) -> Result<Rc<Node>, String> {
    let left = Cell::new(MAX_VALUES);
    let mut reader = serde_json::Deserializer::from_str(text);
    let node = Seed(&left).deserialize(&mut reader).map_err(|error| error.to_string())?;
    reader.end().map_err(|error| error.to_string())?;
    Ok(node)
}

/// Reads one value; holds how many more there may be.
#[derive(Clone, Copy)]
struct Seed<'l>(&'l Cell<usize>);

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Rc<Node>;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Rc<Node>, D::Error> {
        match self.0.get().checked_sub(1) {
            Some(left) => self.0.set(left),
            None => return Err(D::Error::custom(format_args!("there are more than {MAX_VALUES} values"))),
        }
        reader.deserialize_any(self).map(Rc::new)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
        Ok(Node::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Node, E> {
        Ok(Node::Text(value.to_string().into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Node, E> {
        Ok(Node::Text(value.to_string().into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Node, E> {
        Ok(Node::Text(value.to_string().into()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Node, E> {
        Ok(Node::Text(value.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Node, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(self)? {
            list.push(item);
        }
        Ok(Node::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Node, A::Error> {
        let mut map: Vec<(Rc<str>, Rc<Node>)> = Vec::new();
        while let Some(name) = fields.next_key::<String>()? {
            map.push((name.into(), fields.next_value_seed(self)?));
        }
        Ok(Node::Map(map))
    }
}
