//! Reading a recording: the manifest and its payloads, in pieces, through the parsers.
//!
//! A [`Scanner`] goes through the recording once, from beginning to end, and tells a [`Hear`] what it finds. The
//! whole is never held: the manifest and payload files are read in pieces of [`PIECE_BYTES`], and rows are handed
//! on after each piece. Reading it twice is how the run knows before it writes: the first time counts
//! ([`survey`]), the second collects slabs ([`slabs`]).

pub(super) mod cut;
pub(super) mod slabs;
pub(super) mod survey;

use crate::capture::Family;
use crate::capture::lines::LineProtocol;
use crate::capture::manifest::{Entry, Item, ManifestReader, Payload, Text};
use crate::capture::otlp::{LIVE_EXEMPLARS, Otlp, OtlpOut, Shapes};
use crate::capture::payload::{Line, Lines, PIECE, Pipe, Unreadable};
use crate::capture::{Graphite, Influx, Refusal, RefusalKind, Row, SeriesTable, Statsd};
use crate::model::Exemplar;
use crate::plan::SourceKind;
use crate::port::{FileError, Files};
use crate::report::{BadEntry, Flag};
use bytes::Bytes;
use std::ops::Range;
use std::rc::Rc;

/// Bytes read from a file at once.
const PIECE_BYTES: usize = 1 << 20;
/// Entries and lines in them that are told to [`Hear::taken`] at most.
const TOLD_ENTRIES: u64 = 1_000;
const TOLD_LINES: u64 = 200;
/// Bytes of a line that are shown at most.
const SHOWN_BYTES: usize = 240;
/// Bytes of an OTLP request at most, uncompressed: tsink takes no larger body.
const MAX_REQUEST: usize = 64 << 20;

/// What a scan tells.
pub(super) trait Hear {
    /// Samples, in the order of the recording.
    fn rows(&mut self, rows: &[Row], table: &SeriesTable);
    /// Exemplars and their series.
    fn exemplars(&mut self, exemplars: Vec<(u32, Exemplar)>, table: &SeriesTable);
    /// A line that brings new series, and its samples.
    fn first(&mut self, _line: &str, _rows: &[Row], _table: &SeriesTable) {}
    /// A line that was taken; only the first few are told.
    fn taken(&mut self, _entry: &Entry, _line: &str) {}
    /// A refused unit.
    fn refused(&mut self, _entry: u64, _place: &str, _text: &str, _refusal: &Refusal) {}
    /// An entry, or the manifest from here on, that cannot be read.
    fn bad(&mut self, _bad: BadEntry) {}
    /// What tsink would not take live as it was sent; how many.
    fn flag(&mut self, _flag: Flag, _entry: u64, _count: u64) {}
    /// A metric without samples.
    fn family(&mut self, _family: Family) {}
    /// OTLP data points taken from a payload, by shape.
    fn shapes(&mut self, _shapes: &Shapes) {}
    /// What looks wrong but does no harm.
    fn hint(&mut self, _entry: u64, _hint: String) {}
}

/// What has been read so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub entries: u64,
    pub payload_bytes: u64,
    /// Lines, events or data points, blank lines left out.
    pub units: u64,
}

enum Parser {
    Lines(Box<dyn LineProtocol>),
    Otlp(Box<Otlp>),
}

/// Goes through a recording once.
pub(super) struct Scanner {
    files: Rc<dyn Files>,
    kind: SourceKind,
    parser: Parser,
    manifest: String,
    size: u64,
    offset: u64,
    reader: ManifestReader,
    current: Option<Current>,
    pub table: SeriesTable,
    pub counts: Counts,
    rows: Vec<Row>,
    sent: Vec<u8>,
    otlp: OtlpOut,
}

/// A payload that is being read.
struct Current {
    entry: Entry,
    stored: Stored,
    pipe: Pipe,
    lines: Lines,
    /// Lines so far, blank ones too.
    line: u64,
    units: u64,
    bytes: u64,
    /// An OTLP request as far as it is there.
    request: Vec<u8>,
}

/// Where the rest of a payload is.
enum Stored {
    Here(Bytes),
    File { path: String, rest: Range<u64> },
}

