//! Labels on the wire and their identity.

use super::super::WireError;
use super::super::proto::{LEN, Reader, put_bytes, put_varint};
use crate::model::Labels;
use std::hash::{DefaultHasher, Hasher};

/// Name and value of a label (`prompb.Label`).
pub(in super::super) fn label(mut reader: Reader<'_>) -> Result<(&str, &str), WireError> {
    let (mut name, mut value) = ("", "");
    while let Some(field) = reader.field()? {
        match field.number {
            1 => {
                reader.expect(field, LEN, "a label name")?;
                name = text(&mut reader, "a label name")?;
            }
            2 => {
                reader.expect(field, LEN, "a label value")?;
                value = text(&mut reader, "a label value")?;
            }
            _ => reader.skip(field.wire)?,
        }
    }
    Ok((name, value))
}

fn text<'a>(reader: &mut Reader<'a>, what: &str) -> Result<&'a str, WireError> {
    let bytes = reader.bytes()?;
    std::str::from_utf8(bytes).map_err(|error| {
        let start = reader.offset() - bytes.len();
        WireError::new(start + error.valid_up_to(), format!("{what} that is not UTF-8"))
    })
}

/// Puts borrowed pairs into the form of [`Labels`]: sorted by name, of a name given twice the last one, no
/// empty values. In the usual case they are in that form already.
pub(super) fn canonical<'a>(mut pairs: Vec<(&'a str, &'a str)>) -> Vec<(&'a str, &'a str)> {
    if !is_canonical(&pairs) {
        crate::order::sort_by_key(&mut pairs, |(name, _)| *name);
        pairs.dedup_by(|later, earlier| {
            let same = later.0 == earlier.0;
            if same {
                earlier.1 = later.1;
            }
            same
        });
        pairs.retain(|(_, value)| !value.is_empty());
    }
    pairs
}

fn is_canonical(pairs: &[(&str, &str)]) -> bool {
    pairs.iter().all(|(_, value)| !value.is_empty())
        && pairs.windows(2).all(|pair| matches!(pair, [a, b] if a.0 < b.0))
}

/// The identity of a label set: 128 bits, equal for equal sets and equal to [`super::RawSeries::identity`] of
/// the same set. It holds within one build of this program; do not store it.
pub fn labels_identity(labels: &Labels) -> u128 {
    hash(labels.iter())
}

/// Two independent SipHashes with fixed keys, over lengths and bytes: 128 bits, so that millions of series do
/// not collide.
pub(super) fn hash<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> u128 {
    let (mut low, mut high) = (DefaultHasher::new(), DefaultHasher::new());
    high.write_u8(0x5a);
    for (name, value) in pairs {
        for hasher in [&mut low, &mut high] {
            hasher.write_u64(name.len() as u64);
            hasher.write(name.as_bytes());
            hasher.write_u64(value.len() as u64);
            hasher.write(value.as_bytes());
        }
    }
    u128::from(low.finish()) | u128::from(high.finish()) << 64
}

/// Appends a label as field 1, which it is in series and in exemplars.
pub(in super::super) fn put_label(out: &mut Vec<u8>, name: &str, value: &str) {
    out.push(0x0a);
    put_varint(out, (text_len(name) + text_len(value)) as u64);
    put_bytes(out, 0x0a, name.as_bytes());
    put_bytes(out, 0x12, value.as_bytes());
}

/// Bytes of a text field: tag, length, text.
fn text_len(text: &str) -> usize {
    let length_of_length = text.len().max(1).ilog2() as usize / 7 + 1;
    1 + length_of_length + text.len()
}
