//! A correct copy in a tenant of a real tsink, and beside it one tenant for each way to damage it: the built command
//! finds exactly that, and nothing else.

#[path = "../../mutations/cases.rs"]
#[allow(dead_code)]
mod cases;

use cases::{Case, Data, EXEMPLARS, METRICS, SELECTOR, WINDOW, cases, copy};
use conformance::command::ours_small;
use conformance::plans::{PlanFile, plan};
use conformance::world::on_sound;
use serde_json::{Value, json};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use tsink_migrate_engine::model::Labels;
use tsink_migrate_testkit::client::Endpoint;
use tsink_migrate_testkit::servers::{Tsink, TsinkOptions};
use tsink_migrate_testkit::wire::{Exemplar, Label, MetricMetadata, Sample, TimeSeries, WriteRequest};

/// Servers at once, each with its own cases.
const AT_ONCE: usize = 2;
/// Cases for a server; when it closes its storage by itself, no more than these are run again.
const CASES: usize = 11;

fn wire_labels(labels: &Labels) -> Vec<Label> {
    labels.iter().map(|(name, value)| Label { name: name.into(), value: value.into() }).collect()
}

/// Writes what a side holds into a tenant.
fn write(server: &Endpoint, data: &Data) {
    let timeseries = data.series.iter().map(|series| {
        let mut samples: Vec<Sample> = series
            .samples
            .iter()
            .map(|sample| Sample { value: sample.value, timestamp: sample.timestamp })
            .collect();
        samples.sort_by_key(|sample| sample.timestamp);
        let mut histograms = series.histograms.clone();
        histograms.sort_by_key(|histogram| histogram.timestamp);
        let exemplars = series.exemplars.iter().map(|exemplar| Exemplar {
            labels: wire_labels(&exemplar.labels),
            value: exemplar.value,
            timestamp: exemplar.timestamp,
        });
        TimeSeries {
            labels: wire_labels(&series.labels),
            samples,
            exemplars: exemplars.collect(),
            histograms,
        }
    });
    let metadata = data.metadata.iter().map(|entry| MetricMetadata {
        r#type: entry.metric_type as i32,
        metric_family_name: entry.metric.clone(),
        help: entry.help.clone(),
        unit: entry.unit.clone(),
    });
    let request = WriteRequest { timeseries: timeseries.collect(), metadata: metadata.collect() };
    server.remote_write(&request).expect("an answer").ok().expect("a write");
}

fn plan_into(tsink: &Tsink, tenant: &str) -> PlanFile {
    let mut plan = plan(&tsink.url(), &tsink.url(), &[SELECTOR]);
    plan["source"]["headers"] = json!({ "X-Tsink-Tenant": "source" });
    plan["target"]["tenant"] = tenant.into();
    plan["compare"] = json!({ "max_absolute_value_delta": 0, "max_relative_value_delta": 0 });
    plan["metadata_metrics"] = json!(METRICS);
    plan["exemplar_checks"] = json!([{ "query": EXEMPLARS }]);
    PlanFile::new(&plan)
}

/// Everything that a report lists, as `(kind, series, count, first, field, shift)`.
fn listed(report: &Value) -> Vec<Value> {
    let mut all: Vec<Value> = ["raw_checks", "exemplar_checks", "metadata_checks"]
        .iter()
        .flat_map(|checks| report[checks].as_array().expect("a list"))
        .flat_map(|check| check["findings"].as_array().expect("a list"))
        .cloned()
        .collect();
    all.sort_by_key(|finding| finding["kind"].as_str().map(str::to_owned));
    all
}

fn told(finding: &Value) -> Value {
    json!([
        finding["kind"],
        finding["series"],
        finding["count"],
        finding["first_ms"],
        finding["field"],
        finding["shift_ms"]
    ])
}

/// What is wrong with what the command says of a case; none when it is right.
fn judge(tsink: &Tsink, tenant: &str, case: &Case) -> Option<String> {
    let mut target = copy();
    (case.damage)(&mut target);
    write(&tsink.endpoint(tenant), &target);
    let run = ours_small("verify", &plan_into(tsink, tenant), (WINDOW.start_ms, WINDOW.end_ms), &[]);
    if !run.has_report() {
        return Some(format!("{}: no report: {:?}", case.name, run.outcome));
    }
    let report = run.report();
    let found = listed(&report);
    let mut expected: Vec<Value> = case
        .expected
        .iter()
        .map(|one| json!([one.kind, one.series, one.count, one.first_ms, one.field, one.shift_ms]))
        .collect();
    expected.sort_by_key(|one| one[0].as_str().map(str::to_owned));
    let got: Vec<Value> = found.iter().map(told).collect();
    let code = i32::from(!expected.is_empty());
    if got != expected || run.outcome.code != code {
        return Some(format!(
            "{}: expected {code} {expected:?}\n  got {} {got:?}\n  {}",
            case.name, run.outcome.code, report["issues"]
        ));
    }
    let unsaid = case.expected.iter().find(|one| {
        let kind = json!(one.kind);
        !found.iter().any(|finding| {
            finding["kind"] == kind
                && finding["cause"].as_str().is_some_and(|cause| cause.contains(one.cause))
        })
    });
    unsaid.map(|one| format!("{}: no cause says {:?}: {found:?}", case.name, one.cause))
}

#[test]
fn every_damage_is_found_in_a_real_server() {
    let start = || {
        // In memory, because on disk it drops equal copies sooner or later.
        let tsink = Tsink::start(TsinkOptions { in_memory: true, ..TsinkOptions::default() }).expect("tsink");
        write(&tsink.endpoint("source"), &copy());
        tsink
    };
    let live: Vec<Case> = cases().into_iter().filter(|case| case.live).collect();
    assert!(live.len() >= 40, "{}", live.len());
    let parts: Vec<&[Case]> = live.chunks(CASES).collect();
    let (next, wrong) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(part) = parts.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let judged = on_sound(
                        start,
                        |tsink| tsink,
                        |tsink| {
                            let tenants =
                                part.iter().enumerate().map(|(at, case)| (format!("case-{at}"), case));
                            tenants
                                .filter_map(|(tenant, case)| judge(tsink, &tenant, case))
                                .collect::<Vec<_>>()
                        },
                    );
                    wrong.lock().unwrap().extend(judged);
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{} of {} cases:\n{}", wrong.len(), live.len(), wrong.join("\n"));
}
