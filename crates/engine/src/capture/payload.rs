//! From what a manifest or a file holds to the bytes that the source sent: JSON escapes, base64, gzip.
//!
//! Everything is done piece by piece. Feed small pieces: a gzip stream grows by a factor of a thousand at most.

use super::manifest::Payload;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::write::MultiGzDecoder;
use std::io::Write as _;

/// Feed no more than this at once, in bytes, so that what comes out stays bounded.
pub const PIECE: usize = 16 * 1024;

/// The way from stored to sent bytes.
#[derive(Debug)]
pub struct Pipe {
    unescape: Option<Unescape>,
    base64: Option<Base64>,
    gzip: Gzip,
    between: [Vec<u8>; 2],
}

#[derive(Debug)]
enum Gzip {
    /// Too few bytes to tell.
    Unknown(Vec<u8>),
    No,
    Yes(Box<MultiGzDecoder<Vec<u8>>>),
}

/// Why a payload cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{problem}")]
pub struct Unreadable {
    /// What is wrong.
    pub problem: String,
    /// What to do.
    pub remedy: &'static str,
}

fn unreadable(problem: impl Into<String>, remedy: &'static str) -> Unreadable {
    Unreadable { problem: problem.into(), remedy }
}

impl Pipe {
    /// The way for a payload.
    pub fn of(payload: &Payload) -> Self {
        let is_json = !matches!(payload, Payload::Path(_));
        Self {
            unescape: is_json.then(Unescape::default),
            base64: matches!(payload, Payload::Base64(_)).then(Base64::default),
            gzip: Gzip::Unknown(Vec::new()),
            between: [Vec::new(), Vec::new()],
        }
    }

    /// Takes stored bytes and appends what was sent to `out`.
    ///
    /// # Errors
    /// When they are not what they should be.
    pub fn feed(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), Unreadable> {
        let Self { unescape, base64, gzip, between: [text, binary] } = self;
        text.clear();
        binary.clear();
        if let (Some(unescape), None, Gzip::No) = (&mut *unescape, &base64, &*gzip) {
            // Text in the manifest, by far the usual way: nothing is copied twice.
            return unescape.feed(bytes, out);
        }
        let mut bytes = bytes;
        if let Some(unescape) = unescape {
            unescape.feed(bytes, text)?;
            bytes = text;
        }
        if let Some(base64) = base64 {
            base64.feed(bytes, binary)?;
            bytes = binary;
        }
        gzip.feed(bytes, out)
    }

    /// Ends the payload.
    ///
    /// # Errors
    /// When it ends in the middle of something.
    pub fn finish(mut self, out: &mut Vec<u8>) -> Result<(), Unreadable> {
        if self.unescape.is_some_and(|unescape| !unescape.carry.is_empty()) {
            return Err(unreadable("the text ends in the middle of an escape", ESCAPE));
        }
        if let Some(base64) = self.base64 {
            let mut rest = Vec::new();
            base64.finish(&mut rest)?;
            self.gzip.feed(&rest, out)?;
        }
        self.gzip.finish(out)
    }
}

const GZIP: &str = "The file is damaged or not complete: copy it again.";

impl Gzip {
    fn feed(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), Unreadable> {
        match self {
            Self::No => out.extend_from_slice(bytes),
            Self::Yes(decoder) => {
                decoder.write_all(bytes).map_err(|error| unreadable(format!("gzip: {error}"), GZIP))?;
                out.append(decoder.get_mut());
            }
            Self::Unknown(first) => {
                first.extend_from_slice(bytes);
                if first.len() < 2 {
                    return Ok(());
                }
                let first = std::mem::take(first);
                // No text and no protobuf of ours begins so (RFC 1952 §2.3.1).
                *self = if first.starts_with(&[0x1f, 0x8b]) {
                    Self::Yes(Box::new(MultiGzDecoder::new(Vec::new())))
                } else {
                    Self::No
                };
                return self.feed(&first, out);
            }
        }
        Ok(())
    }

    fn finish(self, out: &mut Vec<u8>) -> Result<(), Unreadable> {
        match self {
            Self::No => {}
            Self::Unknown(mut first) => out.append(&mut first),
            Self::Yes(decoder) => {
                let mut rest =
                    decoder.finish().map_err(|error| unreadable(format!("gzip: {error}"), GZIP))?;
                out.append(&mut rest);
            }
        }
        Ok(())
    }
}

