//! Hidden hosts and label values: consistent, deterministic, and nothing of them left in any format.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

#[path = "report/fixtures.rs"]
mod fixtures;

use proptest::prelude::*;
use serde_json::Value;
use tsink_migrate_engine::plan::Redaction;
use tsink_migrate_engine::report::{self, Report};

fn redaction(hosts: bool, labels: &[&str]) -> Redaction {
    Redaction { hosts, labels: labels.iter().map(|label| (*label).to_owned()).collect() }
}

/// Changes every text of a report that may be any.
fn change(report: &Report, change: &mut dyn FnMut(&str, &str) -> String) -> Report {
    fn walk(value: &mut Value, at: &str, change: &mut dyn FnMut(&str, &str) -> String) {
        match value {
            Value::String(text) => {
                let words = ["command", "status", "level", "kind", "side", "source_kind", "flag", "cells"];
                if !words.contains(&at) {
                    *text = change(at, text);
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| walk(item, at, change)),
            Value::Object(fields) => {
                // The reasons of a balance and the shapes of a recording are names of fields.
                if matches!(at, "rejected" | "shapes") {
                    *fields = std::mem::take(fields)
                        .into_iter()
                        .map(|(name, count)| (change("key", &name), count))
                        .collect();
                }
                fields.iter_mut().for_each(|(name, value)| walk(value, name, change));
            }
            _ => {}
        }
    }
    let mut value = serde_json::from_str(&report::json(report)).unwrap();
    walk(&mut value, "", change);
    report::read(&value.to_string()).unwrap()
}

/// Every format of a report.
fn formats(report: &Report) -> [String; 4] {
    [report::json(report), report::markdown(report), report::html(report), report::console(report)]
}

/// A verification whose only note is a text.
fn told(text: &str) -> Report {
    let mut report = fixtures::verify(true);
    report.run.source = "http://prom.eu-1.example:9090/".to_owned();
    report.run.target = "https://tsink:9201/".to_owned();
    report.notes = vec![text.to_owned()];
    Report::Verify(report)
}

fn note(text: &str, redaction: &Redaction) -> String {
    match told(text).redacted(redaction) {
        Report::Verify(report) => report.notes[0].clone(),
        _ => unreachable!(),
    }
}

#[test]
fn hosts_have_one_stand_in_throughout() {
    let hosts = redaction(true, &[]);
    let Report::Verify(report) = told("").redacted(&hosts) else { unreachable!() };
    assert_eq!(
        (report.run.source.as_str(), report.run.target.as_str()),
        ("http://host-1/", "https://host-2/")
    );
    for (text, expected) in [
        ("dial tcp PROM.eu-1.example:9090: refused", "dial tcp host-1: refused"),
        (
            "prom.eu-1.example, a.prom.eu-1.example and xprom.eu-1.example",
            "host-1, a.host-1 and xprom.eu-1.example",
        ),
        ("http://prom.eu-1.example:9091/a?b", "http://host-3/a?b"),
        (r#"up{instance="prom.eu-1.example:9090"}"#, r#"up{instance="host-1"}"#),
        ("lookup db.internal:53 and 10.0.0.7:9100, 10.0.0.7", "lookup host-3 and host-4, host-4"),
        (
            "at [2001:db8::1]:9090, http://[2001:db8::1]:9090/ and 2001:db8::1",
            "at host-3, http://host-3/ and host-3",
        ),
        ("https://user:pw@other.example:1/", "https://user:pw@host-3/"),
        // The server's name where it stands as one, and not in our own words.
        (
            "tsink 0.10.2 at https://tsink:9201/api, tsink:9201 and \"tsink\"",
            "tsink 0.10.2 at https://host-2/api, host-2 and \"host-2\"",
        ),
        (
            "2025-11-19T00:00:00.123Z, 1.5e3, 99.9 %, Prometheus 2.42.0, rate(x[5m:1m]), a:b:c5m",
            "2025-11-19T00:00:00.123Z, 1.5e3, 99.9 %, Prometheus 2.42.0, rate(x[5m:1m]), a:b:c5m",
        ),
        ("could not reach prom.eu-1.exa…", "could not reach host-1…"),
        ("host-3 and http://host-3:1/", "host-4 and http://host-4/"),
    ] {
        assert_eq!(note(text, &hosts), expected);
    }
    assert_eq!(note("http://prom.eu-1.example/", &redaction(false, &["job"])), "http://prom.eu-1.example/");
}

#[test]
fn label_values_have_one_stand_in_throughout() {
    let labels = redaction(false, &["instance", "my.label"]);
    for (text, expected) in [
        (
            r#"up{job="a",instance="web-7"} and web-7, web-71, xweb-7"#,
            r#"up{job="a",instance="instance-1"} and instance-1, web-71, xweb-7"#,
        ),
        (
            r#"{instance=~"web-.*|db-1", instance!="x", instance!~'y'}"#,
            r#"{instance=~"instance-1", instance!="instance-2", instance!~'instance-3'}"#,
        ),
        (r#"{"my.label"="secret one"}: secret one"#, r#"{"my.label"="my.label-1"}: my.label-1"#),
        (
            r#"{instance="a\"b\\"} then {instance="c"}"#,
            r#"{instance="instance-1"} then {instance="instance-2"}"#,
        ),
        (r#"said \"up{instance=\"web-7\"}\" twice"#, r#"said \"up{instance=\"instance-1\"}\" twice"#),
        (r#"{"instance":"web-7","code":7}"#, r#"{"instance":"instance-1","code":7}"#),
        ("cpu,host=a,instance=web-7 value=1", "cpu,host=a,instance=instance-1 value=1"),
        ("hits:1|c|#env:a,instance:web-7", "hits:1|c|#env:a,instance:instance-1"),
        ("a.b.c;instance=web-7 1 2", "a.b.c;instance=instance-1 1 2"),
        // A number is hidden where it is a value, and is a number elsewhere.
        (r#"{instance="500"} 500 samples, "500""#, r#"{instance="instance-1"} 500 samples, "instance-1""#),
        // What was cut is the whole's, or nobody's.
        (
            r#"{instance="web-7-long"} {instance="web-7-lo…: missing"#,
            r#"{instance="instance-1"} {instance="instance-1…: missing"#,
        ),
        (r#"{instance="web-8-lo…: missing"#, r#"{instance="hidden"#),
        ("by (instance) and instance == 5", "by (instance) and instance == 5"),
        (r#"{other_instance="web-7"}"#, r#"{other_instance="web-7"}"#),
        (r#"{instance=""}"#, r#"{instance=""}"#),
        (r#"{instance="instance-1"} {instance="b"}"#, r#"{instance="instance-2"} {instance="instance-3"}"#),
    ] {
        assert_eq!(note(text, &labels), expected, "{text}");
    }
}

#[test]
fn metric_names_can_be_hidden_too() {
    let report = Report::Verify(fixtures::explored()).redacted(&redaction(false, &["__name__"]));
    let Report::Verify(verify) = &report else { unreachable!() };
    let check = &verify.raw_checks[0];
    assert_eq!(check.selector, "__name__-1");
    assert_eq!(check.findings[0].series, r#"__name__-1{instance="10.1.0.9:9100"}"#);
    assert_eq!(check.findings[2].series, "__name__-2");
    assert!(!formats(&report).iter().any(|format| format.contains("node_load1")));
}

#[test]
fn nothing_is_changed_without_being_asked() {
    for (name, document) in fixtures::all() {
        let same = document.redacted(&Redaction::default());
        assert_eq!(report::json(&same), report::json(&document), "{name}");
        let same = document.redacted(&redaction(false, &["not_there", ""]));
        assert_eq!(report::json(&same), report::json(&document), "{name}");
    }
}

/// A host and a label value in every text: no field is forgotten.
#[test]
fn every_text_of_every_report_is_looked_at() {
    let hide = redaction(true, &["zone"]);
    for (name, document) in fixtures::all() {
        let full = change(&document, &mut |_, text| {
            format!(r#"{text} at http://hush.example:9090/ on hush.example, {{zone="whisper"}} whisper"#)
        });
        assert!(formats(&full).iter().any(|format| format.contains("hush") && format.contains("whisper")));
        let hidden = full.redacted(&hide);
        for format in formats(&hidden) {
            assert!(!format.contains("hush") && !format.contains("whisper"), "{name}");
        }
        assert_eq!(report::json(&hidden), report::json(&full.redacted(&hide)), "{name}: deterministic");
        assert_eq!(hidden.status(), full.status());
    }
}

#[test]
fn the_fixtures_hosts_and_jobs_go() {
    let hide = redaction(true, &["job", "instance", "path"]);
    for (name, document) in fixtures::all() {
        for format in formats(&document.redacted(&hide)) {
            for host in ["prometheus:9090", "tsink:9201", "target.example", "source.example", "10.1.0.9"] {
                assert!(!format.contains(host), "{name} has {host}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_original_is_left(
        hosts in proptest::collection::vec("[a-z][a-z0-9]{3,8}(-[a-z0-9]{1,4})?\\.[a-z]{2,6}(:[1-9][0-9]{1,4})?", 1..4),
        values in proptest::collection::vec("[a-zA-Z][a-zA-Z0-9 ./\"\\\\é-]{3,14}[a-z0-9]", 1..4),
        at in 0usize..1000,
    ) {
        // Something that no text of ours holds.
        let hosts: Vec<String> = hosts.iter().map(|host| format!("qz{host}")).collect();
        let values: Vec<String> = values.iter().map(|value| format!("Qz{value}")).collect();
        let mut count = at;
        // Each is known from somewhere; a bare name that stands nowhere else might be any word.
        let mut report = fixtures::signed();
        report.notes.extend(hosts.iter().map(|host| format!("http://{host}/")));
        report.notes.extend(values.iter().map(|value| format!("{{zone={value:?}}}")));
        let document = change(&Report::Cutover(report), &mut |_, text| {
            count += 1;
            let (host, value) = (&hosts[count % hosts.len()], &values[count % values.len()]);
            let quoted = format!("{{zone={:?}}}", value);
            match count % 6 {
                0 => format!("{text} https://{host}/a {quoted}"),
                1 => format!("{text} {quoted}: no such zone {value}"),
                2 => format!("{quoted} {text}"),
                3 => format!("{text} ({host}) refused, \"{value}\""),
                4 => serde_json::json!({ "zone": value, "said": text }).to_string(),
                _ => text.to_owned(),
            }
        });
        let hidden = document.redacted(&redaction(true, &["zone"]));
        // As texts hold them: also escaped.
        let json = report::json(&hidden);
        prop_assert!(!json.contains("Qz"), "{}", json.find("Qz").map_or("", |at| &json[at.saturating_sub(60)..at + 40]));
        prop_assert!(!json.contains("qz"), "{}", json.find("qz").map_or("", |at| &json[at.saturating_sub(60)..at + 40]));
        for format in formats(&hidden) {
            prop_assert!(!format.contains("Qz") && !format.contains("qz"));
        }
    }
}
