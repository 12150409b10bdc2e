//! A real day: 1,000 series, 24 h, one sample every 15 s, 5.76 M samples. By the built command, then judged
//! by the native tool.

use conformance::agree::assert_agree;
use conformance::command::{ours, theirs};
use conformance::plans::{PlanFile, plan};
use serde_json::Value;
use std::time::Instant;
use tsink_migrate_testkit::history::{Bulk, load_slabs};
use tsink_migrate_testkit::servers::{Prometheus, PrometheusOptions, Tsink, TsinkOptions};

#[test]
fn a_day_of_a_thousand_series() {
    let bulk = Bulk { series: 1000, start_ms: 1_763_510_400_000, hours: 24, step_ms: 15_000 };
    let prometheus = Prometheus::start(PrometheusOptions::default()).unwrap();
    let began = Instant::now();
    load_slabs(&prometheus.endpoint(), bulk.slabs()).unwrap();
    println!("loaded {} samples in {:?}", bulk.samples(), began.elapsed());

    let window = (bulk.start_ms, bulk.end_ms());
    for attempt in 1.. {
        let tsink = Tsink::start(TsinkOptions::default()).unwrap();
        let file = PlanFile::new(&plan(&prometheus.url(), &tsink.url(), &Bulk::SELECTORS));
        let began = Instant::now();
        let backfill = ours("backfill", &file, window, &[]);
        println!("backfill in {:?}", began.elapsed());
        if !tsink.is_open() && attempt < 3 {
            println!("tsink-server closed its storage by itself; once more with another");
            continue;
        }
        compare(&file, window, &backfill.expect_code(0).report());
        return;
    }
}

/// Judges what the backfill has brought.
fn compare(file: &PlanFile, window: (i64, i64), report: &Value) {
    assert_eq!(report["samples_written"], 5_760_000);
    assert_eq!(report["series_written"], 1000);
    assert_eq!(report["balance"]["closes"], true);

    let native = theirs("verify", file, window);
    assert_eq!(native.outcome.code, 0, "{:#?}", native.outcome);
    let began = Instant::now();
    let verify = ours("verify", file, window, &[]).expect_code(0);
    println!("verify in {:?}", began.elapsed());
    assert_agree(&native.report(), &verify.report(), &[]);
}