impl Scanner {
    /// A scan from the beginning.
    ///
    /// # Errors
    /// When the manifest is not there.
    pub async fn new(
        files: Rc<dyn Files>,
        kind: SourceKind,
        manifest: &str,
        tenant: &str,
    ) -> Result<Self, FileError> {
        let size = files.size(manifest).await?;
        let parser = match kind {
            SourceKind::Otlp => Parser::Otlp(Box::new(Otlp::new(tenant))),
            SourceKind::Statsd => Parser::Lines(Box::new(Statsd::new())),
            SourceKind::GraphitePlaintext => Parser::Lines(Box::new(Graphite::new())),
            SourceKind::InfluxLineProtocol | SourceKind::Prometheus | SourceKind::VictoriaMetrics => {
                Parser::Lines(Box::new(Influx::new()))
            }
        };
        Ok(Self {
            files,
            kind,
            parser,
            manifest: manifest.to_owned(),
            size,
            offset: 0,
            reader: ManifestReader::default(),
            current: None,
            table: SeriesTable::default(),
            counts: Counts::default(),
            rows: Vec::new(),
            sent: Vec::new(),
            otlp: OtlpOut::default(),
        })
    }

    /// Bytes of the manifest, and how many of them have been read.
    pub fn position(&self) -> (u64, u64) {
        (self.offset, self.size)
    }

    /// Reads one more piece; `false` at the end.
    ///
    /// # Errors
    /// When the manifest can no longer be read. What is wrong with a payload is told to `hear`.
    pub async fn step(&mut self, hear: &mut dyn Hear) -> Result<bool, FileError> {
        if let Some(mut current) = self.current.take() {
            match self.payload(&mut current, hear).await {
                Ok(true) => self.current = Some(current),
                Ok(false) => self.end(current, hear),
                Err((problem, remedy)) => {
                    // What had come out of it is none of the next payload's.
                    self.sent.clear();
                    self.counts.payload_bytes += current.bytes;
                    self.counts.units += current.units;
                    self.bad(&current, problem, remedy, hear);
                }
            }
            return Ok(true);
        }
        match self.reader.next() {
            Ok(Some(Item::Entry(entry))) => self.open(*entry, hear).await,
            Ok(Some(Item::Bad(bad))) => {
                self.counts.entries += 1;
                hear.bad(BadEntry {
                    entry: Some(bad.index),
                    line: bad.line,
                    problem: bad.problem,
                    remedy: bad.remedy,
                });
            }
            Ok(None) if self.offset < self.size => {
                let piece = self.files.read(&self.manifest, self.offset, PIECE_BYTES).await?;
                self.offset += piece.len() as u64;
                if piece.is_empty() {
                    // It has become shorter: what is missing shows as a manifest that breaks off.
                    self.offset = self.size;
                }
                self.reader.feed(&piece);
                if self.offset >= self.size {
                    self.reader.finish();
                }
            }
            Ok(None) if self.reader.is_complete() => return Ok(false),
            Ok(None) => self.reader.finish(),
            Err(fault) => {
                hear.bad(BadEntry {
                    entry: None,
                    line: fault.line,
                    problem: format!(
                        "byte {}: {}; nothing behind it can be read",
                        fault.offset, fault.problem
                    ),
                    remedy: fault.remedy.to_owned(),
                });
                return Ok(false);
            }
        }
        Ok(true)
    }

