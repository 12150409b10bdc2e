//! The main job by the built command, from a real Prometheus into a real tsink, judged by the test kit's own
//! decoder and by the native tool.

use conformance::agree::{Exception, assert_agree};
use conformance::command::{Run, ours, theirs};
use conformance::plans::PlanFile;
use conformance::world::{
    ALL, END, METRICS, SELECTORS, SOURCE_SECRET, START, STEP, TOKEN, World, exemplars, held, made, samples,
};
use serde_json::json;
use std::sync::LazyLock;
use tsink_migrate_testkit::history::STALE_NAN;
use tsink_migrate_testkit::wire::{Sample, WriteRequest};

static WORLD: LazyLock<World> = LazyLock::new(World::start);

/// The main plan after its backfill; what most tests look at.
struct Migrated {
    plan: PlanFile,
    backfill: Run,
}

static MIGRATED: LazyLock<Migrated> = LazyLock::new(|| {
    let plan = PlanFile::new(&WORLD.main_plan("main"));
    let backfill = ours("backfill", &plan, ALL, &[]).expect_code(0);
    Migrated { plan, backfill }
});

#[test]
fn backfill_says_what_it_wrote() {
    let made = made(&WORLD.history, &METRICS, ALL);
    let report = MIGRATED.backfill.report();
    let expected = format!(
        "tsink-migrate backfill: pass\n  source_kind: Prometheus\n  selectors: {}\n  series: {}\n  samples: {}\n  \
         histograms: 0\n  exemplars: {}\n  metadata: 5\n  write_batches: {}\n",
        SELECTORS.len(),
        made.len(),
        samples(&made),
        exemplar_count(),
        report["write_batches"],
    );
    assert_eq!(MIGRATED.backfill.outcome.stdout, expected);
    assert_eq!(report["status"], "pass");
    assert_eq!(report["samples_written"], samples(&made));
    for (line, count) in [("samples", samples(&made)), ("exemplars", exemplar_count()), ("metadata", 5)] {
        let line = &report["balance"][line];
        assert_eq!((&line["read"], &line["written"]), (&json!(count), &json!(count)), "{line}");
    }
    assert_eq!(report["balance"]["closes"], true);
    assert!(MIGRATED.backfill.markdown().contains("pass") || MIGRATED.backfill.markdown().contains("PASS"));
}

fn exemplar_count() -> usize {
    WORLD.history.series.iter().map(|series| series.exemplars.len()).sum()
}

#[test]
fn every_sample_is_there_bit_for_bit() {
    LazyLock::force(&MIGRATED);
    let source = held(&WORLD.prometheus.endpoint(), &METRICS, ALL);
    assert_eq!(source, made(&WORLD.history, &METRICS, ALL));
    assert_eq!(held(&WORLD.target("main"), &METRICS, ALL), source);
    let stale =
        source.values().flat_map(|(samples, _)| samples).filter(|(_, bits)| *bits == STALE_NAN).count();
    assert!(stale > 100, "{stale} staleness markers");
}

