//! VictoriaMetrics as the source: the built command from a real VictoriaMetrics into a real tsink, judged by what was
//! loaded, by the test kit's own decoder, and by the native tool where that can read an export at all.

use conformance::command::{Run, Window, ours, ours_small, theirs};
use conformance::plan_for;
use conformance::plans::PlanFile;
use conformance::world::on_sound;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use tsink_migrate_engine::gateway::{GatewayInput, Kind, recipes};
use tsink_migrate_engine::plan::SourceKind;
use tsink_migrate_testkit::client::Endpoint;
use tsink_migrate_testkit::history::STALE_NAN;
use tsink_migrate_testkit::plans::victoria_plan;
use tsink_migrate_testkit::process::free_port;
use tsink_migrate_testkit::servers::{
    Caddy, Nginx, Tsink, TsinkOptions, VictoriaMetrics, VictoriaMetricsOptions,
};
use tsink_migrate_testkit::wire::{MatcherType, Sample, TimeSeries, WriteRequest};

const START: i64 = 1_763_510_400_000;
const END: i64 = START + 3_600_000;
const ALL: Window = (START, END);
/// Everything that is loaded, each series once.
const SELECTORS: [&str; 5] = [
    "{__name__=~\"room_celsius|jobs_total\"}",
    "special_values",
    "odd_labels{text!=\"\"}",
    "long_series",
    "edges",
];
/// What an export writes as plain JSON, a line a series.
const PLAIN: [&str; 2] = ["room_celsius", "jobs_total"];

struct Servers {
    victoria: VictoriaMetrics,
    tsink: Tsink,
}

fn start() -> Servers {
    let victoria = VictoriaMetrics::start(VictoriaMetricsOptions::default()).expect("VictoriaMetrics");
    victoria.write(history()).expect("history in VictoriaMetrics");
    Servers { victoria, tsink: Tsink::start(TsinkOptions::default()).expect("tsink") }
}

fn on_servers(test: impl Fn(&Servers)) {
    on_sound(start, |servers| &servers.tsink, test);
}

fn series(name: &str, labels: &[(&str, &str)], samples: impl IntoIterator<Item = (i64, f64)>) -> TimeSeries {
    let mut series = TimeSeries::new(name, labels);
    series.samples = samples.into_iter().map(|(timestamp, value)| Sample { value, timestamp }).collect();
    series
}

/// Values that VictoriaMetrics holds exactly, but for ordinary NaNs, which it drops.
fn history() -> Vec<TimeSeries> {
    let every = |step: i64| (0..=(END - START) / step).map(move |at| (START + at * step, at));
    let mut all = Vec::new();
    for room in ["cellar", "attic"] {
        let offset = room.len() as f64;
        all.push(series(
            "room_celsius",
            &[("room", room)],
            every(15_000).map(|(at, n)| (at, offset + (n % 97) as f64 / 4.0)),
        ));
    }
    for worker in ["a", "b", "c"] {
        all.push(series(
            "jobs_total",
            &[("worker", worker)],
            every(15_000).map(|(at, n)| (at, (n * 7) as f64)),
        ));
    }
    let special = |bits: [u64; 6]| {
        bits.into_iter().zip(0..).map(|(bits, n)| (START + 137 + n * 1000, f64::from_bits(bits)))
    };
    let (stale, nan) = (STALE_NAN, 0x7ff8_0000_0000_0001);
    let [half, inf, minus_inf] = [0.5, f64::INFINITY, f64::NEG_INFINITY].map(f64::to_bits);
    all.push(series(
        "special_values",
        &[("first", "number")],
        special([half, stale, nan, inf, minus_inf, half]),
    ));
    all.push(series(
        "special_values",
        &[("first", "marker")],
        special([stale, half, stale, minus_inf, inf, stale]),
    ));
    all.push(series(
        "special_values",
        &[("first", "infinity")],
        special([inf, half, nan, nan, minus_inf, half]),
    ));
    all.push(series("special_values", &[("first", "only_markers")], special([stale; 6])));
    for text in ["Grüße 😀", "a\"b\\c\nd\te", "<b>&amp;\u{2028}\u{1}", "]}{[,\":"] {
        all.push(series(
            "odd_labels",
            &[("text", text), ("size", "1")],
            [(START + 1, 1.0), (START + 2, 2.0)],
        ));
    }
    // More rows than a line has: 25,001 in three lines.
    all.push(series(
        "long_series",
        &[("job", "long")],
        (0..=25_000).map(|n| (START + n * 100, (n * n % 9973) as f64)),
    ));
    // On both ends of the window and right beside them; none of the times is a whole second but two.
    all.push(series("edges", &[], [START - 1, START, START + 1, END - 1, END, END + 1].map(|at| (at, 3.0))));
    all
}