    async fn open(&mut self, mut entry: Entry, hear: &mut dyn Hear) {
        self.counts.entries += 1;
        if let Some(hint) = &entry.hint {
            hear.hint(entry.index, hint.clone());
        }
        let pipe = Pipe::of(&entry.payload);
        let stored = match &mut entry.payload {
            Payload::Body(Text::Here(bytes)) | Payload::Base64(Text::Here(bytes)) => {
                Ok(Stored::Here(Bytes::from(std::mem::take(bytes))))
            }
            Payload::Body(Text::At(rest)) | Payload::Base64(Text::At(rest)) => {
                Ok(Stored::File { path: self.manifest.clone(), rest: rest.clone() })
            }
            Payload::Path(path) => {
                let size = self.files.size(path).await;
                size.map(|size| Stored::File { path: path.clone(), rest: 0..size })
            }
        };
        let current = |stored| Current {
            entry,
            stored,
            pipe,
            lines: Lines::default(),
            line: 0,
            units: 0,
            bytes: 0,
            request: Vec::new(),
        };
        let current = match stored {
            Ok(stored) => current(stored),
            Err(error) => {
                let current = current(Stored::Here(Bytes::new()));
                return self.bad(&current, error.to_string(), error.remedy(), hear);
            }
        };
        if let Parser::Lines(parser) = &mut self.parser {
            if current.entry.received_at_ms.is_none() {
                let problem = format!("received_at_ms is missing, and {} needs it", self.kind.as_str());
                let remedy = "Add the Unix time in milliseconds at which the payload arrived; lines without a timestamp count as of then.";
                return self.bad(&current, problem, remedy, hear);
            }
            if let Err(refusal) = parser.begin(&current.entry.query_params) {
                let remedy = "tsink refuses such a request whole. Write one of ns, us, ms, s, m and h.";
                return self.bad(&current, refusal.message, remedy, hear);
            }
        }
        self.current = Some(current);
    }

    /// Tells that an entry cannot be read.
    fn bad(&self, current: &Current, problem: String, remedy: &str, hear: &mut dyn Hear) {
        let entry = &current.entry;
        let kept = match current.line {
            0 => String::new(),
            lines => format!("; its first {lines} lines could be read and count"),
        };
        hear.bad(BadEntry {
            entry: Some(entry.index),
            line: entry.line,
            problem: problem + &kept,
            remedy: remedy.to_owned(),
        });
    }

    /// Reads a piece of a payload; `false` at its end.
    async fn payload(
        &mut self,
        current: &mut Current,
        hear: &mut dyn Hear,
    ) -> Result<bool, (String, &'static str)> {
        let piece = match &mut current.stored {
            Stored::Here(bytes) => bytes.split_to(PIECE_BYTES.min(bytes.len())),
            Stored::File { path, rest } => {
                let length = PIECE_BYTES.min(usize::try_from(rest.end - rest.start).unwrap_or(PIECE_BYTES));
                let piece = if length == 0 {
                    Bytes::new()
                } else {
                    let piece = self.files.read(path, rest.start, length).await;
                    piece.map_err(|error| (error.to_string(), error.remedy()))?
                };
                rest.start += piece.len() as u64;
                if piece.is_empty() && rest.start < rest.end {
                    return Err((
                        format!("{path} has become shorter while it was read"),
                        "Do not write to a recording while it is migrated; start again.",
                    ));
                }
                piece
            }
        };
        let is_end = piece.is_empty();
        let unreadable = |error: Unreadable| (error.problem, error.remedy);
        for part in piece.chunks(PIECE) {
            current.pipe.feed(part, &mut self.sent).map_err(unreadable)?;
            self.sent_bytes(current, hear)?;
        }
        if is_end {
            let pipe = std::mem::replace(&mut current.pipe, Pipe::of(&current.entry.payload));
            pipe.finish(&mut self.sent).map_err(unreadable)?;
            self.sent_bytes(current, hear)?;
        }
        Ok(!is_end)
    }

    /// Takes the bytes that were sent, as far as they are known.
    fn sent_bytes(
        &mut self,
        current: &mut Current,
        hear: &mut dyn Hear,
    ) -> Result<(), (String, &'static str)> {
        current.bytes += self.sent.len() as u64;
        let Self { parser, sent, table, rows, .. } = self;
        match parser {
            Parser::Otlp(_) => {
                current.request.append(sent);
                if current.request.len() > MAX_REQUEST {
                    return Err((
                        format!(
                            "the payload has more than {MAX_REQUEST} bytes; tsink takes no larger request"
                        ),
                        "Cut the recording into the requests that were sent, one entry each.",
                    ));
                }
            }
            Parser::Lines(parser) => {
                let Current { entry, lines, line, units, .. } = current;
                let mut reader =
                    LineReader { parser: parser.as_mut(), table, rows, entry, line, units, hear };
                lines.feed(sent, &mut |found| reader.line(found));
                sent.clear();
                hear.rows(rows, table);
                rows.clear();
            }
        }
        Ok(())
    }

