//! Values and times of an export.

use super::line::Wrong;
use crate::model::Millis;

/// What every NaN of an export is; see the module above.
pub(super) const STALE_NAN_BITS: u64 = 0x7ff0_0000_0000_0002;

/// Powers of ten that a float holds exactly.
const EXACT_POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18,
    1e19, 1e20, 1e21, 1e22,
];

/// Whole numbers up to this are floats exactly.
const EXACT_WHOLE: u64 = 1 << 53;

/// A place in a line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    pub fn new(text: &'a [u8], at: usize) -> Self {
        Self { text, at }
    }

    /// Offset in the line.
    pub fn position(&self) -> usize {
        self.at
    }

    /// What is left of the line.
    pub fn rest(&self) -> &'a [u8] {
        self.text.get(self.at..).unwrap_or_default()
    }

    pub fn between(&self, from: usize, to: usize) -> &'a [u8] {
        self.text.get(from..to).unwrap_or_default()
    }

    #[inline]
    pub fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    #[inline]
    pub fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    #[inline]
    pub fn skip(&mut self, bytes: usize) {
        self.at = self.at.saturating_add(bytes).min(self.text.len());
    }

    /// Passes over white space; the place behind it.
    #[inline]
    pub fn spaces(&mut self) -> usize {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r')) {
            self.at += 1;
        }
        self.at
    }

    /// Passes over white space and a byte.
    pub fn expect(&mut self, byte: u8, what: &'static str) -> Result<(), Wrong> {
        self.spaces();
        if self.next() == Some(byte) { Ok(()) } else { Err((self.at, what)) }
    }

    /// Passes over a word, if it stands here.
    fn word(&mut self, word: &[u8]) -> bool {
        let is_here = self.rest().starts_with(word);
        if is_here {
            self.at += word.len();
        }
        is_here
    }

    /// Passes over digits, adding them to `number`, which holds at most 19; how many there are.
    #[inline]
    fn digits(&mut self, number: &mut u64, held: &mut u32) -> usize {
        let from = self.at;
        while let Some(digit) = self.peek().map(|byte| byte.wrapping_sub(b'0')).filter(|digit| *digit < 10) {
            // Leading zeros say nothing.
            if *held > 0 || digit > 0 {
                *held += 1;
            }
            if *held <= 19 {
                *number = *number * 10 + u64::from(digit);
            }
            self.at += 1;
        }
        self.at - from
    }
}

/// Reads a value: its bits.
#[inline]
pub(super) fn value(at: &mut Cursor<'_>) -> Result<u64, Wrong> {
    match at.peek() {
        Some(b'0'..=b'9') => decimal(at, false),
        Some(b'-') if matches!(at.rest().get(1), Some(b'0'..=b'9')) => {
            at.skip(1);
            decimal(at, true)
        }
        _ => special(at),
    }
}

/// Reads what is no number.
fn special(at: &mut Cursor<'_>) -> Result<u64, Wrong> {
    let from = at.position();
    if at.word(b"null") {
        return Ok(STALE_NAN_BITS);
    }
    let quoted = at.word(b"\"");
    let bits = if at.word(b"NaN") {
        STALE_NAN_BITS
    } else {
        let is_negative = at.word(b"-");
        if !is_negative {
            let _ = at.word(b"+");
        }
        // The longer word first: one begins as the other.
        if !at.word(b"Infinity") && !at.word(b"Inf") {
            return Err((from, "expected a number, null, NaN or an infinity"));
        }
        if is_negative { f64::NEG_INFINITY.to_bits() } else { f64::INFINITY.to_bits() }
    };
    if quoted && !at.word(b"\"") {
        return Err((from, "expected a number, null, NaN or an infinity"));
    }
    Ok(bits)
}

/// Reads a decimal number behind its sign.
#[inline]
fn decimal(at: &mut Cursor<'_>, is_negative: bool) -> Result<u64, Wrong> {
    let from = at.position();
    let (mut number, mut held) = (0u64, 0u32);
    at.digits(&mut number, &mut held);
    let mut fraction = 0;
    if at.peek() == Some(b'.') {
        at.skip(1);
        fraction = at.digits(&mut number, &mut held);
        if fraction == 0 {
            return Err((at.position(), "expected a digit after the point"));
        }
    }
    let value = if held <= 19 && number <= EXACT_WHOLE && !matches!(at.peek(), Some(b'e' | b'E')) {
        // Both are exact, so their quotient is the float nearest to the text (Clinger 1990).
        EXACT_POWERS.get(fraction).map(|power| number as f64 / power)
    } else {
        None
    };
    let value = match value {
        Some(value) => value,
        None => long(at, from)?,
    };
    Ok(if is_negative { -value } else { value }.to_bits())
}

/// Reads the number that began at `from` by the library, which rounds every text correctly.
#[cold]
fn long(at: &mut Cursor<'_>, from: usize) -> Result<f64, Wrong> {
    if matches!(at.peek(), Some(b'e' | b'E')) {
        at.skip(1);
        if matches!(at.peek(), Some(b'+' | b'-')) {
            at.skip(1);
        }
        if at.digits(&mut 0, &mut 20) == 0 {
            return Err((at.position(), "expected a digit in the exponent"));
        }
    }
    std::str::from_utf8(at.between(from, at.position()))
        .ok()
        .and_then(|text| text.parse::<f64>().ok())
        .filter(|value| value.is_finite())
        .ok_or((from, "a number that is beyond the range of a 64-bit float"))
}

/// Reads a time in ms.
#[inline]
pub(super) fn millis(at: &mut Cursor<'_>) -> Result<Millis, Wrong> {
    let from = at.position();
    let is_negative = at.word(b"-");
    let (mut number, mut held) = (0u64, 0u32);
    if at.digits(&mut number, &mut held) == 0 {
        return Err((from, "expected a time in whole ms"));
    }
    let time =
        i64::try_from(number).ok().filter(|_| held <= 19).ok_or((from, "a time that is out of range"))?;
    Ok(if is_negative { -time } else { time })
}
