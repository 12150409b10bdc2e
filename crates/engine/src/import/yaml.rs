//! YAML as a tree of values.
//!
//! The parser gives events; the tree is built here, so that its size and depth are bounded. An alias is the value
//! of its anchor, shared, and counts with all that it holds: no file grows by being read.

use super::tree::{MAX_DEPTH, MAX_VALUES, Node};
use rustc_hash::FxHashMap;
use saphyr_parser::{Event, Parser, ScalarStyle};
use std::rc::Rc;

/// Reads the documents of a YAML text.
///
/// # Errors
/// What is wrong, with line and column; more than [`MAX_VALUES`], aliases counted each time; deeper than
/// [`MAX_DEPTH`].
pub(super) fn read(text: &str) -> Result<Vec<Rc<Node>>, String> {
    let mut builder = Builder::default();
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| {
            let at = error.marker();
            format!("{} at line {} column {}", error.info(), at.line(), at.col() + 1)
        })?;
        builder.take(event).map_err(|why| format!("{why}, at line {}", span.start.line()))?;
    }
    Ok(builder.documents)
}

/// A value with its weight.
#[derive(Clone)]
struct Built {
    node: Rc<Node>,
    /// Values in it, itself included, aliases counted each time.
    values: usize,
    /// Levels in it, itself included.
    depth: usize,
}

/// A collection that is not closed yet.
struct Open {
    anchor: usize,
    values: usize,
    depth: usize,
    kind: Kind,
}

enum Kind {
    List(Vec<Rc<Node>>),
    Map { fields: Vec<(Rc<str>, Rc<Node>)>, merged: Vec<(Rc<str>, Rc<Node>)>, key: Option<Key> },
}

enum Key {
    Name(Rc<str>),
    /// `<<`: the value's fields become those of this map.
    Merge,
    /// A list or map as a key: nothing here has such a thing.
    Other,
}

#[derive(Default)]
struct Builder {
    documents: Vec<Rc<Node>>,
    open: Vec<Open>,
    anchors: FxHashMap<usize, Built>,
    values: usize,
}