#[test]
fn metadata_and_exemplars_are_there() {
    LazyLock::force(&MIGRATED);
    let (source, target) = (WORLD.prometheus.endpoint(), WORLD.target("main"));
    for family in WORLD
        .history
        .metadata
        .iter()
        .filter(|family| family.r#type != 4 && family.metric_family_name != "rpc_duration_seconds")
    {
        let name = &family.metric_family_name;
        let (at_source, at_target) = (source.metadata(name).unwrap(), target.metadata(name).unwrap());
        assert_eq!(at_source, at_target, "{name}");
        assert_eq!(at_target[name][0]["help"], family.help.as_str());
    }
    let mut count = 0;
    for query in ["request_duration_seconds_bucket", "jobs_processed_total"] {
        let at_source = exemplars(&source, query, ALL);
        count += at_source.len();
        assert_eq!(exemplars(&target, query, ALL), at_source, "{query}");
    }
    assert_eq!(count, exemplar_count());
}

#[test]
fn the_native_tool_verifies_it() {
    LazyLock::force(&MIGRATED);
    let native = theirs("verify", &MIGRATED.plan, ALL);
    assert_eq!(native.outcome.code, 0, "{:#?}\n{}", native.outcome, native.report()["issues"]);
    let ours = ours("verify", &MIGRATED.plan, ALL, &[]).expect_code(0);
    assert_eq!(ours.outcome.stdout, native.outcome.stdout);
    assert_agree(&native.report(), &ours.report(), &[]);
    let rows: u64 = ours.report()["raw_checks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| c["source_rows"].as_u64().unwrap())
        .sum();
    assert_eq!(rows as usize, samples(&made(&WORLD.history, &METRICS, ALL)));
}

#[test]
fn cutover_check_agrees_but_for_what_the_native_tool_misreads() {
    LazyLock::force(&MIGRATED);
    let empty_names = "tsink 0.10.2 returns aggregates with an empty __name__; an empty label is an absent \
                       label, which the native tool does not know, so it calls every aggregate a mismatch";
    let seconds = "Prometheus writes a point's time on a whole second as a JSON integer, which the native tool \
                   takes for milliseconds; tsink writes 1763510400.0, which it takes for seconds";
    let expected = "tsink-migrate cutover-check: pass\n  promql_checks: 2\n  issues: 0\n";

    // Steps between the seconds: the native tool reads both sides alike.
    let window = (START + 137, END);
    let between = ours("cutover-check", &MIGRATED.plan, window, &[]).expect_code(0);
    // The specification's block, and below it the checklist.
    let said = between.outcome.stdout.strip_prefix(expected).expect("the block comes first");
    assert_eq!(said.lines().filter(|line| line.starts_with("  [")).count(), 7, "{said}");
    assert!(said.starts_with("  [ok] The data are the same on both sides: "), "{said}");
    assert_agree(
        &theirs("cutover-check", &MIGRATED.plan, window).report(),
        &between.report(),
        &[
            Exception { path: "status", reason: empty_names },
            Exception { path: "issues", reason: empty_names },
            Exception { path: "promql_checks[1].matched", reason: empty_names },
            Exception { path: "promql_checks[1].issues", reason: empty_names },
        ],
    );

    let on_seconds = ours("cutover-check", &MIGRATED.plan, ALL, &[]).expect_code(0);
    assert!(on_seconds.outcome.stdout.starts_with(expected), "{}", on_seconds.outcome.stdout);
    assert_agree(
        &theirs("cutover-check", &MIGRATED.plan, ALL).report(),
        &on_seconds.report(),
        &[
            Exception { path: "status", reason: seconds },
            Exception { path: "issues", reason: seconds },
            Exception { path: "promql_checks[*].matched", reason: seconds },
            Exception { path: "promql_checks[*].issues", reason: seconds },
        ],
    );
    let report = on_seconds.report();
    assert_eq!(report["command"], "cutover");
    assert_eq!(report["target_payloads"]["histograms_enabled"], true);
    // 2 h at 5 min, both ends included, for each of three workers.
    assert_eq!(report["promql_checks"][1]["points"], 3 * 25);
}

#[test]
fn backfill_reports_agree() {
    // The same plan but for the tenant, so that both tools write for themselves.
    let plan = PlanFile::new(&WORLD.main_plan("native"));
    let native = theirs("backfill", &plan, ALL);
    assert_eq!(native.outcome.code, 0, "{:#?}", native.outcome);
    let mut expected = native.report();
    // How series are put together into requests is each tool's own business.
    let batches = expected.as_object_mut().unwrap().remove("write_batches");
    assert!(batches.is_some());
    assert_agree(&expected, &MIGRATED.backfill.report(), &[]);
}

#[test]
fn running_it_again_changes_nothing() {
    let plan = PlanFile::new(&WORLD.main_plan("twice"));
    let first = ours("backfill", &plan, ALL, &[]).expect_code(0).report();
    let second = ours("backfill", &plan, ALL, &[]).expect_code(0).report();
    assert_eq!(second["balance"]["samples"]["already_there"], first["samples_written"]);
    assert_eq!(second["samples_written"], 0);
    assert_eq!(second["balance"]["closes"], true);
    assert_eq!(held(&WORLD.target("twice"), &METRICS, ALL), made(&WORLD.history, &METRICS, ALL));
    ours("verify", &plan, ALL, &[]).expect_code(0);
}

#[test]
fn secrets_are_never_shown() {
    let verify = ours("verify", &MIGRATED.plan, ALL, &[]);
    let cutover = ours("cutover-check", &MIGRATED.plan, ALL, &[]);
    for run in [&MIGRATED.backfill, &verify, &cutover] {
        let everything = run.everything();
        assert!(everything.contains("tsink-migrate") && everything.len() > 1000);
        for secret in [TOKEN, SOURCE_SECRET] {
            assert!(!everything.contains(secret), "{everything}");
        }
    }
}

#[test]
fn both_edges_of_the_window_belong_to_it() {
    let metric = "room_temperature_celsius";
    let plan = PlanFile::new(&WORLD.plan("edges", &[metric]));
    let window = (START + 4 * STEP, START + 6 * STEP);
    let report = ours("backfill", &plan, window, &[]).expect_code(0).report();
    assert_eq!(report["samples_written"], 3 * 3);
    let times = |tenant: &str| -> Vec<i64> {
        let read = WORLD.target(tenant).read_metric(metric, START, END).unwrap();
        read[0].samples.iter().map(|sample| sample.timestamp).collect()
    };
    assert_eq!(times("edges"), [window.0, window.0 + STEP, window.1]);
    assert_eq!(theirs("verify", &plan, window).outcome.code, 0);

    let plan = PlanFile::new(&WORLD.plan("inside", &[metric]));
    let report = ours("backfill", &plan, (window.0 + 1, window.1 - 1), &[]).expect_code(0).report();
    assert_eq!(report["samples_written"], 3);
    assert_eq!(times("inside"), [window.0 + STEP]);

    let plan = PlanFile::new(&WORLD.plan("instant", &[metric]));
    let report = ours("backfill", &plan, (window.0, window.0), &[]).expect_code(0).report();
    assert_eq!(report["samples_written"], 3);
    assert_eq!(times("instant"), [window.0]);
}

#[test]
fn overlapping_selectors_write_once() {
    let metrics = ["room_temperature_celsius", "jittered_value"];
    let selectors =
        [r#"{job="house"}"#, "room_temperature_celsius", r#"room_temperature_celsius{room="attic"}"#];
    let plan = PlanFile::new(&WORLD.plan("overlap", &selectors));
    let report = ours("backfill", &plan, ALL, &[]).expect_code(0).report();
    let once = made(&WORLD.history, &metrics, ALL);
    assert_eq!(report["samples_written"], samples(&once));
    assert_eq!(report["series_written"], once.len());
    let line = &report["balance"]["samples"];
    let rooms = samples(&made(&WORLD.history, &metrics[..1], ALL));
    assert_eq!(line["deduplicated"], rooms + rooms / 3, "{line}");
    assert_eq!(line["read"], samples(&once) + rooms + rooms / 3, "{line}");
    assert_eq!(report["balance"]["closes"], true);
    assert_eq!(held(&WORLD.target("overlap"), &metrics, ALL), once);
    assert_eq!(theirs("verify", &plan, ALL).outcome.code, 0);
}

#[test]
fn a_series_longer_than_a_batch_is_split() {
    let metrics = ["jobs_processed_total", "special_values"];
    let mut plan = WORLD.plan("split", &metrics);
    plan["batch"] = json!({ "max_points_per_write": 70, "max_series_per_write": 4 });
    let plan = PlanFile::new(&plan);
    let report = ours("backfill", &plan, ALL, &[]).expect_code(0).report();
    let expected = made(&WORLD.history, &metrics, ALL);
    let least = (samples(&expected) / 70) as u64;
    assert!(report["write_batches"].as_u64().unwrap() >= least, "{} of {least}", report["write_batches"]);
    assert_eq!(held(&WORLD.target("split"), &metrics, ALL), expected);
    assert_eq!(
        exemplars(&WORLD.target("split"), "jobs_processed_total", ALL),
        exemplars(&WORLD.prometheus.endpoint(), "jobs_processed_total", ALL)
    );
    assert_eq!(theirs("verify", &plan, ALL).outcome.code, 0);
}

#[test]
fn tenants_stay_apart() {
    LazyLock::force(&MIGRATED);
    for tenant in ["mainly", "somebody-else"] {
        assert!(held(&WORLD.target(tenant), &METRICS, ALL).is_empty(), "{tenant}");
    }
    // A verify of a tenant without data must see that nothing is there.
    let plan = PlanFile::new(&WORLD.plan("empty", &["one_sample"]));
    let run = ours("verify", &plan, ALL, &[]).expect_code(1);
    assert_eq!(run.report()["raw_checks"][0]["missing_series"], 1);
}

#[test]
fn no_tenant_means_default() {
    let mut plan = WORLD.plan("", &["late_and_short"]);
    plan["target"].as_object_mut().unwrap().remove("tenant");
    let window = (START + 3_000_000, START + 3_300_000);
    ours("backfill", &PlanFile::new(&plan), window, &[]).expect_code(0);
    let expected = made(&WORLD.history, &["late_and_short"], window);
    assert_eq!(held(&WORLD.target("default"), &["late_and_short"], window), expected);
}

/// Writes one sample into a tenant that was migrated before, in place of or beside what is there.
fn spoil(tenant: &str, series: usize, timestamp: i64, value: f64) {
    let wanted: Vec<_> =
        WORLD.history.series.iter().filter(|s| s.name() == "room_temperature_celsius").collect();
    let mut spoiled = wanted[series].clip(0, 0);
    spoiled.samples.push(Sample { value, timestamp });
    let request = WriteRequest { timeseries: vec![spoiled], metadata: Vec::new() };
    WORLD.target(tenant).remote_write(&request).unwrap().ok().unwrap();
}

#[test]
fn verify_finds_an_extra_sample_where_it_is() {
    let plan = PlanFile::new(&WORLD.plan("extra", &["room_temperature_celsius"]));
    ours("backfill", &plan, ALL, &[]).expect_code(0);
    spoil("extra", 1, START + 10 * STEP + 1, 99.5);
    let run = ours("verify", &plan, ALL, &[]).expect_code(1);
    assert!(
        run.outcome.stdout.starts_with("tsink-migrate verify: fail\n  raw_checks: 1\n"),
        "{}",
        run.outcome.stdout
    );
    let check = run.report()["raw_checks"][0].clone();
    assert_eq!(check["sample_mismatches"], 1, "{check}");
    assert_eq!(check["extra_samples"], 1, "{check}");
    assert_eq!(check["findings"][0]["kind"], "extra_samples", "{check}");
    assert_eq!(check["findings"][0]["first_ms"], START + 10 * STEP + 1, "{check}");
    assert!(run.markdown().contains("attic"), "{}", run.markdown());

    let native = theirs("verify", &plan, ALL);
    assert_eq!(native.outcome.code, 1);
    assert_agree(
        &native.report(),
        &run.report(),
        &[
            Exception {
                path: "raw_checks[0].sample_mismatches",
                reason: "the native tool compares by index, so one extra sample makes every later one a mismatch",
            },
            Exception { path: "raw_checks[0].issues", reason: "issues are sentences, each tool's own" },
            Exception { path: "issues", reason: "issues are sentences, each tool's own" },
        ],
    );
}

#[test]
fn a_staleness_marker_is_not_a_nan() {
    // The target has an ordinary NaN where the source has the marker, and nothing else differs.
    let plan = PlanFile::new(&WORLD.plan("nan", &["late_and_short"]));
    let mut series = WORLD.history.series.iter().find(|s| s.name() == "late_and_short").unwrap().clone();
    let last = series.samples.last_mut().unwrap();
    assert_eq!(last.value.to_bits(), STALE_NAN);
    last.value = f64::from_bits(0x7ff8_0000_0000_0001);
    let at = last.timestamp;
    let request = WriteRequest { timeseries: vec![series], metadata: Vec::new() };
    WORLD.target("nan").remote_write(&request).unwrap().ok().unwrap();

    let run = ours("verify", &plan, ALL, &[]).expect_code(1);
    let finding = &run.report()["raw_checks"][0]["findings"][0];
    assert_eq!((&finding["kind"], &finding["first_ms"]), (&json!("stale_nan"), &json!(at)), "{finding}");
    let reason = "the native tool calls any two NaNs equal; a staleness marker ends a series, a NaN does not";
    assert_agree(
        &theirs("verify", &plan, ALL).report(),
        &run.report(),
        &[
            Exception { path: "status", reason },
            Exception { path: "issues", reason },
            Exception { path: "raw_checks[0].sample_mismatches", reason },
            Exception { path: "raw_checks[0].issues", reason },
        ],
    );
}

#[test]
fn exemplars_on_whole_seconds_keep_their_time() {
    use tsink_migrate_testkit::history::{History, load};
    use tsink_migrate_testkit::servers::Prometheus;
    use tsink_migrate_testkit::wire::{Exemplar, Label, TimeSeries};

    let mut series = TimeSeries::new("on_the_second", &[("job", "x")]);
    for at in 0..10 {
        let timestamp = START + at * STEP;
        series.samples.push(Sample { value: 1.0, timestamp });
        let labels = vec![Label { name: "trace_id".into(), value: format!("t{at}") }];
        series.exemplars.push(Exemplar { labels, value: 0.5, timestamp });
    }
    let prometheus = Prometheus::start(Default::default()).unwrap();
    load(&prometheus.endpoint(), &History { series: vec![series], metadata: Vec::new() }).unwrap();
    let mut plan = WORLD.plan("seconds", &["on_the_second"]);
    for field in ["remote_read_url", "query_range_url", "metadata_url", "exemplar_url"] {
        let url = plan["source"][field].as_str().unwrap().replace(&WORLD.prometheus.url(), &prometheus.url());
        plan["source"][field] = url.into();
    }
    let plan = PlanFile::new(&plan);
    ours("backfill", &plan, ALL, &[]).expect_code(0);
    let at_source = exemplars(&prometheus.endpoint(), "on_the_second", ALL);
    assert_eq!(at_source.len(), 10);
    assert_eq!(exemplars(&WORLD.target("seconds"), "on_the_second", ALL), at_source);

    let run = ours("verify", &plan, ALL, &[]).expect_code(0);
    let reason = "Prometheus writes an exemplar's time on a whole second as a JSON integer, which the native \
                  tool takes for milliseconds; so it sees every such exemplar in January 1970";
    assert_agree(
        &theirs("verify", &plan, ALL).report(),
        &run.report(),
        &[
            Exception { path: "status", reason },
            Exception { path: "issues", reason },
            Exception { path: "exemplar_checks[0].exemplar_mismatches", reason },
            Exception { path: "exemplar_checks[0].issues", reason },
        ],
    );
}
