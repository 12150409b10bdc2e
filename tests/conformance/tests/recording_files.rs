//! Recordings as files: where they may lie, what is wrong with them, how large they are, and a command that is
//! killed while it reads one.

use conformance::captures::Protocol;
use conformance::captures::case::{Case, Labels, Series, Value as Number};
use conformance::command::{Run, ours, ours_small, ours_started};
use conformance::plans::{PlanFile, redirect};
use conformance::recordings::{
    EVER, EVERYTHING, Form, differences, entry, files, manifest_file, on_tsink, plan,
};
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::symlink;
use std::time::{Duration, Instant};
use tsink_migrate_testkit::faults::{Fault, FaultProxy, Faults};
use tsink_migrate_testkit::servers::Tsink;

/// Arrival of every payload, Unix ms.
const AT: i64 = 1_700_000_000_000;

/// An InfluxDB plan for all series.
fn influx(tsink: &Tsink, tenant: &str) -> Value {
    plan(Protocol::Influx, &tsink.url(), tenant, &[EVERYTHING])
}

/// A gauge sample in ms, as a line.
fn line(name: &str, at: i64, value: u32) -> String {
    format!("{name} value={value} {}", at * 1_000_000)
}

fn body(text: &str) -> Value {
    json!({ "body": text, "received_at_ms": AT })
}

/// What a tenant should hold: a gauge by each name, with samples in order. A name may have a tag, as in Graphite.
fn holding(help: &str, series: &[(&str, Vec<(i64, u32)>)]) -> Case {
    let one = |(path, samples): &(&str, Vec<(i64, u32)>)| {
        let (name, tag) = path.split_once(';').unwrap_or((path, ""));
        let mut labels = Labels::from([("__name__".to_owned(), name.to_owned())]);
        labels.extend(tag.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned())));
        let samples = samples.iter().map(|(at, value)| (*at, Number::Number(f64::from(*value)))).collect();
        Series { labels, samples }
    };
    let metadata = |(path, _): &(&str, Vec<(i64, u32)>)| {
        let name = path.split_once(';').map_or(*path, |(name, _)| name);
        json!({ "metric": name, "type": "gauge", "help": help, "unit": "" })
    };
    Case {
        series: series.iter().map(one).collect(),
        ..serde_json::from_value(json!({
            "about": "", "source": "", "received_at_ms": AT, "payloads": [], "live": "accepted",
            "metadata": series.iter().map(metadata).collect::<Vec<_>>(),
        }))
        .unwrap()
    }
}

#[track_caller]
fn assert_holds(tsink: &Tsink, tenant: &str, series: &[(&str, Vec<(i64, u32)>)]) {
    assert_same(tsink, tenant, &holding("Influx line protocol field coerced to gauge samples", series));
}

#[track_caller]
fn assert_same(tsink: &Tsink, tenant: &str, case: &Case) {
    let differences = differences(tsink, tenant, case);
    assert!(differences.is_empty(), "{tenant}:\n{}", differences.join("\n"));
}

#[track_caller]
fn assert_says(run: &Run, words: &[&str]) {
    let everything = run.everything();
    for word in words {
        assert!(everything.contains(word), "no {word:?} in:\n{everything}");
    }
    assert!(!everything.contains("panicked") && !everything.contains("    at "), "{everything}");
}

#[test]
fn a_recording_lies_in_the_plans_folder_unless_allowed() {
    on_tsink(|tsink| {
        let elsewhere = tempfile::tempdir().unwrap();
        let outside = elsewhere.path().join("capture.json");
        fs::write(&outside, json!([body(&line("m", AT, 1))]).to_string()).unwrap();
        let name = elsewhere.path().file_name().unwrap().to_str().unwrap();
        let absolute = outside.to_str().unwrap();
        for (kind, path) in [
            ("absolute", absolute.to_owned()),
            ("relative", format!("../{name}/capture.json")),
            ("roundabout", format!("sub/../../{name}/capture.json")),
            ("link", "link.json".to_owned()),
            ("folder-link", "linked/capture.json".to_owned()),
        ] {
            let tenant = format!("outside-{kind}");
            let mut plan = influx(tsink, &tenant);
            plan["source"]["capture_manifest_path"] = path.as_str().into();
            let file = PlanFile::new(&plan);
            fs::create_dir(file.folder().join("sub")).unwrap();
            symlink(&outside, file.folder().join("link.json")).unwrap();
            symlink(elsewhere.path(), file.folder().join("linked")).unwrap();
            for command in ["backfill", "verify", "cutover-check"] {
                let run = ours_small(command, &file, EVER, &[]).expect_code(1);
                let says = format!("{path} lies outside of the plan's folder");
                assert_says(&run, &[&says, "--allow-outside"]);
                assert_holds(tsink, &tenant, &[]);
            }
            ours_small("backfill", &file, EVER, &["--allow-outside"]).expect_code(0);
            assert_holds(tsink, &tenant, &[("m", vec![(AT, 1)])]);
            ours_small("verify", &file, EVER, &["--allow-outside"]).expect_code(0);
        }
    });
}