impl Builder {
    fn take(&mut self, event: Event<'_>) -> Result<(), String> {
        match event {
            Event::Scalar(text, style, anchor, _) => {
                let merge = style == ScalarStyle::Plain && text == "<<";
                let node = Rc::new(scalar(&text, style));
                self.put(anchor, Built { node, values: 1, depth: 1 }, merge)
            }
            Event::Alias(anchor) => match self.anchors.get(&anchor).cloned() {
                Some(built) => self.put(0, built, false),
                None => Err("this alias stands inside of its own value".to_owned()),
            },
            Event::SequenceStart(anchor, _) => self.begin(anchor, Kind::List(Vec::new())),
            Event::MappingStart(anchor, _) => {
                self.begin(anchor, Kind::Map { fields: Vec::new(), merged: Vec::new(), key: None })
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(),
            Event::DocumentStart(_) => {
                self.anchors.clear();
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn begin(&mut self, anchor: usize, kind: Kind) -> Result<(), String> {
        if self.open.len() >= MAX_DEPTH {
            return Err(format!("it is deeper than {MAX_DEPTH} levels"));
        }
        self.open.push(Open { anchor, values: 1, depth: 1, kind });
        Ok(())
    }

    fn end(&mut self) -> Result<(), String> {
        let Some(open) = self.open.pop() else { return Ok(()) };
        let node = match open.kind {
            Kind::List(items) => Node::List(items),
            Kind::Map { fields, mut merged, .. } => {
                // What stands in the map itself comes after, and so counts.
                merged.extend(fields);
                Node::Map(merged)
            }
        };
        self.put(open.anchor, Built { node: Rc::new(node), values: open.values, depth: open.depth }, false)
    }

    /// Puts a whole value to its place.
    fn put(&mut self, anchor: usize, built: Built, merge: bool) -> Result<(), String> {
        if anchor != 0 {
            self.anchors.insert(anchor, built.clone());
        }
        let Some(open) = self.open.last_mut() else {
            self.documents.push(built.node);
            return Ok(());
        };
        open.values = open.values.saturating_add(built.values);
        open.depth = open.depth.max(built.depth + 1);
        if open.values > MAX_VALUES {
            return Err(format!("there are more than {MAX_VALUES} values, aliases counted each time"));
        }
        if open.depth > MAX_DEPTH {
            return Err(format!("it is deeper than {MAX_DEPTH} levels"));
        }
        self.values += 1;
        if self.values > 2 * MAX_VALUES {
            return Err(format!("there are more than {MAX_VALUES} values"));
        }
        match &mut open.kind {
            Kind::List(items) => items.push(built.node),
            Kind::Map { fields, merged, key } => match key.take() {
                None if merge => *key = Some(Key::Merge),
                None => {
                    *key = Some(match &*built.node {
                        Node::Null => Key::Name("".into()),
                        node => node.text().map_or(Key::Other, |name| Key::Name(name.into())),
                    });
                }
                Some(Key::Name(name)) => fields.push((name, built.node)),
                Some(Key::Merge) => merge_into(merged, &built.node),
                Some(Key::Other) => {}
            },
        }
        Ok(())
    }
}

/// Takes over the fields of a map, or of each map in a list; the first has precedence.
fn merge_into(merged: &mut Vec<(Rc<str>, Rc<Node>)>, value: &Node) {
    let mut take = |node: &Node| {
        if let Node::Map(fields) = node {
            merged.splice(0..0, fields.iter().cloned());
        }
    };
    match value {
        Node::List(items) => items.iter().for_each(|item| take(item)),
        node => take(node),
    }
}

/// A scalar by YAML's core schema, as far as it matters here: numbers stay as they are written.
fn scalar(text: &str, style: ScalarStyle) -> Node {
    if style == ScalarStyle::Plain {
        match text {
            "" | "~" | "null" | "Null" | "NULL" => return Node::Null,
            "true" | "True" | "TRUE" => return Node::Bool(true),
            "false" | "False" | "FALSE" => return Node::Bool(false),
            _ => {}
        }
    }
    Node::Text(text.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> Rc<Node> {
        read(text).unwrap().remove(0)
    }

    #[test]
    fn scalars_blocks_and_comments() {
        let node =
            one("a: 1 # one\nb: |\n  x\n  y\nc: >-\n  x\n  y\nd: 'it''s'\ne: ~\nf: \"true\"\ng: true\n");
        assert_eq!(node.word("a"), Some("1"));
        assert_eq!(node.get("b").unwrap().text(), Some("x\ny\n"));
        assert_eq!(node.word("c"), Some("x y"));
        assert_eq!(node.word("d"), Some("it's"));
        assert!(node.get("e").is_none());
        assert!(!node.is("f") && node.is("g"));
    }

    #[test]
    fn aliases_and_merges() {
        let node = one("base: &b {x: 1, y: 2}\nmore: {<<: *b, y: 3}\nlist: [*b, *b]\n");
        assert_eq!(node.at(&["more", "x"]).unwrap().text(), Some("1"));
        assert_eq!(node.at(&["more", "y"]).unwrap().text(), Some("3"));
        assert_eq!(node.list("list")[1].word("y"), Some("2"));
        assert_eq!(read("a: 1\n---\nb: 2\n").unwrap().len(), 2);
    }

    #[test]
    fn bombs_are_refused() {
        let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..12 {
            let items = vec![format!("*a{}", level - 1); 10].join(", ");
            bomb.push_str(&format!("a{level}: &a{level} [{items}]\n"));
        }
        assert!(read(&bomb).unwrap_err().contains("aliases counted"), "{:?}", read(&bomb));

        let mut chain = "a0: &a0 [x]\n".to_owned();
        for level in 1..MAX_DEPTH + 10 {
            chain.push_str(&format!("a{level}: &a{level} [*a{}]\n", level - 1));
        }
        assert!(read(&chain).unwrap_err().contains("deeper"));
        assert!(read(&"- ".repeat(100_000)).is_err());
        assert!(read(&"[".repeat(100_000)).is_err());
        assert!(read("a: &a [*a]").is_err());
        assert!(read("a: *nothing").is_err());
    }

    #[test]
    fn merging_what_was_merged_is_bounded() {
        let mut text = "a0: &a0 {k0: 0}\n".to_owned();
        for level in 1..40 {
            let maps = vec![format!("*a{}", level - 1); 4].join(", ");
            text.push_str(&format!("a{level}: &a{level} {{<<: [{maps}]}}\n"));
        }
        assert!(read(&text).is_err());
    }
}