    /// Ends a payload.
    fn end(&mut self, mut current: Current, hear: &mut dyn Hear) {
        let Self { parser, table, rows, otlp, .. } = self;
        let index = current.entry.index;
        match parser {
            Parser::Lines(parser) => {
                let Current { entry, lines, line, units, .. } = &mut current;
                let mut reader =
                    LineReader { parser: parser.as_mut(), table, rows, entry, line, units, hear };
                lines.finish(&mut |found| reader.line(found));
                hear.rows(rows, table);
                rows.clear();
                let (max_lines, max_bytes) = parser.payload_limits();
                if max_lines.is_some_and(|most| current.units > most as u64) {
                    hear.flag(Flag::PayloadLines, index, 1);
                }
                if max_bytes.is_some_and(|most| current.bytes > most as u64) {
                    hear.flag(Flag::PayloadBytes, index, 1);
                }
            }
            Parser::Otlp(parser) => {
                let known = table.len();
                match parser.payload(&current.request, table, otlp) {
                    Err(refusal) => {
                        let remedy = "An entry is one ExportMetricsServiceRequest in protobuf, as sent to /v1/metrics (gzip is fine; JSON is not).";
                        self.bad(&current, refusal.message, remedy, hear);
                    }
                    Ok(()) => {
                        if table.len() > known {
                            hear.first("", &otlp.rows, table);
                        }
                        hear.rows(&otlp.rows, table);
                        otlp.rows.clear();
                        if otlp.exemplars.len() > LIVE_EXEMPLARS {
                            hear.flag(Flag::PayloadExemplars, index, 1);
                        }
                        hear.exemplars(std::mem::take(&mut otlp.exemplars), table);
                        otlp.families.drain(..).for_each(|family| hear.family(family));
                        for (place, refusal) in otlp.refused.drain(..) {
                            hear.refused(index, &place, "", &refusal);
                        }
                        current.units = otlp.points;
                        otlp.points = 0;
                        let shapes = std::mem::take(&mut otlp.shapes);
                        if shapes.standard_histograms > 0 {
                            hear.flag(Flag::StandardHistogram, index, shapes.standard_histograms);
                        }
                        hear.shapes(&shapes);
                    }
                }
            }
        }
        self.counts.payload_bytes += current.bytes;
        self.counts.units += current.units;
    }
}

/// What a line of a payload needs to be normalised.
struct LineReader<'a> {
    parser: &'a mut dyn LineProtocol,
    table: &'a mut SeriesTable,
    rows: &'a mut Vec<Row>,
    entry: &'a Entry,
    line: &'a mut u64,
    units: &'a mut u64,
    hear: &'a mut dyn Hear,
}

impl LineReader<'_> {
    fn line(&mut self, found: Line<'_>) {
        *self.line += 1;
        let (known, before) = (self.table.len(), self.rows.len());
        let (line, outcome) = match found {
            Line::Whole(line) => match std::str::from_utf8(line) {
                Ok(text) => {
                    let at = self.entry.received_at_ms.unwrap_or_default();
                    (line, self.parser.line(text, at, self.table, self.rows))
                }
                Err(_) => (line, Err(Refusal::new(RefusalKind::Syntax, "must be valid UTF-8"))),
            },
            Line::TooLong(line) => {
                let message = format!("the line has more than {} bytes", line.len());
                (line, Err(Refusal::new(RefusalKind::TooLong, message)))
            }
        };
        match outcome {
            Ok(held_anything) => {
                *self.units += u64::from(held_anything);
                if held_anything && self.entry.index < TOLD_ENTRIES && *self.units < TOLD_LINES {
                    self.hear.taken(self.entry, &String::from_utf8_lossy(line));
                }
            }
            Err(refusal) => {
                *self.units += 1;
                let place = format!("line {}", self.line);
                self.hear.refused(self.entry.index, &place, &shown(line), &refusal);
            }
        }
        if self.table.len() > known {
            let rows = self.rows.get(before..).unwrap_or_default();
            self.hear.first(&shown(line), rows, self.table);
        }
    }
}

/// A line as it is shown: cut, without control characters.
fn shown(line: &[u8]) -> String {
    let part = String::from_utf8_lossy(line.get(..SHOWN_BYTES.min(line.len())).unwrap_or_default());
    let mut text: String = part.trim().chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    if line.len() > SHOWN_BYTES {
        text.push('…');
    }
    text
}
