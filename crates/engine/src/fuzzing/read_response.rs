//! Remote read answers: never a panic, and what is read is written whole.

use crate::model::Window;
use crate::wire::prom_read::SlabData;
use crate::wire::prom_write::BatchBuilder;

/// `data` is a `ReadResponse`, compressed or not. Whatever is accepted must survive every later step, and
/// the rows that go into batches must be those that were counted.
pub fn read_response(data: &[u8]) {
    for answer in [SlabData::from_answer(data, 1 << 20), SlabData::from_response(data.to_vec())] {
        let Ok(answer) = answer else { continue };
        let mut builder = BatchBuilder::new(3, 5);
        let clip = Window { start_ms: 0, end_ms: 2_000_000_000_000 };
        let mut taken = 0;
        for series in answer.raw_series() {
            let pushed = builder.push_raw(&series, clip);
            assert_eq!(
                series.sample_count(),
                pushed.samples + pushed.deduplicated_samples + pushed.outside_samples
            );
            assert_eq!(
                series.histogram_count(),
                pushed.histograms + pushed.deduplicated_histograms + pushed.outside_histograms
            );
            taken += pushed.samples + pushed.histograms + pushed.exemplars;
        }
        let mut rows = 0;
        while let Some(batch) = builder.finish() {
            assert!(batch.rows() <= 5);
            rows += batch.rows();
            if let Some((first, second)) = batch.split() {
                assert!(first.rows() + second.rows() <= batch.rows());
            }
        }
        assert_eq!(rows, taken);
        assert_eq!(answer.decode().len(), answer.series_count());
    }
}
