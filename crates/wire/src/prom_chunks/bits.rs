//! Reading bits, most significant first, and the two number formats that chunks are made of
//! (`tsdb/chunkenc/{bstream,varbit,xor}.go`, Prometheus 2.42 to 3.x).

/// A cursor over the bits of a chunk. `None` from its methods means that the chunk has no bits left.
///
/// What the loop over floats calls is inlined always, and what is not takes and gives a copy: so the cursor lives in
/// registers there, which makes it twice as fast.
#[derive(Clone, Copy)]
pub(super) struct Bits<'a> {
    bytes: &'a [u8],
    /// The next byte that is not wholly in `held`.
    at: usize,
    /// The next bits, from the top. Bits below the top `valid` are either the right ones or zero, so that
    /// filling up may set them again.
    held: u64,
    valid: u32,
}

impl<'a> Bits<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0, held: 0, valid: 0 }
    }

    /// Bits that are left.
    pub fn left(&self) -> u64 {
        u64::from(self.valid) + 8 * self.bytes.len().saturating_sub(self.at) as u64
    }

    /// Makes at least 56 bits valid, or all that are left.
    #[inline(always)]
    fn fill(&mut self) {
        match self.bytes.get(self.at..).and_then(|rest| rest.first_chunk::<8>()) {
            Some(next) => {
                self.held |= u64::from_be_bytes(*next) >> self.valid;
                let whole = (63 - self.valid) / 8;
                self.at += whole as usize;
                self.valid += whole * 8;
            }
            None => *self = self.filled_from_the_last_bytes(),
        }
    }

    #[cold]
    #[inline(never)]
    fn filled_from_the_last_bytes(mut self) -> Self {
        while self.valid <= 56
            && let Some(&byte) = self.bytes.get(self.at)
        {
            self.held |= u64::from(byte) << (56 - self.valid);
            self.at += 1;
            self.valid += 8;
        }
        self
    }

    #[inline(always)]
    fn need(&mut self, count: u32) -> Option<()> {
        if self.valid < count {
            self.fill();
            if self.valid < count {
                return None;
            }
        }
        Some(())
    }

    /// The next 1 to 56 bits.
    #[inline(always)]
    pub fn take(&mut self, count: u32) -> Option<u64> {
        self.need(count)?;
        let value = self.held >> (64 - count);
        self.held <<= count;
        self.valid -= count;
        Some(value)
    }

    /// The next 1 to 64 bits.
    #[inline(always)]
    fn take_wide(&mut self, count: u32) -> Option<u64> {
        if count <= 56 {
            return self.take(count);
        }
        let high = self.take(count - 32)?;
        Some(high << 32 | self.take(32)?)
    }

    /// The next 64 bits.
    #[inline(never)]
    pub fn take_64(&mut self) -> Option<u64> {
        self.take_wide(64)
    }

    /// How many ones come next, `most` (below 56) at most, and the zero behind fewer than that.
    #[inline(always)]
    pub fn ones(&mut self, most: u32) -> Option<u32> {
        if self.valid < most {
            self.fill();
        }
        let ones = self.held.leading_ones().min(most);
        let used = (ones + 1).min(most);
        if self.valid < used {
            return None;
        }
        self.held <<= used;
        self.valid -= used;
        Some(ones)
    }

    /// A varint as protobuf has it, of bytes that need not be aligned.
    #[inline(never)]
    pub fn uvarint(&mut self) -> Option<u64> {
        let mut value = 0u64;
        for shift in (0..70).step_by(7) {
            let byte = self.take(8)?;
            value |= (byte & 0x7f).checked_shl(shift).unwrap_or(0);
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    /// A zigzag varint.
    pub fn varint(&mut self) -> Option<i64> {
        let value = self.uvarint()?;
        Some((value >> 1) as i64 ^ -((value & 1) as i64))
    }

    /// A signed number of so many bits: `-(2^(n-1)-1)` to `2^(n-1)`. That is not two's complement: the
    /// pattern `100…0` is the greatest number.
    #[inline(always)]
    pub fn signed(&mut self, count: u32) -> Option<i64> {
        let value = self.take_wide(count)?;
        if count < 64 && value > 1 << (count - 1) {
            return Some(value.wrapping_sub(1 << count) as i64);
        }
        Some(value as i64)
    }

    /// A signed varbit: ones tell the width.
    #[inline(never)]
    pub fn varbit(&mut self) -> Option<i64> {
        match varbit_width(self.ones(8)?) {
            0 => Some(0),
            width => self.signed(width),
        }
    }

    /// An unsigned varbit.
    #[inline(never)]
    pub fn uvarbit(&mut self) -> Option<u64> {
        match varbit_width(self.ones(8)?) {
            0 => Some(0),
            width => self.take_wide(width),
        }
    }
}

fn varbit_width(ones: u32) -> u32 {
    match ones {
        0 => 0,
        1 => 3,
        2 => 6,
        3 => 9,
        4 => 12,
        5 => 18,
        6 => 25,
        7 => 56,
        _ => 64,
    }
}

/// Bits of a float that is stored as its difference to the one before, by XOR.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct XorFloat {
    pub bits: u64,
    /// Zeros around the bits that differed last.
    leading: u32,
    trailing: u32,
}

impl XorFloat {
    pub fn first(bits: u64) -> Self {
        Self { bits, ..Self::default() }
    }

    pub fn value(&self) -> f64 {
        f64::from_bits(self.bits)
    }

    /// Moves on to the next value.
    #[inline(always)]
    pub fn next(&mut self, bits: &mut Bits<'_>) -> Option<()> {
        match bits.ones(2)? {
            0 => return Some(()),
            1 => {}
            _ => {
                let widths = bits.take(11)?;
                let leading = (widths >> 6) as u32;
                // 64 does not fit into six bits, and 0 is not needed.
                let significant = match (widths & 0x3f) as u32 {
                    0 => 64,
                    significant => significant,
                };
                // A damaged chunk may ask for more bits than a float has.
                self.trailing = 64u32.checked_sub(leading + significant)?;
                self.leading = leading;
            }
        }
        let differing = bits.take_wide(64 - self.leading - self.trailing)?;
        self.bits ^= differing << self.trailing;
        Some(())
    }
}
