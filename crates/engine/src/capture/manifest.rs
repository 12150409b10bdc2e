//! The capture manifest (specification §6): a JSON array of payloads, read in pieces.
//!
//! [`ManifestReader::feed`] takes bytes, [`ManifestReader::next`] gives entries. Nothing holds the whole: a body
//! of ordinary size comes with its entry, of a longer one only its place in the file is told, because what says
//! how to read it (`query_params`) may stand behind it. An entry that breaks a rule is told as such and the next
//! one goes on; only broken JSON ends the reading.

mod entry;

use super::lines::QueryParams;
use crate::model::Millis;
use entry::{Partial, kind};
use memchr::memchr2;
use serde_json::Value;
use std::ops::Range;

/// Bytes of a body that come with their entry at most.
const MAX_INLINE: usize = 16 << 20;
/// Bytes of any other field at most.
const MAX_FIELD: usize = 1 << 20;
/// Fields of an entry.
const FIELDS: [&str; 5] = ["path", "body", "body_base64", "received_at_ms", "query_params"];

/// A payload and how to read it.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Place in the array, from 0.
    pub index: u64,
    /// Line of its opening brace, from 1.
    pub line: u64,
    /// Where its bytes are.
    pub payload: Payload,
    /// Unix ms.
    pub received_at_ms: Option<Millis>,
    /// Query of the original request (InfluxDB).
    pub query_params: QueryParams,
    /// What looks wrong but does no harm, in a sentence.
    pub hint: Option<String>,
}

/// Where a payload's bytes are.
#[derive(Clone, Debug, PartialEq)]
pub enum Payload {
    /// In a file, named relative to the plan.
    Path(String),
    /// In the manifest, as text.
    Body(Text),
    /// In the manifest, in base64.
    Base64(Text),
}

/// A JSON string without its quotes, not yet unescaped.
#[derive(Clone, Debug, PartialEq)]
pub enum Text {
    /// Its bytes.
    Here(Vec<u8>),
    /// Where it lies in the manifest's file, in bytes.
    At(Range<u64>),
}

/// An entry that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadEntry {
    /// Place in the array, from 0.
    pub index: u64,
    /// Line of its beginning, from 1.
    pub line: u64,
    /// What is wrong.
    pub problem: String,
    /// What to do.
    pub remedy: String,
}

/// What comes next in a manifest.
#[derive(Clone, Debug, PartialEq)]
pub enum Item {
    /// A payload.
    Entry(Box<Entry>),
    /// An entry that cannot be read.
    Bad(BadEntry),
}

/// The text is no manifest from here on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, byte {offset}: {problem}")]
pub struct ManifestFault {
    /// Line, from 1.
    pub line: u64,
    /// Byte in the file, from 0.
    pub offset: u64,
    /// What is wrong.
    pub problem: String,
    /// What to do.
    pub remedy: &'static str,
}

/// Reads a manifest from pieces of its file.
///
/// ```
/// use tsink_migrate_engine::capture::manifest::{Item, ManifestReader};
/// let mut reader = ManifestReader::default();
/// reader.feed(br#"[{"body": "cpu value=1", "received_at_ms": 170000"#);
/// assert_eq!(reader.next()?, None);
/// reader.feed(br#"0000000}, {"path": 1}]"#);
/// reader.finish();
/// assert!(matches!(reader.next()?, Some(Item::Entry(entry)) if entry.received_at_ms == Some(1_700_000_000_000)));
/// assert!(matches!(reader.next()?, Some(Item::Bad(bad)) if bad.index == 1));
/// assert_eq!(reader.next()?, None);
/// # Ok::<(), tsink_migrate_engine::capture::manifest::ManifestFault>(())
/// ```
#[derive(Debug)]
pub struct ManifestReader {
    buffer: Vec<u8>,
    /// Where in the file the buffer begins.
    base: u64,
    position: usize,
    line: u64,
    ended: bool,
    state: State,
    index: u64,
    entry: Partial,
    fault: Option<ManifestFault>,
}

/// What is expected next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Start,
    /// An entry, or the end of an array that is empty so far.
    First,
    Entry,
    AfterEntry,
    /// A field, or the end of an object that is empty so far.
    FirstField,
    Field,
    AfterField,
    /// The rest of a body that began at this byte of the file.
    Text {
        field: usize,
        start: u64,
    },
    End,
}

impl Default for ManifestReader {
    fn default() -> Self {
        Self {
            buffer: Vec::new(),
            base: 0,
            position: 0,
            line: 1,
            ended: false,
            state: State::Start,
            index: 0,
            entry: Partial::default(),
            fault: None,
        }
    }
}

