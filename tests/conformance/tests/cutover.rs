//! The cutover check and the way back against a real Prometheus 2.42 and a real tsink, the engine in this process.

use conformance::native_ports::{block_on, ports, run};
use conformance::plan_for;
use conformance::world::on_sound;
use tsink_migrate_engine::ErrorKind;
use tsink_migrate_engine::model::Window;
use tsink_migrate_engine::plan::{Plan, PromqlCheck};
use tsink_migrate_engine::port::Secret;
use tsink_migrate_engine::report::{CheckItem, CutoverReport, Level, PromqlCheckReport, Report, Status};
use tsink_migrate_engine::run::{Given, Stage, undo};
use tsink_migrate_engine::selector::Selector;
use tsink_migrate_testkit::history::{History, Observed, load};
use tsink_migrate_testkit::servers::{Prometheus, PrometheusOptions, Tsink, TsinkOptions};
use tsink_migrate_testkit::wire::{Exemplar, Label, MetricMetadata, Sample, TimeSeries, WriteRequest};

const START: i64 = 1_763_510_400_000;
/// Both sides hold one hour before the window, so that nothing looks back to where there is nothing.
const HOUR: i64 = 3_600_000;
const WINDOW: Window = Window { start_ms: START + HOUR, end_ms: START + 2 * HOUR };
const WHOLE: Window = Window { start_ms: START, end_ms: START + 2 * HOUR };
const TOKEN: &str = "public-4c1f";
const ADMIN: &str = "admin-9e77";

struct Servers {
    prometheus: Prometheus,
    tsink: Tsink,
}

impl Servers {
    fn start(options: TsinkOptions) -> Self {
        let prometheus = Prometheus::start(PrometheusOptions::default()).expect("Prometheus");
        load(&prometheus.endpoint(), &history()).expect("history in Prometheus");
        Self { prometheus, tsink: Tsink::start(options).expect("tsink") }
    }

    fn plan(&self, queries: &[&str]) -> Plan {
        let mut plan = plan_for(&self.prometheus.url(), &self.tsink.url());
        plan.source.exemplar_url = None;
        plan.source.metadata_url = None;
        plan.selectors = vec![Selector::parse("requests_total").unwrap(), Selector::parse("level").unwrap()];
        plan.promql_checks = queries
            .iter()
            .map(|query| PromqlCheck { query: (*query).to_owned(), step: "60s".to_owned(), step_ms: 60_000 })
            .collect();
        plan
    }

    /// Backfills both hours, then checks the cutover of the second.
    fn checked(&self, plan: &Plan, damage: impl FnOnce(&Self)) -> CutoverReport {
        let reports = run(plan, WHOLE, &[Stage::Backfill], Given::default()).expect("a backfill");
        let mut given = Given::default();
        given.take(reports.into_iter().next_back().expect("a report"));
        damage(self);
        cutover(plan, given)
    }

    /// One more sample into the target.
    fn inject(&self, at: i64, value: f64) {
        let mut series = labelled("requests_total", "a");
        series.samples = vec![Sample { timestamp: at, value }];
        let request = WriteRequest { timeseries: vec![series], metadata: Vec::new() };
        self.tsink.endpoint("default").remote_write(&request).unwrap().ok().unwrap();
    }
}

fn cutover(plan: &Plan, given: Given) -> CutoverReport {
    match run(plan, WINDOW, &[Stage::Cutover], given).expect("a check").pop() {
        Some(Report::Cutover(report)) => report,
        other => panic!("{other:?}"),
    }
}

fn labelled(name: &str, job: &str) -> TimeSeries {
    let label = |name: &str, value: &str| Label { name: name.to_owned(), value: value.to_owned() };
    TimeSeries { labels: vec![label("__name__", name), label("job", job)], ..TimeSeries::default() }
}

/// Two counters, one with a reset, and a gauge that ends early; a sample every 15 s on the second, so that every step
/// of a minute meets one.
fn history() -> History {
    let mut series = Vec::new();
    for (job, reset) in [("a", -1), ("b", 300)] {
        let mut one = labelled("requests_total", job);
        let mut value = 0.0;
        for n in 0..=480i64 {
            value = if n == reset { 3.0 } else { value + ((n * 7919) % 101) as f64 / 3.0 };
            one.samples.push(Sample { timestamp: START + n * 15_000, value });
        }
        series.push(one);
    }
    let mut level = labelled("level", "a");
    level.samples = (0..=420i64)
        .map(|n| Sample { timestamp: START + n * 15_000, value: ((n * 31) % 57) as f64 / 7.0 })
        .collect();
    series.push(level);
    History { series, metadata: Vec::new() }
}

