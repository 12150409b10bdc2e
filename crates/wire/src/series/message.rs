//! The messages inside a `prompb.TimeSeries`, read in place: what a migration must know of a row (when it
//! was, how much room it takes) without decoding it.

use super::super::WireError;
use super::super::proto::{FIXED64, Field, LEN, Reader, VARINT};
use super::labels::label;
use crate::model::Millis;

/// Time and value bits of a sample. A field that is absent is zero, as proto3 has it.
pub(super) fn sample(mut reader: Reader<'_>) -> Result<(Millis, u64), WireError> {
    let (mut at, mut bits) = (0, 0);
    while let Some(field) = reader.field()? {
        match field.number {
            1 => bits = double(&mut reader, field, "a sample's value")?,
            2 => at = varint(&mut reader, field, "a sample's time")? as i64,
            _ => reader.skip(field.wire)?,
        }
    }
    Ok((at, bits))
}

/// Time of an exemplar, all of it checked.
pub(super) fn exemplar(mut reader: Reader<'_>) -> Result<Millis, WireError> {
    let mut at = 0;
    while let Some(field) = reader.field()? {
        match field.number {
            1 => {
                reader.expect(field, LEN, "an exemplar's label")?;
                label(reader.message()?)?;
            }
            2 => drop(double(&mut reader, field, "an exemplar's value")?),
            3 => at = varint(&mut reader, field, "an exemplar's time")? as i64,
            _ => reader.skip(field.wire)?,
        }
    }
    Ok(at)
}

/// Time of a native histogram, and what tsink 0.10.2 counts as its bucket entries (spans, deltas, counts and
/// custom values; `histogram_bucket_entries_total`), all of it checked. Repeated numbers may come packed or
/// one by one.
pub(super) fn histogram(mut reader: Reader<'_>) -> Result<(Millis, usize), WireError> {
    let (mut at, mut entries) = (0, 0);
    while let Some(field) = reader.field()? {
        match field.number {
            1 | 4 | 6 | 14 => drop(varint(&mut reader, field, "a histogram's whole number")?),
            2 | 3 | 5 | 7 => drop(double(&mut reader, field, "a histogram's number")?),
            8 | 11 => {
                reader.expect(field, LEN, "a span of buckets")?;
                span(reader.message()?)?;
                entries += 1;
            }
            9 | 12 => entries += varints(&mut reader, field, "deltas of buckets")?,
            10 | 13 | 16 => entries += doubles(&mut reader, field, "counts or bounds of buckets")?,
            15 => at = varint(&mut reader, field, "a histogram's time")? as i64,
            _ => reader.skip(field.wire)?,
        }
    }
    Ok((at, entries))
}

fn span(mut reader: Reader<'_>) -> Result<(), WireError> {
    while let Some(field) = reader.field()? {
        match field.number {
            1 | 2 => drop(varint(&mut reader, field, "a span of buckets")?),
            _ => reader.skip(field.wire)?,
        }
    }
    Ok(())
}

fn varint(reader: &mut Reader<'_>, field: Field, what: &str) -> Result<u64, WireError> {
    reader.expect(field, VARINT, what)?;
    reader.varint()
}

fn double(reader: &mut Reader<'_>, field: Field, what: &str) -> Result<u64, WireError> {
    reader.expect(field, FIXED64, what)?;
    reader.fixed64()
}

fn varints(reader: &mut Reader<'_>, field: Field, what: &str) -> Result<usize, WireError> {
    if field.wire != LEN {
        return varint(reader, field, what).map(|_| 1);
    }
    let mut packed = reader.message()?;
    let mut count = 0;
    while !packed.is_at_end() {
        packed.varint()?;
        count += 1;
    }
    Ok(count)
}

fn doubles(reader: &mut Reader<'_>, field: Field, what: &str) -> Result<usize, WireError> {
    if field.wire != LEN {
        return double(reader, field, what).map(|_| 1);
    }
    let packed = reader.bytes()?;
    if packed.len() % 8 != 0 {
        return Err(reader.error(format!("{what} of {} bytes, expected a multiple of 8", packed.len())));
    }
    Ok(packed.len() / 8)
}
