//! How long a day of 1,000 series takes from answer to write requests. Run by hand:
//! `cargo test --release -p tsink-migrate-engine --test wire_speed -- --ignored --nocapture`.
#![allow(clippy::unwrap_used)]

use std::time::{Duration, Instant};
use tsink_migrate_engine::model::{Labels, Sample, Series, Window};
use tsink_migrate_engine::wire::prom_read::SlabData;
use tsink_migrate_engine::wire::prom_write::BatchBuilder;
use tsink_migrate_engine::wire::snappy;

const SERIES: usize = 1_000;
const SAMPLES: i64 = 5_760;
const START_MS: i64 = 1_700_000_000_000;

/// The best of five, as the others measure the machine's other work.
fn best<T>(mut run: impl FnMut() -> T) -> (Duration, T) {
    let mut best: Option<(Duration, T)> = None;
    for _ in 0..5 {
        let from = Instant::now();
        let result = run();
        let took = from.elapsed();
        if best.as_ref().is_none_or(|(before, _)| took < *before) {
            best = Some((took, result));
        }
    }
    best.unwrap()
}

#[test]
#[ignore = "a measurement"]
fn a_day_of_a_thousand_series() {
    let mut state = 1u64;
    let mut random = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f64
    };
    let series: Vec<Series> = (0..SERIES)
        .map(|at| {
            let mut total = 0.0;
            Series {
                labels: Labels::from_pairs([
                    ("__name__".to_owned(), "http_requests_total".to_owned()),
                    ("instance".to_owned(), format!("10.0.0.{at}:9100")),
                    ("job".to_owned(), "node".to_owned()),
                ]),
                samples: (0..SAMPLES)
                    .map(|step| {
                        total += if at % 2 == 0 { (random() / 1e5).floor() } else { random() };
                        Sample { timestamp: START_MS + step * 15_000, value: total }
                    })
                    .collect(),
                ..Series::default()
            }
        })
        .collect();
    let data = SlabData::from_series(&series);
    let response = {
        // One result around the series, each with its own frame.
        let mut result = Vec::new();
        for one in &series {
            let single = SlabData::from_series(std::slice::from_ref(one));
            let mut builder = BatchBuilder::new(1, usize::MAX);
            single.raw_series().for_each(|raw| assert!(builder.push_raw(&raw, EVER).samples > 0));
            result.extend(snappy::decompress(&builder.finish().unwrap().body, usize::MAX).unwrap());
        }
        let mut response = vec![0x0a];
        let mut length = result.len();
        while length >= 0x80 {
            response.push((length as u8) | 0x80);
            length >>= 7;
        }
        response.push(length as u8);
        response.extend(result);
        response
    };
    let (took, body) = best(|| snappy::compress(&response));
    println!("compress whole   {took:?}  {} MB -> {} MB", response.len() >> 20, body.len() >> 20);
    let (took, _) = best(|| snappy::decompress(&body, usize::MAX).unwrap());
    println!("decompress       {took:?}");
    let (took, read) = best(|| SlabData::from_answer(&body, usize::MAX).unwrap());
    println!("from_answer      {took:?}");
    assert_eq!(read.sample_count(), data.sample_count());
    let mut copies: Vec<Vec<u8>> = (0..5).map(|_| response.clone()).collect();
    let (took, _) = best(|| SlabData::from_response(copies.pop().unwrap()).unwrap());
    println!("check            {took:?}");
    let mut took_copy = response.clone();
    let (took, ()) = best(|| took_copy.copy_from_slice(&response));
    println!("memcpy           {took:?}");
    for (name, points) in [("whole series", 25_000), ("split series", 4_000)] {
        let (took, rows) = best(|| {
            let mut builder = BatchBuilder::new(250, points);
            let mut rows = 0;
            for raw in read.raw_series() {
                builder.push_raw(&raw, EVER);
                while let Some(batch) = builder.take_ready() {
                    rows += batch.rows();
                }
            }
            while let Some(batch) = builder.finish() {
                rows += batch.rows();
            }
            rows
        });
        println!("batches, {name} {took:?}");
        assert_eq!(rows, read.sample_count());
    }
    let (took, identities) =
        best(|| read.raw_series().map(|raw| raw.identity()).fold(0, |all: u128, one| all ^ one));
    println!("identities       {took:?} {identities:x}");
    let (took, _) = best(|| read.decode());
    println!("decode           {took:?}");
}

const EVER: Window = Window { start_ms: i64::MIN, end_ms: i64::MAX };
