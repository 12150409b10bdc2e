//! Native histograms.
//!
//! Prometheus before 2.44 leaves them out of SAMPLES answers to remote read (their series come without a
//! sample), so the source for their way without loss is tsink under another tenant, which speaks the same
//! protocol; and against the real Prometheus the tool must not lose them in silence.

use conformance::agree::assert_agree;
use conformance::command::{ours, theirs};
use conformance::plans::{PlanFile, plan};
use conformance::world::{ALL, NATIVE_METRICS, TOKEN, World, held, made};
use serde_json::{Value, json};
use std::sync::LazyLock;
use tsink_migrate_testkit::history::load;

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let world = World::start();
    load(&world.target("source"), &world.history).unwrap();
    world
});

fn tsink_to_tsink(tenant: &str) -> Value {
    let mut plan = plan(&WORLD.tsink.url(), &WORLD.tsink.url(), &NATIVE_METRICS);
    let authorization = format!("Bearer {TOKEN}");
    plan["source"]["headers"] = json!({ "Authorization": authorization, "X-Tsink-Tenant": "source" });
    plan["target"]["headers"] = json!({ "Authorization": authorization });
    plan["target"]["tenant"] = tenant.into();
    plan
}

fn count() -> usize {
    made(&WORLD.history, &NATIVE_METRICS, ALL).values().map(|(_, histograms)| histograms.len()).sum()
}

#[test]
fn integer_and_float_histograms_arrive_bit_for_bit() {
    let plan = PlanFile::new(&tsink_to_tsink("histograms"));
    // 25,000 histograms a request would be far beyond the 16,384 bucket entries that tsink takes: the
    // default limits must hold that too.
    let report = ours("backfill", &plan, ALL, &[]).expect_code(0).report();
    assert_eq!(report["histograms_written"], count());
    assert_eq!(report["samples_written"], 0);
    let (source, target) = (WORLD.target("source"), WORLD.target("histograms"));
    let at_source = held(&source, &NATIVE_METRICS, ALL);
    assert_eq!(at_source.len(), 3);
    assert_eq!(held(&target, &NATIVE_METRICS, ALL), at_source);
    assert_eq!(at_source, made(&WORLD.history, &NATIVE_METRICS, ALL));

    let native = theirs("verify", &plan, ALL);
    assert_eq!(native.outcome.code, 0, "{:#?}", native.outcome);
    let verify = ours("verify", &plan, ALL, &[]).expect_code(0);
    assert_agree(&native.report(), &verify.report(), &[]);
    let histograms: u64 = verify.report()["raw_checks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| c["source_histograms"].as_u64().unwrap())
        .sum();
    assert_eq!(histograms as usize, count());
}

#[test]
fn a_histogram_that_differs_is_found() {
    let plan = PlanFile::new(&tsink_to_tsink("spoiled"));
    ours("backfill", &plan, ALL, &[]).expect_code(0);
    let mut series =
        WORLD.history.series.iter().find(|s| s.name() == "rpc_duration_seconds").unwrap().clone();
    let mut spoiled = series.histograms[17].clone();
    spoiled.sum += 1.0;
    let at = spoiled.timestamp + 1;
    spoiled.timestamp = at;
    series.samples.clear();
    series.histograms = vec![spoiled];
    let request =
        tsink_migrate_testkit::wire::WriteRequest { timeseries: vec![series], metadata: Vec::new() };
    WORLD.target("spoiled").remote_write(&request).unwrap().ok().unwrap();
    let run = ours("verify", &plan, ALL, &[]).expect_code(1);
    let check = run.report()["raw_checks"][0].clone();
    assert_eq!(check["histogram_mismatches"], 1, "{check}");
    assert_eq!(check["findings"][0]["kind"], "extra_histograms", "{check}");
    assert_eq!(check["findings"][0]["first_ms"], at, "{check}");
}

#[test]
fn histograms_that_prometheus_hides_are_not_lost_in_silence() {
    let mut selectors = NATIVE_METRICS.to_vec();
    selectors.push("one_sample");
    let plan = PlanFile::new(&WORLD.plan("hidden", &selectors));
    let backfill = ours("backfill", &plan, ALL, &[]);
    let report = backfill.report();
    let written = report["histograms_written"].as_u64().unwrap() as usize;
    if written == count() {
        // Read in the streamed form, which carries them.
        assert_eq!(backfill.outcome.code, 0);
        let verify = ours("verify", &plan, ALL, &[]).expect_code(0);
        assert_eq!(verify.report()["raw_checks"][0]["source_histograms"], 2 * count() / 3);
    } else {
        assert_eq!(written, 0);
        let everything =
            format!("{}{}{}", backfill.outcome.stdout, backfill.outcome.stderr, report).to_lowercase();
        assert!(everything.contains("native histogram"), "{everything}");
        assert!(everything.contains("rpc_duration_seconds"), "{everything}");
    }
    // What can be moved is moved all the same.
    let there = held(&WORLD.target("hidden"), &["one_sample"], ALL);
    assert_eq!(there, made(&WORLD.history, &["one_sample"], ALL));
}