#[test]
fn so_do_its_payloads() {
    on_tsink(|tsink| {
        let elsewhere = tempfile::tempdir().unwrap();
        let outside = elsewhere.path().join("some.lp");
        fs::write(&outside, line("out", AT, 2)).unwrap();
        let name = elsewhere.path().file_name().unwrap().to_str().unwrap();
        for (kind, path) in [
            ("absolute", outside.to_str().unwrap().to_owned()),
            ("relative", format!("../{name}/some.lp")),
            ("link", "link.lp".to_owned()),
        ] {
            let tenant = format!("payload-{kind}");
            let file = PlanFile::new(&influx(tsink, &tenant));
            fs::write(file.folder().join("some.lp"), line("in", AT, 3)).unwrap();
            symlink(&outside, file.folder().join("link.lp")).unwrap();
            // A link that stays inside is a file as any other.
            symlink("some.lp", file.folder().join("own.lp")).unwrap();
            let at = |path: &str| json!({ "path": path, "received_at_ms": AT });
            manifest_file(&file, &[at("own.lp"), at(&path)]);
            let run = ours_small("backfill", &file, EVER, &[]).expect_code(1);
            let says = format!("{path} lies outside of the plan's folder");
            assert_says(&run, &[&says, "--allow-outside", "entry 1 on line"]);
            assert_holds(tsink, &tenant, &[]);
            ours_small("backfill", &file, EVER, &["--allow-outside"]).expect_code(0);
            assert_holds(tsink, &tenant, &[("in", vec![(AT, 3)]), ("out", vec![(AT, 2)])]);
        }
    });
}

#[test]
fn what_is_no_recording_is_told() {
    on_tsink(|tsink| {
        let file = files(&influx(tsink, "none"), &[]);
        fs::remove_file(file.folder().join("capture.json")).unwrap();
        let run = ours_small("backfill", &file, EVER, &[]).expect_code(1);
        assert_says(&run, &["the recording capture.json cannot be read: capture.json is not there"]);
        fs::create_dir(file.folder().join("capture.json")).unwrap();
        let run = ours_small("backfill", &file, EVER, &[]).expect_code(1);
        assert_says(&run, &["the recording capture.json cannot be read"]);
        fs::remove_dir(file.folder().join("capture.json")).unwrap();
        for (text, word) in
            [("", "line 1"), ("{}", "line 1"), ("[{]", "line 1"), ("\n\ncpu value=1", "line 3")]
        {
            fs::write(file.folder().join("capture.json"), text).unwrap();
            let run = ours_small("backfill", &file, EVER, &[]).expect_code(1);
            assert_says(&run, &[word, "nothing is written"]);
        }
        assert_holds(tsink, "none", &[]);
    });
}