/// Why a step did not go on.
enum Stop {
    /// The rest is not there yet.
    More,
    Fault(String, &'static str),
}

type Step<T> = Result<T, Stop>;

const BROKEN: &str = "A manifest is a JSON array of objects; check this place with a JSON tool.";

impl ManifestReader {
    /// Takes the next bytes of the file.
    pub fn feed(&mut self, bytes: &[u8]) {
        let keep = match self.state {
            // A body stays as long as it may still come with its entry.
            State::Text { start, .. } if self.reach(start).is_some_and(|length| length <= MAX_INLINE) => {
                usize::try_from(start - self.base).unwrap_or(self.position)
            }
            _ => self.position,
        };
        self.buffer.drain(..keep.min(self.buffer.len()));
        self.base += keep as u64;
        self.position -= keep;
        self.buffer.extend_from_slice(bytes);
    }

    /// Says that no more bytes come.
    pub fn finish(&mut self) {
        self.ended = true;
    }

    /// The next entry; `None` when more bytes are needed, or at the end.
    ///
    /// # Errors
    /// For text that is no manifest from here on; the same again for every further call.
    #[expect(clippy::should_implement_trait, reason = "an iterator would end where this one waits")]
    pub fn next(&mut self) -> Result<Option<Item>, ManifestFault> {
        if let Some(fault) = &self.fault {
            return Err(fault.clone());
        }
        loop {
            match self.step() {
                Ok(Some(item)) => return Ok(Some(item)),
                Ok(None) if self.state == State::End => return Ok(None),
                Ok(None) => {}
                Err(Stop::More) if !self.ended => return Ok(None),
                Err(Stop::More) => {
                    return Err(self.broken(
                        "the manifest breaks off here",
                        "It was not copied whole: fetch it again, or record again.",
                    ));
                }
                Err(Stop::Fault(problem, remedy)) => return Err(self.broken(&problem, remedy)),
            }
        }
    }

    /// Whether the array was closed.
    pub fn is_complete(&self) -> bool {
        self.state == State::End
    }

    fn broken(&mut self, problem: &str, remedy: &'static str) -> ManifestFault {
        let fault = ManifestFault {
            line: self.line,
            offset: self.base + self.position as u64,
            problem: problem.to_owned(),
            remedy,
        };
        self.fault = Some(fault.clone());
        fault
    }

    /// Bytes from `start` of the file to the reading position, when the buffer still has them.
    fn reach(&self, start: u64) -> Option<usize> {
        let from = usize::try_from(start.checked_sub(self.base)?).ok()?;
        self.position.checked_sub(from)
    }

    fn step(&mut self) -> Step<Option<Item>> {
        if let State::Text { field, start } = self.state {
            self.text(field, start)?;
            return Ok(None);
        }
        if self.state == State::End {
            return match self.blank() {
                Ok(_) => Err(Stop::Fault("there is something behind the array".to_owned(), BROKEN)),
                Err(_) => Ok(None),
            };
        }
        let byte = self.blank()?;
        match (self.state, byte) {
            (State::Start, b'[') => self.advance(1, State::First),
            (State::Start, b'{') => {
                return Err(Stop::Fault(
                    "this is a JSON object, not an array".to_owned(),
                    "Put [ and ] around the entries. A plan is dropped as a plan, not as a manifest.",
                ));
            }
            (State::Start, _) => return Err(Stop::Fault("this is not a JSON array".to_owned(), BROKEN)),
            (State::First | State::AfterEntry, b']') => self.advance(1, State::End),
            (State::AfterEntry, b',') => self.advance(1, State::Entry),
            (State::AfterEntry, _) => return Err(Stop::Fault("expected , or ] here".to_owned(), BROKEN)),
            (State::First | State::Entry, b'{') => {
                self.entry = Partial { line: self.line, ..Partial::default() };
                self.advance(1, State::FirstField);
            }
            (State::First | State::Entry, _) => {
                let line = self.line;
                let what = self.value()?;
                self.state = State::AfterEntry;
                let bad = BadEntry {
                    index: self.index,
                    line,
                    problem: format!("the entry is {}, not an object", kind(&what)),
                    remedy: "Write { \"body\": …, \"received_at_ms\": … }.".to_owned(),
                };
                self.index += 1;
                return Ok(Some(Item::Bad(bad)));
            }
            (State::FirstField | State::AfterField, b'}') => {
                self.advance(1, State::AfterEntry);
                return Ok(Some(self.close()));
            }
            (State::AfterField, b',') => self.advance(1, State::Field),
            (State::AfterField, _) => return Err(Stop::Fault("expected , or } here".to_owned(), BROKEN)),
            (State::FirstField | State::Field, b'"') => self.field()?,
            (State::FirstField | State::Field, _) => {
                return Err(Stop::Fault("expected a field's name in double quotes here".to_owned(), BROKEN));
            }
            (State::Text { .. } | State::End, _) => {}
        }
        Ok(None)
    }