const ESCAPE: &str = "The manifest's text is not JSON there: write it with a JSON library.";

/// JSON string escapes (RFC 8259 §7), over pieces.
#[derive(Debug, Default)]
struct Unescape {
    /// The beginning of an escape whose rest is still to come; at most `\uD83D\uDE0`.
    carry: Vec<u8>,
}

impl Unescape {
    fn feed(&mut self, mut bytes: &[u8], out: &mut Vec<u8>) -> Result<(), Unreadable> {
        while !self.carry.is_empty() {
            let Some((first, rest)) = bytes.split_first() else { return Ok(()) };
            self.carry.push(*first);
            bytes = rest;
            if let Some(length) = escape(&self.carry, out)? {
                let behind = self.carry.split_off(length);
                self.carry.clear();
                // A lone high surrogate is an error, so nothing can be left over.
                debug_assert!(behind.is_empty());
            }
        }
        while let Some(at) = memchr::memchr(b'\\', bytes) {
            let (plain, rest) = bytes.split_at(at);
            put(plain, out)?;
            match escape(rest, out)? {
                Some(length) => bytes = rest.get(length..).unwrap_or_default(),
                None => {
                    self.carry.extend_from_slice(rest);
                    return Ok(());
                }
            }
        }
        put(bytes, out)
    }
}

fn put(plain: &[u8], out: &mut Vec<u8>) -> Result<(), Unreadable> {
    // Eight at a time: in a word, a byte below 0x20 borrows into its high bit when 0x20 is taken away, and had none
    // before. Where a byte has, the look at each decides.
    let (words, rest) = plain.as_chunks::<8>();
    let suspect = words.iter().fold(0, |found, word| {
        let word = u64::from_le_bytes(*word);
        found | (word.wrapping_sub(0x2020_2020_2020_2020) & !word)
    });
    let is_control = |byte: &u8| *byte < b' ';
    let found =
        rest.iter().any(is_control) || (suspect & 0x8080_8080_8080_8080 != 0 && plain.iter().any(is_control));
    if found {
        return Err(unreadable(
            "there is a line break or another control character in the text that is not escaped",
            "Write \\n for a line break, \\t for a tab.",
        ));
    }
    out.extend_from_slice(plain);
    Ok(())
}

/// Writes what an escape at the beginning of `bytes` stands for; its length, or `None` when its end is missing.
fn escape(bytes: &[u8], out: &mut Vec<u8>) -> Result<Option<usize>, Unreadable> {
    let simple = match bytes.get(1) {
        None => return Ok(None),
        Some(b'n') => b'\n',
        Some(byte @ (b'"' | b'\\' | b'/')) => *byte,
        Some(b't') => b'\t',
        Some(b'r') => b'\r',
        Some(b'b') => 8,
        Some(b'f') => 12,
        Some(b'u') => return unicode(bytes, out),
        Some(byte) => {
            return Err(unreadable(format!("\\{} is no JSON escape", byte.escape_ascii()), ESCAPE));
        }
    };
    out.push(simple);
    Ok(Some(2))
}

fn unicode(bytes: &[u8], out: &mut Vec<u8>) -> Result<Option<usize>, Unreadable> {
    let unit = |at: usize| -> Result<Option<u32>, Unreadable> {
        let Some(digits) = bytes.get(at..at + 4) else { return Ok(None) };
        let text = std::str::from_utf8(digits).unwrap_or_default();
        let is_hex = digits.iter().all(u8::is_ascii_hexdigit);
        match u32::from_str_radix(text, 16) {
            Ok(unit) if is_hex => Ok(Some(unit)),
            _ => Err(unreadable("\\u is not followed by four hexadecimal digits", ESCAPE)),
        }
    };
    let lone = || unreadable("\\u stands for one half of a character only", ESCAPE);
    let Some(first) = unit(2)? else { return Ok(None) };
    let (code, length) = match first {
        0xd800..0xdc00 => {
            match bytes.get(6..8) {
                None => {
                    return if bytes.len() == 6 || bytes.get(6) == Some(&b'\\') {
                        Ok(None)
                    } else {
                        Err(lone())
                    };
                }
                Some(b"\\u") => {}
                Some(_) => return Err(lone()),
            }
            let Some(second) = unit(8)? else { return Ok(None) };
            if !(0xdc00..0xe000).contains(&second) {
                return Err(lone());
            }
            (0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00), 12)
        }
        first => (first, 6),
    };
    let character = char::from_u32(code).ok_or_else(lone)?;
    out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
    Ok(Some(length))
}

