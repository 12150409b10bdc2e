//! VictoriaMetrics' export, `/api/v1/export`: JSON lines (`app/vmselect/prometheus/export.qtpl`, measured with
//! 1.79.5).
//!
//! ```text
//! body = line*
//! line = {"metric":{NAME:VALUE,…},"values":[value,…],"timestamps":[ms,…]} '\n'
//! ```
//! A series may go on in a later line: the server cuts long ones (`max_rows_per_line`). Lines of one series are put
//! together here, whatever stands between them. What comes out is clipped to the window, in order of labels and time.
//!
//! **Special values.** 1.79.5 writes them bare, as `NaN`, `+Inf` and `-Inf`, or `null` for a NaN that is not the first
//! of its line, so its lines are not always JSON; newer versions write `null`, `"Infinity"` and `"-Infinity"`. All of
//! these are read, in quotes and without.
//!
//! **NaN.** VictoriaMetrics drops ordinary NaNs when it takes samples in and keeps staleness markers
//! (`lib/storage`, `lib/decimal`; measured). So every NaN of an export is a staleness marker, though the text does not
//! say so, and it is read as one: `0x7ff0000000000002`.
//!
//! **Numbers** are read exactly: the float nearest to the text. They are what VictoriaMetrics holds, which is not
//! always what it was sent: it stores a block of samples as whole numbers with one decimal exponent, so that
//! 3.141592653589793 comes back as 3.141592653589, and small numbers beside huge ones as 0.
//!
//! An error in the middle of the stream leaves status 200: 1.79.5 appends its text, newer versions break the
//! connection. So a line that does not begin with `{` is taken for the server's words, and a body that does not end
//! with a line's end is cut off.

use super::prom_read::SlabData;
use super::series::{SAMPLE_BYTES, put_label, put_sample};
use crate::model::{Labels, Millis, Window};
use line::Line;
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;

mod line;
mod number;

/// Bytes of a line at most. With the 10,000 rows that are asked for, a line has a few hundred kilobytes; a server
/// that ignores this, and sends a slab's series in one line, a few dozen megabytes.
const LINE_LIMIT: usize = 64 << 20;
/// Bytes that a label takes on the wire beside its texts, and a few more.
const LABEL_BYTES: usize = 16;
/// Bytes that the rows of an answer become at most, as for remote read.
const OUTPUT_LIMIT: usize = 512 << 20;
/// Characters of a series shown in an error.
const SHOWN: usize = 200;

/// What is wrong with an export.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}{}: {fault}", self.of_series())]
pub struct ExportError {
    /// Line, counted from 1.
    pub line: u64,
    /// The line's series, where it could be read; at most 200 characters.
    pub series: Option<String>,
    /// What is wrong with it.
    pub fault: Fault,
}

impl ExportError {
    fn of_series(&self) -> String {
        self.series.as_ref().map(|series| format!(" ({series})")).unwrap_or_default()
    }
}

/// What is wrong with a line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// It is not what an export writes.
    #[error("at byte {offset}: {what}")]
    Malformed {
        /// Where, counted from the line's start.
        offset: usize,
        /// What was found, or expected.
        what: String,
    },
    /// It is no line of an export at all; these are the server's words on why the export ends here.
    #[error("the export broke off: {0}")]
    Words(String),
    /// The body ends inside of it.
    #[error("the answer ends in the middle of the line, after {bytes} bytes")]
    CutOff {
        /// Bytes of the line that are there.
        bytes: usize,
    },
    /// It is longer than any line that a server sends.
    #[error("the line has more than {limit} bytes")]
    TooLong {
        /// Bytes that a line may have.
        limit: usize,
    },
    /// With it, the answer holds more than is accepted at once: smaller windows can be read.
    #[error("the answer holds more samples than are accepted at once")]
    TooMuch,
}

