//! How fast a day of 1,000 series at 15 s compares. Run it optimised:
//! `cargo test -p tsink-migrate-engine --profile quick --test compare_speed -- --ignored --nocapture`
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::disallowed_methods)]

use std::time::{Duration, Instant};
use tsink_migrate_engine::compare::{Hints, RawComparison};
use tsink_migrate_engine::model::{Labels, Sample, Series, Window};
use tsink_migrate_engine::plan::Compare;

const STEP_MS: i64 = 15_000;
const SLABS: i64 = 12;

fn slab(window: Window) -> Vec<Series> {
    let series = (0..1000).map(|id| {
        let pairs = [("__name__", "http_requests_total"), ("job", "api"), ("path", "/v1/things")];
        let pairs = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let labels =
            Labels::from_pairs(pairs.into_iter().chain([("instance".to_owned(), format!("host-{id}:9100"))]));
        let times = (window.start_ms..=window.end_ms).step_by(STEP_MS as usize);
        let samples = times.map(|timestamp| Sample { timestamp, value: timestamp as f64 * 1e-3 });
        Series { labels, samples: samples.collect(), ..Series::default() }
    });
    series.collect()
}

#[test]
#[ignore = "measures time: only meaningful in an optimised build on a quiet machine"]
fn a_day_of_samples_compares_in_a_blink() {
    for lossy in [false, true] {
        let day = Window { start_ms: 0, end_ms: 86_399_999 };
        let mut check = RawComparison::new("http_requests_total", &Compare::default(), 100).over(day);
        let mut spent = Duration::ZERO;
        for at in 0..SLABS {
            let length = 86_400_000 / SLABS;
            let window = Window { start_ms: at * length, end_ms: (at + 1) * length - 1 };
            let (source, mut target) = (slab(window), slab(window));
            if lossy {
                // The worst for speed: every series takes the slow path, and every eighth sample is off.
                for series in &mut target {
                    series.samples.remove(3);
                    series.samples.iter_mut().step_by(8).for_each(|sample| sample.value += 1.0);
                }
            }
            let start = Instant::now();
            check.slab(window, source, target);
            spent += start.elapsed();
        }
        let start = Instant::now();
        let report = check.finish(&Hints::default());
        spent += start.elapsed();
        println!("{} samples, lossy {lossy}: {} ms", report.source_samples, spent.as_millis());
        assert_eq!(report.source_samples, 5_760_000);
        assert_eq!(report.matched(), !lossy);
        assert!(spent < Duration::from_millis(if lossy { 2000 } else { 500 }), "{spent:?}");
    }
}
