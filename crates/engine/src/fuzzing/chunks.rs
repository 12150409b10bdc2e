//! Streamed chunks: never a panic, and what comes out is in order, inside the window, and can be written.

use crate::model::Window;
use crate::wire::prom_chunks::{Decoder, decode};
use crate::wire::prom_write::BatchBuilder;

const WINDOW: Window = Window { start_ms: -1 << 50, end_ms: 1 << 50 };

/// `data` is the body of an answer; and, since checksums stop nearly everything, the data of one frame.
pub fn chunks(data: &[u8]) {
    let mut framed = Vec::new();
    let mut length = data.len();
    while length >= 0x80 {
        framed.push(length as u8 | 0x80);
        length >>= 7;
    }
    framed.push(length as u8);
    framed.extend_from_slice(&crc32c::crc32c(data).to_be_bytes());
    framed.extend_from_slice(data);
    for body in [data, &framed] {
        let mut decoder = Decoder::with_limit(WINDOW, 1 << 20);
        let whole = decoder.feed(body).and_then(|()| decoder.finish());
        let Ok(whole) = whole else { continue };
        for series in whole.decode() {
            assert!(series.samples.is_sorted_by_key(|sample| sample.timestamp));
            assert!(series.histograms.is_sorted_by_key(|histogram| histogram.timestamp));
            assert!(series.samples.iter().all(|sample| WINDOW.contains(sample.timestamp)));
            assert!(series.histograms.iter().all(|histogram| WINDOW.contains(histogram.timestamp)));
        }
        let mut builder = BatchBuilder::new(3, 1000);
        for series in whole.raw_series() {
            let pushed = builder.push_raw(&series, WINDOW);
            assert_eq!(series.sample_count(), pushed.samples, "a sample is there twice");
        }
        // Any cut of the body gives the same.
        let mut pieces = Decoder::with_limit(WINDOW, 1 << 20);
        let fed = body.chunks(5).try_for_each(|piece| pieces.feed(piece));
        let same = fed.and_then(|()| pieces.finish()).map(|data| data.byte_len());
        assert_eq!(same, Ok(whole.byte_len()));
        // A narrower window gives no more.
        let narrow = Window { start_ms: 0, end_ms: 1_763_512_000_000 };
        let fewer = decode(body, narrow).map(|data| data.sample_count());
        assert!(fewer.is_ok_and(|count| count <= whole.sample_count()));
    }
}