/// Reads a whole export: the rows inside `window`, series without any left out.
///
/// ```
/// use tsink_migrate_wire::model::Window;
/// use tsink_migrate_wire::vm_export;
/// let body = br#"{"metric":{"__name__":"up","job":"a"},"values":[1,null],"timestamps":[1000,2000]}
/// {"metric":{"__name__":"up","job":"a"},"values":[-Inf],"timestamps":[3000]}
/// "#;
/// let read = vm_export::decode(body, Window { start_ms: 0, end_ms: 3000 }).unwrap();
/// assert_eq!((read.series_count(), read.sample_count()), (1, 3));
/// ```
///
/// # Errors
/// [`ExportError`] for the first line that cannot be read.
pub fn decode(body: &[u8], window: Window) -> Result<SlabData, ExportError> {
    let mut decoder = Decoder::new(window);
    decoder.feed(body)?;
    decoder.finish()
}

/// Reads an export as it arrives, and holds its rows, a line that has not ended, and nothing else of the body. After
/// an error it is of no more use.
#[derive(Debug)]
pub struct Decoder {
    window: Window,
    line_limit: usize,
    output_limit: usize,
    /// Bytes that may still be held.
    room: usize,
    /// The beginning of a line whose end has not arrived.
    pending: Vec<u8>,
    /// Lines that have ended.
    lines: u64,
    series: Vec<Rows>,
    /// Place in `series` by the `metric` object as it was written: one server writes one series always alike.
    by_text: FxHashMap<Vec<u8>, usize>,
    /// Place in `series` by labels.
    by_labels: BTreeMap<Labels, usize>,
}

/// Time and bits of the rows of a series.
type Rows = Vec<(Millis, u64)>;

impl Decoder {
    /// For rows inside `window`.
    pub fn new(window: Window) -> Self {
        Self::with_limits(window, LINE_LIMIT, OUTPUT_LIMIT)
    }

    /// The same, for lines of at most `line_limit` bytes, and at most `output_limit` bytes of rows and labels.
    pub fn with_limits(window: Window, line_limit: usize, output_limit: usize) -> Self {
        Self {
            window,
            line_limit,
            output_limit,
            room: output_limit,
            pending: Vec::new(),
            lines: 0,
            series: Vec::new(),
            by_text: FxHashMap::default(),
            by_labels: BTreeMap::new(),
        }
    }

    /// Takes the next bytes of the body.
    ///
    /// # Errors
    /// As [`decode`].
    pub fn feed(&mut self, mut bytes: &[u8]) -> Result<(), ExportError> {
        while let Some(end) = memchr::memchr(b'\n', bytes) {
            let (line, rest) = bytes.split_at(end);
            if self.pending.is_empty() {
                self.line(line)?;
            } else {
                let mut held = std::mem::take(&mut self.pending);
                self.check_length(held.len() + line.len())?;
                held.extend_from_slice(line);
                self.line(&held)?;
                held.clear();
                self.pending = held;
            }
            self.lines += 1;
            bytes = rest.get(1..).unwrap_or_default();
        }
        self.check_length(self.pending.len() + bytes.len())?;
        self.pending.extend_from_slice(bytes);
        Ok(())
    }

    /// Ends the body.
    ///
    /// # Errors
    /// When it ends inside a line.
    pub fn finish(mut self) -> Result<SlabData, ExportError> {
        let rest = self.pending.trim_ascii_start();
        match rest.first() {
            None => {}
            Some(b'{') => return Err(self.error(None, Fault::CutOff { bytes: self.pending.len() })),
            Some(_) => return Err(self.error(None, words(rest))),
        }
        self.pending = Vec::new();
        Ok(self.take())
    }

