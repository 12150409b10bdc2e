//! How long a day of 1,000 series takes from answer to write requests. Run by hand:
//! `cargo test --release -p tsink-migrate-engine --test wire_speed -- --ignored --nocapture`.
#![allow(clippy::unwrap_used)]

use std::time::{Duration, Instant};
use tsink_migrate_engine::model::{Labels, Sample, Series, Window};
use tsink_migrate_engine::wire::prom_read::SlabData;
use tsink_migrate_engine::wire::prom_write::BatchBuilder;
use tsink_migrate_engine::wire::{snappy, vm_export};

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

/// The same day as VictoriaMetrics exports it: floats with a few decimals, and whole numbers.
#[test]
#[ignore = "a measurement"]
fn an_export_of_a_thousand_series() {
    use std::fmt::Write as _;
    let mut body = String::new();
    for at in 0..SERIES as i64 {
        for part in 0..SAMPLES.div_euclid(960) {
            let steps = part * 960..(part + 1) * 960;
            let _ = write!(
                body,
                "{{\"metric\":{{\"__name__\":\"http_requests_total\",\"instance\":\"10.0.0.{at}:9100\",\"job\":\"node\"}},\"values\":["
            );
            for step in steps.clone() {
                let value = (step * 7919 + at) % 1_000_003;
                let _ = if at % 2 == 0 {
                    write!(body, "{value},")
                } else {
                    write!(body, "{},", value as f64 / 1000.0)
                };
            }
            body.pop();
            body.push_str("],\"timestamps\":[");
            steps.for_each(|step| {
                let _ = write!(body, "{},", START_MS + step * 15_000);
            });
            body.pop();
            body.push_str("]}\n");
        }
    }
    let (took, read) = best(|| {
        let mut decoder = vm_export::Decoder::new(EVER);
        body.as_bytes().chunks(1 << 16).for_each(|piece| decoder.feed(piece).unwrap());
        decoder.finish().unwrap()
    });
    assert_eq!(read.sample_count(), SERIES as u64 * SAMPLES as u64);
    let (copied, _) = best(|| body.as_bytes().to_vec());
    let bytes = body.len() as f64;
    println!(
        "export           {took:?}  {} MB, {:.0} MB/s, {:.0} times a copy of it",
        body.len() >> 20,
        bytes / took.as_secs_f64() / 1e6,
        took.as_secs_f64() / copied.as_secs_f64()
    );
}

const EVER: Window = Window { start_ms: i64::MIN, end_ms: i64::MAX };
