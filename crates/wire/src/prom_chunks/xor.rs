//! XOR chunks of floats (`tsdb/chunkenc/xor.go`, Prometheus 2.42):
//! `u16 big-endian count`, then per sample
//! ```text
//! first   varint t     | 64 bits v
//! second  uvarint Δt   | xor v
//! later   ΔΔt          | xor v      ΔΔt: 0 / 10 + 14 bits / 110 + 17 / 1110 + 20 / 1111 + 64
//! ```

use super::bits::{Bits, XorFloat};
use super::rows::Rows;

pub(super) fn decode(data: &[u8], rows: &mut Rows) -> Result<(), String> {
    let Some((count, rest)) = data.split_first_chunk::<2>() else {
        return Err(format!("a chunk of {} bytes", data.len()));
    };
    let count = u16::from_be_bytes(*count);
    let mut bits = Bits::new(rest);
    read(&mut bits, count, rows).ok_or_else(|| {
        format!("an XOR chunk of {} bytes that says it holds {count} samples, and does not", data.len())
    })?;
    rows.check()
}

/// `None` when the bits do not suffice.
fn read(bits: &mut Bits<'_>, count: u16, rows: &mut Rows) -> Option<()> {
    if count == 0 {
        return Some(());
    }
    let mut at = bits.varint()?;
    let mut value = XorFloat::first(bits.take_64()?);
    rows.float(at, value.bits);
    if count == 1 {
        return Some(());
    }
    let mut step = bits.uvarint()? as i64;
    rows.reserve(count);
    // A copy that nothing else borrows; see [`Bits`].
    let mut bits = *bits;
    for left in (0..count - 1).rev() {
        at = at.wrapping_add(step);
        value.next(&mut bits)?;
        rows.float(at, value.bits);
        if left == 0 {
            break;
        }
        let width = match bits.ones(4)? {
            0 => continue,
            1 => 14,
            2 => 17,
            3 => 20,
            _ => 64,
        };
        step = step.wrapping_add(bits.signed(width)?);
    }
    Some(())
}
