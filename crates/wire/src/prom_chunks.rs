//! Prometheus remote read, response type STREAMED_XOR_CHUNKS (`prompb/remote.proto`, `prompb/types.proto`).
//!
//! ```text
//! body   = frame*                                   (frame.rs)
//! frame  = uvarint length | u32 big-endian CRC-32C | ChunkedReadResponse
//! ChunkedReadResponse { chunked_series = 1: ChunkedSeries, query_index = 2 }
//! ChunkedSeries       { labels = 1, chunks = 2 }
//! Chunk               { min_time_ms = 1, max_time_ms = 2, type = 3, data = 4 }
//! ```
//! A series may go on in the next frame, under the same labels. Chunks come as they are stored: they reach
//! beyond the window that was asked for, and may overlap. What comes out here is clipped to the window,
//! sorted, and holds no row twice.
//!
//! Prometheus before 2.44 leaves native histograms out of SAMPLES answers, and shows them here only.

use super::WireError;
use super::proto::{LEN, Reader, VARINT};
use super::types::LabelMatcher;
use crate::model::Window;
use crate::prom_read::{SlabData, query, request};
use crate::room::Room;
use crate::series::label;
use bytes::Bytes;
use mark::End;
use rows::Rows;

mod bits;
mod frame;
mod histogram;
mod mark;
mod rows;
mod xor;

pub use mark::{Mark, encode_marked_request};

/// Bytes of what one answer becomes at most: as many as a SAMPLES answer may have, decompressed. A chunk can
/// hold 18 bytes of a series in 2 bits.
const OUTPUT_LIMIT: usize = 512 << 20;

/// What is said of an answer that ends on a frame's end, and before its own.
const CUT_SHORT: &str =
    "the answer ends too early: something between here and the server has cut it off, and cleanly";

/// Bytes of a frame that are held whatever the limit: Prometheus makes frames of 1 MiB, or of one chunk.
const LEAST_FRAME: usize = 4 << 20;

/// The response type.
const STREAMED: i32 = 1;

/// `Chunk.type`. 0 is what proto3 leaves out; Prometheus' own reader takes it for XOR, too.
const XOR: [u64; 2] = [0, 1];
const HISTOGRAM: u64 = 2;
const FLOAT_HISTOGRAM: u64 = 3;

/// A compressed request for what `matchers` find in `window`, as streamed chunks. A server that knows only
/// SAMPLES answers with those (its `Content-Type` says so), or with 400 as tsink 0.10.2 does.
pub fn encode_request(matchers: &[LabelMatcher], window: Window) -> Bytes {
    request(vec![query(matchers, window)], STREAMED)
}

/// Reads a whole answer to one query: the rows inside `window`, series without any left out.
///
/// # Errors
/// For a damaged or truncated stream, with the server's words where it broke off with some; for chunks of an
/// unknown encoding; for more than 512 MiB of rows.
pub fn decode(body: &[u8], window: Window) -> Result<SlabData, WireError> {
    let mut decoder = Decoder::new(window);
    decoder.feed(body)?;
    decoder.finish()
}

/// Reads an answer as it arrives. After an error it is of no more use.
#[derive(Debug)]
pub struct Decoder {
    output_limit: usize,
    over_limit: bool,
    /// The beginning of a frame whose end has not arrived.
    pending: Vec<u8>,
    /// Where `pending`, or the next frame, begins in the body.
    offset: usize,
    /// Label fields of the series that is being read, as they stand on the wire.
    labels: Vec<u8>,
    frame_labels: Vec<u8>,
    rows: Rows,
    out: SlabData,
    end: End,
}

impl Decoder {
    /// For rows inside `window`.
    pub fn new(window: Window) -> Self {
        Self::with_limit(window, OUTPUT_LIMIT)
    }

