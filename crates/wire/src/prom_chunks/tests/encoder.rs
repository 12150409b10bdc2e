//! Writes chunks and frames, for tests only: plain code, straight from the format.

use crate::model::Histogram;
use crate::proto::{put_bytes, put_varint};
use crate::types::BucketSpan;
use crate::types::histogram::{Count, ZeroCount};

#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    used: usize,
}

impl Bits {
    fn put(&mut self, value: u64, count: u32) {
        for at in (0..count).rev() {
            if self.used.is_multiple_of(8) {
                self.bytes.push(0);
            }
            *self.bytes.last_mut().unwrap() |= ((value >> at & 1) as u8) << (7 - self.used % 8);
            self.used += 1;
        }
    }

    fn uvarint(&mut self, value: u64) {
        let mut bytes = Vec::new();
        put_varint(&mut bytes, value);
        bytes.into_iter().for_each(|byte| self.put(u64::from(byte), 8));
    }

    fn varbit(&mut self, value: i64) {
        let fits = |bits: u32| {
            let most = 1i128 << (bits - 1);
            (-most + 1..=most).contains(&i128::from(value))
        };
        self.prefixed(value == 0, value as u64, fits);
    }

    fn uvarbit(&mut self, value: u64) {
        self.prefixed(value == 0, value, |bits| value < 1 << bits);
    }

    fn prefixed(&mut self, zero: bool, value: u64, fits: impl Fn(u32) -> bool) {
        if zero {
            return self.put(0, 1);
        }
        for (ones, width) in [3, 6, 9, 12, 18, 25, 56].into_iter().enumerate() {
            if fits(width) {
                self.put((1 << (ones + 1)) - 1, ones as u32 + 1);
                self.put(0, 1);
                return self.put(value, width);
            }
        }
        self.put(0xff, 8);
        self.put(value, 64);
    }
}

#[derive(Clone, Copy)]
struct Xor {
    before: u64,
    /// Leading and trailing zeros in force.
    zeros: Option<(u32, u32)>,
}

impl Xor {
    fn first(bits: &mut Bits, value: u64) -> Self {
        bits.put(value, 64);
        Self { before: value, zeros: None }
    }

    fn next(&mut self, bits: &mut Bits, value: u64) {
        let differing = value ^ self.before;
        self.before = value;
        if differing == 0 {
            return bits.put(0, 1);
        }
        bits.put(1, 1);
        let (leading, trailing) = (differing.leading_zeros().min(31), differing.trailing_zeros());
        if let Some((l, t)) = self.zeros
            && leading >= l
            && trailing >= t
        {
            bits.put(0, 1);
            return bits.put(differing >> t, 64 - l - t);
        }
        self.zeros = Some((leading, trailing));
        let significant = 64 - leading - trailing;
        bits.put(1, 1);
        bits.put(u64::from(leading), 5);
        bits.put(u64::from(significant % 64), 6);
        bits.put(differing >> trailing, significant);
    }
}

/// An XOR chunk.
pub fn xor(samples: &[(i64, u64)]) -> Vec<u8> {
    let mut bits = Bits::default();
    bits.put(samples.len() as u64, 16);
    let mut value = None;
    let (mut before, mut step) = (0i64, 0i64);
    for (at, (time, float)) in samples.iter().enumerate() {
        let new = time.wrapping_sub(before);
        match at {
            0 => bits.uvarint(((time << 1) ^ (time >> 63)) as u64),
            1 => bits.uvarint(new as u64),
            _ => {
                let change = new.wrapping_sub(step);
                let fits = |width: u32| ((-(1i64 << (width - 1)) + 1)..=1 << (width - 1)).contains(&change);
                match change {
                    0 => bits.put(0, 1),
                    _ if fits(14) => {
                        bits.put(0b10, 2);
                        bits.put(change as u64, 14);
                    }
                    _ if fits(17) => {
                        bits.put(0b110, 3);
                        bits.put(change as u64, 17);
                    }
                    _ if fits(20) => {
                        bits.put(0b1110, 4);
                        bits.put(change as u64, 20);
                    }
                    _ => {
                        bits.put(0b1111, 4);
                        bits.put(change as u64, 64);
                    }
                }
            }
        }
        (before, step) = (*time, if at == 0 { 0 } else { new });
        match &mut value {
            None => value = Some(Xor::first(&mut bits, *float)),
            Some(value) => value.next(&mut bits, *float),
        }
    }
    bits.bytes
}

