//! Recordings by the built command into a real tsink: every case of `tests/captures` reads back as the live server
//! made it, and the native tool agrees where it can read the recording at all.

use conformance::captures::Protocol;
use conformance::captures::case::{Case, Payload};
use conformance::command::{Run, ours_small, theirs};
use conformance::plans::PlanFile;
use conformance::recordings::{
    EVER, EVERYTHING, FORMS, NATIVE_FORMS, differences, files, in_tenant, is_whole, keeps_everything,
    manifest, manifest_file, on_tsink, plan, refusals, selectors,
};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use tsink_migrate_testkit::otlp_json::{Numbering, request};
use tsink_migrate_testkit::servers::Tsink;

/// One case on its way, and everything in which it went wrong.
struct Trial<'a> {
    tsink: &'a Tsink,
    case: Case,
    tenant: String,
    file: PlanFile,
    faults: Vec<String>,
}

impl<'a> Trial<'a> {
    fn new(tsink: &'a Tsink, protocol: Protocol, name: &str, case: &Case, turn: usize) -> Self {
        let tenant = format!("{}-{name}", protocol.folder());
        let case = if protocol == Protocol::Otlp { in_tenant(case.clone(), &tenant) } else { case.clone() };
        // Every metric by itself, or all together.
        let by_metric = selectors(std::iter::once(&case));
        let chosen: Vec<&str> = if turn.is_multiple_of(2) || by_metric.is_empty() {
            vec![EVERYTHING]
        } else {
            by_metric.iter().map(String::as_str).collect()
        };
        let mut plan = plan(protocol, &tsink.url(), &tenant, &chosen);
        // Metadata of selected series needs no naming; that of metrics without data points does.
        let bare = case.metadata.iter().filter(|_| case.series.is_empty());
        plan["metadata_metrics"] = bare.map(|one| one.metric.as_str()).collect();
        let file = files(&plan, &[]);
        let entries = manifest(&file, protocol, &case, &FORMS, turn, |payload| payload.bytes());
        manifest_file(&file, &entries);
        Self { tsink, case, tenant, file, faults: Vec::new() }
    }

    fn expect<T: PartialEq + std::fmt::Debug>(&mut self, what: &str, ours: T, wanted: T) {
        if ours != wanted {
            self.faults.push(format!("{what}: {ours:?}, not {wanted:?}"));
        }
    }

    fn passes(&mut self, run: &Run) -> bool {
        let passed = run.outcome.code == 0;
        if !passed {
            self.faults.push(run.everything());
        }
        passed
    }

    /// What every run reports of the recording, whether it passes or not.
    fn recording(&mut self, report: &Value) {
        let found = &report["preflight"]["recording"];
        let refused: BTreeMap<String, u64> = found["refusals"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|group| (text(&group["kind"]), number(&group["count"])))
            .collect();
        let flags: Vec<String> =
            found["flags"].as_array().into_iter().flatten().map(|flag| text(&flag["flag"])).collect();
        let whole = self.case.refused.iter().filter(|refused| is_whole(refused)).count() as u64;
        let wanted = if whole > 0 { BTreeMap::new() } else { refusals(&self.case) };
        self.expect("entries", number(&found["entries"]), self.case.payloads.len() as u64);
        self.expect("bad entries", number(&found["bad_entries"]), whole);
        self.expect("refused", number(&found["refused"]), wanted.values().sum());
        self.expect("refusals", refused, wanted);
        self.expect("flags", flags, self.case.flags.iter().cloned().collect());
        self.expect("series", number(&found["series"]), self.case.series.len() as u64);
        self.expect("not selected", number(&found["not_selected"]), 0);
        self.expect("outside", number(&found["outside_window"]), 0);
        let times = self.case.series.iter().flat_map(|series| series.samples.iter().map(|(at, _)| *at));
        let (first, last) = (times.clone().min(), times.max());
        self.expect("span", (found["first_ms"].as_i64(), found["last_ms"].as_i64()), (first, last));
        self.expect("closes", report["balance"]["closes"].clone(), true.into());
    }

    /// Every sample of the recording is written once.
    fn balance(&mut self, report: &Value) {
        let samples = self.case.series.iter().map(|series| series.samples.len() as u64).sum::<u64>();
        let exemplars = self.case.exemplars.iter().map(|series| series.exemplars.len() as u64).sum::<u64>();
        let read = number(&report["preflight"]["recording"]["samples"]);
        let line = &report["balance"]["samples"];
        self.expect("read", number(&line["read"]), read);
        self.expect("written", number(&line["written"]), samples);
        self.expect("deduplicated", number(&line["deduplicated"]), read - samples);
        for (line, count) in [("exemplars", exemplars), ("metadata", self.case.metadata.len() as u64)] {
            let line = &report["balance"][line];
            self.expect(
                "read and written",
                (number(&line["read"]), number(&line["written"])),
                (count, count),
            );
        }
    }

    fn reads_back(&mut self) {
        self.faults.extend(differences(self.tsink, &self.tenant, &self.case));
    }