    fn advance(&mut self, bytes: usize, state: State) {
        self.position += bytes;
        self.state = state;
    }

    /// Skips white space; the byte behind it.
    fn blank(&mut self) -> Step<u8> {
        while let Some(byte) = self.buffer.get(self.position) {
            match byte {
                b'\n' => self.line += 1,
                b' ' | b'\t' | b'\r' => {}
                // A byte order mark is no part of the text.
                0xef | 0xbb | 0xbf
                    if self.state == State::Start && self.base + (self.position as u64) < 3 => {}
                byte => return Ok(*byte),
            }
            self.position += 1;
        }
        Err(Stop::More)
    }

    /// A whole value at the reading position.
    fn value(&mut self) -> Step<Value> {
        let rest = self.buffer.get(self.position..).unwrap_or_default();
        let mut values = serde_json::Deserializer::from_slice(rest).into_iter::<Value>();
        let outcome = values.next();
        let length = values.byte_offset();
        match outcome {
            // A number at the end of what is there may go on.
            Some(Ok(Value::Number(_))) if length == rest.len() && !self.ended => Err(Stop::More),
            Some(Ok(value)) => {
                let read = rest.get(..length).unwrap_or_default();
                self.line += read.iter().filter(|byte| **byte == b'\n').count() as u64;
                self.position += length;
                Ok(value)
            }
            Some(Err(error)) if !error.is_eof() => Err(Stop::Fault(plain(&error), BROKEN)),
            _ if rest.len() > MAX_FIELD => {
                Err(Stop::Fault(format!("a value here has more than {MAX_FIELD} bytes"), BROKEN))
            }
            _ => Err(Stop::More),
        }
    }

    /// A field's name and value; of a body only its beginning.
    fn field(&mut self) -> Step<()> {
        let begin = (self.position, self.line);
        let outcome = self.name_and_value();
        if outcome.is_err() {
            // The field is read from its beginning when more is there.
            (self.position, self.line) = begin;
        }
        outcome
    }

    fn name_and_value(&mut self) -> Step<()> {
        let Value::String(name) = self.value()? else {
            return Err(Stop::Fault("expected a name".to_owned(), BROKEN));
        };
        if self.blank()? != b':' {
            return Err(Stop::Fault("expected : here".to_owned(), BROKEN));
        }
        self.position += 1;
        let first = self.blank()?;
        let field = FIELDS.iter().position(|known| *known == name);
        if let (Some(field @ (1 | 2)), b'"') = (field, first) {
            self.position += 1;
            self.state = State::Text { field, start: self.base + self.position as u64 };
            return Ok(());
        }
        let value = self.value()?;
        self.state = State::AfterField;
        self.entry.set(&name, value);
        Ok(())
    }

    /// Goes on through a body to its closing quote.
    fn text(&mut self, field: usize, start: u64) -> Step<()> {
        loop {
            let rest = self.buffer.get(self.position..).unwrap_or_default();
            let Some(at) = memchr2(b'"', b'\\', rest) else {
                self.position = self.buffer.len();
                return Err(Stop::More);
            };
            if rest.get(at) == Some(&b'"') {
                self.position += at;
                break;
            }
            if at + 1 >= rest.len() {
                // What is escaped comes with the next bytes.
                self.position += at;
                return Err(Stop::More);
            }
            self.position += at + 2;
        }
        let end = self.base + self.position as u64;
        let here = self.reach(start).filter(|length| *length <= MAX_INLINE);
        let text = match here.and_then(|length| self.buffer.get(self.position - length..self.position)) {
            Some(bytes) => Text::Here(bytes.to_vec()),
            None => Text::At(start..end),
        };
        let slot = if field == 1 { &mut self.entry.body } else { &mut self.entry.base64 };
        if slot.replace(text).is_some() {
            let name = FIELDS.get(field).copied().unwrap_or_default();
            self.entry.problem.get_or_insert((format!("{name} is given twice"), "Make two entries of it."));
        }
        self.advance(1, State::AfterField);
        Ok(())
    }

    /// Ends an entry.
    fn close(&mut self) -> Item {
        let partial = std::mem::take(&mut self.entry);
        let index = self.index;
        self.index += 1;
        let line = partial.line;
        match partial.payload() {
            Ok(payload) => Item::Entry(Box::new(Entry {
                index,
                line,
                payload,
                received_at_ms: partial.received_at_ms,
                query_params: partial.query_params,
                hint: partial.hint,
            })),
            Err((problem, remedy)) => Item::Bad(BadEntry { index, line, problem, remedy: remedy.to_owned() }),
        }
    }
}

/// What `serde_json` found, without its own place, which counts from the value.
fn plain(error: &serde_json::Error) -> String {
    let words = error.to_string();
    words.split(" at line ").next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests;
