//! VictoriaMetrics' export: never a panic, and what comes out is in order, inside the window, and can be written.

use crate::model::Window;
use crate::wire::prom_write::BatchBuilder;
use crate::wire::vm_export::{Decoder, ExportError};

const WINDOW: Window = Window { start_ms: -1 << 50, end_ms: 1 << 50 };

/// `data` is the body of an answer.
pub fn vm_export(data: &[u8]) {
    let decoder = |window| Decoder::with_limits(window, 1 << 16, 1 << 20);
    let read = |window, piece: usize| {
        let mut decoder = decoder(window);
        data.chunks(piece).try_for_each(|bytes| decoder.feed(bytes))?;
        decoder.finish()
    };
    let whole = read(WINDOW, usize::MAX);
    // Any cut of the body gives the same, errors included.
    let shown = whole.as_ref().map(|data| format!("{:?}", data.decode())).map_err(ExportError::clone);
    for piece in [1, 5] {
        let same = read(WINDOW, piece).map(|data| format!("{:?}", data.decode()));
        assert_eq!(same, shown, "in pieces of {piece}");
    }
    let Ok(whole) = whole else { return };
    let mut builder = BatchBuilder::new(3, 1000);
    for series in whole.raw_series() {
        let pushed = builder.push_raw(&series, WINDOW);
        assert!(pushed.samples > 0 && pushed.samples <= series.sample_count());
    }
    for series in whole.decode() {
        assert!(series.samples.is_sorted_by_key(|sample| sample.timestamp));
        assert!(series.samples.iter().all(|sample| WINDOW.contains(sample.timestamp)));
    }
    // A narrower window gives no more.
    let narrow = Window { start_ms: 0, end_ms: 1_763_512_000_000 };
    assert!(read(narrow, usize::MAX).is_ok_and(|data| data.sample_count() <= whole.sample_count()));
}
