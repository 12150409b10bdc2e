//! Walking protobuf over borrowed bytes.
//!
//! This is the hot path of a migration: a slab of half a million samples is walked twice, and nothing is
//! allocated per sample. Messages that are rare (histograms, metadata) go through prost instead.

use super::WireError;

/// Wire types that proto3 uses.
pub(super) const VARINT: u8 = 0;
pub(super) const FIXED64: u8 = 1;
pub(super) const LEN: u8 = 2;
const FIXED32: u8 = 5;

/// A cursor over a message; `base` is where the message starts in the whole body, for error texts.
#[derive(Clone)]
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    base: usize,
}

/// A field: number, wire type, and the offset of its tag within the message.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field {
    pub number: u32,
    pub wire: u8,
    pub start: usize,
}

impl<'a> Reader<'a> {
    pub fn new(bytes: &'a [u8], base: usize) -> Self {
        Self { bytes, at: 0, base }
    }

    /// Offset of the cursor within the message.
    pub fn position(&self) -> usize {
        self.at
    }

    /// Offset of the cursor within the whole body.
    pub fn offset(&self) -> usize {
        self.base + self.at
    }

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
        let number = u32::try_from(tag >> 3).unwrap_or(0);
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
        let mut value = 0u64;
        for shift in (0..70).step_by(7) {
            let Some(&byte) = self.bytes.get(self.at) else {
                return Err(self.error("the message ends inside a varint"));
            };
            self.at += 1;
            // The tenth byte holds one bit; protobuf readers drop what overflows.
            value |= u64::from(byte & 0x7f).checked_shl(shift).unwrap_or(0);
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(self.error("a varint of more than ten bytes"))
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
pub(super) fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value as u8) | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends a length-delimited field with a one-byte tag.
pub(super) fn put_bytes(out: &mut Vec<u8>, tag: u8, value: &[u8]) {
    out.push(tag);
    put_varint(out, value.len() as u64);
    out.extend_from_slice(value);
}
