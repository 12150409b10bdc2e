//! Walking protobuf over borrowed bytes.
//!
//! This is the hot path of a migration: every sample of an answer is walked once, when the answer is
//! checked, and nothing is allocated for it. No call here recurses, whatever the bytes say, and every length
//! is checked against what is left before it is used. What is accepted is what prost accepts, less groups,
//! which proto3 does not have: bytes that pass here can be sent on and decoded by anyone.

use super::WireError;

/// Wire type of integers.
pub const VARINT: u8 = 0;
/// Wire type of doubles.
pub const FIXED64: u8 = 1;
/// Wire type of what begins with its length: texts, bytes, messages, packed numbers.
pub const LEN: u8 = 2;
const FIXED32: u8 = 5;

/// A cursor over a message; `base` is where the message starts in the whole body, for error texts.
#[derive(Clone)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    base: usize,
}

/// The head of a field.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// Its number.
    pub number: u32,
    /// Its wire type.
    pub wire: u8,
    /// Offset of its tag within the message, in bytes.
    pub start: usize,
}

impl<'a> Reader<'a> {
    /// A cursor at the start of a message that begins at byte `base` of the whole body.
    pub fn new(bytes: &'a [u8], base: usize) -> Self {
        Self { bytes, at: 0, base }
    }

    /// Offset of the cursor within the message.
    pub fn position(&self) -> usize {
        self.at
    }

    /// Puts the cursor at an offset within the message.
    pub fn seek(&mut self, at: usize) {
        self.at = at;
    }

    /// Whether nothing is left.
    pub fn is_at_end(&self) -> bool {
        self.at >= self.bytes.len()
    }

    /// Offset of the cursor within the whole body.
    pub fn offset(&self) -> usize {
        self.base + self.at
    }

    /// An error at the cursor.
    pub fn error(&self, what: impl Into<String>) -> WireError {
        WireError::new(self.offset(), what)
    }

    /// The next field's tag, or `None` at the end.
    #[inline]
    pub fn field(&mut self) -> Result<Option<Field>, WireError> {
        let start = self.at;
        if start >= self.bytes.len() {
            return Ok(None);
        }
        let tag = self.varint()?;
        // A tag is 32 bits: 29 of them are the number.
        let number = u32::try_from(tag).unwrap_or(0) >> 3;
        if number == 0 {
            return Err(WireError::new(self.base + start, "a field number that protobuf does not allow"));
        }
        Ok(Some(Field { number, wire: (tag & 7) as u8, start }))
    }

    /// A varint of at most 10 bytes.
    #[inline]
    pub fn varint(&mut self) -> Result<u64, WireError> {
        // Most varints here are tags and short lengths: one byte.
        if let Some(&byte) = self.bytes.get(self.at)
            && byte < 0x80
        {
            self.at += 1;
            return Ok(u64::from(byte));
        }
        self.long_varint()
    }

    fn long_varint(&mut self) -> Result<u64, WireError> {
        let start = self.at;
        let mut value = 0u64;
        for shift in (0..70).step_by(7) {
            let Some(&byte) = self.bytes.get(self.at) else {
                return Err(self.error("the message ends inside a varint"));
            };
            self.at += 1;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                // The tenth byte has room for one bit. Go's readers drop the others; prost, which tsink reads
                // with, refuses them, and so must we, as these bytes may be sent on.
                if shift == 63 && byte > 1 {
                    break;
                }
                return Ok(value);
            }
        }
        Err(WireError::new(self.base + start, "a varint of more than 64 bits"))
    }

    /// Eight bytes, little-endian.
    #[inline]
    pub fn fixed64(&mut self) -> Result<u64, WireError> {
        match self.bytes.get(self.at..self.at.saturating_add(8)).and_then(|bytes| bytes.try_into().ok()) {
            Some(bytes) => {
                self.at += 8;
                Ok(u64::from_le_bytes(bytes))
            }
            None => Err(self.error("the message ends inside a 64-bit value")),
        }
    }

    /// Time and value bits of a sample, if the next field is one as every writer puts it today: field 2, 16
    /// bytes long, the value, then a time that takes six bytes (1971 to 2109). The cursor moves behind it.
    ///
    /// Nearly all bytes of a migration are these 18, so they are taken as three overlapping words: one
    /// comparison for the tags, one for the varint's continuation bits, and no loop for its seven-bit groups.
    #[inline]
    pub fn plain_sample(&mut self) -> Option<(i64, u64)> {
        let frame: &[u8; 18] = self.bytes.get(self.at..)?.first_chunk()?;
        let word = |at: usize| {
            frame.get(at..at + 8).and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_le_bytes)
        };
        let (head, value, tail) = (word(0), word(3), word(10));
        if head & 0x00ff_ffff != 0x0009_1012 || tail & 0x8080_8080_8080_ff00 != 0x0080_8080_8080_1000 {
            return None;
        }
        let time = (tail >> 16) & 0x7f7f_7f7f_7f7f;
        let pairs = (time & 0x007f_007f_007f) | ((time & 0x7f00_7f00_7f00) >> 1);
        let time = (pairs & 0x3fff) | (pairs >> 2 & 0x0fff_c000) | (pairs >> 4 & 0x03ff_f000_0000);
        self.at += frame.len();
        Some((time as i64, value))
    }

    /// A length-delimited value.
    #[inline]
    pub fn bytes(&mut self) -> Result<&'a [u8], WireError> {
        let length = self.varint()?;
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        match usize::try_from(length).ok().and_then(|length| rest.get(..length)) {
            Some(value) => {
                self.at += value.len();
                Ok(value)
            }
            None => Err(self.error(format!("a value of {length} bytes where {} are left", rest.len()))),
        }
    }

    /// A message field: its own reader.
    pub fn message(&mut self) -> Result<Reader<'a>, WireError> {
        let value = self.bytes()?;
        Ok(Reader::new(value, self.offset() - value.len()))
    }

    /// The bytes of this message.
    pub fn whole(&self) -> &'a [u8] {
        self.bytes
    }

    /// Skips a field's value.
    pub fn skip(&mut self, wire: u8) -> Result<(), WireError> {
        match wire {
            VARINT => self.varint().map(drop),
            FIXED64 => self.fixed64().map(drop),
            LEN => self.bytes().map(drop),
            FIXED32 if self.bytes.len() - self.at >= 4 => {
                self.at += 4;
                Ok(())
            }
            FIXED32 => Err(self.error("the message ends inside a 32-bit value")),
            other => Err(self.error(format!("wire type {other}, which proto3 does not have"))),
        }
    }

    /// Fails unless the field has the wire type that its number asks for.
    #[inline]
    pub fn expect(&self, field: Field, wire: u8, what: &str) -> Result<(), WireError> {
        if field.wire == wire {
            return Ok(());
        }
        Err(WireError::new(
            self.base + field.start,
            format!("{what} with wire type {}, expected {wire}", field.wire),
        ))
    }
}

/// Appends a varint.
pub fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value as u8) | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends a length-delimited field with a one-byte tag.
pub fn put_bytes(out: &mut Vec<u8>, tag: u8, value: &[u8]) {
    out.push(tag);
    put_varint(out, value.len() as u64);
    out.extend_from_slice(value);
}
