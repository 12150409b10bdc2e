//! Target `capture_manifest`: the manifest and the way from stored to sent bytes.

use crate::capture::manifest::{Item, ManifestReader, Payload, Text};
use crate::capture::payload::{Lines, Pipe};

/// Bytes that come out of a payload of a fuzzer's size at most: gzip grows a thousandfold.
const MOST: usize = 64 << 20;

/// Reads any bytes as a manifest, in pieces of a size that the first byte says. Panics when what comes back breaks a
/// promise.
pub fn capture_manifest(data: &[u8]) {
    let Some((size, data)) = data.split_first() else { return };
    let whole = items(data, data.len().max(1));
    assert_eq!(items(data, usize::from(*size).max(1)), whole, "pieces make a difference");
    let (items, fault) = whole;
    for (at, item) in items.iter().enumerate() {
        let (index, line) = match item {
            Item::Entry(entry) => (entry.index, entry.line),
            Item::Bad(bad) => {
                assert!(!bad.problem.is_empty() && !bad.remedy.is_empty(), "nothing said: {bad:?}");
                (bad.index, bad.line)
            }
        };
        assert_eq!(index, at as u64, "an entry is left out");
        assert!(line >= 1 && line <= 1 + data.iter().filter(|byte| **byte == b'\n').count() as u64);
        if let Item::Entry(entry) = item {
            payload(&entry.payload);
        }
    }
    if let Some((line, offset)) = fault {
        assert!(line >= 1 && offset <= data.len() as u64, "a place outside of the text");
    }
    if let Ok(entries) = serde_json::from_slice::<Vec<serde_json::Value>>(data) {
        assert_eq!(items.len(), entries.len(), "serde_json finds another number of entries");
    }
}

type Read = (Vec<Item>, Option<(u64, u64)>);

fn items(data: &[u8], piece: usize) -> Read {
    let mut reader = ManifestReader::default();
    let mut items = Vec::new();
    let mut pieces = data.chunks(piece);
    loop {
        match reader.next() {
            Ok(Some(item)) => items.push(item),
            Ok(None) if reader.is_complete() && pieces.len() == 0 => return (items, None),
            Ok(None) => match pieces.next() {
                Some(piece) => reader.feed(piece),
                None => reader.finish(),
            },
            Err(fault) => return (items, Some((fault.line, fault.offset))),
        }
    }
}

fn payload(payload: &Payload) {
    let (Payload::Body(Text::Here(bytes)) | Payload::Base64(Text::Here(bytes))) = payload else { return };
    let run = |piece: usize| {
        let (mut pipe, mut out) = (Pipe::of(payload), Vec::new());
        for piece in bytes.chunks(piece) {
            pipe.feed(piece, &mut out).ok()?;
            assert!(out.len() < MOST, "it grows without end");
        }
        pipe.finish(&mut out).ok()?;
        Some(out)
    };
    let whole = run(bytes.len().max(1));
    assert_eq!(run(3), whole, "pieces make a difference");
    if let (Payload::Body(_), Some(sent)) = (payload, &whole) {
        let json = [b"\"", bytes.as_slice(), b"\""].concat();
        let text: Option<String> = serde_json::from_slice(&json).ok();
        // gzip is undone here and not there.
        if !sent.starts_with(&[0x1f, 0x8b]) && std::str::from_utf8(bytes).is_ok() {
            assert_eq!(text.map(String::into_bytes).as_ref(), Some(sent), "serde_json reads another text");
        }
    }
    let (mut lines, mut count) = (Lines::default(), 0usize);
    let sent = whole.unwrap_or_default();
    lines.feed(&sent, &mut |_| count += 1);
    lines.finish(&mut |_| count += 1);
    assert!(count <= sent.iter().filter(|byte| **byte == b'\n').count() + 1, "lines out of nothing");
}