    /// The same, for at most `output_limit` bytes of rows.
    pub fn with_limit(window: Window, output_limit: usize) -> Self {
        Self {
            output_limit,
            over_limit: false,
            pending: Vec::new(),
            offset: 0,
            labels: Vec::new(),
            frame_labels: Vec::new(),
            rows: Rows::new(window),
            out: SlabData::default(),
            end: End::Unmarked,
        }
    }

    /// For an answer to [`encode_marked_request`]: one without the mark at its end is an error.
    #[must_use]
    pub fn marked(self) -> Self {
        Self { end: End::Open, ..self }
    }

    /// Takes this room for rows and labels, once the first ones come.
    #[must_use]
    pub fn with_room(self, room: Room) -> Self {
        Self { out: SlabData::with_room(room.at_most(self.output_limit)), ..self }
    }

    /// Whether the error was that the answer holds too much: smaller windows can be read.
    pub fn is_over_limit(&self) -> bool {
        self.over_limit
    }

    /// Gives away the series that have been read whole so far. They do not count against the limit any more.
    pub fn take(&mut self) -> SlabData {
        std::mem::take(&mut self.out)
    }

    /// Takes the next bytes of the body.
    ///
    /// # Errors
    /// As [`decode`].
    pub fn feed(&mut self, bytes: &[u8]) -> Result<(), WireError> {
        if self.pending.is_empty() {
            let used = self.frames(bytes)?;
            self.pending.extend_from_slice(bytes.get(used..).unwrap_or_default());
        } else {
            let mut held = std::mem::take(&mut self.pending);
            held.extend_from_slice(bytes);
            let used = self.frames(&held)?;
            held.drain(..used);
            self.pending = held;
        }
        // A server that promises a huge frame is not let fill the memory with it.
        if self.pending.len() > self.output_limit.max(LEAST_FRAME) {
            self.over_limit = true;
            return Err(WireError::new(
                self.offset,
                format!(
                    "a frame of more than {} bytes, which is more than is held at once",
                    self.pending.len()
                ),
            ));
        }
        Ok(())
    }

    /// Ends the body.
    ///
    /// # Errors
    /// When it ends inside a frame, or before its mark.
    pub fn finish(mut self) -> Result<SlabData, WireError> {
        self.end()?;
        Ok(self.out)
    }

    fn end(&mut self) -> Result<(), WireError> {
        if !self.pending.is_empty() {
            return Err(frame::cut_off(&self.pending, self.offset));
        }
        if self.end == End::Open {
            return Err(WireError::new(self.offset, CUT_SHORT));
        }
        self.flush();
        Ok(())
    }

    /// Reads the whole frames in `bytes`, and says how many bytes they have.
    fn frames(&mut self, bytes: &[u8]) -> Result<usize, WireError> {
        let mut used = 0;
        while let Some(found) = frame::next(bytes.get(used..).unwrap_or_default(), self.offset)? {
            self.response(Reader::new(found.data, self.offset + found.length - found.data.len()))?;
            used += found.length;
            self.offset += found.length;
        }
        Ok(used)
    }

    fn response(&mut self, mut response: Reader<'_>) -> Result<(), WireError> {
        if self.end != End::Unmarked {
            match query_index(response.clone())? {
                0 if self.end == End::Marked => {
                    return Err(response.error("a series behind the end of the answer".to_owned()));
                }
                1 => {
                    self.end = End::Marked;
                    return Ok(());
                }
                _ => {}
            }
        }
        while let Some(field) = response.field()? {
            match field.number {
                1 => {
                    response.expect(field, LEN, "a series")?;
                    self.series(response.message()?)?;
                }
                2 => {
                    response.expect(field, VARINT, "a query's index")?;
                    let index = response.varint()?;
                    if index != 0 {
                        return Err(response.error(format!("query {index} where one query was asked")));
                    }
                }
                _ => response.skip(field.wire)?,
            }
        }
        Ok(())
    }