    /// Payloads that are refused whole end the run before anything is written, unless the operator says otherwise.
    fn refused_whole(&mut self) {
        let run = ours_small("backfill", &self.file, EVER, &[]);
        self.expect("exit code", run.outcome.code, 1);
        if !run.has_report() {
            return self.faults.push(run.everything());
        }
        self.recording(&run.report());
        let bad = &run.report()["preflight"]["recording"]["bad"][0];
        self.expect("bad entry", bad["entry"].as_u64(), Some(0));
        let words = text(&bad["problem"]);
        let told = run.everything();
        let named =
            [words.as_str(), "entry 0 on line", "options.strict"].iter().all(|word| told.contains(word));
        if words.is_empty() || !named {
            self.faults.push(told);
        }
        self.reads_back();
    }

    fn migrates(&mut self) {
        let run = ours_small("backfill", &self.file, EVER, &[]);
        if self.passes(&run) {
            let report = run.report();
            self.recording(&report);
            self.balance(&report);
        }
        self.reads_back();
        let verify = ours_small("verify", &self.file, EVER, &[]);
        self.passes(&verify);
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or(u64::MAX)
}

/// Migrates a case and says everything in which it went wrong.
fn faults(tsink: &Tsink, protocol: Protocol, name: &str, case: &Case, turn: usize) -> Vec<String> {
    let mut trial = Trial::new(tsink, protocol, name, case, turn);
    if trial.case.refused.iter().any(is_whole) {
        trial.refused_whole();
    } else {
        trial.migrates();
    }
    trial.faults
}

/// Migrates all cases of a protocol.
fn migrate(protocol: Protocol) {
    let only = std::env::var("TSINK_CAPTURE").unwrap_or_default();
    let mut told = Vec::new();
    let mut tsink = keeps_everything();
    for (turn, (name, case)) in protocol.cases().into_iter().enumerate() {
        if !name.contains(&only) {
            continue;
        }
        let once = |tsink: &Tsink| {
            catch_unwind(AssertUnwindSafe(|| faults(tsink, protocol, &name, &case, turn)))
                .unwrap_or_else(|_| vec!["panicked, see above".to_owned()])
        };
        let mut faults = once(&tsink);
        // Once more where tsink closed its storage by itself.
        if !faults.is_empty() && !tsink.is_open() {
            println!("{name}: with another tsink-server; of the one before: {}", tsink.log());
            tsink = keeps_everything();
            faults = once(&tsink);
        }
        told.extend(faults.iter().map(|fault| format!("{}/{name}: {fault}", protocol.folder())));
    }
    assert!(told.is_empty(), "{} faults:\n{}", told.len(), told.join("\n"));
}

#[test]
fn influx_cases_arrive_as_the_server_makes_them() {
    migrate(Protocol::Influx);
}

#[test]
fn statsd_cases_arrive_as_the_server_makes_them() {
    migrate(Protocol::Statsd);
}

#[test]
fn graphite_cases_arrive_as_the_server_makes_them() {
    migrate(Protocol::Graphite);
}

#[test]
fn otlp_cases_arrive_as_the_server_makes_them() {
    migrate(Protocol::Otlp);
}

/// A case that the native tool reads, and of which it calls a migration wrong.
struct Odd {
    protocol: Protocol,
    case: &'static str,
    /// What it says.
    words: &'static str,
    /// Whether it says so of its own migration, too.
    of_its_own: bool,
    /// Whether what it writes is what tsink makes of the payloads live.
    writes_right: bool,
}

const ODD: [Odd; 4] = [
    // A label with an empty value is absent in Prometheus, and we leave it out. tsink keeps it, live and by remote
    // write, and so does the native tool.
    Odd {
        protocol: Protocol::Otlp,
        case: "attribute-values",
        words: "missing series {__name__=\"m\"",
        of_its_own: false,
        writes_right: true,
    },
    Odd {
        protocol: Protocol::Statsd,
        case: "sets",
        words: "missing series {__name__=\"u\",statsd_set_member=\"\"}",
        of_its_own: false,
        writes_right: true,
    },
    // It looks for samples of the series that has a histogram's exemplars, and there are none.
    Odd {
        protocol: Protocol::Otlp,
        case: "exemplars",
        words: "missing series {__name__=\"h\"",
        of_its_own: true,
        writes_right: true,
    },
    // Live, the last payload's metadata stays. It writes both entries in another order, and looks for both.
    Odd {
        protocol: Protocol::Otlp,
        case: "metadata-over-payloads",
        words: "metadata mismatch for m (source entries 2, target entries 1)",
        of_its_own: true,
        writes_right: false,
    },
];

/// Cases that the native tool should read: it breaks down on the first line that tsink refuses, and on payloads
/// beyond the server's limits.
fn is_readable(case: &Case) -> bool {
    case.refused.is_empty() && !case.flags.iter().any(|flag| flag.starts_with("payload_"))
}

/// Metric names of a case.
fn metrics(case: &Case) -> BTreeSet<String> {
    let of_series = case.series.iter().filter_map(|series| series.labels.get("__name__")).cloned();
    of_series.chain(case.metadata.iter().map(|one| one.metric.clone())).collect()
}

/// Several cases that share no metric, so that they may share a recording.
#[derive(Default)]
struct Group {
    names: Vec<String>,
    cases: Vec<Case>,
    metrics: BTreeSet<String>,
}

fn groups(protocol: Protocol) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for (name, case) in protocol.cases().into_iter().filter(|(_, case)| is_readable(case)) {
        if ODD.iter().any(|odd| (odd.protocol, odd.case) == (protocol, name.as_str())) {
            continue;
        }
        let own = metrics(&case);
        let at = groups.iter().position(|group| group.metrics.is_disjoint(&own)).unwrap_or(groups.len());
        if at == groups.len() {
            groups.push(Group::default());
        }
        groups[at].metrics.extend(own);
        groups[at].names.push(name);
        groups[at].cases.push(case);
    }
    groups
}