type Rows = BTreeMap<Vec<(String, String)>, Vec<(i64, u64)>>;

fn rows(all: &[TimeSeries], window: Window) -> Rows {
    let ordinary_nan = |sample: &&Sample| !sample.value.is_nan() || sample.value.to_bits() == STALE_NAN;
    // Protobuf encoders leave out what equals 0, so the sign of zero does not cross the wire.
    let bits = |value: f64| if value == 0.0 { 0 } else { value.to_bits() };
    all.iter()
        .map(|series| {
            let labels =
                series.labels.iter().map(|label| (label.name.clone(), label.value.clone())).collect();
            let clipped = series.clip(window.0, window.1);
            let rows =
                clipped.samples.iter().filter(ordinary_nan).map(|s| (s.timestamp, bits(s.value))).collect();
            (labels, rows)
        })
        .filter(|(_, rows): &(_, Vec<_>)| !rows.is_empty())
        .collect()
}

fn held(tsink: &Endpoint) -> Rows {
    let read = tsink.remote_read(&[("__name__", MatcherType::Re, ".+")], START - 10_000, END + 10_000);
    rows(&read.expect("a remote read"), (i64::MIN, i64::MAX))
}

fn plan(servers: &Servers, prefix: &str, tenant: &str, selectors: &[&str]) -> Value {
    victoria_plan(&format!("{}{prefix}", servers.victoria.url()), &servers.tsink.url(), tenant, selectors)
}

fn count(rows: &Rows) -> usize {
    rows.values().map(Vec::len).sum()
}

fn endpoint<'a>(report: &'a Value, name: &str) -> &'a Value {
    let rows = report["endpoints"].as_array().expect("endpoints");
    rows.iter()
        .find(|row| row["side"] == "source" && row["name"] == name)
        .unwrap_or_else(|| panic!("{name} in {report:#}"))
}

fn codes(report: &Value) -> Vec<&str> {
    report["notes"].as_array().expect("notes").iter().filter_map(|note| note["code"].as_str()).collect()
}

#[test]
fn everything_arrives_bit_for_bit_by_either_path() {
    on_servers(|servers| {
        for (prefix, tenant) in [("", "plain"), ("/prometheus", "prefixed")] {
            let mut plan = plan(servers, prefix, tenant, &SELECTORS);
            plan["metadata_metrics"] = json!(["jobs_total"]);
            plan["compare"] = json!({ "max_absolute_value_delta": 0, "max_relative_value_delta": 0 });
            plan["promql_checks"] = json!([
                { "query": "room_celsius", "step": "60s" },
                { "query": "sum by (worker) (jobs_total)", "step": "5m" },
            ]);
            let plan = PlanFile::new(&plan);
            let expected = rows(&history(), ALL);
            let report = ours("backfill", &plan, ALL, &[]).expect_code(0).report();
            assert_eq!(report["source_kind"], "victoriametrics");
            assert_eq!(report["samples_written"], count(&expected));
            assert_eq!(report["balance"]["samples"]["read"], count(&expected));
            assert_eq!(report["balance"]["closes"], true);
            let preflight = &report["preflight"];
            assert_eq!(endpoint(preflight, "export_url")["level"], "ok");
            assert_eq!(endpoint(preflight, "query_range_url")["level"], "ok");
            assert!(preflight["source_version"].as_str().unwrap().starts_with("VictoriaMetrics"));
            let codes = codes(preflight);
            for code in ["source_limits", "source_metadata_empty", "exemplars_skipped"] {
                assert!(codes.contains(&code), "{code} in {codes:?}");
            }
            assert_eq!(held(&servers.tsink.endpoint(tenant)), expected);

            let again = ours("backfill", &plan, ALL, &[]).expect_code(0).report();
            assert_eq!(again["samples_written"], 0);
            let verify = ours("verify", &plan, ALL, &[]).expect_code(0).report();
            let source: u64 = verify["raw_checks"]
                .as_array()
                .unwrap()
                .iter()
                .map(|check| check["source_rows"].as_u64().unwrap())
                .sum();
            assert_eq!(source as usize, count(&expected));
            let cutover = ours("cutover-check", &plan, ALL, &[]).expect_code(0).report();
            assert_eq!(cutover["promql_checks"].as_array().unwrap().len(), 2);
            assert_eq!(cutover["promql_checks"][0]["source_series"], 2);
        }
    });
}