fn on<R>(options: &TsinkOptions, test: impl Fn(&Servers) -> R) -> R {
    on_sound(|| Servers::start(options.clone()), |servers| &servers.tsink, test)
}

fn item<'a>(report: &'a CutoverReport, code: &str) -> &'a CheckItem {
    report.checklist.iter().find(|item| item.code == code).unwrap_or_else(|| panic!("no {code}"))
}

fn explained(check: &PromqlCheckReport) -> Option<(&str, bool)> {
    check.explanation.as_ref().map(|why| (why.code.as_str(), why.whole))
}

#[test]
fn closed_windows_are_established_for_every_function_that_has_them() {
    // What differs, and for which causes.
    let (windows, name, both) =
        ("closed_range_windows", "metric_name_kept", "closed_range_windows+metric_name_kept");
    let queries = [
        ("sum(rate(requests_total[5m]))", windows),
        ("sum by (job) (increase(requests_total[90s]))", windows),
        ("sum(rate(requests_total[5m])) - sum(rate(requests_total[30m]))", windows),
        ("sum(rate(requests_total[5m] offset 3m)) / 2", windows),
        ("sum(delta(level[7m]))", windows),
        ("sum(avg_over_time(level[5m])) + sum(deriv(level[5m]))", windows),
        ("sum(count_over_time(level[5m]))", windows),
        ("max(max_over_time(rate(requests_total[2m])[10m:1m]))", windows),
        ("rate(requests_total[5m])", both),
        ("sum_over_time(level[1m])", both),
        ("abs(level)", name),
        ("-level", name),
    ];
    on(&TsinkOptions::default(), |servers| {
        let plan = servers.plan(&queries.map(|(query, _)| query));
        let report = servers.checked(&plan, |_| {});
        assert_eq!(report.raw_verify.status, Status::Pass, "{:?}", report.raw_verify.issues);
        for (check, (query, code)) in report.promql_checks.iter().zip(queries) {
            assert!(!check.matched && check.differing_points > 0, "{query}");
            assert_eq!(explained(check), Some((code, true)), "{query}: {check:#?}");
            assert!(!check.accepted && check.differences.iter().all(|one| one.explained), "{query}");
            let why = check.explanation.as_ref().unwrap();
            assert_eq!(why.points, check.differing_points);
            let excerpt = check.differences[0].excerpt.as_ref().unwrap();
            assert!(excerpt.differing_ms.contains(&check.differences[0].first_ms));
        }
        assert_eq!(report.status, Status::Fail);
        assert_eq!(item(&report, "parity").level, Level::Fail);
        assert!(item(&report, "parity").remedy.contains("accept_explained"));
        assert_eq!(item(&report, "balance").level, Level::Ok, "{:?}", item(&report, "balance"));
        assert_eq!(item(&report, "data_verified").level, Level::Ok);
        for row in &report.freshness {
            assert_eq!(row.lag_ms, Some(0), "{row:?}");
        }

        // The operator may accept it; it stays shown.
        let mut accepting = plan.clone();
        accepting.options.accept_explained = true;
        let report = cutover(&accepting, Given::default());
        assert_eq!(report.status, Status::Pass, "{:?}", report.issues);
        assert!(report.promql_checks.iter().all(|check| check.accepted && !check.matched));
        assert_eq!(item(&report, "parity").level, Level::Warn);
        assert_eq!(item(&report, "balance").level, Level::Info);
    });
}

#[test]
fn damage_is_not_explained_away() {
    let queries = [
        "sum(rate(requests_total[5m]))",
        "sum(count_over_time(requests_total{job=\"a\"}[5m]))",
        "requests_total",
        "max(requests_total)",
    ];
    on(&TsinkOptions::default(), |servers| {
        let mut plan = servers.plan(&queries);
        plan.options.accept_explained = true;
        // A sample of its own between two others: 21 samples in 5 minutes, as many as a closed window would have.
        let report =
            servers.checked(&plan, |servers| servers.inject(START + HOUR + 20 * 60_000 + 7_000, 1e6));
        assert_eq!(report.status, Status::Fail);
        assert_eq!(report.raw_verify.status, Status::Fail);
        let [rate, count, plain, _] = report.promql_checks.as_slice() else { panic!() };
        for check in [rate, count] {
            assert!(!check.accepted, "{check:#?}");
            let why = check.explanation.as_ref().unwrap();
            // All other points are explained, and those near the damage are not.
            assert!(!why.whole && why.points > 0, "{why:?}");
        }
        assert!(rate.differences.iter().all(|one| !one.explained));
        assert!(count.explanation.as_ref().unwrap().established.contains("Against it"), "{count:#?}");
        assert_eq!((plain.matched, explained(plain)), (true, None), "a step does not meet it");
        assert_eq!(item(&report, "parity").level, Level::Fail);
        assert_eq!(item(&report, "open_differences").level, Level::Fail);
    });
}