/// Base64 with padding (RFC 4648 §4), over pieces. What does not fill four digits waits.
#[derive(Debug, Default)]
struct Base64 {
    carry: Vec<u8>,
}

impl Base64 {
    fn feed(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), Unreadable> {
        self.carry.extend_from_slice(bytes);
        // The last group may be padded, and padding ends the text: it waits for the end.
        let whole = self.carry.len().saturating_sub(1) / 4 * 4;
        let digits = self.carry.get(..whole).unwrap_or_default();
        if digits.contains(&b'=') {
            return Err(unreadable("body_base64: there is something behind the padding", BASE64));
        }
        decode(digits, out)?;
        self.carry.drain(..whole);
        Ok(())
    }

    fn finish(self, out: &mut Vec<u8>) -> Result<(), Unreadable> {
        decode(&self.carry, out)
    }
}

const BASE64: &str = "Encode the payload as standard base64 with padding.";

fn decode(digits: &[u8], out: &mut Vec<u8>) -> Result<(), Unreadable> {
    STANDARD.decode_vec(digits, out).map_err(|error| unreadable(format!("body_base64: {error}"), BASE64))
}

/// Bytes of a line at most; tsink takes 64 MiB in a request.
const MAX_LINE: usize = 1 << 20;

/// Cuts what was sent into lines, as `str::lines` does.
#[derive(Debug, Default)]
pub struct Lines {
    carry: Vec<u8>,
    /// The line being read is longer than [`MAX_LINE`]: its bytes are not kept.
    overlong: bool,
}