    /// Gives away the rows of all lines that have ended. They do not count against the limit any more; a series may
    /// come again in what is taken next.
    pub fn take(&mut self) -> SlabData {
        self.by_text = FxHashMap::default();
        self.room = self.output_limit;
        let mut series = std::mem::take(&mut self.series);
        let mut out = SlabData::default();
        for (labels, at) in std::mem::take(&mut self.by_labels) {
            // Taken out, so that each series is held in one form only.
            let mut rows = series.get_mut(at).map(std::mem::take).unwrap_or_default();
            if rows.is_empty() {
                continue;
            }
            // Rows of one time keep the order in which they came.
            crate::order::sort_by_key(&mut rows, |(at, _)| *at);
            let text: usize = labels.iter().map(|(name, value)| name.len() + value.len() + LABEL_BYTES).sum();
            out.append(text + rows.len() * SAMPLE_BYTES, |out| {
                labels.iter().for_each(|(name, value)| put_label(out, name, value));
                rows.iter().for_each(|(at, bits)| put_sample(out, *at, *bits));
            });
        }
        out
    }

    fn error(&self, series: Option<String>, fault: Fault) -> ExportError {
        ExportError { line: self.lines + 1, series, fault }
    }

    fn check_length(&self, length: usize) -> Result<(), ExportError> {
        if length > self.line_limit {
            return Err(self.error(None, Fault::TooLong { limit: self.line_limit }));
        }
        Ok(())
    }

    fn line(&mut self, text: &[u8]) -> Result<(), ExportError> {
        self.check_length(text.len())?;
        let start = text.trim_ascii_start();
        match start.first() {
            None => return Ok(()),
            Some(b'{') => {}
            Some(_) => return Err(self.error(None, words(start))),
        }
        let line = Line::find(text)
            .map_err(|(offset, what)| self.error(None, Fault::Malformed { offset, what: what.to_owned() }))?;
        let at = self.place(&line)?;
        let (window, mut rows) =
            (self.window, self.series.get_mut(at).map(std::mem::take).unwrap_or_default());
        let before = rows.len();
        // The room counts while rows are read: one line may hold far more of them than it has bytes left.
        let most = before.saturating_add(self.room / SAMPLE_BYTES);
        let read = line.rows(|time, bits| {
            if window.contains(time) {
                rows.push((time, bits));
            }
            rows.len() <= most
        });
        match read {
            Ok(true) => {}
            Ok(false) => return Err(self.error(shown(line.metric), Fault::TooMuch)),
            Err((offset, what)) => {
                let fault = Fault::Malformed { offset, what: what.to_owned() };
                return Err(self.error(shown(line.metric), fault));
            }
        }
        self.room = self.room.saturating_sub((rows.len() - before).saturating_mul(SAMPLE_BYTES));
        if let Some(slot) = self.series.get_mut(at) {
            *slot = rows;
        }
        Ok(())
    }

    /// Where the rows of the line's series are kept.
    fn place(&mut self, line: &Line<'_>) -> Result<usize, ExportError> {
        if let Some(at) = self.by_text.get(line.metric) {
            return Ok(*at);
        }
        let labels = line::labels(line.metric)
            .map_err(|what| self.error(None, Fault::Malformed { offset: line.metric_at, what }))?;
        // The text as a key, the labels twice as long for their own, and the tables around them.
        let cost = line.metric.len().saturating_mul(3).saturating_add(512);
        self.room = match self.room.checked_sub(cost) {
            Some(room) => room,
            None => return Err(self.error(shown(line.metric), Fault::TooMuch)),
        };
        let next = self.series.len();
        let at = *self.by_labels.entry(labels).or_insert(next);
        if at == next {
            self.series.push(Rows::new());
        }
        self.by_text.insert(line.metric.to_vec(), at);
        Ok(at)
    }
}

/// The start of a text that stands where a line should be.
fn words(text: &[u8]) -> Fault {
    let start = text.get(..text.len().min(4096)).unwrap_or_default();
    Fault::Words(String::from_utf8_lossy(start).trim().to_owned())
}

/// A series as it is shown in an error.
fn shown(metric: &[u8]) -> Option<String> {
    let text = line::labels(metric).ok()?.to_string();
    if text.chars().count() <= SHOWN {
        return Some(text);
    }
    Some(text.chars().take(SHOWN - 1).chain(['…']).collect())
}

#[cfg(test)]
mod tests;