#[test]
fn the_native_tool_verifies_what_it_can_read() {
    on_servers(|servers| {
        let file = PlanFile::new(&plan(servers, "", "native", &PLAIN));
        ours("backfill", &file, ALL, &[]).expect_code(0);
        let native = theirs("verify", &file, ALL);
        assert_eq!(native.outcome.code, 0, "{:#?}", native.outcome);
        let own = ours("verify", &file, ALL, &[]).expect_code(0);
        // The native tool counts the exemplar checks that it skips.
        let lines = |text: &str| -> Vec<String> {
            text.lines().filter(|line| !line.contains("exemplar_checks")).map(str::to_owned).collect()
        };
        assert_eq!(lines(&own.outcome.stdout), lines(&native.outcome.stdout));
        // The bare +Inf of 1.79.5 is no JSON: there the native tool gives up, and this one does not.
        let special = PlanFile::new(&plan(servers, "", "native", &["special_values"]));
        ours("backfill", &special, ALL, &[]).expect_code(0);
        assert_ne!(theirs("verify", &special, ALL).outcome.code, 0);
        ours("verify", &special, ALL, &[]).expect_code(0);
    });
}

#[test]
fn what_differs_is_found() {
    on_servers(|servers| {
        let file = PlanFile::new(&plan(servers, "", "damaged", &["jobs_total"]));
        ours("backfill", &file, ALL, &[]).expect_code(0);
        let extra = series("jobs_total", &[("worker", "a")], [(START + 60_001, 5.0)]);
        let request = WriteRequest { timeseries: vec![extra], metadata: Vec::new() };
        servers.tsink.endpoint("damaged").remote_write(&request).unwrap().ok().unwrap();
        let report = ours("verify", &file, ALL, &[]).expect_code(1).report();
        assert_eq!(
            report["raw_checks"][0]["target_rows"],
            report["raw_checks"][0]["source_rows"].as_u64().unwrap() + 1
        );
    });
}

/// VictoriaMetrics stores decimal numbers: what it exports is migrated, and that is not always what it was sent.
#[test]
fn what_is_exported_is_the_truth() {
    on_servers(|servers| {
        let at = |n: i64| START + n * 1000;
        let sent = vec![
            series("pi", &[], [(at(1), std::f64::consts::PI)]),
            series("huge_beside_small", &[], [(at(1), 1.5), (at(2), 1e300)]),
            series("twice", &[], [(at(1), 4.0), (at(2), 5.0)]),
        ];
        servers.victoria.write(sent).unwrap();
        // The same samples once more: it keeps both copies.
        servers.victoria.write(vec![series("twice", &[], [(at(1), 4.0), (at(2), 5.0)])]).unwrap();
        let file = PlanFile::new(&plan(servers, "", "truth", &["pi", "huge_beside_small", "twice"]));
        let report = ours("backfill", &file, ALL, &[]).expect_code(0).report();
        assert_eq!(report["samples_written"], 5);
        assert_eq!(report["balance"]["samples"]["deduplicated"], 2);
        ours("verify", &file, ALL, &[]).expect_code(0);
        let held = held(&servers.tsink.endpoint("truth"));
        let of = |name: &str| held[&vec![("__name__".to_owned(), name.to_owned())]].clone();
        assert_eq!(of("pi"), [(at(1), "3.141592653589".parse::<f64>().unwrap().to_bits())]);
        assert_eq!(of("huge_beside_small"), [(at(1), 0), (at(2), 1e300f64.to_bits())]);
        assert_eq!(of("twice"), [(at(1), 4.0f64.to_bits()), (at(2), 5.0f64.to_bits())]);
    });
}

/// VictoriaMetrics takes any name, and finds it; tsink 0.10.2 refuses it.
#[test]
fn odd_names_are_found_and_the_targets_refusal_is_told() {
    on_servers(|servers| {
        let odd = series("odd_names", &[("größe", "1"), ("a.b-c", "x")], [(START, 1.0)]);
        let plain = series("odd_names", &[("size", "1")], [(START, 2.0)]);
        servers.victoria.write(vec![odd, plain]).unwrap();
        let run = |tenant: &str, selector: &str| {
            ours_small("backfill", &PlanFile::new(&plan(servers, "", tenant, &[selector])), ALL, &[])
        };
        for selector in [r#"{"odd_names", "größe"="1"}"#, r#"{"a.b-c"=~"x|y"}"#] {
            let refused = run("odd", selector).expect_code(1);
            assert_eq!(refused.report()["balance"]["samples"]["read"], 1, "{selector}");
            assert!(refused.everything().contains("label name syntax"), "{selector}");
        }
        // The refused series does not take the other one with it.
        let both = run("both", "odd_names").expect_code(1).report();
        assert_eq!((&both["samples_written"], &both["balance"]["samples"]["read"]), (&json!(1), &json!(2)));
    });
}