#[test]
fn a_refused_query_is_one_failed_check() {
    on(&TsinkOptions::default(), |servers| {
        // One that tsink may not know, and one that is no PromQL.
        let plan = servers.plan(&["sum(level)", "sum(atan(level))", "sum(level) +", "max(level)"]);
        let report = servers.checked(&plan, |_| {});
        let [first, second, third, last] = report.promql_checks.as_slice() else { panic!() };
        assert!(first.matched && last.matched, "{:?} {:?}", first.issues, last.issues);
        assert!(second.matched || second.issues[0].contains("it said"), "{second:?}");
        assert!(!third.matched && third.issues.len() == 2, "{third:?}");
        assert!(third.issues.iter().all(|issue| issue.contains("it said:")), "{third:?}");
        assert_eq!(report.status, Status::Fail);
    });
}

#[test]
fn what_is_off_and_needed_fails_in_the_servers_words() {
    let off = |name: &str| (format!("TSINK_REMOTE_WRITE_{name}_ENABLED"), "false".to_owned());
    let options = TsinkOptions { env: vec![off("METADATA"), off("EXEMPLARS")], ..TsinkOptions::default() };
    on(&options, |servers| {
        let mut plan = servers.plan(&[]);
        let mut report = servers.checked(&plan, |_| {});
        let probe = |report: &CutoverReport, feature: &str| {
            report.probes.iter().find(|row| row.feature == feature).cloned().unwrap()
        };
        // Off, and nobody needs it.
        assert_eq!(probe(&report, "metadata").level, Level::Info);
        assert_eq!(item(&report, "capabilities").level, Level::Ok);
        plan.metadata_metrics = vec!["level".to_owned()];
        report = cutover(&plan, Given::default());
        let row = probe(&report, "metadata");
        assert_eq!(row.level, Level::Fail);
        assert!(row.server_words.contains(r#""enabled":false"#), "{}", row.server_words);
        assert!(row.remedy.contains("TSINK_REMOTE_WRITE_METADATA_ENABLED=true"));
        assert_eq!(probe(&report, "otlp:gauge").level, Level::Ok);
        assert_eq!(probe(&report, "statsd").level, Level::Info);
        assert!(report.issues.iter().any(|issue| issue.contains("metadata")), "{:?}", report.issues);
        assert_eq!(item(&report, "capabilities").level, Level::Fail);
        // Without a status URL one row says so.
        plan.target.status_url = None;
        report = cutover(&plan, Given::default());
        assert_eq!((report.probes.len(), report.probes[0].level), (1, Level::Info));
    });
}

#[test]
fn undo_hides_the_window_and_what_is_written_there_again() {
    let options = TsinkOptions {
        auth_token: Some(TOKEN.to_owned()),
        admin_auth_token: Some(ADMIN.to_owned()),
        admin_api: true,
        ..TsinkOptions::default()
    };
    let bearer = |token: &str| vec![("Authorization".to_owned(), Secret::new(format!("Bearer {token}")))];
    on(&options, |servers| {
        let mut plan = servers.plan(&[]);
        plan.target.headers = bearer(TOKEN);
        let report = servers.checked(&plan, |_| {});
        let back = report.undo.clone().unwrap();
        assert_eq!(
            back.url.as_deref(),
            Some(format!("{}/api/v1/admin/delete_series", servers.tsink.url()).as_str())
        );
        assert_eq!(back.series, Some(3));
        assert_eq!(
            back.confirmation,
            "delete requests_total and level of tenant default from 2025-11-19T01:00Z to 2025-11-19T02:00Z"
        );
        let go = |plan: &Plan, words: &str| block_on(undo(ports(), plan, WINDOW, words));

        // Other words delete nothing.
        for words in ["", "yes", &back.confirmation.replace("default", "other")] {
            let error = go(&plan, words).unwrap_err();
            assert_eq!(error.kind, ErrorKind::Input);
            assert!(error.remedy.contains(&back.confirmation), "{}", error.remedy);
        }
        // Neither does a token that may not.
        assert_eq!(go(&plan, &back.confirmation).unwrap_err().kind, ErrorKind::AuthScope);
        let mut nobody = plan.clone();
        nobody.target.headers.clear();
        assert_eq!(go(&nobody, &back.confirmation).unwrap_err().kind, ErrorKind::AuthMissing);
        assert_eq!(cutover(&plan, Given::default()).raw_verify.status, Status::Pass);

        // The admin token deletes, and may not read here: the error says that it is done.
        let mut admin = plan.clone();
        admin.target.headers = bearer(ADMIN);
        let error = go(&admin, &back.confirmation).unwrap_err();
        assert_eq!(error.kind, ErrorKind::AuthInvalid);
        assert!(error.message.contains("the delete was done (3 series, 3 tombstones)"), "{}", error.message);
        assert!(!format!("{error} {}", error.remedy).contains(ADMIN));

        // The window is gone to its last ms, and nothing else.
        let held = |window: Window| {
            let read = |metric| {
                servers.tsink.endpoint("default").read_metric(metric, window.start_ms, window.end_ms).unwrap()
            };
            let rows = |metric| read(metric).iter().map(|series| series.samples.len()).sum::<usize>();
            rows("requests_total") + rows("level")
        };
        assert_eq!(held(WINDOW), 0);
        assert_eq!(held(Window { start_ms: START, end_ms: WINDOW.start_ms - 1 }), 3 * 240);

        // What is written there again is acknowledged and never shown: the warning says so.
        let reports = run(&plan, WINDOW, &[Stage::Backfill], Given::default()).unwrap();
        let Some(Report::Backfill(backfill)) = reports.last() else { panic!() };
        assert_eq!((backfill.status, backfill.samples_written), (Status::Pass, 3 * 241 - 60));
        assert_eq!(held(WINDOW), 0);
        assert!(
            back.warnings.iter().any(|one| one.contains("never shown") && one.contains("another tenant"))
        );
        // Another tenant takes it.
        let mut other = plan.clone();
        other.target.tenant = "again".to_owned();
        run(&other, WINDOW, &[Stage::Backfill], Given::default()).unwrap();
        assert_eq!(cutover(&other, Given::default()).raw_verify.status, Status::Pass);
    });
}

#[test]
fn undo_reads_back_what_is_left() {
    let options =
        TsinkOptions { auth_token: Some(TOKEN.to_owned()), admin_api: true, ..TsinkOptions::default() };
    on(&options, |servers| {
        let mut plan = servers.plan(&[]);
        plan.target.tenant = "mine".to_owned();
        plan.target.headers = vec![("Authorization".to_owned(), Secret::new(format!("Bearer {TOKEN}")))];
        plan.selectors.push(Selector::parse("sizes").unwrap());
        let mine = servers.tsink.endpoint("mine");
        let words = servers
            .checked(&plan, |_| {
                // What the source does not have: a native histogram, an exemplar, metadata.
                let mut sizes = labelled("sizes", "a");
                let mut observed = Observed::new(3);
                observed.observe(7.5);
                sizes.histograms = vec![observed.integer(WINDOW.start_ms)];
                let mut counter = labelled("requests_total", "a");
                let labels = vec![Label { name: "trace_id".to_owned(), value: "abc".to_owned() }];
                counter.exemplars = vec![Exemplar { labels, value: 1.0, timestamp: WINDOW.start_ms + 1 }];
                let family = MetricMetadata {
                    r#type: 1,
                    metric_family_name: "requests_total".to_owned(),
                    help: "Requests.".to_owned(),
                    unit: String::new(),
                };
                let request = WriteRequest { timeseries: vec![sizes, counter], metadata: vec![family] };
                mine.remote_write(&request).unwrap().ok().unwrap();
            })
            .undo
            .unwrap()
            .confirmation;
        let exemplars = || mine.exemplars("requests_total", WINDOW.start_ms, WINDOW.end_ms).unwrap();
        let (kept, described) = (exemplars(), mine.metadata("requests_total").unwrap());
        assert!(!kept.as_array().unwrap().is_empty() && described["requests_total"].is_array());
        let undone = block_on(undo(ports(), &plan, WINDOW, &words)).unwrap();
        assert_eq!((undone.tenant.as_str(), undone.matched_series, undone.tombstones), ("mine", 4, 4));
        assert_eq!(undone.rows_left, 0);
        // Native histograms go with the samples; exemplars and metadata stay, as the warnings say.
        assert_eq!((exemplars(), mine.metadata("requests_total").unwrap()), (kept, described));
        let report = cutover(&plan, Given::default());
        assert_eq!(report.raw_verify.status, Status::Fail);
        assert_eq!(item(&report, "freshness").level, Level::Fail, "{:?}", item(&report, "freshness"));
    });
}

#[test]
fn without_the_admin_api_undo_says_which_flag() {
    on(&TsinkOptions::default(), |servers| {
        let plan = servers.plan(&[]);
        let words = servers.checked(&plan, |_| {}).undo.unwrap().confirmation;
        let error = block_on(undo(ports(), &plan, WINDOW, &words)).unwrap_err();
        assert_eq!((error.kind, error.status), (ErrorKind::NotFound, Some(404)));
        assert!(error.remedy.contains("--enable-admin-api"), "{}", error.remedy);
        assert_eq!(cutover(&plan, Given::default()).raw_verify.status, Status::Pass);
    });
}