/// The native tool's decoder has numbers of its own.
fn in_its_numbering(payload: &Payload) -> Vec<u8> {
    match payload {
        Payload::Bytes { otlp: Some(json), .. } => request(json, Numbering::Tsink).unwrap(),
        other => other.bytes(),
    }
}

impl Group {
    /// The group's recording into a tenant, in the standard's numbering and in the native tool's.
    fn recordings(&self, tsink: &Tsink, protocol: Protocol, tenant: &str) -> [PlanFile; 2] {
        let selectors = selectors(self.cases.iter());
        let selectors: Vec<&str> = selectors.iter().map(String::as_str).collect();
        let mut plan = plan(protocol, &tsink.url(), tenant, &selectors);
        plan["metadata_metrics"] = json!(self.metrics);
        [Payload::bytes, in_its_numbering].map(|bytes: fn(&Payload) -> Vec<u8>| {
            let file = files(&plan, &[]);
            let of_case = |(turn, case)| manifest(&file, protocol, case, &NATIVE_FORMS, turn, bytes);
            let entries: Vec<Value> = self.cases.iter().enumerate().flat_map(of_case).collect();
            manifest_file(&file, &entries);
            file
        })
    }
}

/// Both tools, each on what the other has written.
fn agree(protocol: Protocol, least: usize) {
    let groups = groups(protocol);
    let count: usize = groups.iter().map(|group| group.cases.len()).sum();
    assert!(count >= least, "{count} cases");
    for group in &groups {
        on_tsink(|tsink| {
            let [own, native] = group.recordings(tsink, protocol, "ours");
            ours_small("backfill", &own, EVER, &[]).expect_code(0);
            let verify = theirs("verify", &native, EVER);
            assert_eq!(verify.outcome.code, 0, "{:?}\n{}", group.names, verify.everything());

            let [own, native] = group.recordings(tsink, protocol, "theirs");
            let backfill = theirs("backfill", &native, EVER);
            assert_eq!(backfill.outcome.code, 0, "{:?}\n{}", group.names, backfill.everything());
            ours_small("verify", &own, EVER, &[]).expect_code(0);
        });
    }
}

#[test]
fn the_native_tool_agrees_on_influx() {
    agree(Protocol::Influx, 15);
}

#[test]
fn the_native_tool_agrees_on_statsd() {
    agree(Protocol::Statsd, 10);
}

#[test]
fn the_native_tool_agrees_on_graphite() {
    agree(Protocol::Graphite, 5);
}

#[test]
fn the_native_tool_agrees_on_otlp_in_its_own_numbering() {
    agree(Protocol::Otlp, 10);
}

#[test]
fn where_the_native_tool_disagrees() {
    for Odd { protocol, case: name, words, of_its_own, writes_right } in ODD {
        let (_, case) = protocol.cases().into_iter().find(|(own, _)| own == name).expect("a case");
        let group = Group { names: vec![name.to_owned()], metrics: metrics(&case), cases: vec![case] };
        on_tsink(|tsink| {
            let complains = |file: &PlanFile, wanted: bool| {
                let verify = theirs("verify", file, EVER);
                let issues = verify.report()["issues"].clone();
                let mut issues = issues.as_array().unwrap().iter().filter_map(Value::as_str);
                let complains = verify.outcome.code == 1 && issues.any(|issue| issue.starts_with(words));
                assert_eq!(complains, wanted, "{name}: {}", verify.everything());
                assert!(complains || verify.outcome.code == 0, "{name}: {}", verify.everything());
            };
            let [own, native] = group.recordings(tsink, protocol, "theirs");
            assert_eq!(theirs("backfill", &native, EVER).outcome.code, 0, "{name}");
            complains(&native, of_its_own);
            ours_small("verify", &own, EVER, &[]).expect_code(i32::from(!writes_right));
            let [own, native] = group.recordings(tsink, protocol, "ours");
            ours_small("backfill", &own, EVER, &[]).expect_code(0);
            complains(&native, true);
        });
    }
}