/// A line, or the beginning of one that is too long.
pub enum Line<'a> {
    /// Without its line end.
    Whole(&'a [u8]),
    /// Has more bytes than any protocol takes.
    TooLong(&'a [u8]),
}

impl Lines {
    /// Calls `each` with every line that ends in `bytes`.
    pub fn feed(&mut self, mut bytes: &[u8], each: &mut dyn FnMut(Line<'_>)) {
        while let Some(at) = memchr::memchr(b'\n', bytes) {
            let (line, rest) = (bytes.get(..at).unwrap_or_default(), bytes.get(at + 1..).unwrap_or_default());
            bytes = rest;
            if self.carry.is_empty() && !self.overlong {
                each(Line::Whole(line));
            } else {
                self.keep(line);
                self.flush(each);
            }
        }
        self.keep(bytes);
    }

    /// Ends the payload: what is left is its last line.
    pub fn finish(&mut self, each: &mut dyn FnMut(Line<'_>)) {
        if !self.carry.is_empty() {
            self.flush(each);
        }
    }

    fn keep(&mut self, bytes: &[u8]) {
        if self.carry.len() + bytes.len() > MAX_LINE {
            self.overlong = true;
        }
        if !self.overlong || self.carry.is_empty() {
            let room = MAX_LINE.min(bytes.len());
            self.carry.extend_from_slice(bytes.get(..room).unwrap_or_default());
        }
    }

    fn flush(&mut self, each: &mut dyn FnMut(Line<'_>)) {
        let line = std::mem::take(&mut self.carry);
        each(if std::mem::take(&mut self.overlong) { Line::TooLong(&line) } else { Line::Whole(&line) });
        self.carry = line;
        self.carry.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::{Line, Lines, MAX_LINE, Pipe};
    use crate::capture::manifest::{Payload, Text};
    use base64::Engine as _;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use proptest::prelude::*;
    use std::io::Write as _;

    fn path() -> Payload {
        Payload::Path(String::new())
    }

    fn body() -> Payload {
        Payload::Body(Text::At(0..0))
    }

    fn base64() -> Payload {
        Payload::Base64(Text::At(0..0))
    }

    fn through(payload: &Payload, bytes: &[u8], piece: usize) -> Result<Vec<u8>, String> {
        let mut pipe = Pipe::of(payload);
        let mut out = Vec::new();
        for piece in bytes.chunks(piece.max(1)) {
            pipe.feed(piece, &mut out).map_err(|error| error.problem)?;
        }
        pipe.finish(&mut out).map_err(|error| error.problem)?;
        Ok(out)
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn lines(bytes: &[u8], piece: usize) -> Vec<Vec<u8>> {
        let (mut lines, mut found) = (Lines::default(), Vec::new());
        let mut each = |line: Line<'_>| match line {
            Line::Whole(line) => found.push(line.to_vec()),
            Line::TooLong(line) => found.push(format!("too long: {}", line.len()).into_bytes()),
        };
        bytes.chunks(piece.max(1)).for_each(|piece| lines.feed(piece, &mut each));
        lines.finish(&mut each);
        found
    }

    proptest! {
        #[test]
        fn any_text_comes_back_from_json(text in ".{0,40}", piece in 1usize..9) {
            let json = serde_json::to_string(&text).unwrap();
            prop_assert_eq!(through(&body(), &json.as_bytes()[1..json.len() - 1], piece).unwrap(), text.as_bytes());
            let ascii: String = text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect();
            prop_assert_eq!(through(&body(), ascii.as_bytes(), piece).unwrap(), text.as_bytes());
        }

        #[test]
        fn any_bytes_come_back_from_base64_and_gzip(bytes in proptest::collection::vec(any::<u8>(), 0..200), piece in 1usize..40) {
            let text = base64::engine::general_purpose::STANDARD.encode(&bytes);
            let is_gzip = bytes.starts_with(&[0x1f, 0x8b]);
            if !is_gzip {
                prop_assert_eq!(&through(&base64(), text.as_bytes(), piece).unwrap(), &bytes);
                prop_assert_eq!(&through(&path(), &bytes, piece).unwrap(), &bytes);
            }
            let zipped = gzip(&bytes);
            prop_assert_eq!(&through(&path(), &zipped, piece).unwrap(), &bytes);
            // What JSON libraries may escape although they need not.
            let text = base64::engine::general_purpose::STANDARD.encode(&zipped).replace('/', "\\/");
            prop_assert_eq!(&through(&base64(), text.as_bytes(), piece).unwrap(), &bytes);
        }

        #[test]
        fn lines_are_those_of_str(text in "[a\r\n]{0,30}", piece in 1usize..9) {
            let wanted: Vec<Vec<u8>> = text.split_terminator('\n').map(|line| line.as_bytes().to_vec()).collect();
            prop_assert_eq!(lines(text.as_bytes(), piece), wanted);
        }
    }

    #[test]
    fn what_is_damaged_is_said() {
        for (payload, bytes, word) in [
            (body(), br"\x".as_slice(), "no JSON escape"),
            (body(), br"\ud83d.", "one half"),
            (body(), br"\ud83d\u0041", "one half"),
            (body(), br"\udc00", "one half"),
            (body(), br"\ud83d", "middle of an escape"),
            (body(), br"\u+123", "hexadecimal"),
            (body(), b"a\nb", "control character"),
            (base64(), b"aGk", "base64"),
            (base64(), b"a*k=", "base64"),
            (base64(), b"aA==aA==", "base64"),
            (path(), &gzip(b"hello")[..15], "gzip"),
            (path(), b"\x1f\x8bnonsense-nonsense", "gzip"),
        ] {
            for piece in [1, 3, 100] {
                let problem = through(&payload, bytes, piece).unwrap_err();
                assert!(problem.contains(word), "{}: {problem}", bytes.escape_ascii());
            }
        }
    }

    #[test]
    fn an_overlong_line_is_not_collected_and_takes_no_other_with_it() {
        let text = [b"a\n".to_vec(), vec![b'x'; 3 * MAX_LINE], b"\nb".to_vec()].concat();
        let found = lines(&text, 1000);
        assert_eq!(
            (found.len(), found[0].as_slice(), found[2].as_slice()),
            (3, b"a".as_slice(), b"b".as_slice())
        );
        assert!(found[1].starts_with(b"too long"));
    }
}