/// A chunk of histograms that have one layout, and the flags of its header; its type.
pub fn histograms(all: &[Histogram], flags: u8) -> (u64, Vec<u8>) {
    let mut bits = Bits::default();
    bits.put(all.len() as u64, 16);
    bits.put(u64::from(flags), 8);
    let form = &all[0];
    match form.zero_threshold {
        0.0 => bits.put(0, 8),
        threshold => {
            let power = threshold.log2();
            if power.fract() == 0.0 && (-243.0..=10.0).contains(&power) {
                bits.put((power + 244.0) as u64, 8);
            } else {
                bits.put(255, 8);
                bits.put(threshold.to_bits(), 64);
            }
        }
    }
    bits.varbit(i64::from(form.schema));
    for spans in [&form.positive_spans, &form.negative_spans] {
        bits.uvarbit(spans.len() as u64);
        for BucketSpan { offset, length } in spans {
            bits.uvarbit(u64::from(*length));
            bits.varbit(i64::from(*offset));
        }
    }
    if form.schema == -53 {
        bits.uvarbit(form.custom_values.len() as u64);
        for bound in &form.custom_values {
            let thousandths = bound * 1000.0;
            if (0.0..=33_554_430.0).contains(&thousandths) && thousandths.round() / 1000.0 == *bound {
                bits.uvarbit(thousandths.round() as u64 + 1);
            } else {
                bits.put(0, 1);
                bits.put(bound.to_bits(), 64);
            }
        }
    }
    let integer = matches!(form.count, Some(Count::CountInt(_)));
    // Time, then counts and buckets: value and step of each, or the state of its XOR.
    let mut numbers: Vec<(i64, i64)> = Vec::new();
    let mut floats: Vec<Xor> = Vec::new();
    for (at, one) in all.iter().enumerate() {
        let stale = one.sum.to_bits() == super::STALE_NAN_BITS;
        if integer {
            let mut values = vec![one.timestamp];
            match (one.count, one.zero_count) {
                (Some(Count::CountInt(count)), Some(ZeroCount::ZeroCountInt(zero))) => {
                    values.extend([count as i64, zero as i64]);
                }
                _ => panic!("not an integer histogram"),
            }
            values.extend(one.positive_deltas.iter().chain(&one.negative_deltas));
            for (index, value) in values.into_iter().enumerate() {
                if at == 0 {
                    match index {
                        1 | 2 => bits.uvarbit(value as u64),
                        _ => bits.varbit(value),
                    }
                    numbers.push((value, 0));
                } else {
                    let (before, step) = &mut numbers[index];
                    let new = value.wrapping_sub(*before);
                    // A marker's counts are zero and not stored.
                    let skipped = stale && index > 0;
                    bits.varbit(if skipped { 0 } else { new.wrapping_sub(*step) });
                    (*before, *step) = (value, new);
                }
                if index == 2 {
                    put_float(&mut bits, &mut floats, 0, one.sum);
                }
            }
        } else {
            let (Some(Count::CountFloat(count)), Some(ZeroCount::ZeroCountFloat(zero))) =
                (one.count, one.zero_count)
            else {
                panic!("not a float histogram")
            };
            if at == 0 {
                bits.varbit(one.timestamp);
                numbers.push((one.timestamp, 0));
            } else {
                let (before, step) = numbers[0];
                let new = one.timestamp.wrapping_sub(before);
                bits.varbit(new.wrapping_sub(step));
                numbers[0] = (one.timestamp, new);
            }
            let values = [count, zero, one.sum].into_iter();
            let values = values.chain(one.positive_counts.iter().chain(&one.negative_counts).copied());
            for (index, value) in values.enumerate() {
                put_float(&mut bits, &mut floats, index, value);
            }
        }
    }
    (if integer { 2 } else { 3 }, bits.bytes)
}

fn put_float(bits: &mut Bits, floats: &mut Vec<Xor>, index: usize, value: f64) {
    match floats.get_mut(index) {
        Some(float) => float.next(bits, value.to_bits()),
        None => {
            let float = Xor::first(bits, value.to_bits());
            floats.push(float);
        }
    }
}

/// A frame with one series.
pub fn frame(labels: &[(&str, &str)], chunks: &[(u64, Vec<u8>)]) -> Vec<u8> {
    let mut series = Vec::new();
    for (name, value) in labels {
        let mut label = Vec::new();
        put_bytes(&mut label, 0x0a, name.as_bytes());
        put_bytes(&mut label, 0x12, value.as_bytes());
        put_bytes(&mut series, 0x0a, &label);
    }
    for (encoding, data) in chunks {
        let mut chunk = vec![0x08, 1, 0x10, 2, 0x18];
        put_varint(&mut chunk, *encoding);
        put_bytes(&mut chunk, 0x22, data);
        put_bytes(&mut series, 0x12, &chunk);
    }
    let mut response = Vec::new();
    put_bytes(&mut response, 0x0a, &series);
    framed(&response)
}

/// Any data as a frame.
pub fn framed(data: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    put_varint(&mut out, data.len() as u64);
    // Bit by bit: not the code under test.
    let mut sum = !0u32;
    for byte in data {
        sum ^= u32::from(*byte);
        for _ in 0..8 {
            sum = if sum & 1 == 1 { sum >> 1 ^ 0x82f6_3b78 } else { sum >> 1 };
        }
    }
    out.extend_from_slice(&(!sum).to_be_bytes());
    out.extend_from_slice(data);
    out
}