/// Entries of which some cannot be read.
struct Mixed {
    entries: Vec<Value>,
    /// What is good of them.
    good: Vec<(i64, u32)>,
    /// Each bad one with a word of what is said of it.
    bad: Vec<(u64, &'static str)>,
}

fn mixed(file: &PlanFile) -> Mixed {
    let broken = conformance::recordings::gzip(line("m", AT + 9, 9).as_bytes());
    fs::write(file.folder().join("broken.gz"), &broken[..broken.len() - 6]).unwrap();
    let entries = vec![
        body(&line("m", AT, 1)),
        json!({ "body": line("m", AT + 9, 9) }),
        json!({ "path": "gone.lp", "received_at_ms": AT }),
        json!({ "body": "a", "path": "b", "received_at_ms": AT }),
        json!({ "received_at_ms": AT }),
        json!({ "body_base64": "***", "received_at_ms": AT }),
        json!({ "path": "broken.gz", "received_at_ms": AT }),
        json!({ "path": ".", "received_at_ms": AT }),
        json!(7),
        json!({ "body": "m value=5", "received_at_ms": AT + 5, "query_params": {} }),
    ];
    let bad = vec![
        (1, "received_at_ms"),
        (2, "gone.lp is not there"),
        (3, "more than one payload"),
        (4, "payload"),
        (5, "base64"),
        (6, "gzip"),
        (7, "."),
        (8, "object"),
    ];
    Mixed { entries, good: vec![(AT, 1), (AT + 5, 5)], bad }
}

#[test]
fn bad_entries_stop_a_strict_run_only() {
    on_tsink(|tsink| {
        let mut plan = influx(tsink, "strict");
        let file = PlanFile::new(&plan);
        let Mixed { entries, good, bad } = mixed(&file);
        manifest_file(&file, &entries);
        let check = |run: &Run, report: &Value| {
            let recording = &report["recording"];
            assert_eq!((&recording["entries"], &recording["bad_entries"]), (&json!(10), &json!(bad.len())));
            for ((entry, word), told) in bad.iter().zip(recording["bad"].as_array().unwrap()) {
                assert_eq!(told["entry"], *entry, "{told}");
                assert!(told["problem"].as_str().unwrap().contains(word), "{word} {told}");
                assert!(!told["remedy"].as_str().unwrap().is_empty(), "{told}");
                let opens = fs::read_to_string(file.folder().join("capture.json")).unwrap();
                let line =
                    opens.lines().nth(told["line"].as_u64().unwrap() as usize - 1).unwrap().trim().to_owned();
                assert!(line == "{" || line.starts_with('7'), "{told} is not on the line {line:?}");
            }
            assert!(run.markdown().contains("gone.lp"), "{}", run.markdown());
        };
        let run = ours_small("backfill", &file, EVER, &[]).expect_code(1);
        check(&run, &run.report()["preflight"]);
        assert_says(&run, &["8 entries of the manifest cannot be read", "options.strict"]);
        assert_holds(tsink, "strict", &[]);
        let run = ours_small("backfill", &file, EVER, &["--dry-run"]).expect_code(1);
        check(&run, &run.report());

        plan["options"] = json!({ "strict": false });
        fs::write(file.path(), plan.to_string()).unwrap();
        let run = ours_small("backfill", &file, EVER, &[]).expect_code(0);
        check(&run, &run.report()["preflight"]);
        assert_holds(tsink, "strict", &[("m", good)]);
        ours_small("verify", &file, EVER, &[]).expect_code(0);
    });
}

#[test]
fn a_manifest_that_breaks_off_counts_up_to_there() {
    on_tsink(|tsink| {
        let mut plan = influx(tsink, "broken");
        let file = PlanFile::new(&plan);
        let entries: Vec<Value> = (0..40).map(|at| body(&line("m", AT + at, 1))).collect();
        let text = serde_json::to_string_pretty(&entries).unwrap();
        let cut = text.len() / 2;
        fs::write(file.folder().join("capture.json"), &text[..cut]).unwrap();
        let whole = text[..cut].matches('}').count();
        let lines = text[..cut].lines().count();
        let run = ours_small("backfill", &file, EVER, &[]).expect_code(1);
        assert_says(&run, &["nothing behind it can be read", &format!("byte {cut}")]);
        let bad = &run.report()["preflight"]["recording"]["bad"][0];
        assert_eq!((&bad["entry"], bad["line"].as_u64()), (&Value::Null, Some(lines as u64)), "{bad}");
        assert_holds(tsink, "broken", &[]);
        plan["options"] = json!({ "strict": false });
        fs::write(file.path(), plan.to_string()).unwrap();
        ours_small("backfill", &file, EVER, &[]).expect_code(0);
        assert_holds(tsink, "broken", &[("m", (0..whole as i64).map(|at| (AT + at, 1)).collect())]);
        ours_small("verify", &file, EVER, &[]).expect_code(0);
    });
}

/// Graphite lines of so many bytes at least: a sample a second of a series with a long tag, full of what JSON
/// escapes and of what takes several bytes.
fn large(path: &str, bytes: usize) -> (String, Vec<(i64, u32)>) {
    let (mut text, mut samples) = (String::new(), Vec::new());
    while text.len() < bytes {
        let number = samples.len() as u32;
        let at = AT + i64::from(number) * 1000;
        samples.push((at, number));
        text += &format!("{path} {number} {}\n", at / 1000);
    }
    (text, samples)
}

#[test]
fn bodies_of_any_length_are_read() {
    on_tsink(|tsink| {
        // Longer than what the reader holds of a body: text, and the same as base64, with entries around them.
        let file = PlanFile::new(&plan(Protocol::Graphite, &tsink.url(), "large", &[EVERYTHING]));
        let tag = "ü\"\\€\u{1f980}".repeat(600);
        let paths = ["in_body", "in_base64", "in_file"].map(|name| format!("{name};pad={tag}"));
        let (text, in_body) = large(&paths[0], 17 << 20);
        let (base64, in_base64) = large(&paths[1], 13 << 20);
        let (zipped, in_file) = large(&paths[2], 20 << 20);
        let small = "small 1 1700000000\n";
        let entries: Vec<Value> = [
            entry(&file, Form::Body, "first", small.as_bytes()),
            entry(&file, Form::Body, "large", text.as_bytes()),
            entry(&file, Form::Base64, "large", base64.as_bytes()),
            entry(&file, Form::GzipFile, "large", zipped.as_bytes()),
            entry(&file, Form::Body, "last", small.replace(" 1 ", " 2 ").as_bytes()),
        ]
        .into_iter()
        .map(|mut entry| {
            entry["received_at_ms"] = AT.into();
            entry
        })
        .collect();
        manifest_file(&file, &entries);
        for number in [1, 2] {
            let fields = entries[number].as_object().unwrap().values();
            let longest = fields.filter_map(Value::as_str).map(str::len).max();
            assert!(longest.unwrap() > 16 << 20, "entry {number} has {longest:?} bytes");
        }
        let run = ours("backfill", &file, EVER, &[]).expect_code(0);
        let samples = in_body.len() + in_base64.len() + in_file.len() + 2;
        let recording = &run.report()["preflight"]["recording"];
        assert_eq!((&recording["samples"], &recording["refused"]), (&json!(samples), &json!(0)));
        let bytes = text.len() + base64.len() + zipped.len() + 2 * small.len();
        assert_eq!(recording["payload_bytes"], bytes);
        let expected = [
            (paths[0].as_str(), in_body),
            (paths[1].as_str(), in_base64),
            (paths[2].as_str(), in_file),
            ("small", vec![(AT, 1), (AT, 2)]),
        ];
        assert_same(
            tsink,
            "large",
            &holding("Graphite plaintext sample coerced to gauge samples", &expected),
        );
        ours("verify", &file, EVER, &[]).expect_code(0);
    });
}

/// Samples that the target stores of a metric, each as often as it is there.
fn stored(tsink: &Tsink, tenant: &str, metric: &str) -> Vec<i64> {
    let series = tsink.endpoint(tenant).read_metric(metric, EVER.0, EVER.1).unwrap();
    series.iter().flat_map(|series| series.samples.iter().map(|sample| sample.timestamp)).collect()
}

#[test]
fn a_run_that_is_killed_is_completed_by_the_next() {
    on_tsink(|tsink| {
        let mut plan = influx(tsink, "killed");
        // Many slabs, each written late: there is time to kill it in between.
        plan["options"] = json!({ "slab_samples": 500 });
        let file = PlanFile::new(&plan);
        let all: Vec<(i64, u32)> = (0..20_000).map(|at| (AT + i64::from(at) * 1000, at)).collect();
        let entries: Vec<Value> = all
            .chunks(1000)
            .map(|chunk| {
                body(&chunk.iter().map(|(at, value)| line("m", *at, *value)).collect::<Vec<_>>().join("\n"))
            })
            .collect();
        let faults = Faults {
            path: "/api/v1/write",
            first: 4,
            every: 1,
            times: usize::MAX,
            fault: Fault::Late(Duration::from_millis(150)),
        };
        let proxy = FaultProxy::start(tsink.port(), faults).unwrap();
        let mut slow = plan.clone();
        redirect(&mut slow, "target", &tsink.url(), &proxy.url());
        fs::write(file.path(), slow.to_string()).unwrap();
        manifest_file(&file, &entries);
        let mut child = ours_started("backfill", &file, EVER);
        let started = Instant::now();
        while stored(tsink, "killed", "m").is_empty() {
            assert!(started.elapsed() < Duration::from_secs(60), "nothing arrives");
            assert!(child.try_wait().unwrap().is_none(), "it has ended by itself");
            std::thread::sleep(Duration::from_millis(5));
        }
        child.kill().unwrap();
        assert!(!child.wait().unwrap().success());
        let before = stored(tsink, "killed", "m").len();
        assert!(before > 0 && before < all.len(), "{before} samples were written");

        fs::write(file.path(), plan.to_string()).unwrap();
        let run = ours("backfill", &file, EVER, &[]).expect_code(0);
        let line = run.report()["balance"]["samples"].clone();
        let (there, written) = (line["already_there"].as_u64().unwrap(), line["written"].as_u64().unwrap());
        // What was on its way when the command was killed may have arrived after we looked.
        assert!(there >= before as u64, "{line}");
        assert_eq!(there + written, all.len() as u64, "{line}");
        let times: Vec<i64> = all.iter().map(|(at, _)| *at).collect();
        assert_eq!(stored(tsink, "killed", "m"), times, "each of them once");
        assert_holds(tsink, "killed", &[("m", all)]);
        ours("verify", &file, EVER, &[]).expect_code(0);
    });
}