#[test]
fn an_empty_window_is_no_failure() {
    on_servers(|servers| {
        let file = PlanFile::new(&plan(servers, "/prometheus", "empty", &["room_celsius", "no_such_metric"]));
        let long_before: Window = (START - 86_400_000, START - 43_200_000);
        let report = ours_small("backfill", &file, long_before, &[]).expect_code(0).report();
        assert_eq!(
            (&report["samples_written"], &report["balance"]["samples"]["read"]),
            (&json!(0), &json!(0))
        );
        assert!(codes(&report["preflight"]).contains(&"nothing_found"));
        ours_small("verify", &file, long_before, &[]).expect_code(0);
    });
}

#[test]
fn what_the_server_refuses_is_told_in_its_words() {
    let flags = vec!["-search.maxExportSeries=1".to_owned()];
    let victoria = VictoriaMetrics::start(VictoriaMetricsOptions { flags, ..Default::default() }).unwrap();
    victoria.write(history()).unwrap();
    let tsink = Tsink::start(TsinkOptions::default()).unwrap();
    let run = |selectors: &[&str]| -> Run {
        let file = PlanFile::new(&victoria_plan(&victoria.url(), &tsink.url(), "limited", selectors));
        ours_small("backfill", &file, ALL, &[])
    };
    let refused = run(&["jobs_total"]).expect_code(1);
    let said = refused.everything();
    assert!(said.contains("more series than the server gives at once"), "{said}");
    assert!(said.contains("the number of matching timeseries exceeds 1"), "{said}");
    assert!(said.contains("-search.maxExportSeries"), "{said}");
    assert!(held(&tsink.endpoint("limited")).is_empty());
    run(&["jobs_total{worker=\"a\"}"]).expect_code(0);
}

/// Samples in one request, of both series together: fewer than there are, more than a half of the window has.
#[test]
fn what_is_too_large_is_read_in_parts() {
    let flags = vec!["-search.maxSamplesPerQuery=20000".to_owned()];
    let victoria = VictoriaMetrics::start(VictoriaMetricsOptions { flags, ..Default::default() }).unwrap();
    victoria.write(history()).unwrap();
    on_sound(
        || Tsink::start(TsinkOptions::default()).unwrap(),
        |tsink| tsink,
        |tsink| {
            let mut plan = victoria_plan(&victoria.url(), &tsink.url(), "parts", &["long_series"]);
            plan["options"] = json!({ "slab_samples": 50_000_000 });
            let file = PlanFile::new(&plan);
            ours("backfill", &file, ALL, &[]).expect_code(0);
            ours("verify", &file, ALL, &[]).expect_code(0);
            let mut expected = rows(&history(), ALL);
            expected.retain(|labels, _| labels.contains(&("__name__".to_owned(), "long_series".to_owned())));
            assert_eq!(held(&tsink.endpoint("parts")), expected);
        },
    );
}

#[test]
fn gateways_let_the_export_through_and_nothing_else() {
    let servers = start();
    let mut plan = plan_for("http://unused", &servers.tsink.url());
    let at = |path: &str| Some(format!("{}/prometheus/api/v1/{path}", servers.victoria.url()));
    plan.source.kind = SourceKind::VictoriaMetrics;
    plan.source.remote_read_url = String::new();
    plan.source.export_url = at("export");
    plan.source.query_range_url = at("query_range");
    (plan.source.metadata_url, plan.source.exemplar_url) = (None, None);
    let path = "/victoria/api/v1/export?match[]=long_series&max_rows_per_line=10000";
    let direct = servers.victoria.endpoint().get(&path.replace("/victoria", "")).unwrap().ok().unwrap();
    assert!(direct.body.len() > 400_000);
    for server in ["Caddy", "nginx"] {
        let port = free_port().unwrap();
        let input = GatewayInput::from_plan(&plan, "https://page.example/").unwrap().port(port);
        let all = recipes(&input);
        let recipe = all.iter().find(|recipe| recipe.kind == Kind::Cors && recipe.server == server).unwrap();
        let _running: (Option<Caddy>, Option<Nginx>) = match server {
            "Caddy" => (Some(Caddy::start(&recipe.text, port).unwrap()), None),
            _ => (None, Some(Nginx::start(&recipe.text, port).unwrap())),
        };
        let gateway = Endpoint::new(&format!("http://127.0.0.1:{port}"));
        let answer = gateway.send("GET", path, &[("Origin", "https://page.example")], b"").unwrap();
        assert_eq!(answer.status, 200, "{server}: {}", answer.text());
        assert_eq!(answer.header("access-control-allow-origin"), Some("https://page.example"), "{server}");
        assert_eq!(answer.body, direct.body, "{server}");
        assert!(gateway.get("/victoria/metrics").unwrap().text().contains("vm_app_version"), "{server}");
        for closed in [
            "/victoria/api/v1/import",
            "/victoria/api/v1/admin/tsdb/delete_series",
            "/victoria/internal/force_flush",
        ] {
            assert_eq!(gateway.get(closed).unwrap().status, 404, "{server} {closed}");
        }
    }
}