    fn series(&mut self, mut series: Reader<'_>) -> Result<(), WireError> {
        // Labels come before chunks in every writer we know; one that mixes them is still read whole.
        self.frame_labels.clear();
        let mut ahead = series.clone();
        while let Some(field) = ahead.field()? {
            if field.number != 1 {
                ahead.skip(field.wire)?;
                continue;
            }
            ahead.expect(field, LEN, "a label")?;
            let message = ahead.message()?;
            label(message)?;
            let bytes = ahead.whole().get(field.start..ahead.position()).unwrap_or_default();
            self.frame_labels.extend_from_slice(bytes);
        }
        if self.frame_labels != self.labels {
            self.flush();
            self.check_cost(series.offset())?;
            std::mem::swap(&mut self.labels, &mut self.frame_labels);
        }
        while let Some(field) = series.field()? {
            if field.number == 2 {
                series.expect(field, LEN, "a chunk")?;
                self.chunk(series.message()?)?;
            } else {
                series.skip(field.wire)?;
            }
        }
        Ok(())
    }

    fn chunk(&mut self, mut chunk: Reader<'_>) -> Result<(), WireError> {
        let start = chunk.offset();
        let (mut encoding, mut data) = (0, &[][..]);
        while let Some(field) = chunk.field()? {
            match field.number {
                3 => {
                    chunk.expect(field, VARINT, "a chunk's type")?;
                    encoding = chunk.varint()?;
                }
                4 => {
                    chunk.expect(field, LEN, "a chunk's data")?;
                    data = chunk.bytes()?;
                }
                _ => chunk.skip(field.wire)?,
            }
        }
        // What is written already, and what this series will add.
        self.rows.begin_chunk(self.output_limit.saturating_sub(self.out.cost()));
        let done = match encoding {
            encoding if XOR.contains(&encoding) => xor::decode(data, &mut self.rows),
            HISTOGRAM => histogram::decode_integer(data, &mut self.rows),
            FLOAT_HISTOGRAM => histogram::decode_float(data, &mut self.rows),
            other => Err(unknown(other)),
        };
        self.over_limit = self.rows.is_over_limit();
        done.map_err(|what| WireError::new(start, what))
    }

    /// Writes the series that was read.
    fn flush(&mut self) {
        let (labels, rows) = (&self.labels, &mut self.rows);
        if !rows.is_empty() {
            let ascending = rows.settle();
            match rows.only_floats() {
                Some(floats) => self.out.append_samples(labels, floats, ascending),
                None => self.out.append(labels.len() + rows.bytes(), |out| {
                    out.extend_from_slice(labels);
                    rows.write(out);
                }),
            }
        }
        rows.clear();
    }

    /// Notes that the series that were read are more than is held at once, where their rows are few.
    fn check_cost(&mut self, at: usize) -> Result<(), WireError> {
        if self.out.cost() > self.output_limit {
            self.over_limit = true;
            return Err(WireError::new(at, "the answer holds more series than are accepted at once"));
        }
        Ok(())
    }
}

/// Which query a frame belongs to; proto3 leaves out the first.
fn query_index(mut response: Reader<'_>) -> Result<u64, WireError> {
    let mut index = 0;
    while let Some(field) = response.field()? {
        if field.number == 2 {
            response.expect(field, VARINT, "a query's index")?;
            index = response.varint()?;
        } else {
            response.skip(field.wire)?;
        }
    }
    Ok(index)
}

/// Encodings that are newer than what is read here (Prometheus main, 2026; experimental there).
fn unknown(encoding: u64) -> String {
    let name = match encoding {
        4 => " (XOR2)",
        5 => " (HISTOGRAM_ST)",
        6 => " (FLOAT_HISTOGRAM_ST)",
        _ => "",
    };
    format!(
        "a chunk of type {encoding}{name}, which cannot be read; known are XOR, HISTOGRAM and FLOAT_HISTOGRAM"
    )
}

#[cfg(test)]
mod tests;
